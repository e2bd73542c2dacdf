"""The rows of scripts/bench: what each measures, for gw and for what it is compared with.

A row has two sides, which are measured in turn, round by round. A side is an object with

    measure()   one figure: a rate (more is better) or a cost (less is better), as the row says
    pids()      the processes whose processor time counts, or none
    work        what one measurement does, in units of the row: the processor time is divided by it
    close()

Each side has directories of its own, made for its row and removed after it.
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import time

import peers
from gateway import Gateway, proc_field, tool

KIB, MIB = 1024, 1024 * 1024


class Side:
    work = 1

    def pids(self):
        return []

    def prepare(self):
        """Runs before each measurement; its processor time does not count."""

    def measure(self):
        raise NotImplementedError

    def close(self):
        pass


class GwSide(Side):
    def __init__(self, context, binaries, name):
        self.loads, self.scale = context.loads, context.scaled
        self.gateway = Gateway(context.work, binaries, f"{context.next_name()}-{name}")

    def pids(self):
        return self.gateway.pids()

    def close(self):
        self.gateway.stop()


class GwAccepts(GwSide):
    def __init__(self, context, binaries, name, connections, messages, size, *options):
        super().__init__(context, binaries, name)
        self.address = self.gateway.mailbox()[0]
        self.where = self.gateway.serve("gw-smtpd", "127.0.0.1:0")["smtp"]
        self.work = context.scaled(messages)
        self.load = (connections, self.work, size, self.address, *options)

    def measure(self):
        return self.loads.smtp(self.where, *self.load)["rate"]


class PostfixAccepts(Side):
    def __init__(self, context, connections, messages, size, *options, tls=None):
        self.directory = context.work / f"{context.next_name()}-postfix"
        self.directory.mkdir(mode=0o755)
        self.loads, self.work = context.loads, context.scaled(messages)
        self.postfix = peers.Postfix(self.directory, *(tls or ()))
        self.postfix.start()
        self.load = (f"127.0.0.1:{self.postfix.port}", connections, self.work, size, "x@bench.example", *options)

    def pids(self):
        return [self.postfix.pid]

    def prepare(self):
        self.postfix.settle()

    def measure(self):
        return self.loads.smtp(*self.load)["rate"]

    def close(self):
        self.postfix.settle()
        self.postfix.stop()
        shutil.rmtree(self.directory)


class SinkAccepts(Side):
    def __init__(self, context, connections, messages, size):
        self.loads, self.work = context.loads, context.scaled(messages)
        self.sink = peers.SmtpSink()
        self.sink.start()
        self.load = (f"127.0.0.1:{self.sink.port}", connections, self.work, size, "x@bench.example")

    def pids(self):
        return [self.sink.process.pid]

    def measure(self):
        return self.loads.smtp(*self.load)["rate"]

    def close(self):
        self.sink.stop()


class GwDrains(GwSide):
    """Each measurement has a mailbox of its own, which is filled before."""

    def __init__(self, context, binaries, name, messages, size, what="drain"):
        super().__init__(context, binaries, name)
        self.smtp = self.gateway.serve("gw-smtpd", "127.0.0.1:0")["smtp"]
        self.pop3s = self.gateway.serve("gw-pop3d", "127.0.0.1:0,tls")["pop3s"]
        self.work, self.size, self.what, self.filled = context.scaled(messages), size, what, None

    def prepare(self):
        if self.what == "drain" or self.filled is None:
            address, password, _ = self.gateway.mailbox()
            self.loads.smtp(self.smtp, 10, self.work, self.size, address)
            self.filled = address, password

    def measure(self):
        done = self.loads.pop3(self.pop3s, *self.filled, self.what, self.work)
        return done["rate"] if self.what != "lists" else 1 / done["seconds"]


class DovecotDrains(Side):
    def __init__(self, context, messages, size, what="drain", crypt=False):
        self.directory = context.work / f"{context.next_name()}-dovecot"
        self.directory.mkdir(mode=0o755)
        self.loads, self.work, self.size, self.what = context.loads, context.scaled(messages), size, what
        certificate, key = (shutil.copy(file, self.directory) for file in context.certificate)
        self.dovecot = peers.Dovecot(self.directory, "dovecot", certificate, key, crypt)
        self.dovecot.start()
        self.password = self.directory / "password"
        self.password.write_text(self.dovecot.password + "\n")
        self.users, self.user = 0, None

    def pids(self):
        return [self.dovecot.process.pid]

    def prepare(self):
        if self.what == "drain" or self.user is None:
            self.users += 1
            self.user = f"u{self.users}"
            self.loads.smtp(f"127.0.0.1:{self.dovecot.lmtp}", 4, self.work, self.size, self.user, "lmtp")

    def measure(self):
        done = self.loads.pop3(f"127.0.0.1:{self.dovecot.pop3s}", self.user, self.password, self.what, self.work)
        return done["rate"] if self.what != "lists" else 1 / done["seconds"]

    def close(self):
        self.dovecot.stop()
        shutil.rmtree(self.directory)


class GwLogsIn(GwSide):
    """Logins one after the other. Each costs Argon2id with 128 MiB by design."""

    def __init__(self, context, binaries, name):
        super().__init__(context, binaries, name)
        self.user, self.password, _ = self.gateway.mailbox()
        self.pop3s = self.gateway.serve("gw-pop3d", "127.0.0.1:0,tls")["pop3s"]
        self.work = context.scaled(20)

    def measure(self):
        start = time.monotonic()
        for _ in range(self.work):
            self.loads.pop3(self.pop3s, self.user, self.password, "lists", 0)
        return self.work / (time.monotonic() - start)


class GwTool(GwSide):
    """A program that works on a vault of `messages` mails of 8 KiB."""

    size = 8 * KIB

    def __init__(self, context, binaries, name, messages=20_000):
        super().__init__(context, binaries, name)
        self.work = context.scaled(messages)
        self.address, self.password, self.box = self.gateway.mailbox()
        smtp = self.gateway.serve("gw-smtpd", "127.0.0.1:0")["smtp"]
        self.loads.smtp(smtp, 10, self.work, self.size, self.address)
        self.out = self.gateway.directory / "out"

    def prepare(self):
        if self.out.is_dir():
            shutil.rmtree(self.out)
        else:
            self.out.unlink(missing_ok=True)
        os.sync()

    def timed(self, *command):
        start = time.monotonic()
        self.gateway.run(*command)
        return self.work / (time.monotonic() - start)


class GwVerifies(GwTool):
    def measure(self):
        return self.timed("gw-store", "verify")


class GwExports(GwTool):
    def __init__(self, context, binaries, name, form):
        super().__init__(context, binaries, name)
        self.form = form

    def measure(self):
        return self.timed("gw-export", self.box, "--to", self.out, "--format", self.form, "-q", "--password-file", self.password)


class GwImports(GwTool):
    """From a directory of EML files, each time into a new mailbox."""

    def __init__(self, context, binaries, name):
        super().__init__(context, binaries, name, messages=5000)
        self.source = self.gateway.directory / "source"
        self.gateway.run("gw-export", self.box, "--to", self.source, "--format", "eml", "-q", "--password-file", self.password)

    def prepare(self):
        self.to = self.gateway.mailbox()[2]

    def measure(self):
        return self.timed("gw-store", "import", self.to, self.source, "-q")


class GwBacksUp(GwTool):
    def measure(self):
        return self.timed("gw-store", "backup", self.out)


class CopiesVault(GwTool):
    """What a backup is compared with: cp -a of a vault whose keeper is stopped, and a sync."""

    def pids(self):
        return []

    def measure(self):
        self.gateway.end_keeper()
        start = time.monotonic()
        tool("cp", "-a", self.gateway.vault, self.out)
        os.sync()
        return self.work / (time.monotonic() - start)


class GwIdles(GwSide):
    """KiB of memory that the server needs for each idle connection."""

    def __init__(self, context, binaries, name, protocol, tls):
        super().__init__(context, binaries, name)
        program = {"smtp": "gw-smtpd", "pop3": "gw-pop3d"}[protocol]
        address = self.gateway.serve(program, "127.0.0.1:0" + (",tls" if tls else ""))[protocol + ("s" if tls else "")]
        host, port = address.rsplit(":", 1)
        self.address, self.tls, self.work = (host, int(port)), tls, context.scaled(500)
        self.server = self.gateway.servers[program].pid

    def pids(self):
        return []

    def connections(self, count, stack):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for _ in range(count):
            each = stack.enter_context(socket.create_connection(self.address))
            if self.tls:
                each = stack.enter_context(context.wrap_socket(each))
            each.recv(512)

    def measure(self):
        with contextlib.ExitStack() as stack:
            self.connections(20, stack)
            before = proc_field(self.server, "smaps_rollup", "Pss")
            self.connections(self.work, stack)
            return (proc_field(self.server, "smaps_rollup", "Pss") - before) / self.work


class GwAmplifies(GwSide):
    """Bytes that the keeper writes for each byte that was kept, for mails that are drained immediately."""

    def __init__(self, context, binaries, name, messages, size):
        super().__init__(context, binaries, name)
        self.smtp = self.gateway.serve("gw-smtpd", "127.0.0.1:0")["smtp"]
        self.pop3s = self.gateway.serve("gw-pop3d", "127.0.0.1:0,tls")["pop3s"]
        self.work, self.size = context.scaled(messages), size

    def measure(self):
        address, password, _ = self.gateway.mailbox("--grace", "0")
        keeper = self.gateway.keeper()
        before = proc_field(keeper, "io", "write_bytes")
        self.loads.smtp(self.smtp, 10, self.work, self.size, address)
        self.loads.pop3(self.pop3s, address, password, "drain", self.work)
        self.gateway.run("gw-store", "sweep")
        os.sync()
        return (proc_field(keeper, "io", "write_bytes") - before) / (self.work * self.size)


class GwSpawns(GwSide):
    """Milliseconds from the start of a server under inetd to its banner."""

    def __init__(self, context, binaries, name, program):
        super().__init__(context, binaries, name)
        self.program, self.work = program, context.scaled(50)
        self.spawn = context.loads.bin / "spawn_bench"

    def pids(self):
        return []

    def measure(self):
        return json.loads(tool(self.spawn, self.work, self.gateway.bin / self.program, "--quiet",
                               env=self.gateway.environment))["median_ms"]


class GwManyMessages(GwSide):
    """A mailbox that has `messages` mails of 1 KiB: the rate at which more are accepted, or milliseconds until a keeper
    that starts replies."""

    def __init__(self, context, binaries, name, messages, what):
        super().__init__(context, binaries, name)
        self.what = what
        self.address, self.password, _ = self.gateway.mailbox()
        self.smtp = self.gateway.serve("gw-smtpd", "127.0.0.1:0")["smtp"]
        self.pop3s = self.gateway.serve("gw-pop3d", "127.0.0.1:0,tls")["pop3s"]
        self.messages = context.scaled(messages)
        self.work = context.scaled(10_000)
        if self.messages:
            self.loads.smtp(self.smtp, 50, self.messages, KIB, self.address)

    def measure(self):
        if self.what == "accept":
            self.messages += self.work
            return self.loads.smtp(self.smtp, 50, self.work, KIB, self.address)["rate"]
        if self.what == "lists":
            return self.loads.pop3(self.pop3s, self.address, self.password, "lists", self.messages)["seconds"] * 1000
        self.gateway.end_keeper()
        start = time.monotonic()
        self.gateway.keeper()
        return (time.monotonic() - start) * 1000


class Disk(Side):
    """Synced appends of 8 KiB a second by one writer: what the machine can do at best."""

    def __init__(self, context):
        self.path = context.work / "disk"

    def measure(self):
        block, count = os.urandom(8 * KIB), 0
        with open(self.path, "wb", buffering=0) as file:
            start = time.monotonic()
            while time.monotonic() - start < 1:
                file.write(block)
                os.fdatasync(file.fileno())
                count += 1
            return count / (time.monotonic() - start)

    def close(self):
        self.path.unlink()


class StoreAlone(Side):
    """The store without a keeper and servers, with 64 writers of 8 KiB, or synced puts into RocksDB without anything else."""

    def __init__(self, context, binaries, which):
        self.program, self.work_directory, self.which = pathlib.Path(binaries) / "store_bench", context.work, which

    def measure(self):
        return json.loads(tool(self.program, self.work_directory, "--rounds", 1, "--json").splitlines()[-1])[self.which]


class Row:
    """`gw(context, binaries, name)` and `other(context)` make the sides; `other` may be None. `target` is what the ratio of gw
    to the other side must reach ("at least"), or what the figure itself may cost ("at most")."""

    def __init__(self, title, unit, gw, other=None, at_least=None, at_most=None, cost=False):
        self.title, self.unit, self.gw, self.other = title, unit, gw, other
        self.at_least, self.at_most, self.cost = at_least, at_most, cost


def gw_side(kind, *arguments):
    return lambda context, binaries, name: kind(context, binaries, name, *arguments)


def accept_rows():
    # Postfix gets at least 4,000 mails in five rounds, because its rate varies much between short runs.
    for connections, messages, theirs, target in ((1, 4000, 1500, 4), (10, 15_000, 4000, 6.5), (100, 15_000, 4000, 8)):
        yield Row(f"accept 4 KiB, {connections} connection{'s' * (connections > 1)}, vs Postfix to Maildir", "a second",
                  gw_side(GwAccepts, connections, messages, 4 * KIB),
                  lambda context, c=connections, m=theirs: PostfixAccepts(context, c, m, 4 * KIB), at_least=target)


def size_rows():
    for size, label, messages, theirs, target in ((64 * KIB, "64 KiB", 4000, 1500, 4), (256 * KIB, "256 KiB", 1500, 800, 3),
                                                  (MIB, "1 MiB", 800, 800, 2.2)):
        yield Row(f"accept {label}, 10 connections, vs Postfix to Maildir", "a second", gw_side(GwAccepts, 10, messages, size),
                  lambda context, m=theirs, s=size: PostfixAccepts(context, 10, m, s), at_least=target)
        yield Row(f"accept {label}, 10 connections, vs smtp-sink (keeps nothing)", "a second",
                  gw_side(GwAccepts, 10, messages, size), lambda context, m=messages, s=size: SinkAccepts(context, 10, m, s))


def starttls_rows():
    for each, messages, theirs, target in ((1, 4000, 1000, 6), (10, 8000, 2000, 9), (100, 15_000, 4000, None)):
        options = ("starttls", f"each={each}")
        yield Row(f"accept 4 KiB by STARTTLS, {each} mail{'s' * (each > 1)} a connection, vs Postfix", "a second",
                  gw_side(GwAccepts, 10, messages, 4 * KIB, *options),
                  lambda context, m=theirs, o=options: PostfixAccepts(context, 10, m, 4 * KIB, *o, tls=context.certificate),
                  at_least=target)


def drain_rows():
    for size, label, messages, target in ((8 * KIB, "8 KiB", 10_000, 2.5), (64 * KIB, "64 KiB", 2000, 3), (MIB, "1 MiB", 200, 1.6)):
        yield Row(f"drain {label} over TLS vs Dovecot Maildir", "a second", gw_side(GwDrains, messages, size),
                  lambda context, m=messages, s=size: DovecotDrains(context, m, s), at_least=target)
    yield Row("drain 8 KiB over TLS vs Dovecot mail_crypt", "a second", gw_side(GwDrains, 10_000, 8 * KIB),
              lambda context: DovecotDrains(context, 10_000, 8 * KIB, crypt=True), at_least=20)


def list_rows():
    yield Row("STAT, LIST, UIDL of 10,000 vs Dovecot Maildir", "a second", gw_side(GwDrains, 10_000, 8 * KIB, "lists"),
              lambda context: DovecotDrains(context, 10_000, 8 * KIB, "lists"), at_least=20)
    yield Row("logins over TLS, one after the other", "a second", gw_side(GwLogsIn))


def tool_rows():
    yield Row("verify", "mails/s", gw_side(GwVerifies), at_least=None)
    for form in ("tar", "eml"):
        yield Row(f"export 8 KiB mails, {form}", "mails/s", gw_side(GwExports, form))
    yield Row("import 8 KiB mails from EML files", "mails/s", gw_side(GwImports))
    yield Row("backup of 8 KiB mails vs cp -a and sync", "mails/s", gw_side(GwBacksUp),
              lambda context: CopiesVault(context, context.binaries, "copied"), at_least=0.7)


def cost_rows():
    for program in ("gw-smtpd", "gw-pop3d"):
        yield Row(f"start to banner, {program}", "ms", gw_side(GwSpawns, program), at_most=3, cost=True)
    for protocol, tls, most in (("smtp", False, 20), ("smtp", True, 64), ("pop3", False, 13), ("pop3", True, 46)):
        yield Row(f"memory of an idle connection, {protocol.upper()}{' over TLS' * tls}", "KiB",
                  gw_side(GwIdles, protocol, tls), at_most=most, cost=True)
    for size, label, messages, most in ((8 * KIB, "8 KiB", 20_000, 2.6), (MIB, "1 MiB", 300, 1.1)):
        yield Row(f"bytes written for each byte kept, {label}", "", gw_side(GwAmplifies, messages, size), at_most=most, cost=True)


def many_rows():
    yield Row("accept 1 KiB into a mailbox of 100,000 vs an empty one", "a second", gw_side(GwManyMessages, 100_000, "accept"),
              lambda context: GwManyMessages(context, context.binaries, "empty", 0, "accept"), at_least=0.95)
    yield Row("STAT, LIST, UIDL of 100,000", "ms", gw_side(GwManyMessages, 100_000, "lists"), cost=True)


def million_rows():
    yield Row("accept 1 KiB at a million messages vs an empty vault", "a second", gw_side(GwManyMessages, 1_000_000, "accept"),
              lambda context: GwManyMessages(context, context.binaries, "empty", 0, "accept"), at_least=0.95)
    yield Row("first reply of a keeper with a million messages vs none", "ms", gw_side(GwManyMessages, 1_000_000, "start"),
              lambda context: GwManyMessages(context, context.binaries, "empty", 0, "start"), cost=True)


def store_rows():
    yield Row("the store alone, 8 KiB, 64 writers, vs synced puts", "a second",
              lambda context, binaries, _name: StoreAlone(context, binaries, "store"),
              lambda context: StoreAlone(context, context.binaries, "rocksdb"), at_least=1)


def disk_rows():
    yield Row("the disk: append 8 KiB and fdatasync, one writer", "a second", lambda context, _binaries, _name: Disk(context))


GROUPS = {"disk": disk_rows, "store": store_rows, "accept": accept_rows, "sizes": size_rows, "starttls": starttls_rows, "drain": drain_rows,
          "lists": list_rows, "tools": tool_rows, "costs": cost_rows, "many": many_rows, "million": million_rows}


class Context:
    """What the sides of all rows share."""

    def __init__(self, work, binaries, loads, scale):
        self.work, self.binaries, self.loads, self.scale = pathlib.Path(work), binaries, loads, scale
        self.names = 0
        one = Gateway(self.work, binaries, "certificate")
        self.certificate = [pathlib.Path(shutil.copy(file, self.work)) for file in one.certificate]
        one.end_keeper()

    def next_name(self):
        self.names += 1
        return f"{self.names:02}"

    def scaled(self, count):
        return max(1, int(count * self.scale)) if count else 0


def build_of(ref, root):
    """Builds another commit, in a worktree below build/compare that later runs use again. Returns its programs' directory."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
    commit = git("rev-parse", "--verify", f"{ref}^{{commit}}")
    tree = pathlib.Path(root) / "build/compare" / commit[:12]
    if not tree.exists():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(tree), commit)
    subprocess.run([tree / "scripts/build", "release", "programs"], check=True, stdout=subprocess.DEVNULL)
    return tree / "build/release/bin"
