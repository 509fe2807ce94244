"""Small files, short functions, lines that fit, nothing unfinished, no folders for what has no name."""

from __future__ import annotations

import ast
import re
import unittest

from functions import UnreadableCode, functions
from tree import Tree, TreeTest, line_of

FILE_LINES, HEADER_LINES, FUNCTION_LINES = 800, 250, 70
CPP_COLUMNS, OTHER_COLUMNS = 100, 140

CPP = r".*\.(h|cc)"
PROSE = r".*\.md"  # a paragraph of the documents stands on lines as long as it likes; tables cannot be broken
NOT_OURS = r"LICENSE"
NOT_WRITTEN = r"tests/golden/.*|tests/fuzz/corpus/.*|bench/results/.*"  # by hand
NAMES_MARKERS = r"tests/tidy/sizes_test\.py"  # this file

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|(?i:\b(not (yet )?implemented|for now|stub(s|bed)?|placeholders?)\b)")
NAMELESS = {"util", "utils", "helper", "helpers", "manager", "impl", "common", "misc"}


def hand_written(tree: Tree) -> list[str]:
    return [p for p in tree.paths if not re.fullmatch(f"{NOT_OURS}|{NOT_WRITTEN}", p)]


def check_file_lengths(tree: Tree) -> list[str]:
    found = []
    for path in hand_written(tree):
        most = HEADER_LINES if re.fullmatch(r"include/.*\.h", path) else FILE_LINES
        if (lines := len(tree.text(path).splitlines())) > most:
            found.append(f"{path}:{most + 1}: {lines} lines, at most {most}")
    return found


def check_line_lengths(tree: Tree) -> list[str]:
    found = []
    for path in hand_written(tree):
        if re.fullmatch(PROSE, path):
            continue
        most = CPP_COLUMNS if re.fullmatch(CPP, path) else OTHER_COLUMNS
        found += [f"{path}:{number}: {len(line)} columns, at most {most}"
                  for number, line in enumerate(tree.text(path).splitlines(), 1) if len(line) > most]
    return found


def check_functions(tree: Tree) -> list[str]:
    found = []
    for path in tree.matching(CPP):
        try:
            found += [f"{path}:{first}: {last - first + 1} lines, at most {FUNCTION_LINES}: {head}"
                      for first, last, head in functions(tree.code(path)) if last - first >= FUNCTION_LINES]
        except UnreadableCode as stop:
            found.append(f"{path}:{stop}: braces that do not match; tests/tidy/functions.py cannot read this")
    for path in tree.matching(r".*\.py"):
        found += [f"{path}:{node.lineno}: {node.end_lineno - node.lineno + 1} lines, at most {FUNCTION_LINES}: {node.name}"
                  for node in ast.walk(ast.parse(tree.text(path)))
                  if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= FUNCTION_LINES]
    return found


def check_unfinished(tree: Tree) -> list[str]:
    found = []
    for path in hand_written(tree):
        if not re.fullmatch(NAMES_MARKERS, path):
            text = tree.text(path)
            found += [f"{path}:{line_of(text, mark.start())}: {mark[0]}" for mark in UNFINISHED.finditer(text)]
    return found


def check_names(tree: Tree) -> list[str]:
    return [f"{path}:1: '{word}' says nothing about what is in it"
            for path in tree.paths for word in re.split(r"[/._-]", path.lower()) if word in NAMELESS]


class SizesTest(TreeTest):
    def test_files_are_small(self) -> None:
        self.passes(check_file_lengths)

    def test_lines_fit(self) -> None:
        self.passes(check_line_lengths)

    def test_functions_are_short(self) -> None:
        self.passes(check_functions)

    def test_nothing_is_unfinished(self) -> None:
        self.passes(check_unfinished)

    def test_names_say_something(self) -> None:
        self.passes(check_names)


