"""Every test that starts a thread runs under the thread sanitizer: its name is one that .ci/run picks."""

from __future__ import annotations

import re
import unittest

from tree import Tree, TreeTest, line_of

CI = ".ci/run"
STARTS = re.compile(r"\bstd::j?thread\b|\bspawn\s*\(|\bstd::async\b|\bon_threads\s*\(|\brun_threads\s*\(")
# A test with its name: TEST(suite, case) { … }, or {"case", … } in a table of the conformance suite.
TEST = re.compile(r"^(?:TEST(?:_F|_P)?\((\w+),\s*(\w+)\)|    \{\"(\w+)\",)", re.M)
NOUN = re.compile(r"\{\"(\w+)\", (\w+)_cases\(\)\}")


def picked(tree: Tree) -> re.Pattern:
    return re.compile(re.search(r"^concurrent='(.*)'$", tree.text(CI), re.M)[1])


def nouns(tree: Tree) -> dict[str, str]:
    """The suite's noun for each src/testing/…_cases.cc."""
    return {f"src/testing/{file}_cases.cc": noun
            for noun, file in NOUN.findall(tree.text("src/testing/conformance.cc"))}


def check_threads(tree: Tree) -> list[str]:
    pattern, noun_of, found = picked(tree), nouns(tree), []
    for path in tree.matching(r"src/.*_(test|cases)\.cc"):
        text = tree._code(path, literals=True)
        starts = list(TEST.finditer(text))
        ends = [following.start() for following in starts[1:]] + [len(text)]
        for start, end in zip(starts, ends):
            suite, case, listed = start.groups()
            name = f"{suite}.{case}" if suite else f"{noun_of.get(path, path)}.{listed}"
            # Up to the closing brace of the test; what stands behind it is not the test's.
            body = text[start.end():end]
            close = re.search(r"^(\}|    \}\},)$", body, re.M)
            body = body[:close.start()] if close else body
            if STARTS.search(body) and not pattern.search(name):
                found.append(f"{path}:{line_of(text, start.start())}: {name} starts a thread, and .ci/run does not pick it")
    return found


class ThreadsTest(TreeTest):
    def test_tests_with_threads_run_under_the_thread_sanitizer(self) -> None:
        self.passes(check_threads)


class ThreadsCanFailTest(TreeTest):
    files = {CI: "concurrent='concurren|notif'\n",
             "src/testing/conformance.cc": '      {"notification", notify_cases()},\n      {"read", read_cases()},\n'}

    def test_a_test_that_is_not_picked(self) -> None:
        self.reports(check_threads, {
            **self.files,
            "src/core/a_test.cc": "TEST(a, b) {\n  f();\n}\n\nTEST(a, c) {\n  std::thread t;\n}\nvoid f() { std::thread t; }\n",
        }, "src/core/a_test.cc:5: a.c ")

    def test_a_case_of_the_suite_that_is_not_picked(self) -> None:
        case = '    {"%s",\n     [](subject& on) {\n       std::jthread t;\n     }},\n'
        self.reports(check_threads, {
            **self.files, "src/testing/notify_cases.cc": case % "ends", "src/testing/read_cases.cc": case % "ends",
        }, "src/testing/read_cases.cc:1: read.ends ")


if __name__ == "__main__":
    unittest.main()
