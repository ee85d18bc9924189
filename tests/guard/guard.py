# SPDX-License-Identifier: MIT
# Nothing unsafe is called inside the sampling handler, at run time, with
# threads, recursion, generators, exec'd code, forks and every engine; and the
# guard that says so notices unsafe calls when there are some.
# each: interpreter
# parallel: yes
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

SECONDS = 5.0 if FULL else 0.5

PROGRAM = f"""
import asyncio, gc, os, subprocess, sys, threading, time
until = time.monotonic() + {SECONDS}
def deep(n): return n and deep(n - 1)
def gen(n):
    for i in range(n): yield i
async def tasks():
    async def one(n):
        for i in range(n): await asyncio.sleep(0)
    await asyncio.gather(*(one(20) for i in range(5)))
class Node: pass
def worker():
    n = 0
    while time.monotonic() < until:
        n += 1
        deep(300); sum(gen(1000)); sorted(range(1000), key=lambda x: -x)
        scope = {{}}
        exec("def f_%d(x):\\n    return x * %d\\nfor i in range(50): f_%d(i)"
             % (n, n, n), scope)
        a = Node(); a.b = a
        if n % 20 == 0: gc.collect()
        try: raise ValueError(n)
        except ValueError: pass
def short(): sum(range(2000))
workers = [threading.Thread(target=worker) for i in range(3)]
for t in workers: t.start()
while time.monotonic() < until:
    for i in range(10):
        t = threading.Thread(target=short); t.start(); t.join()
    asyncio.run(tasks())
    pid = os.fork()
    if pid == 0:
        deep(200)
        os._exit(0)
    os.waitpid(pid, 0)
    subprocess.call(["true"])
for t in workers: t.join()
print("end")
"""


def guarded(words, env):
    return run(words, log="g.bin", env={
        "LD_PRELOAD": f"{LIBRARY} {os.path.abspath('guard.so')}",
        "GUARD_COUNT": os.path.abspath("count"), **env}, timeout=120)


made = subprocess.run(
    [os.environ.get("CC", "gcc"), "-O1", "-g", "-Wall", "-fPIC", "-shared",
     "-fno-builtin", "-o", "guard.so",
     os.environ["TOP"] + "/tests/guard/guard.c", "-ldl", "-lpthread"],
    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
    check=False)
if not check(made.returncode == 0, text_of(made.stdout)):
    done()
Path("program.py").write_text(PROGRAM)

for env in ({}, {"PYPROF_RATE": "1k"}, {"PYPROF_RATE": "10k"},
            {"PYPROF_ENGINE": "itimer"},
            {"PYPROF_RATE": "10k", "PYPROF_MAX_SIZE": "64K"}):
    clear_logs()
    Path("count").write_text("")
    p = guarded([EXE, "-W", "ignore", "program.py"], env)
    check(p.status == 0 and p.stdout.endswith("end\n"), env, p)
    entries = int(header("g.bin").get("entries", 0))
    counts = [int(n) for n in Path("count").read_text().split()]
    seen = counts[-1] if counts else 0
    # those of its own clock, and now and then one that came after the end
    check(entries > 10 * SECONDS and seen >= entries, env, seen,
          "handler runs seen,", entries, "in the log")
    print(env, entries, "runs of the handler, none unsafe", flush=True)

for name in ("malloc", "pthread_mutex_lock", "fopen", "write"):
    p = guarded([EXE, "-c", "sum(range(10**7))"], {"GUARD_CLOCK": name})
    check(p.status == 86 and f"guard: called in a handler: {name}\n"
          in p.stderr, "the guard does not notice", name, p)
done()
