#!/usr/bin/python3
"""The same programs serve inetd's descriptor 0, tcpserver, systemd's sockets, and --stdio."""
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

# Takes LISTEN_PID for itself and becomes the program: what systemd does between fork and exec.
LAUNCHER = """
import os, sys
names, fds, command = sys.argv[1], [int(n) for n in sys.argv[2].split(",")], sys.argv[3:]
high = [os.dup(fd) for fd in fds]
high = [os.dup2(fd, 100 + n) for n, fd in enumerate(high)]
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n)
os.closerange(3 + len(fds), 200)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(command[0], command)
"""


class Over(gw.Smtp):
    """SMTP over a socket that is there already."""

    def __init__(self, connection):
        connection.settimeout(gw.WAIT)
        self.socket, self.file = connection, connection.makefile("rb")
        self.greeting = self.reply()
        self.ehlo = self.command("EHLO client.example.com")


class ActivationTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")

    def launch(self, names, sockets, *command):
        fds = [s.fileno() for s in sockets]
        return subprocess.Popen([sys.executable, "-c", LAUNCHER, names, ",".join(map(str, fds)), *command],
                                pass_fds=fds, env=self.vault.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def deliver(self, smtp):
        content = gw.mail(3000)
        reply = smtp.deliver(self.box.address, content)
        self.assertEqual(reply.code, 250, reply)
        self.assertEqual(smtp.command("QUIT").code, 221)
        self.assertEqual(gw.drain(self.vault.pop3d(), self.box), [content])

    def ended(self, process, status):
        _, errors = process.communicate(timeout=gw.WAIT)
        self.assertEqual(process.returncode, status, errors)
        return errors or b""

    def listener(self):
        sock = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(sock.close)
        return sock

    def test_inetd_hands_over_descriptor_0(self):
        for kind in ("pair", "tcp"):
            with self.subTest(kind):
                if kind == "pair":
                    ours, theirs = socket.socketpair()
                else:
                    listener = self.listener()
                    ours = socket.create_connection(listener.getsockname())
                    theirs, _ = listener.accept()
                with theirs:
                    process = subprocess.Popen([gw.program("gw-smtpd")], stdin=theirs, stdout=theirs, stderr=theirs,
                                               env=self.vault.env)
                with Over(ours) as smtp:
                    self.deliver(smtp)
                self.ended(process, 0)

    def test_an_inetd_session_of_gw_pop3d(self):
        listener = self.listener()
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with theirs:
            process = subprocess.Popen([gw.program("gw-pop3d")], stdin=theirs, stdout=theirs, stderr=theirs,
                                       env=self.vault.env)
        with ours, ours.makefile("rb") as file:
            ours.settimeout(gw.WAIT)
            self.assertTrue(file.readline().startswith(b"+OK"))
            ours.sendall(b"QUIT\r\n")
            self.assertTrue(file.readline().startswith(b"+OK"))
            self.assertEqual(file.read(), b"")
        self.ended(process, 0)

    def test_log_lines_do_not_reach_an_inetd_peer(self):
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen([gw.program("gw-smtpd")], stdin=theirs, stdout=theirs, stderr=theirs,
                                       env=self.vault.env)
        with Over(ours) as smtp:
            smtp.send(b"NOSUCHVERB\r\n")
            self.assertEqual(smtp.reply().code, 500)
            smtp.send(b"QUIT\r\n")
            rest = smtp.file.read()
        self.assertEqual([line[:4] for line in rest.splitlines()], [b"221 "], rest)
        self.ended(process, 0)

    @gw.need_program("tcpserver")
    def test_tcpserver(self):
        process = subprocess.Popen(["tcpserver", "-1", "-HRl0", "127.0.0.1", "0", gw.program("gw-smtpd")],
                                   env=self.vault.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(process.stdout.readline())
            with gw.Smtp(("127.0.0.1", port)) as smtp:
                self.deliver(smtp)
        finally:
            process.terminate()
            process.wait(gw.WAIT)
            process.stdout.close()

    def test_inherited_listeners_by_name(self):
        plain, tls = self.listener(), self.listener()
        process = self.launch("smtp:smtps", [plain, tls], gw.program("gw-smtpd"))
        try:
            with gw.Smtp(plain.getsockname()) as smtp:
                self.deliver(smtp)
            with gw.Smtp(tls.getsockname(), tls=True) as smtp:
                self.deliver(smtp)
        finally:
            process.terminate()
        self.ended(process, 0)

    def test_a_broken_certificate_takes_down_only_the_port_that_needs_it(self):
        key = self.vault.path / "tls/key.pem"
        good = key.read_bytes()
        plain, tls = self.listener(), self.listener()
        for broken in (b"nothing\n", None):
            with self.subTest(broken):
                key.write_bytes(broken) if broken else key.unlink()
                process = self.launch("smtp:smtps", [plain, tls], gw.program("gw-smtpd"))
                contents = [gw.mail(3000), gw.mail(3000)]
                try:
                    with gw.Smtp(plain.getsockname()) as smtp:
                        self.assertEqual(smtp.command("STARTTLS").code, 454)
                        self.assertEqual(smtp.deliver(self.box.address, contents[0]).code, 250)
                    with self.assertRaises((OSError, gw.Closed)):
                        gw.Smtp(tls.getsockname(), tls=True).close()
                    key.write_bytes(good)
                    with gw.Smtp(tls.getsockname(), tls=True) as smtp:
                        self.assertEqual(smtp.deliver(self.box.address, contents[1]).code, 250)
                finally:
                    process.terminate()
                errors = self.ended(process, 0)
                self.assertIn(b"certificate not loaded", errors)
                self.assertIn(b"key.pem", errors)
                self.assertEqual(gw.drain(self.vault.pop3d(), self.box), contents)

    def test_without_a_certificate_only_the_port_that_needs_one_is_closed(self):
        shutil.rmtree(self.vault.path / "tls")
        plain, tls = self.listener(), self.listener()
        process = self.launch("smtp:smtps", [plain, tls], gw.program("gw-smtpd"))
        try:
            with gw.Smtp(plain.getsockname()) as smtp:
                self.deliver(smtp)
            with self.assertRaises((OSError, gw.Closed)):
                gw.Smtp(tls.getsockname(), tls=True).close()
        finally:
            process.terminate()
        self.assertIn(b"no certificate is configured", self.ended(process, 0))
        # Where no port can be served, it does not start.
        process = self.launch("smtps", [tls], gw.program("gw-smtpd"))
        self.assertIn(b"no certificate is configured", self.ended(process, 78))

    def test_an_inherited_connection(self):
        listener = self.listener()
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with theirs:
            process = self.launch("smtp", [theirs], gw.program("gw-smtpd"))
        with Over(ours) as smtp:
            self.deliver(smtp)
        self.ended(process, 0)

    def test_a_socket_whose_role_is_in_doubt_is_status_78(self):
        for tool, name in (("gw-smtpd", ""), ("gw-smtpd", "pop3"), ("gw-pop3d", "smtp"), ("gw-pop3d", "unknown")):
            with self.subTest(tool=tool, name=name):
                process = self.launch(name, [self.listener()], gw.program(tool))
                errors = self.ended(process, 78)
                self.assertIn(b"hint: ", errors)

    def test_a_pipe_on_descriptor_0_is_status_64(self):
        done = self.vault.tool("gw-smtpd", input=b"EHLO x\r\nQUIT\r\n", status=64)
        self.assertIn(b"--listen", done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_stdio_speaks_on_two_pipes(self):
        done = self.vault.tool("gw-smtpd", "--stdio", input=b"EHLO x\r\nNOOP\r\nQUIT\r\n")
        codes = [line[:3] for line in done.stdout.splitlines() if line[3:4] == b" "]
        self.assertEqual(codes, [b"220", b"250", b"250", b"221"], done.stdout)

    @gw.need_program("systemd-socket-activate")
    def test_systemd_socket_activate_starts_a_session_for_each_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        process = subprocess.Popen(["systemd-socket-activate", "--inetd", "-a", "-l", f"127.0.0.1:{port}",
                                    "-E", f"GW_VAULT={self.vault.path}", gw.program("gw-smtpd")],
                                   env=self.vault.env, stderr=subprocess.DEVNULL)
        try:
            def connect():
                try:
                    return gw.Smtp(("127.0.0.1", port))
                except OSError:
                    return None
            with gw.until(connect, "systemd-socket-activate listens") as smtp:
                self.deliver(smtp)
        finally:
            process.terminate()
            process.wait(gw.WAIT)

    def test_a_daemon_without_listeners_says_how_to_start_it(self):
        done = gw.run(gw.program("gw-smtpd"), env=self.vault.env, status=64, stdin=subprocess.DEVNULL)
        self.assertIn(b"hint: ", done.stderr)


if __name__ == "__main__":
    gw.main()
