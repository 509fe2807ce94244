"""README and documentation say what is so."""

from __future__ import annotations

import re
import unittest

from programs import SOURCE, ProgramTest


class DocumentsTest(ProgramTest):
    def read(self, name: str) -> str:
        return (SOURCE / name).read_text(encoding="utf-8")

    def test_the_readme_shows_the_hello_that_is_compiled_and_what_it_prints(self) -> None:
        readme = self.read("README.md")
        self.assertIn("```cpp\n" + self.read("examples/hello/hello.cc") + "```", readme)
        self.assertIn("```\n" + self.succeeds(self.run_program("hello")).out + "```", readme)

    def test_hello_runs_on_disk_too_and_finds_its_account_again(self) -> None:
        address = f"file:{self.folder}/hello"
        self.succeeds(self.run_program("hello", address))
        self.assertIn("balance now: 10000", self.succeeds(self.run_program("hello", address)).out)

    def test_hello_coroutines_fills_every_seat_once(self) -> None:
        for address in ("memory:", f"file:{self.folder}/workshop"):
            self.assertEqual(self.succeeds(self.run_program("hello_coroutines", address)).out,
                             "seats taken: 20, guests sent away: 80\n")

    def test_hello_store_keeps_what_the_consistency_page_says(self) -> None:
        for address in ("memory:", f"file:{self.folder}/store"):
            said = self.succeeds(self.run_program("hello_store", address)).out.splitlines()
            self.assertTrue(said.pop(0).startswith("bob: condition_failed: "), said)
            self.assertEqual(said, ["1 address_taken", "new: 1", "again: 1, version 1", "the first said the same: 1",
                                    "2 account_opened", "new: 1"])

    def test_the_table_of_errors_is_that_of_the_code(self) -> None:
        code = re.findall(r'code_entry\{errc::(\w+), "(\w+)", (\d+), (\d+), (\d+), (\w+)\}',
                          self.read("src/core/error.cc"))
        told = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (yes|no) \|", self.read("docs/errors.md"), re.M)
        self.assertGreater(len(code), 20)
        self.assertEqual(
            [(name, exit_code, grpc, http, "yes" if retry == "true" else "no")
             for _, name, grpc, http, exit_code, retry in code], told)

    def test_every_document_that_is_named_is_there(self) -> None:
        for document in ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (SOURCE / "docs").glob("*.md"))]:
            folder = (SOURCE / document).parent
            for target in re.findall(r"\]\(([^)#:]+)\)", self.read(document)):
                self.assertTrue((folder / target).exists(), f"{document}: {target}")


if __name__ == "__main__":
    unittest.main()
