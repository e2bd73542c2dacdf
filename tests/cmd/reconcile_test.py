#!/usr/bin/python3
"""gw-store reconcile: what a provider says that it sent, compared with what a mailbox has accepted."""
import datetime
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import upgrade_test  # noqa: E402

CORPUS = gw.ROOT / "tests/corpus"
REPORT = CORPUS / "01-basic-to-cc-bcc.eml"
REPORTED = "7d1c0a55@mail.example.com"  # Message-ID of the mail in it


def stamp(hours=0):
    return f"{datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def mail(name):
    return f"From: a@example.com\r\nMessage-ID: <{name}@example.com>\r\n\r\n{name}\r\n".encode()


class ReconcileTest(unittest.TestCase):
    def setUp(self):
        self.vault = self.enterContext(gw.Vault(tls=False))
        self.box = self.vault.add_mailbox("journal")

    def add(self, content, box="journal"):
        return self.vault.json("message", "add", box, input=content)[0]["id"]

    def trace(self, *ids, name="trace.csv", status="Delivered", sender="a@example.com", time=None):
        path = self.vault.side / name
        rows = [f'"<{each}>","{time or stamp()}","{sender}","b@example.com","{status}"\n' for each in ids]
        path.write_text("MessageId,Received,SenderAddress,RecipientAddress,Status\n" + "".join(rows))
        return path

    def reconcile(self, *arguments, status=0, box=None):
        box = box or self.box
        traces = [each for path in arguments if isinstance(path, pathlib.Path) for each in ("--trace", path)]
        options = [each for each in arguments if not isinstance(each, pathlib.Path)]
        done = self.vault.store("reconcile", box.name, *traces, *options, "--json", "--password-file", box.password_file,
                                status=status)
        *lines, total = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(total.pop("result"), "total")
        return sorted((line["result"], line.get("message_id") or line["message"]) for line in lines), total

    def test_missing_extra_and_duplicate_mails(self):
        for name in ("one", "two", "two"):
            self.add(mail(name))
        extra = self.add(mail("three"))
        # The first row comes before all messages; the time of the trace is the time of extra messages.
        lines, total = self.reconcile(self.trace("one@example.com", "two@example.com", "four@example.com"),
                                      "--since", stamp(-1), "--until", stamp(1), status=3)
        self.assertEqual(lines, [("duplicate", "two@example.com"), ("extra", extra), ("missing", "four@example.com")])
        self.assertEqual((total["mails"], total["found"], total["missing"], total["messages"], total["messages_opened"]),
                         (3, 2, 1, 4, 0))
        table = self.vault.store("reconcile", "journal", "--trace", self.vault.side / "trace.csv", "--password-file",
                                 self.box.password_file, status=3).stdout.decode()
        self.assertRegex(table, r"(?m)^missing  .*<four@example.com>  a@example.com to b@example.com$")
        self.assertIn("1 missing", table)

    def test_the_mail_in_a_journal_report_counts(self):
        self.add(REPORT.read_bytes())
        lines, _ = self.reconcile(self.trace(REPORTED))
        self.assertEqual(lines, [])

    def test_mail_that_was_drained_and_swept(self):
        self.vault.store("mailbox", "set", "journal", "--grace", "1s")
        self.add(mail("gone"))
        self.add(REPORT.read_bytes())
        self.vault.tool("gw-export", "journal", "--to", self.vault.side / "out", "--format", "eml", "--remove",
                        "--password-file", self.box.password_file)

        def swept():
            self.vault.store("sweep")
            return not self.vault.json("message", "list", "journal", "--state", "all")
        gw.until(swept, "the drained messages are swept")
        lines, total = self.reconcile(self.trace("gone@example.com", REPORTED))
        self.assertEqual((lines, total["found"]), ([], 2))

    def test_mail_that_an_administrator_removed_is_never_called_missing(self):
        self.vault.store("message", "remove", "journal", self.add(mail("removed")))
        lines, total = self.reconcile(self.trace("removed@example.com"))
        self.assertEqual(lines, [("not comparable", "removed@example.com")])
        self.assertEqual((total["missing"], total["messages_not_comparable"], total["lost"]), (0, 1, 0))
        # But one message cannot be two mails, nor one of another day.
        _, total = self.reconcile(self.trace("removed@example.com", "lost@example.com"), status=3)
        self.assertEqual((total["not_comparable"], total["lost"]), (2, 1))
        lines, _ = self.reconcile(self.trace("removed@example.com", time=stamp(-72)), status=3)
        self.assertEqual(lines, [("missing", "removed@example.com")])

    def test_rules_and_times_say_what_is_expected(self):
        spam = self.trace("spam@example.com", name="spam.csv", status="Quarantined")
        self.reconcile(spam, status=3)
        self.assertEqual(self.reconcile(spam, "--ignore", "quarantined")[1]["ignored"], 1)
        self.assertEqual(self.reconcile(spam, "--ignore", "status=quar*")[1]["ignored"], 1)
        # A mail that one recipient received counts.
        self.reconcile(spam, self.trace("spam@example.com"), "--ignore", "quarantined", status=3)
        note = self.trace("note@example.com", name="note.csv", sender="<>")
        self.assertEqual(self.reconcile(note, "--ignore", "notifications")[1]["ignored"], 1)
        old = self.trace("old@example.com", name="old.csv", time="2026-01-01T00:00:00Z")
        self.assertEqual(self.reconcile(old, "--since", "2026-01-02")[1]["ignored"], 1)
        self.reconcile(old, "--until", "2026-01-02", status=3)

    def test_an_imported_mail_that_was_removed_may_be_one_of_the_time_of_its_import(self):
        file = self.vault.side / "imported.eml"
        file.write_bytes(mail("imported"))
        imported, *_ = map(json.loads, self.vault.store("import", "journal", file, "--json").stdout.splitlines())
        self.vault.store("message", "remove", "journal", imported["id"])
        lines, _ = self.reconcile(self.trace("imported@example.com"))
        self.assertEqual(lines, [("not comparable", "imported@example.com")])

    def test_a_message_without_a_message_id_hides_no_loss(self):
        extra = self.add(b"From: a@example.com\r\n\r\nx\r\n")
        lines, total = self.reconcile(self.trace("lost@example.com"), "--since", stamp(-1), "--until", stamp(1), status=3)
        self.assertEqual(lines, [("extra", extra), ("missing", "lost@example.com")])
        self.assertEqual(total["messages_not_comparable"], 0)

    def test_a_message_whose_header_exceeds_a_limit_may_be_any_mail(self):
        self.add(b"Message-ID: <many@example.com>\r\n" + b"A:\r\n" * 10_000 + b"\r\n")
        lines, total = self.reconcile(self.trace("other@example.com"), "--since", stamp(-1), "--until", stamp(1))
        self.assertEqual((lines, total["lost"]), ([("not comparable", "other@example.com")], 0))

    def test_a_row_without_a_message_id_is_no_success(self):
        self.add(mail("one"))
        lines, total = self.reconcile(self.trace("one@example.com", ""), status=3)
        self.assertEqual((lines, total["found"], total["lost"]), ([], 1, 0))

    def test_wrong_use(self):
        def fails(status, *arguments):
            return self.vault.store("reconcile", "journal", *arguments, "--password-file", self.box.password_file,
                                    status=status).stderr
        trace = self.trace("a@example.com")
        fails(64, "--trace", trace, "--ignore", "nonsense")
        fails(64, "--trace", trace, "--column", "nonsense")
        fails(64, "--trace", trace, "--zone", "Rome")
        fails(66, "--trace", self.vault.side / "none")
        unclear = self.trace("a@example.com", name="unclear.csv", time="at noon")
        self.assertIn(b"line 2: cannot read the time `at noon`", fails(65, "--trace", unclear, "--since", "2026-01-01"))
        wrong = self.vault.side / "wrong"
        wrong.write_text("x" * 32 + "\n")
        self.vault.store("reconcile", "journal", "--trace", trace, "--password-file", wrong, status=77)

    def test_nothing_of_a_message_id_is_in_a_copy_of_the_vault(self):
        self.add(mail("secret-name"))
        self.vault.stop_keeper()
        for path in self.vault.path.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"secret-name", path.read_bytes(), path)


class OldVaultTest(unittest.TestCase):
    def test_mail_of_an_older_version_is_opened_and_what_is_gone_is_not_comparable(self):
        with upgrade_test.OldVault() as vault:
            box = vault.mailboxes["journal"]
            trace = vault.side / "trace.csv"
            trace.write_text("Message ID\n<never-there@example.com>\n")
            done = vault.store("reconcile", "journal", "--trace", trace, "--json", "--password-file", box.password_file)
            line, total = [json.loads(each) for each in done.stdout.splitlines() if b'"extra"' not in each[:20]]
            self.assertEqual(line["result"], "not comparable")
            self.assertGreater(total["messages_opened"], 0)
            self.assertGreater(total["messages_not_comparable"], 0)


if __name__ == "__main__":
    gw.main()
