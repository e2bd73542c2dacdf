"""Runs strace on a process to record its system calls or to inject faults."""
import os
import signal
import subprocess
import time

import gw


class Strace:
    """A context in which strace is attached to a process and all its threads."""

    def __init__(self, *options):
        self.options = options

    @classmethod
    def Record(cls, calls, prefix):
        """Records each thread's calls in PREFIX.TID."""
        return cls("-ff", "-o", prefix, "-e", "trace=" + ",".join(calls))

    @classmethod
    def Inject(cls, calls, what):
        return cls("-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{what}")

    def attached_to(self, pid):
        self.pid = pid
        return self

    def __enter__(self):
        self.process = subprocess.Popen(["strace", "-f", "-qq", *self.options, "-p", str(self.pid)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        gw.until(self.is_attached, "strace is attached to every thread")
        return self

    def is_attached(self):
        if not gw.alive(self.pid):
            return True  # it died at the first traced call
        if self.process.poll() is not None:
            raise AssertionError(f"strace ended: {gw.shown(self.process.stderr.read())}")
        try:
            for thread in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{thread}/status", encoding="ascii") as status:
                    if f"TracerPid:\t{self.process.pid}\n" not in status.read():
                        return False
        except (FileNotFoundError, ProcessLookupError):
            return False  # a thread or the whole process has just ended
        return True

    def target_died(self, within=0.2):
        """Returns true if the process is dead or dies within `within` seconds."""
        deadline = time.monotonic() + within
        while gw.alive(self.pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(gw.WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
