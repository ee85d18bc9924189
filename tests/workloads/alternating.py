# SPDX-License-Identifier: MIT
"""Two call paths in turn every few microseconds; mixed or shortened stacks are impossible."""
import os
from time import perf_counter, sleep

DEPTH = int(os.environ.get("DEPTH", "0"))
LEAF = int(os.environ.get("LEAF", "400"))
NAP = float(os.environ.get("NAP", "0"))  # seconds that a leaf waits


def d(n):
    total = 0
    for i in range(n):
        total += i & 7
    if NAP:
        sleep(NAP)
    return total


def c(n):
    return d(n) + 1


def b(n, k):
    if k:
        return b(n, k - 1) + 1
    return c(n) + 1


def a(n):
    return b(n, DEPTH) + 1


def z(n):
    total = 0
    for i in range(n):
        total += i & 7
    if NAP:
        sleep(NAP)
    return total


def y(n):
    return z(n) + 1


def x(n, k):
    if k:
        return x(n, k - 1) + 1
    return y(n) + 1


def w(n):
    return x(n, DEPTH) + 1


def main(seconds):
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        for _ in range(50):
            a(LEAF)
            w(LEAF)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
