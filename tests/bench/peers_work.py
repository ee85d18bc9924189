# SPDX-License-Identifier: MIT
"""A piece of work for peers.py, timed without the start of the interpreter:

    peers_work.py PEER PROGRAM ROUNDS

runs it under PEER (none, cprofile, line_profiler or pprofile) and prints the
nanoseconds of CPU that it took, user and system, of the whole process.
"""
import gc
import re
import sys
import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def call_fib(rounds):
    for _ in range(rounds):
        fib(15)


class Shape:
    def __init__(self, width, height):
        self.width, self.height = width, height

    def area(self):
        return self.width * self.height

    def scale(self, by):
        return Shape(self.width * by, self.height * by)

    def fits(self, other):
        return self.area() <= other.area()


def call_methods(rounds):
    for _ in range(rounds):
        box = Shape(10, 10)
        for i in range(100):
            Shape(i, 3).scale(2).fits(box)


def call_c(rounds):
    data = list(range(50))
    for _ in range(rounds):
        for i in range(100):
            len(data), abs(i), data.count, data.append(i), data.pop(), ord("a")
            isinstance(i, int), min(i, 3)


def tokens(text, word=re.compile(r"\w+|\S")):
    for found in word.finditer(text):
        yield found.group()


def value(stack):
    right, sign, left = stack.pop(), stack.pop(), stack.pop()
    return left + right if sign == "+" else left - right


def evaluate(text):
    stack = []
    for token in tokens(text):
        if token.isdigit():
            stack.append(int(token))
            if len(stack) == 3:
                stack.append(value(stack))
        elif token in "+-":
            stack.append(token)
    return stack[0]


def mixed(rounds):
    """What programs do: calls of both kinds, and some work between them."""
    for i in range(rounds):
        total = 0
        for n in range(8):
            total += evaluate("1 + 2 - 3 + 40 - 5")
            line = ", ".join(str(x) for x in (i, n, total))
            total += sum([x * x for x in range(20)]) + len(line.split(","))


def lines(rounds):
    """Three bodies in a field, a step a line: no calls."""
    x0, y0, vx0, vy0 = 0.0, 0.0, 0.0, 0.01
    x1, y1, vx1, vy1 = 1.0, 0.0, 0.0, 1.0
    x2, y2, vx2, vy2 = -1.5, 0.0, 0.0, -0.8
    dt = 0.001
    n = 0
    while n < rounds:
        dx = x0 - x1
        dy = y0 - y1
        d = dx * dx + dy * dy + 0.1
        mag = dt / (d * d)
        vx0 -= dx * mag
        vy0 -= dy * mag
        vx1 += dx * mag
        vy1 += dy * mag
        dx = x0 - x2
        dy = y0 - y2
        d = dx * dx + dy * dy + 0.1
        mag = dt / (d * d)
        vx0 -= dx * mag
        vy0 -= dy * mag
        vx2 += dx * mag
        vy2 += dy * mag
        if n & 1:
            x0 += dt * vx0
            y0 += dt * vy0
        else:
            x1 += dt * vx1
            y1 += dt * vy1
        x2 += dt * vx2
        y2 += dt * vy2
        n += 1
    return x0, y0


def profiler(peer, program):
    """What to switch on and off around the work."""
    if peer == "cprofile":
        import cProfile
        made = cProfile.Profile()
        return made.enable, made.disable
    if peer == "line_profiler":
        import line_profiler
        made = line_profiler.LineProfiler()
        made.add_function(program)
        return made.enable_by_count, made.disable_by_count
    if peer == "pprofile":
        import pprofile
        made = pprofile.Profile()
        return made.enable, made.disable
    return int, int


def main():
    peer, name, rounds = sys.argv[1:]
    program, rounds = globals()[name], int(rounds)
    gc.disable()
    program(1)
    enable, disable = profiler(peer, program)
    begin = time.process_time_ns()
    enable()
    program(rounds)
    disable()
    print(time.process_time_ns() - begin)


if __name__ == "__main__":
    main()
