"""annals tail, and reading beside a program that writes: real processes, real signals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import unittest

from programs import BINARIES, FILE, HEADER, NO_STORE, NOT_FOUND, USAGE, ProgramTest, parse

LINE = "{},A,x,6,2010-12-01 08:26:00,2.55,17850.0,UK\n"


class TailTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.succeeds(self.orders("generate", "--orders", "40"))

    def everything(self) -> list:
        return self.succeeds(self.annals("read", "--all", "--json")).lines()

    def following(self, *words) -> subprocess.Popen:
        """A tail that goes on; ended by the test, or else after it."""
        command = [str(BINARIES / "annals"), "tail", "-f", *map(str, words), "--store", self.store]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def end() -> None:
            running.kill()
            running.wait()
            running.stdout.close()
            running.stderr.close()
        self.addCleanup(end)
        return running

    def test_the_newest_events_in_their_order(self) -> None:
        everything = self.everything()
        self.assertEqual(self.succeeds(self.annals("tail", "--json")).lines(), everything[-10:])
        self.assertEqual(self.succeeds(self.annals("tail", "--all", "-n", 3, "--json")).lines(), everything[-3:])
        self.assertEqual(self.succeeds(self.annals("tail", "--lines", 100000, "--json")).lines(), everything)
        self.assertEqual(self.succeeds(self.annals("tail", "-n", 0, "--json")).lines(), [])
        self.assertEqual(self.succeeds(self.annals("tail", "-n", 5, "--limit", 2, "--json")).lines(), everything[-5:-3])
        self.assertIn(everything[-1]["event_id"][:4], self.succeeds(self.annals("tail", "--json")).out)
        self.assertEqual(len(self.succeeds(self.annals("tail")).out.splitlines()), 10)

    def test_the_newest_events_of_a_stream_and_of_a_filter(self) -> None:
        everything = self.everything()
        stream = everything[-1]["stream"]
        its = [e for e in everything if e["stream"] == stream]
        self.assertEqual(self.succeeds(self.annals("tail", stream, "-n", 2, "--json")).lines(), its[-2:])
        paid = [e for e in everything if e["type"] == "order_paid"]
        self.assertEqual(self.succeeds(self.annals("tail", "--type", "order_paid", "--json")).lines(), paid[-10:])
        self.assertEqual(self.succeeds(self.annals("tail", "--category", "x", "--json")).lines(), [])
        self.fails(self.annals("tail", "order-none"), NOT_FOUND, "order-none", "has no events")

    def test_following_prints_what_other_programs_append_and_ends_with_an_interrupt(self) -> None:
        before = self.everything()
        for number in (signal.SIGINT, signal.SIGTERM):
            running = self.following("-n", 1, "--json")
            self.assertEqual(parse(running.stdout.readline()), before[-1])
            self.succeeds(self.orders("generate", "--orders", str(40 + number)))
            after = self.everything()
            self.assertGreater(len(after), len(before))
            seen = [parse(running.stdout.readline()) for _ in after[len(before):]]
            self.assertEqual(seen, after[len(before):])
            running.send_signal(number)
            self.assertEqual(running.wait(), -number)
            self.assertEqual(running.stdout.read() + running.stderr.read(), "")
            before = after

    def test_following_a_filter_ends_after_so_many_events(self) -> None:
        running = self.following("-n", 0, "--type", "order_paid", "--limit", 3, "--json")
        before = len(self.everything())
        self.succeeds(self.orders("generate", "--orders", "200"))
        paid = [e for e in self.everything()[before:] if e["type"] == "order_paid"]
        seen = [parse(line) for line in running.stdout.read().splitlines()]
        self.assertEqual(running.wait(), 0)
        self.assertEqual(len(seen), 3)
        # It may have begun in the middle of the others' work.
        start = paid.index(seen[0]) if seen[0] in paid else 0
        self.assertEqual(seen, paid[start:start + 3])

    def test_following_waits_for_a_stream_that_is_not_there_yet(self) -> None:
        self.store = f"file:{self.folder}/more"
        self.succeeds(self.orders("generate", "--orders", "60"))
        more = self.everything()
        self.store = f"file:{self.folder}/store"
        known = {e["stream"] for e in self.everything()}
        coming = next(e["stream"] for e in more if e["stream"] not in known)
        running = self.following(coming, "--json")
        self.succeeds(self.orders("generate", "--orders", "60"))
        self.assertEqual(parse(running.stdout.readline())["stream"], coming)
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(), -signal.SIGTERM)

    def test_following_a_store_that_is_deleted_ends_with_an_error(self) -> None:
        running = self.following("-n", 1, "--json")
        running.stdout.readline()
        shutil.rmtree(self.folder / "store")
        self.assertEqual(running.wait(), NO_STORE)
        self.assertIn("deleted or moved", running.stderr.read())

    def test_following_ends_when_nobody_reads_on(self) -> None:
        running = self.following("-n", 1)
        running.stdout.readline()
        running.stdout.close()
        self.assertEqual(running.wait(), -signal.SIGPIPE)
        self.assertEqual(running.stderr.read(), "")

    def test_output_that_does_not_arrive_is_an_error(self) -> None:
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BINARIES / "annals", "tail", "-f", "--store", self.store], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, FILE, done.stderr)
        self.assertIn("No space left", done.stderr)

    def test_bad_arguments_are_usage_errors(self) -> None:
        for words in (["order-1", "--all"], ["-n", "x"], ["--nonsense"], ["--tag", "no-colon"]):
            with self.subTest(words=words):
                self.assertEqual(self.annals("tail", *words).code, USAGE)

    def test_every_verb_that_reads_works_beside_a_program_that_writes(self) -> None:
        os.mkfifo(self.folder / "fifo")
        with subprocess.Popen([BINARIES / "orders", "import", self.folder / "fifo", "--store", self.store],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as holder:
            with open(self.folder / "fifo", "w", encoding="utf-8") as feed:
                feed.write(HEADER + LINE.format(1))
                feed.flush()
                self.assertGreater(self.succeeds(self.annals("stat", "--json")).json()["events"], 40)
                self.succeeds(self.annals("streams"))
                self.succeeds(self.annals("read", "--all"))
                self.assertEqual(len(self.succeeds(self.annals("tail")).out.splitlines()), 10)
                self.succeeds(self.orders("query", "status"))
                self.fails(self.annals("verify"), 9, f"in use by pid {holder.pid}")
            self.assertEqual(holder.wait(), 0)
        self.succeeds(self.annals("verify"))


if __name__ == "__main__":
    unittest.main()
