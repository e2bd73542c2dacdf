"""The command line of the campaign and its table."""
import argparse
import faulthandler
import random
import signal
import time

from .damage import Damage
from .kinds import kinds as loaded_kinds
from .plants import PLANTS
from .rounds import Round

COLUMNS = ("kind", "rounds", "injections", "acknowledged", "deferred", "lost", "altered", "duplicated", "refused", "other",
           "recovery")


class Row:
    """What the rounds of one kind have shown."""

    def __init__(self, name):
        self.name = name
        self.rounds = self.injections = self.acknowledged = self.deferred = 0
        self.findings, self.recoveries = [], []

    def add(self, done):
        self.rounds += 1
        self.injections += done.injected
        self.acknowledged += done.oracle.acknowledged
        self.deferred += done.oracle.deferred
        self.findings += done.oracle.findings
        self.recoveries += done.recoveries

    def count(self, what):
        return sum(finding.what == what for finding in self.findings)

    def cells(self):
        named = ("lost", "altered", "duplicated", "refused")
        counts = [self.count(what) for what in named]
        times = sorted(self.recoveries)
        recovery = f"{times[len(times) // 2]:.2f} {times[-1]:.2f}" if times else "-"
        return [self.name, self.rounds, self.injections, self.acknowledged, self.deferred, *counts,
                len(self.findings) - sum(counts), recovery]


def table(rows):
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(str(line[column])) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(str(cell).ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def kinds():
    """What runs a round of each kind, by name, in the order of the table."""
    def under_load(kind):
        return lambda seed, injections, senders, plants: Round(kind, seed, injections, senders, plants)
    every = {name: under_load(kind) for name, kind in loaded_kinds().items()}
    every["damage"] = lambda seed, injections, senders, plants: Damage(seed, injections, plants)
    return every


def run_round(kind, seed, injections, until=None, senders=4, plants=()):
    return kinds()[kind](seed, injections, senders, plants).run(until)


def campaign(names, seed, seconds, rounds, injections, senders, plants=(), verbose=False, say=print):
    """The rows of the table. Kinds share the time; the seed of each next round is one more."""
    rows = []
    for name in names:
        row = Row(name)
        rows.append(row)
        until = time.monotonic() + seconds / len(names)
        while (rounds and row.rounds < rounds) or (not rounds and time.monotonic() < until):
            each = seed + row.rounds
            done = run_round(name, each, injections, None if rounds else until + 5, senders, plants)
            row.add(done)
            if verbose:
                say("\n".join(done.said))
            for finding in done.oracle.findings:
                say(f"{name}: {finding}\n    repeat with: scripts/faults --seed {each} --rounds 1 "
                    f"--injections {injections} {name}", flush=True)
            say(f"{name} seed {each}: {done.injected} faults, {done.oracle.acknowledged} acknowledged, "
                f"{len(done.oracle.findings)} findings", flush=True)
    return rows


def main():
    known = kinds()
    options = argparse.ArgumentParser(prog="faults", description="Injects faults while mail is sent, drained and administered, "
                                      "and verifies what every client was told.", epilog="Exit status: 0 if nothing was found, 1 "
                                      "if something was. See gw-faults(7).")
    options.add_argument("--minutes", type=float, default=5, help="run for this long in all (default 5)")
    options.add_argument("--rounds", type=int, default=0, help="run so many rounds of each kind instead")
    options.add_argument("--injections", type=int, default=25, help="inject so many faults in a round (default 25)")
    options.add_argument("--senders", type=int, default=4, help="keep so many clients sending (default 4)")
    options.add_argument("--seed", type=int, help="the seed of the first round (default: a new one)")
    options.add_argument("--verbose", action="store_true", help="print each fault")
    options.add_argument("--plant", choices=sorted(PLANTS), help="commit this fault in the harness: the oracle must find it")
    options.add_argument("kind", nargs="*", metavar="KIND", help=f"{', '.join(known)} (default: all)")
    given = options.parse_args()
    for name in given.kind:
        if name not in known:
            options.error(f"no such kind: {name}")
    faulthandler.register(signal.SIGUSR1)
    seed = given.seed if given.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    rows = campaign(given.kind or list(known), seed, given.minutes * 60, given.rounds, given.injections, given.senders,
                    [PLANTS[given.plant][0]] if given.plant else (), given.verbose)
    print(table(rows), flush=True)
    return 1 if any(row.findings for row in rows) else 0
