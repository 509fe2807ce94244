"""The completion scripts, in real shells."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import unittest

from programs import BINARIES, USAGE, ProgramTest

# Cuts a line into words as bash does, and calls what `complete` registered.
BASH = r"""
PATH=$1:$PATH
eval "$(annals completion bash)"
COMP_LINE=$2 COMP_POINT=${#2}
words=${2//:/ : }
words=${words//  / }
read -r -a COMP_WORDS <<<"$words"
[[ $2 != *' ' ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_annals
printf '%s\n' "${COMPREPLY[@]}"
"""

# A zsh that puts down what stands on its line when ^X is typed, and ends.
ZSHRC = r"""
PATH=%(path)s:$PATH
autoload -Uz compinit
compinit -u -D
eval "$(annals completion zsh)"
bindkey '^I' complete-word
put-down() { print -r -- "$BUFFER" >%(result)s; exit }
zle -N put-down
bindkey '^X' put-down
print ready
"""


class BashTest(ProgramTest):
    def offers(self, line: str) -> list[str]:
        done = subprocess.run(["bash", "-c", BASH, "bash", BINARIES, line], capture_output=True, text=True, check=False,
                              cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""), line)
        return done.stdout.split("\n")[:-1] if done.stdout.strip() else []

    def verbs(self) -> list[str]:
        shown = self.succeeds(self.run_program("annals", "--help")).out
        return re.findall(r"^  (\w+) {2,}", shown.split("Subcommands:")[1], re.M)

    def options(self, verb: str) -> list[str]:
        shown = self.succeeds(self.run_program("annals", verb, "--help")).out.split("Options:")[1]
        return [name for line in shown.splitlines() for name in re.findall(r"^  ((?:-\w,)?--[\w-]+)", line)]

    def test_every_verb_of_the_help_is_offered(self) -> None:
        verbs = self.verbs()
        self.assertGreater(len(verbs), 8)
        offered = self.offers("annals ")
        self.assertEqual([o for o in offered if not o.startswith("-")], verbs)
        self.assertEqual(sorted(self.offers("annals st")), ["stat", "streams"])
        self.assertEqual(self.offers("annals xyz"), [])

    def test_every_option_of_every_verb_is_offered(self) -> None:
        for verb in self.verbs():
            wanted = {name for names in self.options(verb) for name in names.split(",")}
            self.assertEqual(set(self.offers(f"annals {verb} -")), wanted, verb)
        self.assertEqual(self.offers("annals read --b"), ["--backwards"])
        self.assertEqual(self.offers("annals append a-1 --type t --ta"), ["--tag"])

    def test_values_that_are_few_are_offered(self) -> None:
        self.assertEqual(self.offers("annals append a-1 --expect "), ["any", "none", "exists"])
        self.assertEqual(self.offers("annals append a-1 --expect e"), ["exists"])
        self.assertEqual(self.offers("annals completion "), ["bash", "zsh"])
        self.assertEqual(self.offers("annals read --limit "), [])

    def test_files_folders_and_streams_are_offered(self) -> None:
        self.succeeds(self.orders("generate", "--orders", "3"))
        self.write("some file.ndjson", "")
        self.assertEqual(self.offers("annals stat --store f"), ["file:"])
        self.assertEqual(self.offers("annals stat --store file:st"), ["store"])  # readline replaces what follows the ':'
        self.assertEqual(self.offers("annals import so"), ["some file.ndjson"])
        streams = [s["stream"] for s in self.succeeds(self.annals("streams", "--json")).lines()]
        self.assertEqual(self.offers(f"annals read --store {self.store} order-"), streams)
        self.assertEqual(self.offers(f"annals read --store {self.store} {streams[1][:12]}"), [streams[1]])
        self.assertEqual(self.offers("annals read --store file:absent order-"), [])

    def test_an_unknown_shell_is_a_usage_error(self) -> None:
        self.fails(self.run_program("annals", "completion", "fish"), USAGE, "bash or zsh")
        self.fails(self.run_program("annals", "completion"), USAGE)


@unittest.skipUnless(shutil.which("zsh"), "completion: needs zsh")
class ZshTest(ProgramTest):
    def typed(self, line: str) -> str:
        """The line after a tab."""
        result = self.folder / "result"
        (self.folder / ".zshrc").write_text(ZSHRC % {"path": BINARIES, "result": result}, encoding="utf-8")
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-i"], {**os.environ, "ZDOTDIR": str(self.folder), "TERM": "dumb"})
        shown = b""
        while b"ready" not in shown:
            shown += os.read(terminal, 4096)
        os.write(terminal, line.encode() + b"\t\x18")
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass  # it has ended
        os.waitpid(pid, 0)
        os.close(terminal)
        return result.read_text(encoding="utf-8").strip()

    def test_the_script_is_well_formed(self) -> None:
        script = self.succeeds(self.run_program("annals", "completion", "zsh")).out
        done = subprocess.run(["zsh", "-n", "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_verbs_options_and_values_are_completed(self) -> None:
        for line, completed in [("annals verif", "annals verify"), ("annals read --backw", "annals read --backwards"),
                                ("annals append a-1 --expect exi", "annals append a-1 --expect exists"),
                                ("annals completion zs", "annals completion zsh"), ("annals stat --store f", "annals stat --store file:"),
                                ("annals import no-such", "annals import no-such")]:
            self.assertEqual(self.typed(line), completed)

    def test_streams_are_completed(self) -> None:
        self.succeeds(self.orders("generate", "--orders", "3"))
        stream = self.succeeds(self.annals("streams", "--json")).lines()[0]["stream"]
        self.assertEqual(self.typed(f"annals read --store {self.store} {stream[:20]}"), f"annals read --store {self.store} {stream}")


if __name__ == "__main__":
    unittest.main()
