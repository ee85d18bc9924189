# SPDX-License-Identifier: MIT
"""Known shares of CPU time as in shares.py, but each of another kind: method,
closure, generator, coroutine, recursion, key function of a C function, class
body, code of exec(). What each calls is its own."""
import json
import os
import random
from time import perf_counter, thread_time


class Worker:
    def forty(self, n):
        for i in range(n):
            self.last = i
        return self


def make():
    total = 0

    def quarter(n):
        nonlocal total
        for i in range(n):
            total ^= i
    return quarter


def numbers(n):
    for i in range(n):
        yield i & 7


def fifteen(n):
    return sum(numbers(n))


async def nap(n):
    total = 0
    while n > 0:
        total += n & 7
        n -= 1
    return total


async def naps(n):
    for _ in range(8):
        await nap(n // 8)


def ten(n):
    try:
        naps(n).send(None)
    except StopIteration:
        pass


def five(n, depth=32):
    return five(n, depth - 1) + 1 if depth else spin(n)


def spin(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def low_bits(key):
    return key & 7


def three(n):
    sorted(range(n), key=low_bits)


def one_half(n):
    class Body:
        total = 0
        for i in range(n):
            total += i & 7
    return Body.total


space = {}
exec(compile("""
def half(n):
    total = 0
    for i in range(n):
        total += i & 7
""", "<made by exec>", "exec"), space)


WORK = [
    ("forty", 40, Worker().forty),
    ("quarter", 25, make()),
    ("fifteen", 15, fifteen),
    ("ten", 10, ten),
    ("five", 5, five),
    ("three", 3, three),
    ("one_half", 1.5, one_half),
    ("half", 0.5, space["half"]),
]


def main(seconds):
    spent = dict.fromkeys((name for name, _, _ in WORK), 0.0)
    rate = dict.fromkeys(spent, 1000.0)  # rounds that are 1 % of the time
    rnd = random.Random(int(os.environ.get("SEED", "7")))
    begin = thread_time()
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        rnd.shuffle(WORK)
        for name, share, function in WORK:
            n = int(share * rate[name] * rnd.uniform(0.5, 1.5))
            t = thread_time()
            function(n)
            t = thread_time() - t
            spent[name] += t
            # they are of different speed: 1 % shall be 0.1 ms
            rate[name] += (1e-4 * n / (t + 1e-9) - rate[name]) / 8
            rate[name] = min(max(rate[name], 50), 50000)
    whole = thread_time() - begin
    with open(os.environ["TRUTH"], "w") as out:
        json.dump({"whole": whole,
                   "shares": {name: t / whole
                              for name, t in spent.items()}}, out)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
