"""Shared by the tests with other projects' programs: the mails, a gateway with TLS, and a check of the mails that it received.

    with gw_peers.Gateway() as gateway:
        …a sender delivers to gateway.box.address at gateway.smtp_port…
        gateway.check(test, {"name": mail})
"""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import gw

CORPORA = (gw.ROOT / "tests/corpus", gw.ROOT.parent / "shared/corpus/journal")  # a release does not contain the second one
UNPACKED = gw.ROOT / "build/peers"  # scripts/install-packages unpacks programs there whose packages conflict with each other
BIG = 10 << 20  # bytes of the mail that every program hands in beside the corpus


def corpus():
    """Returns the mails by name. Identical mails are listed once."""
    mails = {}
    for directory in CORPORA:
        for path in sorted(directory.glob("*.eml")):
            mail = path.read_bytes()
            if mail not in mails.values():
                mails[path.name] = mail
    assert mails, f"no mails in {CORPORA[0]}"
    return mails


def mails(big=True):
    return {**corpus(), **({"big": gw.mail(BIG, "big")} if big else {})}


def lines_by(ends, mail):
    """Returns `mail` with CRLF after each line, the last one too. `ends` matches what the program takes for a line ending."""
    lines = re.split(ends, mail)
    if lines[-1] == b"":
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def with_last_crlf(mail):
    """Returns `mail` with a final CRLF. Only BDAT can send a last line without a line ending."""
    return mail if mail.endswith(b"\r\n") else mail + b"\r\n"


def as_pop3_sends(mail):
    """Returns `mail` as gw-pop3d(8) sends it. Lines end with CRLF in POP3: CRs before an LF are kept, every other CR or LF
    becomes CRLF, and the mail ends with CRLF."""
    lines = re.sub(rb"\r+\n|\r|\n", lambda end: end[0] if len(end[0]) > 1 else b"\r\n", mail)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def without_first_header(test, mail, *names):
    """Removes the header fields that a relay has put in front. Each must be there once and in this order."""
    for name in names:
        match = re.match(rb"(?i)" + name.encode() + rb":[^\n]*\n(?:[ \t][^\n]*\n)*", mail)
        test.assertIsNotNone(match, f"no {name} in front of {mail[:200]!r}")
        mail = mail[match.end():]
    return mail


