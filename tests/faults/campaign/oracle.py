"""What the clients of a campaign were told, and whether the vault agrees with it at the end.

The oracle uses nothing of the product. It knows each mail by its SHA-256, counts the copies that each mailbox must hold,
and compares them with what POP3 and gw-export returned.
"""
import collections
import math
import re
import threading
import time

import gw


def wire_form(content):
    """What POP3 sends for `content` (gw-vault(7), "What POP3 sends"), for a mailbox without trace lines."""
    text = re.sub(rb"\r*\n|\r", lambda end: end[0] if len(end[0]) > 1 else b"\r\n", content)
    return text if text.endswith(b"\r\n") else text + b"\r\n"


class Finding:
    """Something that the product did wrong. `what` is a column of the table, or another word."""

    def __init__(self, what, text):
        self.what, self.text = what, text

    def __repr__(self):
        return f"{self.what}: {self.text}"


class Expected:
    """How many copies of one content a mailbox may hold."""

    def __init__(self):
        self.acknowledged = self.perhaps = 0


class Ledger:
    """One mailbox: what was promised to its senders and to its archive."""

    def __init__(self, name, grace):
        self.name, self.grace = name, grace
        self.expected = collections.defaultdict(Expected)  # by the digest of the content
        self.content_of = {}  # digest of the form that POP3 sends: digest of the content
        self.ids = {}  # message id in a positive reply: digest of the content
        self.stored = {}  # message id: digest of the content that was seen under it
        self.runs = collections.Counter()  # of exports with a cursor, by message id
        self.asked = 0  # when a client last asked to delete or restore messages
        self.attempted = set()  # ids of messages that a client tried to delete
        self.removed, self.live = set(), set()  # what the last reply said about them; an id in neither may be both


