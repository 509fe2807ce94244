"""A primary with two synchronous standbys that dies while eight threads append: nothing acknowledged is lost."""

from __future__ import annotations

import subprocess
import time
import unittest

from servers import BINARIES, ServersTest, one_of

THREADS, APPENDS = 8, 150
MANY = 8_000  # appends of one thread: some seconds, so that it does not end before its server does


class FailoverTest(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.primary = self.start("primary")
        self.standbys = [self.standby("s1", "primary"), self.standby("s2", "primary")]

    def synchronous(self, names: str) -> None:
        self.sql(self.primary, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.sql(self.primary, "SELECT pg_reload_conf()")

    def wait_until(self, holds) -> None:
        for _ in range(600):
            if holds():
                return
            time.sleep(0.05)
        self.fail("waited for half a minute")

    def test_nothing_acknowledged_is_lost_and_nothing_is_stored_twice(self) -> None:
        self.synchronous("2 (s1, s2)")
        self.wait_until(lambda: self.sql(self.primary, "SELECT count(*) FROM pg_stat_replication "
                                         "WHERE sync_state = 'sync'") == "2")
        everywhere = one_of([self.primary, *self.standbys])
        with open(self.folder / "acks", "w", encoding="utf-8") as acks:
            writer = subprocess.Popen([BINARIES / "postgres_writer_program", everywhere, "order", str(THREADS), str(APPENDS)],
                                      stdout=acks, stderr=subprocess.PIPE, text=True)
        self.addCleanup(writer.kill)
        acknowledged = lambda: (self.folder / "acks").read_text().splitlines()
        self.wait_until(lambda: len(acknowledged()) > 200)
        self.script("stop", self.place / "primary", "immediate")
        at_death = len(acknowledged())
        self.script("promote", self.place / "s1")
        _, said = writer.communicate(timeout=90)
        self.assertEqual(writer.returncode, 0, said)
        self.assertLess(at_death, THREADS * APPENDS, "the primary died too late to matter")
        events = self.events(self.standbys[0])
        stored = sorted(e["data"] for e in events)
        self.assertEqual(stored, sorted(line.strip('"') for line in acknowledged()))
        self.assertEqual(len(stored), THREADS * APPENDS)
        self.assertEqual([e["position"] for e in events], [str(i + 1) for i in range(len(events))])

    def test_what_is_sent_again_to_a_standby_that_lagged_is_found_there(self) -> None:
        """Such a standby has fewer events than the writer knows of: what it stores there stands below what it has seen."""
        lagging = self.standbys[0]
        with open(self.folder / "acks", "w", encoding="utf-8") as acks:
            writer = subprocess.Popen([BINARIES / "postgres_writer_program", one_of([self.primary, lagging]), "order", "1", str(MANY)],
                                      stdout=acks, stderr=subprocess.PIPE, text=True)
        self.addCleanup(writer.kill)
        acknowledged = lambda: len((self.folder / "acks").read_text().splitlines())
        self.wait_until(lambda: acknowledged() > 20)
        self.sql(lagging, "ALTER SYSTEM SET primary_conninfo = ''")  # it gets nothing more
        self.sql(lagging, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        self.sql(lagging, "SELECT pg_reload_conf()")
        self.wait_until(lambda: self.sql(lagging, "SELECT count(*) FROM pg_stat_wal_receiver") == "0")
        got = int(self.sql(lagging, "SELECT count(*) FROM annals.events"))
        self.wait_until(lambda: acknowledged() > got + 50)
        self.script("stop", self.place / "primary", "immediate")
        self.assertLess(acknowledged(), MANY, "the primary died too late to matter")
        self.script("promote", self.place / "s1")
        in_wait = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'annals'"
        for _ in range(3):  # each time the server says success with a warning, and it is sent again
            self.wait_until(lambda: self.sql(lagging, in_wait) == "1")
            self.sql(lagging, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            self.wait_until(lambda: self.sql(lagging, in_wait) == "0")
        self.wait_until(lambda: self.sql(lagging, in_wait) == "1")
        self.sql(lagging, "ALTER SYSTEM SET synchronous_standby_names = ''")
        self.sql(lagging, "SELECT pg_reload_conf()")
        _, said = writer.communicate(timeout=90)
        self.assertEqual(writer.returncode, 0, said)
        stored = [e["data"] for e in self.events(lagging)]
        self.assertEqual(len(stored), len(set(stored)), "something was stored twice")
        self.assertEqual(stored[-1], f"order-0/{MANY - 1}")

    def test_a_standby_serves_reads_and_follows_by_polling(self) -> None:
        self.store = self.primary
        append = lambda n: self.succeeds(self.annals("append", "order-1", "--type", "noted", "--create", input=f"{n}\n"))
        append(1)
        replica = self.standbys[1]
        self.wait_until(lambda: self.run_program("annals", "stat", "--store", replica).code == 0)
        self.assertEqual([e["data"] for e in self.events(replica)], [1])
        tail = subprocess.Popen([BINARIES / "annals", "tail", "--all", "-f", "--limit", "3", "--json", "--store", replica],
                                stdout=subprocess.PIPE, text=True)
        self.addCleanup(tail.kill)
        self.store = self.primary
        append(2)
        append(3)
        out, _ = tail.communicate(timeout=60)
        self.assertEqual(len(out.splitlines()), 3)
        self.fails(self.run_program("annals", "append", "order-1", "--type", "noted", "--store", replica, input="4\n"), 12,
                   "read-only", "SQLSTATE 25006")

    def test_a_wait_for_a_standby_that_is_cut_short_is_not_believed(self) -> None:
        """The server answers success with a warning when such a wait is cancelled: the append is sent again."""
        self.store = self.primary
        self.succeeds(self.annals("append", "order-1", "--type", "noted", "--create", input="1\n"))
        self.synchronous("nobody")
        waiting = subprocess.Popen([BINARIES / "annals", "append", "order-1", "--type", "noted", "--store", self.primary],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(waiting.kill)
        waiting.stdin.write("2\n")
        waiting.stdin.close()
        in_wait = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'annals'"
        for _ in range(3):
            self.wait_until(lambda: self.sql(self.primary, in_wait) == "1")
            self.sql(self.primary, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            self.assertIsNone(waiting.poll(), "it has believed an append that no standby has")
        self.wait_until(lambda: self.sql(self.primary, in_wait) == "1")
        self.synchronous("")
        self.assertEqual(waiting.wait(timeout=60), 0)
        waiting.stdout.close()
        self.assertEqual([e["data"] for e in self.events(self.primary)], [1, 2])


if __name__ == "__main__":
    unittest.main()
