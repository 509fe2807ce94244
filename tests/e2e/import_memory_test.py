"""How much memory an import takes. Not for programs under a sanitizer, whose shadow would be counted."""

from __future__ import annotations

import subprocess
import time
import unittest

import derive_retail as derive
from programs import BINARIES, LONG, RETAIL, ProgramTest, needs_retail

MEMORY_LIMIT = 100_000_000  # bytes, anonymous
ORDERS = 22_061  # in the real file


class ImportMemoryTest(ProgramTest):
    def peak_memory(self, path) -> int:
        """The largest anonymous memory of an import, in bytes."""
        running = subprocess.Popen([BINARIES / "orders", "import", path, "--store", self.store],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while running.poll() is None:
            try:
                with open(f"/proc/{running.pid}/status", encoding="ascii") as status:
                    for line in status:
                        if line.startswith("RssAnon:"):
                            peak = max(peak, int(line.split()[1]) * 1024)
            except (FileNotFoundError, ProcessLookupError):
                break
            time.sleep(0.005)
        self.assertEqual(running.wait(), 0)
        return peak

    @needs_retail
    def test_the_import_stays_below_its_memory_limit(self) -> None:
        peak = self.peak_memory(RETAIL)
        print(f"peak anonymous memory: {peak:,} bytes", flush=True)
        self.assertLess(peak, MEMORY_LIMIT)
        self.assertGreater(peak, 0)

    @needs_retail
    def test_memory_grows_only_by_models_matching_and_index(self) -> None:
        times = 10 if LONG else 2
        once = self.peak_memory(RETAIL)
        path = self.folder / "copies.csv"
        derive.write(path, derive.repeated(RETAIL, times))
        self.store = f"file:{self.folder}/copies"
        more = self.peak_memory(path)
        per_order = (more - once) / ((times - 1) * ORDERS)
        print(f"peak anonymous memory: {once:,} bytes once, {more:,} bytes {times} times: "
              f"{per_order:.0f} bytes an order", flush=True)
        # Read models, matching table and index: rows of them per order, not its lines of text.
        self.assertLess(per_order, 1_200)


if __name__ == "__main__":
    unittest.main()
