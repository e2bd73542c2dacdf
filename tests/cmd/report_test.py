#!/usr/bin/python3
"""gw-store report --period: the report for auditors, and scripts/verify-proof, which needs nothing else to check it."""
import copy
import datetime
import html.parser
import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import timestamp_test  # noqa: E402

VERIFIER = gw.ROOT / "scripts/verify-proof"


class Links(html.parser.HTMLParser):
    """What a page would load, and whether every element is closed."""
    VOID = {"meta", "br", "rect", "line"}

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.texts = [], [], []

    def handle_starttag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, text):
        self.texts.append(text)


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("journal")
        cls.vault.add_mailbox("other")
        ids = [cls.vault.json("message", "add", "journal", input=gw.mail(100))[0]["id"] for _ in range(5)]
        cls.vault.store("message", "remove", "journal", ids[0])
        cls.vault.tool("gw-export", "journal", "--to", cls.vault.side / "out", "--format", "eml", "--password-file",
                       cls.box.password_file)
        cls.vault.store("verify")
        cls.key = cls.vault.store("checkpoint", "--public-key").stdout.decode().strip()
        cls.month = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m}"
        cls.history = cls.vault.side / "history"
        cls.plain = json.loads(cls.vault.store("report", "journal", "--period", cls.month, "--json", "--history",
                                               cls.history).stdout)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def report(self, *options, status=0):
        return self.vault.store("report", "journal", "--period", self.month, *options, status=status).stdout.decode()

    def check(self, report, *options, status=0):
        text = report if isinstance(report, str) else json.dumps(report)
        return gw.run(VERIFIER, "-", *options, input=text.encode(), status=status)

    def test_the_numbers_are_those_of_the_history(self):
        counts = self.plain["counts"]
        self.assertEqual((counts["accepted"], counts["removed"], counts["exported"], counts["drained"]), (5, 1, 4, 0))
        self.assertEqual((self.plain["stored_before"], self.plain["stored_after"]), (0, 4))
        self.assertEqual(sum(day["accepted"] for day in self.plain["days"]), 5)
        self.assertTrue(self.plain["intact"])
        self.assertEqual(self.plain["covered"], self.plain["entries"])
        self.assertIn("no findings", self.plain["verifications"]["entries"][0]["actor"])
        actors = {actor["actor"]: actor["accepted"] for actor in self.plain["actors"]}
        self.assertEqual(sum(actors.values()), 5)
        self.assertTrue(any("gw-export" in who for who in actors), actors)

    def test_verify_proof_alone_checks_signature_and_counts(self):
        said = self.check(self.plain, "--key", self.key, "--history", self.history).stdout.decode()
        self.assertIn("signed", said)
        self.assertIn("counted again", said)
        self.assertIn("signed", self.check(self.report(), "--key", self.key).stdout.decode())

    def test_a_report_that_was_altered_is_refused(self):
        def flipped(text):
            return text[:-1] + ("0" if text[-1] != "0" else "1")

        changes = {
            "head": lambda r: r["head"].update(leaf=flipped(r["head"]["leaf"])),
            "root": lambda r: r.update(root=flipped(r["root"])),
            "size": lambda r: r.update(tree_size=r["tree_size"] + 1),
            "path": lambda r: r["head"]["path"].__setitem__(0, flipped(r["head"]["path"][0])),
            "note": lambda r: r.update(checkpoint=r["checkpoint"].replace("\n", "x\n", 1)),
            "accepted": lambda r: r["counts"].update(accepted=4),
            "bytes": lambda r: r["counts"].update(accepted_bytes=r["counts"]["accepted_bytes"] + 1),
            "day": lambda r: r["days"][0].update(accepted=r["days"][0]["accepted"] + 1),
            "stored": lambda r: r.update(stored_after=5),
            "mailbox": lambda r: r.update(mailbox_id=flipped(r["mailbox_id"])),
        }
        for name, change in changes.items():
            with self.subTest(altered=name):
                altered = copy.deepcopy(self.plain)
                change(altered)
                self.check(altered, "--key", self.key, "--history", self.history, status=65)
        lines = self.history.read_text().splitlines()
        for name, forged in {"fewer": lines[:-1], "swapped": [*lines[:-2], lines[-1], lines[-2]],
                             "changed": [flipped(lines[0]), *lines[1:]]}.items():
            with self.subTest(history=name):
                path = self.vault.side / "forged"
                path.write_text("\n".join(forged) + "\n")
                self.check(self.plain, "--history", path, status=65)

    def test_a_page_in_each_language_loads_nothing(self):
        titles = set()
        for language in ("en", "it", "de"):
            page = self.report("--language", language)
            links = Links()
            links.feed(page)
            self.assertEqual((links.open, links.loads), ([], []))
            self.assertNotRegex(page, r"url\(|@import|https?://")
            self.assertNotRegex(re.sub(r"<style>.*?</style>|<script.*?</script>", "", page, flags=re.DOTALL), r"\{\w*\}")
            self.assertIn("<svg", page)
            self.assertIn(f"verify-proof journal-{self.month}.html --key", page)
            titles.add(re.search("<h1>(.*?)</h1>", page)[1])
        self.assertEqual(len(titles), 3)

    def test_the_commands_in_the_page_work_as_they_stand(self):
        folder = self.vault.side / "auditor"
        folder.mkdir()
        self.vault.store("report", "--all", "--period", self.month, "--output", folder)
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         [f"journal-{self.month}.html", f"other-{self.month}.html"])
        page = (folder / f"journal-{self.month}.html").read_text()
        (folder / "verify-proof").write_bytes(VERIFIER.read_bytes())
        (folder / "gw-store").symlink_to(gw.program("gw-store"))
        env = {**self.vault.env, "PATH": f"{folder}:{os.environ['PATH']}"}
        commands = [html.unescape(each) for each in re.findall(r"<pre>(python3|gw-store)(.*?)</pre>", page, re.DOTALL)
                    for each in ["".join(each)]]
        self.assertEqual(len(commands), 3)
        for command in (commands[0], commands[2], commands[1]):  # the operator's comes before the second check
            with self.subTest(command=command):
                gw.run("sh", "-c", command.replace("KEY", f"'{self.key}'"), env=env, cwd=folder)

    def test_json_lines_for_all_mailboxes(self):
        lines = self.vault.store("report", "--all", "--period", self.month, "--format", "json").stdout.splitlines()
        self.assertEqual([json.loads(line)["mailbox"] for line in lines], ["journal", "other"])

    def test_a_timestamp_is_in_the_report(self):
        with timestamp_test.tempfile.TemporaryDirectory(prefix="gw-tsa-") as folder:
            authority = timestamp_test.Authority(folder)
            self.addCleanup(authority.close)
            note = self.vault.side / "kept"
            note.write_bytes(self.vault.store("checkpoint").stdout)
            path = f"{pathlib.Path(gw.program('gw-store')).parent}:{os.environ['PATH']}"
            gw.run(timestamp_test.SCRIPT, "--url", authority.url, note, env={**self.vault.env, "PATH": path})
            page = self.report("--checkpoint", note)
            self.assertIn("openssl ts -verify", page)
            file = self.vault.side / "timed.html"
            file.write_text(page)
            gw.run(VERIFIER, file, "--key", self.key, "--extract", self.vault.side / "found")
            gw.run("openssl", "ts", "-verify", "-data", self.vault.side / "found.note", "-in", self.vault.side / "found.tsr",
                   "-CAfile", authority.ca)
            # A timestamp of another note, a checkpoint of another vault, and what is no timestamp.
            other = self.vault.side / "other"
            self.vault.store("message", "add", "other", input=gw.mail(100))
            other.write_bytes(self.vault.store("checkpoint").stdout)
            other.with_name("other.tsr").write_bytes(note.with_name("kept.tsr").read_bytes())
            self.report("--checkpoint", other, status=65)
            with gw.Vault(tls=False) as elsewhere:
                (self.vault.side / "foreign").write_bytes(elsewhere.store("checkpoint").stdout)
            self.report("--checkpoint", self.vault.side / "foreign", status=65)
            (self.vault.side / "kept.tsr").write_bytes(b"nonsense")
            self.report("--checkpoint", note, status=65)

    def test_a_pdf(self):
        pdf = self.vault.side / "report.pdf"
        self.report("--format", "pdf", "--output", pdf)
        content = pdf.read_bytes()
        self.assertTrue(content.startswith(b"%PDF-"))
        self.assertGreater(len(content), 5000)

    def test_the_pdf_program_has_no_network_no_environment_and_no_secret_arguments(self):
        program = self.vault.side / "program"
        program.write_text("#!/usr/bin/python3\nimport os, socket, sys\n"
                           "page = sys.stdin.read()\n"
                           "try:\n    socket.socket(socket.AF_INET)\n    network = 'network'\n"
                           "except PermissionError:\n    network = 'none'\n"
                           "print('%PDF-', network, sys.argv[1:], sorted(os.environ), '<svg' in page)\n")
        program.chmod(0o755)
        said = self.report("--format", "pdf", "--pdf-program", program)
        self.assertEqual(said, "%PDF- none ['-', '-'] ['HOME', 'LC_ALL', 'PATH'] True\n")
        program.write_text("#!/bin/sh\necho 'no fonts' >&2\nexit 7\n")
        done = self.vault.store("report", "journal", "--period", self.month, "--format", "pdf", "--pdf-program", program,
                                status=69)
        self.assertIn(b"status 7: no fonts", done.stderr)
        done = self.vault.store("report", "journal", "--period", self.month, "--format", "pdf", "--pdf-program", "/nonexistent",
                                status=78)
        self.assertIn(b"apt-get install weasyprint", done.stderr)

    def test_wrong_use(self):
        for options in (["--period", "2026-13", "journal"], ["--period", "2999-01", "journal"], ["--period", self.month],
                        ["--period", self.month, "--all"], ["--period", self.month, "--all", "journal"],
                        ["--period", self.month, "--since", "2026-01-01", "journal"], ["--format", "pdf"],
                        ["--period", self.month, "--all", "--history", "x", "--json"]):
            with self.subTest(options=options):
                self.vault.store("report", *options, status=64)
        self.vault.store("report", "nobody", "--period", self.month, status=67)

    def test_a_month_without_mail(self):
        report = json.loads(self.vault.store("report", "journal", "--period", "2020-02", "--json").stdout)
        self.assertEqual((report["entries"], report["counts"]["accepted"], len(report["days"])), (0, 0, 29))
        self.check(report, "--key", self.key, "--history", self.history)


if __name__ == "__main__":
    gw.main()
