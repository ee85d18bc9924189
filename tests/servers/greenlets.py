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


GREENLETS = "left", "right", "above", "below"


def judged(what, depth, nodes_of, seconds=SECONDS, **env):
    """A run's log, and the verdicts on those of its stacks that are asked for;
    none of them is impossible."""
    clear_logs()
    env.update(SECONDS=str(seconds), DEPTH=str(depth))
    plain, _ = both(what, [DEBIAN, SCRIPT], log="greenlets.bin", env=env)
    check(plain.status == 0, what, plain.stderr)
    log = pplog.read("greenlets.bin")
    oracle = Oracle(log, depth)
    nodes = nodes_of(log)
    verdicts = [oracle.judge(node) for node in nodes]
    bad = [log.names(node) for node, v in zip(nodes, verdicts) if v is None]
    check(not bad, what, len(bad), "impossible stacks, such as", bad[:1])
    return log, verdicts


def look(rate, depth):
    what = f"rate {rate}, depth {depth}"
    log, verdicts = judged(what, depth,
                           lambda log: [s.node for s in log.samples],
                           PYPROF_RATE=rate)
    lost = sum(log.lost.values())
    # a switch changes several words, and a walk in its midst is counted as lost
    check(lost <= 5 + len(verdicts) / 100, what, lost, "lost of",
          len(verdicts), {k: v for k, v in log.lost.items() if v})
    if rate != "auto":
        check(len(verdicts) >= LEAST, what, "only", len(verdicts), "samples")
        for name in GREENLETS:
            part = verdicts.count(name) / max(len(verdicts), 1)
            check(part > 0.02, what, name, "has", part, "of the samples")
    print(f"greenlets, {what}: 0 spliced of {len(verdicts)}, {lost} lost",
          flush=True)


def look_from_outside(depth):
    """Wall mode: a thread that is off its processor is read by another."""
    what = f"wall mode, depth {depth}"
    # most of the time it rests, so that its CPU time is a fraction
    log, verdicts = judged(
        what, depth,
        lambda log: [off.node for t in log.threads.values() for off in t.offs],
        SECONDS / 5, NAP="0.0002", PYPROF_MODE="wall", PYPROF_RATE="1k")
    inside = sum(v in GREENLETS for v in verdicts)
    check(inside >= 20 * SECONDS, what, "only", inside, "stacks of greenlets")
    print(f"greenlets, {what}: 0 spliced of {len(verdicts)}, {inside} of"
          f" greenlets, {log.counters['looks']} looks", flush=True)


need(modules=["gevent"])
for depth in 0, 60:
    look(str(RATE), depth)
    look_from_outside(depth)
if FULL:
    look("auto", 0)
done()
