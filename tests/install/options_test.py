"""Every choice of parts configures and builds; with everything off, core is left and serves."""

from __future__ import annotations

import unittest

from installed import COMPILER, HERE, SOURCE, WARNINGS, InstallTest

OFF = ["-DANNALS_BUILD_TESTS=OFF", "-DANNALS_BUILD_CLI=OFF", "-DANNALS_BUILD_BENCH=OFF"]
# What a machine without the packages of the other parts would say.
NO_PACKAGES = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON"
               for name in ("simdjson", "Boost", "PkgConfig", "GTest", "rapidcheck", "CLI11", "ZLIB", "benchmark")]


def parts(json: bool, embedded: bool, postgres: bool = False) -> list[str]:
    wanted = {"JSON": json, "EMBEDDED": embedded, "POSTGRES": postgres}
    return [f"-DANNALS_WITH_{name}={'ON' if on else 'OFF'}" for name, on in wanted.items()]


class OptionsTest(InstallTest):
    def test_everything_off_is_core_and_needs_no_package(self) -> None:
        build = self.built(SOURCE, *OFF, *parts(False, False), *NO_PACKAGES)
        prefix = self.folder / "prefix"
        self.must(build, "cmake", "--install", build, "--prefix", prefix)
        self.assertEqual(sorted(path.name for path in prefix.rglob("*.a")),
                         ["libannals_app.a", "libannals_core.a", "libannals_terminal.a"])
        headers = sorted(path.relative_to(prefix / "include").as_posix() for path in prefix.rglob("*.h"))
        for absent in ("annals/json.h", "annals/json/encode.h", "annals/embedded.h", "annals/postgres.h", "annals/testing/conformance.h"):
            self.assertNotIn(absent, headers)
        # All that is installed compiles with nothing but what is installed, and a program runs.
        source, program = self.folder / "all.cc", self.folder / "program"
        source.write_text("".join(f'#include "{header}"\n' for header in headers) + (HERE / "core_alone.cc").read_text())
        flags = self.flags_of(prefix, "--cflags", "--libs", "--static", "annals")
        self.must(self.folder, COMPILER, "-std=c++23", *WARNINGS, source, *flags, "-o", program)
        said = self.must(self.folder, program)
        self.assertTrue(said.startswith("counted 42\n'file:data' needs the embedded engine"), said)

    def test_json_without_the_engine(self) -> None:
        self.built(SOURCE, *OFF, *parts(True, False))

    def test_the_engine_without_json(self) -> None:
        self.built(SOURCE, *OFF, *parts(False, True))

    def test_the_engine_on_postgres_alone(self) -> None:
        self.built(SOURCE, *OFF, *parts(False, False, True))

    def test_choices_that_contradict_each_other_are_told(self) -> None:
        for options, said in [
            ([*OFF, *parts(False, True), "-DANNALS_BUILD_CLI=ON"], "ANNALS_BUILD_CLI needs ANNALS_WITH_JSON"),
            ([*OFF, *parts(True, False), "-DANNALS_BUILD_TESTS=ON"], "ANNALS_BUILD_TESTS needs ANNALS_WITH_JSON"),
            (["-DANNALS_WITH_TESTING=OFF"], "ANNALS_BUILD_TESTS needs ANNALS_WITH_TESTING"),
        ]:
            with self.subTest(said=said):
                done = self.configure(SOURCE, self.new_build(), *options)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
