# SPDX-License-Identifier: MIT
# No CPU time is missing and none is invented: start-up, samples, what was not
# sampled and pyprof's own threads are what the kernel charged the process, with
# short threads and long ones, at the rate of the tick and at 1 kHz.
# each: interpreter
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(3, 1.1)  # more than one: the last bound is for such threads
LONG = sized(3, 1)


def check_threads(log, truth, what):
    """Every thread's account is the CPU time that it saw itself."""
    by_tid = {}
    for thread in log.threads.values():
        by_tid.setdefault(thread.tid, []).append(thread)
    # A thread lives on for some 0.1 ms after its last look at the clock; what
    # the machine takes away meanwhile is seen between two looks, too.
    most = 0.002 + 2 * truth["gap"]
    more = []
    for tid, seconds in truth["spent"].items():
        threads = by_tid.get(int(tid), [])
        if len(threads) != 1:
            expect(threads, f"{what}: no thread {tid} in the log")
            continue
        seen = threads[0].end_cpu_ns / 1e9
        if threads[0].kind == pplog.MAIN:
            continue  # has the interpreter's end to do after its last look
        more.append(seen - seconds)
        expect(-0.0001 < seen - seconds < most, f"{what}: thread {tid} used"
               f" {seconds:.4f} s, {seen:.4f} s in the log; at most"
               f" {truth['gap']:.4f} s between two looks; {load()}")
    more.sort()
    # most are not interrupted
    expect(more[len(more) // 2] < 0.001, f"{what}: half of the threads used"
           f" {more[len(more) // 2]:.4f} s more than they saw; {load()}")
    return more


def check(what, **settings):
    done, cost = run_counted(
        workload("many_threads.py"), env={"SECONDS": SECONDS, "LONG": LONG,
                                          "TRUTH": "truth"},
        timeout=PATIENCE * SECONDS * LONG + 20, **settings)
    if failures:
        finish()
    with open("truth") as file:
        truth = json.load(file)
    log = pplog.read(done.log)
    expect(log.header["pid"] == cost["pid"], f"{what}: the log's pid")
    merged = entries_add_up(log, what)
    expect(len(log.threads) == 61 + LONG, f"{what}: {len(log.threads)} threads"
           f" in the log, not {61 + LONG}")
    more = check_threads(log, truth, what)
    start, own = log.header["start_cpu_ns"], log.counters["own_cpu_ns"]
    sampled = lost = tails = worst_tail = 0
    for thread in log.threads.values():
        sampled += thread.sampled_ns
        lost += thread.lost_ns
        tails += thread.tail_ns
        cpu = thread.end_cpu_ns - thread.cpu_ns
        if cpu > 1e9:
            worst_tail = max(worst_tail, (thread.tail_ns + thread.lost_ns
                                          - 1e9 * truth["gap"]) / cpu)
    total = (start + sampled + lost + tails + own) / 1e9
    off = total / cost["cpu"] - 1
    # the bound; what comes after the log's end is a millisecond
    expect(abs(off) < 0.01, f"{what}: {total:.4f} s in the log,"
           f" {cost['cpu']:.4f} s by the kernel")
    # the last tick of 10 ms at most is 1 % of a second; and what others took
    # of it, see check_threads()
    expect(worst_tail < 0.01, f"{what}: {100 * worst_tail:.2f} % of a long"
           " thread in no sample")
    figures("totals", f"{what}: {total:.3f} s is {100 * off:+.2f} % off;"
            f" start-up {start / 1e9:.3f}, sampled {sampled / 1e9:.3f},"
            f" lost {lost / 1e9:.4f}, unsampled {tails / 1e9:.4f} (long"
            f" threads {100 * worst_tail:.2f} %), own {own / 1e9:.4f};"
            f" a thread off by {1e3 * more[len(more) // 2]:.2f} ms, at most"
            f" {1e3 * more[-1]:.2f} (and {1e3 * truth['gap']:.2f} between two"
            f" looks), {merged} signals merged")


for what, settings in our_share((("auto", {}), ("1 kHz", {"rate": 1000})), 2):
    check(what, **settings)
finish()
