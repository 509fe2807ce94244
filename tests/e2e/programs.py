"""Runs the programs under test, and finds the real data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

SOURCE = Path(os.environ.get("ANNALS_SOURCE_DIR", Path(__file__).resolve().parents[2]))
BINARIES = Path(os.environ.get("ANNALS_BIN_DIR", SOURCE / "build" / "release" / "bin")).resolve()
LONG = bool(os.environ.get("ANNALS_LONG"))
RETAIL = Path(os.environ.get("ANNALS_SHARED_DATA", SOURCE / ".." / "shared" / "data")) / "online-retail.csv.gz"

USAGE, NOT_FOUND, CONFLICT, REJECTED, MALFORMED, FILE = 2, 3, 4, 5, 6, 7
NO_STORE, IN_USE, DAMAGED, DISK_FULL = 8, 9, 10, 11

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def parse(text: str):
    return json.loads(text, parse_float=Decimal)


class Finished:
    def __init__(self, done: subprocess.CompletedProcess):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return parse(self.out)

    def lines(self):
        return [parse(line) for line in self.out.splitlines()]

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out[-2000:]}\n{self.err[-2000:]}"


class ProgramTest(unittest.TestCase):
    """A test with an empty folder and a store address in it."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="annals-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = f"file:{self.folder}/store"

    def run_program(self, *words, **options) -> Finished:
        command = [str(BINARIES / words[0]), *map(str, words[1:])]
        return Finished(subprocess.run(command, capture_output=True, text=True, cwd=self.folder,
                                       timeout=options.pop("timeout", 120), check=False, **options))

    def orders(self, *words, **options) -> Finished:
        return self.run_program("orders", *words, "--store", self.store, **options)

    def annals(self, *words, **options) -> Finished:
        return self.run_program("annals", *words, "--store", self.store, **options)

    def succeeds(self, finished: Finished) -> Finished:
        self.assertEqual(finished.code, 0, finished)
        return finished

    def fails(self, finished: Finished, code: int, *said: str) -> Finished:
        """One clear message on stderr, with these parts, and this exit code."""
        self.assertEqual(finished.code, code, finished)
        for part in said:
            self.assertIn(part, finished.err)
        return finished

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def models(self) -> dict:
        """All read models of the store, as the program shows them."""
        return {name: self.succeeds(self.orders("query", name, "--json", *more)).json()
                for name, more in [("status", ()), ("countries", ()), ("days", ()),
                                   ("customers", ("--most", 10_000_000))]}

    def history(self) -> list:
        """Every event, without what differs from run to run: ids and times that the store makes."""
        events = self.succeeds(self.annals("read", "--all", "--json")).lines()
        return [{k: v for k, v in e.items() if k not in ("event_id", "recorded", "hlc", "position")}
                for e in events]


def needs_retail(test):
    return unittest.skipUnless(RETAIL.exists(), f"needs the real data, {RETAIL}")(test)
