#!/usr/bin/python3
"""Memory use does not grow with the size of a mail, and grows little with the number of connections."""
import base64
import hashlib
import pathlib
import resource
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
from gw_strace import Strace  # noqa: E402
from gw_pop3_upstream import Pop3Upstream  # noqa: E402
from gw_smtp_upstream import SmtpUpstream  # noqa: E402

MIB = 1 << 20
# The limits are so high that connections never become scarce: that would shorten the time before a login.
CONFIG = """[smtpd]
max-connections = 2000
max-per-source = 2000
[pop3d]
max-connections = 2000
max-per-source = 2000
login-timeout = 600
[proxy]
max-connections = 2000
max-per-source = 2000
login-timeout = 600
"""


class Watched:
    """Measures how far a process's memory has risen since this object was created."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        gw.forget_peak(pid)
        self.before = gw.resident(pid)

    def grown(self):
        return gw.resident(self.pid, "VmHWM") - self.before


class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        config = self.vault.side / "gw.toml"
        config.write_text(CONFIG)
        self.vault.env["GW_CONFIG"] = str(config)
        self.box = self.vault.add_mailbox("journal")
        # The many connections need descriptors on both sides.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))

    def warm_up(self, smtpd, pop3d):
        """Sends and fetches one large mail, so that each process has allocated what it needs only once."""
        with gw.Smtp(smtpd) as smtp:
            reply = smtp.deliver(self.box.address, gw.mail(4 * MIB))
            self.assertEqual(reply.code, 250, reply)
        gw.drain(pop3d, self.box)

    def test_long_recipients_are_refused_before_they_fill_the_memory(self):
        self.vault.store("mailbox", "set", "journal", "--domain", "corp.example")
        smtpd = self.vault.smtpd()
        flood = b"MAIL FROM:<>\r\n" + b"".join(
            b"RCPT TO:<%04d%s@corp.example> ORCPT=rfc822;%s\r\n" % (number, b"x" * 480, b"y" * 1400) for number in range(1000))
        held = []
        self.addCleanup(lambda: [smtp.close() for smtp in held])

        def flooded():
            smtp = gw.Smtp(smtpd)
            held.append(smtp)
            smtp.send(flood)
            return [smtp.reply().code for _ in range(1001)]
        flooded()
        watched = Watched("gw-smtpd", smtpd.pid)
        for _ in range(40):
            codes = flooded()
            self.assertEqual(set(codes[1:]), {250, 452})
            self.assertGreaterEqual(codes.count(250), 100)
        self.assertLess(watched.grown() / 40, MIB, "for each connection")

    def test_a_mail_of_256_mib_grows_no_process_by_more_than_8_mib(self):
        smtpd, pop3d = self.vault.smtpd(), self.vault.pop3d()
        self.warm_up(smtpd, pop3d)
        keeper = self.vault.wake_keeper()
        watched = [Watched("gw-smtpd", smtpd.pid), Watched("keeper", keeper)]
        block = gw.mail(MIB)  # it is all lines of text, so no line needs dot-stuffing
        digest, size = hashlib.sha256(), 0
        with gw.Smtp(smtpd, seconds=120) as smtp:
            reply = smtp.envelope(self.box.address)
            self.assertEqual(reply.code, 354, reply)
            while size < 256 * MIB:
                smtp.send(block)
                digest.update(block)
                size += len(block)
            smtp.send(b".\r\n")
            reply = smtp.reply()
            self.assertEqual(reply.code, 250, reply)
        self.judge("in", watched)

        watched = [Watched("gw-pop3d", pop3d.pid), Watched("keeper", keeper)]
        with gw.Pop3(pop3d, self.box, seconds=120) as pop3:
            self.assertEqual(pop3.digest(1), (digest.hexdigest(), size))
            pop3.command(f"TOP 1 {size}")
            self.assertEqual(sum(map(len, pop3.lines())), size)
            pop3.command("DELE 1")
            pop3.command("QUIT")
        self.judge("out", watched)
        self.assertEqual(self.vault.keeper_pid(), keeper)

    def judge(self, way, watched):
        for each in watched:
            print(f"{way}: {each.name} grew by {each.grown() / MIB:.1f} MiB", flush=True)
        for each in watched:
            self.assertLessEqual(each.grown(), 8 * MIB, each.name)

    def test_a_limit_of_the_file_size_defers_mail_and_ends_no_server(self):
        smtpd = self.vault.smtpd()
        keeper = self.vault.keeper()
        content = gw.mail(5000)
        with gw.Smtp(smtpd) as smtp:
            for pid in (smtpd.pid, keeper.pid):  # gw-smtpd's log and the keeper's database are larger than that already
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            reply = smtp.deliver(self.box.address, content)
            self.assertEqual(reply.code, 451, reply)
            self.assertEqual(keeper.ended(), 75, keeper.log())
            reply = smtp.deliver(self.box.address, content)  # from the next keeper
            self.assertEqual(reply.code, 250, reply)
        self.assertTrue(smtpd.running())

    @gw.need_program("strace")
    def test_servers_survive_a_moment_in_which_the_kernel_has_no_memory(self):
        for server, client in ((self.vault.smtpd(), gw.Smtp), (self.vault.pop3d(), gw.Pop3)):
            with Strace.Inject("poll", "error=ENOMEM:when=1").attached_to(server.pid):
                # The call during which strace attaches ends with this connection, and the next one fails. Only one call may fail:
                # a call that strace is changing while it detaches would fail with ENOSYS.
                with socket.create_connection(server.address(client.protocol)):
                    gw.until(lambda: "Cannot allocate memory" in server.log(), "the server has met the error")
            with client(server) as later:
                self.assertTrue(later.greeting)
            server.stop()

    def test_200_slow_deliveries_of_a_mebibyte_leave_the_keeper_under_128_mib(self):
        smtpd = self.vault.smtpd()
        keeper = self.vault.wake_keeper()
        gw.forget_peak(keeper)
        content = gw.mail(MIB)
        step = 128 * 1024
        clients = [gw.Smtp(smtpd) for _ in range(200)]
        for client in clients:
            self.addCleanup(client.close)
            reply = client.envelope(self.box.address)
            self.assertEqual(reply.code, 354, reply)
        # All deliveries are open, and grow in turn.
        for at in range(0, len(content), step):
            for client in clients:
                client.send(content[at:at + step])
        for client in clients:
            client.send(b".\r\n")
            reply = client.reply()
            self.assertEqual(reply.code, 250, reply)
        peak = gw.resident(keeper, "VmHWM")
        print(f"keeper's peak {peak / MIB:.1f} MiB", flush=True)
        self.assertLessEqual(peak, 128 * MIB)
        self.assertEqual(self.vault.keeper_pid(), keeper)

    def test_a_thousand_idle_connections_cost_at_most_32_kib_each(self):
        for server, client in ((self.vault.smtpd(), gw.Smtp), (self.vault.pop3d(), gw.Pop3)):
            clients = [client(server) for _ in range(20)]
            before = gw.resident(server.pid)
            for _ in range(1000):
                clients.append(client(server))
            each = (gw.resident(server.pid) - before) / 1000
            for one in clients:
                one.close()
            print(f"{client.protocol}: {each / 1024:.1f} KiB for each idle connection", flush=True)
            self.assertLessEqual(each, 32 * 1024)
            self.assertTrue(server.running())
            server.stop()

    def test_connections_through_the_proxy_before_a_login_need_at_most_128_kib_each(self):
        for protocol, upstream in (("smtp", SmtpUpstream()), ("pop3", Pop3Upstream())):
            with upstream:
                self.vault.store("route", "add", protocol[0], "--protocol", protocol, "--upstream", upstream.address, "--tls", "none",
                                 "--mailbox", "journal", "--allow-private")
                self.vault.env["STATE_DIRECTORY"] = str(self.vault.side)
                server = self.vault.serve("gw-proxy", listen=(f"{protocol[0]}=127.0.0.1:0",))

                def client():
                    if protocol == "smtp":
                        return gw.Smtp(server.address("s"))  # with EHLO
                    pop3 = gw.Pop3(server.address("p"))
                    pop3.command("CAPA")
                    list(pop3.lines())
                    return pop3
                clients = [client() for _ in range(20)]
                before = gw.resident(server.pid)
                for _ in range(200):
                    clients.append(client())
                each = (gw.resident(server.pid) - before) / 200
                for one in clients:
                    one.close()
                print(f"proxy, {protocol}: {each / 1024:.1f} KiB for each connection", flush=True)
                self.assertLessEqual(each, 128 * 1024)
                server.stop()

    def test_a_mail_on_its_way_through_the_proxy_costs_less_than_2_mib(self):
        with SmtpUpstream() as upstream:
            self.vault.store("route", "add", "s", "--protocol", "smtp", "--upstream", upstream.address, "--tls", "none",
                             "--mailbox", "journal", "--allow-private")
            self.vault.env["STATE_DIRECTORY"] = str(self.vault.side)
            proxy = self.vault.serve("gw-proxy", "--allow-plaintext-auth", listen=("s=127.0.0.1:0",))
            half = gw.mail(600_000)

            def half_sent():
                smtp = gw.Smtp(proxy.address("s"))
                self.addCleanup(smtp.close)
                login = base64.b64encode(b"\0joe@example.com\0secret").decode()
                for command in (f"AUTH PLAIN {login}", "MAIL FROM:<joe@example.com>", "RCPT TO:<ann@example.org>", "DATA"):
                    reply = smtp.command(command)
                    self.assertIn(reply.code, (235, 250, 354), (command, reply))
                smtp.send(half)
                return smtp
            held = [half_sent()]
            watched = Watched("gw-proxy", proxy.pid)
            held += [half_sent() for _ in range(50)]
            for smtp in held:
                smtp.send(b"\r\n.\r\n")
                reply = smtp.reply()
                self.assertEqual(reply.code, 250, reply)
            each = watched.grown() / 50
            print(f"proxy: {each / 1024:.0f} KiB for each mail under way", flush=True)
            self.assertLess(each, 2 * MIB)

    def test_logins_at_the_same_time_take_at_most_512_mib_in_all(self):
        with gw.Vault(tls=False, cheap=False) as vault:
            box = vault.add_mailbox("journal")
            pop3d = vault.pop3d()
            watched = Watched("gw-pop3d", pop3d.pid)
            # A wrong password costs the same, and needs no lease, which only one session can have.
            clients = [gw.Pop3(pop3d) for _ in range(6)]
            for client in clients:
                self.addCleanup(client.close)
                client.command(f"USER {box.id}")
            for client in clients:
                client.send(b"PASS wrong-wrong-wrong\r\n")
            for client in clients:
                with self.assertRaises(gw.Refused):
                    client.reply()
            grown = watched.grown()
            print(f"pop3d: {grown / MIB:.0f} MiB for logins at the same time", flush=True)
            self.assertGreater(grown, 120 * MIB)
            self.assertLess(grown, 528 * MIB)

    def test_a_connection_to_the_console_costs_less_than_300_kib(self):
        with gw.Vault(host="localhost") as vault:
            webd = vault.webd()

            def held():
                client = gw.Client(webd.address("https"), tls=True)
                self.addCleanup(client.close)
                client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 7000)
                return client
            for _ in range(10):
                held()
            watched = Watched("gw-webd", webd.pid)
            clients = [held() for _ in range(150)]
            for client in clients:
                client.send(b"\r\n\r\n")
            for client in clients:
                self.assertTrue(client.line().startswith(b"HTTP/1.1 "))
            each = watched.grown() / 150
            print(f"webd: {each / 1024:.0f} KiB for each connection", flush=True)
            self.assertLess(each, 300 * 1024)


if __name__ == "__main__":
    gw.main()
