# SPDX-License-Identifier: MIT
# Counts are right where cProfile's are not: of threads, of two functions on one
# line, of programs that are killed, that fork, end in all ways or never, and
# that use the very hooks we use; and the program does not notice.
# each: interpreter
# parallel: yes
# timeout: 600
import glob
import os
import random
import re
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

KILLS = sized(40, 5)
MONITORING = MINOR >= 12

HERE = os.getcwd()

cases = []


def case(function):
    cases.append(function)
    return function


# ---- running ---------------------------------------------------------------

def said(text):
    """Stderr without our own lines, and without addresses."""
    lines = [re.sub(r"0x[0-9a-f]+", "0x", line) for line in text.splitlines()]
    return ([line for line in lines if not line.startswith("pyprof")],
            [line for line in lines if line.startswith("pyprof")])


def traced(name, code, status=0, lines=0, output=None, env=None, **settings):
    """Run it without and with us: nothing it does may differ. Returns the
    log, or what lies in its place."""
    path = name.replace(" ", "-") + ".py"
    with open(path, "w") as file:
        file.write(code)
    env = {"PYTHONDONTWRITEBYTECODE": 1, **(env or {})}
    plain = run(path, profile=False, good=False, env=env)
    settings = {"trace": "calls", **settings}
    with_us = run(path, good=False, env=env,
                  output=output or path.replace(".py", ".bin"), **settings)
    expect(plain.status == status, f"{name} itself ended with {plain.status}:"
           f" {plain.stderr}")
    expect(with_us.status == plain.status, f"{name} ended with {plain.status}"
           f" without and {with_us.status} with us: {with_us.stderr}")
    expect(with_us.stdout == plain.stdout, f"{name} printed {plain.stdout!r}"
           f" without and {with_us.stdout!r} with us")
    theirs, ours = said(with_us.stderr)
    expect(theirs == said(plain.stderr)[0], f"{name} said {plain.stderr!r}"
           f" without and {with_us.stderr!r} with us")
    expect(lines is None or len(ours) == lines,
           f"{name}: {lines} lines of ours expected, not {ours}")
    if output:
        return with_us
    try:
        return judged(name, pplog.read(with_us.log))
    except (OSError, pplog.Broken) as e:
        expect(False, f"{name}: {e!r}")
        return None


