"""PostgreSQL servers of a test's own, by scripts/postgres; and the helpers of tests/e2e."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(os.environ.get("ANNALS_SOURCE_DIR", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))

from programs import BINARIES, RETAIL, ProgramTest, needs_retail  # noqa: E402  (found there)

SCRIPT = SOURCE / "scripts" / "postgres"


class ServersTest(ProgramTest):
    """Servers in a folder that the user postgres may enter; gone with the test, killed or not."""

    def setUp(self) -> None:
        super().setUp()
        self.place = Path(tempfile.mkdtemp(prefix="annals-pg-", dir="/tmp"))
        self.place.chmod(0o755)
        self.addCleanup(subprocess.run, ["rm", "-rf", self.place], check=False)

    def script(self, *words) -> str:
        done = subprocess.run([SCRIPT, *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def start(self, name: str, *settings) -> str:
        address = self.script("start", self.place / name, "--until", os.getpid(), "--remove", *settings)
        self.addCleanup(self.script, "stop", self.place / name, "immediate", "remove")
        return address

    def standby(self, name: str, primary: str) -> str:
        address = self.script("standby", self.place / name, self.place / primary, name, "--until", os.getpid(), "--remove")
        self.addCleanup(self.script, "stop", self.place / name, "immediate", "remove")
        return address

    def sql(self, address: str, statement: str) -> str:
        done = subprocess.run(["psql", "-X", "-q", "-At", address, "-c", statement], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def events(self, address: str) -> list:
        self.store = address
        return self.succeeds(self.annals("read", "--all", "--json")).lines()


def one_of(addresses: list[str]) -> str:
    """One address of several hosts."""
    hosts = ",".join(re.search(r"host=([^&]*)", a)[1] for a in addresses)
    ports = ",".join(re.search(r"port=([^&]*)", a)[1] for a in addresses)
    return f"postgres://postgres@/annals?host={hosts}&port={ports}"


__all__ = ["BINARIES", "RETAIL", "ServersTest", "needs_retail", "one_of"]
