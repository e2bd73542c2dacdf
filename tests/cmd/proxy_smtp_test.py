#!/usr/bin/python3
"""gw-proxy, SMTP: what the client sends is what upstream and the vault have, and no upstream, however it behaves, makes
a mail that it took go without a copy.

GW_BIG: bytes of the mail that must pass without using memory (default 48 MiB; 200 MiB shows it clearly).
"""
import base64
import hashlib
import json
import pathlib
import re
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_smtp_upstream import CLOSE, SILENCE, SmtpUpstream, certificate, fingerprint  # noqa: E402

LOGIN, PASSWORD = "joe@example.com", "secret"

# Every oddity that a message may have and an upstream must get unchanged.
ODD = {
    "empty": b"",
    "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n...\r\n. \r\n",
    "bare": b"Subject: bare\r\n\r\na\nb\rc\r\n\nd\r\r\n\n.e\r.f\r\n",
    "nul": b"Subject: nul\r\n\r\na\0b\r\n\0\r\n",
    "8bit": "Subject: Grüße\r\n\r\nschöne 🙂\r\n".encode() + b"\xff\xfe\r\n",
    "long": b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n",
    "from": b"From x\r\n>From y\r\n\r\nFrom z\r\n",
    "no header": b"\r\n\r\n",
}


def plain(login=LOGIN, password=PASSWORD, act_as=""):
    return base64.b64encode(f"{act_as}\0{login}\0{password}".encode()).decode()


def xoauth2(login=LOGIN, token=PASSWORD):
    return base64.b64encode(f"user={login}\1auth=Bearer {token}\1\1".encode()).decode()


def body_hash(mail, how):
    """DKIM's bh= of a mail's body (RFC 6376 section 3.4.3 and 3.4.4), canonicalised `simple` or `relaxed`."""
    body = mail.partition(b"\r\n\r\n")[2]
    if how == "relaxed":
        body = b"\r\n".join(re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in body.split(b"\r\n"))
    body = re.sub(rb"(\r\n)*\Z", b"", body)
    body += b"\r\n" if body or how == "simple" else b""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def signed_hash(mail):
    """bh= and canonicalisation of the body in the mail's first DKIM-Signature."""
    header = mail.partition(b"\r\n\r\n")[0] + b"\r\n"
    found = re.search(rb"(?im)^dkim-signature:((?:[^\r]|\r\n[ \t])*)\r\n", header)
    tags = dict(part.strip().partition("=")[::2] for part in re.sub(r"\s", "", found[1].decode("latin-1")).split(";") if part)
    return tags["bh"], tags.get("c", "simple/simple").partition("/")[2] or "simple"


def stuffed(content):
    return re.sub(rb"(\A|\r\n)\.", rb"\1..", content) + b".\r\n"


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.vault.env["STATE_DIRECTORY"] = str(self.vault.side)
        self.box = self.vault.add_mailbox("sent")
        self.upstream = self.start_upstream()

    def start_upstream(self, **more):
        upstream = SmtpUpstream(**more)
        self.addCleanup(upstream.close)
        return upstream

    def route(self, name="work", *more, upstream=None, tls="none", mailbox="sent", private=True):
        self.vault.store("route", "add", name, "--protocol", "smtp", "--upstream", (upstream or self.upstream).address,
                         "--tls", tls, "--mailbox", mailbox, *(["--allow-private"] if private else []), *more)

    def proxy(self, *options, listen=("work=127.0.0.1:0",)):
        self.server = self.vault.serve("gw-proxy", "--allow-plaintext-auth", *options, listen=listen)
        return self.server

    def client(self, name="work", login=True):
        smtp = gw.Smtp(self.server.address(name))
        self.addCleanup(smtp.close)
        if login:
            self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 235)
        return smtp

    def states(self, mailbox="sent"):
        return [m["state"] for m in self.vault.json("message", "list", mailbox, "--state", "all")]

    def copies(self, box=None):
        """Returns the bytes of everything that is shown, in order."""
        box = box or self.box
        listed = self.vault.json("message", "list", box.name)
        return [self.vault.store("message", "show", box.name, m["id"], "--raw", "--password-file",
                                 box.password_file).stdout for m in listed]

    def envelope(self, number=0):
        listed = self.vault.json("message", "list", "sent")
        return json.loads(self.vault.store("message", "show", "sent", listed[number]["id"], "--envelope", "--json",
                                           "--password-file", self.box.password_file).stdout)

    def leaves(self, kind):
        return [leaf for leaf in self.vault.json("history", "sent") if leaf["type"] == kind]

    def secrets_are_nowhere(self):
        log = self.server.log()
        for secret in (PASSWORD, plain(), xoauth2(), base64.b64encode(PASSWORD.encode()).decode()):
            self.assertNotIn(secret, log)


