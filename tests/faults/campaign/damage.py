"""Damage to the files of a stopped vault. What is lost must be named, nothing else may be lost, and no program may crash."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

import gw

from .load import content, exported
from .oracle import Oracle

CLASSES = {"log": ["db/*.log"], "table": ["db/*.sst"], "blob": ["db/*.blob"], "manifest": ["db/MANIFEST-*"],
           "current": ["db/CURRENT"], "options": ["db/OPTIONS-*"], "identity": ["db/IDENTITY"], "large": ["large/[0-9a-f]*"],
           "head": ["head"], "format": ["format"], "key": ["history.key"], "ballast": ["ballast"], "lock": ["lock"]}
HOLD_MAIL = {"log", "table", "blob", "large", "database"}  # damage to the others may lose no mail
WAYS = ["flip", "flip", "flip", "zero", "truncate", "empty", "delete", "swap", "roll back", "append"]
BUG = 70


class Told:
    """A tool's exit status and its JSON lines."""

    def __init__(self, done):
        self.status, self.errors = done.returncode, gw.shown(done.stdout[-600:] + done.stderr, 1200)
        self.lines = []
        for line in done.stdout.splitlines():
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))


class Damage:
    """A vault that is filled once, and damaged copies of it."""

    def __init__(self, seed, injections, plants=()):
        self.seed, self.rng, self.injections = seed, random.Random(f"damage {seed}"), injections
        self.oracle, self.injected, self.recoveries = Oracle(), 0, []
        self.plants, self.said = plants, []
        self.mails, self.gone, self.drained = {}, set(), set()

    def run(self, until=None):
        with gw.Vault(tls=False) as vault:
            self.vault, self.side = vault, vault.side
            self.fill()
            while self.injected < self.injections and (until is None or time.monotonic() < until):
                self.injected += 1
                self.one(self.injected)
                self.oracle.acknowledged += len(self.mails)
        return self

    # The vault.

    def fill(self):
        vault, rng = self.vault, self.rng
        self.boxes = [vault.add_mailbox("journal"), vault.add_mailbox("swept", "--grace", "0")]
        self.smtpd, self.pop3d = vault.smtpd(), vault.pop3d()
        self.deliver(rng.randint(4, 12))
        self.older = self.keep_copy("older", rng.random() < 0.5)
        self.deliver(rng.randint(2, 10))
        self.drain()
        if rng.random() < 0.5:
            vault.store("mailbox", "rotate", "journal", "--password-file", self.boxes[0].password_file)
        if rng.random() < 0.4:
            vault.store("sweep", "--purge")
        for _ in range(rng.randint(0, 2)):  # each leaves a log that the next keeper reads
            self.deliver(rng.randint(1, 6))
            vault.kill_keeper()
        self.deliver(rng.randint(0, 4))
        self.checkpoint = self.side / "checkpoint"
        self.checkpoint.write_bytes(vault.store("checkpoint").stdout)
        vault.store("backup", self.side / "backup")
        vault.settle()  # the head file may be one second older than the last commit, and then a lost log is not noticed
        self.newest = self.keep_copy("newest", rng.random() < 0.5)
        for server in (self.smtpd, self.pop3d):
            server.stop()

    def deliver(self, count):
        with gw.Smtp(self.smtpd) as smtp:
            for number in range(count):
                box = self.boxes[0] if self.rng.random() < 0.75 else self.boxes[1]
                mail, binary = content(self.rng, f"{self.seed}-{len(self.mails)}")
                if self.rng.random() < 0.15:
                    mail, binary = gw.mail(300_000, "large", f"{self.seed}-{len(self.mails)}"), False
                if binary:
                    smtp.command("MAIL FROM:<>")
                    smtp.command(f"RCPT TO:<{box.address}>")
                    smtp.send(b"BDAT %d LAST\r\n" % len(mail) + mail)
                    reply = smtp.reply()
                else:
                    reply = smtp.deliver(box.address, mail)
                if not reply.ok:
                    raise AssertionError(f"mail {number}: {reply}")
                self.mails[reply.text.split()[-1]] = (box.name, gw.sha256(mail))

    def drain(self):
        for box in self.boxes:
            with gw.Pop3(self.pop3d, box) as pop3:
                chosen = [(n, each) for n, each in enumerate(pop3.uids(), 1) if self.rng.random() < 0.3]
                for number, _ in chosen:
                    pop3.command(f"DELE {number}")
                pop3.command("QUIT")
            ids = {each for _, each in chosen}
            if box.name == "swept":
                self.gone |= ids
                for each in ids:
                    del self.mails[each]
            else:
                self.drained |= ids

    def keep_copy(self, name, killed):
        if killed:
            self.vault.kill_keeper()
        else:
            self.vault.stop_keeper()
        folder = self.side / name
        copy(self.vault.path, folder)
        return folder

    # One injection.

    def one(self, number):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-damage-", dir=self.side))
        try:
            if self.rng.random() < 0.12:
                return self.damaged_backup(folder)
            damaged = folder / "vault"
            copy(self.newest, damaged)
            what, kind, victims = self.damage(damaged)
            if self.rng.random() < 0.2:  # a second one
                more, other, others = self.damage(damaged)
                what, victims = f"{what}; {more}", victims | others
                if other != kind and other in HOLD_MAIL | {"everything"}:
                    kind = "everything" if "everything" in (kind, other) else "database"
            self.what = f"injection {number}: {what}"
            self.said.append(self.what)
            self.may_return = kind in HOLD_MAIL or kind == "everything"
            copy(damaged, folder / "again")
            copy(damaged, folder / "repaired")
            there = self.opened(damaged, kind)
            self.salvaged(folder / "again", folder / "salvaged", kind, victims)
            self.repaired(folder / "repaired", there)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def damage(self, vault):
        """(description, class, ids whose own file it is)."""
        rng = self.rng
        while True:
            if rng.random() < 0.06:
                return self.roll_back_folder(vault)
            kind = rng.choice(["log", "log", "table", "table", "blob", "blob", "large", "manifest", *CLASSES])
            files = sorted(each for pattern in CLASSES[kind] for each in vault.glob(pattern) if each.is_file())
            files = [each for each in files if each.stat().st_size or kind == "ballast"]
            if not files:
                continue
            file, way = rng.choice(files), rng.choice(WAYS)
            victims = {file.name} if kind == "large" else set()
            said = self.change(file, way, files, victims, vault)
            if said:
                return f"{kind} {file.relative_to(vault)}: {said}", kind, victims

    def change(self, file, way, files, victims, vault):
        rng, data = self.rng, bytearray(file.read_bytes())
        size = len(data)
        if way == "flip":
            places = sorted(rng.sample(range(size), min(size, rng.choice([1, 1, 1, 8]))))
            for at in places:
                data[at] ^= 1 << rng.randrange(8)
            said = f"bits flipped at {places} of {size}"
        elif way == "zero":
            at = rng.randrange(size)
            length = min(size - at, rng.choice([16, 512, 4096]))
            if not any(data[at:at + length]):
                return None
            data[at:at + length] = bytes(length)
            said = f"{length} bytes at {at} of {size} zeroed"
        elif way == "truncate":
            at = rng.randrange(size)
            del data[at:]
            said = f"truncated to {at} of {size}"
        elif way == "empty":
            data, said = b"", "emptied"
        elif way == "append":
            data += rng.randbytes(rng.choice([1, 40, 5000]))
            said = f"{len(data) - size} bytes appended to {size}"
        elif way == "delete":
            file.unlink()
            return "deleted"
        elif way == "swap":
            others = [each for each in files if each != file and each.read_bytes() != data]
            if not others:
                return None
            other = rng.choice(others)
            victims |= {other.name} if victims else set()
            file.write_bytes(other.read_bytes())
            other.write_bytes(data)
            return f"swapped with {other.name}"
        else:
            old = self.older / file.relative_to(vault)
            if not old.is_file() or old.read_bytes() == data:
                return None
            shutil.copy(old, file)
            return "rolled back"
        file.write_bytes(data)
        return said

    def roll_back_folder(self, vault):
        which = self.rng.choice(["db", "large", "all"])
        for each in (["db", "large", "head"] if which == "all" else [which]):
            path = vault / each
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
            if (self.older / each).is_dir():
                copy(self.older / each, path)
            elif (self.older / each).exists():
                shutil.copy(self.older / each, path)
        return f"{which} rolled back", "everything" if which == "all" else "database", set()

    def found(self, what, text):
        self.oracle.found(what, f"{self.what}: {text}")

    def tool(self, vault, *command):
        for _ in range(10):
            told = Told(gw.run(gw.program(command[0]), *command[1:], input=b"Subject: x\r\n\r\n", status=None,
                               env={**self.vault.env, "GW_VAULT": str(vault)}))
            if told.status not in (69, 75):
                break
            time.sleep(0.5)  # two keepers start at the same time on a busy machine
        if told.status < 0 or told.status == BUG:
            self.found("crashed", f"{command[:3]}: exit status {told.status}: {told.errors}")
        return told

    def export(self, vault, name, box):
        """The files of a mailbox: every one must be what was sent."""
        to = vault.parent / name
        told = self.tool(vault, "gw-export", box.name, "--to", to, "--format", "eml", "--state", "all", "-q",
                         "--password-file", box.password_file)
        files = exported(to)
        for identity, digest in files.items():
            if identity in self.gone:
                # Damage may hide that a message was removed. Then it may be here again, and unaltered.
                if not self.may_return:
                    self.found("returned", f"{identity} was removed and is exported")
            elif self.mails.get(identity, (None, None)) != (box.name, digest):
                self.found("altered", f"gw-export wrote other bytes for {identity}, exit status {told.status}")
        shutil.rmtree(to, ignore_errors=True)
        return told, set(files) - self.gone

    @contextlib.contextmanager
    def keeper(self, vault):
        """A keeper whose exit status is seen."""
        log = vault.parent / "keeper.log"
        with open(log, "ab") as errors:
            process = subprocess.Popen([gw.program("gw-store"), "serve"], env={**self.vault.env, "GW_VAULT": str(vault)},
                                       stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(self.rng.choice([signal.SIGTERM, signal.SIGKILL]))
            status = process.wait(gw.WAIT)
            if status == BUG or status < 0 and status not in (-signal.SIGKILL, -signal.SIGTERM):
                self.found("crashed", f"keeper: exit status {status}: {gw.shown(log.read_bytes()[-1200:])}")
            end_keeper(vault)

    def opened(self, vault, kind):
        """The damaged vault, used as if nothing had happened. Returns the messages that can be exported."""
        with self.keeper(vault):
            told = self.tool(vault, "gw-store", "verify", "--json")
            exports = [self.export(vault, "opened", box) for box in self.boxes]
            there = set().union(*(ids for _, ids in exports))
            missing = self.mails.keys() - there
            named = {line.get("message") for line in told.lines if "finding" in line}
            # If the list of messages cannot be read, an export ends there. Salvage shows what is lost.
            if told.status != 65 or all(export.status in (0, 3) for export, _ in exports):
                self.judge_missing("verify", told, missing, named)
            if kind == "everything":
                against = self.tool(vault, "gw-store", "verify", "--against", self.checkpoint)
                if against.status == 0:
                    self.found("unnoticed", "verify --against accepts a vault that was rolled back")
            elif told.status == 0 and any(export.status for export, _ in exports):
                self.found("unnoticed", f"verify exits with 0, gw-export with {[export.status for export, _ in exports]}")
            mail = gw.mail(700, "after", f"{self.seed}-{self.injected}")
            added = gw.run(gw.program("gw-store"), "message", "add", "journal", input=mail,
                           env={**self.vault.env, "GW_VAULT": str(vault)}, status=None)
            if (added.returncode in (64, 66, 67, 70, 77) or added.returncode < 0) and "format" not in self.what:
                self.found("refused", f"message add: exit status {added.returncode}: {gw.shown(added.stderr)}")
        if added.returncode == 0:
            identity = added.stdout.decode().split()[-1]
            self.mails[identity] = ("journal", gw.sha256(mail))
            try:
                with self.keeper(vault):
                    told, again = self.export(vault, "reopened", self.boxes[0])
                    here = {each for each in there if self.mails[each][0] == "journal"}
                    if here - again:
                        self.found("lost", f"{len(here - again)} mails were there, and not after a restart: exit status "
                                           f"{told.status}: {told.errors}")
                if identity not in again:  # damage hides it, and salvage finds it
                    to = vault.parent / "rescued"
                    rescue = self.tool(vault, "gw-store", "salvage", vault, "--to", to, "--json")
                    if identity not in self.export(to, "rescued-files", self.boxes[0])[1]:
                        self.found("lost", f"{identity} was acknowledged by the damaged vault and is not there, exit status "
                                           f"{told.status}: {told.errors}; salvage: {rescue.errors}")
                    end_keeper(to)
            finally:
                del self.mails[identity]
        return there

    def repaired(self, vault, there):
        """If the vault says that it lost commits, accepting this loses nothing else and makes it writable."""
        told = self.tool(vault, "gw-store", "repair", "--json")
        if not any(line.get("lost") for line in told.lines):
            return
        told = self.tool(vault, "gw-store", "repair", "--accept-loss", "--json")
        if told.status != 0:
            return self.found("refused", f"repair --accept-loss: exit status {told.status}: {told.errors}")
        with self.keeper(vault):
            exports = [self.export(vault, "repaired-files", box) for box in self.boxes]
            missing = there - set().union(*(ids for _, ids in exports))
            if missing:
                self.found("lost", f"repair lost {len(missing)} mails that could be exported before: {sorted(missing)[:3]}, "
                                   f"exit status {[export.status for export, _ in exports]}")
            added = self.tool(vault, "gw-store", "message", "add", "journal")
            if added.status != 0:
                self.found("refused", f"message add after repair: exit status {added.status}: {added.errors}")

    def judge_missing(self, who, told, missing, named):
        if not missing or "all rolled back" in self.what:
            return
        if told.status == 0:
            self.found("lost", f"{who} exits with 0, and {len(missing)} mails are missing: {sorted(missing)[:3]}")
        elif not told.lines:
            return  # it opened nothing, and its error says why
        elif told.status in (3, 65) and None not in named and missing - named:
            self.found("unnamed", f"{who} exits with {told.status} and does not name {sorted(missing - named)[:3]} of "
                                  f"{len(missing)} missing mails; it names {len(named)}")

    def salvaged(self, vault, to, kind, victims):
        told = self.tool(vault, "gw-store", "salvage", vault, "--to", to, "--json")
        if told.status == 78 and "format" in self.what:
            return  # the damaged version is that of a later gw
        if told.status not in (0, 3):
            return self.found("refused", f"salvage: exit status {told.status}: {told.errors}")
        exports = [self.export(to, "salvaged-files", box) for box in self.boxes]
        there = set().union(*(ids for _, ids in exports))
        missing = self.mails.keys() - there
        named = {line.get("message") for line in told.lines if line.get("kind") == "lost"}
        self.judge_missing("salvage", told, missing, named)
        if kind != "everything" and missing and kind not in HOLD_MAIL:
            self.found("lost", f"salvage lost {len(missing)} mails of a vault whose mail was not damaged: {told.errors}")
        if kind == "large" and missing - victims:
            self.found("lost", f"salvage lost {sorted(missing - victims)}, which were not damaged")
        verified = self.tool(to, "gw-store", "verify", "--json")
        if verified.status != 0:
            self.found("refused", f"verify of the salvaged vault: exit status {verified.status}: {verified.errors}")
        end_keeper(to)
        # What was removed stays removed, and what was drained stays drained, where the damage cannot have hidden it.
        if not self.may_return:
            for line in self.tool(to, "gw-store", "message", "list", "journal", "--json").lines:
                if line.get("id") in self.drained:
                    self.found("returned", f"{line['id']} was drained and is live in the salvaged vault")
        end_keeper(to)

    def damaged_backup(self, folder):
        """Any change of a backup is found before it is restored."""
        backup = folder / "backup"
        copy(next(each for each in sorted((self.side / "backup").iterdir()) if each.is_dir()), backup)
        files = sorted(each for each in backup.rglob("*") if each.is_file() and each.stat().st_size)
        file = self.rng.choice(files)
        said = None
        while not said:
            way = self.rng.choice([way for way in WAYS if way != "roll back"])
            said = self.change(file, way, files, set(), backup)
        self.what = f"injection {self.injected}: backup {file.relative_to(backup)}: {said}"
        for options in (["--check"], ["--to", folder / "restored"]):
            told = self.tool(folder / "none", "gw-store", "restore", backup, *options)
            if told.status == 0:
                self.found("unnoticed", f"restore {options[0]} accepts it")
            elif told.status not in (65, 66):
                self.found("refused", f"restore {options[0]}: exit status {told.status}: {told.errors}")


def copy(source, to):
    gw.run("cp", "-a", "--sparse=always", source, to)
    shutil.rmtree(to / "run", ignore_errors=True)


def end_keeper(path):
    with contextlib.suppress(OSError, ValueError, IndexError, AssertionError):
        pid = int((path / "lock").read_text().split()[0])
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        if b"gw-store" in command and str(path).encode() in environment + command:
            os.kill(pid, signal.SIGTERM)
            gw.until(lambda: not gw.alive(pid), "the keeper ends")
