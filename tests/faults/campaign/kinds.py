"""The kinds of faults that meet a vault under load."""
import contextlib
import math
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import time

import gw
from gw_strace import Strace

import power_cut_test

from .network import Network
from .rounds import Kind


class Kill(Kind):
    """SIGKILL of the keeper, a server or a tool."""

    name = "kill"

    def inject(self):
        which = self.rng.random()
        if which < 0.5:
            return self.round.vault.kill_keeper()
        if which < 0.65:
            self.round.end_server("smtp")
            return True
        if which < 0.8:
            self.round.end_server("pop3")
            return True
        return self.round.tools.kill_one(self.rng, signal.SIGKILL)


class Stop(Kind):
    """Processes are stopped and continued, the keeper is replaced, two keepers start, sockets are stale."""

    name = "stop"
    pause = (0.02, 0.4)

    def inject(self):
        return self.rng.choice([self.stop, self.stop, self.replace, self.two, self.stale, self.stop_and_replace])()

    def stop(self):
        pids = [self.round.vault.keeper_pid(), *(server.pid for server in self.round.servers.values()),
                *self.round.tools.running]
        return self.stopped(self.rng.choice([pid for pid in pids if pid]), lambda: None)

    def stopped(self, pid, meanwhile):
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            return False
        try:
            time.sleep(self.rng.choice([0.01, 0.1, 0.5, 2.5]) * self.rng.random())
            meanwhile()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return True

    def replace(self):
        """The keeper ends as a service manager ends it, and the next one starts."""
        return self.round.vault.kill_keeper(signal.SIGTERM)

    def two(self):
        """Two more keepers start while there is one, or none."""
        if self.rng.random() < 0.5:
            self.round.vault.kill_keeper()
        both = [subprocess.Popen([gw.program("gw-store"), "serve", "--idle-exit", "1"], env=self.round.vault.env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
        for process in both:
            try:
                errors = process.communicate(timeout=self.rng.uniform(0.1, 1))[1]
            except subprocess.TimeoutExpired:
                process.terminate()
                errors = process.communicate()[1]
            if process.returncode not in (0, 75, -signal.SIGTERM):  # the last one before it handles SIGTERM
                self.round.oracle.found("crashed", f"second keeper: exit status {process.returncode}: {gw.shown(errors, 500)}")
        return True

    def stale(self):
        """A socket on which nobody listens, or none, where the keeper's was."""
        killed = self.round.vault.kill_keeper()
        path = self.round.vault.run_folder / self.rng.choice(["append", "drain", "admin"])
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            if self.rng.random() < 0.6:
                with socket.socket(socket.AF_UNIX) as nobody:
                    nobody.bind(str(path))
        return killed

    def stop_and_replace(self):
        """A session is stopped while the keeper is replaced: its lease and its half-sent mail are of the earlier keeper."""
        server = self.round.servers[self.rng.choice(["smtp", "pop3"])]
        return self.stopped(server.pid, self.round.vault.kill_keeper)


# What a call may return, by the words of the manual pages of Linux.
CALLS = {"write": ["EIO", "ENOSPC", "EINTR"], "pwrite64": ["EIO", "ENOSPC", "EINTR"], "writev": ["EIO", "ENOSPC"],
         "fdatasync": ["EIO", "ENOSPC"], "fsync": ["EIO"], "openat": ["EIO", "EMFILE", "ENOSPC", "ENOMEM", "EINTR"],
         "rename": ["EIO", "ENOSPC"], "renameat2": ["EIO"], "unlink": ["EIO"], "linkat": ["EIO", "ENOSPC"], "mkdir": ["ENOSPC"],
         "ftruncate": ["EIO"], "fallocate": ["ENOSPC", "EIO"], "read": ["EIO", "EINTR"], "pread64": ["EIO", "EINTR"],
         "mmap": ["ENOMEM"], "clone3": ["EAGAIN", "ENOMEM"], "accept4": ["EMFILE", "ENFILE", "ECONNABORTED", "EINTR"],
         "sendto": ["EINTR", "ENOBUFS", "EPIPE"], "sendmsg": ["EINTR", "ENOBUFS"], "recvfrom": ["EINTR", "ECONNRESET"],
         "recvmsg": ["EINTR"], "poll": ["EINTR", "ENOMEM"], "socket": ["EMFILE", "ENFILE"], "lseek": ["EIO"], "close": ["EIO"]}


LOADER_MAPS = 200  # calls of mmap before main, rounded up


class Calls(Kind):
    """One or several system calls of the keeper or of a server fail."""

    name = "calls"
    pause = (0, 0.2)

    def inject(self):
        target = self.rng.choice(["keeper", "keeper", "keeper", "smtp", "pop3", "tool", "tool", "tool"])
        if target == "tool":
            return self.fail_in_tool()
        pid = self.round.vault.keeper_pid() if target == "keeper" else self.round.servers[target].pid
        call, error, when = self.choose(5)
        seconds = self.rng.uniform(0.1, 1)
        if not pid:
            return False
        self.round.say(f"{call} of {target}: {error}, when {when}, for {seconds:.2f} s")
        try:
            with Strace.Inject(call, f"error={error}:when={when}").attached_to(pid):
                self.round.over.wait(seconds)
        except AssertionError:
            return False  # the process ended before strace was attached
        return True

    def choose(self, power):
        call = self.rng.choice(list(CALLS))
        first = int(2 ** self.rng.uniform(0, power))
        error = self.rng.choice(CALLS[call])
        # A call that a signal interrupts is made again, so this one must end.
        when = [f"{first}", f"{first}..{first + 3}"] + [f"{first}+"] * (error != "EINTR")
        return call, error, self.rng.choice(when)

    def fail_in_tool(self):
        """The next tool meets the fault. A keeper that it starts does not."""
        call, error, when = self.choose(8)
        if call == "mmap":  # not in the dynamic loader, which has no way to report it
            when = f"{LOADER_MAPS + self.rng.randrange(200)}+"
        self.round.say(f"{call} of a tool: {error}, when {when}")
        self.round.tools.prefix = ["strace", "-f", "-qq", "-b", "execve", "-o", "/dev/null", "-e", f"trace={call}",
                                   "-e", f"inject={call}:error={error}:when={when}"]
        deadline = time.monotonic() + 10
        while self.round.tools.prefix and time.monotonic() < deadline:
            time.sleep(0.02)
        return True


@contextlib.contextmanager
def small_disk():
    folder = tempfile.mkdtemp(prefix="gw-disk-")
    gw.run("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder)
    try:
        yield pathlib.Path(folder)
    finally:
        gw.until(lambda: gw.run("umount", folder, status=None).returncode == 0, "the disk is free of users")
        os.rmdir(folder)


class Power(Kind):
    """The disk forgets what was not synced, under load, and everything starts again."""

    name = "power"
    pause = (0.2, 2)

    @contextlib.contextmanager
    def parent(self):
        with contextlib.closing(power_cut_test.Disk()) as self.disk:
            yield self.disk.directory

    def inject(self):
        here = self.round
        with here.gate:  # no tool and no keeper of the campaign starts before the disk is back
            here.say("power cut")
            here.oracle.cut_made = here.oracle.disk_back = math.inf
            self.disk.cut_power()
            here.oracle.cut_made = time.monotonic()
            for protocol in here.servers:
                here.end_server(protocol)
            here.tools.kill_all()
            for server in here.servers.values():
                server.ended()
            gw.until(self.nobody_is_left, "all processes of the vault end")
            self.disk.power_up()
            here.oracle.disk_back = time.monotonic()
        return True

    def nobody_is_left(self):
        """Kills what runs on the vault. Its lock file, which names the keeper, cannot be read any more."""
        setting, left = f"GW_VAULT={self.round.vault.path}".encode(), False
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if setting in (folder / "environ").read_bytes().split(b"\0"):
                    left = True
                    os.kill(int(folder.name), signal.SIGKILL)
        return not left


class Disk(Kind):
    """A file of somebody else fills the disk for a moment, completely or almost."""

    name = "disk"
    parent = staticmethod(small_disk)

    def inject(self):
        path = self.round.vault.folder / "somebody-else"
        spare = self.rng.choice([0, 0, 1, 300_000, 2_000_000])
        with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:
            free = os.statvfs(self.round.vault.folder)
            left = free.f_bavail * free.f_frsize - spare
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20)))
        self.round.over.wait(self.rng.choice([0.1, 0.5, 3]) * self.rng.random())
        if self.rng.random() < 0.3:
            self.round.vault.kill_keeper()
            self.round.over.wait(self.rng.uniform(0, 0.5))
        path.unlink()
        return True


