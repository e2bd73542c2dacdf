#!/usr/bin/python3
"""With users as the units have them: who receives can neither read the vault nor drain, who drains cannot append."""
import configparser
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

UNITS = gw.ROOT / "scripts/systemd"
PYTHON = "/usr/bin/python3"  # which every user may run
# Numbers that no account of a machine has.
IDS = {name: 61_400 + n for n, name in enumerate(("gw-keeper", "gw-receive", "gw-drain", "gw-admin", "gw-append", "gw-tls",
                                                    "gw-metrics", "collector"))}
MEMBERS = {"gw-receive": ["gw-append", "gw-tls"], "gw-drain": ["gw-tls"], "gw-admin": ["gw-tls"], "gw-keeper": [],
           "collector": ["gw-metrics"]}

SOCKETS = ("append", "drain", "admin", "metrics")

# What systemd does with the keeper's sockets, and how a process begins with them.
LAUNCHER = """
import os, sys
count = int(sys.argv[1])
high = [os.dup2(int(fd), 100 + n) for n, fd in enumerate(sys.argv[2:2 + count])]
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n)
os.closerange(3 + count, 200)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES="append:drain:admin:metrics")
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""


def unit(name):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(UNITS / name)
    return parser


@gw.need_root("runs each part as its own user")
class UsersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = gw.let_everybody_run_the_programs()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.programs)

    def setUp(self):
        self.vault = gw.Vault(user=IDS["gw-keeper"])
        self.addCleanup(self.vault.close)
        self.vault.folder.chmod(0o755)
        self.run_folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-run-"))
        self.addCleanup(shutil.rmtree, self.run_folder)
        self.run_folder.chmod(0o755)
        self.vault.stop_keeper()
        self.vault.env["GW_RUN"] = str(self.run_folder)
        self.vault.env["INVOCATION_ID"] = "0" * 32  # so that nobody starts a keeper of their own
        self.tls = pathlib.Path(tempfile.mkdtemp(prefix="gw-tls-"))
        self.addCleanup(shutil.rmtree, self.tls)
        for name in ("certificate.pem", "key.pem"):
            shutil.copy(self.vault.path / "tls" / name, self.tls)
            os.chown(self.tls / name, 0, IDS["gw-tls"])
            (self.tls / name).chmod(0o640)
        os.chown(self.tls, 0, IDS["gw-tls"])
        self.tls.chmod(0o750)
        self.start_keeper()

    def identity(self, user):
        return {"user": IDS[user], "group": IDS[user], "extra_groups": [IDS[g] for g in MEMBERS[user]]}

    def start_keeper(self):
        sockets = []
        for role in SOCKETS:
            said = unit(f"gw-store-{role}.socket")["Socket"]
            self.assertEqual(said["FileDescriptorName"], role)
            path = self.run_folder / pathlib.Path(said["ListenStream"]).name
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(path))
            listening.listen()
            os.chown(path, IDS[said["SocketUser"]], IDS[said["SocketGroup"]])
            path.chmod(int(said["SocketMode"], 8))
            sockets.append(listening)
        fds = [s.fileno() for s in sockets]
        with open(self.vault.side / "keeper.log", "wb") as log:
            keeper = subprocess.Popen([PYTHON, "-c", LAUNCHER, str(len(fds)), *map(str, fds), gw.program("gw-store"), "serve"],
                                      pass_fds=fds, env=self.vault.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      **self.identity("gw-keeper"))
        for listening in sockets:
            listening.close()

        def end():
            keeper.terminate()
            self.assertEqual(keeper.wait(gw.WAIT), 0)
        self.addCleanup(end)

    def tool(self, user, name, *arguments, **more):
        return gw.run(gw.program(name), *arguments, env=self.vault.env, **{**self.identity(user), **more})

    def serve(self, user, name, *options):
        return self.vault.serve(name, "--tls-cert", str(self.tls / "certificate.pem"), "--tls-key", str(self.tls / "key.pem"),
                                *options, listen=("127.0.0.1:0", "127.0.0.1:0,tls"), **self.identity(user))

    def may(self, user, code):
        """Whether Python code runs through as this user; else it must be a matter of permission."""
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=gw.WAIT,
                              env=gw.clean_environment(), **self.identity(user))
        if done.returncode != 0:
            self.assertIn("PermissionError", done.stderr)
        return done.returncode == 0

    def may_connect(self, user, role):
        return self.may(user, f"import socket; socket.socket(socket.AF_UNIX).connect({str(self.run_folder / role)!r})")

    def test_each_has_its_own_rights_and_no_others(self):
        made = gw.json.loads(self.tool("gw-admin", "gw-store", "mailbox", "add", "journal", "--trace", "off", "--json").stdout)
        box = gw.Mailbox(made, self.vault.side)
        content = gw.mail(5000)
        with gw.Smtp(self.serve("gw-receive", "gw-smtpd"), tls=True) as smtp:
            reply = smtp.deliver(box.address, content)
            self.assertEqual(reply.code, 250, reply)
        self.assertEqual(gw.drain(self.serve("gw-drain", "gw-pop3d"), box, tls=True), [content])

        for user, roles in (("gw-receive", {"append"}), ("gw-drain", {"drain"}), ("gw-admin", {"admin"}),
                            ("collector", {"metrics"})):
            with self.subTest(user=user):
                self.assertEqual({r for r in SOCKETS if self.may_connect(user, r)}, roles)
                for path in (self.vault.path, self.vault.path / "format", self.vault.path / "history.key"):
                    self.assertFalse(self.may(user, f"import os; os.open({str(path)!r}, os.O_RDONLY)"), path)
        for user in ("gw-receive", "gw-drain"):
            done = self.tool(user, "gw-store", "mailbox", "list", status=77)
            self.assertEqual(done.stdout, b"")

    def at_the_systems_place(self, user, sockets, vault):
        """gw-store as this user, where these directories are /run/gw and /var/lib/gw."""
        mounts = ('mount -t tmpfs none /run && mkdir /run/gw && if [ "$1" ]; then mount --bind "$1" /run/gw; fi && '
                  'mount -t tmpfs none /var/lib && mkdir /var/lib/gw && mount --bind "$2" /var/lib/gw && shift 2 && exec "$@"')
        number = str(IDS.get(user, 0))
        become = ["setpriv", "--reuid", number, "--regid", number, "--clear-groups"] if user != "root" else []
        return subprocess.run(["unshare", "-m", "sh", "-c", mounts, "sh", str(sockets), str(vault), *become,
                               gw.program("gw-store"), "mailbox", "list"],
                              capture_output=True, text=True, timeout=gw.WAIT, env=gw.clean_environment())

    def test_the_commonest_errors_say_what_to_do(self):
        empty = pathlib.Path(tempfile.mkdtemp(prefix="gw-empty-"))
        self.addCleanup(shutil.rmtree, empty)
        os.chown(empty, IDS["gw-keeper"], IDS["gw-keeper"])
        for user, sockets, vault, status, text, hint in (
                ("collector", self.run_folder, self.vault.path, 77, "nor in the group gw-admin",
                 "sudo usermod -aG gw-admin $USER"),
                ("collector", "", self.vault.path, 69, "the keeper: it is not running", "systemctl start gw.target"),
                ("root", "", self.vault.path, 69, "the keeper: it is not running", "systemctl start gw.target"),
                ("root", "", empty, 66, "there is no vault in /var/lib/gw", "gw-store init")):
            with self.subTest(user=user, status=status):
                done = self.at_the_systems_place(user, sockets, vault)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(text, done.stderr)
                self.assertIn(f"hint: {hint}\n", done.stderr)
        self.assertEqual(list(empty.iterdir()), [])

    @gw.need_program("curl")
    def test_a_collector_gets_numbers_and_nothing_else(self):
        self.tool("gw-admin", "gw-store", "mailbox", "add", "journal")
        done = gw.run("curl", "--silent", "--show-error", "--fail", "--unix-socket", self.run_folder / "metrics",
                      "http://localhost/metrics", **self.identity("collector"))
        self.assertIn(b'gw_messages{mailbox="journal",state="live"} 0\n', done.stdout)
        self.assertTrue(done.stdout.endswith(b"# EOF\n"))
        done = self.tool("collector", "gw-store", "mailbox", "list", status=77)
        self.assertEqual(done.stdout, b"")

    def test_the_administrator_backs_up_what_he_may_not_read(self):
        made = gw.json.loads(self.tool("gw-admin", "gw-store", "mailbox", "add", "journal", "--trace", "off", "--json").stdout)
        box = gw.Mailbox(made, self.vault.side)
        mails = [gw.mail(700_000), gw.mail(2000)]
        for content in mails:
            self.tool("gw-admin", "gw-store", "message", "add", "journal", input=content)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-backups-"))
        self.addCleanup(shutil.rmtree, folder)
        for user in ("gw-receive", "gw-drain"):
            os.chown(folder, IDS[user], IDS[user])
            self.tool(user, "gw-store", "backup", folder / "x", status=77)
        os.chown(folder, IDS["gw-admin"], IDS["gw-admin"])
        command = unit("gw-backup.service")["Service"]["ExecStart"].split()
        options = command[command.index("${GW_BACKUP_TO}") + 1:]
        for _ in range(2):
            self.tool("gw-admin", "gw-store", "backup", folder / "all", *options)
        self.assertEqual({p.stat().st_uid for p in folder.rglob("*")}, {IDS["gw-admin"]})
        self.assertFalse((self.vault.path / "snapshot").exists())
        self.tool("gw-admin", "gw-store", "restore", folder / "all", "--to", folder / "restored")
        env = gw.clean_environment({"GW_VAULT": str(folder / "restored")})
        box.password_file.chmod(0o644)
        self.vault.side.chmod(0o755)
        gw.run(gw.program("gw-export"), "journal", "--to", folder / "out", "--format", "eml", "--password-file", box.password_file,
               env=env, **self.identity("gw-admin"))
        self.assertEqual(gw.digests(p.read_bytes() for p in (folder / "out").rglob("*.eml")), gw.digests(mails))
        pid = int((folder / "restored/lock").read_text())
        os.kill(pid, 15)
        gw.until(lambda: not gw.alive(pid), "its keeper ends")

    def test_the_history_says_which_user_did_it(self):
        self.tool("gw-admin", "gw-store", "mailbox", "add", "journal")
        [made] = [gw.json.loads(line) for line in
                  self.tool("gw-admin", "gw-store", "history", "journal", "--json").stdout.splitlines()][:1]
        self.assertRegex(made["actor"], rf"^uid={IDS['gw-admin']}(\([a-z_-]+\))? admin gw-store, mailbox journal: added$")


if __name__ == "__main__":
    gw.main()
