# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP for tests in Python: a line a judgement, what was seen where it failed, and the exit status."""

import sys


class Tap:
    """Counts and prints; the exit status tells whether all went well."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, condition, name, seen=""):
        self.count += 1
        if not condition:
            self.failed += 1
            print("# seen: " + str(seen).strip().replace("\n", "\n# "))
        print(f"{'ok' if condition else 'not ok'} {self.count} - {name}", flush=True)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
