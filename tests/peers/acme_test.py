#!/usr/bin/python3
"""Follows a certificate from issue to renewal: lego gets it from a CA (Pebble), the deploy hook installs it, and gw-smtpd serves
on."""
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

HOST = "gateway.example.com"
HOOK = gw.ROOT / "scripts/certificate-deploy-hook"


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for each in held:
        each.close()
    return ports


@gw.need_program("pebble")
@gw.need_program("lego")
class AcmeTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-acme-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.acme, management, self.http, dns, control = free_ports(5)
        # The certificate of the CA's own server. The certificates that it issues are signed by roots that it generates when it
        # starts.
        self.face = self.directory / "face.pem"
        gw.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
               "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.directory / "face.key",
               "-out", self.face)
        config = {"listenAddress": f"127.0.0.1:{self.acme}", "managementListenAddress": f"127.0.0.1:{management}",
                  "certificate": str(self.face), "privateKey": str(self.directory / "face.key"), "httpPort": self.http, "tlsPort": 1,
                  "ocspResponderURL": "", "externalAccountBindingRequired": False}
        (self.directory / "pebble.json").write_text(json.dumps({"pebble": config}))
        # All names resolve to 127.0.0.1.
        self.start("pebble-challtestsrv", "-dns01", f"127.0.0.1:{dns}", "-http01", "", "-https01", "", "-tlsalpn01", "",
                   "-management", f"127.0.0.1:{control}", "-defaultIPv6", "")
        self.start("pebble", "-config", self.directory / "pebble.json", "-dnsserver", f"127.0.0.1:{dns}",
                   env=dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0"))
        trust = ssl.create_default_context(cafile=str(self.face))

        def root():
            try:
                with urllib.request.urlopen(f"https://127.0.0.1:{management}/roots/0", context=trust, timeout=5) as answer:
                    return answer.read().decode()
            except OSError:
                return None
        self.root = gw.until(root, "Pebble answers")

    def start(self, *command, **more):
        with open(self.directory / f"{command[0]}.log", "wb") as log:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)

        def end():
            process.kill()
            process.wait()
        self.addCleanup(end)

    def lego(self, *command, reload):
        environment = gw.clean_environment({"LEGO_CA_CERTIFICATES": str(self.face), "GW_TLS": str(self.directory / "tls"),
                                            "GW_RELOAD": reload, "GW_CONFIG": "/dev/null",
                                            "PATH": f"{gw.BIN}:{os.environ['PATH']}"})
        gw.run("lego", "--server", f"https://127.0.0.1:{self.acme}/dir", "--accept-tos", "--email", "postmaster@example.com",
               "--domains", HOST, "--http", "--http.port", f"127.0.0.1:{self.http}", "--path", self.directory / "lego", *command,
               env=environment, seconds=120)

    def shown(self, server):
        """Returns the digest of the certificate that the server sends after STARTTLS, verified by the CA's root and the host
        name."""
        context = ssl.create_default_context(cadata=self.root)
        with gw.Smtp(server) as smtp:
            self.assertEqual(smtp.command("STARTTLS").code, 220)
            smtp.file.close()
            smtp.socket = context.wrap_socket(smtp.socket, server_hostname=HOST)
            smtp.file = smtp.socket.makefile("rb")
            self.assertEqual(smtp.command("EHLO x").code, 250)
            return hashlib.sha256(smtp.socket.getpeercert(binary_form=True)).hexdigest()

    def test_issued_deployed_renewed_and_loaded_without_a_restart(self):
        with gw.Vault(host=HOST, tls=False) as vault:
            box = vault.add_mailbox("journal")
            hook = shlex.quote(str(HOOK))
            self.lego("run", "--run-hook", hook, reload="true")
            tls = self.directory / "tls"
            self.assertEqual((tls / "key.pem").stat().st_mode & 0o777, 0o640)
            server = vault.smtpd("--tls-cert", tls / "certificate.pem", "--tls-key", tls / "key.pem")
            first = self.shown(server)

            with gw.Smtp(server) as during:
                self.assertEqual(during.envelope(box.address).code, 354)
                self.lego("renew", "--no-random-sleep", "--days", "20000", "--renew-hook", hook, reload=f"kill -HUP {server.pid}")
                second = gw.until(lambda: (lambda seen: seen != first and seen)(self.shown(server)), "the new certificate is shown")
                self.assertEqual(during.body(gw.mail(1000)).code, 250)
            self.assertIn("certificate reloaded", server.log())
            self.assertEqual(second, hashlib.sha256(ssl.PEM_cert_to_DER_cert(
                (tls / "certificate.pem").read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")).hexdigest())


if __name__ == "__main__":
    gw.main()
