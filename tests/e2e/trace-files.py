# SPDX-License-Identifier: MIT
# --include and --exclude of a traced program, by pprofile's rules: a file is
# traced if it is not excluded, or is included; --include alone excludes the
# rest. What is left out has no row, its C functions neither, and its time is
# that of the traced function that called it. What is kept has every call and
# every line that it has without, whatever passes through the files left out:
# generators, exceptions, coroutines, callbacks, threads.
# each: interpreter
# parallel: yes
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

WRAP = os.path.join(os.environ["B"], "pyprof-wrap")

A = """
import time
import b, c

def call(function, *args):
    return function(*args)

def deep(n):
    return b.deep(n - 1) if n else 0

def counted():
    yield 1
    yield 2

def burn_a(ms):
    end = time.perf_counter() + ms / 1000
    while time.perf_counter() < end:
        pass

def raises():
    raise KeyError("a")

def length(text):
    return len(text)
"""
B_ = """
import a, c, time

def call(function, *args):
    return function(*args)

def deep(n):
    return c.deep(n - 1) if n else 0

def counted():
    yield 1
    yield from a.counted()

def thrown():
    try:
        yield 1
    except ValueError:
        a.length("caught")
        yield 2
    finally:
        a.length("closed")

def burn_b(ms):
    end = time.perf_counter() + ms / 1000
    while time.perf_counter() < end:
        pass

def raises():
    try:
        a.raises()
    finally:
        a.length("passed")

def length(text):
    return sum(map(len, text.split()))

def sorts(n):
    return sorted([n, 1])

async def waits(what):
    await what
    a.length("waited")
    return sorted([3, 1, 2])
"""
C = """
import a

def call(function, *args):
    return function(*args)

def deep(n):
    return a.deep(n - 1) if n else 0

def counted():
    for n in a.counted():
        yield n

class Held:
    def __enter__(self):
        a.length("enter")
    def __exit__(self, *what):
        a.length("exit")
        return True

def length(text):
    return str(text).count("x")
"""
MAIN = """
import sys, threading
import a, b, c

class Step:
    def __await__(self):
        yield 1

def work():
    for module in a, b, c:
        for other in a, b, c:
            for _ in range(5):
                module.call(other.length, "x y")
        print(list(module.counted()), module.deep(30))
    for n in range(10):
        g = b.thrown()
        next(g)
        print(g.throw(ValueError) if n % 2 else g.close())
        del g
    for _ in range(4):
        g = b.thrown()
        next(g)
        try:
            g.throw(KeyError)
        except KeyError:
            pass
        try:
            b.raises()
        except KeyError:
            pass
        with c.Held():
            a.raises()
        w = b.waits(Step())
        try:
            while True:
                w.send(None)
        except StopIteration as e:
            print(e.value)
        w = b.waits(Step())
        w.send(None)
        try:
            w.throw(OSError)
        except OSError:
            w.close()
    print(b.call(c.call, a.call, b.call, sorted, [2, 1], key) if 0 else
          sorted([2, 1], key=a.length if 0 else key))
    t = threading.Thread(target=b.call, args=(a.length, "thread"))
    t.start(), t.join()

def key(n):
    return n

work()
work()
"""
FILES = ("a.py", "b.py", "c.py", "main.py")

# include, exclude: what is kept of FILES
CASES = (
    ("/a[.]py", None, ("a.py",)),
    ("/(a|c)[.]py$", None, ("a.py", "c.py")),
    (None, "/b[.]py$", ("a.py", "c.py", "main.py")),
    (None, "/(a|b|c)[.]py", ("main.py",)),
    (None, "/main[.]", ("a.py", "b.py", "c.py")),
    (None, ".", ()),
    ("nothing at all", None, ()),
    ("/b[.]py$", "/[abc][.]py$", ("b.py", "main.py")),
    ("/b[.]py$", ".", ("b.py",)),
    ("/b[.]py$", "nothing at all", FILES),
    (".", ".", FILES),
)


