# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's PCI state, read from /sys by code that shares nothing with pciroom."""

import re
from dataclasses import dataclass, field

from .guest import Guest

# One pass of the guest's shell over all functions: directory, inode, driver, registers, resources.
DUMP = r"""
cd /sys/bus/pci/devices || exit 1
for d in *; do
	echo "device $(readlink -f $d)"
	echo "inode $(ls -di $(readlink -f $d) | sed 's/^ *//; s/ .*//')"
	[ -e $d/driver ] && echo "driver $(basename $(readlink $d/driver))"
	echo "config $(od -An -v -tx1 -N64 $d/config | tr -d ' \n')"
	sed 's/^/resource /' $d/resource
done
"""
IO, MEM, WINDOW_LINES = 0x100, 0x200, {13: "io", 14: "mem", 15: "pref"}


@dataclass
class Function:
    """One PCI function as the guest's kernel shows it."""

    address: str
    path: str
    inode: str = ""
    driver: str = ""
    config: bytes = b""
    lines: list[tuple[int, int, int]] = field(default_factory=list)

    def assigned(self, index: int) -> int:
        """Size of a resource that has addresses; 0 for one that has none."""
        if index >= len(self.lines):
            return 0
        start, end, flags = self.lines[index]
        return end - start + 1 if start and flags & (IO | MEM) else 0

    def is_bridge(self) -> bool:
        """Header type 1."""
        return len(self.config) > 14 and self.config[14] & 0x7f == 1

    def window_register(self, index: int) -> tuple[int, int] | None:
        """Base and last address of a window as the register has it; None when it is closed."""
        word = lambda at: self.config[at] | self.config[at + 1] << 8  # noqa: E731
        if index == 13:
            base, last = (self.config[0x1c] & 0xf0) << 8, (self.config[0x1d] & 0xf0) << 8 | 0xfff
            if self.config[0x1c] & 0xf == 1:
                base, last = base | word(0x30) << 16, last | word(0x32) << 16
        else:
            at = 0x20 if index == 14 else 0x24
            base, last = (word(at) & 0xfff0) << 16, (word(at + 2) & 0xfff0) << 16 | 0xfffff
            if index == 15 and word(at) & 0xf == 1:
                base |= int.from_bytes(self.config[0x28:0x2c], "little") << 32
                last |= int.from_bytes(self.config[0x2c:0x30], "little") << 32
        return (base, last) if base <= last else None

    def disagreements(self) -> list[str]:
        """Windows whose kernel table and register differ."""
        found = []
        for index, name in WINDOW_LINES.items():
            if not self.is_bridge() or index >= len(self.lines):
                continue
            table = self.lines[index][:2] if self.assigned(index) else None
            if table != self.window_register(index):
                found.append(f"{self.path}: {name} window: table {table}, register {self.window_register(index)}")
        return found


def _path(directory: str) -> str:
    """Topological path: root bus, then device and function at each level."""
    root = re.search(r"/pci([0-9a-f]+:[0-9a-f]+)", directory)
    steps = re.findall(r"/[0-9a-f]+:[0-9a-f]{2}:([0-9a-f]{2}\.[0-7])", directory)
    return "/".join([root.group(1) if root else "?"] + steps)


def look(guest: Guest) -> dict[str, Function]:
    """Every function by its path."""
    found: dict[str, Function] = {}
    function = Function("", "")
    for line in guest.check(DUMP).splitlines():
        word, _, rest = line.partition(" ")
        if word == "device":
            function = Function(rest.rsplit("/", 1)[1], _path(rest))
            found[function.path] = function
        elif word == "config":
            function.config = bytes.fromhex(rest)
        elif word == "resource":
            start, end, flags = (int(part, 16) for part in rest.split())
            function.lines.append((start, end, flags))
        elif word in ("inode", "driver"):
            setattr(function, word, rest)
    return found


def losses(before: dict[str, Function], now: dict[str, Function], spare: set[str], bars_only: bool) -> list[str]:
    """What was there before and is not now: functions, drivers, resources that had addresses."""
    found = []
    for path, old in before.items():
        if path in spare:
            continue
        new = now.get(path)
        if new is None:
            found.append(f"{path} ({old.address}) is gone")
            continue
        if old.driver != new.driver:
            found.append(f"{path}: driver was {old.driver or 'none'}, is {new.driver or 'none'}")
        for index in range(13 if bars_only else len(old.lines)):
            if index != 6 and old.assigned(index) > new.assigned(index):
                found.append(f"{path}: resource {index} had {old.assigned(index):#x} bytes, "
                             f"has {new.assigned(index):#x}")
    return found
