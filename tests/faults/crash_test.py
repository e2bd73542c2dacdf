#!/usr/bin/python3
"""Keeper and gw-smtpd are killed again and again under load: nothing that was acknowledged is lost, altered or partial.

GW_CRASH_KILLS: how many kills (default 12; 200 for the long proof). GW_CRASH_SEED: repeats a run's moments.
"""
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

SIZES = [700, 4000, 4000, 30_000, 70_000, 200_000, 900_000]
SENDERS = 4


class Ledger:
    """What the senders know: acknowledged, refused for now, or never answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged, self.unanswered, self.wrong = {}, {}, []
        self.refused = 0

    def note(self, digest, octets, reply):
        with self.lock:
            if reply is None or reply.temporary:
                # 451 may mean "perhaps": the mail may be there, whole.
                self.unanswered[digest] = octets
                self.refused += reply is not None
            elif reply.ok:
                self.acknowledged[digest] = octets
            else:
                self.wrong.append(repr(reply))


class CrashTest(unittest.TestCase):
    def test_what_was_acknowledged_survives_every_kill(self):
        kills = gw.number_from("GW_CRASH_KILLS", 12)
        seed = gw.number_from("GW_CRASH_SEED", random.randrange(1 << 30))
        print(f"seed {seed}, {kills} kills", flush=True)
        moments = random.Random(seed)
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            self.smtpd = vault.smtpd()
            ledger, over = Ledger(), threading.Event()
            senders = [threading.Thread(target=self.send, args=(box, ledger, over, seed + n)) for n in range(SENDERS)]
            for sender in senders:
                sender.start()
            killed = {"keeper": 0, "gw-smtpd": 0}
            try:
                while sum(killed.values()) < kills:
                    time.sleep(moments.uniform(0.02, 0.6))
                    if moments.random() < 0.65:
                        killed["keeper"] += vault.kill_keeper()
                    else:
                        self.smtpd.kill()
                        killed["gw-smtpd"] += 1
                        self.smtpd = vault.smtpd()
            finally:
                over.set()
                for sender in senders:
                    sender.join()
            vault.kill_keeper()
            vault.verify()
            drained = gw.drain(vault.pop3d(), box)
            self.judge(ledger, drained, killed)
            self.assertEqual(gw.drain(vault.pop3d(), box), [])

    def send(self, box, ledger, over, seed):
        rng = random.Random(seed)
        smtp = None
        while not over.is_set():
            content = gw.mail(rng.choice(SIZES))
            reply = None
            try:
                if smtp is None:
                    smtp = gw.Smtp(self.smtpd)
                reply = smtp.deliver(box.address, content)
            except (OSError, gw.Closed):
                pass
            ledger.note(gw.sha256(content), len(content), reply)
            if reply is None or rng.random() < 0.1:
                if smtp is not None:
                    smtp.close()
                smtp = None
            if reply is None:
                time.sleep(0.02)
        if smtp is not None:
            smtp.close()

    def judge(self, ledger, drained, killed):
        found = [gw.sha256(m) for m in drained]
        print(f"killed {killed}; acknowledged {len(ledger.acknowledged)}, refused for now {ledger.refused}, "
              f"unanswered {len(ledger.unanswered) - ledger.refused}, drained {len(found)}", flush=True)
        self.assertEqual(ledger.wrong, [], "our own trouble is never 5xx")
        lost = {d: o for d, o in ledger.acknowledged.items() if d not in found}
        self.assertEqual(lost, {}, "acknowledged and not there")
        known = ledger.acknowledged.keys() | ledger.unanswered.keys()
        self.assertEqual([(d, len(m)) for d, m in zip(found, drained) if d not in known], [], "altered or partial")
        self.assertEqual(len(found), len(set(found)), "a mail that was sent once is there twice")
        self.assertGreater(len(ledger.acknowledged), sum(killed.values()), "too little was acknowledged to prove anything")


if __name__ == "__main__":
    gw.main(60 + 5 * gw.number_from("GW_CRASH_KILLS", 12))
