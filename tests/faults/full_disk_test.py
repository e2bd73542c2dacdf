#!/usr/bin/python3
"""On a full disk mail is deferred with 452, draining and deleting work, and space that becomes free is used without an
administrator."""
import contextlib
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


@contextlib.contextmanager
def small_disk(options):
    directory = tempfile.mkdtemp(prefix="gw-disk-")
    gw.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory)
    try:
        yield pathlib.Path(directory)
    finally:
        gw.until(lambda: gw.run("umount", directory, status=None).returncode == 0, "the disk is free of users")
        shutil.rmtree(directory, ignore_errors=True)


@gw.need_root("mounts a small tmpfs")
class FullDiskTest(unittest.TestCase):
    def test_a_disk_without_space(self):
        self.check("size=16m", sizes=[20_000, 3_000, 900_000, 200])

    def test_a_disk_without_inodes(self):
        # Only mails that are stored in files of their own need inodes, so those are sent first, then small ones.
        self.check("size=256m,nr_inodes=120", sizes=[600_000, 2_000])

    def check(self, disk, sizes):
        with small_disk(disk) as directory, gw.Vault(directory, tls=False) as vault:
            box = vault.add_mailbox("journal", "--grace", "0")
            smtpd, pop3d = vault.smtpd(), vault.pop3d()
            kept = []
            self.fill(smtpd, box, sizes, kept)

            # The disk stays full, and every mail is answered with 452.
            for size in sizes:
                reply, content = self.send(smtpd, box, size)
                self.note(reply, content, kept)

            # Draining and deleting work on the full disk.
            with gw.Pop3(pop3d, box) as pop3:
                self.assertEqual(pop3.count(), len(kept))
                self.assertEqual(pop3.retrieve(1), kept[0])
                pop3.command("DELE 1")
                pop3.command("QUIT")
            kept.pop(0)

            # The keeper is killed on the full disk. The next one opens the vault and behaves in the same way.
            self.fill(smtpd, box, sizes, kept)
            self.assertTrue(vault.kill_keeper())
            with gw.Pop3(pop3d, box) as pop3:
                self.assertEqual(pop3.count(), len(kept))
                self.assertEqual(gw.digests(pop3.retrieve(n + 1) for n in range(len(kept))), gw.digests(kept))
                pop3.command("QUIT")
            for size in sizes:
                reply, content = self.send(smtpd, box, size)
                self.note(reply, content, kept)

            # When everything is drained, space becomes free without an administrator.
            self.assertEqual(gw.digests(gw.drain(pop3d, box)), gw.digests(kept))
            deadline = time.monotonic() + 60
            while True:
                reply, content = self.send(smtpd, box, max(sizes))
                if reply.ok:
                    break
                self.assertEqual(reply.code, 452, reply)
                self.assertLess(time.monotonic(), deadline, f"a minute after the drain still {reply}")
                time.sleep(0.2)
            self.assertEqual(gw.drain(pop3d, box), [content])
            vault.verify()
            vault.stop_keeper()
            for server in (smtpd, pop3d):
                server.stop()

    def send(self, smtpd, box, size):
        content = gw.mail(size)
        with gw.Smtp(smtpd) as smtp:
            return smtp.deliver(box.address, content), content

    def note(self, reply, content, kept):
        if reply.ok:  # a small mail may still fit where a large one did not
            kept.append(content)
        else:
            self.assertEqual(reply.code, 452, f"{len(content)} bytes: {reply}")

    def fill(self, smtpd, box, sizes, kept):
        """Sends mails of each size until none of that size is accepted."""
        for size in sizes:
            for _ in range(3000):
                reply, content = self.send(smtpd, box, size)
                self.note(reply, content, kept)
                if not reply.ok:
                    break
            else:
                self.fail(f"3000 mails of {size} bytes did not fill the disk")


if __name__ == "__main__":
    gw.main()
