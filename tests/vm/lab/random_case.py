# SPDX-License-Identifier: GPL-2.0-or-later
"""From the recording of a session to cases that tests/model/pr-replay can judge.

A case is what the guest was (a snapshot, made here and not by pciroom), what was done, and what
the guest showed afterwards.  Sizes come from the kernel's log, power-on registers of a card that
was plugged in from what it showed later.
"""

import lzma
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterator, Optional

from . import pci
from .random_state import Bar, Function, State, conflict, follow

UNSET = 0x20000000
BRIDGE_CONTROL, COMMAND = 0x3e, 0x04
KEPT_CAPS = {0x04, 0x0c, 0x0d, 0x10, 0x14}  # slot, hot-plug, subsystem, PCI Express, Enhanced Allocation
KEPT_EXTENDED = {0x0e, 0x10, 0x15, 0x24}  # ARI, SR-IOV, Resizable BAR, VF Resizable BAR
IO_WINDOW = 13
UNSET = 0x20000000  # PR_IORES_UNSET: wants addresses, has none
SPARE_BUSES = range(0xff, 0x20, -1)


@dataclass
class Case:
    """One judgement to be made."""

    name: str
    kernel: str
    kind: str
    text: str
    left_out: str  # why there is no text


@dataclass
class Hidden:
    """A function that is on its bus while the kernel has no device for it."""

    function: Function
    bars: dict[int, Bar]


