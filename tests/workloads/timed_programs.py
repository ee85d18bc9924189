# SPDX-License-Identifier: MIT
"""Programs whose time is known: `timed_programs.py NAME ROUNDS` runs one and
prints the nanoseconds that it took, on the wall and of CPU. They call Python functions
mostly, or C functions mostly, and are not those that calibrate anything.
"""
import gc
import math
import struct
import sys
import time


# ---- Python calls ----------------------------------------------------------

def safe(queens, column):
    row = len(queens)
    for r, c in enumerate(queens):
        if c == column or abs(c - column) == row - r:
            return False
    return True


def place(queens, size):
    if len(queens) == size:
        return 1
    return sum_of(queens, size)


def sum_of(queens, size):
    found = 0
    for column in range(size):
        if safe(queens, column):
            found += place(queens + (column,), size)
    return found


def queens(rounds):
    for _ in range(rounds):
        place((), 6)


class Node:
    __slots__ = "key", "left", "right"

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        if key < self.key:
            if self.left is None:
                self.left = Node(key)
            else:
                self.left.insert(key)
        elif self.right is None:
            self.right = Node(key)
        else:
            self.right.insert(key)

    def weight(self):
        return ((self.left.weight() if self.left else 0) + 1
                + (self.right.weight() if self.right else 0))

    @property
    def root(self):
        return self.key


def tree(rounds):
    for _ in range(rounds):
        key = 1
        root = Node(500)
        for _ in range(300):
            key = key * 69069 % 1009
            root.insert(key)
        root.weight()
        root.root


class Machine:
    """A small machine of stacks: a method for each instruction."""

    def __init__(self):
        self.stack = []
        self.table = {"push": self.push, "add": self.add, "jump": self.jump}
        self.at = 0

    def push(self, value):
        self.stack = [value] + self.stack[:3]
        self.at += 1

    def add(self, value):
        self.stack[0] = self.stack[0] + self.stack[-1] + value & 0xffff
        self.at += 1

    def jump(self, to):
        self.at = to

    def run(self, program, steps):
        for _ in range(steps):
            name, value = program[self.at]
            self.table[name](value)


def machine(rounds):
    program = [("push", 1), ("push", 2), ("add", 3), ("add", 7), ("jump", 0)]
    for _ in range(rounds):
        Machine().run(program, 2000)


def collatz(n):
    while n != 1:
        yield n
        n = n * 3 + 1 if n & 1 else n >> 1


def longest(numbers):
    best = 0
    for n in numbers:
        length = 0
        for _ in collatz(n):
            length += 1
        best = max(best, length)
    return best


def generators(rounds):
    for _ in range(rounds):
        longest(range(20, 60))


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def fib(rounds):
    """Nothing but calls, of a function as small as they come."""
    for _ in range(rounds):
        fibonacci(15)


# ---- C calls ---------------------------------------------------------------

LINE = "the quick brown fox, jumps over; the lazy dog"


def words(rounds):
    counts = {}
    for _ in range(rounds):
        for i in range(100):
            for word in LINE.upper().split():
                word = word.strip(",;")
                counts[word] = counts.get(word, 0) + len(word)
                word.startswith("Q"), word.find("O")


def floats(rounds):
    total = 0.0
    for _ in range(rounds):
        for i in range(500):
            total += math.sqrt(i) + math.sin(total) * math.floor(total)
            total = min(abs(total), 1e6)
            math.hypot(i, total)


def packing(rounds):
    pack, unpack = struct.pack, struct.unpack
    for _ in range(rounds):
        out = []
        append = out.append
        for i in range(400):
            append(pack("<IH", i, i & 0xff))
            isinstance(out, list), id(out), unpack("<IH", out[-1])
        b"".join(out)


def keys(rounds):
    for _ in range(rounds):
        data = [i * 7919 % 1013 for i in range(300)]
        data.sort(key=abs)
        for i in range(0, 300, 2):
            data.index(data[i], i)
            divmod(data[i], 7), pow(3, 5, 7), hash(data[i]), chr(i)


def main():
    name, rounds = sys.argv[1:]
    program, rounds = globals()[name], int(rounds)
    gc.disable()
    begin = time.perf_counter_ns(), time.process_time_ns()
    program(rounds)
    end = time.perf_counter_ns(), time.process_time_ns()
    print(end[0] - begin[0], end[1] - begin[1])


if __name__ == "__main__":
    main()
