# SPDX-License-Identifier: MIT
# Tools of the program's own inside a traced program: trace, bdb and pdb,
# sys.settrace and sys.setprofile find what they find without us. Our counts are
# whole beside them; before 3.12, where a thread has room for one function, they
# are whole or the report names the thread and the time of what is missing.
# Threads that C code begins are traced, or before 3.12 named as untraced.
# each: interpreter
# parallel: yes
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

MONITORING = MINOR >= 12
KINDS = ("calls", "lines")

NOTE = re.compile(r"thread \d+: not traced, the program profiles itself,"
                  r" from \d+\.\d\d s on")
NAMED = re.compile(r"^untraced +thread .*\d+, \d+\.\d+ s of CPU$", re.M)

# work() has 11 lines run, and calls leaf() five times
HEAD = """
import sys
def leaf(n):
    m = n + 1
    return m
def work():
    total = 0
    for n in range(5):
        total += leaf(n)
    return total
work()
"""
TAIL = """
work()
"""

cases = []


def case(function):
    cases.append(function)
    return function


def report_text(path):
    done = subprocess.run([REPORT, "-f", "text", "-o", "-", path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode == 0, f"{path}: the report ended with"
           f" {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def without_addresses(text):
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def outcome(path, stdin, name, profile=True, **settings):
    """What a program with this on stdin ends with, as text."""
    words = command([path], profile=profile, env={"PYTHONDONTWRITEBYTECODE": 1,
                                                  "COLUMNS": 80},
                    output=name, **settings)
    with open(name + ".stdin", "w") as file:
        file.write(stdin)
    with open(name + ".stdin") as file:
        try:
            done = subprocess.run(words, check=False, stdin=file, timeout=100,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            expect(False, f"{path} {settings} had not ended; {load()}")
            finish()
    return (done.returncode, without_addresses(done.stdout.decode()),
            without_addresses(done.stderr.decode()))


def counted(log, name):
    """Calls, and the lines' hits, of the program's function of a name."""
    calls = sum(c.calls for (file, _, n), c in log.functions().items()
                if n == name and os.path.dirname(file) in ("", os.getcwd()))
    hits = {}
    for ((file, _, n), line), h in log.lines().items():
        if n == name and os.path.dirname(file) in ("", os.getcwd()) and h.hits:
            hits[line] = h.hits
    return calls, hits


def beside(name, use, calls, stdin="", status=0, head=HEAD, tail=TAIL,
           gaps=()):
    """HEAD, the tool, TAIL: printed alike, and so many calls in truth.

    calls: {function: its calls}. gaps: the kinds of trace that take the hook
    which the tool takes too, before 3.12.
    """
    path = os.path.abspath(name.replace(" ", "_") + ".py")
    with open(path, "w") as file:
        file.write(head + use + tail)
    plain = outcome(path, stdin, "plain.bin", profile=False)
    expect(plain[0] == status, f"{name} itself: {plain}")
    for kind in KINDS:
        what = f"{name}, {kind}"
        log_name = f"{name.replace(' ', '_')}-{kind}.bin"
        got = outcome(path, stdin, log_name, trace=kind)
        expect(got == plain, f"{what}: {plain} without, {got} with us")
        try:
            log = pplog.read(log_name)
        except (OSError, pplog.Broken) as e:
            expect(False, f"{what}: {e!r}")
            continue
        wrong = log.header["ended"] and log.unbalanced()
        expect(not wrong, f"{what}: {wrong}")
        expect(log.counters["uncounted"] == 0, f"{what}: uncounted calls")
        judge(what, kind, log, report_text(log_name), calls,
              not MONITORING and kind in gaps)


def judge(what, kind, log, text, calls, may_have_gap):
    found = {name: counted(log, name) for name in calls}
    exact = all(found[name][0] == n for name, n in calls.items())
    noted = NOTE.search(text)
    if exact and kind == "lines" and "leaf" in calls:
        exact = lines_are(found, calls, what if not noted else None)
    if may_have_gap and not exact:
        expect(noted, f"{what}: {found}, not {calls}, and the report has no"
               " note of it")
        expect(all(found[name][0] <= n for name, n in calls.items()),
               f"{what}: more than {calls}: {found}")
        print(f"{what}: gap noted: {noted and noted.group(0)}")
        return
    expect(exact, f"{what}: {found}, not {calls}")
    expect(not noted or may_have_gap, f"{what}: a note of a gap: {noted}")


def lines_are(found, calls, what):
    """leaf() has two lines, each run at each call."""
    hits = found["leaf"][1]
    good = list(hits.values()) == [calls["leaf"]] * 2
    if "work" in calls:
        n = calls["work"]
        got = sorted(found["work"][1].values())
        good = good and got == sorted([n, 6 * n, 5 * n, n])
    if what:
        expect(good, f"{what}: hits {found}")
    return good


# ---- the standard library's ------------------------------------------------

@case
def trace_count():
    beside("trace count", """
import trace
t = trace.Trace(count=1, trace=0)
t.runfunc(work)
print(sorted((line, n) for (file, line), n in t.results().counts.items()
             if file == __file__))
""", {"work": 3, "leaf": 15}, gaps=KINDS)


@case
def trace_lines():
    beside("trace lines", """
import trace
t = trace.Trace(count=0, trace=1, ignoredirs=[sys.prefix, sys.exec_prefix])
t.runfunc(work)
""", {"work": 3, "leaf": 15}, gaps=KINDS)


@case
def trace_callers():
    beside("trace callers", """
import trace
t = trace.Trace(count=0, trace=0, countcallers=1)
t.runfunc(work)
print(sorted((a[2], b[2]) for a, b in t.results().callers))
t = trace.Trace(count=0, trace=0, countfuncs=1)
t.runfunc(work)
print(sorted(f[2] for f in t.results().calledfuncs))
""", {"work": 4, "leaf": 20}, gaps=KINDS)


@case
def pdb_steps():
    """Breaks, steps, goes up, looks and goes on. Not by set_trace(): from 3.13
    on that stops a statement later beside whatever tool of sys.monitoring."""
    beside("pdb steps", """
import pdb
pdb.Pdb(nosigint=True, readrc=False).run("work()\\nwork()", globals())
""", {"work": 4, "leaf": 20}, gaps=KINDS, stdin="""
step
step
next
next
step
args
up
p total
down
return
break leaf, n == 3
continue
p n
clear 1
continue
""")


@case
def pdb_runs():
    beside("pdb runs", """
import pdb
print(pdb.Pdb(nosigint=True, readrc=False).runcall(work))
""", {"work": 3, "leaf": 15}, gaps=KINDS,
           stdin="b leaf\nc\nc\nw\nunt\nr\ncl 1\ntbreak 10\nc\np total\nc\n")


@case
def pdb_post_mortem():
    beside("pdb post mortem", """
import pdb
def bad():
    leaf(1)
    raise KeyError("bad")
try:
    bad()
except KeyError as e:
    pdb.post_mortem(e.__traceback__)
""", {"work": 2, "leaf": 11, "bad": 1}, gaps=KINDS,
           stdin="w\nu\np e.args\nd\np n\nq\n")


@case
def own_bdb():
    beside("own bdb", """
import bdb
class Mine(bdb.Bdb):
    def user_line(self, frame):
        if frame.f_code.co_filename == __file__:
            seen.append((frame.f_code.co_name, frame.f_lineno))
        self.set_step()
    def user_return(self, frame, value):
        seen.append((frame.f_code.co_name, value))
seen = []
m = Mine()
m.runcall(work)
print(seen)
""", {"work": 3, "leaf": 15}, gaps=KINDS)


@case
def breakpoints():
    beside("breakpoints", """
def hook():
    print(sys._getframe(1).f_code.co_name)
sys.breakpointhook = hook
breakpoint()
work()
""", {"work": 3, "leaf": 15, "hook": 1})


# ---- sys.settrace ----------------------------------------------------------

COUNTER = """
hits = {}
def tracer(frame, event, arg):
    if frame.f_code.co_filename != __file__:
        return None
    key = frame.f_code.co_name, event, frame.f_lineno
    hits[key] = hits.get(key, 0) + 1
    return tracer
"""


@case
def line_counter():
    beside("line counter", COUNTER + """
sys.settrace(tracer)
work()
work()
print(sys.gettrace() is tracer)
sys.settrace(None)
print(sorted(hits.items()), sys.gettrace())
""", {"work": 4, "leaf": 20}, gaps=KINDS)


@case
def counter_left():
    """Never taken away: the program ends with it."""
    beside("counter left", COUNTER + """
import atexit
atexit.register(lambda: print(sorted(h for h in hits.items()
                                     if h[0][0] in ("leaf", "work"))))
sys.settrace(tracer)
""", {"work": 2, "leaf": 10}, gaps=KINDS)


@case
def counter_in_threads():
    beside("counter in threads", COUNTER + """
import threading
threading.settrace(tracer)
for _ in range(3):
    t = threading.Thread(target=work)
    t.start(), t.join()
threading.settrace(None)
t = threading.Thread(target=work)
t.start(), t.join()
print(sorted(h for h in hits.items() if h[0][0] in ("leaf", "work")))
""", {"work": 6, "leaf": 30}, gaps=KINDS)


@case
def counter_raises():
    """A trace function that raises is taken away, as without us."""
    beside("counter raises", """
def tracer(frame, event, arg):
    if frame.f_code is leaf.__code__ and event == "line":
        raise RuntimeError("mine")
    return tracer
sys.settrace(tracer)
try:
    work()
except RuntimeError as e:
    print(e)
print(sys.gettrace())
work()
""", {"work": 4}, gaps=KINDS)


@case
def on_and_off():
    beside("on and off", COUNTER + """
for _ in range(10):
    sys.settrace(tracer)
    work()
    sys.settrace(None)
    work()
    sys.setprofile(lambda *args: None)
    work()
    sys.setprofile(None)
print(sorted(h for h in hits.items() if h[0][0] in ("leaf", "work")),
      sys.gettrace(), sys.getprofile())
""", {"work": 32, "leaf": 160}, gaps=KINDS)


@case
def own_opcodes():
    beside("own opcodes", """
seen = []
def tracer(frame, event, arg):
    frame.f_trace_opcodes = True
    if frame.f_code is leaf.__code__:
        seen.append((event, frame.f_lineno, frame.f_lasti))
    return tracer
sys.settrace(tracer)
work()
sys.settrace(None)
print(seen)
""", {"work": 3, "leaf": 15}, gaps=KINDS)


@case
def jumps():
    """A trace function may set the line that comes next."""
    beside("jumps", """
def jumped():
    leaf(1)
    leaf(2)
    leaf(3)
def tracer(frame, event, arg):
    if frame.f_code is jumped.__code__:
        line = frame.f_lineno - jumped.__code__.co_firstlineno
        if event == "line" and line == 2:
            frame.f_lineno += 1
        return tracer
sys.settrace(tracer)
jumped()
sys.settrace(None)
""", {"work": 2, "jumped": 1, "leaf": 12}, gaps=KINDS)


@case
def both_hooks():
    beside("both hooks", COUNTER + """
seen = []
def profiler(frame, event, arg):
    if frame.f_code is leaf.__code__:
        seen.append(event)
sys.setprofile(profiler)
sys.settrace(tracer)
work()
sys.settrace(None)
sys.setprofile(None)
print(seen, sorted(h for h in hits.items() if h[0][0] in ("leaf", "work")))
""", {"work": 3, "leaf": 15}, gaps=KINDS)


@case
def c_tracer():
    """A C function of another tool, as coverage has one: the same by ctypes,
    which no sys.settrace() shows."""
    beside("c tracer", """
import ctypes
FUNCTION = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.py_object,
                             ctypes.c_int, ctypes.c_void_p)
seen = []
@FUNCTION
def mine(object, frame, what, argument):
    if frame.f_code is leaf.__code__:
        seen.append(what)
    return 0
set_ = ctypes.pythonapi.PyEval_SetTrace
set_.argtypes = [ctypes.c_void_p, ctypes.py_object]
set_.restype = None
set_(ctypes.cast(mine, ctypes.c_void_p), None)
work()
set_(None, None)
print(seen)
""", {"work": 3, "leaf": 15}, gaps=KINDS)


# ---- threads of C code -----------------------------------------------------

FOREIGN_C = """
#include <pthread.h>
typedef void function(int);
static function *to_call;
static int times;
static void *run(void *unused)
{
	for (int i = 0; i < times; i++)
		to_call(i);
	return unused;
}
int begin(function *f, int n)
{
	pthread_t thread;
	to_call = f;
	times = n;
	if (pthread_create(&thread, 0, run, 0))
		return -1;
	return pthread_join(thread, 0);
}
"""
FOREIGN = """
import ctypes, os, time
library = ctypes.CDLL(os.path.abspath("foreign.so"))
FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_int)
def burn(n):
    end = time.perf_counter() + 0.02
    while time.perf_counter() < end:
        pass
@FUNCTION
def called(n):
    work()
    burn(n)
print(library.begin(called, 5))
"""


def foreign(name, use, calls):
    """Traced, or named in the report with the CPU time that it had."""
    path = os.path.abspath(name.replace(" ", "_") + ".py")
    with open(path, "w") as file:
        file.write(HEAD + use + TAIL)
    plain = outcome(path, "", "plain.bin", profile=False)
    expect(plain[0] == 0, f"{name} itself: {plain}")
    for kind in KINDS:
        what = f"{name}, {kind}"
        log_name = f"{name.replace(' ', '_')}-{kind}.bin"
        got = outcome(path, "", log_name, trace=kind)
        expect(got == plain, f"{what}: {plain} without, {got} with us")
        log = pplog.read(log_name)
        text = report_text(log_name)
        found = {n: counted(log, n)[0] for n in calls}
        named = NAMED.search(text)
        if found == calls:
            expect(not named, f"{what}: all is traced, and yet {named}")
            continue
        expect(not MONITORING, f"{what}: {found}, not {calls}")
        expect(named, f"{what}: {found}, not {calls}, and the report names no"
               " thread that is untraced")
        expect(all(found[n] <= calls[n] for n in calls), f"{what}: {found} is"
               f" more than {calls}")
        print(f"{what}: {found} of {calls}, named: {bool(named)}")


@case
def thread_of_c():
    foreign("thread of c", FOREIGN, {"called": 5, "work": 7, "burn": 5})


@case
def thread_of_c_holding():
    """Its thread state lives on between the calls."""
    foreign("thread of c holding", FOREIGN.replace(
        "def called(n):", "def called(n):\n    for _ in range(3): hold()")
        .replace("@FUNCTION\n", "def hold(): time.sleep(0.001)\n@FUNCTION\n"),
        {"called": 5, "work": 7, "burn": 5, "hold": 15})


@case
def two_threads_of_c():
    """Beside a Python thread that runs at the same time."""
    foreign("two threads of c", FOREIGN + """
import threading
t = threading.Thread(target=lambda: [work() for _ in range(100)])
t.start()
print(library.begin(called, 3))
t.join()
""", {"called": 8, "work": 110, "burn": 8})


def main():
    with open("foreign.c", "w") as file:
        file.write(FOREIGN_C)
    subprocess.run([*shlex.split(os.environ.get("CC", "gcc")), "-shared",
                    "-fPIC", "-o", "foreign.so", "foreign.c", "-lpthread"],
                   check=True, timeout=60)
    chosen = our_cases(cases, 2)
    for run_it in chosen:
        run_it()
    figures("trace-beside", f"{len(chosen)} tools and threads")


main()
finish()
