#!/usr/bin/python3
"""Programs that submit mail: curl, swaks, msmtp, Python's
smtplib, nodemailer. All use TLS and verify the certificate."""
import pathlib
import re
import smtplib
import ssl
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_peers import find, lines_by, with_last_crlf  # noqa: E402

SENDER = "sender@example.com"
HUGE = 100 << 20  # bytes


def as_swaks_sends(mail):
    """Returns `mail` as swaks sends it. A bare LF becomes CRLF; a mail that is only a header gets an empty line; a last line of
    one dot is taken for the end of DATA; otherwise CRLF is appended even if there is one."""
    mail = re.sub(rb"\r?\n", b"\r\n", mail)
    if b"\r\n\r\n" not in mail:
        mail += b"\r\n"
    return mail[:-3] if mail.endswith(b"\r\n.\r\n") else mail + b"\r\n"


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gw_peers.Gateway()
        cls.mails = gw_peers.mails()
        for name, mail in cls.mails.items():
            (cls.gateway.folder / name).write_bytes(mail)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def curl(self, url, *options, mails=None):
        mails = mails or self.mails
        for name in mails:
            gw_peers.run(find("curl"), "--silent", "--show-error", *options, "--cacert", self.gateway.certificate,
                         "--url", url, "--mail-from", SENDER, "--mail-rcpt", self.gateway.box.address,
                         "--upload-file", self.gateway.folder / name)
        # curl sends the mail unchanged, with a CRLF before the final dot if there is none.
        self.gateway.check(self, {name: mail and with_last_crlf(mail) for name, mail in mails.items()})

    def test_curl_by_starttls(self):
        self.curl(f"smtp://localhost:{self.gateway.smtp_port}", "--ssl-reqd")

    def test_a_huge_mail(self):
        mail = gw.mail(HUGE, "huge")
        (self.gateway.folder / "huge").write_bytes(mail)
        self.curl(f"smtp://localhost:{self.gateway.smtp_port}", "--ssl-reqd", mails={"huge": mail})

    def test_curl_by_implicit_tls(self):
        self.curl(f"smtps://localhost:{self.gateway.smtps_port}")

    def test_swaks(self):
        mails = {name: mail for name, mail in self.mails.items() if mail}  # swaks refuses to send an empty mail
        for name in mails:
            gw_peers.run(find("swaks"), "--server", "localhost", "--port", self.gateway.smtp_port, "--tls",
                         "--tls-verify", "--tls-ca-path", self.gateway.certificate, "--from", SENDER, "--to",
                         self.gateway.box.address, "--data", f"@{self.gateway.folder / name}", "--suppress-data")
        self.gateway.check(self, {name: as_swaks_sends(mail) for name, mail in mails.items()})

    def test_msmtp(self):
        for port, starttls in ((self.gateway.smtp_port, "on"), (self.gateway.smtps_port, "off")):
            with self.subTest(starttls=starttls):
                for name, mail in self.mails.items():
                    gw_peers.run(find("msmtp"), "--file=/dev/null", "--host=localhost", f"--port={port}", "--tls=on",
                                 f"--tls-starttls={starttls}", f"--tls-trust-file={self.gateway.certificate}",
                                 "--set-from-header=off", "--set-date-header=off",
                                 "--set-msgid-header=off", "--remove-bcc-headers=off",
                                 f"--from={SENDER}", "--", self.gateway.box.address, input=mail)
                self.gateway.check(self, {name: lines_by(rb"\r?\n", mail) for name, mail in self.mails.items()})

    def test_nodemailer(self):
        # A bare LF becomes CRLF, and the last line gets its line ending.
        expected = {name: with_last_crlf(re.sub(rb"\r?\n", b"\r\n", mail)) for name, mail in self.mails.items()}
        for port, implicit in ((self.gateway.smtp_port, False), (self.gateway.smtps_port, True)):
            with self.subTest(implicit=implicit):
                gw_peers.run(find("node"), pathlib.Path(__file__).with_name("nodemailer_sends.js"), port, implicit,
                             self.gateway.certificate, "-", SENDER, self.gateway.box.address,
                             *(self.gateway.folder / name for name in self.mails),
                             env=gw.clean_environment({"NODE_PATH": "/usr/share/nodejs"}))
                self.gateway.check(self, expected)

    def smtplib(self, smtp):
        with smtp:
            for mail in self.mails.values():
                smtp.sendmail(SENDER, [self.gateway.box.address], mail)
        # The mail is sent unchanged, with a final CRLF. Python stuffs a dot after a bare LF too, where RFC 5321 removes none.
        self.gateway.check(self, {name: with_last_crlf(mail.replace(b"\n.", b"\n..").replace(b"\r\n..", b"\r\n."))
                                  for name, mail in self.mails.items()})

    def test_smtplib_by_starttls(self):
        smtp = smtplib.SMTP("localhost", self.gateway.smtp_port, timeout=gw.WAIT)
        smtp.starttls(context=ssl.create_default_context(cafile=str(self.gateway.certificate)))
        self.smtplib(smtp)

    def test_smtplib_by_implicit_tls(self):
        self.smtplib(smtplib.SMTP_SSL("localhost", self.gateway.smtps_port, timeout=gw.WAIT,
                                      context=ssl.create_default_context(cafile=str(self.gateway.certificate))))


if __name__ == "__main__":
    gw.main(600)
