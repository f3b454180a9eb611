# SPDX-License-Identifier: GPL-2.0-or-later
"""What guest/session.c says of the guest's PCI devices: one state after another.

An answer holds what has changed, so a state is made from the one before it.  Parsing is apart from
the guest, because recorded answers are read again without one.
"""

import re
from dataclasses import dataclass, field
from typing import Iterable, Optional

from . import pci

# What the kernel says of each BAR when it finds the device: "BAR 2 [mem 0x0-0xfff 64bit pref]".
FOUND = re.compile(r"^pci ([0-9a-f:.]+): (?:(VF )?BAR (\d)|(ROM)|reg (0x[0-9a-f]+):) "
                   r"\[(io|mem) +(0x[0-9a-f]+)-(0x[0-9a-f]+)([^\]]*)\](.*)$")
ANEW = re.compile(r"^pci ([0-9a-f:.]+): \[[0-9a-f]{4}:[0-9a-f]{4}\] type ")
# The size that an I/O window asked for or had: since 6.18 the kernel keeps it, and shows zeros.
IO_WINDOW = re.compile(r"^\S+ ([0-9a-f:.]+): bridge window \[io +(?:size (0x[0-9a-f]+)|(0x[0-9a-f]+)-(0x[0-9a-f]+))\]: "
                       r"(failed to assign|releasing|assigned)")
BUSES = re.compile(r"^pci_bus ([0-9a-f]{4}:[0-9a-f]{2}): root bus resource \[bus ([0-9a-f]{2})-([0-9a-f]{2})\]")
# The kernel itself went wrong: what follows says nothing of its allocator.  Complaints of a busy host
# (stalls, lockups) do not count.
BROKEN = re.compile(r"BUG: (kernel NULL|unable to handle)|kernel BUG at|Oops|general protection")


EXTENDED, SRIOV, REBAR = 0x100, 0x10, 0x15


@dataclass
class Rebar:
    """A Resizable BAR as its registers have it (PCIe 7.8.6)."""

    index: int
    control: int  # where the control register is
    sizes: list[int]  # bytes
    size: int


@dataclass
class Function(pci.Function):
    """One PCI function; `path` is its place, which survives renumbering."""

    parent: str = ""  # address of the bridge above; empty on a root bus
    root: str = ""  # "0000:00"
    physfn: str = ""
    enabled: int = -1
    numvfs: int = -1

    def word(self, at: int) -> int:
        """Two bytes of configuration space."""
        return int.from_bytes(self.config[at:at + 2], "little")

    def extended(self, wanted: int) -> int:
        """Where an extended capability is; 0 for none."""
        at, seen = EXTENDED, set()
        while EXTENDED <= at < len(self.config) - 3 and at not in seen:
            seen.add(at)
            if self.word(at) == wanted:
                return at
            at = self.word(at + 2) >> 4
        return 0

    def total_vfs(self) -> int:
        """As many virtual functions as there can be (PCIe 9.3.3.5)."""
        at = self.extended(SRIOV)
        return self.word(at + 0x0e) if at else 0

    def rebars(self) -> list[Rebar]:
        """BARs that can be resized."""
        at, found = self.extended(REBAR), []
        for nth in range(self.config[at + 8] >> 5 if at else 0):
            sizes, control = (int.from_bytes(self.config[at + part + 8 * nth:][:4], "little") for part in (4, 8))
            bits = sizes >> 4 | control >> 16 << 28
            found.append(Rebar(control & 7, at + 8 + 8 * nth, [1 << 20 + n for n in range(44) if bits >> n & 1],
                               1 << 20 + (control >> 8 & 0x3f)))
        return found

    def buses(self) -> tuple[int, int, int]:
        """Primary, secondary and subordinate bus number registers."""
        return self.config[0x18], self.config[0x19], self.config[0x1a]


@dataclass
class Bar:
    """A BAR as the kernel found it; of virtual functions the size of one."""

    index: int
    io: bool
    size: int
    wide: bool
    prefetchable: bool


@dataclass
class State:
    """The guest at one moment."""

    functions: dict[str, Function] = field(default_factory=dict)  # by address, in order of discovery
    iomem: list[str] = field(default_factory=list)
    ioports: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # since the state before
    errors: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # of what the kernel was free to refuse
    bars: dict[str, dict[int, Bar]] = field(default_factory=dict)  # by path
    last_bus: dict[str, int] = field(default_factory=dict)  # of host bridges
    wanted_io: dict[str, int] = field(default_factory=dict)  # by path: of I/O windows without room

    def paths(self) -> dict[str, Function]:
        """The functions by place."""
        return {function.path: function for function in self.functions.values()}

    def children(self, address: str) -> list[Function]:
        """What is directly below a bridge."""
        return [function for function in self.functions.values() if function.parent == address]

    def below(self, address: str) -> list[Function]:
        """A function and everything below it."""
        path = self.functions[address].path
        return [function for function in self.functions.values()
                if function.path == path or function.path.startswith(path + "/")]

    def broken(self) -> Optional[str]:
        """The line with which the kernel says that it has gone wrong."""
        return next((line for line in self.log if BROKEN.search(line)), None)


