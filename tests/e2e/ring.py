# SPDX-License-Identifier: MIT
# --ring: the log is the last seconds at any instant, however the program ends;
# it stays small; names defined before are known; nothing is dropped silently.
# each: interpreter
# parallel: yes
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from profiled import *  # noqa: E402,F403

CODE = """
import ctypes, os, random, signal, sys, threading, time
def until(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        deep(random.choice((3, 30)))
def deep(n):
    return n and (deep if random.random() < .5 else deeper)(n - 1)
def deeper(n):
    return n and deep(n - 1)
def early(seconds): until(seconds)
def late(seconds): until(seconds)
"""
RING_S = 1
EARLY_S, LATE_S = sized(20, 1), 1.4


def program(code):
    with open("program.py", "w") as file:
        file.write(CODE + code)
    return os.path.abspath("program.py")


def report(log, *options):
    p = subprocess.run([REPORT, *options, log], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, universal_newlines=True)
    expect(p.returncode == 0, f"{options} of {log}: {p.returncode} {p.stderr}")
    return p.stdout, p.stderr


def totals(log):
    """What the report says in JSON, and its functions by name."""
    out, err = report(log, "--json")
    data = json.loads(out)
    return data, {f["name"].split(".")[-1]: f["total_ns"] / 1e9
                  for f in data["functions"]}, err


def holds_last(what, log, ended, err_allowed=""):
    """The last second and nothing else is there, and what was dropped said."""
    data, functions, err = totals(log)
    raw = pplog.read(log)
    expect(err == err_allowed, f"{what}: the report said {err!r}")
    expect(raw.header["ended"] == ended, f"{what}: {raw.header['ended']}")
    expect(raw.ring_ns == RING_S * 10**9, f"{what}: ring {raw.ring_ns}")
    expect("early" not in functions, f"{what}: early is in {functions}")
    late = functions.get("late", 0)
    # all of the last second was in `late`; others have the processor, too
    expect(RING_S / PATIENCE < late <= RING_S * 1.1,
           f"{what}: {late} s of late; {load()}")
    expect("<code?>" not in functions, f"{what}: names were lost")
    # each sample that was written is shown or said to have been dropped
    dropped = data["ring_dropped_samples"]
    expect(data["samples"] + dropped == raw.counters["samples"],
           f"{what}: {data['samples']} samples and {dropped} dropped of"
           f" {raw.counters['samples']}")
    expect(dropped > data["samples"] / 4, f"{what}: {dropped} dropped")
    entries = raw.counters["entries"]
    expect(entries == raw.counters["samples"] + sum(raw.lost.values())
           + raw.counters["throttled"], f"{what}: entries {entries}")
    return data


def all_times(what, data, log):
    """Shown, dropped and unsampled time are the process's CPU time."""
    raw = pplog.read(log)
    used = (raw.header["end_cpu_ns"] - raw.header["start_cpu_ns"]
            - raw.counters["own_cpu_ns"]) / 1e9
    known = sum(data[k] for k in ("ring_dropped_ns", "unsampled_ns")) / 1e9 \
        + sum(f["self_ns"] for f in data["functions"]) / 1e9
    expect(abs(known - used) <= 0.02 * used + 0.01,
           f"{what}: {known:.3f} s are known of {used:.3f}")
    expect(data["unsampled_ns"] / 1e9 <= 0.1 * used + 0.05,
           f"{what}: {data['unsampled_ns'] / 1e9:.3f} s of {used:.3f} are"
           " unsampled: the ring's own are among them")


def ends():
    """However it ends."""
    body = f"early({EARLY_S}); late({LATE_S})\n"
    ways = (("exception", "raise ValueError('mine')\n", 1, 1),
            ("SIGSEGV", "ctypes.string_at(0)\n", -11, 0),
            ("SIGKILL", "os.kill(os.getpid(), 9)\n", -9, 0),
            ("exit", "", 0, 1),
            ("_exit", "os._exit(3)\n", 3, 2),
            ("SIGTERM", "os.kill(os.getpid(), 15)\n", -15, 0))
    for what, end, status, ended in sized(ways, ways[:3]):
        done = run(program(body + end), ring=RING_S, rate="2k", good=False)
        expect(done.status in (status, 128 - status), f"{what}: {done.status}")
        data = holds_last(what, done.log, ended)
        if ended:
            all_times(what, data, done.log)
    done = run(program(body), ring=RING_S, rate="2k")
    line = re.search(r"^ring +the last 1\.000 s; [1-9]\d* earlier samples for"
                     r" \d+\.\d+ s were dropped", report(done.log)[0], re.M)
    expect(line, "no line of the ring")


def bounded():
    """The file does not grow once the first seconds are in it; it can be read
    while it is written."""
    seconds = sized(30, 4)
    process = start(program(f"late({seconds + 2})\n"), ring="0.5", rate="10k",
                    verbose="0")
    sizes, seen = [], []
    begin = time.monotonic()
    while time.monotonic() < begin + seconds and process.poll() is None:
        time.sleep(0.25)
        if time.monotonic() < begin + 2:
            continue
        sizes.append(os.path.getsize("log.bin"))
        data, functions, _ = totals("log.bin")
        seen.append(functions.get("late", 0))
    expect(process.wait(120) == 0, "bounded: the program failed")
    sizes.append(os.path.getsize("log.bin"))
    # how much there is of it depends on how many samples a second came
    expect(max(sizes) <= 1.6 * sizes[0] + 65536,
           f"bounded: the log grew: {sizes}")
    expect(max(seen) <= 0.56, f"bounded: more than 0.5 s: {seen}")
    expect(min(seen) > 0, f"bounded: nothing while it runs: {seen}")
    log = pplog.read("log.bin")
    written = log.counters["samples"]
    figures("ring", f"{written} samples written, log {sizes[0]} bytes after"
            f" 2 s, {max(sizes)} at most, {len(seen)} times read meanwhile")


def many_threads():
    """Threads that come and go leave no more than their definitions."""
    count = sized(10000, 600)
    done = run(program(f"""
def work():
    end = time.thread_time() + 0.001
    while time.thread_time() < end: deep(5)
for i in range({count}):
    t = threading.Thread(target=work); t.start(); t.join()
def last(): late(0.3)
last()
"""), ring="0.3", rate="5k", timeout=300)
    size = os.path.getsize(done.log)
    # THREAD, THREAD_END and a name take under 64 bytes a thread
    expect(size <= 64 * count + (1 << 20), f"threads: {size} bytes")
    data, functions, err = totals(done.log)
    expect(not err and functions.get("last", 0) > 0.02,
           f"threads: {functions} {err}")
    expect(len(pplog.read(done.log).threads) >= count, "threads are missing")
    figures("ring", f"{count} threads, {size} bytes")


def refused():
    for settings in ({"trace": "calls"}, {"mode": "wall"}):
        done = run(program("print(1)\n"), ring=1, good=False, **settings)
        expect(done.status == 0 and done.stdout == "1\n" and re.fullmatch(
            "pyprof: PYPROF_RING=1: .*\n", done.stderr)
            and not os.path.exists(done.log), f"{settings}: {done.stderr!r}")
    done = run(program("print(1)\n"), ring="0", good=False)
    expect("PYPROF_RING=0" in done.stderr, f"ring 0: {done.stderr!r}")


TESTS = (ends, bounded, many_threads, refused)
# a quarter of a minute in all: in the short run half of it on each interpreter
for test in our_share(TESTS, 2):
    begin = time.monotonic()
    test()
    print(f"{test.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
finish()
