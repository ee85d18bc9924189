# SPDX-License-Identifier: MIT
"""All that a program may do to a profiler, for SECONDS: threads, asyncio,
generators, recursion 2,500 deep, garbage collections, exec, fork, subprocess;
one after the other and then together. Each checks its own results, and what is
printed is the same however long it took."""
import asyncio
import gc
import os
import random
import subprocess
import sys
import threading
import warnings
from time import perf_counter

SECONDS = float(os.environ.get("SECONDS", "20"))

# it forks with threads alive, on purpose
warnings.simplefilter("ignore", DeprecationWarning)
sys.setrecursionlimit(6000)
threading.stack_size(64 << 20)


def check(holds, what):
    if not holds:
        print("WRONG:", what, flush=True)
        os._exit(3)


def spin(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def deep(n):
    return deep(n - 1) + 1 if n else 0


def recursion():
    check(deep(2500) == 2500, "recursion")


def generators():
    def numbers(n):
        yield from range(n)

    def squares(n):
        for i in numbers(n):
            yield i * i

    check(sum(squares(500)) == 41541750, "generators")
    half_way = squares(10)
    next(half_way)
    half_way.close()


async def nap(k):
    await asyncio.sleep(0)
    return k + spin(50) * 0


async def gather():
    async def items():
        for i in range(10):
            await asyncio.sleep(0)
            yield i

    found = await asyncio.gather(*(nap(k) for k in range(20)))
    check(found == list(range(20)), "gather")
    check([i async for i in items()] == list(range(10)), "async generator")


def coroutines():
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(gather())
    finally:
        loop.close()


class Node:
    def __init__(self, child):
        self.child, self.me = child, self

    def __del__(self):
        Node.gone += 1


Node.gone = 0


def garbage():
    for _ in range(20):
        Node(Node(None))
    gc.collect()


def made():
    k = random.randrange(1000)
    space = {}
    exec("def f(n):\n    return n + %d\n" % k, space)
    check(space["f"](1) == k + 1, "exec")


def exceptions():
    def raiser(n):
        try:
            if n:
                raiser(n - 1)
            raise KeyError(n)
        finally:
            n += 1

    try:
        raiser(30)
    except KeyError as error:
        check(error.args == (0,), "exception")


def tracing():
    calls = []
    if sys.gettrace() is None:
        sys.settrace(lambda frame, event, argument: calls.append(event))
        spin(3)
        sys.settrace(None)
        check(calls[:1] == ["call"], "settrace")


def forks():
    pid = os.fork()
    if pid == 0:
        recursion()
        os._exit(7 if spin(2000) == 7000 else 8)
    _, status = os.waitpid(pid, 0)
    check(status == 7 << 8, f"fork: status {status:#x}")


def programs():
    done = subprocess.run(["/bin/echo", "hello"], stdout=subprocess.PIPE,
                          check=True)
    check(done.stdout == b"hello\n", "subprocess")
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    check(os.waitpid(pid, 0)[1] == 0, "posix_spawn")


def short_threads():
    found = []
    threads = [threading.Thread(target=lambda: found.append(spin(500)))
               for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(len(found) == 8, "threads")


ANYWHERE = (recursion, generators, coroutines, garbage, made, exceptions)
MAIN_ONLY = (tracing, forks, programs, short_threads)


def repeat(tasks, stop):
    while True:
        for task in tasks:
            task()
        if perf_counter() > stop:
            return


def main():
    tasks = ANYWHERE + MAIN_ONLY
    begin = perf_counter()
    for i, task in enumerate(tasks, 1):
        repeat([task], begin + SECONDS / 2 * i / len(tasks))
        print(task.__name__, "ok", flush=True)
    stop = begin + SECONDS
    threads = [threading.Thread(target=repeat, args=(ANYWHERE, stop))
               for _ in range(3)]
    for t in threads:
        t.start()
    repeat(tasks, stop)
    for t in threads:
        t.join()
    check(Node.gone % 2 == 0, "__del__")
    print("together ok", flush=True)


if __name__ == "__main__":
    main()
