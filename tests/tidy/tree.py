"""The files of a tree, and their C++ without comments and literals; for the checks beside this file.

A check is a function of a Tree that answers a list of "file:line: what is wrong".
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from functools import lru_cache
from pathlib import Path

SOURCE = Path(os.environ.get("ANNALS_SOURCE_DIR", Path(__file__).resolve().parents[2]))

COMMENT = r"//[^\n]*|/\*.*?\*/"
# A quote behind a digit separates digits: 10'000.
LITERAL = r'R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
TOKENS = re.compile(f"(?P<comment>{COMMENT})|(?P<literal>{LITERAL})", re.S)
INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", re.M)


def blank(text: str) -> str:
    """As many lines, with nothing in them."""
    return re.sub(r"[^\n]", " ", text)


class Tree:
    """What git knows of, or would take in; without git, all there is."""

    def __init__(self, root: Path):
        self.root = root
        self.paths = sorted(p for p in self._listed() if (root / p).is_file())
        self.text = lru_cache(None)(self._text)
        self.code = lru_cache(None)(self._code)

    def _listed(self) -> list[str]:
        if (self.root / ".git").exists():
            try:
                done = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                      cwd=self.root, capture_output=True, text=True, check=True)
                return done.stdout.split("\0")[:-1]
            except (OSError, subprocess.CalledProcessError):
                pass  # no git here, or the tree is another user's: walk it
        found = []
        for folder, names, files in os.walk(self.root):
            names[:] = [n for n in names if n not in (".git", "build", "__pycache__")]
            found += [(Path(folder) / f).relative_to(self.root).as_posix() for f in files]
        return found

    def matching(self, pattern: str) -> list[str]:
        """The paths that match a regular expression as a whole."""
        return [p for p in self.paths if re.fullmatch(pattern, p)]

    def _text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def _code(self, path: str, literals: bool = False) -> str:
        """C++ with comments, and literals unless they are asked for, as blanks; lines stay lines."""
        def strip(token: re.Match) -> str:
            return token[0] if literals and token["literal"] else blank(token[0])
        return TOKENS.sub(strip, self.text(path))

    def includes(self, path: str):
        """(line, name, whether in angle brackets) of each #include."""
        text = self.text(path)
        return [(line_of(text, i.start(2)), i[2], i[1] == "<") for i in INCLUDE.finditer(text)]


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def is_test(path: str) -> bool:
    """Whether C++ beside the library's sources belongs to its tests or benchmarks."""
    return re.search(r"_(test|bench|for_tests|fixture)\.(cc|h)$", path) is not None


class TreeTest(unittest.TestCase):
    """Holds a check against the tree, or against a small sample of one."""

    maxDiff = None

    def passes(self, check) -> None:
        found = check(Tree(SOURCE))
        self.assertFalse(found, "\n" + "\n".join(found))

    def says(self, check, files: dict[str, str]) -> list[str]:
        """What a check says about a tree of these files."""
        with tempfile.TemporaryDirectory(prefix="annals-tidy-") as folder:
            for path, text in files.items():
                target = Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
            return check(Tree(Path(folder)))

    def reports(self, check, files: dict[str, str], *expected: str) -> None:
        """The check says exactly this much, and each starts as expected: "file:line: …"."""
        found = self.says(check, files)
        self.assertEqual(len(found), len(expected), found)
        for line, start in zip(found, expected):
            self.assertTrue(line.startswith(start), f"{line!r} does not start with {start!r}")

    def accepts(self, check, files: dict[str, str]) -> None:
        self.assertEqual(self.says(check, files), [])