def conflict(functions: Iterable[Function]) -> str:
    """Two bridges that forward the same bus number, neither below the other; empty when there are none.

    Which of them answers is up to the hardware: what is then shown below one may be what is below the
    other.  Removed bridges go on forwarding, so they count too.
    """
    bridges = [function for function in functions if function.is_bridge() and function.buses()[1]]
    for number, one in enumerate(bridges):
        for other in bridges[number + 1:]:
            apart = not (one.path + "/").startswith(other.path + "/") and not (other.path + "/").startswith(one.path + "/")
            if apart and one.buses()[1] <= other.buses()[2] and other.buses()[1] <= one.buses()[2]:
                return f"{one.path} and {other.path} forward the same bus number"
    return ""


def _place(function: Function, link: str) -> None:
    """Path, parent and host bridge from the target of the device's link."""
    parts = link.split("/")
    above = [part for part in parts if re.fullmatch(pci.ADDRESS, part)]
    root = next(part for part in parts if part.startswith("pci"))
    function.root = root.removeprefix("pci")
    function.path = "/".join([function.root] + [part[-4:] for part in above])
    function.parent = above[-2] if len(above) > 1 else ""


def _record(address: str, lines: Iterable[str]) -> Function:
    """The function that the lines of one device describe."""
    function = Function(address, "")
    given: dict[int, tuple[int, int, int]] = {}
    count = 0
    for line in lines:
        key, _, value = line.partition(" ")
        if key == "L":
            _place(function, value)
        elif key == "D":
            function.driver = value
        elif key == "P":
            function.physfn = value
        elif key == "e":
            function.enabled = int(value)
        elif key == "v":
            function.numvfs = int(value)
        elif key == "R":
            index, start, end, flags = value.split()
            given[int(index)] = (int(start, 16), int(end, 16), int(flags, 16))
        elif key == "n":
            count = int(value)
        elif key == "C":
            function.config = bytes.fromhex(value)
    function.lines = [given.get(index, (0, 0, 0)) for index in range(count)]
    return function


def _bar(match: re.Match) -> Optional[tuple[str, Bar]]:
    """A line of the log as a BAR; a window or a moved resource is none."""
    address, virtual, number, rom, register, kind, first, last, type_, rest = match.groups()
    if rest or address.count(":") != 2:
        return None
    if rom or register in ("0x30", "0x38"):
        index = 6
    elif register:
        index = (int(register, 16) - 0x10) // 4
    else:
        index = int(number) + (7 if virtual else 0)
    if index > 12 or (register and index > 5 and index != 6):
        return None
    return address, Bar(index, kind == "io", int(last, 16) - int(first, 16) + 1, "64bit" in type_, "pref" in type_)


def _learn(state: State) -> None:
    """Sizes of BARs and ranges of host bridges from the new lines of the log."""
    found: dict[str, dict[int, Bar]] = {}
    wanted: dict[str, int] = {}
    for line in state.log:
        anew = ANEW.match(line)
        if anew:  # maybe another card than the last one of that place
            found[anew.group(1)] = {}
            wanted[anew.group(1)] = 0
        window = IO_WINDOW.match(line)
        if window:
            address, size, first, last, what = window.groups()
            wanted[address] = 0 if what == "assigned" else int(size, 16) if size else int(last, 16) - int(first, 16) + 1
        match = FOUND.match(line)
        bar = _bar(match) if match else None
        if bar:
            found.setdefault(bar[0], {})[bar[1].index] = bar[1]
        buses = BUSES.match(line)
        if buses:
            state.last_bus[buses.group(1)] = int(buses.group(3), 16)
    for address, bars in found.items():
        if address in state.functions:
            state.bars[state.functions[address].path] = bars
    state.wanted_io.update({state.functions[address].path: size for address, size in wanted.items()
                            if address in state.functions})


def _parts(text: str) -> Iterable[list[str]]:
    """Lines of an answer; those of one device together."""
    part: list[str] = []
    for line in text.splitlines():
        if part and line[:2] in ("L ", "D ", "P ", "e ", "v ", "R ", "n ", "C "):
            part.append(line)
            continue
        if part:
            yield part
        part = [line] if line[:2] == "F " else []
        if not part:
            yield [line]
    if part:
        yield part


def follow(before: State, text: str) -> State:
    """The state that an answer describes."""
    state = State(bars={path: dict(bars) for path, bars in before.bars.items()}, last_bus=dict(before.last_bus),
                  wanted_io=dict(before.wanted_io))
    for part in _parts(text):
        key, _, value = part[0].partition(" ")
        if key == "F":
            state.functions[value] = _record(value, part[1:])
        elif key == "=":
            state.functions[value] = before.functions[value]
        elif key == "M":
            state.iomem.append(value)
        elif key == "O":
            state.ioports.append(value)
        elif key == "K":
            state.log.append(value)
        elif key == "E":
            state.errors.append(value)
        elif key == "N":
            state.refusals.append(value)
    state.functions = {address: function for address, function in state.functions.items() if function.path}
    state.iomem = state.iomem or before.iomem
    state.ioports = state.ioports or before.ioports
    _learn(state)
    return state
