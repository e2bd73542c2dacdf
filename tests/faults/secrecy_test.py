#!/usr/bin/python3
"""Subject, body, addresses and passwords must not appear in the vault's directory, logs, temporary files or arguments."""
import base64
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

CANARIES = {
    "subject": "Kanarienvogel-Betreff-7361",
    "body": "canary-body-zwitscher-9921",
    "sender": "canary-sender-4410",
    "recipient": "canary-tag-5582",
    "password": "canary-PASSWORD-long-enough-0047",
    "header address": "canary-cc-2231",
}


def disguises(text):
    """Yields `text` unchanged, in hex in both cases, and in base64 at each of the three offsets."""
    raw = text.encode()
    yield raw
    yield raw.lower()
    yield raw.upper()
    yield raw.hex().encode()
    yield raw.decode().encode("utf-16-le")
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # The digits that depend on neighbouring bytes are cut off.
        yield encoded[4 if shift else 0:len(encoded) - 4]


class SecrecyTest(unittest.TestCase):
    def test_nothing_of_a_mail_can_be_found(self):
        with gw.Vault() as vault:
            password = vault.side / "chosen"
            password.write_text(CANARIES["password"] + "\n")
            password.chmod(0o600)
            box = vault.add_mailbox("journal", "--password-file", password)
            smtpd, pop3d = vault.smtpd(), vault.pop3d()
            self.live_through(vault, box, smtpd, pop3d)
            # The file that holds the password on purpose is not searched.
            password.unlink()
            box.password_file.unlink()
            self.search_processes([smtpd.pid, pop3d.pid, vault.wake_keeper()])
            smtpd.stop()
            pop3d.stop()
            vault.stop_keeper()
            self.search_files(vault)

    def live_through(self, vault, box, smtpd, pop3d):
        for size in (10, 300, 70_000):
            filler = (CANARIES["body"] + "\r\n").encode() * (size // 10)
            content = (f"From: {CANARIES['sender']}@example.com\r\nCc: {CANARIES['header address']}@example.com\r\n"
                       f"Subject: {CANARIES['subject']}\r\n\r\n").encode() + filler
            local, _, domain = box.address.partition("@")
            with gw.Smtp(smtpd) as smtp:
                smtp.command("STARTTLS")
                smtp.start_tls()
                smtp.command("EHLO client.example.com")
                reply = smtp.deliver(f"{local}+{CANARIES['recipient']}@{domain}", content,
                                     f"{CANARIES['sender']}@example.com")
            self.assertEqual(reply.code, 250, reply)
        with gw.Pop3(pop3d) as pop3:
            pop3.command("STLS")
            pop3.start_tls()
            # A wrong password and an unknown user are canaries too: they must not be logged.
            with self.assertRaises(gw.Refused):
                pop3.command(f"USER {CANARIES['sender']}")
                pop3.command(f"PASS {CANARIES['password']}")
        with gw.Pop3(pop3d) as pop3:
            pop3.command("STLS")
            pop3.start_tls()
            pop3.command(f"USER {box.id}")
            pop3.command(f"PASS {CANARIES['password']}")
            self.assertIn(CANARIES["subject"].encode(), pop3.retrieve(1))
            pop3.command("DELE 1")
            pop3.command("QUIT")
        shown = vault.store("message", "list", "journal").stdout
        self.assert_clean("message list", shown)
        vault.verify()
        for command in (("history",), ("status",), ("dump",), ("checkpoint",)):
            self.assert_clean(f"gw-store {command[0]}", vault.store(*command, status=None).stdout)

    def search_processes(self, pids):
        for pid in pids:
            for what in ("cmdline", "environ"):
                self.assert_clean(f"{what} of {pid}", pathlib.Path(f"/proc/{pid}/{what}").read_bytes())

    def search_files(self, vault):
        searched = 0
        for directory in (vault.path, vault.side):
            for path in directory.rglob("*"):
                self.assert_clean("a file's name", str(path.relative_to(directory)).encode())
                if path.is_file():
                    self.assert_clean(str(path), path.read_bytes())
                    searched += 1
        self.assertGreater(searched, 5)
        print(f"{searched} files searched", flush=True)

    def test_the_search_finds_its_canaries(self):
        for text in CANARIES.values():
            for hidden in (text.encode(), base64.b64encode(b"xx" + text.encode() + b"yy"), text.encode().hex().encode()):
                with self.assertRaises(AssertionError):
                    self.assert_clean("here", b"\0before" + hidden + b"behind")

    def assert_clean(self, where, data):
        for what, text in CANARIES.items():
            for disguise in disguises(text):
                at = data.find(disguise)
                self.assertEqual(at, -1, f"{what} is readable in {where} at byte {at} as {disguise!r}")


if __name__ == "__main__":
    gw.main()
