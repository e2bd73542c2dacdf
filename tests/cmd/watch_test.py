#!/usr/bin/python3
"""How administrators are told of trouble: check --nagios, doctor --mail-to, metrics in a file for Prometheus."""
import email
import email.policy
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

# The form of the guidelines for plugins: 'label'=value[unit];[warning];[critical];[least]
NUMBER = re.compile(r"(\w+)=(\d+)(s|B|c|);([\d:]*);([\d:]*);(\d*)")

# The strict parser of Prometheus' own client library, which Debian has for its own Python.
PARSE = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, [[s.name, s.labels, s.value] for s in f.samples]]
                  for f in text_string_to_metric_families(sys.stdin.read())]))
"""


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(host="localhost", cheap=False)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")

    def check(self, status, *options):
        done = self.vault.store("check", "--nagios", *options, status=status)
        self.assertEqual(done.stderr, b"")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 1)
        text, _, numbers = lines[0].partition(" | ")
        found = {}
        for each in numbers.split():
            match = NUMBER.fullmatch(each)
            self.assertIsNotNone(match, each)
            found[match[1]] = int(match[2])
        return text, found

    def test_all_is_well(self):
        self.vault.store("message", "add", "journal", input=gw.mail(1000))
        text, numbers = self.check(0)
        self.assertRegex(text, r"^GW OK: \d+ checks, no problems found$")
        self.assertEqual((numbers["mailboxes"], numbers["waiting"], numbers["accepted"]), (1, 1, 1))
        self.assertEqual(numbers["waiting_octets"], len(gw.mail(1000)))
        self.assertGreater(numbers["free"], 1 << 20)
        self.assertGreater(numbers["certificate"], 86400)
        self.assertLess(numbers["oldest"], 120)

    def test_a_warning_is_1_and_says_how_many_more(self):
        self.vault.store("mailbox", "set", "journal", "--status", "suspended")
        text, _ = self.check(1)
        self.assertRegex(text, r"^GW WARNING: suspended journal: ")
        text, _ = self.check(1, "--certificate", "5000d")
        self.assertIn("(and 1 more)", text)

    def test_trouble_is_2(self):
        (self.vault.path / "tls" / "key.pem").chmod(0o644)
        text, _ = self.check(2)
        self.assertRegex(text, r"^GW CRITICAL: permissions .*key\.pem: ")

    def test_no_keeper_is_2(self):
        self.vault.stop_keeper()
        self.vault.env["INVOCATION_ID"] = "0" * 32
        text, numbers = self.check(2)
        self.assertRegex(text, r"^GW CRITICAL: keeper .*cannot reach the keeper")
        self.assertNotIn("waiting", numbers)

    def test_settings_that_cannot_be_used_are_3(self):
        config = self.vault.side / "gw.toml"
        config.write_text("hots = 1\n")
        done = self.vault.store("--config", config, "check", "--nagios", status=3)
        self.assertRegex(done.stdout.decode(), r"^GW UNKNOWN: .*unknown key `hots`")

    def test_without_nagios_it_is_a_question(self):
        self.assertRegex(self.vault.store("check").stdout.decode(), r"^OK: \d+ checks, no problems found\n$")
        self.vault.store("mailbox", "set", "journal", "--status", "suspended")
        self.assertRegex(self.vault.store("check", status=1).stdout.decode(), r"^WARNING: suspended journal: ")


class MailTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(host="localhost", cheap=False)
        self.addCleanup(self.vault.close)
        self.vault.add_mailbox("journal")
        self.out = self.vault.side / "mails"
        self.out.mkdir()
        self.sendmail = self.vault.side / "sendmail"
        self.state = self.vault.side / "state"
        self.vault.env["STATE_DIRECTORY"] = str(self.state)
        self.write_sendmail("exit 0")

    def write_sendmail(self, end):
        self.sendmail.write_text(f'#!/bin/sh\nn=$(ls {self.out} | wc -l)\nprintf "%s\\n" "$@" >{self.vault.side}/arguments\n'
                                 f'cat >{self.out}/$n\n{end}\n')
        self.sendmail.chmod(0o755)

    def doctor(self, status, *options, to="root"):
        return self.vault.store("doctor", "--mail-to", to, "--sendmail", self.sendmail, *options, status=status)

    def mails(self):
        return [email.message_from_bytes((self.out / str(n)).read_bytes(), policy=email.policy.default)
                for n in range(len(list(self.out.iterdir())))]

    def suspend(self, name="journal"):
        self.vault.store("mailbox", "set", name, "--status", "suspended")

    def test_nothing_is_sent_where_nothing_is_wrong(self):
        self.doctor(0)
        self.assertEqual(self.mails(), [])

    def test_each_finding_is_mailed_once_a_day(self):
        self.suspend()
        self.doctor(1, to="postmaster@example.com")
        [mail] = self.mails()
        self.assertEqual(mail["To"], "postmaster@example.com")
        self.assertEqual(mail["Subject"], "gw: 1 to fix")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertIn("warning: suspended journal: ", mail.get_content())
        self.assertEqual((self.vault.side / "arguments").read_text(), "-t\n-oi\n")
        self.doctor(1)
        self.doctor(1)
        self.assertEqual(len(self.mails()), 1)
        # What is new is mailed immediately, with the rest.
        self.vault.add_mailbox("other")
        self.suspend("other")
        self.doctor(1)
        self.assertEqual(len(self.mails()), 2)
        self.assertIn("suspended journal", self.mails()[1].get_content())
        self.assertIn("suspended other", self.mails()[1].get_content())
        # A day later it is said again.
        remembered = self.state / "doctor.mailed"
        self.assertEqual(stat.S_IMODE(remembered.stat().st_mode), 0o600)
        lines = [line.split() for line in remembered.read_text().splitlines()]
        remembered.write_text("".join(f"{int(when) - 24 * 3600 * 1_000_000} {name}\n" for when, name in lines))
        self.doctor(1)
        self.assertEqual(len(self.mails()), 3)
        self.doctor(1)
        self.assertEqual(len(self.mails()), 3)

    def test_a_mail_that_is_not_taken_is_sent_with_the_next_run(self):
        self.suspend()
        self.write_sendmail("exit 75")
        done = self.doctor(69)
        self.assertIn(b"failed to send the mail: status 75", done.stderr)
        self.assertIn(b"suspended journal", done.stdout)
        self.write_sendmail("exit 0")
        self.doctor(1)
        self.assertEqual(len(self.mails()), 2)
        self.sendmail.unlink()
        self.vault.add_mailbox("other")
        self.suspend("other")
        self.assertIn(b"hint: ", self.doctor(69).stderr)

    def test_an_address_cannot_be_more_than_one(self):
        for to in ("-oQ/tmp", "a@example.com, b@example.com", "a@example.com\nBcc: b@example.com", "|sh", "/etc/passwd", "a b"):
            with self.subTest(to):
                self.doctor(64, to=to)
        self.assertEqual(self.mails(), [])

    def test_a_state_that_is_damaged_is_as_none(self):
        self.suspend()
        self.state.mkdir()
        (self.state / "doctor.mailed").write_bytes(b"\0\xff\nx y\n99999999999999999999999 z\n")
        self.doctor(1)
        self.assertEqual(len(self.mails()), 1)


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.vault.add_mailbox("journal", "--quota", "5MiB")
        self.vault.store("message", "add", "journal", input=gw.mail(1000))
        self.folder = self.vault.side / "textfile"
        self.folder.mkdir()
        self.file = self.folder / "gw.prom"

    def test_a_file_is_replaced_as_a_whole_and_open_to_all(self):
        self.assertEqual(self.vault.store("status", "--prometheus", "--to", self.file).stdout, b"")
        first = os.open(self.file, os.O_RDONLY)
        self.addCleanup(os.close, first)
        self.vault.store("status", "--openmetrics", "--to", self.file)
        self.assertNotEqual(os.fstat(first).st_ino, self.file.stat().st_ino)
        # A reader of the old file reads all of it.
        self.assertRegex(os.read(first, 1 << 20), rb"\ngw_certificate_expiry_timestamp_seconds\{.*\} \d+\.\d+\n\Z")
        self.assertTrue(self.file.read_bytes().endswith(b"# EOF\n"))
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o644)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["gw.prom"])
        self.vault.store("status", "--openmetrics", "--to", self.vault.side / "nowhere/gw.prom", status=(66, 73, 74))
        self.vault.store("status", "--to", self.file, status=64)
        self.vault.store("status", "--prometheus", "--openmetrics", status=64)

    def test_the_format_is_openmetrics(self):
        if not pathlib.Path("/usr/lib/python3/dist-packages/prometheus_client").exists():
            self.skipTest("needs python3-prometheus-client")
        text = self.vault.store("status", "--openmetrics").stdout
        done = gw.run("/usr/bin/python3", "-c", PARSE, input=text)
        families = {name: (kind, samples) for name, kind, samples in json.loads(done.stdout)}
        self.assertEqual(families["gw_accepted"][0], "counter")
        self.assertEqual(families["gw_sync_seconds"][0], "histogram")
        self.assertEqual(families["gw_waiting_bytes"][1], [["gw_waiting_bytes", {"mailbox": "journal"}, len(gw.mail(1000))]])

    @gw.need_program("promtool")
    def test_promtool_finds_no_fault_with_the_format_of_prometheus(self):
        text = self.vault.store("status", "--prometheus").stdout
        done = gw.run("promtool", "check", "metrics", input=text)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))
        self.assertNotIn(b"# EOF", text)
        version = self.vault.store("--version").stdout.decode().split()[1]
        self.assertIn(f'gw_build_info{{version="{version}"}} 1\n', text.decode())
        [size] = re.findall(rb"(?m)^gw_disk_size_bytes (\d+)$", text)
        disk = os.statvfs(self.vault.path)
        self.assertEqual(int(size), disk.f_blocks * disk.f_frsize)

    def test_both_formats_have_the_same_samples(self):
        both = [self.vault.store("status", option).stdout.decode().splitlines() for option in ("--prometheus", "--openmetrics")]
        names = [[line.split()[0] for line in lines if not line.startswith("#")] for lines in both]
        self.assertEqual(*names)

    @gw.need_program("prometheus-node-exporter")
    def test_node_exporter_takes_it(self):
        self.vault.store("status", "--prometheus", "--to", self.file)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        exporter = subprocess.Popen(["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                                     f"--collector.textfile.directory={self.folder}", f"--web.listen-address=127.0.0.1:{port}"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(exporter.wait)
        self.addCleanup(exporter.kill)

        def page():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return answer.read().decode()
            except OSError:
                return None
        text = gw.until(page, "node_exporter answers")
        self.assertIn("node_textfile_scrape_error 0\n", text)
        self.assertIn('gw_accepted_total{mailbox="journal"} 1\n', text)
        self.assertIn("# TYPE gw_accepted_total counter\n", text)
        self.assertIn("# HELP gw_accepted_total Messages accepted since the mailbox was created.\n", text)
        # The alert about a missing keeper goes by this one.
        self.assertRegex(text, r'node_textfile_mtime_seconds\{file="[^"]*gw[.]prom"\} ')
        self.assertIn('gw_messages{mailbox="journal",state="live"} 1\n', text)
        self.assertRegex(text, r'gw_sync_seconds_bucket\{le="\+Inf"\} [1-9]')
        [when] = [line for line in text.splitlines() if line.startswith("gw_last_delivery_timestamp_seconds{")]
        self.assertAlmostEqual(float(when.rsplit(" ", 1)[1]), time.time(), delta=120)


@gw.need_program("promtool")
class MonitoringFilesTest(unittest.TestCase):
    """Alert rules and dashboard use what the programs export, and the manual has one list of alerts and checks."""

    RULES = gw.ROOT / "scripts/monitoring/gw-alerts.yml"
    DASHBOARD = gw.ROOT / "scripts/monitoring/gw-dashboard.json"
    MANUAL = gw.ROOT / "man/gw-store-doctor.1"
    # Of Prometheus and node_exporter.
    OTHERS = {"up", "node_textfile_mtime_seconds"}
    OTHER_LABELS = {"instance", "job", "file", "alertname", "le"}

    @classmethod
    def setUpClass(cls):
        cls.dashboard = json.loads(cls.DASHBOARD.read_text())
        cls.expressions = [target["expr"] for panel in cls.dashboard["panels"] for target in panel.get("targets", [])]
        cls.rules = cls.RULES.read_text()

    def exported(self):
        """Names of metrics, and the values of each label, after a session of each kind."""
        vault = self.enterContext(gw.Vault())
        box = vault.add_mailbox("journal")
        vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", "127.0.0.1:1", "--tls", "none", "--mailbox",
                    "journal", "--allow-private")
        with gw.Smtp(vault.smtpd()) as smtp:
            smtp.deliver(box.address, gw.mail(100))
            smtp.command("QUIT")
        gw.drain(vault.pop3d(), box)
        # The server reports its session after the client's end.
        text = gw.until(lambda: self.having(vault.store("status", "--prometheus").stdout.decode(), 'server="smtp"', 'server="pop3"'),
                        "the sessions are counted")
        names = set()
        for name, kind in re.findall(r"(?m)^# TYPE (\w+) (\w+)$", text):
            names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
        labels = {}
        for key, value in re.findall(r'(\w+)="([^"]*)"', text):
            labels.setdefault(key, set()).add(value)
        return names, labels

    @staticmethod
    def having(text, *parts):
        return text if all(part in text for part in parts) else None

    def test_every_metric_and_label_is_exported(self):
        names, labels = self.exported()
        texts = [*self.expressions, *re.findall(r"(?ms)^ +expr: (.*?)^ +(?:for|labels):", self.rules)]
        self.assertGreater(len(texts), 40)
        for text in texts:
            with self.subTest(expression=text):
                used = set(re.findall(r"\b(?:gw|node)_\w+|\bup\b", text))
                self.assertTrue(used)
                self.assertEqual(used - names - self.OTHERS, set())
                for group in re.findall(r"\b(?:by|without) \(([^)]*)\)", text):
                    self.assertLessEqual(set(re.split(r", *", group)) - {"route"}, {*labels, *self.OTHER_LABELS})
                for key, equals, value in re.findall(r'(\w+)(=~?|!=)"([^"]*)"', text):
                    self.assertIn(key, {*labels, *self.OTHER_LABELS, "route"})
                    if key in labels.keys() - self.OTHER_LABELS and equals.startswith("=") and not value.startswith("$"):
                        self.assertLessEqual(set(value.split("|")), labels[key])
        # The series of the unit tests, too.
        tests = (gw.ROOT / "tests/cmd/alerts.yml").read_text()
        self.assertEqual(set(re.findall(r"series: '(\w+)", tests)) - names - self.OTHERS, set())

    def test_promtool_accepts_the_rules_and_their_tests_pass(self):
        gw.run("promtool", "check", "rules", self.RULES)
        done = gw.run("promtool", "test", "rules", gw.ROOT / "tests/cmd/alerts.yml")
        self.assertIn(b"SUCCESS", done.stdout)
        tests = (gw.ROOT / "tests/cmd/alerts.yml").read_text()
        for alert in re.findall(r"alert: (\w+)", self.rules):
            self.assertIn(f'alertname="{alert}"', tests, "an alert without a test that it fires")

    def test_the_manual_lists_every_alert_and_every_check(self):
        page = self.MANUAL.read_text()
        self.assertEqual(set(re.findall(r"alert: (\w+)", self.rules)), set(re.findall(r"\bGw[A-Z]\w+", page)))
        sources = "".join((gw.ROOT / path).read_text() for path in
                          ("lib/vault/diagnosis.cc", "cmd/store/doctor.cc", "cmd/store/doctor_host.cc", "cmd/store/doctor_units.cc"))
        checks = set(re.findall(r'(?:push_back\(|Diagnosis \w+|warn\(|examine\(|^ *\{)[({]*\s*"([a-z]+)",\s', sources, re.M))
        listed = page.split("These are its checks.")[1].split(".El")[0]
        self.assertEqual(checks, set(re.findall(r"(?m)^\.It Cm (\w+)$", listed)))

    def test_the_dashboard_is_one_that_grafana_imports(self):
        panels = self.dashboard["panels"]
        ids = [panel["id"] for panel in panels]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertIsNone(self.dashboard["id"])
        variables = {each["name"] for each in self.dashboard["templating"]["list"]}
        self.assertEqual(variables, {"datasource", "instance", "mailbox"})
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(self.dashboard)))
        self.assertEqual(used - {"__rate_interval", "__all"}, variables)
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
            if panel["type"] == "row":
                continue
            self.assertIn(panel["type"], {"stat", "timeseries", "table"})
            self.assertTrue(panel["description"].endswith("."), panel["title"])
            for source in (panel, *panel["targets"]):
                self.assertEqual(source["datasource"], {"type": "prometheus", "uid": "${datasource}"})
            references = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(references), len(set(references)))

    def test_prometheus_parses_each_expression_of_the_dashboard(self):
        with tempfile.TemporaryDirectory() as folder:
            rules = [{"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
                     for number, text in enumerate(self.expressions)]
            file = pathlib.Path(folder) / "rules.yml"
            file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # JSON is YAML
            gw.run("promtool", "check", "rules", file)


@gw.need_program("curl")
class MetricsSocketTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.vault.add_mailbox("journal")
        config = self.vault.side / "gw.toml"
        config.write_text("[store]\nmetrics = true\n")
        self.vault.env["GW_CONFIG"] = str(config)
        self.keeper = self.vault.keeper()

    def curl(self, *arguments, status=0):
        return gw.run("curl", "--silent", "--show-error", "--unix-socket", "metrics", "--write-out", "\n%{http_code}",
                      *arguments, status=status, cwd=self.vault.run_folder).stdout.decode().rpartition("\n")

    def connect(self, client, folder):
        """Of the keeper's sockets, the one for metrics may be the last that listens."""
        gw.until(lambda: client.connect_ex(f"/proc/self/fd/{folder}/metrics") == 0, "the metrics socket listens")

    def test_it_gives_what_status_prints(self):
        text, _, code = self.curl("http://localhost/metrics")
        self.assertEqual(code, "200")
        without_time = lambda t: [line.rsplit(" ", 1)[0] for line in t.splitlines()]  # noqa: E731
        self.assertEqual(without_time(text), without_time(self.vault.store("status", "--openmetrics").stdout.decode()))
        self.assertEqual(stat.S_IMODE((self.vault.run_folder / "metrics").stat().st_mode), 0o600)

    def test_nothing_else_is_answered(self):
        self.assertEqual(self.curl("http://localhost/api/v1/mailboxes")[2], "404")
        self.assertEqual(self.curl("--data", "x", "http://localhost/metrics")[2], "405")
        with socket.socket(socket.AF_UNIX) as silent:
            folder = os.open(self.vault.run_folder, os.O_PATH)
            self.addCleanup(os.close, folder)
            self.connect(silent, folder)
            self.assertEqual(self.curl("http://localhost/metrics")[2], "200")
            self.vault.store("message", "add", "journal", input=gw.mail(1000))

    def test_it_goes_with_the_keeper_and_is_not_there_unasked(self):
        with socket.socket(socket.AF_UNIX) as silent:
            folder = os.open(self.vault.run_folder, os.O_PATH)
            self.addCleanup(os.close, folder)
            self.connect(silent, folder)
            self.keeper.stop()
        self.assertFalse((self.vault.run_folder / "metrics").exists())
        del self.vault.env["GW_CONFIG"]
        self.vault.keeper()
        self.assertFalse((self.vault.run_folder / "metrics").exists())


if __name__ == "__main__":
    gw.main()
