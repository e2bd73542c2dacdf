#!/usr/bin/python3
"""OpenSMTPD as a relay by smarthost, over TLS with the certificate verified, and as the server behind gw-proxy.

Debian's package conflicts with Postfix's, so scripts/install-packages only unpacks it. Its users, its queue and its socket have
fixed names: it runs in a mount namespace in which these are directories of the test.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_smtp_upstream import SmtpUpstream  # noqa: E402

LONE_DOT = re.compile(rb"(\r|\n)\0*\.\0*(\r|\n)")  # gw-proxy passes this to no server
USERS = {"opensmtpd": 64002, "opensmtpq": 64003}  # not users of the system


def as_opensmtpd_sends(mail):
    """Returns `mail` as OpenSMTPD sends it. An LF ends a line; a NUL and the rest of its line are dropped."""
    return gw_peers.lines_by(rb"\r?\n", re.sub(rb"\x00[^\n]*(?=\n)", b"", mail))


class OpenSmtpd:
    """Runs OpenSMTPD. `settings` is called with its port and returns its smtpd.conf."""

    def __init__(self, settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-opensmtpd-"))
        self.directory.chmod(0o711)
        root = gw_peers.UNPACKED / "opensmtpd"
        self.program = root / "usr/sbin/smtpd"
        assert self.program.exists(), f"{self.program} is missing; scripts/install-packages test unpacks it"
        self.port = gw_peers.free_port()
        for sub in ("spool", "lib/opensmtpd/empty", "run"):
            (self.directory / sub).mkdir(parents=True)
        self.configuration = self.directory / "smtpd.conf"
        self.configuration.write_text(settings(self.port))
        self.log_path = self.directory / "log"
        binds = {"/var/spool": self.directory / "spool", "/var/lib": self.directory / "lib", "/run": self.directory / "run"}
        command = gw_peers.in_own_users(self.directory, USERS, binds, [self.program, "-d", "-v", "-f", self.configuration])
        self.process = gw_peers.start(command, self.log_path, start_new_session=True)

    def __enter__(self):
        try:
            gw.until(lambda: gw_peers.accepts(self.port) or self.process.poll() is not None, "opensmtpd listens")
            if self.process.poll() is not None:
                raise AssertionError(f"opensmtpd ended with {self.process.returncode}\n{self.log()}")
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(f"--- opensmtpd\n{self.log()[-3000:]}", file=sys.stderr)
        self.process.terminate()
        with contextlib.suppress(Exception):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # it has a session of its own, in which there are no other processes
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        return self.log_path.read_text(errors="replace")


@gw.need_root("OpenSMTPD drops root's rights itself")
class OpenSmtpdTest(unittest.TestCase):
    def test_relay(self):
        mails = gw_peers.mails()
        settings = lambda port: f"""
ca gateway cert "{gateway.certificate}"
smtp max-message-size 200M
listen on 127.0.0.1 port {port} hostname mail.example.com
action journal relay host smtp+tls://localhost:{gateway.smtp_port} ca gateway helo mail.example.com
match from any for any action journal
"""
        with gw_peers.Gateway() as gateway, OpenSmtpd(settings) as smtpd:
            refused = gw_peers.deliver_by_smtp("127.0.0.1", smtpd.port, gateway.box.address, mails)
            self.assertEqual(refused, {"no-header.eml"}, "it refuses mail without a header")
            mails = {name: mail for name, mail in mails.items() if name not in refused}
            gw.until(lambda: gateway.count() >= len(mails) or "TempFail" in smtpd.log(), "everything is delivered")
            self.assertNotIn("TempFail", smtpd.log())
            gateway.check(self, {name: as_opensmtpd_sends(mail) for name, mail in mails.items()}, self.without_added)

    def test_behind_the_proxy(self):
        # Without TLS: this package cannot sign with the OpenSSL version of Debian 12.
        settings = lambda port: f"""
smtp max-message-size 200M
listen on 127.0.0.1 port {port} hostname mail.example.com
action onward relay host smtp://127.0.0.1:{sink.port} helo mail.example.com
match from any for any action onward
"""
        sink = SmtpUpstream(extensions=["PIPELINING", "SIZE 0", "8BITMIME", "ENHANCEDSTATUSCODES"])
        self.addCleanup(sink.close)
        # gw-proxy takes only CRLF for a line ending, as a client sends it.
        mails = {name: gw_peers.lines_by(rb"\r?\n", mail) for name, mail in gw_peers.mails().items()}
        mails = {name: mail for name, mail in mails.items() if not LONE_DOT.search(mail.replace(b"\r\n", b""))}
        with gw_peers.Gateway() as gateway, OpenSmtpd(settings) as smtpd:
            gateway.vault.env["STATE_DIRECTORY"] = str(gateway.vault.side)
            gateway.vault.store("route", "add", "work", "--protocol", "smtp", "--upstream", f"localhost:{smtpd.port}", "--tls",
                                "none", "--mailbox", "journal", "--allow-private", "--clients", "127.0.0.0/8")
            proxy = gateway.vault.serve("gw-proxy", listen=("work=127.0.0.1:0",))
            refused = gw_peers.deliver_by_smtp("127.0.0.1", proxy.address("work")[1], "team@example.org", mails)
            self.assertEqual(refused, {"no-header.eml"}, "gw-proxy passes on the refusal and keeps no copy")
            sent = [mail for name, mail in mails.items() if name not in refused]
            sink.wait_for(len(sent))
            copies = gateway.messages()
            self.assertEqual(gw.digests(copies), gw.digests(sent))
            self.assertEqual(gw.digests(self.without_added(m.content) for m in sink.messages),
                             gw.digests(map(as_opensmtpd_sends, copies)))

    def without_added(self, mail):
        """Removes the added fields: Received in front; Date and Message-ID at the end of the header if the mail had none."""
        mail = gw_peers.without_first_header(self, mail, "Received")
        return re.sub(rb"\A((?:[^\r\n][^\n]*\n)*?)(?:Date: [^\r\n]* \(UTC\)\r\n)?"
                      rb"(?:Message-ID: <[0-9a-f]{16}@mail\.example\.com>\r\n)?(?=\r\n|\Z)", rb"\1", mail, count=1)


if __name__ == "__main__":
    gw.main()