def find(name, *directories):
    """Returns the path of a program. Fails if it is missing: scripts/install-packages installs it."""
    path = shutil.which(name, path=os.pathsep.join([*map(str, directories), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if path is None:
        raise AssertionError(f"{name} is missing; scripts/install-packages test installs it")
    return path


# Debian's getmail installs its SIGCHLD handler only after it has forked the child that delivers a mail. A child that ends
# before that, which is common on a busy machine, is never noticed, and getmail waits until its timeout.
GETMAIL = """#!/usr/bin/python3
import os, runpy, sys
from getmailcore import baseclasses

def wait_for_child(self, pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

baseclasses.ForkingBase._prepare_child = lambda self: None
baseclasses.ForkingBase._wait_for_child = wait_for_child
sys.argv[0] = {program!r}
runpy.run_path({program!r}, run_name="__main__")
"""


def getmail(directory):
    """Writes a getmail that waits for its children to `directory`. Returns its path."""
    path = pathlib.Path(directory, "getmail")
    path.write_text(GETMAIL.format(program=find("getmail")))
    path.chmod(0o755)
    return path


def run_while_it_moves(process, progress, what):
    """Returns the exit status of `process`, which is killed when progress() has not changed for gw.WAIT seconds."""
    seen, changed = progress(), time.monotonic()
    while process.poll() is None:
        now = progress()
        if now != seen:
            seen, changed = now, time.monotonic()
        elif time.monotonic() > changed + gw.WAIT:
            process.kill()
            process.wait()
            raise AssertionError(f"{what} made no progress for {gw.WAIT} s after {seen}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    return process.returncode


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def deliver_by_smtp(host, port, recipient, contents, sender="sender@example.com", options=()):
    """Sends mails unchanged to a relay that takes LF for a line ending: dots after an LF are stuffed too.

    Returns the names of the mails that were refused after the final dot.
    """
    refused = set()
    with gw.Smtp((host, port)) as client:
        for name, content in contents.items():
            for command in (f"MAIL FROM:<{sender}>" + "".join(f" {o}" for o in options), f"RCPT TO:<{recipient}>", "DATA"):
                answer = client.command(command)
                assert answer.ok or answer.code == 354, (command, answer)
            client.send(re.sub(rb"(?m)^\.", b"..", content))
            client.send(b".\r\n" if not content or content.endswith(b"\n") else b"\r\n.\r\n")
            answer = client.reply()
            assert not answer.temporary, answer
            if not answer.ok:
                refused.add(name)
        client.command("QUIT")
    return refused


class Gateway:
    """A vault with one mailbox, both servers with STARTTLS and with implicit TLS, and a certificate for localhost."""

    def __init__(self):
        self.vault = gw.Vault(host="localhost")
        self.box = self.vault.add_mailbox("journal")
        # Readable for all: the programs that drain and send run as other users.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-peer-"))
        self.folder.chmod(0o755)
        self.certificate = self.folder / "certificate.pem"
        shutil.copy(self.vault.path / "tls/certificate.pem", self.certificate)
        self.certificate.chmod(0o644)
        self.smtpd = self.vault.smtpd("--require-tls", listen=("127.0.0.1:0", "127.0.0.1:0,tls"))
        self.pop3d = self.vault.serve("gw-pop3d", "--require-tls", listen=("127.0.0.1:0", "127.0.0.1:0,tls"))
        self.smtp_port, self.smtps_port = (self.smtpd.address(p)[1] for p in ("smtp", "smtps"))
        self.pop3_port, self.pop3s_port = (self.pop3d.address(p)[1] for p in ("pop3", "pop3s"))
        self.exports = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.vault.__exit__(kind, error, trace)

    def close(self):
        self.__exit__(None, None, None)

    def recipe(self, program):
        """Returns the settings that gw-store prints for a program that sends."""
        return self.vault.store("mailbox", "sender", "journal", "--for", program, "--host", "localhost", "--port",
                                self.smtp_port, "--ca-file", self.certificate).stdout.decode()

    def count(self):
        return len(self.vault.json("message", "list", "journal"))

    def messages(self):
        """Exports and removes all messages, so that the next call starts with an empty mailbox."""
        self.exports += 1
        out = self.vault.side / f"out-{self.exports}"
        self.vault.tool("gw-export", "journal", "--to", out, "--format", "eml", "--remove", "--password-file",
                        self.box.password_file)
        return [path.read_bytes() for path in sorted(out.rglob("*.eml"))]

    def pop3_digests(self):
        with gw.Pop3(self.pop3d, self.box, tls=True) as pop3:
            digests = [pop3.digest(number)[0] for number in range(1, pop3.count() + 1)]
            pop3.command("QUIT")
        return digests

    def check(self, test, expected, strip=lambda mail: mail):
        """Checks by SHA-256 that each expected mail is there once, and no other. POP3 must return the same mails as gw-export.

        `strip` removes what the sender adds.
        """
        by_pop3 = self.pop3_digests()
        wanted = {}
        for name, mail in expected.items():
            wanted.setdefault(gw.sha256(mail), []).append(name)
        wrong = []
        messages = self.messages()
        test.assertEqual(sorted(by_pop3), gw.digests(map(as_pop3_sends, messages)))
        for mail in messages:
            names = wanted.get(gw.sha256(strip(mail)))
            if names:
                names.pop()
            else:
                wrong.append(mail)
        missing = sorted(name for names in wanted.values() for name in names)
        if missing or wrong:
            shown = "".join(f"\n  {len(o)} bytes, {strip(o)[:200]!r} … {o[-200:]!r}" for o in wrong[:5])
            test.fail(f"{len(missing)} missing: {missing}\n{len(wrong)} that were not sent:{shown}")


def run(*command, **more):
    return gw.run(*command, env=more.pop("env", gw.clean_environment()), **more)


def in_own_users(directory, users, binds, command):
    """Returns the command line for a mount namespace of its own with additional users, in which directories replace those of the
    system.

    For programs that need users and directories that only the installation of their package creates.
    """
    directory = pathlib.Path(directory)
    for name, extra in (("passwd", [f"{u}:x:{n}:{n}::/nonexistent:/bin/false" for u, n in users.items()]),
                        ("group", [f"{u}:x:{n}:" for u, n in users.items()])):
        (directory / name).write_text(pathlib.Path("/etc", name).read_text() + "\n".join(extra) + "\n")
        binds = {**binds, f"/etc/{name}": directory / name}
    script = "".join(f"mount --bind '{source}' '{target}' && " for target, source in binds.items()) + 'exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *map(str, command)]


def start(command, log, **more):
    with open(log, "ab") as out:
        return subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                env=gw.clean_environment(), **more)
