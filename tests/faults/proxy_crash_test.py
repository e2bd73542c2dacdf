#!/usr/bin/python3
"""Kills gw-proxy, the keeper and the upstream server again and again while
mail is sent. The vault must have each mail that the upstream server accepted.

GW_PROXY_KILLS: how many kills (default 12; 100 for the long proof). GW_CRASH_SEED: repeats the random times of a run.
"""
import base64
import contextlib
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_smtp_upstream import SmtpUpstream  # noqa: E402

SIZES = [700, 4000, 30_000, 70_000, 200_000, 900_000]
SENDERS = 4
PLAIN = base64.b64encode(b"\0joe@example.com\0secret").decode()


class ProxyCrashTest(unittest.TestCase):
    def test_each_mail_that_the_upstream_accepted_has_a_copy_whatever_is_killed(self):
        kills = gw.number_from("GW_PROXY_KILLS", 12)
        seed = gw.number_from("GW_CRASH_SEED", random.randrange(1 << 30))
        print(f"seed {seed}, {kills} kills", flush=True)
        moments = random.Random(seed)
        with gw.Vault(tls=False) as vault, SmtpUpstream() as upstream:
            vault.env["STATE_DIRECTORY"] = str(vault.side)
            box = vault.add_mailbox("sent")
            # The upstream server waits before its reply to the final dot, so that some kills happen in between.
            upstream.on_dot = lambda session: time.sleep(random.uniform(0, 0.05))
            vault.store("route", "add", "work", "--protocol", "smtp", "--upstream", upstream.address, "--tls", "none",
                        "--mailbox", "sent", "--allow-private")
            self.address = ("127.0.0.1", gw_peers.free_port())
            start = lambda: vault.serve("gw-proxy", "--allow-plaintext-auth", listen=(f"work=127.0.0.1:{self.address[1]}",))
            proxy = start()
            self.confirmed, self.unsure, self.wrong, self.lock = set(), 0, [], threading.Lock()
            over = threading.Event()
            senders = [threading.Thread(target=self.send, args=(over, seed + n)) for n in range(SENDERS)]
            for sender in senders:
                sender.start()
            killed = {"gw-proxy": 0, "keeper": 0, "upstream": 0}
            try:
                while sum(killed.values()) < kills:
                    time.sleep(moments.uniform(0.05, 0.6))
                    which = moments.choice(list(killed))
                    if which == "keeper":
                        killed[which] += vault.kill_keeper()
                    elif which == "upstream":
                        upstream.drop()
                        killed[which] += 1
                    else:
                        proxy.kill()
                        killed[which] += 1
                        proxy = start()
            finally:
                over.set()
                for sender in senders:
                    sender.join()
            proxy.stop()
            upstream.idle()
            vault.kill_keeper()
            vault.verify()
            states = [m["state"] for m in vault.json("message", "list", "sent", "--state", "all")]
            copies = set(gw.digests(gw.drain(vault.pop3d(), box)))
        taken = {gw.sha256(message.content) for message in upstream.messages}
        print(f"killed {killed}; {len(self.confirmed)} confirmed to clients, {self.unsure} not; upstream took {len(taken)}; "
              f"{states.count('live')} live, {states.count('unconfirmed')} unconfirmed", flush=True)
        self.assertEqual(self.wrong, [])
        self.assertEqual(taken - copies, set(), "the upstream server has it, the vault has not")
        self.assertEqual(self.confirmed - taken, set(), "confirmed, but the upstream server does not have it")
        self.assertEqual(set(states) - {"live", "unconfirmed"}, set())
        self.assertEqual(upstream.false_ends, 0)
        self.assertGreater(len(taken), kills, "too little was sent to prove anything")

    def send(self, over, seed):
        rng = random.Random(seed)
        while not over.is_set():
            with contextlib.suppress(OSError, gw.Closed, ValueError), gw.Smtp(self.address, seconds=10) as smtp:
                if not smtp.command(f"AUTH PLAIN {PLAIN}").ok:
                    time.sleep(0.05)
                    continue
                while not over.is_set():
                    content = gw.mail(rng.choice(SIZES))
                    reply = None
                    try:
                        reply = smtp.deliver("a@x.example", content)
                    finally:
                        self.note(gw.sha256(content), reply)
                    if not reply.ok:
                        break

    def note(self, digest, reply):
        with self.lock:
            if reply is None or reply.temporary:
                self.unsure += 1
            elif reply.ok:
                self.confirmed.add(digest)
            else:
                self.wrong.append(repr(reply))


if __name__ == "__main__":
    gw.main(900)
