#!/usr/bin/python3
"""gw-store mailbox: made, set, listed, opened with the old password, the new one, the recovery key."""
import json
import os
import pathlib
import re
import subprocess
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
        for name in ("Upper", "a b", "../x", "", "x" * 65, "-x", ".", "..", ".x"):
            self.vault.store("mailbox", "add", "--", name, status=64)
        self.vault.store("mailbox", "set", "once", "--name", "..", status=64)
        self.vault.store("admin", "add", "--role", "viewer", "--", "..", status=65)
        self.vault.store("token", "add", "--", "..", status=64)

    def test_settings_for_other_programs_are_explained_in_the_language_that_is_named(self):
        self.vault.store("mailbox", "add", "languages")
        for command in (["profile", "languages", "--for", "getmail"], ["sender", "languages", "--for", "postfix"]):
            with self.subTest(command=command[0]):
                texts = {language: self.vault.store("mailbox", *command, "--language", language).stdout
                         for language in ("en", "it", "de")}
                self.assertEqual(len(set(texts.values())), 3)
                self.assertEqual(self.vault.store("mailbox", *command).stdout, texts["en"])
                self.vault.store("mailbox", *command, "--language", "fr", status=64)

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

    def test_a_hint_is_for_the_vault_that_the_command_named(self):
        self.vault.add_mailbox("pasted")
        for options in ([], ["--vault", self.vault.path]):
            done = self.vault.store(*options, "mailbox", "remove", "pasted", status=75)
            named = "".join(f"{each} " for each in options)
            self.assertIn(f"hint: gw-store {named}mailbox set pasted --status suspended\n", done.stderr.decode())
        done = self.vault.store("--vault", self.vault.path, "mailbox", "set", "pasted", "--alias", "pasted@b.example")
        self.assertIn(f"hint: gw-store --vault {self.vault.path} mailbox set pasted --allow CIDR\n", done.stderr.decode())
        self.vault.store("mailbox", "set", "pasted", "--status", "suspended")
        done = self.vault.store("--vault", self.vault.path, "doctor", status=1)
        self.assertIn(f"  gw-store --vault {self.vault.path} mailbox set pasted --status active\n", done.stdout.decode())

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

    def test_a_set_without_a_setting_is_a_usage_error(self):
        for family, *options in (["mailbox"], ["route"], ["admin"], ["admin", "--force"], ["mailbox", "--quiet"]):
            done = self.vault.store(family, "set", "same", *options, status=64)
            self.assertIn(b"nothing to set", done.stderr)
            self.assertIn(f"hint: see gw-store {family} set --help".encode(), done.stderr)

    def test_a_setting_that_is_already_in_force_leaves_no_entry(self):
        self.vault.store("mailbox", "add", "same")
        self.vault.store("mailbox", "set", "same", "--quota", "0")
        self.assertEqual(len(self.vault.json("history", "same")), 1)

    def test_a_size_may_be_given_in_powers_of_1000(self):
        self.vault.store("mailbox", "add", "sized", "--quota", "10GB")
        self.assertEqual(self.show("sized")["quota"], 10_000_000_000)

    def test_a_name_that_does_not_exist_is_answered_with_the_nearest(self):
        self.vault.store("mailbox", "add", "records", "--alias", "office@b.example", "--allow", "::1")
        for command, near in ((["mailbox", "show", "record"], "records"), (["message", "list", "Recrods"], "records"),
                              (["mailbox", "show", "ofice@b.example"], "office@b.example")):
            self.assertIn(f"hint: did you mean `{near}`?", self.vault.store(*command, status=67).stderr.decode())
        export = self.vault.tool("gw-export", "recods", "--to", "-", status=67)
        # The socket of gw-export does not tell which mailboxes there are.
        self.assertIn("hint: gw-store mailbox list", export.stderr.decode())
        self.assertIn("hint: gw-store mailbox list", self.vault.store("mailbox", "show", "xyzzy", status=67).stderr.decode())
        self.vault.store("route", "add", "outgoing", "--protocol", "smtp", "--upstream", "a.example:25", "--tls", "starttls",
                         "--mailbox", "records")
        self.vault.store("token", "add", "nagios")
        self.vault.store("admin", "add", "anna", "--role", "viewer")
        for command, near in ((["route", "show", "outgoin"], "outgoing"), (["token", "revoke", "nagois"], "nagios"),
                              (["admin", "remove", "ana"], "anna")):
            done = self.vault.store(*command, status=66)
            self.assertIn(f"hint: did you mean `{near}`?", done.stderr.decode())

    def test_one_entry_of_a_list_is_added_or_removed(self):
        self.vault.store("mailbox", "add", "listed", "--alias", "a@b.example", "--allow", "192.0.2.0/24", "--domain", "c.example")
        self.vault.store("mailbox", "set", "listed", "--add-alias", "d@b.example", "--add-alias", "A@B.example",
                         "--add-allow", "::1", "--add-domain", "e.example", "--remove-domain", "C.example")
        facts = self.show("listed")
        self.assertEqual((facts["aliases"], facts["allow"], facts["domains"]),
                         (["a@b.example", "d@b.example"], ["192.0.2.0/24", "::1"], ["e.example"]))
        self.vault.store("mailbox", "set", "listed", "--remove-alias", "A@B.example", "--remove-allow", "192.0.2.0/24")
        facts = self.show("listed")
        self.assertEqual((facts["aliases"], facts["allow"]), (["d@b.example"], ["::1"]))
        for wrong, text in ((["--remove-alias", "a@b.example"], "the mailbox has no `a@b.example`"),
                            (["--add-allow", "192.0.2.0/33"], "--add-allow: `192.0.2.0/33` is not"),
                            (["--add-alias", "x@b.example", "--alias", "y@b.example"], "excludes"),
                            # An empty list would let everyone send.
                            (["--remove-allow", "::1"], "without any block, everyone could send")):
            self.assertIn(text, self.vault.store("mailbox", "set", "listed", *wrong, status=64).stderr.decode())
        self.assertEqual(self.show("listed"), facts)

    def test_the_blocks_of_a_provider_are_given_by_name(self):
        self.vault.store("mailbox", "add", "cloud", "--allow", "microsoft365")
        blocks = self.show("cloud")["allow"]
        self.assertIn("40.107.0.0/16", blocks)
        self.vault.store("mailbox", "set", "cloud", "--add-allow", "192.0.2.1")
        self.assertEqual(self.show("cloud")["allow"], [*blocks, "192.0.2.1"])
        shown = self.vault.store("mailbox", "show", "cloud").stdout.decode()
        self.assertRegex(shown, r"(?m)^allow +microsoft365 \(list of \d{4}-\d\d-\d\d\), 192\.0\.2\.1$")
        self.vault.store("mailbox", "set", "cloud", "--remove-allow", "microsoft365")
        self.assertEqual(self.show("cloud")["allow"], ["192.0.2.1"])
        self.vault.store("mailbox", "set", "cloud", "--allow", "microsoft", status=64)

    def test_a_test_mail_goes_through_the_real_port(self):
        box = self.vault.add_mailbox("probe")
        smtpd = self.vault.smtpd()
        server = smtpd.address("smtp")
        server = server if isinstance(server, str) else f"{server[0]}:{server[1]}"
        tested = self.vault.json("mailbox", "test", "probe", "--server", server)[0]
        self.assertTrue(tested["delivered"])
        listed = self.vault.json("message", "list", "probe", "--password-file", box.password_file)
        self.assertEqual([(m["id"], m["subject"]) for m in listed], [(tested["message"], "Test delivery")])
        shown = self.vault.store("mailbox", "test", "probe", "--server", server).stdout.decode()
        self.assertRegex(shown, r"(?m)^> RCPT TO:<mbx-")
        self.assertRegex(shown, r"(?m)^message +[0-9a-f]{32}$")
        self.vault.store("mailbox", "set", "probe", "--allow", "192.0.2.1", "--allow-miss", "reject")
        done = self.vault.store("mailbox", "test", "probe", "--server", server, status=69)
        self.assertIn(b"the test mail did not arrive: 550 ", done.stderr)
        self.assertIn(b"< 550 ", done.stdout)
        smtpd.stop()
        self.vault.store("mailbox", "test", "probe", "--server", server, status=69)
        wrong = self.vault.store("mailbox", "test", "probe", "--server", "localhost:25", status=64)
        self.assertIn(b"--server: `localhost:25` is not ADDRESS:PORT[,tls]", wrong.stderr)

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
        self.assertEqual(done.stdout, b"changed   the new password is now valid\n")
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


