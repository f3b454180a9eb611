# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel packages: which one a generation means, fetched by a private apt, unpacked to what we boot.

The machine's own apt state is never touched: sources, lists and cache are directories of ours.
"""

import functools
import json
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import yaml

from .base import LabError, VM_DIR, cache_dir, call, digest, locked, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org/debian"


@dataclass(frozen=True)
class Kernel:
    """A generation that is on disk: `image` boots, `modules` is a tree that starts with lib/modules."""

    generation: str
    release: str
    package: str
    image: Path
    modules: Path


@dataclass
class Generation:
    """One row of kernels.yaml."""

    name: str
    suites: list[str]
    packages: list[str]
    mandatory: bool = False
    optional: bool = False
    wanted: list[str] = field(default_factory=list)

    def directory(self) -> Path:
        """Where the unpacked kernel of this generation is kept."""
        return cache_dir() / "kernels" / self.name

    def recipe(self) -> str:
        """Changes when the row or the list of modules does, so an older unpacking is not trusted."""
        return digest(json.dumps(part).encode() for part in (self.packages, self.wanted))


def load_generations() -> dict[str, Generation]:
    """Read kernels.yaml; the order there is the order of every listing."""
    data = yaml.safe_load((VM_DIR / "kernels.yaml").read_text())
    wanted = data["modules"]
    return {name: Generation(name=name, wanted=wanted, **row)
            for name, row in data["generations"].items()}


def mirror() -> str:
    """The Debian mirror this machine uses, so a local one serves the kernels as well."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for place in places:
        if not place.is_file() or place.suffix not in (".list", ".sources"):
            continue
        for line in place.read_text(errors="replace").splitlines():
            found = re.match(r"\s*(?:deb\s+(?:\[.*?\]\s+)?|URIs:\s*)(\S+/debian)/?(?:\s|$)", line)
            if found:
                return found.group(1)
    return DEFAULT_MIRROR


class PrivateApt:
    """apt with every directory of ours, for one suite."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.root = cache_dir() / "apt" / suite
        for part in ("lists/partial", "cache/archives/partial", "etc"):
            (self.root / part).mkdir(parents=True, exist_ok=True)
        self.trusted_because: Optional[str] = None

    def options(self) -> list[str]:
        """The options that keep apt out of the machine's state and let root read our directories."""
        pairs = {
            "Dir::Etc::SourceList": self.root / "etc/sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State::Lists": self.root / "lists",
            "Dir::Cache": self.root / "cache",
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "APT::Architecture": "amd64",
            "APT::Update::Error-Mode": "any",
        }
        if os.geteuid() == 0:
            pairs["APT::Sandbox::User"] = "root"
        return [word for key, value in pairs.items() for word in ("-o", f"{key}={value}")]

    def _write_source(self, option: str) -> None:
        line = f"deb [{option}] {mirror()} {self.suite} main\n"
        (self.root / "etc/sources.list").write_text(line)

    def update(self) -> None:
        """Fetch the lists, verified; without a usable key say why and trust this suite alone."""
        try:
            if not KEYRING.is_file():
                raise LabError(f"no {KEYRING} (package debian-archive-keyring)")
            self._write_source(f"signed-by={KEYRING}")
            call(["apt-get", *self.options(), "update"])
            return
        except LabError as error:
            reason = _signature_trouble(str(error))
            if reason is None:
                raise LabError(f"suite {self.suite}: {error}") from error
        say(f"  WARNING: {self.suite}: signature not verified ({reason}); trusting this suite alone")
        self.trusted_because = reason
        self._write_source("trusted=yes")
        call(["apt-get", *self.options(), "update"])

    @functools.cached_property
    def names(self) -> list[str]:
        """Every package name of the suite."""
        return call(["apt-cache", *self.options(), "pkgnames"]).split()

    def version(self, package: str) -> str:
        """The newest version of a package in this suite."""
        shown = call(["apt-cache", *self.options(), "show", "--no-all-versions", package])
        found = re.search(r"^Version: (\S+)$", shown, re.M)
        if not found:
            raise LabError(f"{self.suite}: no version for {package}")
        return found.group(1)

    def download(self, package: str, into: Path) -> Path:
        """Download one package file and return its path."""
        before = set(into.glob("*.deb"))
        call(["apt-get", *self.options(), "download", package], cwd=into)
        new = set(into.glob("*.deb")) - before
        if len(new) != 1:
            raise LabError(f"{self.suite}: {package}: expected one package file, got {len(new)}")
        return new.pop()


def _signature_trouble(text: str) -> Optional[str]:
    """The line that says a signature could not be checked, or None when the failure is another."""
    for line in text.splitlines():
        if re.search(r"NO_PUBKEY|EXPKEYSIG|EXPSIG|REVKEYSIG|is not signed|debian-archive-keyring", line):
            return line.strip()
    return None


