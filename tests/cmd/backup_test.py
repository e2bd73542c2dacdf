#!/usr/bin/python3
"""gw-store backup and restore: live, interrupted, damaged, on a full disk, as another user; and what is said of each."""
import os
import pathlib
import re
import resource
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

OTHER = 61_500  # a number that no account has
SHAPE = re.compile(r"^\d{8}T\d{6}Z$")


def inodes(folder):
    return {str(p.relative_to(folder)): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


def owned(folder):
    return {(p.stat().st_uid, p.stat().st_mode & 0o777) for p in [folder, *folder.rglob("*")]}


class Case(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")
        self.dest = self.vault.side / "backups"
        self.sent = []

    def put(self, *sizes, box="journal"):
        for size in sizes:
            self.sent.append(gw.mail(size))
            self.vault.store("message", "add", box, input=self.sent[-1])

    def back_up(self, *options, status=0, **more):
        done = self.vault.store("backup", self.dest, "--json", *options, status=status, **more)
        return gw.json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def restore(self, source, name="restored", *options, status=0):
        """Returns the directory of the backup; self.said is the output."""
        folder = self.vault.side / name
        done = self.vault.store("restore", source, "--to", folder, "--json", *options, status=status)
        self.said = [gw.json.loads(line) for line in done.stdout.splitlines()]
        self.trouble = done.stderr.decode()
        return folder

    def complete(self):
        """Names of what is complete; nothing else is there but the lock."""
        names = sorted(p.name for p in self.dest.iterdir() if p.name != ".lock")
        self.assertTrue(all(SHAPE.match(name) for name in names), names)
        return names

    def opened(self, folder):
        """A harness around a restored vault, with the mailboxes of the old one."""
        other = object.__new__(gw.Vault)
        other.__dict__.update(vars(self.vault), own=False, folder=folder.parent, path=folder, servers=[],
                              side=pathlib.Path(tempfile.mkdtemp(prefix="gw-side-")),
                              env={**self.vault.env, "GW_VAULT": str(folder)})
        self.addCleanup(other.close)
        return other

    def mails_in(self, folder, box=None):
        other = self.opened(folder)
        return gw.drain(other.pop3d(), box or self.box)

    def snapshot_is_gone(self):
        return not (self.vault.path / "snapshot").exists()

    def ids(self, vault, box="journal"):
        return [m["id"] for m in vault.json("message", "list", box, "--state", "all")]


class BackupTest(Case):
    def test_there_and_back(self):
        self.put(700, 5000, 700_000)
        report = self.back_up()
        self.assertEqual(self.complete(), [pathlib.Path(report["path"]).name])
        self.assertEqual(report["written_octets"], report["octets"])
        self.assertTrue(report["checkpoint"])
        self.assertEqual(owned(pathlib.Path(report["path"])), {(os.getuid(), 0o700), (os.getuid(), 0o600)})
        self.assertFalse((pathlib.Path(report["path"]) / "history.key").exists())
        self.assertTrue(self.snapshot_is_gone())
        folder = self.restore(self.dest)
        said = self.said[-1]
        self.assertEqual((said["messages"], said["mailboxes"], said["findings"], said["gaps"]), (3, 1, 0, 0))
        self.assertGreaterEqual(said["commits"], report["commits"])
        self.assertEqual(said["time"], report["time"])
        other = self.opened(folder)
        self.assertEqual(self.ids(other), self.ids(self.vault))
        # It goes on as a vault: takes mail, hands it out under the same password.
        new = gw.mail(900)
        with gw.Smtp(other.smtpd()) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, new).code, 250)
        self.assertEqual(gw.digests(gw.drain(other.pop3d(), self.box)), gw.digests([*self.sent, new]))
        other.verify()
        # And the old one is as it was.
        self.assertEqual(gw.digests(gw.drain(self.vault.pop3d(), self.box)), gw.digests(self.sent))

    def test_live_beside_deliveries_drains_and_sweeps(self):
        moving = self.vault.add_mailbox("moving", "--grace", "0")
        smtpd, pop3d = self.vault.smtpd(), self.vault.pop3d()
        over = threading.Event()
        lock = threading.Lock()
        kept, passed, taken, wrong = {}, {}, set(), []

        def send(box, acknowledged):
            sizes = (800, 20_000, 600_000)
            with gw.Smtp(smtpd) as smtp:
                for n in range(100_000):
                    if over.is_set():
                        return
                    content = gw.mail(sizes[n % 3])
                    reply = smtp.deliver(box.address, content)
                    with lock:
                        if reply.ok:
                            acknowledged[gw.sha256(content)] = True
                        else:
                            wrong.append(repr(reply))

        def drain():
            while not over.is_set():
                with gw.Pop3(pop3d, moving) as pop3:
                    for number in range(1, pop3.count() + 1):
                        digest = pop3.digest(number)[0]
                        with lock:
                            taken.add(digest)
                        pop3.command(f"DELE {number}")
                    pop3.command("QUIT")

        def sweep():
            while not over.is_set():
                self.vault.store("sweep", "--now")

        def guarded(work, *arguments):
            try:
                work(*arguments)
            except Exception as error:  # noqa: BLE001 - told at the end
                wrong.append(f"{work.__name__}: {error!r}")

        threads = [threading.Thread(target=guarded, args=a) for a in
                   ((send, self.box, kept), (send, moving, passed), (drain,), (sweep,))]
        for thread in threads:
            thread.start()
        rounds = []
        try:
            for number in range(3):
                gw.until(lambda most=len(kept) + 15: len(kept) > most and len(taken) > 5, "mail goes in and out")
                with lock:
                    before, moving_before = set(kept), set(passed) - taken
                report = self.back_up(*(["--incremental"] if number else []))
                with lock:
                    rounds.append((report["path"], before, moving_before - taken))
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        for number, (path, before, moving_before) in enumerate(rounds):
            folder = self.restore(path, f"restored-{number}")
            self.assertEqual(self.said[-1]["findings"], 0)
            other = self.opened(folder)
            server = other.pop3d()
            found = {gw.sha256(m) for m in gw.drain(server, self.box)}
            self.assertEqual(before - found, set(), "acknowledged before the backup and not in it")
            self.assertEqual(found - kept.keys(), set(), "altered or partial")
            found = {gw.sha256(m) for m in gw.drain(server, moving)}
            self.assertEqual(moving_before - found, set(), "acknowledged, not drained, and not in the backup")
            self.assertEqual(found - passed.keys(), set(), "altered or partial")
            other.close()
        self.vault.verify()
        self.assertTrue(self.snapshot_is_gone())

    def test_incremental_shares_what_never_changes(self):
        self.put(*[700_000] * 5, 3000)
        full = self.back_up()
        self.put(2000)
        next_one = self.back_up("--incremental")
        first, second = (inodes(pathlib.Path(r["path"])) for r in (full, next_one))
        shared = {name for name in first if second.get(name) == first[name]}
        self.assertEqual(sum(name.startswith("large/") for name in shared), 5)
        self.assertTrue(any(name.endswith(".sst") for name in shared))
        self.assertFalse({"head", "manifest", "db/CURRENT"} & shared)
        self.assertLess(next_one["written_octets"], full["octets"] / 10)
        self.assertGreater(next_one["octets"], full["octets"])
        # Each of them is whole by itself.
        shutil.rmtree(full["path"])
        folder = self.restore(self.dest)
        self.assertEqual(gw.digests(self.mails_in(folder)), gw.digests(self.sent))

    def test_keep_removes_older_ones_after_the_new_one_is_there(self):
        self.put(500)
        made = [pathlib.Path(self.back_up("--keep", "2")["path"]).name for _ in range(4)]
        self.assertEqual(made, sorted(set(made)), "later ones come later, also within a second")
        self.assertEqual(self.complete(), made[2:])

    def test_backups_are_listed_with_what_their_manifests_say(self):
        self.put(500)
        made = [self.back_up(), self.back_up()]
        listed = self.vault.json("backup", self.dest, "--list")
        self.assertEqual([each["path"] for each in listed], [each["path"] for each in made])
        for each, backup in zip(listed, made):
            for key in ("vault", "time", "commits", "checkpoint", "files", "octets"):
                self.assertEqual(each[key], backup[key], key)
            self.assertIsNone(each["trouble"])
        self.assertEqual(self.vault.json("restore", self.dest, "--list"), listed)
        self.assertEqual(self.vault.json("restore", made[0]["path"], "--list"), listed[:1])
        shown = self.vault.store("backup", self.dest, "--list").stdout.decode()
        self.assertEqual([line.split()[0] for line in shown.splitlines()[1:]],
                         [pathlib.Path(each["path"]).name for each in made])
        (pathlib.Path(made[1]["path"]) / "manifest").unlink()
        done = self.vault.store("restore", self.dest, "--list", status=3)
        self.assertIn(b"no manifest", done.stdout)
        self.vault.store("backup", self.dest, "--list", "--keep", "1", status=64)
        self.vault.store("backup", self.vault.side, "--list", status=66)

    def test_keep_daily_removes_older_ones_of_the_day(self):
        self.put(500)
        made = [pathlib.Path(self.back_up().get("path")).name for _ in range(2)]
        # As if the first were of another day.
        old = self.dest / "20260101T000000Z"
        (self.dest / made[0]).rename(old)
        last = self.back_up("--keep-daily", "2")
        self.assertEqual(self.complete(), [old.name, pathlib.Path(last["path"]).name])
        self.assertEqual(last["removed"], [made[1]])

    def test_a_new_name_sorts_last_whatever_the_clock_says(self):
        self.put(500)
        self.back_up()
        ahead = self.dest / "20991231T235959Z"
        (self.dest / self.complete()[0]).rename(ahead)
        report = self.back_up("--incremental", "--keep", "1")
        self.assertEqual(self.complete(), ["21000101T000000Z"])
        self.assertEqual(report["removed"], [ahead.name])

    def test_what_is_damaged_in_the_last_one_is_not_passed_on(self):
        self.put(700_000, 800)
        first = pathlib.Path(self.back_up()["path"])
        large = next((first / "large").glob("[0-9a-f]*"))
        with open(large, "r+b") as file:
            file.seek(1000)
            file.write(b"x")
        name = f"{first.name}/large/{large.name}"
        report = self.back_up("--incremental", status=65)
        self.assertEqual(report["damaged"], [name])
        self.restore(report["path"], "a")
        self.assertIn("damaged", self.vault.store("restore", first, "--check", status=65).stdout.decode())
        # Quick trusts what it links to: it is what it says, and restore finds it.
        for other in self.dest.glob("2*"):
            if other != first:
                shutil.rmtree(other)
        quick = self.back_up("--incremental", "--quick")
        self.assertEqual(quick["damaged"], [])
        self.restore(quick["path"], "b", status=65)

    def test_a_file_number_that_comes_again_is_another_file(self):
        """A vault put back to an earlier state gives the same numbers to other files."""
        self.put(500)
        early = self.back_up()["path"]
        for number in range(3):
            self.put(4000 + number)
            self.back_up("--incremental")
        self.vault.stop_keeper()
        shutil.rmtree(self.vault.path)
        self.vault.store("restore", early, "--to", self.vault.path)
        del self.sent[1:]
        for number in range(3):
            self.put(4000 + number)  # of the same sizes as before, and other mails
            latest = self.back_up("--incremental")
        self.assertEqual(latest["damaged"], [])
        folder = self.restore(latest["path"])
        self.assertEqual(gw.digests(self.mails_in(folder)), gw.digests(self.sent))

    def test_status_doctor_and_metrics_know_of_it(self):
        self.assertIsNone(self.vault.json("status")[0]["last_backup"])
        self.assertIn(b"last backup  never\n", self.vault.store("status").stdout)
        self.assertNotIn(b"\ngw_last_backup_timestamp_seconds ", self.vault.store("status", "--openmetrics").stdout)
        findings = lambda *o: {f["check"]: f for f in map(  # noqa: E731
            gw.json.loads, self.vault.store("doctor", "--json", *o, status=None).stdout.splitlines())}
        made = (self.vault.path / "format").stat().st_mtime
        gw.until(lambda: time.time() > made + 1, "the vault is older than a second")
        self.assertEqual(findings("--backup", "0")["backup"]["level"], "good", "there is no mail")
        self.put(500)
        self.assertEqual(findings()["backup"]["level"], "good", "the vault is young")
        self.assertEqual(findings("--backup", "0")["backup"]["text"], "never done")
        self.assertEqual(findings("--backup", "0")["backup"]["level"], "warning")
        report = self.back_up()
        self.assertEqual(self.vault.json("status")[0]["last_backup"], report["time"])
        self.assertRegex(self.vault.store("status", "--openmetrics").stdout.decode(),
                         r"\ngw_last_backup_timestamp_seconds 1\d{9}\.\d{6}\n")
        self.assertEqual(findings()["backup"]["level"], "good")
        old = gw.until(lambda: (found := findings("--backup", "0")["backup"])["level"] == "warning" and found,
                       "the backup is older than a second")
        self.assertIn("gw-store backup", old["hint"])
        self.vault.verify()

    def test_refusals(self):
        self.put(500)
        self.vault.store("backup", self.vault.path / "backups", status=64)
        self.vault.store("backup", self.dest, "--quick", status=64)
        self.vault.store("backup", self.dest, "--keep", "0", status=64)
        self.vault.store("backup", self.vault.side / "no/such/folder", status=73)
        self.back_up()
        self.vault.store("restore", self.dest, status=64)
        self.vault.store("restore", self.dest, "--check", "--to", self.vault.side / "x", status=64)
        self.restore(self.vault.side / "nothing", status=66)
        (self.vault.side / "empty").mkdir()
        self.restore(self.vault.side / "empty", status=66)
        taken = self.vault.side / "taken"
        taken.mkdir()
        (taken / "a file").touch()
        self.restore(self.dest, "taken", status=73)
        self.assertEqual([p.name for p in taken.iterdir()], ["a file"])
        with gw.Vault(tls=False) as other:
            done = other.store("backup", self.dest, status=73)
            self.assertIn(b"of another vault", done.stderr)
        self.assertEqual(len(self.complete()), 1)

    def test_a_copy_of_the_directory_beside_a_running_keeper_is_not_a_backup(self):
        """What gw-vault(7) warns of: files of different moments."""
        self.put(500)
        copy = self.vault.side / "copy"
        copy.mkdir()
        shutil.copytree(self.vault.path / "db", copy / "db")
        self.put(600, 700)
        self.vault.settle()
        for name in ("format", "head"):
            shutil.copy(self.vault.path / name, copy)
        shutil.copytree(self.vault.path / "large", copy / "large")
        other = self.opened(copy)
        self.assertIn(b"read-only: acknowledged commits are missing", other.store("status").stdout)


