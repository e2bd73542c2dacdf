#!/usr/bin/python3
"""completions/ is what the programs print, and works in bash, fish and zsh; the manual pages say every option."""
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


def fish(line, env=None):
    """What fish offers, without the descriptions."""
    script = f"source {gw.ROOT}/completions/fish/{line.split()[0]}.fish; complete -C {line!r}"
    done = gw.run("fish", "--no-config", "-c", script, env=env or gw.clean_environment())
    return [line.split("\t")[0] for line in done.stdout.decode().splitlines()]


ZSHRC = f"""
PS1=
fpath=({gw.ROOT}/completions/zsh $fpath)
autoload -U compinit && compinit -D -u
show() {{ print -r -- "<<$BUFFER>>" }}
zle -N show
bindkey '^X' show
bindkey '^I' expand-or-complete
print READY
"""


def zsh(typed, env=None):
    """What stands on the line of an interactive zsh behind these keys."""
    with tempfile.TemporaryDirectory() as home:
        pathlib.Path(home, ".zshrc").write_text(ZSHRC)
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe("zsh", ["zsh", "-d", "-i"], {**(env or gw.clean_environment()), "TERM": "dumb", "ZDOTDIR": home})
        seen = b""

        def until(text):
            nonlocal seen
            while text not in seen:
                if not select.select([terminal], [], [], gw.WAIT)[0]:
                    raise AssertionError(f"zsh says nothing more: {seen!r}")
                seen += os.read(terminal, 4096)
        try:
            until(b"READY\r\n")
            os.write(terminal, typed.encode() + b"\x18")
            until(b">>")
            return seen[seen.rindex(b"<<") + 2:seen.rindex(b">>")].decode()
        finally:
            os.close(terminal)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def complete(*words, env=None):
    """What bash offers behind these words, split as bash does; the last one is being typed."""
    script = f"""
        source {gw.ROOT}/completions/bash/{words[0]}
        COMP_WORDS=({' '.join(repr(w) for w in words)})
        COMP_CWORD={len(words) - 1}
        _{words[0].replace("-", "_")}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-c", script], check=True, capture_output=True, env=env).stdout.decode().split()


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

    def test_names_of_mailboxes_are_offered(self):
        with gw.Vault(tls=False) as vault:
            vault.add_mailbox("journal")
            vault.add_mailbox("sales")
            env = {**vault.env, "PATH": f"{gw.BIN}:{os.environ['PATH']}"}
            self.assertEqual(complete("gw-store", "message", "list", "jo", env=env), ["journal"])
            self.assertEqual(fish("gw-store mailbox show ", env), ["journal", "sales"])
            self.assertIn("gw-store mailbox passwd journal ", zsh("gw-store mailbox passwd jo\t", env))
            # The second argument is no mailbox.
            self.assertEqual(complete("gw-store", "message", "list", "journal", "jo", env=env), [])
            self.assertEqual(complete("gw-store", "mailbox", "show", "", env=env), ["journal", "sales"])
            message = vault.store("message", "add", "journal", input=b"x").stdout.decode().strip()
            self.assertEqual(complete("gw-store", "message", "show", "journal", "", env=env), [message])
            self.assertIn(message, fish("gw-store message remove journal ", env))
            self.assertIn(f"show journal {message} ", zsh(f"gw-store message show journal {message[:4]}\t", env))
            vault.store("route", "add", "outgoing", "--protocol", "smtp", "--upstream", "a.example:25", "--tls", "starttls",
                        "--mailbox", "sales")
            vault.store("token", "add", "nagios")
            vault.store("admin", "add", "anna", "--role", "viewer")
            for family, command, name in (("route", "show", "outgoing"), ("token", "revoke", "nagios"),
                                          ("admin", "passwd", "anna")):
                self.assertEqual(complete("gw-store", family, command, "", env=env), [name])
                self.assertEqual(fish(f"gw-store {family} {command} ", env), [name])
                self.assertIn(f"{command} {name} ", zsh(f"gw-store {family} {command} {name[:2]}\t", env))

    def test_the_value_of_an_option_is_not_an_argument(self):
        with gw.Vault(tls=False) as vault:
            vault.add_mailbox("journal")
            env = {**vault.env, "PATH": f"{gw.BIN}:{os.environ['PATH']}"}
            for words in (["--to", "x"], ["--to", "=", "x"], ["--to", "smtp", ":", "//a.example"], ["--password-fd", "3", "--to", "-"],
                          ["--vault", vault.path, "--unwrap"]):
                with self.subTest(words=words):
                    self.assertEqual(complete("gw-export", *map(str, words), "", env=env), ["journal"])
                    line = " ".join(map(str, words)).replace(" = ", "=").replace(" : ", ":")
                    self.assertEqual(fish(f"gw-export {line} ", env), ["journal"])
                    self.assertIn(f"gw-export {line} journal ", zsh(f"gw-export {line} jo\t", env))
                    self.assertEqual(complete("gw-export", *map(str, words), "journal", "jo", env=env), [])
            message = vault.store("message", "add", "journal", input=b"x").stdout.decode().strip()
            option = f"--vault {vault.path}"
            self.assertEqual(complete("gw-store", "message", "show", *option.split(), "journal", "", env=env), [message])
            self.assertEqual(fish(f"gw-store message show {option} journal ", env), [message])
            self.assertIn(f"journal {message} ", zsh(f"gw-store message show {option} jo\t{message[:4]}\t", env))
            self.assertEqual(complete("gw-store", *option.split(), "mailbox", "show", "", env=env), ["journal"])
            self.assertEqual(fish(f"gw-store {option} mailbox show ", env), ["journal"])
            self.assertIn("show journal ", zsh(f"gw-store {option} mailbox show jo\t", env))
        self.assertEqual(complete("gw-export", "--format", "=", "t"), ["tar"])
        self.assertEqual(complete("gw-export", "--format", "="), ["eml", "maildir", "mbox", "tar", "zip"])

    def test_fish(self):
        self.assertEqual(fish("gw-store mailbox pass"), ["passwd"])
        self.assertIn("--recovery-key-file", fish("gw-store init --rec"))
        self.assertEqual(fish("gw-store message list --state dr"), ["drained"])

    def test_zsh(self):
        self.assertIn("gw-store mailbox passwd ", zsh("gw-store mailbox pass\t"))
        self.assertIn("gw-store init --recovery-key-file ", zsh("gw-store init --recovery-k\t"))
        self.assertIn("gw-store message list --state drained ", zsh("gw-store message list --state dr\t"))

    def test_an_unknown_shell_is_a_usage_error(self):
        gw.run(gw.program("gw-store"), "--completion", "tcsh", status=64)


if __name__ == "__main__":
    gw.main()
