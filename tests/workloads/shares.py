# SPDX-License-Identifier: MIT
"""Eight plain functions with known shares of CPU time, in an order that SEED
shuffles; the truth of this run, by the thread's CPU clock, goes to TRUTH."""
import json
import os
import random
from time import perf_counter, thread_time


def forty(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def quarter(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def fifteen(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def ten(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def five(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def three(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def one_half(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def half(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


SHARES = {forty: 40, quarter: 25, fifteen: 15, ten: 10, five: 5, three: 3,
          one_half: 1.5, half: 0.5}


def main(seconds):
    spent = dict.fromkeys(SHARES, 0.0)
    order = list(SHARES.items())
    rnd = random.Random(int(os.environ.get("SEED", "7")))
    begin = thread_time()
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        rnd.shuffle(order)
        for function, share in order:
            n = int(share * 1000 * rnd.uniform(0.5, 1.5))
            t = thread_time()
            function(n)
            spent[function] += thread_time() - t
    whole = thread_time() - begin
    with open(os.environ["TRUTH"], "w") as out:
        json.dump({"whole": whole,
                   "shares": {f.__name__: t / whole
                              for f, t in spent.items()}}, out)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
