#!/usr/bin/python3
"""Programs that fetch and delete: getmail, fetchmail, mpop, curl, Python's poplib. They run as an ordinary user, use TLS and
verify the certificate. No mail is lost or fetched twice, and a program that is killed in a session deletes nothing."""
import contextlib
import os
import pathlib
import poplib
import re
import shutil
import ssl
import subprocess
import sys
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_peers import as_pop3_sends, find  # noqa: E402

COUNT = 300
MANY = 700  # for one run of each program
LONG_LINE = "08-inner-line-3172.eml"


def with_lf(mail):
    return mail.replace(b"\r\n", b"\n")


def without_crs(mail):
    """Returns `mail` as fetchmail and getmail store it: they remove all CRs before an LF."""
    return re.sub(rb"\r+\n", b"\n", mail)


def is_free(gateway):
    with contextlib.suppress(gw.Refused), gw.Pop3(gateway.pop3d, gateway.box, tls=True) as pop3:
        pop3.command("QUIT")
        return True
    return False


class Drain:
    """A program, its settings and the mail that it has delivered, in a directory of the user that it runs as."""

    ends = staticmethod(with_lf)  # how the program changes the mail that POP3 sends

    def __init__(self, gateway, implicit, count):
        self.gateway, self.implicit, self.count = gateway, implicit, count
        self.port = gateway.pop3s_port if implicit else gateway.pop3_port
        self.home = gateway.folder / f"home-{os.urandom(4).hex()}"
        self.inbox = self.home / "inbox"
        for path in (self.home, self.inbox, *(self.inbox / sub for sub in ("tmp", "new", "cur"))):
            path.mkdir(mode=0o700)
        self.write("password", gateway.box.password + "\n")
        self.settle_in()
        if os.geteuid() == 0:
            for path in (self.home, *self.home.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")

    def profile(self, program):
        """Returns the configuration that gw-store prints for this program, with the password and the place for the mail."""
        text = self.gateway.vault.store("mailbox", "profile", "journal", "--for", program, "--host", "localhost", "--port",
                                        self.gateway.pop3s_port, "--ca-file", self.gateway.certificate).stdout.decode()
        return text.replace("PASSWORD", self.gateway.box.password).replace("~/Maildir", str(self.inbox))

    def write(self, name, text):
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def settle_in(self):
        pass

    def command(self):
        raise NotImplementedError

    def start(self):
        other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        env = gw.clean_environment({"HOME": str(self.home), "FETCHMAILHOME": str(self.home)})
        with open(self.gateway.vault.side / f"{type(self).__name__}.log", "ab") as log:
            return subprocess.Popen([str(c) for c in self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    cwd=self.home, env=env, **other)

    def run(self):
        with self.start() as process:
            try:
                status = gw_peers.run_while_it_moves(process, lambda: len(self.delivered()), type(self).__name__)
            except BaseException:
                process.kill()
                raise
        if status != 0:
            raise AssertionError(f"{self.command()[0]} ended with {status}")

    def delivered(self):
        return list((self.inbox / "new").iterdir())

    def taken(self):
        """Returns what was delivered since the last call."""
        mails = []
        for path in self.delivered():
            mails.append(path.read_bytes())
            path.unlink()
        return mails


class Getmail(Drain):
    """getmail parses a mail and writes it again. It replaces the Return-Path and folds the header lines of all parts in its own
    way, so spaces and line endings are not compared."""

    @staticmethod
    def ends(mail):
        header, empty, body = without_crs(mail).partition(b"\n\n")
        return Getmail.without_blanks(re.sub(rb"(?m)^Return-Path:.*\n(?:[ \t].*\n)*", b"", header) + empty + body)

    @staticmethod
    def without_blanks(mail):
        return re.sub(rb"[ \t\n]+", b"", mail)

    def taken(self):
        return [self.without_blanks(re.sub(rb"\AReturn-Path: <[^\n]*>\n", b"", mail)) for mail in super().taken()]

    def settle_in(self):
        self.write("getmailrc", self.profile("getmail"))

    def command(self):
        return [gw_peers.getmail(self.home), f"--getmaildir={self.home}", "--rcfile=getmailrc"]


class Fetchmail(Drain):
    @staticmethod
    def ends(mail):
        mail = without_crs(mail)
        return mail if b"\n\n" in mail or mail == b"\n" else mail + b"\n"  # the empty line after the header

    def settle_in(self):
        deliver = self.write("deliver", f"""#!/bin/sh
t=$(mktemp '{self.inbox}/tmp/XXXXXXXXXX') && cat >"$t" && mv "$t" '{self.inbox}/new/'
""")
        deliver.chmod(0o700)
        if self.implicit:
            self.write("fetchmailrc", self.profile("fetchmail") + f'  mda "{deliver}"\n')
            return
        self.write("fetchmailrc", f"""set invisible
set no bouncemail
poll localhost protocol pop3 port {self.port} auth password bad-header accept
  user "{self.gateway.box.id}" password "{self.gateway.box.password}"
  sslproto "TLS1.2+" sslcertck sslcertfile "{self.gateway.certificate}"
  fetchall no keep no rewrite no mimedecode pass8bits mda "{deliver}"
""")

    def command(self):
        return [find("fetchmail"), "-f", self.home / "fetchmailrc", "--nosyslog", "--pidfile", self.home / "pid"]

    def taken(self):
        """fetchmail puts a From line of its own before a mail without a header."""
        return [re.sub(rb"\AFrom: FETCHMAIL-DAEMON\n(?:[^\n]+\n)*", b"", mail) for mail in super().taken()]


class Mpop(Drain):
    def settle_in(self):
        self.write("mpoprc", self.profile("mpop"))

    def command(self):
        if self.implicit:
            return [find("mpop"), f"--file={self.home}/mpoprc", f"--uidls-file={self.home}/uidls"]
        return [find("mpop"), "--file=/dev/null", "--host=localhost", f"--port={self.port}", "--tls=on",
                "--tls-starttls=on", f"--tls-trust-file={self.gateway.certificate}",
                f"--user={self.gateway.box.id}", f"--passwordeval=cat {self.home}/password", "--auth=on", "--keep=off",
                "--received-header=off", f"--delivery=maildir,{self.inbox}", f"--uidls-file={self.home}/uidls"]


class Curl(Drain):
    """Asks for numbers: one connection that fetches each mail and marks it, ended by QUIT."""

    ends = staticmethod(lambda mail: mail)
    rate = ()

    def command(self):
        url = f"pop3{'s' if self.implicit else ''}://localhost:{self.port}/"
        common = (f'cacert = "{self.gateway.certificate}"\nuser = "{self.gateway.box.id}:{self.gateway.box.password}"\n'
                  "ssl-reqd\nsilent\nshow-error\nfail-early\n")
        parts = [f'url = "{url}{n}"\noutput = "{self.inbox}/new/{n}"\n{common}next\n'
                 f'url = "{url}{n}"\nrequest = "DELE"\nhead\noutput = /dev/null\n{common}' for n in range(1, self.count + 1)]
        settings = self.write("curlrc", "next\n".join(parts))
        if os.geteuid() == 0:
            shutil.chown(settings, "nobody", "nogroup")
        return [find("curl"), "--disable", *self.rate, "--config", settings]


class CurlProfile(Drain):
    """Runs the script that gw-store prints. It writes the mail to the current directory."""

    ends = staticmethod(lambda mail: mail)

    def settle_in(self):
        self.write("drain", self.profile("curl")).chmod(0o700)

    def command(self):
        return [self.home / "drain"]

    def delivered(self):
        return list(self.home.glob("*.eml"))


class DrainsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gw_peers.Gateway()
        cls.many = gw_peers.corpus()
        cls.many.update((f"{n}", gw.mail(n % 300 * 50, f"mail-{n}")) for n in range(MANY - len(cls.many)))

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def setUp(self):
        self.assertEqual(self.gateway.count(), 0)
        self.addCleanup(self.gateway.messages)

    def fill(self, count=COUNT):
        self.mails = dict(list(self.many.items())[:count])
        with gw.Smtp(self.gateway.smtpd, tls=True) as smtp:
            for mail in self.mails.values():
                # DATA would add a line ending to the last line, so mails without one are stored by gw-store.
                if not mail or mail.endswith(b"\r\n"):
                    reply = smtp.deliver(self.gateway.box.address, mail)
                    self.assertTrue(reply.ok, reply)
                else:
                    self.gateway.vault.store("message", "add", "journal", input=mail)

    def expected(self, drain):
        return {gw.sha256(drain.ends(as_pop3_sends(mail))): name for name, mail in self.mails.items()}

    def check(self, drain, mails):
        expected = self.expected(drain)
        digests = gw.digests(mails)
        missing = sorted(expected[d] for d in set(expected) - set(digests))
        other = [f"{len(m)} bytes {m[:300]!r} … {m[-100:]!r}" for m in mails if gw.sha256(m) not in expected]
        if missing or other:
            self.fail(f"{len(missing)} missing: {missing[:30]}\n{len(other)} others:\n  " + "\n  ".join(other[:5]))
        self.assertEqual(len(digests), len(set(digests)), "a mail was delivered twice")

    def takes_everything(self, kind, implicit, count=COUNT):
        self.fill(count)
        drain = kind(self.gateway, implicit, count)
        drain.run()
        self.check(drain, drain.taken())
        self.assertEqual(self.gateway.count(), 0)

    def killed_in_the_middle(self, kind, implicit=True):
        self.fill()
        drain = kind(self.gateway, implicit, COUNT)
        process = drain.start()
        try:
            gw.until(lambda: len(drain.delivered()) > COUNT // 5 or process.poll() is not None, "part is delivered", pause=0.001)
        finally:
            process.kill()
            process.wait()
        # There was no QUIT, so all mail is still there. The last file may be incomplete because of the kill.
        self.assertEqual(self.gateway.count(), COUNT)
        first = drain.taken()
        self.assertLess(len(first), COUNT)
        expected = self.expected(drain)
        whole = [m for m in first if gw.sha256(m) in expected]
        self.assertLessEqual(len(first) - len(whole), 1)
        gw.until(lambda: is_free(self.gateway), "the mailbox is free again")
        drain.run()
        second = drain.taken()
        self.assertEqual(len(second), len(set(gw.digests(second))), "a mail was delivered twice in one session")
        self.check(drain, list({gw.sha256(m): m for m in whole + second}.values()))
        self.assertEqual(self.gateway.count(), 0)

    def test_getmail(self):
        self.takes_everything(Getmail, True)  # it has no STLS, and it is slow because it forks for each mail

    def test_getmail_killed(self):
        self.killed_in_the_middle(Getmail)

    def test_fetchmail_by_pop3s(self):
        self.takes_everything(Fetchmail, True, MANY)

    def test_fetchmail_by_stls(self):
        self.takes_everything(Fetchmail, False)

    def test_fetchmail_killed(self):
        self.killed_in_the_middle(Fetchmail)

    def test_mpop_by_pop3s(self):
        self.takes_everything(Mpop, True, MANY)

    def test_mpop_by_stls(self):
        self.takes_everything(Mpop, False)

    def test_mpop_killed(self):
        self.killed_in_the_middle(Mpop)

    def test_curl_by_pop3s(self):
        self.takes_everything(CurlProfile, True, MANY)
        self.takes_everything(CurlProfile, True, 0)

    def test_curl_by_stls(self):
        self.takes_everything(Curl, False)

    def test_curl_killed(self):
        with mock.patch.object(Curl, "rate", ("--rate", "300/s")):  # otherwise it would finish before it can be killed
            self.killed_in_the_middle(Curl)

    def poplib(self, implicit):
        context = ssl.create_default_context(cafile=str(self.gateway.certificate))
        if implicit:
            pop3 = poplib.POP3_SSL("localhost", self.gateway.pop3s_port, timeout=gw.WAIT, context=context)
        else:
            pop3 = poplib.POP3("localhost", self.gateway.pop3_port, timeout=gw.WAIT)
            pop3.stls(context)
        self.addCleanup(pop3.close)
        pop3.user(self.gateway.box.id)
        pop3.pass_(self.gateway.box.password)
        return pop3

    def poplib_takes(self, pop3):
        for number in range(1, pop3.stat()[0] + 1):
            yield b"".join(line + b"\r\n" for line in pop3.retr(number)[1])
            pop3.dele(number)

    def test_poplib_with_longer_lines(self):
        class Poplib:  # poplib removes one CRLF from each line and changes nothing else.
            ends = staticmethod(lambda mail: mail)
        self.fill(MANY)
        for implicit in (True, False):
            with self.subTest(implicit=implicit), mock.patch("poplib._MAXLINE", 1_000_000):
                pop3 = self.poplib(implicit)
                mails = list(self.poplib_takes(pop3))
                self.assertEqual(self.gateway.count(), MANY)
                if implicit:
                    pop3.close()  # closed without QUIT: another session gets all of it again
                    gw.until(lambda: is_free(self.gateway), "the mailbox is free again")
                else:
                    pop3.quit()
                self.check(Poplib, mails)
        self.assertEqual(self.gateway.count(), 0)

    def test_poplib_with_its_default_limit_fails_at_a_long_line_and_deletes_nothing_and_the_doctor_names_the_mail(self):
        self.fill()
        stands_at = list(self.mails).index(LONG_LINE)
        for _ in range(3):
            pop3 = self.poplib(True)
            taken = 0
            with self.assertRaisesRegex(poplib.error_proto, "line too long"):
                for _ in self.poplib_takes(pop3):
                    taken += 1
            self.assertEqual(taken, stands_at)
            pop3.close()
            gw.until(lambda: is_free(self.gateway), "the mailbox is free again")
        self.assertEqual(self.gateway.count(), COUNT)
        found = self.gateway.vault.json("doctor", status=1)
        message = self.gateway.vault.json("message", "list", "journal")[stands_at]["id"]
        self.assertEqual([f["text"] for f in found if f["check"] == "drain"], [f"3 drains ended early at message {message}"])


if __name__ == "__main__":
    gw.main(600)
