#!/usr/bin/python3
"""gw-store certificate, and --check-config of the servers: what is wrong with a certificate is said before it matters."""
import json
import os
import pathlib
import shutil
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

SERVERS = ("gw-smtpd", "gw-pop3d", "gw-proxy", "gw-webd")
HOST = "gateway.example.com"


class Authority:
    """A root, an intermediate, and a server's certificate that the intermediate signed, as files in one directory."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for name, signer in (("root", None), ("middle", "root"), ("server", "middle"), ("old", "middle")):
            self.make(name, signer)
        self.chain("fullchain", "server", "middle")
        self.chain("reversed", "middle", "server")
        self.chain("gap", "server", "root")
        self.chain("expired", "old", "middle")
        self.path("combined").write_text(self.path("fullchain").read_text() + (folder / "server.key").read_text())

    def path(self, name):
        return self.folder / f"{name}.pem"

    def make(self, name, signer):
        key = self.folder / f"{name}.key"
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        self.openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", self.folder / "csr")
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName=DNS:{HOST}\n" if name in ("server", "old") else "basicConstraints=critical,CA:TRUE\n")
        by = ("-signkey", key) if signer is None else ("-CA", self.path(signer), "-CAkey", self.folder / f"{signer}.key")
        # A certificate of zero days is over in the second in which it is made.
        self.openssl("x509", "-req", "-in", self.folder / "csr", "-extfile", extensions, *by, "-days",
                     "0" if name == "old" else "30", "-out", self.path(name), "-CAcreateserial")

    def chain(self, name, *parts):
        self.path(name).write_text("".join(self.path(part).read_text() for part in parts))

    @staticmethod
    def openssl(*arguments):
        gw.run("openssl", *arguments)


class CertificateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = cls.enterClassContext(gw.Vault(tls=False))
        cls.pki = Authority(cls.vault.side / "pki")
        cls.key = cls.pki.folder / "server.key"

        def is_over():
            done = gw.run("openssl", "x509", "-checkend", "0", "-noout", "-in", cls.pki.path("old"), status=None)
            return done.returncode == 1
        gw.until(is_over, "the short certificate has expired")

    def setUp(self):
        self.tls = self.vault.path / "tls"
        self.addCleanup(shutil.rmtree, self.tls, ignore_errors=True)

    def certificate(self, *arguments, status=0):
        return gw.run(gw.program("gw-store"), "certificate", *arguments, env=self.vault.env, status=status)

    def installed(self):
        return {p.name: p.read_bytes() for p in self.tls.iterdir()} if self.tls.exists() else {}

    def test_a_pair_is_installed_for_the_owner_of_the_vault(self):
        self.certificate("install", self.pki.path("fullchain"), self.key)
        self.assertEqual(self.installed(), {"certificate.pem": self.pki.path("fullchain").read_bytes(),
                                            "key.pem": self.key.read_bytes()})
        owner = self.vault.path.stat().st_uid
        for name, mode in (("certificate.pem", 0o644), ("key.pem", 0o600)):
            facts = (self.tls / name).stat()
            self.assertEqual((stat.S_IMODE(facts.st_mode), facts.st_uid), (mode, owner), name)
        [shown] = [json.loads(line) for line in self.certificate("show", "--json").stdout.splitlines()]
        self.assertEqual((shown["subject"], shown["issuer"], shown["names"]), ("CN=server", "CN=middle", [HOST]))
        self.assertEqual((shown["certificates"], shown["problem"], shown["self_signed"]), (2, None, False))
        with gw.Smtp(self.vault.smtpd(listen=("127.0.0.1:0,tls",)), tls=True) as smtp:
            self.assertEqual(gw.sha256(smtp.socket.getpeercert(binary_form=True)), shown["sha256"])

    def test_what_cannot_work_is_refused_and_the_old_pair_stays(self):
        self.certificate("self-sign")
        before = self.installed()
        locked = self.pki.folder / "locked.key"
        self.pki.openssl("pkey", "-in", self.key, "-aes256", "-passout", "pass:x", "-out", locked)
        damaged = self.pki.folder / "damaged.pem"
        damaged.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
        empty = self.pki.folder / "nothing.pem"
        empty.write_text("nothing\n")
        fullchain = self.pki.path("fullchain")
        for certificate, key, status, told in (
                (self.key, fullchain, 65, "exchange the two files"),
                (self.key, self.key, 65, "holds a private key, not a certificate"),
                (fullchain, fullchain, 65, "holds a certificate and no private key"),
                (fullchain, self.pki.folder / "middle.key", 65, "certificate 2 is the one that belongs to the key"),
                (fullchain, self.pki.folder / "root.key", 65, "the key does not match the certificate"),
                (self.pki.path("reversed"), self.key, 65, "certificate 2 is the one that belongs to the key"),
                (self.pki.path("gap"), self.key, 65, "certificate 2 in the file did not sign certificate 1"),
                (self.pki.path("expired"), self.pki.folder / "old.key", 65, "the certificate expired on 20"),
                (self.pki.path("combined"), self.key, 65, "holds a private key beside the certificate"),
                (fullchain, locked, 65, "protected by a passphrase"),
                (damaged, self.key, 65, "certificate 1 cannot be read"),
                (empty, self.key, 65, "holds no certificate in PEM form"),
                (fullchain, empty, 65, "holds no private key in PEM form"),
                (self.pki.folder / "absent", self.key, 66, "absent: No such file"),
                (fullchain, self.pki.folder / "absent", 66, "absent: No such file")):
            with self.subTest(told):
                self.assertIn(told, self.certificate("install", certificate, key, status=status).stderr.decode())
                self.assertEqual(self.installed(), before)

    def test_a_self_signed_one_replaces_another_only_if_told_to(self):
        self.certificate("self-sign", "--host", "one.example.com")
        before = self.installed()
        self.assertIn(b"exists already", self.certificate("self-sign", status=73).stderr)
        self.assertEqual(self.installed(), before)
        self.certificate("self-sign", "--replace", "--host", "two.example.com")
        self.assertIn("two.example.com", self.certificate("show").stdout.decode())
        self.certificate("self-sign", "--replace", "--host", "not a name", status=64)
        self.assertEqual(set(self.installed()), {"certificate.pem", "key.pem"})

    def test_show_says_what_is_wrong(self):
        self.assertIn(b"there is no certificate in", self.certificate("show", status=66).stderr)
        self.tls.mkdir()
        shutil.copy(self.pki.path("expired"), self.tls / "certificate.pem")
        shutil.copy(self.pki.folder / "old.key", self.tls / "key.pem")
        self.assertIn(b"problem       the certificate expired on", self.certificate("show", status=65).stdout)
        shutil.copy(self.key, self.tls / "key.pem")
        self.assertIn(b"the key does not match", self.certificate("show", status=65).stderr)

    def test_a_symbolic_link_and_a_directory_without_a_vault_are_not_changed(self):
        folder = self.vault.side / "linked"
        folder.mkdir()
        (folder / "certificate.pem").symlink_to(self.pki.path("gap"))
        self.assertIn(b"is a symbolic link", self.certificate("install", "--to", folder, self.pki.path("fullchain"), self.key,
                                                              status=78).stderr)
        self.assertEqual([p.name for p in folder.iterdir()], ["certificate.pem"])
        nowhere = self.vault.side / "nowhere"
        done = gw.run(gw.program("gw-store"), "--vault", nowhere, "certificate", "self-sign", env=self.vault.env, status=66)
        self.assertIn(b"there is no vault", done.stderr)
        self.assertFalse(nowhere.exists())

    def check(self, server, certificate, key, *more, status=0):
        return gw.run(gw.program(server), "--check-config", "--tls-cert", certificate, "--tls-key", key, *more,
                      env=self.vault.env, status=status).stderr.decode()

    def test_check_config_opens_certificate_and_key(self):
        fullchain, absent = self.pki.path("fullchain"), self.pki.folder / "absent"
        for server in SERVERS:
            with self.subTest(server):
                told = self.check(server, fullchain, self.key)
                self.assertNotIn("certificate", told)
                self.assertIn("absent: No such file", self.check(server, absent, self.key, status=78))
                self.assertIn("absent: No such file", self.check(server, fullchain, absent, status=78))
                self.assertIn("does not match", self.check(server, fullchain, self.pki.folder / "root.key", status=78))
                self.assertIn("exchange the two files", self.check(server, self.key, fullchain, status=78))

    def test_check_config_warns_of_what_only_some_clients_mind(self):
        told = self.check("gw-smtpd", self.pki.path("expired"), self.pki.folder / "old.key")
        self.assertRegex(told, r"gw-smtpd: warning: .*expired.pem: the certificate expired on ")
        told = self.check("gw-smtpd", self.pki.path("gap"), self.key)
        self.assertIn("certificate 2 in the file did not sign certificate 1", told)
        server = self.vault.smtpd("--tls-cert", self.pki.path("expired"), "--tls-key", self.pki.folder / "old.key",
                                  listen=("127.0.0.1:0,tls",))
        self.assertIn("certificate expired", server.log())

    def test_check_config_names_every_fault(self):
        config = self.vault.side / "gw.toml"
        config.write_text(f"""[tls]
