"""A disk that fills up while orders are imported: a real, tiny file system."""

from __future__ import annotations

import os
import subprocess
import unittest

from programs import DISK_FULL, RETAIL, ProgramTest, needs_retail

SIZE = "24m"  # segments of 4 and 8 MiB, and not a third one


class FullDiskTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.mount = self.folder / "small"
        self.mount.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.mount],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            self.skipTest(f"full_disk: cannot mount a small file system: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", self.mount], check=True)

    @needs_retail
    def test_an_import_into_a_full_disk_loses_nothing_and_goes_on_with_room(self) -> None:
        self.store = f"file:{self.mount}/store"
        self.succeeds(self.orders("generate"))
        before = self.history()
        filler = self.mount / "filler"
        free = os.statvfs(self.mount)
        with open(filler, "wb") as out:
            out.write(bytes(max(0, (free.f_bavail - 16) * free.f_frsize)))
        # A second store does not fit: nothing of it is left behind that looks like one.
        here, self.store = self.store, f"file:{self.mount}/second"
        self.fails(self.orders("generate"), DISK_FULL, "No space left")
        self.store = here
        self.assertEqual(self.history(), before)
        self.succeeds(self.annals("verify"))
        filler.unlink()

    @needs_retail
    def test_an_import_that_fills_the_disk_keeps_what_it_acknowledged(self) -> None:
        self.store = f"file:{self.mount}/store"
        ended = self.fails(self.orders("import", RETAIL, "--json"), DISK_FULL)
        stored = ended.json()["events_in_store"]
        self.assertGreater(stored, 10_000)
        self.assertEqual(self.succeeds(self.annals("stat", "--json")).json()["events"], stored)
        self.succeeds(self.annals("verify"))
        # With room the same import goes on where it ended.
        subprocess.run(["mount", "-o", "remount,size=200m", self.mount], check=True)
        whole = self.succeeds(self.orders("import", RETAIL, "--json")).json()
        self.assertEqual(whole["events_in_store"], 42732)
        self.assertEqual(whole["new_events"], 42732 - stored)


if __name__ == "__main__":
    unittest.main()
