# SPDX-License-Identifier: GPL-2.0-or-later
"""Random actions on a guest's devices, in the words of the recorded cases.

An action is a list of words, as tests/model reads them: ("remove", address), ("rescan", address),
("rescan-root", "0000:40"), ("rescan-all",), ("rescan-bus", bridge), ("write", address, offset,
width, value), ("plug", port), ("unplug", port), ("resize", address, bar, bytes), ("vfs", address,
number).  Drawing needs a state only; nothing is done here.
"""

import random
from typing import Callable, Optional

from .random_state import Function, Rebar, State

Words = tuple[str, ...]
BRIDGE = 0x060400
SUBTRACTIVE = 0x060401


def commands(words: Words) -> list[str]:
    """What guest/session.c is told for one action; cards are plugged by QEMU."""
    kind, *rest = words
    if kind in ("remove", "rescan"):
        return [f"store /sys/bus/pci/devices/{rest[0]}/{kind} 1"]
    if kind == "rescan-root":
        return [f"store /sys/class/pci_bus/{rest[0]}/rescan 1"]
    if kind == "rescan-all":
        return ["store /sys/bus/pci/rescan 1"]
    if kind == "write":
        address, offset, width, value = rest
        return [f"write {address} {offset} {width} {value}"]
    if kind == "resize":
        address, index, size = rest
        return [f"try /sys/bus/pci/devices/{address}/resource{index}_resize {int(size, 0).bit_length() - 21}"]
    if kind == "vfs":
        address, number = rest
        return [f"store /sys/bus/pci/devices/{address}/sriov_drivers_autoprobe 0",
                f"try /sys/bus/pci/devices/{address}/sriov_numvfs {number}"]
    return []


