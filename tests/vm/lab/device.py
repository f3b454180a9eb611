# SPDX-License-Identifier: GPL-2.0-or-later
"""The devices of ours (device.c, device-vfs.c), built for the QEMU that is installed."""

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

from .base import VM_DIR, cache_dir, call, digest, forget_unused, locked

TYPES = ("pciroom-device", "pciroom-nvme")
SOURCES = [VM_DIR / name for name in ("device.c", "device-vfs.c")]
HEADER = VM_DIR / "device.h"


def wanted(rows: list[dict[str, Any]]) -> bool:
    """Whether one of the devices of a machine is ours."""
    return any(row.get("device") in TYPES or wanted(row.get("below", [])) for row in rows)


@functools.cache
def plugin() -> Path:
    """The plugin, named by its source like everything in the cache."""
    place = cache_dir() / "plugin"
    place.mkdir(exist_ok=True)
    target = place / f"{digest(path.read_bytes() for path in [*SOURCES, HEADER])}.so"
    with locked("plugin"):
        if not target.exists():
            forget_unused(place.iterdir())
            part = target.with_suffix(".part")
            call([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", str(part), *map(str, SOURCES)])
            part.rename(target)
        target.touch()
    return target


@functools.cache
def refusal() -> str | None:
    """Why the QEMU that is installed does not take it; None when it does."""
    done = subprocess.run(["qemu-system-x86_64", "-M", "q35", "-S", "-display", "none", "-nodefaults", "-monitor", "stdio",
                           "-plugin", str(plugin()), "-device", TYPES[0]], input="quit\n", capture_output=True, text=True,
                          check=False)
    return None if done.returncode == 0 else done.stderr.strip()
