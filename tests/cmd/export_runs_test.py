#!/usr/bin/python3
"""gw-export from run to run: filters, cursor, draining in every format, killed and gone on with, a full disk."""
import contextlib
import json
import mailbox
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

FORMATS = ("eml", "maildir", "mbox", "tar", "zip")


def contents(form, path):
    """The mails of an export, whatever its format."""
    if form == "mbox":
        with contextlib.closing(mailbox.mbox(path, create=False)) as box:
            return [re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(key)) for key in box.keys()]
    if form == "tar":
        with tarfile.open(path) as tar:
            return [tar.extractfile(member).read() for member in tar]
    if form == "zip":
        with zipfile.ZipFile(path) as archive:
            return [archive.read(name) for name in archive.namelist()]
    return [p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()]


class RunsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "")[:40].strip("_")
        self.box = self.vault.add_mailbox(self.name)
        self.folder = self.vault.side / self.name
        self.folder.mkdir()
        self.out = self.folder / "out"
        self.manifest = self.folder / "manifest.jsonl"

    def add(self, octets, *options):
        return self.vault.store("message", "add", self.name, *options, input=octets).stdout.split()[0].decode()

    def command(self, form, *options, to=None):
        return ["gw-export", self.name, "--to", to or self.out, "--format", form, "--password-file",
                self.box.password_file, *options]

    def export(self, form, *options, to=None, **more):
        return self.vault.tool(*self.command(form, *options, to=to), **more)

    def exported(self, *options, form="mbox"):
        """The mails, by way of standard output."""
        out = self.folder / "stream"
        out.write_bytes(self.export(form, *options, to="-").stdout)
        return contents(form, out)

    def states(self):
        return [m["state"] for m in self.vault.json("message", "list", self.name, "--state", "all")]

    def test_match_looks_at_envelope_header_and_journal_report(self):
        report = (gw.ROOT / "tests/corpus/01-basic-to-cc-bcc.eml").read_bytes()
        self.add(b"envelope sender\n", "--from", "Ann@Example.com")
        self.add(b"envelope recipient\n", "--to", "x@y.example", "--to", "ann@example.com")
        self.add(b"From: Ann <ann@example.com>\n\nheader\n")
        self.add(b"Cc: bo@x.example,\n \"Ann\" <ANN@EXAMPLE.COM>, c@x.example\n\nfolded header\n")
        self.add(b"From: joann@example.com\nTo: ann@example.com.au, ann@sub.example.com\n\nann@example.com\n")
        self.add(report, "--from", "journal@z.example")
        self.assertEqual([o.splitlines()[-1] for o in self.exported("--match", "ann@example.com")],
                         [b"envelope sender", b"envelope recipient", b"header", b"folded header"])
        bcc = json.loads((gw.ROOT / "tests/corpus/01-basic-to-cc-bcc.expected.json").read_text())["recipients"]["bcc"][0]
        self.assertEqual(self.exported("--match", bcc["address"]), [report])
        self.assertEqual(len(self.exported("--match", "@y.example", "--match", bcc["address"])), 2)
        self.assertEqual(self.exported("--match", "nobody@example.com"), [])
        self.export("mbox", "--match", "ann", to="-", status=64)

    def test_match_finds_an_address_in_every_spelling_and_field(self):
        found = [
            b"To: x@example.org\nTo: bob@example.org\n",
            b"Delivered-To: list@example.org\nDelivered-To: bob@example.org\n",
            b"X-Envelope-To: <bob@example.org>\n",
            b"To: bob (Bob) @ example.org\n",
            b"To: \"bob\"@example.org\n",
            b"Cc: \"O'Hara, Bob\" <Bob+news@EXAMPLE.org.>\n",
            b"From: =?utf-8?q?bob=40example=2Eorg?= <list@example.com>\n",
            b"X Spam: no\nSubject: a\rb\n>From - x\nTo: bob@example.org\n",
            b"\xef\xbb\xbfTo: bob@example.org\n",
            b" folded\nTo: bob@example.org\n",
            b"To: " + b"x@example.com,\n " * 20_000 + b"y@example.com\n"]  # too long to be looked at as a whole
        left_out = [b"To: bob@example.com\n", b"Subject: bob@example.org\n", b"To: jim.bob@example.org, bob@example.org.au\n",
                    b"no header\n\nTo: bob@example.org\n"]
        for number, header in enumerate(found + left_out):
            self.add(header + b"\n%d\n" % number)
        self.assertEqual([int(o.splitlines()[-1]) for o in self.exported("--match", "\"Bob\"@Example.org")],
                         list(range(len(found))))

    def test_match_compares_names_and_domains_outside_ascii(self):
        for number, to in enumerate(("jürgen@müller.example", "Jürgen@xn--mller-kva.example", "ju\u0308rgen@MÜLLER.example",
                                     "juergen@müller.example")):
            self.add(f"To: {to}\n\n{number}\n".encode())
        numbers = lambda *options: [int(o.splitlines()[-1]) for o in self.exported(*options)]  # noqa: E731
        self.assertEqual(numbers("--match", "JÜRGEN@xn--mller-kva.example"), [0, 1, 2])
        self.assertEqual(numbers("--match", "@Müller.example"), [0, 1, 2, 3])

    def test_match_looks_at_the_mail_within_a_report_and_at_reports_within_it(self):
        folder = gw.ROOT / "tests/corpus/gateways"
        expected = json.loads((folder / "expected.json").read_text())
        for name in expected:
            self.add((folder / f"{name}.eml").read_bytes())
        self.assertEqual(len(self.exported("--match", "ann@corp.example.com")), len(expected))
        deep = (folder / "journal-of-journal.eml").read_bytes()
        self.assertEqual(self.exported("--match", "deepbcc@example.org"), [deep])
        hidden = [(folder / f"{name}.eml").read_bytes() for name in ("ndr-base64", "ndr-plain")]
        self.assertEqual(sorted(self.exported("--match", "hidden@example.org")), sorted(hidden))

    def test_state_chooses_what_pop3_does_not_show(self):
        ids = [self.add(b"%d\n" % i) for i in range(3)]
        self.vault.store("message", "quarantine", self.name, ids[1])
        self.assertEqual(self.exported(), [b"0\n", b"2\n"])
        self.assertEqual(self.exported("--state", "quarantined"), [b"1\n"])
        self.assertEqual(self.exported("--state", "all"), [b"0\n", b"1\n", b"2\n"])
        self.assertEqual(self.exported("--state", "unconfirmed"), [])
        self.export("eml", "--state", "quarantined", "--remove", status=64)
        self.export("tar", "--state", "quarantined", "--manifest", self.manifest)
        self.assertEqual(json.loads(self.manifest.read_text())["state"], "quarantined")

    def test_a_cursor_gives_each_mail_to_exactly_one_run(self):
        cursor = self.folder / "cursor"
        self.assertEqual(self.exported("--cursor", cursor), [])
        first = [self.add(b"%d\n" % i) and b"%d\n" % i for i in range(3)]
        smtpd = self.vault.smtpd()
        with gw.Smtp(smtpd) as client:
            # Begun before the next run and committed after it: its id and its time are older than those of the run.
            self.assertEqual(client.envelope(self.box.address).code, 354)
            client.send(b"x" * 200_000 + b"\r\n")
            self.assertEqual(self.exported("--cursor", cursor), first)
            self.add(b"3\n")
            self.assertTrue(client.body(b"end\r\n").ok)
        late = self.exported("--cursor", cursor)
        self.assertEqual([len(o) for o in late], [2, 200_007])
        self.assertEqual(self.exported("--cursor", cursor), [])
        self.assertEqual(cursor.stat().st_mode & 0o777, 0o600)
        self.export("mbox", "--cursor", cursor, "--until", "2026-01-01", to="-", status=64)
        self.vault.add_mailbox("other")
        self.vault.tool("gw-export", "other", "--to", "-", "--format", "mbox", "--cursor", cursor, "--password-file",
                        self.vault.mailboxes["other"].password_file, status=64)
        cursor.write_text("{}\n")
        self.export("mbox", "--cursor", cursor, to="-", status=65)

    def test_what_a_cursor_passed_over_is_found_when_it_comes_back(self):
        cursor = self.folder / "cursor"
        ids = [self.add(b"%d\n" % i) for i in range(6)]
        self.vault.store("message", "quarantine", self.name, ids[1], ids[4])
        self.export("eml", "--remove", "--since", "2000-01-01", to=self.folder / "other", status=0)  # drains four
        done = self.export("mbox", "--cursor", cursor, to="-")
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"6 messages examined, 0 written, 0 B, 6 skipped (4 drained, 2 quarantined)", done.stderr)
        self.add(b"6\n")
        self.assertEqual(self.exported("--cursor", cursor), [b"6\n"])
        self.vault.store("message", "undelete", self.name, ids[1], ids[2])
        self.assertEqual(self.exported("--cursor", cursor), [b"1\n", b"2\n"])
        self.assertEqual(self.exported("--cursor", cursor), [])
        # One that was written is in no other run, though it goes and comes back.
        self.vault.store("message", "quarantine", self.name, ids[1])
        self.assertEqual(self.exported("--cursor", cursor), [])
        self.vault.store("message", "undelete", self.name, ids[1], ids[3])
        self.vault.store("message", "remove", self.name, ids[5])
        # The same where the mail is taken: what the lease does not show waits.
        self.export("tar", "--remove", "--cursor", cursor, to=self.folder / "taken")
        self.assertEqual(contents("tar", self.folder / "taken"), [b"3\n"])
        self.assertEqual(len(json.loads(cursor.read_text())["waiting"]), 2)
        self.vault.store("message", "undelete", self.name, ids[0], ids[3], ids[4])
        self.export("tar", "--remove", "--cursor", cursor, to=self.folder / "next")
        self.assertEqual(contents("tar", self.folder / "next"), [b"0\n", b"4\n"])
        self.assertEqual(json.loads(cursor.read_text())["waiting"], [])

    def test_a_cursor_of_an_earlier_version_is_gone_on_with(self):
        cursor = self.folder / "cursor"
        ids = [self.add(b"%d\n" % i) for i in range(3)]
        self.vault.store("message", "quarantine", self.name, ids[1])
        self.assertEqual(self.exported("--cursor", cursor), [b"0\n", b"2\n"])
        old = json.loads(cursor.read_text())
        del old["waiting"]
        cursor.write_text(json.dumps(old))
        self.assertEqual(self.exported("--cursor", cursor), [])
        self.vault.store("message", "undelete", self.name, ids[1])
        self.assertEqual(self.exported("--cursor", cursor), [b"1\n"])
        cursor.write_text(json.dumps({**old, "waiting": [0]}))
        self.export("mbox", "--cursor", cursor, to="-", status=65)

    def test_a_run_that_fails_leaves_the_cursor(self):
        cursor = self.folder / "cursor"
        self.add(b"1\n")
        self.export("tar", "--cursor", cursor)
        before = cursor.read_bytes()
        self.add(b"2\n")
        self.export("tar", "--cursor", cursor, status=73)
        self.assertEqual(cursor.read_bytes(), before)
        self.export("tar", "--cursor", cursor, to=self.folder / "next")
        self.assertEqual(contents("tar", self.folder / "next"), [b"2\n"])

    def test_mail_that_is_passed_over_does_not_hide_what_is_newer(self):
        """More mail than is drained together."""
        for i in range(5):
            self.add(b"%d\n" % i)
        self.add(b"new\n")
        new = self.vault.json("message", "list", self.name)[-1]["received_at"]
        self.export("eml", "--remove", "--since", new, "--drain-batch", 3)
        self.assertEqual(contents("eml", self.out), [b"new\n"])
        # A single file takes three, and says that more is left.
        said = self.export("mbox", "--remove", "--drain-batch", 3, to=self.folder / "three").stderr
        self.assertIn(b"3 written", said)
        self.assertIn(b"run again", said)
        # Exactly as many are left as one file takes.
        said = self.export("mbox", "--remove", "--drain-batch", 2, to=self.folder / "two").stderr
        self.assertIn(b"2 written", said)
        self.assertNotIn(b"run again", said)
        self.assertEqual(contents("mbox", self.folder / "three") + contents("mbox", self.folder / "two"),
                         [b"%d\n" % i for i in range(5)])
        self.assertEqual(set(self.states()), {"drained"})
        # In a format of many files one run drains all of it.
        for i in range(7):
            self.add(b"later %d\n" % i)
        self.export("maildir", "--remove", "--drain-batch", 3, to=self.folder / "dir")
        self.assertEqual(len(contents("maildir", self.folder / "dir")), 7)
        self.assertEqual(set(self.states()), {"drained"})

    def test_every_format_drains_what_it_holds(self):
        mails = [b"1\n", b"From x\n", gw.mail(100_000), b""]
        ids = [self.add(octets) for octets in mails]
        for form in FORMATS:
            with self.subTest(form):
                to = self.folder / form
                self.export(form, "--remove", "--unwrap", to=to)
                self.assertEqual(sorted(contents(form, to)), sorted(mails))
                self.assertEqual(self.states(), ["drained"] * len(mails))
                self.vault.store("message", "undelete", self.name, *ids)
        self.export("tar", "--remove", to=self.folder / "tar", status=73)
        self.assertEqual(self.states(), ["live"] * len(mails))
        self.export("tar", "--remove", "--resume", to=self.folder / "tar")
        self.assertEqual(self.states(), ["drained"] * len(mails))
        self.vault.store("verify")

    def test_a_run_that_ended_before_its_drain_is_gone_on_with_in_every_format(self):
        mails = [b"%d\n" % i for i in range(9)]
        for octets in mails:
            self.add(octets)
        for form in FORMATS:
            with self.subTest(form):
                to, manifest = self.folder / form, self.folder / f"{form}.jsonl"
                self.export(form, "--manifest", str(manifest), to=to)
                self.assertEqual(self.states(), ["live"] * len(mails))
                self.export(form, "--manifest", str(manifest), "--remove", "--resume", to=to)
                self.assertEqual(sorted(contents(form, to)), sorted(mails))
                listed = [json.loads(line)["id"] for line in manifest.read_text().splitlines()]
                self.assertEqual((len(listed), len(set(listed))), (len(mails), len(mails)))
                self.assertEqual(self.states(), ["drained"] * len(mails))
                self.vault.store("message", "undelete", self.name, *listed)

    def test_a_killed_run_is_gone_on_with_in_every_format(self):
        mails = [b"%d\n" % i + b"z" * 60_000 + b"\n" for i in range(60)]
        for octets in mails:
            self.add(octets)
        kills = 0
        for form in FORMATS:
            with self.subTest(form):
                to = self.folder / form
                manifest = self.folder / f"{form}.jsonl"
                options = ("--remove", "--manifest", str(manifest))
                command = [str(c) for c in self.command(form, *options, to=to)]
                with subprocess.Popen([gw.program(command[0]), *command[1:]], env=self.vault.env,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                    part = self.folder / f".{form}.part"
                    gw.until(lambda: process.poll() is not None or (part.exists() and part.stat().st_size > 0) or
                             any(to.rglob("*.eml")) or any(to.glob("new/*")), "something is written")
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGKILL)
                killed = process.returncode == -signal.SIGKILL and self.states() == ["live"] * len(mails)
                if killed:
                    kills += 1
                    if to.is_file():  # killed between its whole file and the drain
                        self.assertEqual(sorted(contents(form, to)), sorted(mails))
                    self.export(form, *options, "--resume", to=to)
                self.assertEqual(sorted(contents(form, to)), sorted(mails))
                self.assertFalse(part.exists())
                listed = [json.loads(line)["id"] for line in manifest.read_text().splitlines()]
                self.assertEqual(len(set(listed)), len(mails))
                self.assertEqual(len(listed), len(mails))
                self.assertEqual(self.states(), ["drained"] * len(mails))
                self.vault.store("message", "undelete", self.name, *listed)
        self.assertGreater(kills, 0, "every run was over before it was killed")

    @gw.need_root("mounts a small tmpfs")
    def test_a_full_disk_is_73_or_74_and_nothing_is_lost(self):
        mails = [b"%d\n" % i + os.urandom(40_000).hex().encode() + b"\n" for i in range(20)]
        for octets in mails:
            self.add(octets)
        disk = self.folder / "disk"
        disk.mkdir()
        for form in FORMATS:
            with self.subTest(form):
                gw.run("mount", "-t", "tmpfs", "-o", "size=512k", "none", disk)
                try:
                    self.export(form, "--remove", to=disk / "out", status=(73, 74))
                    self.assertEqual(self.states(), ["live"] * len(mails))
                    gw.run("mount", "-o", "remount,size=64m", disk)
                    self.export(form, "--remove", "--resume", to=disk / "out")
                    self.assertEqual(sorted(contents(form, disk / "out")), sorted(mails))
                    self.assertEqual(self.states(), ["drained"] * len(mails))
                    ids = [m["id"] for m in self.vault.json("message", "list", self.name, "--state", "all")]
                    self.vault.store("message", "undelete", self.name, *ids)
                finally:
                    gw.run("umount", disk)


if __name__ == "__main__":
    gw.main()
