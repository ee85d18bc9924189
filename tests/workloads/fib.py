# SPDX-License-Identifier: MIT
"""Nothing but calls: fib(20) for SECONDS; or with DEPTH
a recursion so deep instead. What was done, CPU seconds and the most memory in
KiB, as the kernel counts it, go to RESULT."""
import json
import os
import sys
from time import perf_counter, process_time

SECONDS = float(os.environ.get("SECONDS", "20"))
DEPTH = int(os.environ.get("DEPTH", "0"))
sys.setrecursionlimit(max(1000, DEPTH + 500))


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def deep(n):
    return deep(n - 1) + 1 if n else 0


def memory():
    """The peak, and what of it now is no file's."""
    with open("/proc/self/status") as file:
        return {name: int(value.split()[0]) for name, _, value in
                (line.partition(":") for line in file)
                if name in ("VmHWM", "RssAnon", "RssFile", "RssShmem")}


def main():
    rounds = 0
    begin = process_time()
    stop = perf_counter() + SECONDS
    while perf_counter() < stop:
        if DEPTH:
            assert deep(DEPTH) == DEPTH
        else:
            assert fib(20) == 6765
        rounds += 1
    with open(os.environ["RESULT"], "w") as out:
        json.dump({"rounds": rounds, "cpu": process_time() - begin,
                   "memory": memory()}, out)


if __name__ == "__main__":
    main()
