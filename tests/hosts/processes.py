# SPDX-License-Identifier: MIT
# Processes that fork, exec, spawn, daemonize, drop root or end in every way do
# so as without us, also while a fast clock signals busy threads.
# each: interpreter
# parallel: yes
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

MANY = 200 if FULL else 20
FAST = {"PYPROF_RATE": "10k"}
SLOW = {}

BURN = """
import atexit, ctypes, os, signal, subprocess, sys, threading, time
def burn_user(seconds=0.06):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
def busy(n):
    for i in range(n):
        threading.Thread(target=burn_user, args=(1000,), daemon=True).start()
"""


def case(name, code, env=FAST, least=3, status=0, lines=0, **more):
    """Its logs; none where it is another Python's turn."""
    if not is_our_turn(3):
        return []
    clear_logs()
    began = time.monotonic()
    words = [EXE, "-c", BURN + code]
    plain, _ = both(name, words, log="p.bin", env=env, lines=lines, **more)
    check(plain.status == status, name, "without us:", plain)
    found = enough(name, least,
                   lambda: run(words, log="p.bin", env=env, **more))
    logs = logs_here()
    print(f"{name}: {len(logs)} logs, {found} samples,"
          f" {time.monotonic() - began:.1f} s", flush=True)
    return logs


# ---- exec ------------------------------------------------------------------

def execs():
    # each program in the chain is the next, with threads that keep the
    # clock busy while it goes; the log of the last one stays
    chain = f"""
n = int(sys.argv[1]) if len(sys.argv) > 1 else {MANY}
busy(2)
burn_user(0.01)
if n:
    os.execv(sys.executable, [sys.executable, "-S", __file__, str(n - 1)])
print("the end")
burn_user(0.05)
sys.exit(4)
"""
    Path("chain.py").write_text(BURN + chain)
    clear_logs()
    both("exec-chain", [EXE, "-S", "chain.py"], log="p.bin", env=FAST)
    found = enough("exec-chain", 5, lambda: run(
        [EXE, "-S", "chain.py"], log="p.bin", env=FAST))
    print("exec-chain:", len(logs_here()), "logs", found, "samples")

    case("exec-true", f"""
ended = []
for i in range({MANY}):
    pid = os.fork()
    if pid == 0:
        busy(1)
        burn_user(0.002)
        os.execv("/bin/true", ["true"])
    ended.append(os.waitpid(pid, 0)[1])
print(set(ended), len(ended))
burn_user()
""")
    case("exec-other-calls", """
ended = []
for how in (lambda: os.execl("/bin/sh", "sh", "-c", "exit 3"),
            lambda: os.execle("/bin/sh", "sh", "-c", "exit $X", {"X": "4"}),
            lambda: os.execlp("sh", "sh", "-c", "exit 5"),
            lambda: os.execvp("sh", ["sh", "-c", "exit 6"]),
            lambda: os.execvpe("sh", ["sh", "-c", "exit $X"],
                               {"X": "7", "PATH": "/bin:/usr/bin"}),
            lambda: os.execve(os.open("/bin/sh", os.O_RDONLY),
                              ["sh", "-c", "exit 8"], {})):
    pid = os.fork()
    if pid == 0:
        busy(1)
        burn_user(0.01)
        how()
    ended.append(os.waitpid(pid, 0)[1] >> 8)
print(ended)
burn_user()
""")
    for env in some((SLOW, FAST)):
        log = case("exec-fails", """
busy(2)
for i in range(50):
    try:
        os.execv("/nonexistent", ["x"])
    except OSError as e:
        error = e
    try:
        os.execv("/etc/passwd", ["x"])
    except OSError as e:
        other = e
print(error, other)
burn_user(0.2)
print(signal.getsignal(signal.SIGPROF))
""", env=env, least=8)
        check(not log or header(log[0]).get("ended") == "1",
              "exec-fails: ended is", log and header(log[0]).get("ended"))
    # what a program inherits: nothing ignored, nothing blocked, no timer
    case("exec-inherits", """
burn_user()
os.execv("/bin/sh", ["sh", "-c", "grep -E '^Sig(Blk|Ign|Cgt)' "
         "/proc/self/status; ls /proc/self/fd"])
""")
    for engine in ("timer", "ticker", "itimer"):
        case("exec-inherits-" + engine, """
burn_user()
os.execve(sys.executable, [sys.executable, "-S", "-c",
    "import signal, time; e = time.process_time() + 0.05\\n"
    "print(signal.getitimer(signal.ITIMER_PROF),"
    " signal.pthread_sigmask(signal.SIG_BLOCK, []),"
    " signal.getsignal(signal.SIGPROF))\\n"
    "while time.process_time() < e: pass"],
    {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"})
""", env={"PYPROF_ENGINE": engine, "PYPROF_RATE": "200"}, least=3)


