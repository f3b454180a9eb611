# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios on kernels, two at a time; keeps consoles and transcripts, and tells a failure whole."""

import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from . import initramfs
from .base import LabError, cache_dir, forget_unused, say
from .guest import Guest, NeverBooted
from .kernels import Kernel, fetch, load_generations
from .scenario import Failed, Run, Scenario, prepare, stamp

MEMORY = {"small": 768, "systemd": 1536}
APPEND = {"small": "quiet", "systemd": "quiet systemd.show_status=0"}


@dataclass
class Outcome:
    """What became of one scenario on one kernel."""

    name: str
    word: str
    seconds: float
    text: str = ""
    notes: str = ""


@dataclass
class Dice:
    """What a run leaves to chance: how many points, and the seed that gives the same ones again."""

    points: int = 3
    seed: int = 0

    def of(self, name: str) -> random.Random:
        """Of one scenario on one kernel, whatever else is run."""
        return random.Random(f"{self.seed}/{name}")


def boot(scenario: Scenario, kernel: Kernel, install: Optional[Path], place: Path) -> tuple[Guest, "object"]:
    """A guest ready to start and its machine."""
    place.mkdir(parents=True, exist_ok=True)
    machine = prepare(scenario, place)
    initrd = place / "initrd.cpio"
    initramfs.assemble(scenario.guest, kernel, install, initrd)
    append = f"{APPEND[scenario.guest]} {scenario.append}"
    guest = Guest(place, kernel.image, initrd, append, scenario.memory or MEMORY[scenario.guest],
                  [*scenario.qemu, *machine.arguments], scenario.acpi_hotplug)
    return guest, machine


def _report(guest: Guest) -> str:
    """What a person wants to read of a failure: the kernel's lines and the plan."""
    parts = []
    for title, command in (("kernel", "dmesg | grep -iE 'pci|BAR |window|e1000e|nvme|Call Trace|BUG' | tail -60"),
                           ("plan", "pciroom plan --local --verbose 2>&1 | tail -60"),
                           ("service", "journalctl -b -u pciroomd -u pciroom-helper --no-pager 2>/dev/null | tail -40")):
        try:
            parts.append(f"--- {title}\n{guest.run(command, 60).out}")
        except LabError as error:
            parts.append(f"--- {title}: {error}")
    return "\n".join(parts)


def _short(step: dict[str, Any]) -> str:
    """A step for a message; the inner steps of a repeat are named by the error."""
    return str({key: value for key, value in step.items() if key != "steps"})


def _attempt(scenario: Scenario, kernel: Kernel, install: Optional[Path], place: Path,
             dice: Dice) -> tuple[Optional[str], str]:
    """Boot and do all steps; None when all hold, else the failure; and what is to be told of the run."""
    guest, machine = boot(scenario, kernel, install, place)
    start = time.monotonic()
    with open(place / "transcript.log", "w", encoding="utf-8") as log, guest:
        run = Run(guest, machine, lambda text: print(stamp(start), text, file=log, flush=True), install, dice.points,
                  dice.of(f"{scenario.name}/{kernel.generation}"))
        run.transcript("booted")
        for number, step in enumerate(scenario.steps, 1):
            try:
                run.perform(step)
            except LabError as error:
                text = f"step {number} {_short(step)}: {error}\n{_report(guest)}"
                run.transcript(text)
                return text, ", ".join(run.notes)
    (place / "initrd.cpio").unlink()
    return None, ", ".join(run.notes)


def one(scenario: Scenario, kernel: Kernel, install: Optional[Path], results: Path, dice: Dice) -> Outcome:
    """One scenario on one kernel; a guest that never booted is started once more."""
    name = f"{scenario.name} on {kernel.generation}"
    place = results / f"{scenario.name}-{kernel.generation}"
    start = time.monotonic()
    notes = ""
    try:
        try:
            failure, notes = _attempt(scenario, kernel, install, place, dice)
        except NeverBooted as error:
            say(f"  {name}: {error}; starting it once more")
            failure, notes = _attempt(scenario, kernel, install, place, dice)
    except (LabError, Failed) as error:
        failure = str(error)
    except Exception as error:  # a bug of the laboratory is a failure, and is told
        failure = f"{type(error).__name__}: {error}"
    return Outcome(name, "FAILED" if failure else "ok", time.monotonic() - start, failure or "", notes)


def kernels(names: list[str]) -> tuple[dict[str, Kernel], dict[str, str]]:
    """The kernels wanted, and for those that cannot be had the reason."""
    rows = load_generations()
    have, missing = {}, {}
    for name in names:
        if name not in rows:
            raise LabError(f"unknown kernel generation {name}; known: {', '.join(rows)}")
        try:
            have[name] = fetch(rows[name])
        except LabError as error:
            if rows[name].mandatory:
                raise
            missing[name] = str(error)
    return have, missing


def one_kernel(name: str) -> Kernel:
    """The kernel of one generation, or a LabError with the reason that there is none."""
    have, missing = kernels([name])
    if name in missing:
        raise LabError(f"kernel {name}: {missing[name]}")
    return have[name]


def results_dir() -> Path:
    """A directory of this run alone: two runs at once must not share sockets."""
    parent = cache_dir() / "results"
    parent.mkdir(exist_ok=True)
    forget_unused(parent.iterdir())
    return Path(tempfile.mkdtemp(dir=parent, prefix=time.strftime("%Y%m%d-%H%M%S-")))


def run_all(jobs: int, work: list[tuple[Scenario, Kernel]],
            installs: dict[bool | str, Optional[Path]], dice: Dice) -> list[Outcome]:
    """Two at a time by default, longest kind first; a line each as it ends."""
    results = results_dir()
    work = sorted(work, key=lambda pair: pair[0].guest != "systemd")
    for kind in sorted({scenario.guest for scenario, _ in work}):
        initramfs.small_base() if kind == "small" else initramfs.systemd_base()

    def job(pair: tuple[Scenario, Kernel]) -> Outcome:
        outcome = one(*pair, installs[pair[0].pciroom], results, dice)
        say(f"{outcome.word:6} {outcome.seconds:5.0f} s  {outcome.name}: {pair[0].title}")
        if outcome.notes:
            say(f"  seed {dice.seed}: {outcome.notes}")
        if outcome.text:
            say("  " + outcome.text.replace("\n", "\n  "))
        return outcome

    say(f"consoles and transcripts: {results}")
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(job, work))
