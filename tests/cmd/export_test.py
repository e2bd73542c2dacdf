#!/usr/bin/python3
"""gw-export: writes the exact bytes and a manifest, continues an interrupted export, and drains only mail that is safe."""
import json
import pathlib
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "")[:40].lower()
        self.box = self.vault.add_mailbox(self.name)
        self.folder = self.vault.side / self.name
        self.folder.mkdir()
        self.out = self.folder / "out"
        self.manifest = self.folder / "manifest.jsonl"
        self.mails = {}

    def fill(self, *mails):
        for octets in mails:
            done = self.vault.store("message", "add", self.name, "--from", "s@x.example", input=octets)
            self.mails[done.stdout.split()[0].decode()] = octets

    def export(self, *options, to=None, **more):
        return self.vault.tool("gw-export", self.name, "--to", to or self.out, "--format", "eml", "--password-file",
                               self.box.password_file, *options, **more)

    def files(self):
        return {path.stem: path.read_bytes() for path in self.out.rglob("*.eml")}

    def lines(self):
        return [json.loads(line) for line in self.manifest.read_text().splitlines()]

    def states(self):
        return {m["id"]: m["state"] for m in self.vault.json("message", "list", self.name, "--state", "all")}

    def test_files_have_the_exact_bytes_and_the_manifest_lists_them(self):
        self.fill(b"Message-ID: <1@x>\r\n\r\n\x00bare\n", b"", gw.mail(2_000_000))
        done = self.export("--manifest", self.manifest)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(done.stderr, b"gw-export: 3 messages examined, 3 written, 2.0 MiB, 0 skipped\n")
        self.assertEqual(self.files(), self.mails)
        for path in self.out.rglob("*"):
            mode = 0o700 if path.is_dir() else 0o600
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), mode, path)
        lines = self.lines()
        self.assertEqual([line["id"] for line in lines], list(self.mails))
        for line in lines:
            octets = (self.out / line["file"]).read_bytes()
            self.assertEqual((line["sha256"], line["octets"]), (gw.sha256(octets), len(octets)))
            self.assertEqual((line["result"], line["reason"]), ("ok", None))
            self.assertRegex(line["file"], r"^\d{4}/\d\d/\d\d/[0-9a-f]{32}\.eml$")
            self.assertEqual(line["envelope"]["mail_from"], "s@x.example")
        self.assertEqual(lines[0]["message_id"], "<1@x>")
        types = [leaf["type"] for leaf in self.vault.json("history", self.name)]
        self.assertEqual(types.count("exported"), 3)
        self.assertEqual(set(self.states().values()), {"live"})

    def test_an_empty_mailbox_is_done(self):
        self.export("--manifest", self.manifest)
        self.assertEqual(self.lines(), [])
        self.assertEqual(self.export(to="-").stdout, b"")

    def test_one_message_goes_to_standard_output_and_two_are_a_usage_error(self):
        self.fill(b"just this\n")
        self.assertEqual(self.export(to="-").stdout, b"just this\n")
        self.fill(b"and that\n")
        done = self.export(to="-", status=64)
        self.assertIn(b"--since", done.stderr)
        times = [m["received_at"] for m in self.vault.json("message", "list", self.name)]
        self.assertEqual(self.export("--since", times[1], to="-").stdout, b"and that\n")
        self.assertEqual(self.export("--until", times[1], to="-").stdout, b"just this\n")
        for option in ("--remove", "--resume"):
            self.export(option, to="-", status=64)

    def test_nothing_is_overwritten(self):
        self.fill(b"original")
        self.export()
        self.export(status=73)
        path = next(self.out.rglob("*.eml"))
        path.write_bytes(b"altered!")
        self.export("--resume", status=73)
        self.assertEqual(path.read_bytes(), b"altered!")

    def test_resume_goes_on_and_writes_only_what_is_missing(self):
        self.fill(b"1", b"2", b"3")
        self.export("--manifest", self.manifest)
        first, second, _ = sorted(self.out.rglob("*.eml"))
        second.unlink()
        before = first.stat()
        # As a killed run leaves it: the last line half written.
        text = self.manifest.read_text()
        self.manifest.write_text(text[:-20])
        self.export("--manifest", self.manifest, status=73)
        self.fill(b"4")
        self.export("--manifest", self.manifest, "--resume")
        self.assertEqual(self.files(), self.mails)
        self.assertEqual(first.stat().st_ino, before.st_ino)
        self.assertEqual(sorted(line["id"] for line in self.lines()), sorted(self.mails))

    def test_remove_drains_what_was_written_and_undelete_brings_it_back(self):
        self.fill(b"1", b"2")
        self.export("--remove")
        self.assertEqual(self.files(), self.mails)
        self.assertEqual(self.states(), {message: "drained" for message in self.mails})
        self.assertEqual(self.vault.json("message", "list", self.name), [])
        self.vault.store("message", "undelete", self.name, *self.mails)
        self.assertEqual(set(self.states().values()), {"live"})
        self.export("--remove", "--resume")
        self.assertEqual(set(self.states().values()), {"drained"})
        self.vault.store("verify")

    def test_a_wrong_password_leaves_nothing_behind(self):
        self.fill(b"x")
        wrong = self.folder / "wrong"
        wrong.write_text("not the password\n")
        self.vault.tool("gw-export", self.name, "--to", self.out, "--manifest", self.manifest, "--password-file", wrong,
                        status=77)
        self.assertFalse(self.out.exists())
        self.assertFalse(self.manifest.exists())

    def test_a_sidecar_stands_beside_each_message(self):
        self.fill(b"x")
        self.export("--envelope", "sidecar", "--manifest", self.manifest)
        sidecar = json.loads(next(self.out.rglob("*.json")).read_text())
        self.assertEqual(sidecar, self.lines()[0])

    def test_standard_output_that_takes_nothing_is_74(self):
        self.fill(gw.mail(100_000))
        command = [gw.program("gw-export"), self.name, "--to", "-", "--password-file", str(self.box.password_file)]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=self.vault.env, check=False)
        self.assertEqual(done.returncode, 74, done.stderr)


if __name__ == "__main__":
    gw.main()
