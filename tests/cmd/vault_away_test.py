#!/usr/bin/python3
"""The vault's directory disappears, or cannot be used, while the servers run: clients get a temporary error.

A mail that is refused permanently is lost at its sender, an archive whose login counts as wrong is banned by fail2ban.
"""
import base64
import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_web  # noqa: E402


def renamed(path):
    """Moves a part of the vault away; the way back is what this returns."""
    away = path.with_name(path.name + ".away")
    path.rename(away)

    def back():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        away.rename(path)
    return back


def closed(path):
    mode = path.stat().st_mode & 0o777
    path.chmod(0)
    return lambda: path.chmod(mode)


def replaced(vault):
    """An empty directory in its place, as a mount point has."""
    back = renamed(vault.path)
    vault.path.mkdir()
    shutil.chown(vault.path, vault.user)
    return back


# What happens to the vault, as a function that does it and returns how it is put right.
TROUBLES = {
    "the directory is gone": lambda vault: renamed(vault.path),
    "the directory is empty": replaced,
    "the directory is closed": lambda vault: closed(vault.path),
    "the format is gone": lambda vault: renamed(vault.path / "format"),
    "the format is closed": lambda vault: closed(vault.path / "format"),
    "the lock is closed": lambda vault: closed(vault.path / "lock"),
    "the database is gone": lambda vault: renamed(vault.path / "db"),
    "the database is closed": lambda vault: closed(vault.path / "db"),
    "the database's current file is gone": lambda vault: renamed(vault.path / "db/CURRENT"),
    "the database's current file is closed": lambda vault: closed(vault.path / "db/CURRENT"),
    "large messages are gone": lambda vault: renamed(vault.path / "large"),
    "large messages are closed": lambda vault: closed(vault.path / "large"),
    "the sockets' directory is closed": lambda vault: closed(vault.path / "run"),
}


