# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the random sessions that need no guest: python3 -m unittest discover -s tests/vm."""

import importlib.machinery
import importlib.util
import random
import socket
import tempfile
import unittest
from collections import Counter
from dataclasses import replace
from pathlib import Path
from unittest import mock

from lab import random_run
from lab.guest import NeverBooted, Refused
from lab.kernels import Kernel
from lab.machine import build
from lab.random_actions import Chooser, commands
from lab.random_case import layout, power_on, silent, sizes, snapshot, trimmed, written
from lab.random_guest import SessionGuest
from lab.random_machine import Draw, draw_machine
from lab.random_state import Bar, Function, Rebar, State, conflict, follow

PORT = ("34121b36" + "00" * 4 + "00000406" + "00" * 2 + "01" + "00" * 9 + "000105" + "00" + "1010" + "0000"
        + "00201020" + "f1ff0100" + "00" * 8 + "00" * 16)
CARD = "34121b36" + "06" + "00" * 3 + "00000002" + "00" * 4 + "0c000001" + "01000000" + "00" * 40
BOOT = f"""F 0000:00:02.0
L ../../../devices/pci0000:00/0000:00:02.0
D pcieport
e 1
R 13 1000 1fff 101
R 14 20000000 201fffff 200
n 17
C {PORT}
F 0000:01:00.0
L ../../../devices/pci0000:00/0000:00:02.0/0000:01:00.0
e 0
R 0 20000000 200fffff 40200
n 13
C {CARD}
M 20000000-afffffff : PCI Bus 0000:00
M   20000000-201fffff : PCI Bus 0000:01
M   a0000000-a0000fff : Reserved
O 0000-0cf7 : PCI Bus 0000:00
K pci_bus 0000:00: root bus resource [bus 00-7f]
K pci 0000:01:00.0: BAR 0 [mem 0x20000000-0x200fffff]
K pci 0000:01:00.0: BAR 2 [mem 0x00000000-0x0fffffff 64bit pref]
K pci 0000:01:00.0: VF BAR 0 [mem 0x00000000-0x00003fff 64bit]: contains BAR 0 for 4 VFs
K pci 0000:00:02.0: bridge window [mem 0x20000000-0x201fffff]: assigned
"""


class Machines(unittest.TestCase):
    """random_machine.py"""

    def test_equal_seeds_give_equal_machines(self):
        for seed in range(50):
            self.assertEqual(draw_machine(seed)[0], draw_machine(seed)[0])

    def test_every_machine_becomes_arguments_with_unique_names(self):
        for seed in range(200):
            machine = build(draw_machine(seed)[0].rows)
            self.assertEqual(len(machine.paths), len(set(machine.paths.values())))

    def test_a_machine_serves_the_actions_that_are_favoured(self):
        for seed in range(1, 6):
            words = " ".join(build(draw_machine(seed, favoured=("resize", "sriov"))[0].rows).arguments)
            self.assertGreater(words.count("pciroom-device,"), 1)
            self.assertIn("sriov_max_vfs", words)

    def test_what_cannot_lie_above_4_gib_is_small(self):
        draw = Draw(random.Random(1))
        for _ in range(200):
            row = draw.resizable()
            low = [row[bar] for bar in ("bar0", "bar2", "bar4") if "mem64pref" not in row.get(bar, "mem64pref")]
            self.assertTrue(all(int(text.partition("M")[0]) <= 64 for text in low), low)

    def test_every_card_for_a_screen_has_the_memory_that_qemu_wants(self):
        for seed in range(100):
            row = Draw(random.Random(seed)).finish(Draw(random.Random(seed)).vga())
            self.assertGreaterEqual(int(str(row.get("vgamem", row.get("vgamem_mb"))).rstrip("M")), 4)

    def test_what_is_below_a_second_host_bridge_has_its_bus_in_the_path(self):
        rows = [{"device": "pxb-pcie", "id": "x", "bus_nr": 128, "addr": "10.0",
                 "below": [{"device": "pcie-root-port", "id": "r", "hotplug": "off"}]}]
        machine = build(rows)
        self.assertEqual(machine.paths["r"], "0000:80/00.0")
        self.assertEqual(machine.fixed, {"r"})


def resizable(card: Function) -> Function:
    """The card with two Resizable BARs: 0 of 1 MiB that may have 4, 2 of 256 MiB that may have 256 TiB."""
    rebar = bytes.fromhex("15000100" + "50000000" + "40000000" + "00100000" + "42080100")
    sriov = bytes.fromhex("10000000") + bytes(10) + bytes.fromhex("0700") + bytes(48)
    config = card.config + bytes(0x100 - len(card.config)) + rebar[:2] + bytes.fromhex("0118") + rebar[4:]
    return replace(card, config=config + bytes(0x180 - len(config)) + sriov)


