# SPDX-License-Identifier: MIT
# A program that dies in whatever way dies as it does without us, and leaves a
# log that reads, in which no more is missing than the last tick of a thread.
# each: interpreter
# parallel: yes
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(1.0, 0.2)

# It keeps its main thread's CPU clock in a shared file, up to its death.
PROGRAM = """
import ctypes, faulthandler, mmap, os, resource, signal, struct, sys, threading
from time import clock_gettime, CLOCK_THREAD_CPUTIME_ID
file = open("beat", "w+b")
file.truncate(4096)
beat = mmap.mmap(file.fileno(), 4096)
def burn(seconds):
    stop = clock_gettime(CLOCK_THREAD_CPUTIME_ID) + seconds
    now = 0
    while now < stop:
        for _ in range(100):
            pass
        now = clock_gettime(CLOCK_THREAD_CPUTIME_ID)
        struct.pack_into("d", beat, 0, now)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
burn(float(sys.argv[2]))
"""

WAYS = {
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGPROF": "os.kill(os.getpid(), signal.SIGPROF)",
    "SIGSEGV": "ctypes.string_at(0)",
    "SIGSEGV with faulthandler": "faulthandler.enable(); ctypes.string_at(0)",
    "abort": "os.abort()",
    "os._exit": "os._exit(3)",
    "in a thread": "t = threading.Thread(target=lambda: os._exit(4));"
                   " t.start(); t.join()",
    # no more memory, neither for it nor for its log, which is past its first
    # chunk here or there
    "memory limit": """
now = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (now, now))
burn(0.05)
kept = []
while True:
    kept.append(bytearray(1 << 20))
""",
    "CPU limit": "resource.setrlimit(resource.RLIMIT_CPU, (1, 2));"
                 " burn(5)",
}


def die(way, profile, **settings):
    done = run("-c", PROGRAM + WAYS[way], way, SECONDS, profile=profile,
               good=False, timeout=60, **settings)
    with open("beat", "rb") as file:
        return done, struct.unpack("d", file.read(8))[0]


def said(done):
    """What it said at its death, without addresses."""
    return [line for line in done.stderr.splitlines() if "0x" not in line]


def check(way, rate):
    what = f"{way} {rate}"
    plain, _ = die(way, False)
    done, beat = die(way, True, rate=rate)
    expect(plain.status == done.status and plain.status, f"{what}: ended with"
           f" {done.status}, without us with {plain.status}: {done.stderr}")
    expect(said(plain) == said(done), f"{what}: said {said(done)}, without us"
           f" {said(plain)}")
    report = subprocess.run([REPORT, done.log], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, check=False)
    expect(report.returncode == 0, f"{what}: pyprof-report ended with"
           f" {report.returncode}: {report.stderr.decode()}")
    log = pplog.read(done.log)
    main = next(t for t in log.threads.values() if t.kind == pplog.MAIN)
    missing = beat - (main.end_cpu_ns or main.last_cpu_ns or main.cpu_ns) / 1e9
    ticks = missing * 1e9 / log.header["tick_ns"]
    # a tick; the ticker, which competes with the thread for the processors,
    # has what sigkill.py gives it
    bound = 3 if log.engine == "timer" else 0.1e9 / log.header["tick_ns"]
    expect(ticks < bound, f"{what}: {ticks:.1f} ticks of {beat} s are missing;"
           f" {load()}")
    lost = {name: n for name, n in log.lost.items() if n}
    figures("deaths", f"{what}: status {done.status}, ended"
            f" {log.header['ended']}, {ticks:.1f} ticks missing, lost {lost}")


for number, each in our_share(enumerate(WAYS), 3):
    for hz in ("auto", "1k") if FULL else (("auto", "1k")[number % 2],):
        check(each, hz)
finish()
