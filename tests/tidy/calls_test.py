"""Files, clocks, chance, threads and sleep come from `env` (include/annals/env.h), so that a seeded simulation runs the
real code. Whoever asks the system itself stands in the table below, with a reason."""

from __future__ import annotations

import re
import unittest

from tree import Tree, TreeTest, is_test, line_of

# A call as a plain name or of the global namespace; not a member, and not of ours: env.open(…), annals::open(…).
PLAIN = r"(?:(?<![\w.>:])|(?<![\w>])::|\bstd::)"

BANNED = {
    "file": (
        PLAIN + r"(?:fopen|freopen|fdopen|tmpfile|mkstemp|mkdtemp|openat|creat|opendir|unlink|gzopen)\s*\("
        r"|(?<![\w>])::(?:open|rename|mkdir|rmdir|remove|truncate|ftruncate)\s*\("  # plain ones may be members
        r"|\b(?:if|of|f|basic_if|basic_of|basic_f)stream\b|\bfilebuf\b|\bfilesystem::",
        r"fstream|filesystem|fcntl\.h|dirent\.h"),
    "clock": (
        r"_clock::now\b|\b(?:gettimeofday|clock_gettime|timespec_get)\s*\("
        r"|(?:(?<![\w.>:])|::)time\s*\(\s*(?:nullptr|NULL|0|&)",
        r"ctime|time\.h|sys/time\.h"),
    "randomness": (
        r"\brandom_device\b|\bmt19937(?:_64)?\b|\bminstd_rand0?\b|\bdefault_random_engine\b"
        r"|\b(?:arc4random|getrandom|getentropy)\s*\(|" + PLAIN + r"s?rand\s*\(",
        r"random|sys/random\.h"),
    "thread": (
        r"\bstd::j?thread\b|\bstd::async\b|\bcondition_variable(?:_any)?\b|\bpthread_create\b|\bstd::this_thread\b",
        r"thread|future|condition_variable|pthread\.h"),
    "sleep": (r"\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep|clock_nanosleep)\s*\(|" + PLAIN + r"sleep\s*\(", r"(?!)"),
}

# (file, what): why. An entry that nothing needs any more is reported.
ALLOWED = {
    ("src/core/posix_env.cc", "file"): "the env of POSIX",
    ("src/core/posix_env.cc", "clock"): "the env of POSIX",
    ("src/core/posix_env.cc", "randomness"): "the env of POSIX",
    ("src/core/posix_env.cc", "thread"): "the env of POSIX",
    ("src/core/posix_file.cc", "file"): "the files of that env",
    ("src/core/posix_shared_page.cc", "file"): "the shared memory of that env",
    ("src/testing/dice.h", "randomness"): "the seed of the simulated env",
    ("cli/files.cc", "file"): "reads and writes the files that the user names, pipes and devices too",
    ("examples/orders/csv.cc", "file"): "reads the file that the user names",
    ("examples/orders/pipeline.h", "thread"): "a program's own waiting, on completions; no part of the library",
}


def check_calls(tree: Tree, allowed: dict[tuple[str, str], str]) -> list[str]:
    found, needed = [], set()
    for path in tree.matching(r"(src|include|cli|examples)/.*\.(h|cc)"):
        if is_test(path):
            continue
        code = tree.code(path)
        for what, (calls, headers) in BANNED.items():
            hits = [(line_of(code, hit.start()), hit[0].strip(" (")) for hit in re.finditer(calls, code)]
            hits += [(line, f"<{name}>") for line, name, angle in tree.includes(path)
                     if angle and re.fullmatch(headers, name)]
            if hits and (path, what) in allowed:
                needed.add((path, what))
            else:
                found += [f"{path}:{line}: {name} ({what}) is for env only" for line, name in sorted(hits)]
    found += [f"{path}:1: is allowed {what}, which it does not use" for path, what in sorted(set(allowed) - needed)]
    return found


class CallsTest(TreeTest):
    def test_only_env_asks_the_system(self) -> None:
        self.passes(lambda tree: check_calls(tree, ALLOWED))


class CallsCanFailTest(TreeTest):
    def test_each_banned_call(self) -> None:
        for line in [
            'std::FILE* f = std::fopen("a", "r");', 'auto f = fopen("a", "r");', 'int d = ::open("a", O_RDONLY);',
            'std::ifstream in("a");', "std::ofstream out(path);", "std::fstream both;", '::unlink("a");',
            'std::filesystem::remove("a");', "fs::path p = std::filesystem::temp_directory_path();",
            "auto t = std::chrono::system_clock::now();", "auto t = steady_clock::now();", "auto t = time(nullptr);",
            "auto t = std::time(0);", "::time(&t);", "gettimeofday(&t, nullptr);", "clock_gettime(CLOCK_REALTIME, &t);",
            "std::random_device seed;", "std::mt19937 dice(1);", "std::mt19937_64 dice(1);", "int n = rand();",
            "int n = std::rand();", "srand(1);", "getrandom(p, 8, 0);",
            "std::thread t([] {});", "std::jthread t;", "auto f = std::async(run);", "std::condition_variable changed;",
            "std::this_thread::yield();", "sleep_for(1s);", "sleep_until(t);", "usleep(1);", "nanosleep(&t, nullptr);",
            "::sleep(1);", "#include <thread>", "#include <fstream>", "#include <fcntl.h>", "#include <random>",
        ]:
            with self.subTest(line=line):
                found = self.says(lambda tree: check_calls(tree, {}), {"src/core/a.cc": f"// fine\n{line}\n"})
                self.assertTrue(found and found[0].startswith("src/core/a.cc:2: "), found)

    def test_what_only_looks_like_one(self) -> None:
        self.accepts(lambda tree: check_calls(tree, {}), {"src/core/a.cc": """
            // std::thread, fopen( and time(nullptr) in a comment
            const char* words = "std::ifstream in; rand();";
            result<void> open(const std::string& path);
            auto a = env.open(path), b = annals::open(path), c = files->unlink(path);
            time_point time() const { return time_; }
            explicit at(time_point t) : time(t) {}
            auto grand(int x); auto y = operand(x); env.sleep(1);
            """, "src/core/a_test.cc": "std::thread t;", "tests/crash/a_test.cc": "std::thread t;"})

    def test_an_allowance_that_is_not_needed(self) -> None:
        allowed = {("src/core/a.cc", "file"): "", ("src/core/b.cc", "file"): ""}
        self.reports(lambda tree: check_calls(tree, allowed), {"src/core/a.cc": "", "src/core/b.cc": "std::ofstream o;"},
                     "src/core/a.cc:1: ")


if __name__ == "__main__":
    unittest.main()
