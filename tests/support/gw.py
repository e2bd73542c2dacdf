"""Shared by the tests of the real programs: a vault in a temporary directory,
its servers, and small clients whose errors say what they received.

    with gw.Vault() as vault:
        box = vault.add_mailbox("journal")
        smtpd = vault.smtpd()
        with gw.Smtp(smtpd) as smtp:
            reply = smtp.deliver(box.address, mail)

The programs are those in $GW_BIN, or in build/release/bin. Uses only the standard library.
"""
import contextlib
import faulthandler
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("GW_BIN", ROOT / "build/release/bin"))
WAIT = 30  # seconds to wait for any single event


def program(name):
    return str(BIN / name)


def let_everybody_run_the_programs():
    """Copies the programs to a directory that every user can read, for tests that run them as another user. A checkout in /root
    is not readable.

    Returns the directory; the caller removes it.
    """
    global BIN
    directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-programs-"))
    directory.chmod(0o755)
    for path in BIN.glob("gw-*"):
        shutil.copy(path, directory)
    BIN = directory
    return directory


def limit_time(seconds):
    """Ends the process after `seconds` and prints the stack of every thread."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def need_root(reason):
    return unittest.skipUnless(os.geteuid() == 0, f"needs root: {reason}")


def need_program(name):
    return unittest.skipUnless(shutil.which(name), f"needs {name}")


def number_from(variable, default):
    return int(os.environ.get(variable, default))


def until(condition, what, seconds=WAIT, pause=0.02):
    """Waits for the first true value of condition() and returns it. The failure names `what` was awaited."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(pause)


def clean_environment(extra=None):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("GW_", "LISTEN_", "TCP")) and k not in ("INVOCATION_ID", "NOTIFY_SOCKET", "PROTO")}
    return {**kept, **(extra or {})}


def shown(data, most=2000):
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return text if len(text) <= most else text[:most] + f"… ({len(text)} characters)"


def run(*command, status=0, input=None, env=None, seconds=120, **more):
    """Runs a command to its end. The exit status must be `status` (None: any; a tuple: one of them)."""
    done = subprocess.run([str(c) for c in command], input=input, capture_output=True, env=env or clean_environment(),
                          timeout=seconds, **more)
    wanted = status if isinstance(status, tuple) else (status,)
    if status is not None and done.returncode not in wanted:
        raise AssertionError(f"{' '.join(map(str, command))}\nexit status {done.returncode}, not {status}\n"
                             f"stdout: {shown(done.stdout)}\nstderr: {shown(done.stderr)}")
    return done


