# SPDX-License-Identifier: MIT
# Where a call's event rests, as no C function can be called there, none is
# missed: whatever makes the name a C function's, while, before and after its
# callers run. And it does rest.
# each: interpreter
# parallel: yes
# timeout: 600
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

MONITORING = MINOR >= 12

# More calls than it takes until a site rests.
PREFACE = """
import builtins, functools, gc, os, sys, threading, time, types
HOT = 500
def f(): pass
def caller(n):
    for _ in range(n):
        f()
def hold(value): return value
caller(HOT)
"""
CLOCK = "<built-in method time.time>"
# What cProfile sees of a method object that calls one.
AS_CPROFILE = 7 if MINOR == 11 or MINOR >= 14 else 0
ANY = "<built-in method builtins.any>"
LEN = "<built-in method builtins.len>"
ABS = "<built-in method builtins.abs>"

# What comes after the preface, and how often caller() calls time.time(), or
# who else calls what else. 7 is how often it is called as a C function.
CASES = {
    "assigned": ("f = time.time\ncaller(7)", 7),
    "by global": ("def change():\n    global f\n    f = time.time\n"
                  "change(); caller(7)", 7),
    "by setattr": ("setattr(sys.modules[__name__], 'f', time.time)\n"
                   "caller(7)", 7),
    "by globals": ("globals()['f'] = time.time\ncaller(7)", 7),
    "by a made name": ("globals()[''.join(['', 'f'])] = time.time\ncaller(7)",
                       7),
    "by another kind of name": ("class Name(str): pass\n"
                                "globals()[Name('f')] = time.time\n"
                                "caller(7)", 7),
    "by update": ("globals().update({'f': time.time})\ncaller(7)", 7),
    "by or": ("g = globals()\ng |= {'f': time.time}\ncaller(7)", 7),
    "by exec": ("exec('f = time.time')\ncaller(7)", 7),
    "deleted": ("builtins.f = time.time\ndel f\ncaller(7)", 7),
    "popped": ("builtins.f = time.time\nglobals().pop('f')\ncaller(7)", 7),
    "set again": ("globals().pop('f')\nglobals().setdefault('f', time.time)\n"
                  "caller(7)", 7),
    "last item": ("g = globals()\nkept = {k: g[k] for k in ('caller', 'time')}"
                  "\ng['f'] = g.pop('f')\ncaller(HOT)\nbuiltins.f = time.time"
                  "\ng.popitem()\ncaller(7)", 7),
    "cleared": ("def clear(names, caller):\n    builtins.f = time.time\n"
                "    names.clear()\n    caller(7)\n"
                "clear(globals(), caller)", 7),
    "by import": ("m = types.ModuleType('m'); m.f = time.time\n"
                  "sys.modules['m'] = m\nfrom m import *\ncaller(7)", 7),
    "and back": ("old = f\nfor _ in range(9):\n    f = time.time\n"
                 "    caller(7)\n    f = old\n    caller(HOT)", 63),
    "first a C function": ("def late(n):\n    for _ in range(n): h()\n"
                           "h = time.time\nlate(HOT)\nh = f\nlate(HOT)\n"
                           "h = time.time\nlate(7)", 507, "late"),
    "while it runs": ("seen = 0\ndef f():\n    global f, seen\n    seen += 1\n"
                      "    if seen == HOT: f = time.time\ncaller(HOT + 7)", 7),
    "to something else first": ("class K: pass\nf = K\ncaller(HOT)\n"
                                "f = functools.partial(hold, 1)\ncaller(HOT)\n"
                                "f = time.time\ncaller(7)", 7),
    "to a bound method": ("class K:\n    def m(self): pass\nf = K().m\n"
                          "caller(HOT)\nf = time.time\ncaller(7)", 7),
    "to a bound C function": ("f = types.MethodType(len, 'abc')\ncaller(7)",
                              {("caller", LEN): AS_CPROFILE}),
    "other globals": ("own = {'f': time.time, 'range': range}\n"
                      "types.FunctionType(caller.__code__, own)(7)", 7),
    "other globals, of a frame below": (
        "def again(go):\n    if go: go()\n    f()\n"
        "g = types.FunctionType(again.__code__, {'f': time.time})\n"
        "g(lambda: [again(None) for _ in range(HOT)])", 1, "again"),
    "other globals, in another thread": (
        "first, last = threading.Event(), threading.Event()\n"
        "def again(go):\n    if go: go()\n    f()\n"
        "def go(): first.set(); last.wait()\n"
        "g = types.FunctionType(again.__code__, {'f': time.time})\n"
        "t = threading.Thread(target=g, args=(go,)); t.start(); first.wait()\n"
        "for _ in range(HOT): again(None)\nlast.set(); t.join()", 1, "again"),
    "changed as deep as may be": (
        "def dive():\n    global f\n    try: dive()\n"
        "    except RecursionError: f = time.time\ndive(); caller(7)", 7),
    "called as a C function just now": (
        "sys.setprofile(lambda *a: None)\ndef after(): pass\n"
        "def ev(x):\n    r = g(x); after(); return r\n"
        "def body():\n    global g\n    g = hold\n"
        "    for _ in range(HOT): ev(1)\n    yield 0\n"
        "g = any\nev(body())\nsys.setprofile(None)",
        {("ev", "after"): 501, ("ev", ANY): 1, (ANY, "body"): 2}),
    "other globals, made before": (
        "def again(n):\n    for _ in range(n): f()\n"
        "g = types.FunctionType(again.__code__, {'f': time.time,"
        " 'range': range})\nagain(HOT)\ng(7)\nagain(HOT)\ng(7)", 14, "again"),
    "run by exec": ("text = 'for _ in range(n): f()'\n"
                    "code = compile(text, 'run', 'exec')\n"
                    "exec(code, {'f': f, 'n': HOT})\n"
                    "exec(code, {'f': time.time, 'n': 7})\n", 7, "<module>"),
    "a dictionary of an object": (
        "class K: pass\nk = K()\nk.f, k.n, k.range = f, HOT, range\n"
        "code = compile('def inner():\\n    for _ in range(n): f()\\ninner()',"
        " 'run', 'exec')\nexec(code, k.__dict__)\nk.inner()\n"
        "def put(k, f): k.f = f\nfor _ in range(HOT): put(k, f)\n"
        "k.n = 7; put(k, time.time); k.inner()", 7, "inner"),
    "globals of an object": (
        "class K: pass\nk = K()\nk.__dict__ = globals()\n"
        "def put(k, f): k.f = f\nfor _ in range(HOT): put(k, f)\n"
        "caller(HOT); put(k, time.time); caller(7)", 7),
    "loaded before": (
        "def plain(what):\n    return late(hook(what))\n"
        "def hook(what):\n    global late\n    if what != HOT: return 1\n"
        "    late = hold\n    for _ in range(what): plain(1)\n"
        "    return -3\nlate = abs\nplain(HOT)", {("plain", ABS): 1}),
    "loaded before, in another thread": (
        "first, last = threading.Event(), threading.Event()\n"
        "def plain(what):\n    return late(hook(what))\n"
        "def hook(what):\n    if what == 0:\n"
        "        first.set(); last.wait()\n    return -3\n"
        "late = abs\nt = threading.Thread(target=plain, args=(0,))\n"
        "t.start()\nfirst.wait()\nlate = hold\n"
        "for _ in range(HOT): plain(1)\nlast.set(); t.join()",
        {("plain", ABS): 1}),
    "changed once it is loaded": (
        "def plain(i):\n    return late(hook(i))\n"
        "def hook(i):\n    global late\n    late = abs if i % 2 else hold\n"
        "    return i\nlate = hold\nfor i in range(2 * HOT): plain(i)",
        {("plain", ABS): 499}),
    "a generator": (
        "def gen(n):\n    for _ in range(n):\n        f()\n        yield\n"
        "list(gen(HOT)); g = gen(9); next(g); f = time.time; list(g)", 8,
        "gen"),
    "a generator of other globals": (
        "def gen(n):\n    for _ in range(n):\n        f()\n        yield\n"
        "own = {'f': time.time, 'range': range}\n"
        "g = types.FunctionType(gen.__code__, own)(9); next(g)\n"
        "list(gen(HOT)); list(g)", 9, "gen"),
    "two code objects of one function": (
        "text = '''def caller(n, way):\n    for _ in range(n):\n"
        "        f() if way else h()\n'''\n"
        "def module(name, way):\n    m = types.ModuleType(name)\n"
        "    sys.modules[name] = m\n    m.f, m.h = f, hold if way else f\n"
        "    exec(compile(text, 'text', 'exec'), m.__dict__)\n"
        "    m.caller(HOT, True)\n    return m\n"
        "a = module('a', False); a.caller(HOT, False); b = module('b', True)\n"
        "b.h = time.time\n"
        "types.FunctionType(a.caller.__code__, b.__dict__)(7, False)", 7),
    "many modules": (
        "text = 'def caller(n):\\n    for _ in range(n): f()\\n'\n"
        "for i in range(60):\n    m = types.ModuleType(f'm{i % 7}')\n"
        "    sys.modules[m.__name__] = m\n    m.f = f\n"
        "    exec(text, m.__dict__)\n    m.caller(HOT)\n"
        "    if i % 2: m.f = time.time; m.caller(7)\n"
        "    del m\n    gc.collect()", 210),
    "modules that go": (
        "text = 'def caller(n):\\n    for _ in range(n): f()\\n'\n"
        "def once(name, value, n):\n    m = types.ModuleType(name)\n"
        "    sys.modules[name] = m\n    m.f = value\n"
        "    exec(code, m.__dict__)\n    m.caller(n)\n"
        "    m.f = None; del sys.modules[name]; m.__dict__.clear()\n"
        "code = compile(text, 'once', 'exec')\n"
        "for i in range(30): once('a', f, HOT); once('a', time.time, 7)", 210),
    "globals that go": (
        "text = 'def caller(n):\\n    for _ in range(n): f()\\n'\n"
        "d = {'f': f}\nexec(text, d)\nd['caller'](HOT)\n"
        "kept, place = d['caller'].__code__, id(d)\ndel d\ngc.collect()\n"
        "others = []\nwhile len(others) < 1000:\n"
        "    others.append({'f': time.time, '__builtins__': builtins})\n"
        "    if id(others[-1]) == place: break\n"
        "types.FunctionType(kept, others[-1])(7)", 7),
    "restarted by the program": (
        "if hasattr(sys, 'monitoring'):\n"
        "    sys.monitoring.restart_events()\n"
        "caller(HOT)\nf = time.time\ncaller(7)", 7),
    "in a thread": (
        "t = threading.Thread(target=caller, args=(HOT,)); t.start(); t.join()"
        "\nf = time.time\nt = threading.Thread(target=caller, args=(7,))\n"
        "t.start(); t.join()", 7),
    "with an error at hand": (
        "class K:\n    def __del__(self):\n        global f\n"
        "        f = time.time\n        caller(7)\n"
        "def fail():\n    k = K()\n    raise KeyError(1)\n"
        "try: fail()\nexcept KeyError as e: print(repr(e))", 7),
    "at the end": (
        "class K:\n    def __del__(self): self.caller(7)\n"
        "k = K(); k.caller = caller\nf = time.time\nmore = [k]; more += [more]"
        "\n", 7),
    "a builtin type, hidden": (
        "def u(n):\n    for _ in range(n): bool(0)\nu(HOT)\nbool = abs\n"
        "u(7)", {("u", ABS): 7}),
    "a builtin type, replaced": (
        "def u(n):\n    for _ in range(n): bool(0)\nu(HOT)\n"
        "old, builtins.bool = bool, abs\nu(7)\nbuiltins.bool = old",
        {("u", ABS): 7}),
    "other builtins": (
        "def u(n):\n    for _ in range(n): bool(0)\nu(HOT)\n"
        "own = dict(builtins.__dict__, bool=abs)\n"
        "old, __builtins__ = __builtins__, own\n"
        "types.FunctionType(u.__code__, globals())(7)\n"
        "__builtins__ = old", {("u", ABS): 7 if MINOR >= 10 else 0}),
    "keywords, stars": (
        "def u(i): return f(*[], **{}), f(), hold(value=i)\n"
        "for i in range(HOT): u(i)\nf = time.time\nhold = dict\n"
        "for i in range(7): u(i)", 14, "u"),
    "long code": (
        "names = [f'n{i}' for i in range(400)]\n"
        "for n in names: globals()[n] = f\n"
        "exec('def long():\\n' + ''.join(f'    {n}()\\n' for n in names))\n"
        "for _ in range(HOT): long()\n"
        "for n in names[::2]: globals()[n] = time.time\nlong()", 200, "long"),
    "a branch in an argument": (
        "def u(i): return f(1 if i else hold(2))\n"
        "def f(x): return x\n"
        "for i in range(HOT): u(i % 2)\nf = abs\n"
        "for i in range(7): u(i)", {("u", ABS): 7}),
    "nested": (
        "def f(x=0): return x\n"
        "def u(i): return f(f(f(i) + f(hold(i))))\n"
        "for i in range(HOT): u(i)\nf = abs\nfor i in range(7): u(i)",
        {("u", ABS): 28}),
}

