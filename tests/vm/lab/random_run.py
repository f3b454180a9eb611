# SPDX-License-Identifier: GPL-2.0-or-later
"""Many random sessions: which are to be run, what the model says to each step, and the table.

Recordings and verdicts are files of a results directory, one a session, so that a run can be
resumed and recordings judged again with a later model.
"""

import collections
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterable, Iterator, Optional, Sequence

from . import initramfs, random_session
from .base import LabError, say
from .guest import NeverBooted, Refused
from .kernels import Kernel
from .random_case import Replay
from .random_machine import MODULES

VERDICTS = ("exact", "different", "doubt", "UNSOUND", "error")
LEFT_OUT = "left-out"
FILES_AT_ONCE = 200


@dataclass
class Results:
    """The results directory."""

    place: Path

    def session(self, generation: str, seed: int) -> Path:
        """Recording of a session."""
        return self.place / "sessions" / generation / f"{seed:08d}.jsonl.xz"

    def sessions(self) -> list[Path]:
        """Every recording."""
        return sorted(self.place.glob("sessions/*/*.jsonl.xz"))

    def verdicts(self, session: Path) -> Path:
        """What the model's program said of a recording."""
        return self.place / "verdicts" / session.parent.name / session.name.replace(".jsonl.xz", ".tsv")

    def case(self, name: str) -> Path:
        """A case that was not exact."""
        return self.place / "cases" / f"{name}.case"


@dataclass
class Tally:
    """Verdicts counted, by whatever key."""

    counts: dict[str, collections.Counter] = field(default_factory=dict)

    def add(self, key: str, verdict: str) -> None:
        """One more."""
        self.counts.setdefault(key, collections.Counter())[verdict] += 1

    def total(self) -> collections.Counter:
        """All keys together."""
        return sum(self.counts.values(), collections.Counter())

    def rows(self) -> list[str]:
        """Cases, sound, exact, doubts: a line a key and one for all."""
        lines = [f"{'':22} {'cases':>7} {'sound':>14} {'exact':>14} {'different':>9} {'doubts':>6} {'unsound':>7}"]
        for key, count in [*sorted(self.counts.items()), ("all", self.total())]:
            cases = sum(count.values())
            sound = cases - count["UNSOUND"] - count["error"]
            lines.append(f"{key:22} {cases:7} {sound:6} {share(sound, cases):>7} {count['exact']:6} "
                         f"{share(count['exact'], cases):>7} {count['different']:9} {count['doubt']:6} "
                         f"{count['UNSOUND'] + count['error']:7}")
        return lines


def share(part: int, whole: int) -> str:
    """A percentage that is not rounded up to 100."""
    return f"{int(10000 * part / whole) / 100:.2f}%" if whole else "-"


# ---- judging ----

def _replay(program: Path, files: list[str], how: str = "--judge") -> Iterator[tuple[str, str, str]]:
    """(name, verdict, first difference) of each file; "-" is none."""
    for start in range(0, len(files), FILES_AT_ONCE):
        names = files[start:start + FILES_AT_ONCE]
        done = subprocess.run([program, how, *names], capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        if done.returncode != 0 or len(lines) != len(names) - names.count("-"):
            raise LabError(f"{program}: status {done.returncode} after {len(lines)} of {len(names)} cases: "
                           f"{done.stderr.strip()[-500:]}")
        for line in lines:
            name, verdict, why = line.split("\t", 2)
            yield Path(name).stem, verdict, why


def judge(results: Results, program: Path, session: Path, log: bool = True) -> Tally:
    """Judge every step of a recording; keeps the verdicts, and the cases that are not exact.

    Without @log a case has only what sysfs shows of I/O windows without room.
    """
    tally = Tally()
    lines = []
    with tempfile.TemporaryDirectory(prefix="pciroom-cases-") as scratch:
        cases = {case.name: case for case in Replay(session, log).cases()}
        files = []
        lines += [f"{case.name}\t{case.kind}\t{LEFT_OUT}\t{case.left_out}\n" for case in cases.values() if case.left_out]
        for case in cases.values():
            if case.left_out:
                continue
            files.append(f"{scratch}/{case.name}.case")
            Path(files[-1]).write_text(case.text)
        for name, verdict, why in _replay(program, files):
            tally.add(cases[name].kernel, verdict)
            lines.append(f"{name}\t{cases[name].kind}\t{verdict}\t{why}\n")
            keep = results.case(name)
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.unlink(missing_ok=True)
            if verdict != "exact":
                keep.write_text(cases[name].text)
    target = results.verdicts(session)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(lines))
    return tally


