#!/usr/bin/python3
"""gw-store migrate: in use, interrupted, refused, on a full disk, for another user; and what is left in the old directory."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_move  # noqa: E402
from gw_move import CONFIG  # noqa: E402

OTHER = 61_500  # a number that no account has


class MigrateTest(gw_move.Case):
    def test_there_and_no_way_back(self):
        self.put(700, 5000, 700_000)
        note = self.vault.side / "note"
        note.write_bytes(self.vault.store("checkpoint").stdout)
        lost = self.vault.path / "lost"
        lost.mkdir(mode=0o700)
        (lost / ("ab" * 16)).write_bytes(b"set aside by repair")
        ids = [m["id"] for m in self.vault.json("message", "list", "journal")]
        before = self.vault.store("history", "journal", "--json").stdout
        content = self.vault.store("dump").stdout
        key = (self.vault.path / "history.key").read_bytes()
        said = self.migrate()[-1]
        self.assertEqual((said["moved"], said["messages"], said["gaps"]), (True, 3, 0))
        self.assertEqual((said["from"], said["to"]), (str(self.vault.path), str(self.to)))
        names = {p.name for p in self.to.iterdir()}
        self.assertEqual(names - {"lost"}, {"db", "format", "head", "large", "history.key"})
        self.assertEqual((self.to / "lost" / ("ab" * 16)).read_bytes(), b"set aside by repair")
        self.assertEqual((self.to / "history.key").read_bytes(), key)
        new = self.opened()
        # Ids, order, passwords, and histories byte for byte.
        self.assertEqual([m["id"] for m in new.json("message", "list", "journal")], ids)
        self.assertEqual(new.store("history", "journal", "--json").stdout, before)
        self.assertEqual(new.store("dump").stdout, content)
        new.store("verify", "--against", note)
        with gw.Smtp(new.smtpd()) as smtp:
            self.sent.append(gw.mail(900))
            self.assertEqual(smtp.deliver(self.box.address, self.sent[-1]).code, 250)
        self.all_is_there(new)
        new.store("checkpoint")
        # It needs the old one no more.
        shutil.rmtree(self.vault.path)
        new.stop_keeper()
        self.assertEqual(len(new.json("message", "list", "journal")), 4)
        self.assertEqual(sorted(p.name for p in self.to.iterdir() if p.name.startswith(".")), [])

    def test_what_has_moved_refuses_everything_and_says_where(self):
        self.put(500)
        smtpd, pop3d = self.vault.smtpd(), self.vault.pop3d()
        self.migrate()
        for command in (["mailbox", "list"], ["status"], ["verify"], ["serve"], ["repair"], ["sweep"],
                        ["message", "add", "journal"], ["backup", self.vault.side / "b"],
                        ["salvage", self.vault.path, "--to", self.vault.side / "s"],
                        ["migrate", "--to", self.vault.side / "elsewhere"]):
            with self.subTest(command=command):
                done = self.vault.store(*command, status=CONFIG, input=b"")
                self.assertIn(f"has moved to {self.to}".encode(), done.stderr)
        self.assertFalse((self.vault.side / "elsewhere").exists())
        # Servers that kept running and servers that start now: a temporary error, never a permanent one.
        for server in (smtpd, self.vault.smtpd()):
            with gw.Smtp(server) as smtp:
                self.assertTrue(smtp.deliver(self.box.address, gw.mail(400)).temporary)
        for server in (pop3d, self.vault.pop3d()):
            with self.assertRaisesRegex(gw.Refused, r"\[SYS/TEMP\]"):
                gw.Pop3(server, self.box)
        self.assertIn(str(self.to).encode(), self.vault.store("doctor", status=1).stdout)
        # A second run has nothing to do, and there is no way back by this command.
        self.assertTrue(self.migrate()[-1]["moved"])
        self.migrate("--abort", status=75)
        self.all_is_there()

    def test_live_beside_deliveries_drains_and_sweeps(self):
        moving = self.vault.add_mailbox("moving", "--grace", "0")
        note = self.vault.side / "note"
        note.write_bytes(self.vault.store("checkpoint").stdout)
        smtpd, pop3d = self.vault.smtpd(), self.vault.pop3d()
        over, lock = threading.Event(), threading.Lock()
        kept, passed, removed, doubtful, wrong = set(), set(), set(), set(), []
        tried = {self.box.name: 0, moving.name: 0}

        def send(box, acknowledged):
            for n in range(100_000):
                if over.is_set():
                    return
                content = gw.mail((800, 20_000, 600_000)[n % 3])
                with gw.Smtp(smtpd) as smtp:
                    reply = smtp.deliver(box.address, content)
                with lock:
                    tried[box.name] += 1
                    if reply.ok:
                        acknowledged.add(gw.sha256(content))
                    elif not reply.temporary:
                        wrong.append(repr(reply))

        def drain():
            while not over.is_set():
                found = set()
                try:
                    with gw.Pop3(pop3d, moving) as pop3:
                        for number in range(1, pop3.count() + 1):
                            found.add(pop3.digest(number)[0])
                            pop3.command(f"DELE {number}")
                        pop3.command("QUIT")
                    with lock:
                        removed.update(found)
                except gw.Refused as refusal:
                    with lock:
                        if "[SYS/TEMP]" not in str(refusal):
                            wrong.append(repr(refusal))
                except gw.Closed:
                    doubtful.update(found)

        def sweep():
            while not over.is_set():
                self.vault.store("sweep", "--now", status=(0, 69, 75, CONFIG))

        def guarded(work, *arguments):
            try:
                work(*arguments)
            except Exception as error:  # noqa: BLE001 - told at the end
                wrong.append(f"{work.__name__}: {error!r}")

        threads = [threading.Thread(target=guarded, args=a) for a in
                   ((send, self.box, kept), (send, moving, passed), (drain,), (sweep,))]
        for thread in threads:
            thread.start()
        try:
            gw.until(lambda: len(kept) > 15 and len(removed) > 5, "mail goes in and out")
            said = self.migrate()[-1]
            self.assertLess(said["suspended_seconds"], 5)
            # What goes on after the switch must not be accepted.
            at_the_switch = dict(tried)
            gw.until(lambda: all(tried[name] > at_the_switch[name] + 2 for name in tried), "mails are tried after the switch")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        new = self.opened()
        new.store("verify", "--against", note)
        server = new.pop3d()
        self.assertEqual(gw.digests(gw.drain(server, self.box)), sorted(kept), "each once, and as it was sent")
        here = gw.digests(gw.drain(server, moving))
        self.assertEqual(len(here), len(set(here)))
        self.assertEqual(set(here) - passed, set(), "altered or partial")
        self.assertEqual(passed - removed - doubtful - set(here), set(), "acknowledged, not drained, and not here")
        self.assertEqual(removed & set(here), set(), "drained, and here again")

    def test_refusals(self):
        self.put(500)
        refused = lambda to, status, why: (self.migrate(to=to, status=status),  # noqa: E731
                                           self.assertIn(why, self.trouble))
        refused(self.vault.path, 64, "is the vault or inside it")
        refused(self.vault.path / "run" / ".." / "inner", 64, "is the vault or inside it")
        link = self.vault.folder / "link"
        link.symlink_to(self.vault.path)
        refused(link / "inner", 64, "inside it")
        refused(self.vault.folder, 64, "contains the vault")
        refused("rados://pool/gw", 64, "unsupported URL scheme `rados`")
        refused("file://host/gw", 64, "not an absolute path")
        refused("a\nb", 64, "not the name of a directory")
        refused(self.vault.side / "no/such/parent", 73, "No such file")
        refused("/proc/new", 73, "/proc/new")
        taken = self.vault.side / "taken"
        taken.mkdir()
        (taken / "a file").touch()
        refused(taken, 73, "is not empty")
        self.assertEqual([p.name for p in taken.iterdir()], ["a file"])
        self.migrate("--abort", to=taken, status=66)
        self.migrate("--abort", "--resume", status=64)
        with gw.Vault(tls=False) as other:
            refused(other.path, 73, "is not empty")
        self.assertFalse(self.has_moved())
        self.put(400)
        self.all_is_there(self.vault)

    def test_a_url_may_name_a_directory(self):
        self.put(500)
        self.migrate(to=f"file://{self.to}/")
        self.all_is_there()

    def test_damage_is_found_before_anything_stands_still(self):
        self.put(700_000, 800)
        self.vault.stop_keeper()
        large = next((self.vault.path / "large").glob("[0-9a-f]*"))
        with open(large, "r+b") as file:
            file.seek(1000)
            file.write(b"x")
        said = self.migrate(status=65)
        self.assertIn("container differs from what was accepted", said[0]["finding"])
        self.assertIn("the vault has not moved", self.trouble)
        self.assertFalse(self.has_moved())
        self.put(500)
        self.migrate("--abort")
        self.assertEqual(list(self.to.iterdir()), [])


class InterruptedTest(gw_move.Case):
    def setUp(self):
        super().setUp()
        self.put(*[2_000_000] * 8, 700, 800)

    def test_a_second_run_says_what_to_do_and_resume_does_it(self):
        tool = self.killed_when(lambda: len(list((self.to / ".migrate/.part/large").glob("*"))) >= 6)
        self.assertLess(tool, 0)
        self.assertEqual(self.the_one(), self.vault)
        self.assertEqual(self.migrate(status=73), [])
        self.assertRegex(self.trouble, r"hint: gw-store --vault \S+ migrate --to \S+ --resume")
        copied = {p.name: p.stat().st_ino for p in (self.to / ".migrate/.part/large").glob("[0-9a-f]*")}
        self.migrate("--resume")
        kept = [name for name, inode in copied.items() if (self.to / "large" / name).stat().st_ino == inode]
        self.assertGreater(len(kept), 0, "what was copied is not copied again")
        self.all_is_there()

    def killed_when(self, condition):
        """A run that is killed as soon as this holds. Its exit status."""
        tool = subprocess.Popen([gw.program("gw-store"), "migrate", "--to", self.to], env=self.vault.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while tool.poll() is None and not condition():
            time.sleep(0.001)
        tool.kill()
        return tool.wait()

    def test_abort_leaves_an_empty_directory(self):
        self.killed_when((self.to / ".migrate/.part").exists)
        said = self.migrate("--abort")[-1]
        self.assertFalse(said["moved"])
        self.assertEqual(list(self.to.iterdir()), [])
        self.migrate()
        self.all_is_there()

    def test_an_unfinished_move_of_another_vault_is_left_alone(self):
        self.killed_when((self.to / ".migrate/.part").exists)
        with gw.Vault(tls=False) as other:
            for option in ("--resume", "--abort"):
                done = other.store("migrate", "--to", self.to, option, status=73)
                self.assertIn(b"of another vault", done.stderr)
        self.migrate("--resume")

    def test_one_that_was_killed_while_it_noted_whose_it_is_goes_on(self):
        for text, option in (("", "--abort"), ("vault 1", "--resume")):
            self.killed_when((self.to / ".migrate/.part").exists)
            note = self.to / ".migrate/from"
            note.write_text(note.read_text()[:len(text)])
            self.migrate(option)
        self.all_is_there()

    def test_the_tool_is_asked_to_end(self):
        tool = subprocess.Popen([gw.program("gw-store"), "migrate", "--to", self.to], env=self.vault.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        gw.until((self.to / ".migrate/.part/large").exists, "it copies", pause=0.001)
        tool.terminate()
        _, err = tool.communicate(timeout=gw.WAIT)
        self.assertIn(tool.returncode, (0, 75), err)
        if tool.returncode == 75:
            self.assertIn(b" --resume\n", err)
            self.put(500)
            self.migrate("--resume")
        self.all_is_there()

    def test_killed_at_any_moment_there_is_one_vault(self):
        """The tool, the keeper or both; then it goes on, until it is through."""
        random.seed(5)
        for number in range(gw.number_from("GW_ROUNDS", 10)):
            with self.subTest(round=number):
                tool = subprocess.Popen([gw.program("gw-store"), "migrate", "--to", self.to, "--resume"],
                                        env=self.vault.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(random.uniform(0, 0.6))
                if number % 3 != 0:
                    self.vault.kill_keeper()
                if number % 3 != 1:
                    tool.kill()
                tool.wait(gw.WAIT)
                one = self.the_one()
                if one is self.vault:
                    continue
                # It had been quick: once more, from there.
                self.migrate("--resume")
                self.all_is_there(one)
                self.vault, self.to = one, self.vault.folder / f"new-{number}"
        self.migrate("--resume")
        self.all_is_there()

    @gw.need_root("mounts a small tmpfs")
    def test_a_full_disk_is_74_and_the_vault_goes_on(self):
        disk = self.vault.side / "disk"
        disk.mkdir()
        gw.run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk)
        try:
            self.migrate(to=disk / "new", status=74)
            self.assertIn("are needed, but only", self.trouble)
            self.migrate("--resume", to=disk / "new", status=74)
            self.assertIn("No space left on device", self.trouble)
            self.put(500)
            # A mount point is a directory like any other, if there is space.
            self.migrate("--abort", to=disk / "new")
            (disk / "new").rmdir()
            gw.run("mount", "-o", "remount,size=200m", disk)
            self.migrate(to=disk)
            self.all_is_there(self.opened(disk))
            self.opened(disk).close()
        finally:
            self.doCleanups()
            gw.run("umount", disk)


class UserTest(unittest.TestCase):
    @gw.need_root("gives files to another user")
    def test_root_moves_it_for_its_owner(self):
        self.addCleanup(setattr, gw, "BIN", gw.BIN)
        self.addCleanup(shutil.rmtree, gw.let_everybody_run_the_programs())
        parent = pathlib.Path(tempfile.mkdtemp(prefix="gw-moved-"))
        self.addCleanup(shutil.rmtree, parent)
        parent.chmod(0o755)
        with gw.Vault(tls=True, user=OTHER) as vault:
            vault.add_mailbox("journal")
            vault.store("message", "add", "journal", input=gw.mail(700_000))
            roots = parent / "roots"
            roots.mkdir()
            done = gw.run(gw.program("gw-store"), "migrate", "--to", roots, env=vault.env, status=77)
            self.assertIn(b"does not belong to the owner", done.stderr)
            done = gw.run(gw.program("gw-store"), "migrate", "--to", parent / "x", env=vault.env, status=77,
                          user=OTHER + 1)
            gw.run(gw.program("gw-store"), "migrate", "--to", parent / "new", env=vault.env)
            found = {(p.stat().st_uid, p.stat().st_mode & 0o777) for p in [parent / "new", *(parent / "new").rglob("*")]}
            self.assertEqual(found, {(OTHER, 0o700), (OTHER, 0o600)})
            self.assertEqual((vault.path / "format").stat().st_uid, OTHER)
            self.assertTrue((parent / "new/tls/key.pem").exists())
            vault.stop_keeper()
            vault.path, vault.env = parent / "new", {**vault.env, "GW_VAULT": str(parent / "new")}
            self.assertEqual(len(vault.json("message", "list", "journal")), 1)


if __name__ == "__main__":
    gw.main(300)