if MINOR < 9:
    del CASES["by or"]

# In the second branch a jump to the middle of the first, which no compiler
# makes: two names may be on the stack there.
JUMP = PREFACE + """
import dis
def jump(way, x):
    return one(x) if way else other(x)
def one(x): return x
other = abs
all = list(dis.get_instructions(jump))
first, second = [next(i for i in all if i.offset > load.offset
                      and i.opname.startswith('LOAD_FAST'))
                 for load in all if load.argval in ('one', 'other')]
code = bytearray(jump.__code__.co_code)
code[second.offset] = dis.opmap['JUMP_BACKWARD_NO_INTERRUPT']
code[second.offset + 1] = (second.offset + 2 - first.offset) // 2
jump.__code__ = jump.__code__.replace(co_code=bytes(code))
for _ in range(HOT): jump(True, -1)
for _ in range(7): jump(False, -1)
"""

FORK = PREFACE + """
pid = os.fork()
if pid == 0:
    caller(HOT)
    f = time.time
    caller(7)
    os._exit(0)
os.waitpid(pid, 0)
caller(9)
"""

# Much is called, at sites that rest: of a function with open calls, from within
# a function that other threads are in, of a type, of objects.
RESTS = """
import functools, threading
N = 20000
def plain(): pass
def loop():
    for _ in range(N): plain()
def deep(n):
    return n and 1 + deep(n - 1)
def depths():
    for _ in range(N // 100): deep(100)
class Kind: pass
def kinds():
    for _ in range(N): Kind()
def builtin():
    for _ in range(N): bool(0)
def parts():
    for _ in range(N): part()
part = functools.partial(plain)
def threads():
    for _ in range(N): plain()
    gate.wait()
gate = threading.Barrier(2)
loop(), depths(), kinds(), builtin(), parts()
all = [threading.Thread(target=threads) for _ in range(2)]
for t in all: t.start()
for t in all: t.join()
"""


