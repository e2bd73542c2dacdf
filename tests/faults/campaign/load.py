"""The clients of a campaign: senders, the archive of each mailbox, and an administrator. Each tells the oracle which replies it got."""
import contextlib
import json
import os
import random
import shutil
import ssl
import subprocess
import threading
import time

import gw

KIB, MIB = 1024, 1024 * 1024
TEMPORARY = (69, 71, 74, 75)  # exit statuses of tools that met a fault which passes
BUG = 70
HANG = 90  # seconds after which a client says that a server or tool hangs

# (share, least, most) in bytes. Containers of 256 KiB and more are files of their own.
SIZES = [(10, 1, 8), (20, 9, 500), (35, 500, 5 * KIB), (15, 5 * KIB, 100 * KIB), (8, 100 * KIB, 250 * KIB),
         (7, 250 * KIB, 270 * KIB), (4, 270 * KIB, MIB), (1, MIB, 4 * MIB)]
RARELY = 2500  # one mail in so many has 32 MiB


def content(rng, key):
    """A mail, and whether only BDAT can carry it. `key` makes it unique, unless it is too short for that."""
    if rng.randrange(RARELY) == 0:
        size = 32 * MIB
    else:
        _, least, most = rng.choices(SIZES, [share for share, _, _ in SIZES])[0]
        size = rng.randint(least, most)
    if size < 9:
        return bytes(rng.choices(b"abcdefgh", k=size)), True
    head = f"Subject: {key}\r\n\r\n".encode()
    if rng.random() < 0.3:  # any bytes: NUL, lone CR and LF, no line ending at the end
        return head + rng.randbytes(max(1, size - len(head))), True
    block = rng.randbytes(min(size, 64 * KIB) // 2 + 1).hex().encode()
    line = rng.choice([76, 76, 76, 998, 5000])
    lines = b"".join(block[at:at + line] + b"\r\n" + (b"." * rng.randint(0, 2) if rng.random() < 0.1 else b"")
                     for at in range(0, len(block), line))
    body = lines * (size // len(lines) + 1)
    return head + body[:max(1, size - len(head) - 2)].rstrip(b"\r") + b"\r\n", False


class Stopped(Exception):
    """The campaign killed this tool."""


class Tools:
    """Runs tools that the campaign may kill meanwhile."""

    def __init__(self, round_):
        self.round = round_
        self.lock = threading.Lock()
        self.running, self.killed = {}, set()
        self.prefix = []  # what the next tool runs under

    def run(self, name, *arguments, bad=()):
        """(exit status, standard output, standard error). Reports statuses that no passing fault explains."""
        begun = time.monotonic()
        command = " ".join([name, *map(str, arguments[:3])])
        with self.round.gate:
            prefix, self.prefix = self.prefix, []
            process = subprocess.Popen([*prefix, gw.program(name), *map(str, arguments)], env=self.round.vault.env,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with self.lock:
                self.running[process.pid] = process
        try:
            out, errors = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.round.oracle.found("hangs", f"{command} runs longer than {HANG} s")
            raise Stopped from None
        finally:
            with self.lock:
                self.running.pop(process.pid, None)
                killed = process.pid in self.killed
        status = process.returncode
        if killed and status < 0:
            raise Stopped
        if status < 0 or status == BUG:
            self.round.oracle.found("crashed", f"{command}: exit status {status}: {gw.shown(errors, 500)} {' '.join(prefix)}")
        elif status != 0 and status not in TEMPORARY and status not in bad and not prefix and (
                begun > self.round.oracle.disk_back):
            self.round.oracle.found("refused", f"{command}: exit status {status}: {gw.shown(out + errors, 500)}")
        return status, out, errors

    def kill_all(self):
        """Kills those that run, and waits for their ends."""
        with self.lock:
            running = list(self.running.values())
            for process in running:
                if process.poll() is None:
                    self.killed.add(process.pid)
                    process.kill()
        for process in running:
            gw.until(lambda process=process: process.returncode is not None or not gw.alive(process.pid), "a tool ends")

    def kill_one(self, rng, number):
        with self.lock:
            if not self.running:
                return False
            pid = rng.choice(sorted(self.running))
            if self.running[pid].poll() is not None:
                return False
            self.killed.add(pid)
            os.kill(pid, number)
            return True


class Client(threading.Thread):
    """Works until the round is over. An exception that it does not expect is a finding: the harness or the product is wrong."""

    def __init__(self, round_, name, seed):
        super().__init__(name=name, daemon=True)
        self.round, self.oracle, self.rng = round_, round_.oracle, random.Random(f"{seed} {name}")

    def run(self):
        while not self.round.over.is_set():
            try:
                self.work()
            except (OSError, gw.Closed, ssl.SSLError, ValueError, Stopped):
                self.round.over.wait(0.03)
            except Exception as error:  # noqa: BLE001
                self.oracle.found("harness", f"{self.name}: {error!r}")
                self.round.over.wait(0.5)
        self.end()

    def end(self):
        """Closes what is open."""


class Sender(Client):
    sent = 0
    smtp = None

    def work(self):
        if self.smtp is None:
            self.smtp = self.connect()
        self.sent += 1
        rng = self.rng
        mail, binary = content(rng, f"{self.round.seed}-{self.name}-{self.sent}")
        names = rng.sample(sorted(self.round.boxes), 2 if rng.random() < 0.15 and len(self.round.boxes) > 1 else 1)
        digest = self.oracle.sending(names, mail)
        begun, reply = time.monotonic(), None
        try:
            recipients = [self.round.boxes[name].address for name in names]
            chunked = binary or rng.random() < 0.3
            if rng.random() < 0.4:
                reply = self.pipelined(recipients, mail, chunked)
            else:
                reply = self.chunks(recipients, mail) if chunked else self.smtp.deliver(recipients, mail)
        except TimeoutError:
            if self.round.patient:
                self.oracle.found("hangs", f"gw-smtpd did not answer {self.name} within {HANG} s")
        finally:
            self.oracle.replied(names, digest, reply, begun)
            if reply is None or reply.code == 421 or rng.random() < 0.1:
                self.end()
        if reply is not None and not reply.ok and self.smtp is not None:
            self.must(self.smtp.command("RSET"))
            self.round.over.wait(0.05)

    def connect(self):
        smtp = gw.Smtp(self.round.address("smtp", self.rng), seconds=HANG, greet=False)
        with smtp.closed_on_failure():
            greeting = smtp.reply()
            if not greeting.ok:
                if not greeting.temporary:
                    self.oracle.found("refused", f"greeting: {greeting}")
                raise gw.Closed(repr(greeting))
            self.must(smtp.command("EHLO client.example.com"))
            if self.rng.random() < 0.5:
                self.must(smtp.command("STARTTLS"))
                smtp.start_tls()
                self.must(smtp.command("EHLO client.example.com"))
        return smtp

    def must(self, reply):
        if not reply.ok:
            if not reply.temporary:
                self.oracle.found("refused", f"{reply}")
            raise gw.Closed(repr(reply))

    def pieces(self, mail):
        """The commands of BDAT with their bytes."""
        at = 0
        while True:
            size = self.rng.choice([self.rng.randint(0, 200), self.rng.randint(1, 70_000), len(mail)])
            size = min(size, len(mail) - at)
            last = at + size == len(mail)
            yield f"BDAT {size}{' LAST' if last else ''}\r\n".encode() + mail[at:at + size]
            at += size
            if last:
                return

    def chunks(self, recipients, mail):
        smtp = self.smtp
        for text in ["MAIL FROM:<>"] + [f"RCPT TO:<{each}>" for each in recipients]:
            reply = smtp.command(text)
            if not reply.ok:
                return reply
        for piece in self.pieces(mail):
            smtp.send(piece)
            reply = smtp.reply()
            if not reply.ok:
                return reply
        return reply

    def pipelined(self, recipients, mail, chunked):
        """The first refusal, or the last reply: what follows a refused command is refused because of it."""
        smtp, count = self.smtp, 1 + len(recipients)
        commands = b"MAIL FROM:<>\r\n" + b"".join(f"RCPT TO:<{each}>\r\n".encode() for each in recipients)
        if chunked:
            pieces = list(self.pieces(mail))[:200] if len(mail) < MIB else [b"BDAT %d LAST\r\n" % len(mail) + mail]
            if sum(map(len, pieces)) < len(mail):
                pieces = [b"BDAT %d LAST\r\n" % len(mail) + mail]
            smtp.send(commands + b"".join(pieces))
            replies = [smtp.reply() for _ in range(count + len(pieces))]
            bad = [reply for reply in replies if not reply.ok]
            return bad[0] if bad else replies[-1]
        smtp.send(commands + b"DATA\r\n")
        replies = [smtp.reply() for _ in range(count + 1)]
        bad = [reply for reply in replies[:count] if not reply.ok]
        if replies[-1].code == 354:
            if bad:  # some recipients are accepted: the transaction must not be completed for these alone
                self.end()
                return bad[0]
            return smtp.body(mail)
        return (bad or replies[-1:])[0]

    def end(self):
        if self.smtp is not None:
            with contextlib.suppress(OSError):
                self.smtp.close()
            self.smtp = None


class Archive(Client):
    """The only one that drains, undeletes, exports and changes the password of its mailbox."""

    def __init__(self, round_, name, seed):
        super().__init__(round_, f"archive-{name}", seed)
        self.box = round_.boxes[name]
        self.mailbox = name
        self.passwords = [self.box.password]  # one of them is in force; the likeliest is the first
        self.drained, self.changes = [], 0

    def work(self):
        actions = {"drain": 54, "undelete": 8, "passwd": 6, "rotate": 6, "export": 5, "next_export": 7, "rest": 14}
        action = self.rng.choices(list(actions), actions.values())[0]
        if action == "rest":
            self.round.over.wait(self.rng.uniform(0, 0.5))
        else:
            getattr(self, action)()

    def password_file(self, password, name="password"):
        path = self.round.vault.side / f"{self.mailbox}.{name}"
        path.write_text(password + "\n")
        return path

    def login(self, address=None):
        for password in list(self.passwords):
            pop3 = gw.Pop3(address or self.round.address("pop3", self.rng), seconds=HANG)
            try:
                with pop3.closed_on_failure():
                    if self.rng.random() < 0.4:
                        pop3.command("STLS")
                        pop3.start_tls()
                    pop3.command(f"USER {self.box.id}")
                    pop3.command(f"PASS {password}")
                self.passwords.remove(password)
                self.passwords.insert(0, password)
                return pop3
            except gw.Refused as refused:
                if not str(refused).startswith("-ERR [AUTH]"):
                    self.refused(refused)
                    raise gw.Closed(str(refused)) from None
        self.oracle.found("refused", f"{self.mailbox}: [AUTH] to each of {len(self.passwords)} passwords")
        raise gw.Closed("no password is in force")

    def refused(self, refused):
        if not str(refused).startswith(("-ERR [SYS/TEMP]", "-ERR [IN-USE]", "-ERR [LOGIN-DELAY]")):
            self.oracle.found("refused", f"{self.mailbox}: {refused}")

    def read(self, pop3, most=None, removing=lambda: False):
        """{id: digest} of the messages that came completely, and the ids that were marked."""
        read, marked = {}, []
        identities = pop3.uids()
        for number, identity in enumerate(identities[:most], 1):
            digest, _ = pop3.digest(number)
            read[identity] = digest
            self.oracle.seen(self.mailbox, identity, digest)
            if removing():
                pop3.command(f"DELE {number}")
                marked.append(identity)
        return read, marked

    def drain(self):
        with self.login() as pop3:
            try:
                _, marked = self.read(pop3, self.rng.randint(1, 40), lambda: self.rng.random() < 0.8)
                if self.rng.random() < 0.1:
                    return  # without QUIT nothing is deleted
                self.oracle.deleting(self.mailbox, marked)
                pop3.command("QUIT")
            except gw.Refused as refused:
                return self.refused(refused)
            self.oracle.deleted(self.mailbox, marked)
            self.drained = (self.drained + marked)[-200:]

    def undelete(self):
        if not self.box.grace or not self.drained:
            return
        chosen = self.rng.sample(self.drained, min(5, len(self.drained)))
        self.drained = [each for each in self.drained if each not in chosen]
        self.oracle.deleting(self.mailbox, chosen)  # both may be true until the tool has ended
        status, _, _ = self.round.tools.run("gw-store", "message", "undelete", self.mailbox, *chosen)
        if status == 0:
            self.oracle.undeleted(self.mailbox, chosen)

    def with_password(self, *command):
        """Runs a tool with each password that may be in force."""
        for password in list(self.passwords):
            status, out, errors = self.round.tools.run(*command, "--password-file", self.password_file(password), bad=(77,))
            if status != 77:
                return status, out, errors
        self.oracle.found("refused", f"{command[:3]}: exit status 77 for each password: {gw.shown(errors, 300)}")
        raise Stopped

    def passwd(self):
        self.changes += 1
        new = f"password-{self.mailbox}-{self.changes}-{self.rng.getrandbits(64):x}"
        self.passwords.append(new)
        path = self.password_file(new, "new-password")
        status, _, _ = self.with_password("gw-store", "mailbox", "passwd", self.mailbox, "--new-password-file", path)
        if status == 0:
            self.passwords = [new]
        elif len(self.passwords) > 4:
            # Find out which one it is before there are too many.
            with self.login() as pop3:
                pop3.command("QUIT")

    def rotate(self):
        self.with_password("gw-store", "mailbox", "rotate", self.mailbox)

    def export(self):
        self.changes += 1
        to = self.round.vault.side / f"export-{self.mailbox}-{self.changes}"
        try:
            self.with_password("gw-export", self.mailbox, "--to", to, "--format", "eml", "-q")
        finally:
            for identity, digest in exported(to).items():
                self.oracle.exported(self.mailbox, identity, digest)
            shutil.rmtree(to, ignore_errors=True)


    def next_export(self):
        """A run with a cursor. It counts if it has replaced the cursor file, even if it was killed after that."""
        self.changes += 1
        to = self.round.vault.side / f"run-{self.mailbox}-{self.changes}"
        cursor = self.round.vault.side / f"cursor-{self.mailbox}"
        before = cursor.read_bytes() if cursor.exists() else None
        status = None
        try:
            status, _, _ = self.with_password("gw-export", self.mailbox, "--to", to, "--format", "eml", "-q", "--cursor", cursor)
        finally:
            files = exported(to)
            for identity, digest in files.items():
                self.oracle.exported(self.mailbox, identity, digest)
            if status == 0 or before != (cursor.read_bytes() if cursor.exists() else None):
                self.oracle.ran(self.mailbox, files)
            shutil.rmtree(to, ignore_errors=True)


def exported(folder):
    """Returns {id: digest} of the complete files below a directory."""
    return {path.stem: gw.sha256(path.read_bytes()) for path in sorted(folder.rglob("*.eml")) if not path.name.startswith(".")}


class Administrator(Client):
    """Does what concerns the whole vault, one command after another."""

    imports = 0
    last_backup = None  # (directory, contents acknowledged before it began, by mailbox)

    def work(self):
        commands = {"sweep": 3, "purge": 1, "backup": 3, "verify": 3, "status": 2, "checkpoint": 1, "report": 1, "list": 2,
                    "dump": 1, "import_files": 2}
        getattr(self, self.rng.choices(list(commands), commands.values())[0])()
        self.round.over.wait(self.rng.uniform(0, 0.3))

    def store(self, *arguments):
        return self.round.tools.run("gw-store", *arguments)

    def sweep(self):
        self.store("sweep", "--json")

    def purge(self):
        self.store("sweep", "--purge", "--json")

    def verify(self):
        self.store("verify")

    def status(self):
        self.store("status", "--json")

    def checkpoint(self):
        self.store("checkpoint")

    def report(self):
        self.store("report")

    def list(self):
        self.store("message", "list", self.rng.choice(sorted(self.round.boxes)), "--state", "all", "--json")

    def dump(self):
        for line in self.store("dump")[1].splitlines():
            json.loads(line)

    def import_files(self):
        """Until nothing is left in the directory: each mail is in it or in the vault, once."""
        self.imports += 1
        name = self.rng.choice(sorted(self.round.boxes))
        source = self.round.vault.side / f"import-{self.imports}"
        source.mkdir()
        digests = []
        for number in range(self.rng.randint(1, 5)):
            mail, _ = content(self.rng, f"{self.round.seed}-import-{self.imports}-{number}")
            # Without a header the source is kept, and two equal mails would be imported as one.
            mail = f"From: a@example.com\r\nX-Number: {self.imports}-{number}\r\n".encode() + (
                mail if mail.startswith(b"Subject:") else b"\r\n" + mail)
            (source / f"{number}.eml").write_bytes(mail)
            digests.append(self.oracle.sending([name], mail))
        begun = time.monotonic()
        while not self.round.over.is_set():
            with contextlib.suppress(Stopped):
                status, _, _ = self.store("import", name, source, "--format", "eml", "--remove", "--json")
                if status == 0:
                    left = sorted(source.iterdir())
                    if left:
                        self.oracle.found("other", f"import --remove exits with 0 and leaves {left}")
                    for digest in digests:
                        self.oracle.replied([name], digest, gw.Reply(250, "imported"), begun)
                    return
            self.round.over.wait(0.1)

    def backup(self):
        with self.oracle.lock:
            before = {name: {each: digest for each, digest in ledger.ids.items()} for name, ledger in self.oracle.ledgers.items()
                      if ledger.grace}
        folder = self.round.vault.side / "backups"
        status, out, _ = self.store("backup", folder, "--incremental", "--keep", "2", "--json")
        if status == 0:
            self.last_backup = (folder, before)
