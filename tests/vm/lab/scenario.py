# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios are data: a machine, and steps of which each is one row of STEPS.

In the text of a step `{address:ID}` and `{path:ID}` name a device of the machine: its address now,
and its topological path.  README.md lists the steps.
"""

import json
import random
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import yaml

from . import device, pci, recorded
from .base import LabError, VM_DIR, call
from .guest import Guest, Refused, Result
from .machine import Machine, build

sys.path.insert(0, str(VM_DIR.parent / "lib"))
import schema  # noqa: E402

SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Failed(LabError):
    """An assertion that does not hold; never tried again."""


@dataclass
class Scenario:
    """One file of scenarios/."""

    name: str
    title: str
    guest: str
    kernels: list[str]
    machine: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    append: str = ""
    arguments: list[str] = field(default_factory=list)
    night: list[str] = field(default_factory=list)  # kernels on which it runs with --night, or when named
    memory: int = 0
    pciroom: bool | str = True
    acpi_hotplug: bool = False
    qemu: list[str] = field(default_factory=list)
    demo: bool = False


def load() -> dict[str, Scenario]:
    """Every scenario by name, in order of the file names."""
    found = {}
    for path in sorted((VM_DIR / "scenarios").glob("*.yaml")):
        data = yaml.safe_load(path.read_text())
        try:
            found[path.stem] = Scenario(name=path.stem, **{key.replace("-", "_"): value for key, value in data.items()})
        except TypeError as error:
            raise LabError(f"{path.name}: {error}") from error
    return found


def size(text: Any) -> int:
    """"256M" to bytes; hexadecimal, as pciroom prints it, is bytes."""
    if re.fullmatch(r"0x[0-9a-f]+", str(text)):
        return int(text, 16)
    found = re.fullmatch(r"(\d+)([KMGT]?)", str(text))
    if not found:
        raise LabError(f"not a size: {text}")
    return int(found.group(1)) * SIZE_UNITS[found.group(2)]


@dataclass
class Run:
    """A scenario under way in a guest."""

    guest: Guest
    machine: Machine
    transcript: Callable[[str], None]
    install: Path | None = None  # what the guest has of us
    points: int = 3
    chance: random.Random = field(default_factory=random.Random)
    memories: dict[str, dict[str, pci.Function]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # told with the outcome

    def fill(self, value: Any) -> Any:
        """Replace {address:ID}, {path:ID} and {kept:NAME} in every text of a value."""
        if isinstance(value, str):
            return re.sub(r"\{(address|path|kept):([\w-]+)\}", lambda m: self.name(m.group(1), m.group(2)), value)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        return value

    def path(self, device: str) -> str:
        """Topological path of a device of the scenario; a path itself is taken as it is."""
        if "/" in device:
            return device
        if device not in self.machine.paths:
            raise LabError(f"no device {device} in this machine")
        return self.machine.paths[device]

    def name(self, kind: str, device: str) -> str:
        """Text for {address:ID}, {path:ID} or {kept:NAME}."""
        if kind == "kept":
            if device not in self.kept:
                raise LabError(f"nothing was kept as {device}")
            return self.kept[device]
        path = self.path(device)
        if kind == "path":
            return path
        now = pci.look(self.guest)
        if path not in now:
            raise Failed(f"{device} ({path}) is not there, so it has no address")
        return now[path].address

    def perform(self, step: dict[str, Any]) -> None:
        """One step; its first key names it, the others are its options."""
        kind = next(iter(step))
        if kind not in STEPS:
            raise LabError(f"unknown step {kind}; known: {', '.join(STEPS)}")
        self.transcript(f"--- {json.dumps(step)}")
        STEPS[kind](self, step)


def _lookup(data: Any, path: str) -> Any:
    """`devices[0].resources[index=2].size` in parsed JSON; `#` at the end is the length of a list."""
    for inside, plain in re.findall(r"\[([^\]]+)\]|([^.\[\]]+)", path):
        word = inside or plain
        key, equals, wanted = word.partition("=")
        try:
            if word == "#":
                data = len(data)
            elif equals:
                data = next(item for item in data if str(item[key]) == wanted)
            else:
                data = data[int(word) if isinstance(data, list) else word]
        except (KeyError, IndexError, ValueError, TypeError, StopIteration) as error:
            raise Failed(f"no {path} in the answer (at {word})") from error
    return data


def _parsed(result: Any) -> Any:
    try:
        return json.loads(result.out)
    except ValueError as error:
        raise Failed(f"not JSON ({error}):\n{result.out}{result.err}") from error


def _judge_schema(document: str) -> None:
    problem, _ = schema.complaint(document)
    if problem:
        raise Failed(f"{problem}\n{document}")


def _judge(step: dict[str, Any], result: Result) -> None:
    """Exit status, texts and JSON of a command against what the step wants."""
    wanted = step.get("status", 0)
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if "any" not in wanted and result.status not in wanted:
        raise Failed(f"exit status {result.status}, wanted {wanted}\n{result.out}{result.err}")
    for key, text in (("out", result.out), ("err", result.err)):
        for pattern in step.get(key, []):
            if not re.search(pattern, text, re.M):
                raise Failed(f"/{pattern}/ is not in {key}:\n{text}")
        for pattern in step.get(f"{key}-lacks", []):
            if re.search(pattern, text, re.M):
                raise Failed(f"/{pattern}/ is in {key}:\n{text}")
    for line in result.out.splitlines() if step.get("json-lines") else []:
        _judge_schema(line)
    if "json" in step:
        data = _parsed(result)
        if "schema" in data:
            _judge_schema(result.out)
        for path, value in step["json"].items():
            if _lookup(data, path) != value:
                raise Failed(f"{path} is {_lookup(data, path)!r}, wanted {value!r}")


def _run(run: Run, step: dict[str, Any]) -> None:
    step = run.fill(step)
    result = run.guest.run(step["run"])
    run.transcript(f"status {result.status}\n{result.out}{result.err}")
    _judge(step, result)
    for name, path in step.get("keep", {}).items():
        run.kept[name] = str(_lookup(_parsed(result), path))


def _wait(run: Run, step: dict[str, Any]) -> None:
    command = run.fill(step["wait"])
    try:
        run.guest.wait(command, lambda: run.guest.run(command).status == 0)
    except LabError as error:
        raise Failed(str(error)) from error


def _card(run: Run, row: dict[str, Any]) -> dict[str, str]:
    """A card in a port, as QEMU wants to be told."""
    row = dict(run.fill(row))
    bus = row.pop("port")
    if "membar" in row:
        row["membar"] = size(row["membar"])
    return run.machine.device(row, bus, 0, run.path(bus))


def _wait_empty(run: Run, device: str) -> None:
    """QEMU lets go of a card a moment after the guest has, when the slot's power is off."""
    before = {name for name, path in run.machine.paths.items() if path == run.path(device) and name != device}
    run.guest.wait(f"an empty slot for {device}", lambda: not before & {
        item["name"] for item in run.guest.qmp("qom-list", path="/machine/peripheral")})


