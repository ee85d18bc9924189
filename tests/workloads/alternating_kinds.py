# SPDX-License-Identifier: MIT
"""Four call paths in turn every few microseconds, each by other means:
generators, coroutines, constructors and callbacks from C, exceptions. DEPTH
more frames lie below each leaf, of two functions in turn, so that one left out
shows. CHAINS says which stacks there can be."""
import os
from functools import reduce
from time import perf_counter

DEPTH = int(os.environ.get("DEPTH", "0")) // 2 * 2
LEAF = int(os.environ.get("LEAF", "200"))


def even(leaf, n, k):
    return odd(leaf, n, k - 1) if k else leaf(n)


def odd(leaf, n, k):
    return even(leaf, n, k - 1)


# generators

def g_leaf(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


def g_inner(n):
    yield even(g_leaf, n, DEPTH)
    yield even(g_leaf, n, DEPTH)


def g_outer(n):
    yield from g_inner(n)


def g_all(n):
    for _ in g_outer(n):
        pass


# coroutines

def c_leaf(n):
    total = 0
    while n:
        n -= 1
        total ^= n
    return total


class CSwitch:
    def __await__(self):
        yield


async def c_inner(n):
    even(c_leaf, n, DEPTH)
    await CSwitch()
    even(c_leaf, n, DEPTH)


async def c_outer(n):
    await c_inner(n)


def c_all(n):
    coroutine = c_outer(n)
    coroutine.send(None)
    try:
        coroutine.send(None)
    except StopIteration:
        pass


# constructors, and callbacks from C functions

def o_leaf(n):
    return len([i for i in range(n) if i & 7])


class OBase:
    def __init__(self, n):
        self.total = reduce(self.add, (n, n), 0)

    def add(self, total, n):
        return total + even(o_leaf, n, DEPTH)


class OChild(OBase):
    pass


def o_all(n):
    OChild(n)


# exceptions

def e_leaf(n):
    total = 0
    for i in range(n):
        total += i & 7
    raise KeyError(total)


def e_inner(n):
    try:
        even(e_leaf, n, DEPTH)
    finally:
        n += 1


def e_all(n):
    try:
        e_inner(n)
    except KeyError:
        pass


PATHS = g_all, c_all, o_all, e_all

# What may be called by what, from each path's root to its leaf.
CHAINS = {
    "g": ["g_all", "g_outer", "g_inner", "*", "g_leaf"],
    "c": ["c_all", "c_outer", "c_inner", "*", "c_leaf"],
    "o": ["o_all", "__init__", "add", "*", "o_leaf"],
    "e": ["e_all", "e_inner", "*", "e_leaf"],
}
# An end of the chain that may stand at another place.
ASIDE = {
    "c": [["c_all", "c_outer", "c_inner", "__await__"]],
    "o": [["o_all", "__init__", "add", "*", "o_leaf", "<listcomp>"]],
}


def main(seconds):
    stop = perf_counter() + seconds
    while perf_counter() < stop:
        for _ in range(20):
            for path in PATHS:
                path(LEAF)


if __name__ == "__main__":
    main(float(os.environ.get("SECONDS", "5")))
