#!/usr/bin/python3
"""gw-export to a server: by SMTP and LMTP, with TLS and a login, to an archive that rejects, defers and disconnects."""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_smtp_upstream import CLOSE, SmtpUpstream, certificate, fingerprint  # noqa: E402

PLAIN = ["SIZE 50000000", "8BITMIME", "ENHANCEDSTATUSCODES"]


class PushTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "")[:40].strip("_")
        self.box = self.vault.add_mailbox(self.name)
        self.folder = self.vault.side / self.name
        self.folder.mkdir()

    def upstream(self, **more):
        upstream = SmtpUpstream(**more)
        self.addCleanup(upstream.close)
        return upstream

    def add(self, octets, *options):
        return self.vault.store("message", "add", self.name, *options, input=octets).stdout.split()[0].decode()

    def command(self, url, *options, rcpt=("archive@example.com",)):
        return ["gw-export", self.name, "--to", url, "--password-file", self.box.password_file,
                *(word for each in rcpt for word in ("--rcpt", each)), *options]

    def push(self, where, *options, rcpt=("archive@example.com",), **more):
        url = f"smtp://{where.address}" if isinstance(where, SmtpUpstream) else where
        return self.vault.tool(*self.command(url, *options, rcpt=rcpt), **more).stderr.decode()

    def states(self):
        return {m["id"]: m["state"] for m in self.vault.json("message", "list", self.name, "--state", "all")}

    def history(self):
        return self.vault.json("history", self.name)

    def test_mail_arrives_byte_for_byte_and_is_drained_after_its_250(self):
        mails = [gw.mail(200_000, "large"), gw.mail(300, "small"), b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n",
                 b"Subject: 8-bit\r\n\r\n\xc3\xa4\xff\r\n", b"Subject: lf\n\n.a\nb\n", b"Subject: open\r\n\r\nend"]
        sent = [*mails[:4], b"Subject: lf\r\n\r\n.a\r\nb\r\n", b"Subject: open\r\n\r\nend\r\n"]
        for extensions in (PLAIN, [*PLAIN, "PIPELINING", "CHUNKING"]):
            with self.subTest(extensions=extensions):
                ids = [self.add(each, "--from", "ann@example.com") for each in mails]
                archive = self.upstream(extensions=extensions)
                told = self.push(archive, "--remove", rcpt=("archive@example.com", "second@example.com"))
                self.assertIn("6 messages examined, 6 handed over", told)
                self.assertEqual([m.content for m in archive.messages], sent)
                self.assertEqual({(m.sender, *m.recipients) for m in archive.messages},
                                 {(b"", b"archive@example.com", b"second@example.com")})
                self.assertIn(b"BODY=8BITMIME", archive.messages[3].mail)
                self.assertNotIn(b"BODY", archive.messages[1].mail)
                self.assertIn(b" SIZE=%d" % len(sent[4]), archive.messages[4].mail)
                self.assertTrue(archive.sessions[0].quit)
                self.assertEqual({self.states()[each] for each in ids}, {"drained"})
                self.assertIn(f"gw-export to smtp://{archive.address}", str(self.history()[-1]))
                used = b" ".join(archive.commands)
                self.assertEqual(b"BDAT" in used, "CHUNKING" in extensions)
                self.assertEqual(b"DATA" in used, "CHUNKING" not in extensions)

    def test_without_remove_the_mail_stays_and_the_history_names_the_server(self):
        self.add(gw.mail(300), "--from", "ann@example.com")
        archive = self.upstream()
        self.push(archive, "--from", "gateway@example.com")
        self.assertEqual(archive.messages[0].sender, b"gateway@example.com")
        self.assertEqual(list(self.states().values()), ["live"])
        self.assertIn("exported", str(self.history()[-1]))
        self.assertIn(f"smtp://{archive.address}", str(self.history()[-1]))

    def test_tls_is_checked_by_ca_and_pin_and_required_before_the_login(self):
        pem, key = certificate(self.folder)
        password = self.folder / "password"
        password.write_text("secret\n")
        login = ["--user", "joe@example.com", "--user-password-file", password]
        for implicit in (False, True):
            archive = self.upstream(tls=(pem, key), implicit=implicit)
            url = f"{'smtps' if implicit else 'smtp'}://{archive.address}"
            tls = [] if implicit else ["--tls", "starttls"]
            self.add(gw.mail(300))
            self.assertIn("certificate", self.push(url, *tls, *login, status=77))
            self.push(url, *tls, *login, "--pin", "00" * 32, status=77)
            self.assertFalse(any(c.startswith((b"AUTH", b"MAIL")) for c in archive.commands))
            self.push(url, *tls, *login, "--ca", pem)
            self.push(url, *tls, *login, "--pin", fingerprint(pem), "--remove")
            self.assertEqual([m.login for m in archive.messages], ["joe@example.com"] * 2)
            self.assertTrue(all(s.secure for s in archive.sessions if s.login))
        clear = self.upstream()
        self.add(gw.mail(300))
        self.assertIn("does not offer STARTTLS", self.push(clear, "--tls", "starttls", *login, status=69))
        self.assertEqual([c.split()[0] for c in clear.commands], [b"EHLO"])

    def test_a_wrong_login_sends_nothing_and_a_password_is_never_an_argument(self):
        self.add(gw.mail(300))
        password = self.folder / "password"
        password.write_text("wrong\n")
        for mechanisms in ("AUTH PLAIN", "AUTH LOGIN"):
            archive = self.upstream(extensions=[*PLAIN, mechanisms])
            told = self.push(archive, "--user", "joe@example.com", "--user-password-file", password, status=77)
            self.assertIn("refused the login: 535", told)
            self.assertFalse(any(c.startswith(b"MAIL") for c in archive.commands))
        archive = self.upstream(extensions=[*PLAIN, "AUTH LOGIN"])
        credentials = self.folder / "credentials"
        credentials.mkdir()
        (credentials / f"gw-push.{self.name}").write_text("secret")
        self.push(archive, "--user", "joe@example.com", env={**self.vault.env, "CREDENTIALS_DIRECTORY": str(credentials)})
        self.assertEqual(archive.messages[0].login, "joe@example.com")

    def test_lmtp_drains_only_what_every_recipient_got(self):
        path = self.folder / "lmtp.sock"
        for where, more in (("unix", {"path": path}), ("tcp", {})):
            archive = self.upstream(lmtp=True, **more)
            url = f"lmtp://{path}" if where == "unix" else f"lmtp://{archive.address}"
            id = self.add(gw.mail(300))
            archive.script[b"b@example.com"] = b"451 4.2.0 later\r\n"
            both = ("a@example.com", "b@example.com")
            self.assertIn("1 left (1 deferred)", self.push(url, "--remove", rcpt=both, status=75))
            self.assertEqual(self.states()[id], "live")
            archive.script.clear()
            self.push(url, "--remove", rcpt=both)
            self.assertEqual(self.states()[id], "drained")
            self.assertEqual(len(archive.messages), 2)

    def test_a_deferred_mail_stays_and_the_others_go(self):
        ids = [self.add(b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(3)]
        archive = self.upstream()
        replies = iter([b"250 2.0.0 ok\r\n", b"451 4.7.1 greylisted\r\n", b"250 2.0.0 ok\r\n"])
        archive.script["dot"] = lambda session: next(replies)
        told = self.push(archive, "--remove", status=75)
        self.assertIn("2 handed over", told)
        self.assertIn(f"message {ids[1]}: deferred: 451 4.7.1 greylisted", told)
        self.assertEqual([self.states()[each] for each in ids], ["drained", "live", "drained"])

    def test_a_rejected_mail_is_quarantined_with_the_reply_in_its_history(self):
        ids = [self.add(b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(3)]
        archive = self.upstream()
        replies = [b"250 ok\r\n", b"554 5.6.0 no such content\r\n", b"250 ok\r\n"] * 2
        archive.script["dot"] = lambda session: replies.pop(0)
        self.assertIn("1 rejected", self.push(archive, status=3))
        self.assertEqual(set(self.states().values()), {"live"})
        self.assertIn("1 quarantined", self.push(archive, "--remove", status=3))
        self.assertEqual([self.states()[each] for each in ids], ["drained", "quarantined", "drained"])
        [noted] = [entry["actor"] for entry in self.history() if entry["type"] == "quarantined"]
        self.assertTrue(noted.endswith(", message: rejected: 554 5.6.0 no such content"), noted)

    def test_a_server_that_announces_bdat_and_refuses_it_gets_data(self):
        ids = [self.add(b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(2)]
        archive = self.upstream()
        archive.script["dot"] = lambda session: (b"503 5.5.1 Bad command sequence\r\n"
                                                 if archive.commands[-1].startswith(b"BDAT") else b"250 ok\r\n")
        self.push(archive, "--remove")
        self.assertEqual([self.states()[each] for each in ids], ["drained"] * 2)
        self.assertEqual([c.split()[0] for c in archive.commands if c.split()[0] in (b"BDAT", b"DATA")],
                         [b"BDAT", b"DATA", b"DATA"])

    def test_several_connections_work_at_the_same_time(self):
        mails = [gw.mail(1000, str(n)) for n in range(12)]
        for each in mails:
            self.add(each)
        archive = self.upstream()
        together = threading.Barrier(3, timeout=gw.WAIT)
        archive.on_dot = lambda session: together.wait()
        self.assertIn("12 handed over", self.push(archive, "--remove", "--jobs", "3"))
        self.assertEqual(sorted(m.content for m in archive.messages), sorted(mails))
        self.assertEqual(len(archive.sessions), 3)
        self.assertEqual(set(self.states().values()), {"drained"})

    def test_a_refusal_of_all_mail_quarantines_nothing(self):
        self.add(gw.mail(300))
        self.add(gw.mail(300))
        for moment, reply in (("mail", b"530 5.7.0 authenticate first\r\n"), ("rcpt", b"550 5.1.1 unknown user\r\n"),
                              ("rcpt", b"554 5.7.1 relay access denied\r\n"), ("dot", b"552 5.2.2 mailbox full\r\n")):
            archive = self.upstream()
            archive.script[moment] = reply
            self.assertIn(reply.decode().strip(), self.push(archive, "--remove", status=69))
            self.assertEqual(set(self.states().values()), {"live"})
            self.assertEqual(len([c for c in archive.commands if c.startswith(b"MAIL")]), 1)

    def test_a_server_that_rejects_everything_is_left_alone_after_twenty_mails(self):
        for n in range(22):
            self.add(b"Subject: %d\r\n\r\nx\r\n" % n)
        archive = self.upstream()
        archive.script["dot"] = b"554 5.7.1 no\r\n"
        self.assertIn("rejected 20 messages in a row", self.push(archive, "--remove", status=69))
        self.assertEqual(sorted(self.states().values()), ["live"] * 2 + ["quarantined"] * 20)

    def test_what_the_server_does_not_offer_is_skipped_and_never_altered(self):
        ids = [self.add(octets) for octets in (b"Subject: a\r\n\r\n\xc3\xa4\r\n", b"Subject: nul\r\n\r\n\0\r\n",
                                               b"Subject: mixed\n\nlf\r\n", b"Subject: cr\r\n\r\na\rb\r\n",
                                               b"Subject: plain\r\n\r\nx\r\n")]
        archive = self.upstream(extensions=[])
        told = self.push(archive, "--remove", status=3)
        self.assertIn("4 skipped (1 needs 8BITMIME, 3 needs BINARYMIME)", told)
        self.assertEqual([m.content for m in archive.messages], [b"Subject: plain\r\n\r\nx\r\n"])
        self.assertEqual([self.states()[each] for each in ids], ["live"] * 4 + ["drained"])
        archive = self.upstream(extensions=["8BITMIME", "CHUNKING", "BINARYMIME", "SIZE 1000"])
        self.add(gw.mail(2000))
        self.assertIn("1 larger than the server accepts", self.push(archive, "--remove", status=3))
        self.assertEqual([m.content for m in archive.messages],
                         [b"Subject: a\r\n\r\n\xc3\xa4\r\n", b"Subject: nul\r\n\r\n\0\r\n", b"Subject: mixed\n\nlf\r\n",
                          b"Subject: cr\r\n\r\na\rb\r\n"])
        self.assertIn(b"BODY=BINARYMIME", archive.messages[1].mail)

    def test_a_lost_answer_leaves_the_mail_and_another_connection_takes_the_next(self):
        ids = [self.add(b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(3)]
        archive = self.upstream()
        replies = [b"250 ok\r\n", CLOSE, b"250 ok\r\n"]
        archive.script["dot"] = [lambda session: replies.pop(0)]
        told = self.push(archive, "--remove", status=75)
        self.assertIn("1 left (1 possibly accepted)", told)
        self.assertEqual([self.states()[each] for each in ids], ["drained", "live", "drained"])
        archive.script["mail"] = CLOSE
        self.assertIn("1 left (1 connection lost)", self.push(archive, "--remove", status=75))
        archive.script.clear()
        self.push(archive, "--remove")
        self.assertEqual(len(archive.messages), 4)  # one of them twice: its answer was lost

    def test_a_killed_run_loses_nothing_and_repeats_at_most_one_mail(self):
        mails = [gw.mail(20_000, str(n)) for n in range(6)]
        for each in mails:
            self.add(each)
        archive = self.upstream()
        runs = []

        def kill(session):
            if len(archive.messages) in (2, 5):
                runs[-1].send_signal(signal.SIGKILL)
                runs[-1].wait(gw.WAIT)
        archive.on_dot = kill
        for status in (-9, -9, 0):
            runs.append(subprocess.Popen([gw.program("gw-export"), *map(str, self.command(f"smtp://{archive.address}",
                                         "--remove")[1:])], env=self.vault.env, stderr=subprocess.DEVNULL))
            self.assertEqual(runs[-1].wait(gw.WAIT), status)
        got = [m.content for m in archive.messages]
        self.assertEqual(set(got), set(mails))
        self.assertEqual(len(got), len(mails) + 2)
        self.assertEqual(set(self.states().values()), {"drained"})

    def test_a_keeper_that_restarts_in_between_causes_no_second_copy(self):
        ids = [self.add(gw.mail(300, str(n))) for n in range(2)]
        archive = self.upstream()
        archive.on_dot = lambda session: self.vault.kill_keeper() if not archive.messages else None
        self.push(archive, "--remove")
        self.assertEqual(len(archive.messages), 2)
        self.assertEqual([self.states()[each] for each in ids], ["drained"] * 2)

    def test_the_original_envelope_is_used_and_no_report_is_asked_for(self):
        self.add(gw.mail(300), "--from", "ann@example.com", "--to", "bo@example.org", "--to", "c@example.net")
        self.add(gw.mail(300), "--to", "\u00e4@example.org")
        stays = [self.add(gw.mail(300)), self.add(gw.mail(300), "--to", "a>b@example.org")]
        archive = self.upstream(extensions=["DSN", "PIPELINING", "8BITMIME"])
        told = self.push(archive, "--envelope", "original", "--remove", rcpt=(), status=3)
        self.assertIn("3 skipped (1 needs SMTPUTF8, 2 no original envelope)", told)
        archive.refused[b"\xc3\xa4@example.org"] = b"550 5.1.1 unknown user\r\n"
        archive.extensions.append("SMTPUTF8")
        self.assertIn("1 quarantined", self.push(archive, "--envelope", "original", "--remove", rcpt=(), status=3))
        self.assertEqual([(m.sender, m.recipients) for m in archive.messages],
                         [(b"ann@example.com", [b"bo@example.org", b"c@example.net"])])
        self.assertTrue(all(line.endswith(b" NOTIFY=NEVER") for line in archive.messages[0].rcpts))
        self.assertEqual([self.states()[each] for each in stays], ["live"] * 2)

    def test_a_mail_for_many_recipients_goes_out_in_groups(self):
        recipients = [f"r{n}@example.com" for n in range(230)]
        self.add(gw.mail(300), *(word for each in recipients for word in ("--to", each)))
        archive = self.upstream()
        self.push(archive, "--envelope", "original", "--remove", rcpt=())
        self.assertEqual([len(m.recipients) for m in archive.messages], [100, 100, 30])
        self.assertEqual([r.decode() for m in archive.messages for r in m.recipients], recipients)

    def test_a_mail_that_has_a_report_attached_goes_as_a_whole(self):
        """Somebody wrote it, so the mail in the report cannot stand for it."""
        report = (gw.ROOT / "tests/corpus/01-basic-to-cc-bcc.eml").read_bytes()
        mails = []
        for kind in (b"mixed", b"report; report-type=delivery-status"):
            mails.append(b"From: admin@example.com\r\nSubject: look at this\r\nMIME-Version: 1.0\r\nContent-Type: multipart/" + kind
                         + b"; boundary=b\r\n\r\n--b\r\n\r\nIs this one of ours?\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
                         + report + b"\r\n--b--\r\n")
            self.add(mails[-1])
        archive = self.upstream()
        self.push(archive, "--unwrap", "--remove")
        self.assertEqual([m.content for m in archive.messages], mails)

    def test_the_mails_in_journal_reports_go_instead_of_them(self):
        corpus = gw.ROOT / "tests/corpus"
        self.add((corpus / "06-two-inner-rights-protected.eml").read_bytes())
        self.add(b"Subject: no report\r\n\r\nx\r\n")
        out = self.folder / "out"
        self.vault.tool("gw-export", self.name, "--to", out, "--unwrap", "--password-file", self.box.password_file)
        inner = [p.read_bytes() for p in sorted(out.rglob("*.[12].eml"))]
        self.assertEqual(len(inner), 2)
        archive = self.upstream()
        self.push(archive, "--unwrap")
        self.assertEqual([m.content for m in archive.messages[:2]],
                         [each if each.endswith(b"\r\n") else each + b"\r\n" for each in inner])
        self.assertEqual(archive.messages[2].content, b"Subject: no report\r\n\r\nx\r\n")
        told = self.push(archive, "--unwrap", "--envelope", "original", "--remove", rcpt=(), status=3)
        self.assertIn("1 handed over", told)
        self.assertIn("1 no original envelope", told)
        self.assertTrue(archive.messages[-1].sender)
        self.assertTrue(all(b"@" in each for each in archive.messages[-1].recipients))

    def test_follow_survives_restarts_of_the_archive_and_the_keeper(self):
        archive = self.upstream()
        command = [gw.program("gw-export"), *self.command(f"smtp://{archive.address}", "--remove", "--follow")[1:]]
        run = gw.Server(command, self.folder / "log", 0, self.vault.env)
        self.vault.servers.append(run)
        ids = [self.add(gw.mail(300, "first"))]
        archive.wait_for(1)
        gw.until(lambda: set(self.states().values()) == {"drained"}, "the first is drained")
        archive.close()
        archive.drop()
        ids.append(self.add(gw.mail(300, "second")))
        gw.until(lambda: "cannot connect" in run.log(), "the archive is missed")
        # Nobody is kept out while it waits.
        gw.until(lambda: self.vault.tool("gw-export", self.name, "--to", self.folder / "none", "--until", "2000-01-01",
                                         "--remove", "--password-file", self.box.password_file,
                                         status=None).returncode == 0, "the mailbox is free")
        again = self.upstream(port=archive.port)
        again.wait_for(1)
        self.vault.kill_keeper()
        ids.append(self.add(gw.mail(300, "third")))
        again.wait_for(2)
        gw.until(lambda: [self.states()[each] for each in ids] == ["drained"] * 3, "all are drained")
        self.assertEqual(len(archive.messages) + len(again.messages), 3)
        self.assertEqual(run.stop(), 0)

    def test_options_that_make_no_sense_are_refused(self):
        for url, options in (("smtp://h", ["--format", "mbox"]), ("smtp://h", ["--manifest", "x"]), ("lmtp://h", []),
                             ("smtp://user@h", []), ("smtp://h:0", []), ("smtp://h/x", []), ("smtps://h", ["--tls", "none"]),
                             ("smtp://localhost", ["--ca", "x"]), ("smtp://h", ["--pin", "12"]),
                             ("smtp://h", ["--from", "a b>"]), ("smtp://h", ["--envelope", "original"]),
                             ("smtp://h", ["--user-password-fd", "0"]), ("smtp://h", ["--follow"]), ("x", ["--follow", "--remove"]),
                             ("smtp://192.0.2.1", ["--tls", "none", "--user", "x"]), ("x", [])):
            with self.subTest(url=url, options=options):
                self.push(url, *options, status=64, input=b"secret\n")
        self.push("smtp://h", rcpt=("a>b",), status=64)
        self.push("smtp://h", rcpt=(), status=64)


if __name__ == "__main__":
    gw.main()