def read_session(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The head of a recording, and its steps."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        head, *steps = [json.loads(line) for line in lines]
    return head, [step for step in steps if step["kind"] not in ("end", "refused")]


# ---- the layout ----

def _addresses(function: Function, index: int) -> Optional[tuple[int, int]]:
    """A resource that has addresses in the kernel's table."""
    if index >= len(function.lines):
        return None
    start, end, flags = function.lines[index]
    return (start, end) if start and flags & (pci.IO | pci.MEM) and not flags & UNSET else None


def _span(at: Optional[tuple[int, int]]) -> str:
    return f"{at[0]:x}-{at[1]:x}" if at else "closed"


def _register(function: Function, index: int) -> Optional[tuple[int, int]]:
    """A window as its register has it; one that starts at 0 was never set."""
    at = function.window_register(index)
    return at if at and at[0] else None


def silent(function: Function) -> bool:
    """A function whose configuration space nobody answers for: its bridge forwards another bus now.

    Of a virtual function, vendor and device are always all ones (PCIe 9.3.4.1).
    """
    if function.physfn:
        return False
    return not function.config or function.config[:4] == b"\xff\xff\xff\xff"


def place(state: State, function: Function) -> str:
    """The path as pciroom writes it: a virtual function on a later bus than its parent's says how far."""
    physical = state.functions.get(function.physfn)
    distance = int(function.address[5:7], 16) - int(physical.address[5:7], 16) if physical else 0
    return f"{function.path}+{distance}" if distance else function.path


def layout(state: State) -> list[str]:
    """What the kernel decided, a line a function."""
    lines = []
    for function in state.functions.values():
        words = ["then", place(state, function), function.address]
        if function.is_bridge():
            words.append("bus={:02x},{:02x},{:02x}".format(*function.buses()))
        words += [f"{index}={_span(at)}" for index in range(len(function.lines)) if (at := _addresses(function, index))]
        if function.is_bridge():
            words += [f"w{index}={_span(_register(function, index))}" for index in pci.WINDOW_LINES
                      if _register(function, index) != _addresses(function, index)]
        lines.append(" ".join(words))
    return sorted(lines)


# ---- configuration space ----

def _blank(config: bytearray, at: int, size: int) -> None:
    config[at:at + size] = bytes(min(size, len(config) - at))


def trimmed(config: bytes) -> bytes:
    """Without the bodies of capabilities that decide nothing of a layout; their headers stay."""
    done = bytearray(config)
    starts, at = [], config[0x34] & 0xfc if len(config) > 64 else 0
    while 64 <= at < 254 and at not in starts:
        starts.append(at)
        at = config[at + 1] & 0xfc
    for start in starts:
        end = min([other for other in starts if other > start] + [256])
        if config[start] not in KEPT_CAPS:
            _blank(done, start + 2, end - start - 2)
    starts, at = [], 0x100
    while len(config) > at + 4 and at >= 0x100 and at not in starts and any(config[at:at + 4]):
        starts.append(at)
        at = int.from_bytes(config[at + 2:at + 4], "little") >> 4
    for start in starts:
        end = min([other for other in starts if other > start] + [len(config)])
        if int.from_bytes(config[start:start + 2], "little") not in KEPT_EXTENDED:
            _blank(done, start + 4, end - start - 4)
    return bytes(done)


def _config(config: bytes) -> list[str]:
    """Lines of 32 bytes; several of zeros as "0*NUMBER"."""
    lines, at = [], 0
    while at < len(config):
        end = at
        while end < len(config) and not any(config[end:end + 32]):
            end += 32
        end = min(end, len(config))
        if end - at > 32:
            lines.append(f"    0*{end - at}")
            at = end
        else:
            lines.append(f"    {config[at:at + 32].hex()}")
            at += 32
    return lines


def power_on(function: Function, bars: dict[int, Bar]) -> Function:
    """The function as it was before anybody wrote to it: no addresses, no buses, nothing enabled."""
    config = bytearray(function.config)
    config[COMMAND:COMMAND + 2] = bytes(2)
    last = 2 if function.is_bridge() else 6
    config[0x10:0x10 + 4 * last] = bytes(4 * last)
    for index, bar in bars.items():
        if index < last:
            config[0x10 + 4 * index] = 1 if bar.io else (4 if bar.wide else 0) | (8 if bar.prefetchable else 0)
    rom = 0x38 if function.is_bridge() else 0x30
    config[rom:rom + 4] = bytes(4)
    if function.is_bridge():
        config[0x18:0x1b] = bytes(3)
        for at in (0x1c, 0x1d, 0x20, 0x22, 0x24, 0x26):
            config[at] &= 0x0f
            if at >= 0x20:
                config[at + 1] = 0
        config[0x28:0x34] = bytes(12)
        config[BRIDGE_CONTROL:BRIDGE_CONTROL + 2] = bytes(2)
    return replace(function, config=bytes(config))


def written(function: Function, words: list[list[str]]) -> Function:
    """The function after the writes of an action; the low bits of window registers are read-only."""
    config = bytearray(function.config)
    for kind, *rest in words:
        if kind != "write" or rest[0] != function.address:
            continue
        offset, width, value = (int(part, 0) for part in rest[1:])
        for i, new in enumerate(value.to_bytes(width, "little")):
            typed = offset + i in (0x1c, 0x1d, 0x20, 0x22, 0x24, 0x26)
            config[offset + i] = new & 0xf0 | config[offset + i] & 0x0f if typed else new
    done = replace(function, config=bytes(config))
    for old, new in zip(function.rebars(), done.rebars()):
        if old.size != new.size:  # the address is gone with the size (PCIe 7.8.6.3)
            at, wide = 0x10 + 4 * old.index, config[0x10 + 4 * old.index] & 4
            config[at:at + (8 if wide else 4)] = bytes((config[at] & 0xf, 0, 0, 0) + ((0,) * 4 if wide else ()))
    return replace(function, config=bytes(config))


def sizes(function: Function, bars: dict[int, Bar]) -> dict[int, Bar]:
    """The BARs as they were found, with the sizes that those which can be resized have now."""
    now = {rebar.index: rebar.size for rebar in function.rebars()}
    return {index: replace(bar, size=now.get(index, bar.size)) for index, bar in bars.items()}


# ---- the snapshot ----

def _roots(state: State) -> list[str]:
    """Host bridges with apertures and what is in the way."""
    lines = ["host-bridges:"]
    for root in sorted(state.last_bus):
        lines += [f"- bus: {root}", f"  last-bus: {state.last_bus[root]:#04x}"]
        for key, source in (("io", state.ioports), ("mem", state.iomem)):
            apertures, busy, inside = [], [], False
            for line in source:
                span, _, name = line.strip().partition(" : ")
                first, last = (int(part, 16) for part in span.split("-"))
                if not line.startswith(" "):
                    inside = name == f"PCI Bus {root}"
                    apertures += [f"  - {first:#x}-{last:#x}"] if inside else []
                elif inside and not re.fullmatch(pci.ADDRESS, name) and not (
                        name.startswith("PCI Bus ") and name[8:] not in state.last_bus):
                    busy.append(f"  - {first:#x}-{last:#x}")
            lines += [f"  {key}:" + ("" if apertures else " []"), *apertures]
            if busy:
                lines += [f"  busy-{key}:", *busy]
    return lines


def _masks(function: Function, bars: dict[int, Bar], newcomer: bool) -> list[str]:
    """Sizes of BARs that the kernel's table does not show."""
    lines = []
    for index, bar in sorted(sizes(function, bars).items()):
        line = function.lines[index] if index < len(function.lines) else (0, 0, 0)
        if any(line) and not newcomer:
            continue
        bits = 1 if bar.io else 0 if index == 6 else (4 if bar.wide else 0) | (8 if bar.prefetchable else 0)
        size = (1 << 64) - bar.size
        low = size & (0xfffffffc if bar.io else 0xfffff800 if index == 6 else 0xfffffff0) | bits
        lines.append(f"  - {index} {low:#010x} {size >> 32 if bar.wide else 0:#010x}")
    if newcomer and function.is_bridge():
        io, pref = function.config[0x1c] & 0xf, function.config[0x24] & 0xf
        lines.append(f"  - 13 {0xf0f0 | io << 8 | io:#010x} {0xffff if io else 0:#010x}")
        lines.append(f"  - 15 {0xfff0fff0 | pref << 16 | pref:#010x} {0xffffffff if pref else 0:#010x}")
    return ["  masks:", *lines] if lines else []


def _table(function: Function, wanted_io: int) -> list[tuple[int, int, int]]:
    """The kernel's table; of an I/O window without room the log tells the size, sysfs shows zeros."""
    lines = list(function.lines)
    if wanted_io and len(lines) > IO_WINDOW and not any(lines[IO_WINDOW]):
        lines[IO_WINDOW] = (0, wanted_io - 1, pci.IO | UNSET)
    return lines


def _function(state: State, function: Function, order: int, wanted_io: int) -> list[str]:
    lines = [f"- address: {function.address}"]
    if function.parent:
        lines.append(f"  parent: {function.parent}")
    if function.physfn:
        lines.append(f"  physfn: {function.physfn}")
    if order:
        lines.append(f"  order: {order}")
    lines += ["  config: |", *_config(trimmed(function.config)), "  resource:"]
    lines += [f"  - {start:#x} {end:#x} {flags:#x}" for start, end, flags in _table(function, wanted_io)]
    lines += _masks(function, state.bars.get(function.path, {}), newcomer=False)
    if function.driver:
        lines.append(f'  driver: "{function.driver}"')
    if function.numvfs >= 0:
        lines.append(f"  sriov-numvfs: {function.numvfs}")
    if function.enabled >= 0:
        lines.append(f"  enabled: {function.enabled}")
    return lines


def _newcomers(state: State, hidden: dict[str, Hidden]) -> list[tuple[str, list[str]]]:
    """Functions without a device, parents first; the bus number only makes the address unique."""
    addresses: dict[str, str] = {path: function.address for path, function in state.paths().items()}
    taken = set(state.functions)
    done = []
    for path, item in sorted(hidden.items()):
        above, _, step = path.rpartition("/")
        if "/" in above and above not in addresses:
            continue  # whatever is above is not known either
        bus = item.function.address[5:7]
        spare = iter(SPARE_BUSES)
        while "/" in above and f"0000:{bus}:{step}" in taken:
            bus = f"{next(spare):02x}"
        address = f"0000:{bus}:{step}"
        taken.add(address)
        addresses[path] = address
        lines = [f"- address: {address}", *([f"  parent: {addresses[above]}"] if "/" in above else []),
                 "  newcomer: true", "  config: |", *_config(trimmed(item.function.config)),
                 *_masks(item.function, item.bars, newcomer=True)]
        done.append((address, lines))
    return done


def snapshot(head: dict[str, Any], state: State, hidden: dict[str, Hidden], log: bool) -> list[str]:
    """pciroom-snapshot(5); with @log also what I/O windows without room ask for."""
    functions = list(state.functions.values())
    wanted = state.wanted_io if log else {}
    ordered = [function.address for function in functions] == sorted(state.functions)
    parts = [(function.address, _function(state, function, 0 if ordered else position,
                                          wanted.get(function.path, 0)))
             for position, function in enumerate(functions, 1)]
    parts += _newcomers(state, hidden)
    return ["format: pciroom-snapshot/1", "machine:", f'  release: "{head["release"]}"',
            f'  cmdline: "{head["command_line"]}"',
            *([f'  resource-alignment: "{head["alignments"]}"'] if head.get("alignments") else []), '  lockdown: "none"', '  arch: "x86_64"', "  guest: true",
            *_roots(state), "functions:", *(line for _, lines in sorted(parts) for line in lines), "..."]


# ---- the session ----

class Replay:
    """Walks through a recording; what was seen later tells what was plugged in."""

    def __init__(self, path: Path, log: bool = True) -> None:
        self.log = log
        self.alignments = ""
        self.head, self.steps = read_session(path)
        self.states: list[State] = []
        state = State()
        for step in self.steps:
            state = follow(state, step["answer"])
            self.states.append(state)
        self.hidden: dict[str, Hidden] = {}

    def _forget_below(self, state: State, port: str) -> None:
        above = state.functions[port].path + "/"
        self.hidden = {path: item for path, item in self.hidden.items() if not path.startswith(above)}

    def _plugged(self, number: int, port: str) -> dict[str, Hidden]:
        """Functions of a new card: what is first shown below its port from now on, as after power-on."""
        above = self.states[number - 1].functions[port].path + "/"
        for state in self.states[number:]:
            found = {path: function for path, function in state.paths().items() if path.startswith(above)}
            if found:
                return {path: Hidden(power_on(function, state.bars.get(path, {})), state.bars.get(path, {}))
                        for path, function in found.items() if not function.physfn}
        return {}

    def _follow_hidden(self, number: int, words: list[list[str]]) -> None:
        """What has vanished is still on its bus; what is shown is not hidden."""
        before, after = self.states[number - 1], self.states[number]
        shown = after.paths()
        for path, function in before.paths().items():
            if path not in shown and not function.physfn:
                self.hidden[path] = Hidden(written(function, words), before.bars.get(path, {}))
        self.hidden = {path: item for path, item in self.hidden.items() if path not in shown}
        for kind, *rest in words:
            if kind == "unplug":
                self._forget_below(before, rest[0])

    def _known(self, number: int, words: list[list[str]]) -> bool:
        """Adds what an action brings in; False when nothing is known of it."""
        for kind, *rest in words:
            if kind == "plug":
                card = self._plugged(number, rest[0])
                if not card:
                    return False
                self.hidden.update(card)
        return True

    def _text(self, number: int, name: str) -> str:
        step, before, after = self.steps[number], self.states[number - 1], self.states[number]
        head = {**self.head, "alignments": self.alignments}
        lines = [f"# {name}", f"kernel {self.head['generation']}", f"kind {step['kind']}",
                 *("do " + " ".join(words) for words in step["words"]), *layout(after), "snapshot",
                 *snapshot(head, before, self.hidden, self.log)]
        return "\n".join(lines) + "\n"

    def _why_not(self, number: int, words: list[list[str]]) -> str:
        """Why a step cannot be judged; empty when it can."""
        state = self.states[number]
        if not words:
            return "nothing is predicted of it"
        if state.broken():
            return f"the kernel: {state.broken()}"
        if state.errors:
            return state.errors[0]
        if any("sriov_numvfs: Input/output error" in refusal for refusal in state.refusals):
            return "QEMU's virtual functions did not answer"
        before = self.states[number - 1].functions.values()
        if any(silent(function) for function in before):
            return "a function did not answer any more before it"
        if conflict([*before, *(item.function for item in self.hidden.values())]):
            return "two bridges forwarded the same bus number before it"
        return "" if self._known(number, words) else "the card was never shown"

    def cases(self) -> Iterator[Case]:
        """A case for each step; without a text when it cannot be judged."""
        for number in range(1, len(self.steps)):
            step = self.steps[number]
            self.alignments = step.get("alignments", self.alignments)
            reason = self._why_not(number, step["words"])
            name = f"{self.head['generation']}-{self.head['seed']}-{number:03d}"
            text = "" if reason else self._text(number, name)
            yield Case(name, self.head["generation"], step["kind"], text, reason)
            self._follow_hidden(number, step["words"])
