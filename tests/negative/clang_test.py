"""clang++ names each mistake in its error line."""

import unittest

from mistakes import MistakesTest


class ClangTest(MistakesTest):
    def test_every_mistake_is_named(self) -> None:
        self.named_by("clang++-19")


if __name__ == "__main__":
    unittest.main()
