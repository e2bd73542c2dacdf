#!/usr/bin/python3
"""Mail programs submit through gw-proxy to Postfix, which authenticates them by Dovecot. Both connections use TLS with
certificates verified. By SHA-256, the copies are what the programs sent and what Postfix received."""
import pathlib
import re
import shutil
import smtplib
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from clients_test import as_swaks_sends  # noqa: E402
from gw_peers import find, lines_by, with_last_crlf  # noqa: E402
from gw_smtp_upstream import SmtpUpstream, certificate  # noqa: E402
from postfix_test import Postfix  # noqa: E402

LOGIN, PASSWORD = "joe@example.com", "a password of Dovecot's"
LONE_DOT = re.compile(rb"(\r|\n)\0*\.\0*(\r|\n)")  # gw-proxy passes this to no server

class DovecotSasl:
    """Dovecot as an authentication server only."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-dovecot-"))
        self.directory.chmod(0o755)
        self.port = gw_peers.free_port()
        (self.directory / "users").write_text(f"{LOGIN}:{{PLAIN}}{PASSWORD}\n")
        (self.directory / "dovecot.conf").write_text(f"""
base_dir = {self.directory}/run
state_dir = {self.directory}/state
log_path = {self.directory}/log
protocols =
ssl = no
auth_mechanisms = plain login
default_internal_user = dovecot
default_login_user = dovenull
passdb {{
  driver = passwd-file
  args = {self.directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {self.port}
  }}
}}
""")
        self.process = subprocess.Popen([find("dovecot"), "-F", "-c", self.directory / "dovecot.conf"])
        gw.until(lambda: gw_peers.accepts(self.port), "Dovecot authenticates")

    def close(self):
        self.process.terminate()
        self.process.wait(gw.WAIT)
        shutil.rmtree(self.directory, ignore_errors=True)


def as_postfix_sends(mail):
    """Returns `mail` as Postfix sends it with these settings: smtpd takes LF for a line ending and drops the CRs before it."""
    return gw_peers.lines_by(rb"\r*\n", mail)


@gw.need_root("Postfix starts as root only")
class ProxySubmissionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gw_peers.Gateway()
        cls.addClassCleanup(cls.gateway.close)
        vault = cls.gateway.vault
        vault.env["STATE_DIRECTORY"] = str(vault.side)
        # Postfix relays what it has received to this server, with its Received field in front.
        cls.sink = SmtpUpstream(extensions=["PIPELINING", "SIZE 0", "8BITMIME", "ENHANCEDSTATUSCODES"])
        cls.addClassCleanup(cls.sink.close)
        dovecot = DovecotSasl()
        cls.addClassCleanup(dovecot.close)
        pem, key = certificate(cls.gateway.folder, "localhost")
        cls.postfix = Postfix(
            None, "mynetworks =", "smtp_line_length_limit = 0", "cleanup_replace_stray_cr_lf = no", "message_drop_headers =",
            f"default_transport = smtp:[127.0.0.1]:{cls.sink.port}",
            "smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = dovecot", f"smtpd_sasl_path = inet:127.0.0.1:{dovecot.port}",
            "smtpd_relay_restrictions = permit_sasl_authenticated, reject", f"smtpd_tls_cert_file = {pem}",
            f"smtpd_tls_key_file = {key}", "smtpd_tls_security_level = encrypt", "smtpd_tls_auth_only = yes")
        cls.postfix.__enter__()
        cls.addClassCleanup(cls.postfix.__exit__, None)
        vault.store("route", "add", "work", "--protocol", "smtp", "--upstream", f"localhost:{cls.postfix.port}", "--tls",
                    "starttls", "--ca", pem, "--mailbox", "journal", "--allow-private")
        server = vault.serve("gw-proxy", listen=("work=127.0.0.1:0", "smtp=127.0.0.1:0,tls"))
        cls.port, cls.tls_port = server.address("work")[1], server.address("smtps")[1]
        # Postfix puts an empty line before a mail without a header.
        cls.mails = {n: o for n, o in gw_peers.mails(big=False).items()
                     if o and not o.startswith(b"no header") and not LONE_DOT.search(o)}
        cls.mails["twenty"] = gw.mail(20 << 20)
        for name, mail in cls.mails.items():
            (cls.gateway.folder / name).write_bytes(mail)

    def setUp(self):
        self.sink.messages.clear()

    def check(self, sent):
        self.postfix.settle()
        self.sink.wait_for(len(sent))
        received = [gw_peers.without_first_header(self, m.content, "Received") for m in self.sink.messages]
        copies = self.gateway.messages()
        self.assertEqual(gw.digests(copies), gw.digests(sent))
        self.assertEqual(gw.digests(received), gw.digests(map(as_postfix_sends, copies)))
        self.assertEqual({m.sender for m in self.sink.messages}, {LOGIN.encode()})

    def test_curl(self):
        for number, name in enumerate(self.mails):
            url, more = ((f"smtp://localhost:{self.port}", ["--ssl-reqd"]), (f"smtps://localhost:{self.tls_port}", []))[number % 2]
            gw_peers.run(find("curl"), "--silent", "--show-error", *more, "--cacert", self.gateway.certificate, "--url", url,
                         "--user", f"{LOGIN}:{PASSWORD}", "--login-options", ("AUTH=PLAIN", "AUTH=LOGIN")[number // 2 % 2],
                         "--mail-from", LOGIN, "--mail-rcpt", "team@example.org", "--upload-file", self.gateway.folder / name)
        self.check([with_last_crlf(mail) for mail in self.mails.values()])

    def test_msmtp(self):
        password = self.gateway.folder / "password"
        password.write_text(PASSWORD)
        for name, mail in self.mails.items():
            gw_peers.run(find("msmtp"), "--file=/dev/null", "--host=localhost", f"--port={self.port}", "--tls=on",
                         "--tls-starttls=on", f"--tls-trust-file={self.gateway.certificate}", "--auth=on", f"--user={LOGIN}",
                         f"--passwordeval=cat {password}", "--set-from-header=off", "--set-date-header=off",
                         "--set-msgid-header=off", "--remove-bcc-headers=off", f"--from={LOGIN}", "--", "team@example.org",
                         input=mail)
        self.check([lines_by(rb"\r?\n", mail) for mail in self.mails.values()])

    def test_swaks(self):
        for name in self.mails:
            gw_peers.run(find("swaks"), "--server", "localhost", "--port", self.port, "--tls", "--tls-verify", "--tls-ca-path",
                         self.gateway.certificate, "--auth", "LOGIN", "--auth-user", LOGIN, "--auth-password", PASSWORD,
                         "--from", LOGIN, "--to", "team@example.org", "--data", f"@{self.gateway.folder / name}",
                         "--suppress-data")
        self.check([as_swaks_sends(mail) for mail in self.mails.values()])

    def test_nodemailer(self):
        login = self.gateway.folder / "login"
        login.touch(0o600)
        for port, implicit, method in ((self.port, False, "PLAIN"), (self.tls_port, True, "LOGIN")):
            login.write_text(f"{LOGIN}\n{method}\n{PASSWORD}")
            gw_peers.run(find("node"), pathlib.Path(__file__).with_name("nodemailer_sends.js"), port, implicit,
                         self.gateway.certificate, login, LOGIN, "team@example.org",
                         *(self.gateway.folder / name for name in self.mails),
                         env=gw.clean_environment({"NODE_PATH": "/usr/share/nodejs"}))
        # A bare LF becomes CRLF, and the last line gets its line ending.
        self.check([with_last_crlf(re.sub(rb"\r?\n", b"\r\n", mail)) for mail in self.mails.values()] * 2)

    def test_smtplib_with_the_whole_corpus_in_one_session(self):
        smtp = smtplib.SMTP("localhost", self.port, timeout=gw.WAIT)
        with smtp:
            smtp.starttls(context=ssl.create_default_context(cafile=str(self.gateway.certificate)))
            with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                smtp.login(LOGIN, "wrong")
            self.assertIn(b"authentication failed", refused.exception.smtp_error)  # Postfix's own text
            smtp.login(LOGIN, PASSWORD)
            for mail in self.mails.values():
                smtp.sendmail(LOGIN, ["team@example.org", "bcc@example.org"], mail)
        # Python stuffs a dot after a bare LF too, where RFC 5321 removes none.
        self.check([with_last_crlf(mail.replace(b"\n.", b"\n..").replace(b"\r\n..", b"\r\n.")) for mail in self.mails.values()])
        self.assertEqual({tuple(sorted(m.recipients)) for m in self.sink.messages}, {(b"bcc@example.org", b"team@example.org")})


if __name__ == "__main__":
    gw.main()
