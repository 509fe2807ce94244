"""What `cmake --install` puts down is enough: a project of somebody else finds, builds and runs against it alone."""

from __future__ import annotations

import os
import shutil
import unittest

from installed import BUILD, COMPILER, HERE, LAUNCHER, SOURCE, WARNINGS, InstallTest

STORY = ("refused: runs_backwards\nstate: 42\n"
         'meter_read_off {"kilowatt_hours":40}\nmeter_read_off {"kilowatt_hours":42}\n')


class InstalledTest(InstallTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # Installed in one place and moved to another: nothing may know where it was.
        cls.must(BUILD, "cmake", "--install", BUILD, "--prefix", cls.folder / "first")
        cls.prefix = cls.folder / "prefix"
        (cls.folder / "first").rename(cls.prefix)
        cls.project = cls.folder / "project"
        shutil.copytree(HERE, cls.project)

    def pkg_config(self, *words) -> list[str]:
        return self.flags_of(self.prefix, *words)

    def tells_the_story(self, program) -> None:
        for address in (["memory:"], [f"file:{self.folder}/{os.urandom(4).hex()}"]):
            self.assertEqual(self.must(self.folder, program, *address), STORY)

    def test_find_package(self) -> None:
        build = self.built(self.project, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.tells_the_story(build / "consumer")
        suite = self.must(build, "./engine_suite", "--gtest_filter=suite.*:memory/append.*:memory/read.*")
        self.assertRegex(suite, r"\[  PASSED  \] [1-9][0-9]+ tests")
        used = self.headers_used(build)
        self.assertIn(f"{self.prefix}/include/annals/store.h", used)
        self.assertEqual([path for path in used if not path.startswith(f"{self.prefix}/")], [])

    def test_add_subdirectory(self) -> None:
        build = self.built(self.project, f"-DANNALS_TREE={SOURCE}")
        self.tells_the_story(build / "consumer")
        self.assertFalse((build / "annals" / "bin").exists(), "programs and tests are not for others to build")

    def test_pkg_config(self) -> None:
        program = self.folder / "by_pkg_config"
        flags = self.pkg_config("--cflags", "--libs", "--static", "annals")
        self.must(self.folder, *LAUNCHER.split(), COMPILER, "-std=c++23", *WARNINGS, self.project / "consumer.cc",
                  *flags, "-o", program)
        self.tells_the_story(program)
        self.assertEqual(self.pkg_config("--modversion", "annals"), ["0.1.0"])

    def test_pkg_config_of_one_part_asks_for_no_other(self) -> None:
        program = self.folder / "memory_alone"
        flags = self.pkg_config("--cflags", "--libs", "--static", "annals-core")
        self.must(self.folder, COMPILER, "-std=c++23", *WARNINGS, self.project / "memory_alone.cc", *flags, "-o", program)
        self.assertEqual(self.must(self.folder, program), "memory\n")
        self.assertEqual([flag for flag in flags if flag.startswith("-l") and flag != "-lannals_core"], [])

    def test_arguments_need_no_parser_of_others(self) -> None:
        flags = self.pkg_config("--cflags", "--libs", "--static", "annals-arguments")
        by_pkg_config = self.folder / "arguments_alone"
        self.must(self.folder, COMPILER, "-std=c++23", *WARNINGS, self.project / "arguments_alone.cc", *flags, "-o", by_pkg_config)
        wish = self.project_of("REQUIRED COMPONENTS arguments", f"add_executable(count {self.project}/arguments_alone.cc)\n"
                               "target_link_libraries(count PRIVATE annals::arguments)")
        build = self.built(wish, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON")
        for program in (by_pkg_config, build / "count"):
            self.assertEqual(self.must(self.folder, program, "--to", "5"), "1 2 3 4 5 ")
            self.assertEqual(self.run_in(self.folder, program, "--to", "10").returncode, 2)

    def test_all_public_headers_and_the_program_are_there(self) -> None:
        def headers(base):
            return sorted(path.relative_to(base).as_posix() for path in (base / "annals").rglob("*.h"))
        self.assertEqual(headers(self.prefix / "include"), headers(SOURCE / "include"))
        self.assertIn("Usage", self.must(self.folder, self.prefix / "bin" / "annals", "--help"))
        self.assertTrue((self.prefix / "share" / "doc" / "annals" / "README.md").is_file())

    def project_of(self, find_package: str, then: str = ""):
        """A project of a few lines."""
        project = self.folder / "wish"
        project.mkdir(exist_ok=True)
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(wish LANGUAGES CXX)\n"
                                                f"find_package(annals {find_package})\n{then}\n")
        return project

    def wish(self, find_package: str, then: str = "", *options):
        """Configures such a project."""
        return self.configure(self.project_of(find_package, then), self.new_build(), f"-DCMAKE_PREFIX_PATH={self.prefix}", *options)

    def test_versions_and_components_that_are_not_there_are_told(self) -> None:
        for find, said in [("0.2 REQUIRED", "0.1.0"), ("1 REQUIRED", "0.1.0"),
                           ("REQUIRED COMPONENTS sqlite", "no component 'sqlite'")]:
            with self.subTest(find=find):
                done = self.wish(find)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said, " ".join(done.stderr.split()))

    def test_a_component_asks_for_its_own_dependencies_only(self) -> None:
        absent = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("PkgConfig", "GTest")]
        done = self.wish("REQUIRED COMPONENTS json terminal",
                         "if(NOT TARGET annals::json OR NOT TARGET annals::terminal OR TARGET annals::embedded)\n"
                         '  message(FATAL_ERROR "other targets than were asked for")\nendif()', *absent)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(self.wish("REQUIRED COMPONENTS embedded", "", *absent).returncode, 0)


if __name__ == "__main__":
    unittest.main()
