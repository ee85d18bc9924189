# SPDX-License-Identifier: MIT
"""Eight lines of one function with known shares of CPU time; the truth of this
run, by line number, goes to TRUTH. The end of a line says its share."""
import json
import os
import random
import re
from time import perf_counter, thread_time


def work(spent, n, scale):
    i = total = 0
    t0 = thread_time()
    for i in range(n * 80): total += i & 7  # 40
    t1 = thread_time()
    while i < n * 105: i += 1  # 25
    t2 = thread_time()
    [total ^ i for i in range(n * 30)]  # 15
    t3 = thread_time()
    for i in range(n * 20): total += (i << 2) // 3  # 10
    t4 = thread_time()
    for i in range(n * 10): scale, total = total, scale  # 5
    t5 = thread_time()
    for i in range(n * 6): total = -i if i & 1 else i  # 3
    t6 = thread_time()
    for i in range(n * 3): total += i & 7  # 1.5
    t7 = thread_time()
    for i in range(n): total += i & 7  # 0.5
    t8 = thread_time()
    times = t0, t1, t2, t3, t4, t5, t6, t7, t8
    for i in range(8):
        spent[i] += times[i + 1] - times[i]


def main(seconds):
    lines = []
    with open(__file__) as source:
        for number, text in enumerate(source, 1):
            if re.search(r"  # [0-9.]+$", text):
                lines.append(number)
    assert len(lines) == 8, lines
    spent = [0.0] * 8
    rnd = random.Random(int(os.environ.get("SEED", "7")))
    begin = thread_time()
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        work(spent, int(400 * rnd.uniform(0.5, 1.5)), 3)
    whole = thread_time() - begin
    with open(os.environ["TRUTH"], "w") as out:
        json.dump({"whole": whole,
                   "shares": {line: t / whole
                              for line, t in zip(lines, spent)}}, out)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
