# SPDX-License-Identifier: GPL-2.0-or-later
"""What every room of the laboratory shares: its errors, its directories, running a command."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterable, Iterator, Sequence

VM_DIR = Path(__file__).resolve().parent.parent
UNUSED = 6 * 3600  # seconds after which what is cached may go


class LabError(Exception):
    """Something the person at the keyboard can act on; printed without a traceback."""


def cache_dir() -> Path:
    """Where downloads and built guests live: outside the tree, shared by all checkouts."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(os.environ.get("PCIROOM_CACHE") or os.path.join(home, "pciroom"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def call(argv: Sequence[str], **more) -> str:
    """Run a command and return its output; its error output becomes the message of a failure."""
    done = subprocess.run(list(argv), capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        text = (done.stderr or done.stdout).strip()
        raise LabError(f"{argv[0]} failed with status {done.returncode}: {text}")
    return done.stdout


def forget_unused(cached: Iterable[Path]) -> None:
    """Removes what was not touched for hours: other runs, of other builds too, may be at work."""
    for path in cached:
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime + UNUSED > time.time():
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock of the cache: two runs at once must not build the same thing twice."""
    with open(cache_dir() / f"{name}.lock", "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def digest(parts: Iterable[bytes]) -> str:
    """A short content hash: equal content gives the same name, so a second build finds the first."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()[:20]


def say(text: str) -> None:
    """One line of progress, visible at once even when the output is a pipe."""
    print(text, flush=True)


def guarded(main) -> None:
    """Run a program's main function; a LabError is a message and status 1, not a traceback."""
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
