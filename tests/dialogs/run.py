#!/usr/bin/env python3
"""Plays a conversation with the real server: run.py BIN_DIR DIALOG.txt

The prefix of the file's name selects the server: smtp_*.txt gw-smtpd, pop3_*.txt
gw-pop3d. The server gets a new vault with a mailbox `journal`. Lines:

  # a comment; empty lines are ignored
  ! server ARG…            more arguments of the server (before the first C: or S:, like all lines down to `inetd`)
  ! toml LINE              a line of the server's gw.toml
  ! mailbox NAME ARG…      another mailbox, or more arguments for `journal`
  ! set NAME ARG…          gw-store mailbox set NAME ARG…
  ! message NAME TEXT      a message that is stored in the mailbox before the dialog begins
  ! no-certificate         the vault has no certificate
  ! implicit-tls           the connection begins with a TLS handshake
  ! proxy TEXT             sent on the first connection before its TLS handshake
  ! disk SIZE              the vault is on a disk of its own (needs root; otherwise the dialog is skipped)
  ! inetd                  the server gets one connection as its descriptor 0, as from inetd
  C: TEXT                  sends TEXT and CRLF
  R: TEXT                  sends TEXT unchanged
  S: TEXT                  the next line begins with TEXT; /REGEX/ must match the complete line
  S: CODE*                 reads the rest of a reply, whose lines must all have this code, to its last line
  S: CODE* TEXT            the same, and one of these lines has TEXT immediately after `CODE-` or `CODE `
  ! repeat NUMBER          plays the lines from here to `! end` NUMBER times
  ! starttls               does the TLS handshake
  ! connect                opens another connection and uses it from here on; ! connect early TEXT: sends TEXT immediately
  ! pause                  waits until the server has read what was sent, or has closed after a hangup
  ! closed                 the server has closed the connection and has sent nothing more
  ! hangup                 the client closes the connection
  ! stop                   sends SIGTERM to the server
  ! no-keeper              kills the keeper and prevents its next start
  ! fill-disk              fills the disk
  ! stored NAME NUMBER     the mailbox has NUMBER messages

TEXT may contain: \\r \\n \\t \\0 \\\\ \\xNN, {mailbox} {mailbox:NAME} (addresses), {id} {id:NAME}, {password} {password:NAME},
{x*3000} (x 3,000 times), {base64:NAME:WHAT} and {plain:NAME:WHAT} (in base64, and as the message of SASL PLAIN for that mailbox's
id; WHAT: id, local, token, password).
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

WAIT = 20
SKIPPED = 77
ESTABLISHED = 1  # the state's number in /proc/net/tcp


class Failure(Exception):
    pass


class Skipped(Exception):
    pass


class Vault:
    def __init__(self, binaries, directory):
        self.binaries = binaries
        self.directory = directory
        self.vault = directory / "vault"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("GW_", "LISTEN_", "NOTIFY_"))}
        self.environment.pop("INVOCATION_ID", None)
        self.environment["GW_VAULT"] = str(self.vault)
        self.mailboxes = {}
        self.disk = None

    def store(self, *arguments, stdin=b""):
        done = subprocess.run([self.binaries / "gw-store", *arguments], input=stdin, env=self.environment,
                              capture_output=True, timeout=60)
        if done.returncode != 0:
            raise Failure(f"gw-store {' '.join(arguments)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def init(self, certificate):
        self.store("init", "--host", "gw.example", "--no-recovery", *(["--self-signed"] if certificate else []))

    def mount(self, size):
        if os.geteuid() != 0:
            raise Skipped("needs root: mounts a disk")
        disk = self.directory / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "gw-dialog", disk], check=True)
        self.disk, self.vault = disk, disk / "vault"
        self.environment["GW_VAULT"] = str(self.vault)

    def fill_disk(self):
        with open(self.disk / "filling", "wb", buffering=0) as filling, contextlib.suppress(OSError):
            while True:
                filling.write(bytes(4096))
        # A write of the keeper may have failed while the disk was filled, which ends that keeper. Only a keeper that knows that
        # the disk is full counts.
        for _ in range(WAIT * 10):
            if json.loads(self.store("status", "--json"))["full"]:
                return
            time.sleep(0.1)
        raise Failure("the keeper does not see that the disk is full")

    def unmount(self):
        for _ in range(WAIT * 10):
            if self.disk is None or subprocess.run(["umount", self.disk], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise Failure("the disk stays in use")

    def add(self, name, arguments):
        self.mailboxes[name] = json.loads(self.store("mailbox", "add", name, "--json", *arguments))

    def count(self, name):
        return len([line for line in self.store("message", "list", name, "--json").splitlines() if line.strip()])

    def kill_keeper(self):
        with contextlib.suppress(OSError, ValueError):
            keeper = int((self.vault / "lock").read_text().split()[0])
            os.kill(keeper, signal.SIGTERM)
            for _ in range(WAIT * 50):
                os.kill(keeper, 0)
                time.sleep(0.02)


class Client:
    def __init__(self, connected, tls):
        self.socket = connected
        self.port = connected.getsockname()[1] if connected.family == socket.AF_INET else None
        self.socket.settimeout(WAIT)
        self.received = b""
        if tls:
            self.handshake()

    def handshake(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, suppress_ragged_eofs=True)

    def send(self, data):
        # A server that has sent its last reply may have closed already. The next expected line shows whether that is right.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.received:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                piece = b""
            except TimeoutError:
                raise Failure(f"no line within {WAIT} s; so far {self.received!r}")
            if not piece:
                if self.received:
                    raise Failure(f"closed within a line: {self.received!r}")
                return None
            self.received += piece
        line, self.received = self.received.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise Failure(f"a line that ends with LF alone: {line!r}")
        return line[:-1]


def server_side(port, client_port):
    """Returns the TCP state and the number of unread bytes of the server's end of a connection, or None if it is closed."""
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        if int(local.rpartition(":")[2], 16) == port and int(remote.rpartition(":")[2], 16) == client_port:
            return int(state, 16), int(queues.rpartition(":")[2], 16)
    return None


