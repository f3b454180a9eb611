# SPDX-License-Identifier: GPL-2.0-or-later
"""Unit tests of what the rooms of the laboratory share."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab import pci  # noqa: E402
from lab.base import UNUSED, forget_unused  # noqa: E402


class Paths(unittest.TestCase):
    """pci.py"""

    def test_a_virtual_function_on_the_next_bus_has_a_path_of_its_own(self):
        above = "../../../devices/pci0000:00/0000:00:04.0/"
        self.assertEqual(pci.paths([(address, above + address) for address in ("0000:04:00.0", "0000:03:00.0")]),
                         {"0000:03:00.0": "0000:00/04.0/00.0", "0000:04:00.0": "0000:00/04.0/00.0+1"})


class Cache(unittest.TestCase):
    def test_what_another_run_uses_stays(self):
        with tempfile.TemporaryDirectory() as place:
            paths = [Path(place) / name for name in ("old", "new", "old-tree", "new-tree")]
            for path in paths:
                if path.name.endswith("tree"):
                    (path / "inside").mkdir(parents=True)
                else:
                    path.touch()
                if path.name.startswith("old"):
                    os.utime(path, (0, 0))
            forget_unused([*paths, Path(place) / "gone meanwhile"])
            self.assertEqual([path.name for path in paths if path.exists()], ["new", "new-tree"])
            self.assertGreater(UNUSED, 3600)


if __name__ == "__main__":
    unittest.main()
