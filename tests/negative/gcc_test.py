"""g++ names each mistake in its error line."""

import unittest

from mistakes import MistakesTest


class GccTest(MistakesTest):
    def test_every_mistake_is_named(self) -> None:
        self.named_by("g++-12", "g++")


if __name__ == "__main__":
    unittest.main()
