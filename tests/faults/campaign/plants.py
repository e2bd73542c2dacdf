"""Faults that the harness commits itself, to show that the oracle sees them. Each is told to the oracle as if all were well."""
import time

import gw


def deliver(round_, mail):
    with gw.Smtp(round_.servers["smtp"]) as smtp:
        reply = smtp.deliver(round_.boxes["journal"].address, mail)
    assert reply.ok, reply
    return reply


def lost(round_):
    """A positive reply for a mail that nobody stored."""
    digest = round_.oracle.sending(["journal"], gw.mail(2000))
    round_.oracle.replied(["journal"], digest, gw.Reply(250, "2.0.0 OK: stored as " + "0" * 32), time.monotonic())


def altered(round_):
    """One bit of a mail differs from what its sender sent."""
    mail = bytearray(gw.mail(2000))
    digest = round_.oracle.sending(["journal"], bytes(mail))
    mail[-100] ^= 1
    round_.oracle.replied(["journal"], digest, deliver(round_, bytes(mail)), time.monotonic())


def duplicated(round_):
    """A mail that was sent once is stored twice."""
    mail = gw.mail(2000)
    digest = round_.oracle.sending(["journal"], mail)
    deliver(round_, mail)
    round_.oracle.replied(["journal"], digest, deliver(round_, mail), time.monotonic())


def returned(round_):
    """A message is there although the archive was told that it is gone."""
    mail = gw.mail(2000)
    digest = round_.oracle.sending(["journal"], mail)
    reply = deliver(round_, mail)
    round_.oracle.replied(["journal"], digest, reply, time.monotonic())
    identity = reply.text.split()[-1]
    round_.oracle.deleting("journal", [identity])
    round_.oracle.deleted("journal", [identity])


def vanished(round_):
    """A message that nobody deleted is no longer live: here an administrator sets it aside."""
    mail = gw.mail(2000)
    digest = round_.oracle.sending(["journal"], mail)
    reply = deliver(round_, mail)
    round_.oracle.replied(["journal"], digest, reply, time.monotonic())
    round_.vault.store("message", "quarantine", "journal", reply.text.split()[-1])


def refused(round_):
    """A permanent refusal: the sender gives up."""
    digest = round_.oracle.sending(["journal"], gw.mail(2000))
    with gw.Smtp(round_.servers["smtp"]) as smtp:
        reply = smtp.deliver("nobody@gateway.example.com", gw.mail(2000))
    round_.oracle.replied(["journal"], digest, reply, time.monotonic())


# What the table must count after each.
PLANTS = {"lost": (lost, {"lost"}), "altered": (altered, {"altered", "lost"}), "duplicated": (duplicated, {"duplicated"}),
          "returned": (returned, {"returned"}), "vanished": (vanished, {"lost"}), "refused": (refused, {"refused"})}