class SizesCanFailTest(TreeTest):
    def test_long_files(self) -> None:
        self.reports(check_file_lengths,
                     {"src/a.cc": "\n" * 801, "src/b.cc": "\n" * 800, "include/a.h": "\n" * 251, "include/b.h": "\n" * 250,
                      "scripts/run": "\n" * 801, "LICENSE": "\n" * 900},
                     "include/a.h:251: ", "scripts/run:801: ", "src/a.cc:801: ")

    def test_long_lines(self) -> None:
        self.reports(check_line_lengths,
                     {"a.cc": "\n" + "x" * 101, "b.h": "…" * 100, "c.py": "\n\n" + "#" * 141, "d.sh": "#" * 140,
                      "e.md": "x" * 200}, "a.cc:2: 101 ", "c.py:3: 141 ")

    def test_long_functions(self) -> None:
        body = "  f();\n" * 69
        self.reports(check_functions, {
            "a.cc": f"\nnamespace a {{\nvoid f() {{\n{body}}}\n}}\n",
            "b.cc": f"void f() {{\n{body[:-7]}}}\n",
            "c.h": f"class c {{\n  c() : a_{{1}}, b_(2) {{\n{body}}}\n}};\n",
            "d.py": "def f():\n" + "    pass\n" * 70,
            "e.cc": "void f() {\n",
        }, "a.cc:3: 71 ", "c.h:2: 71 ", "e.cc:1: braces", "d.py:1: 71 ")

    def test_marks_of_unfinished_work(self) -> None:
        for mark in ("TODO", "FIXME", "XXX", "HACK", "Not implemented", "not yet implemented", "for now", "a stub",
                     "placeholder"):
            with self.subTest(mark=mark):
                self.reports(check_unfinished, {"src/a.cc": f"int a;  // {mark}: more\n"}, f"src/a.cc:1: {mark[-4:]}"[:12])
        self.accepts(check_unfinished, {"a.cc": 'mkdtemp("annals-XXXXXX"); stubborn, for nowadays, hackathon'})

    def test_names_that_say_nothing(self) -> None:
        self.reports(check_names, {"src/util/a.cc": "", "src/core/file_manager.h": "", "src/core/simple.h": ""},
                     "src/core/file_manager.h:1: ", "src/util/a.cc:1: ")


class FunctionsTest(TreeTest):
    """The recogniser behind the check, on small samples: first line, last line."""

    def finds(self, text: str, *expected: tuple[int, int]) -> None:
        self.assertEqual([(first, last) for first, last, _ in functions(text)], list(expected), text)

    def test_plain_functions(self) -> None:
        self.finds("int f() {\n  if (a) {\n    b();\n  }\n}\nint g();\n\nint h(\n    int x) {\n}\n", (1, 5), (8, 10))

    def test_templates_and_what_follows_the_parameters(self) -> None:
        self.finds("template <class T>\n  requires(a<T> && !b<T>)\nauto f(T x) const& noexcept -> std::map<int, T> {\n}\n", (1, 4))
        self.finds("template <class T>\nconcept c = requires(T t) {\n  f(t);\n};\n")

    def test_members_and_scopes(self) -> None:
        self.finds("namespace a::b {\nclass c final : public d<e> {\n public:\n  c() {\n  }\n  int x{3};\n"
                   "  int y() { return 1; }\n};\nenum class f : int { g, h };\n}\n", (4, 5), (7, 7))

    def test_constructors_with_initialisers(self) -> None:
        self.finds("c::c(int a) : a_{a}, b_(1), d_{} {\n  f();\n}\n", (1, 3))
        self.finds("c::c(int a)\n    : base<int>{a},\n      d_{} {}\n", (1, 3))

    def test_operators(self) -> None:
        self.finds("bool operator()(int a) const {\n}\nbool operator==(a, b) {\n}\nc& operator=(c&& other) noexcept {\n}\n",
                   (1, 2), (3, 4), (5, 6))

    def test_values_are_no_functions(self) -> None:
        self.finds("const std::array<int, 2> a{1, 2};\nint b[] = {f(1), 2};\nchar c[N]{};\nstruct d {\n  int e = 1;\n};\n")

    def test_lambdas_outside_functions(self) -> None:
        self.finds("const row rows[] = {{, 1, [](int x) {\n  f();\n}},\n  {, 2,\n   [&] { g(); }}};\n", (1, 3), (5, 5))
        self.finds("void f() {\n  run([&](int) -> bool {\n  });\n}\n", (1, 4))

    def test_macros_of_tests_and_directives(self) -> None:
        self.finds("#define X(a) \\\n  {\n#if Y\nTEST(Log, tears) {\n}\n#endif\n", (4, 5))

    def test_braces_that_do_not_match(self) -> None:
        for text in ("void f() {\n", "}\n", "void f( {\n}\n"):
            with self.assertRaises(UnreadableCode):
                functions(text)

    def test_comments_and_literals_are_not_read(self) -> None:
        with_braces = "// {\n/* {\n */\nint f() {\n  return '{' + 1'000 + g(\"{\\\"{\") + h(R\"({)\");\n}\n"
        self.assertEqual(self.says(lambda tree: [str(f[:2]) for f in functions(tree.code("a.cc"))], {"a.cc": with_braces}),
                         ["(4, 6)"])


if __name__ == "__main__":
    unittest.main()
