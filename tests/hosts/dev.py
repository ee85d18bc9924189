# SPDX-License-Identifier: MIT
# Python's development mode with every warning an error, faulthandler's traces,
# thread counts, descriptors and what else a program can see of its process are
# as without us, at the default rate and with the ticker running.
# each: interpreter
# parallel: yes
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

FORKS = 1000 if FULL else 100
RATES = ({}, {"PYPROF_RATE": "1k"}, {"PYPROF_RATE": "10k"})

BURN = """
import ctypes, faulthandler, gc, os, signal, sys, threading, time, warnings
def burn_user(seconds=0.06):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""


# 0.06 s are 6 ticks where the kernel is slowest.
def case(name, code, options=(), rates=None, least=3, lines=0, **more):
    if not is_our_turn():
        return
    for env in rates or some(RATES):
        full = f"{name} {env.get('PYPROF_RATE', 'auto')}"
        clear_logs()
        began = time.monotonic()
        words = [EXE, *options, "-c", BURN + code]
        plain, _ = both(full, words, log="p.bin", env=env, lines=lines, **more)
        check(plain.status == 0, full, "without us:", plain)
        found = enough(full, least,
                       lambda: run(words, log="p.bin", env=env, **more))
        print(f"{full}: {found} samples, {time.monotonic() - began:.1f} s",
              flush=True)


DEV = ("-X", "dev", "-W", "error")

case("dev", """
import json, asyncio, unittest, tempfile, socket, logging
async def main():
    asyncio.get_running_loop().slow_callback_duration = 1000
    await asyncio.gather(*(asyncio.sleep(0.01) for i in range(5)))
    burn_user(0.03)
asyncio.run(main())
with tempfile.TemporaryFile() as f:
    f.write(b"x")
a, b = socket.socketpair(); a.close(); b.close()
t = [threading.Thread(target=burn_user) for i in range(3)]
for x in t: x.start()
for x in t: x.join()
print("end", gc.collect() >= 0)
""", DEV)

# 3.12 warns of a fork in a process with threads: ours must not count. It
# looks after the fork; so many are made, since a miss is a matter of moments.
for rate in (RATES if FULL else RATES[1:]):
    case("dev-fork", f"""
seen = []
warnings.simplefilter("always")
warnings.showwarning = lambda *words: seen.append(str(words[0]))
for i in range({FORKS}):
    burn_user(0.002)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print(len(seen), seen[:1])
burn_user()
""", DEV, rates=({"PYPROF_CHILDREN": "0", **rate},))

# ... and one that has a thread of its own is warned as before
case("dev-fork-threads", """
warnings.simplefilter("always")
seen = []
warnings.showwarning = lambda *words: seen.append(words[1].__name__)
stop = threading.Event()
t = threading.Thread(target=stop.wait); t.start()
burn_user()
pid = os.fork()
if pid == 0:
    os._exit(0)
print(os.waitpid(pid, 0)[1], seen)
stop.set(); t.join()
""", DEV)

case("faulthandler", """
faulthandler.enable()
def deep(n):
    if n: return deep(n - 1)
    faulthandler.dump_traceback()
    faulthandler.dump_traceback_later(0.15, exit=False)
    burn_user(0.25)
    faulthandler.cancel_dump_traceback_later()
deep(5)
faulthandler.register(signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGUSR1)
faulthandler.unregister(signal.SIGUSR1)
print(faulthandler.is_enabled())
faulthandler.disable()
burn_user()
""", DEV)
case("faulthandler-prof", """
# a tool that takes our very signal
print(faulthandler.register(signal.SIGPROF))
burn_user()
os.kill(os.getpid(), signal.SIGPROF)
burn_user()
print(faulthandler.unregister(signal.SIGPROF))
burn_user()
""", DEV)

case("visible", """
burn_user()
print(threading.active_count(), [t.name for t in threading.enumerate()])
print(len(sys._current_frames()))
print(signal.getsignal(signal.SIGPROF), signal.getsignal(signal.SIGSEGV))
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(sys.gettrace(), sys.getprofile(), sys.getrecursionlimit())
print(sorted(n for n in sys.modules if "pyprof" in n))
print(sorted(n for n in map(int, os.listdir("/proc/self/fd")) if n < 512))
print(os.open("/dev/null", 0), os.dup(0))
print([n for n in gc.get_objects() if "pyprof" in type(n).__name__])
print(getattr(sys, "monitoring", None) and
      [sys.monitoring.get_tool(i) for i in range(6)])
print(signal.getitimer(signal.ITIMER_PROF), signal.getitimer(
      signal.ITIMER_VIRTUAL), signal.getitimer(signal.ITIMER_REAL))
print(sys.flags, sys.warnoptions, sys.argv, sys.orig_argv
      if hasattr(sys, "orig_argv") else "")
print(sorted(globals()))
print(os.getcwd() == os.environ.get("PWD", os.getcwd()), os.umask(0o22))
print(sys.getswitchinterval(), gc.get_threshold(), gc.isenabled())
print(signal.siginterrupt(signal.SIGUSR1, True))
def child():
    print(threading.active_count(), signal.pthread_sigmask(
          signal.SIG_BLOCK, []))
    burn_user()
t = threading.Thread(target=child); t.start(); t.join()
""")

case("errno", """
# what a signal between a call and its errno would spoil
libc = ctypes.CDLL(None, use_errno=True)
wrong = 0
end = time.process_time() + 0.2
def burn_user():
    global wrong
    while time.process_time() < end:
        libc.close(-1)
        wrong += ctypes.get_errno() != 9
burn_user()
print(wrong)
""")

case("float-environment", """
# a handler that spoilt registers would show in sums
import math
def burn_user():
    a = sum(math.sin(i) * 0.1 for i in range(200000))
    b = sum(math.sin(i) * 0.1 for i in range(200000))
    return a == b, a
print(burn_user())
""")

case("small-stacks", """
# the signal frame alone is up to 4 KiB with AVX-512
for kib in range(32, 512, 4):
    try:
        threading.stack_size(kib * 1024)
        break
    except ValueError:
        pass
t = [threading.Thread(target=burn_user) for i in range(4)]
for x in t: x.start()
for x in t: x.join()
print("end")
""")

case("alternate-stack", """
# faulthandler's alternate stack is small; ours must not need more
faulthandler.enable()
def deep(n):
    if n: return deep(n - 1)
    burn_user()
deep(200)
print("end")
""")

case("tracing", """
events = set()
def tracer(frame, event, argument):
    events.add((event, frame.f_code.co_name))
    return tracer
sys.setprofile(lambda f, e, a: events.add((e, f.f_code.co_name)))
burn_user()
sys.setprofile(None)
sys.settrace(tracer)
burn_user()
sys.settrace(None)
print(sorted(events))
""")

case("audit", """
seen = set()
sys.addaudithook(lambda event, arguments: seen.add(event))
burn_user()
eval("1")
t = threading.Thread(target=burn_user); t.start(); t.join()
print(sorted(seen))
""")
done()
