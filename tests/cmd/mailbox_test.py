#!/usr/bin/python3
"""gw-store mailbox: made, set, listed, opened with the old password, the new one, the recovery key."""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


def recovery_vault(vault):
    """Another vault beside this one, with a recovery key."""
    vault.env["GW_VAULT"] = str(vault.folder / "second")
    vault.path = vault.folder / "second"
    key = vault.side / "recovery.key"
    vault.store("init", "--host", "gw.example.com", "--recovery-key-file", key, "--cheap-passwords")
    return key


class MailboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def show(self, name):
        return self.vault.json("mailbox", "show", name)[0]

    def test_a_new_mailbox_has_an_address_and_a_password_of_its_own(self):
        facts = self.vault.json("mailbox", "add", "made")[0]
        self.assertRegex(facts["id"], r"^[0-9a-f]{32}$")
        self.assertEqual(facts["address"], f"mbx-{facts['id']}@gateway.example.com")
        self.assertRegex(facts["password"], r"^[0-9A-Za-z._~-]{32}$")
        self.assertEqual(facts["name"], "made")
        self.assertNotIn("token", facts)
        other = self.vault.json("mailbox", "add", "made2")[0]
        self.assertNotEqual(facts["password"], other["password"])

    def test_people_see_the_password_once_and_the_grace_time(self):
        shown = self.vault.store("mailbox", "add", "people").stdout.decode()
        self.assertRegex(shown, r"(?m)^password  \S{32}$")
        self.assertRegex(shown, r"(?m)^grace     1 day$")
        password = re.search(r"(?m)^password  (\S+)$", shown).group(1).encode()
        for arguments in (["show", "people"], ["list"], ["show", "people", "--json"]):
            self.assertNotIn(password, self.vault.store("mailbox", *arguments).stdout)

    def test_a_token_is_given_where_senders_must_have_one(self):
        facts = self.vault.json("mailbox", "add", "token", "--smtp-auth")[0]
        self.assertGreaterEqual(len(facts["token"]), 27)
        self.assertTrue(self.show("token")["smtp_auth"])

    def test_a_password_that_is_given_is_not_printed_and_a_short_one_is_refused(self):
        chosen = b"correct horse battery"
        done = self.vault.store("mailbox", "add", "chosen", "--password-file", "-", "--json", input=chosen + b"\n")
        self.assertIsNone(json.loads(done.stdout)["password"])
        self.assertNotIn(chosen, done.stdout + done.stderr)
        self.vault.store("mailbox", "key", "chosen", "--password-file", "-", input=chosen)
        self.vault.store("mailbox", "add", "short", "--password-file", "-", input=b"short", status=65)
        self.vault.store("mailbox", "show", "short", status=67)

    def test_a_name_is_taken_once_and_must_be_plain(self):
        self.vault.store("mailbox", "add", "once")
        self.vault.store("mailbox", "add", "once", status=73)
        for name in ("Upper", "a b", "../x", "", "x" * 65):
            self.vault.store("mailbox", "add", "--", name, status=64)

    def test_what_is_said_at_the_beginning_is_shown(self):
        self.vault.store("mailbox", "add", "said", "--description", "Führung", "--alias", "A@B.example", "--alias",
                         "c@d.example", "--allow", "192.0.2.0/24", "--quota", "200MiB", "--grace", "7", "--trace", "on")
        facts = self.show("said")
        self.assertEqual(facts["description"], "Führung")
        self.assertEqual(facts["aliases"], ["a@b.example", "c@d.example"])
        self.assertEqual(facts["allow"], ["192.0.2.0/24"])
        self.assertEqual(facts["quota"], 200 << 20)
        self.assertEqual(facts["grace"], 7 * 86400)
        self.assertEqual(facts["trace"], "on")
        self.assertEqual(self.show("a@b.example")["id"], facts["id"])
        self.assertEqual(self.show(facts["address"])["id"], facts["id"])
        self.assertEqual(self.show(facts["id"])["id"], facts["id"])

    def test_an_alias_that_all_may_send_to_is_warned_of(self):
        done = self.vault.store("mailbox", "add", "open", "--alias", "open@b.example")
        self.assertIn(b"warning", done.stderr)
        done = self.vault.store("mailbox", "add", "closed", "--alias", "closed@b.example", "--allow", "192.0.2.1")
        self.assertNotIn(b"warning", done.stderr)

    def test_bad_values_are_usage_errors_and_change_nothing(self):
        self.vault.store("mailbox", "add", "stable")
        before = self.show("stable")
        for arguments in (["--alias", "no-at"], ["--domain", "-"], ["--allow", "192.0.2.0/33"], ["--quota", "much"],
                          ["--grace", "soon"], ["--trace", "maybe"], ["--status", "gone"], ["--name", "A"]):
            self.vault.store("mailbox", "set", "stable", *arguments, status=64)
        self.assertEqual(self.show("stable"), before)

    def test_set_changes_what_is_named_and_leaves_the_rest(self):
        self.vault.store("mailbox", "add", "set", "--alias", "s@b.example", "--quota", "1MiB", "--allow", "::1")
        self.vault.store("mailbox", "set", "set", "--status", "suspended", "--hold", "on", "--allow-miss", "reject",
                         "--require-tls", "on", "--grace", "0")
        facts = self.show("set")
        self.assertEqual((facts["status"], facts["hold"], facts["allow_miss"], facts["require_tls"], facts["grace"]),
                         ("suspended", True, "reject", True, 0))
        self.assertEqual((facts["aliases"], facts["quota"]), (["s@b.example"], 1 << 20))
        self.vault.store("mailbox", "set", "set", "--alias", "", "--name", "renamed")
        self.assertEqual(self.show("renamed")["aliases"], [])
        self.vault.store("mailbox", "show", "set", status=67)
        self.vault.store("mailbox", "show", "s@b.example", status=67)
        types = [leaf["type"] for leaf in self.vault.json("history", "renamed")]
        self.assertEqual(types, ["mailbox-made", "status", "setting"])

    def test_nothing_changes_where_nothing_is_said(self):
        self.vault.store("mailbox", "add", "same")
        self.vault.store("mailbox", "set", "same")
        self.assertEqual(len(self.vault.json("history", "same")), 1)

    def test_an_old_password_ends_with_the_new_one(self):
        box = self.vault.add_mailbox("passwd")
        fresh = self.vault.json("mailbox", "passwd", "passwd", "--password-file", box.password_file)[0]["password"]
        self.assertNotEqual(fresh, box.password)
        self.vault.store("mailbox", "key", "passwd", "--password-file", box.password_file, status=77)
        self.vault.store("mailbox", "key", "passwd", "--password-file", "-", input=fresh.encode())
        chosen = self.vault.side / "chosen"
        chosen.write_text("correct horse battery\n")
        done = self.vault.store("mailbox", "passwd", "passwd", "--password-file", "-", "--new-password-file", chosen,
                                input=fresh.encode())
        self.assertEqual(done.stdout, b"")
        self.vault.store("mailbox", "key", "passwd", "--password-file", chosen)

    def test_rotation_keeps_old_mail_readable_and_seals_new_mail_to_the_new_key(self):
        box = self.vault.add_mailbox("rotate")
        old = self.vault.store("message", "add", "rotate", input=b"before").stdout.split()[0].decode()
        self.vault.store("mailbox", "rotate", "rotate", "--password-file", box.password_file)
        new = self.vault.store("message", "add", "rotate", input=b"after").stdout.split()[0].decode()
        generations = {m["id"]: m["generation"] for m in self.vault.json("message", "list", "rotate")}
        self.assertEqual(generations, {old: 1, new: 2})
        for message, octets in ((old, b"before"), (new, b"after")):
            shown = self.vault.store("message", "show", "rotate", message, "--password-file", box.password_file)
            self.assertEqual(shown.stdout, octets)
        keys = self.vault.json("mailbox", "key", "rotate", "--password-file", box.password_file)
        self.assertEqual([k["generation"] for k in keys], [2, 1])

    def test_only_a_suspended_and_empty_mailbox_is_removed(self):
        self.vault.store("mailbox", "add", "gone")
        self.vault.store("mailbox", "remove", "gone", status=75)
        message = self.vault.store("message", "add", "gone", input=b"x").stdout.split()[0].decode()
        self.vault.store("mailbox", "set", "gone", "--status", "suspended")
        self.vault.store("mailbox", "remove", "gone", status=75)
        self.vault.store("message", "remove", "gone", message)
        self.vault.store("mailbox", "remove", "gone")
        self.vault.store("mailbox", "show", "gone", status=67)

    def test_names_come_with_nul_for_scripts(self):
        names = self.vault.store("mailbox", "list", "-0").stdout
        self.assertTrue(names.endswith(b"\0"))
        listed = [m["name"] for m in self.vault.json("mailbox", "list")]
        self.assertEqual(names.decode().split("\0")[:-1], listed)
        self.assertEqual(listed, sorted(listed))


class RecoveryTest(unittest.TestCase):
    def test_the_recovery_key_opens_a_mailbox_whose_password_is_lost(self):
        with gw.Vault(tls=False) as vault:
            key = recovery_vault(vault)
            vault.store("mailbox", "add", "lost")
            vault.store("mailbox", "add", "own", "--no-recovery")
            message = vault.store("message", "add", "lost", input=b"dear mail").stdout.split()[0].decode()
            fresh = vault.json("mailbox", "passwd", "lost", "--recovery-key-file", key)[0]["password"]
            shown = vault.store("message", "show", "lost", message, "--password-file", "-", input=fresh.encode())
            self.assertEqual(shown.stdout, b"dear mail")
            done = vault.store("mailbox", "passwd", "own", "--recovery-key-file", key, status=None)
            self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    gw.main()
