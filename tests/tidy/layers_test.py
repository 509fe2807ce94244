"""Dependencies point down, siblings are strangers: who may include what (docs/architecture.md)."""

from __future__ import annotations

import posixpath
import re
import unittest

from tree import Tree, TreeTest, is_test, line_of

# Public headers that belong to a part; all others are core's.
PUBLIC = [
    (r"annals/json(\.h|/.*)", "json"),
    (r"annals/terminal\.h", "terminal"),
    (r"annals/arguments\.h", "arguments"),
    (r"annals/embedded\.h", "embedded"),
    (r"annals/postgres\.h", "postgres"),
    (r"annals/sqlite\.h", "sqlite"),
    (r"annals/telemetry\.h", "otel"),
    (r"annals/open\.h", "app"),
    (r"annals/testing/.*", "testing"),
]
# What a part may use beside itself: its sources in src/ and its public headers alike.
USES = {
    "core": (),
    "json": ("core",),
    "terminal": ("core",),
    "arguments": ("core",),
    "embedded": ("core",),
    "postgres": ("core",),
    "sqlite": ("core",),
    "otel": ("core",),
    "testing": ("core",),
    "app": ("core", "embedded", "postgres", "sqlite", "otel"),  # the one place that knows all engines
}
TESTS_USE = {"core": ("json",)}  # payloads of the command side's tests are JSON
SEES_ALL = r"tests/fuzz/.*"  # feeds the innermost readers of every part

# Headers of other projects. In public headers only these; Describe's macro is what users write, and the
# canonical reader, a template, looks at 16 bytes at once.
PUBLIC_FOREIGN = {"json": r"boost/(describe|mp11)\.hpp|emmintrin\.h", "testing": r"gtest/.*"}
FOREIGN = {
    "src/core": r"(emmintrin|immintrin|cpuid)\.h",  # UUIDs, SHA-1
    "src/json": r"simdjson\.h|boost/.*",
    "src/embedded": r"isa-l/.*|xxhash\.h|boost/(unordered|container)/.*|nmmintrin\.h",
    "src/postgres": r"libpq-fe\.h",
    "src/testing": r"gtest/.*|ucontext\.h|sanitizer/.*",
    "src/arguments": r"CLI/.*",
    "examples/orders": r"zlib\.h",
    "tests/postgres": r"libpq-fe\.h",  # to look, and to do harm, beside the store
    "bench": r"benchmark/.*|libpq-fe\.h|sqlite3\.h|lmdb\.h|rocksdb/.*",  # rivals are spoken to in their own words
}
TESTS_FOREIGN = r"(gtest|gmock|rapidcheck|benchmark)/.*"
STANDARD = r"[a-z0-9_]+"
SYSTEM = r"(sys|linux|netinet)/\w+\.h|(unistd|fcntl|pthread|signal|poll|termios|sched)\.h"
FOREIGN_NAMES = re.compile(r"\b(simdjson|opentelemetry|sqlite3\w*|PGconn|PGresult|nlohmann|CLI|gzFile|z_stream)\b")
PART_NAMES = {"json": re.compile(r"\bboost::"), "testing": re.compile(r"::testing::\w|\b(TEST|EXPECT|ASSERT)_\w+")}


def part_of_header(name: str) -> str:
    return next((part for pattern, part in PUBLIC if re.fullmatch(pattern, name)), "core")


