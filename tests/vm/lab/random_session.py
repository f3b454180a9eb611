# SPDX-License-Identifier: GPL-2.0-or-later
"""One random session: boot a random machine, act, and keep every answer of the guest.

What is kept is a file of JSON lines: the session, then a line a step with its words and the
guest's answer.  Judging reads it (random_case.py), now or with a later model.
"""

import json
import lzma
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional, Sequence, TextIO

from . import device
from .base import LabError
from .guest import Refused
from .kernels import Kernel
from .random_actions import Chooser, Words, commands
from .random_guest import SessionGuest
from .random_machine import Draw, draw_machine
from .random_case import written
from .random_state import Function, State, conflict

RECALL = {"remove_rescan": 44, "several": 8, "remove": 4, "rescan_only": 4, "write_buses": 12,
          "write_chassis": 6, "write_windows": 10, "resize": 16, "resize_again": 6, "sriov": 12,
          "heal": 4, "empty_bus": 2, "align": 3}
FAVOUR = 10  # times as often
HOT = {"hot_add": 14, "hot_remove": 6}
ALIGNMENTS = 6  # more text than 255 bytes cannot be told, and who was named has to stay so
STEP_LIMIT = 120.0


class Over(Exception):
    """The session ends here, for a reason that is told."""


@dataclass
class Ended:
    """What became of a session."""

    steps: int
    reason: str
    refused: bool  # by QEMU: the card that was drawn is none


