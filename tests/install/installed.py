"""Installs the build under test into a folder of its own, and builds other projects against it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ.get("ANNALS_SOURCE_DIR", HERE.parents[1])).resolve()
BUILD = Path(os.environ.get("ANNALS_BIN_DIR", SOURCE / "build" / "test" / "bin")).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Werror"]

# With the same flags, from folders beside the build under test, ccache finds what that one has compiled.
ENVIRONMENT = {**os.environ, "CCACHE_BASEDIR": str(SOURCE), "CCACHE_NOHASHDIR": "1"}
SAME = ("CMAKE_BUILD_TYPE", "CMAKE_CXX_COMPILER", "CMAKE_CXX_COMPILER_LAUNCHER", "ANNALS_WERROR")


def cached(name: str) -> str:
    """What the build under test was configured with."""
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M)
    return found[1] if found else ""


COMPILER = cached("CMAKE_CXX_COMPILER")
LAUNCHER = cached("CMAKE_CXX_COMPILER_LAUNCHER")


class InstallTest(unittest.TestCase):
    """Has a folder, and ways to run things in it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp(prefix="annals-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    @classmethod
    def run_in(cls, folder: Path, *words, environment=None) -> subprocess.CompletedProcess:
        return subprocess.run([str(w) for w in words], cwd=folder, text=True, capture_output=True, check=False,
                              timeout=500, env={**ENVIRONMENT, **(environment or {})})

    @classmethod
    def must(cls, folder: Path, *words, environment=None) -> str:
        """Runs what has to succeed; answers what it printed."""
        done = cls.run_in(folder, *words, environment=environment)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    @classmethod
    def new_build(cls) -> Path:
        build = Path(tempfile.mkdtemp(prefix="install-", dir=BUILD.parent))
        cls.addClassCleanup(shutil.rmtree, build, ignore_errors=True)
        return build

    @classmethod
    def configure(cls, source: Path, build: Path, *options) -> subprocess.CompletedProcess:
        return cls.run_in(cls.folder, "cmake", "-S", source, "-B", build, "-G", "Ninja", "-Wno-dev",
                          *(f"-D{name}={cached(name)}" for name in SAME), *options)

    @classmethod
    def built(cls, source: Path, *options) -> Path:
        """Configures and builds; answers where."""
        build = cls.new_build()
        done = cls.configure(source, build, *options)
        if done.returncode != 0:
            raise AssertionError(done.stdout[-2000:] + done.stderr[-4000:])
        cls.must(build, "ninja")
        return build

    @classmethod
    def flags_of(cls, prefix: Path, *words) -> list[str]:
        """What pkg-config answers for an installation."""
        where = {"PKG_CONFIG_PATH": str(next(prefix.glob("lib*/**/pkgconfig")))}
        return cls.must(cls.folder, "pkg-config", *words, environment=where).split()

    @classmethod
    def headers_used(cls, build: Path) -> set[str]:
        """All headers named annals/… that the objects of a build came from."""
        depended = cls.must(build, "ninja", "-t", "deps")
        paths = (os.path.normpath(build / line.strip()) for line in depended.splitlines() if line.startswith("    "))
        return {path for path in paths if "/annals/" in path and path.endswith(".h")}
