# SPDX-License-Identifier: MIT
# Programs on the standard library, and some made at random, have the same
# functions, with the same calls and primitive calls of each and of each pair of
# caller and callee, C functions included, as under cProfile. That is one steady
# run: of logs of two runs and of one, the difference.
# each: interpreter
# parallel: yes
# timeout: 900
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

PROGRAMS = {
    "stdlib_work.py": ("json", "re", "ast", "email", "difflib", "csv",
                       "decimal", "pickle", "textwrap", "html", "tokenize"),
    "call_shapes.py": ("exceptions", "generators", "coroutines", "asyncio",
                       "classes", "recursion", "scopes"),
    "random_calls.py": [str(seed) for seed in range(sized(40, 4))],
}
COMPARED = workload("compared.py")
ENV = {"PYTHONHASHSEED": 0, "FILES": sized(8, 1),
       "PYTHONDONTWRITEBYTECODE": 1}


def plain(place):
    """A function without the addresses that some names have."""
    if place is None:
        return None
    file, line, name = place
    return file, line, re.sub(r" at 0x[0-9a-f]+", " at 0x", name)


def add(into, key, counts):
    old = into.get(key, (0, 0))
    into[key] = old[0] + counts[0], old[1] + counts[1]


def known_of(rows):
    """Edges, and functions as edges from nobody, below the entry."""
    found = {}
    for caller, callee, calls, primitive in rows:
        callee, caller = plain(callee), plain(caller)
        if "_lsprof.Profiler" not in callee[2]:
            add(found, (caller, callee), (calls, primitive))
    return found


def cprofile(module, program):
    done = run(workload(module), "--cprofile", program, 1, profile=False,
               env=ENV)
    return known_of(json.loads(done.stdout))


def counted(log):
    """What a log has, in the same form."""
    found = {}
    for (caller, callee), c in log.edges().items():
        add(found, (plain(caller), plain(callee)), (c.calls, c.primitive))
    for callee, c in log.functions().items():
        add(found, (None, plain(callee)), (c.calls, c.primitive))
    return found


def reported(path):
    """The same from the report's JSON."""
    out = subprocess.run([REPORT, "-f", "json", "-o", "-", path], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not expect(out.returncode == 0, f"{path}: the report ended with"
                  f" {out.returncode}: {out.stderr.decode()}"):
        return {}
    data = json.loads(out.stdout)
    found, places = {}, []
    for f in data["functions"]:
        name = f["name"]
        if f["file"] != "~":  # qualified where Python has that
            name = name.split(".")[-1]
        place = plain((f["file"], f["line"], name))
        places.append(place)
        if f.get("calls"):
            add(found, (None, place), (f["calls"], f["primitive_calls"]))
    for e in data["calls"]:
        add(found, (places[e["caller"]], places[e["callee"]]),
            (e["calls"], e["primitive_calls"]))
    return found


def difference(two, one):
    """One run: what the driver's module calls is not below the entry."""
    found = {}
    for key, (calls, primitive) in two.items():
        once = one.get(key, (0, 0))
        counts = calls - once[0], primitive - once[1]
        if counts != (0, 0):
            found[key] = counts
    return found


def below(found):
    """Without calls by the driver's main()."""
    return {k: v for k, v in found.items()
            if not (k[0] and k[0][0] == COMPARED)}


def traced(module, program, times):
    path = f"{program}.{times}.bin"
    done = run(workload(module), program, times, output=path, env=ENV,
               trace="calls")
    log = pplog.read(done.log)
    expect(log.trace == 1 and log.builtins == 1, f"{program}: not traced")
    wrong = log.unbalanced()
    expect(not wrong, f"{program}: {wrong}")
    expect(log.counters["uncounted"] == 0, f"{program}: uncounted calls")
    return log, path


def overridden(mine, theirs):
    """cProfile names a method of C by what its name leads to in the type of
    `self`, which may be a function in Python that overrides it, as the close()
    of socket.socket; of theirs, with the names of ours."""
    found = {}
    for (caller, callee), counts in theirs.items():
        name = re.match(r"<function (?:.*\.)?(\w+) at 0x>", callee[2])
        if name and callee[0] == "~":
            like = (f"<method '{name.group(1)}' of ",
                    f"<built-in method {name.group(1)}>")
            callee = next((b for a, b in mine if a == caller and b[0] == "~"
                           and b[2].startswith(like)
                           and (a, b) not in theirs), callee)
        add(found, (caller, callee), counts)
    return found


def compare(what, mine, theirs):
    mine = below(mine)
    theirs = overridden(mine, below(theirs))
    wrong = [k for k in {**theirs, **mine} if mine.get(k) != theirs.get(k)]
    for key in wrong[:12]:
        print("   ", key[0] and f"{os.path.basename(key[0][0])}:{key[0][1]}"
              f" {key[0][2]}", "->", key[1], "calls, primitive:",
              mine.get(key), "of ours,", theirs.get(key), "of cProfile")
    expect(not wrong, f"{what}: {len(wrong)} of {len(theirs)} functions and"
           " edges are not as in cProfile")
    return sum(calls for (caller, _), (calls, _) in theirs.items()
               if caller is None)


def check(module, program, with_report):
    theirs = cprofile(module, program)
    if failures:
        return 0
    two, path2 = traced(module, program, 2)
    one, path1 = traced(module, program, 1)
    if with_report:
        compare(f"{program}, by the report",
                difference(reported(path2), reported(path1)), theirs)
    return compare(program, difference(counted(two), counted(one)), theirs)


def main():
    programs = [(m, p) for m in PROGRAMS for p in PROGRAMS[m]]
    programs = our_share(programs, 2)
    calls = 0
    for i, (module, program) in enumerate(programs):
        with_report = FULL or i == NUMBER % len(programs)
        calls += check(module, program, with_report)
    figures("trace-cprofile", f"{len(programs)} programs, {calls} calls in all")


main()
finish()
