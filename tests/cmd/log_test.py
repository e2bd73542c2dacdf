#!/usr/bin/python3
"""Where log lines go and what stands in them: standard error, the system log, the journal's fields, fail2ban."""
import base64
import configparser
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

FILTER = gw.ROOT / "scripts/fail2ban/filter.d/gw.conf"
JAIL = gw.ROOT / "scripts/fail2ban/jail.d/gw.conf"
CANARIES = ("Kanarienvogel-Betreff-8841", "canary-body-1177", "canary-sender-3390", "canary-PASSWORD-5561", "canary-helo-7706",
            "canary-login-2208")


class Sink:
    """A datagram socket where a log is expected, and what came."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.socket.settimeout(0.1)
        self.datagrams = []
        self.going = True
        self.thread = threading.Thread(target=self.take)
        self.thread.start()

    def take(self):
        while self.going:
            try:
                datagram = self.socket.recv(1 << 20)
            except TimeoutError:
                continue
            if datagram:
                self.datagrams.append(datagram)

    def close(self):
        self.going = False
        self.thread.join()
        self.socket.close()

    def entries(self):
        return [[line.split("=", 1) for line in d.decode().rstrip("\n").split("\n")] for d in list(self.datagrams)]

    def event(self, name):
        return next((dict(e) for e in self.entries() if ["GW_EVENT", name] in e), None)


class LogTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal", "--smtp-auth")
        self.open_box = self.vault.add_mailbox("plain")
        self.host = pathlib.Path(tempfile.mkdtemp(prefix="gw-log-"))
        self.addCleanup(shutil.rmtree, self.host)
        (self.host / "journal").mkdir()

    def in_host(self, *command):
        """With a journal and a system log of our own."""
        # /dev/log is in a directory that all programs share: these get a directory of their own.
        dev = self.host / "dev"
        if not dev.exists():
            dev.mkdir()
            (dev / "log").symlink_to(self.host / "devlog")
            for name in ("null", "urandom"):
                gw.run("cp", "-a", f"/dev/{name}", dev)
        mounts = (f"mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind {self.host}/journal /run/systemd/journal"
                  f" && mount --bind {dev} /dev")
        return ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh", *map(str, command)]

    def server(self, name, *options, env=None, log=None):
        log = log or self.vault.side / f"{name}-{len(self.vault.servers)}.log"
        server = gw.Server(self.in_host(gw.program(name), *options, "--allow-plaintext-auth", "--listen", "127.0.0.1:0"), log, 1,
                           env or self.vault.env)
        self.vault.servers.append(server)
        return server

    def live(self, smtpd, pop3d):
        """A mail, a drain, a wrong password each; nothing of it may be logged."""
        subject, body, sender, password, helo, login = CANARIES
        with gw.Smtp(smtpd) as smtp:
            smtp.command(f"EHLO {helo}")
            reply = smtp.deliver(self.open_box.address, f"Subject: {subject}\r\n\r\n{body}\r\n".encode(), f"{sender}@example.com")
            self.assertEqual(reply.code, 250, reply)
            self.assertEqual(smtp.command(f"RCPT TO:<{sender}@elsewhere.example>").code, 503)
            answer = smtp.command("AUTH PLAIN " + base64.b64encode(f"\0{login}\0{password}".encode()).decode())
            self.assertEqual(answer.code, 535)
            smtp.command("QUIT")
        with gw.Pop3(pop3d) as pop3:
            pop3.command(f"USER {login}")
            with self.assertRaises(gw.Refused):
                pop3.command(f"PASS {password}")
        self.assertEqual(len(gw.drain(pop3d, self.open_box)), 1)
        return reply

    def assert_no_canary(self, octets):
        for canary in CANARIES:
            self.assertNotIn(canary.encode(), octets)

    @gw.need_root("gives the servers a journal of its own")
    def test_the_journal_has_each_field(self):
        journal = Sink(self.host / "journal" / "socket")
        self.addCleanup(journal.close)
        log = self.vault.side / "stream"
        log.touch()
        found = log.stat()
        env = dict(self.vault.env, JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}")
        smtpd, pop3d = self.server("gw-smtpd", env=env, log=log), self.server("gw-pop3d", env=env, log=log)
        reply = self.live(smtpd, pop3d)
        accepted = gw.until(lambda: journal.event("accepted"), "the journal has the mail")
        self.assertEqual((accepted["SYSLOG_IDENTIFIER"], accepted["PRIORITY"], accepted["SYSLOG_FACILITY"]), ("gw-smtpd", "6", "2"))
        self.assertIn(accepted["GW_TRANSACTION"], accepted["MESSAGE"])
        self.assertTrue(accepted["MESSAGE"].startswith("accepted "), accepted)
        ended = gw.until(lambda: journal.event("smtp session ended"), "the journal has the session")
        self.assertEqual(ended["GW_PEER"], "127.0.0.1")
        failed = gw.until(lambda: journal.event("login failed"), "the journal has the failed login")
        self.assertEqual((failed["PRIORITY"], failed["GW_RHOST"]), ("4", "127.0.0.1"))
        gw.until(lambda: journal.event("pop3 session ended"), "the journal has the drain")
        self.assertIn(accepted["GW_ID"] if "GW_ID" in accepted else reply.text.split()[-1], b"".join(journal.datagrams).decode())
        self.assert_no_canary(b"".join(journal.datagrams))
        self.assertEqual(log.read_bytes(), b"")  # nothing twice

    @gw.need_root("gives the servers a journal of its own")
    def test_a_stream_that_is_not_the_journal_gets_the_lines(self):
        journal = Sink(self.host / "journal" / "socket")
        self.addCleanup(journal.close)
        smtpd = self.server("gw-smtpd", env=dict(self.vault.env, JOURNAL_STREAM="1:1"))
        with gw.Smtp(smtpd) as smtp:
            smtp.command("QUIT")
        gw.until(lambda: re.search(r"smtp session ended .* reason=quit$", smtpd.log(), re.M), "the line is in the file")
        self.assertEqual(journal.datagrams, [])

    @gw.need_root("gives the servers a journal of its own")
    def test_the_journal_may_be_asked_for_and_may_go(self):
        done = gw.run(*self.in_host(gw.program("gw-smtpd"), "--log", "journal", "--listen", "127.0.0.1:0"), env=self.vault.env, status=78)
        self.assertIn(b"cannot reach the systemd journal", done.stderr)
        journal = Sink(self.host / "journal" / "socket")
        smtpd = self.server("gw-smtpd", "--log", "journal")
        with gw.Smtp(smtpd) as smtp:
            smtp.command("QUIT")
        gw.until(lambda: journal.event("smtp session ended"), "the journal has the session")
        journal.close()
        (self.host / "journal" / "socket").unlink()
        with gw.Smtp(smtpd) as smtp:
            smtp.command("QUIT")
        gw.until(lambda: "smtp session ended" in smtpd.log(), "without a journal standard error has it")
        journal = Sink(self.host / "journal" / "socket")
        self.addCleanup(journal.close)
        with gw.Smtp(smtpd) as smtp:
            smtp.command("QUIT")
        gw.until(lambda: journal.event("smtp session ended"), "the new journal has it")

    @gw.need_root("gives the servers a system log of its own")
    def test_the_system_log(self):
        log = Sink(self.host / "devlog")
        self.addCleanup(log.close)
        smtpd, pop3d = self.server("gw-smtpd", "--log", "syslog"), self.server("gw-pop3d", "--log", "syslog")
        self.live(smtpd, pop3d)
        gw.until(lambda: sum(b"login failed rhost=127.0.0.1" in d for d in log.datagrams) == 2, "both failed logins are there")
        everything = b"\n".join(log.datagrams)
        self.assertRegex(everything, rb"<22>\w+ +\d+ [\d:]+ gw-smtpd\[\d+\]: accepted ")
        self.assert_no_canary(everything)
        self.assertEqual(smtpd.log(), "")

    def test_the_setting_is_in_gw_toml(self):
        config = self.vault.side / "gw.toml"
        config.write_text('log = "nowhere"\n')
        done = gw.run(gw.program("gw-pop3d"), "--config", config, "--check-config", env=self.vault.env, status=78)
        self.assertIn(b'`log` must be "auto", "stderr", "syslog" or "journal"', done.stderr)

    def test_every_failed_login_is_logged_or_counted(self):
        smtpd = self.vault.smtpd("--allow-plaintext-auth")
        tries = 90

        def guess(thread):
            # Each connection has an address of its own, because guesses of one source have to wait.
            for each in range(tries // 6):
                with gw.Smtp(smtpd, source=f"127.0.{thread}.{each + 1}") as smtp:
                    for _ in range(2):
                        self.assertEqual(smtp.command("AUTH PLAIN AGEAYg==").code, 535)
        threads = [threading.Thread(target=guess, args=(thread,)) for thread in range(1, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with gw.Smtp(smtpd) as smtp:
            reply = smtp.deliver(self.open_box.address, gw.mail(100))
            self.assertEqual(reply.code, 250)
        smtpd.stop()
        lines = smtpd.log().splitlines()
        said = sum("login failed rhost=" in line for line in lines)
        suppressed = [line for line in lines if 'suppressed event="login failed" times=' in line]
        counted = sum(int(line.rsplit("=", 1)[1]) for line in suppressed)
        self.assertEqual(said + counted, tries)
        self.assertEqual(sum(": accepted " in line for line in lines), 1)  # what was done is always said


@gw.need_program("fail2ban-regex")
class Fail2banTest(unittest.TestCase):
    def matched(self, log, *options):
        """The addresses that the filter finds."""
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "filter.d"
            copy.mkdir()
            shutil.copy(FILTER, copy)
            for name in ("common.conf",):
                shutil.copy(f"/etc/fail2ban/filter.d/{name}", copy)
            done = gw.run("fail2ban-regex", "-o", "ip", *options, log, copy / "gw.conf", status=None)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout.decode().split()

    def test_every_server_s_failed_logins_are_found_and_nothing_else(self):
        with gw.Vault() as vault:
            vault.add_mailbox("journal", "--smtp-auth")
            smtpd, pop3d = vault.smtpd("--allow-plaintext-auth", "-v"), vault.pop3d("-v")
            host, port = pop3d.address("pop3")
            vault.store("route", "add", "in", "--protocol", "pop3", "--upstream", f"{host}:{port}", "--tls", "none", "--allow-private",
                        "--mailbox", "journal")
            proxy = vault.serve("gw-proxy", "-v", "--allow-plaintext-auth", listen=("in=127.0.0.1:0",),
                                env=dict(vault.env, HOME=str(vault.side)))
            fake = "x login failed rhost=192.0.2.66 "
            with gw.Smtp(smtpd) as smtp:
                smtp.command(f"EHLO {fake}")
                smtp.command(f"MAIL FROM:<{fake}>")
                smtp.command("RSET")
                self.assertEqual(smtp.command("AUTH PLAIN AGEAYg==").code, 535)
            with gw.Pop3(pop3d) as pop3:
                pop3.command(f"USER {fake}")
                with self.assertRaises(gw.Refused):
                    pop3.command("PASS x")
            with gw.Pop3(proxy.address("in")) as pop3:
                pop3.command("USER somebody")
                with self.assertRaises(gw.Refused):
                    pop3.command("PASS x")  # which gw-pop3d, its server, refuses
            for server, found in ((smtpd, 1), (pop3d, 2), (proxy, 1)):
                name = pathlib.Path(server.command[0]).name
                gw.until(lambda: "login failed" in server.log(), f"{name} says it")
                lines = server.log_path.read_text().splitlines()
                self.assertEqual(self.matched(server.log_path), ["127.0.0.1"] * found, lines)
                # The same in the system log's and the journal's forms.
                with tempfile.NamedTemporaryFile("w", suffix=".log") as syslog:
                    for line in lines:
                        syslog.write("Nov 25 11:52:01 mail " + line.replace("warning: ", "", 1) + "\n")
                    syslog.flush()
                    self.assertEqual(self.matched(syslog.name), ["127.0.0.1"] * found)

    def test_a_login_that_only_lacks_the_route_is_no_failed_login(self):
        """A mail client with such a setting tries again and again, and must not get its whole office banned."""
        with gw.Vault() as vault:
            vault.add_mailbox("journal")
            for route in ("one", "two"):
                for protocol in ("smtp", "pop3"):
                    vault.store("route", "add", f"{route}-{protocol}", "--protocol", protocol, "--upstream", "127.0.0.1:9", "--tls", "none",
                                "--allow-private", "--mailbox", "journal", "--login", "ann@example.com")
            proxy = vault.serve("gw-proxy", "--allow-plaintext-auth", listen=("smtp=127.0.0.1:0", "pop3=127.0.0.1:0"),
                                env=dict(vault.env, HOME=str(vault.side)))

            def try_both(login):
                with gw.Smtp(proxy.address("smtp")) as smtp:
                    smtp.command("EHLO client.example.com")
                    secret = base64.b64encode(f"\0{login.format('one-smtp')}\0x".encode()).decode()
                    self.assertEqual(smtp.command(f"AUTH PLAIN {secret}").code, 535)
                with gw.Pop3(proxy.address("pop3")) as pop3, self.assertRaises(gw.Refused):
                    pop3.command(f"USER {login.format('one-pop3')}")
                    pop3.command("PASS x")

            try_both("ann@example.com")
            self.assertEqual(proxy.log().count("login without route peer=127.0.0.1"), 2, proxy.log())
            self.assertEqual(self.matched(proxy.log_path), [])
            try_both("guess@example.com#{}")  # a route that does not take this login
            self.assertEqual(self.matched(proxy.log_path), ["127.0.0.1"] * 2, proxy.log())

    def test_the_jail_bans_from_every_port_of_the_units(self):
        jail = configparser.ConfigParser()
        jail.read(JAIL)
        names = jail["gw"]["port"].split(",")
        banned = {int(name) if name.isdigit() else socket.getservbyname(name, "tcp") for name in names}
        units = (gw.ROOT / "scripts/systemd").glob("*.socket")
        served = {int(port) for unit in units for port in re.findall(r"(?m)^ListenStream=(\d+)$", unit.read_text())}
        self.assertEqual(banned, served)

    def test_addresses_of_both_kinds_and_no_imitations(self):
        lines = ["Nov 25 11:52:01 mail gw-smtpd[81]: login failed rhost=2001:db8::7 session=ab",
                 "Nov 25 11:52:01 mail gw-pop3d[81]: login failed rhost=192.0.2.7",
                 "gw-proxy[81]: warning: login failed rhost=198.51.100.7 route=out",
                 'Nov 25 11:52:01 mail gw-smtpd[81]: mail from="login failed rhost=192.0.2.66"',
                 'Nov 25 11:52:01 mail gw-smtpd[81]: smtp session ended peer=192.0.2.8 reason="x: login failed rhost=192.0.2.66 "',
                 "Nov 25 11:52:01 mail sshd[81]: login failed rhost=192.0.2.66"]
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write("\n".join(lines) + "\n")
            log.flush()
            self.assertEqual(self.matched(log.name), ["2001:db8::7", "192.0.2.7", "198.51.100.7"])


if __name__ == "__main__":
    gw.main()
