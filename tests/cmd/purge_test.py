#!/usr/bin/python3
"""gw-store passwd --purge, sweep --purge, mailbox remove --force, receipts: what is gone is not in the files any more."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

VERIFIER = gw.ROOT / "scripts/verify-proof"


class PurgeTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)

    def put(self, name, size):
        content = gw.mail(size, name)
        return self.vault.json("message", "add", name, input=content)[0]["id"], content

    def piece(self, name, message):
        """Ciphertext that only this container has."""
        return self.vault.store("message", "show", name, message, "--container").stdout[250:314]

    def slot(self, box):
        for line in self.vault.store("dump").stdout.splitlines():
            each = json.loads(line)
            if each["kind"] == "slot" and each["mailbox"] == box.id and each["name"] == "password":
                return bytes.fromhex(each["value"])[62:94]
        raise AssertionError("no slot")

    def holds(self, piece):
        """Returns all files of the vault that contain these bytes."""
        return [str(path.relative_to(self.vault.path)) for path in sorted(self.vault.path.rglob("*"))
                if path.is_file() and piece in path.read_bytes()]

    def take(self, box):
        self.vault.tool("gw-export", box.name, "--to", self.vault.side / f"out-{box.name}", "--format", "eml", "--remove",
                        "--password-file", box.password_file)

    def test_swept_mail_is_in_no_file_after_a_purge_and_what_stays_is_whole(self):
        box = self.vault.add_mailbox("journal", "--grace", "0")
        other = self.vault.add_mailbox("other")
        for size in (300, 5000, 50_000, 700_000):
            gone, _ = self.put("journal", size)
            kept, content = self.put("other", size)
            pieces = self.piece("journal", gone), self.piece("other", kept)
            self.vault.stop_keeper()
            self.vault.wake_keeper()
            self.assertTrue(self.holds(pieces[0]))
            self.vault.tool("gw-export", "journal", "--to", self.vault.side / f"out-{size}", "--format", "eml",
                            "--remove", "--password-file", box.password_file)
            self.assertEqual(self.holds(pieces[0]) != [], size < 500_000)
            self.assertTrue(self.vault.json("sweep", "--purge", "journal")[0]["purged"])
            self.assertEqual(self.holds(pieces[0]), [])
            self.assertTrue(self.holds(pieces[1]))
            out = self.vault.store("message", "show", "other", kept, "--raw", "--password-file",
                                   other.password_file).stdout
            self.assertTrue(out == content)
        self.vault.verify()

    def test_an_old_slot_is_in_no_file_after_a_purge(self):
        box = self.vault.add_mailbox("journal")
        old = self.slot(box)
        self.assertTrue(self.holds(old))
        self.vault.store("mailbox", "passwd", "journal", "--password-file", box.password_file)
        self.vault.stop_keeper()
        self.vault.wake_keeper()
        fresh = self.slot(box)
        self.assertNotEqual(old, fresh)
        keeper = self.vault.keeper_pid()
        self.vault.store("sweep", "--purge")
        self.assertEqual((self.holds(old), bool(self.holds(fresh))), ([], True))
        self.assertEqual(self.vault.keeper_pid(), keeper)
        box = self.vault.add_mailbox("second")
        old = self.slot(box)
        self.vault.store("mailbox", "passwd", "second", "--password-file", box.password_file, "--purge")
        self.assertEqual(self.holds(old), [])
        self.vault.verify()

    def test_a_swept_mail_is_provable_as_long_as_its_receipt_is_kept(self):
        box = self.vault.add_mailbox("journal", "--grace", "0")
        mails = [self.put("journal", size) for size in (3000, 700_000)]
        self.take(box)
        self.assertEqual(self.vault.json("message", "list", "journal", "--state", "all"), [])
        self.assertEqual(self.vault.json("verify")[-1]["receipts"], 2)
        for message, content in mails:
            proof = self.vault.json("prove", "journal", message, "--password-file", box.password_file)[0]
            self.assertEqual(proof["sha256"], gw.sha256(content))
            path = self.vault.side / "mail.eml"
            path.write_bytes(content)
            gw.run(VERIFIER, "-", "--eml", path, input=json.dumps(proof).encode())
        self.assertEqual(self.vault.json("mailbox", "show", "journal")[0]["receipts"], 90 * 86400)
        self.vault.store("mailbox", "set", "journal", "--receipts", "0")
        self.assertEqual(self.vault.json("sweep", "--purge")[0]["receipts"], 2)
        self.vault.store("prove", "journal", mails[0][0], "--password-file", box.password_file, status=66)
        self.vault.store("prove", "journal", mails[0][0])
        self.vault.verify()

    def receipts(self, *options):
        return sorted(line for line in self.vault.store(*options, "dump").stdout.splitlines() if b'"removal-record"' in line)

    def test_a_backup_and_what_is_salvaged_have_the_receipts(self):
        box = self.vault.add_mailbox("journal", "--grace", "0")
        gone = [self.put("journal", size)[0] for size in (3000, 700_000)]
        self.take(box)
        self.put("journal", 3000)
        receipts = self.receipts()
        self.assertEqual([json.loads(line)["id"] for line in receipts], sorted(gone))
        self.vault.store("backup", self.vault.side / "backup")
        restored = self.vault.side / "restored"
        self.vault.store("restore", self.vault.side / "backup", "--to", restored)
        self.vault.stop_keeper()
        salvaged = self.vault.side / "salvaged"
        self.vault.store("salvage", self.vault.path, "--to", salvaged)
        for folder in (restored, salvaged):
            self.assertEqual(self.receipts("--vault", folder), receipts)
            report = self.vault.json("--vault", folder, "verify", "journal", "--password-file", box.password_file)[-1]
            self.assertEqual((report["receipts"], report["findings"]), (2, 0))

    def test_a_password_that_nobody_has_is_reset_where_there_is_no_mail(self):
        box = self.vault.add_mailbox("journal", "--grace", "0")
        message, _ = self.put("journal", 3000)
        reset = ("mailbox", "passwd", "journal", "--reset")
        self.assertIn(b"not suspended", self.vault.store(*reset, status=75).stderr)
        self.vault.store("mailbox", "set", "journal", "--status", "suspended")
        self.assertIn(b"holds messages", self.vault.store(*reset, status=75).stderr)
        self.vault.store("message", "remove", "journal", message)
        self.vault.store(*reset, "--password-file", box.password_file, status=64)
        old = self.slot(box)
        fresh = self.vault.json(*reset, "--purge")[0]["password"]
        self.assertEqual(self.holds(old), [])
        self.vault.store("mailbox", "set", "journal", "--status", "active")
        later, content = self.put("journal", 3000)
        shown = ("message", "show", "journal", later, "--raw", "--password-file")
        self.vault.store(*shown, box.password_file, status=77)
        box.password_file.write_text(fresh + "\n")
        self.assertTrue(self.vault.store(*shown, box.password_file).stdout == content)
        self.vault.verify()

    def test_what_an_administrator_removes_leaves_no_receipt(self):
        self.vault.add_mailbox("journal")
        message, _ = self.put("journal", 3000)
        self.vault.store("message", "remove", "journal", message)
        self.assertEqual(self.vault.json("verify")[-1]["receipts"], 0)

    def test_a_mailbox_is_removed_by_force_with_all_that_is_in_it(self):
        box = self.vault.add_mailbox("journal")
        self.vault.add_mailbox("other")
        kept, _ = self.put("other", 3000)
        mails = [self.put("journal", size)[0] for size in (3000, 700_000, 5000)]
        piece = self.piece("journal", mails[0])
        slot = self.slot(box)
        self.vault.store("message", "quarantine", "journal", mails[2])
        self.vault.store("mailbox", "remove", "journal", "--force", status=75)
        self.vault.store("mailbox", "set", "journal", "--status", "suspended", "--hold", "on")
        self.vault.store("mailbox", "remove", "journal", status=75)
        self.vault.store("mailbox", "remove", "journal", "--force", status=75)
        self.vault.store("mailbox", "set", "journal", "--hold", "off")
        would = self.vault.json("mailbox", "remove", "journal", "--force", "-n")[0]
        self.assertEqual((would["messages"], would["dry_run"]), (3, True))
        self.assertEqual(len(self.vault.json("message", "list", "journal", "--state", "all")), 3)
        done = self.vault.json("mailbox", "remove", "journal", "--force", "--purge")[0]
        self.assertEqual((done["messages"], done["purged"]), (3, True))
        self.assertEqual((self.holds(piece), self.holds(slot)), ([], []))
        self.assertEqual(list((self.vault.path / "large").glob("*?????")), [])
        self.assertEqual(self.vault.json("history")[-1]["type"], "mailbox-removed")
        self.assertEqual([each["id"] for each in self.vault.json("message", "list", "other")], [kept])
        self.vault.verify()


if __name__ == "__main__":
    gw.main()