def _hot_add(run: Run, step: dict[str, Any]) -> None:
    """device_add, then wait for /proc/bus/pci/BB/DD.F: pci_bus_add_device() makes it after assignment."""
    row = dict(step["hot-add"])
    if "memory" in row:
        row["memdev"] = f"memory-{row['id']}"
        run.guest.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": row["memdev"],
                                       "size": size(row.pop("memory"))})
    card = _card(run, row)
    _wait_empty(run, row["id"])
    run.guest.qmp("device_add", **card)
    if step.get("unseen"):
        return
    directory = "/sys/devices/pci0000:00"
    steps = run.path(row["id"]).split("/")[1:]
    pattern = directory + "".join(f"/*:*:{part}" for part in steps)
    _wait(run, {"wait": f"a=$(basename {pattern}) && b=${{a#*:}} && [ -e /proc/bus/pci/${{b%%:*}}/${{b#*:}} ]"})


def _pressed(run: Run, device: str) -> bool:
    """Whether QEMU took the button's press: not while the slot's power indicator blinks."""
    try:
        run.guest.qmp("device_del", id=device)
    except Refused as error:
        if "guest is busy" in str(error):
            return False
        raise
    return True


def _unplug(run: Run, step: dict[str, Any]) -> None:
    """Surprise or orderly removal, as the port does it; waits until the function is gone."""
    run.guest.wait(f"the slot of {step['unplug']} to be idle", lambda: _pressed(run, step["unplug"]))
    path = run.path(step["unplug"])
    run.guest.wait(f"{path} to go", lambda: path not in pci.look(run.guest))


