#!/usr/bin/python3
"""gw-export pushes to Postfix, Dovecot and another gw-smtpd: every mail that SMTP can move arrives as it was, once."""
import pathlib
import re
import shutil
import sys
import tempfile
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

    def push(self, to, *options):
        status = 3 if len(self.text) < len(self.mails) else 0
        url = to if isinstance(to, str) else f"smtp://localhost:{to}"
        done = self.gateway.vault.tool("gw-export", "source", "--to", url, "--remove",
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

    def test_dovecot_stores_what_it_got_by_lmtp(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-dovecot-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", "mail", "mail")
        (folder / "dovecot.conf").write_text(f"""base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
mail_location = maildir:{folder}/mail/box
first_valid_uid = 1
default_login_user = dovenull
default_internal_user = dovecot
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail allow_all_users=yes
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0600
  }}
}}
service anvil {{
  chroot =
}}
""")
        process = gw_peers.start([gw_peers.find("dovecot"), "-F", "-c", folder / "dovecot.conf"], folder / "out")
        self.addCleanup(process.wait, gw.WAIT)
        self.addCleanup(process.terminate)
        gw.until(lambda: (folder / "run/lmtp").exists(), "Dovecot listens")
        self.push(f"lmtp://{folder}/run/lmtp", "--rcpt", "archive@example.com")
        # It stores LF, and puts Return-Path, Delivered-To and Received before each mail.
        stored = [path.read_bytes() for path in (folder / "mail/box/new").iterdir()]
        self.assertEqual(len(stored), len(self.text))
        for name, octets in self.text.items():
            wanted = octets.replace(b"\r\n", b"\n")
            found = [each for each in stored if each.endswith(b"\n" + wanted)]
            self.assertTrue(found, name)


if __name__ == "__main__":
    gw.main()
