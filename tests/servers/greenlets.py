# SPDX-License-Identifier: MIT
# Greenlets that switch every few microseconds: no stack has frames of two of
# them, none lacks one in between, and next to none is lost.
# timeout: 300
import ast
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from serving import *  # noqa: E402,F403

SCRIPT = os.path.join(WORKLOADS, "greenlets.py")
RATE = 10_000
SECONDS = 6 if FULL else 1
# Of the samples that the rate promises; the machine is not ours alone.
LEAST = 0.05 * RATE * SECONDS


def chains(depth):
    """The chains of the program, without importing what it needs."""
    with open(SCRIPT) as file:
        tree = ast.parse(file.read())
    value, = (node.value for node in tree.body if isinstance(node, ast.Assign)
              and node.targets[0].id == "CHAINS")
    for chain in ast.literal_eval(value):
        yield [name.rstrip("*") for name in chain
               for _ in range(depth + 1 if name.endswith("*") else 1)]


class Oracle:
    def __init__(self, log, depth):
        self.log, self.known = log, {}
        self.good = {tuple(chain[:n]) for chain in chains(depth)
                     for n in range(1, len(chain) + 1)}

    def judge(self, node):
        """The chain's first function, "" without one, None if impossible."""
        if node not in self.known:
            # more() is called by all
            names = tuple(code.name for code, _ in self.log.stack(node)
                          if code and code.file == SCRIPT
                          and code.name != "more")
            good = not names or names in self.good or names == ("<module>",)
            self.known[node] = (names[0] if names else "") if good else None
        return self.known[node]


def look(rate, depth):
    what = f"rate {rate}, depth {depth}"
    clear_logs()
    env = {"SECONDS": str(SECONDS), "DEPTH": str(depth), "PYPROF_RATE": rate}
    plain, _ = both(what, [DEBIAN, SCRIPT], log="greenlets.bin", env=env)
    check(plain.status == 0, what, plain.stderr)
    log = pplog.read("greenlets.bin")
    oracle = Oracle(log, depth)
    verdicts = [oracle.judge(s.node) for s in log.samples]
    bad = [log.names(s.node) for s, v in zip(log.samples, verdicts)
           if v is None]
    check(not bad, what, len(bad), "impossible stacks, such as", bad[:1])
    lost = sum(log.lost.values())
    # a switch changes several words, and a walk in its midst is counted as lost
    check(lost <= 5 + len(verdicts) / 100, what, lost, "lost of",
          len(verdicts), {k: v for k, v in log.lost.items() if v})
    if rate != "auto":
        check(len(verdicts) >= LEAST, what, "only", len(verdicts), "samples")
        for name in ("left", "right", "above", "below"):
            part = verdicts.count(name) / max(len(verdicts), 1)
            check(part > 0.02, what, name, "has", part, "of the samples")
    print(f"greenlets, {what}: 0 spliced of {len(verdicts)}, {lost} lost",
          flush=True)


def look_from_outside(depth):
    """Wall mode: a thread that is off its processor is read by another."""
    what = f"wall mode, depth {depth}"
    clear_logs()
    # most of the time it rests, so that its CPU time is a fraction
    env = {"SECONDS": str(SECONDS / 5), "DEPTH": str(depth), "NAP": "0.0002",
           "PYPROF_MODE": "wall", "PYPROF_RATE": "1k"}
    plain, _ = both(what, [DEBIAN, SCRIPT], log="greenlets.bin", env=env)
    check(plain.status == 0, what, plain.stderr)
    log = pplog.read("greenlets.bin")
    oracle = Oracle(log, depth)
    offs = [off for thread in log.threads.values() for off in thread.offs]
    verdicts = [oracle.judge(off.node) for off in offs]
    bad = [log.names(off.node) for off, v in zip(offs, verdicts) if v is None]
    check(not bad, what, len(bad), "impossible stacks, such as", bad[:1])
    inside = sum(v in ("left", "right", "above", "below") for v in verdicts)
    check(inside >= 50 * SECONDS, what, "only", inside, "stacks of greenlets")
    print(f"greenlets, {what}: 0 spliced of {len(offs)}, {inside} of greenlets,"
          f" {sum(off.looks for off in offs)} looks", flush=True)


need(modules=["gevent"])
for depth in 0, 60:
    look(str(RATE), depth)
    look_from_outside(depth)
if FULL:
    look("auto", 0)
done()