def judged(name, log):
    """What must hold of every log that was not cut short."""
    if log.header["ended"]:
        wrong = log.unbalanced()
        expect(not wrong, f"{name}: {wrong}")
    expect(log.counters["uncounted"] == 0, f"{name}: uncounted calls")
    done = subprocess.run([REPORT, "-f", "text", "-o", "-",
                           f"{name.replace(' ', '-')}.bin"], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    expect(done.returncode == 0 or not os.path.exists(
        f"{name.replace(' ', '-')}.bin"), f"{name}: the report ended with"
        f" {done.returncode}: {done.stderr.decode()}")
    return log


def of(log, name, *threads):
    """Calls, primitive calls and open calls of all functions of a name in
    the program, or of a C function of this whole name."""
    total = [0, 0, 0]
    for (file, _, n), counts in log.functions(*threads).items():
        if n == name and (file in ("~", "<string>") or HERE in file
                          or not file.startswith(("/", "<"))):
            total = [a + b for a, b in zip(total, counts)]
    return tuple(total)


def counts_are(what, log, *threads, **wanted):
    """name=calls, or (calls, primitive), or (calls, primitive, open)."""
    if log is None:
        return
    for name, want in wanted.items():
        want = want if isinstance(want, tuple) else (want, want)
        got = of(log, name, *threads)
        want = (*want, 0)[:3]
        expect(got == want, f"{what}: {name}() has {got} calls, primitive and"
               f" open ones, not {want}")


# ---- where cProfile is wrong -----------------------------------------------

THREADS = """
import threading, _thread, time
gate = threading.Barrier(2)
def leaf(): pass
def worker():
    gate.wait()
    leaf()
    gate.wait()
def started():
    worker()
    done.append(1)
done = []
"""


@case
def two_threads():
    """Both inside worker() at once: two calls, and no recursion."""
    log = traced("two threads", THREADS + """
a, b = [threading.Thread(target=worker) for _ in range(2)]
a.start(), b.start(), a.join(), b.join()
""")
    counts_are("two threads", log, worker=2, leaf=2)
    if log:
        seen = [t for t in log.threads.values() if of(log, "worker", t)[0]]
        expect(len(seen) == 2, f"worker() is in {len(seen)} threads, not 2")


@case
def low_threads():
    log = traced("low threads", THREADS + """
for _ in range(2):
    _thread.start_new_thread(started, ())
while len(done) < 2:
    time.sleep(0.001)
time.sleep(0.05)
""")
    counts_are("low threads", log, worker=2, leaf=2, started=2)


@case
def thread_of_thread():
    log = traced("thread of thread", """
import threading
from concurrent.futures import ThreadPoolExecutor
def leaf(n): return n
def child(): [leaf(i) for i in range(100)]
def parent():
    t = threading.Thread(target=child)
    t.start(); t.join(); leaf(0)
for _ in range(3):
    t = threading.Thread(target=parent)
    t.start(); t.join()
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(leaf, range(50))))
""")
    counts_are("thread of thread", log, child=3, parent=3, leaf=353)


@case
def many_threads():
    log = traced("many threads", """
import threading
def work(n):
    for i in range(n): leaf()
def leaf(): pass
ts = [threading.Thread(target=work, args=(200 + i,)) for i in range(64)]
for t in ts: t.start()
for t in ts: t.join()
""")
    counts_are("many threads", log, work=64,
               leaf=sum(200 + i for i in range(64)))


@case
def two_lambdas():
    log = traced("two lambdas", """
a, b = (lambda: 1), (lambda: 2)
for _ in range(5): a()
for _ in range(7): b()
""")
    if not log:
        return
    counts_are("two lambdas", log, **{"<lambda>": 12})
    by_code = {}
    for thread in log.threads.values():
        for edge in thread.edges.values():
            if log.codes[edge.callee].name == "<lambda>" \
                    and "two-lambdas" in log.codes[edge.callee].file:
                by_code[edge.callee] = by_code.get(edge.callee, 0) + edge.calls
    expect(sorted(by_code.values()) == [5, 7],
           f"two lambdas on a line were called {sorted(by_code.values())}"
           " times")


# ---- ways to end -----------------------------------------------------------

ENDING = """
import os, sys, threading, time
def ok(): pass
def inner(): ok(); end()
def outer():
    try: inner()
    finally: ok()
"""


@case
def sys_exit():
    log = traced("sys exit", ENDING + """
def end(): sys.exit(3)
outer()
""", status=3)
    counts_are("sys exit", log, end=1, inner=1, outer=1, ok=2)


@case
def unhandled():
    log = traced("unhandled", ENDING + """
def end(): raise KeyError("x")
outer()
""", status=1)
    counts_are("unhandled", log, end=1, inner=1, outer=1, ok=2)


@case
def os_exit():
    log = traced("os exit", ENDING + """
def end(): os._exit(4)
outer()
""", status=4)
    counts_are("os exit", log, end=(1, 1, 1), inner=(1, 1, 1),
               outer=(1, 1, 1), ok=1,
               **{"<built-in method posix._exit>": (1, 1, 1)})


@case
def exit_in_depth():
    """Killed by itself at the bottom of a recursion."""
    log = traced("exit in depth", """
import os, sys
sys.setrecursionlimit(5000)
def deep(n): deep(n - 1) if n else os._exit(4)
deep(300)
""", status=4)
    counts_are("exit in depth", log, deep=(301, 1, 301))


@case
def endless_threads():
    log = traced("endless threads", ENDING + """
def forever():
    ok()
    began.release()
    lock.acquire()
def spin():
    began.release()
    while True: ok()
lock = threading.Lock(); lock.acquire()
began = threading.Semaphore(0)
threading.Thread(target=forever, daemon=True).start()
threading.Thread(target=spin, daemon=True).start()
began.acquire(); began.acquire()
""")
    if log:
        expect(of(log, "forever") == (1, 1, 1),
               f"forever() is not open: {of(log, 'forever')}")
        expect(of(log, "spin") == (1, 1, 1),
               f"spin() is not open: {of(log, 'spin')}")


@case
def exits_in_thread():
    log = traced("exits in thread", ENDING + """
def end(): raise SystemExit
def bad(): raise ValueError("seen")
threading.excepthook = lambda args: print(args.exc_type.__name__)
for target in (outer, bad):
    t = threading.Thread(target=target); t.start(); t.join()
""")
    counts_are("exits in thread", log, outer=1, inner=1, end=1, bad=1, ok=2)


@case
def at_exit():
    log = traced("at exit", """
import atexit
def last(): print("last")
class D:
    def __del__(self): print("del")
atexit.register(last)
d = D()
""")
    counts_are("at exit", log, last=1)


# ---- depth -----------------------------------------------------------------

@case
def deep():
    log = traced("deep", """
import sys
sys.setrecursionlimit(3000)
def deep(n): return deep(n - 1) if n else 0
for _ in range(3): deep(2000)
def endless(n): endless(n + 1)
try: endless(0)
except RecursionError: print("caught")
""")
    counts_are("deep", log, deep=(6003, 3))
    if log:
        calls, primitive, left = of(log, "endless")
        expect(2900 < calls <= 3001 and primitive == 1 and not left,
               f"endless() has {calls, primitive, left}")


@case
def deep_limit():
    """The recursion limit comes where it comes without us."""
    traced("deep limit", """
import sys
def endless():
    global n
    n += 1
    endless()
n = 0
try: endless()
except RecursionError: pass
print(n)
""")


@case
def wrong_types():
    """A method that refuses its object does not begin."""
    log = traced("wrong types", """
class Sub(list): pass
def refused():
    for i in range(7):
        try: list.append(1, 2)
        except TypeError: pass
        try: str.upper()
        except TypeError: pass
refused()
list.append(Sub(), 1), list.append([], 1)
""")
    counts_are("wrong types", log, **{
        "<method 'append' of 'list' objects>": 2,
        "<method 'upper' of 'str' objects>": 0})


# ---- processes -------------------------------------------------------------

FORKS = """
import os, sys
def before(): pass
def in_child(): pass
def in_parent(): pass
def program():
    before(), before(), before()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        for _ in range(5): in_child()
        END
    in_parent(), in_parent()
    print(os.waitpid(pid, 0)[1])
program()
"""


def forked(name, code, **settings):
    """Run a program that forks once; returns the paths of the parent's log and
    of the child's, or None."""
    for path in glob.glob("fork.*.bin"):
        os.unlink(path)
    done = traced(name, code, output="fork.%p.bin", **settings)
    paths = {pplog.read(path).header["pid"]: path
             for path in glob.glob("fork.*.bin")}
    if not expect(done.pid in paths and len(paths) == 2,
                  f"{name}: logs of {sorted(paths)}, not of two processes with"
                  f" {done.pid}"):
        return None
    return paths.pop(done.pid), *paths.values()


def fork_case(name, end, opened):
    paths = forked(name, FORKS.replace("END", end))
    if not paths:
        return
    parent, child = map(pplog.read, paths)
    counts_are(name + "'s parent", parent, before=3, in_parent=2, in_child=0)
    counts_are(name + "'s child", child, before=0, in_parent=0, in_child=5)
    for log in (parent, child):
        wrong = log.header["ended"] and log.unbalanced()
        expect(not wrong, f"{name}: {wrong}")
    left = of(child, "program")[2]
    expect(left == opened or of(child, "program") == (0, 0, 0),
           f"{name}: program() is open {left} times in the child")


@case
def fork_returns():
    fork_case("fork returns", "return", 0)


@case
def fork_exits():
    fork_case("fork exits", "os._exit(0)", 1)


@case
def fork_in_recursion():
    """What the child inherits is open there, with its time and as a caller, but
    neither a call nor a recursion of the child's."""
    code = """
import os
def a(n): return b(n)
def b(n):
    if n: return a(n - 1)
    return os.fork() if forks else 0
def top():
    global forks
    forks = True
    pid = a(1)
    forks = False
    if pid:
        os.waitpid(pid, 0)
    else:
        for i in range(300000): i * i
        a(0); a(0)
top()
"""
    for lines in (False, True):
        name = "fork in recursion" + (", lines" if lines else "")
        paths = forked(name, code, trace="lines" if lines else "calls")
        if not paths:
            continue
        counts_are(name, pplog.read(paths[1]), a=2, b=2)
        data = report_json(paths[1])
        rows = {f["name"]: f for f in data["functions"]}
        index = [f["name"] for f in data["functions"]]
        top = rows.get("top", {})
        expect(top.get("calls") == 0 and top.get("total_ns", 0) > 0,
               f"{name}: top() is {top}")
        seen = {(index[e["caller"]], index[e["callee"]]):
                (e["calls"], e["primitive_calls"]) for e in data["calls"]
                if e["calls"] and index[e["callee"]] in "ab"}
        expect(seen == {("top", "a"): (2, 2), ("a", "b"): (2, 2)},
               f"{name}: calls are {seen}")
        if lines:
            on = {line["line"]: line["self_ns"] for line in top["lines"]}
            expect(max(on, key=on.get) == 15, f"{name}: time on lines {on}")


# ---- those that use the same hooks -----------------------------------------

SHARED = """
import sys
def leaf(): pass
def work():
    for _ in range(10): leaf()
    [len("x") for _ in range(10)]
work()
USE
work()
"""


def shared(name, use, exact, work, leaf, lines=None, **settings):
    """`exact`: ours are complete on this version."""
    log = traced(name, SHARED.replace("USE", use), lines=lines, **settings)
    if log is None:
        return
    got = of(log, "work"), of(log, "leaf")
    if exact:
        counts_are(name, log, work=work, leaf=leaf)
    else:
        expect(1 <= got[0][0] <= work and 10 <= got[1][0] <= leaf
               and not got[0][2], f"{name}: impossible counts {got}")


@case
def tools_freed():
    """A program that frees every tool of sys.monitoring, and takes one."""
    if not MONITORING:
        return
    for trace in ("calls", "lines"):
        log = traced("tools freed, " + trace, """
import sys
m = sys.monitoring
def leaf(): pass
def work():
    for _ in range(100): leaf()
work()
for i in range(6):
    if m.get_tool(i): m.free_tool_id(i)
m.use_tool_id(3, "a"), m.use_tool_id(4, "b")
m.free_tool_id(4)
work()
""", trace=trace)
        counts_are("tools freed, " + trace, log, work=2, leaf=200)


@case
def own_setprofile():
    shared("own setprofile", """
seen = []
sys.setprofile(lambda f, e, a: seen.append((e, f.f_code.co_name)))
work()
sys.setprofile(None)
print([s for s in seen if s[1] in ("work", "leaf")], sys.getprofile())
""", MONITORING, 3, 30)


@case
def own_settrace():
    shared("own settrace", """
seen = []
def tracer(f, e, a):
    if f.f_code.co_name in ("work", "leaf"):
        seen.append((e, f.f_code.co_name, f.f_lineno))
    return tracer
sys.settrace(tracer)
work()
print(sys.gettrace() is tracer)
sys.settrace(None)
print(seen, sys.gettrace())
""", True, 3, 30)


@case
def own_threading():
    shared("own threading", """
import threading
seen = []
threading.setprofile(lambda f, e, a: e == "call" and
                     f.f_code.co_name == "leaf" and seen.append(e))
t = threading.Thread(target=work); t.start(); t.join()
threading.setprofile(None)
print(len(seen), sys.getprofile())
""", MONITORING, 3, 30)


@case
def own_cprofile():
    shared("own cprofile", """
import cProfile
p = cProfile.Profile()
p.runcall(work)
print(sorted((e.code if isinstance(e.code, str) else e.code.co_name,
              e.callcount, e.reccallcount) for e in p.getstats()
             if "0x" not in str(e.code)))
""", MONITORING, 3, 30)


@case
def own_profile():
    shared("own profile", """
import profile
p = profile.Profile()
p.runcall(work)
p.create_stats()
print(sorted((k[2], v[:2]) for k, v in p.stats.items()
             if k[2] in ("work", "leaf")))
""", MONITORING, 3, 30)


@case
def own_monitoring():
    if not MONITORING:
        return
    shared("own monitoring", """
m = sys.monitoring
seen = []
m.use_tool_id(m.COVERAGE_ID, "mine")
m.register_callback(m.COVERAGE_ID, m.events.PY_START,
                    lambda c, o: seen.append(c.co_name))
m.set_events(m.COVERAGE_ID, m.events.PY_START)
work()
m.set_events(m.COVERAGE_ID, 0)
m.free_tool_id(m.COVERAGE_ID)
print([s for s in seen if s in ("work", "leaf")])
m.restart_events()
""", True, 3, 30)


@case
def taken_ids():
    """No id is free: one line, no tracing, and the program as ever."""
    if not MONITORING:
        return
    os.makedirs("site", exist_ok=True)
    with open("site/sitecustomize.py", "w") as file:
        file.write("import sys\nfor i in range(6):\n"
                   "    sys.monitoring.use_tool_id(i, f'mine {i}')\n")
    done = traced("taken ids", SHARED.replace("USE", """
print([sys.monitoring.get_tool(i) for i in range(6)])
"""), output="taken.bin", lines=1, env={"PYTHONPATH": os.path.abspath("site")})
    if os.path.exists(done.log):
        log = pplog.read(done.log)
        expect(of(log, "work") == (0, 0, 0), "ids are taken, and work() was"
               f" counted: {of(log, 'work')}")


@case
def one_free_id():
    """Only one id is left: that is enough, and it is not the program's."""
    if not MONITORING:
        return
    os.makedirs("site5", exist_ok=True)
    with open("site5/sitecustomize.py", "w") as file:
        file.write("import sys\nfor i in (0, 1, 2, 3, 5):\n"
                   "    sys.monitoring.use_tool_id(i, f'mine {i}')\n")
    log = traced("one free id", SHARED.replace("USE", ""),
                 env={"PYTHONPATH": os.path.abspath("site5")})
    counts_are("one free id", log, work=2, leaf=20)


@case
def not_seen():
    log = traced("not seen", """
import sys, threading, gc
def look():
    print(sys.getprofile(), sys.gettrace(), threading.active_count())
    print([n for n in sys.modules if "pyprof" in n])
    print([n for n in gc.get_objects() if "pyprof" in type(n).__name__])
    print(sys._getframe().f_trace, sys._getframe(1).f_code.co_name)
    print(sorted(globals()), len(sys._current_frames()))
    print(sys.getrefcount(None) > 0, sys.getswitchinterval())
look()
t = threading.Thread(target=look); t.start(); t.join()
""")
    counts_are("not seen", log, look=2)


@case
def many_functions():
    """More functions and edges than any first table has room for."""
    log = traced("many functions", """
source = "\\n".join(f"def f{i}(): g()" for i in range(5000))
def g(): pass
exec(source)
for n in range(2):
    for i in range(5000): globals()[f"f{i}"]()
""")
    counts_are("many functions", log, g=10000, f0=2, f4999=2, f2500=2)


@case
def code_reused():
    """Functions that die, and others at their addresses."""
    log = traced("code reused", """
import gc
for n in range(300):
    space = {}
    exec(f"def odd(): pass" if n % 2 else "def even(): return 1\\n", space)
    space["odd" if n % 2 else "even"]()
    del space
""")
    counts_are("code reused", log, odd=150, even=150)


ODD_LINES = """
import ast
tree = ast.parse("a = 1; b = 2; c = 3; d = 4")
for statement, line in zip(tree.body, (50, 7, 49, 90000)):
    for node in ast.walk(statement):
        if hasattr(node, "lineno"):
            node.lineno = node.end_lineno = line
exec(compile(tree, "odd", "exec"))
print(a, b, c, d)
"""


@case
def odd_lines():
    """Lines below the first of their code, as a list of constants that fills
    some lines has in 3.8, and far above it."""
    log = traced("odd lines", ODD_LINES, trace="lines")
    if log:
        got = {line: hits.hits for (label, line), hits in log.lines().items()
               if label[0] == "odd" and hits.hits}
        expect(got == {7: 1, 49: 1, 50: 1, 90000: 1}, f"odd lines: {got}")


@case
def without_builtins():
    log = traced("without builtins", """
def leaf(n): return n
print(sorted(map(leaf, range(10)), key=leaf))
""", builtins="0")
    counts_are("without builtins", log, leaf=20)
    if log:
        seen = [k for k in log.functions() if k[0] == "~"]
        expect(not seen and not log.builtins,
               f"C functions are counted: {seen[:3]}")


# ---- SIGKILL ---------------------------------------------------------------

KILLED = """
import mmap, threading
file = open("counters", "r+b")
counters = memoryview(mmap.mmap(file.fileno(), 4096)).cast("Q")
def bump_0(): counters[0] += 1; inner_0()
def inner_0(): counters[1] += 1
def bump_1(): counters[2] += 1; inner_1()
def inner_1(): counters[3] += 1; len("abc")
def run(bump):
    while True: bump()
threading.Thread(target=run, args=(bump_1,), daemon=True).start()
run(bump_0)
"""
PLACES = ("bump_0", "inner_0", "bump_1", "inner_1")


def kill_one(number, seconds):
    with open("counters", "wb") as file:
        file.write(bytes(4096))
    process = start("killed.py", trace="calls", output="killed.bin")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with open("counters", "rb") as file:
            words = struct.unpack("4Q", file.read(32))
        if all(words):
            break
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    status = process.wait()
    expect(status == -9, f"kill {number}: ended with {status}")
    with open("counters", "rb") as file:
        return dict(zip(PLACES, struct.unpack("4Q", file.read(32))))


@case
def sigkill():
    with open("killed.py", "w") as file:
        file.write(KILLED)
    rnd = random.Random(7)
    calls = 0
    for number in range(KILLS):
        truth = kill_one(number, rnd.uniform(0, 0.3))
        try:
            log = pplog.read("killed.bin")
        except pplog.Broken as e:
            expect(False, f"kill {number}: {e}")
            return
        for name, count in truth.items():
            got = of(log, name)[0]
            calls += got
            # at most the call that it was in the middle of beginning
            expect(count <= got <= count + 1, f"kill {number}: {name}() has"
                   f" {got} calls, {count} in truth")
        done = subprocess.run([REPORT, "killed.bin"], check=False,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
        expect(done.returncode == 0, f"kill {number}: the report ended with"
               f" {done.returncode}: {done.stderr.decode()}")
    figures("trace-right", f"{KILLS} logs exact after SIGKILL, of {calls}"
            " calls")


def main():
    chosen = our_cases(cases, 2)
    for run_it in chosen:
        run_it()
    figures("trace-right", f"{len(chosen)} cases")


main()
finish()
