#!/usr/bin/python3
"""gw-proxy with a POP3 server that misbehaves: what the client receives, what is copied, what is deleted."""
import base64
import contextlib
import pathlib
import re
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_pop3_upstream import CLOSE, Pop3Client, Pop3Upstream, Proxied, server_tls, stuffed  # noqa: E402
from gw_smtp_upstream import certificate, fingerprint  # noqa: E402

LOST = "-ERR [SYS/TEMP] Upstream server is unavailable, try again later"
MAILS = [b"Subject: one\r\n\r\n.dot\r\n..\r\n\r\nlast\r\n",
         b"Subject: two\r\n\r\n" + b"0123456789abcdef" * 20_000 + b"\r\n",
         b"Subject: three \xe9\xff\r\n\r\nbare\nends\r.\n.\n\0nul\r\n",
         b"no header\r\n"]


class ProxyPop3Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxied = Proxied()
        cls.names = 0

    @classmethod
    def tearDownClass(cls):
        cls.proxied.close()

    def upstream(self, mails=MAILS, **more):
        upstream = Pop3Upstream(mails, **more)
        self.addCleanup(upstream.__exit__)
        self.addCleanup(lambda: self.assertEqual(upstream.problems, []))
        return upstream

    def front(self, upstream, *route, tls="none", serve=(), **more):
        """gw-proxy before this server by a route of its own, so that nothing was seen before."""
        type(self).names += 1
        name = self.proxied.route(f"route{self.names}", upstream, *route, tls=tls)
        server = self.proxied.front(name, *serve, **more)
        self.addCleanup(server.stop)
        self.before = self.proxied.count()
        return server

    def copied(self):
        return self.proxied.count() - self.before

    def log_in(self, server, user="joe@example.com"):
        client = Pop3Client(server, user)
        self.addCleanup(client.close)
        return client

    def test_what_is_fetched_is_copied_and_what_was_copied_is_not_copied_again(self):
        upstream = self.upstream()
        server = self.front(upstream)
        before = self.proxied.copies()
        for _ in range(2):
            client = self.log_in(server)
            for number, octets in enumerate(MAILS, 1):
                self.assertEqual(client.retrieve(number) + b".\r\n", stuffed(octets))
            self.assertEqual(client.ask("QUIT"), "+OK bye")
            self.assertEqual(self.copied(), len(MAILS))
        # Other tests copied the same mails for other logins.
        self.assertEqual(gw.digests(self.proxied.copies()), sorted(gw.digests(before) + gw.digests(MAILS)))
        self.assertEqual(list(upstream.mails.values()), MAILS)

    def test_two_logins_have_two_copies(self):
        server = self.front(self.upstream())
        for login in ("joe@example.com", "jim@example.com"):
            self.log_in(server, login).retrieve(1)
        self.assertEqual(self.copied(), 2)

    def test_the_copy_says_how_it_came(self):
        self.proxied.vault.store("mailbox", "set", "copies", "--trace", "auto")
        self.addCleanup(self.proxied.vault.store, "mailbox", "set", "copies", "--trace", "off")
        server = self.front(self.upstream())
        self.log_in(server).retrieve(1)
        newest = self.proxied.vault.json("message", "list", "copies")[-1]
        envelope = self.proxied.vault.store("message", "show", "copies", newest["id"], "--envelope", "--password-file",
                                            self.proxied.box.password_file).stdout.decode()
        said = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in envelope.splitlines() if "  " in line)
        self.assertEqual([said[key] for key in ("route", "login", "auth", "peer")],
                         [f"route{self.names}", "joe@example.com", "joe@example.com", "127.0.0.1"])
        history = self.proxied.vault.json("history", "copies")
        leaf = [each for each in history if each.get("message") == newest["id"]][0]
        self.assertEqual(leaf["type"], "accepted")
        self.assertIn("proxy-pop3 127.0.0.1", leaf["actor"])
        with gw.Pop3(self.proxied.vault.pop3d(), self.proxied.box) as pop3:
            got = pop3.retrieve(pop3.count())
        self.assertEqual(got, b"X-Envelope-To: <joe@example.com>\r\n" + MAILS[0])

    def test_nothing_depends_on_how_the_stream_is_cut(self):
        dialog = (b"CAPA\r\nUSER joe\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nTOP 3 1\r\nRETR 9\r\nDELE 1\r\n"
                  b"DELE 4\r\nNOOP\r\nRSET\r\nQUIT\r\n")
        heard = set()
        for theirs in (1, 7, None):
            for ours in (1, 7, len(dialog)):
                upstream = self.upstream([MAILS[0], b"x\r\n", MAILS[2], MAILS[3]], segment=theirs)
                server = self.front(upstream)
                with socket.create_connection(server.only, gw.WAIT) as client:
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    for at in range(0, len(dialog), ours):
                        client.sendall(dialog[at:at + ours])
                    octets = b""
                    while more := client.recv(65536):
                        octets += more
                heard.add(octets)
                self.assertEqual(self.copied(), 2)
                self.assertEqual(len(upstream.mails), 4)
        self.assertEqual(len(heard), 1, heard)
        self.assertIn(stuffed(MAILS[0]), heard.pop())

    def test_dele_of_what_was_never_fetched_copies_it_first(self):
        upstream = self.upstream()
        server = self.front(upstream)
        client = self.log_in(server)
        for number in (2, 3):
            self.assertEqual(client.ask(f"DELE {number}"), "+OK")
        self.assertEqual(client.ask("QUIT"), "+OK bye")
        self.assertEqual(self.copied(), 2)
        self.assertEqual(list(upstream.mails.values()), [MAILS[0], MAILS[3]])
        copies = gw.digests(self.proxied.copies())
        for octets in MAILS[1:3]:
            self.assertIn(gw.sha256(octets), copies)

    def test_without_uidl_only_this_sessions_copies_count(self):
        upstream = self.upstream(uidl=False)
        server = self.front(upstream)
        self.log_in(server).retrieve(1)
        client = self.log_in(server)
        self.assertEqual(client.ask("DELE 1"), "+OK")
        self.assertEqual(upstream.count("RETR 1"), 2)
        self.assertEqual(self.copied(), 1)  # its bytes were seen

    def test_a_client_that_vanishes_deletes_nothing(self):
        upstream = self.upstream()
        server = self.front(upstream)
        for last in (b"", b"RETR 2\r\n", b"QUI"):
            client = self.log_in(server)
            self.assertEqual(client.ask("DELE 1"), "+OK")
            client.send(last)
            client.close()
            upstream.await_closed()
        self.assertEqual(len(upstream.mails), 4)
        self.assertEqual(upstream.count("QUIT"), 0)

    def test_a_mail_without_end_is_no_copy(self):
        upstream = self.upstream()
        server = self.front(upstream)
        whole = stuffed(MAILS[1])
        for number, cut in enumerate((whole[:-3], whole[:1000], whole[:-1], b"")):
            upstream.replies["RETR 2"] = [b"+OK\r\n" + cut, CLOSE]
            client = self.log_in(server)
            self.assertEqual(client.ask("RETR 2"), "+OK")
            self.assertNotIn(b"\r\n.\r\n", b"\r\n" + client.rest())
            upstream.await_closed()
            client = self.log_in(server)
            self.assertEqual(client.ask("DELE 2"), LOST)
            self.assertEqual(client.rest(), b"", number)
        self.assertEqual(self.copied(), 0)
        self.assertEqual(len(upstream.mails), 4)

    def test_replies_that_nobody_asked_for_end_the_session(self):
        upstream = self.upstream()
        server = self.front(upstream)
        for command, reply in (("STAT", b"+OK 1 1\r\n+OK 2 2\r\n"), ("RETR 1", b"+OK\r\nx\r\n.\r\n+OK\r\n"),
                               ("UIDL", b"-ERR none\r\n1 x\r\n.\r\n"), ("DELE 1", b"+OK\r\n\r\n"),
                               ("STAT", b"220 ready\r\n"), ("STAT", b"+OK\n"), ("STAT", b"+OK \0\r\n"),
                               ("STAT", b"+OK " + b"x" * 100_000), ("LIST", b"+OK " + b"x" * 100_000 + b"\r\n")):
            upstream.replies = {command: reply}
            client = self.log_in(server)
            heard = client.ask("RETR 1" if command == "UIDL" else command)
            with self.subTest(command=command, reply=reply[:40]):
                if command == "RETR 1":
                    self.assertEqual(heard, "+OK")
                    self.assertNotIn(b"\r\n.\r\n", client.rest())
                else:
                    self.assertEqual(heard, LOST)
                    self.assertEqual(client.rest(), b"")
            upstream.await_closed()
        self.assertEqual(self.copied(), 1)  # that of DELE, whose answer then came with another one
        self.assertEqual(len(upstream.mails), 4)

    def test_greetings_that_are_not_of_pop3(self):
        upstream = self.upstream()
        server = self.front(upstream)
        for greeting, heard in (([b"+OK a\r\n+OK b\r\n"], LOST), ([b"220 smtp\r\n"], LOST), ([CLOSE], LOST),
                                ([b"-ERR [SYS/TEMP] later\r\n"], "-ERR [SYS/TEMP] later"),
                                ([b"-ERR [LOGIN-DELAY] \x1b[31mno\r\n"], "-ERR [LOGIN-DELAY] ?[31mno")):
            upstream.greeting = greeting
            client = Pop3Client(server)
            self.addCleanup(client.close)
            self.assertRegex(client.greeting, r"\A\+OK .* POP3 server ready\Z")
            self.assertEqual(client.ask("CAPA"), heard)
            self.assertEqual(client.rest(), b"")

    def test_upstreams_codes_reach_the_client(self):
        upstream = self.upstream()
        server = self.front(upstream)
        for code in ("IN-USE", "SYS/TEMP", "SYS/PERM", "AUTH", "LOGIN-DELAY", "X-OWN"):
            upstream.replies = {"PASS secret": f"-ERR [{code}] so it is\r\n".encode()}
            client = Pop3Client(server)
            self.addCleanup(client.close)
            self.assertEqual(client.ask("USER joe"), "+OK")
            self.assertEqual(client.ask("PASS secret"), f"-ERR [{code}] so it is")
        upstream.replies = {"STAT": b"-ERR " + b"x" * 2000 + b"\r\n", "RETR 1": b"-ERR [SYS/TEMP] not now\r\n",
                            "QUIT": b"-ERR [SYS/TEMP] some were not deleted\r\n"}
        client = self.log_in(server)
        self.assertEqual(len(client.ask("STAT")), 510)
        self.assertEqual(client.ask("RETR 1"), "-ERR [SYS/TEMP] not now")
        self.assertEqual(client.ask("DELE 1"), "-ERR [SYS/TEMP] not now")
        self.assertEqual(client.ask("QUIT"), "-ERR [SYS/TEMP] some were not deleted")
        self.assertEqual(self.copied(), 0)

    def test_the_certificate_is_checked(self):
        folder = self.proxied.vault.side
        good, other = certificate(folder), certificate(folder, "elsewhere.example")
        pin = fingerprint(good[0])
        for implicit in (False, True):
            tls = "implicit" if implicit else "starttls"
            for shown, options, accepted in ((good, ("--ca", good[0]), True), (good, ("--pin", pin), True),
                                             (good, (), False), (other, ("--ca", other[0]), False),
                                             (other, ("--pin", pin), False)):
                with self.subTest(implicit=implicit, shown=shown[0].name, options=options):
                    upstream = self.upstream(tls=server_tls(shown), implicit=implicit)
                    server = self.front(upstream, *options, tls=tls)
                    client = Pop3Client(server)
                    self.addCleanup(client.close)
                    if accepted:
                        self.assertTrue(client.greeting.startswith("+OK"), client.greeting)
                        self.assertEqual(client.ask("USER joe"), "+OK")
                        self.assertEqual(client.ask("PASS secret"), "+OK welcome")
                        self.assertEqual(client.retrieve(1) + b".\r\n", stuffed(MAILS[0]))
                    else:
                        self.assertEqual(client.ask("USER joe"), LOST)
                        self.assertIn("certificate", server.log())
                        self.assertNotIn("USER joe", upstream.commands)

    def test_bytes_in_clear_before_tls_end_the_session(self):
        paths = certificate(self.proxied.vault.side)
        for reply in (b"+OK\r\n+OK injected\r\n", b"+OK\r\n\r\n", b"+OK\r\n\x16\x03\x01"):
            upstream = self.upstream(tls=server_tls(paths))
            upstream.replies["STLS"] = reply
            server = self.front(upstream, "--ca", paths[0], tls="starttls")
            client = Pop3Client(server)
            self.addCleanup(client.close)
            self.assertEqual(client.ask("USER joe"), LOST)
            self.assertEqual(upstream.commands, ["STLS"])

    def test_no_tls_upstream_is_no_session(self):
        upstream = self.upstream()
        upstream.replies["STLS"] = b"-ERR not here\r\n"
        client = Pop3Client(self.front(upstream, tls="starttls"))
        self.addCleanup(client.close)
        self.assertEqual(client.ask("USER joe"), "-ERR [SYS/TEMP] Upstream server refused STLS")
        self.assertEqual(upstream.commands, ["STLS"])

    def test_the_clients_side_has_stls_and_implicit_tls(self):
        upstream = self.upstream()
        server = self.front(upstream)
        client = Pop3Client(server)
        self.addCleanup(client.close)
        self.assertEqual(client.ask("STLS"), "+OK")
        client.start_tls()
        self.assertEqual(client.ask("CAPA"), "+OK")
        self.assertEqual(client.text().split(), b"TOP UIDL RESP-CODES PIPELINING USER SASL PLAIN XOAUTH2 IMPLEMENTATION gw".split())
        self.assertEqual(client.ask("AUTH PLAIN " + base64.b64encode(b"\0joe\0secret").decode()), "+OK welcome")
        self.assertEqual(client.retrieve(1) + b".\r\n", stuffed(MAILS[0]))
        secure = self.proxied.front(f"route{self.names}", tls=True)
        self.addCleanup(secure.stop)
        client = Pop3Client(secure, "joe", tls=True)
        self.addCleanup(client.close)
        self.assertEqual(client.retrieve(1) + b".\r\n", stuffed(MAILS[0]))

        injected = Pop3Client(server)
        self.addCleanup(injected.close)
        injected.send(b"STLS\r\nUSER joe\r\n")
        self.assertEqual(injected.reply(), "-ERR Commands may not be pipelined after STLS")
        self.assertEqual(injected.rest(), b"")

    def test_several_routes_on_one_listener(self):
        work, home = self.upstream(), self.upstream([b"Subject: home\r\n\r\n"])
        self.proxied.route("work", work)
        self.proxied.route("home", home)
        server = self.proxied.serve()
        self.addCleanup(server.stop)
        address = server.address("pop3")
        client = Pop3Client(address, "joe@example.com#home")
        self.addCleanup(client.close)
        self.assertEqual(client.retrieve(1), b"Subject: home\r\n\r\n")
        self.assertIn("USER joe@example.com", home.commands)
        self.assertEqual(work.commands, [])
        # A new route, and one that has changed, count from the next login on.
        new = self.upstream([b"Subject: new\r\n\r\n"])
        self.proxied.route("new", new, "--login", "*@example.com")
        client = Pop3Client(address, "joe@example.com#new")
        self.addCleanup(client.close)
        self.assertEqual(client.retrieve(1), b"Subject: new\r\n\r\n")
        client = Pop3Client(address)
        self.addCleanup(client.close)
        self.assertIn("[AUTH]", client.ask("USER joe@elsewhere.example#new"))
        self.assertIn("[AUTH]", client.ask("USER joe@example.com#gone"))
        self.proxied.vault.store("route", "remove", "new")
        self.assertIn("[AUTH]", client.ask("USER joe@example.com#new"))

    def test_no_secret_is_logged(self):
        upstream = self.upstream()
        upstream.replies["PASS geheim-2"] = b"-ERR [AUTH] no\r\n"
        server = self.front(upstream, serve=("--verbose",))
        client = Pop3Client(server, "joe@example.com", "geheim-1")
        self.addCleanup(client.close)
        client.retrieve(1)
        client = Pop3Client(server)
        self.addCleanup(client.close)
        client.ask("USER geheim-3")
        client.ask("PASS geheim-2")
        token = base64.b64encode(b"user=joe\x01auth=Bearer geheim-4\x01\x01").decode()
        client.ask(f"AUTH XOAUTH2 {token}")
        client.ask("QUIT")
        log = gw.until(lambda: server.log() if server.log().count("relay ended") else None, "the session's end is logged")
        self.assertNotIn("geheim", log)
        self.assertNotIn(token[:20], log)
        self.assertIn("AUTH XOAUTH2", upstream.commands)

    def test_without_a_keeper_nothing_is_passed_unless_the_route_says_so(self):
        vault = self.proxied.vault
        refuse, passes = self.upstream(), self.upstream()
        first, second = self.front(refuse), self.front(passes, "--on-copy-failure", "pass")
        for server in (first, second):  # both have read their routes
            self.log_in(server).close()
        vault.stop_keeper()
        # None can be started, for there is no place for its sockets.
        sockets, away = vault.path / "run", vault.path / "run.away"
        sockets.rename(away)
        sockets.write_text("")
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: (sockets.unlink(), away.rename(sockets)))
            client = Pop3Client(first)
            self.addCleanup(client.close)
            self.assertIn("-ERR [SYS/TEMP]", client.ask("USER joe"))
            self.assertEqual(refuse.count("USER joe"), 0)
            client = self.log_in(second)
            self.assertEqual(client.retrieve(1) + b".\r\n", stuffed(MAILS[0]))
            self.assertEqual(client.ask("QUIT"), "+OK bye")
        self.assertEqual(self.copied(), 0)


if __name__ == "__main__":
    gw.main()
