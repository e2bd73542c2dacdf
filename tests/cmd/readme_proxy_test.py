#!/usr/bin/python3
"""Runs the commands of README's section on gw-proxy unchanged, with servers of the test instead of the provider's."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import gw  # noqa: E402
import gw_peers  # noqa: E402
from gw_smtp_upstream import SmtpUpstream, certificate  # noqa: E402


class ReadmeTest(unittest.TestCase):
    def test_the_section_works_as_typed(self):
        text = (gw.ROOT / "README.md").read_text()
        section = re.search(r"(?ms)^## Put it between your clients and your provider\n(.*?)^## ", text).group(1)
        commands = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
        with gw.Vault(host="localhost") as vault:
            pem, key = certificate(vault.side)
            with SmtpUpstream(tls=(pem, key), users={"NAME": "PASSWORD"}) as upstream:
                # What the section asks the reader to replace: the provider, and how that of the test differs from a public one.
                ports = {"2587": gw_peers.free_port(), "2995": gw_peers.free_port()}
                commands = commands.replace("smtp.example.com:587", f"{upstream.address} --allow-private --ca {pem}")
                for port, free in ports.items():
                    commands = commands.replace(port, str(free))
                (vault.side / "mail.eml").write_bytes(content := gw.mail(3000))
                proxy, waits = re.search(r"(?m)^gw-proxy .* &$", commands), f"""
                    proxy=$!
                    trap 'kill $proxy' EXIT
                    until (exec 3<>/dev/tcp/127.0.0.1/{ports['2587']}) 2>/dev/null; do sleep 0.05; done"""
                script = commands[:proxy.end()] + waits + commands[proxy.end():]
                env = {**vault.env, "PATH": f"{gw.BIN}:{os.environ['PATH']}", "STATE_DIRECTORY": str(vault.side)}
                done = subprocess.run(["bash", "-e", "-c", script], cwd=vault.side, env=env, capture_output=True, timeout=gw.WAIT)
                self.assertEqual(done.returncode, 0, done.stderr.decode())
                self.assertEqual(upstream.messages[0].content, content)
                self.assertEqual([m["state"] for m in vault.json("message", "list", "office")], ["live"])


if __name__ == "__main__":
    gw.main()
