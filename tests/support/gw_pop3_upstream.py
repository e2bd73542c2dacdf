"""A POP3 server for tests of gw-proxy. It keeps its mails in memory and misbehaves as a test wants.

    with Pop3Upstream([b"Subject: x\\r\\n\\r\\n"]) as upstream:
        upstream.replies["STAT"] = b"+OK 1 x\\r\\n+OK early\\r\\n"
        …gw-proxy's route leads to upstream.address…
        upstream.commands, upstream.mails
"""
import contextlib
import re
import socket
import ssl
import threading

import gw

CLOSE = object()  # in a list of replies: closes the connection


def server_tls(paths):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, paths))
    return context


def stuffed(mail):
    """Returns `mail` as POP3 sends it. A line begins only after CRLF."""
    mail = (b"." if mail.startswith(b".") else b"") + mail.replace(b"\r\n.", b"\r\n..")
    return mail + (b"" if mail.endswith(b"\r\n") or not mail else b"\r\n") + b".\r\n"


class Pop3Upstream:
    def __init__(self, mails=(), tls=None, implicit=False, uidl=True, segment=None):
        self.mails = {f"uid-{n}": mail for n, mail in enumerate(mails, 1)}  # the stored mails by UIDL
        self.tls, self.implicit, self.uidl, self.segment = tls, implicit, uidl, segment
        self.greeting = [b"+OK upstream <1.2@upstream>\r\n"]
        self.capabilities = b"TOP\r\nUIDL\r\nUSER\r\nRESP-CODES\r\nSASL PLAIN XOAUTH2 CRAM-MD5\r\nSTLS\r\nX-OWN\r\n"
        self.replies = {}  # command → what is sent instead: data, or a list of data and CLOSE
        self.commands = []
        self.sessions = 0
        self.connections = set()
        self.problems = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = []
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return f"localhost:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with self.lock:
            self.sessions += 1
            self.connections.add(connection)
        session = Session(self, connection)
        try:
            session.run()
        except (OSError, ssl.SSLError, EOFError):
            pass  # the proxy may close at any time
        except Exception as problem:  # noqa: BLE001
            self.problems.append(problem)
        finally:
            with self.lock:
                self.sessions -= 1
                self.connections.discard(connection)
            session.connection.close()

    def break_sessions(self):
        """Ends every connection immediately, as if the server were killed."""
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def count(self, command):
        return self.commands.count(command)

    def await_closed(self):
        gw.until(lambda: self.sessions == 0, "the proxy has closed its connections upstream")


class Session:
    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.file = None
        self.snapshot, self.deleted = [], set()
        self.mechanism = None

    def start_tls(self):
        if self.file:
            self.file.close()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.file = self.connection.makefile("rb")

    def say(self, reply):
        for part in reply if isinstance(reply, list) else [reply]:
            if part is CLOSE:
                raise EOFError
            step = self.server.segment or max(len(part), 1)
            for at in range(0, len(part), step):
                self.connection.sendall(part[at:at + step])

    def run(self):
        if self.server.implicit:
            self.start_tls()
        else:
            self.file = self.connection.makefile("rb")
        self.say(self.server.greeting)
        while line := self.file.readline():
            assert line.endswith(b"\r\n"), line
            command = line[:-2].decode()
            with self.server.lock:
                self.server.commands.append(command)
            if command in self.server.replies:
                self.say(self.server.replies[command])
            elif self.obey(command):
                return
        # There was no QUIT, so nothing is deleted.

    def obey(self, command):
        verb, *arguments = command.split(" ")
        if self.mechanism:
            self.mechanism = None
            return self.login()
        verb = verb.upper()
        if verb == "CAPA":
            self.say(b"+OK\r\n" + self.server.capabilities + b".\r\n")
        elif verb == "STLS" and self.server.tls:
            self.say(b"+OK begin\r\n")
            self.start_tls()
        elif verb == "USER":
            self.say(b"+OK\r\n")
        elif verb == "PASS":
            if arguments == ["wrong"]:
                self.say(b"-ERR [AUTH] wrong password\r\n")
            else:
                self.login()
        elif verb == "AUTH":
            self.mechanism = arguments[0]
            self.say(b"+ \r\n")
        elif verb == "STAT":
            there = [o for n, (_, o) in enumerate(self.snapshot, 1) if n not in self.deleted]
            self.say(b"+OK %d %d\r\n" % (len(there), sum(map(len, there))))
        elif verb == "NOOP":
            self.say(b"+OK\r\n")
        elif verb == "RSET":
            self.deleted.clear()
            self.say(b"+OK\r\n")
        elif verb == "QUIT":
            with self.server.lock:
                for number in self.deleted:
                    self.server.mails.pop(self.snapshot[number - 1][0], None)
            self.say(b"+OK bye\r\n")
            return True
        elif verb in ("UIDL", "LIST") and not (verb == "UIDL" and not self.server.uidl):
            self.list(verb, arguments)
        elif verb in ("RETR", "TOP", "DELE"):
            self.message(verb, arguments)
        else:
            self.say(b"-ERR unknown command\r\n")
        return False

    def login(self):
        with self.server.lock:
            self.snapshot = list(self.server.mails.items())
        self.say(b"+OK welcome\r\n")

    def list(self, verb, arguments):
        rows = {n: f"{n} {uidl if verb == 'UIDL' else len(mail)}\r\n".encode()
                for n, (uidl, mail) in enumerate(self.snapshot, 1) if n not in self.deleted}
        if arguments:
            row = rows.get(int(arguments[0]))
            self.say(b"+OK " + row if row else b"-ERR no such message\r\n")
        else:
            self.say(b"+OK\r\n" + b"".join(rows.values()) + b".\r\n")

    def message(self, verb, arguments):
        number = int(arguments[0])
        if not 1 <= number <= len(self.snapshot) or number in self.deleted:
            self.say(b"-ERR no such message\r\n")
        elif verb == "DELE":
            self.deleted.add(number)
            self.say(b"+OK\r\n")
        elif verb == "TOP":
            header, _, body = self.snapshot[number - 1][1].partition(b"\r\n\r\n")
            lines = re.findall(rb".*?\r\n", body, re.S)[:int(arguments[1])]
            self.say(b"+OK\r\n" + stuffed(header + b"\r\n\r\n" + b"".join(lines)))
        else:
            self.say(b"+OK octets follow\r\n" + stuffed(self.snapshot[number - 1][1]))