def calls_by_name(log):
    """Calls by names of caller and callee."""
    calls = {}
    for (caller, callee), counts in log.edges().items():
        key = (caller[2] if caller else None, callee[2])
        calls[key] = calls.get(key, 0) + counts[0]
    return calls


def check(name, text, want):
    path = name.replace(" ", "-").replace(",", "") + ".py"
    with open(path, "w") as file:
        file.write(text)
    done = run(path, trace="calls", output=path.replace(".py", ".bin"))
    log = pplog.read(done.log)
    calls = calls_by_name(log)
    for edge, count in want.items():
        expect(calls.get(edge, 0) == count, f"{name}: {edge[0]}() called"
               f" {edge[1]} {calls.get(edge, 0)} times, not {count}")
    return log


def all_cases():
    for name, (text, want, *who) in our_cases(list(CASES.items()), 1):
        if not isinstance(want, dict):
            want = {(who[0] if who else "caller", CLOCK): want}
        check(name, PREFACE + text + "\n", want)


def forked():
    """A child goes on with sites that rest."""
    parent = check("fork", FORK, {("caller", CLOCK): 0})
    child, = glob.glob("fork.*.bin")
    calls = calls_by_name(pplog.read(child))
    expect(calls.get(("caller", CLOCK)) == 7, "a child called time.time()"
           f" {calls.get(('caller', CLOCK))} times, not 7")
    expect(parent.functions() and calls[("caller", "f")] == 500,
           f"a child called f() {calls[('caller', 'f')]} times, not 500")


