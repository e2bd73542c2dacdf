#!/usr/bin/python3
"""The container image: it is built twice with the same bytes, run with the settings of compose.yaml, and upgraded over an
existing vault.

crun runs it in a network and a mount namespace of the test's own, so that its ports are free and no daemon is needed.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

DIRECTORY = gw.ROOT / "scripts/container"


def documents(name):
    """Returns the documents of a YAML file. They are read by Debian's Python, which has a module for YAML."""
    script = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)"
    return json.loads(gw.run("/usr/bin/python3", "-c", script, input=(DIRECTORY / name).read_bytes()).stdout)


COMPOSE = documents("compose.yaml")[0]["services"]
KUBERNETES = {document["kind"]: document for document in documents("kubernetes.yaml")}
POD = KUBERNETES["StatefulSet"]["spec"]["template"]["spec"]
SERVERS = ("keeper", "smtpd", "pop3d", "webd")
PORTS = {"smtp": 2525, "smtps": 2465, "pop3": 2110, "pop3s": 2995, "https": 8450}
OWNED = "/srv/gw", "/run/gw", "/etc/gw/tls"  # the volumes

# crun needs version 2 of control groups, which not every machine has.
ISOLATED = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-ec",
            'mount -t cgroup2 none /sys/fs/cgroup; ip link set lo up; exec "$@"', "sh"]
OUTSIDE = int(os.environ.get("GW_OUTSIDE", -1))  # descriptor of the network namespace that the test was started in


class Image:
    def __init__(self, directory, name, package, base):
        self.layout, self.bundle = directory / name, directory / f"{name}-bundle"
        # The build runs in the network of the system, because it downloads packages.
        gw.run("nsenter", f"--net=/proc/self/fd/{OUTSIDE}", DIRECTORY / "build", "--base", base, package, self.layout, pass_fds=[OUTSIDE],
               env=gw.clean_environment({"SOURCE_DATE_EPOCH": "1790000000"}), seconds=300)
        self.index = (self.layout / "index.json").read_bytes()

    def unpack(self):
        gw.run("umoci", "unpack", "--image", f"{self.layout}:gw", self.bundle)
        self.root = self.bundle / "rootfs"
        self.config = json.loads((self.bundle / "config.json").read_text())
        return self

    def user(self, name):
        """Returns the numbers that a container engine would read from /etc/passwd and /etc/group."""
        users = {line.split(":")[0]: line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines()}
        groups = [line.split(":") for line in (self.root / "etc/group").read_text().splitlines()]
        return {"uid": int(users[name][2]), "gid": int(users[name][3]),
                "additionalGids": [int(gid) for _, _, gid, members in groups if name in members.split(",")]}


