#!/usr/bin/python3
"""Runs the examples of the manual pages and the main job of README unchanged, in directories of the test.

Paths and hosts that an example names (/srv, /etc/gw, the disk of a backup, another host reached by ssh) are replaced
by some of the test.
"""
import gzip
import os
import pathlib
import pwd
import pty
import re
import signal
import subprocess
import sys
import termios
import time
import tomllib
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_smtp_upstream import SmtpUpstream  # noqa: E402


FAMILIES = ("import", "message", "verify", "route", "admin", "repair", "backup", "doctor", "mailbox")


def examples(page):
    """The commands of a page's EXAMPLES, one text for each block or line."""
    section = re.search(r"(?ms)^\.Sh EXAMPLES\n(.*?)^\.Sh ", (gw.ROOT / "man" / page).read_text()).group(1)
    found = re.findall(r"(?ms)^\.Bd -literal[^\n]*\n(.*?)^\.Ed|^\.Dl ([^\n]*)", section)
    texts = [(block or line).replace("\\e\n", "\\\n") for block, line in found]
    return [re.sub(r"(?m)^\$ ", "", text).strip() for text in texts]


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        self.vault = self.enterContext(gw.Vault(host="localhost"))
        self.side = self.vault.side
        self.box = self.vault.add_mailbox("journal")
        # The other host: its commands run in a directory of its own.
        self.elsewhere = self.side / "elsewhere"
        programs = self.side / "bin"
        for folder in (self.elsewhere, programs, self.side / "credentials", self.side / "srv"):
            folder.mkdir()
        (programs / "ssh").write_text(f'#!/bin/sh\nshift\ncd {self.elsewhere} && exec sh -c "$*"\n')
        (programs / "ssh").chmod(0o755)
        (self.side / "credentials/gw.journal").write_text(self.box.password + "\n")
        self.password = self.box.password_file
        self.env = {**self.vault.env, "PATH": f"{programs}:{gw.BIN}:{os.environ['PATH']}", "HOME": str(self.side),
                    "CREDENTIALS_DIRECTORY": str(self.side / "credentials")}

    def run_here(self, script, status=0):
        return gw.run("bash", "-euo", "pipefail", "-c", script, cwd=self.side, env=self.env, status=status)

    def add(self, count, recipient="team@example.com"):
        for n in range(count):
            self.vault.store("message", "add", "journal", "--to", recipient, input=gw.mail(2000, f"mail {n}"))

    def end_keeper(self, folder):
        """One that a tool has started for a vault of the example's own."""
        process = int((folder / "lock").read_text().split()[0])
        os.kill(process, signal.SIGTERM)
        gw.until(lambda: not gw.alive(process), "the keeper ends")

    def here(self, text):
        """What the example names of the machine, by what stands for it here."""
        for path, ours in (("/etc/gw/journal.password", self.password), ("/srv", self.side / "srv"),
                           ("/mnt/backup/gw", self.side / "backup"), ("/var/lib/gw", self.side / "restored"), ("/mnt/new/gw", self.side / "moved"),
                           ("/var/spool/oldproxy", self.side / "spool")):
            text = text.replace(path, str(ours))
        return text

    def test_gw_export(self):
        self.add(2)
        self.add(1, "ann@example.com")
        everything, new, person, push, month = (self.here(text) for text in examples("gw-export.1"))
        for _ in range(2):  # as cron does: the second time nothing is new
            self.run_here(everything)
            self.assertEqual(len(list((self.side / "srv/mail").rglob("*.eml"))), 3)
        self.run_here(new)
        self.assertTrue(list((self.side / "srv").glob("*.tar")) and (self.side / "srv/journal.cursor").exists())
        self.run_here(person)
        self.assertEqual((self.elsewhere / "ann.mbox").read_bytes().count(b"\nFrom: "), 1)
        with SmtpUpstream() as archive:
            self.run_here(push.replace("smtp://archive.example.com", f"smtp://{archive.address}"))
            self.assertEqual([m.recipients for m in archive.messages], [[b"archive@archive.example.com"]] * 3)
        self.assertEqual(self.vault.json("message", "list", "journal"), [])
        self.add(3)
        today = subprocess.run(["date", "-u", "+%F"], capture_output=True, text=True).stdout.strip()
        self.run_here(month.replace("2026-10-01", today).replace("2026-11-01", "2099-01-01"))
        self.assertEqual(len(list((self.side / "out").rglob("*.eml"))), 3)
        self.assertEqual(self.vault.json("message", "list", "journal"), [])

    def test_gw_store(self):
        self.add(3)
        rescue, undelete, migration, backup, move, checkpoint = (self.here(text) for text in examples("gw-store.1"))
        ids = [message["id"] for message in self.vault.json("message", "list", "journal")]
        self.run_here(rescue.replace("ID", ids[0]) + " >mail.eml")
        self.assertEqual((self.side / "mail.eml").read_bytes(),
                         self.vault.store("message", "show", "journal", ids[0], "--raw", "--password-file", self.password).stdout)

        self.run_here("gw-export journal --to drained --remove")
        self.assertEqual(self.vault.json("message", "list", "journal"), [])
        self.run_here(undelete)
        self.assertEqual([message["id"] for message in self.vault.json("message", "list", "journal")], ids)

        self.old_archive()
        first, second = migration.replace("\\\n", "").splitlines()
        self.run_here(first)
        follower = subprocess.Popen(["bash", "-c", "exec " + second], cwd=self.side, env=self.env, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE)
        gw.until(lambda: not list((self.side / "spool").iterdir()), "the spool is taken")
        follower.send_signal(signal.SIGTERM)
        self.assertEqual(follower.wait(gw.WAIT), 0, follower.stderr.read())
        follower.stderr.close()
        self.assertEqual(len(self.vault.json("message", "list", "journal")), 3 + 2 + 1 + 1)

        self.run_here(checkpoint)
        self.assertEqual(len(list(self.elsewhere.glob("gw-20*"))), 1)
        (self.side / "history.key").write_bytes((self.vault.path / "history.key").read_bytes())
        self.run_here(backup)
        self.assertEqual(self.there("restored"), 7)
        self.run_here(move)
        self.assertEqual(self.there("moved"), 7)

    def test_gw_store_families(self):
        """The pages gw-store-*.1: their examples end with 0, in the order of the page."""
        self.add(3)
        first = self.vault.json("message", "list", "journal")[0]["id"]
        (self.side / "mail.eml").write_bytes(gw.mail(900, "standard input"))
        self.run_here(self.here("gw-export journal --to /srv/mail --manifest /srv/mail.jsonl"))
        self.run_here(self.here("gw-export journal --to /srv/mail.tar --envelope sidecar"))
        mbox = b"".join(b"From a@example.com Thu Jan  1 00:00:00 2026\n" + b"Subject: old %d\n\n" % n for n in (1, 2))
        (self.side / "srv/old.mbox.gz").write_bytes(gzip.compress(mbox))
        for page in FAMILIES:
            for script in examples(f"gw-store-{page}.1"):
                with self.subTest(page=page, script=script):
                    self.run_family(script.replace("ID", first))
        # Three mails at first, one of standard input, two of the mbox, and those three once more, by their export.
        self.assertEqual(len(self.vault.json("message", "list", "journal")), 3 + 1 + 2 + 3)
        self.assertFalse((self.side / "srv/mail.tar").exists())
        self.assertEqual(len(self.vault.json("route", "list")), 1)
        self.assertTrue((self.side / "srv/gw.prom").exists() and (self.side / "proof.json").exists())

    def run_family(self, script):
        if "salvage" in script:  # a backup is a whole vault's directory, and no keeper runs on it
            gw.run(gw.program("gw-store"), "backup", self.side / "for-salvage", env=self.env)
            [copy] = (self.side / "for-salvage").glob("20*Z")
            copy.rename(self.side / "srv/broken")
            script += " || [ $? -eq 3 ]"
        if re.search("gw-store (doctor|check)", script):  # they find the weak passwords of the test
            script += " || [ $? -le 2 ]"
        self.run_here(self.here(script))

    def test_a_vault_is_made_and_kept_as_shown(self):
        """gw-store-init.1, and then gw-store-recovery.1 and gw-store-serve.1 on that vault."""
        [init], [serve] = examples("gw-store-init.1"), examples("gw-store-serve.1")
        gw.run("bash", "-c", self.here(init), cwd=self.side, env=self.env)
        folder = self.side / "srv/gw"
        [recovery] = examples("gw-store-recovery.1")
        env = {**self.env, "GW_VAULT": str(folder)}
        told = gw.run("bash", "-euc", recovery, cwd=self.side, env=env).stdout.decode()
        self.assertEqual(told.count("\nage1"), 2)
        self.end_keeper(folder)
        keeper = subprocess.Popen(["bash", "-c", "exec " + self.here(serve)], cwd=self.side, env=self.env,
                                  stderr=subprocess.DEVNULL)
        gw.until(lambda: (folder / "run/admin").exists(), "the keeper serves")
        keeper.terminate()
        self.assertEqual(keeper.wait(gw.WAIT), 0)

    def old_archive(self):
        """~/Maildir with a mail, old.mbox with two, and what the old proxy left."""
        for name in ("cur", "new", "tmp"):
            (self.side / "Maildir" / name).mkdir(parents=True)
        (self.side / "Maildir/new/1.a.host").write_bytes(gw.mail(900, "maildir"))
        (self.side / "old.mbox").write_bytes(b"".join(
            b"From a@example.com Thu Jan  1 00:00:00 2026\n" + gw.mail(900, f"mbox {n}").replace(b"\r\n", b"\n") + b"\n" for n in (1, 2)))
        (self.side / "spool").mkdir()
        (self.side / "spool/1").write_bytes(gw.mail(900, "spool"))

    def there(self, folder):
        """How many mails are in the vault that an example made."""
        env = {**self.env, "GW_VAULT": str(self.side / folder)}
        listed = gw.run(gw.program("gw-store"), "message", "list", "journal", "--json", env=env).stdout
        self.end_keeper(self.side / folder)
        return len(listed.splitlines())

    def test_the_servers_start_as_shown(self):
        """Each by hand, on a port of its own: it announces its listener, and ends at SIGTERM."""
        shown = [(text, protocol) for page, protocol in (("gw-smtpd.8", "smtp"), ("gw-pop3d.8", "pop3s"), ("gw-webd.8", "https"))
                 for text in examples(page) if re.match(r"gw-\w+ .*--listen", text)]
        self.assertEqual(len(shown), 3)
        for name in ("chain.pem", "key.pem"):
            source = {"chain.pem": "certificate.pem"}.get(name, name)
            (self.side / name).write_bytes((self.vault.path / "tls" / source).read_bytes())
        (self.side / "vault").symlink_to(self.vault.path)
        for text, protocol in shown:
            command = re.sub(r":\d+", ":0", text)
            process = subprocess.Popen(["bash", "-c", "exec " + command], cwd=self.side, env=self.env, stdout=subprocess.PIPE)
            self.assertRegex(process.stdout.readline().decode(), rf"^listening {protocol} ", text)
            process.terminate()
            self.assertEqual(process.wait(gw.WAIT), 0, text)
            process.stdout.close()

    def test_commands_can_be_typed_by_hand(self):
        """At a terminal, whose lines end with LF."""
        (self.side / "vault").symlink_to(self.vault.path)
        for page, typed, shown in (("gw-smtpd.8", b"EHLO me\nQUIT\n", rb"(?s)^220 .*\n250-.*\n221 2\.0\.0 "),
                                   ("gw-pop3d.8", f"USER {self.box.id}\nPASS {self.box.password}\nSTAT\nQUIT\n".encode(),
                                    rb"(?s)^\+OK .*\n\+OK 0 0\r\n\+OK")):
            [by_hand] = [text for text in examples(page) if "--stdio" in text]
            keyboard, terminal = pty.openpty()
            attributes = termios.tcgetattr(terminal)
            attributes[1] &= ~termios.OPOST
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(terminal, termios.TCSANOW, attributes)
            process = subprocess.Popen(["bash", "-c", "exec " + by_hand], cwd=self.side, env=self.env, stdin=terminal,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            os.write(keyboard, typed)
            told = process.communicate(timeout=gw.WAIT)[0]
            os.close(keyboard)
            os.close(terminal)
            self.assertRegex(told, shown, page)

    def test_gw_proxy(self):
        """Adds the routes and starts the proxy; tests/cmd/readme_proxy_test.py sends through such a one."""
        by_hand, _ = examples("gw-proxy.8")
        setup, _, start = by_hand.rpartition("\n")
        self.run_here(setup)
        self.assertEqual(len(self.vault.json("route", "list")), 2)
        process = subprocess.Popen(["bash", "-c", "exec " + re.sub(r":\d+", ":0", start)], cwd=self.side, env=self.env,
                                   stdout=subprocess.PIPE)
        for name in ("out", "in"):
            self.assertRegex(process.stdout.readline().decode(), f"^listening {name}")
        process.terminate()
        self.assertEqual(process.wait(gw.WAIT), 0)
        process.stdout.close()

    def test_gw_api(self):
        added = self.vault.store("token", "add", "example", "--scope", "read").stdout.decode()
        token = re.search(r"(?m)^token +(\S+)$", added).group(1)
        webd = self.vault.serve("gw-webd", listen=("127.0.0.1:0,tls",))
        [listing] = examples("gw-api.7")
        self.env.update(token=token, CURL_CA_BUNDLE=str(self.vault.path / "tls/certificate.pem"))
        listing = listing.replace("gw.example:8450", "localhost:%d" % webd.address("https")[1])
        self.assertIn(b'"journal"', self.run_here(listing).stdout)

    def test_every_page_with_examples_is_run(self):
        here = {*(f"gw-store-{family}.1" for family in (*FAMILIES, "init", "recovery", "serve")), "gw-export.1", "gw-store.1", "gw.toml.5",
                "gw-api.7", "gw-smtpd.8", "gw-pop3d.8", "gw-proxy.8", "gw-webd.8"}
        elsewhere = {"gw-store-certificate.1"}  # tests/package/systemd_test.py
        pages = {path.name for path in (gw.ROOT / "man").glob("*.[1-8]") if "\n.Sh EXAMPLES\n" in path.read_text()}
        self.assertEqual(pages, here | elsewhere)

    def profile(self, program, command="profile"):
        return self.vault.store("mailbox", command, "journal", "--for", program, "--host", "localhost").stdout.decode()

    def test_a_recipe_that_no_test_runs_names_its_documentation(self):
        run = {"getmail", "fetchmail", "mpop", "curl"} | {"postfix", "exim"}  # by tests/peers
        for command in ("profile", "sender"):
            shown = self.vault.store("mailbox", command, "--help").stdout.decode()
            programs = re.search(r"--for ([\w|]+)", shown).group(1).split("|")
            self.assertGreater(len(programs), 4)
            for program in programs:
                text = self.profile(program, command)
                self.assertEqual("Taken from the documentation" in text, program not in run, program)

    def test_the_recipe_of_piler(self):
        """With a pilerimport that does what piler's own does, by its import_maildir.c: it imports every file below -d, removes
        it with -r unless that failed, wants to write to the current directory, and ends with 0."""
        archive = self.side / "archive"
        archive.mkdir()
        (self.side / "bin/pilerimport").write_text(f"""#!/bin/bash
set -eu
[ "$1 $3 $4" = "-d -r -q" ] && touch . || exit 1
find "$2" -type f | while read -r file; do
  [ ! -e {self.side}/broken ] || continue
  cp "$file" {archive}/$(basename "$file").$RANDOM && rm "$file"
done
""")
        (self.side / "bin/pilerimport").chmod(0o755)
        script = self.profile("piler").replace("/var/piler", str(self.side / "piler")).replace("/etc/gw/journal.password", str(self.password))
        self.run_here(script)  # no mail
        self.add(2)
        self.run_here(script)
        self.assertEqual(len(list(archive.iterdir())), 2)
        self.add(1)
        (self.side / "broken").touch()
        self.run_here(script)
        self.assertEqual(len(list(archive.iterdir())), 2)
        (self.side / "broken").unlink()
        self.add(1)
        self.run_here(script)
        self.run_here(script)
        mails = [path.read_bytes() for path in archive.iterdir()]
        self.assertEqual((len(mails), len(set(mails))), (4, 4))
        self.assertTrue(all(mail.startswith(b"From: ") for mail in mails))  # the manifest is no mail
        self.assertEqual([path for path in (self.side / "piler").rglob("*") if path.is_file()], [])  # no plain text is left
        self.assertEqual(self.vault.json("message", "list", "journal"), [])

    def test_the_recipe_of_openarchiver(self):
        script = self.profile("openarchiver").replace("/etc/gw/journal.password", str(self.password))
        for count in (1, 2):
            self.add(1)
            self.run_here(script)
            self.assertEqual(len(list(self.side.glob("journal-*.zip"))), count)
            gw.until(lambda: f"journal-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.zip" not in os.listdir(self.side), "the next second")
        names = [name for path in self.side.glob("*.zip") for name in zipfile.ZipFile(path).namelist()]
        self.assertEqual([name.endswith(".eml") for name in names], [True, True])

    def test_the_settings_are_settings(self):
        [settings] = examples("gw.toml.5")
        (self.side / "gw.toml").write_text(settings.replace("/var/lib/gw", str(self.vault.path)).replace(
            "/etc/gw/tls/fullchain.pem", str(self.vault.path / "tls/certificate.pem")).replace(
            "/etc/gw/tls/privkey.pem", str(self.vault.path / "tls/key.pem")))
        for name in ("gw-smtpd", "gw-pop3d"):
            gw.run(gw.program(name), "--config", self.side / "gw.toml", "--check-config", env=self.env)

    def test_the_file_of_the_package_has_every_setting_with_its_default(self):
        text = (gw.ROOT / "scripts/package/gw.toml").read_text()
        self.assertEqual(set(tomllib.loads(text)), {"tls", "smtpd", "pop3d", "proxy", "webd", "store"}, "nothing but empty tables")
        # One line of explanation stands before each setting, or before a certificate and its key.
        lines = text.splitlines()
        for before, line in zip(lines, lines[1:]):
            if line.startswith("#") and not line.startswith("# ") and not line.startswith("#key"):
                self.assertTrue(before.startswith(("# ", "#[[", "[tls]")), line)
        file = self.side / "all.toml"
        uncommented = re.sub(r"(?m)^#(?=\S)", "", text)
        file.write_text(uncommented)
        settings = tomllib.loads(uncommented)
        page = (gw.ROOT / "man/gw.toml.5").read_text().split(".Sh TOP LEVEL")[1]
        named = {name for line in re.findall(r"(?m)^\.It Va (.*)$", page) for name in re.findall(r"[a-z][a-z0-9-]*", line)}
        tables = [settings, *(value for value in settings.values() if isinstance(value, dict))]
        self.assertEqual({key for table in tables for key, value in table.items() if not isinstance(value, dict)}, named)

        dumped = gw.run(gw.program("gw-smtpd"), "--config", "/dev/null", "--dump-config", env=gw.clean_environment()).stdout
        mine = gw.run(gw.program("gw-smtpd"), "--config", file, "--dump-config", env=gw.clean_environment()).stdout
        defaults, mine = tomllib.loads(dumped.decode()), tomllib.loads(mine.decode())
        for name, table in defaults.items():
            if not isinstance(table, dict):
                continue
            self.assertLessEqual(set(table), set(settings[name]), f"settings of [{name}]")
            self.assertEqual({key: mine[name][key] for key in table}, table, f"defaults of [{name}]")

        # What it names of the machine, by what stands for it here.
        here = uncommented.replace("/var/lib/gw-proxy", str(self.side)).replace('"/var/lib/gw"', f'"{self.vault.path}"')
        here = re.sub(r'"/etc/gw/tls/\w+\.pem"', f'"{self.vault.path}/tls/certificate.pem"', here)
        here = re.sub(r'(?m)^key = .*', f'key = "{self.vault.path}/tls/key.pem"', here)
        here = re.sub(r'(?m)^user = .*', f'user = "{pwd.getpwuid(os.geteuid()).pw_name}"', here)
        here = here.replace('"/run/gw"', f'"{self.vault.run_folder}"').replace("mail.example.com", "localhost")
        file.write_text(here)
        for name in ("gw-smtpd", "gw-pop3d", "gw-proxy", "gw-webd"):
            done = gw.run(gw.program(name), "--config", file, "--check-config", env=self.env)
            self.assertEqual(done.stderr, b"", name)

    def test_readme_s_commands_of_every_day(self):
        """In the order of the page. Those that need systemd or a mail system are run by systemd_test.py and watch_test.py."""
        self.add(2)
        (self.side / "history.key").write_bytes((self.vault.path / "history.key").read_bytes())
        elsewhere = ("systemctl ", "ln -s ", "gw-store doctor --mail-to ", "#")
        text, ran = (gw.ROOT / "README.md").read_text(), 0
        for title in ("### Monitor it", "### Manage it in a browser", "### Point Microsoft 365, Google, Exchange, Postfix or Exim at it",
                      "### Let your archive drain it", "## Backups"):
            section = re.search(rf"(?ms)^{re.escape(title)}\n(.*?)^##", text).group(1)
            for line in re.findall(r"(?m)^    (.*)$", section):
                if not line.startswith(elsewhere):
                    status = " || [ $? -le 2 ]" if re.match("gw-store (doctor|check) ", line) else ""
                    self.run_here(self.here(line.partition("#")[0]) + status)
                    ran += 1
        self.assertEqual(ran, 9)
        self.assertEqual(self.there("restored"), 2)
        self.assertEqual(self.there("moved"), 2)

    def test_readme_s_main_job(self):
        section = re.search(r"(?ms)^## The main job by hand\n(.*?)^## ", (gw.ROOT / "README.md").read_text()).group(1)
        commands = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
        export, rest = commands.split("\n", 1)
        self.assertTrue(export.startswith("export PATH=$PWD/build/release/bin:$PATH GW_VAULT=$HOME/vault"), export)
        ports = {"2525": gw_peers.free_port(), "9955": gw_peers.free_port()}
        for port, free in ports.items():
            rest = rest.replace(port, str(free))
        rest = re.sub(r"(gw-store mailbox add journal)\b[^\n]*", r"\1 >shown; ADDRESS=$(sed -n 's/^address *//p' shown) "
                      r"USER=journal:$(sed -n 's/^password *//p' shown)\n"
                      # gw-export asks for it on a terminal.
                      r"sed -n 's/^password *//p' shown >$CREDENTIALS_DIRECTORY/gw.journal", rest)
        rest = rest.replace("--mail-rcpt ADDRESS", '--mail-rcpt "$ADDRESS"').replace("--user journal", '--user "$USER"')
        rest = re.sub(r"(?m)&( *#.*)?$", "& pids=\"${pids-} $!\"", rest)
        wait = "".join(f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do :; done\n" for port in ports.values())
        script = "trap 'kill $pids' EXIT\n" + re.sub(r"(?m)^curl --ssl-reqd", wait + "curl --ssl-reqd", rest).replace(
            "pop3s://localhost", "-o fetched.eml pop3s://localhost")
        (self.side / "mail.eml").write_bytes(content := gw.mail(3000))
        self.env.update(HOME=str(self.side), GW_VAULT=str(self.side / "vault"))
        try:
            self.run_here(script)
        finally:
            self.end_keeper(self.side / "vault")
        self.assertEqual((self.side / "fetched.eml").read_bytes(), content)
        self.assertEqual([path.read_bytes() for path in (self.side / "out").rglob("*.eml")], [content])


if __name__ == "__main__":
    gw.main()
