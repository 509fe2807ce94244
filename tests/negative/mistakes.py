"""Compiles each mistake beside this file, and holds what the compiler says against what the source says it will.

A source is wrong as it stands and right with -DCORRECT. Its first line, `// error: REGEX`, is what every error line of the
compiler must match: the line with `error:` itself, which editors show, not the notes around it. With `// error of g++: REGEX`
it is a mistake for that compiler only, and right for the other.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ.get("ANNALS_SOURCE_DIR", HERE.parents[1]))
FLAGS = ["-std=c++23", "-fsyntax-only", "-Werror=unused-result", f"-I{SOURCE / 'include'}"]
AT_A_TIME = 2


def error_lines(compiler: str, source: Path, *more: str) -> list[str]:
    """What the compiler calls an error, without colours and in plain quotes; empty when it compiles."""
    done = subprocess.run([compiler, *FLAGS, *more, str(source)], capture_output=True, text=True, check=False,
                          timeout=300, env={**os.environ, "LC_ALL": "C"})
    errors = [line for line in done.stderr.splitlines() if re.search(r"\berror:", line)]
    return errors or ([f"exit {done.returncode}: {done.stderr}"] if done.returncode else [])


def check(compiler: str, source: Path) -> list[str]:
    """What is not as the source says, as "file:line: …"."""
    head = re.match(r"// error(?: of (g\+\+|clang\+\+))?: (.+)\n", source.read_text(encoding="utf-8"))
    if not head:
        return [f"{source.name}:1: has no // error: REGEX"]
    wrong = error_lines(compiler, source)
    if head[1] and not compiler.startswith(head[1]):
        return [f"{source.name}:1: {compiler}: {line}" for line in wrong]
    found = [f"{source.name}:1: {compiler} does not say '{head[2]}' but: {line}"
             for line in wrong if not re.search(head[2], line.partition("error:")[2])]
    if not wrong:
        found.append(f"{source.name}:1: {compiler} compiles it")
    return found + [f"{source.name}:1: {compiler} with -DCORRECT: {line}"
                    for line in error_lines(compiler, source, "-DCORRECT")]


def check_all(compiler: str, folder: Path) -> list[str]:
    sources = sorted(folder.glob("*.cc"))
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        complaints = list(pool.map(lambda source: check(compiler, source), sources))
    return [line for lines in complaints for line in lines] or ([] if sources else [f"{folder}:1: no sources"])


class MistakesTest(unittest.TestCase):
    """The mistakes, as one compiler sees them."""

    def named_by(self, *compilers: str) -> None:
        compiler = next(filter(shutil.which, compilers), None)
        if compiler is None:
            self.skipTest(f"needs the compiler {' or '.join(compilers)}")
        found = check_all(compiler, HERE)
        self.assertFalse(found, "\n" + "\n".join(found))
