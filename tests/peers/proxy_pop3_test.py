#!/usr/bin/python3
"""gw-proxy between other POP3 programs: Dovecot is the server; curl, fetchmail, mpop, getmail and poplib are the clients.
Dovecot's mail, the client's mail and the sealed copy are the same; Dovecot deletes a mail only after a copy is stored."""
import os
import pathlib
import poplib
import pwd
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_peers import find  # noqa: E402
from gw_pop3_upstream import Proxied  # noqa: E402

PASSWORD = "password-of-the-provider"


class Program:
    """A program that fetches and deletes everything, with its settings and the mail that it delivered, in a directory of its
    user."""

    def __init__(self, front, implicit, count):
        self.front, self.implicit, self.count = front, implicit, count
        self.port = front.pop3s_port if implicit else front.pop3_port
        self.home = front.folder / f"home-{os.urandom(4).hex()}"
        self.inbox = self.home / "inbox"
        for path in (self.home, self.inbox, *(self.inbox / sub for sub in ("tmp", "new", "cur"))):
            path.mkdir(mode=0o700)
        command = [str(part) for part in self.command()]
        for path in (self.home, *self.home.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
        with open(front.vault.side / f"{type(self).__name__}.log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                                            env=gw.clean_environment({"HOME": str(self.home), "FETCHMAILHOME": str(self.home)}),
                                            user="nobody", group="nogroup", extra_groups=[])

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def ended(self):
        """Returns the exit status."""
        inbox = self.inbox / "new"
        return gw_peers.run_while_it_moves(self.process, lambda: len(list(inbox.iterdir())), type(self).__name__)

    def delivered(self):
        return gw.digests(path.read_bytes() for path in (self.inbox / "new").iterdir())


class Getmail(Program):
    def command(self):
        self.write("getmailrc", f"""[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {self.port}
username = {self.front.box.id}
password = {self.front.box.password}
ca_certs = {self.front.certificate}
[destination]
type = Maildir
path = {self.inbox}/
[options]
delete = true
read_all = true
delivered_to = false
received = false
""")
        return [gw_peers.getmail(self.home), f"--getmaildir={self.home}", "--rcfile=getmailrc"]


class Fetchmail(Program):
    def command(self):
        deliver = self.write("deliver", f"""#!/bin/sh
t=$(mktemp '{self.inbox}/tmp/XXXXXXXXXX') && cat >"$t" && mv "$t" '{self.inbox}/new/'
""", 0o700)
        settings = self.write("fetchmailrc", f"""set invisible
set no bouncemail
poll localhost protocol pop3 port {self.port} auth password bad-header accept
  user "{self.front.box.id}" password "{self.front.box.password}"
  {'ssl' if self.implicit else ''} sslproto "TLS1.2+" sslcertck sslcertfile "{self.front.certificate}"
  fetchall no keep no rewrite no mimedecode pass8bits mda "{deliver}"
""")
        return [find("fetchmail"), "-f", settings, "--nosyslog", "--pidfile", self.home / "pid"]

    def delivered(self):
        """fetchmail puts a From line with the time before a mail without a header."""
        return gw.digests(re.sub(rb"\AFrom: FETCHMAIL-DAEMON\n(?:[^\n]+\n)*", b"", path.read_bytes())
                          for path in (self.inbox / "new").iterdir())


class Mpop(Program):
    def command(self):
        self.write("password", self.front.box.password + "\n")
        return [find("mpop"), "--file=/dev/null", "--host=localhost", f"--port={self.port}", "--tls=on",
                f"--tls-starttls={'off' if self.implicit else 'on'}", f"--tls-trust-file={self.front.certificate}",
                f"--user={self.front.box.id}", f"--passwordeval=cat {self.home}/password", "--auth=on", "--keep=off",
                "--received-header=off", f"--delivery=maildir,{self.inbox}", f"--uidls-file={self.home}/uidls"]


class Curl(Program):
    """Asks for numbers: one connection that fetches each mail and marks it, ended by QUIT."""

    def command(self):
        url = f"pop3{'s' if self.implicit else ''}://localhost:{self.port}/"
        common = (f'cacert = "{self.front.certificate}"\nuser = "{self.front.box.id}:{self.front.box.password}"\n'
                  "ssl-reqd\nsilent\nshow-error\nfail-early\n")
        parts = [f'url = "{url}{n}"\noutput = "{self.inbox}/new/{n}"\n{common}next\n'
                 f'url = "{url}{n}"\nrequest = "DELE"\nhead\noutput = /dev/null\n{common}' for n in range(1, self.count + 1)]
        return [find("curl"), "--disable", "--config", self.write("curlrc", "next\n".join(parts))]


class Dovecot:
    """The provider's server: a Maildir for each user, POP3 without TLS, by STLS, and with implicit TLS. Any user name may log in."""

    def __init__(self, directory, certificate, key):
        self.directory = pathlib.Path(directory)
        for sub in ("run", "mail"):
            (self.directory / sub).mkdir()
        self.owner = pwd.getpwnam("mail")
        os.chown(self.directory / "mail", self.owner.pw_uid, self.owner.pw_gid)
        self.port, self.tls_port = gw_peers.free_port(), gw_peers.free_port()
        settings = self.directory / "dovecot.conf"
        settings.write_text(f"""base_dir = {self.directory}/run
state_dir = {self.directory}/run
log_path = {self.directory}/log
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{self.directory}/mail/%n
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
default_login_user = dovenull
default_internal_user = dovecot
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={self.directory}/mail/%n
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {self.port}
  }}
  inet_listener pop3s {{
    port = {self.tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
""")
        self.process = gw_peers.start([find("dovecot"), "-F", "-c", settings], self.directory / "out")
        gw.until(lambda: gw_peers.accepts(self.port) and gw_peers.accepts(self.tls_port), "Dovecot listens")

    def stop(self):
        self.process.terminate()
        self.process.wait(gw.WAIT)

    def inbox(self, user):
        directory = self.directory / "mail" / user.partition("@")[0]
        for path in (directory, *(directory / sub for sub in ("tmp", "new", "cur"))):
            if not path.exists():
                path.mkdir()
                os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        return directory

    def fill(self, user, mails):
        """Stores mails in the user's mailbox, in this order."""
        for number, mail in enumerate(mails):
            path = self.inbox(user) / "new" / f"{1_700_000_000 + number}.M{os.urandom(4).hex()}.host"
            path.write_bytes(mail)
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def held(self, user):
        return [path for sub in ("new", "cur") for path in (self.inbox(user) / sub).iterdir()]

    def sends(self, user):
        """Returns what Dovecot sends without gw-proxy."""
        with gw.Pop3(("127.0.0.1", self.port)) as pop3:
            pop3.command(f"USER {user}")
            pop3.command(f"PASS {PASSWORD}")
            return [pop3.retrieve(number) for number in range(1, pop3.count() + 1)]


@gw.need_root("Dovecot changes its user")
class ProxyPop3PeersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxied = Proxied()
        tls = cls.proxied.vault.path / "tls"
        # Readable for all: Dovecot and the clients run as other users.
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-peer-"))
        cls.directory.chmod(0o755)
        cls.certificate = cls.directory / "certificate.pem"
        shutil.copy(tls / "certificate.pem", cls.certificate)
        cls.certificate.chmod(0o644)
        provider = cls.directory / "dovecot"
        provider.mkdir()
        cls.dovecot = Dovecot(provider, cls.certificate, tls / "key.pem")
        cls.mails = [mail for mail in gw_peers.corpus().values() if mail] + [gw.mail(n * 700) for n in range(20)]

    @classmethod
    def tearDownClass(cls):
        cls.dovecot.stop()
        cls.proxied.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def setUp(self):
        self.name = re.sub(r"[^a-z0-9]+", "-", self.id().rpartition(".")[2])
        self.user = f"{self.name}@example.com"

    def front(self, tls="none", mails=None):
        """Runs both ports of gw-proxy in front of Dovecot, with a route for a mailbox and a user of this test alone."""
        name = f"{self.name}-{tls}"
        self.box = self.proxied.vault.add_mailbox(name)
        port = self.dovecot.tls_port if tls == "implicit" else self.dovecot.port
        self.proxied.route(name, f"localhost:{port}", *(() if tls == "none" else ("--ca", self.certificate)), tls=tls,
                           mailbox=name)
        self.user = f"{name}@example.com"
        self.dovecot.fill(self.user, self.mails if mails is None else mails)
        self.truth = self.dovecot.sends(self.user)
        self.assertEqual(len(self.truth), len(self.mails if mails is None else mails))
        plain, implicit = self.proxied.front(name), self.proxied.front(name, tls=True)
        self.addCleanup(plain.stop)
        self.addCleanup(implicit.stop)
        login = types.SimpleNamespace(id=self.user, password=PASSWORD)
        return types.SimpleNamespace(vault=self.proxied.vault, box=login, folder=self.directory, certificate=self.certificate,
                                     pop3_port=plain.only[1], pop3s_port=implicit.only[1], name=name)

    def copies(self):
        return gw.digests(self.proxied.copies(self.box.name))

    def drains(self, kind, implicit, tls):
        front = self.front(tls)
        # Runs the program without gw-proxy first, because programs change unusual mails.
        front.box.id = f"direct-{self.user}"
        self.dovecot.fill(front.box.id, self.mails)
        direct = types.SimpleNamespace(**{**vars(front), "pop3_port": self.dovecot.port, "pop3s_port": self.dovecot.tls_port})
        expected = self.run_program(kind, direct, implicit)
        front.box.id = self.user
        for again in (False, True):
            if again:  # the same mails with new UIDLs: they pass, and no second copy is stored
                self.dovecot.fill(self.user, self.mails)
            self.assertEqual(self.run_program(kind, front, implicit), expected)
            self.assertEqual(self.copies(), gw.digests(self.truth))
            self.assertEqual(self.dovecot.held(self.user), [])

    def run_program(self, kind, front, implicit):
        program = kind(front, implicit, len(self.mails))
        self.assertEqual(program.ended(), 0)
        return program.delivered()

    def test_curl_by_stls_to_pop3_in_clear_text(self):
        self.drains(Curl, False, "none")

    def test_curl_by_pop3s_to_stls(self):
        self.drains(Curl, True, "starttls")

    def test_fetchmail_by_stls_to_stls(self):
        self.drains(Fetchmail, False, "starttls")

    def test_fetchmail_by_pop3s_to_pop3s(self):
        self.drains(Fetchmail, True, "implicit")

    def test_mpop_by_stls_to_pop3s(self):
        self.drains(Mpop, False, "implicit")

    def test_mpop_by_pop3s_to_stls(self):
        self.drains(Mpop, True, "starttls")

    def test_getmail_by_pop3s_to_pop3s(self):
        self.drains(Getmail, True, "implicit")

    def poplib(self, front, implicit):
        context = ssl.create_default_context(cafile=str(self.certificate))
        if implicit:
            pop3 = poplib.POP3_SSL("localhost", front.pop3s_port, timeout=gw.WAIT, context=context)
        else:
            pop3 = poplib.POP3("localhost", front.pop3_port, timeout=gw.WAIT)
            pop3.stls(context)
        self.addCleanup(pop3.close)
        pop3.user(front.box.id)
        pop3.pass_(front.box.password)
        return pop3

    def test_poplib_leaves_mail_there_and_fetches_it_again(self):
        # poplib removes a CR before CRLF, so CRs before line endings are not compared.
        as_lines = lambda mail: re.sub(rb"\r*\n", b"\r\n", mail)  # noqa: E731
        for tls in ("none", "starttls", "implicit"):
            front = self.front(tls)
            for implicit in (False, True):
                with self.subTest(tls=tls, implicit=implicit), mock.patch("poplib._MAXLINE", 1_000_000):
                    pop3 = self.poplib(front, implicit)
                    count = pop3.stat()[0]
                    got = [b"".join(line + b"\r\n" for line in pop3.retr(n)[1]) for n in range(1, count + 1)]
                    pop3.quit()
                    self.assertEqual([as_lines(mail) for mail in got], [as_lines(mail) for mail in self.truth])
                    self.assertEqual(self.copies(), gw.digests(self.truth))
                    self.assertEqual(len(self.dovecot.held(self.user)), len(self.mails))

    def test_identical_mails_of_two_users_are_two_copies(self):
        front = self.front(mails=self.mails[:3])
        other = f"other-{self.user}"
        self.dovecot.fill(other, self.mails[:3])
        for user in (self.user, other):
            front.box.id = user
            pop3 = self.poplib(front, True)
            for number in (1, 2, 3):
                pop3.dele(number)  # each is fetched for its copy before it is deleted
            pop3.quit()
            self.assertEqual(self.dovecot.held(user), [])
        self.assertEqual(self.copies(), sorted(2 * gw.digests(self.truth)))

    def test_spaces_dots_and_empty_lines_are_unchanged(self):
        mail = gw.mail(5000).replace(b"\r\n\r\n", b"\r\n\r\n.leading dot\r\n..\r\ntrailing blank \r\n\r\n\r\n", 1)
        front = self.front(mails=[mail])
        pop3 = self.poplib(front, False)
        lines = pop3.retr(1)[1]
        pop3.quit()
        self.assertEqual(b"".join(line + b"\r\n" for line in lines), mail)
        self.assertEqual(self.proxied.copies(self.box.name), [mail])

    def test_a_wrong_password_is_refused_in_the_words_of_dovecot(self):
        front = self.front(mails=self.mails[:1])
        with self.assertRaisesRegex(poplib.error_proto, r"\[AUTH\] Authentication failed"):
            front.box.password = "another"
            self.poplib(front, True)

    def test_capabilities_are_those_of_dovecot_and_gw_proxy(self):
        front = self.front(mails=self.mails[:1])
        front.box.password = PASSWORD
        context = ssl.create_default_context(cafile=str(self.certificate))
        pop3 = poplib.POP3("localhost", front.pop3_port, timeout=gw.WAIT)
        self.addCleanup(pop3.close)
        self.assertIn("STLS", pop3.capa())
        pop3.stls(context)
        capabilities = pop3.capa()
        self.assertEqual(sorted(capabilities["SASL"]), ["LOGIN", "PLAIN"])
        self.assertNotIn("STLS", capabilities)
        for each in ("TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "USER", "PIPELINING"):
            self.assertIn(each, capabilities)
        with self.assertRaises(poplib.error_proto):
            pop3.apop(self.user, PASSWORD)


if __name__ == "__main__":
    gw.main()
