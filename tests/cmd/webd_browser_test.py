#!/usr/bin/python3
"""The console in a real browser, over HTTPS: what a person sees and does, from the first sign-in to a mailbox's removal.

GW_SCREENSHOTS: a directory for pictures of the pages, for people to look at.
"""
import base64
import os
import pathlib
import re
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_browser import Browser  # noqa: E402

PASSWORD = "correct horse battery staple"
HOSTILE = """<script>document.title = "owned"; parent.document.title = "owned"</script>
<img src="http://ELSEWHERE/pixel.gif" onerror="document.body.innerHTML='owned'">
<form action="/sign-out" method="post"><button>Shown</button></form><h1>A shown heading</h1>
<link rel="preconnect" href="http://ELSEWHERE/"></head><body><LINK REL='x PreConnect' HREF='http://ELSEWHERE/' />
<table><link rel=preconnect href=http://ELSEWHERE></table><p><link/rel="dns-prefetch preconnect"/href="http://ELSEWHERE/">
<svg><link rel=preconnect href=http://ELSEWHERE/></svg><noscript><link rel=preconnect href=http://ELSEWHERE/></noscript>
<iframe src="http://ELSEWHERE/x"></iframe><iframe srcdoc="<link rel=preconnect href=http://ELSEWHERE/><img src=http://ELSEWHERE/>"></iframe>
<object data="http://ELSEWHERE/x"></object><embed src="http://ELSEWHERE/x"><video src="http://ELSEWHERE/x" autoplay></video>
<div style="background:url(http://ELSEWHERE/x)">x</div><style>@import url(http://ELSEWHERE/x);</style>
<meta http-equiv="refresh" content="0;url=http://ELSEWHERE/x"><frameset><frame src="http://ELSEWHERE/x"></frameset>"""
REPORT = f"""From: journal@example.com\r
To: mbx@gateway.example\r
Subject: A journal report\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
X-MS-Journal-Report:\r
\r
--b\r
Content-Type: text/plain; charset=us-ascii\r
\r
Sender: anna@example.com\r
Subject: <script>alert(1)</script> & more\r
Message-Id: <one@example.com>\r
To: bob@example.org\r
Bcc: secret.recipient@example.org\r
\r
--b\r
Content-Type: message/rfc822\r
\r
From: Anna <anna@example.com>\r
To: Bob <bob@example.org>\r
Subject: <script>alert(1)</script> & more\r
Message-Id: <one@example.com>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=c\r
\r
--c\r
Content-Type: text/html; charset=utf-8\r
\r
{HOSTILE}\r
--c\r
Content-Type: application/pdf; name="offer.pdf"\r
Content-Disposition: attachment; filename="offer.pdf"\r
Content-Transfer-Encoding: base64\r
\r
JVBERi0xLjQK\r
--c--\r
--b--\r
""".encode()


class ConsoleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(host="localhost")
        cls.addClassCleanup(cls.vault.close)
        password = cls.vault.side / "admin-password"
        password.write_text(PASSWORD)
        for name, role, more in (("anna", "administrator", ()), ("vera", "viewer", ()), ("sara", "operator", ("--only", "sales*"))):
            cls.vault.store("admin", "add", name, "--role", role, "--password-file", password, *more)
        cls.vault.add_mailbox("shared")
        cls.vault.add_mailbox("sales-north")
        cls.smtpd, cls.pop3d = cls.vault.smtpd(), cls.vault.pop3d()
        cls.webd = cls.vault.serve("gw-webd", listen=("127.0.0.1:0,tls",))
        host, port = cls.webd.address("https")
        cls.base = f"https://localhost:{port}"
        # Where the hostile mail's picture is: nobody ever connects to it.
        cls.elsewhere = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(cls.elsewhere.close)
        cls.report = REPORT.replace(b"ELSEWHERE", b"127.0.0.1:%d" % cls.elsewhere.getsockname()[1])
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def open(self, **options):
        page = self.browser.open(self.base, **{"locale": "en-GB", **options})
        self.addCleanup(page.close)
        return page

    def sign_in(self, name="anna", **options):
        page = self.open(**options)
        page.goto("/")
        page.fill("Account", name)
        page.fill("Password", PASSWORD)
        page.press("Sign in")
        self.assertEqual(page.path, "/")
        return page

    def picture(self, page, name):
        folder = os.environ.get("GW_SCREENSHOTS")
        if folder:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(str(pathlib.Path(folder) / f"{name}.png"))

    def good(self, page, name):
        """Nothing serious for who cannot see or has no mouse; nothing that the page was kept from doing; a picture."""
        self.picture(page, name)
        serious = [v for v in page.accessibility() if v["impact"] in ("serious", "critical")]
        self.assertEqual(serious, [], name)
        self.assertEqual(page.complaints(), [], name)
        self.assertEqual([url for url in page.asked() if not url.startswith((self.base, "data:"))], [], "nothing from elsewhere")

    def deliver(self, address):
        with gw.Smtp(self.smtpd) as smtp:
            reply = smtp.deliver(address, self.report)
            self.assertEqual(reply.code, 250)
        return re.search(r"[0-9a-f]{32}", reply.text)[0]

    def test_the_way_of_a_mailbox(self):
        page = self.sign_in()
        self.good(page, "overview")
        page.follow("Mailboxes")
        page.follow("New mailbox")
        page.fill("Name", "journal")
        page.fill("Description", "The <b>journal</b> of 2026")
        self.good(page, "new-mailbox")
        page.press("Continue")
        self.good(page, "mailbox-secrets")
        password = page.text(".secret code")
        # It is made only once the tick says that the password was kept.
        page.press("Create the mailbox")
        self.assertEqual(page.path, "/new-mailbox")
        self.assertNotIn("journal", [box["name"] for box in self.vault.json("mailbox", "list")])
        page.check("I have saved it in a safe place.")
        page.press("Create the mailbox")
        self.assertEqual(page.path, "/mailboxes/journal?done=mailbox-made")
        self.good(page, "mailbox-made")
        address = page.text("section code")
        self.assertRegex(address, r"^mbx-[0-9a-f]{32}@localhost$")
        self.assertNotIn(password, page.evaluate("document.documentElement.outerHTML"))
        self.assertIn("The <b>journal</b> of 2026", page.text("main"))

        message = self.deliver(address)
        page.goto("/mailboxes/journal/messages")
        self.assertEqual(page.count(f"a[href$='{message}']"), 1)
        self.good(page, "messages")
        page.click(f"a[href$='{message}']")
        self.assertNotIn("secret.recipient", page.text("main"), "sealed without the password")
        self.good(page, "message-sealed")
        page.fill("Password of the mailbox", "not the password of it")
        page.press("Open the message")
        self.assertNotIn("secret.recipient", page.text("main"))
        page.complaints()  # of the 403
        page.fill("Password of the mailbox", password)
        page.press("Open the message")
        shown = page.text("main")
        self.assertEqual(page.text("h1"), "<script>alert(1)</script> & more")
        for part in ("offer.pdf", "anna@example.com"):
            self.assertIn(part, shown)
        # The HTML part is shown, and neither its script runs nor its picture is fetched.
        frame = page.frame_text("iframe")
        self.assertIn("A shown heading", frame)
        self.assertNotIn("owned", frame)
        self.assertNotIn("owned", page.title())
        page.complaints()  # the browser says what the frame was kept from
        self.elsewhere.settimeout(0)
        with self.assertRaises(BlockingIOError):
            self.elsewhere.accept()
        self.good(page, "message-open")
        got = page.download("form[action$='/attachment'] button")
        self.assertEqual((base64.b64decode(got["content"]), got["name"]), (b"%PDF-1.4\n", "offer.pdf"))
        page.follow("Journal report")
        self.assertIn("secret.recipient@example.org", page.text("main"))
        self.good(page, "message-journal")
        got = page.download("button:has-text('Download as EML')")
        self.assertEqual(base64.b64decode(got["content"]), self.report)
        self.assertEqual(got["name"], f"{message}.eml")

        # The mailbox stays open for a while: its subjects are searched, and nothing is left when it closes.
        page.goto("/mailboxes/journal/messages")
        self.assertNotIn("& more", page.text("main"))
        page.click("summary:has-text('Search subjects')")
        page.fill("Password of the mailbox", password)
        page.press("Open the mailbox")
        self.assertRegex(page.text(".open-mailbox"), r"is open until \d\d:\d\d:\d\d\sUTC \([45]:\d\d\)")
        self.assertIn("& more", page.text("table"))
        self.assertIn("anna@example.com", page.text("table"))
        self.good(page, "mailbox-open")
        page.click("a[data-select-all]")
        self.assertEqual(page.count("input[name=id]:checked"), 1)
        page.goto("/mailboxes/journal/messages?subject=nothing+of+this+kind")
        self.assertIn("No matching messages", page.text("main"))
        page.press("Close the mailbox")
        self.assertNotIn("& more", page.text("main"))

        # The archive takes it; the numbers follow.
        facts = {"id": address[4:36], "name": "journal", "address": address, "password": password}
        with gw.Pop3(self.pop3d, gw.Mailbox(facts, self.vault.side)) as pop3:
            self.assertEqual(pop3.count(), 1)
            pop3.retrieve(1)
            pop3.command("DELE 1")
            pop3.command("QUIT")
        page.goto("/mailboxes/journal/messages")
        self.assertIn("drained", page.text(f"tr:has(a[href$='{message}'])"))
        page.goto("/mailboxes/journal")
        self.assertIn("1 drained message can be brought back", page.text("main"))
        self.good(page, "mailbox")

        # Suspended: mail is refused temporarily. Removed only once it is empty.
        page.agree()
        page.press("Suspend")
        page.wait_for("button:has-text('Resume')")
        self.assertEqual(page.agree(), ["Suspend this mailbox? Mail for it is then refused temporarily (4xx); senders try again later."])
        with gw.Smtp(self.smtpd) as smtp:
            smtp.command("EHLO x")
            smtp.command("MAIL FROM:<a@b.example>")
            self.assertEqual(smtp.command(f"RCPT TO:<{address}>").code // 100, 4)
        page.goto("/mailboxes/journal/remove")
        self.assertIn("Only an empty mailbox can be removed", page.text("main"))
        self.vault.store("message", "remove", "journal", message)
        page.goto("/mailboxes/journal/remove")
        page.fill("Type the name journal to confirm", "journal")
        page.press("Remove permanently")
        self.assertEqual(page.goto("/mailboxes/journal"), 404)
        self.assertIn("console anna from", self.vault.store("history").stdout.decode())

    def test_who_may_not_is_neither_shown_nor_obeyed(self):
        page = self.sign_in("vera")
        page.goto("/mailboxes/shared")
        self.assertEqual(page.count("text=Suspend"), 0)
        self.assertEqual(page.goto("/new-mailbox"), 403)
        self.good_after_refusal(page)
        token = self.token(page)
        said = page.post("/new-mailbox", {"csrf": token, "name": "veras", "grace": "1", "trace": "auto"}, {"Origin": self.base})
        self.assertEqual(said["status"], 403)
        self.assertNotIn("veras", [box["name"] for box in self.vault.json("mailbox", "list")])

    def test_an_account_limited_to_some_mailboxes_sees_no_other(self):
        page = self.sign_in("sara")
        page.goto("/mailboxes")
        text = page.text("main")
        self.assertIn("sales-north", text)
        self.assertNotIn("shared", text)
        self.assertEqual(page.goto("/mailboxes/shared"), 404)

    def token(self, page):
        page.goto("/account")
        return page.value("input[name=csrf]")

    def good_after_refusal(self, page):
        page.complaints()  # the browser notes a 4xx
        self.good(page, "refused")

    def test_another_page_cannot_act_for_who_is_signed_in(self):
        page = self.sign_in()
        token = self.token(page)
        form = {"csrf": token, "name": "forged", "grace": "1", "trace": "auto", "password": PASSWORD, "password-kept": "yes"}
        for case, changed, headers in (
                ("no token", {"csrf": ""}, {"Origin": self.base}), ("another token", {"csrf": "0" * 64}, {"Origin": self.base}),
                ("another origin", {}, {"Origin": "https://elsewhere.example"}), ("no origin", {}, {"Origin": "null"}),
                ("another host", {}, {"Origin": "https://elsewhere.example", "Host": "elsewhere.example"})):
            with self.subTest(case):
                self.assertIn(page.post("/new-mailbox", {**form, **changed}, headers)["status"], (400, 403, 421))
        self.assertEqual(page.get("/sign-out")["status"], 405)
        self.assertNotIn("forged", [box["name"] for box in self.vault.json("mailbox", "list")])
        for cookie in page.cookies():
            self.assertEqual((cookie["name"].startswith("__Host-gw"), cookie["secure"], cookie["httpOnly"], cookie["sameSite"]),
                             (True, True, True, "Strict"))
        headers = page.get("/mailboxes")["headers"]
        policy = headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertIn("max-age", headers["strict-transport-security"])
        # With the token and from here it is done: the tests above failed for their reason.
        self.assertEqual(page.post("/new-mailbox", {**form, "name": "true"}, {"Origin": self.base})["status"], 303)

    def test_three_languages(self):
        for language, title, do in (("en-GB", "Mailboxes", "Sign in"), ("it-IT", "Caselle", "Accedi"), ("de-DE", "Postfächer", "Anmelden")):
            with self.subTest(language):
                page = self.open(locale=language)
                page.goto("/")
                self.assertEqual(page.attribute("html", "lang"), language[:2])
                page.fill_in("input[name=name]", "anna")
                page.fill_in("input[name=password]", PASSWORD)
                page.press(do)
                page.goto("/mailboxes")
                self.assertEqual(page.text("h1"), title)
                for path in ("/", "/mailboxes", "/mailboxes/shared", "/mailboxes/shared/messages", "/routes", "/events", "/tokens", "/account",
                             "/administrators", "/about"):
                    self.assertEqual(page.goto(path), 200, path)
                    self.good(page, f"{language[:2]}{path.replace('/', '-')}")

    def test_dark_on_a_phone_and_without_javascript(self):
        page = self.sign_in(colorScheme="dark", viewport={"width": 390, "height": 844})
        for path in ("/", "/mailboxes", "/mailboxes/shared", "/mailboxes/shared/messages"):
            page.goto(path)
            self.good(page, f"phone{path.replace('/', '-')}")
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 390, f"{path} fits its width")
        # All of the navigation is there, once it is unfolded.
        page.click("label[for=nav-open]")
        page.follow("About")
        self.assertEqual(page.path, "/about")
        plain = self.sign_in(javaScriptEnabled=False)
        plain.follow("Mailboxes")
        plain.follow("New mailbox")
        plain.fill("Name", "without-script")
        plain.press("Continue")
        plain.check("I have saved it in a safe place.")
        plain.press("Create the mailbox")
        self.assertEqual(plain.path, "/mailboxes/without-script?done=mailbox-made")

    def test_the_keyboard_alone_signs_in(self):
        page = self.open()
        page.goto("/")
        page.fill("Account", "anna")
        page.fill("Password", PASSWORD)
        page.key("Enter")
        page.wait_for("h1:has-text('Overview')")
        page.key("Tab")
        self.assertEqual(page.evaluate("document.activeElement.textContent.trim()"), "Skip to the content")


if __name__ == "__main__":
    gw.main()
