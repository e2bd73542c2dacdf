"""The kinds of faults that meet a vault under load."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import gw

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
            if process.returncode not in (0, 75):
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


def kinds():
    """By name, in the order of the table."""
    return {kind.name: kind for kind in (Kill, Stop, Network)}
