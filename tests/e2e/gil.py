# SPDX-License-Identifier: MIT
# The GIL's ledger: who held it, who waited how long behind which line. Three
# spinners share all of the wall time; who waits for a thread that is in a long
# call of C waits behind that line; sums are exact however often it changes
# hands; and where nobody waits there is no record.
# each: interpreter
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(4.0, 0.6)


def record(kind, seconds=SECONDS):
    done = run(workload("gil.py"), env={"KIND": kind, "SECONDS": seconds},
               timeout=60 + PATIENCE * seconds)
    log = pplog.read(done.log)
    expect(log.header["state_known"] & pplog.GIL_WAIT,
           f"{kind}: the GIL was not found")
    return log, json.loads(done.stdout) if done.stdout else None


def sums_agree(log, kind):
    """Exact, in whatever state the threads are at the end."""
    waited = sum(t.waited for t in log.gil_threads.values())
    parted = sum(w.total for w in log.gil_waits)
    expect(waited == parted, f"{kind}: {waited} ns waited by threads,"
           f" {parted} ns behind lines")
    for t in log.gil_threads.values():
        expect(t.waits <= t.takes + 1, f"{kind}: {t}")
    for w in log.gil_waits:
        expect(w.longest <= w.total <= w.longest * w.turns, f"{kind}: {w}")


def named(log, name):
    for number, thread in log.threads.items():
        if thread.name == name:
            return log.gil_threads[number]
    expect(False, f"no account of {name}")
    sys.exit(1)


def function(log, code):
    return log.codes[code].name if code else ""


def spinners():
    log, truth = record("spin")
    sums_agree(log, "spin")
    accounts = [named(log, f"spinner {i}") for i in range(3)]
    held = sum(t.held for t in log.gil_threads.values()) / 1e9
    gaps = sum(t.yielded for t in accounts) / 1e9
    # never two at once; 50 ms before and after what the program measures
    expect(held <= truth["wall"] + 0.1, f"spin: held {held:.4f} s in"
           f" {truth['wall']:.4f} s, {load()}")
    # while all want it one has it, or has let go and waits for a processor to
    # be given to another
    names, begins, ends, queued = zip(*truth["spans"])
    common = min(ends) - max(begins)
    expect(held + gaps >= 0.9 * common, f"spin: held {held:.4f} s and none for"
           f" {gaps:.4f} s, of {common:.4f} s; {load()}")
    # and each has it or waits for it; or, on its way to do so, for a processor
    queued = dict(zip(names, queued))
    for i, t in enumerate(accounts):
        life = (t.held + t.waited + t.yielded) / 1e9
        expect(life <= truth["wall"] + 0.1, f"spin: spinner {i} held and waited"
               f" {life:.4f} s in {truth['wall']:.4f} s; {load()}")
        life += queued[f"spinner {i}"]
        expect(life >= 0.9 * common, f"spin: spinner {i} held and waited, or"
               f" was ready to, {life:.4f} s of {common:.4f} s; {load()}")
    rows = [w for w in log.gil_waits if function(log, w.waiter) == "spin"
            and function(log, w.holder) == "spin"]
    share = sum(w.total for w in rows) / sum(t.waited for t in accounts)
    expect(share > 0.6, f"spin: {share:.2f} of the waits are behind spin()")
    figures("gil", f"held {held:.4f} s and none for {gaps:.4f} s, of"
            f" {common:.4f} s; {share:.2f} of waits behind spin()")


def long_calls():
    log, truth = record("long")
    sums_agree(log, "long")
    rows = [w for w in log.gil_waits if function(log, w.waiter) == "want"]
    waited = sum(w.total for w in rows) / 1e9
    # what of its naps was not sleep was waiting for the GIL, or, on a busy
    # machine, for a processor
    late = truth["naps"] - 0.001 * truth["count"]
    expect(0.5 * late <= waited <= truth["naps"], f"long: waited {waited:.4f}"
           f" s, naps were {late:.4f} s late; {load()}")
    row = max(rows, key=lambda w: w.total)
    expect((row.waiter_line, function(log, row.holder), row.holder_line)
           == (3, "hold", 2), f"long: most was waited at {row}")
    expect(row.total > 0.8e9 * waited, f"long: {row} of {waited} s")
    stacks = [s for s in log.gil_stacks
              if s.waiter and function(log, s.waiter[-1][0]) == "want"
              and s.holder and function(log, s.holder[-1][0]) == "hold"]
    if expect(stacks, "long: no stacks of the long waits"):
        expect(len(stacks) < 30, f"long: {len(stacks)} stacks")
        for stack in (stacks[-1].waiter, stacks[-1].holder):
            names = [function(log, code) for code, _ in stack]
            expect(names[0] == "_bootstrap" and "run" in names,
                   f"long: a stack is {names}")
    reported()
    figures("gil", f"{waited:.4f} s waited, naps {late:.4f} s late")


def line_of(text):
    """Of the workload."""
    with open(workload("gil.py")) as file:
        for number, line in enumerate(file, 1):
            if text in line:
                return number


def reported():
    """What the report says of the long calls."""
    said = subprocess.run([REPORT, "log.bin"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    pair = "want ({0}:{1}) behind hold ({0}:{2})".format(
        workload("gil.py"), line_of("time.sleep(0.001)"), line_of("sum(range"))
    expect(pair in said, f"long: the report does not say {pair}")
    data = json.loads(subprocess.run([REPORT, "--json", "log.bin"], check=True,
                                     stdout=subprocess.PIPE).stdout)["gil"]
    expect(sum(w["total_ns"] for w in data["waits"])
           == sum(t["waited_ns"] for t in data["threads"]),
           "long: JSON's sums differ")


def without_waits():
    log, _ = record("alone", SECONDS / 2)
    expect(not log.gil_threads and not log.gil_waits and not log.gil_stacks,
           f"alone: {log.gil_threads} {log.gil_waits}")
    # threads may meet while one starts the other
    log, _ = record("idle", SECONDS / 2)
    for w in log.gil_waits:
        expect("spin" not in (function(log, w.waiter), function(log, w.holder)),
               f"idle: {w}")


def quick():
    log, _ = record("quick")
    sums_agree(log, "quick")
    takes = sum(t.takes for t in log.gil_threads.values())
    expect(takes, "quick: the GIL was never taken")
    # rows, not events: the size is that of the tables and of the samples
    expect(len(log.gil_waits) < 64, f"quick: {len(log.gil_waits)} rows")
    expect(log.size < 1 << 20, f"quick: a log of {log.size} bytes")
    figures("gil", f"{takes / SECONDS:.0f} turns a second")


spinners()
long_calls()
without_waits()
quick()
finish()