def home_of(path: str) -> str:
    """The folder whose private headers a file may include: src/NAME, examples/NAME, tests/NAME, cli, bench."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("src", "examples", "tests") else parts[0]


def part_of(path: str) -> str | None:
    """The part that a file belongs to; none for programs and the tests of the whole."""
    if path.startswith("include/"):
        return part_of_header(path.removeprefix("include/"))
    return path.split("/")[1] if path.startswith("src/") else None


def resolve(tree: Tree, path: str, name: str) -> str | None:
    """The file that a quoted include names."""
    for base in (posixpath.dirname(path), "include", "src", "examples"):
        candidate = posixpath.normpath(posixpath.join(base, name))
        if candidate in tree.paths:
            return candidate
    return None


def may_use(path: str, other: str) -> bool:
    part = part_of(path)
    if part is None:
        return True
    return other in (part, *USES[part], *(TESTS_USE.get(part, ()) if is_test(path) else ()))


def wrong_with_own(tree: Tree, path: str, name: str) -> str | None:
    target = resolve(tree, path, name)
    if target is None:
        return "is no file of this tree"
    if target.startswith("include/"):
        other = part_of(target)
        return None if may_use(path, other) else f"{part_of(path)} does not know {other}"
    if path.startswith("include/"):
        return "a public header includes public headers only"
    if path.startswith("src/") and home_of(target) == "src/core":
        return None  # core's private headers are open to all of src/
    if home_of(target) == home_of(path) or re.fullmatch(SEES_ALL, path):
        return None
    return f"{home_of(target)} is private"


def check_includes(tree: Tree) -> list[str]:
    """Arrows point down; siblings, and other people's private headers, are strangers."""
    found = []
    for path in tree.matching(r"(include|src|cli|examples|bench|tests)/.*\.(h|cc)"):
        if (part := part_of(path)) is not None and part not in USES:
            found.append(f"{path}:1: src/{part} is in no table of tests/tidy/layers_test.py")
            continue
        for line, name, angle in tree.includes(path):
            wrong = None if angle else wrong_with_own(tree, path, name)
            if angle and name.startswith("annals/"):
                wrong = 'our headers are included with ""'
            if wrong:
                found.append(f"{path}:{line}: {name}: {wrong}")
    return found


def foreign_of(path: str) -> str:
    """Which headers in angle brackets a file may include."""
    if path.startswith("include/"):
        return "|".join([STANDARD, PUBLIC_FOREIGN.get(part_of(path), STANDARD)])
    allowed = [STANDARD, SYSTEM, FOREIGN.get(home_of(path), STANDARD)]
    if is_test(path) or path.startswith("tests/"):
        allowed.append(TESTS_FOREIGN)
    return "|".join(allowed)


def check_foreign_headers(tree: Tree) -> list[str]:
    """Each library of others is known to one part, and to no public header but by leave."""
    return [f"{path}:{line}: <{name}> is not for {home_of(path)}"
            for path in tree.matching(r"(include|src|cli|examples|bench|tests)/.*\.(h|cc)")
            for line, name, angle in tree.includes(path)
            if angle and not name.startswith("annals/") and not re.fullmatch(foreign_of(path), name)]


def check_foreign_names(tree: Tree) -> list[str]:
    """No type of another library in a public header."""
    found = []
    for path in tree.matching(r"include/.*\.h"):
        code = tree.code(path)
        patterns = [FOREIGN_NAMES, *(p for part, p in PART_NAMES.items() if part != part_of(path))]
        found += [f"{path}:{line_of(code, hit.start())}: {hit[0]} in a public header"
                  for pattern in patterns for hit in pattern.finditer(code)]
    return found


class LayersTest(TreeTest):
    def test_includes_point_down(self) -> None:
        self.passes(check_includes)

    def test_each_foreign_library_is_known_to_one_part(self) -> None:
        self.passes(check_foreign_headers)

    def test_public_headers_show_no_foreign_type(self) -> None:
        self.passes(check_foreign_names)