def _newer(left: str, right: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", left, "gt", right], check=False).returncode == 0


def _pick(row: Generation) -> tuple[PrivateApt, str, str]:
    """The newest package of the first pattern that matches anywhere: (apt, package, version)."""
    apts, troubles = [], []
    for suite in row.suites:
        try:
            apt = PrivateApt(suite)
            apt.update()
            apts.append(apt)
        except LabError as error:
            say(f"  {row.name}: suite {suite} left out: {error}")
            troubles.append(str(error))
    for pattern in row.packages:
        best: Optional[tuple[PrivateApt, str, str]] = None
        for apt in apts:
            for name in filter(re.compile(pattern).fullmatch, apt.names):
                version = apt.version(name)
                if best is None or _newer(version, best[2]):
                    best = (apt, name, version)
        if best:
            return best
    wanted = " or ".join(row.packages)
    raise LabError("; ".join(troubles + [f"no package {wanted} in {', '.join(row.suites)}"]))


def _unpack(debs: list[Path], into: Path) -> None:
    """Unpack kernel image and modules of the packages; usr-merged packages land in the same place."""
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as tar:
            call(["tar", "-x", "-C", str(into), "--wildcards", "--no-wildcards-match-slash",
                  "--exclude=./usr/share/*"], stdin=tar.stdout)
        if tar.returncode != 0:
            raise LabError(f"{deb.name}: cannot be unpacked")
    usr = into / "usr/lib/modules"
    if usr.is_dir():
        (into / "lib").mkdir(exist_ok=True)
        shutil.copytree(usr, into / "lib/modules", dirs_exist_ok=True, symlinks=True)


def _module_files(tree: Path) -> dict[str, Path]:
    """Module name (with underscores, as modinfo prints dependencies) to file."""
    files = {}
    for path in tree.rglob("*.ko*"):
        files[path.name.split(".ko")[0].replace("-", "_")] = path
    return files


def _module_bytes(path: Path) -> bytes:
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", str(path)], capture_output=True, check=True).stdout
    return path.read_bytes()


def _dependencies(content: bytes) -> list[str]:
    found = re.search(rb"\0depends=([^\0]*)\0", content)
    return found.group(1).decode().replace("-", "_").split(",") if found and found.group(1) else []


def _copy_modules(unpacked: Path, release: str, wanted: list[str], target: Path) -> list[str]:
    """Copy the wanted modules with all they depend on, uncompressed; return those not in this kernel.

    A soft dependency is not in `depends=`: crc32c for ext4 and jbd2, which they ask for by name.
    """
    source = unpacked / "lib/modules" / release
    files = _module_files(source)
    goal = target / "lib/modules" / release
    queue = [name.replace("-", "_") for name in wanted] + ["crc32c_generic", "crc32c_intel"]
    missing, seen = [], set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in files:
            missing.append(name)
            continue
        content = _module_bytes(files[name])
        place = goal / files[name].relative_to(source).parent / f"{files[name].name.split('.ko')[0]}.ko"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        queue += _dependencies(content)
    for extra in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if (source / extra).is_file():
            shutil.copy(source / extra, goal / extra)
    call(["/usr/sbin/depmod", "-b", str(target), release])
    return missing


def _install(row: Generation, apt: PrivateApt, package: str, version: str) -> dict[str, Any]:
    """Download, unpack, keep what is needed and describe it in kernel.json, written last."""
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="kernel-") as scratch:
        debs = Path(scratch) / "debs"
        tree = Path(scratch) / "tree"
        keep = Path(scratch) / "keep"
        for place in (debs, tree, keep):
            place.mkdir()
        modules = re.sub(r"^linux-(binary-unsigned|binary|image)-", "linux-modules-", package)
        names = [package] + ([modules] if modules in apt.names else [])
        _unpack([apt.download(name, debs) for name in names], tree)
        images = [*tree.glob("boot/vmlinuz-*"), *tree.glob("usr/lib/modules/*/vmlinuz*")]
        if len(images) != 1:
            raise LabError(f"{package}: expected one kernel image, found {len(images)}")
        release = images[0].name.removeprefix("vmlinuz-")
        if release in ("vmlinuz", "vmlinuz.unsigned"):
            release = images[0].parent.name
        missing = _copy_modules(tree, release, row.wanted, keep)
        shutil.copy(images[0], keep / "vmlinuz")
        facts = {"generation": row.name, "release": release, "package": package, "version": version,
                 "suite": apt.suite, "recipe": row.recipe(), "not_in_this_kernel": sorted(missing),
                 "unverified": apt.trusted_because}
        (keep / "kernel.json").write_text(json.dumps(facts, indent=1) + "\n")
        goal = row.directory()
        shutil.rmtree(goal, ignore_errors=True)
        goal.parent.mkdir(parents=True, exist_ok=True)
        keep.chmod(0o755)
        shutil.move(str(keep), str(goal))
    return facts


def present(row: Generation) -> Optional[Kernel]:
    """The generation as it is on disk, or None when it was not fetched (or by another recipe)."""
    place = row.directory()
    try:
        facts = json.loads((place / "kernel.json").read_text())
    except (OSError, ValueError):
        return None
    if facts.get("recipe") != row.recipe():
        return None
    return Kernel(row.name, facts["release"], facts["package"], place / "vmlinuz", place)


def fetch(row: Generation, refresh: bool = False) -> Kernel:
    """Make sure that the generation is on disk; a LabError says why it cannot be had."""
    have = None if refresh else present(row)
    if have:
        return have
    with locked("kernels"):
        apt, package, version = _pick(row)
        say(f"  {row.name}: {package} {version} from {apt.suite}")
        _install(row, apt, package, version)
    done = present(row)
    if done is None:
        raise LabError(f"{row.name}: {package}: unpacked, but not found again")
    return done
