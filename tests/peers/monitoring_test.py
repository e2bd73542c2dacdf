#!/usr/bin/python3
"""Prometheus, and the checks by which Nagios, Icinga and similar programs watch mail servers."""
import json
import pathlib
import subprocess
import sys
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402

PLUGINS = "/usr/lib/nagios/plugins"


class MonitoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gw_peers.Gateway()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def passes(self, name, port, *options):
        done = gw_peers.run(gw_peers.find(name, PLUGINS), "-H", "localhost", "-4", "-p", port, *options, status=None)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.decode()

    def test_check_smtp(self):
        self.assertIn("SMTP OK", self.passes("check_smtp", self.gateway.smtp_port))

    def test_check_smtp_with_commands(self):
        self.passes("check_smtp", self.gateway.smtp_port, "-S", "-f", "sender@example.com",
                    "-C", f"RCPT TO:<{self.gateway.box.address}>", "-R", "250")

    def test_check_smtp_checks_the_certificate_after_starttls(self):
        self.assertIn("will expire", self.passes("check_smtp", self.gateway.smtp_port, "-S", "-D", "1"))

    def test_check_ssmtp(self):
        self.passes("check_ssmtp", self.gateway.smtps_port)

    def test_check_pop(self):
        self.assertIn("POP OK", self.passes("check_pop", self.gateway.pop3_port))

    def test_check_spop(self):
        self.assertIn("SPOP OK", self.passes("check_spop", self.gateway.pop3s_port))

    def test_check_spop_checks_the_certificate(self):
        self.assertIn("will expire", self.passes("check_spop", self.gateway.pop3s_port, "-D", "1"))

    def test_a_server_that_does_not_run_is_critical(self):
        done = gw_peers.run(gw_peers.find("check_smtp", PLUGINS), "-H", "127.0.0.1", "-p", gw_peers.free_port(), status=2)
        self.assertEqual(self.gateway.count(), 0, done)


@gw.need_program("prometheus")
class PrometheusTest(unittest.TestCase):
    """Prometheus scrapes the metrics of the console, configured as the manual says."""

    def setUp(self):
        self.vault = gw.Vault()
        self.addCleanup(self.vault.close)
        self.vault.add_mailbox("journal", "--quota", "1GiB")
        self.vault.store("message", "add", "journal", input=gw.mail(1000))
        self.vault.store("backup", self.vault.side / "backup")
        self.vault.store("verify")
        self.webd = self.vault.webd()
        self.directory = self.vault.side

    def configured(self, token):
        page = (gw.ROOT / "man/gw-webd.8").read_text()
        text = "scrape_configs:" + page.split("scrape_configs:")[1].split(".Ed")[0]
        (self.directory / "gw.token").write_text(token)
        text = text.replace("/etc/prometheus/gw.token", str(self.directory / "gw.token"))
        text = text.replace("gw.example:8450", "%s:%d" % self.webd.address("https"))
        # The certificate is the vault's own.
        text = text.replace("    scheme: https\n", "    scheme: https\n    scrape_interval: 1s\n    scrape_timeout: 1s\n"
                            f"    tls_config:\n      ca_file: {self.vault.path}/tls/certificate.pem\n      server_name: gateway.example.com\n")
        config = self.directory / "prometheus.yml"
        config.write_text(text)
        gw.run("promtool", "check", "config", config)
        return config

    def start(self, config):
        port = gw_peers.free_port()
        prometheus = subprocess.Popen(["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
                                       f"--storage.tsdb.path={self.directory / 'tsdb'}"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(prometheus.wait)
        self.addCleanup(prometheus.kill)
        return port

    def value(self, port, query):
        try:
            url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return found[0]["value"][1] if found else None

    def the_dashboard_shows_numbers(self, port):
        """Checks that each panel has a value, except those of rates and of events that have not happened here."""
        dashboard = json.loads((gw.ROOT / "scripts/monitoring/gw-dashboard.json").read_text())
        shown = 0
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                text = target["expr"]
                if any(part in text for part in ("rate(", "increase(", "last_drain")):
                    continue
                query = text.replace("$instance", ".*").replace("$mailbox", "jour.*")
                self.assertIsNotNone(self.value(port, query), (panel["title"], query))
                shown += 1
        self.assertGreaterEqual(shown, 18)

    def test_it_scrapes_with_a_token_for_metrics(self):
        token = self.vault.json("token", "add", "prometheus", "--scope", "metrics")[0]["token"]
        port = self.start(self.configured(token))
        gw.until(lambda: self.value(port, 'up{job="gw"}') == "1", "Prometheus has scraped")
        self.assertEqual(self.value(port, 'gw_messages{mailbox="journal",state="live"}'), "1")
        self.assertEqual(self.value(port, "gw_webd_errors_total"), "0")
        self.the_dashboard_shows_numbers(port)
        self.vault.store("token", "revoke", "prometheus")
        gw.until(lambda: self.value(port, 'up{job="gw"}') == "0", "Prometheus notices that the token was revoked")


if __name__ == "__main__":
    gw.main()
