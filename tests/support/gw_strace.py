"""strace on a running process: its system calls recorded, or changed."""
import os
import signal
import subprocess

import gw


class Strace:
    """Attached to a process and all its threads, as a context."""

    def __init__(self, *options):
        self.options = options

    @classmethod
    def Record(cls, calls, prefix):
        """Each thread's calls in PREFIX.TID."""
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
        if self.process.poll() is not None:
            raise AssertionError(f"strace ended: {gw.shown(self.process.stderr.read())}")
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/status", encoding="ascii") as status:
                if f"TracerPid:\t{self.process.pid}\n" not in status.read():
                    return False
        return True

    def target_died(self):
        return not gw.alive(self.pid)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(gw.WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
