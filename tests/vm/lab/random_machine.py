# SPDX-License-Identifier: GPL-2.0-or-later
"""Random small machines from a seed: the tree that machine.py turns into QEMU arguments.

Equal seeds give equal machines, whatever the kernel.  Knows no guest and no action but what a
port may later be given.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Sequence

Row = dict[str, Any]

OPTIONS = ("", "", "", "", "pci=hpmmiosize=4M", "pci=hpiosize=4K,hpmmioprefsize=64M", "pci=hpbussize=4",
           "pci=hpmemsize=0,hpiosize=0", "pci=hpmmiosize=16M,hpmmioprefsize=256M", "pci=realloc")
MOST_DEVICES = 24
MEMORY = (512, 512, 1024, 2048)  # MiB: the more, the smaller the hole below 4 GiB
HOLES = ("", "", "", "q35-pcihost.pci-hole64-size=1G", "q35-pcihost.pci-hole64-size=4G")
MODULES = ("nvme", "e1000e")
ROMS = (16, 64, 256)  # KiB; the files hold zeros, which no firmware runs

# Endpoints whose BARs are always the same: (QEMU's type, properties).
PLAIN = (("e1000e", {}), ("e1000", {}), ("rtl8139", {}), ("vmxnet3", {}), ("virtio-rng-pci", {}),
         ("virtio-net-pci", {}), ("virtio-scsi-pci", {}), ("lsi53c895a", {}), ("megasas", {}), ("edu", {}),
         ("ich9-ahci", {}), ("intel-hda", {}), ("pci-serial-4x", {}), ("nec-usb-xhci", {}), ("pvscsi", {}),
         ("pcnet", {}), ("sdhci-pci", {}), ("usb-ehci", {}), ("ES1370", {}))
CONVENTIONAL = ("pci-testdev", "e1000", "rtl8139", "lsi53c895a", "edu", "pcnet", "secondary-vga", "ES1370")
BRIDGES = {"x3130-upstream", "xio3130-downstream", "pcie-pci-bridge"}
NETWORK = {"e1000e", "e1000", "rtl8139", "vmxnet3", "virtio-net-pci", "pcnet"}


@dataclass
class Plan:
    """A machine to boot: rows for machine.build(), and what QEMU and the kernel get besides."""

    seed: int
    rows: list[Row] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    memory: int = 512
    append: str = ""
    arguments: list[str] = field(default_factory=list)
    modules: tuple[str, ...] = ()


def _buses(rows: list[Row]) -> int:
    """Bus numbers that the bridges of a tree need."""
    return sum((row["device"] in BRIDGES) + _buses(row.get("below", [])) for row in rows)


class Draw:
    """Draws rows from a random generator; names are unique, so that newcomers can be drawn later."""

    def __init__(self, rng: random.Random, own_device: bool = True) -> None:
        self.rng = rng
        self.own_device = own_device  # QEMU takes ours (device.py)
        self.objects: list[str] = []  # QEMU arguments that have to come before the devices
        self.roms: set[int] = set()
        self.running = False  # what is drawn from now on is plugged into a running machine
        self._names = 0

    def name(self, kind: str) -> str:
        """A new id."""
        self._names += 1
        return f"{kind}{self._names}"

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self.rng.random() < probability

    def testdev(self) -> Row:
        """A 64-bit prefetchable BAR of any size, and small ones."""
        if self.chance(0.1):
            return {"device": "pci-testdev", "id": self.name("t")}
        return {"device": "pci-testdev", "id": self.name("t"),
                "membar": (1 << 20) * self.rng.choice((1, 1, 2, 4, 8, 16, 32, 64, 128, 256))}

    def ivshmem(self) -> Row:
        """A prefetchable BAR that is memory shared with nobody."""
        memory = self.name("m")
        size = self.rng.choice((1, 2, 4, 16, 64))
        self.objects += ["-object", f"memory-backend-ram,id={memory},size={size}M,share=on"]
        return {"device": "ivshmem-plain", "id": self.name("i"), "memdev": memory}

    def vga(self) -> Row:
        """A 32-bit prefetchable BAR; of bochs-display QEMU wants 4 MiB at least."""
        return {"device": self.rng.choice(("secondary-vga", "bochs-display")), "id": self.name("g"),
                "vgamem": self.rng.choice((4, 8, 16, 32))}

    def resizable(self) -> Row:
        """Our own device, one or two of whose BARs can be resized."""
        row: Row = {"device": "pciroom-device", "id": self.name("z")}
        for bar in ("bar0", "bar2", "bar4")[:self.rng.choice((1, 2, 2, 3))]:
            kind = self.rng.choice(("mem32", "mem64", "mem64pref", "mem64pref", "mem64pref"))
            least, size = self.rng.choice((1, 4, 16)), self.rng.choice((0, 1, 3, 5))
            if kind != "mem64pref":  # below 4 GiB, where the firmware gives up when there is no room
                size = min(size, 2)
            row[bar] = f"{least << size}M {kind}"
            if bar != "bar4":
                row[bar] += f" {least}M..{least << size + self.rng.choice((1, 3, 7))}M"
        return row

    def nvme(self) -> Row:
        """With or without virtual functions, or with a controller memory buffer."""
        row: Row = {"device": "nvme", "id": self.name("n"), "serial": self.name("s")}
        if not self.running and self.chance(0.6):
            subsystem = self.name("y")
            self.objects += ["-device", f"nvme-subsys,id={subsystem}"]
            vfs = self.rng.choice((1, 2, 4, 7))
            row.update(subsys=subsystem, sriov_max_vfs=vfs, sriov_vq_flexible=2 * vfs, sriov_vi_flexible=vfs)
        elif self.chance(0.4):
            row["cmb_size_mb"] = self.rng.choice((1, 8, 64))
        return row

    def plain(self) -> Row:
        """One of the devices whose BARs do not vary."""
        device, more = self.rng.choice(PLAIN)
        return {"device": device, "id": self.name("p"), **more}

    def finish(self, row: Row) -> Row:
        """Expansion ROMs: firmware would run those of network cards, and that takes seconds."""
        if row["device"] == "bochs-display":
            row["vgamem"] = f"{row['vgamem']}M"
        elif row["device"] == "secondary-vga":
            row["vgamem_mb"] = row.pop("vgamem")
        if self.chance(0.15):
            size = self.rng.choice(ROMS)
            self.roms.add(size)
            row["romfile"] = f"@rom{size}"
        elif row["device"] in NETWORK | {"lsi53c895a", "secondary-vga"}:
            row["romfile"] = ""
        return row

    def endpoint(self) -> Row:
        """Any card of one function."""
        draw = self.rng.choice((self.testdev, self.testdev, self.testdev, self.ivshmem, self.vga, self.nvme,
                                self.nvme, self.nvme, *(self.resizable if self.own_device else self.testdev,) * 4,
                                self.plain, self.plain, self.plain))
        return self.finish(draw())

    def conventional(self) -> Row:
        """A card for a conventional bus."""
        device = self.rng.choice(CONVENTIONAL)
        if device == "pci-testdev":
            return self.finish(self.testdev())
        row: Row = {"device": device, "id": self.name("c")}
        if device == "secondary-vga":
            row["vgamem"] = self.rng.choice((1, 4, 16))
        return self.finish(row)

    def card(self) -> list[Row]:
        """What fills a slot: one function, or several."""
        if not self.chance(0.15):
            return [self.endpoint()]
        rows = [self.finish(self.rng.choice((self.testdev, self.plain, self.ivshmem))())
                for _ in range(self.rng.randint(2, 4))]
        for number, row in enumerate(rows):
            row["addr"] = f"0.{number}"
        rows[0]["multifunction"] = "on"
        return rows

    def pci_bridge(self) -> Row:
        """PCI Express to conventional PCI, with cards in slots from 1 on."""
        slots = self.rng.sample(range(1, 8), self.rng.randint(0, 3))
        return {"device": "pcie-pci-bridge", "id": self.name("q"),
                "below": [{**self.conventional(), "addr": f"{slot:x}.0"} for slot in sorted(slots)]}

    def slot(self, depth: int) -> list[Row]:
        """What is below a port: nothing, a card, a bridge or a switch."""
        what = self.rng.random()
        if what < 0.22:
            return []
        if what < 0.32:
            return [self.pci_bridge()]
        if what < (0.32, 0.5, 0.4)[min(depth, 2)] + 0.1 * (depth == 0) and depth > 0:
            return [self.switch(depth - 1)]
        return self.card()

    def switch(self, depth: int) -> Row:
        """An upstream port with one to four downstream ports."""
        ports = [{"device": "xio3130-downstream", "id": self.name("d"), **self.no_hotplug(),
                  "below": self.slot(depth)} for _ in range(self.rng.randint(1, 4))]
        return {"device": "x3130-upstream", "id": self.name("u"), "below": ports}

    def no_hotplug(self) -> Row:
        """Some slots are fixed."""
        return {"hotplug": "off"} if self.chance(0.12) else {}

    def reserves(self, below: list[Row]) -> Row:
        """What the firmware is asked to leave free below a root port.

        SeaBIOS takes too few bus numbers for too many: it hangs, or gives a number to two bridges.
        """
        row: Row = {}
        if self.chance(0.3):
            row["pref64-reserve"] = f"{self.rng.choice((16, 64, 256, 512))}M"
        elif self.chance(0.1):
            row["pref32-reserve"] = f"{self.rng.choice((4, 32))}M"
        if self.chance(0.2):
            row["mem-reserve"] = f"{self.rng.choice((4, 16, 64))}M"
        if self.chance(0.3):
            row["bus-reserve"] = _buses(below) + self.rng.choice((1, 3, 7))
        if self.chance(0.15):
            row["io-reserve"] = 4096
        return row

    def root_port(self, depth: int) -> Row:
        """A root port: with a switch more often than not."""
        below = [self.switch(depth)] if self.chance(0.6) else self.slot(0)
        return {"device": "pcie-root-port", "id": self.name("r"), **self.reserves(below), **self.no_hotplug(),
                "below": below}

    def root_ports(self, n: int, first: int, depth: int) -> list[Row]:
        """Root ports of one host bridge, some as functions of one device."""
        rows, device, function = [], first, 0
        for _ in range(n):
            row = self.root_port(depth)
            if rows and self.chance(0.25):
                function += 1
                rows[-function]["multifunction"] = "on"
            elif rows:
                device, function = device + 1, 0
            rows.append({**row, "addr": f"{device:x}.{function}"})
        return rows

    def expander(self, number: int) -> Row:
        """A second host bridge with root ports."""
        return {"device": "pxb-pcie", "id": self.name("x"), "bus_nr": (64, 128, 192)[number],
                "addr": f"{0x10 + number:x}.0", "below": self.root_ports(self.rng.randint(1, 2), 0, 1)}

    def conventional_tree(self) -> Row:
        """DMI to PCI bridge, a PCI bridge below it, cards on both buses."""
        far = [{**self.conventional(), "addr": f"{slot:x}.0"} for slot in range(3, 3 + self.rng.randint(0, 2))]
        near = [{**self.conventional(), "addr": f"{slot:x}.0"} for slot in range(3, 3 + self.rng.randint(0, 2))]
        inner = {"device": "pci-bridge", "id": self.name("b"), "addr": "1.0", "chassis_nr": 77, "below": far,
                 "shpc": self.rng.choice(("on", "off"))}
        return {"device": "i82801b11-bridge", "id": self.name("a"), "addr": "1e.0", "below": [inner, *near]}

    def newcomer(self, buses: bool) -> list[Row]:
        """A card to be plugged in; bridges mostly where a bus number is left (KERNEL K12, M11)."""
        if buses and self.chance(0.15):
            return [{"device": "pcie-pci-bridge", "id": self.name("q")}]
        if self.chance(0.12 if buses else 0.02):
            return [{"device": "x3130-upstream", "id": self.name("u")}]
        return self.card()


def _all(rows: list[Row]) -> list[Row]:
    """Devices of a tree."""
    return [found for row in rows for found in (row, *_all(row.get("below", [])))]


def _serves(plan: Plan, kind: str) -> bool:
    """Whether a machine has something to do for an action that not every machine has."""
    rows = _all(plan.rows)
    if kind in ("resize", "resize_again"):
        return sum(row["device"] == "pciroom-device" for row in rows) > 1
    return kind != "sriov" or bool(plan.modules) and any("sriov_max_vfs" in row for row in rows)


def _draw_any(rng: random.Random, seed: int, own_device: bool) -> tuple[Plan, Draw]:
    """A machine of any size."""
    draw = Draw(rng, own_device)
    plan = Plan(seed, memory=rng.choice(MEMORY), append=rng.choice(OPTIONS))
    depth = rng.choice((0, 0, 1, 1, 2))
    plan.rows = draw.root_ports(rng.randint(1, 3), 2, depth)
    if draw.chance(0.3):
        plan.rows += [{**draw.endpoint(), "addr": "8.0"}]
    for number in range(rng.choice((0, 0, 0, 1, 1, 2))):
        plan.rows.append(draw.expander(number))
    if draw.chance(0.35):
        plan.rows.append(draw.conventional_tree())
    hole = rng.choice(HOLES)
    plan.arguments = ["-global", hole] if hole else []
    virtual = any("nvme-subsys" in words for words in draw.objects)  # their driver is asked for virtual functions
    plan.modules = MODULES if draw.chance(0.8 if virtual else 0.2) else ()
    plan.objects = list(draw.objects)
    draw.running = True  # a subsystem of NVMe controllers cannot be added any more
    return plan, draw


def draw_machine(seed: int, own_device: bool = True, favoured: Sequence[str] = ()) -> tuple[Plan, Draw]:
    """The machine of a seed, and the drawer that goes on naming things for it; it serves the @favoured actions.

    Of large machines the time goes into what an action does not touch, and on some the firmware hangs.
    """
    rng = random.Random(f"machine {seed}")
    while True:
        plan, draw = _draw_any(rng, seed, own_device)
        if len(_all(plan.rows)) <= MOST_DEVICES and all(_serves(plan, kind) for kind in favoured):
            return plan, draw
