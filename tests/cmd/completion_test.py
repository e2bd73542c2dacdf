#!/usr/bin/python3
"""completions/ is what the programs print, and works in bash; the manual pages say every option."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


def complete(*words):
    """What bash offers behind these words; the last one is being typed."""
    script = f"""
        source {gw.ROOT}/completions/bash/gw-store
        COMP_WORDS=({' '.join(repr(w) for w in words)})
        COMP_CWORD={len(words) - 1}
        _gw_store
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-c", script], check=True, capture_output=True).stdout.decode().split()


class CompletionTest(unittest.TestCase):
    def run_script(self, name, *arguments):
        gw.run(gw.ROOT / "scripts" / name, *arguments, env=gw.clean_environment({"GW_BIN": str(gw.BIN)}))

    def test_the_files_are_what_the_programs_print(self):
        self.run_script("gen-completions", "--check")

    def test_every_option_stands_in_the_manual(self):
        self.run_script("check-man")

    def test_commands_options_and_choices_are_offered(self):
        self.assertIn("mailbox", complete("gw-store", "mail"))
        self.assertEqual(complete("gw-store", "mailbox", "pass"), ["passwd"])
        self.assertIn("--recovery-key-file", complete("gw-store", "init", "--rec"))
        self.assertEqual(complete("gw-store", "message", "list", "--state", "dr"), ["drained"])

    def test_an_unknown_shell_is_a_usage_error(self):
        gw.run(gw.program("gw-store"), "--completion", "tcsh", status=64)


if __name__ == "__main__":
    gw.main()