class LayersCanFailTest(TreeTest):
    """Each check, on a small tree that breaks it."""

    headers = {"include/annals/event.h": "", "include/annals/json.h": "", "include/annals/embedded.h": "",
               "include/annals/open.h": "", "src/core/sha1.h": "", "src/embedded/frame.h": "",
               "examples/orders/order.h": ""}

    def included(self, path: str, name: str) -> dict[str, str]:
        return {**self.headers, path: f'#pragma once\n#include "{name}"\n'}

    def test_siblings_engines_and_private_headers(self) -> None:
        for path, name in [
            ("src/embedded/log.cc", "annals/json.h"),  # siblings
            ("src/json/encode.cc", "frame.h"),  # of another folder, hence not found
            ("src/json/encode.cc", "../embedded/frame.h"),
            ("src/json/encode.cc", "embedded/frame.h"),
            ("src/core/store.cc", "annals/embedded.h"),  # upwards
            ("src/core/store.cc", "annals/json.h"),  # its tests may, it may not
            ("src/terminal/table.cc", "annals/open.h"),
            ("src/testing/cases.h", "annals/embedded.h"),  # only app knows engines
            ("src/app/open.cc", "embedded/frame.h"),
            ("include/annals/store.h", "annals/json.h"),
            ("include/annals/store.h", "../../src/core/sha1.h"),
            ("include/annals/json/encode.h", "annals/embedded.h"),
            ("cli/read.cc", "core/sha1.h"),
            ("examples/hello/hello.cc", "orders/order.h"),
            ("examples/orders/csv.cc", "core/sha1.h"),
            ("tests/crash/kill_test.cc", "embedded/frame.h"),
            ("src/core/store.cc", "annals/nowhere.h"),
        ]:
            with self.subTest(path=path, name=name):
                self.reports(check_includes, self.included(path, name), f"{path}:2: {name}: ")

    def test_what_the_diagram_allows(self) -> None:
        for path, name in [
            ("src/embedded/log.cc", "frame.h"),
            ("src/embedded/log.cc", "core/sha1.h"),
            ("src/app/open.cc", "annals/embedded.h"),
            ("src/core/category_test.cc", "annals/json.h"),
            ("cli/read.cc", "annals/embedded.h"),
            ("examples/orders/csv.cc", "orders/order.h"),
            ("tests/fuzz/frame_fuzz.cc", "embedded/frame.h"),
        ]:
            with self.subTest(path=path, name=name):
                self.accepts(check_includes, self.included(path, name))

    def test_a_folder_that_no_table_names(self) -> None:
        self.reports(check_includes, {"src/shiny/a.cc": ""}, "src/shiny/a.cc:1: ")

    def test_our_headers_in_angle_brackets(self) -> None:
        self.reports(check_includes, {"src/core/a.cc": "\n#include <annals/event.h>\n"}, "src/core/a.cc:2: ")

    def test_foreign_headers(self) -> None:
        for path, name in [("src/core/a.cc", "simdjson.h"), ("src/embedded/a.cc", "zlib.h"),
                           ("include/annals/a.h", "boost/describe.hpp"), ("include/annals/json.h", "simdjson.h"),
                           ("include/annals/a.h", "gtest/gtest.h"), ("include/annals/a.h", "unistd.h"),
                           ("include/annals/a.h", "emmintrin.h"), ("include/annals/arguments.h", "CLI/CLI.hpp"),
                           ("cli/a.cc", "CLI/CLI.hpp"), ("examples/orders/a.cc", "CLI/CLI.hpp"),
                           ("src/core/a.cc", "gtest/gtest.h"), ("cli/a.cc", "libpq-fe.h")]:
            with self.subTest(path=path, name=name):
                self.reports(check_foreign_headers, {path: f"\n\n#include <{name}>\n"}, f"{path}:3: <{name}> ")

    def test_foreign_headers_where_they_belong(self) -> None:
        self.accepts(check_foreign_headers, {
            "src/json/a.cc": "#include <simdjson.h>\n#include <string>\n", "src/core/a.cc": "#include <sys/stat.h>\n",
            "include/annals/json/a.h": "#include <boost/describe.hpp>\n", "src/core/a_test.cc": "#include <gtest/gtest.h>\n"})

    def test_foreign_names_in_public_headers(self) -> None:
        for text in ("simdjson::dom::parser p;", "struct sqlite3;", "boost::span<int> s;", "class a : ::testing::Test {};"):
            with self.subTest(text=text):
                self.reports(check_foreign_names, {"include/annals/a.h": f"// simdjson\n{text}\n"}, "include/annals/a.h:2: ")


if __name__ == "__main__":
    unittest.main()
