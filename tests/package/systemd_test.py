#!/usr/bin/python3
"""Tests the package under systemd: installs it, starts it with the commands of the README, and runs it through the faults of a
year's service."""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_systemd  # noqa: E402

HOST = "mail.example.com"
CERTIFICATE = f"""openssl req -x509 -newkey rsa:2048 -nodes -days 60 -subj /CN={HOST} -addext subjectAltName=DNS:{HOST} \
    -keyout privkey.pem -out fullchain.pem 2>/dev/null"""

FLOOD = """
import socket
for _ in range(600):
    socket.create_connection(("127.0.0.1", 110), timeout=20).close()
"""


def readme_commands():
    text = (gw.ROOT / "README.md").read_text()
    section = re.search(r"(?ms)^### Run under systemd\n(.*?)^### ", text).group(1)
    return "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))


OBSTACLE = gw_systemd.obstacle()


def commands_of_a_move():
    """Returns the commands of gw-store-backup(1)."""
    page = (gw.ROOT / "man/gw-store-backup.1").read_text()
    return re.search(r"(?ms)^\.Bd[^\n]*\n(gw-store migrate --to /srv/gw\n.*?)^\.Ed", page).group(1)


@unittest.skipIf(OBSTACLE, OBSTACLE)
class SystemdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gw-systemd-")))
        gw.run("cpack", "-G", "DEB", "-B", cls.directory, cwd=gw.BIN.parent, seconds=200)
        [package] = cls.directory.glob("*.deb")
        cls.machine = cls.enterClassContext(gw_systemd.Machine(HOST))
        shutil.copy(package, cls.machine.path("/root/gw.deb"))
        cls.machine.run("dpkg", "-i", "gw.deb")
        cls.machine.shell(CERTIFICATE)
        told = cls.machine.shell(readme_commands()).stdout.decode()
        cls.address = re.search(r"(?m)^address +(\S+)$", told).group(1)
        password = re.search(r"(?m)^password +(\S+)$", told).group(1)
        cls.doctor = told.splitlines()[-1]
        cls.machine.path("/root/password").write_text(password)
        cls.machine.path("/root/curlrc").write_text(f'user = "journal:{password}"\ncacert = "/root/fullchain.pem"\n'
                                                    f'connect-to = "{HOST}:995:127.0.0.1:995"\n'
                                                    f'connect-to = "{HOST}:110:127.0.0.1:110"\n')

    def tearDown(self):
        self.assertEqual(self.machine.text("systemctl", "list-units", "--failed", "--plain", "--no-legend"), "")

    def deliver(self, scheme="smtp", seconds=gw.WAIT):
        """Delivers a mail over TLS. Returns its content."""
        content = gw.mail(4000)
        self.machine.path("/root/mail.eml").write_bytes(content)
        port = {"smtp": 25, "smtps": 465}[scheme]
        self.machine.run("curl", "-sSf", "--ssl-reqd", "--cacert", "fullchain.pem", "--connect-to", f"{HOST}:{port}:127.0.0.1:{port}",
                         f"{scheme}://{HOST}:{port}", "--mail-from", "a@example.com", "--mail-rcpt", self.address,
                         "--upload-file", "mail.eml", "--max-time", str(seconds))
        return content

    def try_to_deliver(self):
        try:
            return self.deliver(seconds=3)
        except AssertionError:
            return None

    def waiting(self):
        return [json.loads(line)["id"] for line in
                self.machine.text("gw-store", "message", "list", "journal", "--json").splitlines()]

    def exported(self):
        """Returns the digests (SHA-256) of all live messages."""
        out = f"/root/out-{len(list(self.machine.path('/root').glob('out-*')))}"
        self.machine.run("gw-export", "journal", "--to", out, "--password-file", "/root/password")
        return {gw.sha256(path.read_bytes()) for path in self.machine.path(out).rglob("*.eml")}

    def main_process(self, unit):
        return int(self.machine.property(unit, "MainPID"))

    def test_readme_s_commands_start_a_gateway_without_findings(self):
        self.assertRegex(self.doctor, r"^\d+ checks, no problems found$")
        for unit in ("gw-smtpd.socket", "gw-smtps.socket", "gw-pop3d.socket", "gw-store-append.socket",
                     "gw-store-drain.socket", "gw-store-admin.socket", "gw-verify.timer", "gw-checkpoint.timer",
                     "gw-doctor.timer"):
            self.assertTrue(self.machine.is_active(unit), unit)

    def test_mail_comes_in_and_goes_out_on_every_port(self):
        sent = [self.deliver("smtp"), self.deliver("smtps")]
        for url, more in ((f"pop3s://{HOST}", ()), (f"pop3://{HOST}", ("--ssl-reqd",))):
            def pop3(path="", *options):
                return self.machine.run("curl", "-sSf", "-K", "curlrc", *more, f"{url}/{path}", *options).stdout
            last = len(pop3().splitlines())
            self.assertEqual([pop3(last - 1), pop3(last)], sent)
        pop3("", "--head", "--request", f"DELE {last}")
        self.assertEqual(len(pop3().splitlines()), last - 1)

    def test_each_service_that_a_timer_starts_succeeds(self):
        self.deliver()
        for unit in ("gw-checkpoint", "gw-verify", "gw-backup", "gw-metrics", "gw-doctor"):
            self.machine.run("systemctl", "start", f"{unit}.service")
            self.assertEqual(self.machine.property(f"{unit}.service", "Result"), "success", unit)
            self.machine.run("systemctl", "start", f"{unit}.timer")
            self.assertNotEqual(self.machine.property(f"{unit}.timer", "NextElapseUSecRealtime")
                                + self.machine.property(f"{unit}.timer", "NextElapseUSecMonotonic"), "", unit)
        # It runs every minute, so it must not fill the journal. The daily services do write to it.
        self.assertEqual(self.machine.text("journalctl", "--quiet", "--output=cat", "-u", "gw-metrics.service"), "")
        self.assertNotEqual(self.machine.text("journalctl", "--quiet", "--output=cat", "-u", "gw-checkpoint.service"), "")
        for pattern in ("var/lib/gw-checkpoints/*.note", "var/lib/gw-metrics/gw.prom", "var/backups/gw/*/format"):
            self.assertTrue(list(self.machine.path("/").glob(pattern)), pattern)

    def test_the_console_and_the_proxy_answer_on_their_sockets(self):
        self.machine.run("gw-store", "route", "add", "office", "--protocol", "smtp", "--upstream", "smtp.invalid:587", "--tls",
                         "starttls", "--mailbox", "journal")
        self.machine.run("systemctl", "enable", "--now", "gw-webd.socket", "gw-proxy-smtp.socket")
        told = self.machine.text("curl", "-sSf", "--cacert", "fullchain.pem", "--connect-to", f"{HOST}:8450:127.0.0.1:8450",
                                 f"https://{HOST}:8450/healthz")
        self.assertEqual(told.strip(), "ok")
        self.machine.run("swaks", "--server", "127.0.0.1", "--port", "587", "--quit-after", "BANNER", "--hide-all")
        self.assertTrue(self.machine.is_active("gw-webd.service"))
        self.assertTrue(self.machine.is_active("gw-proxy.service"))
        self.assertTrue(self.machine.is_active("gw-proxy-pop3.socket"))  # its service starts both

    def test_a_socket_that_is_enabled_late_is_served_after_what_doctor_says(self):
        """systemd refuses a socket whose service runs."""
        late = "gw-store-metrics.socket"
        self.machine.run("systemctl", "stop", late, "gw-store.service")
        gw.until(self.try_to_deliver, "mail is taken, which starts the keeper")
        self.assertNotEqual(self.machine.run("systemctl", "enable", "--now", late, status=None).returncode, 0)
        findings = map(json.loads, self.machine.text("gw-store", "doctor", "--json", status=(0, 1)).splitlines())
        [hint] = [finding["hint"] for finding in findings if finding["about"] == late]
        self.machine.shell(hint)
        self.assertTrue(self.machine.is_active(late))
        gw.until(self.try_to_deliver, "mail is accepted")
        told = self.machine.text("curl", "-sSf", "--unix-socket", "/run/gw/metrics", "http://localhost/metrics")
        self.assertIn("# EOF", told.splitlines())

    def test_a_killed_keeper_is_started_again_and_has_everything(self):
        sent = set()
        for _ in range(3):
            sent.add(gw.sha256(self.deliver()))
            self.machine.run("systemctl", "kill", "--signal", "KILL", "gw-store.service")
            sent.add(gw.sha256(gw.until(self.try_to_deliver, "a sender that tries again is served")))
        self.assertLessEqual(sent, self.exported())

    def test_a_keeper_that_could_not_start_for_long_recovers_unaided(self):
        sent = {gw.sha256(self.deliver())}
        self.machine.run("chown", "root", "/var/lib/gw")
        self.machine.run("systemctl", "kill", "--signal", "KILL", "gw-store.service")
        restarts = int(self.machine.property("gw-store.service", "NRestarts"))
        # These are more starts than systemd allows to a service that does not set its own limit.
        gw.until(lambda: int(self.machine.property("gw-store.service", "NRestarts")) > restarts + 6
                 or self.machine.property("gw-store.service", "Result") == "start-limit-hit", "many starts failed", seconds=60)
        self.assertIsNone(self.try_to_deliver())
        self.machine.run("chown", "gw-keeper", "/var/lib/gw")
        sent.add(gw.sha256(gw.until(self.try_to_deliver, "mail is accepted again")))
        self.assertLessEqual(sent, self.exported())

    def test_a_server_whose_settings_were_wrong_serves_once_they_are_right(self):
        settings = self.machine.path("/etc/gw/gw.toml")
        good = settings.read_text()
        settings.write_text(good + "\n[smtp\n")
        self.machine.run("systemctl", "stop", "gw-smtpd.service", "gw-smtpd.socket", "gw-smtps.socket")
        self.machine.run("systemctl", "start", "gw-smtpd.socket", "gw-smtps.socket")
        self.assertIsNone(self.try_to_deliver())
        gw.until(lambda: "gw.toml:" in self.machine.journal("-u", "gw-smtpd.service"), "the journal names the file and the line")
        settings.write_text(good)
        gw.until(self.try_to_deliver, "mail is accepted")

    def test_a_flood_of_connections_does_not_close_the_port_permanently(self):
        self.machine.run("python3", "-c", FLOOD)
        url = f"pop3s://{HOST}"
        gw.until(lambda: self.machine.run("curl", "-sSf", "-K", "curlrc", url, status=None).returncode == 0, "later clients are served")
        self.assertTrue(self.machine.is_active("gw-pop3d.socket"))

    def test_a_new_certificate_is_shown_after_the_hook_and_no_session_is_lost(self):
        self.machine.run("systemctl", "start", "gw-webd.socket")
        self.deliver()
        process = self.main_process("gw-smtpd.service")

        def shown():
            return [self.machine.shell(f"openssl s_client -connect 127.0.0.1:{port} -servername {HOST} </dev/null 2>/dev/null"
                                       " | openssl x509 -noout -fingerprint -sha256").stdout for port in (465, 995, 8450)]
        for command in ("/usr/lib/gw/certificate-deploy-hook", "gw-store certificate install"):
            with self.subTest(command):
                old = shown()
                self.machine.shell(f"{CERTIFICATE} && {command} fullchain.pem privkey.pem")
                gw.until(lambda: all(new != before for new, before in zip(shown(), old)), "all ports show the new certificate")
        self.assertEqual(self.main_process("gw-smtpd.service"), process)
        self.assertEqual(self.machine.text("stat", "-c", "%a %U %G", "/etc/gw/tls/key.pem").strip(), "640 root gw-tls")
        for name in ("gw-smtpd", "gw-pop3d", "gw-webd"):
            self.machine.run(name, "--check-config")
        self.assertEqual(self.machine.run("/usr/lib/gw/certificate-deploy-hook", "privkey.pem", "fullchain.pem",
                                          status=None).returncode, 65)

    def test_servers_run_as_users_that_cannot_read_the_vault(self):
        self.deliver()
        owners = {unit: self.machine.text("stat", "-c", "%U", f"/proc/{self.main_process(unit)}").strip()
                  for unit in ("gw-store.service", "gw-smtpd.service")}
        self.assertEqual(owners, {"gw-store.service": "gw-keeper", "gw-smtpd.service": "gw-receive"})
        for user in ("gw-receive", "gw-drain", "gw-admin", "gw-web"):
            done = self.machine.run("setpriv", "--reuid", user, "--regid", user, "--init-groups", "ls", "/var/lib/gw", status=None)
            self.assertNotEqual(done.returncode, 0, user)

    def test_y_a_vault_moves_to_another_disk(self):
        sent = gw.sha256(self.deliver())
        optional = ("gw-webd.socket", "gw-proxy-smtp.socket", "gw-proxy-pop3.socket", "gw-metrics.timer", "gw-store-metrics.socket")
        self.machine.run("systemctl", "enable", *optional)
        self.machine.run("systemctl", "restart", "gw.target")
        self.machine.shell(commands_of_a_move())
        self.assertEqual([unit for unit in optional if not self.machine.is_active(unit)], [])
        later = gw.sha256(gw.until(self.try_to_deliver, "mail is accepted"))
        self.assertLessEqual({sent, later}, self.exported())
        self.assertRegex(self.machine.text("gw-store", "doctor", status=(0, 1)), r"\d+ checks, ")
        self.machine.run("gw-store", "verify")

    def test_zz_removing_the_package_stops_the_services_and_keeps_the_vault(self):
        self.deliver()
        before = len(self.waiting())
        self.machine.run("dpkg", "-r", "gw")
        self.assertEqual(self.machine.text("systemctl", "list-units", "gw-*", "gw.target", "--plain", "--no-legend", "--state=active"), "")
        self.assertTrue(self.machine.path("/var/lib/gw/format").exists())
        self.machine.run("dpkg", "-i", "gw.deb")
        self.machine.run("systemctl", "enable", "--now", "gw.target")
        self.assertEqual(len(self.waiting()), before)
        self.deliver()


if __name__ == "__main__":
    gw.main()