class States(unittest.TestCase):
    """random_state.py"""

    def setUp(self):
        self.state = follow(State(), BOOT)

    def test_a_function_has_its_place_and_its_lines(self):
        card = self.state.functions["0000:01:00.0"]
        self.assertEqual((card.path, card.parent, card.root), ("0000:00/02.0/00.0", "0000:00:02.0", "0000:00"))
        self.assertEqual(card.lines[0], (0x20000000, 0x200fffff, 0x40200))
        self.assertEqual(len(card.lines), 13)

    def test_sizes_come_from_what_the_kernel_found_not_from_what_it_assigned(self):
        bars = self.state.bars["0000:00/02.0/00.0"]
        self.assertEqual(bars[2], Bar(2, False, 0x10000000, True, True))
        self.assertEqual(set(bars), {0, 2})
        self.assertNotIn("0000:00/02.0", self.state.bars)

    def test_an_answer_without_a_function_is_a_state_without_it(self):
        later = follow(self.state, "= 0000:00:02.0\n")
        self.assertEqual(list(later.functions), ["0000:00:02.0"])
        self.assertEqual(later.iomem, self.state.iomem)
        self.assertIn("0000:00/02.0/00.0", later.bars)

    def test_another_card_in_the_same_place_has_other_bars(self):
        later = follow(self.state, "= 0000:00:02.0\n= 0000:01:00.0\nK pci 0000:01:00.0: [1234:5678] type 00 class 0\n"
                                   "K pci 0000:01:00.0: BAR 4 [io  0x0000-0x001f]\n")
        self.assertEqual(set(later.bars["0000:00/02.0/00.0"]), {4})

    def test_two_bridges_with_one_bus_are_a_conflict_unless_one_is_below_the_other(self):
        port = self.state.functions["0000:00:02.0"]
        beside = replace(port, path="0000:00/03.0")
        self.assertTrue(conflict([port, beside]))
        self.assertFalse(conflict([port, replace(port, path="0000:00/02.0/00.0")]))
        self.assertFalse(conflict(self.state.functions.values()))

    def test_registers_of_resizable_bars_are_read_where_they_are(self):
        card = resizable(self.state.functions["0000:01:00.0"])
        self.assertEqual(card.rebars(), [Rebar(0, 0x108, [1 << 20, 4 << 20], 1 << 20),
                                         Rebar(2, 0x110, [256 << 20, 256 << 40], 256 << 20)])
        self.assertEqual(card.total_vfs(), 7)
        self.assertEqual((self.state.functions["0000:00:02.0"].rebars(), self.state.functions["0000:00:02.0"].total_vfs()),
                         ([], 0))

    def test_what_the_kernel_refuses_is_no_error(self):
        later = follow(self.state, "N /sys/x/sriov_numvfs: Input/output error\n")
        self.assertEqual((later.refusals, later.errors), (["/sys/x/sriov_numvfs: Input/output error"], []))

    def test_a_crash_of_the_kernel_is_seen(self):
        self.assertIsNone(self.state.broken())
        self.assertTrue(follow(self.state, "K BUG: kernel NULL pointer dereference\n").broken())


