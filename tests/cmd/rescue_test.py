#!/usr/bin/python3
"""Mail without gw: the stock age program opens what is sealed here, with the keys that gw-store prints."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


@gw.need_program("age")
class RescueTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("journal")

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def keys(self, *options):
        path = self.vault.side / "key.txt"
        path.write_bytes(self.vault.store("mailbox", "key", "journal", *options).stdout)
        return path

    def test_age_opens_every_container_to_the_exact_bytes(self):
        key = self.keys("--password-file", self.box.password_file)
        for octets in (b"", b"\x00\n\r bare", b"x" * 65536, b"x" * 65537, gw.mail(3_000_000)):
            message = self.vault.store("message", "add", "journal", input=octets).stdout.split()[0].decode()
            container = self.vault.store("message", "show", "journal", message, "--container").stdout
            opened = gw.run("age", "-d", "-i", key, input=container).stdout
            self.assertEqual(gw.sha256(opened), gw.sha256(octets), len(octets))

    def test_one_file_of_keys_opens_mail_of_every_generation(self):
        before = self.vault.store("message", "add", "journal", input=b"before").stdout.split()[0].decode()
        self.vault.store("mailbox", "rotate", "journal", "--password-file", self.box.password_file)
        after = self.vault.store("message", "add", "journal", input=b"after").stdout.split()[0].decode()
        key = self.keys("--password-file", self.box.password_file)
        for message, octets in ((before, b"before"), (after, b"after")):
            container = self.vault.store("message", "show", "journal", message, "--container").stdout
            self.assertEqual(gw.run("age", "-d", "-i", key, input=container).stdout, octets)

    def test_another_mailbox_key_opens_nothing(self):
        other = self.vault.add_mailbox("other")
        message = self.vault.store("message", "add", "journal", input=b"x").stdout.split()[0].decode()
        container = self.vault.store("message", "show", "journal", message, "--container").stdout
        key = self.vault.side / "other.txt"
        key.write_bytes(self.vault.store("mailbox", "key", "other", "--password-file", other.password_file).stdout)
        gw.run("age", "-d", "-i", key, input=container, status=1)


if __name__ == "__main__":
    gw.main()