@dataclass
class Session:
    """A session under way."""

    guest: SessionGuest
    draw: Draw
    rng: random.Random
    out: TextIO
    favoured: Sequence[str] = ()
    steps: int = 0
    hidden: dict[str, Function] = field(default_factory=dict)  # by place: what is there and not shown
    alignments: list[str] = field(default_factory=list)  # what was asked for, one after the other
    tried: set[str] = field(default_factory=set)  # places that were hidden when all was scanned last

    def keep(self, **line: Any) -> None:
        """One line of the recording."""
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()

    def note_hidden(self, before: State, words: list[Words], unplugged: Optional[str]) -> None:
        """Functions that went away stay plugged in, unless they were unplugged."""
        now = self.guest.state.paths()
        gone = {path: written(function, words) for path, function in before.paths().items() if not function.physfn}
        self.hidden = {path: function for path, function in {**self.hidden, **gone}.items() if path not in now
                       and not (unplugged and path.startswith(unplugged + "/"))}

    def step(self, kind: str, words: list[Words], told: list[str], unplugged: Optional[str] = None,
             **more: Any) -> None:
        """Do it, see what became of it, and keep that."""
        before = self.guest.state
        self.guest.tell(told, STEP_LIMIT)
        self.note_hidden(before, words, unplugged)
        self.steps += 1
        self.keep(kind=kind, words=words, answer=self.guest.answer, **more)
        broken = self.guest.state.broken()
        if broken:
            raise Over(f"the kernel: {broken}")
        twice = conflict([*self.guest.state.functions.values(), *self.hidden.values()])
        if twice:
            raise Over(twice)

    # ---- what QEMU has to do with ----

    def port_of(self, port: str) -> Optional[str]:
        """Address of a port by its id, when the guest shows it and pciehp has it."""
        found = self.guest.state.paths().get(self.guest.machine.paths[port])
        return found.address if found and found.driver == "pcieport" and found.buses()[1] else None

    def ports(self) -> list[str]:
        """Ids of the ports that can be plugged into, and are shown."""
        return [port for port in self.guest.machine.slots
                if port not in self.guest.machine.fixed and self.port_of(port)]

    def occupied(self, port: str) -> bool:
        """Whether there is anything in a slot, shown or not."""
        place = self.guest.machine.paths[port] + "/"
        return any(path.startswith(place) for path in self.guest.machine.paths.values())

    def hot_add(self) -> bool:
        """A card into an empty slot; waits until the kernel has added its last function."""
        empty = [port for port in self.ports() if not self.occupied(port)]
        if not empty:
            return False
        port = self.rng.choice(empty)
        address = self.port_of(port)
        _, bus, last = self.guest.state.functions[address].buses()
        known = len(self.draw.objects)
        rows = self.draw.newcomer(buses=last > bus)
        try:
            self.guest.plug(rows, self.draw.objects[known:], port)
        except Refused as error:
            self.keep(kind="refused", words=[], answer="", reason=str(error))
            raise
        function = rows[-1].get("addr", "0.0")
        self.step("hot_add", [("plug", address)], [f"wait /proc/bus/pci/{bus:02x}/0{function}"],
                  card=rows)
        return True

    def hot_remove(self, full: Optional[list[str]] = None) -> bool:
        """The slot's power is taken: QEMU then takes the card out."""
        full = full or [port for port in self.ports() if self.occupied(port)]
        if not full:
            return False
        port = self.rng.choice(full)
        address = self.port_of(port)
        bus = self.guest.state.functions[address].buses()[1]
        place = self.guest.machine.paths[port]
        for name, path in list(self.guest.machine.paths.items()):
            if path.startswith(place + "/"):
                del self.guest.machine.paths[name]
                self.guest.machine.slots.pop(name, None)
        self.step("hot_remove", [("unplug", address)], [f"power-off 0000:{bus:02x}:00"], unplugged=place)
        return True

    def without_bus(self) -> list[str]:
        """Ports with a bridge that got no bus numbers (KERNEL M11): its table has no lines for windows."""
        paths = self.guest.state.paths()
        places = {port: self.guest.machine.paths[port] + "/00.0" for port in self.ports()}
        return [port for port, place in places.items()
                if place in paths and paths[place].is_bridge() and len(paths[place].lines) < 17]

    # ---- any action ----

    def act(self, chooser: Chooser) -> None:
        """One random action."""
        if self.hidden and self.rng.random() < (0.1 if set(self.hidden) == self.tried else 0.5):
            self.step("rescan_only", [("rescan-all",)], commands(("rescan-all",)))
            self.tried = set(self.hidden)
            return
        if self.rng.random() < 0.3 and self.without_bus():  # one such card is a case, forty actions with it are not
            self.hot_remove(self.without_bus())
            return
        hot = self.rng.random() * (FAVOUR if self.favoured else 1) * 100
        doing: list[tuple[int, Callable[[], bool]]] = [(HOT["hot_add"], self.hot_add), (HOT["hot_remove"], self.hot_remove)]
        for weight, method in doing:
            hot -= weight
            if hot < 0:
                if method():
                    return
                break
        weights = {kind: weight * (FAVOUR if kind in self.favoured else 1) for kind, weight in RECALL.items()}
        kind, words = chooser.draw(self.guest.state, weights)
        told = [command for word in words for command in self.told(word)]
        if kind == "align" and len(self.alignments) < ALIGNMENTS:
            self.alignments.append(chooser.alignment(self.guest.state, words[0][1]))
            text = ";".join(self.alignments)
            self.step(kind, words, [f"store /sys/bus/pci/resource_alignment {text}", *told], alignments=text)
            return
        self.step(kind, words, told)

    def told(self, words: Words) -> list[str]:
        """Commands of an action; the rescan file of a bus needs the bus."""
        if words[0] == "rescan-bus":
            bus = self.guest.state.functions[words[1]].buses()[1]
            return [f"store /sys/class/pci_bus/0000:{bus:02x}/rescan 1"]
        return commands(words)


def run(seed: int, kernel: Kernel, actions: int, place: Path, favoured: Sequence[str] = ()) -> Ended:
    """A session of that many actions, recorded; some kinds of them more often."""
    plan, draw = draw_machine(seed, device.refusal() is None, favoured)
    rng = random.Random(f"actions {seed}")
    reason, refused = "done", False
    start = time.monotonic()
    with open(place / "session.jsonl", "w", encoding="utf-8") as out, SessionGuest(plan, kernel, place) as guest:
        session = Session(guest, draw, rng, out, favoured)
        session.keep(seed=seed, generation=kernel.generation, release=kernel.release, plan=asdict(plan),
                     command_line=guest.argv[guest.argv.index("-append") + 1])
        chooser = Chooser(rng)
        try:
            session.step("boot", [], [])
            while session.steps <= actions:
                session.act(chooser)
        except (Over, LabError) as error:
            reason, refused = str(error), isinstance(error, Refused)
        session.keep(kind="end", words=[], answer="", reason=reason, seconds=round(time.monotonic() - start, 1))
    (place / "initrd.cpio").unlink(missing_ok=True)
    return Ended(session.steps - 1, reason, refused)


def pack(place: Path, target: Path) -> None:
    """The recording, compressed, under its final name."""
    part = target.with_suffix(".part")
    part.write_bytes(lzma.compress((place / "session.jsonl").read_bytes(), preset=6))
    part.rename(target)
