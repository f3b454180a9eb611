# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings made in a guest and read outside: do they say the same of the machine as a look at it?"""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any, Iterator

import yaml

from .base import call
from .guest import Guest
from .initramfs import GUEST_DIR

COMPANIONS = {"iomem": "cat /proc/iomem", "ioports": "cat /proc/ioports", "dmesg": "dmesg"}
# How each kind is made, in a file of that name in /tmp, and what is given beside it.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "snapshot": ("pciroom record --local /tmp/snapshot", ()),
    "lspci": ("lspci -D -vvvxxxx >/tmp/lspci", tuple(COMPANIONS)),
    "tree": ("sh /tmp/state.sh /tmp/tree", ("dmesg",)),
}
NOTES = "unknown"  # what the importer says of a recording; no fact of the machine


def _fetch(guest: Guest, name: str, place: Path) -> Path:
    """A file of the guest's /tmp, outside."""
    target = place / f"recorded-{name}"
    target.write_bytes(gzip.decompress(base64.b64decode(guest.check(f"gzip -1 -c /tmp/{name} | base64"))))
    return target


def _bytes(text: str) -> str:
    """Configuration space of a snapshot as plain digits."""
    return re.sub(r"([0?])\*(\d+)", lambda m: {"0": "00", "?": "??"}[m[1]] * int(m[2]), text).replace(" ", "").replace("\n", "")


def _name(value: Any, position: int) -> str:
    """What an item of a list is known by, whatever its place is."""
    keys = ("address", "path", "index", "bus", "kind")
    return str(next((value[key] for key in keys if key in value), position)) if isinstance(value, dict) else str(position)


def flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value in parsed JSON or YAML with the names on the way to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != NOTES:
                yield from flat(_bytes(item) if key == "config" else item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from flat(item, (*path, _name(item, position)))
    else:
        yield path, value


def differences(live: Any, other: Any) -> dict[str, list[str]]:
    """What is not the same in both, by key: where, and how."""
    a, b, found = dict(flat(live)), dict(flat(other)), {}
    for path in sorted({*a, *b}):
        if a.get(path) != b.get(path):
            key = next(name for name in reversed(path) if not name.isdecimal())
            found.setdefault(key, []).append(f"{'/'.join(path)}: {a.get(path)}, not {b.get(path)}")
    return found


def _facts(snapshot: str) -> Any:
    """As texts: YAML would take an address for a number with base 60."""
    return yaml.load(snapshot, Loader=yaml.BaseLoader)


def compare(guest: Guest, install: Path, place: Path, kind: str) -> dict[str, list[str]]:
    """Makes a recording of that kind, and says what is not the same in it as in the live machine, by key."""
    program = str(install / "usr/bin/pciroom")
    make, companions = KINDS[kind]
    guest.put("/tmp/state.sh", (GUEST_DIR / "state").read_bytes())
    live = {"tree": json.loads(guest.check("pciroom tree --json --local")),
            "facts": _facts(guest.check("pciroom record --local"))}
    guest.check(make)
    recording = ["--input", str(_fetch(guest, kind, place))]
    for name in companions:
        guest.check(f"{COMPANIONS[name]} >/tmp/{name}")
        recording += [f"--{name}", str(_fetch(guest, name, place))]
    other = {"tree": json.loads(call([program, "tree", "--json", *recording])),
             "facts": _facts(call([program, "record", *recording, "-"]))}
    return differences(live, other)
