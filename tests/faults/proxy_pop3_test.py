#!/usr/bin/python3
"""Tests the POP3 side of gw-proxy under faults: a mail of 200 MiB in constant memory; gw-proxy, the keeper and the provider's
server killed again and again. No mail may be deleted at the provider without a copy in the vault.

GW_PROXY_KILLS: how many kills (default 10; 100 for the long proof). GW_PROXY_SEED: repeats the random times of a run.
"""
import contextlib
import hashlib
import json
import pathlib
import random
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_pop3_upstream import Pop3Client, Pop3Upstream, Proxied, stuffed  # noqa: E402

MIB = 1 << 20
SIZES = [600, 3000, 3000, 40_000, 70_000, 300_000, 900_000]


class LargeMail:
    """A provider with one mail, which is generated while it is sent. QUIT deletes it."""

    def __init__(self, size):
        self.block = gw.mail(MIB)  # it is all lines of text, so no line needs dot-stuffing
        self.count = size // len(self.block)
        self.digest = hashlib.sha256()
        for _ in range(self.count):
            self.digest.update(self.block)
        self.digest = self.digest.hexdigest()
        self.commands = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as file:
            connection.sendall(b"+OK\r\n")
            for line in file:
                command = line.decode().strip()
                self.commands.append(command)
                if command == "RETR 1":
                    connection.sendall(b"+OK\r\n")
                    for _ in range(self.count):
                        connection.sendall(self.block)
                    connection.sendall(b".\r\n")
                elif command == "UIDL":
                    connection.sendall(b"+OK\r\n1 large\r\n.\r\n")
                else:
                    connection.sendall(b"-ERR no\r\n" if command == "CAPA" else b"+OK\r\n")


class MemoryTest(unittest.TestCase):
    def test_a_mail_of_200_mib_grows_no_process_by_more_than_8_mib(self):
        with Proxied() as proxied:
            small, large = Pop3Upstream([gw.mail(4 * MIB)]), LargeMail(200 * MIB)
            proxied.route("small", small)
            proxied.route("large", large.address)
            server = proxied.serve()
            with Pop3Client(server.address("pop3"), "joe#small") as client:  # each process allocates what it needs only once
                client.retrieve(1)
            keeper = proxied.vault.wake_keeper()
            before = {}
            for name, pid in (("gw-proxy", server.pid), ("keeper", keeper)):
                gw.forget_peak(pid)
                before[name] = pid, gw.resident(pid)
            for login, command in (("joe#large", "RETR 1"), ("jim#large", "DELE 1")):
                with Pop3Client(server.address("pop3"), login) as client:
                    client.socket.settimeout(120)
                    self.assertEqual(client.ask(command), "+OK")
                    if command == "RETR 1":
                        digest = hashlib.sha256()
                        while (line := client.line()) != b".\r\n":
                            digest.update(line)
                        self.assertEqual(digest.hexdigest(), large.digest)
                    client.ask("QUIT")
            for name, (pid, stood) in before.items():
                grown = gw.resident(pid, "VmHWM") - stood
                print(f"{name}: +{grown / MIB:.1f} MiB from {stood / MIB:.1f} MiB", flush=True)
                self.assertLess(grown, 8 * MIB, name)
            self.assertEqual(proxied.vault.keeper_pid(), keeper)
            copies = proxied.vault.json("message", "list", "copies")
            self.assertEqual([copy["octets"] for copy in copies[1:]], [large.count * len(large.block)] * 2)
            listed = proxied.vault.side / "manifest"
            proxied.vault.tool("gw-export", "copies", "--to", proxied.vault.side / "out", "--format", "eml", "--manifest",
                               listed, "--password-file", proxied.box.password_file)
            exported = [json.loads(line)["sha256"] for line in listed.read_text().splitlines()]
            self.assertEqual(exported.count(large.digest), 2)


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.fetched, self.sessions, self.broken, self.deleted = set(), 0, 0, 0


