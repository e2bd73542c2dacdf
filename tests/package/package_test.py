#!/usr/bin/python3
"""`cpack -G DEB` builds a package in which lintian finds no error, with the same bytes each time, that contains everything."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-package-"))
        cls.packages = [cls.build(name) for name in ("one", "two")]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.directory, ignore_errors=True)

    @classmethod
    def build(cls, name):
        env = gw.clean_environment({"SOURCE_DATE_EPOCH": "1790000000"})
        gw.run("cpack", "-G", "DEB", "-B", cls.directory / name, cwd=gw.BIN.parent, env=env, seconds=200)
        [package] = (cls.directory / name).glob("*.deb")
        return package

    def test_two_packages_have_the_same_bytes(self):
        one, two = (gw.sha256(package.read_bytes()) for package in self.packages)
        self.assertEqual(one, two)

    def test_no_program_contains_the_path_of_its_build(self):
        gw.run("dpkg-deb", "-x", self.packages[0], self.directory / "root")
        for program in (self.directory / "root/usr/bin").iterdir():
            for directory in (gw.ROOT, gw.BIN.parent):
                self.assertNotIn(str(directory).encode() + b"/", program.read_bytes(), program.name)

    def test_lintian_finds_no_error(self):
        if shutil.which("lintian") is None:
            self.fail("lintian is not installed; scripts/install-packages test installs it")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", self.packages[0]], capture_output=True, text=True)
        self.assertEqual((done.returncode, [line for line in done.stdout.splitlines() if line.startswith("E:")]), (0, []),
                         done.stdout + done.stderr)

    def test_it_contains_everything_and_depends_on_libraries_of_debian(self):
        files = {line.split()[-1].lstrip(".") for line in gw.run("dpkg", "-c", self.packages[0]).stdout.decode().splitlines()}
        for program in gw.BIN.glob("gw-*"):
            self.assertIn(f"/usr/bin/{program.name}", files)
        for path in ("/usr/lib/systemd/system/gw.target", "/usr/lib/sysusers.d/gw.conf", "/usr/share/man/man7/gw.7.gz",
                     "/usr/share/bash-completion/completions/gw-store", "/usr/share/doc/gw/copyright",
                     "/usr/share/gw/monitoring/gw-alerts.yml", "/usr/share/gw/monitoring/gw-dashboard.json"):
            self.assertIn(path, files)
        self.assertEqual({f for f in files if f.startswith(("/etc", "/var", "/usr/local", "/root"))},
                         {"/etc/", "/etc/gw/", "/etc/gw/gw.toml"})
        conffiles = gw.run("dpkg-deb", "--info", self.packages[0], "conffiles").stdout
        self.assertEqual(conffiles, b"/etc/gw/gw.toml\n")
        depends = gw.run("dpkg-deb", "-f", self.packages[0], "Depends").stdout.decode()
        for library in ("librocksdb", "libsodium", "libssl"):
            self.assertIn(library, depends)


if __name__ == "__main__":
    gw.main()