class PassingTest(ProxyTest):
    def test_upstream_and_vault_have_exactly_what_was_sent_however_it_is_cut(self):
        self.route()
        self.proxy()
        sent = []
        for cut in (1, 7, None):
            smtp = self.client()
            smtp.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for name, content in ODD.items():
                if cut and len(content) > 10_000:
                    continue
                self.assertEqual(smtp.envelope("a@x.example", LOGIN).code, 354, name)
                wire = stuffed(content)
                for at in range(0, len(wire), cut or len(wire)):
                    smtp.send(wire[at:at + (cut or len(wire))])
                self.assertEqual(smtp.reply().text, "2.0.0 queued as 4711", name)
                sent.append(content)
            self.assertEqual(smtp.command("QUIT").code, 221)
        self.assertEqual([m.content for m in self.upstream.messages], sent)
        self.assertEqual(self.copies(), sent)
        self.assertEqual(self.states(), ["live"] * len(sent))
        self.upstream.idle()
        self.assertEqual(self.upstream.false_ends, 0)
        self.vault.verify()

    def test_the_envelope_has_bcc_and_apart_who_was_refused(self):
        self.route()
        self.upstream.refused = {b"no@x.example": b"550-5.1.1 not\r\n550 5.1.1 here\r\n", b"later@x.example": b"450 wait\r\n"}
        self.proxy()
        smtp = self.client()
        smtp.command("MAIL FROM:<joe@example.com> BODY=8BITMIME RET=HDRS SIZE=100")
        self.assertEqual(repr(smtp.command("RCPT TO:<bcc@x.example> NOTIFY=NEVER")), "250 2.1.5 recipient fine")
        self.assertEqual(repr(smtp.command("RCPT TO:<no@x.example>")), "550 5.1.1 not\n5.1.1 here")
        self.assertEqual(smtp.command("RCPT TO:<later@x.example>").code, 450)
        self.assertEqual(smtp.command("DATA").text, "go on")
        self.assertEqual(smtp.body(b"To: team@x.example\r\n\r\nhi\r\n").code, 250)
        facts = self.envelope()
        self.assertEqual(facts["mail_from"], "joe@example.com")
        refusals = {each["address"]: each.get("refusal", "") for each in facts["rcpt_to"]}
        self.assertEqual(refusals, {"bcc@x.example": "", "no@x.example": "550 5.1.1 not", "later@x.example": "450 wait"})
        self.assertEqual((facts["route"], facts["login"], facts["listener"]), ("work", LOGIN, "work"))
        message = self.upstream.messages[0]
        self.assertEqual(message.recipients, [b"bcc@x.example"])
        self.assertEqual(message.mail, b"MAIL FROM:<joe@example.com> BODY=8BITMIME RET=HDRS SIZE=100")
        self.assertEqual(message.rcpts, [b"RCPT TO:<bcc@x.example> NOTIFY=NEVER"])

    def test_ehlo_names_what_both_hops_can_do(self):
        self.upstream.extensions = ["SIZE 1000", "AUTH PLAIN SCRAM-SHA-256-PLUS", "CHUNKING"]
        self.route()
        self.proxy()
        smtp = self.client(login=False)
        self.assertEqual(smtp.ehlo.text.split("\n")[1:], ["PIPELINING", "SIZE 1000", "STARTTLS", "AUTH PLAIN", "HELP"])
        self.assertEqual(smtp.command("AUTH LOGIN").code, 504)
        self.assertEqual(smtp.command("AUTH SCRAM-SHA-256").code, 504)
        self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 235)
        for command, reply in (("MAIL FROM:<a@b> BODY=8BITMIME", "554 5.6.3"), ("MAIL FROM:<a@b> SMTPUTF8", "550 5.6.7"),
                               ("MAIL FROM:<a@b> SIZE=1001", "552 5.3.4")):
            self.assertTrue(repr(smtp.command(command)).startswith(reply), command)
        # The bytes after a BDAT that is not offered are not commands.
        smtp.send(b"BDAT 6\r\nRSET\r\nNOOP\r\n")
        self.assertEqual([smtp.reply().code, smtp.reply().code], [502, 250])
        self.assertEqual(smtp.command("MAIL FROM:<a@b> BODY=7BIT RET=FULL ENVID=x").code, 250)
        self.assertIn(b"MAIL FROM:<a@b>", self.upstream.commands)

    def test_every_mechanism_passes_and_no_secret_stays_anywhere(self):
        self.route()
        self.proxy("--verbose")
        long = base64.b64encode(f"user={LOGIN}\1auth=Bearer {'t' * 4000}\1\1".encode()).decode()
        self.upstream.users["long@example.com"] = "t" * 4000
        for lines in ([f"AUTH PLAIN {plain()}"], ["AUTH PLAIN", plain()], ["AUTH LOGIN", "am9lQGV4YW1wbGUuY29t", "c2VjcmV0"],
                      ["AUTH LOGIN am9lQGV4YW1wbGUuY29t", "c2VjcmV0"], [f"auth xoauth2 {xoauth2()}"], ["AUTH XOAUTH2", xoauth2()],
                      ["AUTH OAUTHBEARER", base64.b64encode(f"n,a={LOGIN},\1host=h\1auth=Bearer {PASSWORD}\1\1".encode()).decode()],
                      ["AUTH XOAUTH2", long.replace(base64.b64encode(LOGIN.encode()).decode(), "")]):
            with self.subTest(lines[0]), gw.Smtp(self.server.address("work")) as smtp:
                for line in lines[:-1]:
                    self.assertEqual(smtp.command(line).code, 334)
                if lines[-1] == long:
                    smtp.command(lines[-1])
                    continue
                self.assertEqual(repr(smtp.command(lines[-1])), "235 2.7.0 welcome to upstream")
                self.assertEqual(smtp.deliver("a@x.example", gw.mail(100), LOGIN).code, 250)
        self.assertEqual({m.login for m in self.upstream.messages}, {LOGIN})
        self.secrets_are_nowhere()
        self.server.stop()
        for path in self.vault.path.rglob("*"):
            if path.is_file():
                self.assertNotIn(PASSWORD.encode(), path.read_bytes(), path)

    def test_the_client_gets_the_reply_of_upstream_to_a_wrong_password(self):
        self.route()
        self.proxy()
        smtp = self.client(login=False)
        self.assertEqual(repr(smtp.command(f"AUTH PLAIN {plain(password='wrong')}")), "535 5.7.8 upstream does not know you")
        self.assertEqual(repr(smtp.command(f"AUTH XOAUTH2 {xoauth2(token='old')}")), "334 eyJzdGF0dXMiOiI0MDEifQ==")
        self.assertEqual(repr(smtp.command("")), "535 5.7.8 upstream does not know you")
        self.assertEqual(repr(smtp.command(f"AUTH XOAUTH2 {xoauth2(token='old')}")), "334 eyJzdGF0dXMiOiI0MDEifQ==")
        self.assertEqual(smtp.command("*").code, 501)
        self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 235)
        self.assertIn("login failed rhost=127.0.0.1", self.server.log())

    def test_an_upstream_that_cannot_check_a_login_now_is_no_wrong_login_and_makes_nothing_permanent(self):
        self.route()
        self.proxy()
        self.upstream.script["auth"] = b"454 4.7.0 not now\r\n"
        smtp = self.client(login=False)
        self.assertEqual(repr(smtp.command(f"AUTH PLAIN {plain()}")), "454 4.7.0 not now")
        self.assertEqual(smtp.command("MAIL FROM:<a@b>").code, 454)
        self.assertIn("login deferred", self.server.log())
        self.assertNotIn("login failed", self.server.log())
        del self.upstream.script["auth"]
        self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 235)
        self.assertEqual(smtp.command("MAIL FROM:<a@b>").code, 250)

    def test_an_envelope_that_grows_too_large_ends_at_a_recipient(self):
        self.route()
        self.proxy()
        smtp = self.client()
        self.assertEqual(smtp.command("MAIL FROM:<a@b>").code, 250)
        codes = [smtp.command(f"RCPT TO:<r{number}{'x' * 900}@y.example>").code for number in range(320)]
        taken = codes.count(250)
        self.assertGreaterEqual(taken, 100)
        self.assertEqual(codes, [250] * taken + [452] * (320 - taken))
        self.assertEqual(smtp.command("DATA").code, 354)
        content = gw.mail(500)
        self.assertEqual(smtp.body(content).code, 250)
        self.assertEqual(len(self.upstream.messages[0].recipients), taken)
        self.assertEqual(self.copies(), [content])

    def test_nobody_relays_without_a_login_but_listed_clients(self):
        self.route()
        self.proxy()
        smtp = self.client(login=False)
        self.assertTrue(repr(smtp.command("MAIL FROM:<a@b>")).startswith("530 5.7.0"))
        self.vault.store("route", "set", "work", "--clients", "127.0.0.0/8")
        self.assertEqual(smtp.command("MAIL FROM:<a@b>").code, 530)  # from the next connection on
        self.assertEqual(self.client(login=False).deliver("a@x.example", gw.mail(100)).code, 250)
        self.vault.store("route", "set", "work", "--clients", "192.0.2.0/24")
        self.assertEqual(self.client(login=False).command("MAIL FROM:<a@b>").code, 530)

    def test_a_login_names_its_route_and_the_table_its_mailbox(self):
        other = self.start_upstream(users={"ann#x@sales.example": "secret"})
        sales = self.vault.add_mailbox("sales")
        self.route("one", "--login", "joe@*")
        self.route("two", "--map", "*@sales.example=sales", upstream=other)
        self.proxy(listen=("smtp=127.0.0.1:0", "one=127.0.0.1:0"))
        smtp = self.client("smtp", login=False)
        self.assertIn("AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER", smtp.ehlo.text)
        self.assertIn("8BITMIME", smtp.ehlo.text)
        self.assertEqual(len(other.sessions), 0)
        for wrong in ("ann@sales.example", "ann@sales.example#three", "bo@example.com#one"):
            self.assertTrue(repr(smtp.command(f"AUTH PLAIN {plain(wrong)}")).startswith(("535 5.7.8", "421")), wrong)
        smtp = self.client("smtp", login=False)
        self.assertEqual(smtp.command(f"AUTH PLAIN {plain('ann#x@sales.example#two', act_as='ann#x@sales.example#two')}").code, 235)
        content = gw.mail(500)
        self.assertEqual(smtp.deliver("a@x.example", content).code, 250)
        self.assertEqual(other.messages[0].login, "ann#x@sales.example")
        self.assertEqual(self.copies(sales), [content])
        self.assertEqual(self.client("one").deliver("a@x.example", content).code, 250)
        self.assertEqual(self.copies(), [content])

    def test_a_changed_route_counts_from_the_next_connection_on(self):
        other = self.start_upstream()
        self.route()
        self.proxy()
        before = self.client()
        self.vault.store("route", "set", "work", "--upstream", other.address)
        self.assertEqual(before.deliver("a@x.example", gw.mail(100)).code, 250)
        self.assertEqual(self.client().deliver("a@x.example", gw.mail(100)).code, 250)
        self.assertEqual((len(self.upstream.messages), len(other.messages)), (1, 1))
        self.vault.store("route", "remove", "work")
        gone = self.client(login=False)
        self.assertEqual(gone.command(f"AUTH PLAIN {plain()}").code, 454)
        self.assertEqual(gone.command("MAIL FROM:<a@b>").code, 451)

    def test_pipelined_commands_and_rset_and_several_mails(self):
        self.route()
        self.proxy()
        smtp = self.client()
        content = gw.mail(300)
        smtp.send(b"MAIL FROM:<a@b>\r\nRCPT TO:<x@y.example>\r\nRSET\r\nMAIL FROM:<c@d>\r\nRCPT TO:<z@y.example>\r\nDATA\r\n")
        self.assertEqual([smtp.reply().code for _ in range(6)], [250, 250, 250, 250, 250, 354])
        smtp.send(stuffed(content) + b"MAIL FROM:<e@f>\r\nQUIT\r\n")
        self.assertEqual([smtp.reply().code for _ in range(3)], [250, 250, 221])
        self.assertEqual([(m.sender, m.recipients) for m in self.upstream.messages], [(b"c@d", [b"z@y.example"])])
        self.upstream.idle()
        self.assertTrue(all(s.quit for s in self.upstream.sessions))

    def test_the_body_hash_of_dkim_is_still_valid(self):
        mails = []
        for number, body in enumerate((b"", b"\r\n", b"\r\n\r\n", b"a  b\t \r\n \r\n\r\n", b"no end of line", b".\r\n..\r\n",
                                       *(odd.partition(b"\r\n\r\n")[2] for odd in ODD.values()))):
            for how in ("simple", "relaxed"):
                head = f"Subject: {number}\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/{how};\r\n\tbh="
                mail = head.encode() + body_hash(b"\r\n\r\n" + body, how).encode() + b"; b=\r\n\r\n" + body
                mails.append(mail if mail.endswith(b"\r\n") else mail + b"\r\n")
        for path in sorted((gw.ROOT / "../shared/corpus/eml").rglob("*")):  # real ones, where they are
            octets = path.read_bytes() if path.is_file() else b""
            if re.search(rb"(?im)^dkim-signature:[^:]*bh=", octets.partition(b"\r\n\r\n")[0]) and octets.endswith(b"\r\n"):
                bh, how = signed_hash(octets)
                mails += [octets] if bh == body_hash(octets, how) else []
        self.route()
        self.proxy()
        smtp = self.client()
        for mail in mails:
            self.assertEqual(smtp.deliver("a@x.example", mail).code, 250)
        received = [message.content for message in self.upstream.messages]
        self.assertEqual(len(received), len(mails))
        copies = self.copies()
        self.assertEqual(len(copies), len(mails))
        for mail in received + copies:
            bh, how = signed_hash(mail)
            self.assertEqual(body_hash(mail, how), bh, mail)

    def test_status_says_what_servers_and_routes_did(self):
        self.route()
        self.route("idle")
        self.proxy()
        smtp = self.client()
        self.assertEqual(smtp.deliver("a@x.example", gw.mail(300)).code, 250)
        self.upstream.script["dot"] = b"554 5.7.1 no\r\n"
        self.assertEqual(smtp.deliver("a@x.example", gw.mail(300)).code, 554)
        smtp.command("QUIT")
        smtp = self.client(login=False)
        self.assertEqual(smtp.command(f"AUTH PLAIN {plain(password='wrong')}").code, 535)
        smtp.command("QUIT")
        self.upstream.script["dot"] = CLOSE
        smtp = self.client()
        self.assertEqual(smtp.deliver("a@x.example", gw.mail(300)).code, 451)
        smtp.command("QUIT")
        smtpd = self.vault.smtpd()
        with gw.Smtp(smtpd) as client:
            client.deliver(self.box.address, gw.mail(5000))
            client.command("QUIT")

        def did(what):
            [status] = self.vault.json("status")
            return {entry["name"]: entry for entry in status[what]}

        gw.until(lambda: did("routes")["work"]["sessions"] == 3 and "smtp" in did("servers"), "all sessions have said what they did")
        work = did("routes")["work"]
        self.assertEqual({name: work[name] for name in ("messages", "octets", "copies", "uncopied", "refused", "failed_logins")},
                         {"messages": 1, "octets": len(gw.mail(300)), "copies": 1, "uncopied": 0, "refused": 2, "failed_logins": 1})
        self.assertIn("upstream lost", work["trouble"])
        self.assertRegex(work["trouble_at"], r"^20\d\d-")
        self.assertEqual(did("routes")["idle"]["sessions"], 0)
        smtp = did("servers")["smtp"]
        self.assertEqual((smtp["sessions"], smtp["messages"], smtp["octets"], smtp["trouble"]), (1, 1, len(gw.mail(5000)), None))
        text = self.vault.store("status").stdout.decode()
        self.assertRegex(text, r"route work +3 +1 ")
        self.assertRegex(text, r"last error of route work at 20.*upstream lost")
        metrics = self.vault.store("status", "--openmetrics").stdout.decode()
        self.assertIn('gw_sessions_total{route="work"} 3\n', metrics)
        self.assertIn('gw_replies_total{route="work",class="refused"} 2\n', metrics)
        self.assertIn('gw_session_messages_total{server="smtp"} 1\n', metrics)
        self.secrets_are_nowhere()

    def test_a_large_mail_costs_no_memory(self):
        self.route()
        self.upstream.extensions[1] = "SIZE 300000000"
        self.proxy()
        self.client().deliver("a@x.example", gw.mail(100_000))
        pid, before = self.server.pid, gw.resident(self.server.pid, "VmHWM")
        content = gw.mail(gw.number_from("GW_BIG", 48 << 20))
        self.assertEqual(self.client().deliver("a@x.example", content).code, 250)
        self.assertLess(gw.resident(pid, "VmHWM") - before, 4 << 20)
        digest = gw.sha256(content)
        self.assertEqual(gw.sha256(self.upstream.messages[-1].content), digest)
        self.assertEqual(gw.sha256(self.copies()[-1]), digest)


