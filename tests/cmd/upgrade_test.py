#!/usr/bin/python3
"""A vault of a newer format is refused before anything is written to it."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class NewerFormatTest(unittest.TestCase):
    """What a program does with a vault that a later version has changed."""

    def setUp(self):
        self.vault = self.enterContext(gw.Vault(tls=False))
        self.vault.add_mailbox("journal")
        self.vault.store("message", "add", "journal", input=gw.mail(1000))
        self.vault.stop_keeper()

    def digests(self):
        return {str(path.relative_to(self.vault.path)): gw.sha256(path.read_bytes()) for path in self.vault.path.rglob("*")
                if path.is_file() and path.name not in ("lock", "start.lock")}

    def refused(self, change, words):
        file = self.vault.path / "format"
        good = file.read_text()
        file.write_text(change(good))
        before = self.digests()
        for command in (("status",), ("serve",), ("mailbox", "list"), ("verify",), ("repair", "--accept-loss"),
                        ("backup", self.vault.side / "backup"), ("salvage", self.vault.path, "--to", self.vault.side / "saved")):
            done = self.vault.store(*command, status=78)
            self.assertRegex(done.stderr.decode(), words, command)
            self.assertIn("hint: ", done.stderr.decode(), command)
        self.assertEqual(self.digests(), before, "a refusal writes nothing")
        file.write_text(good)
        self.vault.verify()

    def test_a_newer_format_is_refused(self):
        self.refused(lambda text: text.replace("gw-vault 1", "gw-vault 2"), "the vault has format 2, but this gw supports only 1")

    def test_an_unknown_requirement_is_refused(self):
        self.refused(lambda text: re.sub("(?m)^requires.*$", "requires colours", text), "needs a gw that supports colours")

    def test_an_unknown_line_is_refused(self):
        self.refused(lambda text: text + "shape round\n", "unknown line: shape")


if __name__ == "__main__":
    gw.main()
