# SPDX-License-Identifier: MIT
# A program that takes SIGPROF itself, dies of a signal, handles its faults,
# reads masks and handlers back, or waits for every signal there is: it behaves
# as without us, and sampling goes on as long as the program does.
# each: interpreter
# parallel: yes
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

BURN = """
import faulthandler, ctypes, os, signal, sys, threading, time
def burn_user(seconds=0.06):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""

# Engines whose clocks differ most: per-thread timers, the ticker.
RATES = ({}, {"PYPROF_RATE": "1k"})


# 0.06 s are 6 ticks where the kernel is slowest.
def program(name, code, lines=0, least=3, rates=None):
    """Run a program at some rates; samples of burn_user are asked for."""
    if not is_our_turn(3):
        return
    for env in rates or some(RATES):
        full = f"{name} {env.get('PYPROF_RATE', 'auto')}"
        log = name + ".bin"
        clear_logs()
        began = time.monotonic()
        how = {"log": log, "env": env, "timeout": 60,
               "under": ("sh", "-c", 'ulimit -c 0; exec "$@"', "sh")}
        words = [EXE, "-c", BURN + code]
        plain, _ = both(full, words, lines=lines, **how)
        check("SyntaxError" not in plain.stderr
              and "NameError" not in plain.stderr, full, plain.stderr)
        found = enough(full, least, lambda: run(words, **how))
        print(f"{full}: {signal_name(plain.status)}, {found} samples,"
              f" {time.monotonic() - began:.1f} s", flush=True)


# ---- SIGPROF of its own ----------------------------------------------------

# The count itself depends on the machine, so the program judges it: as many
# signals as its CPU time has intervals, within a factor of 2 (29 of 25 were
# seen without us on a busy machine; one for each of our ticks would be 125).
OWN = """
hits = 0
def on_prof(number, frame):
    global hits
    hits += 1
print(signal.getsignal(signal.SIGPROF))
print(signal.signal(signal.SIGPROF, on_prof))
print(signal.getsignal(signal.SIGPROF) is on_prof)
print(signal.getitimer(signal.ITIMER_PROF))
begin = time.process_time()
signal.setitimer(signal.ITIMER_PROF, 0.02, 0.02)
burn_user(0.5)
signal.setitimer(signal.ITIMER_PROF, 0)
want = (time.process_time() - begin) / 0.02
print(0.4 * want <= hits <= 2 * want, file=sys.stderr)
burn_user(0.1)
print(signal.signal(signal.SIGPROF, signal.SIG_DFL) is on_prof)
"""


# setitimer's signal is SIGPROF, whatever sampling moves to.
ITIMER = ({"PYPROF_ENGINE": "itimer", "PYPROF_RATE": "100"},)


def own_sigprof():
    program("own-sigprof", OWN, least=20)
    program("own-sigprof-itimer", OWN, least=10, rates=ITIMER)
    program("itimer-default", """
hits = []
signal.signal(signal.SIGPROF, lambda n, f: hits.append(n))
burn_user()
signal.signal(signal.SIGPROF, signal.SIG_DFL)
burn_user()
print(hits)
""", rates=ITIMER)
    program("itimer-waited-for", """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
burn_user()
print(signal.sigtimedwait([signal.SIGPROF], 0))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
burn_user()
""", rates=ITIMER)
    program("itimer-other-signal", "burn_user()",
            rates=({"PYPROF_SIGNAL": "USR1", **ITIMER[0]},))
    program("own-sigprof-kill", """
hits = []
signal.signal(signal.SIGPROF, lambda n, f: hits.append(n))
burn_user()
os.kill(os.getpid(), signal.SIGPROF); burn_user(0.02)
signal.raise_signal(signal.SIGPROF); burn_user(0.02)
print(hits)
""")
    # Taken away again by default: the next one kills, as it would.
    program("own-sigprof-default", """
burn_user()
signal.signal(signal.SIGPROF, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGPROF)
burn_user()
print("not reached")
""")
    program("sigprof-default", """
burn_user()
os.kill(os.getpid(), signal.SIGPROF)
burn_user()
print("not reached")
""")
    program("sigprof-ignored", """
