# SPDX-License-Identifier: MIT
# Thousands of short-lived code objects, each in the memory of one before it:
# every sample names the function that ran at that instant, by the intervals
# that the program itself wrote.
# each: interpreter
# parallel: yes
import bisect
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

COUNT = sized(30_000, 3_000)

done = run(workload("reuse.py"), rate=10_000, timeout=60 + COUNT // 200,
           env={"COUNT": COUNT, "TRUTH": "truth"})
if failures:
    finish()
log = pplog.read(done.log)
entries_add_up(log, "reuse")
with open("truth") as file:
    intervals = [tuple(map(int, line.split())) for line in file]
begins = [begin for _, begin, _ in intervals]


def who_ran(time_ns):
    """The object whose interval holds an instant, or None. A time in the log
    was rounded down to its unit."""
    late = time_ns + log.unit
    i = bisect.bisect(begins, late) - 1
    if i >= 0 and time_ns <= intervals[i][2]:
        return intervals[i][0]
    return None


numbers = {}
inside = wrong = absent = unnamed = 0
example = None
for sample in log.samples:
    node = sample.node
    if node not in numbers:
        names = log.names(node)
        unnamed += "<code?>" in names
        numbers[node] = {int(m[1]) for m in (re.search(r"_(\d+)$", n)
                                             for n in names) if m}
    ran = who_ran(sample.time_ns)
    found = numbers[node]
    if found:
        inside += 1
        if found != {ran}:
            wrong += 1
            example = found, ran, log.names(node)
    elif ran is not None:
        absent += 1

expect(wrong == 0, f"{wrong} of {inside} samples name another function, such"
       f" as {example}")
expect(unnamed == 0, f"{unnamed} stacks with a code that has no name")
# 2,000 rounds take 50 us at least, so that at 10 kHz half of the objects or
# more are hit; a tenth where the machine is busy
expect(inside > COUNT / 10, f"only {inside} samples inside {COUNT} functions;"
       f" {load()}")
# between the program's look at the clock and the call is one microsecond of
# 50 or more; a thread that loses the processor there is sampled on its return
expect(absent <= 3 + inside * 0.05, f"{absent} samples without the function"
       f" that ran, {inside} with it")
figures("reuse", f"{wrong} of {inside} samples misattributed, {COUNT} objects,"
        f" {len(log.codes)} codes in the log, {absent} at a call's edge,"
        f" {sum(log.lost.values())} lost")
finish()