class Host:
    """Does what a container engine does with compose.yaml, and has the volumes."""

    def __init__(self, directory):
        self.directory, self.count, self.running = directory, 0, {}
        self.image = None

    def make_volumes(self):
        """Creates the volumes as Docker and podman do: with the owner and the mode of the directory in the image."""
        for place in OWNED:
            volume, source = self.volume(place), self.image.root / place[1:]
            volume.mkdir()
            shutil.chown(volume, source.stat().st_uid, source.stat().st_gid)
            volume.chmod(source.stat().st_mode & 0o7777)

    def volume(self, place):
        return self.directory / ("volume" + place.replace("/", "-"))

    def specification(self, service, command, user):
        settings, config = COMPOSE[service], json.loads(json.dumps(self.image.config))
        process = config["process"]
        capabilities = [f"CAP_{name}" for name in settings.get("cap_add", ())] if user == "root" else []
        assert settings["cap_drop"] == ["ALL"] and settings["security_opt"] == ["no-new-privileges:true"]
        process.update(terminal=False, args=command or settings["command"], user=self.image.user(user or settings["user"]),
                       noNewPrivileges=True, capabilities={kind: capabilities for kind in ("bounding", "effective", "permitted")})
        process["rlimits"] = []
        config["root"]["readonly"] = settings["read_only"]
        config["hostname"] = settings["hostname"]
        config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup" and mount["destination"] not in OWNED]
        for entry in settings["volumes"]:
            _, place, *flags = entry.split(":")
            config["mounts"].append({"destination": place, "type": "bind", "source": str(self.volume(place)),
                                     "options": ["rbind", "nosuid", "nodev", *(flags or ["rw"])]})
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
        config["linux"].pop("resources", None)
        return config

    def prepare(self, service, command, user):
        self.count += 1
        bundle = self.directory / f"run-{self.count}"
        bundle.mkdir()
        config = self.specification(service, command, user)
        config["root"]["path"] = str(self.image.root)
        (bundle / "config.json").write_text(json.dumps(config))
        return ["crun", "--root", str(self.directory / "crun"), "--cgroup-manager=disabled", "run", "--bundle", str(bundle),
                f"gw-{os.getpid()}-{self.count}"]

    def run(self, service, *command, user=None, status=0):
        return gw.run(*self.prepare(service, list(command), user), status=status, stdin=subprocess.DEVNULL)

    def start(self):
        for service in SERVERS:
            log = self.directory / f"{service}.log"
            with open(log, "ab") as out:
                self.running[service] = subprocess.Popen(self.prepare(service, None, None), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                         env=gw.clean_environment())
        probe = COMPOSE["keeper"]["healthcheck"]["test"]
        assert probe[0] == "CMD" and probe[1:] == POD["containers"][0]["readinessProbe"]["exec"]["command"]
        gw.until(lambda: self.run("keeper", *probe[1:], status=None).returncode == 0, "the keeper is healthy")
        gw.until(lambda: self.web("readyz") == "ok\n", "the console is ready")
        for name in ("smtp", "pop3"):
            gw.until(lambda port=PORTS[name]: self.accepts(port), f"{name} is served")

    def stop(self):
        statuses = {}
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for service, process in self.running.items():
            statuses[service] = process.wait(gw.WAIT)
        self.running = {}
        return statuses

    def accepts(self, port):
        try:
            gw.Client(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    def web(self, page):
        context = ssl.create_default_context(cafile=str(self.volume("/etc/gw/tls") / "certificate.pem"))
        try:
            with urllib.request.urlopen(f"https://localhost:8450/{page}", context=context, timeout=gw.WAIT) as response:
                return response.read().decode()
        except OSError as error:
            return str(error)

    def logs(self):
        return "".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.directory.glob("*.log"))