def rows(log, wanted):
    """Calls and lines of the files that are wanted, and the C functions that
    these call, by caller."""
    here = {os.path.abspath(name) for name in wanted}
    functions = {k: v for k, v in log.functions().items() if k[0] in here}
    lines = {k: v for k, v in log.lines().items() if k[0][0] in here}
    builtins = {k: v for k, v in log.edges().items()
                if k[1][0] == "~" and k[0] and k[0][0] in here}
    return functions, lines, builtins


def files_of(log):
    return {key[0] for key in log.functions() if key[0] != "~"}


def program(name, **settings):
    done = run(os.path.abspath("main.py"), output=name + ".bin",
               env={"PYTHONDONTWRITEBYTECODE": 1}, **settings)
    log = pplog.read(done.log)
    wrong = log.unbalanced()
    expect(not wrong, f"{name}: {wrong}")
    expect(log.counters["uncounted"] == 0, f"{name}: uncounted calls")
    return log, done.stdout


def differences(what, got, want):
    """Ours against what a run of all files has."""
    for key in sorted(set(got) | set(want), key=repr):
        expect(got.get(key) == want.get(key),
               f"{what}: {key} has {got.get(key)}, without {want.get(key)}")


def same_as_all(trace, all_files, printed):
    for number, (include, exclude, kept) in enumerate(CASES):
        name = f"{trace}-{number}"
        what = f"{trace}, include {include}, exclude {exclude}"
        log, said = program(name, trace=trace, include=include,
                            exclude=exclude)
        expect(said == printed, f"{what}: printed {said!r}, not {printed!r}")
        for kind, got, want in zip(("calls", "lines", "C functions"),
                                   rows(log, FILES), rows(all_files, kept)):
            differences(f"{what}: {kind}", got, want)
        others = files_of(log) - {os.path.abspath(f) for f in FILES}
        if not set(FILES) <= set(kept) and (exclude or ".") == ".":
            expect(not others, f"{what}: {sorted(others)[:4]} are traced")
        # a C function is the only one in a row whose caller is no file kept
        strays = [k for k in log.edges() if k[1][0] == "~" and k[0]
                  and k[0][0] not in files_of(log) | {"~"}]
        expect(not strays, f"{what}: C functions of others: {strays[:3]}")


# ---- a C function that both call ---------------------------------------------

NESTED = """
import b, sys
def run():
    return sorted([3, 1, 2], key=step)
def step(n):
    b.sorts(n)
    return leaf(n)
def leaf(n):
    return int(n)
run()
if sys.version_info >= (3, 12):
    import dis
    for function in b.sorts, leaf:
        print([i.opname for i in dis.get_instructions(function, adaptive=True)
               if i.opname.startswith("INSTRUMENTED")])
"""


def nested():
    """sorted() ends in b, which is left out, while sorted() of run() is open:
    that one goes on. From 3.12 on b's code is freed of events."""
    with open("nested.py", "w") as file:
        file.write(NESTED)
    done = run(os.path.abspath("nested.py"), output="nested.bin",
               trace="calls", include="/nested[.]py$",
               env={"PYTHONDONTWRITEBYTECODE": 1})
    got = {tuple(k and k[2].split()[-1].strip(">") for k in edge): c.calls
           for edge, c in pplog.read(done.log).edges().items()}
    for edge, calls in ((("run", "builtins.sorted"), 1),
                        (("builtins.sorted", "step"), 3),
                        (("step", "leaf"), 3), (("step", "builtins.sorted"), 0),
                        (("run", "step"), 0), (("run", "leaf"), 0)):
        expect(got.get(edge, 0) == calls, f"nested: {edge} has"
               f" {got.get(edge, 0)} calls, not {calls}, of {got}")
    if MINOR >= 12:
        left_out, kept = map(eval, done.stdout.splitlines()[-2:])
        expect(kept and not left_out, f"nested: {left_out} are in what is left"
               f" out, {kept} in what is kept")


# ---- time ------------------------------------------------------------------

TIMES = """
import a, b
def work():
    a.call(b.burn_b, 150)
    b.call(a.burn_a, 100)
    b.burn_b(50)
work()
"""