class Oracle:
    def __init__(self):
        self.lock, self.began = threading.Lock(), time.monotonic()
        self.ledgers, self.when = {}, {}  # when: seconds from the beginning to the positive reply, by digest
        self.findings = []
        self.deliveries = []  # (begin, end) of each acknowledged one
        self.acknowledged = self.deferred = self.unanswered = 0
        # When the last power cut had been made, and when the disk was back; infinite until then.
        self.cut_made = self.disk_back = -math.inf

    def add_mailbox(self, name, grace):
        self.ledgers[name] = Ledger(name, grace)

    def found(self, what, text):
        with self.lock:
            self.findings.append(Finding(what, text))

    def in_power_cut(self, begun):
        """Whether a request of this time may have been answered in the moment of the cut, which is a system call of some
        milliseconds here. At a real power cut no client would have received that reply. A request that begins later meets a dead disk, so
        that no reply to it may be positive."""
        return begun <= self.cut_made

    # Replies to senders.

    def sending(self, names, content):
        """Before the first byte is sent, so that no reader meets a mail that the oracle does not know."""
        digest, wire = gw.sha256(content), gw.sha256(wire_form(content))
        with self.lock:
            for name in names:
                self.ledgers[name].content_of[wire] = digest
                self.ledgers[name].expected[digest].perhaps += 1
        return digest

    def replied(self, names, digest, reply, begun):
        """The decisive reply: to the message, or the first refusal; None if the connection ended before it."""
        with self.lock:
            if reply is None or (reply.ok and self.in_power_cut(begun)):
                self.unanswered += 1
            elif reply.ok:
                self.acknowledged += len(names)
                self.deliveries.append((begun, time.monotonic()))
                self.when[digest] = (f"sent after {begun - self.began:.3f} s, acknowledged after "
                                     f"{time.monotonic() - self.began:.3f} s")
                ids = re.findall(r"\b[0-9a-f]{32}\b", reply.text)
                for name in names:
                    expected = self.ledgers[name].expected[digest]
                    expected.perhaps -= 1
                    expected.acknowledged += 1
                    if len(names) == 1:
                        self.ledgers[name].ids.update((each, digest) for each in ids)
            elif reply.temporary:
                self.deferred += 1  # 451 may mean that the mail was stored; the client sends it again
            else:
                self.findings.append(Finding("refused", f"{'+'.join(names)}: {reply}"))
                for name in names:
                    self.ledgers[name].expected[digest].perhaps -= 1

    # Replies to archives.

    def seen(self, name, identity, wire_digest, how="POP3"):
        """A message that POP3 sent completely."""
        ledger = self.ledgers[name]
        digest = ledger.content_of.get(wire_digest)
        self._seen(ledger, identity, digest, how, wire_digest)

    def exported(self, name, identity, digest, how="gw-export"):
        """A file that gw-export wrote."""
        ledger = self.ledgers[name]
        self._seen(ledger, identity, digest if digest in ledger.expected else None, how, digest)

    def _seen(self, ledger, identity, digest, how, shown):
        with self.lock:
            before = ledger.stored.get(identity)
            if digest is None:
                self.findings.append(Finding("altered", f"{ledger.name} {identity}: {how} returned {shown[:16]}, which "
                                                        "nobody sent"))
            elif before is not None and before != digest:
                self.findings.append(Finding("altered", f"{ledger.name} {identity}: {how} returned another mail than before"))
            else:
                ledger.stored[identity] = digest
            if identity in ledger.removed and how == "POP3":
                self.findings.append(Finding("returned", f"{ledger.name} {identity}: QUIT had confirmed its removal"))

    def deleting(self, name, identities):
        """Before QUIT: from now on either may be true."""
        with self.lock:
            self.ledgers[name].asked = time.monotonic()
            self.ledgers[name].attempted.update(identities)
            self.ledgers[name].live.difference_update(identities)
            self.ledgers[name].removed.difference_update(identities)

    def deleted(self, name, identities):
        with self.lock:
            if not self.in_power_cut(self.ledgers[name].asked):
                self.ledgers[name].removed.update(identities)

    def undeleted(self, name, identities):
        with self.lock:
            if not self.in_power_cut(self.ledgers[name].asked):
                self.ledgers[name].removed.difference_update(identities)
                self.ledgers[name].live.update(identities)

    def ran(self, name, identities):
        """An export with a cursor has written these messages, and its cursor says so."""
        with self.lock:
            self.ledgers[name].runs.update(list(identities))

    # The end.

    def judge(self, name, wire, live, everything):
        """Compares the promises with what is there at the end.

        `wire`: digests by id of what POP3 sends; `live`, `everything`: digests by id of the files that gw-export wrote, of
        the messages that POP3 shows and of those in any state.
        """
        ledger = self.ledgers[name]
        for identity, digest in wire.items():
            self.seen(name, identity, digest)
        for identity, digest in everything.items():
            self.exported(name, identity, digest)
        for identity, digest in live.items():
            self.exported(name, identity, digest)
        if wire.keys() != live.keys():
            self.found("differs", f"{name}: POP3 shows {sorted(wire.keys() - live.keys())[:3]} and gw-export "
                                  f"{sorted(live.keys() - wire.keys())[:3]} alone")
        for identity in ledger.removed & live.keys():
            self.found("returned", f"{name} {identity}: QUIT had confirmed its removal, and it is there")
        may_be_gone = set() if ledger.grace else ledger.attempted - ledger.live
        for identity in sorted(ledger.stored.keys() - everything.keys() - may_be_gone):
            self.found("lost", f"{name} {identity} was seen before and is not there")
        for identity in sorted(((ledger.stored.keys() - ledger.attempted) | ledger.live) - live.keys()):
            if identity in everything:
                self.found("lost", f"{name} {identity} is no longer live, and nobody deleted it")
        for identity, digest in ledger.ids.items():
            if ledger.stored.get(identity, digest) != digest:
                self.found("altered", f"{name} {identity}: the reply to another mail named this id")
        for identity, runs in ledger.runs.items():
            if runs > 1:
                self.found("duplicated", f"{name} {identity} is in {runs} exports with a cursor")
        for identity in sorted(live.keys() - ledger.runs.keys()):
            self.found("lost", f"{name} {identity} is live and in no export with the cursor")
        copies, short = collections.Counter(ledger.stored.values()), set()
        for digest, expected in ledger.expected.items():
            least, most = expected.acknowledged, expected.acknowledged + expected.perhaps
            if copies[digest] < least:
                short.add(digest)
                self.found("lost", f"{name} {digest[:16]}: acknowledged {least} times, {copies[digest]} there; "
                                   f"{self.when.get(digest)}, {[each for each, of in ledger.ids.items() if of == digest]}")
            if copies[digest] > most:
                self.found("duplicated" if most else "refused and stored",
                           f"{name} {digest[:16]}: {copies[digest]} there, at most {most} sent")
        for identity, digest in ledger.ids.items():
            if identity not in ledger.stored and digest not in short:
                self.found("lost", f"{name} {identity}: the positive reply named this id, and it was never seen")

    def recovery(self, moments):
        """Seconds from each moment until a delivery that began after it was acknowledged."""
        begun = sorted(self.deliveries)
        times = []
        for moment in moments:
            ends = [end - moment for begin, end in begun if begin >= moment]
            if ends:
                times.append(min(ends))
        return times
