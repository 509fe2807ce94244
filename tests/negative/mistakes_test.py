"""The driver behind gcc_test and clang_test can fail."""

import shutil
import tempfile
import unittest
from pathlib import Path

from mistakes import check, check_all

COMPILER = next(filter(shutil.which, ("g++-12", "g++", "clang++-19")), None)


@unittest.skipUnless(COMPILER, "needs a compiler, g++ or clang++-19")
class MistakesCanFailTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="annals-negative-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def says(self, text: str) -> list[str]:
        source = self.folder / "sample.cc"
        source.write_text(text, encoding="utf-8")
        return check(COMPILER, source)

    def reports(self, text: str, expected: str) -> None:
        found = self.says(text)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith("sample.cc:1: "), found)
        self.assertIn(expected, found[0])

    def test_a_mistake_that_is_named(self) -> None:
        self.assertEqual(self.says("// error: nowhere\n#ifndef CORRECT\nint a = nowhere;\n#endif\n"), [])

    def test_a_source_that_compiles(self) -> None:
        self.reports("// error: nowhere\nint a = 1;\n", "compiles it")

    def test_another_error_than_the_stated_one(self) -> None:
        self.reports("// error: somewhere\n#ifndef CORRECT\nint a = nowhere;\n#endif\n", "does not say 'somewhere'")

    def test_an_error_beside_the_stated_one(self) -> None:
        self.reports("// error: nowhere\n#ifndef CORRECT\nint a = nowhere;\nvoid* p = 1.5;\n#endif\n", "void*")

    def test_what_only_a_note_says(self) -> None:
        text = "// error: declared here\n#ifndef CORRECT\nvoid f() = delete;\nvoid g() { f(); }\n#endif\n"
        self.reports(text, "does not say 'declared here'")

    def test_a_source_that_is_wrong_for_another_reason_too(self) -> None:
        self.reports("// error: nowhere\nint a = nowhere;\n", "with -DCORRECT")

    def test_a_source_that_states_nothing(self) -> None:
        self.reports("int a = nowhere;\n", "has no // error: REGEX")

    def test_a_mistake_for_another_compiler_only(self) -> None:
        other = "clang++" if COMPILER.startswith("g++") else "g++"
        self.assertEqual(self.says(f"// error of {other}: nowhere\nint a = 1;\n"), [])
        self.reports(f"// error of {other}: nowhere\nint a = nowhere;\n", "nowhere")

    def test_a_folder_without_sources(self) -> None:
        self.assertEqual(check_all(COMPILER, self.folder), [f"{self.folder}:1: no sources"])


if __name__ == "__main__":
    unittest.main()
