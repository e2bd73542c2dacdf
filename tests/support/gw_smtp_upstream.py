"""An SMTP server for tests of gw-proxy. It keeps the exact bytes that it receives and misbehaves as a test wants.

    with SmtpUpstream() as upstream:
        upstream.script["dot"] = b"554 5.7.1 no\\r\\n"     # replaces the reply; may also be CLOSE, SILENCE or a list
        …gw-proxy's route leads to upstream.address…
        upstream.messages, upstream.sessions

It parses DATA with code that shares nothing with gw-proxy: the message ends at CRLF . CRLF, and whatever a lenient server would
have taken for an earlier end is counted in `false_ends`.
"""
import base64
import contextlib
import pathlib
import re
import socket
import ssl
import subprocess
import threading

import gw

CLOSE = object()    # closes the connection
SILENCE = object()  # sends nothing and keeps the connection

LENIENT_END = re.compile(rb"(\r\n|\n|\r)\0*\.\0*(\r\n|\n|\r)")


def certificate(directory, name="localhost"):
    """Creates a self-signed certificate. Returns the paths of the certificate and its key."""
    paths = pathlib.Path(directory) / f"{name}.pem", pathlib.Path(directory) / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def fingerprint(pem):
    return gw.sha256(ssl.PEM_cert_to_DER_cert(pathlib.Path(pem).read_text()))


class Message:
    def __init__(self, session, content):
        self.sender, self.recipients = session.sender, list(session.recipients)
        self.mail, self.rcpts = session.mail_line, list(session.rcpt_lines)
        self.login, self.content, self.helo = session.login, content, session.helo


class SmtpUpstream:
    def __init__(self, tls=None, implicit=False, users=None, extensions=None, port=0, lmtp=False, path=None):
        self.tls, self.implicit, self.lmtp = tls, implicit, lmtp
        self.users = {"joe@example.com": "secret"} if users is None else users
        self.extensions = ["PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN",
                           "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER SCRAM-SHA-256 SCRAM-SHA-256-PLUS CRAM-MD5", "CHUNKING",
                           "ETRN", "XCLIENT NAME ADDR", "REQUIRETLS"] if extensions is None else extensions
        self.script = {}       # command or event → the reply to it
        self.refused = {}      # recipient → its reply
        self.on_dot = None     # called before the reply to the final dot, with the session
        self.messages, self.sessions, self.commands = [], [], []
        self.false_ends = 0
        self.unfinished = 0    # messages whose connection ended before their final dot
        self.lock = threading.Lock()
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
            self.port = self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return f"localhost:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                if connection.family != socket.AF_UNIX:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                session = Session(self, connection)
                with self.lock:
                    self.sessions.append(session)
                threading.Thread(target=session.run, daemon=True).start()

    def drop(self):
        """Ends all connections immediately, as if the server were killed."""
        for session in self.sessions:
            with contextlib.suppress(OSError):
                session.socket.shutdown(socket.SHUT_RDWR)

    def wait_for(self, count, what="messages"):
        gw.until(lambda: len(getattr(self, what)) >= count, f"{count} {what} upstream, there are {len(getattr(self, what))}")

    def idle(self):
        gw.until(lambda: all(session.ended for session in self.sessions), "all upstream sessions end")


class Ended(Exception):
    pass


