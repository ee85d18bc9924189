# SPDX-License-Identifier: MIT
"""EVENTS calls and returns of some tens of functions, of C functions, and of a
recursion; writes how often leaf() was called, and the process's VmRSS and VmHWM
in KiB when a tenth was done and at the end.
"""
import os


def leaf(n):
    return n


def by_c(n):
    return len("abc")


def deep(n):
    return deep(n - 1) if n else 0


def many(count):
    made = {}
    exec("\n".join(f"def f{i}(n): return leaf(n)" for i in range(count)),
         globals(), made)
    return list(made.values())


def memory():
    with open("/proc/self/status") as file:
        return [int(line.split()[1]) for line in file
                if line.startswith(("VmRSS", "VmHWM"))]


def main():
    functions = many(40)
    # 40 calls by way of f to leaf, 1 to C and 21 of the recursion
    calls_a_round = 40 * 2 + 2 + 21
    rounds = int(os.environ["EVENTS"]) // 2 // calls_a_round
    early = None
    for i in range(rounds):
        for f in functions:
            f(i)
        by_c(i)
        deep(20)
        if i == rounds // 10:
            early = memory()
    print(rounds * 40, rounds * calls_a_round, *early, *memory())


main()
