#!/usr/bin/python3
"""Exit statuses of the tools, the table of gw(7), each provoked; and what is said with them."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

TOOLS = ("gw-store", "gw-export", "gw-smtpd", "gw-pop3d")


class StatusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("journal")

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def fails(self, status, *arguments, tool="gw-store", **more):
        done = self.vault.tool(tool, *arguments, status=status, **more)
        text = done.stderr.decode()
        self.assertRegex(text, rf"^{tool}: \S", "NAME: text")
        first = text.splitlines()[0]
        self.assertFalse(first.endswith("."), "no full stop")
        self.assertEqual(done.stdout, b"", "nothing on standard output")
        return text

    def test_the_readme_and_the_changelog_name_this_version(self):
        version = re.search(r"project\(gw VERSION (\S+)", (gw.ROOT / "CMakeLists.txt").read_text()).group(1)
        self.assertIn(f"gw_{version}_amd64.deb", (gw.ROOT / "README.md").read_text())
        self.assertTrue((gw.ROOT / "scripts/package/changelog").read_text().startswith(f"gw ({version}) "))

    def test_version_and_help_are_0_and_on_standard_output(self):
        version = re.search(r"project\(gw VERSION (\S+)", (gw.ROOT / "CMakeLists.txt").read_text()).group(1)
        for tool in TOOLS:
            done = self.vault.tool(tool, "--version")
            self.assertEqual(done.stdout.decode(), f"{tool} {version}\n")
            done = self.vault.tool(tool, "--help")
            self.assertIn(b"Exit status: 0 success", done.stdout)
            self.assertEqual(done.stderr, b"")

    def test_the_help_names_statuses_of_the_manual(self):
        page = subprocess.run(["mandoc", "-T", "utf8", str(gw.ROOT / "man/gw.7")], check=True, capture_output=True).stdout
        table = re.sub(".\b", "", page.decode()).split("EXIT STATUS")[1].split("SEE ALSO")[0]
        in_page = set(re.findall(r"^ +(\d+) ", table, re.M))
        shown = self.vault.tool("gw-store", "--help").stdout.decode().split("Exit status: ")[1]
        in_help = set(re.findall(r"\b(\d+) [a-zI]", shown))
        self.assertTrue(in_help)
        self.assertLess(in_help, in_page)

    def test_the_command_help_prints_the_help_of_a_command(self):
        for words in ([], ["mailbox"], ["route", "add"]):
            shown = self.vault.store("help", *words).stdout
            self.assertEqual(shown, self.vault.store(*words, "--help").stdout)
        self.assertIn("did you mean `mailbox`?", self.fails(64, "help", "mailbax"))
        self.assertIn("see gw-store mailbox --help", self.fails(64, "help", "mailbox", "xyzzy"))

    def test_the_help_marks_required_options(self):
        shown = self.vault.store("route", "add", "--help").stdout.decode()
        self.assertIn("Usage: gw-store route add --protocol smtp|pop3 --upstream HOST:PORT --tls implicit|starttls|none "
                      "[OPTIONS] NAME", shown)
        self.assertIn("--upstream HOST:PORT (required)", shown)
        self.assertNotIn("(required)", self.vault.store("route", "set", "--help").stdout.decode())

    def test_64_usage(self):
        self.assertIn("did you mean `--vault`?", self.fails(64, "--vualt", "x", "status"))
        self.assertIn("did you mean `mailbox`?", self.fails(64, "mailbax", "list"))
        self.assertIn("did you mean `list`?", self.fails(64, "mailbox", "lsit"))
        self.fails(64)
        self.fails(64, "journal", tool="gw-export")
        self.fails(64, "--bogus", tool="gw-smtpd")
        self.fails(64, "--bogus", tool="gw-pop3d")

    def test_65_malformed_input(self):
        self.fails(65, "mailbox", "add", "short", "--password-file", "-", input=b"short\n")

    def test_66_input_missing(self):
        self.fails(66, "mailbox", "key", "journal", "--password-file", "/nonexistent/file")
        self.fails(66, "message", "show", "journal", "0" * 32, "--container")
        self.fails(66, "verify", "--against", "/nonexistent/checkpoint")

    def test_67_no_such_mailbox(self):
        for arguments in (["mailbox", "show"], ["mailbox", "set", "--quota", "0"], ["mailbox", "passwd"], ["mailbox", "key"],
                          ["mailbox", "rotate"], ["mailbox", "remove"], ["message", "list"], ["message", "add"],
                          ["history"]):
            text = self.fails(67, *arguments, "nobody")
            self.assertIn("nobody", text)
        self.fails(67, "nobody", "--to", self.vault.side / "x", tool="gw-export")

    def test_69_no_keeper_and_it_may_not_be_started(self):
        with gw.Vault(tls=False) as other:
            other.stop_keeper()
            env = {**other.env, "INVOCATION_ID": "1"}
            done = other.store("status", status=69, env=env)
            self.assertIn(b"hint: ", done.stderr)

    def test_73_something_in_the_way(self):
        self.fails(73, "init", "--no-recovery")
        self.fails(73, "mailbox", "add", "journal")
        self.fails(73, "journal", "--to", "/nonexistent/folder/out", "--password-file", self.box.password_file,
                   tool="gw-export")

    def test_74_standard_output_that_takes_nothing(self):
        for arguments in (["status"], ["mailbox", "list", "--json"], ["--help"], ["dump"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([gw.program("gw-store"), *arguments], stdout=full, stderr=subprocess.PIPE,
                                      env=self.vault.env, check=False)
            self.assertEqual(done.returncode, 74, (arguments, done.stderr))

    def test_a_reader_that_leaves_ends_it_quietly(self):
        with subprocess.Popen([gw.program("gw-store"), "dump"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.vault.env) as process:
            process.stdout.close()
            self.assertIn(process.wait(gw.WAIT), (-13, 0))
            self.assertEqual(process.stderr.read(), b"")

    def test_75_busy(self):
        # A drain that holds the mailbox: POP3's session.
        server = self.vault.pop3d()
        with gw.Pop3(server, self.box):
            text = self.fails(75, "journal", "--to", self.vault.side / "busy", "--remove", "--password-file",
                              self.box.password_file, tool="gw-export")
            self.assertIn("pop3", text)

    def test_77_wrong_password(self):
        for arguments in (["mailbox", "key", "journal"], ["mailbox", "passwd", "journal"], ["verify", "journal"]):
            self.fails(77, *arguments, "--password-file", "-", input=b"not the password\n")
        self.fails(77, "journal", "--to", self.vault.side / "x", "--password-file", "-", tool="gw-export",
                   input=b"not the password\n")

    def test_78_a_configuration_that_cannot_be_used(self):
        config = self.vault.side / "bad.toml"
        config.write_text("[smtpd]\nmax-sise = 1\n")
        for tool in TOOLS:
            more = ["journal", "--to", "x"] if tool == "gw-export" else ["status"] if tool == "gw-store" else []
            text = self.fails(78, "--config", config, *more, tool=tool)
            self.assertIn(f"{config}:2:1: unknown key `smtpd.max-sise`; did you mean `max-size`?", text)
        self.fails(78, "--config", "/nonexistent/gw.toml", "status")

    def test_65_damage_is_found_and_named(self):
        with gw.Vault(tls=False) as other:
            other.add_mailbox("journal")
            message = other.store("message", "add", "journal", input=gw.mail(2_000_000)).stdout.split()[0].decode()
            self.assertIn(b"last verify  never\n", other.store("status").stdout)
            self.assertNotIn(b"\ngw_last_verify_findings ", other.store("status", "--openmetrics").stdout)
            other.store("verify")
            self.assertRegex(other.store("status").stdout, rb"\nlast verify  \S.*, all intact\n")
            self.assertIn(b"\nstate        ok\n", other.store("status").stdout)
            self.assertIn(b"\ngw_last_verify_findings 0\n", other.store("status", "--openmetrics").stdout)
            other.stop_keeper()
            path = other.path / "large" / message
            octets = bytearray(path.read_bytes())
            octets[1_000_000] ^= 1
            path.write_bytes(octets)
            done = other.store("verify", status=65)
            self.assertIn(message.encode(), done.stdout)
            self.assertRegex(other.store("status").stdout, rb"\nlast verify  \S.*, 1 finding\n")
            self.assertIn(b"\nstate        damaged: the last verification had 1 finding\n", other.store("status").stdout)
            other.store("status", "--check")  # mail is still accepted
            self.assertEqual(other.json("status")[0]["last_verify_findings"], 1)
            self.assertRegex(other.store("status", "--openmetrics").stdout,
                             rb"\ngw_last_verify_timestamp_seconds 1\d{9}\.\d{6}\n")
            self.assertIn(b"vault: verified, findings 1", other.store("history", "--json").stdout)

    def test_a_checkpoint_kept_elsewhere_shows_a_vault_that_was_put_back(self):
        with gw.Vault(tls=False) as other:
            other.add_mailbox("journal")
            other.stop_keeper()
            saved = other.side / "saved"
            shutil.copytree(other.path, saved)
            other.store("message", "add", "journal", input=b"later")
            note = other.side / "note"
            note.write_bytes(other.store("checkpoint").stdout)
            key = other.store("checkpoint", "--public-key").stdout.decode().strip()
            other.store("verify", "--against", note)
            other.store("verify", "--against", note, "--public-key", key)
            other.stop_keeper()
            shutil.rmtree(other.path)
            os.rename(saved, other.path)
            other.store("verify")
            other.store("verify", "--against", note, status=65)


if __name__ == "__main__":
    gw.main()
