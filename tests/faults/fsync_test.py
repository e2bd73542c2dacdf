#!/usr/bin/python3
"""If a sync or a write fails, this keeper sends no positive reply and ends with status 75. The next keeper starts with consistent
data."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_strace import Strace  # noqa: E402

SYNCS = "fdatasync,fsync,sync_file_range,msync"


@gw.need_program("strace")
class FsyncTest(unittest.TestCase):
    def test_a_failing_sync_during_a_small_mail(self):
        self.check(4_000)

    def test_a_failing_sync_during_a_large_mail(self):
        self.check(3_000_000)

    def test_failing_writes_during_a_large_mail_also_of_the_eventfd_that_would_end_the_keeper(self):
        self.check(3_000_000, "write")

    def test_a_failing_sync_during_quit_deletes_all_or_none_and_the_reply_says_which(self):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            smtpd, pop3d = vault.smtpd(), vault.pop3d()
            keeper = vault.keeper()
            mails = [gw.mail(3_000), gw.mail(900_000)]
            with gw.Smtp(smtpd) as smtp:
                for content in mails:
                    self.assertEqual(smtp.deliver(box.address, content).code, 250)
            with gw.Pop3(pop3d, box) as pop3:
                pop3.command("DELE 1")
                pop3.command("DELE 2")
                with self.failing(vault, keeper, SYNCS):
                    pop3.send(b"QUIT\r\n")
                    self.assertEqual(keeper.ended(), 75, keeper.log())
                # The next keeper finds the messages deleted or not. Either is right, because the failed sync left it open.
                try:
                    pop3.reply()
                    rest = []
                except gw.Refused as refused:
                    self.assertIn("[SYS/TEMP]", str(refused))
                    rest = mails
            self.assertEqual(gw.digests(gw.drain(pop3d, box)), gw.digests(rest))
            vault.verify()

    def check(self, size, calls=SYNCS):
        with gw.Vault(tls=False) as vault:
            box = vault.add_mailbox("journal")
            smtpd = vault.smtpd()
            keeper = vault.keeper()
            before, meant, after = gw.mail(size), gw.mail(size), gw.mail(size)
            with gw.Smtp(smtpd) as smtp:
                self.assertEqual(smtp.deliver(box.address, before).code, 250)
                with self.failing(vault, keeper, calls):
                    reply = smtp.deliver(box.address, meant)
                    self.assertIn(reply.code, (250, 451), reply)
                    taken = [meant] if reply.ok else []
                    if calls != SYNCS:
                        vault.store("mailbox", "list", status=None)  # another client, whose request makes the keeper notice the failure
                    self.assertEqual(keeper.ended(), 75, keeper.log())
                # The client's next request starts another keeper, and the connection goes on.
                reply = smtp.deliver(box.address, after)
                self.assertEqual(reply.code, 250, reply)
            found = gw.drain(vault.pop3d(), box)
            # 250: the next keeper has found the mail and synced it again. After 451 it may be stored too.
            self.assertEqual(gw.digests(m for m in found if m != meant or taken), gw.digests([before, after, *taken]))
            vault.verify()

    def failing(self, vault, keeper, calls):
        # The keeper's own timer must not be the first to meet the failure.
        vault.settle()
        return Strace.Inject(calls, "error=EIO").attached_to(keeper.pid)


if __name__ == "__main__":
    gw.main()
