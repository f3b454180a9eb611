# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw facts of a guest for those who write the model: its sysfs, iomem and log, before and after a step."""

import base64
import gzip
import io
import re
import tarfile
from pathlib import Path
from typing import Any

from .base import LabError
from .guest import Guest
from .initramfs import GUEST_DIR


def store(guest: Guest, target: Path) -> None:
    """Unpack the guest's present state into a directory."""
    guest.put("/tmp/state.sh", (GUEST_DIR / "state").read_bytes())
    coded = guest.check("sh /tmp/state.sh /tmp/state.tar && gzip -1 -c /tmp/state.tar | base64")
    content = gzip.decompress(base64.b64decode(coded))
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(target)
    if not any(target.glob("sys/bus/pci/devices/*")):
        raise LabError(f"{target}: the guest's state holds no PCI device")


def label(number: int, step: dict[str, Any]) -> str:
    """Directory name of the moment after a step: 03-hot-add-new."""
    kind, value = next(iter(step.items()))
    detail = value.get("id", "") if isinstance(value, dict) else str(value or "")
    detail = re.sub(r"[^A-Za-z0-9]+", "-", detail).strip("-")[:32]
    return f"{number:02d}-{kind}" + (f"-{detail}" if detail else "")