def _remember(run: Run, step: dict[str, Any]) -> None:
    run.memories[step["remember"]] = pci.look(run.guest)


def _expect(run: Run, step: dict[str, Any]) -> None:
    """State of one device; drivers bind on their own time, so that state is waited for."""
    path = run.path(step["expect"])
    if not step.get("present", True):
        if path in pci.look(run.guest):
            raise Failed(f"{path} is there")
        return
    if "driver" in step:
        now = lambda: pci.look(run.guest).get(path)  # noqa: E731
        run.guest.wait(f"driver {step['driver']} of {path}",
                       lambda: (now() or pci.Function("", "")).driver == step["driver"])
    function = pci.look(run.guest).get(path)
    if function is None:
        raise Failed(f"{path} is not there")
    for index, wanted in ((int(key), value) for key, value in run.fill(step.get("assigned", {})).items()):  # repeat: JSON keys
        if function.assigned(index) != size(wanted):
            raise Failed(f"{path}: resource {index} has {function.assigned(index):#x} bytes, wanted {size(wanted):#x}")
    for index in step.get("dead", []):
        if function.assigned(index):
            raise Failed(f"{path}: resource {index} has {function.assigned(index):#x} bytes, wanted none")


def _spare(run: Run, step: dict[str, Any]) -> set[str]:
    return {run.path(device) for device in step.get("except", [])}


def _nothing_lost(run: Run, step: dict[str, Any]) -> None:
    """All that was there at a remembered moment is there: functions, drivers, BARs by size."""
    before, spare = run.memories[step["nothing-lost"]], _spare(run, step)
    state: list[list[str]] = [[]]

    def whole() -> bool:
        state[0] = pci.losses(before, pci.look(run.guest), spare, step.get("bars-only", True))
        return not state[0]

    try:
        run.guest.wait("everything to be back", whole)
    except LabError as error:
        raise Failed("; ".join(state[0])) from error


def _unchanged(run: Run, step: dict[str, Any]) -> None:
    """The devices named (or all) were not touched: same kernel objects, same lines, same drivers."""
    before, now = run.memories[step["unchanged"]], pci.look(run.guest)
    for path in map(run.path, step["devices"]) if "devices" in step else set(before) - _spare(run, step):
        old, new = before[path], now.get(path)
        if new is None or (old.inode, old.lines, old.driver) != (new.inode, new.lines, new.driver):
            raise Failed(f"{path} was touched: {old} became {new}")


def _windows_agree(run: Run, _step: dict[str, Any]) -> None:
    found = [line for function in pci.look(run.guest).values() for line in function.disagreements()]
    if found:
        raise Failed("; ".join(found))


def _log(run: Run, step: dict[str, Any]) -> None:
    text = run.guest.check("dmesg")
    for pattern in run.fill(step["log"]):
        if not re.search(pattern, text, re.M):
            raise Failed(f"/{pattern}/ is not in the kernel's log")
    for pattern in run.fill(step.get("lacks", [])):
        if re.search(pattern, text, re.M):
            raise Failed(f"/{pattern}/ is in the kernel's log")


def _put(run: Run, step: dict[str, Any]) -> None:
    run.guest.put(step["put"], run.fill(step["text"]).encode(), step.get("mode"))


def _perform_with(run: Run, steps: list[dict[str, Any]], values: dict[str, Any]) -> None:
    """Steps with `@NAME@` in them replaced by values."""
    text = json.dumps(steps)
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    for inner in json.loads(text):
        try:
            run.perform(inner)
        except LabError as error:
            raise Failed(f"for {values}: {inner}: {error}") from error


