#!/usr/bin/python3
"""gw-store message: in as it is, out as it was, and every change of state in the history."""
import hashlib
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

ODD = b"Subject: odd\r\nX: \x00\xff\r\n\r\nbare\nline \r end, no final line end"


class MessageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "")[:40].lower()
        self.box = self.vault.add_mailbox(self.name)

    def add(self, octets, *options):
        return self.vault.store("message", "add", self.name, *options, input=octets).stdout.split()[0].decode()

    def show(self, message, *options, **more):
        return self.vault.store("message", "show", self.name, message, "--password-file", self.box.password_file,
                                *options, **more).stdout

    def states(self):
        return {m["id"]: m["state"] for m in self.vault.json("message", "list", self.name, "--state", "all")}

    def history(self):
        return [leaf["type"] for leaf in self.vault.json("history", self.name)]

    def test_a_message_is_printed_byte_for_byte(self):
        for octets in (ODD, b"", b"\r\n", b".\r\n", gw.mail(3_000_000)):
            message = self.add(octets)
            self.assertEqual(gw.sha256(self.show(message)), gw.sha256(octets))
            self.assertEqual(self.show(message, "--raw"), octets)

    def test_headers_end_with_the_empty_line(self):
        message = self.add(ODD)
        self.assertEqual(self.show(message, "--headers"), ODD[:ODD.index(b"\r\n\r\n") + 4])

    def test_the_envelope_is_shown_with_the_password_only(self):
        message = self.add(ODD, "--from", "s@x.example", "--to", "a@y.example", "--to", "b@y.example")
        envelope = self.vault.json("message", "show", self.name, message, "--envelope", "--password-file",
                                   self.box.password_file)[0]
        self.assertEqual(envelope["mail_from"], "s@x.example")
        self.assertEqual([r["address"] for r in envelope["rcpt_to"]], ["a@y.example", "b@y.example"])
        self.assertEqual(envelope["sha256"], hashlib.sha256(ODD).hexdigest())
        self.assertEqual((envelope["octets"], envelope["nul"], envelope["bare_newline"]), (len(ODD), True, True))
        self.assertIn(b"s@x.example", self.show(message, "--envelope"))
        listed = self.vault.store("message", "list", self.name, "--json").stdout
        self.assertNotIn(b"x.example", listed)
        self.vault.store("message", "show", self.name, message, "--envelope", status=64)

    def test_a_container_is_given_without_a_password_and_holds_nothing_readable(self):
        message = self.add(b"Subject: canary-4711\r\n\r\ncanary-4711")
        container = self.vault.store("message", "show", self.name, message, "--container").stdout
        self.assertTrue(container.startswith(b"age-encryption.org/v1\n-> X25519 "))
        self.assertNotIn(b"canary", container)
        digest = self.vault.json("message", "list", self.name)[0]["digest"]
        self.assertEqual(digest, hashlib.sha256(container).hexdigest())

    def test_lists_are_in_order_and_filtered(self):
        ids = [self.add(b"%d" % i) for i in range(5)]
        listed = self.vault.json("message", "list", self.name)
        self.assertEqual([m["id"] for m in listed], ids)
        seqs = [m["seq"] for m in listed]
        self.assertEqual(seqs, sorted(seqs))
        self.assertEqual(self.vault.store("message", "list", self.name, "-0").stdout.decode().split("\0")[:-1], ids)
        third = listed[2]["received_at"]
        since = self.vault.json("message", "list", self.name, "--since", third)
        until = self.vault.json("message", "list", self.name, "--until", third)
        self.assertEqual([m["id"] for m in until + since], ids)
        self.assertEqual(len(self.vault.json("message", "list", self.name, "--since", "yesterday", "--until", "tomorrow")), 5)
        self.assertEqual(self.vault.json("message", "list", self.name, "--until", "1d"), [])
        self.vault.store("message", "list", self.name, "--since", "soon", status=64)
        self.vault.store("message", "list", self.name, "--state", "odd", status=64)

    def test_people_see_the_newest_first_and_n_of_them(self):
        ids = [self.add(b"%d" % i) for i in range(5)]

        def shown(*options):
            lines = self.vault.store("message", "list", self.name, *options).stdout.decode().splitlines()
            return [line.split()[0] for line in lines[1:]]
        self.assertEqual(shown(), ids[::-1])
        self.assertEqual(shown("-n", "2"), [ids[4], ids[3]])
        # Programs get the same ones in the order of arrival.
        self.assertEqual([m["id"] for m in self.vault.json("message", "list", self.name, "-n", "2")], ids[3:])
        self.vault.store("message", "list", self.name, "-n", "0", status=64)

    def test_with_the_password_a_list_shows_date_sender_and_subject(self):
        plain = self.add(b"Date: Wed, 25 Nov 2026 03:12:34 +0000\r\nFrom: Anna <anna@x.example>\r\nSubject: Offer 7\r\n\r\nx")
        coded = self.add(b"From: b@y.example\r\nSubject: =?utf-8?q?R=C3=A4tsel_=1B[2J?=\r\n\r\nx")
        bare = self.add(b"no header at all\r\n", "--from", "bounce@z.example")
        password = ("--password-file", self.box.password_file)

        def found(*options):
            return [m["id"] for m in self.vault.json("message", "list", self.name, *password, *options)]
        listed = self.vault.json("message", "list", self.name, *password)
        self.assertEqual([(m["id"], m["date"], m["from"], m["subject"]) for m in listed],
                         [(plain, "Wed, 25 Nov 2026 03:12:34 +0000", "Anna <anna@x.example>", "Offer 7"),
                          (coded, None, "b@y.example", "R\xe4tsel \x1b[2J"), (bare, None, None, None)])
        table = self.vault.store("message", "list", self.name, *password).stdout.decode()
        self.assertIn("R\xe4tsel \ufffd[2J", table)
        self.assertNotIn("\x1b", table)
        self.assertEqual(found("--subject", "offer"), [plain])
        self.assertEqual(found("--from", "@Y.example"), [coded])
        self.assertEqual(found("--from", "bounce@"), [bare])
        self.assertEqual(found("--from", "anna", "--subject", "other"), [])
        self.assertEqual(self.vault.store("message", "list", self.name, *password, "--from", "anna", "-0").stdout,
                         plain.encode() + b"\0")
        self.assertNotIn("subject", self.vault.json("message", "list", self.name)[0])
        self.vault.store("message", "list", self.name, "--headers", status=64)  # no terminal to ask on

    def test_exchanged_dates_are_a_usage_error(self):
        self.vault.store("message", "list", self.name, "--since", "today", "--until", "yesterday", status=64)

    def test_a_list_is_filtered_by_size(self):
        small, large = self.add(b"x" * 999), self.add(b"x" * 1000)
        self.assertEqual([m["id"] for m in self.vault.json("message", "list", self.name, "--larger", "1kB")], [large])
        self.assertEqual([m["id"] for m in self.vault.json("message", "list", self.name, "--smaller", "1kB")], [small])

    def test_the_beginning_of_an_id_is_enough_if_only_one_has_it(self):
        ids = [self.add(b"%d" % i) for i in range(3)]
        common = len(os.path.commonprefix(ids))
        distinct = ids[0][:max(4, *(len(os.path.commonprefix([ids[0], other])) + 1 for other in ids[1:]))]
        self.assertEqual(self.show(distinct), b"0")
        self.assertEqual(self.show(distinct.upper()), b"0")
        if common >= 4:
            self.assertIn(b"several message ids", self.vault.store(
                "message", "remove", self.name, ids[0][:common], status=64).stderr)
        # The first digit does not occur at this place in an id of this mailbox.
        odd = next(c for c in "0123456789abcdef" if all(i[4] != c for i in ids))
        self.vault.store("message", "remove", self.name, ids[0][:4] + odd, status=66)
        for wrong in (ids[0][:3], ids[0] + "0", "12345g"):
            done = self.vault.store("message", "remove", self.name, wrong, status=64)
            self.assertIn(f"hint: gw-store message list {self.name}\n", done.stderr.decode())
        self.vault.store("message", "quarantine", self.name, distinct)
        # A message in any state is found.
        self.vault.store("message", "remove", self.name, distinct)
        self.assertEqual(sorted(self.states()), sorted(ids[1:]))

    def test_a_quarantined_message_comes_back_with_its_place(self):
        first, second = self.add(b"1"), self.add(b"2")
        before = self.vault.json("message", "list", self.name)
        self.vault.store("message", "quarantine", self.name, first)
        self.assertEqual(self.states(), {first: "quarantined", second: "live"})
        self.assertEqual([m["id"] for m in self.vault.json("message", "list", self.name)], [second])
        self.vault.store("message", "undelete", self.name, first)
        after = self.vault.json("message", "list", self.name)
        self.assertEqual([(m["id"], m["seq"]) for m in after], [(m["id"], m["seq"]) for m in before])
        self.assertEqual(self.history()[-2:], ["quarantined", "released"])

    def test_a_removed_message_is_gone_and_accounted_for(self):
        message = self.add(b"x")
        self.vault.store("message", "remove", self.name, "--dry-run", message)
        self.assertEqual(self.states(), {message: "live"})
        self.vault.store("message", "remove", self.name, message)
        self.assertEqual(self.states(), {})
        self.assertEqual(self.history()[-1], "removed")
        self.vault.store("message", "show", self.name, message, "--container", status=66)
        self.vault.store("verify")

    def test_ids_come_from_standard_input_too_and_what_fails_is_named(self):
        ids = [self.add(b"%d" % i) for i in range(3)]
        missing = "0" * 32
        text = "\n".join([ids[0], "", missing, ids[1]]).encode()
        done = self.vault.store("message", "quarantine", self.name, ids[2], "--stdin", input=text, status=3)
        self.assertIn(missing.encode(), done.stderr)
        self.assertEqual(set(self.states().values()), {"quarantined"})
        nul = "\0".join(ids).encode() + b"\0"
        done = self.vault.store("message", "undelete", self.name, "--stdin", "-0", input=nul)
        self.assertEqual(set(self.states().values()), {"live"})
        self.vault.store("message", "remove", self.name, "--stdin", input=b"")
        self.vault.store("message", "remove", self.name, missing, status=66)
        self.vault.store("message", "remove", self.name, "short", status=64)
        self.vault.store("message", "remove", self.name, status=64)

    def test_doing_it_twice_is_done(self):
        message = self.add(b"x")
        self.vault.store("message", "quarantine", self.name, message)
        leaves = len(self.history())
        self.vault.store("message", "quarantine", self.name, message)
        self.assertEqual(len(self.history()), leaves)

    def test_a_suspended_mailbox_takes_nothing(self):
        self.vault.store("mailbox", "set", self.name, "--status", "suspended")
        self.vault.store("message", "add", self.name, input=b"x", status=75)

    def test_what_pop3_drained_comes_back_with_its_uidl_and_is_swept_after_the_grace_time(self):
        pop3d = self.vault.pop3d()
        first, second = self.add(b"Subject: 1\r\n\r\n"), self.add(b"Subject: 2\r\n\r\n")
        self.assertEqual(len(gw.drain(pop3d, self.box)), 2)
        self.vault.store("sweep")
        self.assertEqual(self.states(), {first: "drained", second: "drained"})
        self.vault.store("message", "undelete", self.name, second)
        with gw.Pop3(pop3d, self.box) as pop3:
            self.assertEqual(pop3.uids(), [second])
            self.assertEqual(pop3.retrieve(1), b"Subject: 2\r\n\r\n")
        self.vault.store("mailbox", "set", self.name, "--grace", "1s")
        gw.until(lambda: self.vault.store("sweep") and self.states() == {second: "live"}, "the grace time is over")
        self.vault.store("message", "undelete", self.name, first, status=66)


if __name__ == "__main__":
    gw.main()
