# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest in a random session: commands for guest/session.c, cards by QEMU's monitor."""

import time
from pathlib import Path
from typing import Any, Iterable

from . import device, initramfs
from .base import LabError
from .guest import STATE_LIMIT, Guest, NeverBooted, NoAnswer
from .kernels import Kernel
from .machine import Machine, build
from .random_machine import Plan, Row
from .random_state import State, follow


def _with_roms(rows: list[Row], place: Path) -> list[Row]:
    """The rows with "@rom64" replaced by a file of that many KiB of zeros."""
    done = []
    for row in rows:
        row = dict(row)
        if str(row.get("romfile", "")).startswith("@rom"):
            size = int(row["romfile"].removeprefix("@rom"))
            row["romfile"] = str(place / f"rom{size}")
            (place / f"rom{size}").write_bytes(bytes(size << 10))
        if "below" in row:
            row["below"] = _with_roms(row["below"], place)
        done.append(row)
    return done


class SessionGuest(Guest):
    """A machine of random_machine under one kernel; `state` is what it was when it last told."""

    gives_up = "PCI: out of "  # SeaBIOS stops there (pci_bios_map_devices, src/fw/pciinit.c)

    def __init__(self, plan: Plan, kernel: Kernel, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self._firmware_log = place / "firmware.log"
        self.machine: Machine = build(_with_roms(plan.rows, place))
        self.state = State()
        self.answer = ""  # as the guest gave it last
        initrd = place / "initrd.cpio"
        initramfs.assemble("small", kernel, None, initrd, plan.modules)
        super().__init__(place, kernel.image, initrd, f"quiet lab=session {plan.append}".strip(), plan.memory,
                         ["-chardev", f"file,id=firmware,path={self._firmware_log}",
                          "-device", "isa-debugcon,iobase=0x402,chardev=firmware",
                          *([] if device.refusal() else ["-plugin", str(device.plugin())]), *plan.arguments, *plan.objects,
                          *self.machine.arguments])

    def _firmware_said(self) -> str:
        said = self._firmware_log.read_text(errors="replace").splitlines() if self._firmware_log.exists() else []
        return said[-1] if said else "nothing"

    def _wait_booted(self) -> None:
        """A machine that is too much for the firmware is known long before the limit."""
        end = time.monotonic() + self.boot_limit
        while True:
            try:
                self._until(b"@@READY\n", 1.0)
                return
            except NoAnswer as error:
                said = self._firmware_said()
                if said.startswith(self.gives_up) or time.monotonic() > end:
                    raise NeverBooted(f"the guest did not boot; the firmware's last word: {said}") from error
            except LabError as error:
                raise NeverBooted(f"the guest did not boot: {error}") from error

    def tell(self, commands: Iterable[str], limit: float = STATE_LIMIT) -> None:
        """Commands, then a new state."""
        lines = [*commands, "capture"]
        self._control.sendall("".join(f"{line}\n" for line in lines).encode())
        self.answer = self._until(b"@@END\n", limit).decode(errors="replace")
        self.state = follow(self.state, self.answer)

    def _object(self, words: str) -> None:
        """`-object` or `-device` on QEMU's command line, for a machine that runs."""
        kind, *pairs = words.split(",")
        properties: dict[str, Any] = dict(pair.split("=", 1) for pair in pairs)
        if kind == "memory-backend-ram":
            properties["size"] = int(properties["size"].removesuffix("M")) << 20
            properties["share"] = True
            self.qmp("object-add", **{"qom-type": kind}, **properties)
        else:
            self.qmp("device_add", driver=kind, **properties)

    def plug(self, rows: list[Row], objects: list[str], port: str) -> None:
        """Put a card into a port; function 0 last, because that is when the port says so."""
        for words in objects[1::2]:
            self._object(words)
        for row in reversed(_with_roms(rows, self.place)):
            properties = self.machine.device(row, port, 0, self.machine.paths[port])
            try:
                self.qmp("device_add", **properties)
            except LabError:
                self.machine.paths.pop(row["id"], None)
                raise