class InterruptedTest(Case):
    def setUp(self):
        super().setUp()
        self.put(*[4_000_000] * 12)
        self.first = self.back_up()["path"]

    def stopped_midway(self):
        """A backup that stands still while it is written."""
        for _ in range(20):
            before = self.complete()
            tool = subprocess.Popen([gw.program("gw-store"), "backup", str(self.dest)], env=self.vault.env,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            large = self.dest / ".part/large"
            while tool.poll() is None and not (large.exists() and any(large.iterdir())):
                time.sleep(0.001)
            if tool.poll() is None:
                tool.send_signal(signal.SIGSTOP)
                if (self.dest / ".part").exists() and not self.snapshot_is_gone():
                    return tool
                tool.send_signal(signal.SIGCONT)
            tool.communicate()
            for name in set(self.complete()) - set(before):
                shutil.rmtree(self.dest / name)
        self.fail("a backup was never seen while it is written")

    def ends(self, tool, status):
        out, err = tool.communicate(timeout=gw.WAIT)
        self.assertEqual(tool.returncode, status, err)
        self.assertEqual(out, b"")
        return err.decode()

    def whole(self):
        self.vault.store("restore", self.first, "--check")
        report = self.back_up("--incremental")
        self.assertEqual(self.complete(), [pathlib.Path(p).name for p in (self.first, report["path"])])
        self.assertTrue(self.snapshot_is_gone())
        folder = self.restore(report["path"])
        self.assertEqual(gw.digests(self.mails_in(folder)), gw.digests(self.sent))

    def test_the_tool_is_killed(self):
        tool = self.stopped_midway()
        tool.kill()
        self.ends(tool, -signal.SIGKILL)
        gw.until(self.snapshot_is_gone, "the keeper removes the snapshot")
        self.assertTrue((self.dest / ".part").exists())
        self.whole()

    def test_the_tool_is_asked_to_end(self):
        tool = self.stopped_midway()
        tool.terminate()
        tool.send_signal(signal.SIGCONT)
        self.assertIn("interrupted", self.ends(tool, 75))
        self.assertEqual(self.complete(), [pathlib.Path(self.first).name])
        self.whole()

    def test_the_keeper_is_killed(self):
        tool = self.stopped_midway()
        self.vault.kill_keeper()
        tool.send_signal(signal.SIGCONT)
        self.assertIn("request to the keeper failed", self.ends(tool, 75))
        self.assertEqual(self.complete(), [pathlib.Path(self.first).name])
        self.assertFalse(self.snapshot_is_gone(), "nobody was there to remove it")
        self.vault.wake_keeper()
        self.assertTrue(self.snapshot_is_gone())
        self.whole()

    def test_another_one_meanwhile_is_75(self):
        tool = self.stopped_midway()
        self.assertIn("another backup", self.back_up(status=75))
        elsewhere = self.vault.side / "elsewhere"
        self.assertIn(b"in progress", self.vault.store("backup", elsewhere, status=75).stderr)
        self.assertEqual([p.name for p in elsewhere.iterdir()], [".lock"])
        # Mail comes and goes all the same.
        self.put(500)
        tool.send_signal(signal.SIGCONT)
        tool.communicate()
        self.assertEqual(tool.returncode, 0)

    def test_a_killed_restore_can_be_started_again(self):
        folder = self.vault.side / "restored"
        tool = subprocess.Popen([gw.program("gw-store"), "restore", self.first, "--to", folder], env=self.vault.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        gw.until(lambda: (folder / ".restore").exists() or tool.poll() is not None, "it has begun", pause=0.001)
        tool.kill()
        tool.wait()
        self.assertFalse((folder / "format").exists(), "half a vault is none")
        # As if it had been killed while it was given its name.
        if (folder / ".restore/db").exists():
            (folder / ".restore/db").rename(folder / "db")
        self.restore(self.first)
        self.assertEqual(self.said[-1]["messages"], 12)
        self.assertFalse((folder / ".restore").exists())

    def test_a_destination_without_room_is_74(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        done = self.vault.store("backup", self.dest, status=74, preexec_fn=small_files)
        self.assertIn(b"File too large", done.stderr)
        self.assertEqual(self.complete(), [pathlib.Path(self.first).name])
        folder = self.vault.side / "restored"
        self.vault.store("restore", self.first, "--to", folder, status=74, preexec_fn=small_files)
        self.assertFalse(folder.exists())

    @gw.need_root("mounts a small tmpfs")
    def test_a_full_disk_is_74(self):
        disk = self.vault.side / "disk"
        disk.mkdir()
        gw.run("mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk)
        try:
            done = self.vault.store("backup", disk / "backups", status=74)
            self.assertIn(b"No space left on device", done.stderr)
            self.assertEqual([p.name for p in (disk / "backups").iterdir()], [".lock"])
            done = self.vault.store("restore", self.first, "--to", disk / "restored", status=74)
            self.assertIn(b"are needed, but only", done.stderr)
            self.assertFalse((disk / "restored").exists())
        finally:
            gw.run("umount", disk)
        self.assertTrue(self.snapshot_is_gone())


class RestoreTest(Case):
    def damaged(self, change, status=65):
        """The backup, changed in a copy: what restore says of it, with nothing left behind."""
        copy = self.vault.side / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.made, copy)
        change(copy)
        folder = self.restore(copy, status=status)
        self.assertFalse(folder.exists())
        return {f["about"].removeprefix(f"{copy}/") for f in self.said}

    def test_damage_is_named_and_nothing_is_left(self):
        self.put(700_000, 900)
        self.made = self.back_up()["path"]
        large = next(p.name for p in (pathlib.Path(self.made) / "large").glob("[0-9a-f]*"))

        def flip(name, at=100):
            def change(folder):
                octets = bytearray((folder / name).read_bytes())
                octets[at] ^= 1
                (folder / name).write_bytes(octets)
            return change

        def two(folder):
            flip(f"large/{large}")(folder)
            (folder / "head").unlink()

        def pipe(folder):
            (folder / "head").unlink()
            os.mkfifo(folder / "head")

        def link(folder):
            (folder / "head").rename(folder / "elsewhere")
            (folder / "head").symlink_to("elsewhere")

        self.assertEqual(self.damaged(flip(f"large/{large}")), {f"large/{large}"})
        self.assertEqual(self.damaged(two), {f"large/{large}", "head"})
        self.assertEqual(self.damaged(lambda f: os.truncate(f / "db/CURRENT", 3)), {"db/CURRENT"})
        self.assertEqual(self.damaged(pipe), {"head"})
        self.assertEqual(self.damaged(link), {"head"})
        # The manifest itself: a changed letter, a missing end, a file that is not named any more.
        self.assertEqual(self.damaged(flip("manifest")), set())
        self.assertEqual(self.damaged(lambda f: os.truncate(f / "manifest", 900)), set())
        lines = (pathlib.Path(self.made) / "manifest").read_text().splitlines(True)
        self.assertEqual(self.damaged(lambda f: (f / "manifest").write_text("".join(lines[:2] + lines[3:]))), set())

    def test_check_reads_all_and_restores_nothing(self):
        self.put(700_000)
        made = pathlib.Path(self.back_up()["path"])
        before = set(self.vault.side.iterdir())
        said = self.vault.json("restore", made, "--check")[-1]
        self.assertEqual((said["damaged"], said["from"]), (0, str(made)))
        # A directory whose newest backup lost its manifest is not whole, although an older backup is.
        newest = pathlib.Path(self.back_up()["path"])
        (newest / "manifest").rename(self.vault.side / "manifest")
        said = self.vault.json("restore", self.dest, "--check", status=3)
        self.assertEqual((said[-1]["damaged"], said[-1]["from"], [line["about"] for line in said[:-1]]), (0, str(made), [str(newest)]))
        self.restore(self.dest, "older")
        self.assertIn(f"{newest}: has no manifest; an older backup is restored", self.trouble)
        (self.vault.side / "manifest").rename(newest / "manifest")
        shutil.rmtree(newest)
        before.update({self.vault.side / "older"})
        (made / "head").unlink()
        said = self.vault.json("restore", made, "--check", status=65)
        self.assertEqual(said[-1]["damaged"], 1)
        self.assertEqual(set(self.vault.side.iterdir()), before)

    def test_a_newer_checkpoint_tells_of_a_restored_vault(self):
        old = self.vault.side / "old"
        old.write_bytes(self.vault.store("checkpoint").stdout)
        self.put(500)
        made = self.back_up()["path"]
        self.put(600)
        new = self.vault.side / "new"
        new.write_bytes(self.vault.store("checkpoint").stdout)
        other = self.opened(self.restore(made, "restored", "--history-key", self.vault.path / "history.key"))
        self.assertTrue(self.said[-1]["history_key"])
        other.store("verify", "--against", old)
        # It is too short, or went on otherwise: a verify has left its note.
        self.assertRegex(other.store("verify", "--against", new, status=65).stdout,
                         b"older state was restored|does not match an earlier tree head")
        other.store("checkpoint")
        self.assertEqual(owned(other.path / "history.key"), {(os.getuid(), 0o600)})

    def test_keys_that_do_not_match_are_refused(self):
        self.put(500)
        made = self.back_up()["path"]
        with gw.Vault(tls=False) as other:
            folder = self.restore(made, "restored", "--history-key", other.path / "history.key", status=65)
        self.assertFalse(folder.exists())
        self.assertIn("does not match", self.trouble)

    def test_the_recovery_key_is_tried(self):
        vault = self.vault.side / "recoverable"
        keys = [self.vault.side / name for name in ("right.key", "wrong.key")]
        tool = ("--vault", vault)
        self.vault.store(*tool, "init", "--recovery-key-file", keys[0], "--cheap-passwords")
        self.vault.store("--vault", self.vault.side / "other", "init", "--recovery-key-file", keys[1])
        self.vault.store(*tool, "mailbox", "add", "journal")
        self.vault.store(*tool, "backup", self.dest)
        self.restore(self.dest, "a", "--recovery-key-file", keys[0])
        folder = self.restore(self.dest, "b", "--recovery-key-file", keys[1], status=(65, 77))
        self.assertIn("does not open mailbox journal", self.trouble)
        self.assertFalse(folder.exists())
        pid = int((vault / "lock").read_text())
        os.kill(pid, signal.SIGTERM)
        gw.until(lambda: not gw.alive(pid), "the keeper ends")

    @gw.need_root("gives files to another user")
    def test_root_restores_for_the_owner_of_the_directory(self):
        self.addCleanup(setattr, gw, "BIN", gw.BIN)
        self.addCleanup(shutil.rmtree, gw.let_everybody_run_the_programs())
        self.put(700_000, 600)
        made = self.back_up()["path"]
        parent = pathlib.Path(tempfile.mkdtemp(prefix="gw-restored-"))
        self.addCleanup(shutil.rmtree, parent)
        parent.chmod(0o755)
        folder = parent / "vault"
        folder.mkdir(mode=0o700)
        os.chown(folder, OTHER, OTHER)
        self.vault.store("restore", made, "--to", folder, "--history-key", self.vault.path / "history.key")
        self.assertEqual(owned(folder), {(OTHER, 0o700), (OTHER, 0o600)})
        other = self.opened(folder)
        shutil.chown(other.side, OTHER)
        other.user = OTHER
        self.assertEqual(self.ids(other), self.ids(self.vault))
        other.store("checkpoint")
        other.verify()
        other.stop_keeper()
        self.vault.store("restore", made, "--to", parent / "own")
        self.assertEqual({uid for uid, _ in owned(parent / "own")}, {0})


if __name__ == "__main__":
    gw.main(500)