class Chooser:
    """Draws actions that a state allows."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def is_bridge(self, function: Function) -> bool:
        """A bridge with a bus below."""
        return function.is_bridge() and int.from_bytes(function.config[9:12], "little") in (BRIDGE, SUBTRACTIVE)

    def movable(self, state: State) -> list[Function]:
        """Everything but the chipset."""
        return [function for function in state.functions.values()
                if not function.physfn and function.path != "0000:00/00.0"
                and not function.path.startswith("0000:00/1f.")]

    def targets(self, state: State, most: int) -> list[Function]:
        """Functions to remove, none below another; mostly bridges or cards, seldom one function of several."""
        movable = self.movable(state)
        chosen: list[Function] = []
        for _ in range(self.rng.randint(1, most)):
            if not movable:
                break
            function = self.rng.choice(movable)
            chosen.append(function)
            movable = [other for other in movable if not (other.path + "/").startswith(function.path + "/")
                       and not (function.path + "/").startswith(other.path + "/")]
        return chosen

    def left(self, state: State, gone: list[Function]) -> list[Function]:
        """What a removal of @gone leaves."""
        prefixes = tuple(function.path + "/" for function in gone)
        return [function for function in state.functions.values()
                if not (function.path + "/").startswith(prefixes) and not function.physfn]

    def rescan(self, state: State, gone: list[Function]) -> Words:
        """A rescan, mostly one that finds the first of @gone again."""
        left = self.left(state, gone)
        what = self.rng.random()
        if gone and what < 0.7:
            bus = [other for other in left if other.parent == gone[0].parent and other.root == gone[0].root]
            above = [other for other in left if other.address == gone[0].parent]
            choice = bus if bus and self.rng.random() < 0.6 else above or bus
            if choice:
                return ("rescan", self.rng.choice(choice).address)
        if what < 0.85 or not left:
            return ("rescan-all",)
        if what < 0.92:
            return ("rescan-root", self.rng.choice(sorted({function.root for function in left})))
        return ("rescan", self.rng.choice(left).address)

    def remove_rescan(self, state: State) -> Optional[list[Words]]:
        """A set of subtrees goes, then comes back."""
        gone = self.targets(state, self.rng.choice((1, 1, 1, 2, 3, 4)))
        if not gone:
            return None
        return [*(("remove", function.address) for function in gone), self.rescan(state, gone)]

    def several(self, state: State) -> Optional[list[Words]]:
        """A set of subtrees goes, and comes back by several rescans."""
        gone = self.targets(state, 4)
        if len(gone) < 2:
            return None
        return [*(("remove", function.address) for function in gone),
                *(self.rescan(state, gone[i:i + 1] + gone) for i in range(2))]

    def remove(self, state: State) -> Optional[list[Words]]:
        """A subtree goes and stays away."""
        return [("remove", function.address) for function in self.targets(state, 1)] or None

    def rescan_only(self, state: State) -> list[Words]:
        """A rescan where nothing was removed just now."""
        return [self.rescan(state, [])]

    def bridges(self, state: State) -> list[Function]:
        """Bridges that may be removed."""
        return [function for function in self.movable(state) if self.is_bridge(function)]

    def _limit(self, state: State, bridge: Function) -> int:
        """The last bus number that the bus above a bridge forwards."""
        above = state.functions.get(bridge.parent)
        return above.buses()[2] if above else state.last_bus.get(bridge.root, 0xff)

    def _taken(self, state: State, bridge: Function, own: set[str]) -> set[int]:
        """Bus numbers that are not free for a bridge, those of its own subtree aside."""
        taken = {int(address[5:7], 16) for address in state.functions if address not in own}
        for other in state.functions.values():
            inside = other.address in own or (bridge.path + "/").startswith(other.path + "/")
            if self.is_bridge(other) and not inside:
                taken.update(range(other.buses()[1], other.buses()[2] + 1))
        return taken

    def _numbers(self, state: State, bridge: Function) -> tuple[int, int]:
        """A range for the bus of a bridge: mostly a free one that is large enough, seldom any, zero to let
        the kernel choose.

        Two bridges with one bus number can crash a kernel later on, so such a session is soon over.
        """
        primary, limit = int(bridge.address[5:7], 16), self._limit(state, bridge)
        length = self.rng.choice((0, 1, 3, 7, 20))
        what = self.rng.random()
        if what < 0.04:
            return 0, 0
        if what < 0.07:
            secondary = self.rng.randint(min(primary + 1, 0xff), min(limit + 2, 0xff))
            return secondary, min(0xff, secondary + length)
        own = {function.address for function in state.below(bridge.address)}
        need = sum(self.is_bridge(state.functions[address]) for address in own)
        taken = self._taken(state, bridge, own)
        free = {bus for bus in range(primary + 1, limit + 1) if bus not in taken}
        starts = [bus for bus in sorted(free) if all(bus + i in free for i in range(need))]
        if not starts:
            return bridge.buses()[1:]
        secondary = last = self.rng.choice(starts)
        while last + 1 in free and last < secondary + max(length, need - 1):
            last += 1
        return secondary, last

    def write_buses(self, state: State) -> Optional[list[Words]]:
        """Bus numbers of a bridge are written, its children having gone; then it goes and comes back."""
        bridges = self.bridges(state)
        if not bridges:
            return None
        bridge = self.rng.choice(bridges)
        secondary, last = self._numbers(state, bridge)
        value = int(bridge.address[5:7], 16) | secondary << 8 | last << 16
        gone = [("remove", child.address) for child in state.children(bridge.address) if not child.physfn]
        return [*gone, ("write", bridge.address, "0x18", "4", hex(value)),
                ("remove", bridge.address), self.rescan(state, [bridge])]

    def _packed(self, state: State, bridge: Function, first: int, more: set[str]) -> dict[str, tuple[int, int]]:
        """Ranges of a bridge and those below it, in preorder from a number on; those in @more have one to spare."""
        ranges: dict[str, tuple[int, int]] = {}
        last = first
        for child in state.children(bridge.address):
            if self.is_bridge(child):
                ranges.update(self._packed(state, child, last + 1, more))
                last = ranges[child.address][1]
        return {bridge.address: (first, last + (bridge.address in more)), **ranges}

    def _ranges(self, state: State, bridge: Function) -> dict[str, tuple[int, int]]:
        """Ranges for a chassis: zeroes behind a bridge of one bus, as after power-on, or a place that is free."""
        chassis = [other.address for other in state.below(bridge.address) if self.is_bridge(other)]
        if self.rng.random() < 0.25:
            secondary = bridge.buses()[1]
            return {address: (0, 0) for address in chassis} | {bridge.address: (secondary, secondary)}
        more = {address for address in chassis if self.rng.random() < 0.2}
        taken = self._taken(state, bridge, {other.address for other in state.below(bridge.address)})
        free = {bus for bus in range(int(bridge.address[5:7], 16) + 1, self._limit(state, bridge) + 1) if bus not in taken}
        starts = [bus for bus in sorted(free) if all(bus + i in free for i in range(len(chassis) + len(more)))]
        return self._packed(state, bridge, self.rng.choice(starts), more) if starts else {}

    def write_chassis(self, state: State) -> Optional[list[Words]]:
        """Bus numbers of a bridge and of all bridges below it are written, from the leaves upwards, when all
        cards below have gone; then everything comes back."""
        bridges = [bridge for bridge in self.bridges(state) if bridge.buses()[1]
                   and any(self.is_bridge(child) for child in state.children(bridge.address))]
        if not bridges:
            return None
        bridge = self.rng.choice(bridges)
        ranges = self._ranges(state, bridge)
        below = sorted(state.below(bridge.address), key=lambda other: (-other.path.count("/"), other.path))
        words = [("remove", other.address) for other in below if other.address not in ranges and not other.physfn]
        for other in below:
            if other.address in ranges:
                primary = ranges[other.parent][0] if other.parent in ranges else int(other.address[5:7], 16)
                secondary, last = ranges[other.address]
                words += [("write", other.address, "0x18", "4", hex(primary | secondary << 8 | last << 16)),
                          ("remove", other.address)]
        return [*words, self.rescan(state, [bridge])] if ranges else None

    def _window(self, bridge: Function) -> list[Words]:
        """A window of a random kind and size."""
        kind, megabytes = self.rng.choice("imp"), self.rng.choice((1, 2, 4, 16, 64, 256, 1024))
        if kind == "m":
            base = self.rng.choice((0x2000, 0x4000, 0xc000))
            value = base & 0xfff0 | (base + (megabytes - 1) * 16 & 0xfff0) << 16
            return [("write", bridge.address, "0x20", "4", hex(value))]
        if kind == "i":
            pages = self.rng.choice((1, 2, 4, 8))
            return [("write", bridge.address, "0x1c", "2", hex(0x10 | (pages << 4 & 0xf0) << 8))]
        return [("write", bridge.address, "0x28", "4", "0x2"), ("write", bridge.address, "0x2c", "4", "0x2"),
                ("write", bridge.address, "0x24", "4", hex(0x00010001 | (megabytes - 1) * 16 << 16))]

    def write_windows(self, state: State) -> Optional[list[Words]]:
        """Window sizes are written to bridges without anything below, or closed; then they go and come back."""
        bridges = self.bridges(state)
        if not bridges:
            return None
        bridge = self.rng.choice(bridges)
        writes = self._window(bridge)
        if self.rng.random() < 0.2:
            writes = [("write", bridge.address, "0x20", "4", "0xfff0"), ("write", bridge.address, "0x24", "4", "0x1fff1")]
        return [*writes, ("remove", bridge.address), self.rescan(state, [bridge])]

    def align(self, state: State) -> Optional[list[Words]]:
        """A function that asks for more when it is found again (align_words), and a rescan that finds it."""
        gone = self.targets(state, 2)
        return [*(("remove", function.address) for function in gone), self.rescan(state, gone)] if gone else None

    def alignment(self, state: State, address: str) -> str:
        """What /sys/bus/pci/resource_alignment is given for a function, by its place."""
        return f"{self.rng.choice((16, 20, 22, 24))}@{state.functions[address].path.replace('/', ':', 1)}"

    def _resizing(self, state: State) -> Optional[tuple[Function, Rebar, int]]:
        """A BAR that nobody's driver has, and another size for it: near to what it has, or any."""
        able = [(function, rebar) for function in state.functions.values() if not function.driver
                for rebar in function.rebars() if function.assigned(rebar.index) or self.rng.random() < 0.1]
        if not able:
            return None
        function, rebar = self.rng.choice(able)
        near = [size for size in rebar.sizes if rebar.size // 4 <= size <= 4 * rebar.size and size != rebar.size]
        return function, rebar, self.rng.choice(near if near and self.rng.random() < 0.6 else rebar.sizes)

    def resize(self, state: State) -> Optional[list[Words]]:
        """A BAR gets another size in place; seldom beside it something has gone, and comes back."""
        found = self._resizing(state)
        if not found:
            return None
        function, rebar, size = found
        gone = [] if self.rng.random() < 0.7 else [
            other for other in self.targets(state, 2) if not (function.path + "/").startswith(other.path + "/")]
        return [*(("remove", other.address) for other in gone),
                ("resize", function.address, str(rebar.index), hex(size)),
                *([self.rescan(state, gone)] if gone else [])]

    def resize_again(self, state: State) -> Optional[list[Words]]:
        """The size is written to the control register, and the device or what is above it is found again."""
        found = self._resizing(state)
        if not found:
            return None
        function, rebar, size = found
        above = [other for other in self.movable(state) if (function.path + "/").startswith(other.path + "/")]
        if not above:
            return None
        gone = self.rng.choice([function, *above])
        value = int.from_bytes(function.config[rebar.control:rebar.control + 4], "little")
        value = value & ~0x3f00 | size.bit_length() - 21 << 8
        return [("write", function.address, hex(rebar.control), "4", hex(value)), ("remove", gone.address),
                self.rescan(state, [gone])]

    def sriov(self, state: State) -> Optional[list[Words]]:
        """Virtual functions are made, or taken away."""
        able = [function for function in state.functions.values()
                if function.numvfs >= 0 and function.driver and function.total_vfs()]
        if not able:
            return None
        function = self.rng.choice(able)
        number = 0 if function.numvfs else self.rng.choice((1, 2, function.total_vfs()))
        return [("vfs", function.address, str(min(number, function.total_vfs())))]

    def heal(self, state: State) -> Optional[list[Words]]:
        """Everything that moves on the root buses goes, and all is scanned."""
        roots = [function for function in self.movable(state) if not function.parent]
        return [*(("remove", function.address) for function in roots), ("rescan-all",)] if roots else None

    def empty_bus(self, state: State) -> Optional[list[Words]]:
        """The rescan file of an empty bus: what a second hot-add would do."""
        empty = [bridge for bridge in self.bridges(state)
                 if bridge.buses()[1] and not state.children(bridge.address)]
        return [("rescan-bus", self.rng.choice(empty).address)] if empty else None

    @staticmethod
    def alone(state: State, words: list[Words]) -> list[Words]:
        """The words, with virtual functions taken away before their physical one: on its own it would leave them
        behind, and the kernel crashes when it is found again (doc/experiments.md)."""
        done: list[Words] = []
        for word in words:
            if word[0] == "remove" and state.functions[word[1]].numvfs > 0:
                done.append(("vfs", word[1], "0"))
            done.append(word)
        return done

    def draw(self, state: State, weights: dict[str, int]) -> tuple[str, list[Words]]:
        """The kind of an action and its words; kinds are the names of methods."""
        while True:
            kind = self.rng.choices(list(weights), list(weights.values()))[0]
            method: Callable[[State], Optional[list[Words]]] = getattr(self, kind)
            words = method(state)
            if words:
                return kind, self.alone(state, words)
