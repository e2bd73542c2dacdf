#!/usr/bin/python3
"""The API of gw-webd as a program uses it: over TLS, with tokens, every answer held against the OpenAPI document; and
its fields against those of gw-store's --json."""
import json
import pathlib
import re
import socket
import ssl
import sys
import unittest
import urllib.error
import urllib.request

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
import gw_web  # noqa: E402

MAIL = gw.mail(2000, "api")


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault()
        cls.addClassCleanup(cls.vault.close)
        cls.box = cls.vault.add_mailbox("journal")
        cls.smtp = f"127.0.0.1:{gw_peers.free_port()}"
        cls.smtpd = cls.vault.smtpd(listen=(cls.smtp,))
        config = cls.vault.side / "gw.toml"
        config.write_text(f'[smtpd]\nlisten = ["{cls.smtp}"]\n')
        cls.webd = cls.vault.serve("gw-webd", "--config", config, listen=("127.0.0.1:0,tls",))
        root = cls.vault.json("admin", "add", "root", "--role", "administrator")[0]
        cls.browser = gw_web.Browser(cls.webd)
        assert cls.browser.sign_in("root", root["password"]).status == 303
        cls.base = "https://%s:%d" % cls.webd.address("https")
        cls.tokens = {scope: cls.token_of_the_console(scope) for scope in ("read", "operate", "administer")}
        cls.context = ssl.create_default_context()
        cls.context.check_hostname = False
        cls.context.verify_mode = ssl.CERT_NONE
        cls.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=cls.context))
        cls.document = json.loads(cls.ask("GET", "/api/v1/openapi.json", token=None)[2])
        cls.asked = set()

    @classmethod
    def token_of_the_console(cls, scope):
        form = {"name": scope, "scope": scope, "only": "", "days": ""}
        token = re.search(rf"gw_{scope}_[a-z2-7]{{32}}", cls.browser.post("/new-token", form).text)[0]
        assert cls.browser.post("/new-token", {**form, "token": token, "token-kept": "yes"}).status == 303
        return token

    @classmethod
    def ask(cls, method, target, body=None, token="administer", headers=None):
        request = urllib.request.Request(cls.base + target, method=method, headers=headers or {})
        if token is not None:
            request.add_header("Authorization", "Bearer " + cls.tokens.get(token, token))
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with cls.opener.open(request, timeout=gw.WAIT) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()

    def described(self, method, target):
        """The document's operation for a request."""
        for path, operations in self.document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", path)
            if re.fullmatch(pattern, target.split("?")[0]) and method.lower() in operations:
                self.asked.add((path, method.lower()))
                return operations[method.lower()]
        self.fail(f"{method} {target} is not in the document")

    def call(self, method, target, body=None, status=200, token="administer"):
        """The answer's JSON, which must be what the document says of it."""
        operation = self.described(method, target)
        got, headers, octets = self.ask(method, target, body, token)
        self.assertEqual(got, status, gw.shown(octets))
        if status == 204:
            self.assertEqual(octets, b"")
            return None
        answer = json.loads(octets)
        response = operation["responses"].get(str(status), operation["responses"]["default"])
        schema = response["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": self.document["components"]}).validate(answer)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertNotIn("Set-Cookie", headers)
        return answer

    def test_document_is_well_formed_and_names_what_there_is(self):
        self.assertEqual(self.document["openapi"], "3.1.0")
        for schema in self.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(self.document)))
        self.assertLessEqual(references, set(self.document["components"]["schemas"]))
        names = [o["operationId"] for path in self.document["paths"].values() for o in path.values()]
        self.assertEqual(len(names), len(set(names)))
        for path, operations in self.document["paths"].items():
            for operation in operations.values():
                said = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
                self.assertEqual(said, set(re.findall(r"\{(\w+)\}", path)))

    def test_every_operation_answers_as_the_document_says(self):
        self.whole_life_of_a_mailbox()
        self.routes()
        self.tokens_and_accounts()
        everything = {(path, method) for path, operations in self.document["paths"].items() for method in operations}
        self.described("GET", "/api/v1/openapi.json")
        self.assertEqual(everything - self.asked, set(), "operations that this test does not ask")

    def secret(self, kind, **more):
        return self.call("POST", "/api/v1/secrets", {"kind": kind, **more})["secret"]

    def whole_life_of_a_mailbox(self):
        password = self.secret("password")
        made = self.call("POST", "/api/v1/mailboxes",
                         {"name": "acme-mail", "description": "Akte", "trace": "off", "password": password}, 201)
        printed = self.vault.json("mailbox", "add", "other-mail", "--smtp-auth")[0]
        self.assertEqual(set(printed) - {"password", "token"}, set(made))
        box = "/api/v1/mailboxes/acme-mail"
        self.assertEqual(self.call("GET", box), self.vault.json("mailbox", "show", "acme-mail")[0])
        self.assertEqual(self.call("GET", "/api/v1/mailboxes")["items"], self.vault.json("mailbox", "list"))
        recipe = self.call("GET", box + "/recipes?for=mpop&host=mx.example&port=995", token="read")["items"]
        printed = self.vault.store("mailbox", "profile", "acme-mail", "--for", "mpop", "--host", "mx.example", "--port", "995")
        self.assertEqual(recipe, [{"kind": "profile", "for": "mpop", "text": printed.stdout.decode()}])
        with gw.Smtp(self.smtpd) as smtp:
            self.assertEqual(smtp.deliver(made["address"], MAIL).code, 250)
        listed = self.call("GET", box + "/messages", token="read")["items"]
        self.assertEqual(listed, self.vault.json("message", "list", "acme-mail"))
        message = f"{box}/messages/{listed[0]['id']}"
        self.assertEqual(self.call("GET", message), listed[0])

        opened = self.call("POST", message + "/open", {"password": password}, token="read")
        self.assertIn("api", json.dumps(opened["fields"]))
        secret = self.vault.side / "acme.password"
        secret.write_text(password + "\n")
        secret.chmod(0o600)
        envelope = self.call("POST", message + "/open", {"password": password, "form": "envelope"})
        self.assertEqual([envelope], self.vault.json("message", "show", "acme-mail", listed[0]["id"], "--envelope",
                                                     "--password-file", secret))
        status, headers, octets = self.ask("POST", message + "/open", {"password": password, "form": "eml"})
        self.assertEqual((status, headers["Content-Type"]), (200, "message/rfc822"))
        self.assertTrue(octets.endswith(MAIL), "what was sent, behind the trace lines")
        self.call("POST", message + "/open", {"password": "x" * 16}, 403)

        changed = self.call("POST", box + "/messages/change", {"change": "quarantine", "ids": [listed[0]["id"]]})
        self.assertEqual([each["result"] for each in changed["items"]], ["ok"])
        unknown = "0" * 32
        failed = self.call("POST", box + "/messages/change", {"change": "quarantine", "ids": [unknown]})["items"]
        self.assertEqual([each["id"] for each in failed], [unknown])
        self.assertEqual(set(failed[0]), set(changed["items"][0]))
        self.assertEqual(self.call("GET", box + "/messages?state=quarantined")["items"][0]["id"], listed[0]["id"])
        rotated = self.call("POST", box + "/rotate", {"password": password})
        self.assertEqual(rotated["generation"], 2)
        keys = self.vault.json("mailbox", "key", "acme-mail", "--password-file", secret)
        self.assertEqual(set(keys[0]) - {"identity"}, set(rotated))
        self.assertEqual(set(self.vault.json("mailbox", "rotate", "acme-mail", "--password-file", secret)[0]), set(rotated))
        fresh = self.secret("password")
        self.assertNotEqual(fresh, password)
        self.call("POST", box + "/password", {"password": password, "new_password": fresh}, 204)

        events = self.call("GET", "/api/v1/events?mailbox=acme-mail")["items"]
        self.assertEqual(events, self.vault.json("history", "acme-mail")[::-1])
        self.assertTrue(any(e["actor"].startswith("uid=") and "api administer from 127.0.0.1" in e["actor"] for e in events),
                        events)
        self.call("GET", "/api/v1/events?limit=1")
        self.assertEqual(self.call("GET", "/api/v1/status", token="read")["live"], 0)
        checkpoint = self.call("POST", "/api/v1/checkpoint")
        self.assertIn("\n— gw/", checkpoint["note"])
        self.assertEqual(checkpoint["key"], self.vault.store("checkpoint", "--public-key").stdout.decode().strip())
        note = self.vault.side / "note"
        note.write_text(checkpoint["note"])
        self.vault.store("verify", "--against", note, "--public-key", checkpoint["key"])
        self.vault.store("verify")
        status = self.call("GET", "/api/v1/status", token="read")
        said = self.vault.json("status")[0]
        self.assertEqual(set(said) - {"path"}, set(status))
        for field in ("last_verify", "last_verify_findings", "last_backup", "checkpoint_key"):
            self.assertEqual(status[field], said[field])
        self.assertEqual(said["last_verify_findings"], 0)
        for each in said["servers"] + status["servers"]:
            self.assertEqual(set(each), set(self.document["components"]["schemas"]["ServerStats"]["properties"]))

        tried = self.call("POST", "/api/v1/test-deliveries", {"mailbox": "journal"})
        self.assertTrue(tried["delivered"], tried)
        self.assertEqual(tried["tls"]["version"], "TLSv1.3")
        self.assertIn("self", tried["certificate"]["verdict"])
        self.assertEqual(tried["dialog"][0]["from"], "server")
        self.assertIn(tried["message"], json.dumps(self.vault.json("message", "list", "journal")))
        printed = self.vault.json("mailbox", "test", "journal", "--server", self.smtp)[0]
        self.assertEqual(set(printed), set(tried))
        self.assertEqual(set(printed["certificate"]), set(tried["certificate"]))
        self.call("POST", "/api/v1/test-deliveries", {"mailbox": "journal", "server": "192.0.2.1:25"}, 422)

        self.call("PATCH", box, {"status": "suspended", "quota": 1 << 20})
        hint = self.call("DELETE", box, status=409)["error"]["hint"]
        self.assertEqual(hint, "first remove its messages, also drained and quarantined ones")
        self.call("POST", box + "/messages/change", {"change": "remove", "ids": [listed[0]["id"]]})
        self.call("DELETE", box, status=204)
        self.call("GET", box, status=404)
        log = self.webd.log()
        for text in (password, fresh, *self.tokens.values()):
            self.assertNotIn(text, log)

    def routes(self):
        host, port = self.smtp.split(":")
        said = {"name": "work", "protocol": "smtp", "upstream": self.smtp, "tls": "starttls", "mailbox": "journal",
                "map": [{"login": "*@sales.example", "mailbox": "journal"}]}
        made = self.call("POST", "/api/v1/routes", said, 201)
        self.assertEqual([made], self.vault.json("route", "show", "work"))
        self.call("POST", "/api/v1/routes", said, 409)
        self.assertEqual(self.call("GET", "/api/v1/routes")["items"], [made])
        self.assertEqual(self.call("GET", "/api/v1/routes/work"), made)
        tested = self.call("POST", "/api/v1/routes/work/test")
        self.assertFalse(tested["works"])
        self.assertIsNone(tested["tls"], "a private address is not connected to unasked")
        self.assertTrue(self.call("PATCH", "/api/v1/routes/work", {"allow_private": True})["allow_private"])
        tested = self.call("POST", "/api/v1/routes/work/test")
        self.assertFalse(tested["works"], "a self-signed certificate is not accepted")
        self.assertIn("self", tested["certificate"]["verdict"])
        self.call("PATCH", "/api/v1/routes/work", {"pin": tested["certificate"]["sha256"]})
        tested = self.call("POST", "/api/v1/routes/work/test")
        self.assertTrue(tested["works"], tested)
        self.assertIn("PIPELINING", tested["capabilities"])
        printed = self.vault.json("route", "test", "work")[0]
        self.assertEqual({**printed, "took_ms": 0}, {**tested, "took_ms": 0})
        self.assertEqual(self.call("GET", "/api/v1/status")["routes"], self.vault.json("status")[0]["routes"])
        self.call("PATCH", "/api/v1/routes/work", {"pin": None, "upstream": "nonsense"}, 422)
        self.call("PATCH", "/api/v1/routes/work", {"nonsense": 1}, 400)
        self.call("DELETE", "/api/v1/routes/work", status=204)

    def tokens_and_accounts(self):
        short = self.secret("api_token", name="short")
        self.call("GET", "/api/v1/mailboxes", status=401, token=short)
        made = self.call("POST", "/api/v1/tokens", {"name": "short", "scope": "read", "only": ["acme-*"], "token": short}, 201)
        self.assertIn(made, self.call("GET", "/api/v1/tokens")["items"])
        self.assertEqual(self.call("GET", "/api/v1/mailboxes", token=short)["items"], [])
        self.call("GET", "/api/v1/mailboxes/journal", status=404, token=short)
        self.call("DELETE", "/api/v1/tokens/short", status=204)
        self.call("GET", "/api/v1/mailboxes", status=401, token=short)
        self.call("POST", "/api/v1/tokens", {"name": "more", "scope": "administer", "token": "x"}, 403, token="operate")

        first, second = self.secret("password"), self.secret("password")
        self.call("POST", "/api/v1/accounts", {"name": "anna", "role": "viewer", "language": "it", "password": first}, 201)
        self.assertEqual(gw_web.Browser(self.webd).sign_in("anna", first).status, 303)
        accounts = self.call("GET", "/api/v1/accounts")["items"]
        self.assertEqual([a["name"] for a in accounts], ["anna", "root"])
        self.assertEqual(accounts, self.vault.json("admin", "list"))
        self.assertEqual(self.call("PATCH", "/api/v1/accounts/anna", {"role": "operator"})["role"], "operator")
        self.call("POST", "/api/v1/accounts/anna/password", {"new_password": second})
        self.assertEqual(gw_web.Browser(self.webd).sign_in("anna", first).status, 403)
        self.assertEqual(gw_web.Browser(self.webd).sign_in("anna", second).status, 303)
        self.call("DELETE", "/api/v1/accounts/anna", status=204)

    def test_tokens_are_made_listed_and_revoked_on_the_host(self):
        made = self.vault.json("token", "add", "nagios", "--only", "acme-*", "--expires", "2999-01-01")[0]
        secret = made.pop("token")
        self.assertRegex(secret, r"^gw_nagios_[a-z2-7]{32}$")
        self.assertEqual((made["scope"], made["only"], made["made_by"]), ("read", ["acme-*"], "gw-store"))
        self.assertIn(made, self.vault.json("token", "list"))
        self.assertIn(made, self.call("GET", "/api/v1/tokens")["items"])
        listed = self.vault.store("token", "list").stdout.decode()
        self.assertRegex(listed, r"nagios +read +acme-\* ")
        self.assertNotIn(secret, listed)
        self.call("GET", "/api/v1/mailboxes", token=secret)
        self.vault.store("token", "add", "nagios", status=73)
        self.vault.store("token", "revoke", "nagios")
        self.call("GET", "/api/v1/mailboxes", status=401, token=secret)
        self.assertIn(b"token list", self.vault.store("token", "revoke", "nagios", status=66).stderr)
        text = self.vault.store("token", "add", "worker", "--scope", "operate").stdout.decode()
        secret = re.search(r"gw_worker_\w+", text)[0]
        self.call("POST", "/api/v1/tokens", {"name": "x", "scope": "read", "token": "x"}, 403, token=secret)
        self.vault.store("token", "revoke", "worker")
        for wrong in (["No"], ["x", "--only", "a/b"], ["x", "--expires", "2001-01-01"], ["x", "--scope", "king"]):
            self.vault.store("token", "add", *wrong, status=64)
        actors = [leaf["actor"] for leaf in self.vault.json("history") if leaf["type"] == "admin"]
        for what in ("gw-store, token nagios: created, read", "gw-store, token nagios: revoked"):
            self.assertTrue(any(actor.endswith(what) for actor in actors), (what, actors))

    def test_no_cookie_and_no_form_does_anything(self):
        status, headers, _ = self.ask("GET", "/api/v1/status", token=None, headers={"Cookie": "__Host-gw=" + "a" * 64})
        self.assertEqual(status, 401)
        self.assertIn("Bearer", headers["WWW-Authenticate"])
        request = urllib.request.Request(self.base + "/api/v1/mailboxes", data=b"name=x", method="POST")
        request.add_header("Authorization", "Bearer " + self.tokens["administer"])
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.opener.open(request, timeout=gw.WAIT)
        self.assertEqual(refused.exception.code, 415)
        refused.exception.close()

    def test_a_body_of_more_than_a_mebibyte_is_not_read(self):
        # The head alone is answered: who sends the rest may find the connection closed.
        address = self.webd.address("https")
        head = (f"PATCH /api/v1/mailboxes/journal HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {self.tokens['administer']}\r\nContent-Length: {(1 << 20) + 1}\r\n\r\n")
        with socket.create_connection(address, gw.WAIT) as plain, self.context.wrap_socket(plain) as client:
            client.sendall(head.encode())
            self.assertRegex(client.recv(100), rb"^HTTP/1\.1 413 ")


if __name__ == "__main__":
    gw.main()