def chain(program: Path, session: Path, tally: Tally) -> list[str]:
    """Judge a recording as one prediction; adds to the tally, returns what was not exact."""
    generation, found = session.parent.name, []
    with tempfile.TemporaryDirectory(prefix="pciroom-cases-") as scratch:
        files = []
        for case in Replay(session).cases():
            files.append("-" if case.left_out else f"{scratch}/{case.name}.case")
            if not case.left_out:
                Path(files[-1]).write_text(case.text)
        for name, verdict, why in _replay(program, files, "--chain"):
            linked = why.startswith("chained: ")
            tally.add(f"{generation} {'predicted' if linked else 'recorded'}", verdict)
            found += [f"{verdict:9} {name} {why}"] if linked and verdict != "exact" else []
    return found


def export(results: Results, names: list[str], target: Path) -> None:
    """Write cases of the recordings as files, exact ones too."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        generation, seed, _ = name.rsplit("-", 2)
        found = [case for case in Replay(results.session(generation, int(seed))).cases() if case.name == name]
        if not found or found[0].left_out:
            raise LabError(f"{name}: no such case in the recordings")
        (target / f"{name}.case").write_text(found[0].text)


def verdict_lines(results: Results) -> Iterator[tuple[str, str, str, str, str]]:
    """(kernel, case, kind, verdict, first difference) of everything judged so far."""
    for path in sorted(results.place.glob("verdicts/*/*.tsv")):
        for line in path.read_text().splitlines():
            name, kind, verdict, why = line.split("\t", 3)
            yield path.parent.name, name, kind, verdict, why


def table(results: Results) -> list[str]:
    """By kernel, and by kind of action."""
    kernels, kinds = Tally(), Tally()
    left_out: collections.Counter = collections.Counter()
    for kernel, _, kind, verdict, why in verdict_lines(results):
        if verdict == LEFT_OUT:
            left_out[re.sub(r"(/[^ ]*)+", "...", why)] += 1
            continue
        kernels.add(kernel, verdict)
        kinds.add(kind, verdict)
    return [*kernels.rows(), "", *kinds.rows(), "",
            *(f"{times:7} steps not judged: {why}" for why, times in left_out.most_common())]


def differences(results: Results) -> list[str]:
    """What was not exact, grouped by the words of its first difference: how often, where, the smallest case."""
    groups: dict[tuple[str, str, str], list[tuple[int, str, str]]] = {}
    for kernel, name, kind, verdict, why in verdict_lines(results):
        if verdict in ("exact", LEFT_OUT):
            continue
        words = re.sub(r"\b[0-9a-f]+-[0-9a-f]+\b", "RANGE", why.partition(": ")[2] or why)
        words = re.sub(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]+(?:[:.,][0-9a-f]+)+\b", "NUMBERS", words)
        groups.setdefault((verdict, kind, words), []).append((results.case(name).stat().st_size, kernel, name))
    lines = []
    for (verdict, kind, words), cases in sorted(groups.items(), key=lambda item: -len(item[1])):
        kernels = " ".join(sorted({kernel for _, kernel, _ in cases}))
        lines.append(f"{len(cases):5} {verdict:9} {kind:14} {words} ({kernels}; {min(cases)[2]})")
    return lines


# ---- running ----

@dataclass
class Wish:
    """What to run, and until when."""

    kernels: list[Kernel]
    seeds: Iterable[int]
    actions: int
    jobs: int = 1
    until: Optional[float] = None  # time.time()
    total: Optional[int] = None  # actions of each kernel, those judged before included
    favoured: Sequence[str] = ()  # kinds of actions that are drawn more often


@dataclass
class Runner:
    """Runs sessions, judges each as it ends, and counts."""

    results: Results
    program: Path
    wish: Wish
    tally: Tally = field(default_factory=Tally)
    done: collections.Counter = field(default_factory=collections.Counter)  # actions by kernel
    crashed: int = 0
    refused: int = 0  # by QEMU: errors of the generator
    hopeless: set[int] = field(default_factory=set)  # seeds of machines that do not boot

    def __post_init__(self) -> None:
        for kernel, _, _, verdict, _ in verdict_lines(self.results):
            self.done[kernel] += verdict != LEFT_OUT

    def wanted(self, kernel: Kernel) -> bool:
        """Whether there is time and need for a session more."""
        late = self.wish.until is not None and time.time() >= self.wish.until
        enough = self.wish.total is not None and self.done[kernel.generation] >= self.wish.total
        return not late and not enough

    def one(self, kernel: Kernel, seed: int) -> None:
        """A session, its verdicts, and a line on them; one that never booted is told and left."""
        target = self.results.session(kernel.generation, seed)
        if target.exists() or seed in self.hopeless or not self.wanted(kernel):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="pciroom-random-") as scratch:
            try:
                ended = random_session.run(seed, kernel, self.wish.actions, Path(scratch), self.wish.favoured)
            except NeverBooted as error:
                self.crashed += 1
                self.hopeless.add(seed)
                say(f"seed {seed} on {kernel.generation}: {error}")
                return
            except Refused as error:
                self.refused += 1
                self.hopeless.add(seed)
                say(f"seed {seed} on {kernel.generation}: not a machine: {error}")
                return
            except (LabError, OSError) as error:
                self.crashed += 1
                say(f"seed {seed} on {kernel.generation}: {error}")
                return
            random_session.pack(Path(scratch), target)
            self.refused += ended.refused
            if ended.reason != "done":
                shutil.copy(Path(scratch) / "console.log", target.with_suffix("").with_suffix(".console"))
        self._tell(kernel, seed, judge(self.results, self.program, target), time.monotonic() - start, ended)

    def _tell(self, kernel: Kernel, seed: int, tally: Tally, seconds: float, ended: random_session.Ended) -> None:
        count = tally.total()
        for verdict, times in count.items():
            for _ in range(times):
                self.tally.add(kernel.generation, verdict)
        self.done[kernel.generation] += sum(count.values())
        words = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict])
        why = "" if ended.reason == "done" else f"; {'not a card' if ended.refused else 'ended'}: {ended.reason[:100]}"
        say(f"seed {seed} on {kernel.generation}: {ended.steps} actions in {seconds:.0f} s: {words}{why}")

    def all(self) -> None:
        """Every kernel at every seed, seed by seed."""
        for kernel in self.wish.kernels:  # archives are built before two sessions want them at once
            initramfs.small_base()
            initramfs.modules(kernel, MODULES, merged=False)
        pairs = ((kernel, seed) for seed in self.wish.seeds for kernel in self.wish.kernels)
        with ThreadPoolExecutor(self.wish.jobs) as pool:
            running = set()
            for kernel, seed in pairs:
                if not any(self.wanted(other) for other in self.wish.kernels):
                    break
                running.add(pool.submit(self.one, kernel, seed))
                while len(running) >= self.wish.jobs:
                    running = self._collect(running)
            for job in running:
                job.result()

    @staticmethod
    def _collect(running: set) -> set:
        """Wait for a job, and tell what went wrong in it."""
        for job in running:
            if job.done():
                job.result()
                return running - {job}
        time.sleep(0.1)
        return running


def rejudge(results: Results, program: Path, jobs: int, log: bool = True,
            progress: Callable[[str], None] = say) -> Tally:
    """Every recording again, with the program as it is now."""
    shutil.rmtree(results.place / "cases", ignore_errors=True)
    sessions = results.sessions()
    with ThreadPoolExecutor(jobs) as pool:
        tallies = list(pool.map(lambda session: judge(results, program, session, log), sessions))
    total = Tally()
    for tally in tallies:
        for key, count in tally.counts.items():
            total.counts.setdefault(key, collections.Counter()).update(count)
    progress(f"{len(sessions)} sessions judged again")
    return total
