#!/usr/bin/python3
"""Postfix as the journal's source: always_bcc to a mailbox of the vault, relayed over TLS with the certificate verified.

The other recipients are discarded by Postfix, as if their mail had been delivered.
"""
import os
import pathlib
import pwd
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

UTF8 = "jörg@bücher.example"


def as_postfix_sends(mail):
    """Returns `mail` as Postfix sends it, without its Received field. By its source and postconf(5), smtpd takes LF for a line
    ending and drops the CRs before it; cleanup replaces other CRs by spaces, drops message_drop_headers, and ends the header with
    an empty line if there is none."""
    mail = gw_peers.lines_by(rb"\r*\n", mail)
    mail = re.sub(rb"\r(?!\n)", b" ", mail)
    if mail == b"no header at all\r\n":
        mail = b"\r\n" + mail
    header, end, body = mail.partition(b"\r\n\r\n")
    dropped = rb"(?im)^(?:bcc|content-length|resent-bcc|return-path):[^\n]*\n(?:[ \t][^\n]*\n)*"
    return re.sub(dropped, b"", header + b"\r\n")[:-2] + end + body if end else mail


class Postfix:
    """A Postfix instance in a directory of its own. stop() ends all its processes."""

    def __init__(self, gateway, *settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-postfix-"))
        self.directory.chmod(0o755)
        for sub in ("etc", "queue", "data"):
            (self.directory / sub).mkdir()
        user = pwd.getpwnam("postfix")
        os.chown(self.directory / "data", user.pw_uid, user.pw_gid)
        self.port = gw_peers.free_port()
        lines = [
            "compatibility_level = 3.6",
            f"queue_directory = {self.directory}/queue",
            f"data_directory = {self.directory}/data",
            "command_directory = /usr/sbin",
            "daemon_directory = /usr/lib/postfix/sbin",
            "mail_owner = postfix",
            "setgid_group = postdrop",
            "myhostname = mail.example.com",
            "mydestination =",
            "inet_interfaces = loopback-only",
            "inet_protocols = ipv4",
            "mynetworks = 127.0.0.0/8",
            "alias_maps =",
            "alias_database =",
            f"maillog_file = {self.directory}/log",
            f"maillog_file_prefixes = {self.directory}",
            "in_flow_delay = 0",
            "message_size_limit = 200000000",
            "default_transport = discard",
            "transport_maps = inline:{ {example.com=discard:kept} }",
            "smtp_tls_loglevel = 1",
            "smtp_dns_support_level = disabled",
            "smtp_host_lookup = native",
            "local_header_rewrite_clients =",
            *settings]
        # A name that is set twice is a warning in each daemon's log, and the warning of postlogd blocks postlogd itself.
        merged = {line.partition("=")[0].strip(): line for line in lines}
        (self.directory / "etc/main.cf").write_text("\n".join(merged.values()) + "\n")
        internal = ("rewrite - trivial-rewrite", "bounce 0 bounce", "defer 0 bounce", "trace 0 bounce", "verify 1 verify",
                    "proxymap - proxymap", "error - error", "retry - error", "discard - discard", "smtp - smtp",
                    "relay - smtp", "anvil 1 anvil", "scache 1 scache", "tlsmgr 1 tlsmgr")
        (self.directory / "etc/master.cf").write_text("\n".join([
            f"127.0.0.1:{self.port} inet n - n - - smtpd",
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "flush unix n - n 1000? 0 flush",
            "postlog unix-dgram n - n - 1 postlogd",
            *("{} unix - - n - {} {}".format(*line.split()) for line in internal)]) + "\n")
        self.postfix = gw_peers.find("postfix")
        gw_peers.run(self.postfix, "-c", self.directory / "etc", "start")
        if gateway is not None:
            self.set_up(gateway)

    def set_up(self, gateway, status=0):
        """Runs the script that gw-store prints."""
        path = f"{os.environ['PATH']}:/usr/sbin"
        return gw.run("sh", "-c", gateway.recipe("postfix"), status=status,
                      env=gw.clean_environment({"MAIL_CONFIG": str(self.directory / "etc"), "PATH": path}))

    def setting(self, name):
        return gw.run(gw_peers.find("postconf"), "-c", self.directory / "etc", "-h", name).stdout.decode().strip()

    def __enter__(self):
        gw.until(lambda: gw_peers.accepts(self.port), f"postfix listens on {self.port}\n{self.log()}")
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(f"--- postfix\n{self.log()[-3000:]}", file=sys.stderr)
        gw_peers.run(self.postfix, "-c", self.directory / "etc", "stop", status=None)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else "no log"

    def queued(self):
        return [f for queue in ("maildrop", "incoming", "active", "deferred")
                for f in (self.directory / "queue" / queue).rglob("*") if f.is_file()]

    def settle(self):
        gw.until(lambda: not self.queued(), "postfix has delivered everything")


@gw.need_root("Postfix starts as root only")
class PostfixTest(unittest.TestCase):
    def setUp(self):
        self.gateway = gw_peers.Gateway()
        self.addCleanup(self.gateway.close)

    def relay(self, mails, *settings, recipient="team@example.com", **more):
        with Postfix(self.gateway, *settings) as postfix:
            self.assertEqual(gw_peers.deliver_by_smtp("127.0.0.1", postfix.port, recipient, mails, **more), set())
            postfix.settle()
            log = postfix.log()
            self.assertIn("Verified TLS connection established to localhost", log)
            self.assertNotIn("status=deferred", log)
            self.assertNotIn("status=bounced", log)
            self.assertIn("status=sent (kept)", log)  # by the map that existed before
        return log

    def check(self, mails):
        self.gateway.check(self, {name: as_postfix_sends(mail) for name, mail in mails.items()},
                           lambda mail: gw_peers.without_first_header(self, mail, "Received"))

    def test_smtp_source_with_100_concurrent_sessions(self):
        with gw_peers.Gateway() as gateway:
            smtpd = gateway.vault.smtpd()  # without --require-tls, because smtp-source has no TLS
            gw_peers.run(gw_peers.find("smtp-source"), "-s", 100, "-m", 2000, "-l", 4096, "-f", "sender@example.com",
                         "-t", gateway.box.address, "127.0.0.1:%d" % smtpd.address("smtp")[1])
            self.assertEqual(gateway.count(), 2000)
            self.assertEqual(len(set(map(gw.sha256, gateway.messages()))), 2000)
            gateway.vault.verify()

    def test_always_bcc(self):
        mails = gw_peers.mails()
        self.relay(mails)
        self.check(mails)

    def test_the_script_is_idempotent_and_keeps_other_settings(self):
        with Postfix(self.gateway) as postfix:
            maps = postfix.setting("transport_maps")
            self.assertTrue(maps.endswith("inline:{ {example.com=discard:kept} }"), maps)
            before = [(postfix.directory / "etc" / name).read_bytes() for name in ("main.cf", "master.cf")]
            postfix.set_up(self.gateway)
            self.assertEqual([(postfix.directory / "etc" / name).read_bytes() for name in ("main.cf", "master.cf")], before)
            for name in ("smtp_tls_security_level", "smtp_tls_policy_maps", "smtp_tls_CAfile"):
                self.assertEqual(postfix.setting(name), "")
            self.assertEqual(postfix.setting("message_drop_headers"), "bcc, content-length, resent-bcc, return-path")
            gw.run(gw_peers.find("postconf"), "-c", postfix.directory / "etc", "-e", "always_bcc = other@example.com")
            self.assertIn(b"names another address", postfix.set_up(self.gateway, status=1).stderr)
            self.assertEqual(postfix.setting("always_bcc"), "other@example.com")

    def test_always_bcc_without_chunking(self):
        mails = gw_peers.mails(big=False)
        # Postfix's client sends DATA in both cases. This tests what it does with the extensions that are announced.
        self.relay(mails, "smtp_discard_ehlo_keywords = chunking")
        self.check(mails)

    def test_always_bcc_with_utf8_addresses(self):
        mails = gw_peers.mails(big=False)
        self.relay(mails, "smtputf8_enable = yes", sender=UTF8, recipient="wörk@example.com", options=("SMTPUTF8",))
        envelopes = self.gateway.vault.json("message", "list", "journal")
        self.assertEqual(len(envelopes), len(mails))
        shown = self.gateway.vault.store("message", "show", "journal", envelopes[0]["id"], "--envelope", "--password-file",
                                         self.gateway.box.password_file).stdout.decode()
        self.assertIn(UTF8, shown)
        self.check(mails)


if __name__ == "__main__":
    gw.main()
