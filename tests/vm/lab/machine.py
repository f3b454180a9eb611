# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine as data: the tree of a scenario file becomes QEMU arguments, and each device a path.

A device is a mapping: `device` (QEMU's type), `id`, any QEMU property, and `below`, the devices
on its secondary bus.  Chassis and slot numbers, buses and device numbers are filled in.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any, Iterator

from .base import LabError

PORTS = {"pcie-root-port", "xio3130-downstream", "ioh3420"}
FIRST_DEVICE = 2  # 00.0 is the host bridge and 1f.x the chipset; low numbers stay free


@dataclass
class Machine:
    """The QEMU side of a scenario: arguments at start, and the path of every device by its id."""

    arguments: list[str] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    drives: list[str] = field(default_factory=list)
    slots: dict[str, str] = field(default_factory=dict)  # of ports: the slot's number by the port's id
    fixed: set[str] = field(default_factory=set)  # ports that cannot be plugged into
    _chassis: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def device(self, row: dict[str, Any], bus: str, number: int, parent: str) -> dict[str, str]:
        """Properties of one device on a bus, as -device and device_add take them; notes its path."""
        fixed = {key: str(value) for key, value in row.items() if key not in ("device", "id", "below", "disk")}
        function = fixed.get("addr", f"{number:x}.0")
        device, _, nth = function.partition(".")
        properties = {"driver": row["device"], "id": row["id"], "bus": bus, "addr": function, **fixed}
        if row["device"] in PORTS:
            chassis = str(next(self._chassis))
            properties.update(chassis=chassis, slot=chassis)
            self.slots[row["id"]] = chassis
            if row.get("hotplug") == "off":
                self.fixed.add(row["id"])
        step = f"{int(device, 16):02x}.{nth or 0}"
        self.paths[row["id"]] = f"{parent}/{step}"
        return properties

    def add(self, rows: list[dict[str, Any]], bus: str, parent: str, first: int) -> None:
        """Append a bus full of devices and everything below them."""
        for position, row in enumerate(rows):
            if "device" not in row or "id" not in row:
                raise LabError(f"machine: a device needs `device` and `id`: {row}")
            if row["id"] in self.paths:
                raise LabError(f"machine: two devices are called {row['id']}")
            properties = self.device(row, bus, first + position, parent)
            if "disk" in row:
                properties["drive"] = f"disk-{row['id']}"
                self.drives.append(row["id"])
            if "sriov_max_vfs" in row:  # QEMU wants the controllers of VFs in a subsystem
                properties["subsys"] = f"subsystem-{row['id']}"
                self.arguments += ["-device", f"nvme-subsys,id={properties['subsys']}"]
            driver = properties.pop("driver")
            words = [driver] + [f"{key}={value}" for key, value in properties.items()]
            self.arguments += ["-device", ",".join(words)]
            below = f"0000:{int(row['bus_nr']):02x}" if row["device"] == "pxb-pcie" else self.paths[row["id"]]
            self.add(row.get("below", []), row["id"], below, 0)


def build(rows: list[dict[str, Any]]) -> Machine:
    """The machine of a scenario; its root bus is QEMU's pcie.0, path 0000:00."""
    machine = Machine()
    machine.add(rows, "pcie.0", "0000:00", FIRST_DEVICE)
    return machine
