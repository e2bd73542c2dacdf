#!/usr/bin/python3
"""gw-store import: each source's mails come out octet for octet, once, and a source goes only when its mail is safe."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

SHARED = gw.ROOT.parent / "shared/corpus"  # not in a release
FROM = b"From a@x.example Mon Mar  3 10:00:00 2025\n"


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
        """The JSON lines: those of mails, and those of files."""
        done = self.vault.store("import", self.name, *arguments, "--json", **more)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
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

    def test_eml_files_and_folders_come_out_as_they_were(self):
        mails = [*gw_peers.corpus().values(), b"no end", b"From x\nnot an mbox\n", b"\x00" * 200_000]
        for number, octets in enumerate(mails):
            self.write(f"in/{number % 3}/{number:04}.eml", octets)
        self.write("in/.hidden.eml", b"hidden")
        self.write("in/0/0000.json", b"{}")
        (self.folder / "in/link.eml").symlink_to(self.write("elsewhere.eml", b"elsewhere"))
        said, files = self.bring(self.folder / "in")
        self.assertEqual(sorted(self.mails()), sorted(mails))
        self.assertEqual(len(files), len(mails))
        self.assertEqual({f["result"] for f in files}, {"ok"})
        for line in said:
            octets = pathlib.Path(line["file"]).read_bytes()
            self.assertEqual((line["sha256"], line["octets"]), (gw.sha256(octets), len(octets)))
        self.assertEqual(sorted(pathlib.Path(e["source"]).name for e in self.envelopes()),
                         sorted(f"{n:04}.eml" for n in range(len(mails))))
        # A second time nothing is added, and nothing is wrong.
        head = self.vault.json("history", self.name)
        said, files = self.bring(self.folder / "in")
        self.assertEqual({line["result"] for line in said}, {"present"})
        self.assertEqual(self.vault.json("history", self.name), head)
        self.assertEqual(self.bring(self.folder / "in", "--resume")[0], [])
        self.assertTrue((self.folder / "in/0/0000.eml").exists())
        self.vault.store("verify", "--deep", "--password-file", self.box.password_file, self.name)

    def test_the_key_is_outside_the_vault_and_makes_the_ids(self):
        path = self.write("a.eml", b"a\n")
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
        self.bring(out)
        ended = {o if o.endswith(b"\n") or not o else o + b"\n" for o in wanted}
        self.assertEqual(sorted(self.mails()), sorted(ended))

    def test_a_maildirs_flags_come_out_again(self):
        for name in ("cur/1.a:2,FRS", "cur/2.a:2,", "new/3.a", "tmp/4.a", ".Sent/cur/5.a:2,S", ".Sent/new/.keep", "other"):
            self.write(f"box/{name}", name.encode())
        (self.folder / "box/.Sent/tmp").mkdir()
        (self.folder / "box/.Sent/new").mkdir(exist_ok=True)
        said, _ = self.bring(self.folder / "box")
        self.assertEqual([line["file"].split("/box/")[1] for line in said],
                         ["cur/1.a:2,FRS", "cur/2.a:2,", "new/3.a", ".Sent/cur/5.a:2,S"])
        self.mails(form="maildir")
        out = self.vault.side / f"{self.name}.out"
        self.assertEqual(sorted(p.name.partition(":2,")[2] for p in out.rglob("cur/*")), ["FRS", "S"])
        self.assertEqual(len(list(out.glob("new/*"))), 2)

    def test_a_source_is_removed_when_its_mail_is_safe_and_not_before(self):
        good = self.write("in/good.eml", b"good\n")
        large = self.write("in/large.eml", gw.mail(900_000))
        box = self.write("in/box", FROM + b"1\n\n" + FROM + b"2\n\n")
        link = self.folder / "in/link.eml"
        link.symlink_to(self.write("target.eml", b"target"))
        _, files = self.bring(self.folder / "in", "--remove")
        self.assertEqual([f["removed"] for f in files], [True] * 3)
        self.assertFalse(good.exists() or large.exists() or box.exists())
        self.assertTrue(link.exists())
        self.assertEqual(self.count(), 4)
        # Again: it is there, checked, and goes.
        good.write_bytes(b"good\n")
        said, files = self.bring(good, "--remove")
        self.assertEqual((said[0]["result"], files[0]["removed"], good.exists()), ("present", True, False))
        # It has left the mailbox: nobody can say that it is safe.
        good.write_bytes(b"good\n")
        self.vault.store("message", "remove", self.name, said[0]["id"])
        said, files = self.bring(good, "--remove", status=3)
        self.assertEqual((said[0]["result"], files[0]["removed"], good.exists()), ("left", False, True))
        self.assertIn("left the mailbox", files[0]["reason"])
        self.bring(good)

    def test_an_mbox_that_another_program_holds_stays(self):
        box = self.write("box", FROM + b"1\n\n")
        holder = subprocess.Popen([sys.executable, "-c", "import fcntl,sys\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\n"
                                   "print('held',flush=True)\nsys.stdin.read()", str(box)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        with holder:
            holder.stdout.readline()
            _, files = self.bring(box, "--remove", status=3)
            self.assertIn("locked", files[0]["reason"])
            holder.stdin.close()
        self.assertTrue(box.exists())
        self.assertTrue(self.bring(box, "--remove")[1][0]["removed"])

    def test_bad_input_is_named_and_the_rest_goes_on(self):
        self.write("in/a.eml", b"a")
        self.write("in/b.eml", b"b")
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

    def test_a_spool_is_followed_until_it_is_told_to_stop(self):
        spool = self.folder / "spool"
        spool.mkdir()
        self.write("spool/1", b"first\n")
        self.write("spool/2.tmp", b"unfinished\n")
        with subprocess.Popen([gw.program("gw-store"), "import", self.name, str(spool), "--format", "spool", "--follow",
                               "--remove", "--json"], env=self.vault.env, stdout=subprocess.PIPE) as process:
            try:
                gw.until(lambda: not (spool / "1").exists(), "what was there is brought in")
                (spool / "2.tmp").rename(spool / "2")
                gw.until(lambda: not (spool / "2").exists(), "what is renamed is brought in")
                with open(spool / "3", "wb", buffering=0) as slow:
                    slow.write(b"begun, ")
                    slow.write(b"and ended\n")
                gw.until(lambda: not (spool / "3").exists(), "what is closed is brought in")
            finally:
                process.terminate()
            lines = [json.loads(line) for line in process.stdout.read().splitlines()]
        self.assertEqual(process.returncode, 0)
        self.assertEqual([line["removed"] for line in lines if line["kind"] == "file"], [True] * 3)
        self.assertEqual(self.mails(), [b"first\n", b"unfinished\n", b"begun, and ended\n"])

    def test_a_spool_without_follow_waits_for_what_is_being_written(self):
        spool = self.folder / "spool"
        self.write("spool/1", b"just now\n")
        self.write("spool/.2", b"hidden\n")
        self.write("spool/sub/3", b"below\n")
        self.assertEqual(len(self.bring(spool, "--format", "spool")[0]), 1)
        self.assertEqual(self.mails(), [b"just now\n"])


if __name__ == "__main__":
    gw.main()