class RefusalTest(ProxyTest):
    def test_what_upstream_says_to_the_dot_decides_about_the_copy(self):
        self.route()
        self.proxy()
        for reply, states, code in ((b"554-5.7.1 spam\r\n554 5.7.1 says the filter\r\n", [], 554),
                                    (b"452 4.2.2 full\r\n", [], 452), (b"250 fine\r\n", ["live"], 250),
                                    (b"421 4.3.2 going down\r\n", ["live"], 421)):
            with self.subTest(reply):
                self.upstream.script["dot"] = reply
                got = self.client().deliver("a@x.example", gw.mail(2000))
                self.assertEqual(got.code, code)
                self.assertEqual(got.text, "\n".join(line[4:] for line in reply.decode().split("\r\n")[:-1]))
                self.assertEqual(self.states(), states)
        discarded = self.leaves("discarded")
        self.assertTrue(discarded[0]["actor"].endswith("upstream 554 5.7.1"), discarded[0]["actor"])
        self.assertTrue(self.leaves("settled")[0]["actor"].endswith("upstream 250"))

    def test_refusals_before_the_dot_leave_no_copy_and_pass_as_they_are(self):
        self.route()
        self.proxy()
        for moment in ("mail", "rcpt", "data"):
            for code in (b"452", b"550"):
                with self.subTest(moment):
                    self.upstream.script = {moment: code + b" upstream's own words\r\n"}
                    reply = self.client().deliver("a@x.example", gw.mail(2000))
                    if moment == "rcpt":
                        self.assertEqual(reply.text, "upstream's own words")
                    else:
                        self.assertEqual(repr(reply), f"{code.decode()} upstream's own words")
        self.upstream.script = {}
        self.upstream.refused = {b"no@x.example": b"550 no\r\n", b"later@x.example": b"450 wait\r\n"}
        smtp = self.client()
        smtp.command("MAIL FROM:<a@b>")
        smtp.command("RCPT TO:<no@x.example>")
        self.assertTrue(repr(smtp.command("DATA")).startswith("503 5.5.1"))
        smtp.command("RCPT TO:<later@x.example>")
        self.assertTrue(repr(smtp.command("DATA")).startswith("451 4.3.0"))
        self.assertNotIn(b"DATA", self.upstream.commands[-4:])
        self.assertEqual(self.states(), [])

    def test_a_dot_between_bare_line_endings_is_not_forwarded(self):
        self.route()
        self.proxy()
        for name, middle in (("lf", b"\n.\n"), ("lf crlf", b"\n.\r\n"), ("cr", b"\r.\r"), ("cr crlf", b"\r.\r\n"),
                             ("nul", b"\r\n\0.\r\n"), ("nul behind", b"\n.\0\n")):
            smtp = self.client()
            self.assertEqual(smtp.envelope("a@x.example", LOGIN).code, 354)
            before = b"Subject: x\r\n\r\ninnocent"
            smtp.send(before + middle + b"MAIL FROM:<admin@x.example>\r\n\r\n.\r\n")
            self.assertTrue(repr(smtp.reply()).startswith("550 5.5.2"), name)
            self.assertEqual(smtp.command("MAIL FROM:<a@b>").code, 421)
        self.upstream.idle()
        self.assertEqual(self.upstream.false_ends, 0)
        self.assertEqual(self.upstream.messages, [])
        self.assertNotIn(b"MAIL FROM:<admin@x.example>", self.upstream.commands)
        self.assertEqual(self.states(), [])

    def test_more_than_upstream_takes_is_refused_and_neither_side_keeps_it(self):
        self.upstream.extensions[1] = "SIZE 5000"
        self.route()
        self.proxy()
        self.assertTrue(repr(self.client().deliver("a@x.example", gw.mail(6000))).startswith("552 5.3.4"))
        self.upstream.idle()
        self.assertEqual((self.upstream.messages, self.states()), ([], []))

    def test_a_client_that_goes_before_the_dot_leaves_nothing(self):
        self.route()
        self.proxy()
        for sent in (b"", b"Subject: half\r\n", b"Subject: half\r\n\r\n" + b"x" * 200_000, b"Subject: half\r\n\r\n.\r"):
            smtp = self.client()
            self.assertEqual(smtp.envelope("a@x.example").code, 354)
            smtp.send(sent)
            smtp.close()
        gw.until(lambda: self.upstream.unfinished == 4, "upstream sees four messages without an end")
        self.assertEqual((self.upstream.messages, self.states()), ([], []))

    def test_a_client_that_leaves_after_the_dot_has_sent_its_mail(self):
        self.route()
        self.proxy()
        gone = threading.Event()
        self.upstream.on_dot = lambda session: gone.wait(gw.WAIT)
        smtp = self.client()
        self.assertEqual(smtp.envelope("a@x.example").code, 354)
        smtp.send(stuffed(gw.mail(1000)))
        gw.until(lambda: self.states() == ["pending"], "the copy is pending while upstream thinks")
        self.assertEqual(self.vault.json("message", "list", "sent"), [])
        smtp.close()
        gone.set()
        gw.until(lambda: self.states() == ["live"], "the copy is live")
        self.assertEqual(len(self.upstream.messages), 1)


