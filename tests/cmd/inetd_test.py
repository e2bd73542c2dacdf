#!/usr/bin/python3
"""Under each program that hands a connection over, the full job: a mail comes in over STARTTLS and is drained over STLS."""
import getpass
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

INETD = shutil.which("inetd", path="/usr/sbin:/usr/bin:/sbin:/bin")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class InetdTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")
        self.ports = {"gw-smtpd": free_port(), "gw-pop3d": free_port()}

    def start(self, *command, **more):
        with open(self.vault.side / f"{pathlib.Path(str(command[0])).name}.log", "ab") as log:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=self.vault.env, **more)

        def end():
            process.terminate()
            try:
                process.wait(gw.WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.addCleanup(end)
        return process

    def connected(self, client, name):
        def connect():
            try:
                return client(("127.0.0.1", self.ports[name]))
            except (OSError, gw.Closed):
                return None
        return gw.until(connect, f"{name} answers")

    def full_job(self):
        contents = [gw.mail(3000, "one"), gw.mail(90_000, "two")]
        for content in contents:  # a connection each
            with self.connected(gw.Smtp, "gw-smtpd") as smtp:
                self.assertEqual(smtp.command("STARTTLS").code, 220)
                smtp.start_tls()
                self.assertEqual(smtp.command("EHLO client.example.com").code, 250)
                reply = smtp.deliver(self.box.address, content)
                self.assertEqual(reply.code, 250, reply)
                self.assertEqual(smtp.command("QUIT").code, 221)
                self.assertEqual(smtp.file.read(), b"")
        with self.connected(gw.Pop3, "gw-pop3d") as pop3:
            pop3.command("STLS")
            pop3.start_tls()
            pop3.command(f"USER {self.box.id}")
            pop3.command(f"PASS {self.box.password}")
            self.assertEqual(pop3.count(), 2)
            self.assertEqual(gw.digests([pop3.retrieve(1), pop3.retrieve(2)]), gw.digests(contents))
            pop3.command("DELE 1")
            pop3.command("DELE 2")
            pop3.command("QUIT")
        with self.connected(lambda where: gw.Pop3(where), "gw-pop3d") as pop3:
            pop3.command("STLS")
            pop3.start_tls()
            pop3.command(f"USER {self.box.id}")
            pop3.command(f"PASS {self.box.password}")
            self.assertEqual(pop3.count(), 0)

    @unittest.skipUnless(INETD, "needs inetd")
    def test_openbsd_inetd(self):
        """Returns the lines of scripts/inetd.conf.example, with ports, user and directories of the test."""
        self.vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", "127.0.0.1:9", "--tls", "none",
                         "--allow-private", "--mailbox", "journal")
        ports = {"smtp": self.ports["gw-smtpd"], "pop3": self.ports["gw-pop3d"],
                 "submissions": free_port(), "pop3s": free_port(), "submission": free_port()}
        config = self.vault.side / "inetd.conf"
        with open(config, "w", encoding="ascii") as file:
            for line in (gw.ROOT / "scripts/inetd.conf.example").read_text().splitlines():
                if not line.startswith("#"):
                    service, kind, protocol, wait, _, program, *arguments = line.split()
                    arguments = [argument.replace("/var/lib/gw-proxy", str(self.vault.side)) for argument in arguments]
                    print(f"127.0.0.1:{ports.pop(service)}", kind, protocol, wait, getpass.getuser(),
                          gw.program(pathlib.Path(program).name), *arguments, "--vault", self.vault.path, file=file)
        self.assertEqual(ports, {})
        lines = [line.split()[0].rpartition(":")[2] for line in config.read_text().splitlines()]
        self.start(INETD, "-i", config)
        self.full_job()
        with gw.Smtp(("127.0.0.1", int(lines[1])), tls=True) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, gw.mail(900)).code, 250)
        with gw.Pop3(("127.0.0.1", int(lines[3])), self.box, tls=True) as pop3:
            self.assertEqual(pop3.count(), 1)
        with gw.Smtp(("127.0.0.1", int(lines[4]))) as smtp:  # the proxy; its upstream is not there
            self.assertEqual(smtp.command("QUIT").code, 221)

    @gw.need_program("tcpserver")
    def test_tcpserver(self):
        for name, port in self.ports.items():
            self.start("tcpserver", "-HRl0", "127.0.0.1", port, gw.program(name))
        self.full_job()

    @gw.need_program("socat")
    def test_socat(self):
        for name, port in self.ports.items():
            self.start("socat", f"TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"EXEC:{gw.program(name)},nofork")
        self.full_job()

    @gw.need_program("socat")
    def test_socat_between_pipes(self):
        for name, port in self.ports.items():
            self.start("socat", f"TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"EXEC:{gw.program(name)} --stdio,pipes")
        self.full_job()

    def socket_activate(self, *options, name_of=None):
        for name, port in self.ports.items():
            names = ["--fdname", name_of[name]] if name_of else []
            self.start("systemd-socket-activate", *options, "-l", f"127.0.0.1:{port}", *names, "-E", f"GW_VAULT={self.vault.path}",
                       gw.program(name))
        self.full_job()

    @gw.need_program("systemd-socket-activate")
    def test_systemd_one_process_for_all_connections(self):
        self.socket_activate(name_of={"gw-smtpd": "smtp", "gw-pop3d": "pop3"})

    @gw.need_program("systemd-socket-activate")
    def test_systemd_a_process_for_each_connection(self):
        self.socket_activate("-a", name_of={"gw-smtpd": "smtp", "gw-pop3d": "pop3"})

    def guess(self, password):
        """One try by a process of its own; how long the answer took."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname(), gw.WAIT)
            theirs, _ = listener.accept()
        with ours:
            process = subprocess.Popen([gw.program("gw-pop3d"), "--allow-plaintext-auth"], stdin=theirs, stdout=theirs,
                                       stderr=subprocess.DEVNULL, env=self.vault.env)
            theirs.close()
            file = ours.makefile("rb")
            file.readline()
            ours.sendall(f"USER {self.box.id}\r\n".encode())
            file.readline()
            begun = time.monotonic()
            ours.sendall(f"PASS {password}\r\n".encode())
            answer = file.readline()
            took = time.monotonic() - begun
            ours.sendall(b"QUIT\r\n")
            file.close()
        process.wait(gw.WAIT)
        self.assertEqual(answer.startswith(b"+OK"), password == self.box.password, answer)
        return took

    def test_wrong_passwords_are_counted_over_all_processes(self):
        for _ in range(5):
            self.guess("wrong password here")
        # The waits of the fourth and the fifth were 0.5 and 1 s, so that of the next try is 2 s.
        self.assertGreater(self.guess("wrong password here"), 2)
        # A right one waits too, and clears the count: so three more cost nothing, and the next waits half a second.
        self.assertGreater(self.guess(self.box.password), 4)
        for _ in range(3):
            self.guess("wrong password here")
        self.assertGreater(self.guess("wrong password here"), 0.5)

    @gw.need_program("systemd-socket-activate")
    def test_systemd_as_inetd(self):
        self.socket_activate("-a", "--inetd")


if __name__ == "__main__":
    gw.main()
