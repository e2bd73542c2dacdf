#!/usr/bin/python3
"""What the servers give up once they are set up: root, capabilities, files, system calls."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

OLD_KERNEL = str(gw.BIN / "old_kernel")
SERVERS = ("gw-smtpd", "gw-pop3d", "gw-proxy")
# Numbers that no account of a machine has.
IDS = {name: 61_500 + n for n, name in enumerate(("gw-receive", "gw-drain", "gw-append", "gw-tls"))}
GROUPS = {"gw-append": "gw-receive", "gw-tls": "gw-receive,gw-drain"}


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def can_close():
    """Builds under sanitizers cannot."""
    with tempfile.TemporaryDirectory() as folder:
        done = gw.run(gw.program("gw-smtpd"), "--vault", folder, "--stdio", "--sandbox", "require", status=None, input=b"QUIT\r\n")
    return b"sanitizer" not in done.stderr


CAN_CLOSE = can_close()
need_sandbox = unittest.skipUnless(CAN_CLOSE, "a build under sanitizers is not closed")


class ConfinementTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")
        self.vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", "127.0.0.1:9", "--tls", "none",
                         "--allow-private", "--mailbox", "journal")

    def listen(self, name):
        return ("out=127.0.0.1:0",) if name == "gw-proxy" else ("127.0.0.1:0",)

    def serve(self, name, *options, **more):
        env = dict(self.vault.env, XDG_STATE_HOME=str(self.vault.side), HOME=str(self.vault.side))
        return self.vault.serve(name, *options, listen=self.listen(name), **{"env": env, **more})

    def deliver(self, server):
        content = gw.mail(3000)
        with gw.Smtp(server) as smtp:
            reply = smtp.deliver(self.box.address, content)
            self.assertEqual(reply.code, 250, f"{reply}\n{server.log()}")
        return content

    def starter_of(self, server):
        """The child that starts keepers."""
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_bytes().rpartition(b")")[2].split()[1]) == server.pid:
                    return int(stat.parent.name)
            except OSError:
                pass
        return None

    @need_sandbox
    def test_every_thread_of_a_server_is_shut_in(self):
        for name in SERVERS:
            with self.subTest(name):
                server = self.serve(name, "--sandbox", "require")
                with socket.create_connection(next(iter(server.addresses.values()))) as client:
                    self.assertTrue(client.recv(1))
                    tasks = list(pathlib.Path(f"/proc/{server.pid}/task").iterdir())
                    self.assertGreater(len(tasks), 1)
                    for task in tasks:
                        facts = status(task.name)
                        self.assertEqual((facts["Seccomp"], facts["NoNewPrivs"]), ("2", "1"))
                        self.assertEqual({int(facts[c], 16) for c in ("CapPrm", "CapEff", "CapInh", "CapAmb")}, {0})
                self.assertIsNone(self.outside(server), "it can be traced from inside")
                server.stop()

    def outside(self, server):
        return None if server.running() else server.log()

    @need_sandbox
    @gw.need_program("strace")
    def test_both_walls_stand_before_the_first_connection(self):
        for name in SERVERS:
            with self.subTest(name):
                trace = self.vault.side / f"{name}.trace"
                command = ["strace", "-qq", "-o", trace, "-e", "trace=landlock_restrict_self,seccomp,accept4,poll",
                           gw.program(name), "--listen", *self.listen(name)]
                server = gw.Server(command, self.vault.side / "strace.log", 1,
                                   dict(self.vault.env, HOME=str(self.vault.side)))
                self.vault.servers.append(server)
                # strace lets go of what it traces when it is ended, and may keep a signal back that can be caught.
                traced = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
                self.assertTrue(traced)
                for pid in traced:
                    self.addCleanup(os.kill, int(pid), signal.SIGKILL)
                with socket.create_connection(next(iter(server.addresses.values()))) as client:
                    self.assertTrue(client.recv(1))
                calls = trace.read_text().splitlines()
                order = [next(n for n, line in enumerate(calls) if line.startswith(what) and (line.endswith("= 0") or what == "accept4"))
                         for what in ("landlock_restrict_self", "seccomp(SECCOMP_SET_MODE_FILTER", "accept4")]
                self.assertEqual(order, sorted(order), calls)

    @need_sandbox
    def test_a_keeper_that_has_gone_is_started_for_a_server_that_is_shut_in(self):
        smtp, pop3 = self.serve("gw-smtpd"), self.serve("gw-pop3d", "--allow-plaintext-auth")
        contents = [self.deliver(smtp)]
        self.assertTrue(self.vault.kill_keeper())
        contents.append(self.deliver(smtp))
        self.assertTrue(self.vault.kill_keeper(signal.SIGTERM))
        self.assertEqual(gw.digests(gw.drain(pop3, self.box)), gw.digests(contents))
        keeper = self.vault.keeper_pid()
        self.assertEqual(status(keeper)["Seccomp"], "0")  # it is started from outside

    @need_sandbox
    def test_who_starts_keepers_holds_nothing_and_ends_with_its_server(self):
        server = self.serve("gw-smtpd")
        starter = gw.until(lambda: self.starter_of(server), "the starter runs")
        held = sorted(os.readlink(fd).split(":")[0] for fd in pathlib.Path(f"/proc/{starter}/fd").iterdir())
        self.assertEqual(held, ["/dev/null"] * 3 + ["socket"])
        os.kill(starter, signal.SIGTERM)  # as the terminal does to all of them
        self.deliver(server)
        server.kill()
        gw.until(lambda: not gw.alive(starter), "the starter ends")

    def test_a_kernel_without_is_78_where_the_sandbox_is_required(self):
        if not CAN_CLOSE:
            self.skipTest("a build under sanitizers is not closed")
        for name in SERVERS:
            for lacks in ("landlock", "seccomp"):
                with self.subTest(name=name, lacks=lacks):
                    done = gw.run(OLD_KERNEL, lacks, gw.program(name), "--sandbox", "require", "--listen", *self.listen(name),
                                  env=dict(self.vault.env, HOME=str(self.vault.side)), status=78)
                    self.assertIn(lacks, done.stderr.decode().lower())
                    self.assertIn(b"hint: ", done.stderr)

    def test_a_kernel_without_serves_with_auto(self):
        for lacks in ("landlock", "seccomp", "both"):
            with self.subTest(lacks):
                server = gw.Server([OLD_KERNEL, lacks, gw.program("gw-smtpd"), "--listen", "127.0.0.1:0"],
                                   self.vault.side / f"{lacks}.log", 1, self.vault.env)
                self.vault.servers.append(server)
                self.deliver(server)

    def test_off_is_off(self):
        server = self.serve("gw-smtpd", "--sandbox", "off")
        self.deliver(server)
        self.assertEqual(status(server.pid)["Seccomp"], "0")
        self.assertEqual(status(server.pid)["NoNewPrivs"], "1")

    @need_sandbox
    def test_a_certificate_that_is_renewed_is_read_from_inside(self):
        tls = self.vault.side / "live"
        tls.mkdir()
        archive = self.vault.side / "archive"
        archive.mkdir()
        for name in ("certificate.pem", "key.pem"):  # as certbot has them
            shutil.copy(self.vault.path / "tls" / name, archive / f"1-{name}")
            (tls / name).symlink_to(archive / f"1-{name}")
        server = self.serve("gw-smtpd", "--tls-cert", str(tls / "certificate.pem"), "--tls-key", str(tls / "key.pem"))
        for name in ("certificate.pem", "key.pem"):
            shutil.copy(self.vault.path / "tls" / name, archive / f"2-{name}")
            (tls / f"new-{name}").symlink_to(archive / f"2-{name}")
            (tls / f"new-{name}").rename(tls / name)
        server.process.send_signal(signal.SIGHUP)
        gw.until(lambda: "certificate reloaded" in server.log(), "the certificate is reloaded")
        with gw.Smtp(server) as smtp:
            self.assertEqual(smtp.command("STARTTLS").code, 220)

    def test_settings_name_user_and_sandbox(self):
        config = self.vault.side / "gw.toml"
        config.write_text('[smtpd]\nuser = "nobody"\nsandbox = "require"\n')
        done = gw.run(gw.program("gw-smtpd"), "--config", config, "--dump-config", env=self.vault.env)
        self.assertIn(b'user = "nobody"\nsandbox = "require"\n', done.stdout)
        config.write_text('[smtpd]\nsandbox = "maybe"\n')
        done = gw.run(gw.program("gw-smtpd"), "--config", config, "--check-config", env=self.vault.env, status=78)
        self.assertIn(b'gw.toml:2:11: `smtpd.sandbox` must be "auto", "off" or "require"', done.stderr)


@gw.need_root("starts servers as root")
class RootTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = gw.BIN
        cls.programs = gw.let_everybody_run_the_programs()

    @classmethod
    def tearDownClass(cls):
        gw.BIN = cls.before
        shutil.rmtree(cls.programs)

    def account_files(self, folder):
        """Returns the users of the system and those of the test, in the form of passwd(5)."""
        passwd, group = pathlib.Path("/etc/passwd").read_text(), pathlib.Path("/etc/group").read_text()
        for user in ("gw-receive", "gw-drain"):
            passwd += f"{user}:x:{IDS[user]}:{IDS[user]}::/:/usr/sbin/nologin\n"
            group += f"{user}:x:{IDS[user]}:\n"
        for name, members in GROUPS.items():
            group += f"{name}:x:{IDS[name]}:{members}\n"
        (folder / "passwd").write_text(passwd)
        (folder / "group").write_text(group)
        for name in ("passwd", "group"):
            (folder / name).chmod(0o644)

    def system_vault(self):
        """A vault whose sockets are outside, for those of their groups, and its keeper."""
        vault = gw.Vault(user=61_520)
        self.addCleanup(vault.close)
        vault.folder.chmod(0o755)
        run = pathlib.Path(tempfile.mkdtemp(prefix="gw-run-"))
        self.addCleanup(shutil.rmtree, run)
        box = vault.add_mailbox("journal")
        vault.stop_keeper()
        vault.env["GW_RUN"] = str(run)
        run.chmod(0o755)
        os.chown(run, 61_520, 61_520)
        vault.keeper(user=61_520)
        for role, group in (("append", IDS["gw-append"]), ("drain", IDS["gw-drain"])):
            os.chown(run / role, 61_520, group)
            (run / role).chmod(0o660)
        self.account_files(vault.side)
        vault.side.chmod(0o755)
        return vault, box

    def start(self, vault, name, *options, prefix=()):
        """As root, where the accounts are there."""
        mounts = " && ".join(f"mount --bind {vault.side}/{f} /etc/{f}" for f in ("passwd", "group"))
        server = gw.Server(["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh", *prefix, gw.program(name), *options],
                           vault.side / f"{name}.log", options.count("--listen"), vault.env)
        vault.servers.append(server)
        return server

    def identity(self, server):
        facts = status(server.pid)
        return set(facts["Uid"].split()), set(facts["Gid"].split()), set(facts["Groups"].split())

    def test_a_server_of_a_system_vault_becomes_its_own_user(self):
        vault, box = self.system_vault()
        tls = [str(vault.path / "tls" / name) for name in ("certificate.pem", "key.pem")]  # closed to those users
        keys = ["--tls-cert", tls[0], "--tls-key", tls[1]]
        smtpd = self.start(vault, "gw-smtpd", *keys, "--listen", "127.0.0.253:25", "--listen", "127.0.0.253:465,tls")
        pop3d = self.start(vault, "gw-pop3d", *keys, "--listen", "127.0.0.253:995,tls")
        content = gw.mail(3000)
        with gw.Smtp(smtpd, tls=True) as smtp:
            reply = smtp.deliver(box.address, content)
            self.assertEqual(reply.code, 250, reply)
        self.assertEqual(gw.drain(pop3d, box, tls=True), [content])
        for server, user, groups in ((smtpd, "gw-receive", {"gw-receive", "gw-append", "gw-tls"}), (pop3d, "gw-drain", {"gw-drain", "gw-tls"})):
            number = str(IDS[user])
            self.assertEqual(self.identity(server), ({number}, {number}, {str(IDS[g]) for g in groups}))
            self.assertEqual(int(status(server.pid)["CapPrm"], 16), 0)
            self.assertIsNone(ConfinementTest.starter_of(self, server))
        # What it can no longer read it says, and goes on.
        smtpd.process.send_signal(signal.SIGHUP)
        gw.until(lambda: "certificate not reloaded" in smtpd.log(), "the log says so")

    def test_without_those_users_root_is_refused(self):
        vault, _ = self.system_vault()
        for name in SERVERS:
            with self.subTest(name):
                done = gw.run(gw.program(name), "--listen", "x=127.0.0.1:0" if name == "gw-proxy" else "127.0.0.1:0",
                              env=vault.env, status=78)
                self.assertIn(b"started as root", done.stderr)
                self.assertIn(b"hint: ", done.stderr)

    def test_a_user_may_be_named(self):
        vault, box = self.system_vault()
        server = self.start(vault, "gw-smtpd", "--user", "gw-receive", "--sandbox", "off", "--listen", "127.0.0.1:0")
        with gw.Smtp(server) as smtp:
            self.assertEqual(smtp.deliver(box.address, gw.mail(100)).code, 250)
        self.assertEqual(self.identity(server)[0], {str(IDS["gw-receive"])})
        done = gw.run(gw.program("gw-smtpd"), "--user", "gw-nobody-has-this", "--listen", "127.0.0.1:0", env=vault.env, status=78)
        self.assertIn(b"the user `gw-nobody-has-this` does not exist", done.stderr)
        done = gw.run(gw.program("gw-smtpd"), "--user", "daemon", "--listen", "127.0.0.1:0", env=vault.env, status=77, user=61_521)
        self.assertIn(b"only root may do that", done.stderr)

    def test_in_somebodys_own_vault_root_becomes_that_user(self):
        vault = gw.Vault(user=61_522)
        self.addCleanup(vault.close)
        box = vault.add_mailbox("journal")
        vault.stop_keeper()
        server = gw.Server([gw.program("gw-smtpd"), "--listen", "127.0.0.1:0"], vault.side / "smtpd.log", 1, vault.env)
        vault.servers.append(server)
        with gw.Smtp(server) as smtp:
            self.assertEqual(smtp.deliver(box.address, gw.mail(100)).code, 250)
        self.assertEqual(self.identity(server)[0], {"61522"})
        self.assertEqual(os.stat(vault.path / "run" / "append").st_uid, 61_522)

    def test_inetd_that_starts_it_as_root(self):
        vault, box = self.system_vault()
        ours, theirs = socket.socketpair()
        mounts = " && ".join(f"mount --bind {vault.side}/{f} /etc/{f}" for f in ("passwd", "group"))
        with theirs:
            process = subprocess.Popen(["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh", gw.program("gw-smtpd")],
                                       stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=vault.env)
        with ours, ours.makefile("rb") as file:
            ours.settimeout(gw.WAIT)
            self.assertTrue(file.readline().startswith(b"220 "))
            self.assertEqual(set(status(process.pid)["Uid"].split()), {str(IDS["gw-receive"])})
            ours.sendall(b"HELO x\r\nMAIL FROM:<>\r\n" + f"RCPT TO:<{box.address}>\r\nDATA\r\n".encode())
            for code in (b"250", b"250", b"250", b"354"):
                self.assertEqual(file.readline()[:3], code)
            ours.sendall(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
            self.assertEqual(file.readline()[:3], b"250")
            self.assertEqual(file.read()[:3], b"221")
        self.assertEqual(process.wait(gw.WAIT), 0)


if __name__ == "__main__":
    gw.main()