signal.signal(signal.SIGPROF, signal.SIG_IGN)
print(signal.getsignal(signal.SIGPROF))
os.kill(os.getpid(), signal.SIGPROF)
burn_user()
print("reached")
""")
    # Ignored from birth on, which a program inherits.
    for env in some(RATES):
        clear_logs()
        words = ["sh", "-c", 'trap "" PROF; exec "$@"', "sh", EXE, "-c",
                 BURN + "print(signal.getsignal(signal.SIGPROF));"
                        "burn_user(); os.kill(os.getpid(), signal.SIGPROF);"
                        "print('alive')"]
        both("sigprof-inherited-ignored", words, log="ign.bin", env=env)
        enough("inherited ignored", 3,
               lambda: run(words, log="ign.bin", env=env))
        clear_logs()


# ---- dying -----------------------------------------------------------------

def deaths():
    program("segv", "burn_user(); print('x', flush=True);"
                    "ctypes.string_at(0)")
    program("segv-faulthandler", """
faulthandler.enable()
burn_user()
ctypes.string_at(0)
""")
    program("segv-own-handler", """
libc = ctypes.CDLL(None)
@ctypes.CFUNCTYPE(None, ctypes.c_int)
def handler(number):
    os.write(1, b"handler %d\\n" % number)
    os._exit(42)
libc.signal(signal.SIGSEGV, handler)
burn_user()
ctypes.string_at(0)
""")
    program("segv-python-handler", """
signal.signal(signal.SIGSEGV, lambda n, f: print("handled", n))
print(signal.getsignal(signal.SIGSEGV) is not signal.SIG_DFL)
burn_user()
os.kill(os.getpid(), signal.SIGSEGV)
burn_user(0.02)
""")
    program("segv-kill", """
burn_user(); os.kill(os.getpid(), signal.SIGSEGV); time.sleep(5)
""")
    program("segv-kill-faulthandler", """
faulthandler.enable(); burn_user()
os.kill(os.getpid(), signal.SIGSEGV); time.sleep(5)
""")
    program("segv-ignored", """
signal.signal(signal.SIGSEGV, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGSEGV)
burn_user()
print("alive")
ctypes.string_at(0)
""")
    program("segv-in-thread", """
def child():
    burn_user(); ctypes.string_at(0)
t = threading.Thread(target=child); t.start(); t.join(); time.sleep(5)
""")
    # A mapped file that shrinks: the kernel raises SIGBUS, not ours to mend.
    program("bus", """
import mmap
f = open("mapped", "w+b"); f.write(b"x" * 8192); f.flush()
m = mmap.mmap(f.fileno(), 8192); f.truncate(0)
burn_user()
print(m[5000])
""")
    for name in ("SIGTERM", "SIGKILL", "SIGINT", "SIGQUIT", "SIGUSR1",
                 "SIGVTALRM"):
        program(name, f"burn_user(); os.kill(os.getpid(), signal.{name});"
                      "time.sleep(5)")
    program("abort", "burn_user(); os.abort()")
    program("abort-faulthandler",
            "faulthandler.enable(); burn_user(); os.abort()")
    program("stack-overflow", """
sys.setrecursionlimit(10**9)
class A:
    def __getattr__(self, name): return getattr(self, name + "x")
burn_user()
ctypes.CDLL(None).strlen(ctypes.c_void_p(8))
""")


# ---- reading back ----------------------------------------------------------

def read_back():
    program("masks", """
def show(what):
    print(what, sorted(int(s) for s in signal.pthread_sigmask(
        signal.SIG_BLOCK, [])))
show("at first")
print(sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK,
      [signal.SIGPROF, signal.SIGUSR1])))
show("blocked")
burn_user()
show("still")
# it must stay pending while it is believed blocked
os.kill(os.getpid(), signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGPROF)
burn_user(0.03)
print(sorted(int(s) for s in signal.sigpending()))
def child():
    show("in a thread")
    burn_user(0.03)
t = threading.Thread(target=child); t.start(); t.join()
signal.signal(signal.SIGUSR1, lambda n, f: print("usr1"))
signal.signal(signal.SIGPROF, lambda n, f: print("prof"))
print(sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_UNBLOCK,
      [signal.SIGPROF, signal.SIGUSR1])))
