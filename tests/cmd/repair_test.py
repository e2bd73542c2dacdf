#!/usr/bin/python3
"""gw-store repair: a vault whose database is older than what was acknowledged, and what is said of it ever after."""
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class RepairTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")

    def put(self, *names):
        for name in names:
            path = self.vault.side / f"{name}.eml"
            path.write_bytes(gw.mail(3000, name))
            self.vault.store("import", "journal", path)

    def lose(self):
        """The database of an earlier day, under the head file of today."""
        self.put("kept")
        self.vault.stop_keeper()
        shutil.copytree(self.vault.path / "db", self.vault.side / "db")
        self.put("lost", "lost too")
        self.vault.stop_keeper()
        shutil.rmtree(self.vault.path / "db")
        shutil.move(self.vault.side / "db", self.vault.path / "db")

    def test_a_whole_vault_has_nothing_to_repair(self):
        self.vault.stop_keeper()
        self.assertEqual(self.vault.store("repair").stdout, b"nothing to repair\n")
        self.assertEqual(self.vault.store("repair", "--accept-loss").stdout, b"nothing to repair\n")
        self.assertFalse(self.vault.json("repair")[0]["lost"])

    def test_while_a_keeper_runs_it_is_75(self):
        self.vault.wake_keeper()
        done = self.vault.store("repair", "--accept-loss", status=75)
        self.assertIn(b"hint: stop the keeper", done.stderr)

    def test_a_loss_is_named_then_accepted_then_remembered(self):
        self.lose()
        self.assertIn(b"read-only", self.vault.store("status").stdout)
        self.vault.stop_keeper()
        named = self.vault.json("repair", status=65)[0]
        self.assertTrue(named["lost"])
        self.assertFalse(named["accepted"])
        self.assertLessEqual(named["first_commit"], named["last_commit"])
        self.assertIn(b"--accept-loss", self.vault.store("repair", status=65).stdout)
        accepted = self.vault.json("repair", "--accept-loss")[0]
        self.assertTrue(accepted["accepted"])
        self.assertEqual(accepted["last_commit"], named["last_commit"])
        self.assertNotIn(b"read-only", self.vault.store("status").stdout)
        summary = self.vault.json("verify")[-1]
        self.assertEqual((summary["findings"], summary["gaps"], summary["messages"]), (0, 2, 1))
        self.assertIn(b"2 accepted gaps", self.vault.verify().stdout)
        self.assertEqual([leaf["type"] for leaf in self.vault.json("history", "journal")].count("gap"), 1)
        self.put("lost")  # may come again
        self.assertEqual(self.vault.json("verify")[-1]["messages"], 2)

    def test_a_checkpoint_of_before_still_tells_of_it(self):
        self.vault.add_mailbox("other")
        self.put("first")
        self.vault.stop_keeper()
        shutil.copytree(self.vault.path / "db", self.vault.side / "db")
        self.put("lost")
        checkpoint = self.vault.side / "checkpoint"
        checkpoint.write_bytes(self.vault.store("checkpoint").stdout)
        self.vault.stop_keeper()
        shutil.rmtree(self.vault.path / "db")
        shutil.move(self.vault.side / "db", self.vault.path / "db")
        self.vault.store("repair", "--accept-loss")
        self.vault.store("verify", "--against", checkpoint, status=65)

    def test_no_vault_is_66(self):
        self.vault.store("--vault", self.vault.side / "none", "repair", status=66)


if __name__ == "__main__":
    gw.main()
