# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest boots from: concatenated cpio archives, cached by the content they are made of.

Nothing is compressed: QEMU copies a hundred megabytes faster than an emulated processor unpacks them.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Sequence

from .base import LabError, VM_DIR, cache_dir, call, digest, forget_unused, locked, say
from .kernels import Kernel, mirror

GUEST_DIR = VM_DIR / "guest"
SMALL_PROGRAMS = ("lspci",)  # of this machine, with their libraries
SMALL_MODULES = ("e1000e", "nvme", "ext4")
DEBIAN_SUITE = "bookworm"
DEBIAN_PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,kmod,libpam-systemd,libpci3,libudev1,libsystemd0,libyaml-0-2,"
    "libsmartcols1,libmount1,libmnl0,libcmocka0,e2fsprogs,util-linux,coreutils,procps,"
    "iproute2,mdadm,cryptsetup-bin,lvm2,polkitd")
# What only costs time in an emulated guest.
MASKED = ("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "fstrim.timer", "e2scrub_all.timer", "e2scrub_reap.service", "getty@tty1.service",
          "serial-getty@ttyS0.service", "systemd-hwdb-update.service", "ldconfig.service",
          "systemd-update-done.service", "systemd-journal-catalog-update.service",
          "systemd-random-seed.service", "systemd-pstore.service", "modprobe@drm.service")
LAB_UNIT = """[Unit]
Description=Control channel of the guest laboratory
After=basic.target dbus.socket
[Service]
ExecStart=/bin/sh /sbin/agent
StandardOutput=null
[Install]
WantedBy=multi-user.target
"""


