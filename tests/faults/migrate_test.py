#!/usr/bin/python3
"""gw-store migrate is killed at each step of the switch: there is exactly one vault before and after, and --resume completes it.
The last test measures the memory that it needs."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_move  # noqa: E402
from gw_strace import Strace  # noqa: E402


@gw.need_program("strace")
class SwitchTest(gw_move.Case):
    def setUp(self):
        super().setUp()
        self.put(700_000, 900)

    def under_strace(self, calls, what, *options):
        """Runs the migration with injected system call faults; its output is discarded."""
        return subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
                                 "-e", f"inject={calls}:{what}", gw.program("gw-store"), "migrate", "--to", self.to,
                                 *options],
                                env=self.vault.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ends(self, tool):
        tool.wait(gw.WAIT)
        return tool.returncode

    def begin_anew(self):
        """Starts another migration from the vault's present directory to a new one."""
        one = self.the_one()
        if one is self.vault:
            self.migrate("--abort", status=(0, 66))
            shutil.rmtree(self.to, ignore_errors=True)
            return
        self.migrate("--resume")
        self.assertFalse((self.to / ".migrate").exists())
        shutil.rmtree(self.vault.path)
        self.vault = one
        self.to = one.folder / f"{one.path.name}x"

    def killed_while(self, tool, condition):
        """Waits until `condition` holds, then kills the tool and the strace that traces it."""
        gw.until(condition, "the migration has reached this step", pause=0.002)
        children = [int(pid) for pid in pathlib.Path(f"/proc/{tool.pid}/task/{tool.pid}/children").read_text().split()]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        tool.kill()  # strace would wait for the end of its delay
        self.ends(tool)
        for pid in children:
            gw.until(lambda pid=pid: not gw.alive(pid), "it has ended")

    def test_the_tool_is_killed_at_each_step(self):
        self.vault.wake_keeper()
        # The system calls that rename copies, published files and the format file.
        for calls, most in (("rename", 3), ("renameat2", 12)):
            for number in range(1, most + 1):
                with self.subTest(calls=calls, number=number):
                    if self.ends(self.under_strace(calls, f"signal=KILL:when={number}", "--resume")) == 0:
                        self.assertTrue(self.has_moved())
                        self.assertGreater(number, 2)
                        self.begin_anew()
                        break
                    one = self.the_one()
                    self.assertEqual(one is not self.vault, self.has_moved())
                    if number % 2:
                        self.migrate("--resume")
                        self.all_is_there(self.opened())
                    self.begin_anew()

    def test_the_tool_is_killed_between_the_two_renames_of_the_switch(self):
        said = lambda: (self.to / "format").exists() and (self.to / "format").read_text()  # noqa: E731
        # The new directory is complete, and the old one is still the vault.
        self.killed_while(self.under_strace("rename", "delay_exit=30000000:when=1"), said)
        self.assertIn("requires arrival", said())
        self.assertFalse(self.has_moved())
        done = self.opened().store("mailbox", "list", status=gw_move.CONFIG)
        self.assertIn(b"still has it", done.stderr)
        self.assertIn(b"--resume", done.stderr)
        self.assertEqual(self.the_one(), self.vault)
        # The old vault says that it has moved, but the new one has not been told. It finds out by itself.
        self.killed_while(self.under_strace("rename", "delay_enter=30000000:when=2", "--resume"), self.has_moved)
        self.assertIn("requires arrival", said())
        one = self.the_one()
        self.assertEqual(one.path, self.to)
        self.assertNotIn("arrival", said())
        self.migrate()
        self.assertFalse((self.to / ".migrate").exists())
        self.all_is_there(one)

    def test_the_keeper_is_killed_while_it_writes_that_the_vault_has_moved(self):
        for calls, number in (("rename", 1), ("openat", 1), ("fsync", 1), ("fsync", 2)):
            with self.subTest(calls=calls, number=number):
                pid = self.vault.wake_keeper()
                tool = self.under_strace("rename", "delay_enter=700000:when=1", "--resume")
                # The keeper is stopped when all new files but the format file are in place.
                gw.until(lambda: (self.to / "head").exists(), "the last copy is in its place", pause=0.002)
                with Strace.Inject(calls, f"signal=KILL:when={number}").attached_to(pid) as tracer:
                    status = self.ends(tool)
                    died = tracer.target_died()
                self.assertTrue(died or status == 0)
                if died:
                    self.assertNotEqual(status, 0)
                one = self.the_one()
                self.assertEqual(one is not self.vault, self.has_moved())
                self.migrate("--resume")
                self.all_is_there(self.opened())
                self.begin_anew()

    def test_during_the_switch_everything_fails_temporarily_and_reading_works(self):
        smtpd, pop3d = self.vault.smtpd(), self.vault.pop3d()
        tool = self.under_strace("rename", "delay_enter=30000000:when=1")
        gw.until(lambda: (self.to / "head").exists(), "the last copy is in its place", pause=0.002)
        with gw.Smtp(smtpd) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, gw.mail(600)).code, 451)
            self.assertEqual(smtp.deliver(self.box.address, gw.mail(900_000)).code, 451)
        self.vault.store("message", "add", "journal", input=b"x", status=75)
        self.vault.store("checkpoint", status=75)
        with gw.Pop3(pop3d, self.box) as pop3:
            self.assertEqual(gw.sha256(pop3.retrieve(1)), gw.sha256(self.sent[0]))
            pop3.command("DELE 1")
            with self.assertRaisesRegex(gw.Refused, r"\[SYS/TEMP\]"):
                pop3.command("QUIT")
        # The client that suspended the store has ended, so the keeper serves as before.
        self.killed_while(tool, lambda: True)
        with gw.Smtp(smtpd) as smtp:
            content = gw.mail(700)
            gw.until(lambda: smtp.deliver(self.box.address, content).ok, "mail is accepted again")
            self.sent.append(content)
        self.migrate("--resume")
        self.all_is_there()


class MemoryTest(gw_move.Case):
    def test_memory_does_not_grow_with_the_mails(self):
        self.put(*[6_000_000] * 12)
        tool = subprocess.Popen([gw.program("gw-store"), "migrate", "--to", self.to], env=self.vault.env,
                                stdout=subprocess.DEVNULL)
        most = 0
        while tool.poll() is None:
            with contextlib.suppress(AssertionError, FileNotFoundError, ProcessLookupError):
                most = max(most, gw.resident(tool.pid, "VmHWM"))
            time.sleep(0.01)
        self.assertEqual(tool.returncode, 0)
        self.assertLess(most, 64 << 20)
        self.assertGreater(most, 1 << 20, "the memory was measured")
        self.all_is_there()


if __name__ == "__main__":
    gw.main(300)
