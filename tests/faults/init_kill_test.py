#!/usr/bin/python3
"""Kills gw-store init at one system call after another. The next init creates the vault, unless the first one was done.

By default a sample of GW_KILL_SAMPLE places (default 10), with GW_KILL_SAMPLE=0 all of them.
"""
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

# Those that change files.
CALLS = "write pwrite64 fdatasync fsync openat rename renameat renameat2 unlink unlinkat ftruncate fallocate mkdir flock".split()


@gw.need_program("strace")
class InitKillTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-init-kill-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.vault = self.folder / "vault"
        self.key = self.folder / "recovery.key"
        self.init = [gw.program("gw-store"), "--vault", self.vault, "init", "--host", "gw.example.com", "--cheap-passwords",
                     "--self-signed", "--recovery-key-file", self.key]

    def traced(self, *options):
        return gw.run("strace", "-f", "-qq", "-o", self.folder / "trace", *options, *self.init, status=None)

    def clear(self):
        shutil.rmtree(self.vault, ignore_errors=True)
        self.key.unlink(missing_ok=True)

    def test_every_place(self):
        self.traced("-e", "trace=" + ",".join(CALLS))
        self.assertTrue((self.vault / "format").exists())
        lines = (self.folder / "trace").read_text(errors="replace").splitlines()
        # From the first call that concerns the vault's files or the key.
        first = next(i for i, line in enumerate(lines) if str(self.key) in line and "O_CREAT" in line)
        seen, places = {}, []
        for number, line in enumerate(lines):
            call = re.match(r"\d+ +(\w+)\(", line)
            if call:
                seen[call[1]] = seen.get(call[1], 0) + 1
                if number >= first:
                    places.append((call[1], seen[call[1]]))
        self.assertGreater(len(places), 100)
        sample = gw.number_from("GW_KILL_SAMPLE", 10)
        died = 0
        for call, number in random.sample(places, min(sample, len(places))) if sample else places:
            with self.subTest(call=call, number=number):
                self.clear()
                died += self.traced("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}").returncode != 0
                self.check_second()
        print(f"{len(places)} places, the command died at {died}", flush=True)
        self.assertGreater(died, 0)

    def check_second(self):
        """Whatever the first init has left: a complete vault, or something that the second one or its hint makes one of."""
        finished = (self.vault / "format").exists()
        second = gw.run(*self.init, status=(0, 73))
        if finished:
            self.assertIn(b"a vault already exists", second.stderr)
        elif second.returncode == 73:
            # Only the key file is in the way, and one command goes on with it.
            self.assertIn(b"cannot write the recovery key: ", second.stderr)
            hint = re.search(rb"hint: (.*)\n", second.stderr)[1].decode()
            hint = hint.replace("gw-store", gw.program("gw-store"), 1)
            gw.run("sh", "-c", hint + (" --host gw.example.com --cheap-passwords --self-signed" if " init " in hint else ""))
            if " init " not in hint:
                gw.run(*self.init)
        tool = [gw.program("gw-store"), "--vault", self.vault]
        recipient = re.search(r"public key: (age1\w+)", self.key.read_text())[1]
        self.assertIn(recipient, gw.run(*tool, "recovery", "list").stdout.decode())
        for name in ("history.key", "tls/key.pem", "tls/certificate.pem"):
            self.assertGreater((self.vault / name).stat().st_size, 60, name)
        self.assertFalse((self.vault / "format.unfinished").exists())
        # Ends the keeper that the tool has started.
        self.stop_keeper()

    def stop_keeper(self):
        pid = int((self.vault / "lock").read_text())
        subprocess.run(["kill", str(pid)], check=False)
        gw.until(lambda: not gw.alive(pid), "the keeper ends")


if __name__ == "__main__":
    gw.main(600 if gw.number_from("GW_KILL_SAMPLE", 10) else 7200)
