#!/usr/bin/python3
"""scripts/certificate-deploy-hook: as certbot and lego call it, a server that runs shows the new certificate."""
import os
import pathlib
import ssl
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

HOOK = gw.ROOT / "scripts/certificate-deploy-hook"


class DeployHookTest(unittest.TestCase):
    def setUp(self):
        self.vault, self.other = gw.Vault(), gw.Vault(host="renewed.example.com")
        self.addCleanup(self.vault.close)
        self.addCleanup(self.other.close)
        self.fresh = self.other.path / "tls"
        self.tls = self.vault.side / "tls"
        self.hook(self.vault.path / "tls/certificate.pem", self.vault.path / "tls/key.pem", GW_RELOAD="true")
        self.smtpd = self.vault.smtpd("--tls-cert", self.tls / "certificate.pem", "--tls-key", self.tls / "key.pem",
                                      listen=("127.0.0.1:0,tls",))

    def hook(self, *arguments, status=0, **variables):
        path = f"{gw.BIN}:{os.environ['PATH']}"
        return gw.run(HOOK, *arguments, status=status,
                      env=gw.clean_environment({"PATH": path, "GW_CONFIG": "/dev/null", "GW_TLS": str(self.tls), **variables}))

    def shown(self):
        with gw.Smtp(self.smtpd, tls=True) as smtp:
            return ssl.DER_cert_to_PEM_cert(smtp.socket.getpeercert(binary_form=True)).split()

    def is_shown(self, path):
        wanted = path.read_text().split()
        return gw.until(lambda: self.shown() == wanted, "the certificate is shown")

    def reload(self):
        return f"kill -HUP {self.smtpd.pid}"

    def test_as_certbot_calls_it(self):
        lineage = self.vault.side / "live"
        lineage.mkdir()
        (lineage / "fullchain.pem").write_bytes((self.fresh / "certificate.pem").read_bytes())
        (lineage / "privkey.pem").write_bytes((self.fresh / "key.pem").read_bytes())
        self.hook(RENEWED_LINEAGE=str(lineage), GW_RELOAD=self.reload())
        self.is_shown(self.fresh / "certificate.pem")
        self.assertEqual({p.name: p.stat().st_mode & 0o777 for p in self.tls.iterdir()},
                         {"certificate.pem": 0o640, "key.pem": 0o640})

    def test_as_lego_calls_it(self):
        self.hook(LEGO_CERT_PATH=str(self.fresh / "certificate.pem"), LEGO_CERT_KEY_PATH=str(self.fresh / "key.pem"),
                  GW_RELOAD=self.reload())
        self.is_shown(self.fresh / "certificate.pem")

    def test_a_key_of_another_certificate_changes_nothing(self):
        before = {p.name: p.read_bytes() for p in self.tls.iterdir()}
        done = self.hook(self.fresh / "certificate.pem", self.vault.path / "tls/key.pem", status=65, GW_RELOAD=self.reload())
        self.assertIn(b"the key does not match the certificate", done.stderr)
        self.assertEqual({p.name: p.read_bytes() for p in self.tls.iterdir()}, before)

    def test_exchanged_arguments_change_nothing(self):
        before = {p.name: p.read_bytes() for p in self.tls.iterdir()}
        done = self.hook(self.fresh / "key.pem", self.fresh / "certificate.pem", status=65, GW_RELOAD=self.reload())
        self.assertIn(b"exchange the two files", done.stderr)
        self.assertEqual({p.name: p.read_bytes() for p in self.tls.iterdir()}, before)

    def test_usage(self):
        self.hook(status=64)


if __name__ == "__main__":
    gw.main()