burn_user(0.02)
show("unblocked")
old = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
show("all")
burn_user()
signal.pthread_sigmask(signal.SIG_SETMASK, old)
show("set back")
pid = os.fork()
if pid == 0:
    show("in a child")
    os._exit(3)
print(os.waitpid(pid, 0)[1])
""")
    program("handlers", """
for s in sorted(signal.valid_signals()):
    print(int(s), signal.getsignal(s))
burn_user()
try:
    signal.signal(signal.SIGKILL, signal.SIG_IGN)
except OSError as e:
    print(e)
lines = {l.split(":")[0]: l.split()[1] for l in open("/proc/self/status")
         if l.startswith("Sig")}
print(lines["SigBlk"])
""")
    program("siginterrupt", """
signal.signal(signal.SIGALRM, lambda n, f: print("alarm"))
signal.siginterrupt(signal.SIGALRM, False)
signal.siginterrupt(signal.SIGPROF, False)
signal.setitimer(signal.ITIMER_REAL, 0.05)
burn_user()
print(signal.getitimer(signal.ITIMER_REAL))
""")


# ---- waiting for signals ---------------------------------------------------

def waiting():
    program("sigwait-all", """
# all that a program can block, in every thread, and one that waits for all
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
got = []
def waiter():
    while True:
        n = signal.sigwait(signal.valid_signals())
        got.append(int(n))
        if n == signal.SIGTERM:
            return
w = threading.Thread(target=waiter); w.start()
busy = [threading.Thread(target=burn_user) for _ in range(3)]
for t in busy: t.start()
burn_user()
for t in busy: t.join()
os.kill(os.getpid(), signal.SIGUSR1); time.sleep(0.05)
os.kill(os.getpid(), signal.SIGTERM)
w.join()
print(got, threading.active_count())
""")
    program("sigwaitinfo", """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGPROF])
print(signal.sigtimedwait([signal.SIGUSR2, signal.SIGPROF], 0.05))
burn_user()
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigwaitinfo([signal.SIGUSR2, signal.SIGPROF]).si_signo)
print(signal.sigtimedwait([signal.SIGUSR2], 0))
""")
    # The host's own came before, or comes while it is waited for.
    program("sigwait-pending", """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF, signal.SIGTERM])
os.kill(os.getpid(), signal.SIGPROF)
print(int(signal.sigwait([signal.SIGPROF, signal.SIGTERM])))
burn_user()
""")
    for wait in ("sigwait([signal.SIGPROF, signal.SIGTERM])",
                 "sigwaitinfo([signal.SIGPROF, signal.SIGTERM])[0]",
                 "sigtimedwait([signal.SIGPROF, signal.SIGTERM], 9)[0]"):
        program("sigwait-coming", f"""
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF, signal.SIGTERM])
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGPROF)).start()
print(int(signal.{wait}))
burn_user()
""")
    # One that waits for SIGPROF alone means it.
    program("sigwait-prof", """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
burn_user()
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGPROF)).start()
print(int(signal.sigwait([signal.SIGPROF])))
burn_user()
""")
    # what comes while a tick of ours does must not be lost
    program("kept-prof", f"TURNS = {300 if FULL else 60}" + """
def turn():
    got = []
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
    burn_user(0.002)
    os.kill(os.getpid(), signal.SIGPROF)
    burn_user(0.002)
    pending = signal.SIGPROF in signal.sigpending()
    signal.signal(signal.SIGPROF, lambda n, f: got.append(int(n)))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    burn_user(0.002)
    return got == [27] and pending
""" + IN_CHILDREN, rates=FASTEST)
    # whoever takes it: another thread, which was meant or not; the latter only
    # where no tick of ours can be pending there, which looks the same
    for name, send, rates in (
            ("for-all", "os.kill(os.getpid(), signal.SIGPROF)", None),
            ("for-one", "signal.pthread_kill(t.ident, signal.SIGPROF)",
             ({},))):
        program("kept-" + name, f"""
got = []
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
begun, go = threading.Event(), threading.Event()
def waiter():
    begun.set()
    go.wait()
    got.append(signal.sigtimedwait([signal.SIGPROF], 2).si_signo)
t = threading.Thread(target=waiter); t.start(); begun.wait()
{send}
time.sleep(0.05)
burn_user(0.02)
if {name == "for-one"}:
    signal.signal(signal.SIGPROF, lambda n, f: print("prof"))
