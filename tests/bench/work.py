# SPDX-License-Identifier: MIT
"""A fixed amount of work of mixed kinds, for tests/bench/run: work.py ROUNDS.

Calls, loops, objects, strings, generators and C functions in the proportions
of ordinary programs; no input, output or sleep.
"""
import hashlib
import json
import re
import sys


class Account:
    def __init__(self, name, total):
        self.name = name
        self.total = total

    def add(self, amount):
        self.total += amount
        return self

    def __lt__(self, other):
        return self.total < other.total


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def evens(limit):
    for i in range(limit):
        if i % 2 == 0:
            yield i


def words_of(text):
    counts = {}
    for word in re.findall(r"\w+", text):
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def one_round(n):
    accounts = [Account("a%d" % i, i * 7 % 1000) for i in range(500)]
    for i, account in enumerate(accounts):
        account.add(i).add(n)
    accounts.sort()
    total = fibonacci(15) + sum(evens(3000))
    text = " ".join("%s %d" % (a.name, a.total) for a in accounts)
    counts = words_of(text)
    data = json.loads(json.dumps({"counts": counts, "total": total}))
    digest = hashlib.sha256(text.encode() * 5).hexdigest()
    return total + len(data["counts"]) + int(digest[:4], 16)


def main():
    total = 0
    for n in range(int(sys.argv[1])):
        total += one_round(n)
    print(total)


main()
