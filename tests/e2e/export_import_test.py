"""Export and import: byte for byte, interrupted, damaged, and into stores that are ahead or others."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import unittest
from pathlib import Path

from programs import (BINARIES, CONFLICT, DAMAGED, DISK_FULL, FILE, MALFORMED, NO_STORE, RETAIL, USAGE, ProgramTest,
                      needs_retail)

STORE_ID = "0197c2d0-7b1e-4a2b-8c3d-4e5f60718293"


def an_id(number: int) -> str:
    return f"0197c2d0-7b1e-7a2b-8c3d-{number:012x}"


class Nasty:
    """An export that has everything, written by this hand."""

    def __init__(self) -> None:
        self.position, self.versions, self.lines = 0, {}, []

    def event(self, stream: str, data: str | bytes, append: str = "", extra: str = "", kind: str = "noted",
              time: str = '"timestamp":"2010-12-01T08:26:00.000001Z"') -> None:
        self.position += 1
        self.versions[stream] = self.versions.get(stream, 0) + 1
        payload = f'"data":{data}' if isinstance(data, str) else \
            f'"data_base64":"{base64.b64encode(data).decode()}"'
        names = [json.dumps(name, ensure_ascii=False) for name in (stream, kind)]
        self.lines.append(f'{{"position":{self.position},"stream":{names[0]},"version":{self.versions[stream]},'
                          f'"type":{names[1]},"schema":{self.position},"event_id":"{an_id(self.position)}",{time},'
                          f'"hlc":"{(1_300_000_000_000 << 16) + 7 * self.position}"{extra}'
                          f'{append and "," + append},{payload}}}')

    def text(self) -> str:
        return "\n".join([f'{{"annals_export":1,"store_id":"{STORE_ID}"}}', *self.lines,
                          f'{{"annals_export_end":{{"events":{self.position},"lines":{len(self.lines)}}}}}']) + "\n"


def nasty() -> Nasty:
    to = Nasty()
    command = f'"command_id":"{an_id(901)}","command_digest":"{an_id(902)}"'
    to.event("order-1", '{"a" : [1, 2.50,\t"\\u00e4ö"] }')
    to.event("order-1", b'{"duplicate":1,"duplicate":2}', extra=',"codec":"json"')
    to.event("order-2", b"", f'"append":{{"events":3,{command},"correlation_id":"{an_id(903)}",'
             f'"causation_id":"{an_id(904)}","trace_id":"{"0a" * 16}","span_id":"{"0b" * 8}","trace_flags":1,'
             '"tracestate":"vendor=\\"1\\"","user_metadata":{"who" :"me"}}', extra=',"genesis":true')
    to.event("0197c2d0-7b1e-7a2b-8c3d-4e5f60718293", b"\x00\xff\n", extra=',"codec":"json"', time='"timestamp_us":-99999999999999999')
    to.event("order-2", bytes(range(256)), kind="ünder \"way\"\\\u0001", extra=',"tags":["a:b","c:","d:\\u001f\\"ö"]')
    to.lines.append(f'{{"append":{{"events":0,"command_id":"{an_id(905)}","command_digest":"{an_id(906)}",'
                    '"stream":"never-written","user_metadata_base64":"AAE="}}')
    to.lines.append('{"retention":{"stream":"order-2","truncate_before":2,"tombstone":false,"max_age_us":0,"max_count":7}}')
    to.lines.append('{"retention":{"stream":"order-1","truncate_before":3,"tombstone":true,"max_age_us":5,"max_count":0}}')
    to.lines.append('{"retention":{"stream":"order-1","truncate_before":3,"tombstone":false,"max_age_us":0,"max_count":0}}')
    to.event("order-1", b" {}", extra=',"codec":"json"', time='"timestamp":"9999-12-31T23:59:59.999999Z"')
    to.event("order-1", "null", f'"append":{{"events":1,"command_id":"{an_id(907)}","command_digest":"{an_id(908)}",'
             '"stream":"order-2"}', time='"timestamp_us":253402300800000000')
    return to


class TransferTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.copy = f"file:{self.folder}/copy"

    def exported(self, store: str) -> bytes:
        done = subprocess.run([BINARIES / "annals", "export", "--store", store], capture_output=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def import_into(self, store: str, path: Path, *words, **options):
        return self.run_program("annals", "import", path, "--store", store, *words, **options)


class RoundTripTest(TransferTest):
    def test_everything_comes_back_byte_for_byte(self) -> None:
        text = nasty().text()
        path = self.write("nasty.ndjson", text)
        told = self.succeeds(self.import_into(self.copy, path, "--create", "--json")).json()
        self.assertEqual(told, {"store": self.copy, "store_id": STORE_ID, "origin": STORE_ID, "events": 7, "appends": 6,
                                "events_there": 0})
        self.assertEqual(self.exported(self.copy).decode(), text)
        self.store = self.copy
        self.succeeds(self.annals("verify"))
        shown = self.succeeds(self.annals("read", "order-1", "--json")).lines()
        self.assertEqual([e["version"] for e in shown], [3, 4])  # what retention hid is hidden here too
        again = self.succeeds(self.import_into(self.copy, path, "--json")).json()
        self.assertEqual((again["events"], again["events_there"]), (0, 7))
        self.assertIn("7 events were there already", self.succeeds(self.import_into(self.copy, path)).out)
        self.assertEqual(self.exported(self.copy).decode(), text)

    def test_an_empty_store_makes_an_empty_copy(self) -> None:
        path = self.write("empty.ndjson", Nasty().text())
        self.succeeds(self.import_into(self.copy, path, "--create"))
        self.assertEqual(self.exported(self.copy).decode(), Nasty().text())

    def test_lines_may_be_written_in_other_ways(self) -> None:
        text = nasty().text()
        lines = [json.loads(line) for line in text.splitlines()]
        odd = "".join(json.dumps(dict(reversed(list(line.items()))), indent=None, separators=(" , ", "\t: ")) + "\r\n"
                      if "data" not in line and "user_metadata" not in raw else raw + "\n" for line, raw in zip(lines, text.splitlines()))
        self.assertNotEqual(odd, text)
        self.succeeds(self.import_into(self.copy, self.write("odd.ndjson", odd), "--create"))
        self.assertEqual(self.exported(self.copy).decode(), text)

    def test_a_pipe_from_store_to_store(self) -> None:
        self.succeeds(self.orders("generate", "--orders", "300"))
        with subprocess.Popen([BINARIES / "annals", "export", "--store", self.store], stdout=subprocess.PIPE) as out:
            done = subprocess.run([BINARIES / "annals", "import", "--create", "--store", self.copy], stdin=out.stdout,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(out.returncode, 0)
        self.assertEqual(self.exported(self.copy), self.exported(self.store))

    def test_a_copy_knows_the_command_ids(self) -> None:
        self.succeeds(self.orders("generate", "--orders", "50"))
        path = self.folder / "a.ndjson"
        self.succeeds(self.annals("export", path))
        self.succeeds(self.import_into(self.copy, path, "--create"))
        for self.store in (self.store, self.copy):
            before = self.succeeds(self.annals("stat", "--json")).json()["events"]
            self.succeeds(self.orders("generate", "--orders", "50"))
            self.assertEqual(self.succeeds(self.annals("stat", "--json")).json()["events"], before)

    @needs_retail
    def test_the_real_orders_come_back_byte_for_byte(self) -> None:
        self.succeeds(self.orders("import", RETAIL))
        path = self.folder / "orders.ndjson"
        told = self.succeeds(self.annals("export", path, "--json")).json()
        self.assertEqual((told["events"], told["appends"]), (42_732, 42_732))
        self.succeeds(self.import_into(self.copy, path, "--create"))
        self.assertEqual(self.exported(self.copy), path.read_bytes())
        self.store = self.copy
        self.assertEqual(self.succeeds(self.orders("import", RETAIL, "--json")).json()["new_events"], 0)
        self.succeeds(self.annals("verify"))

    def test_into_a_store_of_another_id_is_said(self) -> None:
        self.succeeds(self.run_program("annals", "import", self.write("b", Nasty().text().replace("8293", "8294")), "--create",
                                       "--store", self.copy))
        done = self.succeeds(self.import_into(self.copy, self.write("nasty.ndjson", nasty().text())))
        self.assertIn("the store keeps its own id", done.out)
        self.assertEqual(self.exported(self.copy).decode(), nasty().text().replace("8293\"}", "8294\"}", 1))


class InterruptedTest(TransferTest):
    def setUp(self) -> None:
        super().setUp()
        self.succeeds(self.orders("generate", "--orders", "2000"))
        self.path = self.folder / "a.ndjson"
        self.succeeds(self.annals("export", self.path))
        self.text = self.path.read_bytes()

    def test_an_export_that_was_cut_off_is_refused_and_the_whole_one_goes_on(self) -> None:
        cut = self.write("cut.ndjson", self.text[:len(self.text) // 2])
        self.fails(self.import_into(self.copy, cut, "--create"), MALFORMED, "cut.ndjson, line ", "in the middle of a line",
                   "events were imported before that")
        half = self.exported(self.copy).splitlines()
        self.assertEqual(half[:-1], self.text.splitlines()[:len(half) - 1])
        self.assertGreater(len(half), 100)
        told = self.succeeds(self.import_into(self.copy, self.path, "--json")).json()
        self.assertEqual(told["events_there"], sum(line.startswith(b'{"position"') for line in half))
        self.assertEqual(self.exported(self.copy), self.text)

    def fed_half(self) -> subprocess.Popen:
        """An import that has got half of an export, and waits for more."""
        running = subprocess.Popen([BINARIES / "annals", "import", "--create", "--store", self.copy], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        running.stdin.write(self.text[:len(self.text) // 2])
        running.stdin.flush()
        log = self.folder / "copy" / "log" / "000000000001.seg"
        while not log.exists() or an_event_is_in(log) is False:
            self.assertIsNone(running.poll())
        return running

    def test_an_import_that_is_killed_goes_on_where_it_was(self) -> None:
        with self.fed_half() as running:
            running.kill()
        told = self.succeeds(self.import_into(self.copy, self.path, "--json")).json()
        self.assertGreater(told["events_there"], 0)
        self.assertEqual(self.exported(self.copy), self.text)

    def test_signals_end_an_import_with_a_clear_message(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number), self.fed_half() as running:
                running.send_signal(number)
                said = running.stderr.read().decode()
                self.assertEqual(running.wait(), -number, said)
                self.assertIn("interrupted", said)
        self.succeeds(self.import_into(self.copy, self.path))
        self.assertEqual(self.exported(self.copy), self.text)

    def test_a_reader_that_goes_away_ends_an_export_quietly(self) -> None:
        with subprocess.Popen([BINARIES / "annals", "export", "--store", self.store], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as running:
            running.stdout.readline()
            running.stdout.close()
            self.assertEqual(running.stderr.read(), b"")
            self.assertEqual(running.wait(), -signal.SIGPIPE)
        self.succeeds(self.annals("verify"))

    def test_an_interrupted_export_leaves_no_file(self) -> None:
        os.mkfifo(self.folder / "fifo")
        with subprocess.Popen([BINARIES / "annals", "export", self.folder / "fifo", "--store", self.store],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            with open(self.folder / "fifo", "rb") as out:
                out.read(10)
                running.send_signal(signal.SIGINT)
                while out.read(1 << 16):
                    pass
            said = running.stderr.read().decode()
            self.assertEqual(running.wait(), -signal.SIGINT, said)
            self.assertIn("interrupted; the export is not complete", said)


def an_event_is_in(segment: Path) -> bool:
    with open(segment, "rb") as log:
        return b"order_created" in log.read(1 << 16)


class RefusedTest(TransferTest):
    def setUp(self) -> None:
        super().setUp()
        self.text = nasty().text()
        self.path = self.write("nasty.ndjson", self.text)

    def test_a_store_that_is_ahead_is_left_alone(self) -> None:
        self.succeeds(self.import_into(self.copy, self.path, "--create"))
        self.store = self.copy
        done = subprocess.run([BINARIES / "annals", "append", "order-9", "--type", "t", "--store", self.copy], input=b"{}",
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        before = self.exported(self.copy)
        self.fails(self.import_into(self.copy, self.path), CONFLICT, "the store is ahead", "position 8")
        self.assertEqual(self.exported(self.copy), before)

    def test_a_store_that_has_diverged_is_left_alone(self) -> None:
        self.succeeds(self.import_into(self.copy, self.path, "--create"))
        before = self.exported(self.copy)
        for old, new, position in [("2.50", "2.51", 1), (an_id(3), an_id(33), 3), ('"trace_flags":1', '"trace_flags":2', 3),
                                   (an_id(905), an_id(915), 6), ('"max_count":7', '"max_count":8', 6), ('"c:"', '"e:"', 3)]:
            with self.subTest(old=old):
                other = self.write("other.ndjson", self.text.replace(old, new))
                self.fails(self.import_into(self.copy, other), CONFLICT, f"diverged at position {position}")
        self.assertEqual(self.exported(self.copy), before)

    def test_a_refusal_does_not_wait_for_the_rest_of_a_pipe(self) -> None:
        self.succeeds(self.import_into(self.copy, self.path, "--create"))
        with subprocess.Popen([BINARIES / "annals", "import", "--store", self.copy], stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as running:
            running.stdin.write("".join(self.text.replace("2.50", "2.51").splitlines(keepends=True)[:3]).encode())
            running.stdin.flush()
            self.assertEqual(running.wait(timeout=60), CONFLICT)
            self.assertIn(b"diverged at position 1", running.stderr.read())

    def test_only_create_makes_a_store(self) -> None:
        self.fails(self.import_into(self.copy, self.path), NO_STORE, "copy")
        self.assertFalse((self.folder / "copy").exists())

    def test_bad_lines_have_their_number_and_nothing_is_half_imported(self) -> None:
        lines = self.text.splitlines(keepends=True)
        for number, bad, says, kept in [
                (6, "nonsense\n", "line 6: JSON, byte 0", 2),
                (6, lines[5].replace('"version":2', '"version":3'), "does not follow", 2),
                (5, lines[4].replace('"data_base64"', '"data64"'), "line 5: unknown member 'data64'", 2),
                (6, lines[3], "line 6: event 3 of 3 of an append was expected", 2),
                (9, "", "lines are missing", 7),
                (8, lines[7].replace("order-2", "order-7"), "order-7 has no events", 5)]:
            with self.subTest(number=number, bad=bad):
                copy = f"file:{self.folder}/{number}-{len(bad)}"
                bad_path = self.write("bad.ndjson", "".join(lines[:number - 1]) + bad + "".join(lines[number:]))
                done = self.import_into(copy, bad_path, "--create")
                self.assertIn(done.code, (MALFORMED, USAGE, 3), done)
                self.assertIn(says, done.err)
                self.store = copy
                self.assertEqual(self.succeeds(self.annals("stat", "--json")).json()["events"], kept)
                self.succeeds(self.annals("verify"))
                if kept < 7:  # with the line in its place it goes on
                    self.succeeds(self.import_into(copy, self.path))
                    self.assertEqual(self.exported(copy), self.text.encode())

    def test_what_is_no_export_makes_no_store(self) -> None:
        for text, says in [("", "is empty"), ("{}\n", "line 1"), ("a,b\n1,2\n", "line 1"), (b"\x1f\x8b\x08\x00" * 100, "line 1"),
                           (self.text.replace('"annals_export":1', '"annals_export":9'), "version 9")]:
            self.fails(self.import_into(self.copy, self.write("no.ndjson", text), "--create"), MALFORMED, "no.ndjson", says)
        self.fails(self.import_into(self.copy, self.folder / "absent", "--create"), FILE, "absent", "No such file")
        self.fails(self.import_into(self.copy, self.folder, "--create"), FILE, "Is a directory")
        self.assertFalse((self.folder / "copy").exists())


class OutputTest(TransferTest):
    def setUp(self) -> None:
        super().setUp()
        self.succeeds(self.orders("generate", "--orders", "400"))

    def files(self) -> list[str]:
        return sorted(name for name in os.listdir(self.folder) if name != "store")

    def test_a_file_is_complete_or_as_it_was(self) -> None:
        path = self.write("a.ndjson", "what was there")
        limited = f"ulimit -f 100; exec {BINARIES}/annals export {path} --store {self.store}"
        done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, DISK_FULL, done.stderr)
        self.assertIn("a.ndjson", done.stderr)
        self.assertEqual(path.read_text(), "what was there")
        self.assertEqual(self.files(), ["a.ndjson"])
        self.succeeds(self.annals("export", path))
        self.assertTrue(path.read_text().startswith('{"annals_export":1,'))
        self.assertEqual(self.files(), ["a.ndjson"])

    def test_a_full_disk_is_no_success(self) -> None:
        mount = self.folder / "small"
        mount.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            self.skipTest(f"export_import: cannot mount a small file system: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        self.fails(self.annals("export", mount / "a.ndjson"), DISK_FULL, "No space left", "a.ndjson")
        self.assertEqual(os.listdir(mount), [])
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BINARIES / "annals", "export", "--store", self.store], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual(done.returncode, FILE, done.stderr)
        self.assertIn("No space left", done.stderr)
        self.fails(self.annals("export", "/dev/full"), FILE, "No space left")

    def test_a_damaged_store_is_not_exported(self) -> None:
        log = self.folder / "store" / "log" / "000000000001.seg"
        content = bytearray(log.read_bytes())
        content[4096 + 900] ^= 1
        log.write_bytes(content)
        self.fails(self.annals("export", "a.ndjson"), DAMAGED, "damaged")
        self.assertEqual(self.files(), [])

    def test_places_that_cannot_be_written(self) -> None:
        self.fails(self.annals("export", self.folder / "absent" / "a"), FILE, "absent")
        self.fails(self.annals("export", self.folder), FILE, "Is a directory")
        self.fails(self.annals("export", "--json"), USAGE, "name a file")
        self.fails(self.annals("export", "/dev/full"), FILE)
        self.assertTrue(Path("/dev/full").is_char_device())  # a device is written to, not replaced


if __name__ == "__main__":
    unittest.main()
