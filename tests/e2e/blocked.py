# SPDX-License-Identifier: MIT
# Blocked system calls are not interrupted: none at the default rate, at most
# one in a hundred at 1 kHz, three in a thousand in wall mode, whether the thread
# only sleeps or works between; the rates are printed.
# each: interpreter
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

ROUNDS = 3000 if FULL else 300

# Plain calls by ctypes, which returns EINTR where Python's own functions try
# again. nanosleep and poll are never restarted by SA_RESTART; recv with
# SO_RCVTIMEO and epoll_wait are not either.
PROGRAM = """
import ctypes, select, socket, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
EINTR = 4
class timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]
class pollfd(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short),
                ("revents", ctypes.c_short)]
ours, theirs = socket.socketpair()
ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                struct.pack("ll", 0, 5000))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
               struct.pack("ll", 0, 5000))
udp.bind(("127.0.0.1", 0))
epoll = select.epoll()
epoll.register(ours.fileno(), select.EPOLLIN)
buffer = ctypes.create_string_buffer(64)
short = timespec(0, 500000)
longer = timespec(0, 5000000)

def nanosleep(request=longer):
    return libc.nanosleep(ctypes.byref(request), None)
def short_sleep():
    return libc.nanosleep(ctypes.byref(short), None)
def poll():
    fds = pollfd(ours.fileno(), 1, 0)
    return libc.poll(ctypes.byref(fds), 1, 5)
def epoll_wait():
    return libc.epoll_wait(epoll.fileno(), buffer, 1, 5)
def recv():
    return libc.recv(ours.fileno(), buffer, 64, 0)
def recvfrom():
    return libc.recvfrom(udp.fileno(), buffer, 64, 0, None, None)

def rounds(call, n, work):
    interrupted = 0
    for i in range(n):
        if work:
            end = time.perf_counter() + work
            while time.perf_counter() < end:
                pass
        ctypes.set_errno(0)
        if call() < 0 and ctypes.get_errno() == EINTR:
            interrupted += 1
    return interrupted

def burn_user():
    while not stop:
        pass
stop = False
n = int(sys.argv[1])
if len(sys.argv) > 2:
    # the clock is kept going by somebody else
    sys.setswitchinterval(0.0005)
    threading.Thread(target=burn_user, daemon=True).start()
for call in nanosleep, poll, epoll_wait, recv, recvfrom:
    print(call.__name__, rounds(call, n // 10, 0), n // 10)
for work in 0.0003, 0.0009:
    print("alternating-%g-ms" % (work * 1000), rounds(short_sleep, n, work), n)
stop = True
"""

open("blocked.py", "w").write(PROGRAM)
RUNS = our_share([("auto", ()), ("1k", ()), ("wall", ()), ("1k", ("busy",))], 2)
if FULL:
    RUNS += [("auto", ("busy",))]


# Wall mode asks a hundred times a second who runs, and those who wait never.
PARTS = {"1k": 1, "wall": 0.3}


def most(count, share):
    """That share, and what chance adds: five standard errors, and two, as they
    come in the tail where few are expected."""
    return share * count + 5 * (share * count) ** 0.5 + 2


for rate, busy in RUNS:
    clear_logs()
    p = run([EXE, "blocked.py", ROUNDS, *busy], log="p.bin",
            env={"PYPROF_MODE": "wall"} if rate == "wall"
            else {"PYPROF_RATE": rate}, timeout=120)
    if not check(p.status == 0 and not p.stderr, rate, p):
        continue
    total = interrupted = 0
    worst = []
    for line in p.stdout.splitlines():
        name, hits, count = line.split()
        interrupted += int(hits)
        total += int(count)
        if int(hits):
            worst.append(f"{name} {hits}/{count}")
        # At auto none, by construction. At 1 kHz the ticker looks and then
        # signals, and the thread may be on its way into the wait: of all
        # waits one in a hundred; where a thread does nothing but that, half
        # of what it runs is that way, on a machine with slow timers.
        if rate == "auto":
            check(int(hits) == 0, "auto:", line)
        else:
            share = 0.02 * PARTS[rate]
            check(int(hits) <= most(int(count), share), rate, *busy, line)
    if rate != "auto":
        share = 0.01 * PARTS[rate]
        check(interrupted <= (share * total if FULL else most(total, share)),
              rate, *busy, interrupted, total)
    samples = header("p.bin").get("samples")
    print(f"{rate} {' '.join(busy)}: {interrupted} of {total} interrupted"
          f" ({100 * interrupted / total:.2f} %), {samples} samples", *worst)
done()
