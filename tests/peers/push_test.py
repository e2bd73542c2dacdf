#!/usr/bin/python3
"""gw-export pushes to Postfix, Dovecot and another gw-smtpd: every mail that SMTP can carry arrives once and unchanged."""
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


def is_text(mail):
    """Returns true if `mail` has neither NUL nor bare CR, and LF and CRLF are not mixed."""
    rest = mail.replace(b"\r\n", b"")
    return not re.search(rb"[\r\0]", rest) and not (b"\n" in rest and b"\r\n" in mail)


@gw.need_root("Postfix starts as root only")
class PushTest(unittest.TestCase):
    def setUp(self):
        self.gateway = gw_peers.Gateway()
        self.addCleanup(self.gateway.close)
        self.source = self.gateway.vault.add_mailbox("source")
        self.mails = gw_peers.mails(big=False)
        for mail in self.mails.values():
            self.gateway.vault.store("message", "add", "source", input=mail)
        self.text = {name: gw_peers.lines_by(rb"\r?\n", mail) for name, mail in self.mails.items() if is_text(mail)}
        self.assertGreater(len(self.text), 10)

    def push(self, to, *options):
        status = 3 if len(self.text) < len(self.mails) else 0
        url = to if isinstance(to, str) else f"smtp://localhost:{to}"
        done = self.gateway.vault.tool("gw-export", "source", "--to", url, "--remove",
                                       "--password-file", self.source.password_file, *options, status=status)
        self.assertIn(f"{len(self.text)} handed over", done.stderr.decode())

    def test_another_gw_smtpd_gets_the_same_bytes(self):
        self.push(self.gateway.smtp_port, "--tls", "starttls", "--ca", self.gateway.certificate, "--rcpt",
                  self.gateway.box.address)
        self.gateway.check(self, self.text)

    def test_postfix_relays_what_it_received(self):
        with Postfix(self.gateway) as postfix:
            self.push(postfix.port, "--rcpt", "team@example.com", "--from", "sender@example.com")
            postfix.settle()
        self.gateway.check(self, {name: as_postfix_sends(mail) for name, mail in self.text.items()},
                           lambda mail: gw_peers.without_first_header(self, mail, "Received"))

    def test_dovecot_stores_what_it_received_by_lmtp(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-dovecot-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)
        (directory / "mail").mkdir()
        shutil.chown(directory / "mail", "mail", "mail")
        (directory / "dovecot.conf").write_text(f"""base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
mail_location = maildir:{directory}/mail/box
first_valid_uid = 1
default_login_user = dovenull
default_internal_user = dovecot
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={directory}/mail allow_all_users=yes
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
        process = gw_peers.start([gw_peers.find("dovecot"), "-F", "-c", directory / "dovecot.conf"], directory / "out")
        self.addCleanup(process.wait, gw.WAIT)
        self.addCleanup(process.terminate)
        gw.until(lambda: (directory / "run/lmtp").exists(), "Dovecot listens")
        self.push(f"lmtp://{directory}/run/lmtp", "--rcpt", "archive@example.com")
        # Dovecot stores LF and puts Return-Path, Delivered-To and Received before each mail.
        stored = [path.read_bytes() for path in (directory / "mail/box/new").iterdir()]
        self.assertEqual(len(stored), len(self.text))
        for name, mail in self.text.items():
            wanted = mail.replace(b"\r\n", b"\n")
            found = [each for each in stored if each.endswith(b"\n" + wanted)]
            self.assertTrue(found, name)


if __name__ == "__main__":
    gw.main()
