#!/usr/bin/python3
"""Checks what `cmake --install` installs: units that systemd accepts and rates as safe, users, directories, manual pages,
programs."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

THRESHOLD = 15  # in tenths: `systemd-analyze security` rates values up to 2.0 as safe or good
SYSTEM_UNITS = pathlib.Path("/lib/systemd/system")


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="gw-install-"))
        gw.run("cmake", "--install", gw.BIN.parent, "--prefix", "/usr", env=gw.clean_environment({"DESTDIR": str(cls.root)}))
        cls.units = sorted((cls.root / "usr/lib/systemd/system").iterdir())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root, ignore_errors=True)

    def test_everything_is_below_the_destination(self):
        self.assertEqual({path.name for path in self.root.iterdir()}, {"usr"})
        for program in gw.BIN.glob("gw-*"):
            self.assertTrue((self.root / "usr/bin" / program.name).exists(), program.name)
        for page in (gw.ROOT / "man").glob("*.[1-8]"):
            self.assertTrue((self.root / f"usr/share/man/man{page.name[-1]}/{page.name}.gz").exists(), page.name)
        for script in ("certificate-deploy-hook", "timestamp-checkpoint", "verify-proof"):
            self.assertTrue(os.access(self.root / "usr/lib/gw" / script, os.X_OK), script)

    def test_systemd_accepts_the_units(self):
        self.assertGreater(len(self.units), 10)
        # The check needs everything that the units refer to: the system's own units and the programs that they name.
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            shutil.copytree(self.root / "usr", root / "usr", symlinks=True)
            for unit in SYSTEM_UNITS.glob("*.target"):
                shutil.copy(unit, root / "usr/lib/systemd/system", follow_symlinks=True)
            (root / "bin").mkdir()
            for name in ("sh", "kill"):
                shutil.copy(shutil.which(name), root / "bin" / name)
            done = gw.run("systemd-analyze", "verify", "--man=no", f"--root={root}", *(unit.name for unit in self.units),
                          status=None)
        told = [line for line in done.stderr.decode().splitlines() if "sysinit.target" not in line]
        self.assertEqual(told, [])

    def test_services_are_confined(self):
        services = [unit for unit in self.units if unit.suffix == ".service"]
        self.assertGreaterEqual(len(services), 6)
        for unit in services:
            with self.subTest(unit=unit.name):
                gw.run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={THRESHOLD}", unit)
                self.assertRegex(unit.read_text(), r"(?m)^User=gw-\w+$")
                self.assertRegex(unit.read_text(), r"(?m)^MemoryMax=\w+$")
                self.assertRegex(unit.read_text(), r"(?m)^Slice=gw.slice$")

    def test_servers_may_use_landlock_and_seccomp(self):
        for name in ("gw-smtpd.service", "gw-pop3d@.service", "gw-proxy.service", "gw-webd.service"):
            allowed = next(line for line in (self.root / "usr/lib/systemd/system" / name).read_text().splitlines()
                           if line.startswith("SystemCallFilter=@system-service")).split()
            for call in ("seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"):
                self.assertIn(call, allowed, name)

    def test_every_unit_that_is_named_exists(self):
        names = {unit.name for unit in self.units}
        for unit in self.units:
            for named in re.findall(r"\bgw[\w@.-]*\.(?:socket|service|timer|slice|target)\b", unit.read_text()):
                self.assertIn(named, names, f"in {unit.name}")

    def test_users_and_directories(self):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "etc").mkdir()
            gw.run("systemd-sysusers", f"--root={root}", self.root / "usr/lib/sysusers.d/gw.conf")
            groups = {line.split(":")[0]: set(filter(None, line.strip().split(":")[3].split(",")))
                      for line in (root / "etc/group").read_text().splitlines()}
            users = {line.split(":")[0] for line in (root / "etc/passwd").read_text().splitlines()}
        self.assertEqual(users & {"gw-keeper", "gw-receive", "gw-drain", "gw-admin", "gw-web"},
                         {"gw-keeper", "gw-receive", "gw-drain", "gw-admin", "gw-web"})
        self.assertEqual(groups["gw-append"], {"gw-receive", "gw-keeper"})
        self.assertEqual(groups["gw-drain"], {"gw-keeper"})
        self.assertEqual(groups["gw-admin"], {"gw-keeper", "gw-web"})
        self.assertEqual(groups["gw-tls"], {"gw-receive", "gw-drain", "gw-admin", "gw-web"})
        self.assertNotIn("gw-receive", groups["gw-drain"])
        for unit in self.units:
            text = unit.read_text()
            for name in re.findall(r"(?m)^(?:User|SocketUser)=(\S+)", text):
                self.assertIn(name, users, unit.name)
            for names in re.findall(r"(?m)^(?:Group|SocketGroup|SupplementaryGroups)=(.+)", text):
                for name in names.split():
                    self.assertIn(name, groups, unit.name)

    def test_inetd_examples_name_existing_programs_and_options(self):
        """The lines in the manual pages must be those of the example file, which tests/cmd/inetd_test.py runs."""
        lines = [line.split() for line in (gw.ROOT / "scripts/inetd.conf.example").read_text().splitlines()
                 if line and not line.startswith("#")]
        self.assertEqual(len(lines), 5)
        pages = "".join((gw.ROOT / "man" / page).read_text() for page in ("gw-smtpd.8", "gw-pop3d.8", "gw-proxy.8"))
        shown = [line.split() for line in re.findall(r"(?m)^(?:\.Dl )?(\w+ +stream .*)$", pages)]
        self.assertEqual(len(shown), 4)
        for line in shown:
            self.assertIn(line, lines)
        for service, kind, protocol, wait, user, program, name, *options in lines:
            self.assertEqual((kind, protocol, wait), ("stream", "tcp", "nowait"), service)
            self.assertEqual(pathlib.Path(program).name, name)
            self.assertTrue((self.root / program.lstrip("/")).exists(), program)
            text = gw.run(gw.program(name), "--help").stdout.decode()
            for option in options:
                if option.startswith("--"):
                    self.assertIn(option, text)
            self.assertIn(user, ("gw-receive", "gw-drain"))


if __name__ == "__main__":
    gw.main()