class Session:
    def __init__(self, server, connection):
        self.server, self.socket = server, connection
        self.buffer = b""
        self.login = self.helo = self.sender = self.mail_line = None
        self.recipients, self.rcpt_lines = [], []
        self.secure = self.ended = self.quit = False

    def run(self):
        try:
            if self.server.implicit:
                self.handshake()
            self.say("greeting", b"220 upstream.example ESMTP\r\n")
            while True:
                self.command(self.line())
        except (Ended, OSError):
            pass
        finally:
            with contextlib.suppress(OSError):
                self.socket.close()
            self.ended = True

    def handshake(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.server.tls))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.secure = True

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Ended
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def say(self, moment, usual):
        said = self.server.script.get(moment, usual)
        for part in said if isinstance(said, list) else [said]:
            if callable(part):
                part = part(self)
            if part is CLOSE:
                raise Ended
            if part is not SILENCE and part:
                self.socket.sendall(part)

    def command(self, line):
        with self.server.lock:
            self.server.commands.append(line)
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        if verb == (b"LHLO" if self.server.lmtp else b"EHLO"):
            self.helo = rest
            lines = ["upstream.example", *self.server.extensions]
            if self.server.tls and not self.secure:
                lines.append("STARTTLS")
            self.say("ehlo", "".join(f"250{'-' if i + 1 < len(lines) else ' '}{text}\r\n" for i, text in enumerate(lines)).encode())
        elif verb == b"STARTTLS":
            self.say("starttls", b"220 2.0.0 go ahead\r\n")
            self.handshake()
        elif verb == b"AUTH":
            self.auth(rest)
        elif verb == b"MAIL":
            self.sender = re.match(rb"FROM:<([^>]*)>", rest).group(1)
            self.mail_line, self.recipients, self.rcpt_lines = line, [], []
            self.say("mail", b"250 2.1.0 sender fine\r\n")
        elif verb == b"RCPT":
            recipient = re.match(rb"TO:<([^>]*)>", rest).group(1)
            reply = self.server.refused.get(recipient)
            if reply is None:
                self.recipients.append(recipient)
                self.rcpt_lines.append(line)
            self.say("rcpt", reply or b"250 2.1.5 recipient fine\r\n")
        elif verb == b"DATA":
            self.say("data", b"354 go on\r\n")
            if not self.server.script.get("data", b"").startswith((b"4", b"5")):
                self.data()
        elif verb == b"BDAT":
            self.chunk(rest.split())
        elif verb == b"RSET":
            self.say("rset", b"250 2.0.0 forgotten\r\n")
        elif verb == b"QUIT":
            self.quit = True
            self.say("quit", b"221 2.0.0 bye\r\n")
            raise Ended
        else:
            self.say("other", b"500 5.5.1 unknown\r\n")

    def auth(self, rest):
        words = rest.split()
        mechanism = words[0].upper()
        if mechanism == b"LOGIN":
            self.socket.sendall(b"334 VXNlcm5hbWU6\r\n")
            name = base64.b64decode(self.line()).decode()
            self.socket.sendall(b"334 UGFzc3dvcmQ6\r\n")
            password = base64.b64decode(self.line()).decode()
        else:
            if len(words) == 1:
                self.socket.sendall(b"334 \r\n")
            message = base64.b64decode(words[1] if len(words) > 1 else self.line()).decode()
            if mechanism == b"PLAIN":
                _, name, password = message.split("\0")
            elif mechanism == b"XOAUTH2":
                name, password = re.fullmatch("user=(.*)\1auth=Bearer (.*)\1\1", message).groups()
            else:
                name, password = re.fullmatch("n,a=(.*),\1.*auth=Bearer (.*)\1\1", message).groups()
        if self.server.users.get(name) == password:
            self.login = name
            self.say("auth", b"235 2.7.0 welcome to upstream\r\n")
            return
        if mechanism.endswith((b"XOAUTH2", b"BEARER")):
            self.socket.sendall(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n")
            self.line()
        self.say("auth-refused", b"535 5.7.8 upstream does not know you\r\n")

    def data(self):
        raw = bytearray(b"\r\n" + self.buffer)  # the line ending before the dot belongs to DATA
        self.buffer, seen = b"", 0
        try:
            while (end := raw.find(b"\r\n.\r\n", seen)) < 0:
                seen = max(0, len(raw) - 4)
                data = self.socket.recv(1 << 20)
                if not data:
                    raise Ended
                raw += data
        except (Ended, OSError):
            with self.server.lock:
                self.server.unfinished += 1
                self.server.false_ends += len(LENIENT_END.findall(raw))
            raise Ended from None
        raw, self.buffer = bytes(raw[2:end + 2]), bytes(raw[end + 5:])
        with self.server.lock:
            self.server.false_ends += len(LENIENT_END.findall(b"\r\n" + raw))
        content = re.sub(rb"(\A|\r\n)\.", rb"\1", raw)
        self.take(content)

    def chunk(self, words):
        """Handles BDAT, which clients send as a single last chunk."""
        size, last = int(words[0]), words[1:] == [b"LAST"]
        try:
            while len(self.buffer) < size:
                self.more()
        except (Ended, OSError):
            with self.server.lock:
                self.server.unfinished += 1
            raise Ended from None
        content, self.buffer = self.buffer[:size], self.buffer[size:]
        assert last, words
        self.take(content)

    def take(self, content):
        if self.server.on_dot:
            self.server.on_dot(self)
        taken = self.server.script.get("dot", b"250 2.0.0 queued as 4711\r\n")
        if taken is CLOSE or taken is SILENCE or isinstance(taken, list) or callable(taken) or taken.startswith(b"2"):
            with self.server.lock:
                self.server.messages.append(Message(self, content))
        if self.server.lmtp:
            for recipient in self.recipients:
                self.say(recipient, b"250 2.0.0 delivered\r\n")
        else:
            self.say("dot", b"250 2.0.0 queued as 4711\r\n")
        if taken is SILENCE:
            while True:
                self.more()
