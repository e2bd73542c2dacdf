"""One round of a campaign: a new vault, its clients, faults at random moments, and the judgement."""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

import gw

from .load import HANG, TEMPORARY, Administrator, Archive, Sender, Stopped, Tools, exported
from .oracle import Oracle

ENOUGH = 10  # acknowledged mails that make a round worth judging
STOPPED = (0, *TEMPORARY, -signal.SIGKILL, -signal.SIGTERM)  # how a keeper ends that has no bug


class Keeper(threading.Thread):
    """Runs `gw-store serve` again and again, so that each exit status is seen. The other tools start one too."""

    def __init__(self, round_):
        super().__init__(daemon=True)
        self.round, self.over = round_, threading.Event()
        self.log = round_.vault.side / "keeper.log"

    def run(self):
        while not self.over.is_set():
            with self.round.gate, open(self.log, "ab") as log:
                self.process = subprocess.Popen([gw.program("gw-store"), "serve"], env=self.round.vault.env,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            status = self.process.wait()
            if status not in STOPPED:
                self.round.oracle.found("crashed", f"keeper: exit status {status}: {gw.shown(self.log.read_bytes()[-1500:])}")
            self.over.wait(0.1)

    def stop(self):
        self.over.set()
        with contextlib.suppress(ProcessLookupError, AttributeError):
            self.process.terminate()
        self.join(HANG)


def tail(server):
    """The end of its log."""
    return gw.shown(server.log_path.read_bytes()[-1500:])


class Kind:
    """A kind of fault. A subclass injects one; the round does the rest."""

    name = ""
    pause = (0.02, 0.6)  # seconds between two faults
    patient = True  # a client that waits for HANG seconds is a finding
    parent = None  # where the vault is made
    grace = 1  # days of the mailbox that has a grace period

    def __init__(self, round_):
        self.round, self.rng = round_, round_.rng

    def begin(self):
        """After the servers have started and before the clients do."""

    def inject(self):
        """Injects one fault and takes it back. Returns whether there was one."""
        raise NotImplementedError

    def end(self):
        """Takes back what is left, before the judgement."""


class Round:
    def __init__(self, kind, seed, injections, senders=4, plants=()):
        self.seed, self.rng = seed, random.Random(f"{kind.name} {seed}")
        self.oracle, self.over = Oracle(), threading.Event()
        self.gate = threading.RLock()  # held while nothing may start
        self.injections, self.senders, self.plants = injections, senders, plants
        self.kind_class, self.patient = kind, kind.patient
        self.injected, self.moments, self.began = 0, [], time.monotonic()
        self.proxy = None  # replaces the addresses of the servers
        self.said = []  # what was injected, for whoever reads a finding

    def run(self, until=None):
        kind = self.kind_class(self)
        with contextlib.ExitStack() as stack:
            parent = stack.enter_context(kind.parent()) if kind.parent else None
            self.vault = stack.enter_context(contextlib.closing(gw.Vault(parent)))
            self.start()
            kind.begin()
            clients = [Sender(self, f"sender-{n}", self.seed) for n in range(self.senders)]
            self.archives = {name: Archive(self, name, self.seed) for name in self.boxes}
            self.administrator = Administrator(self, "administrator", self.seed)
            clients += [*self.archives.values(), self.administrator]
            for client in clients:
                client.start()
            try:
                while self.continues(until):
                    time.sleep(self.rng.uniform(*kind.pause))
                    if kind.inject():
                        self.injected += 1
                        self.moments.append(time.monotonic())
                    self.look_after_servers()
                self.await_deliveries()
            finally:
                kind.end()
                self.over.set()
                for client in clients:
                    client.join(HANG + 30)
                    if client.is_alive():
                        self.oracle.found("hangs", f"{client.name} does not end")
                if self.keeper:
                    self.keeper.stop()
            for plant in self.plants:
                plant(self)
            self.judge()
        return self

    def continues(self, until):
        """Returns whether another fault is injected. Beyond the number that was asked for, faults continue for a while if
        they left room for so few mails that the round would prove nothing."""
        if until is not None and time.monotonic() >= until:
            return False
        if self.injected < self.injections:
            return True
        return self.oracle.acknowledged < ENOUGH and time.monotonic() < self.began + HANG

    def start(self):
        vault, rng = self.vault, self.rng
        self.boxes = {}
        for name, grace in (("journal", self.kind_class.grace), ("swept", 0)):
            box = vault.add_mailbox(name, "--grace", str(grace))
            box.grace = grace
            self.boxes[name] = box
            self.oracle.add_mailbox(name, grace)
        self.servers, self.ended_by_us = {}, set()
        self.start_server("smtp")
        self.start_server("pop3")
        self.tools = Tools(self)
        self.keeper = Keeper(self) if rng.random() < 0.7 else None
        if self.keeper:
            vault.stop_keeper()
            self.keeper.start()

    def start_server(self, protocol):
        self.servers[protocol] = self.vault.smtpd() if protocol == "smtp" else self.vault.pop3d()

    def address(self, protocol, _):
        if self.proxy:
            return self.proxy.address(protocol)
        return self.servers[protocol].address(protocol)

    def say(self, text):
        self.said.append(f"{time.monotonic() - self.oracle.began:.3f} {text}")

    def end_server(self, protocol, number=signal.SIGKILL):
        server = self.servers[protocol]
        self.ended_by_us.add(server)
        if server.running():
            server.process.send_signal(number)

    def look_after_servers(self):
        """Restarts what ended. A server that ends by itself is a finding."""
        for protocol, server in self.servers.items():
            if server in self.ended_by_us:
                server.ended()
                self.start_server(protocol)
            elif not server.running():
                self.oracle.found("crashed", f"{server.command[0]}: exit status {server.process.returncode}\n{tail(server)}")
                self.start_server(protocol)

    def await_deliveries(self):
        """After the last fault mail is accepted again, without anybody's help."""
        now = time.monotonic()
        deadline = now + HANG
        while not any(begin >= now for begin, _ in self.oracle.deliveries[-50:]):
            if time.monotonic() > deadline:
                return self.oracle.found("hangs", f"no mail was accepted within {HANG} s after the last fault")
            time.sleep(0.05)

    def judge(self):
        vault, oracle = self.vault, self.oracle
        if self.rng.random() < 0.5:
            vault.kill_keeper()
        self.look_after_servers()
        self.settled("gw-store", "verify")
        self.settled("gw-store", "report")
        for name, archive in self.archives.items():
            self.judge_mailbox(name, archive)
        self.judge_backup()
        for protocol, server in self.servers.items():
            server.process.terminate()
            status = server.ended()
            if status != 0:
                oracle.found("crashed", f"{protocol} server: exit status {status} after SIGTERM\n{tail(server)}")

    def settled(self, *command, env=None):
        """A tool that has no fault to meet."""
        done = gw.run(gw.program(command[0]), *command[1:], env=env or self.vault.env, status=None)
        if done.returncode != 0:
            self.oracle.found("refused", f"{' '.join(map(str, command))}: exit status {done.returncode} after the last fault: "
                                         f"{gw.shown(done.stdout + done.stderr, 600)}")
        return done

    def judge_mailbox(self, name, archive):
        self.patient = True
        self.proxy = None
        for attempt in range(20):
            try:
                with archive.login() as pop3:
                    wire, _ = archive.read(pop3)
                    pop3.command("QUIT")
                break
            except (OSError, gw.Closed, gw.Refused) as error:
                # A session that a fault has left may have the mailbox for a moment.
                trouble = error
                time.sleep(0.5)
        else:
            return self.oracle.found("lost", f"{name} cannot be drained: {trouble}")
        with contextlib.suppress(Stopped):
            archive.next_export()
        folders = {}
        for which, options in (("live", []), ("everything", ["--state", "all"])):
            folders[which] = self.vault.side / f"{which}-{name}"
            self.settled("gw-export", name, "--to", folders[which], "--format", "eml", "-q", *options, "--password-file",
                         archive.password_file(archive.passwords[0]))
        self.oracle.judge(name, wire, exported(folders["live"]), exported(folders["everything"]))

    def judge_backup(self):
        if self.administrator.last_backup is None:
            return
        folder, before = self.administrator.last_backup
        to = self.vault.side / "restored"
        if self.settled("gw-store", "restore", folder, "--to", to).returncode != 0:
            return
        env = {**self.vault.env, "GW_VAULT": str(to)}
        dumped = gw.run(gw.program("gw-store"), "dump", env=env).stdout.decode()
        for name, ids in before.items():
            for identity in ids:
                if identity not in dumped:
                    self.oracle.found("lost", f"{name} {identity}: acknowledged before the backup began, and not in it")
        pid = pathlib.Path(to, "lock").read_text().split()[:1]
        with contextlib.suppress(ProcessLookupError, ValueError, IndexError):
            os.kill(int(pid[0]), signal.SIGTERM)
            gw.until(lambda: not gw.alive(int(pid[0])), "the keeper of the restored vault ends")
        shutil.rmtree(to, ignore_errors=True)

    @property
    def recoveries(self):
        return self.oracle.recovery(self.moments)
