"""`annals append`: what it stores, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import unittest

from programs import BINARIES, CONFLICT, IN_USE, MALFORMED, NO_STORE, USAGE, Finished, ProgramTest

ID = "0197c2d0-7b1e-7a2b-8c3d-4e5f607182"


class AppendTest(ProgramTest):
    def append(self, *words, text: str | bytes = "{}", create: bool = True) -> Finished:
        data = text.encode() if isinstance(text, str) else text
        command = [str(BINARIES / "annals"), "append", *map(str, words), "--store", self.store]
        done = subprocess.run(command + (["--create"] if create else []), input=data, capture_output=True, check=False,
                              timeout=120)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return Finished(done)

    def events(self) -> list:
        return self.succeeds(self.annals("read", "--all", "--json")).lines()

    def test_a_document_becomes_the_payload_as_it_stands(self) -> None:
        told = self.succeeds(self.append("account-7", "--type", "opened", "--schema", 3, "--tag", "a:b", "--tag", "c:d",
                                         "--json", text='\n  {"x" :1.50,\t"y":"\\u00e4"}\n'))
        self.assertEqual(told.json(), {"stream": "account-7", "version": 1, "first_position": "1", "position": "1",
                                       "events": 1, "already_applied": False})
        event, = self.events()
        self.assertEqual((event["type"], event["schema"], event["tags"]), ("opened", 3, ["a:b", "c:d"]))
        self.assertIn('"data":{"x" :1.50,\t"y":"\\u00e4"}}', self.annals("read", "--all", "--json").out)
        self.assertIn("appended 1 event to account-7: version 2, position 2",
                      self.succeeds(self.append("account-7", "--type", "closed", text="null")).out)

    def test_lines_become_one_append(self) -> None:
        lines = [{"type": "a", "data": {"n": 1}},
                 {"type": "b", "data": [], "schema": 2, "event_id": ID + "01", "timestamp": "2010-12-01T08:26:00Z",
                  "tags": ["own:tag"], "genesis": True},
                 {"type": "c", "data_base64": "AP8="}]
        told = self.succeeds(self.append("a-1", "--tag", "k:v", "--correlation-id", ID + "02", "--causation-id", ID + "03",
                                         "--metadata", '{"who" : "me"}', "--json", text="\n".join(map(json.dumps, lines))))
        self.assertEqual((told.json()["version"], told.json()["first_position"], told.json()["position"]), (3, "1", "3"))
        one, two, three = self.events()
        self.assertEqual((two["event_id"], two["timestamp"], two["tags"], two["genesis"], two["schema"]),
                         (ID + "01", "2010-12-01T08:26:00.000000Z", ["own:tag", "k:v"], True, 2))
        self.assertEqual(three["data_base64"], "AP8=")
        for event in (one, two, three):
            self.assertEqual((event["correlation_id"], event["causation_id"]), (ID + "02", ID + "03"))
            self.assertEqual(event["user_metadata_base64"], "eyJ3aG8iIDogIm1lIn0=")

    def test_expectations_are_kept(self) -> None:
        self.succeeds(self.append("a-1", "--type", "t", "--expect", "none"))
        for expected in ("none", "0", "2"):
            self.fails(self.append("a-1", "--type", "t", "--expect", expected), CONFLICT, "a-1", "version 1")
        self.fails(self.append("a-2", "--type", "t", "--expect", "exists"), CONFLICT, "a-2")
        self.succeeds(self.append("a-1", "--type", "t", "--expect", "1"))
        self.succeeds(self.append("a-1", "--type", "t", "--expect", "exists"))
        self.succeeds(self.append("a-1", "--type", "t", "--expect", "any"))
        self.assertEqual([e["version"] for e in self.events()], [1, 2, 3, 4])

    def test_a_command_id_is_applied_once(self) -> None:
        words = ("a-1", "--type", "t", "--command-id", ID + "01", "--json")
        self.assertFalse(self.succeeds(self.append(*words)).json()["already_applied"])
        again = self.succeeds(self.append(*words)).json()
        self.assertEqual((again["already_applied"], again["version"], again["events"]), (True, 1, 0))
        self.assertIn("applied already", self.succeeds(self.append(*words[:-1])).out)
        self.fails(self.append(*words, text="[1]"), CONFLICT, ID + "01")
        self.assertEqual(len(self.events()), 1)

    def test_only_create_makes_a_store(self) -> None:
        self.fails(self.append("a-1", "--type", "t", create=False), NO_STORE, "store")
        self.assertFalse((self.folder / "store").exists())
        self.succeeds(self.append("a-1", "--type", "t"))
        self.succeeds(self.append("a-1", "--type", "t", create=False))

    def test_bad_documents_are_refused_before_a_store_is_made(self) -> None:
        for text, says in [("", "byte 0: expected a value"), ("  \n", "expected a value"), ("{", "byte 1"),
                           ('{"a":1}{"a":2}', "byte 7: expected nothing after the document"),
                           ('{"a":1,"a":2}', "byte 7, in a: expected each member once"),
                           ('{"a":1,"\\u0061":2}', "expected each member once"),
                           (b'{"a":"\xff"}', "byte 6, in a: expected UTF-8, found byte 0xff"),
                           (b'\xef\xbb\xbf{}', "byte order mark"), ('{"a":01}', "a number as JSON writes it"),
                           ('{"a":NaN}', "expected a value, found 'NaN}'"), ('{"a":"\n"}', "control character"),
                           ('{"a":"\\ud800"}', "an escape as JSON writes it"), ('"\x00"', "control character"),
                           ('{"a":tru}', "expected a value"), ("[1,]", "expected a value"), ("// x\n1", "expected a value")]:
            with self.subTest(text=text):
                self.fails(self.append("a-1", "--type", "t", text=text), MALFORMED, "standard input, JSON, ", says)
        self.fails(self.append("a-1", "--type", "t", text="[" * 129 + "]" * 129), USAGE, "limits::json_depth")
        self.fails(self.append("a-1", "--type", "t", text=b'"' + b"x" * (64 << 20) + b'"'), USAGE, "limits::append_bytes")
        self.fails(self.append("a-1", "--type", "t", text=b'"' + b"x" * (16 << 20) + b'"', create=True), USAGE,
                   "limits::payload_bytes")
        self.assertEqual([f for f in os.listdir(self.folder) if f != "store"], [])

    def test_bad_lines_are_named_and_nothing_is_stored(self) -> None:
        good = '{"type":"t","data":1}\n'
        for text, says in [("", "no events"), ("\n \n", "no events"), (good + "x\n", "line 2: JSON, byte 0"),
                           (good + '{"type":"t"}', "line 2: member 'data' is missing"),
                           (good + '{"data":1}', "line 2: member 'type' is missing"),
                           (good + '{"type":"t","data":1,"version":2}', "line 2: member 'version' is for the store to say"),
                           (good + '{"type":"t","data":1,"tag":[]}', "line 2: unknown member 'tag'"),
                           (good + '{"type":"t","data":1,"event_id":"x"}', "line 2: member 'event_id'"),
                           (good + '{"type":"t","data":1,"timestamp":"yesterday"}', "line 2: member 'timestamp'"),
                           (good + '{"type":1,"data":1}', "line 2: member 'type': expected a string"),
                           (good + "[1]", "line 2: expected an object"), (good + "5", "line 2: expected an object")]:
            with self.subTest(text=text):
                self.fails(self.append("a-1", text=text), MALFORMED, says)
        self.fails(self.append("a-1", text=good * 10_001), USAGE, "limits::events_per_append")
        self.assertFalse((self.folder / "store").exists())

    def test_bad_words_are_usage_errors(self) -> None:
        for words in (["", "--type", "t"], ["$own", "--type", "t"], ["a-1\n", "--type", "t"], ["a-1", "--type", "x" * 256],
                      [os.fsdecode(b"a-\xff"), "--type", "t"], ["a-1", "--type", "t", "--tag", "no-colon"],
                      ["a-1", "--type", "t", "--expect", "-1"], ["a-1", "--type", "t", "--expect", "one"],
                      ["a-1", "--type", "t", "--expect", "1x"], ["a-1", "--type", "t", "--command-id", "x"],
                      ["a-1", "--type", "t", "--schema", "0"], ["a-1", "--type", "t", "--schema", "65536"],
                      ["a-1", "--type", "t", "--nonsense"], ["--type", "t"], ["x" * 1025, "--type", "t"]):
            with self.subTest(words=words):
                self.fails(self.append(*words), USAGE)
        self.fails(self.append("a-1", "--type", "t", "--metadata", "{x"), MALFORMED, "--metadata, JSON, byte 1")
        self.succeeds(self.append("a-1", "--type", "t"))
        self.assertEqual(len(self.events()), 1)

    def test_a_store_in_use_names_the_process(self) -> None:
        self.succeeds(self.append("a-1", "--type", "t"))
        backup = self.folder / "a.ndjson"
        self.succeeds(self.annals("export", backup))
        with subprocess.Popen([BINARIES / "annals", "import", "-", "--store", self.store], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as holder:
            holder.stdin.write(backup.read_bytes()[:200])
            holder.stdin.flush()
            lock = self.folder / "store" / "LOCK"
            while str(holder.pid) not in lock.read_text(encoding="utf-8"):
                self.assertIsNone(holder.poll())  # until it has the store
            self.fails(self.append("a-1", "--type", "t"), IN_USE, f"in use by pid {holder.pid}")
            holder.stdin.write(backup.read_bytes()[200:])
            holder.stdin.close()
            self.assertEqual(holder.wait(), 0, holder.stderr.read())


if __name__ == "__main__":
    unittest.main()
