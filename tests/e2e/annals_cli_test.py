"""The program `annals` at the command line: every verb, for people and programs, and bad input."""

from __future__ import annotations

import os
import subprocess
import unittest

from programs import (BINARIES, DAMAGED, FILE, IN_USE, NO_STORE, NOT_FOUND, USAGE, HEADER, ProgramTest)

LINE = "1,A,x,6,2010-12-01 08:26:00,2.55,17850.0,UK\n"


class CliTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.succeeds(self.orders("generate", "--orders", "40"))

    def test_stat_tells_what_a_store_holds(self) -> None:
        told = self.succeeds(self.annals("stat", "--json")).json()
        self.assertEqual(told["engine"], "embedded")
        self.assertEqual(told["durability"], "power loss")
        self.assertGreater(told["events"], 40)
        self.assertIn(told["store_id"], told["checkpoint"])
        self.assertIn("survives    power loss", self.succeeds(self.annals("stat")).out)

    def test_streams_pages_by_name(self) -> None:
        everything = self.succeeds(self.annals("streams", "--limit", 1000, "--json")).lines()
        names = [s["stream"] for s in everything]
        self.assertEqual(names, sorted(names))
        self.assertGreater(len(names), 20)
        first = self.succeeds(self.annals("streams", "--limit", 5, "--json")).lines()
        second = self.succeeds(self.annals("streams", "--limit", 5, "--after", first[-1]["stream"], "--json")).lines()
        self.assertEqual([s["stream"] for s in first + second], names[:10])
        self.assertEqual(len(self.succeeds(self.annals("streams", "--prefix", names[3], "--json")).lines()), 1)
        self.assertEqual(self.succeeds(self.annals("streams", "--category", "invoice", "--json")).lines(), [])
        self.assertIn("--after", self.succeeds(self.annals("streams", "--limit", 5)).out)

    def test_read_prints_a_stream_in_either_direction(self) -> None:
        stream = self.succeeds(self.annals("streams", "--json")).lines()[0]
        forwards = self.succeeds(self.annals("read", stream["stream"], "--json")).lines()
        self.assertEqual([e["version"] for e in forwards], list(range(1, stream["version"] + 1)))
        backwards = self.succeeds(self.annals("read", stream["stream"], "--backwards", "--json")).lines()
        self.assertEqual(backwards, forwards[::-1])
        one = self.succeeds(self.annals("read", stream["stream"], "--from", 1, "--to", 1, "--json")).lines()
        self.assertEqual(one, forwards[:1])
        self.assertIn(forwards[0]["type"], self.succeeds(self.annals("read", stream["stream"])).out)

    def test_read_all_filters_and_goes_on_from_a_checkpoint(self) -> None:
        everything = self.succeeds(self.annals("read", "--all", "--json")).lines()
        self.assertEqual([int(e["position"]) for e in everything], list(range(1, len(everything) + 1)))
        paid = self.succeeds(self.annals("read", "--all", "--type", "order_paid", "--json")).lines()
        self.assertEqual(paid, [e for e in everything if e["type"] == "order_paid"])
        two = self.succeeds(self.annals("read", "--all", "--type", "order_paid", "--type", "order_shipped", "--json")).lines()
        self.assertEqual(two, [e for e in everything if e["type"] in ("order_paid", "order_shipped")])
        self.assertEqual(len(self.succeeds(self.annals("read", "--all", "--category", "order", "--json")).lines()), len(everything))
        self.assertEqual(self.succeeds(self.annals("read", "--all", "--category", "x", "--json")).lines(), [])
        self.assertEqual(self.succeeds(self.annals("read", "--all", "--from", 3, "--limit", 2, "--json")).lines(), everything[2:4])
        head = self.succeeds(self.annals("stat", "--json")).json()["checkpoint"]
        self.assertEqual(self.succeeds(self.annals("read", "--all", "--after", head, "--json")).lines(), [])
        self.succeeds(self.orders("generate", "--orders", "45"))
        new = self.succeeds(self.annals("read", "--all", "--after", head, "--json")).lines()
        self.assertEqual(int(new[0]["position"]), len(everything) + 1)

    def test_read_refuses_a_checkpoint_of_another_store(self) -> None:
        head = self.succeeds(self.annals("stat", "--json")).json()["checkpoint"]
        self.store = f"file:{self.folder}/other"
        self.succeeds(self.orders("generate", "--orders", "40"))
        self.fails(self.annals("read", "--all", "--after", head), 4, "another history")

    def test_verify_finds_a_sound_store_sound(self) -> None:
        told = self.succeeds(self.annals("verify", "--json")).json()
        self.assertEqual(told["damage"], [])
        self.assertEqual(told["events"], self.succeeds(self.annals("stat", "--json")).json()["events"])
        self.assertIn("no damage", self.succeeds(self.annals("verify")).out)

    def segment(self) -> str:
        folder = self.folder / "store" / "log"
        return str(folder / sorted(os.listdir(folder))[0])

    def test_damage_in_the_middle_is_named_and_nothing_opens_or_changes_it(self) -> None:
        with open(self.segment(), "r+b") as segment:
            segment.seek(4096 + 700)
            byte = segment.read(1)[0]
            segment.seek(4096 + 700)
            segment.write(bytes([byte ^ 0x40]))
        with open(self.segment(), "rb") as segment:
            before = segment.read()
        found = self.fails(self.annals("verify"), DAMAGED, "damaged")
        self.assertRegex(found.out, r"damage: .*\.seg is damaged at offset \d+")
        for refused in (self.annals("read", "--all"), self.annals("stat"), self.orders("generate")):
            self.fails(refused, DAMAGED, ".seg is damaged at offset", "position")
        with open(self.segment(), "rb") as segment:
            self.assertEqual(segment.read(), before)

    def test_unknown_flags_verbs_and_addresses_are_usage_errors(self) -> None:
        for words in (["--nonsense"], ["nonsense"], [], ["stat", "--nonsense"], ["streams", "--limit", "0"],
                      ["streams", "--limit", "x"], ["read"], ["read", "a", "--all"],
                      ["read", "--all", "--after", "nonsense"], ["read", "--all", "--tag", "no-colon"]):
            with self.subTest(words=words):
                finished = self.run_program("annals", *words, "--store", self.store) if words[:1] == ["read"] \
                    else self.run_program("annals", *words)
                self.assertEqual(finished.code, USAGE, finished)
                self.assertNotEqual(finished.err, "")
        for address in ("nonsense", "file:", "http://x", "mysql://x"):
            self.fails(self.run_program("annals", "stat", "--store", address), USAGE, address)

    def test_reading_never_makes_a_store(self) -> None:
        self.store = f"file:{self.folder}/absent"
        for words in (["stat"], ["streams"], ["read", "--all"], ["verify"], ["schema"], ["export"]):
            self.fails(self.annals(*words), NO_STORE, "absent")
        self.fails(self.orders("query", "status"), NO_STORE, "absent")
        self.assertFalse((self.folder / "absent").exists())

    def test_a_folder_that_is_no_store_is_left_alone(self) -> None:
        foreign = self.folder / "foreign"
        foreign.mkdir()
        (foreign / "letter.txt").write_text("dear diary")
        self.store = f"file:{foreign}"
        self.fails(self.annals("stat"), NO_STORE, "foreign")
        self.fails(self.orders("generate"), NO_STORE, "foreign")
        self.assertEqual(os.listdir(foreign), ["letter.txt"])
        plain = self.write("plain-file", "x")
        self.store = f"file:{plain}"
        self.fails(self.orders("generate"), NO_STORE, "plain-file")

    def test_a_store_of_a_newer_format_says_so(self) -> None:
        marker = self.folder / "store" / "ANNALS"
        content = bytearray(marker.read_bytes())
        self.assertEqual(content[8], 2)  # docs/format.md: the version stands at offset 8
        content[8] = 3
        marker.write_bytes(content)
        self.fails(self.annals("stat"), NO_STORE, "newer")
        self.fails(self.orders("generate"), NO_STORE, "newer")
        self.assertEqual(marker.read_bytes(), content)

    def test_a_store_in_use_names_the_process(self) -> None:
        path = self.write("slow.csv", HEADER + LINE)
        os.mkfifo(self.folder / "fifo")
        with subprocess.Popen([BINARIES / "orders", "import", self.folder / "fifo", "--store", self.store],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as holder:
            with open(self.folder / "fifo", "w", encoding="utf-8") as feed:
                feed.write(path.read_text())
                feed.flush()
                self.fails(self.orders("generate"), IN_USE, f"in use by pid {holder.pid}")
            self.assertEqual(holder.wait(), 0)
        self.succeeds(self.annals("stat"))

    def test_a_missing_stream_is_not_found(self) -> None:
        self.fails(self.annals("read", "order-none"), NOT_FOUND, "order-none", "has no events")

    def test_a_reader_that_goes_away_ends_the_program_quietly(self) -> None:
        self.succeeds(self.orders("generate", "--orders", "3000"))
        with subprocess.Popen([BINARIES / "annals", "read", "--all", "--store", self.store],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            running.stdout.readline()
            running.stdout.close()
            self.assertEqual(running.stderr.read(), b"")
            self.assertNotEqual(running.wait(), 0)

    def test_output_that_does_not_arrive_is_an_error(self) -> None:
        with open("/dev/full", "w", encoding="utf-8") as full:
            for words in (["read", "--all"], ["stat"], ["streams", "--json"], ["schema"], ["export"]):
                done = subprocess.run([BINARIES / "annals", *words, "--store", self.store], stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(done.returncode, FILE, done.stderr)
                self.assertIn("No space left", done.stderr)

    def test_every_help_has_an_example(self) -> None:
        for program, verbs in (("annals", ["", "stat", "streams", "read", "tail", "verify", "repair", "doctor", "append", "export",
                                           "import", "schema", "completion"]),
                               ("orders", ["", "import", "generate", "show", "query", "demo", "query status",
                                           "query customers"])):
            for verb in verbs:
                shown = self.succeeds(self.run_program(program, *verb.split(), "--help"))
                self.assertIn("Example: ", shown.out, verb)
        for program in ("annals", "orders"):
            self.assertIn("Exit codes:", self.succeeds(self.run_program(program, "--help")).out)
        self.assertRegex(self.succeeds(self.run_program("annals", "--version")).out, r"^annals \d+\.\d+\.\d+$")

    def test_stored_control_characters_do_not_reach_the_terminal(self) -> None:
        path = self.write("a.csv", HEADER + LINE.replace("UK", "\x1b[31mRED"))
        self.succeeds(self.orders("import", path))
        for shown in (self.annals("read", "--all"), self.orders("query", "countries")):
            self.assertNotIn("\x1b", self.succeeds(shown).out)


if __name__ == "__main__":
    unittest.main()
