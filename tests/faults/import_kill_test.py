#!/usr/bin/python3
"""gw-store import or its keeper or both are killed at any time. Each mail is in the source or in the vault, and only once."""
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

FROM = b"From a@x.example Mon Mar  3 10:00:00 2025\n"
MAILS = gw.number_from("GW_IMPORT_MAILS", 30)
KILLS = gw.number_from("GW_IMPORT_KILLS", 6)


class ImportKillTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.vault.env["STATE_DIRECTORY"] = str(self.vault.side / "state")
        self.box = self.vault.add_mailbox("journal")
        self.source = self.vault.side / "source"
        seed = gw.number_from("GW_SEED", random.getrandbits(32))
        self.random = random.Random(seed)
        self.seed = f"GW_SEED={seed}"
        # Every tenth mail is stored in a file of its own in the vault.
        self.mails = [gw.mail(700_000 if n % 10 == 0 else self.random.randrange(50_000), str(n)) for n in range(MAILS)]

    def torture(self, *options):
        """Kills the import several times, then runs it once to its end."""
        stopped = 0
        for number in range(KILLS):
            tool = subprocess.Popen([gw.program("gw-store"), "import", "journal", str(self.source), *options],
                                    env=self.vault.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # The first kill comes early, because a fast machine imports everything in a short time.
            time.sleep(self.random.uniform(0, 0.25 * number / KILLS))
            what = self.random.choice(["tool", "keeper", "both"]) if number else "tool"
            if what != "keeper":
                tool.send_signal(signal.SIGKILL)
            if what != "tool":
                self.vault.kill_keeper()
            stopped += tool.wait(60) != 0
        if self.source.exists():
            self.vault.store("import", "journal", self.source, *options)
        self.assertTrue(stopped, self.seed)

    def check(self, mails, removed):
        out = self.vault.side / "out"
        self.vault.tool("gw-export", "journal", "--to", out, "--format", "eml", "--password-file", self.box.password_file)
        found = sorted(gw.sha256(path.read_bytes()) for path in out.rglob("*.eml"))
        self.assertTrue(found == sorted(map(gw.sha256, mails)), f"{self.seed}: {len(found)} of {len(mails)}")
        # An mbox is emptied but not removed.
        left = [path for path in [self.source, *self.source.rglob("*")] if path.is_file() and path.stat().st_size > 0]
        self.assertEqual(left == [], removed, left)
        self.vault.verify()

    def test_files(self):
        self.source.mkdir()
        for number, mail in enumerate(self.mails):
            (self.source / f"{number:03}.eml").write_bytes(mail)
        self.torture("--remove")
        self.check(self.mails, True)

    def test_a_maildir(self):
        for directory in ("tmp", "new", "cur"):
            (self.source / directory).mkdir(parents=True)
        for number, mail in enumerate(self.mails):
            name = f"cur/{number}.x:2,S" if number % 2 else f"new/{number}.x"
            (self.source / name).write_bytes(mail)
        self.torture("--remove", "--resume")
        self.check(self.mails, True)

    def mbox(self):
        plain = [mail.replace(b"\r\n", b"\n") for mail in self.mails]
        self.source.write_bytes(b"".join(FROM + mail + b"\n" for mail in plain))
        return plain

    def test_an_mbox_is_removed_when_all_of_it_is_safe(self):
        plain = self.mbox()
        self.torture("--remove", "--resume")
        self.check(plain, True)

    def test_the_import_of_an_mbox_that_is_kept_is_resumed(self):
        plain = self.mbox()
        before = self.source.read_bytes()
        self.torture("--resume")
        self.check(plain, False)
        self.assertTrue(self.source.read_bytes() == before)


if __name__ == "__main__":
    gw.main()
