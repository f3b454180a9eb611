# SPDX-License-Identifier: GPL-2.0-or-later
"""What people try after a dead hot-add, side by side: random trees, one hot-add each, every remedy.

A tree and its newcomer follow from a seed.  Each remedy gets a boot of its own, so that it starts
from the same damage.  Judged from sysfs alone, by code that shares nothing with pciroom.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from . import pci
from .base import LabError
from .guest import Guest
from .kernels import Kernel
from .runner import boot
from .scenario import Run, Scenario

Row = dict[str, Any]
REMEDIES = ("endpoint", "switch", "root port", "pciroom")
MEMORY_BARS = {"pci-testdev": (0, 2), "e1000e": (0, 1, 3), "nvme": (0,)}  # lines of `resource` of a whole card
DRIVERS = {"e1000e": "e1000e", "nvme": "nvme"}
RESCAN = "echo 1 >/sys/bus/pci/rescan"


@dataclass
class Trial:
    """One seed: a machine, the port that gets the newcomer, and the newcomer."""

    seed: int
    machine: list[Row]
    port: str
    newcomer: Row


@dataclass
class Verdict:
    """How the machine looks after the hot-add, or after a remedy."""

    dead: bool = False                              # the newcomer lacks a memory BAR
    lost: list[str] = field(default_factory=list)   # what siblings had before the hot-add and have not
    worse: list[str] = field(default_factory=list)  # of these, what the failed hot-add had left alone
    disturbed: int = 0                              # functions of before that were removed on the way
    said: str = ""                                  # a remedy's own words, when it declined


class _Draw:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"remedies {seed}")
        self.count = 0
        self.empty: list[str] = []

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def card(self) -> Row:
        device = self.rng.choice(("pci-testdev", "pci-testdev", "e1000e", "nvme"))
        row: Row = {"device": device, "id": self.name("c")}
        if device == "pci-testdev":
            row["membar"] = (1 << 20) * self.rng.choice((1, 2, 4, 8, 16, 32, 64, 128))
        elif device == "nvme":
            row["serial"] = self.name("s")
        else:
            row["romfile"] = ""
        return row

    def switch(self, depth: int) -> Row:
        ports = []
        for _ in range(self.rng.randint(2, 4)):
            port: Row = {"device": "xio3130-downstream", "id": self.name("d")}
            what = self.rng.random()
            if what < 0.25:
                self.empty.append(port["id"])
            elif what < 0.45 and depth:
                port["below"] = [self.switch(depth - 1)]
            else:
                port["below"] = [self.card()]
            ports.append(port)
        return {"device": "x3130-upstream", "id": self.name("u"), "below": ports}


def draw(seed: int) -> Trial:
    """Root ports with switches up to two deep; the newcomer goes to an empty port below a switch."""
    while True:
        pen = _Draw(seed)
        rows = [{"device": "pcie-root-port", "id": pen.name("r"), "below": [pen.switch(1)]}
                for _ in range(pen.rng.randint(1, 2))]
        if pen.empty:
            break
        seed += 1000003  # no empty port: the next tree of this seed
    newcomer = pen.card()
    if newcomer["device"] == "pci-testdev":
        newcomer["membar"] = (1 << 20) * pen.rng.choice((16, 64, 128, 256, 512))
    return Trial(seed, rows, pen.rng.choice(pen.empty), newcomer)


def _at(guest: Guest, path: str) -> str:
    return f"/sys/bus/pci/devices/{pci.look(guest)[path].address}"


def _by_hand(guest: Guest, path: str) -> str:
    """Remove and rescan, as scripts do it; nothing is left to say."""
    guest.check(f"echo 1 >{_at(guest, path)}/remove && {RESCAN}")
    return ""


def _pciroom(guest: Guest) -> str:
    done = guest.run("pciroom apply --local --yes")
    return "" if done.status == 0 else f"status {done.status}: {' '.join((done.out + done.err).split())}"


def _cure(run: Run, trial: Trial, remedy: str) -> str:
    """Do one remedy."""
    card = run.path(trial.newcomer["id"])
    if remedy == "pciroom":
        return _pciroom(run.guest)
    if remedy == "endpoint":
        return _by_hand(run.guest, card)
    above = card.split("/")
    return _by_hand(run.guest, "/".join(above[:2] if remedy == "root port" else above[:-2]))


def _settle(run: Run, before: dict[str, pci.Function]) -> None:
    """Drivers bind on their own time; one that does not come back is a loss, found later."""
    def bound() -> bool:
        now = pci.look(run.guest)
        return all(now[path].driver == old.driver for path, old in before.items() if path in now)

    try:
        run.guest.wait("drivers", bound, 20)
    except LabError:  # what is missing is told by losses()
        pass


def _judge(run: Run, trial: Trial, before: dict[str, pci.Function],
           damaged: Optional[dict[str, pci.Function]]) -> Verdict:
    """Compare with the moment before the hot-add, and with the one after it."""
    now, card = pci.look(run.guest), run.path(trial.newcomer["id"])
    bars = MEMORY_BARS[trial.newcomer["device"]]
    found = Verdict(dead=card not in now or not all(now[card].assigned(index) for index in bars))
    found.lost = pci.losses(before, now, {card}, True)
    if damaged is not None:
        already = set(pci.losses(before, damaged, {card}, True))
        found.worse = [line for line in found.lost if line not in already]
        found.disturbed = sum(path not in now or now[path].inode != old.inode
                              for path, old in damaged.items() if path != card)
    return found


def attempt(trial: Trial, kernel: Kernel, install: Path, place: Path, remedy: str) -> tuple[Verdict, Verdict]:
    """Boot, hot-add, remedy: the machine after the hot-add, and after the remedy."""
    scenario = Scenario(f"remedies-{trial.seed}", "", "small", [], trial.machine, [])
    guest, machine = boot(scenario, kernel, install, place)
    with open(place / "transcript.log", "w", encoding="utf-8") as log, guest:
        run = Run(guest, machine, lambda text: print(text, file=log, flush=True))
        _wait_drivers(run, trial.machine)
        before = pci.look(guest)
        run.perform({"hot-add": {**trial.newcomer, "port": trial.port}})
        _settle(run, before)
        damaged = pci.look(guest)
        first = _judge(run, trial, before, None)
        said = _cure(run, trial, remedy)
        _settle(run, before)
        last = _judge(run, trial, before, damaged)
        last.said = said
        run.transcript(f"{remedy}\nafter the hot-add: {first}\nafter the remedy: {last}\n")
        run.transcript(guest.run("dmesg | grep -E 'pci|BAR |window' | tail -200").out)
    (place / "initrd.cpio").unlink()
    return first, last


def _wait_drivers(run: Run, rows: list[Row]) -> None:
    for row in rows:
        if row["device"] in DRIVERS:
            run.perform({"expect": row["id"], "driver": DRIVERS[row["device"]]})
        _wait_drivers(run, row.get("below", []))
