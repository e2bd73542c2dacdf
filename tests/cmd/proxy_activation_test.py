#!/usr/bin/python3
"""gw-proxy serves systemd's sockets, named for a route or a protocol, inetd's descriptor 0, and --stdio."""
import pathlib
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gw  # noqa: E402
from activation_test import LAUNCHER, Over  # noqa: E402
from gw_smtp_upstream import SmtpUpstream  # noqa: E402


class ProxyActivationTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.vault.env["STATE_DIRECTORY"] = str(self.vault.side)
        self.vault.add_mailbox("sent")
        self.upstream = SmtpUpstream()
        self.addCleanup(self.upstream.close)
        self.vault.store("route", "add", "work", "--protocol", "smtp", "--upstream", self.upstream.address, "--tls", "none",
                         "--mailbox", "sent", "--allow-private", "--clients", "127.0.0.1")

    def deliver(self, smtp):
        self.assertEqual(smtp.deliver("a@x.example", gw.mail(500)).code, 250)
        self.assertEqual(smtp.command("QUIT").code, 221)
        smtp.close()

    def launch(self, name, listener, *options):
        fd = listener.fileno()
        return subprocess.Popen([sys.executable, "-c", LAUNCHER, name, str(fd), gw.program("gw-proxy"), *options], pass_fds=[fd],
                                env=self.vault.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def test_a_socket_is_named_for_a_route_or_serves_what_route_says(self):
        for name, options in (("work", []), ("submission", ["--route", "work"])):
            with self.subTest(name), socket.create_server(("127.0.0.1", 0)) as listener:
                process = self.launch(name, listener, *options)
                self.deliver(gw.Smtp(listener.getsockname()))
                process.terminate()
                process.communicate(timeout=gw.WAIT)
                self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.upstream.messages), 2)

    def test_inetd_hands_over_descriptor_0(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            theirs, _ = listener.accept()
            with theirs:
                process = subprocess.Popen([gw.program("gw-proxy"), "--route", "work"], stdin=theirs, stdout=theirs, stderr=theirs,
                                           env=self.vault.env)
            self.deliver(Over(ours))
            self.assertEqual(process.wait(gw.WAIT), 0)

    def test_a_role_in_doubt_and_a_route_that_is_not_there_are_78(self):
        self.vault.tool("gw-proxy", "--stdio", input=b"", status=78)
        self.vault.tool("gw-proxy", "--listen", "127.0.0.1:0", input=b"", status=78)
        told = self.vault.tool("gw-proxy", "--listen", "nothing=127.0.0.1:0", input=b"", status=78).stderr
        self.assertIn(b"no route `nothing`", told)
        self.vault.tool("gw-proxy", "--listen", "pop3=127.0.0.1:0", "--route", "work", input=b"", status=78)


if __name__ == "__main__":
    gw.main()
