"""`annals schema`: which types a store has, and what their payloads hold."""

from __future__ import annotations

import json
import subprocess
import unittest

from programs import BINARIES, NOT_FOUND, ProgramTest


class SchemaTest(ProgramTest):
    def append(self, *lines: dict) -> None:
        done = subprocess.run([BINARIES / "annals", "append", "a-1", "--create", "--store", self.store],
                              input="\n".join(map(json.dumps, lines)), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def schemas(self, *words) -> list:
        return self.succeeds(self.annals("schema", "--json", *words)).lines()

    def test_types_are_told_apart_by_schema_and_codec(self) -> None:
        self.append({"type": "a", "data": 1}, {"type": "a", "data": "x", "schema": 2}, {"type": "a", "data_base64": "AA=="},
                    {"type": "a", "data": 2})
        told = [(t["type"], t["schema"], t["codec"], t["events"], t["first_position"], t["last_position"])
                for t in self.schemas()]
        self.assertEqual(told, [("a", 1, "json", 2, "1", "4"), ("a", 1, "binary", 1, "3", "3"), ("a", 2, "json", 1, "2", "2")])
        shown = self.succeeds(self.annals("schema")).out
        self.assertIn("a, schema 2", shown)

    def test_the_shape_of_payloads(self) -> None:
        self.append(*({"type": "t", "data": {
            "whole": n, "real": n / 4 if n % 2 else n, "text": f"text {n}", "flag": True, "nothing": None,
            "id": f"0197c2d0-7b1e-7a2b-8c3d-{n:012x}", "at": "2010-12-01T08:26:00Z", "choice": "ab"[n % 2],
            "maybe": None if n % 2 else 5, "list": [{"x": 1}, {"x": 2, "y": []}],
            **({"sometimes": 1} if n == 3 else {})}} for n in range(12)))
        told, = self.schemas()
        self.assertEqual(told["payload"], {
            "type": "object",
            "properties": {
                "whole": {"type": "integer"}, "real": {"type": "number"}, "text": {"type": "string"},
                "flag": {"type": "boolean"}, "nothing": {"type": "null"}, "id": {"type": "string", "format": "uuid"},
                "at": {"type": "string", "format": "date-time"}, "choice": {"type": "string", "enum": ["a", "b"]},
                "maybe": {"type": ["integer", "null"]},
                "list": {"type": "array", "items": {"type": "object", "required": ["x"], "properties": {
                    "x": {"type": "integer"}, "y": {"type": "array"}}}},
                "sometimes": {"type": "integer"}},
            "required": ["whole", "real", "text", "flag", "nothing", "id", "at", "choice", "maybe", "list"]})
        shown = self.succeeds(self.annals("schema", "--type", "t")).out
        for line in (r"whole +integer +always", r"maybe +integer, null +always", r"list\[\]\.y +array +12 of 24",
                     r"sometimes +integer +1 of 12", r"choice +string \(a, b\) +always", r"id +string \(uuid\) +always"):
            self.assertRegex(shown, line)

    def test_one_member_for_each_key_of_a_map_has_an_end(self) -> None:
        self.append({"type": "t", "data": {f"key {n}": n for n in range(1_500)}})
        told, = self.schemas()
        self.assertFalse(told["complete"])
        self.assertEqual(len(told["payload"]["properties"]), 1_000)
        self.assertIn("more different members", self.succeeds(self.annals("schema")).out)

    def test_a_type_that_is_not_there(self) -> None:
        self.append({"type": "t", "data": 1}, {"type": "u", "data": 1})
        self.assertEqual([t["type"] for t in self.schemas("--type", "u")], ["u"])
        self.fails(self.annals("schema", "--type", "v"), NOT_FOUND, "no events of type v")

    def test_payloads_that_are_no_json_are_counted(self) -> None:
        export = (f'{{"annals_export":1,"store_id":"0197c2d0-7b1e-4a2b-8c3d-4e5f60718293"}}\n'
                  '{"position":1,"stream":"a","version":1,"type":"t","schema":1,'
                  '"event_id":"0197c2d0-7b1e-7a2b-8c3d-4e5f60718201","timestamp":"2010-12-01T08:26:00Z","hlc":"5",'
                  '"codec":"json","data_base64":"AP8="}\n{"annals_export_end":{"events":1,"lines":1}}\n')
        self.succeeds(self.annals("import", self.write("a.ndjson", export), "--create"))
        self.assertEqual(self.schemas()[0]["malformed"], 1)
        self.assertIn("1 payloads are no JSON", self.succeeds(self.annals("schema")).out)


if __name__ == "__main__":
    unittest.main()