class ShownFirstTest(unittest.TestCase):
    """A secret takes effect only after it has arrived where it is printed to."""

    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("box")

    def opens(self, password_file):
        return self.vault.store("mailbox", "key", "box", "--password-file", password_file, status=(0, 77)).returncode == 0

    def lost(self, *arguments):
        """Runs the command with an output that takes nothing: a full disk, a closed descriptor, a reader that has gone."""
        command = [gw.program("gw-store"), *map(str, arguments)]
        for output in ("/dev/full", "&-"):
            done = gw.run("sh", "-c", f'exec "$@" >{output}', "sh", *command, status=74, env=self.vault.env)
            self.assertIn(b"standard output", done.stderr)
            yield output
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=self.vault.env, timeout=gw.WAIT)
        os.close(writer)
        self.assertNotEqual(done.returncode, 0)
        yield "closed pipe"

    def test_a_password_that_nobody_saw_is_not_in_force(self):
        for how in self.lost("mailbox", "passwd", "box", "--password-file", self.box.password_file):
            self.assertTrue(self.opens(self.box.password_file), how)
        for how in self.lost("mailbox", "passwd", "box", "--password-file", self.box.password_file, "--json"):
            self.assertTrue(self.opens(self.box.password_file), how)
        shown = self.vault.store("mailbox", "passwd", "box", "--password-file", self.box.password_file).stdout.decode()
        self.assertRegex(shown, r"(?s)^password  \S{32}\n.*\nchanged   the new password is now valid\n$")
        self.assertFalse(self.opens(self.box.password_file))

    def test_a_wrong_password_prints_no_new_one(self):
        wrong = self.vault.side / "wrong"
        wrong.write_text("not the password of it\n")
        done = self.vault.store("mailbox", "passwd", "box", "--password-file", wrong, status=77)
        self.assertEqual(done.stdout, b"")

    def test_what_has_a_secret_that_nobody_saw_is_not_made(self):
        for how in self.lost("mailbox", "add", "other", "--smtp-auth"):
            self.assertEqual([box["name"] for box in self.vault.json("mailbox", "list")], ["box"], how)
        for how in self.lost("token", "add", "watch"):
            self.assertEqual(self.vault.json("token", "list"), [], how)
        for how in self.lost("admin", "add", "anna", "--role", "viewer"):
            self.assertEqual(self.vault.json("admin", "list"), [], how)
        self.vault.add_account("ben")
        before = self.vault.json("admin", "list")
        for how in self.lost("admin", "passwd", "ben"):
            self.assertEqual(self.vault.json("admin", "list"), before, how)

    def test_after_a_keeper_that_dies_in_the_commit_the_password_in_force_is_known(self):
        """The answer is lost, the change is perhaps durable: what is printed says which it is, and is either way enough."""
        self.vault.store("message", "add", "box", input=gw.mail(1000))
        keeper = self.vault.keeper()
        pid = self.vault.keeper_pid()
        self.vault.settle()
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-p", str(pid), "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
                                   "-e", "inject=fdatasync,fsync:signal=KILL:when=1"])
        self.addCleanup(tracer.wait, gw.WAIT)
        gw.until(lambda: "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text(), "the keeper is traced")
        done = self.vault.store("mailbox", "passwd", "box", "--password-file", self.box.password_file, "--json",
                                status=(0, 69, 75))
        gw.until(lambda: not gw.alive(pid), "the keeper has died")
        keeper.process.wait(gw.WAIT)
        printed = self.vault.side / "printed"
        printed.write_text(json.loads(done.stdout)["password"] + "\n")
        old, new = self.opens(self.box.password_file), self.opens(printed)
        self.assertEqual((old, new), (False, True) if done.returncode == 0 else (not new, new), done.stderr)
        if done.returncode == 69:
            self.assertIn(b"the old password is still valid", done.stderr)
            self.assertTrue(old)
        elif done.returncode == 75:
            self.assertIn(b"mailbox key box --password-file", done.stderr)


if __name__ == "__main__":
    gw.main()