@gw.need_root("runs the programs as a user whom permissions stop")
class VaultAwayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = gw.let_everybody_run_the_programs()
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.vault = gw.Vault(user="nobody")
        cls.addClassCleanup(cls.vault.close)
        cls.box = cls.vault.add_mailbox("journal")
        cls.sender = cls.vault.add_mailbox("sender", "--smtp-auth")
        cls.account = cls.vault.add_account("anna")
        cls.smtpd = cls.vault.smtpd("--allow-plaintext-auth")
        cls.pop3d = cls.vault.pop3d()
        cls.webd = cls.vault.webd()

    def browser(self):
        browser = gw_web.Browser(self.webd)
        browser.sign_in("anna", self.account)
        self.assertEqual(browser.get("/mailboxes").status, 200)
        return browser

    def trouble(self, make):
        """The keeper has ended, as it does when it is idle, and the trouble is made; both are put right at the end."""
        self.vault.stop_keeper()
        back = make(self.vault)

        def mend():
            self.vault.stop_keeper()
            back()
        self.addCleanup(mend)

    def smtp_answers(self):
        with gw.Smtp(self.smtpd) as smtp:
            offered = [line for line in smtp.ehlo.text.split("\n") if line.startswith("AUTH")]
            auth = smtp.command("AUTH PLAIN " + base64.b64encode(f"\0{self.sender.id}\0token".encode()).decode())
            self.assertEqual(smtp.command("MAIL FROM:<>").code, 250)
            recipients = [smtp.command(f"RCPT TO:<{address}>") for address in
                          (self.box.address, self.sender.address, "somebody@elsewhere.example", "mbx-" + "0" * 32 + "@x.example")]
            return offered, [auth, *recipients, smtp.command("DATA")]

    def pop3_answer(self):
        with gw.Pop3(self.pop3d) as pop3:
            try:
                pop3.command(f"USER {self.box.id}")
                return pop3.command(f"PASS {self.box.password}")
            except gw.Refused as refused:
                return str(refused)

    def check(self, name):
        browser = self.browser()
        before = self.pop3d.log().count("login failed") + self.smtpd.log().count("login failed")
        self.trouble(TROUBLES[name])
        offered, answers = self.smtp_answers()
        self.assertEqual(offered, ["AUTH PLAIN LOGIN"])
        self.assertEqual([answer for answer in answers if not answer.temporary], [])
        self.assertEqual(answers[0].code, 454)
        self.assertRegex(self.pop3_answer(), r"^-ERR \[SYS/TEMP\]")
        after = self.pop3d.log().count("login failed") + self.smtpd.log().count("login failed")
        self.assertEqual(after, before)
        # The console's session outlives it.
        self.assertEqual(browser.get("/mailboxes").status, 503)
        self.doCleanups()
        self.assertEqual(browser.get("/mailboxes").status, 200)
        with gw.Smtp(self.smtpd) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, gw.mail(1000)).code, 250)

    def test_a_server_that_started_before_the_vault_was_there_finds_it_later(self):
        self.vault.stop_keeper()
        back = renamed(self.vault.path)
        try:
            smtpd = self.vault.smtpd()
            with gw.Smtp(smtpd) as smtp:
                self.assertEqual(smtp.deliver(self.box.address, gw.mail(1000)).code, 451)
        finally:
            back()
        with gw.Smtp(smtpd) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, gw.mail(1000)).code, 250)

    def test_a_head_that_cannot_be_opened_leaves_the_vault_readable(self):
        self.trouble(lambda vault: closed(vault.path / "head"))
        with gw.Smtp(self.smtpd) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, gw.mail(1000)).code, 451)
        self.assertRegex(self.pop3_answer(), r"^\d+ message")

    def test_a_tool_says_that_it_is_not_permitted_and_not_a_wrong_password(self):
        self.trouble(lambda vault: closed(vault.path / "format"))
        out = self.vault.side / "out"
        done = self.vault.tool("gw-export", "journal", "--to", out, "--password-file", self.box.password_file, status=77)
        self.assertIn(b"Permission denied", done.stderr)
        self.assertNotIn(b"password", done.stderr)

    def test_a_database_file_that_may_not_be_read_is_not_damage(self):
        self.trouble(lambda vault: closed(vault.path / "db/CURRENT"))
        done = self.vault.store("mailbox", "list", status=77)
        self.assertIn(f"{self.vault.path}/db/CURRENT: Permission denied".encode(), done.stderr)
        self.assertIn(f"hint: chown -R --reference={self.vault.path} {self.vault.path}/db".encode(), done.stderr)

    def test_where_the_database_does_not_open_the_hint_is_how_to_rescue_it(self):
        self.trouble(lambda vault: renamed(vault.path / "db/CURRENT"))
        done = self.vault.store("mailbox", "list", status=65)
        self.assertIn(f"hint: gw-store salvage {self.vault.path} --to DIR, or gw-store restore BACKUP".encode(), done.stderr)

    def test_a_missing_vault_is_still_missing_input_to_a_tool(self):
        self.trouble(lambda vault: renamed(vault.path))
        done = self.vault.store("mailbox", "list", status=66)
        self.assertIn(b"there is no vault in ", done.stderr)


for number, trouble in enumerate(TROUBLES):
    setattr(VaultAwayTest, f"test_{number:02}_{trouble.replace(' ', '_')}", lambda self, name=trouble: self.check(name))


class AuthTest(unittest.TestCase):
    def test_a_keeper_that_restarts_within_a_session_makes_nothing_permanent(self):
        with gw.Vault() as vault:
            box = vault.add_mailbox("sender", "--smtp-auth")
            vault.stop_keeper()
            # Nobody starts a keeper of this server's own accord.
            smtpd = vault.smtpd("--allow-plaintext-auth", env={**vault.env, "INVOCATION_ID": "1"})
            with gw.Smtp(smtpd) as smtp:
                self.assertIn("AUTH PLAIN LOGIN", smtp.ehlo.text)
                self.assertEqual(str(smtp.command("AUTH PLAIN AGEAYg==")), "454 4.7.0 Temporary authentication failure")
                vault.keeper()
                self.assertEqual(smtp.command("MAIL FROM:<>").code, 250)
                self.assertEqual(smtp.command(f"RCPT TO:<{box.address}>").code, 454)
                self.assertEqual(smtp.command("DATA").code, 451)
                self.assertEqual(smtp.command("RSET").code, 250)
                # The keeper is there: now a wrong token is refused as wrong, and a missing one as missing.
                self.assertEqual(smtp.command("AUTH PLAIN AGEAYg==").code, 535)


if __name__ == "__main__":
    gw.main()
