#!/usr/bin/python3
"""gw-store route: made, shown, changed, moved to another vault; what cannot be is refused."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_smtp_upstream import SmtpUpstream, certificate  # noqa: E402

PIN = "ab" * 32


class RouteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("sent")
        cls.sales = cls.vault.add_mailbox("sales")

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def add(self, name, *more, status=0, upstream="smtp.example.com:587", protocol="smtp", tls="starttls", mailbox="sent"):
        return self.vault.store("route", "add", name, "--protocol", protocol, "--upstream", upstream, "--tls", tls,
                                "--mailbox", mailbox, *more, status=status)

    def show(self, name):
        return self.vault.json("route", "show", name)[0]

    def test_a_route_is_shown_as_it_was_said(self):
        self.add("said", "--map", "*@sales.example=sales", "--map", "a=b=sent", "--login", "*@example.com",
                 "--clients", "192.0.2.0/24", "--ca", "/etc/own.pem", "--allow-private", "--on-copy-failure", "pass",
                 "--description", "Büro", "--pin", ":".join([PIN[:2]] * 32).upper())
        self.assertEqual(self.show("said"), {
            "name": "said", "protocol": "smtp", "upstream": "smtp.example.com:587", "tls": "starttls",
            "ca": "/etc/own.pem", "pin": PIN, "mailbox": "sent",
            "map": [{"login": "*@sales.example", "mailbox": "sales"}, {"login": "a=b", "mailbox": "sent"}],
            "logins": ["*@example.com"], "clients": ["192.0.2.0/24"], "allow_private": True,
            "on_copy_failure": "pass", "uncopied_delete": "copy", "description": "Büro"})
        shown = self.vault.store("route", "show", "said").stdout.decode()
        self.assertIn("*@sales.example to sales", shown)
        self.assertIn("said", self.vault.store("route", "list").stdout.decode())

    def test_what_is_set_changes_and_the_rest_stays(self):
        self.add("set", "--login", "a@*", "--login", "b@*")
        self.vault.store("route", "set", "set", "--upstream", "[2001:db8::1]:465", "--tls", "implicit")
        self.vault.store("route", "set", "set", "--login", "", "--allow-private", "on", "--mailbox", self.sales.id)
        facts = self.show("set")
        self.assertEqual((facts["upstream"], facts["tls"], facts["logins"], facts["allow_private"], facts["mailbox"]),
                         ("[2001:db8::1]:465", "implicit", [], True, "sales"))

    def test_each_change_is_in_the_vaults_history(self):
        def leaves():
            return [leaf for leaf in self.vault.json("history") if leaf["type"] == "route"]
        before = len(leaves())
        self.add("noted")
        self.vault.store("route", "set", "noted", "--upstream", "other.example:587")
        self.vault.store("route", "set", "noted", "--upstream", "other.example:587")  # nothing new
        self.vault.store("route", "remove", "noted")
        self.assertEqual(len(leaves()) - before, 3)
        changed = leaves()[-2]["actor"]
        self.assertTrue(changed.endswith("gw-store, route noted: upstream smtp.example.com:587 -> other.example:587"), changed)
        self.vault.store("route", "show", "noted", status=66)
        self.vault.store("verify")

    def test_what_cannot_be_is_refused(self):
        self.add("once")
        self.add("once", status=73)
        for name in ("smtp", "pop3s", "Upper", "a b", "", ".."):
            self.add(name, status=64)
        for upstream in ("host", "host:0", "2001:db8::1:25", "a b:25"):
            self.add("wrong", upstream=upstream, status=64)
        self.add("wrong", mailbox="nobody", status=67)
        self.add("wrong", "--map", "sales", status=64)
        self.add("wrong", "--map", "*=nobody", status=67)
        self.add("wrong", "--pin", "abc", status=64)
        self.add("wrong", "--clients", "192.0.2.0/40", status=64)
        self.add("wrong", "--clients", "192.0.2.0/24", protocol="pop3", status=64)
        self.add("wrong", tls="perhaps", status=64)
        self.add("wrong", "--pin", PIN, tls="none", status=64)
        self.vault.store("route", "add", "wrong", "--protocol", "smtp", "--upstream", "a:1", status=64)
        self.vault.store("route", "set", "nothing", "--tls", "none", status=66)
        self.vault.store("route", "show", "wrong", status=66)

    def test_a_ca_file_that_is_missing_is_warned_of(self):
        missing = self.vault.side / "missing.pem"
        warning = f"warning: no mail passes by route `ca` until there is a CA file {missing}".encode()
        self.assertIn(warning, self.add("ca", "--ca", missing).stderr)
        self.assertIn(warning, self.vault.store("route", "set", "ca", "--ca", missing).stderr)
        missing.write_text("")
        self.assertEqual(self.vault.store("route", "set", "ca", "--ca", missing).stderr, b"")

    def test_a_route_is_tested_as_gw_proxy_uses_it(self):
        with SmtpUpstream(tls=certificate(self.vault.side)) as upstream:
            self.add("tested", upstream=upstream.address)
            done = self.vault.store("route", "test", "tested", status=69)
            self.assertIn(b"gw-proxy cannot use route `tested`: ", done.stderr)  # a private address
            self.assertIn(b"hint: gw-store route set tested --allow-private on\n", done.stderr)
            self.vault.store("route", "set", "tested", "--allow-private", "on")
            tested = json.loads(self.vault.store("route", "test", "tested", "--json", status=69).stdout)
            self.assertFalse(tested["works"])
            self.assertIn("self", tested["certificate"]["verdict"])
            self.vault.store("route", "set", "tested", "--pin", tested["certificate"]["sha256"])
            shown = self.vault.store("route", "test", "tested").stdout.decode()
            self.assertRegex(shown, r"(?m)^TLS +TLSv1")
            self.assertRegex(shown, r"(?m)^capability +\S")
        self.vault.store("route", "test", "tested", status=69)

    def test_routes_move_to_another_vault(self):
        self.add("moved", "--map", "*@sales.example=sales", "--clients", "2001:db8::/32")
        exported = self.vault.store("route", "export").stdout
        with gw.Vault(tls=False) as other:
            other.add_mailbox("sent")
            refused = other.store("route", "import", input=exported, status=3).stderr.decode()
            self.assertIn("sales", refused)
            other.add_mailbox("sales")
            other.store("route", "import", "-", input=exported)
            self.assertEqual(other.store("route", "export").stdout, exported)
            other.store("route", "import", input=exported)
            changed = exported.replace(b'"upstream":"smtp.example.com:587"', b'"upstream":"other.example:25"')
            other.store("route", "import", input=changed, status=3)
            self.assertEqual(other.store("route", "export").stdout, exported)
            file = other.side / "routes"
            file.write_bytes(changed)
            other.store("route", "import", file, "--replace")
            self.assertEqual(other.store("route", "export").stdout, changed)
            wrong = [b"no json", b"[]", b'{"name":"x"}', b'{"name":5}', b'{"name":"x","map":[5]}',
                     json.dumps({"name": "x", "protocol": "smtp", "upstream": "a:1", "tls": "none"}).encode()]
            told = other.store("route", "import", input=b"\n".join(wrong), status=3).stderr
            for number in range(1, len(wrong) + 1):
                self.assertIn(b"line %d:" % number, told)

    def test_names_alone_have_a_nul_behind_each(self):
        self.add("nul")
        self.assertIn(b"nul", self.vault.store("route", "list", "-0").stdout.split(b"\0"))


if __name__ == "__main__":
    gw.main()
