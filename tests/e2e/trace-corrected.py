# SPDX-License-Identifier: MIT
# What the report says a program took, less what tracing took, is near what it
# takes unprofiled: at most half as far from it as the raw time is, and at most
# 1.3 times as much where Python functions are called, 1.6 where C functions
# are; and never less than half of it, on 3.11 too. Runs without and with us
# take turns, and the median of their ratios counts: the processors of a shared
# machine are half as fast at times. Time in which others had the processor,
# which the program sees in its clocks, is taken off.
# each: interpreter
# timeout: 900
import json
import os
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

PROGRAMS = {
    "queens": (150, 1.3), "tree": (220, 1.3), "machine": (70, 1.3),
    "generators": (300, 1.3), "fib": (250, 1.3),
    "words": (80, 1.6), "floats": (150, 1.6), "packing": (200, 1.6),
    "keys": (350, 1.6),
}
# at a tenth of the size those that call most: Python's functions, or C's
FEWER = our_share(("queens", "words", "generators", "keys", "fib"), 2)
RUNS = sized(15, 5)
LONGER = sized(4, 1)
# medians of five short runs of one program have gone from 1.3 to 1.8
UNREST = sized(1, 1.2)
# What no correction may go below: who calls small functions took no time then
LEAST = 0.5
# sys.setprofile makes each instruction slower there, which is not of any event
PRINTED = MINOR == 11


def unprofiled(name, rounds):
    done = run(workload("timed_programs.py"), name, rounds, profile=False)
    return int(done.stdout.split()[1])


def traced(name, rounds):
    """Raw and corrected time of the program's function."""
    done = run(workload("timed_programs.py"), name, rounds, trace="calls")
    out = subprocess.run([REPORT, "-f", "json", "-o", "-", done.log],
                         check=False, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    if not expect(out.returncode == 0, f"{name}: the report ended with"
                  f" {out.returncode}: {out.stderr.decode()}"):
        finish()
    function, = (f for f in json.loads(out.stdout)["functions"]
                 if f["name"] == name
                 and f["file"].endswith("timed_programs.py"))
    wall, cpu = map(int, done.stdout.split())
    away = wall - cpu
    return (function["raw_total_ns"] - away,
            function["traced_total_ns"] - away)


def measure(name, rounds):
    """Median ratios of the raw and of the corrected time to the unprofiled,
    each run's to the mean of the two around it; and by how much two unprofiled
    runs one after the other differ."""
    plain = [unprofiled(name, rounds)]
    raw, corrected = [], []
    for _ in range(RUNS):
        both = traced(name, rounds)
        plain.append(unprofiled(name, rounds))
        around = (plain[-2] + plain[-1]) / 2
        raw.append(both[0] / around)
        corrected.append(both[1] / around)
    unrest = statistics.median(abs(b / a - 1) for a, b in zip(plain, plain[1:]))
    return statistics.median(raw), statistics.median(corrected), unrest


def bad(raw, corrected, unrest, most):
    """Is it bad, what the machine's unrest (2 % at least) cannot explain?"""
    if corrected < LEAST:
        return f"{corrected:.2f} of {raw:.2f} is less than {LEAST}"
    if PRINTED:
        return None
    if abs(corrected - 1) > max(abs(raw - 1) / 2, 0.02, unrest):
        return f"{corrected:.2f} is not half as far from 1 as {raw:.2f}"
    if corrected > most * UNREST:
        return f"{corrected:.2f} is more than {most * UNREST:.2f}"
    return None


def main():
    said = []
    for name in sized(tuple(PROGRAMS), FEWER):
        rounds, most = PROGRAMS[name]
        for _ in range(2):
            raw, corrected, unrest = measure(name, rounds * LONGER)
            why = bad(raw, corrected, unrest, most)
            if not why:
                break
        said.append(f"{name} {raw:.2f} to {corrected:.2f}")
        expect(not why, f"{name}, twice, of the unprofiled time:"
               f" {why}; {load()}")
    figures("trace-corrected", "raw to corrected, of the unprofiled time: "
            + ", ".join(said))


main()
finish()
