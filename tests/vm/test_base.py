# SPDX-License-Identifier: GPL-2.0-or-later
"""Unit tests of what the rooms of the laboratory share."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab.base import UNUSED, forget_unused  # noqa: E402


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
