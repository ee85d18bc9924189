# SPDX-License-Identifier: MIT
# Lines of a loop that goes round on one line cost the same wherever in the
# function it stands. From 3.12 on CPython itself looks for the line from the
# function's first on, at each round; that is measured, with a tool of
# sys.monitoring that does nothing, and no part of what is compared.
# each: interpreter
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

# Lines before the loop, and processes of each kind, one after the other: the
# quickest counts
LINES, PROCESSES = 600, 4
# Rounds, and runs of a process. Where a round takes microseconds a run takes
# 5 ms, for there are machines that are half as fast for tens of them at a time;
# elsewhere the lines before the loop must not weigh
ROUNDS, RUNS = (500, sized(90, 40)) if MINOR >= 12 else (5000, sized(9, 4))

LOOPS = """
import sys, time
def early(n):
    for i in range(n): pass
exec("def late(n):\\n" + " x = n\\n" * %d + " for i in range(n): pass\\n")
if sys.argv[1] == "nothing" and sys.version_info >= (3, 12):
    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "nothing")
    for event in (monitoring.events.LINE, monitoring.events.JUMP):
        monitoring.register_callback(4, event, lambda *arguments: None)
    monitoring.set_events(4, monitoring.events.LINE | monitoring.events.JUMP)
def took(loop):
    begin = time.process_time()
    loop(%d)
    return time.process_time() - begin
early_s, late_s = (min(took(loop) for i in range(%d))
                   for loop in (early, late))
print(early_s, late_s)
""" % (LINES, ROUNDS, RUNS)


# By what is traced; a duration makes all events slow ones
KINDS = {"nothing": {"profile": False}, "always": {"trace": "lines"},
         "for 100 s": {"trace": "lines", "duration": 100}}


def took(kind):
    """Seconds of the two loops."""
    return [float(word) for word in
            run("-c", LOOPS, kind, **KINDS[kind]).stdout.split()]


least = {kind: took(kind) for kind in KINDS}
for _ in range(PROCESSES - 1):
    for kind in KINDS:
        least[kind] = list(map(min, least[kind], took(kind)))
# What a round costs more where it is late, in ns
ours = {kind: (late - early) / ROUNDS * 1e9
        for kind, (early, late) in least.items()}
theirs = ours.pop("nothing")
# Found by its place, the line of each round took as long again as CPython does
for what, ns in ours.items():
    expect(ns < 1.5 * max(theirs, 0) + 300,
           f"traced {what}, a round on line {LINES + 2} takes {ns:.0f} ns more"
           f" than on line 2, and {theirs:.0f} ns with a tool that does"
           f" nothing; {load()}")
figures("trace-loops", "{:.0f} and {:.0f} ns more, {:.0f} by CPython"
        " alone".format(*ours.values(), theirs))
finish()
