#!/usr/bin/python3
"""gw-export --unwrap: the mails in journal reports, byte for byte, and the facts of the reports."""
import base64
import json
import pathlib
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402


class UnwrapTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("journal")
        cls.mails, cls.expected = {}, {}
        for folder in gw_peers.CORPORA:
            for path in sorted(folder.glob("*.expected.json")):
                octets = (folder / path.name.replace(".expected.json", ".eml")).read_bytes()
                if octets not in cls.mails.values():
                    message = cls.add(octets)
                    cls.expected[message] = json.loads(path.read_text())
        # Looks like a report and is not one: it has the marker and no mail.
        cls.alike = [cls.add(octets) for octets in (
            b"X-MS-Journal-Report:\r\nSubject: x\r\n\r\nSender: a@example.com\r\nMessage-ID: <1@x>\r\n",
            b"", b"\x00" * 100_000)]
        # Two reports that somebody forwards, the second of them encoded, which is a report of a report.
        folder = gw.ROOT / "tests/corpus/gateways"
        cls.gateways = json.loads((folder / "expected.json").read_text())
        nested = (folder / "journal-of-journal.eml").read_bytes()
        cls.forwarded = cls.add(
            b"From: admin@example.com\r\nContent-Type: multipart/mixed; boundary=fw\r\n\r\n--fw\r\n"
            b"Content-Type: message/rfc822\r\n\r\n" + (folder / "folded-recipient.eml").read_bytes() + b"\r\n--fw\r\n"
            b"Content-Type: application/octet-stream; name=\"Report 2.eml\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(nested) + b"--fw--\r\n")
        # A report whose inner mail is larger than what is held in memory at a time.
        cls.large_inner = gw.mail(700_000)
        cls.large = cls.add(
            b"X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
            b"Content-Type: text/plain\r\n\r\nSender: a@example.com\r\nSubject: x\r\nMessage-Id: <1@x>\r\nTo: b@example.com\r\n"
            b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + cls.large_inner + b"\r\n--b--\r\n")

    @classmethod
    def add(cls, octets):
        message = cls.vault.store("message", "add", "journal", input=octets).stdout.split()[0].decode()
        cls.mails[message] = octets
        return message

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def export(self, form, *options, to, **more):
        return self.vault.tool("gw-export", "journal", "--to", to, "--format", form, "--unwrap", "--password-file",
                               self.box.password_file, *options, **more)

    def check(self, message, files, line):
        """`files`: bytes by suffix, of everything that has the message's id."""
        expected = self.expected[message]
        mail = self.mails[message]
        self.assertEqual(files[".eml"], mail)
        is_report = expected["is_journal_report"] or expected.get("contains_journal_report", False)
        self.assertEqual(line["is_journal_report"], is_report, expected["file"])
        if not is_report:
            self.assertEqual(list(files), [".eml"])
            return
        self.assertEqual(json.loads(files[".json"]), line)
        self.assertEqual(line.get("within"), None if expected["is_journal_report"] else "ndr")
        for name in ("sender", "on_behalf_of", "subject", "message_id", "recipients"):
            self.assertEqual(line[name], expected[name], f"{expected['file']}: {name}")
        self.assertEqual(len(line["inner"]), len(expected["inner"]))
        self.assertEqual(set(files), {".eml", ".json", *(f".{i + 1}.eml" for i in range(len(expected["inner"])))})
        for number, (said, inner) in enumerate(zip(line["inner"], expected["inner"]), 1):
            octets = files[f".{number}.eml"]
            self.assertEqual(gw.sha256(octets), inner["sha256"], expected["file"])
            if inner["encoding"] != "base64":
                self.assertEqual(octets, mail[inner["offset"]:inner["offset"] + inner["length"]])
            self.assertEqual((said["sha256"], said["octets"], said["message_id"]),
                             (inner["sha256"], len(octets), inner["message_id"]))
            self.assertTrue(said["file"].endswith(f"/{message}.{number}.eml"))

    def check_all(self, files, lines):
        """`files`: bytes by name."""
        lines = {line["id"]: line for line in lines}
        self.assertEqual(set(lines), set(self.mails))
        found = {message: {} for message in self.mails}
        for name, octets in files.items():
            message, suffix = pathlib.PurePath(name).name.split(".", 1)
            found[message]["." + suffix] = octets
        for message in self.expected:
            self.check(message, found[message], lines[message])
        for message in self.alike:
            self.assertEqual(found[message], {".eml": self.mails[message]})
            self.assertFalse(lines[message]["is_journal_report"])
        self.assertEqual(found[self.large][".1.eml"], self.large_inner)
        line, files = lines[self.forwarded], found[self.forwarded]
        self.assertEqual([line["within"], *(r["within"] for r in line["further"])], ["mail", "mail", "report"])
        inner = [line["inner"], *(r["inner"] for r in line["further"])]
        self.assertEqual([len(i) for i in inner], [1, 1, 1])
        for number, (said,) in enumerate(inner, 1):
            octets = files.pop(f".{number}.eml")
            self.assertEqual((said["sha256"], said["octets"]), (gw.sha256(octets), len(octets)))
        self.assertEqual(set(files), {".eml", ".json"})
        for said, name in (inner[0][0], "folded-recipient"), (inner[1][0], "journal-of-journal"):
            self.assertEqual(said["sha256"], self.gateways[name]["inner"][0]["sha256"])
        self.assertTrue(octets.endswith(b"\r\n\r\nHello 150.\r\n"), octets)
        self.assertEqual(line["recipients"]["cc"][0]["forwarded"], "old.carl@example.org")
        self.assertEqual(line["further"][1]["recipients"]["bcc"][0]["address"], "deepbcc@example.org")

    def test_files_and_sidecars(self):
        out, manifest = self.vault.side / "eml", self.vault.side / "eml.jsonl"
        self.export("eml", "--manifest", manifest, to=out)
        lines = [json.loads(line) for line in manifest.read_text().splitlines()]
        self.check_all({str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}, lines)
        protected = next(m for m, e in self.expected.items() if e["file"].startswith("06-"))
        self.assertEqual([i["protected"] for line in lines if line["id"] == protected for i in line["inner"]], [False, True])
        self.export("eml", "--manifest", manifest, "--resume", to=out)
        self.export("eml", to=out, status=73)

    def test_message_show_says_the_same_of_a_report(self):
        for message, expected in self.expected.items():
            said = self.vault.json("message", "show", "journal", message, "--journal", "--password-file",
                                   self.box.password_file)[0]
            is_report = expected["is_journal_report"] or expected.get("contains_journal_report", False)
            self.assertEqual(said["is_journal_report"], is_report, expected["file"])
            shown = self.vault.store("message", "show", "journal", message, "--journal", "--password-file",
                                     self.box.password_file).stdout.decode()
            if not is_report:
                self.assertEqual((list(said), shown), (["is_journal_report"], "not a journal report\n"))
                continue
            for name in ("sender", "on_behalf_of", "subject", "message_id", "recipients"):
                self.assertEqual(said[name], expected[name], f"{expected['file']}: {name}")
            self.assertEqual([(i["file"], i["sha256"], i["message_id"]) for i in said["inner"]],
                             [(None, i["sha256"], i["message_id"]) for i in expected["inner"]])
            for kind, recipients in expected["recipients"].items():
                for each in recipients:
                    line = each["address"] + (f", expanded from {each['expanded']}" if each["expanded"] else "")
                    line += f", forwarded from {each['forwarded']}" if each["forwarded"] else ""
                    self.assertIn(f"{kind:14}{line}\n", shown)
            self.assertIn(expected["inner"][0]["sha256"], shown)

    def test_in_an_archive(self):
        out, manifest = self.vault.side / "tar", self.vault.side / "tar.jsonl"
        self.export("tar", "--manifest", manifest, "--jobs", "3", to=out)
        with tarfile.open(out) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        self.check_all(files, [json.loads(line) for line in manifest.read_text().splitlines()])
        self.export("tar", "--resume", to=out)

    def test_a_maildir_holds_the_mails_and_the_manifest_the_rest(self):
        out, manifest = self.vault.side / "maildir", self.vault.side / "maildir.jsonl"
        self.export("maildir", "--manifest", manifest, to=out)
        for line in map(json.loads, manifest.read_text().splitlines()):
            self.assertEqual((out / line["file"]).read_bytes(), self.mails[line["id"]])
            for inner in line.get("inner", ()):
                self.assertEqual(gw.sha256((out / inner["file"]).read_bytes()), inner["sha256"])
        self.export("eml", to="-", status=64)


if __name__ == "__main__":
    gw.main()
