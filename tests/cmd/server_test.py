#!/usr/bin/python3
"""What the servers do as processes: signals, certificates, caps, an orderly end."""
import contextlib
import os
import pathlib
import signal
import socket
import ssl
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


def certificate_of(server, protocol):
    """Returns the bytes of the certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(server.address(protocol), gw.WAIT) as raw, context.wrap_socket(raw) as tls:
        return tls.getpeercert(binary_form=True)


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")

    def test_sigterm_lets_a_mail_that_is_on_its_way_end_and_tells_the_idle(self):
        smtpd = self.vault.smtpd()
        content = gw.mail(200_000)
        with gw.Smtp(smtpd) as busy, gw.Smtp(smtpd) as idle:
            self.assertEqual(busy.envelope(self.box.address).code, 354)
            busy.send(content[:100_000])
            smtpd.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.reply().code, 421)
            self.assertEqual(idle.file.read(), b"")
            gw.until(lambda: not self.accepts(smtpd), "no new connection is taken")
            busy.send(content[100_000:] + b".\r\n")
            reply = busy.reply()
            self.assertEqual(reply.code, 250, reply)
            self.assertEqual(busy.reply().code, 421)
        self.assertEqual(smtpd.ended(), 0, smtpd.log())
        self.assertEqual(gw.drain(self.vault.pop3d(), self.box), [content])

    def accepts(self, server):
        try:
            socket.create_connection(server.address("smtp"), gw.WAIT).close()
            return True
        except (ConnectionRefusedError, ConnectionResetError):  # reset: the listener closed before it accepted
            return False

    def test_sigterm_ends_a_pop3_session_and_deletes_nothing(self):
        content = gw.mail(2_000)
        with gw.Smtp(self.vault.smtpd()) as smtp:
            self.assertEqual(smtp.deliver(self.box.address, content).code, 250)
        pop3d = self.vault.pop3d()
        with gw.Pop3(pop3d, self.box) as pop3:
            pop3.command("DELE 1")
            pop3d.stop()
            rest = pop3.file.read()
            self.assertFalse(rest.startswith(b"+OK"), rest)
        self.assertEqual(gw.drain(self.vault.pop3d(), self.box), [content])

    def test_sighup_shows_a_new_certificate_and_a_bad_one_keeps_the_old(self):
        smtpd = self.vault.smtpd(listen=("127.0.0.1:0,tls",))
        folder = self.vault.path / "tls"
        old = certificate_of(smtpd, "smtps")
        with gw.Smtp(smtpd, tls=True) as kept:
            other = gw.Vault()
            self.addCleanup(other.close)
            for name in ("certificate.pem", "key.pem"):
                # As a deploy hook does it: it replaces the file.
                (folder / "new").write_bytes((other.path / "tls" / name).read_bytes())
                os.replace(folder / "new", folder / name)
            smtpd.process.send_signal(signal.SIGHUP)
            new = gw.until(lambda: (certificate_of(smtpd, "smtps") != old) and certificate_of(smtpd, "smtps"),
                           "the new certificate is shown")
            self.assertEqual(kept.command("NOOP").code, 250)

        (folder / "certificate.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
        smtpd.process.send_signal(signal.SIGHUP)
        gw.until(lambda: "certificate not reloaded" in smtpd.log(), "the log says that the old certificate stays")
        self.assertEqual(certificate_of(smtpd, "smtps"), new)

    def test_a_client_certificate_is_asked_for_and_noted_in_the_envelope(self):
        smtpd = self.vault.smtpd(listen=("127.0.0.1:0,tls",))
        pair = self.vault.path / "tls"
        for certificate in (True, False):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if certificate:
                context.load_cert_chain(pair / "certificate.pem", pair / "key.pem")
            with gw.Smtp(("127.0.0.1", smtpd.address("smtps")[1]), greet=False) as smtp:
                smtp.file.close()
                smtp.socket = context.wrap_socket(smtp.socket)
                smtp.file = smtp.socket.makefile("rb")
                smtp.reply()
                smtp.command("EHLO client.example.com")
                self.assertTrue(smtp.deliver(self.box.address, gw.mail(100)).ok)
            [message] = self.vault.json("message", "list", "journal")
            envelope = self.vault.json("message", "show", "journal", message["id"], "--envelope", "--password-file",
                                       self.box.password_file)[0]
            if certificate:
                digest = gw.sha256(ssl.PEM_cert_to_DER_cert((pair / "certificate.pem").read_text()))
                self.assertEqual(envelope["client_certificate"], f"/CN=gateway.example.com sha256={digest}")
            else:
                self.assertFalse(envelope.get("client_certificate"))
            gw.drain(self.vault.pop3d(), self.box)

    def test_reloads_under_load_fail_no_handshake(self):
        smtpd = self.vault.smtpd(listen=("127.0.0.1:0,tls",))
        folder = self.vault.path / "tls"
        other = gw.Vault()
        self.addCleanup(other.close)
        pairs = [{name: (path / "tls" / name).read_bytes() for name in ("certificate.pem", "key.pem")}
                 for path in (self.vault.path, other.path)]
        seen, failures, enough = set(), [], threading.Event()

        def connect():
            while not enough.is_set():
                try:
                    with gw.Smtp(smtpd, tls=True) as smtp:
                        seen.add(smtp.socket.getpeercert(binary_form=True))
                        assert smtp.command("NOOP").ok
                except Exception as failure:
                    failures.append(failure)
                    return

        threads = [threading.Thread(target=connect) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(20):
                for name, octets in pairs[turn % 2].items():
                    (folder / "new").write_bytes(octets)
                    os.replace(folder / "new", folder / name)
                smtpd.process.send_signal(signal.SIGHUP)
                wanted = ssl.PEM_cert_to_DER_cert(pairs[turn % 2]["certificate.pem"].decode())
                gw.until(lambda: failures or certificate_of(smtpd, "smtps") == wanted, "the certificate is shown")
        finally:
            enough.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(seen), 2)

    def test_a_certificate_that_cannot_be_used_is_status_78_at_start(self):
        key = self.vault.path / "tls/key.pem"
        done = self.vault.tool("gw-smtpd", "--listen", "127.0.0.1:0", "--tls-cert", key, "--tls-key", key, status=78)
        self.assertIn(str(key).encode(), done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_a_connection_over_the_limit_gets_421_and_a_later_one_is_served(self):
        smtpd = self.vault.smtpd("--max-connections", "2")
        with gw.Smtp(smtpd) as first, gw.Smtp(smtpd):
            with gw.Smtp(smtpd) as third:
                self.assertEqual(third.greeting.code, 421)
                self.assertEqual(third.file.read(), b"")
            first.command("QUIT")

            def served():
                with gw.Smtp(smtpd) as smtp:
                    return smtp.greeting.code == 220
            gw.until(served, "a place that is free again is given away")

    def test_a_few_sources_with_idle_connections_do_not_keep_others_out(self):
        config = self.vault.side / "limits.toml"
        self.vault.env["STATE_DIRECTORY"] = str(self.vault.side)
        config.write_text("".join(f"[{name}]\nmax-connections = 20\nmax-per-source = 10\n" for name in ("smtpd", "pop3d", "proxy")))
        self.vault.store("route", "add", "work", "--protocol", "pop3", "--upstream", "127.0.0.1:1", "--tls", "none",
                         "--mailbox", "journal", "--allow-private")
        self.vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", "127.0.0.1:1", "--tls", "none",
                         "--mailbox", "journal", "--allow-private")
        options = ("--config", config)
        # A proxy for each: a connection is counted until a moment after the log says that it has ended.
        for name, server in (("smtp", self.vault.smtpd(*options)), ("pop3", self.vault.pop3d(*options)),
                             ("work", self.vault.serve("gw-proxy", *options, listen=("work=127.0.0.1:0",))),
                             ("out", self.vault.serve("gw-proxy", *options, listen=("out=127.0.0.1:0",)))):
            with self.subTest(name), contextlib.ExitStack() as held:
                def heard(source):
                    connection = held.enter_context(socket.create_connection(server.address(name), gw.WAIT, (source, 0)))
                    return connection.recv(1000)
                served = [[heard(f"127.0.0.{source}")[:3] in (b"220", b"+OK") for _ in range(10)] for source in (2, 3, 4)]
                self.assertEqual([sum(each) for each in served], [10, 5, 1])
                self.assertIn(heard("127.0.0.9")[:3], (b"220", b"+OK"))

    def test_a_client_without_a_login_has_its_time(self):
        config = self.vault.side / "limits.toml"
        config.write_text("[pop3d]\nlogin-timeout = 1\n")
        with gw.Pop3(self.vault.pop3d("--config", config)) as idle:
            self.assertEqual(idle.file.read(), b"")

    def test_a_vault_that_is_missing_is_warned_of_at_the_start(self):
        missing = self.vault.side / "mistyped"
        done = self.vault.tool("gw-smtpd", "--vault", missing, "--stdio", input=b"QUIT\r\n", status=None)
        self.assertIn(f"gw-smtpd: warning: there is no vault in {missing}: ".encode(), done.stderr)
        self.assertNotIn(b"warning", self.vault.tool("gw-smtpd", "--stdio", input=b"QUIT\r\n", status=None).stderr)

    def test_values_that_no_server_can_use_are_usage_errors(self):
        for wrong in (["--max-connections", "0"], ["--idle-timeout", "25h"], ["--host", "two words"]):
            self.vault.tool("gw-smtpd", *wrong, "--stdio", input=b"QUIT\r\n", status=64)
        config = self.vault.side / "host.toml"
        config.write_text('host = "two words"\n')
        self.vault.tool("gw-smtpd", "--config", config, "--check-config", status=78)

    def test_a_port_that_is_taken_is_an_error_that_names_it(self):
        smtpd = self.vault.smtpd()
        address = "%s:%d" % smtpd.address("smtp")
        done = self.vault.tool("gw-smtpd", "--listen", address, status=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(smtpd.address("smtp")[1]).encode(), done.stderr)


if __name__ == "__main__":
    gw.main()
