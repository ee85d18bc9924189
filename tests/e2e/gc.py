# SPDX-License-Identifier: MIT
# <GC> where an allocation makes the collector run, as it does in most programs:
# below the line that allocates (from 3.12: that goes on next), with as much time
# as gc.callbacks measure, and nowhere else.
# each: interpreter
# parallel: yes
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(1.0, 0.2)

PROGRAM = f"""
import gc, json, time
spent, begun = 0, 0
def look(phase, info):
    global spent, begun
    if phase == "start": begun = time.thread_time()
    else: spent += time.thread_time() - begun
def builds():
    kept = [[] for i in range(100000)]
    gc.collect()
    gc.callbacks.append(look)
    while spent < {SECONDS}:
        kept = kept[:100000]
        for i in range(20000): kept.append([i])  # allocates
    gc.callbacks.remove(look)
def computes():
    end = time.thread_time() + {SECONDS}
    while time.thread_time() < end:
        for i in range(2000): i * i
gc.set_threshold(10000, 2, 2)
builds(); gc.disable(); computes()
print(json.dumps(spent))
"""
LINE = 1 + PROGRAM[:PROGRAM.index("# allocates")].count("\n")


def collector(log, *options):
    """{stack that <GC> ends: seconds}"""
    out = subprocess.run([REPORT, "--collapsed", "--lines", "--unit", "us",
                          *options, log],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.findall(r"(?m)^(.*);<GC> (\d+)$", out)
    return {stack: int(us) / 1e6 for stack, us in found}


def main():
    with open("collects.py", "w") as file:
        file.write(PROGRAM)
    done = run("collects.py", rate=1000)
    spent = json.loads(done.stdout)
    found = collector(done.log)
    there = sum(seconds for stack, seconds in found.items() if
                re.search(rf"builds \([^;]*collects\.py:{LINE}\)$", stack))
    # without the collections of the start, and gc.collect()
    elsewhere = sum(seconds for stack, seconds in found.items() if
                    "builds (" in stack) - there
    expect(abs(there - spent) < 0.1 * spent + 0.05, f"<GC> has {there:.3f} s on"
           f" line {LINE}, not {spent:.3f}; {load()}: {found}")
    expect(elsewhere < 0.05 * spent + 0.05,
           f"<GC> has {elsewhere:.3f} s on other lines: {found}")
    expect(not any("computes" in stack for stack in found),
           f"<GC> below a function that allocates nothing: {found}")
    expect(not collector(done.log, "--no-gc"), "--no-gc leaves <GC>")
    figures("gc", f"<GC> {there:.3f} s of {spent:.3f} below the line that"
            f" allocates, {elsewhere:.3f} on other lines")


main()
finish()
