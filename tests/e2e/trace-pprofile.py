# SPDX-License-Identifier: MIT
# Every line has the hits that pprofile gives it, and every line's calls are
# pprofile's, on programs with threads, recursion, exceptions, encodings, two
# calls on a line, decorators, comprehensions, generators and statements of
# several lines.
# each: interpreter
# parallel: yes
# timeout: 600
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
import annotated
from profiled import *

# Debian's, which is Python only and so runs in every version
PPROFILE = "/usr/lib/python3/dist-packages/pprofile"

LATIN = """# -*- coding: iso-8859-15 -*-
def gr\xfc\xdfe(n):
    return "\xe4\xf6\xfc" * n  # \u20ac

for i in range(3):
    gr\xfc\xdfe(i)
"""
BOM = """\ufeffdef caf\xe9(n):
    return [
        "\u6f22\u5b57 %d" % i
        for i in range(n)]
print(len(caf\xe9(3)), ascii(caf\xe9(1)))
"""
CRLF = "def a():\r\n    return 1\r\n\r\na(), a()\r\na()\r\n"
NO_END = "def a():\n\tfor i in range(3):\n\t\tyield i\nlist(a())"
HOMONYM = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "package"))
import inner_a.same, inner_b.same
for i in range(4):
    inner_a.same.f()
inner_b.same.f()
"""
RAISES = """
def a(n):
    if n: a(n - 1)
    raise KeyError(n)
def b():
    try:
        a(3)
    finally:
        c()
def c(): pass
try: b()
except KeyError: c()
raise SystemExit
"""


def write(path, text, encoding="utf-8"):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(text.encode(encoding))


def write_programs():
    shutil.copy(workload("line_shapes.py"), "shapes.py")
    write("latin.py", LATIN, "iso-8859-15")
    write("bom.py", BOM)
    write("crlf.py", CRLF)
    write("noend.py", NO_END)
    write("raises.py", RAISES)
    write("homonym.py", HOMONYM)
    for name in "ab":
        write(f"package/inner_{name}/__init__.py", f"NAME = '{name}'\n")
        write(f"package/inner_{name}/same.py", "def f():\n"
              + "    len('x')\n" * (1 + (name == "b")) + "    return 1\n")
    return ("shapes.py", "latin.py", "bom.py", "crlf.py", "noend.py",
            "raises.py", "homonym.py")


def by_pprofile(program):
    run("-m", "pprofile", "-o", "theirs.txt", program, profile=False,
        env={"PYTHONPATH": os.path.abspath("peer"),
             "PYTHONDONTWRITEBYTECODE": 1})
    with open("theirs.txt", errors="replace") as file:
        return annotated.parse(file.read())


def by_us(program):
    done = run(program, trace="lines", output=program + ".bin",
               env={"PYTHONDONTWRITEBYTECODE": 1})
    out = subprocess.run([REPORT, "--annotate", "-o", "-", done.log],
                         check=False, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    expect(out.returncode == 0, f"{program}: the report ended with"
           f" {out.returncode}: {out.stderr.decode()}")
    text = out.stdout.decode(errors="replace")
    with open("ours.txt", "w") as file:
        file.write(text)
    return annotated.parse(text)


def own(files):
    """The program's files, by what they are called from here."""
    here = os.getcwd() + os.sep
    return {path[len(here):] if path.startswith(here) else path: rows
            for path, rows in files.items()
            if path.startswith(here) or not path.startswith(("/", "<"))}


def own_calls(calls):
    """Calls of the program's functions."""
    here = os.getcwd() + os.sep
    return {(line, file.replace(here, ""), first, name): count
            for (line, file, first, name), count in calls.items()
            if not file.replace(here, "").startswith(("/", "<", "~"))}


def source_line(file, line):
    with open(file, errors="replace") as f:
        return (f.read().splitlines() + [""] * line)[line - 1].strip()


def compare(program):
    theirs, ours = own(by_pprofile(program)), own(by_us(program))
    if not expect(set(theirs) <= set(ours), f"{program}: files"
                  f" {sorted(set(theirs) - set(ours))} are missing"):
        return 0
    lines = 0
    for file, (hits, calls) in theirs.items():
        mine, my_calls = ours[file]
        lines += sum(1 for n in hits.values() if n)
        for line in sorted({**hits, **mine}):
            expect(hits.get(line, 0) == mine.get(line, 0), f"{file}:{line} has"
                   f" {mine.get(line, 0)} hits, {hits.get(line, 0)} by"
                   f" pprofile: {source_line(file, line)}")
        calls, my_calls = own_calls(calls), own_calls(my_calls)
        for key in sorted({**calls, **my_calls}):
            expect(calls.get(key, 0) == my_calls.get(key, 0),
                   f"{file}:{key[0]} calls {key[3]} (line {key[2]})"
                   f" {my_calls.get(key, 0)} times,"
                   f" {calls.get(key, 0)} by pprofile")
    return lines


def main():
    if not os.path.isdir(PPROFILE):
        print("no python3-pprofile here")
        sys.exit(77)
    shutil.copytree(PPROFILE, "peer/pprofile",
                    ignore=shutil.ignore_patterns("__pycache__"))
    programs = write_programs()
    lines = sum(compare(program) for program in programs)
    figures("trace-pprofile", f"{len(programs)} programs, {lines} lines that"
            " were run")


main()
finish()
