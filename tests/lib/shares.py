# SPDX-License-Identifier: MIT
"""Shares of CPU time: what a workload measured itself against its samples.

A workload writes {"whole": seconds, "shares": {place: share}} to TRUTH, of all
that ran below its main(). A place function says where a stack belongs.
"""
import json
import math

from profiled import *

SEEDS = 7, 11


def leaf_function(log, nodes):
    code, _ = log.frame(nodes[-1])
    return code.name if code else None


def outermost(wanted):
    """The first of some functions on the way from main(); what they call is
    theirs."""
    def find(log, nodes):
        for node in nodes:
            code, _ = log.frame(node)
            if code and code.name in wanted:
                return code.name
        return None
    return find


def line_of_work(log, nodes):
    """The line of work() that runs, also while it calls something."""
    for node in reversed(nodes):
        code, line = log.frame(node)
        if code and code.name == "work":
            return str(line)
    return None


def weigh(log, place):
    """Weights of the samples below main(): by place, and each."""
    places = {}
    by_place, weights = {}, []
    for sample in log.samples:
        if sample.node not in places:
            nodes = log.nodes(sample.node)
            inside = any(n == "main" for n in log.names(sample.node))
            places[sample.node] = (inside and place(log, nodes), inside)
        where, inside = places[sample.node]
        if inside:
            by_place[where] = by_place.get(where, 0) + sample.weight_ns
            weights.append(sample.weight_ns)
    return by_place, weights


def by_chance(share, weights, _):
    """Four standard errors: chance alone is outside once in 16,000; and half
    a point: the workload's own looks at the clock, and what it does between
    two of them."""
    effective = sum(weights) ** 2 / sum(w * w for w in weights)
    return 4 * math.sqrt(share * (1 - share) / effective) + 0.005


def one_point(share, weights, truth):
    """For few long pieces: a point, or four standard errors if the machine
    was so busy that these are more. Chance is at the borders of pieces alone,
    where a sample's whole weight w falls to the later piece: variance
    w * w / 12, and long samples meet borders more often."""
    total = sum(weights)
    border = sum(w ** 3 for w in weights) / total / 12
    return max(0.01, 4 * math.sqrt(truth["pieces"] * border) / total)


def misses(program, place, bound_of, seconds, env, settings):
    """Run it once. Returns what missed, the worst miss as a part of its bound,
    samples a second, and the samples' part of main()'s CPU time."""
    done = run(workload(program), timeout=PATIENCE * seconds + 20,
               env={"SECONDS": seconds, "TRUTH": "truth", **env}, **settings)
    if failures:
        finish()
    with open("truth") as file:
        truth = json.load(file)
    log = pplog.read(done.log)
    entries_add_up(log, program)
    by_place, weights = weigh(log, place)
    total = sum(weights)
    bad, worst = [], 0
    for name, share in truth["shares"].items():
        seen = by_place.get(name, 0) / total
        bound = bound_of(share, weights, truth)
        worst = max(worst, abs(seen - share) / bound)
        if abs(seen - share) > bound:
            bad.append(f"{program} {name}: {100 * share:.2f} % in truth,"
                       f" {100 * seen:.2f} % in {len(weights)} samples, bound"
                       f" {100 * bound:.2f}")
    return (bad, worst, len(weights) / truth["whole"],
            total / 1e9 / truth["whole"])


def judge(test, what, program, place, seconds, least_hz=0,
          bound_of=by_chance, env=None, **settings):
    """Every place has its share; a miss is repeated once with another seed."""
    worst = hz = cpu = 0
    bad = []
    for seed in SEEDS:
        bad, worst, hz, cpu = misses(program, place, bound_of, seconds,
                                     {"SEED": seed, **(env or {})}, settings)
        if not bad and hz >= least_hz:
            break
    expect(not bad, f"{what}, twice: {'; '.join(bad)}; {load()}")
    expect(hz >= least_hz, f"{what}: {hz:.0f} samples a second of CPU, least"
           f" {least_hz:.0f}; is the machine too busy? {load()}")
    # every nanosecond of main() is in some sample but those before its first
    # and after its last: a tick of 10 ms at most, and the same again for luck
    expect(abs(cpu - 1) < 0.01 + 0.02 / seconds,
           f"{what}: samples hold {cpu:.3f} of the CPU time of main()")
    figures(test, f"{what}: worst miss {worst:.2f} of the bound, {hz:.0f}"
            f" samples a second of CPU, {cpu:.4f} of its time")
