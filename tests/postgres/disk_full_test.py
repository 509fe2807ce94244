"""A server whose disk is full: no false acknowledgement, reads go on, and it goes on when there is room."""

from __future__ import annotations

import subprocess
import unittest

from servers import ServersTest


class DiskFullTest(ServersTest):
    def test_it_is_told_and_passes(self) -> None:
        small = self.place / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", small], capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("mounting a small file system is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        address = self.start("server")
        subprocess.run(["chown", "postgres:postgres", small], check=True)
        self.sql(address, f"CREATE TABLESPACE small LOCATION '{small}'")
        self.sql(address, "CREATE TABLE filler TABLESPACE small AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)")
        self.store = address + "&options=-c%20default_tablespace%3Dsmall"
        stored = 0
        # Digits that do not compress.
        payload = lambda n: '"' + "".join(str((n + 7919 * i * i) % 999_983) for i in range(60_000)) + '"\n'
        for n in range(100):
            done = self.annals("append", f"order-{n}", "--type", "noted", "--create", input=payload(n))
            if done.code != 0:
                break
            stored += 1
        self.fails(done, 11, "SQLSTATE 53100", "make room", "nothing was stored")
        self.assertGreater(stored, 3)
        self.assertEqual(len(self.events(self.store)), stored)
        self.sql(address, "DROP TABLE filler")
        self.sql(address, "CHECKPOINT")
        self.succeeds(self.annals("append", "order-0", "--type", "noted", "--expect", "1", input="{}\n"))
        self.assertEqual([e["position"] for e in self.events(self.store)], [str(i + 1) for i in range(stored + 1)])


if __name__ == "__main__":
    unittest.main()