# ---- children --------------------------------------------------------------

def children():
    case("popen", f"""
busy(2)
ended = [subprocess.Popen(["/bin/true"]).wait() for i in range({MANY})]
ended += [subprocess.Popen(["/bin/true"], close_fds=False).wait()
          for i in range({MANY})]
ended += [os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ),
                     0)[1] for i in range({MANY})]
ended += [subprocess.Popen(["/bin/true"], preexec_fn=os.getpid).wait()
          for i in range({MANY} // 10)]
print(set(ended), len(ended))
print(subprocess.check_output(["sh", "-c", "echo $PPID"]).strip()
      == str(os.getpid()).encode())
print(os.system("exit 3") >> 8)
burn_user()
""")
    case("popen-missing", """
for i in range(5):
    try:
        subprocess.Popen(["/nonexistent"])
    except FileNotFoundError as e:
        print(e)
burn_user()
""")
    case("fork", f"""
ended = []
busy(1)
for i in range({MANY}):
    pid = os.fork()
    if pid == 0:
        burn_user(0.003)
        os._exit(i % 7)
    ended.append(os.waitpid(pid, 0)[1] >> 8)
print(ended)
burn_user()
""")
    case("fork-of-fork", """
def go(depth):
    pid = os.fork()
    if pid == 0:
        burn_user(0.02)
        if depth:
            go(depth - 1)
        sys.stdout.flush()
        os._exit(depth)
    print(depth, os.waitpid(pid, 0)[1] >> 8, flush=True)
go(4)
""")
    Path("mp.py").write_text(BURN + """
import multiprocessing as mp
def work(n):
    burn_user(0.03)
    return n * n
if __name__ == "__main__":
    for how in ("fork", "spawn", "forkserver"):
        with mp.get_context(how).Pool(2) as pool:
            print(how, pool.map(work, range(6)))
    burn_user()
""")
    clear_logs()
    both("multiprocessing", [EXE, "mp.py"], log="p.bin", env=FAST)
    found = enough("multiprocessing", 15, lambda: run(
        [EXE, "mp.py"], log="p.bin", env=FAST), "work")
    print("multiprocessing:", len(logs_here()), "logs", found, "samples")
    # of our own
    case("system", """
# of us, once we wait: before that libc blocks everything for a moment
show = "grep -E '^Sig(Blk|Ign)' /proc/%s/status"
ours = ("until grep -q '^State:.S' /proc/$PPID/status; do :; done; "
        + show % "$PPID")
def mine():
    print([l for l in open("/proc/self/status")
           if l.startswith(("SigBlk", "SigIgn"))], flush=True)
burn_user()
libc = ctypes.CDLL(None, use_errno=True)
print(libc.system(None))
# all but ours, which a thread only believes to block
every = signal.valid_signals() - {signal.SIGPROF, signal.SIGKILL,
                                  signal.SIGSTOP}
for before in ([], [signal.SIGUSR1, signal.SIGCHLD], every):
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    print(os.system(show % "self"), os.system(ours), flush=True)
    print([os.system(line) for line in
           ("exit 3", "kill -9 $$", "exec 2>&-; nonsense-command", "", ":")])
    print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])) ==
          sorted(before))
signal.pthread_sigmask(signal.SIG_SETMASK, [])
# what is sent to us from the terminal is the command's alone
print(os.system("kill -INT $PPID; kill -QUIT $PPID; exit 4"))
mine()
signal.signal(signal.SIGINT, signal.SIG_IGN)
print(os.system(show % "self"), flush=True)
mine()
print(signal.getsignal(signal.SIGQUIT))
ended = []
def work():
    ended.append(os.system("kill -INT $PPID; exit 5") >> 8)
signal.signal(signal.SIGINT, lambda n, f: print("not ignored"))
threads = [threading.Thread(target=work) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
mine()
signal.raise_signal(signal.SIGINT)
# none may wait for it but the call
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
ctypes.set_errno(0)
print(ended, libc.system(b"exit 3"), ctypes.get_errno())
burn_user()
""", env=FAST)
    case("system-thread", """
# fork in one thread while others are created and end; 3.12 and later warn of
# that, rightly, if one of them lives at that moment
import warnings; warnings.simplefilter("ignore", DeprecationWarning)
def churn():
    for i in range(100):
        t = threading.Thread(target=lambda: None); t.start(); t.join()
c = [threading.Thread(target=churn) for i in range(2)]
for t in c: t.start()
r = [os.system("exit %d" % (i % 5)) >> 8 for i in range(10)]
for i in range(5):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
for t in c: t.join()
print(r, threading.active_count())
burn_user()
""")


