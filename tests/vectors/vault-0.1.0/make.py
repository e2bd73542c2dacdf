#!/usr/bin/python3
"""Makes the vault that tests/cmd/upgrade_test.py opens: vault.tar.xz and expected.json next to this file.

    GW_BIN=/path/to/programs/of/that/version tests/vectors/vault-0.1.0/make.py

Run it only with the programs of the version in the directory's name. A later version whose format differs gets a directory
of its own; this one stays as it is for ever.
"""
import json
import pathlib
import random
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "support"))
import gw  # noqa: E402

# Days. Drained mail must still be in its grace period when a test runs years later.
FOREVER = "3650"
# What a keeper writes again when it starts, besides RocksDB's own log files.
LEFT_OUT = {"lock", "run", "ballast"}

REPORT = (b"From: MicrosoftExchange@example.com\r\nTo: journal@example.com\r\nSubject: Journal report\r\n"
          b"X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
          b"Content-Type: text/plain\r\n\r\nSender: a@example.com\r\nSubject: inner\r\nMessage-Id: <inner@example.com>\r\n"
          b"To: b@example.com\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n%s\r\n--b--\r\n")
INNER = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: inner\r\nMessage-Id: <inner@example.com>\r\n\r\nIn a report.\r\n"
MAILS = {
    "small": b"From: a@example.com\r\nSubject: small\r\n\r\nA small mail.\r\n.leading dot\r\n",
    "8-bit": b"Subject: gr\xfc\xdfe \xe2\x82\xac\r\n\r\nNUL \0, CR \r, LF \n, 8-bit \xff\xfe, a long line: " + b"x" * 5000 + b"\r\n",
    # Random, so that it is more than 256 KiB however it is stored: a file in large/.
    "large": b"Subject: large\r\n\r\n" + random.Random(1).randbytes(140_000).hex().encode() + b"\r\n",
    "report": REPORT % INNER,
    "removed": b"Subject: removed\r\n\r\nGone, with a receipt.\r\n",
    "drained": b"Subject: drained\r\n\r\nFetched by the archive, in its grace period.\r\n",
    "quarantined": b"Subject: quarantined\r\n\r\nSet aside.\r\n",
    "office": b"Subject: office\r\n\r\nIn the other mailbox.\r\n",
}


def main():
    vault = gw.Vault.__new__(gw.Vault)
    vault.folder = pathlib.Path(gw.tempfile.mkdtemp(prefix="gw-make-"))
    vault.own, vault.path, vault.side, vault.user, vault.tls = True, vault.folder / "vault", vault.folder, None, False
    vault.env = gw.clean_environment({"GW_VAULT": str(vault.path), "TMPDIR": str(vault.side)})
    vault.servers, vault.mailboxes = [], {}
    recovery = vault.side / "recovery.key"
    vault.store("init", "--host", "upgrade.example.com", "--cheap-passwords", "--recovery-key-file", recovery)
    facts = {"version": vault.store("--version").stdout.decode().split()[1], "mailboxes": {}, "mails": {}}
    for name, options in (("journal", ("--alias", "all@upgrade.example.com", "--quota", "1GiB", "--smtp-auth")), ("office", ())):
        vault.add_mailbox(name, "--grace", FOREVER, "--receipts", FOREVER, *options)
    vault.store("route", "add", "out", "--protocol", "smtp", "--upstream", "smtp.example.com:587", "--tls", "starttls",
                "--mailbox", "office", "--description", "Mail of the office")
    facts["token"] = vault.json("token", "add", "archive", "--scope", "read")[0]["token"]
    facts["account"] = {"name": "anna", "password": vault.json("admin", "add", "anna", "--role", "administrator")[0]["password"]}

    journal, office = vault.mailboxes["journal"], vault.mailboxes["office"]
    for name, content in MAILS.items():
        box = office if name == "office" else journal
        if name in ("small", "office"):  # by SMTP, in the one way that every version has
            with gw.Smtp(vault.smtpd()) as smtp:
                reply = smtp.deliver(office.address, content)
                assert reply.ok, reply
            box = office
        else:
            vault.store("message", "add", box.name, input=content)
        newest = vault.json("message", "list", box.name)[-1]["id"]
        state = name if name in ("drained", "quarantined", "removed") else "live"
        if state == "removed":
            vault.store("mailbox", "set", box.name, "--grace", "0")
        with gw.Pop3(vault.pop3d(), box) as pop3:
            last = pop3.count()
            sent = pop3.retrieve(last)
            if state in ("drained", "removed"):
                pop3.command(f"DELE {last}")
            pop3.command("QUIT")
        if state == "quarantined":
            vault.store("message", "quarantine", box.name, newest)
        elif state == "removed":
            vault.store("sweep")
            vault.store("mailbox", "set", box.name, "--grace", FOREVER)
        # POP3 ends every line with CRLF, so that a mail with other line endings has another digest there.
        facts["mails"][name] = {"mailbox": box.name, "id": newest, "state": state, "bytes": len(content),
                                "sha256": gw.sha256(content), "pop3": gw.sha256(sent)}
    facts["inner"] = gw.sha256(INNER)
    vault.store("mailbox", "rotate", "journal", "--password-file", journal.password_file)
    facts["checkpoint"] = vault.store("checkpoint").stdout.decode()
    facts["recovery_key"] = recovery.read_text()
    for box in (journal, office):
        facts["mailboxes"][box.name] = {"id": box.id, "name": box.name, "address": box.address, "password": box.password}
    vault.verify()
    for server in vault.servers:
        server.stop()
    # As a power cut leaves it: the last commits are only in the write-ahead log.
    assert vault.kill_keeper()

    with tarfile.open(HERE / "vault.tar.xz", "w:xz", preset=9) as archive:
        for path in sorted(vault.path.rglob("*")):
            name = path.relative_to(vault.path)
            if name.parts[0] not in LEFT_OUT and not name.name.startswith("LOG"):
                archive.add(path, f"vault/{name}", recursive=False, filter=anonymous)
    (HERE / "expected.json").write_text(json.dumps(facts, indent=1) + "\n")
    vault.close()


def anonymous(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


if __name__ == "__main__":
    main()
