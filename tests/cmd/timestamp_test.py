#!/usr/bin/python3
"""scripts/timestamp-checkpoint: asks a timestamp authority, which is openssl with a small web server, and checks its response."""
import hashlib
import http.server
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402

SCRIPT = gw.ROOT / "scripts/timestamp-checkpoint"
CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""


class Authority:
    """A timestamp authority, its own certificate and the one that vouches for it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca, self.asked, self.answer = self.folder / "ca.pem", [], None
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=CA",
                     "-keyout", "ca.key", "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=TSA",
                     "-keyout", "tsa.key", "-out", "tsa.csr")
        (self.folder / "extensions").write_text("extendedKeyUsage=critical,timeStamping\n")
        self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-out", "tsa.pem", "-extfile", "extensions")
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                authority.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer = authority.answer or authority.token(authority.asked[-1])
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True).stdout

    def token(self, query):
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key",
                     "-config", "tsa.cnf", "-section", "tsa", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class TimestampTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gw-tsa-")
        self.addCleanup(folder.cleanup)
        self.tsa = Authority(folder.name)
        self.addCleanup(self.tsa.close)
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.note = self.vault.side / "a note"
        path = f"{pathlib.Path(gw.program('gw-store')).parent}:{os.environ['PATH']}"
        self.env = {**self.vault.env, "PATH": path}

    def script(self, *arguments, status=0, **more):
        return gw.run(SCRIPT, *arguments, status=status, env={**self.env, **more})

    def test_asked_and_verified(self):
        self.note.write_bytes(self.vault.store("checkpoint").stdout)
        said = self.script("--url", self.tsa.url, "--ca", self.tsa.ca, self.note).stdout.decode()
        self.assertRegex(said, r"existed at \w{3} +\d+ [\d:]+ \d{4} GMT\n$")
        query, reply = (self.note.with_name(self.note.name + end) for end in (".tsq", ".tsr"))
        self.assertEqual([query.read_bytes()], self.tsa.asked)
        self.assertNotIn(self.note.read_bytes()[:40], self.tsa.asked[0], "only a digest goes out")
        self.assertEqual(self.script("--verify", "--ca", self.tsa.ca, self.note).stdout.decode(), said)
        # As anybody would check it who knows neither gw nor this script.
        gw.run("openssl", "ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", self.tsa.ca)
        # One is enough, and is not written over.
        self.script("--url", self.tsa.url, self.note, status=73)
        self.assertEqual(len(self.tsa.asked), 1)
        # Another note, another authority, a changed answer.
        self.assertIn(b"is not a valid timestamp of", self.script("--verify", self.note, status=65).stderr)
        octets = bytearray(reply.read_bytes())
        octets[-20] ^= 1
        reply.write_bytes(octets)
        self.script("--verify", "--ca", self.tsa.ca, self.note, status=65)
        octets[-20] ^= 1
        reply.write_bytes(octets)
        self.script("--verify", "--ca", self.tsa.ca, self.note)
        self.note.write_bytes(self.note.read_bytes() + b"\n")
        self.script("--verify", "--ca", self.tsa.ca, self.note, status=65)

    def test_a_digest_whose_dump_has_a_backslash(self):
        notes = (b"gw/test\n%d\n" % number for number in range(1_000_000))
        self.note.write_bytes(next(note for note in notes if b"\\c" in hashlib.sha256(note).digest()[:15]))
        self.script("--url", self.tsa.url, "--ca", self.tsa.ca, self.note)

    def test_a_note_that_is_not_there_is_made(self):
        self.script(self.note, GW_TSA=self.tsa.url)
        self.assertTrue(self.note.read_bytes().startswith(b"gw/"))
        self.vault.store("verify", "--against", self.note)
        self.script("--verify", "--ca", self.tsa.ca, self.note)

    def test_what_is_no_timestamp_of_it_is_not_kept(self):
        self.note.write_bytes(self.vault.store("checkpoint").stdout)
        before = sorted(p.name for p in self.vault.side.iterdir())
        # Nonsense; a refusal; an answer to an earlier question, replayed.
        refusal = self.refusal()
        self.script("--url", self.tsa.url, self.note)
        replayed = self.note.with_name(self.note.name + ".tsr").read_bytes()
        for end in (".tsr", ".tsq"):
            self.note.with_name(self.note.name + end).unlink()
        for answer in (b"nonsense", refusal, replayed):
            with self.subTest(answer=answer[:20]):
                self.tsa.answer = answer
                done = self.script("--url", self.tsa.url, self.note, status=76)
                self.assertIn(b"is not a timestamp of", done.stderr)
                self.assertEqual(sorted(p.name for p in self.vault.side.iterdir()), before)
        # Signed, but not by one whom that certificate vouches for.
        self.tsa.answer = None
        with tempfile.TemporaryDirectory(prefix="gw-tsa-") as folder:
            stranger = Authority(folder)
            stranger.close()
            self.script("--url", self.tsa.url, "--ca", stranger.ca, self.note, status=65)
        self.assertEqual(sorted(p.name for p in self.vault.side.iterdir()), before)

    def refusal(self):
        (self.tsa.folder / "refusal.cnf").write_text("asn1=SEQUENCE:a\n[a]\nstatus=SEQUENCE:s\n[s]\ncode=INTEGER:2\n")
        self.tsa.openssl("asn1parse", "-genconf", "refusal.cnf", "-noout", "-out", "refusal")
        return (self.tsa.folder / "refusal").read_bytes()

    def test_usage(self):
        self.script(status=64)
        self.script(self.note, status=64)
        self.script("--url", "ftp://x/", self.note, status=64)
        self.script("--frobnicate", self.note, status=64)
        self.script("--verify", self.note, status=66)
        self.script("--verify", "--ca", self.vault.side / "none", self.note, status=66)
        self.note.write_text("something else\n")
        self.script("--url", self.tsa.url, self.note, status=65)
        self.note.write_bytes(self.vault.store("checkpoint").stdout)
        self.tsa.server.server_close()
        self.assertIn(b"try again later", self.script("--url", "http://127.0.0.1:1/", self.note, status=69).stderr)
        self.assertIn(b"--verify", self.script("--help").stdout)


if __name__ == "__main__":
    gw.main(120)