def alive(pid):
    """Returns true if a process runs. A zombie counts as running while it has other threads, because they hold its descriptors."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            ended = file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def resident(pid, which="VmRSS"):
    """Returns a size in bytes: VmRSS is the present size, VmHWM the peak."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(which + ":"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"{which} of {pid} is not known")


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def mail(size, name="mail", seed=None):
    """Returns a unique mail of about `size` bytes, with lines of 76 characters and CRLF at the end."""
    unique = f"{name}-{os.getpid()}-{time.monotonic_ns()}-{random.getrandbits(64):x}" if seed is None else f"{name}-{seed}"
    head = (f"From: sender@example.com\r\nTo: team@example.com\r\nSubject: {unique}\r\n"
            f"Message-ID: <{unique}@example.com>\r\n\r\n").encode()
    rng = random.Random(unique)
    wanted = max(0, size - len(head))
    body = rng.randbytes(wanted // 2 + 64).hex().encode()[:wanted]
    lines = b"\r\n".join(body[i:i + 76] for i in range(0, len(body), 76))
    return head + lines + b"\r\n"


class Closed(Exception):
    """The server closed the connection."""


class Client:
    """A client of a line protocol."""

    def __init__(self, server, tls=False, seconds=WAIT, protocol=None, source=None):
        address = server if isinstance(server, tuple) else server.address(protocol or self.protocol + ("s" if tls else ""))
        self.socket = socket.create_connection(address, seconds, source_address=source and (source, 0))
        # Otherwise the last small write of a mail waits 40 ms for the acknowledgement of the data before it.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        if tls:
            self.start_tls()

    def start_tls(self):
        self.file.close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise Closed(f"after {line!r}")
        return line

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
        self.socket.close()

    @contextlib.contextmanager
    def closed_on_failure(self):
        try:
            yield
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Reply:
    def __init__(self, code, text):
        self.code, self.text = code, text

    def __repr__(self):
        return f"{self.code} {self.text}"

    @property
    def ok(self):
        return 200 <= self.code < 300

    @property
    def temporary(self):
        return 400 <= self.code < 500


class Smtp(Client):
    protocol = "smtp"

    def __init__(self, server, tls=False, greet=True, **more):
        super().__init__(server, tls, **more)
        if greet:
            with self.closed_on_failure():
                self.greeting = self.reply()
                self.ehlo = self.command("EHLO client.example.com") if self.greeting.ok else None

    def reply(self):
        texts = []
        while True:
            line = self.line().rstrip(b"\r\n").decode("utf-8", "replace")
            texts.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), "\n".join(texts))

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def envelope(self, recipients, sender=""):
        """Sends MAIL, RCPT and DATA. Returns the first refusal, or the 354."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        for text in [f"MAIL FROM:<{sender}>"] + [f"RCPT TO:<{r}>" for r in recipients]:
            reply = self.command(text)
            if not reply.ok:
                return reply
        return self.command("DATA")

    def deliver(self, recipients, content, sender=""):
        """Sends one mail. Returns the first refusal, or the reply after the final dot."""
        reply = self.envelope(recipients, sender)
        if reply.code != 354:
            with contextlib.suppress(Closed, OSError):
                self.command("RSET")
            return reply
        return self.body(content)

    def body(self, content):
        self.send(content.replace(b"\r\n.", b"\r\n..") if not content.startswith(b".") else
                  b"." + content.replace(b"\r\n.", b"\r\n.."))
        self.send(b".\r\n")
        return self.reply()


class Refused(Exception):
    """The server replied -ERR."""


class Pop3(Client):
    protocol = "pop3"

    def __init__(self, server, box=None, tls=False, **more):
        super().__init__(server, tls, **more)
        with self.closed_on_failure():
            self.greeting = self.reply()
            if box is not None:
                self.command(f"USER {box.id}")
                self.command(f"PASS {box.password}")

    def reply(self):
        line = self.line().rstrip(b"\r\n").decode("utf-8", "replace")
        if not line.startswith("+OK"):
            raise Refused(line)
        return line[4:]

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def lines(self):
        """Yields the lines of a reply one at a time, without dot-stuffing."""
        while True:
            line = self.line()
            if line == b".\r\n":
                return
            yield line[1:] if line.startswith(b".") else line

    def count(self):
        return int(self.command("STAT").split()[0])

    def uids(self):
        self.command("UIDL")
        return [line.split()[1].decode() for line in self.lines()]

    def retrieve(self, number):
        self.command(f"RETR {number}")
        return b"".join(self.lines())

    def digest(self, number):
        """Returns the SHA-256 and the size of a message, without keeping it in memory."""
        self.command(f"RETR {number}")
        digest, size = hashlib.sha256(), 0
        for line in self.lines():
            digest.update(line)
            size += len(line)
        return digest.hexdigest(), size


def drain(server, box, remove=True, tls=False):
    """Fetches and returns all mails. If `remove`, they are deleted when QUIT is answered with +OK."""
    with Pop3(server, box, tls) as pop3:
        mails = []
        for number in range(1, pop3.count() + 1):
            mails.append(pop3.retrieve(number))
            if remove:
                pop3.command(f"DELE {number}")
        pop3.command("QUIT")
    return mails


class Mailbox:
    def __init__(self, facts, directory):
        self.id, self.name, self.address, self.password = (facts[k] for k in ("id", "name", "address", "password"))
        self.password_file = directory / f"{self.name}.password"
        self.password_file.write_text((self.password or "") + "\n")  # gw-store does not print a password that was given
        self.password_file.chmod(0o600)


class Server:
    """A server that announces its listeners, or another program of gw that keeps running."""

    def __init__(self, command, log, listeners, env, **more):
        self.command, self.log_path = [str(c) for c in command], log
        self.addresses = {}
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                            env=env, **more)
        self.pid = self.process.pid
        if listeners:
            self.read_announcements(listeners)

    def read_announcements(self, count):
        watchdog = threading.Timer(WAIT, self.process.kill)
        watchdog.start()
        try:
            for _ in range(count):
                words = self.process.stdout.readline().decode().split()
                if len(words) != 3 or words[0] != "listening":
                    self.process.wait(WAIT)
                    raise AssertionError(f"{' '.join(self.command)} does not listen: {words}, status "
                                         f"{self.process.returncode}\n{self.log()}")
                host, _, port = words[2].rpartition(":")
                self.addresses[words[1]] = (host.strip("[]"), int(port))
        finally:
            watchdog.cancel()

    def address(self, protocol):
        return self.addresses[protocol]

    def log(self):
        return shown(self.log_path.read_bytes(), 20000)

    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        return self.ended()

    def stop(self, status=0):
        """Sends SIGTERM and checks the exit status."""
        if self.running():
            self.process.terminate()
        got = self.ended()
        if status is not None and got != status:
            raise AssertionError(f"{self.command[0]} ended with {got}, not {status}\n{self.log()}")
        return got

    def ended(self, seconds=WAIT):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{' '.join(self.command)} still runs after {seconds} s\n{self.log()}") from None
        finally:
            if self.process.stdout:
                self.process.stdout.close()


class Vault:
    """A vault and all processes that use it. Its directory is created in `parent`, or in a temporary directory.

    The password slots have a low cost here: otherwise each session would take a second of Argon2id.
    """

    def __init__(self, parent=None, name="vault", host="gateway.example.com", tls=True, cheap=True, user=None):
        self.own = parent is None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-test-") if self.own else parent)
        self.path = self.folder / name
        # Files that do not belong to the vault are kept out of its directory and off its disk.
        self.side = pathlib.Path(tempfile.mkdtemp(prefix="gw-side-"))
        self.user = user
        if user is not None:
            shutil.chown(self.folder, user)
            shutil.chown(self.side, user)
        self.env = clean_environment({"GW_VAULT": str(self.path), "TMPDIR": str(self.side)})
        self.servers = []
        self.mailboxes = {}
        init = ["init", "--host", host, "--no-recovery"]
        self.store(*init, *(["--self-signed"] if tls else []), *(["--cheap-passwords"] if cheap else []))
        self.tls = tls

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            for log in sorted(self.side.glob("*.log")):
                print(f"--- {log.name}\n{shown(log.read_bytes(), 6000)}", file=sys.stderr)
        self.close()

    def close(self):
        for server in self.servers:
            if server.running():
                server.process.kill()
                server.process.wait()
            if server.process.stdout:
                server.process.stdout.close()
        self.stop_keeper()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.side, ignore_errors=True)

    def tool(self, name, *arguments, **more):
        user = {"user": self.user} if self.user is not None and os.geteuid() == 0 else {}
        return run(program(name), *arguments, env=more.pop("env", self.env), **{**user, **more})

    def store(self, *arguments, **more):
        return self.tool("gw-store", *arguments, **more)

    def json(self, *arguments, **more):
        """Returns the JSON objects that a command prints, one a line."""
        return [json.loads(line) for line in self.store(*arguments, "--json", **more).stdout.splitlines()]

    def add_mailbox(self, name, *options):
        # Messages are sent unchanged by POP3, without trace lines.
        box = Mailbox(self.json("mailbox", "add", name, "--trace", "off", *options)[0], self.side)
        self.mailboxes[name] = box
        return box

    def serve(self, name, *options, listen=("127.0.0.1:0",), **more):
        command = [program(name), *options]
        for each in listen:
            command += ["--listen", each]
        user = {"user": self.user} if self.user is not None and os.geteuid() == 0 else {}
        server = Server(command, self.side / f"{name}-{len(self.servers)}.log", len(listen),
                        more.pop("env", self.env), **{**user, **more})
        self.servers.append(server)
        return server

    def smtpd(self, *options, **more):
        return self.serve("gw-smtpd", *options, **more)

    def pop3d(self, *options, **more):
        return self.serve("gw-pop3d", "--allow-plaintext-auth", *options, **more)

    def webd(self, *options, listen=("127.0.0.1:0,tls",), **more):
        return self.serve("gw-webd", *options, listen=listen, **more)

    def add_account(self, name, role="administrator", *options):
        """Adds an account of the console. Returns its password."""
        return self.json("admin", "add", name, "--role", role, *options)[0]["password"]

    def keeper(self, *options, prefix=(), **more):
        """Runs gw-store serve in the foreground and waits until it answers. A keeper that runs already is ended first."""
        self.stop_keeper()
        server = Server([*prefix, program("gw-store"), "serve", *options], self.side / f"keeper-{len(self.servers)}.log",
                        0, more.pop("env", self.env), **more)
        self.servers.append(server)
        until(lambda: (self.keeper_pid() and self.answers()) or not server.running(), "the keeper answers")
        if not server.running():
            raise AssertionError(f"the keeper ended with {server.process.returncode}\n{server.log()}")
        return server

    @property
    def run_folder(self):
        return pathlib.Path(self.env.get("GW_RUN", self.path / "run"))

    def answers(self):
        """Returns true if each of the keeper's sockets accepts connections."""
        with contextlib.suppress(OSError):
            directory = os.open(self.run_folder, os.O_PATH)
            try:
                for role in ("append", "drain", "admin"):
                    with socket.socket(socket.AF_UNIX) as probe:
                        probe.connect(f"/proc/self/fd/{directory}/{role}")
                return True
            finally:
                os.close(directory)
        return False

    def keeper_pid(self):
        """Returns the pid of the process that has locked the vault, or None."""
        try:
            pid = int((self.path / "lock").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        return pid if b"gw-store" in command and alive(pid) else None

    def settle(self):
        """Waits until the head file has the last commit: after that an idle keeper writes nothing more."""
        head = self.path / "head"
        begun, last = time.monotonic(), head.stat().st_mtime_ns
        while time.monotonic() < begun + 1.5:
            time.sleep(0.1)
            if head.stat().st_mtime_ns != last:
                begun, last = time.monotonic(), head.stat().st_mtime_ns

    def wake_keeper(self):
        """Returns the pid of a running keeper; starts one if necessary."""
        self.store("mailbox", "list")
        return until(self.keeper_pid, "a keeper runs")

    def kill_keeper(self, number=signal.SIGKILL):
        """Kills the keeper and waits for its end. Returns true if there was one."""
        pid = self.keeper_pid()
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until(lambda: not alive(pid), f"keeper {pid} ends")
        return True

    def stop_keeper(self):
        with contextlib.suppress(AssertionError):
            self.kill_keeper(signal.SIGTERM)
        self.kill_keeper()

    def verify(self):
        return self.store("verify", status=0)


def digests(mails):
    return sorted(sha256(m) for m in mails)


def main(seconds=480):
    limit_time(seconds)
    unittest.main(verbosity=2)
