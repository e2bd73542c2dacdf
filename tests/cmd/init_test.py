#!/usr/bin/python3
"""gw-store init: what it makes, what it asks for, and that it leaves nothing where it fails."""
import json
import os
import pathlib
import pty
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class InitTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-init-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.vault = self.folder / "vault"
        self.env = gw.clean_environment({"GW_VAULT": str(self.vault)})

    def init(self, *arguments, **more):
        return gw.run(gw.program("gw-store"), "init", "--host", "gw.example.com", *arguments, env=self.env, **more)

    def test_without_a_terminal_one_of_three_ways_of_recovery_must_be_said(self):
        done = self.init(status=64)
        for option in (b"--recovery-key-file", b"--recovery-recipient", b"--no-recovery"):
            self.assertIn(option, done.stderr)
        self.assertFalse(self.vault.exists())
        self.init("--no-recovery", "--recovery-key-file", self.folder / "k", status=64)
        self.assertFalse((self.folder / "k").exists())

    def test_a_vault_is_for_its_user_only(self):
        self.init("--no-recovery", "--self-signed")
        self.assertEqual(stat.S_IMODE(self.vault.stat().st_mode), 0o700)
        for name in ("history.key", "tls/key.pem"):
            self.assertEqual(stat.S_IMODE((self.vault / name).stat().st_mode), 0o600, name)
        self.assertIn(b"BEGIN CERTIFICATE", (self.vault / "tls/certificate.pem").read_bytes())

    def test_a_path_at_which_nothing_can_be_made_is_73(self):
        (self.folder / "file").touch()
        for path in ("file", "file/vault", "missing/vault", "x" * 300):
            env = dict(self.env, GW_VAULT=str(self.folder / path))
            done = gw.run(gw.program("gw-store"), "init", "--host", "gw.example.com", "--no-recovery", env=env, status=73)
            self.assertIn(b"cannot create the vault: ", done.stderr)

    def test_a_recovery_key_is_written_for_age_and_nowhere_else(self):
        key = self.folder / "recovery.key"
        done = self.init("--recovery-key-file", key, "--json")
        facts = json.loads(done.stdout)
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        secret = [line for line in key.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-1")]
        self.assertEqual(len(secret), 1)
        self.assertNotIn(secret[0].encode(), done.stdout + done.stderr)
        for path in self.vault.rglob("*"):
            if path.is_file():
                self.assertNotIn(secret[0].encode(), path.read_bytes(), path)
        if shutil.which("age-keygen"):
            public = gw.run("age-keygen", "-y", key).stdout.decode().strip()
            self.assertEqual(public, facts["recovery_recipient"])

    def test_a_recipient_whose_secret_is_elsewhere_is_taken_and_a_bad_one_is_refused(self):
        self.init("--recovery-recipient", "age1nonsense", status=64)
        self.assertFalse(self.vault.exists())
        key = self.folder / "other.key"
        gw.run(gw.program("gw-store"), "--vault", self.folder / "other", "init", "--recovery-key-file", key)
        recipient = key.read_text().split("public key: ")[1].split()[0]
        facts = json.loads(self.init("--recovery-recipient", recipient, "--json").stdout)
        self.assertEqual(facts["recovery_recipient"], recipient)
        self.assertNotIn("recovery_key", facts)

    def test_a_vault_is_created_with_as_many_recipients_as_it_can_have(self):
        recipients = []
        for number in range(17):
            key = self.folder / f"{number}.key"
            gw.run("age-keygen", "-o", key)
            recipients.append(gw.run("age-keygen", "-y", key).stdout.decode().strip())

        def options(count):
            return [f"--recovery-recipient={each}" for each in recipients[:count]]
        self.init(*options(17), status=64)
        self.init("--recovery-key-file", self.folder / "own.key", *options(16), status=64)
        self.assertFalse(self.vault.exists())
        self.assertFalse((self.folder / "own.key").exists())
        self.init("--cheap-passwords", *options(16))
        shutil.rmtree(self.vault)
        self.init("--cheap-passwords", "--recovery-key-file", self.folder / "own.key", *options(15))

    def test_on_a_terminal_the_recovery_key_is_shown_once(self):
        master, slave = pty.openpty()
        with subprocess.Popen([gw.program("gw-store"), "init", "--host", "x.example"], stdout=slave,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.env) as process:
            os.close(slave)
            screen = b""
            while True:
                try:
                    piece = os.read(master, 4096)
                except OSError:
                    break
                if not piece:
                    break
                screen += piece
            self.assertEqual(process.wait(gw.WAIT), 0, process.stderr.read())
        os.close(master)
        self.assertEqual(screen.count(b"AGE-SECRET-KEY-1"), 1, screen)

    def test_a_vault_is_made_once(self):
        self.init("--no-recovery")
        before = (self.vault / "format").read_bytes()
        done = self.init("--no-recovery", status=73)
        self.assertIn(b"a vault already exists", done.stderr)
        self.assertEqual((self.vault / "format").read_bytes(), before)

    def test_a_mistyped_vault_is_left_as_it_is_and_the_hint_makes_one(self):
        commands = [["mailbox", "list"], ["serve"], ["verify"], ["status"], ["repair"], ["doctor"],
                    ["check"], ["backup", self.folder / "backup"], ["migrate", "--to", self.folder / "new"]]
        for wrong in ("empty", "absent"):
            place = self.folder / wrong
            if wrong == "empty":
                place.mkdir()
            for command in commands:
                with self.subTest(wrong=wrong, command=command[0]):
                    done = subprocess.run([gw.program("gw-store"), "--vault", place, *command], capture_output=True,
                                          env=gw.clean_environment(), timeout=gw.WAIT)
                    self.assertNotEqual(done.returncode, 0)
                    if command[0] in ("mailbox", "serve", "verify", "status", "backup"):
                        self.assertEqual(done.returncode, 66, done.stderr)
                        self.assertIn(f"there is no vault in {place}".encode(), done.stderr)
                        self.assertIn(f"hint: gw-store --vault {place} init".encode(), done.stderr)
                    self.assertEqual(list(place.rglob("*")), [])
                    self.assertEqual(place.exists(), wrong == "empty")

    def test_a_vault_without_its_format_file_is_salvaged_and_not_made_again(self):
        self.init("--no-recovery", "--self-signed")
        store = [gw.program("gw-store"), "--vault", self.vault]
        (self.vault / "format").unlink()
        # Also if only the keys are left.
        for lost in ("", "db", "large"):
            if lost:
                shutil.rmtree(self.vault / lost)
            before = sorted(self.vault.rglob("*"))
            for command, status in (("mailbox list", 65), ("serve", 65), ("verify", 65), ("status", 65),
                                    ("certificate self-sign --host h", 65), ("init --no-recovery", 73),
                                    (f"init --recovery-key-file {self.folder}/new.key", 73)):
                with self.subTest(lost=lost, command=command):
                    done = subprocess.run([*store, *command.split()], capture_output=True,
                                          env=gw.clean_environment(), timeout=gw.WAIT)
                    self.assertEqual(done.returncode, status, done.stderr)
                    self.assertIn(f"{self.vault}/format: is missing, but the directory is a vault".encode(),
                                  done.stderr)
                    self.assertIn(f"hint: gw-store salvage {self.vault} --to DIR, or gw-store restore".encode(),
                                  done.stderr)
                    self.assertEqual(sorted(self.vault.rglob("*")), before)
        self.assertFalse((self.folder / "new.key").exists())

    def test_an_interrupted_migration_is_resumed_and_neither_salvaged_nor_made_a_vault(self):
        for lost in ("", "db", ".migrate/from"):
            for name in ("db/CURRENT", "history.key", ".migrate/from"):
                path = self.vault / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"vault {'a' * 32}\nfrom /srv/old\n")
            if lost == "db":
                shutil.rmtree(self.vault / lost)
            elif lost:
                (self.vault / lost).write_text(f"vault {'a' * 32}\nfrom /srv")
            before = sorted(self.vault.rglob("*"))
            for command, status in (("mailbox list", 78), ("serve", 78), ("certificate self-sign --host h", 78),
                                    ("init --no-recovery", 73)):
                with self.subTest(lost=lost, command=command):
                    done = subprocess.run([gw.program("gw-store"), "--vault", self.vault, *command.split()],
                                          capture_output=True, env=gw.clean_environment(), timeout=gw.WAIT)
                    self.assertEqual(done.returncode, status, done.stderr)
                    self.assertIn(f"{self.vault}: not a vault yet: a migration to it was interrupted".encode(), done.stderr)
                    old = "OLD" if lost == ".migrate/from" else "/srv/old"
                    self.assertIn(f"hint: gw-store --vault {old} migrate --to {self.vault} --resume\n".encode(), done.stderr)
                    self.assertEqual(sorted(self.vault.rglob("*")), before)

    def test_a_directory_that_is_not_empty_is_not_changed(self):
        self.vault.mkdir()
        (self.vault / "notes.txt").write_text("mine")
        self.init("--no-recovery", status=73)
        self.assertEqual([p.name for p in self.vault.iterdir()], ["notes.txt"])

    def test_what_cannot_be_made_leaves_no_vault_and_no_key(self):
        self.env["GW_VAULT"] = str(self.folder / "not/there/vault")
        key = self.folder / "recovery.key"
        self.init("--recovery-key-file", key, status=73)
        self.assertFalse(key.exists())
        key.write_text("mine")
        self.env["GW_VAULT"] = str(self.vault)
        self.init("--recovery-key-file", key, status=73)
        self.assertEqual(key.read_text(), "mine")
        self.assertFalse(self.vault.exists())

    @gw.need_root("it becomes the owner of a folder")
    def test_root_creates_it_as_the_owner_of_the_directory(self):
        self.folder.chmod(0o755)
        self.vault.mkdir(0o700)
        shutil.chown(self.vault, "nobody")
        self.init("--no-recovery", "--self-signed")
        owners = {path.owner() for path in [self.vault, *self.vault.rglob("*")]}
        self.assertEqual(owners, {"nobody"})


if __name__ == "__main__":
    gw.main()