class Clock(Kind):
    """The wall clock of the keeper and of the tools jumps by up to fifteen years."""

    name = "time"
    grace = 3650

    def begin(self):
        self.file = self.round.vault.side / "clock"
        self.file.write_text("+0\n")
        self.before = dict(self.round.vault.env)
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        # Servers cannot read the file in their sandbox, so they keep their clock, as on another host.
        self.round.vault.env.update(LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(self.file), FAKETIME_NO_CACHE="1",
                                    FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")
        self.round.vault.kill_keeper()

    def inject(self):
        low, high, unit = self.rng.choice([(-10, 15, 365 * 86400), (-2, 2, 86400), (-90, 90, 1)])
        offset = self.rng.uniform(low, high) * unit
        self.file.write_text(f"{offset:+.0f}\n")
        self.round.over.wait(self.rng.uniform(0, 0.5))
        if self.rng.random() < 0.2:
            self.round.vault.kill_keeper()
        return True

    def end(self):
        self.file.write_text("+0\n")


class Memory(Kind):
    """Limits of memory, descriptors, processes and file size for a moment, and many connections."""

    name = "memory"

    def inject(self):
        return self.rng.choice([self.limit, self.limit, self.limit, self.connections])()

    def limit(self):
        target = self.rng.choice(["keeper", "keeper", "smtp", "pop3"])
        pid = self.round.vault.keeper_pid() if target == "keeper" else self.round.servers[target].pid
        which = self.rng.choice(["AS", "DATA", "NOFILE", "FSIZE", "NPROC", "MEMLOCK"])
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            now = {"AS": gw.resident(pid, "VmSize"), "DATA": gw.resident(pid, "VmData"),
                   "NOFILE": len(os.listdir(f"/proc/{pid}/fd")), "FSIZE": 0, "NPROC": 0, "MEMLOCK": 0}[which]
            spare = {"AS": 30 << 20, "DATA": 8 << 20, "NOFILE": 8, "FSIZE": 100_000, "NPROC": 0, "MEMLOCK": 0}[which]
            least = now + int(spare * self.rng.random())
            kind = getattr(resource, f"RLIMIT_{which}")
            self.round.say(f"RLIMIT_{which} of {target}: {least}, which has {now}")
            before = resource.prlimit(pid, kind)
            resource.prlimit(pid, kind, (least, before[1]))
            self.round.over.wait(self.rng.uniform(0.1, 1))
            resource.prlimit(pid, kind, before)
        return True

    def connections(self):
        """Many clients that say nothing."""
        idle = []
        with contextlib.suppress(OSError):
            for _ in range(self.rng.choice([50, 300])):
                idle.append(socket.create_connection(self.round.address(self.rng.choice(["smtp", "pop3"]), self.rng), 5))
        self.round.over.wait(self.rng.uniform(0.1, 1))
        for each in idle:
            each.close()
        return True


def kinds():
    """By name, in the order of the table."""
    return {kind.name: kind for kind in (Kill, Stop, Network, Calls, Power, Disk, Clock, Memory)}
