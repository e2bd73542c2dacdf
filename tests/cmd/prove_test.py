#!/usr/bin/python3
"""gw-store prove and report: a proof that a program without gw checks, long after the mail is gone; numbers that add up."""
import copy
import json
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

VERIFIER = gw.ROOT / "scripts/verify-proof"


class ProveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("journal", "--grace", "0")
        cls.other = cls.vault.add_mailbox("other")
        cls.mails = [gw.mail(200 + n, f"mail-{n}") for n in range(23)]
        cls.ids = [cls.vault.json("message", "add", "journal", input=m)[0]["id"] for m in cls.mails]
        cls.vault.store("message", "add", "other", input=gw.mail(100))
        cls.key = cls.vault.store("checkpoint", "--public-key").stdout.decode().strip()

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def prove(self, number, password=True):
        return self.vault.json("prove", "journal", self.ids[number],
                               *(("--password-file", self.box.password_file) if password else ()))[0]

    def check(self, proof, *options, status=0):
        return gw.run(VERIFIER, "-", *options, input=json.dumps(proof).encode(), status=status)

    def eml(self, octets):
        path = self.vault.side / "mail.eml"
        path.write_bytes(octets)
        return path

    def test_a_proof_is_valid_for_each_message_and_for_its_bytes(self):
        for number in (0, 1, 10, 22):
            with self.subTest(number=number):
                done = self.check(self.prove(number), "--key", self.key, "--eml", self.eml(self.mails[number]))
                self.assertIn(self.ids[number].encode(), done.stdout)
                self.assertIn(b"signed", done.stdout)

    def test_other_bytes_and_other_keys_are_refused(self):
        proof = self.prove(3)
        done = self.check(proof, "--eml", self.eml(self.mails[4]), status=65)
        self.assertIn(b"another message", done.stderr)
        with gw.Vault(tls=False) as elsewhere:
            key = elsewhere.store("checkpoint", "--public-key").stdout.decode().strip()
        self.assertIn(b"not signed by that key", self.check(proof, "--key", key, status=65).stderr)

    def test_a_proof_that_was_altered_anywhere_is_refused(self):
        proof = self.prove(7)
        options = ("--key", self.key, "--eml", self.eml(self.mails[7]))
        self.check(proof, *options)

        def flipped(text):
            return text[:-1] + ("0" if text[-1] != "0" else "1")

        changes = {
            "leaf": lambda p: p.update(leaf=flipped(p["leaf"])),
            "index": lambda p: p.update(leaf_index=p["leaf_index"] + 1),
            "size": lambda p: p.update(tree_size=p["tree_size"] + 1),
            "path": lambda p: p["path"].__setitem__(0, flipped(p["path"][0])),
            "short path": lambda p: p["path"].pop(),
            "root": lambda p: p.update(root=flipped(p["root"])),
            "message": lambda p: p.update(message=flipped(p["message"])),
            "head": lambda p: p["head"].update(leaf=flipped(p["head"]["leaf"])),
            "head's root": lambda p: p["head"].update(root=flipped(p["head"]["root"])),
            "note": lambda p: p.update(checkpoint=p["checkpoint"].replace("\n", "x\n", 1)),
            "commitment key": lambda p: p.update(commitment_key=flipped(p["commitment_key"])),
        }
        for name, change in changes.items():
            with self.subTest(altered=name):
                altered = copy.deepcopy(proof)
                change(altered)
                self.check(altered, *options, status=65)

    def test_without_password_there_is_nothing_of_the_content_in_it(self):
        proof = self.prove(5, password=False)
        self.assertEqual((proof["sha256"], proof["commitment_key"]), (None, None))
        self.check(proof, "--key", self.key)
        self.check(proof, "--eml", self.eml(self.mails[5]), status=65)

    def test_a_proof_of_a_message_that_is_gone(self):
        before = self.prove(20)
        self.vault.store("message", "remove", "journal", self.ids[20])
        after = self.prove(20, password=False)
        self.assertEqual(before["leaf"], after["leaf"])
        self.check(before, "--key", self.key, "--eml", self.eml(self.mails[20]))
        self.check(after, "--key", self.key)

    def test_a_message_that_never_was(self):
        self.vault.store("prove", "journal", "0" * 32, status=66)
        self.vault.store("prove", "journal", "nonsense", status=64)
        self.vault.store("prove", "nobody", self.ids[0], status=67)