class Cases(unittest.TestCase):
    """random_case.py"""

    def setUp(self):
        self.state = follow(State(), BOOT)

    def snapshot(self, generation: str = "7.x", log: bool = True) -> list[str]:
        """The state as a snapshot."""
        head = {"generation": generation, "release": "", "command_line": "quiet"}
        return snapshot(head, self.state, {}, log)

    def test_registers_that_agree_with_the_table_are_not_repeated(self):
        self.assertEqual(layout(self.state), [
            "then 0000:00/02.0 0000:00:02.0 bus=00,01,05 13=1000-1fff 14=20000000-201fffff",
            "then 0000:00/02.0/00.0 0000:01:00.0 0=20000000-200fffff"])

    def test_a_closed_register_below_an_assigned_window_is_told(self):
        port = self.state.functions["0000:00:02.0"]
        port.config = port.config[:0x20] + bytes.fromhex("f0ff0000") + port.config[0x24:]
        self.assertIn("w14=closed", layout(self.state)[0])

    def test_after_power_on_there_are_type_bits_and_no_addresses(self):
        card = self.state.functions["0000:01:00.0"]
        new = power_on(card, {0: Bar(0, False, 0x100000, True, True), 1: Bar(1, True, 32, False, False)})
        self.assertEqual(new.config[4:6], b"\0\0")
        self.assertEqual(new.config[0x10:0x18], bytes.fromhex("0c00000001000000"))

    def test_a_written_window_keeps_its_type(self):
        port = self.state.functions["0000:00:02.0"]
        new = written(port, [["write", "0000:00:02.0", "0x24", "4", "0x40004000"], ["remove", "0000:00:02.0"]])
        self.assertEqual(new.config[0x24:0x28].hex(), "01400140")

    def test_a_written_size_takes_the_address_away_and_counts_for_what_is_found_again(self):
        card = resizable(self.state.functions["0000:01:00.0"])
        new = written(card, [["write", "0000:01:00.0", "0x108", "4", "0x240"]])
        self.assertEqual((card.config[0x10:0x14].hex(), new.config[0x10:0x14].hex()), ("0c000001", "0c000000"))
        self.assertEqual(sizes(new, {0: Bar(0, False, 1 << 20, True, True)})[0].size, 4 << 20)
        self.assertEqual(written(card, [["write", "0000:01:00.0", "0x108", "4", "0x40"]]), card)

    def test_a_virtual_function_is_not_silent_because_it_has_no_ids(self):
        ones = replace(self.state.functions["0000:01:00.0"], config=b"\xff" * 64)
        self.assertTrue(silent(ones))
        self.assertFalse(silent(replace(ones, physfn="0000:01:00.0")))

    def test_the_snapshot_names_what_is_in_the_way(self):
        lines = self.snapshot()
        self.assertIn("  last-bus: 0x7f", lines)
        self.assertEqual(lines[lines.index("  busy-mem:") + 1], "  - 0xa0000000-0xa0000fff")
        self.assertIn("  - 2 0xf000000c 0xffffffff", lines)
        self.assertFalse([line for line in lines if "resource-alignment" in line])

    def test_an_io_window_without_room_has_the_size_that_the_log_names(self):
        self.state.functions["0000:00:02.0"].lines[13] = (0, 0, 0)
        window = "= 0000:00:02.0\nK pcieport 0000:00:02.0: bridge window [io  "
        self.state.wanted_io = follow(self.state, window + "size 0x4000]: failed to assign\n").wanted_io
        self.assertIn("  - 0x0 0x3fff 0x20000100", self.snapshot())
        self.assertNotIn("  - 0x0 0x3fff 0x20000100", self.snapshot(log=False))
        self.state.wanted_io = follow(self.state, window + "0x1000-0x1fff]: releasing\n").wanted_io
        self.assertIn("  - 0x0 0xfff 0x20000100", self.snapshot())

    def test_trimming_keeps_headers_and_lengths(self):
        config = bytearray(256)
        config[0x34], config[0x40], config[0x41], config[0x50], config[0x42], config[0x52] = 0x40, 1, 0x50, 0x10, 7, 9
        done = trimmed(bytes(config))
        self.assertEqual((len(done), done[0x40], done[0x41], done[0x42], done[0x52]), (256, 1, 0x50, 0, 9))


class Actions(unittest.TestCase):
    """random_actions.py"""

    def test_an_alignment_names_a_place(self):
        text = Chooser(random.Random(7)).alignment(follow(State(), BOOT), "0000:01:00.0")
        self.assertRegex(text, "^[0-9]{2}@0000:00:02.0/00.0$")

    def test_equal_seeds_give_equal_actions(self):
        state = follow(State(), BOOT)
        weights = {"remove_rescan": 3, "write_buses": 1, "write_windows": 1}
        first, second = ([Chooser(random.Random(7)).draw(state, weights) for _ in range(3)] for _ in range(2))
        self.assertEqual(first, second)

    def test_virtual_functions_are_taken_away_before_their_physical_one_goes(self):
        state = follow(State(), BOOT)
        state.functions["0000:01:00.0"] = replace(state.functions["0000:01:00.0"], numvfs=2)
        words = [("remove", "0000:00:02.0"), ("remove", "0000:01:00.0"), ("rescan-all",)]
        self.assertEqual(Chooser.alone(state, words), [words[0], ("vfs", "0000:01:00.0", "0"), *words[1:]])

    def test_nothing_is_rescanned_at_what_was_removed(self):
        state = follow(State(), BOOT)
        for seed in range(100):
            words = Chooser(random.Random(seed)).remove_rescan(state)
            gone = {word[1] for word in words if word[0] == "remove"}
            self.assertFalse(words[-1][0] == "rescan" and words[-1][1] in gone)

    def test_a_chassis_is_written_from_its_leaves_upwards(self):
        state = follow(State(), BOOT)
        port, card = state.functions["0000:00:02.0"], state.functions["0000:01:00.0"]
        switch = replace(port, address="0000:01:00.0", path=card.path, parent=port.address)
        switch.config = port.config[:0x18] + bytes((1, 2, 5)) + port.config[0x1b:]
        state.functions[switch.address] = switch
        for seed in range(50):
            words = Chooser(random.Random(seed)).write_chassis(state)
            self.assertEqual([word[:2] for word in words[:4]],
                             [("write", switch.address), ("remove", switch.address),
                              ("write", port.address), ("remove", port.address)])
            inner, outer = (int(words[i][4], 16) for i in (0, 2))
            self.assertIn(inner, (1, outer >> 8 & 0xff) if inner < 0x100 else (inner,))
            if inner >= 0x100:  # nested: primary is the bus above, and the range lies behind it
                self.assertEqual(inner & 0xff, outer >> 8 & 0xff)
                self.assertTrue(outer >> 8 & 0xff < inner >> 8 & 0xff <= inner >> 16 <= outer >> 16)

    def test_an_action_becomes_a_command(self):
        self.assertEqual(commands(("rescan-root", "0000:80")), ["store /sys/class/pci_bus/0000:80/rescan 1"])
        self.assertEqual(commands(("plug", "0000:00:02.0")), [])
        self.assertEqual(commands(("resize", "0000:01:00.0", "2", "0x4000000")),
                         ["try /sys/bus/pci/devices/0000:01:00.0/resource2_resize 6"])
        self.assertEqual(commands(("vfs", "0000:01:00.0", "2"))[1], "try /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs 2")

    def test_a_size_is_written_to_its_control_register_and_nothing_else_of_it(self):
        state = follow(State(), BOOT)
        card = state.functions["0000:01:00.0"] = resizable(state.functions["0000:01:00.0"])
        found = set()
        for seed in range(50):
            write, remove, _ = Chooser(random.Random(seed)).resize_again(state)
            self.assertIn(remove[1], ("0000:01:00.0", "0000:00:02.0"))
            at, value = int(write[2], 16), int(write[4], 16)
            self.assertEqual(value & ~0x3f00, int.from_bytes(card.config[at:at + 4], "little") & ~0x3f00)
            found.add((at, value >> 8 & 0x3f))
        self.assertLessEqual(found, {(0x108, 0), (0x108, 2), (0x110, 8), (0x110, 28)})
        self.assertGreater(len(found), 1)

    def test_a_bar_under_a_driver_is_left_alone(self):
        state = follow(State(), BOOT)
        state.functions["0000:01:00.0"] = replace(resizable(state.functions["0000:01:00.0"]), driver="amdgpu")
        self.assertIsNone(Chooser(random.Random(1)).resize(state))


