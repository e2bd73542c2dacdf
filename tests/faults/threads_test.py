#!/usr/bin/python3
"""A user who may have no more threads: what needs one fails for now, what needs none goes on, and nothing aborts."""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_smtp_upstream import SmtpUpstream  # noqa: E402

# A number that no account of a machine has, because the kernel counts the threads of a user and root has no limit.
USER = 61_450
TEMPORARY = (69, 71, 75)


# More threads than a server or keeper here ever has.
MOST = 60
HOG = """
import sys, threading
enough = threading.Event()
for _ in range(%d):
    threading.Thread(target=enough.wait).start()
print(flush=True)
sys.stdin.read()
enough.set()
""" % MOST


@contextlib.contextmanager
def no_more_threads():
    """Another process of the user has as many threads as the user may have."""
    with subprocess.Popen(["/usr/bin/python3", "-c", HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=USER) as hog:
        hog.stdout.readline()
        yield


def first_line(address):
    with socket.create_connection(address, gw.WAIT) as client, client.makefile("rb") as lines:
        return lines.readline()


@gw.need_root("runs everything as another user, whose threads it limits")
class ThreadsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = gw.let_everybody_run_the_programs()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.programs)

    def setUp(self):
        self.vault = gw.Vault(tls=False, user=USER)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")
        shutil.chown(self.box.password_file, USER)

    def server(self, name, *options, listen=("127.0.0.1:0",)):
        """A server whose user may have MOST threads."""
        server = gw.Server(["prlimit", f"--nproc={MOST}", gw.program(name), *options, *(f"--listen={each}" for each in listen)],
                           self.vault.side / f"{name}.log", len(listen), self.vault.env, user=USER)
        self.vault.servers.append(server)
        return server

    def limited(self, name, *arguments, threads=0, **more):
        """Runs a program that has as many threads as its user may have."""
        return gw.run("prlimit", f"--nproc={threads}", gw.program(name), *arguments, env=self.vault.env, user=USER, **more)

    def test_a_server_turns_connections_away_and_takes_the_next_ones(self):
        self.vault.env["STATE_DIRECTORY"] = str(self.vault.side)
        with SmtpUpstream() as upstream:
            self.vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", upstream.address, "--tls", "none",
                             "--mailbox", "journal", "--allow-private")
            servers = [(self.server("gw-smtpd"), "smtp", b"421 "), (self.server("gw-pop3d"), "pop3", b"-ERR [SYS/TEMP] "),
                       (self.server("gw-webd"), "http", b"HTTP/1.1 503 "),
                       (self.server("gw-proxy", listen=("out=127.0.0.1:0",)), "out", b"421 ")]
            with no_more_threads():
                for server, name, refusal in servers:
                    for _ in range(3):
                        self.assertTrue(first_line(server.address(name)).startswith(refusal), name)
            for server, name, _ in servers:
                if name == "http":
                    with socket.create_connection(server.address(name), gw.WAIT) as client:
                        client.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200 "))
                else:
                    self.assertTrue(first_line(server.address(name)).startswith((b"220 ", b"+OK ")), name)
                self.assertTrue(server.running())
                # One line for each kind of trouble, however often it is met.
                self.assertEqual(server.log().count("cannot start a thread"), 1, server.log())

    def test_a_keeper_without_threads_defers_its_clients_and_goes_on(self):
        content = gw.mail(3000)
        # These have no limit, and no connection to the keeper yet.
        smtpd, pop3d = self.vault.smtpd(), self.vault.pop3d()
        self.vault.stop_keeper()
        self.server("gw-store", "serve", listen=())
        gw.until(self.vault.answers, "the keeper answers")
        keeper = self.vault.keeper_pid()
        with no_more_threads():
            with gw.Smtp(smtpd) as smtp:
                reply = smtp.deliver(self.box.address, content)
                self.assertEqual(reply.code, 451, reply)
            with self.assertRaisesRegex(gw.Refused, r"\[SYS/TEMP\]"):
                gw.Pop3(pop3d, self.box)
            done = self.vault.store("mailbox", "list", status=TEMPORARY)
            self.assertIn(b"cannot start a thread", done.stderr)
        with gw.Smtp(smtpd) as smtp:
            reply = smtp.deliver(self.box.address, content)
            self.assertEqual(reply.code, 250, reply)
        with gw.Pop3(pop3d, self.box) as pop3:
            self.assertEqual(pop3.count(), 1)
        self.assertEqual(self.vault.keeper_pid(), keeper)

    def test_a_keeper_that_gets_too_few_threads_ends_with_a_temporary_error_and_harms_nothing(self):
        self.vault.stop_keeper()
        for threads in range(40):
            log = self.vault.side / f"few-{threads}.log"
            keeper = gw.Server(["prlimit", f"--nproc={threads}", gw.program("gw-store"), "serve"], log, 0, self.vault.env,
                               user=USER)
            self.vault.servers.append(keeper)
            gw.until(lambda: not keeper.running() or self.vault.answers(), "the keeper ends or listens")
            if keeper.running():
                keeper.stop()
                break
            self.assertIn(keeper.ended(), TEMPORARY, keeper.log())
        else:
            self.fail("no number of threads was enough")
        self.assertGreater(threads, 2)
        self.vault.verify()

    def test_a_program_that_cannot_start_a_keeper_refuses_nothing_permanently(self):
        self.vault.stop_keeper()
        done = self.limited("gw-store", "mailbox", "list", status=TEMPORARY)
        self.assertIn(b"Resource temporarily unavailable", done.stderr)
        talk = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{self.box.address}>\r\nQUIT\r\n".encode()
        done = self.limited("gw-smtpd", "--stdio", input=talk, status=None)
        replies = done.stdout.decode()
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(replies, r"(?m)^5")
        self.assertTrue("\n451 " in replies or not replies, (done.returncode, replies, done.stderr))

    def test_tools_work_with_the_one_thread_that_they_have(self):
        mails = [gw.mail(2000), gw.mail(400_000), gw.mail(10)]
        smtpd = self.vault.smtpd()
        with gw.Smtp(smtpd) as smtp:
            for mail in mails:
                reply = smtp.deliver(self.box.address, mail)
                self.assertEqual(reply.code, 250, reply)
        self.limited("gw-export", "journal", "--to", self.vault.side / "out", "--format", "eml", "--jobs", "4",
                     "--password-file", self.box.password_file)
        written = [path.read_bytes() for path in (self.vault.side / "out").rglob("*.eml")]
        self.assertEqual(gw.digests(written), gw.digests(mails))
        self.limited("gw-store", "verify")
        self.limited("gw-store", "backup", self.vault.side / "backup")
        talk = f"USER {self.box.id}\r\nPASS {self.box.password}\r\nRETR 2\r\nQUIT\r\n".encode()
        # It makes a child that may start a keeper, and cannot begin without it.
        done = self.limited("gw-pop3d", "--stdio", "--allow-plaintext-auth", input=talk, status=TEMPORARY)
        self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    gw.main()
