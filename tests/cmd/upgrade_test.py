#!/usr/bin/python3
"""A vault of version 0.1.0 (tests/vectors/vault-0.1.0) opens, verifies, drains and exports, with every byte of its mail;
and a vault of a newer format is refused before anything is written to it."""
import json
import pathlib
import re
import sys
import tarfile
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

OLD = gw.ROOT / "tests/vectors/vault-0.1.0"
EXPECTED = json.loads((OLD / "expected.json").read_text())


class OldVault(gw.Vault):
    """The old vault, unpacked into a directory of its own."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.own, self.user, self.tls = True, None, False
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-upgrade-"))
        self.side = pathlib.Path(tempfile.mkdtemp(prefix="gw-side-"))
        self.path = self.folder / "vault"
        with tarfile.open(OLD / "vault.tar.xz") as archive:
            archive.extractall(self.folder)
        self.env = gw.clean_environment({"GW_VAULT": str(self.path), "TMPDIR": str(self.side)})
        self.servers = []
        self.mailboxes = {name: gw.Mailbox(facts, self.side) for name, facts in EXPECTED["mailboxes"].items()}


def mails(state, mailbox=None, digest="sha256"):
    """The expected mails: SHA-256 by id."""
    return {mail["id"]: mail[digest] for mail in EXPECTED["mails"].values()
            if mail["state"] == state and mailbox in (None, mail["mailbox"])}


class UpgradeTest(unittest.TestCase):
    def setUp(self):
        self.vault = self.enterContext(OldVault())
        self.journal, self.office = self.vault.mailboxes["journal"], self.vault.mailboxes["office"]

    def exported(self, box, *options, password_file=None):
        to = self.vault.side / f"out-{len(list(self.vault.side.glob('out-*')))}"
        self.vault.tool("gw-export", box.name, "--to", to, "--format", "eml", "--password-file",
                        password_file or box.password_file, *options)
        return {path.stem: gw.sha256(path.read_bytes()) for path in to.rglob("*.eml")}

    def listed(self, box, state):
        return {each["id"] for each in self.vault.json("message", "list", box.name, "--state", state)}

    def test_it_verifies_with_its_checkpoint_and_each_mail(self):
        self.assertEqual(EXPECTED["version"], "0.1.0")
        note = self.vault.side / "checkpoint"
        note.write_text(EXPECTED["checkpoint"])
        self.vault.store("verify", "--against", note)
        for box in (self.journal, self.office):
            self.vault.store("verify", box.name, "--password-file", box.password_file)
            for state in ("live", "drained", "quarantined"):
                self.assertEqual(self.listed(box, state), set(mails(state, box.name)), (box.name, state))
        # What was removed can still be proved.
        [removed] = mails("removed")
        self.vault.store("prove", "journal", removed, "--password-file", self.journal.password_file)

    def test_its_mail_is_exported_and_reports_are_unwrapped(self):
        for box in (self.journal, self.office):
            self.assertEqual(sorted(self.exported(box).values()), sorted(mails("live", box.name).values()))
        inner = self.exported(self.journal, "--unwrap")
        self.assertIn(EXPECTED["inner"], inner.values())

    def test_its_mail_is_drained_and_new_mail_comes(self):
        pop3d = self.vault.pop3d()
        for box in (self.journal, self.office):
            self.assertEqual(gw.digests(gw.drain(pop3d, box)), sorted(mails("live", box.name, "pop3").values()))
        content = gw.mail(3000)
        with gw.Smtp(self.vault.smtpd()) as smtp:
            self.assertTrue(smtp.deliver(self.office.address, content).ok)
        self.assertEqual(gw.drain(pop3d, self.office), [content])
        self.vault.verify()

    def test_drained_and_quarantined_mail_comes_back(self):
        for state in ("drained", "quarantined"):
            [(message, digest)] = mails(state).items()
            self.vault.store("message", "undelete", "journal", message)
            self.assertIn(digest, self.exported(self.journal).values(), state)

    def test_its_settings_routes_accounts_and_tokens_are_there(self):
        box = self.vault.json("mailbox", "show", "journal")[0]
        self.assertEqual((box["aliases"], box["quota"], box["smtp_auth"]), (["all@upgrade.example.com"], 1 << 30, True))
        [route] = self.vault.json("route", "list")
        self.assertEqual((route["name"], route["protocol"], route["mailbox"]), ("out", "smtp", "office"))
        self.assertEqual([each["name"] for each in self.vault.json("admin", "list")], ["anna"])
        webd = self.vault.webd(listen=("127.0.0.1:0",))
        request = urllib.request.Request("http://%s:%d/api/v1/mailboxes" % webd.address("http"),
                                         headers={"Authorization": "Bearer " + EXPECTED["token"]})
        with urllib.request.urlopen(request, timeout=gw.WAIT) as answer:
            self.assertIn(b'"office"', answer.read())

    def test_a_second_recovery_key_opens_it_too(self):
        first, second = (self.vault.side / f"{name}.key" for name in ("first", "second"))
        first.write_text(EXPECTED["recovery_key"])
        gw.run("age-keygen", "-o", second)
        boxes = ["journal", "office"]
        self.assertEqual([line["mailboxes"] for line in self.vault.json("recovery", "list")], [boxes])
        self.vault.store("recovery", "add", gw.run("age-keygen", "-y", second).stdout.decode().strip(), "--recovery-key-file", first)
        self.assertEqual([line["mailboxes"] for line in self.vault.json("recovery", "list")], [boxes, boxes])
        for key in (first, second):
            self.vault.store("mailbox", "key", "journal", "--recovery-key-file", key)

    def test_the_recovery_key_still_opens_it(self):
        key = self.vault.side / "recovery.key"
        key.write_text(EXPECTED["recovery_key"])
        changed = self.vault.json("mailbox", "passwd", "journal", "--recovery-key-file", key)[0]
        new = self.vault.side / "new"
        new.write_text(changed["password"] + "\n")
        self.assertEqual(sorted(self.exported(self.journal, password_file=new).values()), sorted(mails("live", "journal").values()))

    def test_a_backup_of_it_can_be_restored(self):
        self.vault.store("backup", self.vault.side / "backup")
        self.vault.store("restore", self.vault.side / "backup", "--check")


class NewerFormatTest(unittest.TestCase):
    """What a program does with a vault that a later version has changed."""

    def setUp(self):
        self.vault = self.enterContext(OldVault())

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

    def test_a_store_of_another_kind_is_refused(self):
        self.refused(lambda text: re.sub("(?m)^requires.*$", "requires rados\nstore rados:gw@/etc/ceph/ceph.conf", text),
                     "a store of the kind `rados` needs the program gw-store-rados, which is not installed")

    def test_an_unknown_line_is_refused(self):
        self.refused(lambda text: text + "shape round\n", "unknown line: shape")


if __name__ == "__main__":
    gw.main()
