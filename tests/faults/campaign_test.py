#!/usr/bin/python3
"""A short fault campaign of each kind with a new seed (scripts/faults runs long ones), and the oracle that judges it.

GW_CAMPAIGN_SEED repeats a run.
"""
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import power_cut_test  # noqa: E402
from campaign.main import run_round  # noqa: E402
from campaign.oracle import Oracle, wire_form  # noqa: E402
from campaign.plants import PLANTS  # noqa: E402

SEED = gw.number_from("GW_CAMPAIGN_SEED", random.randrange(1 << 30))


class CampaignTest(unittest.TestCase):
    def check(self, kind, injections):
        done = run_round(kind, SEED, injections)
        self.assertEqual(done.oracle.findings, [],
                         f"repeat with: scripts/faults --seed {SEED} --rounds 1 --injections {injections} {kind}\n"
                         + "\n".join(done.said))
        self.assertGreater(done.oracle.acknowledged, 5, "too little was acknowledged to prove anything")

    def test_kill(self):
        self.check("kill", 10)

    def test_stop(self):
        self.check("stop", 6)

    def test_network(self):
        self.check("network", 12)

    def test_damage(self):
        self.check("damage", 4)

    @gw.need_program("strace")
    def test_calls(self):
        self.check("calls", 4)

    @unittest.skipUnless(power_cut_test.loop_works(), "needs root, mkfs.ext4 and a loop device")
    def test_power(self):
        self.check("power", 2)

    @gw.need_root("mounts a small tmpfs")
    def test_disk(self):
        self.check("disk", 4)

    @gw.need_program("faketime")
    def test_time(self):
        self.check("time", 5)

    def test_memory(self):
        self.check("memory", 4)


class OracleTest(unittest.TestCase):
    def test_the_oracle_finds_each_planted_fault_among_the_clients_of_a_round(self):
        done = run_round("kill", SEED, 1, senders=2, plants=[plant for plant, _ in PLANTS.values()])
        found = {finding.what for finding in done.oracle.findings}
        self.assertEqual(found, set().union(*(words for _, words in PLANTS.values())), f"seed {SEED}: {done.oracle.findings}")
        lost = sum(finding.what == "lost" for finding in done.oracle.findings)
        self.assertEqual(lost, sum("lost" in words for _, words in PLANTS.values()), done.oracle.findings)

    def setUp(self):
        self.oracle = Oracle()
        self.oracle.add_mailbox("box", 1)

    def send(self, content, reply="250 2.0.0 OK"):
        digest = self.oracle.sending(["box"], content)
        self.oracle.replied(["box"], digest, gw.Reply(int(reply[:3]), reply[4:]) if reply else None, 0)
        return digest

    def judge(self, there):
        """What is found if each of these messages is live, and nothing else is there."""
        digests = {identity: gw.sha256(content) for identity, content in there.items()}
        if not self.oracle.ledgers["box"].runs:
            self.oracle.ran("box", digests)
        wire = {identity: gw.sha256(wire_form(content)) for identity, content in there.items()}
        self.oracle.judge("box", wire, digests, digests)
        return {finding.what for finding in self.oracle.findings}

    def test_what_was_acknowledged_must_be_there_once_and_what_was_not_may_be(self):
        self.send(b"a")
        self.send(b"b", "451 4.3.0 Try again")
        self.send(b"c", None)
        self.assertEqual(self.judge({"1": b"a", "2": b"c"}), set())

    def test_each_of_several_equal_mails_counts(self):
        for _ in range(3):
            self.send(b"a")
        self.assertEqual(self.judge({"1": b"a", "2": b"a"}), {"lost"})

    def test_more_copies_than_were_sent(self):
        self.send(b"a")
        self.send(b"a", None)
        self.assertEqual(self.judge({"1": b"a", "2": b"a", "3": b"a"}), {"duplicated"})

    def test_a_mail_that_was_refused_must_not_be_there(self):
        self.send(b"a", "550 5.1.1 No such mailbox")
        self.assertEqual(self.judge({"1": b"a"}), {"refused", "refused and stored"})

    def test_one_bit(self):
        self.send(b"abc")
        self.assertEqual(self.judge({"1": b"abb"}), {"altered", "lost"})

    def test_a_message_that_was_seen_and_not_deleted_stays(self):
        self.send(b"a", None)
        self.oracle.seen("box", "1", gw.sha256(wire_form(b"a")))
        self.assertEqual(self.judge({}), {"lost"})

    def test_a_message_whose_deletion_was_confirmed_is_gone_until_it_is_undeleted(self):
        self.send(b"a")
        self.oracle.seen("box", "1", gw.sha256(wire_form(b"a")))
        self.oracle.deleting("box", ["1"])
        self.oracle.deleted("box", ["1"])
        self.oracle.undeleted("box", ["1"])
        self.assertEqual(self.judge({"1": b"a"}), set())
        self.oracle.deleted("box", ["1"])
        self.assertEqual(self.judge({"1": b"a"}), {"returned"})

    def test_exports_with_a_cursor_that_repeat_or_skip_a_message(self):
        self.send(b"a")
        self.oracle.ran("box", ["1"])
        self.oracle.ran("box", ["1"])
        self.assertEqual(self.judge({"1": b"a"}), {"duplicated"})
        self.oracle.ledgers["box"].runs.clear()
        self.oracle.findings.clear()
        there = {"1": gw.sha256(b"a")}
        self.oracle.judge("box", {"1": gw.sha256(b"a\r\n")}, there, there)
        self.assertEqual([finding.what for finding in self.oracle.findings], ["lost"])

    def test_what_pop3_sends(self):
        for content, sent in ((b"", b"\r\n"), (b"a\nb\r\n", b"a\r\nb\r\n"), (b"a\r\r\nb", b"a\r\r\nb\r\n"),
                              (b"\r\ra", b"\r\n\r\na\r\n")):
            self.assertEqual(wire_form(content), sent)


if __name__ == "__main__":
    gw.main()
