#!/usr/bin/python3
"""gw-store recovery: several people can open mailboxes whose password is lost, and the list of them can change."""
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class RecoveryTest(unittest.TestCase):
    def setUp(self):
        self.vault = self.enterContext(gw.Vault(tls=False))
        self.first, self.second, self.third = (self.key(name) for name in ("first", "second", "third"))

    def key(self, name):
        """A key file of age and its recipient."""
        path = self.vault.side / f"{name}.key"
        gw.run("age-keygen", "-o", path)
        return path, gw.run("age-keygen", "-y", path).stdout.decode().strip()

    def recipients(self):
        return {line["recipient"]: (line["state"], line["mailboxes"]) for line in self.vault.json("recovery", "list")}

    def opens(self, key, mailbox, status=0):
        self.vault.store("mailbox", "key", mailbox, "--recovery-key-file", key, status=status)

    def test_a_vault_without_recovery_gets_it(self):
        box = self.vault.add_mailbox("journal")
        self.assertIn(b"none: if a password is lost", self.vault.store("recovery", "list").stdout)
        self.vault.store("recovery", "apply", "journal", "--password-file", box.password_file, status=75)
        told = self.vault.store("recovery", "add", self.first[1]).stdout.decode()
        self.assertIn("no recovery: journal\n  gw-store recovery apply journal\n", told)
        self.assertEqual(self.recipients(), {self.first[1]: ("present", [])})
        # A change of the password is no wish for recovery; apply is.
        self.vault.store("mailbox", "passwd", "journal", "--password-file", box.password_file, "--new-password-file", box.password_file)
        self.opens(self.first[0], "journal", status=66)
        self.vault.store("recovery", "apply", "journal", "--password-file", box.password_file)
        self.opens(self.first[0], "journal")
        self.assertEqual(self.recipients(), {self.first[1]: ("present", ["journal"])})

    def test_recipients_come_and_go(self):
        self.vault.store("recovery", "add", self.first[1])
        self.vault.add_mailbox("journal")
        other = self.vault.add_mailbox("other")
        # The second one opens nothing yet, and a key that opens nothing cannot change that.
        self.vault.store("recovery", "add", self.second[1])
        self.assertEqual(self.recipients(), {self.first[1]: ("present", ["journal", "other"]), self.second[1]: ("present", [])})
        self.opens(self.second[0], "journal", status=77)
        doctor = self.vault.json("doctor", status=1)
        [finding] = [f for f in doctor if f["check"] == "recovery" and f["level"] == "warning"]
        self.assertEqual(finding["hint"], "gw-store recovery apply journal")
        self.vault.store("recovery", "apply", "journal", "--recovery-key-file", self.first[0])
        self.opens(self.second[0], "journal")
        self.vault.store("mailbox", "rotate", "other", "--password-file", other.password_file)
        self.opens(self.second[0], "other")
        # Without the first one, immediately; it opens nothing any more, and nobody else's slot is lost.
        done = self.vault.store("recovery", "remove", self.first[1], "--recovery-key-file", self.second[0])
        self.assertIn(b"gw-store mailbox rotate", done.stdout)
        self.assertEqual(self.recipients(), {self.first[1]: ("removed", []), self.second[1]: ("present", ["journal", "other"])})
        self.opens(self.first[0], "journal", status=77)
        self.opens(self.second[0], "journal")
        self.vault.store("recovery", "remove", self.second[1], status=75)  # the last one
        # A key that opens no mailbox: the list changes, the mailboxes are named.
        done = self.vault.store("recovery", "add", self.third[1], "--recovery-key-file", self.first[0], status=3)
        self.assertIn(b"mailbox journal: ", done.stderr)
        self.assertEqual(self.recipients()[self.third[1]], ("present", []))
        history = self.vault.store("history").stdout.decode()
        for what in (f"{self.first[1]} added", f"{self.first[1]} removed", f"{self.third[1]} added"):
            self.assertIn(f"recovery recipient {what}\n", history)

    def test_a_command_that_was_interrupted_after_the_list_was_written_is_repeated(self):
        self.vault.store("recovery", "add", self.first[1])
        self.vault.add_mailbox("journal")
        # Without a key only the list changes, as if the run had been killed before it sealed the mailbox.
        self.vault.store("recovery", "add", self.second[1])
        self.vault.store("recovery", "add", self.second[1], status=73)
        self.vault.store("recovery", "add", self.second[1], "--recovery-key-file", self.first[0])
        self.assertEqual(self.recipients()[self.second[1]], ("present", ["journal"]))
        self.vault.store("recovery", "remove", self.first[1])
        self.opens(self.first[0], "journal")
        self.vault.store("recovery", "remove", self.first[1], status=73)
        self.vault.store("recovery", "remove", self.first[1], "--recovery-key-file", self.second[0])
        self.opens(self.first[0], "journal", status=77)
        self.vault.store("recovery", "remove", self.third[1], "--recovery-key-file", self.second[0], status=66)

    def test_a_vault_is_created_with_several(self):
        folder, key = self.vault.side / "several", self.vault.side / "own.key"
        env = {**self.vault.env, "GW_VAULT": str(folder)}

        def store(*arguments, **more):
            return gw.run(gw.program("gw-store"), *arguments, env=env, **more).stdout.decode()
        told = store("init", "--recovery-key-file", key, "--recovery-recipient", self.first[1], "--recovery-recipient", self.second[1],
                     "--cheap-passwords")
        self.assertIn(f"              {self.second[1]}\n", told)
        store("mailbox", "add", "journal")
        identities = {store("mailbox", "key", "journal", "--recovery-key-file", each) for each in (key, self.first[0], self.second[0])}
        self.assertEqual(len(identities), 1)
        process = int((folder / "lock").read_text().split()[0])
        os.kill(process, signal.SIGTERM)
        gw.until(lambda: not gw.alive(process), "the keeper ends")

    def test_what_is_no_recipient_is_refused(self):
        for text in ("age1nonsense", "ssh-ed25519 AAAA", "age1yubikey1qqq", self.first[0].read_text().split()[-1]):
            self.assertNotIn(b"AGE-SECRET-KEY-1", self.vault.store("recovery", "add", text, status=64).stderr)
        self.vault.store("recovery", "add", self.first[1])
        self.vault.store("recovery", "add", self.first[1], status=73)
        self.vault.store("recovery", "remove", self.second[1], status=66)


if __name__ == "__main__":
    gw.main()
