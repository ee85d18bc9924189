# SPDX-License-Identifier: MIT
# Every line of every function has the hits that line_profiler has counted. They
# are taken from its table: what Debian's 4.0.2 reports of a line that is
# followed by one or another, as of an `if`, is the hits before one of the two
# only.
# timeout: 300
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
# line_profiler is compiled for Debian's Python
DEBIAN = "/usr/bin/python3"
VERSION_OF = "import platform; print(platform.python_version())"
os.environ.update(EXE=DEBIAN, RUN="env", PYVERSION=subprocess.check_output(
    [DEBIAN, "-c", VERSION_OF], text=True).strip())
from profiled import *

UNDER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import line_profiler, line_shapes
profiler = line_profiler.LineProfiler()
for function in line_shapes.FUNCTIONS:
    profiler.add_function(function)
line_shapes.work()
profiler.enable_by_count()
line_shapes.work()
profiler.disable_by_count()
table = profiler.c_code_map
print(json.dumps([
    [[code.co_filename, code.co_firstlineno, code.co_name],
     [[row["lineno"], row["nhits"]] for hash in hashes
      for row in table.get(hash, {}).values()]]
    for code, hashes in profiler.code_hash_map.items()]))
"""
ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import line_shapes
for _ in range(int(sys.argv[2])): line_shapes.work()
"""


def by_line_profiler(folder):
    done = run("-c", UNDER, folder, profile=False)
    found = {}
    for key, lines in json.loads(done.stdout):
        for line, hits in lines:
            at = tuple(key), line
            found[at] = found.get(at, 0) + hits
    return found


def by_us(folder, times):
    done = run("-c", ALONE, folder, times, trace="lines",
               output=f"ours{times}.bin")
    return {key: hits.hits
            for key, hits in pplog.read(done.log).lines().items()}


def main():
    if subprocess.run([DEBIAN, "-c", "import line_profiler"], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        print("no python3-line-profiler here")
        sys.exit(77)
    folder = workload("")
    theirs = by_line_profiler(folder)
    once, twice = by_us(folder, 1), by_us(folder, 2)
    functions = {label for label, _ in theirs}
    ours = {key: n - once.get(key, 0) for key, n in twice.items()
            if key[0] in functions and n - once.get(key, 0)}
    for key in sorted({**ours, **theirs}):
        expect(ours.get(key, 0) == theirs.get(key, 0), f"{key[0][2]}, line"
               f" {key[1]}: {ours.get(key, 0)} hits, {theirs.get(key, 0)} by"
               " line_profiler")
    figures("trace-line-profiler", f"{len(functions)} functions,"
            f" {len(theirs)} lines that were run")


main()
finish()