class Runs(unittest.TestCase):
    """random_run.py, and tests/vm/random itself."""

    def run_refused(self, scratch: str) -> random_run.Runner:
        """Two seeds of machines that QEMU refuses; the second kernel is not tried with them."""
        kernels = [Kernel(name, name, name, Path(), Path()) for name in ("6.1", "7.x")]
        runner = random_run.Runner(random_run.Results(Path(scratch)), Path(), random_run.Wish(kernels, [1, 2], 40))
        with mock.patch("lab.random_session.run", side_effect=Refused("video memory too small")), \
                mock.patch("lab.random_run.say") as said:
            for seed in (1, 2):
                for kernel in kernels:
                    runner.one(kernel, seed)
        self.assertEqual([call.args[0] for call in said.call_args_list],
                         [f"seed {seed} on 6.1: not a machine: video memory too small" for seed in (1, 2)])
        return runner

    def load_program(self):
        """tests/vm/random as a module."""
        loader = importlib.machinery.SourceFileLoader("random_program", str(Path(__file__).parent / "random"))
        program = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(program)
        return program

    def test_a_machine_that_qemu_refuses_is_named_and_fails_the_run(self):
        program = self.load_program()
        with tempfile.TemporaryDirectory() as scratch:
            refused = self.run_refused(scratch).refused
        right = random_run.Tally({"6.1": Counter(exact=500)})
        with mock.patch.object(program, "say") as said:
            self.assertEqual(program.verdict(right, 95.0), 0)
            self.assertEqual(program.verdict(right, 95.0, refused=refused), 1)
        self.assertEqual(said.call_args.args[0], "500 passed, 2 failed")

    def test_a_run_without_a_case_fails(self):
        program = self.load_program()
        with mock.patch.object(program, "say") as said:
            self.assertEqual(program.verdict(random_run.Tally(), 0.0, crashed=2), 1)
        self.assertEqual(said.call_args.args[0], "0 passed, 1 failed")

    def test_a_machine_that_firmware_gives_up_on_is_left_long_before_the_limit(self):
        guest = SessionGuest.__new__(SessionGuest)
        guest._control, other = socket.socketpair()
        guest._buffer = b""
        with tempfile.TemporaryDirectory() as scratch, guest._control, other:
            guest._firmware_log = Path(scratch) / "firmware.log"
            guest._firmware_log.write_text("PCI: map device bdf=00:02.0\nPCI: out of 32bit address space\n")
            with self.assertRaisesRegex(NeverBooted, "last word: PCI: out of 32bit address space"):
                guest._wait_booted()
            guest._firmware_log.write_text("Booting from ROM..\n")
            other.sendall(b"@@READY\n")
            guest._wait_booted()


if __name__ == "__main__":
    unittest.main()