def report_of(path):
    done = subprocess.run([REPORT, "-f", "json", "-o", "-", path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode == 0 and not done.stderr, f"{path}: exit"
           f" {done.returncode}: {done.stderr.decode()}")
    return {(os.path.basename(f["file"]), f["name"].split(".")[-1]):
            (f["raw_self_ns"] / 1e6, f["raw_total_ns"] / 1e6)
            for f in json.loads(done.stdout)["functions"]}


def times(trace):
    """150 ms that a.call() spends in b are its own, 50 ms are work()'s, and
    none is lost; b.call() has no row, and its caller calls burn_a()."""
    with open("times.py", "w") as file:
        file.write(TIMES)
    done = run(os.path.abspath("times.py"), output=f"times-{trace}.bin",
               trace=trace, exclude="/b[.]py$",
               env={"PYTHONDONTWRITEBYTECODE": 1},
               builtins="0" if trace == "calls" else None)
    found = report_of(done.log)
    log = pplog.read(done.log)
    edges = {(k[0] and k[0][2], k[1][2]) for k in log.edges()}
    expect(("work", "burn_a") in edges, f"{trace}: burn_a() is called by"
           f" {[e for e in edges if e[1] == 'burn_a']}, not by work()")
    # as measured: they wait by the clock, so that what tracing takes is no
    # more time but fewer turns. Others may have the processor meanwhile
    for key, own, total in ((("a.py", "call"), 150, 150),
                            (("a.py", "burn_a"), 100, 100),
                            (("times.py", "work"), 50, 300)):
        got = found.get(key, (0, 0))
        expect(0.98 * own <= got[0] <= 3 * own + 100
               and 0.98 * total <= got[1] <= 3 * total + 100,
               f"{trace}: {key} has {got} ms, not about {own}, {total};"
               f" {load()}")
    expect(not [k for k in found if k[0] == "b.py"], f"{trace}: b.py has rows")


def costs(all_files):
    """What events cost is measured on code of ours, which no expression leaves
    out: as without, but for what the machine does in those milliseconds."""
    log, _ = program("costs", trace="calls", include="nothing at all")
    for kind in "python", "c":
        got, want = (sum(of.costs[kind + part] for part in
                         ("_inside", "_outside")) for of in (log, all_files))
        expect(want / 6 < got < 6 * want, f"a {kind} call costs {got} ticks,"
               f" without expressions {want}; {load()}")


# ---- the wrapper -----------------------------------------------------------

def wrapped(name, *flags):
    words = [*RUN, WRAP, "-q", "--trace=calls", "-o", name, *flags, EXE, "-B",
             os.path.abspath("main.py")]
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    expect(done.returncode == 0 and not done.stderr, f"{flags}: exit"
           f" {done.returncode}: {done.stderr.decode()}")
    return {os.path.basename(f) for f in files_of(pplog.read(name))}


def repeated():
    for flags, want in (
            (["--include", "/a[.]py$", "--include", "/b[.]py$"],
             {"a.py", "b.py"}),
            (["--include=/a[.]", "--include=/b[.]", "--include=/main[.]"],
             {"a.py", "b.py", "main.py"}),
            # each is one expression, with alternatives of its own
            (["--include=/a[.]py|/c[.]py", "--include=/main[.]"],
             {"a.py", "c.py", "main.py"}),
            (["--exclude=.", "--include=/c[.]py"], {"c.py"}),
            (["--exclude=/lib/|<|/a[.]", "--exclude=/b[.]",
              "--include=/b[.]py"], {"b.py", "c.py", "main.py"})):
        got = wrapped("wrapped.bin", *flags)
        expect(got == want, f"{flags}: {sorted(got)}, not {sorted(want)}")


def main():
    for name, source in zip(FILES, (A, B_, C, MAIN)):
        with open(name, "w") as file:
            file.write(source)
    plain = run(os.path.abspath("main.py"), profile=False,
                env={"PYTHONDONTWRITEBYTECODE": 1})
    for trace in ("calls", "lines"):
        log, printed = program(trace, trace=trace)
        expect(printed == plain.stdout, f"{trace}: printed {printed!r}")
        expect(len(rows(log, FILES)[0]) > 20, f"{trace}: few functions")
        same_as_all(trace, log, printed)
        times(trace)
        if trace == "calls":
            costs(log)
    nested()
    repeated()
    figures("trace-files", f"{2 * len(CASES)} filters, {len(printed)} bytes"
            " printed alike")


main()
finish()
