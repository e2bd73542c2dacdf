#!/usr/bin/python3
"""The checks that Nagios, Icinga and their relatives watch mail servers with."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

PLUGINS = "/usr/lib/nagios/plugins"


class MonitoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gw_peers.Gateway()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def passes(self, name, port, *options):
        done = gw_peers.run(gw_peers.find(name, PLUGINS), "-H", "localhost", "-4", "-p", port, *options, status=None)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.decode()

    def test_check_smtp(self):
        self.assertIn("SMTP OK", self.passes("check_smtp", self.gateway.smtp_port))

    def test_check_smtp_with_commands(self):
        self.passes("check_smtp", self.gateway.smtp_port, "-S", "-f", "sender@example.com",
                    "-C", f"RCPT TO:<{self.gateway.box.address}>", "-R", "250")

    def test_check_smtp_looks_at_the_certificate_behind_starttls(self):
        self.assertIn("will expire", self.passes("check_smtp", self.gateway.smtp_port, "-S", "-D", "1"))

    def test_check_ssmtp(self):
        self.passes("check_ssmtp", self.gateway.smtps_port)

    def test_check_pop(self):
        self.assertIn("POP OK", self.passes("check_pop", self.gateway.pop3_port))

    def test_check_spop(self):
        self.assertIn("SPOP OK", self.passes("check_spop", self.gateway.pop3s_port))

    def test_check_spop_looks_at_the_certificate(self):
        self.assertIn("will expire", self.passes("check_spop", self.gateway.pop3s_port, "-D", "1"))

    def test_a_server_that_is_gone_is_critical(self):
        done = gw_peers.run(gw_peers.find("check_smtp", PLUGINS), "-H", "127.0.0.1", "-p", gw_peers.free_port(), status=2)
        self.assertEqual(self.gateway.count(), 0, done)


if __name__ == "__main__":
    gw.main()
