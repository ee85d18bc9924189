# SPDX-License-Identifier: MIT
"""A plain loop against a loop of tiny calls, in pieces of about CHUNK
milliseconds; the share of each in CPU time goes to TRUTH."""
import json
import os
import random
from time import perf_counter, thread_time

CHUNK = float(os.environ.get("CHUNK", "60")) / 1000


def plain(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def tiny():
    pass


def calls(n):
    for _ in range(n):
        tiny()


def main(seconds):
    spent = {plain: 0.0, calls: 0.0}
    per_second = {plain: 2e6, calls: 1e6}
    rnd = random.Random(int(os.environ.get("SEED", "7")))
    pieces = 0
    begin = thread_time()
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        for function in rnd.sample([plain, calls], 2):
            n = int(per_second[function] * CHUNK * rnd.uniform(0.5, 1.5))
            t = thread_time()
            function(n)
            t = thread_time() - t
            spent[function] += t
            pieces += 1
            per_second[function] = n / t
    whole = thread_time() - begin
    with open(os.environ["TRUTH"], "w") as out:
        json.dump({"whole": whole, "pieces": pieces,
                   "shares": {f.__name__: t / whole
                              for f, t in spent.items()}}, out)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
