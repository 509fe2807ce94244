"""Importing real orders, checked against figures that a second program computes."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import time
import unittest
from decimal import Decimal

import derive_retail as derive
from programs import BINARIES, LONG, RETAIL, ProgramTest, needs_retail
from retail_figures import figures

# What the real file must come to, to the digit.
REAL = {"invoices": 25900, "orders": 22061, "created": 19959, "rejected_no_items": 2102, "paid": 19959,
        "credit_notes": 3836, "cancelled": 2814, "unmatched": 1022, "adjustments": 3, "items": 530103,
        "events_in_store": 42732, "gross_revenue": Decimal("10655622.484"),
        "net_revenue": Decimal("8670162.714")}


class ImportTest(ProgramTest):
    def assert_equal_figures(self, path, printed: dict) -> None:
        wanted = figures(str(path))
        for name in REAL:
            self.assertEqual(Decimal(printed[name]), Decimal(wanted[name]), name)
        models = self.models()
        self.assertEqual(models["status"], wanted["status"])
        for name in ("countries", "days", "customers"):
            shown = {line["name"]: (line["orders"], Decimal(line["revenue"])) for line in models[name]}
            self.assertEqual(shown, {line["name"]: (line["orders"], Decimal(line["revenue"]))
                                     for line in wanted[name]}, name)

    def import_and_compare(self, path) -> dict:
        printed = self.succeeds(self.orders("import", path, "--json")).json()
        self.assert_equal_figures(path, printed)
        self.assertEqual(printed["new_events"], printed["events_in_store"])
        return printed

    @needs_retail
    def test_the_real_file_comes_to_its_figures_and_a_second_run_adds_nothing(self) -> None:
        first = self.import_and_compare(RETAIL)
        for name, value in REAL.items():
            self.assertEqual(first[name], value, name)
        second = self.succeeds(self.orders("import", RETAIL, "--json")).json()
        self.assertEqual(second["new_events"], 0)
        self.assertEqual(second | {"new_events": 0}, first | {"new_events": 0})

    @needs_retail
    def test_files_with_days_left_out_and_values_changed_come_to_theirs(self) -> None:
        for seed in (1, 2):
            with self.subTest(seed=seed):
                self.store = f"file:{self.folder}/store-{seed}"
                keep = lambda day: random.Random(f"{seed}{day}").random() > 0.25
                rows = derive.without_days(derive.rows_of(RETAIL), keep)
                path = self.folder / f"derived-{seed}.csv"
                columns = random.Random(seed).sample(derive.COLUMNS, len(derive.COLUMNS))
                derive.write(path, derive.changed(rows, seed), columns)
                printed = self.import_and_compare(path)
                self.assertGreater(printed["cancelled"], 0)
                self.assertGreater(printed["rejected_no_items"], 0)

    @needs_retail
    def test_an_import_killed_at_any_moment_and_started_again_ends_in_the_same_state(self) -> None:
        path = self.folder / "weeks.csv"
        derive.write(path, derive.without_days(derive.rows_of(RETAIL), lambda day: day > "2011-02-28"))
        self.succeeds(self.orders("import", path))
        wanted, events = self.models(), self.stream_contents()
        seed = int(os.environ.get("ANNALS_SEED", time.time_ns() % 1_000_000))
        print(f"ANNALS_SEED={seed}", flush=True)
        rng = random.Random(seed)
        for attempt in range(30 if LONG else 4):
            self.store = f"file:{self.folder}/killed-{attempt}"
            for _ in range(3):
                running = subprocess.Popen([BINARIES / "orders", "import", path, "--store", self.store],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0.0, 0.4))
                running.send_signal(signal.SIGKILL)
                running.wait()
            last = self.succeeds(self.orders("import", path, "--json")).json()
            self.assertEqual(last["events_in_store"], len(events))
            self.assertEqual(self.models(), wanted)
            self.assertEqual(self.stream_contents(), events)
            self.succeeds(self.annals("verify"))

    def stream_contents(self) -> list:
        """The events stream by stream: the order across streams is no part of the state."""
        return sorted(self.history(), key=lambda e: (e["stream"], e["version"]))

    @needs_retail
    def test_an_interrupted_import_says_how_to_go_on(self) -> None:
        running = subprocess.Popen([BINARIES / "orders", "import", RETAIL, "--store", self.store],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.assertIn("importing", running.stderr.readline())  # the first line of progress
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 13, said)
        self.assertIn("Import " + str(RETAIL) + " again", said)
        self.succeeds(self.annals("verify"))

    @needs_retail
    def test_gzip_and_plain_files_are_the_same(self) -> None:
        small = derive.without_days(derive.rows_of(RETAIL), lambda day: day > "2010-12-03")
        plain = self.folder / "plain.csv"
        derive.write(plain, small)
        zipped = self.folder / "zipped"
        zipped.write_bytes(gzip.compress(plain.read_bytes()))
        first = self.import_and_compare(plain)
        second = self.succeeds(self.orders("import", zipped, "--json")).json()
        self.assertEqual(second | {"new_events": 0}, first | {"new_events": 0})

    @needs_retail
    def test_other_content_under_a_known_id_is_refused_with_line_stream_and_version(self) -> None:
        rows = list(derive.without_days(derive.rows_of(RETAIL), lambda day: day > "2010-12-01"))
        path = self.folder / "day.csv"
        derive.write(path, rows)
        first = self.succeeds(self.orders("import", path, "--json")).json()
        before = self.history()
        rows[0]["Quantity"] = "7"
        derive.write(path, rows)
        again = self.fails(self.orders("import", path, "--json"), 4, "line 2:", "version 1", "stream order-",
                           "used with other content")
        self.assertEqual(again.json()["refused"], 1)
        self.assertEqual(again.json()["created"], first["created"] - 1)
        self.assertEqual(self.history(), before)


if __name__ == "__main__":
    unittest.main()