def _archive(tree: Path, target: Path) -> None:
    """Pack a directory as a cpio archive owned by root, under a temporary name until it is whole."""
    part = target.with_suffix(".part")
    with open(part, "wb") as out, subprocess.Popen(
            ["find", ".", "-print0"], cwd=tree, stdout=subprocess.PIPE) as names:
        done = subprocess.run(["cpio", "--null", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree,
                              stdin=names.stdout, stdout=out, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise LabError(f"cpio: {done.stderr.decode().strip()}")
    part.rename(target)


def _cached(kind: str, key: str, fill: Callable[[Path], None]) -> Path:
    """The archive of this content; made in a scratch directory when it is not there yet."""
    place = cache_dir() / "guests"
    place.mkdir(exist_ok=True)
    target = place / f"{kind}-{key}.cpio"
    with locked(f"guest-{kind}"):
        if target.exists():
            target.touch()
        else:
            forget_unused(place.glob(f"{kind}-" + "[0-9a-f]" * len(key) + ".cpio"))
            with tempfile.TemporaryDirectory(dir=cache_dir(), prefix=f"{kind}-") as scratch:
                tree = Path(scratch) / "tree"
                tree.mkdir(mode=0o755)
                fill(tree)
                _archive(tree, target)
    return target


def _libraries(program: Path) -> list[Path]:
    """Shared libraries of a program, the loader included."""
    found = re.findall(r"(/\S+) \(0x", call(["ldd", str(program)]))
    return [Path(path) for path in found]


def _program(tree: Path, name: str, directory: str = "sbin") -> None:
    """A program of ours in C, linked statically."""
    target = tree / directory / name
    target.parent.mkdir(exist_ok=True)
    call([os.environ.get("CC", "cc"), "-O2", "-static", "-o", str(target), str(GUEST_DIR / f"{name}.c")])


def _tree_key(tree: Path) -> str:
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return digest(part for path in files for part in (str(path.relative_to(tree)).encode(), path.read_bytes()))


def _kept(kind: str, fill: Callable[[Path], None]) -> Path:
    """A tree for guests, named by its content like they are: another run may be using the one of a moment ago."""
    place = cache_dir() / kind
    place.mkdir(exist_ok=True)
    with locked(kind), tempfile.TemporaryDirectory(dir=cache_dir(), prefix=f"{kind}-") as scratch:
        tree = Path(scratch) / "tree"
        fill(tree)
        target = place / _tree_key(tree)
        if not target.exists():
            forget_unused(place.iterdir())
            tree.rename(target)
        target.touch()
    return target


def installed(builddir: Path) -> Path:
    """`make install` of a build directory."""
    return _kept("install", lambda tree: call(["make", "-s", "-C", str(builddir), "install", f"DESTDIR={tree}"]))


def packaged(builddir: Path) -> Path:
    """The Debian package that the build directory holds (`make deb`), as /root/pciroom.deb."""
    packages = sorted((builddir / "debian-package").glob("pciroom_*.deb"))
    if len(packages) != 1:
        raise LabError(f"{builddir}/debian-package: one Debian package is wanted there (make deb), not {len(packages)}")

    def fill(tree: Path) -> None:
        (tree / "root").mkdir(parents=True)
        shutil.copy(packages[0], tree / "root/pciroom.deb")

    return _kept("package", fill)


def provided(kind: bool | str, builddir: Path) -> Path | None:
    """What a scenario's guest gets of us, by its word `pciroom`: the installation, the package, or nothing."""
    return {True: installed, "package": packaged, False: lambda _: None}[kind](builddir)


def small_base() -> Path:
    """busybox, init, and the two agents."""
    busybox = Path("/bin/busybox")
    if not busybox.exists():
        raise LabError("no /bin/busybox (package busybox-static)")
    sources = [GUEST_DIR / name for name in ("init", "agent", "session.c", "uevents.c")]

    def fill(tree: Path) -> None:
        (tree / "bin").mkdir()
        (tree / "sbin").mkdir()
        shutil.copy(busybox, tree / "bin/busybox")
        shutil.copy(GUEST_DIR / "init", tree / "init")
        shutil.copy(GUEST_DIR / "agent", tree / "sbin/agent")
        _program(tree, "session")
        _program(tree, "uevents")

    return _cached("small", digest([busybox.read_bytes()] + [path.read_bytes() for path in sources]), fill)


def modules(kernel: Kernel, load: Sequence[str], merged: bool) -> Path:
    """The modules of a kernel, and the list of those that the small guest loads.

    @merged: Debian's /lib is a link to usr/lib, and unpacking a directory of that name would replace it.
    """
    def fill(tree: Path) -> None:
        place = tree / ("usr/lib/modules" if merged else "lib/modules")
        shutil.copytree(kernel.modules / "lib/modules", place)
        (place / "load").write_text("".join(f"{name}\n" for name in load))

    kind = "modules-merged" if merged else "modules"
    names = sorted(path.name for path in kernel.modules.rglob("*.ko"))  # the list of them may grow
    parts = [kernel.package, kernel.release, *load, *names]
    return _cached(kind, digest(map(str.encode, parts)), fill)


def _program_here(name: str) -> Path:
    found = shutil.which(name)
    if not found:
        raise LabError(f"no {name} (package pciutils)")
    return Path(found)


def pciroom(tree: Path, libraries: bool) -> Path:
    """Our own installation; for the small guest with the shared libraries it needs."""
    def fill(goal: Path) -> None:
        shutil.copytree(tree, goal, dirs_exist_ok=True, symlinks=True)
        if libraries:
            for other in others:
                shutil.copy(other, goal / "usr/bin")
            for program in (*goal.glob("usr/bin/*"), *goal.glob("usr/libexec/pciroom/*")):
                for library in _libraries(program):
                    place = goal / str(library).lstrip("/")
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(library, place)
        elif (goal / "lib").is_dir():  # Debian's /lib is a link; an archive must not replace it
            shutil.copytree(goal / "lib", goal / "usr/lib", dirs_exist_ok=True, symlinks=True)
            shutil.rmtree(goal / "lib")

    others = [_program_here(name) for name in SMALL_PROGRAMS] if libraries else []
    tree.touch()
    key = digest([_tree_key(tree).encode(), *[other.read_bytes() for other in others]])
    return _cached("pciroom-small" if libraries else f"pciroom-{tree.parent.name}", key, fill)


def tools() -> Path:
    """Programs that hurt: what a scenario with faults runs in the guest."""
    sources = [GUEST_DIR / name for name in ("interrupted.c", "yank.c")]

    def fill(tree: Path) -> None:
        (tree / "usr/bin").mkdir(parents=True)
        for source in sources:
            _program(tree / "usr", source.stem, "bin")

    return _cached("tools", digest(path.read_bytes() for path in sources), fill)


def _bootstrap(tree: Path) -> None:
    """Debian by mmdebstrap, without what a test never reads, with the control channel as a service."""
    say(f"  building the systemd guest (Debian {DEBIAN_SUITE}, mmdebstrap)")
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale", "info", "zoneinfo")]
    call(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={DEBIAN_PACKAGES}", *left_out,
          "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Check-Valid-Until \"false\"",
          DEBIAN_SUITE, str(tree), mirror()])
    for part in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/lib/udev/hwdb.d", "var/log", "boot"):
        shutil.rmtree(tree / part, ignore_errors=True)
        (tree / part).mkdir(parents=True, exist_ok=True)
    (tree / "sbin/agent").write_bytes((GUEST_DIR / "agent").read_bytes())
    _program(tree, "uevents")
    (tree / "init").symlink_to("/lib/systemd/systemd")
    (tree / "etc/systemd/system/lab.service").write_text(LAB_UNIT)
    wants = tree / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "lab.service").symlink_to("/etc/systemd/system/lab.service")
    for unit in MASKED:
        place = tree / "etc/systemd/system" / unit
        place.unlink(missing_ok=True)
        place.symlink_to("/dev/null")
    (tree / "etc/machine-id").write_text("c0ffee00c0ffee00c0ffee00c0ffee00\n")
    (tree / "etc/hostname").write_text("guest\n")
    (tree / "etc/fstab").write_text("")
    (tree / "etc/systemd/system/default.target").unlink(missing_ok=True)
    (tree / "etc/systemd/system/default.target").symlink_to("/lib/systemd/system/multi-user.target")


def systemd_base() -> Path:
    """The Debian root file system."""
    parts = [DEBIAN_PACKAGES, DEBIAN_SUITE, LAB_UNIT, " ".join(MASKED), "recipe 1"]
    sources = [(GUEST_DIR / name).read_bytes() for name in ("agent", "uevents.c")]
    key = digest([part.encode() for part in parts] + sources)
    return _cached("systemd", key, _bootstrap)


def assemble(kind: str, kernel: Kernel, install: Path | None, target: Path,
             load: Sequence[str] = SMALL_MODULES) -> None:
    """Concatenate the archives of one guest; without modules to load it gets none."""
    small = kind == "small"
    parts = [small_base() if small else systemd_base()]
    if load:
        parts.append(modules(kernel, load, merged=not small))
    if install:
        parts += [pciroom(install, libraries=small), tools()]
    with open(target, "wb") as out:
        for part in parts:
            with open(part, "rb") as source:
                shutil.copyfileobj(source, out)
