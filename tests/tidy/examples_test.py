"""Every C++ example of the documents is a piece of a file that is compiled."""

from __future__ import annotations

import re
import textwrap
import unittest

from tree import Tree, TreeTest, line_of

DOCUMENTS = r"(README|CONTRIBUTING)\.md|docs/.*\.md"
COMPILED = r"(src|include|cli|examples|bench|tests)/.*\.(h|cc)"
WRONG_ON_PURPOSE = r"tests/negative/.*"
BLOCK = re.compile(r"^([ \t]*)```(?:cpp|c\+\+|cc)\n(.*?)^\1```$", re.M | re.S)
SPELLINGS = re.compile(r"^[ \t]*```(?!cpp$)(c\+\+|cc|cxx|C\+\+)", re.M)


def lines_of(text: str) -> list[str]:
    return textwrap.dedent(text).rstrip("\n").split("\n")


def stands_in(block: list[str], code: list[str], bare: list[str]) -> bool:
    """Whether the block is a piece of the file, up to indentation, and no comment there."""
    wanted = [line.strip() for line in block]
    first = next((w for w in wanted if w), "")
    for start in (i - wanted.index(first) for i, line in enumerate(code) if line.strip() == first):
        piece = code[start:start + len(block)]
        if start >= 0 and lines_of("\n".join(piece)) == block:
            if any(line.strip() for line in bare[start:start + len(block)]):
                return True
    return False


def check_examples(tree: Tree) -> list[str]:
    compiled = [(tree.text(p).split("\n"), tree.code(p).split("\n")) for p in tree.matching(COMPILED)
                if not re.fullmatch(WRONG_ON_PURPOSE, p)]
    found = []
    for path in tree.matching(DOCUMENTS):
        text = tree.text(path)
        found += [f"{path}:{line_of(text, m.start())}: write ```cpp" for m in SPELLINGS.finditer(text)]
        for block in BLOCK.finditer(text):
            wanted = lines_of(block[2])
            if not any(stands_in(wanted, code, bare) for code, bare in compiled):
                found.append(f"{path}:{line_of(text, block.start())}: this example stands in no file that is compiled")
    return found


class ExamplesTest(TreeTest):
    def test_are_cut_from_compiled_files(self) -> None:
        self.passes(check_examples)


class ExamplesCanFailTest(TreeTest):
    source = {"examples/a.cc": "int main() {\n  if (a) {\n    b();\n  }\n\n  c();\n}\n// d();\n// e();\n"}

    def says_of(self, example: str) -> list[str]:
        return self.says(check_examples, {**self.source, "docs/a.md": f"# A\n\n```cpp\n{example}```\n"})

    def test_pieces_at_any_indentation(self) -> None:
        for piece in ("if (a) {\n  b();\n}\n", "  }\n\n  c();\n", "b();\n", "    b();\n"):
            self.assertEqual(self.says_of(piece), [], piece)

    def test_what_stands_nowhere(self) -> None:
        for piece in ("if (a) {\n  c();\n}\n", "if (a) {\n    b();\n}\n", "if (a) {\n  b();\n\n}\n", "b()\n", "b();\nc();\n"):
            found = self.says_of(piece)
            self.assertEqual(len(found), 1, piece)
            self.assertTrue(found[0].startswith("docs/a.md:3: "), found)

    def test_what_is_only_said_in_a_comment(self) -> None:
        self.assertEqual(len(self.says_of("// d();\n// e();\n")), 1)

    def test_what_is_wrong_on_purpose(self) -> None:
        self.reports(check_examples, {"tests/negative/a.cc": "f();\n", "README.md": "```cpp\nf();\n```\n"}, "README.md:1: ")

    def test_other_languages_and_spellings(self) -> None:
        self.reports(check_examples, {**self.source, "docs/adr/a.md": "```\nanything\n```\n```cmake\nb()\n```\n",
                                      "docs/b.md": "```c++\nb();\n```\n"}, "docs/b.md:1: write ```cpp")


if __name__ == "__main__":
    unittest.main()