@gw.need_root("mounts, and uses the users of the containers")
class ContainerTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-container-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)

    def package(self):
        gw.run("cpack", "-G", "DEB", "-B", self.directory / "deb", cwd=gw.BIN.parent, seconds=200)
        [package] = (self.directory / "deb").glob("*.deb")
        return package

    def newer(self, package):
        """Returns the same package with a higher version, as the next release would have it."""
        tree = self.directory / "newer"
        gw.run("dpkg-deb", "-R", package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 99.0", control.read_text()))
        gw.run("dpkg-deb", "-Zgzip", "-z1", "-b", tree, self.directory / "newer.deb")
        return self.directory / "newer.deb"

    def deliver(self, address, mail):
        with gw.Smtp(("127.0.0.1", PORTS["smtp"])) as smtp:
            smtp.command("STARTTLS")
            smtp.start_tls()
            smtp.command("EHLO client.example.com")
            self.assertEqual(smtp.deliver(address, mail).code, 250)

    def drain(self, user, password):
        with gw.Pop3(("127.0.0.1", PORTS["pop3s"]), tls=True) as pop3:
            pop3.command(f"USER {user}")
            pop3.command(f"PASS {password}")
            mails = [pop3.retrieve(number) for number in range(1, pop3.count() + 1)]
            for number in range(1, len(mails) + 1):
                pop3.command(f"DELE {number}")
            pop3.command("QUIT")
        return mails

    def test_the_manifests_agree(self):
        """compose.yaml is run below. The manifest for Kubernetes must have the same programs, users, volumes and ports."""
        ids = dict(re.findall(r"(?m)^u (\S+) +(\d+)$", (DIRECTORY / "ids").read_text()))
        containers = {container["name"]: container for container in POD["containers"]}
        self.assertEqual(list(containers), list(SERVERS))
        for name, container in containers.items():
            settings, security = COMPOSE[name], container["securityContext"]
            self.assertEqual([word for word in container["args"] if word not in ("--host", "mail.example.com")], settings["command"])
            self.assertEqual(str(security["runAsUser"]), ids[settings["user"]])
            self.assertEqual(security["capabilities"], {"drop": settings["cap_drop"]})
            self.assertIs(security["readOnlyRootFilesystem"], settings["read_only"])
            self.assertEqual(sorted(mount["mountPath"] + (":ro" if mount.get("readOnly") else "") for mount in container["volumeMounts"]),
                             sorted(volume.partition(":")[2] for volume in settings["volumes"]))
            self.assertEqual(sorted(port["containerPort"] for port in container.get("ports", ())),
                             sorted(int(port.split(":")[1]) for port in settings.get("ports", ())))
        self.assertEqual({port["name"]: port["containerPort"] for c in POD["containers"] for port in c.get("ports", ())}, PORTS)
        self.assertEqual([name for name, settings in COMPOSE.items() if "vault:/srv/gw" in settings["volumes"]], ["keeper"])
        webd = containers["webd"]
        self.assertEqual([webd[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")], ["/healthz", "/readyz"])

    def test_built_run_and_upgraded(self):
        package, base = self.package(), self.directory / "base.tar"
        image, again = (Image(self.directory, name, package, base) for name in ("image", "again"))
        self.assertEqual(image.index, again.index)
        size = sum(path.stat().st_size for path in image.layout.rglob("*") if path.is_file())
        self.assertLess(size, 60 << 20)
        host = Host(self.directory)
        self.addCleanup(host.stop)
        host.image = image.unpack()
        self.assertEqual([name for name in ("sh", "dash", "bash", "perl", "dpkg") if list(image.root.glob(f"*bin/{name}")) or
                          list(image.root.glob(f"usr/*bin/{name}"))], [])
        for place in ("etc/hostname", "etc/resolv.conf"):  # they would be those of the build machine; crun creates them empty
            self.assertFalse((image.root / place).exists(), place)
        host.make_volumes()
        self.assertEqual(host.run("keeper", status=66).stderr,
                         b"gw-store: there is no vault in /srv/gw/vault\nhint: gw-store --vault /srv/gw/vault init\n")
        recipient = re.search(r"age1\w+", gw.run("age-keygen").stdout.decode()).group()
        host.run("keeper", "gw-store", "init", "--host", "mail.example.com", "--recovery-recipient", recipient)
        host.run("admin", "gw-store", "certificate", "self-sign", "--host", "mail.example.com", user="root")
        try:
            host.start()
            added = host.run("admin", "gw-store", "mailbox", "add", "journal").stdout.decode()
            address, user, password = (re.search(rf"(?m)^{name} +(\S+)$", added).group(1) for name in ("address", "id", "password"))
            mails = [gw.mail(2000, "one"), gw.mail(200_000, "two")]
            for mail in mails:
                self.deliver(address, mail)
            self.assertEqual(self.drain(f"mbx-{user}", password), mails)
            kept = gw.mail(5000, "kept")
            self.deliver(address, kept)
            self.assertEqual(host.web("healthz"), "ok\n")
            for service, process in host.running.items():
                self.rights(service, process)
            # A server's user has no access to the vault.
            self.assertNotEqual(host.run("smtpd", "gw-store", "mailbox", "list", status=None).returncode, 0)
            self.assertEqual(set(host.stop().values()), {0})

            host.image = Image(self.directory, "newer-image", self.newer(package), base).unpack()
            host.start()
            self.assertIn("99.0", (host.image.layout / "blobs/sha256" / json.loads(
                self.blob(host.image, json.loads(host.image.index)["manifests"][0]["digest"]))["config"]["digest"][7:]).read_text())
            self.deliver(address, mails[0])
            self.assertEqual(self.drain(f"mbx-{user}", password), [kept, mails[0]])
            host.run("admin", "gw-store", "verify")
            self.assertEqual(set(host.stop().values()), {0})
        except BaseException:
            print(host.logs(), file=sys.stderr)
            raise

    def blob(self, image, digest):
        return (image.layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text()

    def rights(self, service, process):
        """Checks that a process is not root, has no capability, and has a read-only root."""
        [inner] = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        status = pathlib.Path(f"/proc/{inner}/status").read_text()
        self.assertNotEqual(re.search(r"(?m)^Uid:\t(\d+)", status).group(1), "0", service)
        self.assertEqual(int(re.search(r"(?m)^CapEff:\t(\w+)", status).group(1), 16), 0, service)
        self.assertRegex(status, r"(?m)^NoNewPrivs:\t1$", service)
        self.assertRegex(pathlib.Path(f"/proc/{inner}/mountinfo").read_text(), r"(?m)^\S+ \S+ \S+ \S+ / ro\b", service)


if __name__ == "__main__":
    if os.geteuid() == 0 and OUTSIDE < 0:
        os.environ["GW_OUTSIDE"] = str(os.dup2(os.open("/proc/self/ns/net", os.O_RDONLY), 9))
        os.execvp(ISOLATED[0], [*ISOLATED, sys.executable, *sys.argv])
    gw.main()
