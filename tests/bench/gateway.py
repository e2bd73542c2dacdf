"""A vault with its servers for the benchmark, and the programs that load them."""
import json
import os
import pathlib
import shutil
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def tool(*arguments, env=None):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def proc_field(pid, file, field):
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise SystemExit(f"/proc/{pid}/{file} has no {field}")


def processor_seconds(*pids):
    """Processor time of these processes, of their living descendants, and of the children for which these have waited."""
    parents, times = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process has ended
        parents[int(entry.name)] = int(fields[1])
        times[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    wanted = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return sum(times.get(pid, 0) for pid in wanted)


class Loads:
    """The clients: always those of this checkout, whatever they load."""

    def __init__(self, binaries):
        self.bin = binaries

    def smtp(self, where, connections, messages, size, recipient, *options):
        return json.loads(tool(self.bin / "smtp_load", where, connections, messages, size, recipient, *options))

    def pop3(self, where, user, password, what, messages, depth=32):
        return json.loads(tool(self.bin / "pop3_load", where, "tls", user, password, depth, what, messages))


class Gateway:
    """A vault with a keeper and servers, all in a directory of its own, which stop() removes."""

    def __init__(self, work, binaries, name):
        self.bin, self.directory = pathlib.Path(binaries), pathlib.Path(work) / name
        self.directory.mkdir()
        self.vault = self.directory / "vault"
        self.environment = dict(os.environ, GW_VAULT=str(self.vault))
        self.run("gw-store", "init", "--host", "localhost", "--no-recovery", "--self-signed")
        self.boxes, self.servers, self.peak = 0, {}, 0

    @property
    def certificate(self):
        return self.vault / "tls/certificate.pem", self.vault / "tls/key.pem"

    def run(self, program, *arguments):
        return tool(self.bin / program, *arguments, env=self.environment)

    def mailbox(self, *options):
        """Returns address, file with the password, and name of a new mailbox."""
        self.boxes += 1
        name = f"box{self.boxes}"
        made = json.loads(self.run("gw-store", "mailbox", "add", name, "--json", *options))
        password = self.directory / f"{name}.password"
        password.write_text(made["password"] + "\n")
        return made["address"], password, name

    def serve(self, program, *listen):
        """Starts a server. Returns its addresses by protocol."""
        options = [word for where in listen for word in ("--listen", where)]
        with open(self.directory / f"{program}.log", "wb") as log:
            process = subprocess.Popen([self.bin / program, "--quiet", *options], stdout=subprocess.PIPE, stderr=log,
                                       text=True, env=self.environment)
        self.servers[program] = process
        found = {}
        for _ in listen:
            word, protocol, address = process.stdout.readline().split()
            assert word == "listening", word
            found[protocol] = address
        return found

    def keeper(self):
        """Returns the pid of the keeper, which it starts if there is none."""
        self.run("gw-store", "status", "--json")
        return int((self.vault / "lock").read_text().split()[0])

    def pids(self):
        return [self.keeper(), *(process.pid for process in self.servers.values())]

    def end_keeper(self):
        pid = self.keeper()
        self.peak = max(self.peak, proc_field(pid, "status", "VmHWM") / 1024)
        os.kill(pid, 15)
        while pathlib.Path(f"/proc/{pid}").exists():
            time.sleep(0.02)

    def stop(self):
        for process in self.servers.values():
            process.terminate()
            process.wait()
        self.end_keeper()
        shutil.rmtree(self.directory)
