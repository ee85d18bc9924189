# SPDX-License-Identifier: MIT
# High rates, for long: a program that does everything runs as without pyprof;
# a program of nothing but calls costs bounded memory and log; a deep recursion
# at 20 kHz gets on with its work.
# each: interpreter
# timeout: 900
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

# What all Pythons have together, two thirds of it in cpu mode; `make soak`.
MINUTES = float(os.environ.get("SOAK_MINUTES", "0"))
SECONDS = 40 * MINUTES / COUNT if MINUTES else sized(20, 1)


def everything(mode, seconds):
    """The soak: same output, exit status 0, every log reads."""
    plain = run(workload("soak.py"), profile=False, env={"SECONDS": 0.2},
                timeout=60)
    with_us = run(workload("soak.py"), env={"SECONDS": seconds}, rate=10_000,
                  output=mode + ".%p.bin", mode=mode,
                  timeout=60 + PATIENCE * seconds)
    expect(with_us.stdout == plain.stdout,
           f"soak.py printed {with_us.stdout!r}, not {plain.stdout!r}")
    if failures:
        return
    main, children = None, 0
    longest = 0
    for path in glob.glob(mode + ".*.bin"):
        log = pplog.read(path)
        entries_add_up(log, path, forks=True)
        longest = max(longest, log.counters["handler_max_ns"])
        if log.header["pid"] == with_us.pid:
            main = log
        else:
            children += 1
    if not expect(main, "the soak has no log of its first process"):
        return
    c, lost = main.counters, sum(main.lost.values())
    # a walk that met the stack half changed, see impossible-stacks.py; here
    # frames come and go in all ways at once
    expect(lost <= c["samples"] / 50 + 5, f"soak: {main.lost} of {c}")
    offs = sum(len(t.offs) for t in main.threads.values())
    expect((offs > 0) == (mode == "wall"), f"{offs} OFF records in {mode} mode")
    figures("soak", f"{mode}: {c['samples']} samples, {offs} OFF, {lost} lost, {c['throttled']}"
            f" throttled, {c['faults']} guarded faults, {len(main.threads)}"
            f" threads, {children} logs of children; longest handler"
            f" {longest / 1000:.0f} us")


def calls(what, profile, seconds, **settings):
    """Run fib.py: what it wrote, and its log."""
    env = {"SECONDS": seconds, "RESULT": "result"}
    if "depth" in settings:
        env["DEPTH"] = settings.pop("depth")
    done = run(workload("fib.py"), env=env, profile=profile,
               timeout=60 + PATIENCE * seconds, **settings)
    if failures:
        finish()
    with open("result") as file:
        result = json.load(file)
    log = None
    if profile:
        log = pplog.read(done.log)
        entries_add_up(log, what)
    return result, log


def memory():
    """fib() at 10 kHz: what the recorder keeps does not grow."""
    plain, _ = calls("fib", False, 0.3)
    short, _ = calls("fib", True, 0.3, rate=10_000)
    result, log = calls("fib", True, SECONDS, rate=10_000)
    samples = log.counters["samples"]
    more = result["memory"]["VmHWM"] - plain["memory"]["VmHWM"]
    grown = result["memory"]["VmHWM"] - short["memory"]["VmHWM"]
    # tables of 3 MiB of which little is touched, the library's own pages,
    # two chunks of 256 KiB of the log, one block of 40 KiB a thread
    expect(more < 4096, f"fib: {more} KiB more memory than without")
    # where the run is longer only the log is: its pages are given back, two
    # chunks of 256 KiB are mapped at a time where the short run had small ones
    # at first; the program's own memory varies by 200 KiB
    expect(grown < 1024, f"fib: {grown} KiB more after {SECONDS} s than after"
           " 0.3 s")
    per_sample = log.size / samples
    # 24 bytes are the design's for a stack that changes as fast as this one
    expect(per_sample < 24, f"fib: {per_sample:.1f} bytes of log a sample")
    figures("soak", f"fib: {samples} samples, {per_sample:.1f} bytes each;"
            f" {more} KiB more than without, {grown} KiB since 0.3 s; longest"
            f" handler {log.counters['handler_max_ns'] / 1000:.0f} us, mean"
            f" {log.counters['handler_ns'] / samples / 1000:.1f} us")


def progress(depth):
    """Deep recursion at 20 kHz must not spend its life in the handler."""
    # the throttle needs some tenths of a second to find its measure
    seconds = sized(5, 0.7)
    speeds = {False: 0, True: 0}  # the best of two turns
    for _ in range(2):
        for profile in False, True:
            result, log = calls("recursion", profile, seconds, depth=depth,
                                rate=20_000 if profile else None)
            # The ticker runs on another processor, and waking 20,000 times a
            # second takes most of one where an idle processor wakes slowly
            cpu = result["cpu"]
            cpu -= log.counters["own_cpu_ns"] / 1e9 if profile else 0
            speeds[profile] = max(speeds[profile], result["rounds"] / cpu)
    speed = speeds[True] / speeds[False]
    # the throttle leaves the handler a quarter of the time, and delivery of
    # a signal costs as much again at worst; the rest is for a busy machine
    expect(speed > 0.25, f"recursion {depth} at 20 kHz: {speed:.2f} of the"
           f" work a CPU second; {load()}")
    c = log.counters
    figures("soak", f"recursion {depth} at 20 kHz: {speed:.2f} of the work"
            f" per CPU second; {c['samples']} samples, {c['throttled']}"
            f" throttled, longest handler {c['handler_max_ns'] / 1000:.0f} us")


def deep():
    # the first is the deepest that is recorded whole
    for depth in our_share((500, 2500), 2, NUMBER // 2):
        progress(depth)


def cpu():
    everything("cpu", SECONDS)


def wall():
    # forks put the ticker off, from 3.12 on: half a second may have none of it
    everything("wall", sized(SECONDS / 2, SECONDS))


TESTS = ((cpu,), (wall,)) if MINUTES else ((cpu, deep), (wall, memory))
for tests in our_share(TESTS, 2):
    for test in tests:
        test()
finish()
