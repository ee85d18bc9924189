# SPDX-License-Identifier: MIT
# Beside samples --trace counts the same as alone, functions, edges and lines,
# and reads no clock: its tables have no times, the report has those of the
# samples and says what tracing took of them.
# each: interpreter
# parallel: yes
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

PROGRAMS = {"stdlib_work.py": ("json", "re", "difflib"),
            "call_shapes.py": ("exceptions", "generators", "coroutines",
                               "recursion", "scopes")}
ENV = {"PYTHONHASHSEED": 0, "FILES": sized(8, 1),
       "PYTHONDONTWRITEBYTECODE": 1}
# Times in doc/format.md's EDGES and OPEN, as --dump prints them
TIMES = ("self", "total", "rest", "last", "begun")

BUSY = """
def leaf(n): return n + 1
def calls(n):
    for i in range(n): leaf(i)
calls(%d)
""" % sized(3000000, 600000)


def plain(label):
    return tuple(re.sub(r" at 0x[0-9a-f]+", "", str(word))
                 for word in label or ("nobody",))


def counts(log):
    """All that is counted, by what it is of."""
    found = {}
    for (caller, callee), c in log.edges().items():
        key = plain(caller), plain(callee)
        old = found.get(key, (0, 0))
        found[key] = old[0] + c.calls, old[1] + c.primitive
    for (label, line), hits in log.lines().items():
        key = plain(label), line
        found[key] = found.get(key, 0) + hits.hits
    return found


def compare(kind, module, program):
    logs = {}
    for mode in ("none", "cpu"):
        done = run(workload(module), program, 2, trace=kind, mode=mode,
                   rate=1000 if mode == "cpu" else None,
                   output=f"{mode}.bin", env=ENV)
        logs[mode] = pplog.read(done.log)
    what = f"{kind} of {program}"
    alone, beside = counts(logs["none"]), counts(logs["cpu"])
    wrong = [key for key in {**alone, **beside}
             if alone.get(key) != beside.get(key)]
    expect(not wrong, f"{what}: {len(wrong)} counts are not the same beside"
           f" samples, as {wrong[:1]}: {[alone.get(key) for key in wrong[:1]]},"
           f" {[beside.get(key) for key in wrong[:1]]}")
    expect(len(alone) > 20, f"{what}: only {len(alone)} counts")
    expect(not logs["cpu"].unbalanced(), f"{what}: unbalanced")
    return len(alone)


def no_clock(kind, again=2):
    """No time is in the tables, and the report says whose its times are."""
    done = run("-c", BUSY, trace=kind, mode="cpu", rate=1000,
               output="busy.bin")
    dump = subprocess.run([REPORT, "--dump", done.log], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    times = [word for word in re.findall(r"\b(\w+)=(\d+)", dump)
             if word[0] in TIMES and word[1] != "0"]
    expect(not times, f"{kind}: times in the tables: {times[:4]}")
    text = subprocess.run([REPORT, done.log], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    taken = re.search(r"^tracing +about ([0-9.]+) s of", text, re.M)
    expect(taken and "times are of samples" in text
           and "\nraw " not in text, f"{kind}: the text says {text[:1500]}")
    data = report_json(done.log)
    leaf = next(f for f in data["functions"] if f["name"] == "leaf")
    expect(data["raw_ns"] is None and leaf["traced_self_ns"] is None,
           f"{kind}: times of tracing in the JSON: {data['raw_ns']}, {leaf}")
    sampled, tracing = data["sampled_ns"] / 1e9, data["tracing_ns"] / 1e9
    # two calls or lines a round, of 10 ns at least on any machine
    holds = leaf["calls"] * 10e-9 <= tracing <= sampled
    # what events cost is measured in milliseconds, in which others may run
    if not holds and again:
        return no_clock(kind, again - 1)
    expect(holds, f"{kind}: {leaf['calls']} calls, tracing took {tracing} s of"
           f" {sampled} s; {load()}")
    return f"{tracing:.2f} of {sampled:.2f} s"


def left_out():
    """What tracing took is of the calls, also if nobody traced calls them."""
    with open("leaf.py", "w") as file:
        file.write("def leaf(n): return n + 1\n")
    done = run("-c", BUSY.replace("def leaf", "from leaf import leaf\ndef x"),
               trace="calls", mode="cpu", include="/leaf[.]py$",
               env={"PYTHONPATH": os.getcwd()}, output="leaf.bin")
    data = report_json(done.log)
    leaf = next(f for f in data["functions"] if f["name"] == "leaf")
    expect(data["tracing_ns"] >= leaf["calls"] * 10, f"left out: {leaf}, and"
           f" tracing took {data['tracing_ns']} ns")


SHARE = our_share([(kind, module, program) for kind in ("calls", "lines")
                   for module, programs in PROGRAMS.items()
                   for program in programs], 5)
known = sum(compare(*choice) for choice in SHARE)
left_out()
took = [no_clock(kind) for kind in ("calls", "lines")]
figures("trace-sampled", f"{known} counts, beside samples and alone; tracing"
        f" took {', '.join(took)}")
finish()