class TroubleTest(ProxyTest):
    def test_an_upstream_lost_after_the_dot_leaves_an_unconfirmed_copy(self):
        self.route()
        self.proxy()
        for said in (CLOSE, [b"250 2.0.0 no end", CLOSE], b"nonsense\r\n", b"350 what\r\n", b"250-one\r\n251 two\r\n",
                     b"250 ok\r\n250 twice\r\n", b"250 " + b"x" * 20_000 + b"\r\n", b"250 a\0b\r\n"):
            with self.subTest(said):
                before = len(self.states())
                self.upstream.script["dot"] = said
                smtp = self.client()
                self.assertTrue(repr(smtp.deliver("a@x.example", gw.mail(500))).startswith("451 4.4.2"))
                self.assertEqual(self.states(), ["unconfirmed"] * (before + 1))
        self.assertEqual(len(self.leaves("unconfirmed")), 8)

    def test_a_proxy_that_is_killed_while_upstream_thinks_leaves_an_unconfirmed_copy(self):
        self.route()
        self.proxy()
        self.upstream.script["dot"] = SILENCE
        for victim in ("proxy", "keeper"):
            smtp = self.client()
            self.assertEqual(smtp.envelope("a@x.example").code, 354)
            smtp.send(stuffed(gw.mail(1000)))
            gw.until(lambda: "pending" in self.states(), "the copy is pending")
            if victim == "proxy":
                self.server.kill()
                self.proxy()
            else:
                self.vault.kill_keeper(signal.SIGKILL)
            gw.until(lambda: "pending" not in self.states(), "the copy is unconfirmed")
        self.assertEqual(self.states(), ["unconfirmed", "unconfirmed"])

    def test_an_upstream_that_speaks_too_early_is_left(self):
        self.route()
        self.proxy()
        for moment, said in (("greeting", b"220 hello\r\n250 early\r\n"), ("ehlo", b"250 hello\r\n250 early\r\n"),
                             ("auth", b"235 welcome\r\n250 early\r\n"), ("mail", b"250 a\r\n250 b\r\n"),
                             ("rcpt", b"250 a\r\n354 b\r\n"), ("data", b"354 go\r\n250 early\r\n"),
                             ("data", b"250 taken without a look\r\n"), ("mail", b"250 ok\n"), ("greeting", b"HTTP/1.1 200\r\n"),
                             ("greeting", b"220-" + b"x" * 15_000), ("ehlo", b"250-x\r\n" * 300 + b"250 x\r\n")):
            with self.subTest((moment, said[:30])):
                self.upstream.script = {moment: said}
                smtp = self.client(login=False)
                replies = [smtp.command(f"AUTH PLAIN {plain()}")]
                if replies[-1].ok:
                    replies.append(smtp.command("MAIL FROM:<a@b>"))
                if replies[-1].ok:
                    replies.append(smtp.command("RCPT TO:<a@x.example>"))
                if replies[-1].ok:
                    replies.append(smtp.command("DATA"))
                self.assertTrue(replies[-1].temporary, replies)
        self.assertEqual((self.upstream.messages, self.states()), ([], []))
        self.assertIn("upstream lost", self.server.log())

    def test_a_reply_before_the_dot_is_no_answer_to_it(self):
        self.route()
        self.proxy()
        smtp = self.client()
        self.assertEqual(smtp.envelope("a@x.example").code, 354)
        session = self.upstream.sessions[-1]
        session.socket.sendall(b"250 2.0.0 queued already\r\n")
        content = stuffed(gw.mail(1000))
        smtp.send(content)
        self.assertEqual(smtp.reply().code, 451)
        gw.until(lambda: self.upstream.unfinished == 1, "upstream never got the dot")
        self.assertEqual(self.states(), [])

    def test_an_upstream_that_goes_in_the_middle_takes_the_copy_with_it(self):
        self.route()
        self.proxy()
        smtp = self.client()
        self.assertEqual(smtp.envelope("a@x.example").code, 354)
        self.upstream.drop()
        for _ in range(40):
            smtp.send(b"x" * 65_000 + b"\r\n")
        smtp.send(b".\r\n")
        self.assertTrue(repr(smtp.reply()).startswith("451 4.4.1"))
        self.assertTrue(repr(smtp.command("MAIL FROM:<a@b>")).startswith("421 4.4.2"))
        self.assertEqual(self.states(), [])

    def test_an_upstream_that_is_down_is_451_and_nothing_is_kept(self):
        self.route("work", "--clients", "127.0.0.1")
        self.proxy()
        self.upstream.close()
        smtp = self.client(login=False)
        self.assertIn("AUTH", smtp.ehlo.text)
        self.assertTrue(repr(smtp.command(f"AUTH PLAIN {plain()}")).startswith("454 4.7.0"))
        self.assertTrue(repr(smtp.command("MAIL FROM:<a@b>")).startswith("451 4.4.1"))
        self.assertEqual(self.states(), [])
        self.assertIn("upstream not reached", self.server.log())
        # It is sought again when it is needed.
        self.start_upstream(port=self.upstream.port)
        self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 235)

    def hide_vault(self):
        """No keeper, and none can start: not even while the old one is being killed, as gw-proxy starts one when it needs it."""
        (self.vault.path / "format").rename(self.vault.side / "format")
        self.assertTrue(self.vault.kill_keeper())

    def test_without_a_keeper_mail_waits_or_passes_as_the_route_says(self):
        self.route()
        self.route("loose", "--on-copy-failure", "pass")
        self.proxy(listen=("work=127.0.0.1:0", "loose=127.0.0.1:0"))
        self.assertEqual(self.client().deliver("a@x.example", gw.mail(100)).code, 250)
        self.hide_vault()
        smtp = self.client()
        self.assertTrue(repr(smtp.command("MAIL FROM:<a@b>")).startswith("451 4.3.0"))
        self.assertEqual(self.client("loose").deliver("a@x.example", gw.mail(100)).code, 250)
        self.assertIn("mail passed without a copy", self.server.log())
        self.assertEqual(len(self.upstream.messages), 2)
        (self.vault.side / "format").rename(self.vault.path / "format")
        self.assertEqual(smtp.deliver("a@x.example", gw.mail(100)).code, 250)
        self.assertEqual(self.states(), ["live", "live"])

    def test_a_keeper_that_goes_in_the_middle_keeps_the_mail_back(self):
        self.route()
        self.route("loose", "--on-copy-failure", "pass")
        self.proxy(listen=("work=127.0.0.1:0", "loose=127.0.0.1:0"))
        for name, code in (("work", 451), ("loose", 250)):
            smtp = self.client(name)
            self.assertEqual(smtp.envelope("a@x.example").code, 354)
            smtp.send(b"Subject: x\r\n\r\n" + b"y" * 400_000 + b"\r\n")
            self.hide_vault()
            smtp.send(b"z" * 400_000 + b"\r\n.\r\n")
            self.assertEqual(smtp.reply().code, code)
            (self.vault.side / "format").rename(self.vault.path / "format")
        self.assertEqual(len(self.upstream.messages), 1)
        self.assertEqual(self.states(), [])

    def test_a_mailbox_that_takes_nothing_keeps_the_mail_back(self):
        self.route()
        self.proxy()
        self.vault.store("mailbox", "set", "sent", "--quota", "1000")
        smtp = self.client()
        self.assertTrue(repr(smtp.command("MAIL FROM:<a@b> SIZE=2000")).startswith("452 4.2.2"))
        self.assertEqual(smtp.envelope("a@x.example").code, 354)
        self.assertTrue(repr(smtp.body(gw.mail(2000))).startswith("452 4.2.2"))
        self.vault.store("mailbox", "set", "sent", "--status", "suspended")
        self.assertTrue(repr(self.client().command("MAIL FROM:<a@b>")).startswith("451 4.3.0"))
        self.assertEqual(self.upstream.messages, [])


