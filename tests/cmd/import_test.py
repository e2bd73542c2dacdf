#!/usr/bin/python3
"""gw-store import: imports each mail once and byte for byte, and removes a source only when its mail is safe."""
import bz2
import fcntl
import gzip
import io
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

SHARED = gw.ROOT.parent / "shared/corpus"  # not in a release
FROM = b"From a@x.example Mon Mar  3 10:00:00 2025\n"
LATER = b"From b@x.example Tue Mar  4 10:00:00 2025\n"


def zstd_frame(size, blocks):
    """A frame of RFC 8878 with this content size and a window of 1 MiB: (type, size, bytes) of each block; 0 is raw, 1 a repeated byte."""
    frame = b"\x28\xb5\x2f\xfd\x80\x50" + size.to_bytes(4, "little")
    for number, (kind, length, octets) in enumerate(blocks):
        frame += ((number == len(blocks) - 1) | kind << 1 | length << 3).to_bytes(3, "little") + octets
    return frame


def zstd(octets):
    """Without a compressor, which Python 3.11 does not have."""
    pieces = [octets[at:at + (128 << 10)] for at in range(0, len(octets), 128 << 10)]
    return zstd_frame(len(octets), [(0, len(piece), piece) for piece in pieces])


def zstd_bomb(size):
    return zstd_frame(size, [(1, 128 << 10, b"a")] * (size >> 17))


class ImportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        # The key belongs to the user and not to the vault.
        cls.vault.env["STATE_DIRECTORY"] = str(cls.vault.side / "state")

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "")[:40].strip("_")
        self.box = self.vault.add_mailbox(self.name)
        self.folder = self.vault.side / self.name
        self.folder.mkdir()

    def bring(self, *arguments, **more):
        """The JSON lines: those of mails, and those of files. The last one, and what was said, are kept."""
        done = self.vault.store("import", self.name, *arguments, "--json", **more)
        self.said = done.stderr.decode()
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.total = lines.pop() if lines else {"looked_at": 0, "taken": 0, "passed_over": {}}
        self.assertEqual(self.total["looked_at"], self.total["taken"] + sum(self.total["passed_over"].values()))
        return [li for li in lines if li["kind"] == "mail"], [li for li in lines if li["kind"] == "file"]

    def write(self, name, octets):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
        return path

    def mails(self, *options, form="eml"):
        out = self.vault.side / f"{self.name}.out"
        shutil.rmtree(out, ignore_errors=True)
        manifest = self.vault.side / f"{self.name}.jsonl"
        manifest.unlink(missing_ok=True)
        self.vault.tool("gw-export", self.name, "--to", out, "--format", form, "--manifest", manifest, "--password-file",
                        self.box.password_file, *options)
        return [(out / line["file"]).read_bytes() for line in map(json.loads, manifest.read_text().splitlines())]

    def count(self):
        return len(self.vault.json("message", "list", self.name, "--state", "all"))

    def envelopes(self):
        self.mails()
        return [json.loads(line)["envelope"]
                for line in (self.vault.side / f"{self.name}.jsonl").read_text().splitlines()]

    def test_eml_files_and_directories_are_imported_unchanged(self):
        mails = [*gw_peers.corpus().values(), b"no end", b"From x\nnot an mbox\n", b"\x00" * 200_000]
        for number, octets in enumerate(mails):
            self.write(f"in/{number % 3}/{number:04}.eml", octets)
        self.write("in/.hidden.eml", b"hidden")
        self.write("in/0/0000.json", b"{}")
        (self.folder / "in/link.eml").symlink_to(self.write("elsewhere.eml", b"elsewhere"))
        said, files = self.bring(self.folder / "in", "--format", "eml")
        self.assertEqual(sorted(self.mails()), sorted(mails))
        self.assertEqual(len(files), len(mails))
        self.assertEqual({f["result"] for f in files}, {"ok"})
        self.assertEqual(self.total["passed_over"], {"hidden": 1, "links": 1, "sidecars": 1})
        self.assertIn(f"{len(mails) + 3} files examined, {len(mails)} accepted, 3 skipped (1 hidden, 1 links, 1 sidecars)",
                      self.said)
        for line in said:
            octets = pathlib.Path(line["file"]).read_bytes()
            self.assertEqual((line["sha256"], line["octets"]), (gw.sha256(octets), len(octets)))
        self.assertEqual(sorted(pathlib.Path(e["source"]).name for e in self.envelopes()),
                         sorted(f"{n:04}.eml" for n in range(len(mails))))
        # A second time nothing is added, and nothing is wrong.
        head = self.vault.json("history", self.name)
        said, files = self.bring(self.folder / "in", "--format", "eml")
        self.assertEqual({line["result"] for line in said}, {"present"})
        self.assertEqual(self.vault.json("history", self.name), head)
        self.assertEqual(self.bring(self.folder / "in", "--format", "eml", "--resume")[0], [])
        self.assertTrue((self.folder / "in/0/0000.eml").exists())
        self.vault.store("verify", "--password-file", self.box.password_file, self.name)

    def test_the_key_is_outside_the_vault_and_makes_the_ids(self):
        path = self.write("a.eml", b"Subject: a\n")
        key = self.vault.side / "state/fingerprint.key"
        first = self.bring(path)[0][0]["id"]
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertFalse(list(self.vault.path.rglob("fingerprint.key")))
        other = self.bring(path, "--fingerprint-key", self.folder / "other.key")[0][0]
        self.assertNotEqual(other["id"], first)
        self.assertEqual(other["result"], "ok")
        (self.folder / "bad.key").write_text("x\n")
        self.bring(path, "--fingerprint-key", self.folder / "bad.key", status=78)

    def test_each_form_of_mbox(self):
        box = (FROM + b"Subject: 1\n\n>From me\n>>From you\nFrom here on\n\n" + FROM + b"Subject: 2\n\nb")
        path = self.write("box", box)
        said, files = self.bring(path)
        self.assertEqual(self.mails(), [b"Subject: 1\n\nFrom me\n>From you\nFrom here on\n", b"Subject: 2\n\nb"])
        self.assertEqual([line["offset"] for line in said], [0, box.rindex(FROM)])
        self.assertEqual([e["mail_from"] for e in self.envelopes()], ["a@x.example"] * 2)
        self.bring(path, "--mbox-quoting", "none")
        self.assertEqual(self.mails()[-1], b"Subject: 1\n\n>From me\n>>From you\nFrom here on\n")
        self.assertEqual(self.count(), 3)
        for form in ("mboxrd", "mboxo"):  # all else is quoted, so what follows a separator does not matter
            self.bring(self.write("quoted", FROM + b"Subject: 4\n\n" + LATER + b"no header\n"), "--mbox-quoting", form)
            self.assertEqual(self.mails()[-2:], [b"Subject: 4\n", b"no header\n"])
        body = b">From x\n\n" + FROM + b"still the first\n"
        self.bring(self.write("lengths", FROM + b"Content-Length: %d\n\n" % len(body) + body + b"\n" + FROM + b"C: c\n\n"))
        self.assertEqual(self.mails()[-2:], [b"Content-Length: %d\n\n" % len(body) + body, b"C: c\n"])
        self.write("bad", b"no separator\n")
        said, files = self.bring(self.folder / "bad", "--format", "mbox", status=3)
        self.assertEqual((said, files[0]["result"]), ([], "failed"))
        self.assertIn("not an mbox", files[0]["reason"])
        self.bring(self.write("empty", b""), "--format", "mbox")

    @unittest.skipUnless(SHARED.exists(), "the shared corpus is not here")
    def test_the_corpus_of_mbox_and_maildir(self):
        for facts in sorted((SHARED / "mbox").rglob("*.json")):
            expected = json.loads(facts.read_text())
            with self.subTest(facts.name):
                said, _ = self.bring(facts.with_suffix(""), "--format", "mbox")
                self.assertEqual(len(said), expected["messages"])
                which = {"mboxrd": "original_sha256", "mboxo": None}.get(expected["format"], "stored_sha256")
                if expected.get(which):
                    self.assertEqual([line["sha256"] for line in said], expected[which])
        for facts in sorted((SHARED / "maildir").glob("*.json")):
            expected = json.loads(facts.read_text())
            with self.subTest(facts.name):
                said, _ = self.bring(facts.with_suffix(""))
                self.assertEqual(len(said), expected["messages"])
                for line in said:
                    name = str(pathlib.Path(line["file"]).relative_to(facts.with_suffix("")))
                    self.assertEqual(line["sha256"], expected.get("sha256", {}).get(name, line["sha256"]))

    @unittest.skipUnless(SHARED.exists(), "the shared corpus is not here")
    def test_the_corpus_goes_in_and_out_in_every_format_that_can_carry_it(self):
        wanted = sorted({p.read_bytes() for p in (SHARED / "eml").rglob("*") if p.is_file() and not p.name.startswith(".")})
        self.bring(SHARED / "eml", "--format", "eml")
        for form in ("eml", "maildir"):
            self.assertEqual(sorted(self.mails(form=form)), wanted)
        for form in ("tar", "zip"):
            out = self.folder / form
            self.vault.tool("gw-export", self.name, "--to", out, "--format", form, "--password-file", self.box.password_file)
            into = self.folder / f"{form}.d"
            into.mkdir()
            gw.run(*(["tar", "-xf"] if form == "tar" else ["unzip", "-q"]), out, cwd=into)
            self.assertEqual(sorted(p.read_bytes() for p in into.rglob("*.eml")), wanted)
        # And by mbox into another mailbox: the same, but for a last line's end.
        out = self.folder / "mbox"
        self.vault.tool("gw-export", self.name, "--to", out, "--format", "mbox", "--password-file", self.box.password_file)
        self.box = self.vault.add_mailbox("second")
        self.name = "second"
        self.bring(out, "--mbox-quoting", "mboxrd")
        ended = {o if o.endswith(b"\n") or not o else o + b"\n" for o in wanted}
        self.assertEqual(sorted(self.mails()), sorted(ended))

    def test_a_maildirs_flags_come_out_again(self):
        # Without colons on other systems' disks; `.Sent` has lost its empty directories on the way.
        for name in ("cur/1.a:2,FRS", "cur/2.a:2,", "cur/3.a!2,F", "cur/4.a;2,R", "new/5.a", "tmp/6.a", ".Sent/cur/7.a:2,S",
                     ".Sent/tmp/8.a", "dovecot-uidlist"):
            self.write(f"box/{name}", name.encode())
        mails = ["cur/1.a:2,FRS", "cur/2.a:2,", "cur/3.a!2,F", "cur/4.a;2,R", "new/5.a", ".Sent/cur/7.a:2,S"]
        self.write("box/archive", b"Subject: beside a Maildir\n")
        for form, more in (("maildir", []), ("auto", ["archive"])):
            said, _ = self.bring(self.folder / "box", "--format", form)
            self.assertEqual(sorted(line["file"].split("/box/")[1] for line in said), sorted(mails + more))
            beside = {"beside a Maildir": 1} if more else {"outside of cur and new": 2}
            self.assertEqual(self.total["passed_over"], {"in tmp of a Maildir": 2, **beside})
        self.mails(form="maildir")
        out = self.vault.side / f"{self.name}.out"
        self.assertEqual(sorted(p.name.partition(":2,")[2] for p in out.rglob("cur/*")), ["F", "FRS", "R", "S"])
        self.assertEqual(len(list(out.glob("new/*"))), 3)

    def test_a_maildir_that_lost_its_empty_directories_is_one(self):
        for name in ("cur/1", "deeper/new/2"):
            self.write(f"lost/{name}", b"Subject: " + name.encode() + b"\n")
        self.assertEqual(len(self.bring(self.folder / "lost", "--format", "maildir")[0]), 2)
        self.assertEqual({line["result"] for line in self.bring(self.folder / "lost")[0]}, {"present"})
        self.write("none/mail", b"Subject: x\n")
        _, files = self.bring(self.folder / "none", "--format", "maildir", status=3)
        self.assertIn("not a Maildir", files[0]["reason"])
        self.assertEqual(self.total["passed_over"], {"failed": 1, "outside of cur and new": 1})

    def test_a_source_is_removed_when_its_mail_is_safe_and_not_before(self):
        mail = b"Subject: good\n"
        good = self.write("in/good.eml", mail)
        large = self.write("in/large.eml", gw.mail(900_000))
        box = self.write("in/box", FROM + b"1\n\n" + FROM + b"2\n\n")
        inode = box.stat().st_ino
        link = self.folder / "in/link.eml"
        link.symlink_to(self.write("target.eml", b"target"))
        _, files = self.bring(self.folder / "in", "--remove")
        self.assertEqual([f["removed"] for f in files], [True] * 3)
        self.assertEqual(sorted(p.name for p in (self.folder / "in").iterdir()), ["box", "link.eml"])
        self.assertFalse(good.exists() or large.exists())
        # A program that delivers to an mbox may wait for its lock: it is emptied.
        self.assertEqual((box.stat().st_ino, box.stat().st_size), (inode, 0))
        self.assertEqual(self.bring(box, "--remove")[1][0]["result"], "empty")
        self.assertTrue(link.exists())
        self.assertEqual(self.count(), 4)
        # Again: it is there, checked, and goes.
        good.write_bytes(mail)
        said, files = self.bring(good, "--remove")
        self.assertEqual((said[0]["result"], files[0]["removed"], good.exists()), ("present", True, False))
        # It has left the mailbox: nobody can say that it is safe.
        good.write_bytes(mail)
        self.vault.store("message", "remove", self.name, said[0]["id"])
        said, files = self.bring(good, "--remove", status=3)
        self.assertEqual((said[0]["result"], files[0]["removed"], good.exists()), ("left", False, True))
        self.assertIn("was removed from the mailbox", files[0]["reason"])
        self.bring(good)

    def test_an_mbox_that_another_program_holds_stays(self):
        box = self.write("box", FROM + b"1\n\n")
        for mode, lock, why in (("r+", "LOCK_EX", "open for writing"), ("r", "LOCK_SH", "locked")):
            holder = subprocess.Popen([sys.executable, "-c", "import fcntl,sys\nf=open(sys.argv[1],sys.argv[2])\n"
                                       "fcntl.lockf(f,getattr(fcntl,sys.argv[3]))\nprint('held',flush=True)\nsys.stdin.read()",
                                       str(box), mode, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            with holder:
                holder.stdout.readline()
                _, files = self.bring(box, "--remove", status=3)
                self.assertIn(why, files[0]["reason"])
                holder.stdin.close()
            self.assertNotEqual(box.stat().st_size, 0)
        self.assertTrue(self.bring(box, "--remove")[1][0]["removed"])

    def test_a_mail_that_is_delivered_while_its_mbox_is_emptied_stays(self):
        box = self.write("box", b"".join(FROM + b"Subject: %d\n\n" % n + b"x" * 2000 + b"\n\n" for n in range(200)))
        with subprocess.Popen([gw.program("gw-store"), "import", self.name, str(box), "--remove"], env=self.vault.env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            # As delivery agents do it: open, wait for the lock, append.
            with open(box, "ab") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
                file.write(LATER + b"Subject: late\n\n")
                file.flush()
        self.assertIn(process.returncode, (0, 3))
        self.bring(box, "--remove")
        self.assertEqual(self.count(), 201)
        self.assertEqual(box.stat().st_size, 0)

    def test_what_is_no_mail_is_named_and_stays(self):
        mails = ["a.eml", "X.mbox/mbox"]
        self.write("in/a.eml", b"From: a@example.com\nSubject: a\n\nhello\n")
        self.write("in/X.mbox/mbox", FROM + b"Subject: 1\n\n1\n\n" + LATER + b"Subject: 2\n\n2\n\n")
        others = {"X.mbox/table_of_contents": b"\x00\x01" * 100, "Inbox.msf": b'// <!-- <mdb:mork:z v="1.4"/> -->\n',
                  "list.xml": b'<?xml version="1.0"?>\n<a/>\n', "archive.pst": b"!BDN" + b"\x00" * 60,
                  "zeros.eml": b"\x00" * 500, "ann.vcf": b"BEGIN:VCARD\nFN:Ann\n",
                  "manifest.jsonl": b'{"id":"1"}\n', "note.eml": b"Just a line\n", "fromage": b"From the kitchen\n"}
        for name, octets in others.items():
            self.write(f"in/{name}", octets)
        self.write("in/empty", b"")
        broken = self.write("in/mails.zip", b"PK\x03\x04" + b"\x00" * 40)
        _, files = self.bring(self.folder / "in", "--remove", status=3)
        self.assertIn("mails.zip: cannot unpack the archive", self.said)
        self.assertEqual({f["file"].split("/in/")[1] for f in files if f["removed"]}, set(mails))
        self.assertEqual({f["file"].split("/in/")[1] for f in files if f["result"] == "no mail"}, set(others))
        self.assertEqual(self.total["passed_over"], {"empty": 1, "failed": 1, "no mail": len(others)})
        broken.unlink()
        for name, octets in others.items():
            self.assertEqual((self.folder / "in" / name).read_bytes(), octets)
            self.assertIn(name, self.said)
        self.assertTrue((self.folder / "in/empty").exists())
        self.assertEqual(self.count(), 3)
        # Format eml takes it all, and still removes nothing that does not begin as a mail does.
        self.bring(self.folder / "in", "--format", "eml", "--remove", status=3)
        self.assertEqual(self.count(), 3 + len(others) + 1)
        for name, octets in others.items():
            self.assertEqual((self.folder / "in" / name).read_bytes(), octets)

    def test_an_mbox_that_follows_other_text_is_no_mbox_or_one_mail(self):
        box = b"".join(FROM + b"Subject: %d\n\n%d\n\n" % (n, n) for n in range(3))
        for name, before in (("bom", b"\xef\xbb\xbf"), ("blank", b"\n\r\n")):
            self.assertEqual(len(self.bring(self.write(name, before + box), "--remove")[0]), 3)
            self.assertEqual((self.folder / name).stat().st_size, 0)
        text = self.write("text", b"exported by some program\n\n" + box)
        for form in ("auto", "mbox"):
            said, files = self.bring(text, "--format", form, "--remove", status=3)
            self.assertEqual((said, files[0]["removed"]), ([], False))
        # One mail by its name or its beginning, several by what is in it: it is brought in as one, and named.
        for name, octets in (("several.eml", box), ("lost", b"Subject: x\n\nx\n" + box)):
            path = self.write(name, octets)
            said, files = self.bring(path, "--remove", status=3)
            self.assertEqual((len(said), files[0]["removed"]), (1, False))
            self.assertIn("separators", files[0]["reason"])
            self.assertEqual(path.read_bytes(), octets)
            self.bring(path, status=3)
            self.bring(path, "--format", "eml")
            self.bring(path, "--format", "eml", "--remove", status=3)

    def test_an_mbox_with_lines_that_may_be_separators_stays(self):
        one, two = b"Subject: 1\n\n1\n", b"Subject: 2\n\n2\n"
        cases = {"joined": (FROM + one + LATER + two, 2, True), "odd": (b"From x\n" + one + b"\n" + LATER + two, 2, True),
                 "quoting": (FROM + one + b"\n" + LATER + b"is how it looks\n", 1, False),
                 "words": (b"From x\n" + one + b"\nFrom here on\n", 1, False)}
        for name, (octets, mails, goes) in cases.items():
            with self.subTest(name):
                path = self.write(name, octets)
                self.assertEqual(len(self.bring(path)[0]), mails)
                _, files = self.bring(path, "--remove", status=0 if goes else 3)
                self.assertEqual((files[0]["removed"], path.stat().st_size), (goes, 0 if goes else len(octets)))
                self.assertEqual("separator" in (files[0]["reason"] or ""), not goes)

    def test_what_is_being_written_is_left_alone(self):
        half, rest = b"Subject: x\n\nfirst half\n", b"second half\n"
        for name, form in (("a.eml", "auto"), ("b", "eml"), ("new/c", "maildir"), ("box", "mbox")):
            with self.subTest(form):
                begin = FROM if form == "mbox" else b""
                path = self.folder / f"in-{form}" / name
                path.parent.mkdir(parents=True)
                where = path.parent.parent if form == "maildir" else path.parent
                with open(path, "wb", buffering=0) as file:
                    file.write(begin + half)
                    os.utime(path, (1e9, 1e9))  # says nothing
                    for options in ([], ["--remove"]):
                        said, files = self.bring(where, "--format", form, *options, status=3)
                        self.assertEqual((said, files[0]["result"]), ([], "being written"))
                        self.assertIn("open for writing", files[0]["reason"])
                    file.write(rest)
                self.assertEqual(self.bring(where, "--format", form, "--remove")[0][0]["octets"], len(half + rest))

    @gw.need_root("gives a file to another user")
    def test_where_no_lease_is_given_what_changed_just_now_is_left_alone(self):
        path = self.write("a.eml", b"Subject: x\n")
        os.chown(path, 65534, 65534)
        command = [gw.program("gw-store"), "import", self.name, str(path), "--remove"]
        plain = ["setpriv", "--inh-caps=-lease", "--bounding-set=-lease"]
        done = gw.run(*plain, *command, env=self.vault.env, status=3)
        self.assertIn(b"may still be written to", done.stderr)
        self.assertEqual((self.count(), path.exists()), (0, True))
        gw.run(*command, env=self.vault.env)
        self.assertEqual((self.count(), path.exists()), (1, False))

    def test_bad_input_is_named_and_the_rest_goes_on(self):
        self.write("in/a.eml", b"Subject: a")
        self.write("in/b.eml", b"Subject: b")
        (self.folder / "in/sub").mkdir()
        self.vault.store("import", self.name, self.folder / "in", self.folder / "missing", status=66)
        self.assertEqual(self.count(), 0)
        self.vault.store("import", "nobody", self.folder / "in", status=67)
        self.vault.store("import", self.name, self.folder / "in/a.eml", "--format", "spool", status=64)
        self.vault.store("import", self.name, self.folder / "in", "--follow", status=64)
        if os.geteuid() != 0:
            (self.folder / "in/a.eml").chmod(0)
            _, files = self.bring(self.folder / "in", status=3)
            self.assertEqual([f["result"] for f in files], ["failed", "ok"])
        self.vault.store("mailbox", "set", self.name, "--status", "suspended")
        self.vault.store("import", self.name, self.folder / "in", "--remove", status=75)
        self.assertTrue((self.folder / "in/b.eml").exists())

    def exported(self):
        """Mails of every kind in a mailbox of their own, with their envelopes."""
        box = self.vault.add_mailbox(f"{self.name}.from")
        mails = [b"Subject: 1\n\n1\n", b"no header\n", b"", gw.mail(300_000), b"Subject: 5\n\n" + FROM + b"Subject: x\n"]
        for number, octets in enumerate(mails):
            self.vault.store("message", "add", box.name, "--from", f"s{number}@x.example", "--to", "a@y.example", "--to",
                             f"r{number}@y.example", input=octets)

        def export(form, *options):
            out = self.folder / f"out-{form}"
            self.vault.tool("gw-export", box.name, "--to", out, "--format", form, "--password-file", box.password_file, *options)
            return out
        return mails, export

    def test_what_gw_export_wrote_comes_in_again_with_its_envelopes(self):
        mails, export = self.exported()
        wanted = sorted((f"s{n}@x.example", ["a@y.example", f"r{n}@y.example"], octets) for n, octets in enumerate(mails))
        manifest = self.folder / "manifest"
        sources = {form: export(form, "--envelope", "sidecar") for form in ("eml", "tar", "zip")}
        sources["maildir"] = export("maildir", "--manifest", manifest)
        packed = self.folder / "out.tar.gz"
        packed.write_bytes(gzip.compress(sources["tar"].read_bytes()))
        sources["tar.gz"] = packed
        sources["tar.zst"] = self.write("out.tar.zst", zstd(sources["tar"].read_bytes()))
        bare = self.folder / "bare.manifest"
        sources["mbox"] = export("mbox", "--manifest", bare)
        ways = {form: ([path], {}) for form, path in sources.items() if form not in ("maildir", "mbox")}
        ways["maildir"] = ([sources["maildir"], "--manifest", manifest], {})
        ways["mbox"] = ([sources["mbox"], "--manifest", bare, "--mbox-quoting", "mboxrd"], {})
        ways["input"] = (["-"], {"input": packed.read_bytes()})
        for way, (arguments, more) in ways.items():
            with self.subTest(way):
                self.box = self.vault.add_mailbox(f"{way}.to")
                self.name = self.box.name
                self.bring(*arguments, **more)
                found = self.mails()
                envelopes = [json.loads(line)["envelope"]
                             for line in (self.vault.side / f"{self.name}.jsonl").read_text().splitlines()]
                missing = [b""] if way == "maildir" else []  # an empty file says nothing there
                self.assertEqual(sorted((e["mail_from"], [r["address"] for r in e["rcpt_to"]], octets)
                                        for e, octets in zip(envelopes, found)),
                                 [w for w in wanted if w[2] not in missing])
                self.assertTrue(all("received 20" in e["source"] for e in envelopes))

    def test_compressed_files_and_standard_input(self):
        mail, box = b"Subject: a\n\n" + os.urandom(200_000), FROM + b"Subject: 1\n\n" + LATER + b"Subject: 2\n\n"
        for name, octets, mails in (("a.eml.gz", gzip.compress(mail), 1), ("box.gz", gzip.compress(box), 2)):
            path = self.write(name, octets)
            said, files = self.bring(path, "--remove")
            self.assertEqual((len(said), files[0]["removed"], path.exists()), (mails, True, False))
        for octets in (mail, box):
            said, _ = self.bring("-", input=octets)
            self.assertEqual({line["result"] for line in said}, {"present"})
        self.assertEqual(self.bring("-", "--format", "eml", input=box)[0][0]["octets"], len(box))
        self.assertEqual(self.bring("-", input=b"")[1][0]["result"], "empty")
        self.bring("-", input=b"just text\n", status=3)
        self.bring("-", "--remove", input=mail, status=64)
        self.bring("-", "--format", "maildir", input=mail, status=64)
        # A damaged one: what came before is in, the file stays and is named.
        cut = self.write("cut.gz", gzip.compress(mail)[:100_000])
        _, files = self.bring(cut, "--remove", status=3)
        self.assertEqual((files[0]["result"], cut.exists()), ("failed", True))
        self.bring(self.write("empty.gz", gzip.compress(b"")), "--remove")
        self.assertTrue((self.folder / "empty.gz").exists())

    def test_what_is_no_mail_in_an_archive_is_named_and_the_archive_stays(self):
        path = self.folder / "all.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("deep/a", b"Subject: a\n")
            archive.writestr("deep/picture.png", b"\x89PNG\n")
            archive.writestr("box", FROM + b"Subject: 1\n\n" + LATER + b"Subject: 2\n\n")
        said, files = self.bring(path, "--remove", status=3)
        self.assertEqual([(line["entry"], line["offset"]) for line in said], [("deep/a", None), ("box", 0), ("box", 54)])
        self.assertEqual((files[0]["left"], files[0]["removed"]), (1, False))
        self.assertIn("deep/picture.png", files[0]["reason"])
        self.assertTrue(path.exists())
        # Links lead nowhere, and nothing is unpacked to a disk.
        path = self.folder / "link.tar"
        with tarfile.open(path, "w") as tar:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(link)
            hard = tarfile.TarInfo("hard")
            hard.type, hard.linkname = tarfile.LNKTYPE, "mail"
            device = tarfile.TarInfo("device")
            device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 5
            for item in (hard, device):
                tar.addfile(item)
            for name in ("../../up", "/tmp/there", "a/../b", "n" * 5000, "f\u00fcr/..mail"):
                mail = tarfile.TarInfo(name)
                mail.size = 11
                tar.addfile(mail, io.BytesIO(b"Subject: b\n"))
        said, files = self.bring(path, "--remove", status=3)
        self.assertEqual(([line["entry"] for line in said], files[0]["left"], files[0]["removed"]), (["f\u00fcr/..mail"], 7, False))
        for name, why in (("link", "is a link"), ("hard", "is a link"), ("device", "is a special file"), ("n" * 4096, "its name is too long"),
                          ("../../up", "its name contains `..`"), ("/tmp/there", "its name is absolute"), ("a/../b", "its name contains `..`")):
            self.assertEqual(self.said.count(f"{path}: {name}: {why}\n"), 1, self.said)

    def test_an_archive_goes_only_when_each_of_its_files_was_taken(self):
        def tar(*names):
            octets = io.BytesIO()
            with tarfile.open(fileobj=octets, mode="w") as archive:
                folder = tarfile.TarInfo("folder")
                folder.type = tarfile.DIRTYPE
                archive.addfile(folder)
                for name in names:
                    mail = f"Subject: {name}\n".encode()
                    member = tarfile.TarInfo(name)
                    member.size = len(mail)
                    archive.addfile(member, io.BytesIO(mail))
            return octets.getvalue()

        def zipped(*names):
            octets = io.BytesIO()
            with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.mkdir("folder") if hasattr(archive, "mkdir") else archive.writestr("folder/", b"")
                for name in names:
                    archive.writestr(name, f"Subject: {name}\n")
            return octets.getvalue()
        for name, octets, mails in (("a.tar", tar("a", "b"), 2), ("two.tar", tar("c") + tar("d", "e"), 3), ("z.zip", zipped("f", "g"), 2),
                                    ("t.tar.gz", gzip.compress(tar("h", "i")), 2), ("two.gz", gzip.compress(b"Subject: j\n") + gzip.compress(b"\nk\n"), 1),
                                    ("t.tar.zst", zstd(tar("l", "m")), 2), ("m.eml.zst", zstd(b"Subject: n\n\n" + bytes(300_000)), 1),
                                    ("m.eml.bz2", bz2.compress(b"Subject: o\n"), 1), ("m.eml.xz", lzma.compress(b"Subject: p\n"), 1)):
            with self.subTest(name):
                path = self.write(name, octets)
                said, files = self.bring(path, "--remove")
                self.assertEqual((len(said), files[0]["removed"], path.exists()), (mails, True, False))
        # Here libarchive reads less than there is.
        for name, octets, mails in (("tail.gz", gzip.compress(b"Subject: q\n") + b"more mail", 1), ("front.zip", zipped("r", "s") + zipped("t"), 1),
                                    ("tail.zip", zipped("w") + FROM + b"Subject: x\n\n", 1),
                                    ("tail.tar", tar("u") + b"Subject: v\n" * 100, 1)):
            with self.subTest(name):
                path = self.write(name, octets)
                said, files = self.bring(path, "--remove", status=3)
                self.assertEqual((len(said), files[0]["removed"], path.read_bytes()), (mails, False, octets))

    def test_an_archive_that_unpacks_to_too_much_is_left(self):
        for name, octets in (("bomb.zst", zstd_bomb(1 << 30)), ("bomb.tar.gz", gzip.compress(gzip.compress(b"a" * (80 << 20))))):
            path = self.write(name, octets)
            said, files = self.bring(path, "--remove", status=3)
            self.assertEqual((said, files[0]["result"], path.exists()), ([], "failed", True))
            self.assertIn("unpacks to more than 200 times its size", self.said)

    def test_a_spool_is_followed_until_it_is_told_to_stop(self):
        spool = self.folder / "spool"
        mails = [b"Subject: first\n", b"Subject: unfinished\n", b"Subject: begun\n\nand ended\n"]
        self.write("spool/1", mails[0])
        self.write("spool/2.tmp", mails[1])
        with subprocess.Popen([gw.program("gw-store"), "import", self.name, str(spool), "--format", "spool", "--follow",
                               "--remove", "--json"], env=self.vault.env, stdout=subprocess.PIPE) as process:
            try:
                gw.until(lambda: not (spool / "1").exists(), "what was there is brought in")
                with open(spool / "0", "wb", buffering=0) as slow:
                    slow.write(mails[2][:16])
                    os.utime(slow.fileno(), (9e9, 9e9))  # a clock that is wrong
                    # Its writer has paused for longer than the one of what comes later and is taken.
                    (spool / "2.tmp").rename(spool / "2")
                    gw.until(lambda: not (spool / "2").exists(), "what is renamed is brought in")
                    self.assertTrue((spool / "0").exists())
                    self.assertEqual(self.count(), 2)
                    slow.write(mails[2][16:])
                gw.until(lambda: not (spool / "0").exists(), "what is closed is brought in")
            finally:
                process.terminate()
            lines = [json.loads(line) for line in process.stdout.read().splitlines()]
        self.assertEqual(process.returncode, 0)
        self.assertEqual([line["removed"] for line in lines if line["kind"] == "file"], [True] * 3)
        self.assertEqual((lines[-1]["kind"], lines[-1]["taken"], lines[-1]["passed_over"]), ("total", 3, {}))
        self.assertEqual(self.mails(), mails)

    def test_a_spool_without_follow_waits_for_what_is_being_written(self):
        spool = self.folder / "spool"
        self.write("spool/1", b"just now\n")
        self.write("spool/.2", b"hidden\n")
        self.write("spool/sub/3", b"below\n")
        self.assertEqual(len(self.bring(spool, "--format", "spool")[0]), 1)
        self.assertEqual(self.total["passed_over"], {"directories in a spool": 1, "hidden": 1})
        self.assertEqual(self.mails(), [b"just now\n"])


if __name__ == "__main__":
    gw.main()
