#!/usr/bin/python3
"""Kills the keeper, starts it again, sends 100 mails, then discards everything that was not synced. Every acknowledged mail must
be there."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2  # neither the journal nor dirty pages reach the disk


class Disk:
    """An ext4 file system in a file on a loop device, whose power can be cut."""

    def __init__(self):
        self.side = pathlib.Path(tempfile.mkdtemp(prefix="gw-power-"))
        self.image, self.directory = self.side / "image", self.side / "disk"
        self.directory.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(512 << 20)
        gw.run("mkfs.ext4", "-q", "-F", self.image)
        gw.run("mount", "-o", "loop", self.image, self.directory)

    def cut_power(self):
        fd = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        gw.until(lambda: gw.run("umount", self.directory, status=None).returncode == 0, "the disk is free of users")

    def power_up(self):
        self.unmount()
        # A process with a mount namespace of its own, such as the container of another test, may still have the dead file system
        # mounted. mount(8) attaches an image that is attached already to the same loop device, on which that file system would be
        # found again, and every access would fail with EIO. A copy is another image.
        fresh = self.side / "fresh"
        gw.run("cp", "--sparse=always", self.image, fresh)
        fresh.replace(self.image)
        gw.run("mount", "-o", "loop", self.image, self.directory)

    def close(self):
        with contextlib.suppress(AssertionError):
            self.unmount()
        shutil.rmtree(self.side, ignore_errors=True)


def loop_works():
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        return False
    return gw.run("losetup", "-f", status=None).returncode == 0


@unittest.skipUnless(loop_works(), "needs root, mkfs.ext4 and a loop device")
class PowerCutTest(unittest.TestCase):
    def test_what_was_acknowledged_after_a_restart_survives_a_power_cut(self):
        disk = Disk()
        try:
            with gw.Vault(disk.directory, tls=False) as vault:
                self.check(vault, disk)
        finally:
            disk.close()

    def test_a_disk_has_power_again_although_another_mount_namespace_still_has_the_dead_one(self):
        disk = Disk()
        self.addCleanup(disk.close)
        durable = disk.directory / "durable"
        with open(durable, "wb") as file:
            file.write(b"synced")
            file.flush()
            os.fsync(file.fileno())
        sync_folder = os.open(disk.directory, os.O_RDONLY)
        os.fsync(sync_folder)
        os.close(sync_folder)
        # It says so when it has its own namespace.
        with subprocess.Popen(["unshare", "--mount", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            disk.cut_power()
            with self.assertRaises(OSError):
                durable.read_bytes()
            disk.power_up()
            self.assertEqual(durable.read_bytes(), b"synced")

    def check(self, vault, disk):
        box = vault.add_mailbox("journal")
        sent = []
        smtpd = vault.smtpd()
        self.deliver(smtpd, box, 20, sent)
        # The writes of the restart must be durable before a mail that depends on them is acknowledged.
        self.assertTrue(vault.kill_keeper())
        self.deliver(smtpd, box, 100, sent)
        disk.cut_power()
        smtpd.kill()
        vault.kill_keeper()
        disk.power_up()
        self.assertEqual(gw.digests(gw.drain(vault.pop3d(), box)), gw.digests(sent))
        vault.verify()

        # Cuts the power again after a QUIT that was answered.
        more = []
        smtpd = vault.smtpd()
        self.deliver(smtpd, box, 10, more)
        gw.drain(vault.servers[-2], box)
        disk.cut_power()
        for server in vault.servers:
            if server.running():
                server.kill()
        vault.kill_keeper()
        disk.power_up()
        self.assertEqual(gw.drain(vault.pop3d(), box), [], "QUIT was answered with +OK")
        vault.verify()
        vault.stop_keeper()
        for server in vault.servers:
            if server.running():
                server.kill()

    def deliver(self, smtpd, box, count, sent):
        with gw.Smtp(smtpd) as smtp:
            for number in range(count):
                content = gw.mail([1_000, 5_000, 90_000, 700_000][number % 4])
                reply = smtp.deliver(box.address, content)
                self.assertEqual(reply.code, 250, reply)
                sent.append(content)


if __name__ == "__main__":
    gw.main()
