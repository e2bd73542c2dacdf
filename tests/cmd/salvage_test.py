#!/usr/bin/python3
"""gw-store salvage: a vault of each kind of damage, what comes out of it, and what is said of the rest."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

NAMES = ("journal", "other", "taken")


def tree(folder):
    """Returns the bytes of every file, by name."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def flip(path, at):
    """Changes one byte in a copy of the file, because salvage and these tests share files by link."""
    octets = bytearray(path.read_bytes())
    octets[at] ^= 0x55
    path.unlink()
    path.write_bytes(octets)


class SalvageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.addClassCleanup(cls.vault.close)
        cls.mails = {name: {} for name in NAMES}  # by id, what is to be exported
        cls.boxes = {name: cls.vault.add_mailbox(name) for name in NAMES}
        cls.put("journal", 300, 3000, 40000, 700_000, 3000)
        cls.put("other", 3000, 600_000)
        cls.vault.stop_keeper()  # into tables and blob files
        cls.put("journal", 500, 5000, 800_000, 5000, 5000, 5000)
        cls.put("other", 7000, 900)
        cls.put("taken", 3000, 700_000)
        cls.drained = cls.mails["taken"]
        cls.vault.tool("gw-export", "taken", "--to", cls.vault.side / "taken", "--format", "eml", "--remove",
                       "--password-file", cls.boxes["taken"].password_file)
        cls.mails["taken"] = {}
        ids = list(cls.mails["journal"])
        cls.removed, cls.quarantined = ids[1], ids[2]
        cls.vault.store("message", "remove", "journal", cls.removed)
        cls.vault.store("message", "quarantine", "journal", cls.quarantined)
        for gone in (cls.removed, cls.quarantined):
            del cls.mails["journal"][gone]
        cls.vault.store("checkpoint")
        cls.put("journal", 4000)
        cls.key = cls.vault.side / "key"
        cls.key.write_bytes(cls.vault.store("mailbox", "key", "journal", "--password-file",
                                            cls.boxes["journal"].password_file).stdout)
        cls.vault.settle()
        cls.vault.kill_keeper()  # the last of it only in the write-ahead log

    @classmethod
    def put(cls, name, *sizes):
        for size in sizes:
            path = cls.vault.side / f"{name}-{len(cls.mails[name])}.eml"
            path.write_bytes(gw.mail(size, name))
            done = cls.vault.json("import", name, path)
            cls.mails[name][done[0]["id"]] = path.read_bytes()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-salvage-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.source = self.folder / "source"
        self.copy()

    def copy(self):
        shutil.rmtree(self.source, ignore_errors=True)
        shutil.copytree(self.vault.path, self.source, ignore=shutil.ignore_patterns("run"))

    def files(self, pattern):
        found = sorted((self.source / "db").glob(pattern))
        self.assertTrue(found, pattern)
        return found

    def salvage(self, status=(0, 3)):
        """The lost lines and the summary; the source is as it was."""
        target = self.folder / "target"
        shutil.rmtree(target, ignore_errors=True)
        before = tree(self.source)
        done = self.vault.store("salvage", self.source, "--to", target, "--json", status=status)
        self.assertEqual(tree(self.source), before)
        *lost, summary = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(summary["kept"] + summary["gone"] + summary["lost"], summary["accepted"])
        self.assertEqual(summary["losses"], len(lost))
        self.assertEqual(done.returncode, 3 if lost else 0)
        self.assertEqual(summary["findings"], 0)
        self.assertEqual(sum(1 for each in lost if each["file"]), summary["set_aside"])
        for each in lost:
            if each["file"]:
                self.assertTrue((target / each["file"]).is_file(), each)
        self.assertFalse((target / "salvage").exists())
        return lost, summary

    @contextlib.contextmanager
    def new_vault(self):
        env = {**self.vault.env, "GW_VAULT": str(self.folder / "target")}

        def store(*arguments, **more):
            return gw.run(gw.program("gw-store"), *arguments, env=env, **more)

        try:
            yield store, env
        finally:
            lock = self.folder / "target/lock"
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(lock.read_text().split()[0])
                os.kill(pid, 15)
                gw.until(lambda: not gw.alive(pid), "the new vault's keeper ends")

    def export(self, env, name):
        folder = self.folder / f"export-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        gw.run(gw.program("gw-export"), name, "--to", folder, "--format", "eml", "--envelope", "none",
               "--password-file", self.boxes[name].password_file, env=env)
        return {path.stem: path.read_bytes() for path in folder.rglob("*.eml")}

    def check(self, lost):
        """Checks that everything not named as lost is there, byte for byte, under its own id, with its password."""
        named = {each["message"] for each in lost}
        told = [each["why"] for each in lost if each["message"] is None]
        with self.new_vault() as (store, env):
            self.assertIn(b"all intact", store("verify").stdout)
            store("report")
            if any("its record is lost" in why for why in told):
                return
            if any("settings, routes" in why for why in told):
                # Among these is that passwords are cheap here.
                done = store("mailbox", "key", "journal", "--password-file", self.boxes["journal"].password_file,
                             status=(0, 65))
                if b"out of range" in done.stderr:
                    return
            for name in NAMES:
                out = self.export(env, name)
                for message, content in self.mails[name].items():
                    if message not in named:
                        self.assertEqual(out.get(message) == content, True, f"{message} of {len(content)}")
                for message in out:
                    self.assertNotIn(message, named)
                    self.assertEqual(out[message] == self.mails[name].get(message), True, message)
            states = {line["id"]: line["state"]
                      for line in map(json.loads, store("message", "list", "journal", "--state", "all",
                                                        "--json").stdout.splitlines())}
            self.assertNotIn(self.removed, states)
            if self.quarantined not in named:
                self.assertEqual(states[self.quarantined], "quarantined")
            taken = [json.loads(line) for line in store("message", "list", "taken", "--state", "drained",
                                                        "--json").stdout.splitlines()]
            self.assertEqual({each["id"] for each in taken}, set(self.drained) - named)
            # And it goes on; what is lost may come again.
            paths = sorted(self.vault.side.glob("other-*.eml"))
            store("import", "other", *paths)
            self.assertEqual(self.export(env, "other") == self.mails["other"], True)
            store("message", "add", "journal", input=gw.mail(2000))
            store("verify")

    def dump(self, path):
        env = {**self.vault.env, "GW_VAULT": str(path)}
        out = gw.run(gw.program("gw-store"), "dump", env=env).stdout
        pid = int((path / "lock").read_text().split()[0])
        os.kill(pid, 15)
        gw.until(lambda: not gw.alive(pid), "the keeper ends")
        return out

    def test_of_a_whole_vault_everything_is_there(self):
        lost, summary = self.salvage(0)
        self.assertEqual((lost, summary["gone"], summary["mailboxes"]), ([], 1, 3))
        self.assertEqual(self.dump(self.folder / "target"), self.dump(self.source))
        self.check(lost)

    def test_a_flipped_byte_in_a_blob_file_costs_one_message(self):
        blob = max(self.files("*.blob"), key=lambda path: path.stat().st_size)
        flip(blob, blob.stat().st_size // 2)
        lost, summary = self.salvage(3)
        self.assertEqual(summary["lost"], 1)
        self.assertTrue(lost[0]["file"].endswith(".damaged"))
        self.check(lost)

    def test_what_follows_a_damaged_header_in_a_blob_file_is_found(self):
        blob = max(self.files("*.blob"), key=lambda path: path.stat().st_size)
        flip(blob, 35)
        for path in self.files("MANIFEST-*"):
            path.unlink()
        # The first one of the file is lost, where it is not the one that was removed: its place is by random ids.
        lost, summary = self.salvage()
        self.assertEqual(summary["kept"] + summary["lost"], 17)
        self.assertLessEqual(summary["lost"], 1)
        self.check(lost)

    def test_a_blob_file_that_is_gone_costs_its_messages(self):
        for blob in self.files("*.blob"):
            blob.unlink()
        lost, summary = self.salvage(3)
        self.assertGreater(summary["lost"], 2)
        self.assertGreater(summary["kept"], 5)
        self.check(lost)

    def test_each_table_may_be_gone(self):
        for name in [path.name for path in self.files("*.sst")]:
            with self.subTest(table=name):
                self.copy()
                (self.source / "db" / name).unlink()
                lost, _ = self.salvage()
                self.check(lost)

    def test_each_table_may_be_damaged(self):
        for number, path in enumerate(self.files("*.sst")):
            # One place of each table, in turn in a block of data, in the middle and in the footer.
            at = (100, path.stat().st_size // 2, path.stat().st_size - 20)[number % 3]
            with self.subTest(table=path.name, at=at):
                self.copy()
                flip(path, at)
                lost, _ = self.salvage()
                self.check(lost)

    def test_a_write_ahead_log_that_is_cut_or_damaged_costs_what_is_behind(self):
        log = max(self.files("*.log"), key=lambda path: path.stat().st_size)
        octets = log.read_bytes()
        self.assertGreater(len(octets), 10000)
        for what, damaged in (("cut", octets[:len(octets) // 2]), ("empty", b""),
                              ("zeros", octets[:9000] + bytes(3000) + octets[12000:])):
            with self.subTest(what):
                self.copy()
                log.write_bytes(damaged)
                lost, summary = self.salvage(3)
                # What is not there at all cannot be named: only that something is missing is known.
                kept = set()
                with self.new_vault() as (store, env):
                    self.assertIn(b"all intact", store("verify").stdout)
                    for name in NAMES:
                        for message, content in self.export(env, name).items():
                            if message != self.removed and message != self.quarantined:
                                self.assertTrue(content == self.mails[name][message])
                            kept.add(message)
                self.assertLessEqual(set(list(self.mails["other"])[:2]), kept)

    def test_the_list_of_files_may_be_gone(self):
        for pattern in ("MANIFEST-*", "CURRENT", "[MC][AU]*"):
            with self.subTest(pattern):
                self.copy()
                for path in self.files(pattern):
                    path.unlink()
                lost, summary = self.salvage(0)
                self.check(lost)
        self.copy()
        flip(self.files("MANIFEST-*")[0], 40)
        lost, summary = self.salvage()
        self.assertEqual(summary["lost"], 0)
        self.check(lost)

    def test_a_large_file_that_is_damaged_or_gone_costs_its_message(self):
        sizes = {message: len(content) for content in [self.mails["journal"]] for message, content in content.items()}
        first, second = [message for message, size in sizes.items() if size > 512 << 10]
        flip(self.source / "large" / first, 300_000)
        (self.source / "large" / second).unlink()
        lost, summary = self.salvage(3)
        self.assertEqual({each["message"]: each["file"] for each in lost},
                         {first: f"lost/{first}.damaged", second: None})
        self.check(lost)

    @gw.need_program("age")
    def test_what_is_set_aside_opens_with_the_mailbox_key(self):
        for table in self.files("*.sst"):
            self.copy()
            table.unlink()
            lost, _ = self.salvage()
            opened = 0
            for each in lost:
                content = self.mails["journal"].get(each["message"])
                if content is None or not (each["file"] or "").endswith(".age"):
                    continue
                out = subprocess.run(["age", "-d", "-i", self.key, self.folder / "target" / each["file"]],
                                     capture_output=True, check=True).stdout
                self.assertTrue(out == content)
                opened += 1
            if opened > 2:
                return
        self.fail("no table's loss cost a record and left the body")

    def test_a_damaged_format_is_known_from_the_slots(self):
        text = (self.source / "format").read_bytes()
        at = text.index(b"\nvault ") + 7
        other = text[:at] + (b"1" if text[at:at + 1] == b"0" else b"0") + text[at + 1:]
        for damaged in (b"", text[:30], text.replace(b"requires", b"re\x00uires"), other, None):
            with self.subTest(damaged=damaged):
                self.copy()
                (self.source / "format").unlink()
                if damaged is not None:
                    (self.source / "format").write_bytes(damaged)
                lost, summary = self.salvage(0)
                self.assertEqual((self.folder / "target/format").read_bytes(), text)
        self.check(lost)
        (self.source / "format").write_bytes(text.replace(b"gw-vault 1", b"gw-vault 2"))
        self.vault.store("salvage", self.source, "--to", self.folder / "newer", status=78)

    def test_without_the_head_file_it_is_not_known_whether_all_is_there(self):
        (self.source / "head").unlink()
        lost, summary = self.salvage(3)
        self.assertEqual((len(lost), summary["lost"]), (1, 0))
        self.check(lost)

    def test_a_damaged_history_key_is_named_and_set_aside(self):
        for damaged in (b"", b"no key\n", bytes(64)):
            with self.subTest(damaged=damaged):
                self.copy()
                (self.source / "history.key").write_bytes(damaged)
                lost, summary = self.salvage(3)
                self.assertEqual([each["message"] for each in lost], [None])
                self.assertIn("lost/history.key", lost[0]["why"])
                self.assertEqual((summary["lost"], summary["losses"]), (0, 1))
                self.assertEqual((self.folder / "target/lost/history.key").read_bytes(), damaged)
        self.check(lost)  # which opens the vault, with a new key

    def test_what_is_refused(self):
        target = self.folder / "target"
        done = self.vault.store("salvage", self.folder, "--to", target, status=66)
        self.assertIn(b"not a vault", done.stderr)
        self.vault.store("salvage", self.source, "--to", self.source / "db/new", status=64)
        target.mkdir()
        (target / "file").write_bytes(b"mine")
        self.vault.store("salvage", self.source, "--to", target, status=73)
        self.assertEqual((target / "file").read_bytes(), b"mine")
        env = {**self.vault.env, "GW_VAULT": str(self.source)}
        gw.run(gw.program("gw-store"), "status", env=env)
        pid = int((self.source / "lock").read_text().split()[0])
        try:
            done = self.vault.store("salvage", self.source, "--to", self.folder / "busy", status=75)
            self.assertIn(b"hint: stop the keeper", done.stderr)
        finally:
            os.kill(pid, 15)
            gw.until(lambda: not gw.alive(pid), "the keeper ends")


if __name__ == "__main__":
    gw.main()
