# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's PCI state, read from /sys by code that shares nothing with pciroom."""

import re
from dataclasses import dataclass, field

from .guest import Guest

# Few processes, because each costs an emulated machine some 10 ms: lists of links and inode numbers,
# all resource files at once, and one process a function for its registers.
DUMP = r"""
cd /sys/bus/pci/devices || exit 1
echo == link; ls -ld *
echo == inode; ls -dLi *
echo == driver; ls -ld */driver 2>/dev/null
echo == service; ls -ld */*:pcie*/driver 2>/dev/null
echo == resource; grep '' */resource
echo == config
for d in *; do
	echo "$d"
	od -An -v -tx1 -N64 $d/config
done
echo == end # a function that vanished meanwhile is no failure
"""
ADDRESS = r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
IO, MEM, WINDOW_LINES = 0x100, 0x200, {13: "io", 14: "mem", 15: "pref"}


@dataclass
class Function:
    """One PCI function as the guest's kernel shows it."""

    address: str
    path: str
    inode: str = ""
    driver: str = ""
    services: set[str] = field(default_factory=set)  # of a port: pciehp, aer, ...
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


def paths(links: list[tuple[str, str]]) -> dict[str, str]:
    """By address; a virtual function on a later bus than its siblings says how far, as pciroom has it."""
    first: dict[str, int] = {}
    for address, target in links:
        above = target.rsplit("/", 1)[0]
        first[above] = min(first.get(above, 0xff), int(address[5:7], 16))
    found = {}
    for address, target in links:
        distance = int(address[5:7], 16) - first[target.rsplit("/", 1)[0]]
        found[address] = _path(target) + (f"+{distance}" if distance else "")
    return found


def _sections(text: str) -> dict[str, list[str]]:
    """The parts of DUMP's output by title."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line[3:], [])
        else:
            lines.append(line)
    return found


def _links(lines: list[str]) -> list[tuple[str, str]]:
    """(address, target) of the links that ls -l shows."""
    found = (re.search(rf" ({ADDRESS})\S* -> (\S+)$", line) for line in lines)
    return [(match.group(1), match.group(2)) for match in found if match]


def look(guest: Guest) -> dict[str, Function]:
    """Every function by its path; one that vanishes meanwhile is not there or lacks a part."""
    parts = _sections(guest.check(DUMP))
    found = {address: Function(address, path) for address, path in paths(_links(parts["link"])).items()}
    nothing = Function("", "")
    for line in parts["inode"]:
        inode, _, address = line.strip().partition(" ")
        found.get(address, nothing).inode = inode
    for address, target in _links(parts["driver"]):
        found.get(address, nothing).driver = target.rsplit("/", 1)[1]
    for address, target in _links(parts["service"]):
        found.get(address, nothing).services.add(target.rsplit("/", 1)[1])
    for line in parts["resource"]:
        address, _, values = line.partition("/resource:")
        start, end, flags = (int(part, 16) for part in values.split())
        found.get(address, nothing).lines.append((start, end, flags))
    function = nothing
    for line in parts["config"]:
        if re.fullmatch(ADDRESS, line):
            function = found.get(line, nothing)
        else:
            function.config += bytes.fromhex(line)
    return {function.path: function for function in found.values()}


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
        for service in sorted(old.services - new.services):
            found.append(f"{path}: port service {service} is not bound any more")
        for index in range(13 if bars_only else len(old.lines)):
            if index != 6 and old.assigned(index) > new.assigned(index):
                found.append(f"{path}: resource {index} had {old.assigned(index):#x} bytes, "
                             f"has {new.assigned(index):#x}")
    return found
