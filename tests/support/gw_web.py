"""A browser for tests of the real gw-webd: cookies, redirects and forms with their token, with or without HTTPS.

    webd = vault.webd()
    browser = gw_web.Browser(webd)
    browser.sign_in("anna", password)
    page = browser.get("/mailboxes")
"""
import http.client
import html.parser
import re
import ssl
import urllib.parse


class Page:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")

    @property
    def location(self):
        return self.headers.get("Location", "")

    def __repr__(self):
        return f"{self.status} {self.location} {self.text[:2000]}"


class Inputs(html.parser.HTMLParser):
    """Collects the values of a page's inputs by their names."""

    def __init__(self, text):
        super().__init__()
        self.values = {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        facts = dict(attributes)
        if tag == "input" and "name" in facts:
            self.values[facts["name"]] = facts.get("value") or ""


class Browser:
    def __init__(self, server, protocol="https", host=None):
        self.address = server.address(protocol)
        self.protocol = protocol
        self.host = host or f"localhost:{self.address[1]}"
        self.cookies = {}
        self.csrf = ""

    def connection(self):
        if self.protocol == "http":
            return http.client.HTTPConnection(*self.address, timeout=30)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(*self.address, timeout=30, context=context)

    def ask(self, method, target, form=None, headers=None):
        connection = self.connection()
        sent = {"Host": self.host, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            sent.setdefault("Origin", f"{self.protocol}://{self.host}")
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(form, doseq=True)
        connection.request(method, target, body, sent)
        answer = connection.getresponse()
        page = Page(answer.status, answer.headers, answer.read())
        connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
        if token:
            self.csrf = token.group(1)
        return page

    def get(self, target, **more):
        return self.ask("GET", target, **more)

    def post(self, target, form=None, **more):
        return self.ask("POST", target, {**(form or {}), "csrf": self.csrf}, **more)

    def sign_in(self, name, password, code="", next="/"):
        page = self.ask("POST", "/sign-in", {"name": name, "password": password, "code": code, "next": next})
        if page.status == 303:
            self.get("/account")
        return page
