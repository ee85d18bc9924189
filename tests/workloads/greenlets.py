# SPDX-License-Identifier: MIT
"""Greenlets that switch every few microseconds, each from a chain of functions
of its own: by gevent's loop (left, right), and from one to another (above,
below). Runs for SECONDS of CPU time; DEPTH more calls lie in two of them; each
rests for NAP seconds in its innermost one.
"""
import os
import time

import gevent
from greenlet import getcurrent, greenlet

SECONDS = float(os.environ.get("SECONDS", 1))
DEPTH = int(os.environ.get("DEPTH", 0))
NAP = float(os.environ.get("NAP", 0))

# The functions of each greenlet, outermost first; the starred one DEPTH + 1
# times.
CHAINS = (["<module>", "main"], ["left", "left_1", "left_2", "left_burn"],
          ["right", "right_1*", "right_burn"],
          ["above", "above_1*", "above_burn"], ["below", "below_1",
                                                "below_burn"])


def more():
    return time.process_time() < SECONDS


def left_burn():
    n = 300
    while n:
        n -= 1
    if NAP:
        time.sleep(NAP)
    gevent.sleep(0)


def left_2():
    left_burn()


def left_1():
    left_2()


def left():
    while more():
        left_1()


def right_burn():
    n = 300
    while n:
        n -= 1
    if NAP:
        time.sleep(NAP)
    gevent.sleep(0)


def right_1(depth):
    if depth:
        right_1(depth - 1)
    else:
        right_burn()


def right():
    while more():
        right_1(DEPTH)


def below_burn(back):
    n = 300
    while n:
        n -= 1
    if NAP:
        time.sleep(NAP)
    back.switch()


def below_1(back):
    below_burn(back)


def below(back):
    while True:
        below_1(back)


def above_burn(other):
    n = 300
    while n:
        n -= 1
    other.switch(getcurrent())


def above_1(other, depth):
    if depth:
        above_1(other, depth - 1)
    else:
        above_burn(other)
        gevent.sleep(0)


def above():
    other = greenlet(below)
    while more():
        above_1(other, DEPTH)


def main():
    gevent.joinall(list(map(gevent.spawn, (left, right, left, above))))
    print("done")


if __name__ == "__main__":
    main()
