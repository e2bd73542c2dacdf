#!/usr/bin/python3
"""sslscan finds TLS 1.2 and 1.3 with forward secrecy and authenticated encryption at every port, and nothing else."""
import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_peers import find  # noqa: E402

# Mozilla's intermediate profile without DHE.
SUITE = re.compile(r"TLS_(AES_128_GCM_SHA256|AES_256_GCM_SHA384|CHACHA20_POLY1305_SHA256)|"
                   r"ECDHE-(ECDSA|RSA)-(AES128-GCM-SHA256|AES256-GCM-SHA384|CHACHA20-POLY1305)")


class SslscanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gw_peers.Gateway()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def scan(self, port, *options):
        done = gw_peers.run(find("sslscan"), "--no-colour", "--xml=-", *options, f"localhost:{port}")
        test = xml.etree.ElementTree.fromstring(done.stdout).find("ssltest")
        self.assertIsNotNone(test, done.stdout)
        enabled = {(p.get("type"), p.get("version")) for p in test.iter("protocol") if p.get("enabled") == "1"}
        self.assertEqual(enabled, {("tls", "1.2"), ("tls", "1.3")})
        suites = [c.get("cipher") for c in test.iter("cipher")]
        self.assertGreaterEqual(len(suites), 5)
        self.assertEqual([s for s in suites if not SUITE.fullmatch(s)], [])
        self.assertEqual([c.get("supported") for c in test.iter("compression")], [])  # sslscan's OpenSSL has none
        self.assertEqual([r.get("supported") for r in test.iter("renegotiation")], ["0"])
        self.assertEqual({h.get("vulnerable") for h in test.iter("heartbleed")}, {"0"})
        groups = {g.get("name").split()[0] for g in test.iter("group")}
        self.assertEqual(groups, {"x25519", "secp256r1", "secp384r1"})

    def test_smtp(self):
        self.scan(self.gateway.smtp_port, "--starttls-smtp")

    def test_smtps(self):
        self.scan(self.gateway.smtps_port)

    def test_pop3(self):
        self.scan(self.gateway.pop3_port, "--starttls-pop3")

    def test_pop3s(self):
        self.scan(self.gateway.pop3s_port)


if __name__ == "__main__":
    gw.main()