go.set(); t.join()
print(got)
burn_user()
""", rates=rates)
    # nor may one of ours be left to a thread that takes it for the host's
    program("moved-from-many", f"TURNS = {30 if FULL else 6}" + """
def turn():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
    over = threading.Event()
    def work():
        while not over.is_set():
            sum(range(50))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
        burn_user(0.002)
    threads = [threading.Thread(target=work) for i in range(6)]
    for t in threads: t.start()
    time.sleep(0.02)
    got = signal.sigtimedwait([signal.SIGPROF], 0.001)
    over.set()
    for t in threads: t.join()
    return got is None
""" + IN_CHILDREN, rates=FASTEST)
    program("wakeup-fd", """
import socket
a, b = socket.socketpair(); a.setblocking(False); b.settimeout(2)
signal.signal(signal.SIGUSR1, lambda n, f: None)
signal.set_wakeup_fd(a.fileno())
burn_user()
os.kill(os.getpid(), signal.SIGUSR1)
print(b.recv(100))
b.settimeout(0.05)
try:
    print(b.recv(100))
except OSError as e:
    print(type(e).__name__)
signal.set_wakeup_fd(-1)
""")
    program("pause", """
# a sleeper that a stray signal would wake
signal.signal(signal.SIGALRM, lambda n, f: print("alarm"))
burn_user()
signal.setitimer(signal.ITIMER_REAL, 0.2)
begin = time.monotonic()
signal.pause()
print(time.monotonic() - begin > 0.19)
""")


FASTEST = ({"PYPROF_RATE": "10k"},)
# Each in a process of its own, as sampling moves only once.
IN_CHILDREN = """
wrong = []
for i in range(TURNS):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if turn() else 1)
    status = os.waitpid(pid, 0)[1]
    if status:
        wrong.append((i, status))
print(wrong)
burn_user()
"""

# ---- with masks of their own -------------------------------------------------

# The calls that take a mask, by ctypes: Python has none of them.
MASKED = """
import select
libc = ctypes.CDLL(None, use_errno=True)
def mask(*numbers):
    s = (ctypes.c_ulong * 16)()
    for n in numbers:
        s[0] |= 1 << (n - 1)
    return ctypes.byref(s)
ALL = mask(*(set(range(1, 65)) - {9, 19}))
def at(seconds):
    return ctypes.byref((ctypes.c_long * 2)(0, int(seconds * 1e9)))