class Proxied:
    """A vault with a mailbox, routes to upstream servers, and gw-proxy."""

    def __init__(self, **vault):
        self.vault = gw.Vault(host="localhost", **vault)
        self.box = self.vault.add_mailbox("copies")
        self.key = self.vault.side / "fingerprint.key"
        self.exports = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.vault.__exit__(kind, error, trace)

    def close(self):
        self.vault.close()

    def route(self, name, upstream, *options, tls="none", protocol="pop3", mailbox="copies"):
        self.vault.store("route", "add", name, "--protocol", protocol, "--upstream",
                         upstream if isinstance(upstream, str) else upstream.address, "--tls", tls, "--mailbox", mailbox,
                         "--allow-private", *options)
        return name

    def serve(self, *options, listen=("pop3=127.0.0.1:0",), **more):
        return self.vault.serve("gw-proxy", "--allow-plaintext-auth", "--fingerprint-key", self.key, *options, listen=listen,
                                **more)

    def front(self, name, *options, tls=False, **more):
        """Starts gw-proxy for one route. Returns its address."""
        server = self.serve(*options, listen=(f"{name}=127.0.0.1:0{',tls' if tls else ''}",), **more)
        server.only = next(iter(server.addresses.values()))
        return server

    def count(self):
        return len(self.vault.json("message", "list", "copies"))

    def copies(self, mailbox="copies"):
        """Returns all copies by id, as gw-export writes them."""
        self.exports += 1
        out = self.vault.side / f"out-{self.exports}"
        box = self.vault.mailboxes[mailbox]
        self.vault.tool("gw-export", mailbox, "--to", out, "--format", "eml", "--password-file", box.password_file)
        return [path.read_bytes() for path in sorted(out.rglob("*.eml"))]


class Pop3Client(gw.Client):
    """A client of gw-proxy that returns what it received."""

    protocol = "pop3"

    def __init__(self, server, user=None, password="secret", tls=False):
        super().__init__(server.only if hasattr(server, "only") else server, tls=tls, protocol="pop3")
        with self.closed_on_failure():
            self.greeting = self.reply()
            if user is not None:
                for command in (f"USER {user}", f"PASS {password}"):
                    reply = self.ask(command)
                    assert reply.startswith("+OK"), reply

    def reply(self):
        return self.line().rstrip(b"\r\n").decode("latin-1")

    def ask(self, command):
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def text(self):
        """Returns the text up to the final dot as it was received, without the dot."""
        lines = []
        while (line := self.line()) != b".\r\n":
            lines.append(line)
        return b"".join(lines)

    def retrieve(self, number):
        reply = self.ask(f"RETR {number}")
        assert reply.startswith("+OK"), reply
        return self.text()

    def rest(self):
        """Returns all data until the connection ends."""
        data = b""
        with contextlib.suppress(OSError):
            while more := self.file.read1():
                data += more
        return data
