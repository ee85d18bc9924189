# SPDX-License-Identifier: MIT
"""Lines whose time is spent inside C functions and long bytecodes, between
lines that cost nothing; the CPU time of each, by line number, goes to TRUTH.
A line that is measured ends in a number sign and its name."""
import hashlib
import json
import os
import random
import re
from time import perf_counter, thread_time

DATA = [random.Random(3).random() for _ in range(4000)]
BYTES = bytes(range(256)) * 800
TEXT = "ab" * 3000 + "c"
PATTERN = re.compile("(?:a|b)*?d")
LONG = 7 ** 4000
SHORT = 3 ** 2000


def work(spent, n):
    t0 = thread_time()
    x = n
    for _ in range(n): sorted(DATA)  # sorted
    y = x
    t1 = thread_time()
    x = y
    for _ in range(3 * n): sum(range(9000))  # sum
    y = x
    t2 = thread_time()
    x = y
    for _ in range(n): hashlib.sha256(BYTES).digest()  # hashlib
    y = x
    t3 = thread_time()
    x = y
    for _ in range(n): PATTERN.match(TEXT)  # re
    y = x
    t4 = thread_time()
    x = y
    for _ in range(6 * n): z = LONG // SHORT  # a bytecode
    y = x
    t5 = thread_time()
    x = y
    for _ in range(3 * n): z = DATA + DATA + DATA + DATA  # bytecodes
    y = x
    t6 = thread_time()
    times = t0, t1, t2, t3, t4, t5, t6
    for i in range(6):
        spent[i] += times[i + 1] - times[i]


def main(seconds):
    with open(__file__) as source:
        lines = [number for number, text in enumerate(source, 1)
                 if text.startswith("    for _ in") and "  # " in text]
    spent = [0.0] * len(lines)
    rnd = random.Random(int(os.environ.get("SEED", "7")))
    begin = thread_time()
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        work(spent, rnd.randint(1, 8))
    whole = thread_time() - begin
    with open(os.environ["TRUTH"], "w") as out:
        json.dump({"whole": whole,
                   "shares": {line: t / whole
                              for line, t in zip(lines, spent)}}, out)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