def _repeat(run: Run, step: dict[str, Any]) -> None:
    """The same steps for each row of values; `@0@`, `@1@` in them are the values of the row."""
    for row in step["repeat"]:
        _perform_with(run, step["steps"], dict(enumerate(row if isinstance(row, list) else [row])))


def _at_random(run: Run, step: dict[str, Any]) -> None:
    """Like repeat, for as many ports as the run has points; `@line@` and `@delay@` make a moment: seconds
    after a line of the journal that begins so."""
    for port in step["at-random"][:run.points]:
        point = {"port": port, "line": run.chance.choice(step["lines"]),
                 "delay": round(run.chance.uniform(0, step["within"]), 3)}
        run.notes.append(f"{point['line']}+{point['delay']}")
        _perform_with(run, step["steps"], point)


def _monitor(run: Run, step: dict[str, Any]) -> None:
    """What the machine does by itself: a disk that does not answer any more."""
    run.guest.qmp(step["monitor"], **step.get("arguments", {}))


def _plugged(run: Run, step: dict[str, Any]) -> list[str]:
    """QEMU's arguments for the cards that are in their slots at power-on."""
    cards = []
    for row in step.get("plugged", []):
        properties = _card(run, row)
        driver = properties.pop("driver")
        cards += ["-device", ",".join([driver] + [f"{key}={value}" for key, value in properties.items()])]
    return cards


def _cut_power(run: Run, step: dict[str, Any]) -> None:
    """A power cut in the middle of a command; the machine is started again, with the cards in it."""
    run.guest.cut_power(run.fill(step["cut-power"]), _plugged(run, step))


def _boot(run: Run, step: dict[str, Any]) -> None:
    """The machine is started again, with more on the kernel's command line or other properties of devices."""
    words = [word for text in run.fill(step.get("arguments", [])) for word in text.split()]
    run.guest.start_again(run.fill(step["boot"]), _plugged(run, step) + words, run.fill(step.get("properties", {})))


def _recorded(run: Run, step: dict[str, Any]) -> None:
    """A recording of this kind differs from the machine in what is listed, and in all of that."""
    if not run.install:
        raise LabError("a recording is read by what is installed, and nothing is")
    found = recorded.compare(run.guest, run.install, run.guest.place, step["recorded"])
    for where in found.values():
        run.transcript("\n".join(where))
    if set(found) != set(step.get("unknown", [])):
        more = [where[0] for key, where in found.items() if key not in step.get("unknown", [])]
        raise Failed(f"differs in {sorted(found)}; for one: {more or 'less than was listed'}")


STEPS: dict[str, Callable[[Run, dict[str, Any]], None]] = {
    "run": _run, "wait": _wait, "hot-add": _hot_add, "unplug": _unplug, "remember": _remember,
    "expect": _expect, "nothing-lost": _nothing_lost, "unchanged": _unchanged,
    "windows-agree": _windows_agree, "log": _log, "put": _put, "repeat": _repeat,
    "at-random": _at_random, "monitor": _monitor, "cut-power": _cut_power, "boot": _boot, "recorded": _recorded,
}


def prepare(scenario: Scenario, place: Path) -> Machine:
    """QEMU's side of the scenario, disks included."""
    machine = build(scenario.machine)
    machine.arguments += scenario.arguments
    if device.wanted(scenario.machine):
        machine.arguments += ["-plugin", str(device.plugin())]
    for drive in machine.drives:
        image = place / f"{drive}.img"
        image.unlink(missing_ok=True)
        with open(image, "wb") as out:
            out.truncate(64 << 20)
        call(["/sbin/mkfs.ext4", "-q", "-F", str(image)])
        machine.arguments += ["-drive", f"if=none,id=disk-{drive},file={image},format=raw"]
    return machine


def stamp(start: float) -> str:
    """Seconds since the start, for the transcript."""
    return f"[{time.monotonic() - start:7.1f}]"