class FollowTest(unittest.TestCase):
    def test_a_history_that_is_followed_shows_what_is_added(self):
        with gw.Vault(tls=False) as vault:
            vault.add_mailbox("journal")
            with subprocess.Popen([gw.program("gw-store"), "history", "journal", "--follow", "--json"], env=vault.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as follower:
                try:
                    self.assertEqual(json.loads(follower.stdout.readline())["type"], "mailbox-made")
                    added = vault.json("message", "add", "journal", input=gw.mail(100))[0]["id"]
                    leaf = json.loads(follower.stdout.readline())
                    self.assertEqual((leaf["type"], leaf["message"]), ("accepted", added))
                finally:
                    follower.terminate()


class MetricsTest(unittest.TestCase):
    def test_openmetrics(self):
        with gw.Vault() as vault:
            vault.add_mailbox("journal", "--quota", "5MiB")
            vault.store("message", "add", "journal", input=gw.mail(1000))
            text = vault.store("status", "--openmetrics").stdout.decode()
            self.assertTrue(text.endswith("# EOF\n"))
            samples, types = {}, {}
            for line in text.splitlines():
                if line.startswith("# TYPE "):
                    _, _, name, kind = line.split(" ")
                    self.assertNotIn(name, types)
                    types[name] = kind
                elif not line.startswith("#"):
                    name, value = line.rsplit(" ", 1)
                    family = name.split("{")[0]
                    if types.get(family.removesuffix("_total")) == "counter":
                        self.assertTrue(family.endswith("_total"))
                        family = family.removesuffix("_total")
                    if types.get(family.rsplit("_", 1)[0]) == "histogram":
                        family = family.rsplit("_", 1)[0]
                    self.assertIn(family, types)
                    samples[name] = float(value)
            self.assertEqual(samples['gw_messages{mailbox="journal",state="live"}'], 1)
            self.assertEqual(samples['gw_waiting_bytes{mailbox="journal"}'], len(gw.mail(1000)))
            self.assertEqual(samples['gw_quota_bytes{mailbox="journal"}'], 5 << 20)
            self.assertEqual(samples["gw_writable"], 1)
            self.assertEqual(samples["gw_commits_waiting"], 0)
            buckets = [v for k, v in samples.items() if k.startswith("gw_sync_seconds_bucket{")]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(buckets[-1], samples["gw_sync_seconds_count"])
            self.assertGreaterEqual(samples["gw_sync_seconds_count"], 2)  # the mailbox and the mail
            self.assertGreater(samples["gw_sync_seconds_sum"], 0)
            [expiry] = [v for k, v in samples.items() if k.startswith("gw_certificate_expiry")]
            self.assertGreater(expiry, time.time() + 86400)
            self.assertAlmostEqual(samples['gw_last_delivery_timestamp_seconds{mailbox="journal"}'], time.time(), delta=120)


class ReportTest(unittest.TestCase):
    def test_the_numbers_add_up(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            vault.add_mailbox("empty")
            ids = [vault.json("message", "add", "journal", input=gw.mail(100))[0]["id"] for _ in range(6)]
            vault.store("message", "remove", "journal", ids[0])
            vault.store("message", "quarantine", "journal", ids[1])
            with gw.Pop3(vault.pop3d(), box) as pop3:
                pop3.command("DELE 1")
                pop3.command("QUIT")
            vault.tool("gw-export", "journal", "--to", vault.side / "out", "--format", "eml", "--password-file",
                       box.password_file)
            empty, journal = vault.json("report")
            self.assertEqual((empty["mailbox"], empty["accepted"], empty["here"], empty["balanced"]), ("empty", 0, 0, True))
            self.assertEqual(journal, {"mailbox": "journal", "accepted": 6, "drained": 1, "exported": 3, "removed": 1,
                                       "expired": 0, "discarded": 0, "refused": 0, "here": 5, "lost": 0, "balanced": True})
            [none] = vault.json("report", "journal", "--until", "2020-01-01")
            self.assertEqual((none["accepted"], none["here"], none["balanced"]), (0, 5, True))
            self.assertIn("yes", vault.store("report").stdout.decode())


if __name__ == "__main__":
    gw.main()