def rests():
    """An event that comes is charged to the caller: how many did?"""
    log = check("rests", RESTS, {("loop", "plain"): 20000})
    costs, own, calls = log.costs, {}, {}
    for thread in log.threads.values():
        for edge in thread.edges.values():
            name = log.label(edge.callee)[2]
            own[name] = own.get(name, 0) + edge.self_own
            caller = log.label(edge.caller)
            if caller and log.label(edge.callee)[0] != "~":
                calls[caller[2]] = calls.get(caller[2], 0) + edge.calls
    for name in ("loop", "deep", "kinds", "builtin", "parts", "threads"):
        inside = calls["deep"] + 200 if name == "deep" else 2
        rest = (own[name] - inside * costs["python_inside"]
                - calls.get(name, 0) * costs["python_outside"])
        came = rest / max(costs["call"], 1)
        expect(costs["call"] > 0 and came < 1000, f"{name}(): some {came:.0f}"
               f" events of 20000 calls came, {costs}")


def jumped():
    check("a jump into it", JUMP, {("jump", ABS): 7})


def greenlets():
    """Where stacks may be switched all events come."""
    log = check("greenlets", "import sys, types\nsys.modules['greenlet'] ="
                " types.ModuleType('greenlet')\n" + RESTS, {})
    own = sum(edge.self_own for thread in log.threads.values()
              for edge in thread.edges.values()
              if log.label(edge.callee)[2] == "kinds")
    came = own / max(log.costs["call"], 1)
    expect(came > 19000, f"some {came:.0f} events of 20000 calls came beside"
           " greenlet")


def main():
    all_cases()
    if NUMBER % 2 or FULL or COUNT < 2:
        forked()
    if MONITORING:
        jumped()
        rests()
        greenlets()
    figures("trace-sites", f"{len(CASES)} ways to change what is called")


main()
finish()
