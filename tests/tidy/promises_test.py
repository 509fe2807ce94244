"""Every limit and every error has a test that names it."""

from __future__ import annotations

import re
import unittest

from tree import Tree, TreeTest, line_of

LIMITS, RESULT, ERRORS = "include/annals/limits.h", "include/annals/result.h", "docs/errors.md"
TESTS = r"src/\w+/\w+_test\.cc|src/testing/.*\.(h|cc)|tests/(?!tidy/).*\.(h|cc|py)|examples/.*_test\.cc"


def limits_of(tree: Tree) -> list[tuple[int, str]]:
    code = tree.code(LIMITS)
    return [(line_of(code, m.start()), m[1])
            for m in re.finditer(r"inline constexpr [\w:]+ (\w+)\s*[={]", code)]


def codes_of(tree: Tree) -> list[tuple[int, str]]:
    code = tree.code(RESULT)
    listed = re.search(r"enum class errc[^{]*\{([^}]*)\}", code)
    return [(line_of(code, listed.start(1) + m.start()), m[0]) for m in re.finditer(r"\w+", listed[1])]


def tests_text(tree: Tree) -> str:
    """All tests, with their literals but without comments."""
    return "\n".join(tree.text(p) if p.endswith(".py") else tree.code(p, literals=True) for p in tree.matching(TESTS))


def check_limits(tree: Tree) -> list[str]:
    tests = tests_text(tree)
    return [f"{LIMITS}:{line}: no test names limits::{name}" for line, name in limits_of(tree)
            if not re.search(rf"\blimits::{name}\b", tests)]


def check_codes_are_documented(tree: Tree) -> list[str]:
    told = set(re.findall(r"^\| `(\w+)` \|", tree.text(ERRORS), re.M))
    return [f"{RESULT}:{line}: {ERRORS} does not have {name}" for line, name in codes_of(tree) if name not in told]


def check_codes_are_tested(tree: Tree) -> list[str]:
    """A test names the code, or expects a text that starts with its printed name."""
    tests = tests_text(tree)
    return [f"{RESULT}:{line}: no test names errc::{name}" for line, name in codes_of(tree)
            if not re.search(rf"\berrc::{name}\b|[\"']{name}\b", tests)]


class PromisesTest(TreeTest):
    def test_every_limit_has_a_test(self) -> None:
        self.passes(check_limits)

    def test_every_error_is_documented(self) -> None:
        self.passes(check_codes_are_documented)

    def test_every_error_has_a_test(self) -> None:
        self.passes(check_codes_are_tested)


class PromisesCanFailTest(TreeTest):
    limits = {LIMITS: "// limits\ninline constexpr std::size_t tag_bytes = 255;\ninline constexpr int tries{16};\n"
                      "inline constexpr std::chrono::milliseconds budget{5};\n"}
    codes = {RESULT: "enum class errc : std::uint8_t {\n  not_found,  ///< gone\n  disk_full,\n  in_doubt,\n};\n",
             ERRORS: "| code | exit |\n| `not_found` | 3 |\n| `in_doubt` | 3 |\n"}

    def test_a_limit_that_no_test_names(self) -> None:
        self.reports(check_limits, {
            **self.limits, "src/core/a_test.cc": "EXPECT(limits::tag_bytes); // limits::tries",
            "src/core/a.cc": "limits::budget", "tests/tidy/a.py": "limits::tries"},
            f"{LIMITS}:3: no test names limits::tries", f"{LIMITS}:4: no test names limits::budget")

    def test_an_error_that_is_not_documented(self) -> None:
        self.reports(check_codes_are_documented, self.codes, f"{RESULT}:3: docs/errors.md does not have disk_full")

    def test_an_error_that_no_test_names(self) -> None:
        self.reports(check_codes_are_tested, {
            **self.codes, "src/testing/a_cases.cc": "errc::not_found", "src/core/a.cc": "errc::disk_full",
            "tests/e2e/a_test.py": 'self.fails(done, 3, "in_doubt: …")'}, f"{RESULT}:3: no test names errc::disk_full")

    def test_the_lists_are_read(self) -> None:
        self.assertEqual(self.says(lambda t: [n for _, n in limits_of(t)], self.limits), ["tag_bytes", "tries", "budget"])
        self.assertEqual(self.says(lambda t: [n for _, n in codes_of(t)], self.codes), ["not_found", "disk_full", "in_doubt"])


if __name__ == "__main__":
    unittest.main()