def connect(port, tls, first=b""):
    connected = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.sendall(first)
    return Client(connected, tls)


class Player:
    def __init__(self, binaries, path, directory):
        self.path = path
        self.protocol = path.name.split("_")[0]
        self.program = binaries / {"smtp": "gw-smtpd", "pop3": "gw-pop3d"}[self.protocol]
        self.vault = Vault(binaries, directory)
        self.log = directory / "server.log"
        self.server = None
        self.client = None
        self.others = []  # connections that stay open

    def field(self, name, what):
        mailbox = self.vault.mailboxes[name]
        if what == "mailbox":
            return mailbox["address"]
        if what == "local":
            return mailbox["address"].split("@")[0]
        return mailbox[what]

    def expand(self, text):
        def value(match):
            what, _, name = match.group(1).partition(":")
            if "*" in what:
                piece, _, times = match.group(1).rpartition("*")
                return piece * int(times)
            if what in ("base64", "plain"):
                name, _, field = name.partition(":")
                message = self.field(name, field)
                if what == "plain":
                    message = f"\0{self.field(name, 'local')}\0{message}"
                return base64.b64encode(message.encode()).decode()
            return self.field(name or "journal", what)

        text = re.sub(r"\{([^{}\s]+)\}", value, text)
        data = text.encode("utf-8")
        escapes = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}

        def escape(match):
            found = match.group(1)
            return bytes([int(found[1:], 16)]) if found[:1] == b"x" else escapes[found]

        return re.sub(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\])", escape, data)

    def start(self, setup):
        mailboxes = {"journal": []}
        arguments, before, settings, certificate, implicit, inetd, proxy = [], [], [], True, False, False, ""
        for words in setup:
            if words[0] == "server":
                arguments += words[1:]
            elif words[0] == "mailbox":
                mailboxes[words[1]] = words[2:]
            elif words[0] == "toml":
                settings.append(" ".join(words[1:]))
            elif words[0] == "no-certificate":
                certificate = False
            elif words[0] == "implicit-tls":
                implicit = True
            elif words[0] == "proxy":
                proxy = " ".join(words[1:])
            elif words[0] == "inetd":
                inetd = True
            elif words[0] == "disk":
                self.vault.mount(words[1])
            else:
                before.append(words)
        self.vault.init(certificate)
        for name, options in mailboxes.items():
            self.vault.add(name, options)
        for words in before:
            if words[0] == "set":
                self.vault.store("mailbox", "set", *words[1:])
            elif words[0] == "message":
                self.vault.store("message", "add", words[1], stdin=self.expand(" ".join(words[2:])))
        self.implicit = implicit
        if settings:
            file = self.vault.directory / "gw.toml"
            file.write_text("\n".join([f'vault = "{self.vault.vault}"', *settings, ""]))
            arguments += ["--config", file]
        if inetd:
            ours, theirs = socket.socketpair()
            with theirs:
                self.server = subprocess.Popen([self.program, "--host", "gw.example", *arguments],
                                               env=self.vault.environment, stdin=theirs, stdout=theirs,
                                               stderr=self.log.open("wb"))
            self.client = Client(ours, implicit)
            return
        listen = "127.0.0.1:0" + (",tls" if implicit else "")
        self.server = subprocess.Popen([self.program, "--listen", listen, "--host", "gw.example", *arguments],
                                       env=self.vault.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=self.log.open("wb"))
        if not select.select([self.server.stdout], [], [], WAIT)[0]:
            raise Failure("the server announced nothing")
        words = self.server.stdout.readline().decode().split()
        if words[:2] != ["listening", self.protocol + ("s" if implicit else "")]:
            raise Failure(f"the server announced {words}: {self.log.read_text()}")
        self.port = int(words[2].rpartition(":")[2])
        self.client = connect(self.port, implicit, self.expand(proxy))

    def await_server(self):
        for _ in range(WAIT * 50):
            if (found := server_side(self.port, self.client.port)) in ((ESTABLISHED, 0), None):
                return
            time.sleep(0.02)
        raise Failure(f"the server has not read: {found}")

    def expect_rest(self, code, wanted):
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            line = self.client.line()
            if line is None or not line.startswith(code.encode()) or line[3:4] not in (b"-", b" ", b""):
                raise Failure(f"expected the rest of a reply {code}, received {line!r} after {lines}")
            lines.append(line)
        if not any(line[4:].startswith(self.expand(wanted)) for line in lines):
            raise Failure(f"expected a line {wanted!r} in {lines}")

    def expect(self, text):
        if rest := re.fullmatch(r"(\d\d\d)\*(?: (.*))?", text):
            return self.expect_rest(rest[1], rest[2] or "")
        line = self.client.line()
        if text.startswith("/") and text.endswith("/"):
            good = line is not None and re.fullmatch(text[1:-1].encode(), line)
        else:
            good = line is not None and line.startswith(self.expand(text))
        if not good:
            raise Failure(f"expected {text!r}, received {'the end' if line is None else line!r}")

    def direct(self, words, text):
        if words[0] == "starttls":
            self.client.handshake()
        elif words[0] == "connect":
            self.others.append(self.client)
            if len(words) > 1:
                # The server is stopped, so that it finds the data when it looks for the first time.
                self.server.send_signal(signal.SIGSTOP)
            self.client = connect(self.port, self.implicit and len(words) == 1)
            if len(words) > 1:
                self.client.send(self.expand(text.partition("early ")[2]))
                self.server.send_signal(signal.SIGCONT)
        elif words[0] == "pause":
            self.await_server()
        elif words[0] == "closed":
            line = self.client.line()
            if line is not None:
                raise Failure(f"expected the end, received {line!r}")
        elif words[0] == "hangup":
            self.client.socket.close()
        elif words[0] == "stop":
            self.server.send_signal(signal.SIGTERM)
        elif words[0] == "set":
            self.vault.store("mailbox", "set", *words[1:])
        elif words[0] == "no-keeper":
            self.vault.kill_keeper()
            shutil.rmtree(self.vault.vault)
        elif words[0] == "fill-disk":
            self.vault.fill_disk()
        elif words[0] == "stored":
            count = self.vault.count(words[1])
            if count != int(words[2]):
                raise Failure(f"{count} messages in {words[1]}, not {words[2]}")
        else:
            raise Failure(f"no such directive: {words[0]}")

    def lines(self):
        """Yields each line with its number in the file; repeated lines are yielded again."""
        repeated, times = None, 0
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            if repeat := re.fullmatch(r"! repeat (\d+)", line):
                repeated, times = [], int(repeat[1])
            elif line == "! end" and repeated is not None:
                yield from repeated * times
                repeated = None
            elif repeated is not None:
                repeated.append((number, line))
            else:
                yield number, line
        if repeated is not None:
            raise Failure(f"{self.path}: a `! repeat` has no `! end`")

    def play(self):
        setup, started = [], False
        early = {"server", "toml", "mailbox", "no-certificate", "implicit-tls", "inetd", "proxy", "message", "disk"}
        for number, raw in self.lines():
            try:
                if not raw.strip() or raw.startswith("#"):
                    continue
                kind, _, text = raw.partition(" ")
                words = text.split()
                if kind == "!" and not started and (words[0] in early or words[0] == "set"):
                    setup.append(words)
                    continue
                if not started:
                    self.start(setup)
                    started = True
                if kind == "C:":
                    self.client.send(self.expand(text) + b"\r\n")
                elif kind == "R:":
                    self.client.send(self.expand(text))
                elif kind == "S:":
                    self.expect(text)
                elif kind == "!":
                    self.direct(words, text)
                else:
                    raise Failure("not a line of a dialog")
            except (Failure, OSError, KeyError, subprocess.TimeoutExpired) as failure:
                raise Failure(f"{self.path}:{number}: {raw}\n  {failure}")

    def finish(self):
        status = None
        if self.server:
            self.server.terminate()
            try:
                status = self.server.wait(WAIT + 10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                status = "killed: it did not stop"
        self.vault.kill_keeper()
        self.vault.unmount()
        if status not in (None, 0):
            raise Failure(f"{self.path}: the server ended with {status}\n{self.log.read_text(errors='replace')}")


def main():
    binaries, path = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="gw-dialog-") as directory:
        player = Player(binaries, path, pathlib.Path(directory))
        try:
            try:
                player.play()
            finally:
                player.finish()
        except Skipped as reason:
            print(reason, file=sys.stderr)
            return SKIPPED
        except Failure as failure:
            print(failure, file=sys.stderr)
            if player.log.exists():
                print(player.log.read_text(errors="replace"), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
