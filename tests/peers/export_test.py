#!/usr/bin/python3
"""notmuch, mblaze and Dovecot read what gw-export has written: every mail is there, unchanged."""
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
import gw_peers  # noqa: E402
from gw_peers import find  # noqa: E402

FROM_LINES = (b"From: a@example.com\r\nSubject: from lines\r\nMessage-ID: <from@example.com>\r\n\r\n"
              b"From here on\r\n>From there\r\n>>From everywhere\r\n\r\nFrom a@b Wed Nov 25 03:12:34 2026\r\n")


def with_lf(mail):
    return re.sub(rb"\r+\n", b"\n", mail)


def quoted(mail):
    return b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line
                    for line in mail.splitlines(keepends=True))


class ExportTest(unittest.TestCase):
    def check(self, found, wanted):
        """Compares two sets of mails. Python's own comparison of long lists takes minutes to find the differences."""
        odd = [o for o in found if o not in wanted]
        missing = [o for o in wanted if o not in found]
        self.assertFalse(odd or missing or len(found) != len(wanted),
                         f"{len(missing)} missing, {len(odd)} that were not exported: {[o[:300] for o in (missing + odd)[:4]]}")

    @classmethod
    def setUpClass(cls):
        cls.vault = gw.Vault(tls=False)
        cls.box = cls.vault.add_mailbox("journal")
        cls.mails = [*gw_peers.corpus().values(), FROM_LINES, gw.mail(500_000)]
        for mail in cls.mails:
            cls.vault.store("message", "add", "journal", "--from", "s@x.example", input=mail)
        # Readable for the user that Dovecot runs as. It refuses to read mail as root.
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-peer-"))
        cls.directory.chmod(0o755)
        for form in ("eml", "maildir", "mbox"):
            cls.vault.tool("gw-export", "journal", "--to", cls.directory / form, "--format", form, "--password-file",
                           cls.box.password_file)

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def test_notmuch_indexes_each_mail_that_has_a_header(self):
        for form in ("eml", "maildir"):
            with self.subTest(form):
                config = self.directory / f"{form}.notmuch"
                config.write_text(f"[database]\npath={self.directory / form}\n[user]\nname=x\nprimary_email=x@example.com\n"
                                  "[new]\ntags=new\n[maildir]\nsynchronize_flags=false\n")
                env = {**gw.clean_environment(), "NOTMUCH_CONFIG": str(config), "HOME": str(self.directory)}

                def notmuch(*arguments):
                    return gw.run(find("notmuch"), *arguments, env=env).stdout

                notmuch("new", "--quiet")
                files = [pathlib.Path(os.fsdecode(line)) for line in notmuch("search", "--output=files", "*").splitlines()]
                found = [path.read_bytes() for path in files]
                # notmuch ignores a mail without From, Subject and To.
                wanted = [o for o in self.mails if any(f in o.lower() for f in (b"from:", b"subject:", b"to:"))]
                self.check(found, wanted)
                self.assertEqual(notmuch("show", "--format=raw", "id:from@example.com"), FROM_LINES)

    def test_mblaze_lists_the_maildir(self):
        listed = gw.run(find("mlist"), self.directory / "maildir").stdout.splitlines()
        self.check([pathlib.Path(os.fsdecode(path)).read_bytes() for path in listed], self.mails)

    def test_dovecot_imports_maildir_and_mbox(self):
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        home = self.directory / "home"
        config = self.directory / "dovecot.conf"
        config.write_text(f"base_dir = {home}/run\nmail_home = {home}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nssl = no\n"
                          "default_internal_user = nobody\ndefault_login_user = nobody\ndefault_internal_group = nogroup\n"
                          "log_path = /dev/stderr\n")
        (self.directory / "mboxes").mkdir()
        shutil.copy(self.directory / "mbox", self.directory / "mboxes/inbox")
        home.mkdir()
        if user:
            for path in (home, *self.directory.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")
        for source, undo in ((f"maildir:{self.directory / 'maildir'}", lambda o: o),
                             (f"mbox:{self.directory / 'mboxes'}:INBOX={self.directory / 'mboxes/inbox'}", quoted)):
            with self.subTest(source):
                into = home / f"mail-{undo.__name__.strip('<>')}"
                subprocess.run([find("doveadm"), "-c", str(config), "-o", f"mail_location=maildir:{into}", "import", source,
                                "", "ALL"], check=True, timeout=60, capture_output=True,
                               env={"USER": "nobody", "HOME": str(home), "PATH": os.environ["PATH"]}, **user)
                found = [path.read_bytes() for sub in ("new", "cur") for path in (into / sub).glob("*")]
                # Dovecot stores LF, may store NUL as 0x80, does not undo the quoting of mbox, and may change the last line
                # ending.
                def shown(mail):
                    return with_lf(mail).replace(b"\x80", b"\x00").rstrip(b"\n")

                self.check([shown(o) for o in found], [shown(undo(o)) for o in self.mails])


if __name__ == "__main__":
    gw.main()
