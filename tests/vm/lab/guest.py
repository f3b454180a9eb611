# SPDX-License-Identifier: GPL-2.0-or-later
"""One running guest: QEMU under TCG, its monitor, and a control channel on the second serial port.

Nothing here sleeps and hopes: whatever is waited for is a state, with a generous limit.
"""

import base64
import contextlib
import json
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional, Sequence

from .base import LabError

BOOT_LIMIT = 600.0
STATE_LIMIT = 300.0
POLL = 0.2


class NeverBooted(LabError):
    """The guest did not reach its control channel: the one thing that is tried once more."""


class NoAnswer(LabError):
    """What was waited for did not come in time."""


class Refused(LabError):
    """QEMU does not take a machine, card or command: its author is wrong; no kernel was asked."""


@dataclass
class Result:
    """What a command in the guest did."""

    status: int
    out: str
    err: str


class Guest:
    """QEMU and the two sockets; use as a context manager, which ends QEMU."""

    boot_limit = BOOT_LIMIT

    def __init__(self, place: Path, kernel: Path, initrd: Path, append: str, memory: int,
                 arguments: Sequence[str], acpi_hotplug: bool = False) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.console = place / "console.log"
        self._sockets = {name: place / name for name in ("monitor", "control")}
        for path in self._sockets.values():
            path.unlink(missing_ok=True)
        hotplug = "on" if acpi_hotplug else "off"
        self.argv = [
            "qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-m", str(memory),
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-global", f"ICH9-LPC.acpi-pci-hotplug-with-bridge-support={hotplug}",
            "-kernel", str(kernel), "-initrd", str(initrd),
            # an emulated timer is late on a busy machine; a panic ends QEMU (-no-reboot), so it is seen at once
            "-append", f"console=ttyS0 log_buf_len=2M no_timer_check panic=-1 {append}".strip(),
            "-serial", f"file:{self.console}",
            "-serial", f"unix:{self._sockets['control']},server=on,wait=off",
            "-qmp", f"unix:{self._sockets['monitor']},server=on,wait=off", *arguments]
        self._buffer = b""
        self._number = 0

    def __enter__(self) -> "Guest":
        with open(self.place / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._monitor = self._connect("monitor").makefile("rw")
            self._monitor.readline()
            self.qmp("qmp_capabilities")
            self._control = self._connect("control")
            self._wait_booted()
        except BaseException as error:
            self._end()
            if self._process.returncode == 1:  # it says what it does not take; a guest that panics ends it with 0
                said = (self.place / "qemu.log").read_text(errors="replace").strip()
                raise Refused(f"QEMU ended: {said}") from error
            raise
        return self

    def __exit__(self, *_unused: object) -> None:
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(Exception):
            self.qmp("quit")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _connect(self, name: str) -> socket.socket:
        """QEMU makes its sockets a moment after it was started."""
        limit = time.monotonic() + 60
        while True:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(str(self._sockets[name]))
                return link
            except OSError as error:
                link.close()
                if self._process.poll() is not None:
                    raise LabError("QEMU ended") from error
                if time.monotonic() > limit:
                    raise LabError(f"QEMU's {name} socket: {error}") from error
                time.sleep(0.05)

    def _wait_booted(self) -> None:
        try:
            self._until(b"@@READY\n", self.boot_limit)
        except LabError as error:
            raise NeverBooted(f"the guest did not boot: {error}") from error

    def qmp(self, command: str, **arguments: Any) -> Any:
        """One command of the QEMU monitor; events are passed over."""
        self._monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._monitor.flush()
        while True:
            line = self._monitor.readline()
            if not line:
                raise LabError(f"QEMU ended during {command}")
            answer = json.loads(line)
            if "error" in answer:
                raise Refused(f"QEMU: {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def _until(self, mark: bytes, limit: float) -> bytes:
        end = time.monotonic() + limit
        while mark not in self._buffer:
            left = end - time.monotonic()
            if left <= 0:
                raise NoAnswer(f"no answer within {limit:.0f} s")
            self._control.settimeout(left)
            try:
                got = self._control.recv(65536)
            except TimeoutError as error:
                raise NoAnswer(f"no answer within {limit:.0f} s") from error
            if not got:
                raise LabError("the control channel was closed: QEMU or the guest died")
            self._buffer += got
        text, _, self._buffer = self._buffer.partition(mark)
        return text

    def cut_power(self, command: str, plugged: Sequence[str]) -> None:
        """Run a command until it writes "@@CUT" to its control channel: the power goes at that moment.

        The same machine, with what is @plugged in, is then started again with the same disks.
        """
        self._send(command)
        self._until(b"@@", STATE_LIMIT)
        said = self._until(b"\n", STATE_LIMIT)
        if said != b"CUT":
            raise LabError(f"the command ended before the power was cut: {command}")
        self.start_again("", plugged, {})

    def start_again(self, append: str, plugged: Sequence[str], properties: dict[str, str]) -> None:
        """The same machine from power-on: with more on its command line, cards, and properties of devices by id."""
        self._process.kill()
        self._process.wait()
        at = self.argv.index("-append") + 1
        self.argv[at] = f"{self.argv[at]} {append}".strip()
        for device, more in properties.items():
            self.argv = [f"{word},{more}" if f"id={device}" in word.split(",") else word for word in self.argv]
        self.argv += plugged
        self._buffer = b""
        self.console.rename(self.console.with_suffix(".before"))
        self.__enter__()

    def run(self, command: str, limit: float = STATE_LIMIT) -> Result:
        """Run a shell command in the guest; its output comes back byte for byte, as base64."""
        self._send(command)
        self._until(f"@@{self._number} ".encode(), limit)
        status, out, err = (self._until(b"@@\n", limit) for _ in range(3))
        return Result(int(status), *(base64.b64decode(part).decode(errors="replace") for part in (out, err)))

    def _send(self, command: str) -> None:
        self._number += 1
        patient = f"export SYSTEMD_BUS_TIMEOUT={STATE_LIMIT:.0f}\n{command}"  # of clients on the bus: 25 s by default
        coded = base64.b64encode(patient.encode()).decode()
        # the guest's line discipline takes lines of up to 4095 bytes
        for start in range(0, len(coded), 2000):
            self._control.sendall(b"+" + coded[start:start + 2000].encode() + b"\n")
        self._control.sendall(f"!{self._number}\n".encode())

    def check(self, command: str) -> str:
        """Like run(), but the command has to succeed."""
        result = self.run(command)
        if result.status != 0:
            raise LabError(f"in the guest: {command}: status {result.status}: {result.err.strip()}")
        return result.out

    def wait(self, what: str, state: Callable[[], bool], limit: float = STATE_LIMIT) -> None:
        """Wait for a state."""
        end = time.monotonic() + limit
        while not state():
            if time.monotonic() > end:
                raise LabError(f"waited {limit:.0f} s for {what}")
            time.sleep(POLL)

    def put(self, path: str, content: bytes, mode: Optional[str] = None) -> None:
        """Write a file in the guest."""
        coded = base64.b64encode(content).decode()
        self.check(f"mkdir -p $(dirname {path}) && echo '{coded}' | base64 -d > {path}")
        if mode:
            self.check(f"chmod {mode} {path}")
