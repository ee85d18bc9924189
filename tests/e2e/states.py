# SPDX-License-Identifier: MIT
# --state keeps what it says: each function of a program does one thing for long,
# and stands in the reports of the states that it is in, and in no others.
# each: interpreter
# parallel: yes
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(1.0, 0.15)

PROGRAM = f"""
import gc, hashlib, threading, time
def used(begin):
    return time.thread_time() - begin
def computes():
    begin = time.thread_time()
    while used(begin) < {SECONDS}:
        for i in range(2000): i * i
def hashes():
    data = bytes(8 << 20)
    begin = time.thread_time()
    while used(begin) < {SECONDS}:
        hashlib.sha256(data).digest()
def collects():
    kept = [[] for _ in range(200000)]
    begin = time.thread_time()
    while used(begin) < {SECONDS}:
        gc.collect()
class Error(Exception):
    pass
def raises():
    def down(n):
        if n: down(n - 1)
        raise Error
    begin = time.thread_time()
    while used(begin) < {SECONDS}:
        try: down(200)
        except Error: pass
def sleeps():
    time.sleep({SECONDS})
def wants():
    begin = time.monotonic()
    while time.monotonic() < begin + {SECONDS} + 0.5: pass
computes(); hashes(); collects(); raises(); sleeps()
threads = [threading.Thread(target=wants) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
"""

# At least and at most so much of a function's time is in reports of the state.
# A hash holds the GIL between two calls; gc.collect() begins and ends outside
# of the collector; unwinding is short, and so seen now and then. Who wants the
# GIL uses some CPU time for that, a quarter was seen on a busy machine.
NEARLY_ALL, MOST, SOME, LITTLE, NONE = ((0.9, 1), (0.6, 1), (0.02, 1), (0, 0.2),
                                        (0, 0.05))
IN_CPU_MODE = {
    "gil": {"computes": NEARLY_ALL, "hashes": LITTLE, "collects": NEARLY_ALL,
            "raises": NEARLY_ALL, "wants": (0.6, 1)},
    "gc": {"computes": NONE, "hashes": NONE, "collects": MOST, "raises": NONE,
           "wants": NONE},
    "native": {"computes": (0, 0.5), "hashes": NEARLY_ALL},
    "exception": {"computes": NONE, "hashes": NONE, "collects": NONE,
                  "raises": SOME, "wants": NONE},
}
# A thread that runs may be kept from its processor for any part of its time, and
# both spinners want a GIL that is free until one of them gets a processor. Or
# neither wants it, as both wait for one: 0.2 was seen at twice as many threads
# as processors.
IN_WALL_MODE = {
    "cpu": {"computes": SOME, "hashes": SOME, "sleeps": NONE},
    "gil": {"computes": NEARLY_ALL, "sleeps": NONE},
    "gil-wait": {"computes": NONE, "hashes": NONE, "collects": NONE,
                 "raises": NONE, "sleeps": NONE, "wants": (0.1, 0.95)},
}


def times(log, *options):
    """{function of the program: all its time}, and the sum of all samples."""
    data = report_json(log, *options)
    return {f["name"]: f["total_ns"] for f in data["functions"]
            if f["file"] and f["file"].endswith("states_of.py")}, data


def check(log, mode, states):
    everything, data = times(log)
    said = []
    for state, wanted in states.items():
        kept, part = times(log, "--state", state)
        expect(0 < part["sampled_ns"] < data["sampled_ns"],
               f"{mode}, --state {state}: {part['sampled_ns']} of"
               f" {data['sampled_ns']} ns")
        for name, (least, most) in wanted.items():
            share = kept.get(name, 0) / everything[name]
            expect(least <= share <= most, f"{mode}, --state {state}: {name}"
                   f" has {share:.3f} of its time, not {least} to {most};"
                   f" {load()}")
            if share > 0.05:
                said.append(f"{state} {name} {share:.2f}")
    kept, _ = times(log, "--state", "wall")
    expect(kept == everything, f"{mode}: --state wall is not all there is")
    figures("states", f"{mode}: " + ", ".join(said))


def main():
    with open("states_of.py", "w") as file:
        file.write(PROGRAM)
    check(run("states_of.py", rate=1000).log, "cpu", IN_CPU_MODE)
    check(run("states_of.py", mode="wall").log, "wall", IN_WALL_MODE)


main()
finish()