certificate = "{self.pki.path('fullchain')}"
key = "{self.pki.folder}/absent"
[[tls.certificates]]
certificate = "{self.key}"
key = "{self.pki.path('fullchain')}"
""")
        told = gw.run(gw.program("gw-smtpd"), "--config", config, "--check-config", env=self.vault.env, status=78).stderr.decode()
        self.assertIn("absent: No such file", told)
        self.assertIn("exchange the two files", told)

    def test_check_config_without_a_certificate(self):
        for listen, status in (("127.0.0.1:0", 0), ("127.0.0.1:0,tls", 78)):
            done = gw.run(gw.program("gw-smtpd"), "--check-config", "--listen", listen, env=self.vault.env, status=status)
            self.assertEqual(b"no certificate is configured" in done.stderr, status != 0, listen)
        done = gw.run(gw.program("gw-smtpd"), "--check-config", "--listen", "nonsense", env=self.vault.env, status=(64, 78))
        self.assertIn(b"nonsense", done.stderr)

    @gw.need_root("changes the user")
    def test_check_config_reads_the_key_as_the_user_that_serves(self):
        self.addCleanup(setattr, gw, "BIN", gw.BIN)
        self.addCleanup(shutil.rmtree, gw.let_everybody_run_the_programs())
        with gw.Vault() as vault:
            folder = pathlib.Path(vault.side)
            key = folder / "key.pem"
            shutil.copy(self.key, key)
            shutil.copy(self.pki.path("fullchain"), folder / "certificate.pem")
            os.chmod(folder, 0o755)
            os.chmod(folder / "certificate.pem", 0o644)
            os.chmod(key, 0o600)
            command = ("--check-config", "--user", "nobody", "--tls-cert", folder / "certificate.pem", "--tls-key", key)
            told = gw.run(gw.program("gw-smtpd"), *command, env=vault.env, status=78).stderr.decode()
            self.assertIn("key.pem: Permission denied for the user nobody", told)
            os.chmod(key, 0o644)
            gw.run(gw.program("gw-smtpd"), *command, env=vault.env)

    def test_check_config_of_the_proxy_opens_the_authorities_of_routes(self):
        self.vault.add_mailbox("copies")
        authority = self.vault.side / "authority.pem"
        shutil.copy(self.pki.path("root"), authority)
        self.vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", "smtp.example.com:587", "--tls", "starttls",
                         "--mailbox", "copies", "--ca", authority)
        self.addCleanup(self.vault.store, "route", "remove", "out")
        command = ("--check-config", "--listen", "out=127.0.0.1:0")
        gw.run(gw.program("gw-proxy"), *command, env=self.vault.env)
        self.assertNotIn("warning", gw.run(gw.program("gw-proxy"), *command, env=self.vault.env).stderr.decode())
        # The upstream's certificate cannot be verified with an authority that has expired.
        for name, parts, told in (("one", ("old",), "the certificate expired on 20"),
                                  ("two", ("root", "old"), "1 of 2 certificates is not valid: the certificate expired on 20")):
            self.pki.chain(name, *parts)
            shutil.copy(self.pki.path(name), authority)
            self.assertIn(f"warning: route out: {authority}: {told}",
                          gw.run(gw.program("gw-proxy"), *command, env=self.vault.env).stderr.decode())
        authority.write_text("nothing\n")
        told = gw.run(gw.program("gw-proxy"), *command, env=self.vault.env, status=78).stderr.decode()
        self.assertIn("route out: ", told)
        self.assertIn("authority.pem", told)


if __name__ == "__main__":
    gw.main()
