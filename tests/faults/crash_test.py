#!/usr/bin/python3
"""Kills the keeper, gw-smtpd and gw-pop3d again and again under load. No acknowledged mail may be lost, altered or partial, and
no mail may come back after the +OK to QUIT has confirmed its deletion.

GW_CRASH_KILLS: how many kills (default 12; 200 for the long proof). GW_CRASH_SEED: repeats the random times of a run.
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
    """Records what the senders know: which mails were acknowledged, refused temporarily, or never answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged, self.unanswered, self.wrong = {}, {}, []
        self.refused = 0
        self.both = set()  # acknowledged for two mailboxes in one transaction
        self.drained, self.gone = [], set()  # the drained mails in order; those whose deletion QUIT confirmed

    def note(self, digest, mail_size, reply):
        with self.lock:
            if reply is None or reply.temporary:
                # 451 may mean "perhaps": the complete mail may be stored.
                self.unanswered[digest] = mail_size
                self.refused += reply is not None
            elif reply.ok:
                self.acknowledged[digest] = mail_size
            else:
                self.wrong.append(repr(reply))


class CrashTest(unittest.TestCase):
    def test_what_was_acknowledged_survives_every_kill(self):
        kills = gw.number_from("GW_CRASH_KILLS", 12)
        seed = gw.number_from("GW_CRASH_SEED", random.randrange(1 << 30))
        print(f"seed {seed}, {kills} kills", flush=True)
        moments = random.Random(seed)
        with gw.Vault(tls=False) as vault:
            box, self.other = vault.add_mailbox("journal"), vault.add_mailbox("other")
            self.smtpd, self.pop3d = vault.smtpd(), vault.pop3d()
            ledger, over = Ledger(), threading.Event()
            senders = [threading.Thread(target=self.send, args=(box, ledger, over, seed + n)) for n in range(SENDERS)]
            senders.append(threading.Thread(target=self.drain, args=(box, ledger, over)))
            for sender in senders:
                sender.start()
            killed = {"keeper": 0, "gw-smtpd": 0, "gw-pop3d": 0}
            try:
                while sum(killed.values()) < kills:
                    time.sleep(moments.uniform(0.02, 0.6))
                    which = moments.random()
                    if which < 0.6:
                        killed["keeper"] += vault.kill_keeper()
                    elif which < 0.7:
                        self.pop3d.kill()
                        killed["gw-pop3d"] += 1
                        self.pop3d = vault.pop3d()
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
            rest = gw.digests(gw.drain(self.pop3d, box))
            self.judge(ledger, rest, killed)
            others = set(gw.digests(gw.drain(self.pop3d, self.other)))
            self.assertEqual(ledger.both - others, set(), "acknowledged for two mailboxes, and stored in one only")
            self.assertEqual(others - ledger.acknowledged.keys() - ledger.unanswered.keys(), set(), "altered or partial")
            self.assertGreater(len(ledger.both), 10, "too little was acknowledged to prove anything")
            self.assertEqual(gw.drain(self.pop3d, box), [])

    def drain(self, box, ledger, over):
        while not over.wait(0.05):
            taken = []
            try:
                with gw.Pop3(self.pop3d, box) as pop3:
                    for number in range(1, pop3.count() + 1):
                        taken.append(pop3.digest(number)[0])
                        pop3.command(f"DELE {number}")
                    pop3.command("QUIT")
                    confirmed = True
            except (OSError, gw.Closed, gw.Refused):
                confirmed = False
            # A mail whose transfer was interrupted is not in `taken`: its digest was never finished.
            back = ledger.gone & set(taken)
            with ledger.lock:
                ledger.wrong += [f"{digest} came back" for digest in back]
                ledger.drained += taken
                if confirmed:
                    ledger.gone |= set(taken)

    def send(self, box, ledger, over, seed):
        rng = random.Random(seed)
        smtp = None
        while not over.is_set():
            content = gw.mail(rng.choice(SIZES))
            reply = None
            try:
                if smtp is None:
                    smtp = gw.Smtp(self.smtpd)
                both = rng.random() < 0.3
                reply = smtp.deliver([box.address, self.other.address] if both else box.address, content)
                if both and reply.ok:
                    with ledger.lock:
                        ledger.both.add(gw.sha256(content))
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

    def judge(self, ledger, rest, killed):
        found = set(ledger.drained) | set(rest)
        print(f"killed {killed}; acknowledged {len(ledger.acknowledged)}, refused for now {ledger.refused}, unanswered "
              f"{len(ledger.unanswered) - ledger.refused}; drained {len(ledger.gone)} meanwhile and {len(rest)} at the end",
              flush=True)
        self.assertEqual(ledger.wrong, [], "an internal error is never a 5xx, and a deleted mail does not come back")
        lost = {d: o for d, o in ledger.acknowledged.items() if d not in found}
        self.assertEqual(lost, {}, "acknowledged and not stored")
        known = ledger.acknowledged.keys() | ledger.unanswered.keys()
        self.assertEqual(found - known, set(), "altered or partial")
        self.assertEqual(ledger.gone & set(rest), set(), "QUIT was answered with +OK")
        self.assertEqual(len(rest), len(set(rest)), "a mail that was sent once is stored twice")
        self.assertGreater(len(ledger.acknowledged), sum(killed.values()), "too little was acknowledged to prove anything")


if __name__ == "__main__":
    gw.main(60 + 5 * gw.number_from("GW_CRASH_KILLS", 12))