def daemon():
    for env in some((SLOW, FAST)):
        clear_logs()
        for name in ("daemon.out", "daemon.err"):
            if os.path.exists(name):
                os.unlink(name)
        _, _ = both("daemon", [EXE, "-c", BURN + """
burn_user(0.05)
if os.fork():
    os._exit(3)
os.setsid()
if os.fork():
    os._exit(0)
os.closerange(0, 3)
for i in range(3): os.open("/dev/null", os.O_RDWR)
burn_user(0.2)
with open("daemon.tmp", "w") as f: f.write("ready %d" % os.getpid())
os.rename("daemon.tmp", "daemon.out")
"""], log="p.bin", env=env)
        for _ in range(200):
            if os.path.exists("daemon.out"):
                break
            time.sleep(0.05)
        check(os.path.exists("daemon.out"), "daemon: never came to its end")
        for _ in range(100):
            logs = logs_here()
            ended = sorted(header(l).get("ended", "") for l in logs)
            # what the run without us left may have told, and ours be late
            if len(logs) == 3 and ended[0] != "0":
                break
            time.sleep(0.05)
        check(len(logs) == 3, "daemon: three logs wanted", logs)
        check(ended == ["1", "2", "2"], "daemon: ended", ended)
        found = total_of(profile(*logs), "burn_user")
        check(found >= 10, "daemon: only", found, "samples")
        print("daemon:", found, "samples")


# ---- ends ------------------------------------------------------------------

def ends():
    case("_exit", "busy(2); burn_user(); os._exit(5)", status=5)
    case("exit-in-thread", """
def child():
    burn_user()
    sys.exit(6)
t = threading.Thread(target=child); t.start(); t.join()
print("goes on")
""")
    case("_exit-in-thread", """
def child():
    burn_user(0.2)
    os._exit(6)
t = threading.Thread(target=child); t.start()
burn_user(100)
""", status=6)
    case("atexit", """
atexit.register(burn_user)
atexit.register(lambda: print("last words"))
burn_user()
sys.exit("a message")
""", status=1)
    case("exception", "burn_user(); raise ValueError('x')", status=1)
    case("exception-in-thread", """
def child():
    burn_user()
    raise ValueError("x")
t = threading.Thread(target=child, name="T"); t.start(); t.join()
""")
    case("interrupt", """
burn_user()
os.kill(os.getpid(), signal.SIGINT)
time.sleep(5)
""", status=-2)
    case("daemon-threads", "busy(4); burn_user(); print('end')")
    case("libc-exit", "burn_user(); ctypes.CDLL(None).exit(12)", status=12)
    case("libc-_exit", "burn_user(); ctypes.CDLL(None)._exit(13)", status=13)
    case("exit-group", """
burn_user()
ctypes.CDLL(None).syscall(231, 14)
""", status=14)
    case("pthread-exit", """
def child():
    burn_user()
    # leaves without telling Python, as a C library might
    ctypes.CDLL(None).pthread_exit(None)
threading.Thread(target=child, daemon=True).start()
burn_user(0.2)
print("end", flush=True)
os._exit(0)
""")


def identity():
    if os.geteuid() != 0:
        print("setuid: not tested, no root")
        return
    case("setuid", """
def ids():
    found = set()
    for task in os.listdir("/proc/self/task"):
        for line in open("/proc/self/task/%s/status" % task):
            if line.startswith(("Uid", "Gid", "CapEff", "CapPrm")):
                found.add(line.split(":")[0] + " ".join(line.split()[1:]))
    return sorted(found)
busy(2)
burn_user()
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
burn_user()
print(ids())
try:
    os.setuid(0)
except OSError as e:
    print(e)
burn_user()
print(ids(), flush=True)
# CPython 3.10 dies at its end of threads that still run, 1 in 150 without us
os._exit(0)
""")
    case("unshare", """
libc = ctypes.CDLL(None, use_errno=True)
burn_user()
print(libc.unshare(0x10000000), ctypes.get_errno())
burn_user()
print(libc.unshare(0x00020000), ctypes.get_errno())
""")


execs()
children()
daemon()
ends()
identity()
done()
