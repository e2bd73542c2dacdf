#!/usr/bin/python3
"""Exim as a relay by smarthost: mail is queued first, then delivered over TLS with the certificate verified, by BDAT and by DATA.

Debian's package conflicts with Postfix's, so scripts/install-packages
only unpacks it. Its user exists only in a mount namespace of the test.
"""
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

USER = 64001  # not a user of the system


def for_exim(mail):
    """Returns `mail` with CRLF only. The first line of a mail decides whether Exim takes LF for a line ending."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", mail)


def as_exim_sends(mail):
    """Returns `mail` as Exim sends it: the last line has a line ending, and an empty line precedes text that is not a header."""
    mail = gw_peers.with_last_crlf(mail)
    return b"\r\n" + mail if mail == b"no header at all\r\n" else mail


class Exim:
    """Accepts mail on its standard input as a daemon does from a remote host, and queues it."""

    def __init__(self, gateway, chunking):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-exim-"))
        self.directory.chmod(0o755)
        for sub in ("spool", "log"):
            (self.directory / sub).mkdir()
            os.chown(self.directory / sub, USER, USER)
        shutil.copy(gw_peers.find("exim4", gw_peers.UNPACKED / "exim4-daemon-light/usr/sbin"), self.directory / "exim4")
        self.configuration = self.directory / "exim.conf"
        self.configuration.write_text(f"""
exim_path = {self.directory}/exim4
spool_directory = {self.directory}/spool
log_file_path = {self.directory}/log/%slog
primary_hostname = mail.example.com
domainlist local_domains =
queue_only
message_size_limit = 200M
acl_smtp_rcpt = accept
acl_smtp_data = accept
smtp_accept_max_nonmail = 100
accept_8bitmime
smtputf8_advertise_hosts =
return_path_remove = false
envelope_to_remove = false
delivery_date_remove = false
{self.settings(gateway, chunking)}
begin retry
* * F,1h,1m
""")

    def settings(self, gateway, chunking):
        """Returns the end of the main section, the routers and the transports."""
        return f"""
begin routers
smarthost:
  driver = manualroute
  domains = *
  route_list = * localhost byname
  self = send
  host_find_failed = defer
  transport = smarthost
begin transports
smarthost:
  driver = smtp
  port = {gateway.smtp_port}
  allow_localhost
  hosts_require_tls = *
  tls_verify_certificates = {gateway.certificate}
  tls_verify_hosts = *
  tls_verify_cert_hostnames = *
  hosts_try_chunking = {'*' if chunking else ':'}
  hosts_try_dane = :
  message_linelength_limit = 1000000
"""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(f"--- exim\n{self.log()[-3000:]}", file=sys.stderr)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        return "".join(path.read_text(errors="replace") for path in sorted((self.directory / "log").glob("*log")))

    def run(self, *options, **more):
        command = [self.directory / "exim4", "-C", self.configuration, *options]
        return gw_peers.run(*gw_peers.in_own_users(self.directory, {"Debian-exim": USER}, {}, command), **more)

    def take(self, recipient, contents):
        """Sends all mails in one session, as from a remote host: then Exim adds only its Received field."""
        session = b"EHLO client.example.com\r\n"
        for mail in contents:
            session += f"MAIL FROM:<sender@example.com>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
            session += re.sub(rb"(?m)^\.", b"..", mail)
            session += b".\r\n" if not mail or mail.endswith(b"\r\n") else b"\r\n.\r\n"
        return self.run("-bs", "-oMa", "192.0.2.1", input=session + b"QUIT\r\n").stdout

    def deliver(self):
        self.run("-qff")


class JournalingExim(Exim):
    """Exim with the settings that gw-store prints. All other mail is discarded."""

    def settings(self, gateway, chunking):
        recipe = gateway.recipe("exim")
        filter_text = "".join(line[4:] + "\n" for line in recipe.splitlines() if line.startswith("#   "))
        main, routers, transports = (part.partition("\n")[2] for part in re.split(r"(?m)^# (?:In the main|Among the)", recipe)[1:])
        (self.directory / "gw-filter").write_text(filter_text)
        main = main.replace("/etc/exim4", str(self.directory))
        # This machine's only address is one that Exim would refuse to send to.
        routers = routers.rstrip("\n") + "\n  self = send\n"
        transports = transports.rstrip("\n") + "\n  allow_localhost\n  hosts_try_dane = :\n"
        return f"""
{main}
begin routers
{routers}
nowhere:
  driver = redirect
  data = :blackhole:
begin transports
{transports}
"""


@gw.need_root("Exim drops root's rights itself")
class EximTest(unittest.TestCase):
    def relay(self, mails, chunking):
        with gw_peers.Gateway() as gateway, Exim(gateway, chunking) as exim:
            mails = {name: for_exim(mail) for name, mail in mails.items()}
            replies = exim.take(gateway.box.address, mails.values())
            self.assertEqual(replies.count(b"250 OK id="), len(mails), replies[-2000:])
            self.assertEqual(gateway.count(), 0)
            exim.deliver()
            log = exim.log()
            self.assertEqual(log.count(" => "), len(mails), log)
            self.assertEqual(len(re.findall(r" => .* CV=yes", log)), len(mails), log)
            self.assertEqual(len(re.findall(r" => .* K ", log)), len(mails) if chunking else 0, log)
            gateway.check(self, {name: as_exim_sends(mail) for name, mail in mails.items()},
                          lambda mail: gw_peers.without_first_header(self, mail, "Received"))

    def test_a_copy_of_every_mail_whatever_its_recipients(self):
        with gw_peers.Gateway() as gateway, JournalingExim(gateway, True) as exim:
            mails = {name: for_exim(mail) for name, mail in gw_peers.corpus().items()}
            session = b"EHLO client.example.com\r\n"
            for mail in mails.values():
                session += b"MAIL FROM:<sender@example.com>\r\nRCPT TO:<one@example.org>\r\nRCPT TO:<two@example.net>\r\nDATA\r\n"
                session += re.sub(rb"(?m)^\.", b"..", mail)
                session += b".\r\n" if not mail or mail.endswith(b"\r\n") else b"\r\n.\r\n"
            replies = exim.run("-bs", "-oMa", "192.0.2.1", input=session + b"QUIT\r\n").stdout
            self.assertEqual(replies.count(b"250 OK id="), len(mails), replies[-2000:])
            exim.deliver()
            gateway.check(self, {name: as_exim_sends(mail) for name, mail in mails.items()},
                          lambda mail: gw_peers.without_first_header(self, mail, "Received"))

    def test_by_bdat(self):
        self.relay(gw_peers.mails(), True)

    def test_by_data(self):
        self.relay(gw_peers.mails(), False)


if __name__ == "__main__":
    gw.main()