def blocked():
    return sorted(int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def masked():
    program("masked-waits", MASKED + """
poll = select.epoll()
events = ctypes.create_string_buffer(120)
waits = {"ppoll": lambda m: libc.ppoll(None, 0, at(0.03), m),
         "pselect": lambda m: libc.pselect(0, None, None, None, at(0.03), m),
         "epoll_pwait": lambda m: libc.epoll_pwait(poll.fileno(), events, 1, 30,
                                                   m)}
signal.signal(signal.SIGUSR1, lambda n, f: print("usr1"))
for before in ([], [signal.SIGPROF, signal.SIGUSR1], signal.valid_signals()):
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for name, wait in waits.items():
        for m in (None, ALL, mask()):
            # at 1 kHz one in a hundred is interrupted by us
            print(name, len(before), wait(m) and wait(m),
                  blocked() == sorted(before))
            burn_user(0.01)
    # what is pending comes in a wait whose mask lets it through
    if before:
        os.kill(os.getpid(), signal.SIGUSR1)
        for name, wait in waits.items():
            print(name, wait(ALL) and wait(ALL), wait(mask()) and wait(mask()),
                  ctypes.get_errno())
        alarms = []
        signal.signal(signal.SIGALRM, lambda n, f: alarms.append(n))
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        while True:
            ended = libc.sigsuspend(mask(signal.SIGPROF)), ctypes.get_errno()
            for i in range(100): pass
            if alarms: break
        print(ended, blocked() == sorted(before), alarms)
""", least=3)
    # SIGPROF from elsewhere stays pending and is waited for
    program("masked-sigprof", MASKED + """
burn_user()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
os.kill(os.getpid(), signal.SIGPROF)
burn_user(0.02)
print([int(n) for n in signal.sigpending()], blocked())
print(signal.sigtimedwait([signal.SIGPROF], 1).si_signo)
print(signal.sigpending(), blocked())
burn_user()
""")
    program("signalfd", MASKED + """
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
fd = libc.signalfd(-1, ALL, 0)
burn_user()
os.kill(os.getpid(), signal.SIGUSR1)
print(int.from_bytes(os.read(fd, 128)[:4], "little"))
os.set_blocking(fd, False)
try:
    print(len(os.read(fd, 128)))
except BlockingIOError:
    print("nothing more")
""")
    # one that has SIGPROF alone means it
    program("signalfd-prof", MASKED + """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
fd = libc.signalfd(-1, mask(signal.SIGPROF), 0)
burn_user()
os.kill(os.getpid(), signal.SIGPROF)
print(int.from_bytes(os.read(fd, 128)[:4], "little"))
burn_user()
""")
    program("itimer-sigwait", """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
signal.setitimer(signal.ITIMER_PROF, 0.02, 0.02)
burn_user(0.1)
print(int(signal.sigwait([signal.SIGPROF])))
burn_user(0.1)
print(int(signal.sigtimedwait([signal.SIGPROF], 1).si_signo))
print(signal.setitimer(signal.ITIMER_PROF, 0)[1])
burn_user(0.1)
""")


# ---- what programs inherit -----------------------------------------------------

INHERITED = """
import subprocess
grep = ["/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
def spawn(**how):
    os.waitpid(os.posix_spawn(grep[0], grep, os.environ, **how), 0)
def fork():
    pid = os.fork()
    if pid == 0:
        os.execv(grep[0], grep)
    os.waitpid(pid, 0)
def ways():
    for name, way in (("fork", fork), ("run", lambda: subprocess.run(grep)),
                      ("spawn", spawn),
                      ("mask", lambda: spawn(setsigmask=[signal.SIGUSR2])),
                      ("sigdef", lambda: spawn(setsigdef=[signal.SIGPROF]))):
        print(name, flush=True)
        way()
        burn_user(0.01)
"""


def inherited():
    program("inherited", INHERITED + """
burn_user()
ways()
os.system(" ".join(grep).replace("(", "'(").replace(")", ")'"))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF, signal.SIGUSR1])
ways()
os.system(" ".join(grep).replace("(", "'(").replace(")", ")'"))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
signal.signal(signal.SIGPROF, signal.SIG_IGN)
ways()
""", least=5)
    # also the faults, which code of ours lets through
    program("inherited-all", INHERITED + """
burn_user()
def ended():
    fork()
    try:
        os.execv("/nonexistent", ["x"])
    except OSError as e:
        print(e, len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
    fork()
    burn_user(0.02)
    sys.stdout.flush()
    os.execv(grep[0], grep)
signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGSEGV, signal.SIGUSR1])
ways()
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
ways()
ended()
""", least=5)


# ---- threads that cannot be sampled --------------------------------------------

def unsampled():
    """By system call a thread can keep us out: it is named in the log."""
    clear_logs()
    words = [EXE, "-c", BURN + """
libc = ctypes.CDLL(None)
def deaf(seconds):
    every = (ctypes.c_ulong * 1)(2 ** 64 - 1)
    libc.syscall(14, 0, every, None, 8)
    burn_user(seconds)
t = threading.Thread(target=deaf, args=(0.3,), name="DeafOne")
t.start(); t.join()
hear = threading.Thread(target=burn_user, args=(0.1,), name="Hears")
hear.start(); hear.join()
t = threading.Thread(target=deaf, args=(30,), daemon=True, name="DeafTwo")
t.start()
time.sleep(1)
burn_user()
"""]
    for env in some(RATES):
        clear_logs()
        both("unsampled", words, log="deaf.bin", env=env)
        text = text_of(report(*logs_here()).stdout)
        notes = [l for l in text.splitlines() if "by itself" in l]
        print(*notes, sep="\n")
        check(len(notes) == 2, "unsampled: notes", notes, env)
        check(any("DeafOne" in n for n in notes), "no DeafOne in", notes)
        check(any("DeafTwo" in n for n in notes), "no DeafTwo in", notes)
        clear_logs()


own_sigprof()
deaths()
read_back()
waiting()
masked()
inherited()
unsampled()
done()