class KillTest(unittest.TestCase):
    def test_no_mail_is_deleted_at_the_provider_without_a_copy_in_the_vault(self):
        kills = gw.number_from("GW_PROXY_KILLS", 10)
        seed = gw.number_from("GW_PROXY_SEED", random.randrange(1 << 30))
        print(f"seed {seed}, {kills} kills", flush=True)
        moments = random.Random(seed)
        with Proxied(tls=False) as proxied, Pop3Upstream() as upstream:
            self.proxied, self.upstream, self.ledger = proxied, upstream, Ledger()
            self.everything = {}
            self.refill(moments)
            proxied.route("work", upstream)
            self.server = proxied.front("work")
            over = threading.Event()
            clients = [threading.Thread(target=self.client, args=(over, seed + n)) for n in range(3)]
            for client in clients:
                client.start()
            killed = {"gw-proxy": 0, "keeper": 0, "provider": 0}
            try:
                while sum(killed.values()) < kills:
                    time.sleep(moments.uniform(0.05, 0.5))
                    if len(upstream.mails) < 40:
                        self.refill(moments)
                    which = moments.choice(["gw-proxy", "gw-proxy", "keeper", "keeper", "provider"])
                    if which == "gw-proxy":
                        self.server.kill()
                        self.server = proxied.front("work")
                    elif which == "keeper" and not proxied.vault.kill_keeper():
                        continue
                    elif which == "provider":
                        upstream.break_sessions()
                    killed[which] += 1
            finally:
                over.set()
                for client in clients:
                    client.join()
            proxied.vault.kill_keeper()
            proxied.vault.verify()
            self.judge(killed)

    def refill(self, moments):
        fresh = {f"uid-{len(self.everything) + n}": gw.mail(moments.choice(SIZES)) for n in range(100)}
        self.everything.update(fresh)
        with self.upstream.lock:
            self.upstream.mails.update(fresh)

    def client(self, over, seed):
        """Runs sessions one after the other. Each fetches some mails, deletes some (fetched or not), and usually ends with QUIT."""
        moments = random.Random(seed)
        while not over.is_set():
            with self.ledger.lock:
                self.ledger.sessions += 1
            try:
                with Pop3Client(self.server, "joe@example.com") as client:
                    count = int(client.ask("STAT").split()[1])
                    for number in moments.sample(range(1, count + 1), min(count, 12)):
                        if moments.random() < 0.7:
                            mail = client.retrieve(number)
                            with self.ledger.lock:
                                self.ledger.fetched.add(gw.sha256(mail))
                        if moments.random() < 0.6:
                            client.ask(f"DELE {number}")
                    if moments.random() < 0.8:
                        client.ask("QUIT")
            except (OSError, gw.Closed, AssertionError, ValueError, IndexError):
                with self.ledger.lock:
                    self.ledger.broken += 1
                time.sleep(0.02)

    def judge(self, killed):
        copies = gw.digests(self.proxied.copies())
        sent = {gw.sha256(mail): uidl for uidl, mail in self.everything.items()}
        there = {gw.sha256(mail) for mail in self.upstream.mails.values()}
        gone = set(sent) - there
        uncopied = gone - set(copies)
        promised = {gw.sha256(mail) for mail in self.everything.values()
                    if hashlib.sha256(stuffed(mail)[:-3]).hexdigest() in self.ledger.fetched} - set(copies)
        print(f"killed {killed}; {self.ledger.sessions} sessions, {self.ledger.broken} broken; {len(sent)} mails, {len(gone)} "
              f"deleted, {len(set(copies))} copied, {len(copies) - len(set(copies))} twice", flush=True)
        self.assertEqual(sorted(sent[digest] for digest in uncopied), [], "deleted without a copy")
        self.assertEqual(sorted(sent[digest] for digest in promised), [], "fetched to the end without a copy")
        self.assertEqual(set(copies) - set(sent), set(), "copies that nobody sent")
        self.assertGreater(len(gone), 0)
        self.assertEqual(self.upstream.problems, [])


if __name__ == "__main__":
    gw.main(seconds=600)
