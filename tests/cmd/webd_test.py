#!/usr/bin/python3
"""gw-webd and gw-store admin: signing in over HTTPS to the real vault, accounts changed under the console's eyes."""
import pathlib
import signal
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_web  # noqa: E402


class WebdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault()
        cls.password = cls.vault.add_account("anna")
        cls.webd = cls.vault.webd(listen=("127.0.0.1:0,tls", "127.0.0.1:0"))

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def browser(self, **more):
        return gw_web.Browser(self.webd, **more)

    def test_signing_in_over_https(self):
        browser = self.browser()
        self.assertEqual(browser.get("/").status, 303)
        page = browser.get("/sign-in")
        self.assertEqual(page.status, 200)
        self.assertIn("max-age", page.headers["Strict-Transport-Security"])
        done = browser.sign_in("anna", self.password)
        self.assertEqual((done.status, done.location), (303, "/"))
        self.assertIn("__Host-gw", browser.cookies)
        page = browser.get("/account")
        self.assertIn("anna", page.text)
        self.assertEqual(browser.post("/sign-out").status, 303)
        self.assertEqual(browser.get("/account").status, 303)

    def test_plain_http_works_on_loopback_with_its_own_cookie(self):
        browser = self.browser(protocol="http")
        page = browser.get("/sign-in")
        self.assertIn("not encrypted", page.text)
        self.assertNotIn("Strict-Transport-Security", page.headers)
        self.assertEqual(browser.sign_in("anna", self.password).status, 303)
        self.assertEqual(sorted(browser.cookies), ["gw", "gw-browser"])

    def test_plain_http_beyond_this_host_is_a_configuration_error(self):
        done = self.vault.tool("gw-webd", "--listen", "0.0.0.0:0", status=78)
        self.assertIn(b"without TLS", done.stderr)

    def test_a_trusted_web_server_says_who_asks(self):
        webd = self.vault.webd("--trusted-proxy", "127.0.0.1", listen=("127.0.0.1:0",))
        headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
        browser = gw_web.Browser(webd, protocol="http")
        form = {"name": "anna", "password": self.password, "next": "/"}
        self.assertEqual(browser.ask("POST", "/sign-in", form, headers).status, 303)
        self.assertEqual(sorted(browser.cookies), ["__Host-gw", "__Host-gw-browser"])
        self.assertIn("max-age", browser.get("/account", headers=headers).headers["Strict-Transport-Security"])
        gw.until(lambda: "signed in user=anna rhost=198.51.100.7" in webd.log(), "the line")
        self.vault.tool("gw-webd", "--trusted-proxy", "nonsense", "--listen", "127.0.0.1:0", status=64)

    def test_who_guesses_behind_a_web_server_keeps_nobody_out(self):
        token = self.vault.json("token", "add", "reader")[0]["token"]
        webd = self.vault.webd(listen=("127.0.0.1:0",))
        guesser = gw_web.Browser(webd, protocol="http")
        for number in range(8):
            guesser.sign_in(f"nobody-{number}", "a wrong password")
            guesser.get("/api/v1/mailboxes", headers={"Authorization": "Bearer gw_reader_" + "a" * 32})
        self.assertEqual(gw_web.Browser(webd, protocol="http").sign_in("anna", self.password).status, 303)
        self.assertEqual(guesser.get("/api/v1/mailboxes", headers={"Authorization": "Bearer " + token}).status, 200)
        self.assertEqual(guesser.get("/metrics", headers={"Authorization": "Bearer " + token}).status, 200)

    def test_bodies_that_never_end_take_little_memory_and_no_locked_one(self):
        webd = self.vault.webd(listen=("127.0.0.1:0",))
        gw_web.Browser(webd, protocol="http").get("/sign-in")
        before = gw.resident(webd.process.pid), gw.resident(webd.process.pid, "VmLck")
        held = []
        for number in range(400):
            # From several addresses: one has at most 250 connections.
            held.append(socket.create_connection(webd.address("http"), source_address=(f"127.0.0.{2 + number // 200}", 0)))
            self.addCleanup(held[-1].close)
            head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            held[-1].sendall(f"{head}Content-Length: 8192\r\n\r\n".encode() + b"x" * 8191)
        # All of them are being read: one that is whole is answered.
        self.assertEqual(gw_web.Browser(webd, protocol="http").sign_in("anna", self.password).status, 303)
        self.assertLess(gw.resident(webd.process.pid) - before[0], 100 << 20)
        self.assertLess(gw.resident(webd.process.pid, "VmLck") - before[1], 1 << 20)
        long = socket.create_connection(webd.address("http"), source_address=("127.0.0.9", 0))
        self.addCleanup(long.close)
        long.settimeout(gw.WAIT)
        long.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode())
        self.assertIn(b" 413 ", long.recv(4096))

    def test_a_new_password_of_a_mailbox_is_known_before_it_is_in_force(self):
        box = self.vault.add_mailbox("shown-first")
        browser = self.browser()
        browser.sign_in("anna", self.password)
        path = "/mailboxes/shown-first/password"
        proposed = gw_web.Inputs(browser.get(path).text).values["proposed"]
        new = self.vault.side / "proposed"
        new.write_text(proposed + "\n")

        def opens(password_file):
            status = self.vault.store("mailbox", "key", "shown-first", "--password-file", password_file, status=(0, 77))
            return status.returncode == 0
        self.assertEqual((opens(box.password_file), opens(new)), (True, False))
        form = {"old": box.password, "proposed": proposed, "fresh": "", "again": "", "recovery": ""}
        self.assertEqual(browser.post(path, form).status, 400)
        self.assertEqual((opens(box.password_file), opens(new)), (True, False))
        self.assertEqual(browser.post(path, {**form, "proposed-kept": "yes"}).status, 303)
        self.assertEqual((opens(box.password_file), opens(new)), (False, True))

    def test_an_unknown_host_is_not_answered_to(self):
        self.assertEqual(self.browser(host="evil.example").get("/sign-in").status, 421)
        self.assertEqual(self.browser(host="gateway.example.com").get("/sign-in").status, 200)
        self.assertEqual(self.browser(host="evil.example").get("/healthz").body, b"ok\n")

    def test_a_failed_sign_in_is_a_line_for_fail2ban(self):
        self.browser().sign_in("mallory", "guess")
        gw.until(lambda: "login failed rhost=127.0.0.1 reason=password" in self.webd.log(), "the line")
        for typed in ("mallory", "guess"):
            self.assertNotIn(typed, self.webd.log())

    def test_accounts_are_made_changed_and_removed_without_a_stop(self):
        password = self.vault.add_account("ben", "viewer", "--only", "sales-*", "--language", "it")
        listed = {each["name"]: each for each in self.vault.json("admin", "list")}
        self.assertEqual((listed["ben"]["role"], listed["ben"]["only"], listed["ben"]["language"]),
                         ("viewer", ["sales-*"], "it"))
        browser = self.browser()
        browser.sign_in("ben", password)
        self.assertIn('lang="it"', browser.get("/account").text)
        self.vault.store("admin", "set", "ben", "--role", "operator", "--language", "en")
        self.assertIn("operator", browser.get("/account").text)
        fresh = self.vault.json("admin", "passwd", "ben")[0]["password"]
        self.assertEqual(browser.get("/account").status, 303)
        self.assertEqual(browser.sign_in("ben", fresh).status, 303)
        self.vault.store("admin", "set", "ben", "--disabled", "on")
        self.assertEqual(browser.get("/account").status, 303)
        self.vault.store("admin", "set", "ben", "--disabled", "off")
        self.assertEqual(browser.sign_in("ben", fresh).status, 303)
        self.vault.store("admin", "remove", "ben")
        self.assertEqual(browser.get("/account").status, 303)
        actors = [leaf["actor"] for leaf in self.vault.json("history") if leaf["type"] == "admin"]
        for what in ("account ben: added, viewer", "account ben: password reset", "account ben: disabled",
                     "account ben: removed"):
            self.assertTrue(any(what in actor for actor in actors), (what, actors))
        self.vault.store("admin", "show", "ben", status=64)

    def test_the_last_administrator_goes_by_force_only(self):
        with gw.Vault(tls=False) as vault:
            vault.add_account("root")
            for change in (("remove", "root"), ("set", "root", "--disabled", "on"), ("set", "root", "--role", "viewer"),
                           ("set", "root", "--only", "a*")):
                done = vault.store("admin", *change, status=77)
                self.assertIn(b"--force", done.stderr)
            vault.store("admin", "set", "root", "--language", "de")
            vault.store("admin", "set", "root", "--disabled", "on", "--force")
            vault.store("admin", "remove", "root")
            vault.add_account("anna")
            vault.store("admin", "remove", "anna", "--force")
            self.assertEqual(vault.json("admin", "list"), [])

    def test_what_cannot_be_an_account_is_refused(self):
        self.vault.store("admin", "add", "Anna", "--role", "viewer", status=64)
        self.vault.store("admin", "add", "x", "--role", "king", status=64)
        self.vault.store("admin", "add", "x", "--role", "viewer", "--only", "a/b", status=64)
        self.vault.store("admin", "add", "anna", "--role", "viewer", status=73)
        self.vault.store("admin", "passwd", "nobody", status=66)
        short = self.vault.side / "short"
        short.write_text("short\n")
        self.vault.store("admin", "add", "x", "--role", "viewer", "--password-file", short, status=65)

    def test_a_keeper_that_was_killed_is_started_again(self):
        browser = self.browser()
        browser.sign_in("anna", self.password)
        self.vault.kill_keeper()
        gw.until(lambda: browser.get("/account").status == 200, "the console answers again")

    def test_a_reload_takes_the_new_certificate(self):
        vault = gw.Vault()
        self.addCleanup(vault.close)
        webd = vault.webd()
        first = gw_web.Browser(webd).connection()
        first.connect()
        old = first.sock.getpeercert(True)
        first.close()
        other = gw.Vault()
        self.addCleanup(other.close)
        for name in ("certificate.pem", "key.pem"):
            (vault.path / "tls" / name).write_bytes((other.path / "tls" / name).read_bytes())
        webd.process.send_signal(signal.SIGHUP)

        def fresh():
            connection = gw_web.Browser(webd).connection()
            connection.connect()
            shown = connection.sock.getpeercert(True)
            connection.close()
            return shown != old
        gw.until(fresh, "the new certificate")
        self.assertEqual(webd.stop(), 0)


if __name__ == "__main__":
    gw.main()
