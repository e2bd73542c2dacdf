#!/usr/bin/python3
"""Kills the keeper at one system call after another: during a small delivery, a large delivery, and a QUIT.

First the calls of each thread are counted; then the keeper is killed at (call, number). By default a sample of GW_KILL_SAMPLE
places for each of the three (default 6), with GW_KILL_SAMPLE=0 all of them.
"""
import collections
import os
import pathlib
import random
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_strace import Strace  # noqa: E402

# Only calls after which a kill has another result than at the call before it: those that change a file or a directory, or send a
# reply.
CALLS = ("write pwrite64 writev pwritev fdatasync fsync sync_file_range openat close rename renameat renameat2 unlink "
         "unlinkat ftruncate fallocate mkdir mkdirat link linkat sendto sendmsg recvfrom recvmsg read pread64 lseek "
         "futex mmap munmap poll").split()


@gw.need_program("strace")
class SyscallKillTest(unittest.TestCase):
    def test_a_small_delivery(self):
        self.every_place(lambda vault, box, count: self.delivery(vault, box, 3_000, count))

    def test_a_large_delivery(self):
        self.every_place(lambda vault, box, count: self.delivery(vault, box, 1_500_000, count))

    def test_a_quit(self):
        self.every_place(self.quit)

    def every_place(self, act):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal", "--grace", "0")
            self.smtpd, self.pop3d = vault.smtpd(), vault.pop3d()
            places = self.count_places(vault, box, act)
            sample = gw.number_from("GW_KILL_SAMPLE", 6)
            chosen = random.sample(places, min(sample, len(places))) if sample else places
            died = 0
            for call, number in chosen:
                with self.subTest(call=call, number=number):
                    died += act(vault, box, Strace.Inject(call, f"signal=KILL:when={number}"))
            print(f"{len(places)} places ({', '.join(f'{c}#{n}' for c, n in places)}); {len(chosen)} tried, the keeper died at {died}", flush=True)
            self.assertGreater(died * 3, len(chosen), "the keeper was killed in too few runs: the sampled places are not reached")
            vault.verify()

    def count_places(self, vault, box, act):
        """Returns (call, number) for every number that some thread reaches."""
        with tempfile.TemporaryDirectory() as directory:
            act(vault, box, Strace.Record(CALLS, f"{directory}/trace"))
            counts = collections.Counter()
            for name in os.listdir(directory):
                of_thread = collections.Counter(re.findall(r"^(\w+)\(", pathlib.Path(directory, name).read_text(
                    errors="replace"), re.MULTILINE))
                counts |= of_thread  # for each call the highest count of one thread
        return [(call, n + 1) for call in CALLS for n in range(min(counts[call], 40))]

    def delivery(self, vault, box, size, strace):
        before, content = gw.mail(500), gw.mail(size)
        self.must_deliver(box, before)
        with strace.attached_to(vault.wake_keeper()) as tracer, gw.Smtp(self.smtpd) as smtp:
            reply = smtp.deliver(box.address, content)
            died = tracer.target_died()
        self.assertIn(reply.code, (250, 451), reply)
        found = gw.drain(self.pop3d, box)
        self.assertEqual([m for m in found if m != content], [before])
        if reply.code == 250:
            self.assertEqual(found.count(content), 1, "acknowledged and not stored")
        return died

    def quit(self, vault, box, strace):
        mails = [gw.mail(2_000), gw.mail(700_000), gw.mail(400)]
        for content in mails:
            self.must_deliver(box, content)
        with gw.Pop3(self.pop3d, box) as pop3:
            for number in range(1, 4):
                pop3.command(f"DELE {number}")
            with strace.attached_to(vault.wake_keeper()) as tracer:
                answer = "+OK"
                try:
                    pop3.command("QUIT")
                except (gw.Refused, gw.Closed) as refused:
                    answer = str(refused)
                died = tracer.target_died()
        left = gw.drain(self.pop3d, box)
        if answer == "+OK":
            self.assertEqual(left, [], "QUIT was answered with +OK and deleted not all")
        else:
            self.assertIn(gw.digests(left), (gw.digests(mails), []), f"QUIT deleted some and not all: {answer}")
        return died

    def must_deliver(self, box, content):
        with gw.Smtp(self.smtpd) as smtp:
            reply = smtp.deliver(box.address, content)
        self.assertEqual(reply.code, 250, reply)


if __name__ == "__main__":
    gw.main(600 if gw.number_from("GW_KILL_SAMPLE", 6) else 7200)
