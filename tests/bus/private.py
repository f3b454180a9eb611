# SPDX-License-Identifier: GPL-2.0-or-later
"""A private bus with a pciroomd on it, for tests that print TAP.  Nothing of the machine is touched:
the daemon reads a directory, and the bus is a file in it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.abspath(os.path.dirname(__file__) + "/../lib"))
from tap import Tap, skip  # noqa: E402, F401

NAME, ROOT, MANAGER = "org.pciroom1", "/org/pciroom1", "org.pciroom1.Manager"
NOBODY = 65534
PATIENCE = 300  # seconds for what takes a moment on an idle machine
os.environ["SYSTEMD_BUS_TIMEOUT"] = str(PATIENCE)  # of all that use sd-bus; busctl's --timeout is for "call" alone

BUILT = os.environ.get("PCIROOM_BUILDDIR", ".")
PCIROOM, PCIROOMD = os.path.join(BUILT, "pciroom"), os.path.join(BUILT, "pciroomd")

CONFIG = """<busconfig><type>system</type><listen>unix:path=%s/bus</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow send_type="signal"/><allow receive_type="method_call"/><allow receive_type="method_return"/>
<allow receive_type="error"/><allow receive_type="signal"/></policy></busconfig>"""


def require():
    """What these tests cannot do without."""
    for program in ("dbus-daemon", "busctl"):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    if os.geteuid() != 0:
        skip("only root can be two users")


def schemas():
    """The judge of JSON, tests/lib/schema.py."""
    try:
        import schema
    except ImportError:
        skip("python3-jsonschema is not installed")
    return schema


def sanitized():
    """Whether pciroomd was built with sanitizers, which need memory of their own."""
    with open(PCIROOMD, "rb") as file:
        return b"__asan_init" in file.read()


class Stage:
    """Bus, daemon and whatever else is started on it; ends with the with statement."""

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="pciroom-test-")
        os.chmod(self.top, 0o755)
        self.address = f"unix:path={self.top}/bus"
        self.processes = []
        config = os.path.join(self.top, "bus.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG % self.top)
        self.start(["dbus-daemon", "--nofork", f"--config-file={config}"])
        self.until(lambda: os.path.exists(f"{self.top}/bus"))
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(PATIENCE)
        shutil.rmtree(self.top)

    def start(self, command, **more):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, **more)
        self.processes.append(process)
        return process

    @staticmethod
    def until(condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(condition)
            time.sleep(0.02)

    def machine(self):
        """A root directory with one function in it."""
        function = f"{self.top}/root/sys/devices/pci0000:00/0000:00:1f.0"
        os.makedirs(function)
        os.makedirs(f"{self.top}/root/sys/bus/pci/devices")
        os.makedirs(f"{self.top}/root/proc")
        header = bytearray(256)
        header[0:4] = b"\x86\x80\x18\x29"
        header[10:12] = b"\x01\x06"
        with open(f"{function}/config", "wb") as file:
            file.write(header)
        with open(f"{function}/resource", "w", encoding="ascii") as file:
            file.write((" ".join(["0x" + 16 * "0"] * 3) + "\n") * 17)
        for name, value in (("vendor", "0x8086"), ("device", "0x2918"), ("class", "0x060100"),
                            ("irq", "0")):
            with open(f"{function}/{name}", "w", encoding="ascii") as file:
                file.write(value + "\n")
        os.symlink("../../../devices/pci0000:00/0000:00:1f.0",
                   f"{self.top}/root/sys/bus/pci/devices/0000:00:1f.0")

    def daemon(self):
        """pciroomd, ready: the first look is done."""
        self.machine()
        os.makedirs(f"{self.top}/conf")
        return self.restart()

    def restart(self):
        """Another pciroomd on the same machine, when the last one has ended."""
        process = self.start([PCIROOMD, "--address", self.address, "--root", f"{self.top}/root",
                              "--state", f"{self.top}/state", "--conf", f"{self.top}/conf",
                              "--runtime", f"{self.top}/runtime",
                              "--helper", f"{self.top}/none", "--processes", f"{self.top}/none"])
        self.until(lambda: self.get("Generation") not in (None, "t 0"))
        return process

    def busctl(self, *arguments, uid=0):
        """Exit status, output and error of busctl run by @uid."""
        command = ["busctl", f"--address={self.address}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, user=uid, timeout=PATIENCE,
                              check=False, cwd="/")
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def call(self, *arguments, uid=NOBODY, interactive=False, path=ROOT, interface=MANAGER):
        """Output of a call, or its error's text."""
        status, out, error = self.busctl(
            f"--allow-interactive-authorization={'yes' if interactive else 'no'}",
            "call", NAME, path, interface, *arguments, uid=uid)
        return out if status == 0 else error

    def get(self, name, path=ROOT, interface=MANAGER, uid=0):
        status, out, _ = self.busctl("get-property", NAME, path, interface, name, uid=uid)
        return out if status == 0 else None
