"""For tests that move a vault: access to both directories, and a check which of them is the vault."""
import pathlib
import tempfile
import unittest

import gw

NO_VAULT = 66
CONFIG = 78


class Case(unittest.TestCase):
    def setUp(self):
        self.vault = gw.Vault(tls=False)
        self.addCleanup(self.vault.close)
        self.box = self.vault.add_mailbox("journal")
        self.to = self.vault.folder / "new"
        self.sent = []

    def put(self, *sizes, vault=None):
        for size in sizes:
            content = gw.mail(size)
            (vault or self.vault).store("message", "add", "journal", input=content)
            self.sent.append(content)

    def migrate(self, *options, to=None, status=0, **more):
        done = self.vault.store("migrate", "--to", to or self.to, "--json", *options, status=status, **more)
        self.trouble = done.stderr.decode()
        return [gw.json.loads(line) for line in done.stdout.splitlines()]

    def opened(self, directory=None):
        """Returns a gw.Vault for the new directory, with the mailboxes of the old one."""
        directory = pathlib.Path(directory or self.to)
        other = object.__new__(gw.Vault)
        other.__dict__.update(vars(self.vault), own=False, folder=directory.parent, path=directory, servers=[],
                              side=pathlib.Path(tempfile.mkdtemp(prefix="gw-side-")),
                              env={**self.vault.env, "GW_VAULT": str(directory)})
        self.addCleanup(other.close)
        return other

    def accepts(self, vault):
        """Returns true if a vault accepts a mail now. Otherwise the exit status must say why not."""
        content = gw.mail(300)
        done = vault.store("message", "add", "journal", input=content, status=(0, NO_VAULT, CONFIG))
        if done.returncode == 0:
            self.sent.append(content)
        return done.returncode == 0

    def the_one(self):
        """Returns the vault among the two directories."""
        new = self.opened()
        both = [v for v in (self.vault, new) if self.accepts(v)]
        self.assertEqual(len(both), 1, "exactly one of the two directories must be the vault")
        if both[0] is not new:
            new.close()
        return both[0]

    def has_moved(self):
        return "requires moved" in (self.vault.path / "format").read_text()

    def all_is_there(self, vault=None):
        """Checks that each acknowledged mail is there once and that the histories verify."""
        vault = vault or self.opened()
        vault.store("verify")
        server = vault.pop3d()
        self.assertEqual(gw.digests(gw.drain(server, self.box, remove=False)), gw.digests(self.sent))
        server.stop()