class TlsTest(ProxyTest):
    def setUp(self):
        super().setUp()
        self.files = certificate(self.vault.side)

    def reaches(self, name="work"):
        with gw.Smtp(self.server.address(name)) as smtp:
            return smtp.command(f"AUTH PLAIN {plain()}").code

    def test_the_certificate_must_fit_chain_name_or_pin(self):
        other = certificate(self.vault.side, "other.example")
        for implicit in (False, True):
            fits = self.start_upstream(tls=self.files, implicit=implicit)
            wrong_name, pinned = (self.start_upstream(tls=other, implicit=implicit) for _ in range(2))
            tls = "implicit" if implicit else "starttls"
            cases = {"good": (fits, ["--ca", self.files[0]], 235), "unknown": (fits, [], 454),
                     "name": (wrong_name, ["--ca", other[0]], 454), "chain": (fits, ["--ca", other[0]], 454),
                     "pin": (pinned, ["--pin", fingerprint(other[0])], 235),
                     "other-pin": (fits, ["--pin", fingerprint(other[0])], 454)}
            for name, (upstream, options, _) in cases.items():
                self.route(f"{name}-{tls}", *options, upstream=upstream, tls=tls)
            self.proxy(listen=[f"{name}-{tls}=127.0.0.1:0" for name in cases])
            for name, (upstream, _, code) in cases.items():
                with self.subTest(f"{name} {tls}"):
                    self.assertEqual(self.reaches(f"{name}-{tls}"), code)
            self.assertIn("certificate is not accepted", self.server.log())
            self.assertIn("does not match the pin", self.server.log())
            self.assertFalse(any(c.startswith(b"AUTH") for c in wrong_name.commands))

    def test_nothing_is_said_to_an_upstream_that_takes_tls_away(self):
        for said in (b"454 4.7.0 not now\r\n", b"220 go\r\n250 injected\r\n"):
            upstream = self.start_upstream(tls=self.files)
            upstream.script["starttls"] = said
            self.route("work", "--ca", self.files[0], upstream=upstream, tls="starttls")
            self.proxy()
            self.assertEqual(self.reaches(), 454)
            self.assertFalse(any(c.startswith(b"AUTH") for c in upstream.commands))
            self.server.stop()
            self.vault.store("route", "remove", "work")
        plain_upstream = self.start_upstream()
        self.route("work", upstream=plain_upstream, tls="starttls")
        self.proxy()
        self.assertEqual(self.reaches(), 454)
        self.assertIn("does not offer STARTTLS", self.server.log())

    def test_both_hops_within_tls(self):
        upstream = self.start_upstream(tls=self.files)
        self.route("work", "--ca", self.files[0], upstream=upstream, tls="starttls")
        self.server = self.vault.serve("gw-proxy", listen=("work=127.0.0.1:0", "smtp=127.0.0.1:0,tls"))
        with gw.Smtp(self.server.address("work")) as smtp:
            self.assertNotIn("AUTH", smtp.ehlo.text)
            self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 530)
            self.assertEqual(smtp.command("STARTTLS").code, 220)
            smtp.start_tls()
            self.assertIn("AUTH", smtp.command("EHLO x").text)
            self.assertEqual(smtp.command(f"AUTH PLAIN {plain()}").code, 235)
            self.assertEqual(smtp.deliver("a@x.example", gw.mail(100)).code, 250)
        with gw.Smtp(self.server.address("smtps"), tls=True) as smtp:
            self.assertEqual(smtp.command(f"AUTH PLAIN {plain(LOGIN + '#work')}").code, 235)
            self.assertEqual(smtp.deliver("a@x.example", gw.mail(100)).code, 250)
        self.assertEqual(self.states(), ["live", "live"])

    def test_private_addresses_only_where_the_route_allows_them(self):
        self.route(private=False)
        self.proxy()
        self.assertEqual(self.reaches(), 454)
        self.assertIn("not a public address", self.server.log())
        self.assertEqual(self.upstream.sessions, [])


if __name__ == "__main__":
    gw.main(400)
