# SPDX-License-Identifier: GPL-2.0-or-later
"""Unit tests of how recordings are compared with the machine."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab.recorded import differences  # noqa: E402


def machine(**facts):
    return {"roots": [{"path": "0000:00", "functions": [{"address": "0000:00:02.0", "driver": "x", **facts}]}]}


class Differences(unittest.TestCase):
    def test_the_same_facts_in_another_order(self):
        live, other = machine(driver="x"), machine(driver="x")
        for value in (live, other):
            value["roots"][0]["functions"].append({"address": "0000:00:03.0"})
        other["roots"][0]["functions"].reverse()
        self.assertEqual(differences(live, other), {})

    def test_the_key_names_what_differs(self):
        self.assertEqual(list(differences(machine(slot="4"), machine(slot="5"))), ["slot"])
        self.assertEqual(list(differences(machine(slot="4"), machine())), ["slot"])
        self.assertEqual(list(differences(machine(), machine(slot="4"))), ["slot"])
        self.assertEqual(list(differences(machine(mem=["1-2", "3-4"]), machine(mem=["1-2"]))), ["mem"])

    def test_what_the_importer_says_of_the_recording_is_no_fact(self):
        self.assertEqual(differences({"unknown": ["users"]}, {"unknown": []}), {})

    def test_configuration_space_is_the_same_however_it_is_written(self):
        short, long = machine(config="8680 0*2 ?*1"), machine(config="86800000\n??")
        self.assertEqual(differences(short, long), {})
        self.assertEqual(list(differences(short, machine(config="8680000000"))), ["config"])


if __name__ == "__main__":
    unittest.main()
