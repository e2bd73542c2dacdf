#!/usr/bin/python3
"""A live backup is copied by restic and by tar, brought back, and restored."""
import pathlib
import shutil
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class BackupFolderTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")
        self.side = self.vault.side
        self.dest = self.side / "backups"
        self.sent = []

    def back_up(self, *options):
        """Makes a backup while mail comes in. Everything that was acknowledged before it must be restored."""
        over = threading.Event()

        def deliver():
            with gw.Smtp(self.smtpd) as smtp:
                while not over.is_set():
                    content = gw.mail(600_000)
                    if smtp.deliver(self.box.address, content).ok:
                        self.sent.append(content)

        self.smtpd = self.vault.smtpd()
        thread = threading.Thread(target=deliver)
        thread.start()
        try:
            before = gw.until(lambda: len(self.sent) > 5 and list(self.sent), "mail comes in")
            return gw.json.loads(self.vault.store("backup", self.dest, "--json", *options).stdout)["path"], before
        finally:
            over.set()
            thread.join()
            self.smtpd.stop()

    def restores(self, source, before):
        directory = self.side / "restored"
        self.vault.store("restore", source, "--to", directory)
        self.vault.stop_keeper()
        # The restored vault takes the place of the old one.
        shutil.rmtree(self.vault.path)
        directory.rename(self.vault.path)
        back = gw.drain(self.vault.pop3d(), self.box)
        self.assertEqual(set(gw.digests(before)) - set(gw.digests(back)), set())
        self.assertEqual(set(gw.digests(back)) - set(gw.digests(self.sent)), set())
        self.vault.verify()

    @gw.need_program("restic")
    def test_restic(self):
        self.back_up()
        path, before = self.back_up("--incremental", "--keep", "1")
        (self.side / "password").write_text("for this test\n")
        restic = ("restic", "--quiet", "--no-cache", "--repo", self.side / "repository", "--password-file", self.side / "password")
        gw.run(*restic, "init")
        gw.run(*restic, "backup", self.dest)
        shutil.rmtree(self.dest)
        gw.run(*restic, "restore", "latest", "--target", self.side / "back")
        back = self.side / "back" / self.dest.relative_to("/")
        self.assertEqual([p.name for p in back.glob("2*")], [pathlib.Path(path).name])
        self.vault.store("restore", back, "--check")
        self.restores(back, before)

    def test_tar(self):
        path, before = self.back_up()
        archive = self.side / "backup.tar"
        gw.run("tar", "-C", self.dest, "-cf", archive, pathlib.Path(path).name)
        (self.side / "back").mkdir()
        gw.run("tar", "-C", self.side / "back", "-xf", archive)
        self.restores(self.side / "back", before)


if __name__ == "__main__":
    gw.main(300)
