#!/usr/bin/python3
"""gw-export pushes to Postfix and to another gw-smtpd: every mail that SMTP can move arrives as it was, once."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from postfix_test import Postfix, as_postfix_sends  # noqa: E402


def is_text(octets):
    """Whether all lines end alike, and nothing but text is in them."""
    rest = octets.replace(b"\r\n", b"")
    return not re.search(rb"[\r\0]", rest) and not (b"\n" in rest and b"\r\n" in octets)


@gw.need_root("Postfix starts as root only")
class PushTest(unittest.TestCase):
    def setUp(self):
        self.gateway = gw_peers.Gateway()
        self.addCleanup(self.gateway.close)
        self.source = self.gateway.vault.add_mailbox("source")
        self.mails = gw_peers.mails(big=False)
        for octets in self.mails.values():
            self.gateway.vault.store("message", "add", "source", input=octets)
        self.text = {name: gw_peers.lines_by(rb"\r?\n", octets) for name, octets in self.mails.items() if is_text(octets)}
        self.assertGreater(len(self.text), 10)

    def push(self, port, *options):
        status = 3 if len(self.text) < len(self.mails) else 0
        done = self.gateway.vault.tool("gw-export", "source", "--to", f"smtp://localhost:{port}", "--remove",
                                       "--password-file", self.source.password_file, *options, status=status)
        self.assertIn(f"{len(self.text)} handed over", done.stderr.decode())

    def test_another_gw_smtpd_gets_the_same_octets(self):
        self.push(self.gateway.smtp_port, "--tls", "starttls", "--ca", self.gateway.certificate, "--rcpt",
                  self.gateway.box.address)
        self.gateway.check(self, self.text)

    def test_postfix_relays_what_it_got(self):
        with Postfix(self.gateway) as postfix:
            self.push(postfix.port, "--rcpt", "team@example.com", "--from", "sender@example.com")
            postfix.settle()
        self.gateway.check(self, {name: as_postfix_sends(octets) for name, octets in self.text.items()},
                           lambda octets: gw_peers.without_first_header(self, octets, "Received"))


if __name__ == "__main__":
    gw.main()
