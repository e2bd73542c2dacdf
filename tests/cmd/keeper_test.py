#!/usr/bin/python3
"""The keeper's life: started by whom needs it, one of it, gone when idle, replaced when killed."""
import concurrent.futures
import fcntl
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


def keepers_of(vault):
    """The processes that serve this vault."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or not gw.alive(entry):
            continue
        try:
            words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in words and str(vault.path).encode() in words:
            found.append(int(entry))
    return found


def setUpModule():
    folder = gw.let_everybody_run_the_programs()
    unittest.addModuleCleanup(shutil.rmtree, folder)


class KeeperTest(unittest.TestCase):
    def test_twenty_tools_at_the_same_time_start_one_keeper(self):
        with gw.Vault(tls=False) as vault:
            vault.add_mailbox("journal")
            vault.stop_keeper()
            self.assertEqual(keepers_of(vault), [])
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                lists = list(pool.map(lambda _: vault.store("mailbox", "list", "--json").stdout, range(20)))
            self.assertEqual(len(set(lists)), 1, lists)
            gw.until(lambda: len(keepers_of(vault)) == 1, lambda: f"one keeper, not {keepers_of(vault)}")
            self.assertEqual(keepers_of(vault), [vault.keeper_pid()])

    def test_a_tool_whose_own_keeper_is_too_late_uses_the_one_that_was_faster(self):
        # As when the starter of a keeper is killed: its keeper goes on, and another tool starts a second one.
        with gw.Vault(tls=False) as vault, open(vault.path / "lock", encoding="ascii") as lock:
            vault.stop_keeper()
            fcntl.flock(lock, fcntl.LOCK_EX)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                tool = pool.submit(vault.store, "mailbox", "list")
                late = gw.until(lambda: [p for p in keepers_of(vault) if self.waits(p)], "the tool's keeper waits")
                for pid in late:
                    os.kill(pid, signal.SIGSTOP)
                gw.until(lambda: all(self.state(pid)[0] == "T" for pid in late), "it is stopped")
                try:
                    fcntl.flock(lock, fcntl.LOCK_UN)
                    keeper = subprocess.Popen([gw.program("gw-store"), "serve", "--idle-exit", "2"], env=vault.env)
                    gw.until(vault.answers, "the other keeper answers")
                finally:
                    begun = time.monotonic()
                    for pid in late:
                        os.kill(pid, signal.SIGCONT)
                tool.result()
                self.assertLess(time.monotonic() - begun, 6, "it waited for the vault and not for a keeper")
            self.assertEqual(vault.keeper_pid(), keeper.pid)
            self.assertEqual(keeper.wait(gw.WAIT), 0)

    def waits(self, pid):
        """A keeper that has gone into the background, so its parent is not the tool, and sleeps."""
        state, parent = self.state(pid)
        with open(f"/proc/{parent}/cmdline", "rb") as file:
            return state == "S" and b"mailbox" not in file.read()

    def state(self, pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[:2]

    def test_an_idle_keeper_exits_and_is_started_again_when_needed(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            vault.stop_keeper()
            keeper = vault.keeper("--idle-exit", "1")
            begun = time.monotonic()
            self.assertEqual(keeper.ended(20), 0, keeper.log())
            self.assertGreater(time.monotonic() - begun, 0.5)
            self.assertFalse((vault.run_folder / "append").exists(), "it leaves no socket behind")
            with gw.Smtp(vault.smtpd()) as smtp:
                reply = smtp.deliver(box.address, gw.mail(1000))
                self.assertEqual(reply.code, 250, reply)

    def test_the_signal_for_a_reload_ends_nothing(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            keeper = vault.keeper()
            with gw.Pop3(vault.pop3d(), box) as pop3:
                keeper.process.send_signal(signal.SIGHUP)
                # And a server of one connection.
                speaker = subprocess.Popen([gw.program("gw-smtpd"), "--stdio"], env=vault.env, stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                self.assertTrue(speaker.stdout.readline().startswith(b"220 "))
                speaker.send_signal(signal.SIGHUP)
                speaker.stdin.write(b"NOOP\r\nQUIT\r\n")
                speaker.stdin.close()
                self.assertEqual([line[:3] for line in speaker.stdout], [b"250", b"221"])
                speaker.stdout.close()
                self.assertEqual(speaker.wait(gw.WAIT), 0)
                pop3.command("NOOP")
                self.assertEqual(pop3.count(), 0)
                pop3.command("QUIT")
            self.assertEqual(vault.keeper_pid(), keeper.pid)
            keeper.stop()

    def test_a_connection_keeps_the_keeper_from_being_idle(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            vault.stop_keeper()
            pop3d = vault.pop3d()
            keeper = vault.keeper("--idle-exit", "5")
            with gw.Pop3(pop3d, box) as pop3, gw.Vault(tls=False) as other:
                # Another keeper, started later and without a client, has ended by then.
                self.assertEqual(other.keeper("--idle-exit", "5").ended(), 0)
                self.assertTrue(keeper.running(), "a session holds a lease")
                pop3.command("QUIT")

    def test_a_killed_keeper_is_replaced_and_a_sender_gets_451_at_most(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            smtpd = vault.smtpd()
            sent, replies = [], []
            with gw.Smtp(smtpd) as smtp:
                for number in range(12):
                    content = gw.mail(2000)
                    if number % 3 == 2:
                        self.assertTrue(vault.kill_keeper())
                    reply = smtp.deliver(box.address, content)
                    replies.append(reply.code)
                    if reply.ok:
                        sent.append(content)
                # Killed in the middle of a mail: that one is put off, the next is taken.
                smtp.envelope(box.address)
                smtp.send(gw.mail(300_000))
                vault.kill_keeper()
                smtp.send(b".\r\n")
                reply = smtp.reply()
                self.assertIn(reply.code, (451, 250), reply)
                content = gw.mail(2000)
                reply = smtp.deliver(box.address, content)
                self.assertEqual(reply.code, 250, reply)
                sent.append(content)
            self.assertLessEqual(set(replies), {250, 451}, replies)
            self.assertIn(250, replies)
            found = gw.digests(gw.drain(vault.pop3d(), box))
            for content in sent:
                self.assertIn(gw.sha256(content), found)

    def test_a_vault_in_a_path_of_150_bytes_works(self):
        with tempfile.TemporaryDirectory(prefix="gw-") as folder:
            long = pathlib.Path(folder) / ("p" * 70) / ("q" * 70)
            long.mkdir(parents=True)
            self.assertGreater(len(str(long)), 150)
            with gw.Vault(long, tls=False) as vault:
                box = vault.add_mailbox("journal")
                content = gw.mail(3000)
                with gw.Smtp(vault.smtpd()) as smtp:
                    reply = smtp.deliver(box.address, content)
                    self.assertEqual(reply.code, 250, reply)
                self.assertEqual(gw.drain(vault.pop3d(), box), [content])

    @gw.need_root("becomes another user")
    def test_another_user_gets_451_or_77_and_a_hint(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            vault.stop_keeper()
            vault.folder.chmod(0o755)
            vault.side.chmod(0o755)
            nobody = pwd.getpwnam("nobody").pw_uid
            done = vault.store("mailbox", "list", status=77, user=nobody, extra_groups=[])
            self.assertIn(f"hint: run this as the user who owns {vault.path}".encode(), done.stderr)
            with gw.Smtp(vault.smtpd(user=nobody, extra_groups=[])) as smtp:
                reply = smtp.deliver(box.address, gw.mail(500))
                self.assertEqual(reply.code, 451, reply)
            self.assertEqual(keepers_of(vault), [])

    @gw.need_root("becomes another user")
    def test_the_keeper_of_a_users_vault_is_that_users_also_when_root_starts_it(self):
        nobody = pwd.getpwnam("nobody").pw_uid
        with gw.Vault(tls=False, user="nobody") as vault:
            vault.add_mailbox("journal")
            vault.stop_keeper()
            vault.store("mailbox", "list", user=0)
            pid = gw.until(vault.keeper_pid, "a keeper runs")
            self.assertEqual(os.stat(f"/proc/{pid}").st_uid, nobody)
            foreign = [str(p) for p in vault.path.rglob("*") if p.lstat().st_uid != nobody]
            self.assertEqual(foreign, [], "root left files behind in a user's vault")

    def test_a_keeper_born_in_an_inetd_session_does_not_hold_its_socket(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            vault.stop_keeper()
            ours, theirs = socket.socketpair()
            with ours, theirs:
                process = subprocess.Popen([gw.program("gw-smtpd")], stdin=theirs, stdout=theirs, stderr=theirs,
                                           env=vault.env)
                theirs.close()
                ours.settimeout(gw.WAIT)
                for text in ("", "HELO x", "MAIL FROM:<>", f"RCPT TO:<{box.address}>", "DATA"):
                    if text:
                        ours.sendall(text.encode() + b"\r\n")
                    self.assertIn(ours.recv(4096)[:1], b"23")
                ours.sendall(b"Subject: x\r\n\r\nbody\r\n.\r\n")
                self.assertEqual(ours.recv(4096)[:3], b"250")
                pid = gw.until(vault.keeper_pid, "the session started a keeper")
                ours.sendall(b"QUIT\r\n")
                rest = b""
                while more := ours.recv(4096):
                    rest += more
                self.assertTrue(rest.startswith(b"221"), rest)  # and the end came, so nobody else holds the socket
                self.assertEqual(process.wait(gw.WAIT), 0)
            self.assertEqual(vault.keeper_pid(), pid)
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if int(fd) <= 2:
                    self.assertEqual(os.readlink(f"/proc/{pid}/fd/{fd}"), "/dev/null")

    def test_a_lease_ends_with_its_keeper_and_quit_deletes_nothing_under_a_second_client(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            mails = [gw.mail(1000) for _ in range(3)]
            with gw.Smtp(vault.smtpd()) as smtp:
                for content in mails:
                    self.assertEqual(smtp.deliver(box.address, content).code, 250)
            pop3d = vault.pop3d()
            with gw.Pop3(pop3d, box) as first:
                for number in (1, 2, 3):
                    first.command(f"DELE {number}")
                self.assertTrue(vault.kill_keeper())
                with gw.Pop3(pop3d, box) as second:
                    self.assertEqual(second.count(), 3)
                    with self.assertRaisesRegex(gw.Refused, r"\[SYS/TEMP\]"):
                        first.command("QUIT")
                    self.assertEqual(gw.digests(second.retrieve(n) for n in (1, 2, 3)), gw.digests(mails))
                    second.command("QUIT")
            self.assertEqual(gw.digests(gw.drain(pop3d, box)), gw.digests(mails))

    def test_sigterm_ends_the_keeper_in_order(self):
        with gw.Vault(tls=False) as vault:
            keeper = vault.keeper()
            keeper.stop(0)
            vault.verify()

    def test_a_second_keeper_reports_who_has_the_vault(self):
        with gw.Vault(tls=False) as vault:
            keeper = vault.keeper()
            done = vault.store("serve", status=75)
            self.assertIn(str(keeper.pid).encode(), done.stderr)


if __name__ == "__main__":
    gw.main()
