"""Runs systemd as process 1 of its own namespaces, so that units, sockets and timers are tested for real.

    with gw_systemd.Machine() as machine:
        machine.run("dpkg", "-i", package)
        machine.run("systemctl", "start", "gw.target")

The machine's root is an overlay of this one's: all programs are there, and changes are discarded. Its network has only loopback,
so that any port is free, and it has none of this system's units. Needs root.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

import gw

SYSTEMD = "/lib/systemd/systemd"

# Runs in a mount namespace of its own. $1: the machine's directory, $2: a name for its control group.
SETUP = r"""
set -e
directory=$1 group=$2
mount -t tmpfs -o size=512m,mode=755 tmpfs "$directory"
cd "$directory"
mkdir upper work root groups
# Version 2 of control groups only; some systems have version 1 mounted too, or none.
mount -t cgroup2 cgroup2 groups
mkdir -p "groups/$group"
echo 0 >"groups/$group/cgroup.procs"
mount -t overlay -o "lowerdir=/,upperdir=upper,workdir=work" overlay root
# Nothing of this system's configuration: no enabled units, no scripts of another init, no disks.
rm -rf root/etc/systemd/system root/etc/rc?.d root/etc/init.d root/etc/fstab root/etc/machine-id root/var/log/journal
mkdir -p root/etc/systemd/system root/etc/gw root/proc root/sys root/dev root/run root/tmp root/oldroot
: >root/etc/machine-id
# Units that would change settings of the shared kernel, and units that may lack their message bus.
for unit in systemd-logind.service dbus.service dbus.socket systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service sys-kernel-debug.mount \
  sys-kernel-tracing.mount sys-fs-fuse-connections.mount; do
  ln -s /dev/null "root/etc/systemd/system/$unit"
done
mount -t proc proc root/proc
mount -t sysfs -o ro sysfs root/sys
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mount -t tmpfs -o mode=755 tmpfs root/dev
for name in null zero full random urandom tty; do
  : >"root/dev/$name"
  mount --bind "/dev/$name" "root/dev/$name"
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts root/dev/pts
mount -t tmpfs tmpfs root/dev/shm
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
ip link set lo up
exec unshare --cgroup sh -ec '
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
cd root
pivot_root . oldroot
umount -l /oldroot
exec env -i container=gw PATH=/usr/sbin:/usr/bin:/sbin:/bin "$1" --unit=multi-user.target --log-target=journal \
  --show-status=no' sh "$3"
"""


NAMESPACES = ("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--propagation", "private")

# Tries what a container with few privileges does not allow.
TRIAL = """
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root" "$1/groups"
mount -t cgroup2 cgroup2 "$1/groups"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
mount -t proc proc "$1/root/proc"
exec unshare --cgroup true
"""


def obstacle():
    """Returns why no machine can run here, or None if one can."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists(SYSTEMD):
        return "needs systemd"
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([*NAMESPACES, "sh", "-ec", TRIAL, "sh", directory], capture_output=True, text=True)
    return None if done.returncode == 0 else f"no namespaces and mounts here: {done.stderr.strip()}"


class Machine:
    def __init__(self, host="mail.example.com"):
        self.host = host

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-machine-"))
        self.group = f"gw-test-{os.getpid()}"
        self.outside = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *NAMESPACES,
             "sh", "-c", SETUP, "sh", str(self.folder), self.group, SYSTEMD],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            self.pid = gw.until(self.init, "process 1 is systemd")
            gw.until(lambda: self.run("systemctl", "is-system-running", status=None).stdout.strip() == b"running",
                     "the machine runs")
            self.run("hostname", self.host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.outside.kill()
        self.outside.wait()
        self.outside.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.drop_group()

    def init(self):
        """Returns the machine's first process by its pid outside, when it has become systemd."""
        if self.outside.poll() is not None:
            raise AssertionError(f"the machine did not start: {self.outside.stderr.read().decode()}")
        try:
            [pid] = pathlib.Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children").read_text().split()
            return int(pid) if os.readlink(f"/proc/{pid}/exe").endswith("/systemd") else None
        except (OSError, ValueError):
            return None

    def drop_group(self):
        """Removes the control groups, which outlive their processes. Only empty ones can be removed, the innermost first."""
        with tempfile.TemporaryDirectory() as directory:
            script = 'mount -t cgroup2 cgroup2 "$1" && { [ ! -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} +; }'
            gw.until(lambda: subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", directory,
                                             self.group], capture_output=True).returncode == 0, "the machine's groups are empty")

    def run(self, *command, **more):
        """Runs a program in the machine, as its root, without this process's environment."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        return gw.run("nsenter", "--target", self.pid, "--all", "--wdns=/root", *command, env=env, **more)

    def text(self, *command, **more):
        return self.run(*command, **more).stdout.decode()

    def shell(self, script, **more):
        return self.run("sh", "-exc", script, **more)

    def property(self, unit, name):
        return self.text("systemctl", "show", "--value", "--property", name, unit).strip()

    def is_active(self, unit):
        return self.property(unit, "ActiveState") == "active"

    def path(self, inside):
        """Returns the path by which this process reaches a file of the machine."""
        return pathlib.Path(f"/proc/{self.pid}/root") / str(inside).lstrip("/")

    def journal(self, *arguments):
        return self.text("journalctl", "--no-pager", "--output=short", *arguments)
