"""`annals repair` and `annals doctor`: what they say and change, as a person at a terminal sees it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from programs import BINARIES, DAMAGED, IN_USE, NO_STORE, USAGE, ProgramTest


class RepairTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.succeeds(self.orders("generate", "--orders", "40"))
        self.root = self.folder / "store"
        self.segment = self.root / "log" / "000000000001.seg"

    def flip(self, path: Path, offset: int) -> None:
        with open(path, "r+b") as opened:
            opened.seek(offset)
            byte = opened.read(1)[0]
            opened.seek(offset)
            opened.write(bytes([byte ^ 1]))

    def files(self) -> dict[str, str]:
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in self.root.rglob("*") if path.is_file() and path.name != "LOCK"}

    def events(self) -> list:
        return self.succeeds(self.annals("read", "--all", "--json")).lines()

    def test_a_sound_store_has_nothing_to_repair(self) -> None:
        before = self.files()
        self.assertIn("nothing to repair", self.succeeds(self.annals("repair")).out)
        told = self.succeeds(self.annals("repair", "--accept-loss", "--json")).json()
        self.assertEqual((told["damage"], told["loss"], told["changed"], told["moved"], told["remaining"]),
                         ([], None, False, [], []))
        self.assertEqual(self.files(), before)

    def test_loss_is_told_before_it_is_accepted(self) -> None:
        events = self.events()
        self.flip(self.segment, self.segment.read_bytes().index(bytes.fromhex(events[20]["event_id"].replace("-", ""))))
        self.fails(self.annals("read", "--all"), DAMAGED, "annals repair")
        before = self.files()
        told = self.fails(self.annals("repair"), DAMAGED, "nothing was changed", "--accept-loss")
        self.assertIn(f"would be lost: positions from 21 to {len(events)}", told.out)
        self.assertIn("versions", told.out)
        loss = self.fails(self.annals("repair", "--json"), DAMAGED).json()["loss"]
        self.assertEqual((loss["file"], loss["first_position"], loss["last_position"]),
                         (str(self.segment), 21, len(events)))
        self.assertEqual(self.files(), before)

        done = self.succeeds(self.annals("repair", "--accept-loss", "--json")).json()
        self.assertEqual((done["loss"], done["changed"], done["events"], done["remaining"]), (loss, True, 20, []))
        self.assertTrue(all(Path(path).parent == self.root / "lost" for path in done["moved"]))
        self.assertEqual(Path(done["moved"][0]).stat().st_size, loss["bytes"])
        self.succeeds(self.annals("verify"))
        self.assertEqual(self.events(), events[:20])
        self.assertIn("nothing to repair", self.succeeds(self.annals("repair")).out)
        self.succeeds(self.run_program("annals", "append", "a-1", "--type", "t", "--store", self.store, input="{}"))
        self.assertEqual(len(self.events()), 21)

    def test_what_costs_nothing_is_done_at_once(self) -> None:
        events = self.events()
        (self.root / "MANIFEST").unlink()
        self.fails(self.annals("read", "--all"), DAMAGED, "MANIFEST", "annals repair")
        self.assertIn(f"made again: {self.root}/MANIFEST", self.succeeds(self.annals("repair")).out)
        self.assertEqual(self.events(), events)
        self.flip(self.root / "CLOSED", 40)
        self.fails(self.annals("read", "--all"), DAMAGED, "CLOSED", "annals repair")
        self.succeeds(self.annals("repair"))
        self.assertEqual(self.events(), events)

    def test_what_cannot_be_repaired_is_refused(self) -> None:
        self.fails(self.run_program("annals", "repair", "--store", "file:./nothing"), NO_STORE)
        self.fails(self.run_program("annals", "repair", "--store", "postgres://x/y"), USAGE, "embedded")
        self.flip(self.root / "ANNALS", 20)
        self.fails(self.annals("repair", "--accept-loss"), DAMAGED, "ANNALS", "backup")

    def test_a_store_in_use_is_refused(self) -> None:
        writer = subprocess.Popen([BINARIES / "annals", "import", "--create", "--store", self.store + "2"],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            exported = self.succeeds(self.annals("export")).out.encode()
            writer.stdin.write(exported[:len(exported) // 2])
            writer.stdin.flush()
            while not (self.folder / "store2" / "ANNALS").exists():
                self.assertIsNone(writer.poll())
            told = self.run_program("annals", "repair", "--store", self.store + "2")
            self.fails(told, IN_USE, f"in use by pid {writer.pid}")
        finally:
            writer.kill()
            writer.wait()
            writer.stdin.close()


class DoctorTest(ProgramTest):
    def test_it_measures_and_leaves_nothing(self) -> None:
        told = self.succeeds(self.run_program("annals", "doctor", "--store", f"file:{self.folder}", "--json")).json()
        self.assertEqual((told["directory"], told["writes"]), (str(self.folder), 400))
        self.assertLessEqual(told["p50_ns"], told["p99_ns"])
        self.assertLessEqual(told["p99_ns"], told["max_ns"])
        self.assertTrue(told["file_system"])
        self.assertEqual(os.listdir(self.folder), [])
        self.succeeds(self.orders("generate", "--orders", "2"))
        self.assertIn("p50", self.succeeds(self.annals("doctor")).out)
        self.succeeds(self.annals("verify"))

    def test_memory_is_named(self) -> None:
        if not os.path.isdir("/dev/shm"):
            self.skipTest("there is no /dev/shm")
        folder = tempfile.mkdtemp(prefix="annals-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, folder)
        self.assertIn("suspicious: tmpfs: this is memory",
                      self.succeeds(self.run_program("annals", "doctor", "--store", f"file:{folder}")).out)
        self.assertEqual(os.listdir(folder), [])

    def test_it_wants_a_directory(self) -> None:
        self.fails(self.annals("doctor"), NO_STORE, "no such directory")
        self.fails(self.run_program("annals", "doctor", "--store", "postgres://x/y"), USAGE, "embedded")


if __name__ == "__main__":
    unittest.main()
