# SPDX-License-Identifier: MIT
"""The main thread and LONG others burn SECONDS of CPU each, while 60 threads
of 4 ms come and go. To TRUTH go each thread's tid and CPU time, and the longest
that anything took between two looks at that: what a shared machine takes away
is charged to who runs."""
import json
import os
import threading
from time import thread_time

SECONDS = float(os.environ.get("SECONDS", "2"))
LONG = int(os.environ.get("LONG", "2"))
spent, gaps = {}, []


def burn(seconds):
    total = longest = 0
    last = thread_time()
    while last < seconds:
        for i in range(200):
            total += i & 7
        now = thread_time()
        longest, last = max(longest, now - last), now
    gaps.append(longest)


def thread(seconds):
    burn(seconds)
    spent[threading.get_native_id()] = thread_time()


def main():
    long = [threading.Thread(target=thread, args=(SECONDS,))
            for _ in range(LONG)]
    for t in long:
        t.start()
    for _ in range(10):
        short = [threading.Thread(target=thread, args=(0.004,))
                 for _ in range(6)]
        for t in short:
            t.start()
        for t in short:
            t.join()
    burn(thread_time() + SECONDS)
    for t in long:
        t.join()
    spent[threading.get_native_id()] = thread_time()
    # a thread id may be given again at once: then no truth is known of it
    with open(os.environ["TRUTH"], "w") as out:
        json.dump({"spent": spent, "gap": max(gaps)}, out)


main()
