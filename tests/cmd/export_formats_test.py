#!/usr/bin/python3
"""Reads the formats of gw-export with other programs: tar, unzip, Python's mailbox, tarfile and zipfile."""
import json
import mailbox
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

ODD = {
    "empty": b"",
    "no end": b"Subject: x\n\nno line end",
    "from lines": b"Subject: x\n\nFrom me\n>From you\n>>From them\n\nFrom a@b Wed Nov 25 03:12:34 2026\n\n",
    "only a line end": b"\n",
    "bare CR": b"Subject: x\r\r\nbody\r",
    "NUL": b"Subject: \x00\r\n\r\n\x00\xff\r\n",
    "long": b"Subject: x\r\n\r\n" + b"y" * 300_000 + b"\r\nFrom here\r\n",
}


def unquoted(octets):
    """mboxrd undone, which Python's mailbox leaves to its user."""
    return re.sub(rb"(?m)^>(>*From )", rb"\1", octets)


def with_line_end(octets):
    """What mbox makes of a mail that does not end with one: it has no other way."""
    return octets if octets.endswith(b"\n") or not octets else octets + b"\n"


class FormatsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("corpus")
        cls.mails = {}
        for octets in [*ODD.values(), *gw_peers.corpus().values()]:
            done = cls.vault.store("message", "add", "corpus", "--from", "s@x.example", "--to", "t@y.example", input=octets)
            cls.mails[done.stdout.split()[0].decode()] = octets

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def setUp(self):
        self.folder = self.vault.side / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()
        self.out = self.folder / "out"
        self.manifest = self.folder / "manifest.jsonl"

    def export(self, form, *options, to=None, box="corpus", **more):
        return self.vault.tool("gw-export", box, "--to", to or self.out, "--format", form, "--password-file",
                               self.vault.mailboxes[box].password_file, *options, **more)

    def lines(self):
        return [json.loads(line) for line in self.manifest.read_text().splitlines()]

    def extracted(self, folder):
        """Returns the bytes of each file by id, from where the format eml would have put them."""
        found = {}
        for path in folder.rglob("*.eml"):
            self.assertRegex(str(path.relative_to(folder)), r"^\d{4}/\d\d/\d\d/[0-9a-f]{32}\.eml$")
            found[path.stem] = path.read_bytes()
        return found

    def unpack(self, command, archive):
        into = self.folder / "unpacked"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        gw.run(*command, archive, cwd=into)
        return self.extracted(into)

    def test_tar_extracts_a_tar_byte_for_byte(self):
        self.export("tar", "--manifest", self.manifest)
        self.assertEqual(self.out.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(self.unpack(["tar", "-xf"], self.out), self.mails)
        with tarfile.open(self.out) as tar:
            members = tar.getmembers()
            self.assertEqual([pathlib.PurePath(m.name).stem for m in members], list(self.mails))
            self.assertEqual({m.mode for m in members}, {0o600})
        self.assertEqual([line["file"] for line in self.lines()], [m.name for m in members])
        self.export("tar", status=73)
        before = self.out.read_bytes()
        self.export("tar", "--resume")
        self.assertEqual(self.out.read_bytes(), before)

    def test_unzip_extracts_a_zip_byte_for_byte(self):
        self.export("zip", "--manifest", self.manifest)
        self.assertEqual(self.unpack(["unzip", "-q"], self.out), self.mails)
        with zipfile.ZipFile(self.out) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.namelist(), [line["file"] for line in self.lines()])
        self.export("zip", status=73)
        self.export("zip", "--resume")

    def test_mbox_is_read_by_pythons_mailbox(self):
        self.export("mbox", "--manifest", self.manifest)
        box = mailbox.mbox(self.out, create=False)
        found = [unquoted(box.get_bytes(key)) for key in box.keys()]
        self.assertEqual(found, [with_line_end(octets) for octets in self.mails.values()])
        self.assertEqual({box.get_message(key).get_from().split()[0] for key in box.keys()}, {"s@x.example"})
        box.close()
        self.assertEqual({line["file"] for line in self.lines()}, {"out"})
        self.export("mbox", status=73)
        self.export("mbox", "--resume")

    def test_maildir_is_read_by_pythons_mailbox(self):
        self.export("maildir", "--manifest", self.manifest)
        box = mailbox.Maildir(self.out, create=False)
        self.assertEqual(sorted(box.get_bytes(key) for key in box.keys()),
                         sorted(self.mails.values()))
        for line in self.lines():
            path = self.out / line["file"]
            self.assertEqual(path.read_bytes(), self.mails[line["id"]])
            self.assertEqual(path.stat().st_mode & 0o7777, 0o600)
            self.assertRegex(line["file"], r"^new/\d+\.[0-9a-f]{32}\.gw$")
        self.assertEqual(list((self.out / "tmp").iterdir()), [])
        self.export("maildir", status=73)
        self.export("maildir", "--resume")

    def test_the_ending_of_the_name_chooses_the_format(self):
        def export(name):
            path = self.folder / name
            self.vault.tool("gw-export", "corpus", "--to", path, "--password-file",
                            self.vault.mailboxes["corpus"].password_file)
            return path
        self.assertTrue(export("a.ZIP").read_bytes().startswith(b"PK\3\4"))
        self.assertTrue(tarfile.is_tarfile(export("a.tar")))
        self.assertTrue(export("a.mbox").read_bytes().startswith(b"From "))
        self.assertTrue(export("a.other").is_dir())
        (self.folder / "dir.tar").mkdir()
        self.assertEqual(len(self.extracted(export("dir.tar"))), len(self.mails))

    def test_a_name_that_asks_for_another_format_is_refused(self):
        def export(to, status):
            return self.vault.tool("gw-export", "corpus", "--to", to, "--password-file",
                                   self.vault.mailboxes["corpus"].password_file, status=status).stderr.decode()
        for name in ("a.tar.gz", "a.TGZ", "a.7z", "a.mbox.zst"):
            self.assertIn("gw-export does not write files that end with `.", export(self.folder / name, 64))
            self.assertFalse((self.folder / name).exists())
        self.assertIn("unsupported URL scheme `http`", export("http://archive.example", 64))
        self.assertIn("the name is empty", export("", 64))
        # A directory may have any name.
        (self.folder / "dir.gz").mkdir()
        export(self.folder / "dir.gz", 0)

    def test_what_streams_goes_to_standard_output(self):
        for form in ("mbox", "tar", "zip"):
            with self.subTest(form):
                self.export(form, to=self.folder / form)
                done = self.export(form, to="-")
                self.assertEqual(done.stdout, (self.folder / form).read_bytes())
        self.assertEqual(len(subprocess.run(["tar", "-t"], input=self.export("tar", to="-").stdout, capture_output=True,
                                            check=True).stdout.splitlines()), len(self.mails))
        piped = self.folder / "piped.zip"
        piped.write_bytes(self.export("zip", to="-").stdout)
        self.assertEqual(self.unpack(["unzip", "-q"], piped), self.mails)
        self.export("maildir", to="-", status=64)
        for form in ("mbox", "tar", "zip"):
            self.export(form, "--remove", to="-", status=64)

    def test_standard_output_that_takes_nothing_is_74(self):
        for form in ("mbox", "tar", "zip"):
            command = [gw.program("gw-export"), "corpus", "--to", "-", "--format", form, "--password-file",
                       str(self.box.password_file)]
            with open("/dev/full", "wb") as full:
                done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=self.vault.env, check=False)
            self.assertEqual(done.returncode, 74, done.stderr)

    def test_several_at_work_write_the_same(self):
        for form in ("eml", "maildir", "tar"):
            manifest = self.folder / f"{form}.jsonl"
            to = self.folder / form
            self.export(form, "--jobs", "7", "--manifest", manifest, to=to)
            ids = [json.loads(line)["id"] for line in manifest.read_text().splitlines()]
            self.assertEqual(sorted(ids), sorted(self.mails))
            if form != "tar":
                self.assertEqual(sorted(p.read_bytes() for p in to.rglob("*") if p.is_file()), sorted(self.mails.values()))
        self.export("eml", "--jobs", "0", status=64)

    def test_sidecars_stand_behind_their_mails_in_an_archive(self):
        self.export("tar", "--envelope", "sidecar", "--manifest", self.manifest)
        with tarfile.open(self.out) as tar:
            names = tar.getnames()
            self.assertEqual(len(names), 2 * len(self.mails))
            for line, mail, sidecar in zip(self.lines(), names[::2], names[1::2]):
                self.assertEqual((line["file"], sidecar), (mail, mail.replace(".eml", ".json")))
                self.assertEqual(json.load(tar.extractfile(sidecar)), line)
        for form in ("mbox", "maildir"):
            self.export(form, "--envelope", "sidecar", to=self.folder / form, status=64)

    def test_the_envelope_as_header_fields_in_front(self):
        box = self.vault.add_mailbox("fields", "--alias", "secret@gateway.example.com")
        mail = b"Subject: x\r\n\r\nbody"
        with gw.Smtp(self.vault.smtpd()) as client:
            self.assertTrue(client.deliver([box.address, "secret@gateway.example.com"], mail + b"\r\n", "s@x.example").ok)
        self.vault.store("message", "add", "fields", "--from", "i@x.example", "--to", "t@y.example", input=mail)
        for form in ("eml", "tar", "mbox"):
            to = self.folder / form
            self.export(form, "--envelope", "headers", to=to, box="fields")
            self.export(form, "--envelope", "headers", "--resume", to=to, box="fields")
        received, imported = (p.read_bytes() for p in sorted((self.folder / "eml").rglob("*.eml"),
                                                            key=lambda p: b"i@x" in p.read_bytes()))
        self.assertTrue(received.startswith(b"Return-Path: <s@x.example>\r\nReceived: from client.example.com"), received)
        self.assertNotIn(b"mbx-", received)
        self.assertNotIn(b"secret@", received)
        self.assertTrue(received.endswith(b"\r\n" + mail + b"\r\n"))
        self.assertEqual(imported, b"X-Envelope-From: <i@x.example>\r\nX-Envelope-To: <t@y.example>\r\n" + mail)

    def test_envelope_fields_go_before_the_header_and_never_into_a_body(self):
        box = "places"
        self.vault.add_mailbox(box)
        fields = b"X-Envelope-From: <i@x.example>\r\nX-Envelope-To: <t@y.example>\r\n"
        expected = {}
        for lead, rest in ((b"", b"Subject : red\r\n\r\nbody\r\n"), (b"", b"X-\xe4: 1\r\nSubject: red\r\n\r\nbody\r\n"),
                           (b"From a@x Tue Mar  4 08:00:00 2025\r\n", b"Subject: red\r\n\r\nbody\r\n"),
                           (b"\xef\xbb\xbf", b"Subject: red\r\n\r\nbody\r\n"),
                           (b" folded\r\n", b"Subject: red\r\n\r\n" + b"x" * 100_000 + b"\r\n")):
            expected[lead + fields + rest] = lead + rest
        for body in (b"no header\r\n", b"", b"text\r\n\r\nSubject: no\r\n"):
            expected[fields + b"\r\n" + body] = body
        for octets in expected.values():
            self.vault.store("message", "add", box, "--from", "i@x.example", "--to", "t@y.example", input=octets)
        for form in ("eml", "tar"):
            to = self.folder / f"places-{form}"
            self.export(form, "--envelope", "headers", to=to, box=box)
            self.export(form, "--envelope", "headers", "--resume", to=to, box=box)
        self.assertEqual(sorted(p.read_bytes() for p in (self.folder / "places-eml").rglob("*.eml")), sorted(expected))
        with tarfile.open(self.folder / "places-tar") as tar:
            self.assertEqual(sorted(tar.extractfile(member).read() for member in tar), sorted(expected))


if __name__ == "__main__":
    gw.main()
