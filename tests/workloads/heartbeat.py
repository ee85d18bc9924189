# SPDX-License-Identifier: MIT
"""Three threads that work for ever, or for SECONDS, and keep their thread ids
and CPU clocks in the file BEAT, a slot of 16 bytes each, written in place, so
that it holds however the process ends. New code objects and, from a fourth,
threads appear all the time."""
import mmap
import os
import threading
from time import perf_counter, thread_time_ns

SECONDS = float(os.environ.get("SECONDS", "60"))
SLOTS = 3

with open(os.environ["BEAT"], "w+b") as file:
    file.truncate(4096)
    beat = memoryview(mmap.mmap(file.fileno(), 4096)).cast("q")


def spin(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def deep(n):
    return deep(n - 1) + 1 if n else spin(300)


def made(k):
    space = {}
    exec("def made_%d(n):\n    return [i for i in range(n)]\n" % k, space)
    return space["made_%d" % k](300)


def work(slot):
    stop = perf_counter() + SECONDS
    beat[2 * slot] = threading.get_native_id()
    k = 0
    while perf_counter() < stop:
        for task in spin, deep, made:
            task(20 if task is deep else 300 + k % 7)
            beat[2 * slot + 1] = thread_time_ns()
        k += 1


def churn():
    stop = perf_counter() + SECONDS
    while perf_counter() < stop:
        short = threading.Thread(target=spin, args=(100,))
        short.start()
        short.join()


threads = [threading.Thread(target=work, args=(slot,), daemon=True)
           for slot in range(1, SLOTS)]
threads.append(threading.Thread(target=churn, daemon=True))
for t in threads:
    t.start()
work(0)
for t in threads:
    t.join()
