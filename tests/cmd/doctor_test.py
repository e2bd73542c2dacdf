#!/usr/bin/python3
"""gw-store doctor: each thing that it looks at, made wrong and named with what to do; exit status 0 or 1."""
import json
import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class DoctorTest(unittest.TestCase):
    def setUp(self):
        # Not the cheap passwords of other tests: the doctor would name them.
        self.vault = gw.Vault(host="localhost", cheap=False)
        self.addCleanup(self.vault.close)
        self.config = self.vault.side / "gw.toml"
        self.write_config()

    def write_config(self, text=""):
        self.config.write_text(f'vault = "{self.vault.path}"\nhost = "localhost"\n{text}')

    def doctor(self, *options, status):
        return self.vault.json("--config", self.config, "doctor", *options, status=status)

    def bad(self, *options):
        return {(f["check"], f["about"]): f for f in self.doctor(*options, status=1) if f["level"] != "good"}

    def only(self, check, about, *options):
        """The one finding that is not good."""
        bad = self.bad(*options)
        self.assertEqual(list(bad), [(check, str(about))], bad)
        finding = bad[check, str(about)]
        self.assertTrue(finding["hint"])
        return finding

    def test_a_good_vault_is_0(self):
        self.vault.add_mailbox("journal")
        findings = self.doctor(status=0)
        self.assertLessEqual({"permissions", "certificate", "vault", "disk", "clock", "mailbox"}, {f["check"] for f in findings})
        shown = self.vault.store("--config", self.config, "doctor").stdout.decode()
        self.assertRegex(shown, r"^\d+ checks, no problems found\n$")
        shown = self.vault.store("--config", self.config, "--verbose", "doctor").stdout.decode()
        self.assertIn(f"good: vault {self.vault.path}: writable\n", shown)

    def test_files_that_others_may_read(self):
        for path, mode in ((self.vault.path, 0o755), (self.vault.path / "history.key", 0o644),
                           (self.vault.path / "tls/key.pem", 0o604)):
            with self.subTest(path=path):
                before = path.stat().st_mode & 0o7777
                path.chmod(mode)
                finding = self.only("permissions", path)
                self.assertIn(f"{mode:04o}", finding["text"])
                self.vault.side.joinpath("hint").write_text(finding["hint"])
                self.assertEqual(os.system(finding["hint"]), 0)
                self.assertEqual(path.stat().st_mode & 0o7777, mode & before)
                self.doctor(status=0)

    def test_a_certificate_that_ends_soon_or_cannot_be_loaded_or_has_another_name(self):
        certificate = self.vault.path / "tls/certificate.pem"
        self.assertRegex(self.only("certificate", certificate, "--certificate", "5000d")["text"], r"^expires in 365\d days$")
        self.config.write_text(f'vault = "{self.vault.path}"\nhost = "elsewhere.example"\n')
        self.assertEqual(self.only("certificate", certificate)["text"], "is not valid for elsewhere.example")
        self.write_config()
        (self.vault.path / "tls/key.pem").write_text("no key\n")
        self.assertIn("no usable private key", self.only("certificate", certificate)["text"])

    def test_listeners(self):
        smtpd = self.vault.smtpd(listen=("127.0.0.1:0", "127.0.0.1:0,tls"))
        pop3d = self.vault.pop3d(listen=("127.0.0.1:0", "127.0.0.1:0,tls"))
        where = {p: f"127.0.0.1:{s.address(p)[1]}" for s, p in
                 ((smtpd, "smtp"), (smtpd, "smtps"), (pop3d, "pop3"), (pop3d, "pop3s"))}
        listen = (f'[smtpd]\nlisten = ["{where["smtp"]}", "{where["smtps"]},tls"]\n'
                  f'[pop3d]\nlisten = ["{where["pop3"]}", "{where["pop3s"]},tls"]\n')
        self.write_config(listen)
        self.assertEqual(sum(f["check"] == "listener" for f in self.doctor(status=0)), 4)
        smtpd.stop()
        self.assertEqual(set(self.bad()), {("listener", f"smtp {where['smtp']}"), ("listener", f"smtp {where['smtps']},tls")})
        # Another program on that port.
        self.write_config(f'[smtpd]\nlisten = ["{where["pop3"]}"]\n')
        self.assertIn("replied `+OK", self.only("listener", f"smtp {where['pop3']}")["text"])

    def test_an_archive_that_stopped_draining_and_a_sender_that_stopped_sending(self):
        box = self.vault.add_mailbox("journal")
        gw.until(lambda: self.bad_checks("--silence", "1s") == {"silence"}, "a second without mail")
        self.vault.store("message", "add", box.name, input=gw.mail(100))
        gw.until(lambda: self.bad_checks("--unfetched", "1s") == {"drain"}, "a second of waiting")
        self.assertIn("never drained", self.bad("--unfetched", "1s")["drain", "journal"]["text"])
        gw.drain(self.vault.pop3d(), box)
        self.doctor("--unfetched", "1s", status=0)

    def bad_checks(self, *options):
        done = self.vault.store("--config", self.config, "doctor", "--json", *options, status=None)
        return {f["check"] for f in map(gw.json.loads, done.stdout.splitlines()) if f["level"] != "good"}

    def test_a_message_at_which_drains_break_off(self):
        box = self.vault.add_mailbox("journal")
        ids = [self.vault.json("message", "add", box.name, input=gw.mail(100, str(n)))[0]["id"] for n in range(3)]
        pop3d = self.vault.pop3d()

        def break_off(number):
            before = len(self.vault.json("history", box.name))
            with gw.Pop3(pop3d, box) as pop3:
                pop3.retrieve(number)
            gw.until(lambda: len(self.vault.json("history", box.name)) > before, "it is noted")

        break_off(2)
        break_off(2)
        break_off(3)
        self.doctor(status=0)
        break_off(2)
        finding = self.only("drain", "journal")
        self.assertIn(f"3 drains ended early at message {ids[1]}", finding["text"])
        self.assertIn(f"quarantine journal {ids[1]}", finding["hint"])
        self.vault.store("message", "quarantine", "journal", ids[1])
        self.assertEqual(self.bad_checks(), {"quarantine"})
        self.assertEqual(len(gw.drain(pop3d, box)), 2)

    def test_a_sender_that_got_5xx(self):
        box = self.vault.add_mailbox("journal")
        with gw.Smtp(self.vault.smtpd()) as smtp:
            smtp.command("MAIL FROM:<>")
            smtp.command(f"RCPT TO:<{box.address}>")
            self.assertEqual(smtp.command("RCPT TO:<nobody@elsewhere.example>").code, 550)
            smtp.command("QUIT")
        gw.until(lambda: self.bad_checks() == {"refused"}, "it is noted")
        self.assertRegex(self.only("refused", "journal")["text"], r"^senders received 5xx at least 1 time .* 550 .*smtp 127\.0\.0\.1")
        self.vault.verify()

    def test_a_vault_with_mail_that_nobody_backed_up_or_verified(self):
        box = self.vault.add_mailbox("journal")
        later = ("--backup", "1s", "--verify", "1s")
        gw.until(lambda: {"backup", "verify"} <= {f["check"] for f in self.doctor(*later, status=0)}, "they are looked at")
        self.vault.store("message", "add", box.name, input=gw.mail(100))
        gw.until(lambda: self.bad_checks(*later) == {"backup", "verify"}, "a second without them")
        self.assertEqual(self.bad(*later)["verify", str(self.vault.path)]["text"], "never done")
        self.assertIn("gw-verify.timer", self.only("verify", self.vault.path, "--verify", "1s")["hint"])
        self.assertIn("gw-backup.timer", self.only("backup", self.vault.path, "--backup", "1s")["hint"])
        self.vault.store("verify")
        self.vault.store("backup", self.vault.side / "backup")
        self.doctor("--backup", "1h", "--verify", "1h", status=0)
        gw.until(lambda: self.bad_checks(*later) == {"backup", "verify"}, "a second since then")
        self.assertIn("last done at", self.bad(*later)["verify", str(self.vault.path)]["text"])

    def test_a_verification_that_found_something(self):
        box = self.vault.add_mailbox("journal")
        message = self.vault.json("message", "add", box.name, input=gw.mail(900_000))[0]["id"]
        self.vault.store("verify")
        self.doctor(status=0)
        path = self.vault.path / "large" / message
        octets = bytearray(path.read_bytes())
        octets[500_000] ^= 1
        path.write_bytes(octets)
        self.vault.store("verify", status=65)
        finding = self.only("verify", self.vault.path)
        self.assertEqual(finding["level"], "trouble")
        self.assertIn("reported 1 finding", finding["text"])
        octets[500_000] ^= 1
        path.write_bytes(octets)
        self.vault.store("verify")
        self.doctor(status=0)

    def test_units(self):
        def doctor(text, status=1, code=0):
            tool = self.vault.side / "systemctl"
            tool.write_text(f"#!/bin/sh\ncat <<'.'\n{text}\n.\nexit {code}\n")
            tool.chmod(0o755)
            findings = self.doctor("--systemctl", tool, status=status)
            return {f["about"]: f for f in findings if f["check"] == "unit"}

        def unit(name, active="active", enabled="enabled", load="loaded", result="success"):
            return (f"Result={result}\nId={name}\nLoadState={load}\nActiveState={active}\nUnitFileState={enabled}\n")

        good = unit("gw-smtpd.socket") + "\n" + unit("gw-smtpd.service", "inactive", "static")
        self.assertEqual({f["level"] for f in doctor(good, 0).values()}, {"good"})
        self.assertEqual(len(doctor(good, 0)), 2)
        self.assertEqual(doctor(unit("gw-webd.socket", "inactive", "", "not-found"), 0), {})
        self.assertEqual(doctor(unit("gw-webd.socket", "inactive", "disabled"), 0)["gw-webd.socket"]["level"], "good")
        failed = doctor(good + "\n" + unit("gw-backup.service", "failed", "static", result="exit-code"))["gw-backup.service"]
        self.assertEqual((failed["level"], failed["text"]), ("trouble", "has failed: exit-code"))
        self.assertIn("journalctl -u gw-backup.service", failed["hint"])
        again = doctor(good + "\n" + unit("gw-proxy.service", "activating", "enabled", result="exit-code") + "SubState=auto-restart\n")
        self.assertEqual((again["gw-proxy.service"]["level"], again["gw-proxy.service"]["text"]),
                         ("trouble", "keeps ending and is started again: exit-code"))
        self.assertIn("journalctl -u gw-proxy.service", again["gw-proxy.service"]["hint"])
        stopped = doctor(unit("gw-verify.timer", "inactive"))["gw-verify.timer"]
        self.assertEqual((stopped["level"], stopped["hint"]), ("trouble", "systemctl start gw-verify.timer"))
        # systemd refuses to start a socket whose service runs.
        late = unit("gw-proxy.service", "active", "static") + "\n" + unit("gw-proxy-pop3.socket", "inactive") + "Triggers=gw-proxy.service\n"
        for wanted, hint in (("sockets.target gw.target", "systemctl restart gw.target"),
                             ("sockets.target", "systemctl reenable gw-proxy-pop3.socket && systemctl restart gw.target")):
            found = doctor(late + f"WantedBy={wanted}\n")["gw-proxy-pop3.socket"]
            self.assertEqual((found["level"], found["hint"]), ("trouble", hint))
            self.assertIn("cannot start while gw-proxy.service runs", found["text"])
        once = doctor(unit("gw-smtps.socket", "active", "disabled"))["gw-smtps.socket"]
        self.assertEqual((once["level"], once["hint"]), ("warning", "systemctl enable gw-smtps.socket"))
        # What gw.target brings is there after the next boot, if gw.target is.
        for target, about in (("enabled", []), ("disabled", ["gw.target"])):
            text = unit("gw.target", "active", target) + "\n" + unit("gw-smtps.socket", "active", "disabled") + "WantedBy=gw.target\n"
            found = doctor(text, 1 if about else 0)
            self.assertEqual([name for name, finding in found.items() if finding["level"] == "warning"], about)
        # What says nothing of use is not believed.
        self.assertEqual(doctor(unit("gw-smtps.socket", "failed"), 0, code=1), {})
        self.assertEqual(doctor("nonsense", 0), {})
        self.doctor("--systemctl", "/nowhere/systemctl", status=0)

    def test_sockets_that_need_tls_and_no_certificate(self):
        tool = self.vault.side / "systemctl"
        shutil.rmtree(self.vault.path / "tls")
        for name, active, found in (("gw-smtpd.socket", "active", True), ("gw-smtps.socket", "active", True),
                                    ("gw-pop3d.socket", "active", True), ("gw-smtps.socket", "inactive", False),
                                    ("gw-store-append.socket", "active", False)):
            with self.subTest(unit=name, active=active):
                tool.write_text(f"#!/bin/sh\nprintf 'Id={name}\\nLoadState=loaded\\nActiveState={active}\\n'\n")
                tool.chmod(0o755)
                if not found:
                    self.doctor("--systemctl", tool, status=0)
                    continue
                finding = self.only("certificate", "gw.toml", "--systemctl", tool)
                self.assertEqual((finding["level"], finding["hint"]),
                                 ("trouble", f"gw-store --config {self.config} certificate install FULLCHAIN KEY"))
                self.assertIn(name, finding["text"])

    def test_states_of_a_mailbox(self):
        box = self.vault.add_mailbox("journal", "--quota", "1000")
        self.vault.store("message", "add", box.name, input=gw.mail(950))
        self.only("quota", "journal")
        self.vault.store("mailbox", "set", "journal", "--quota", "0", "--status", "suspended")
        self.only("suspended", "journal")

    def test_no_keeper(self):
        self.vault.stop_keeper()
        (self.vault.path / "format").rename(self.vault.path / "moved")
        self.assertIn("keeper", {check for check, _ in self.bad()})

    @gw.need_root("changes the user")
    def test_what_a_user_may_not_examine_is_unknown(self):
        self.addCleanup(setattr, gw, "BIN", gw.BIN)
        self.addCleanup(shutil.rmtree, gw.let_everybody_run_the_programs())
        self.vault.add_mailbox("journal")
        tls = {name: shutil.copy(self.vault.path / "tls" / f"{name}.pem", self.vault.side) for name in ("certificate", "key")}
        self.write_config("[tls]\n" + "".join(f'{name} = "{path}"\n' for name, path in tls.items()))
        self.vault.side.chmod(0o755)
        self.config.chmod(0o644)
        os.chmod(tls["certificate"], 0o644)
        os.chmod(tls["key"], 0o640)
        command = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", gw.program("gw-store"), "--config", self.config)
        told = gw.run(*command, "check", "--nagios", env=self.vault.env, status=3).stdout.decode()
        self.assertRegex(told, r"^GW UNKNOWN: .*Permission denied")
        gw.run(*command, "check", env=self.vault.env, status=77)
        findings = [json.loads(line) for line in gw.run(*command, "doctor", "--json", env=self.vault.env, status=1).stdout.splitlines()]
        self.assertEqual({f["check"] for f in findings if f["level"] == "unknown"}, {"keeper", "certificate"})
        self.assertEqual([f for f in findings if f["level"] in ("warning", "trouble")], [])

    def test_weak_password_slots(self):
        with gw.Vault(tls=False) as cheap:
            self.vault, other = cheap, self.vault
            self.addCleanup(other.close)
            self.write_config()
            self.only("passwords", cheap.path)


if __name__ == "__main__":
    gw.main()
