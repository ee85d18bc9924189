# SPDX-License-Identifier: MIT
"""Lines of all kinds, run the same number of times whenever main() is called:
what pprofile and line_profiler count of them is what we count.
"""
import contextlib
import functools
import threading


def recursive(n):
    if n < 2:
        return n
    return recursive(n - 1) + recursive(n - 2)


def mutual(n):
    return n and lautum(n - 1)


def lautum(n):
    if n: return mutual(n - 1)
    else: return 0


def loops(n):
    total = 0
    for i in range(n):
        if i % 3:
            continue
        elif i % 7 == 0: total += 1
        while total > 2: total -= 1
    else:
        total += 10
    while True:
        total += 1
        if total > 20:
            break
    for _ in (): pass
    return total


# Two ends of a loop that 3.12 makes one jump of, which is of no line.
def choosing(n):
    for i in range(n): i and recursive(1)


def either(n):
    for i in range(n): recursive(1) if i else recursive(0)


def two_calls(n):
    return one(n) + one(n + 1); one(n)


def one(n): return n


def several_lines(n):
    found = (
        one(n)
        + one(
            n + 1,
        )
        + one(n)
    )
    text = """a
    b {} c
    """.format(
        one(n))
    pairs = [
        one(n),
        text,
        [one(i)
         for i in range(3)
         if i],
    ]
    assert found, (
        one(1))
    return {
        "pairs": pairs,
        "one":
            one(n),
    }


def comprehensions(n):
    a = [i for i in range(n)]
    b = {i: one(i) for i in a if i % 2}
    c = {
        one(i)
        for i in b
    }
    d = sum(
        one(i) for i in c)
    return [[j for j in range(i)]
            for i in range(3)], d


def decorator(f):
    @functools.wraps(f)
    def wrapper(*args):
        before = 1
        return f(*args) + before
    return wrapper


def parametrised(
        word,
        n=1):
    def inner(f):
        return f
    return inner


@decorator
@parametrised(
    "a",
    n=2)
def decorated(n):
    return n


def making():
    @decorator
    def local(n):
        return n

    class Local(
            Base):
        """Text."""
        a = 1
        b = [1
             for _ in range(2)]

        @property
        def value(self):
            return self.a

        @staticmethod
        def nothing(): pass

    x = Local().value
    Local.nothing()
    f = lambda n: n + 1
    g = (lambda n:
         n + 2)
    return local(1) + x + f(2) + g(3)


class Base:
    def __init__(self):
        self.b = 1


def failing(n):
    if n:
        failing(n - 1)
        one(n)
    raise ValueError(
        "no")


def exceptions():
    for how in range(3):
        try:
            failing(how)
        except (KeyError,
                OSError):
            pass
        except ValueError as e:
            str(e)
        else:
            one(1)
        finally:
            one(2)
    try:
        try:
            int("x")
        finally:
            one(3)
    except ValueError:
        with contextlib.suppress(ZeroDivisionError):
            1 / 0
            one(4)
    return finally_return()


def finally_return():
    for i in range(3):
        try:
            if i == 1: continue
            if i == 2: return i
        finally:
            one(i)


def generator(n):
    for i in range(n):
        got = yield i
        if got:
            yield got
    yield from inner_generator(
        n)


def inner_generator(n):
    yield 1; yield 2
    try:
        yield 3
    finally:
        one(n)


def generators():
    sum(generator(3))
    g = generator(3)
    next(g), g.send(5), next(g)
    g.close()
    g = inner_generator(1)
    next(g); next(g); next(g)
    try:
        g.throw(KeyError("x"))
    except KeyError:
        pass
    for i in generator(5):
        if i == 2: break
    a, b, *c = generator(2)
    with managed() as m:
        one(m)
    return list(map(one, generator(2)))


@contextlib.contextmanager
def managed():
    one(1)
    yield 1
    one(2)


class Pause:
    def __await__(self):
        yield


async def coroutine(n):
    for i in range(n):
        await Pause()
    async for i in asynchronous(2):
        one(i)
    async with Managed() as m:
        one(2)
    return n


class Managed:
    async def __aenter__(self):
        return 1

    async def __aexit__(self, *what):
        await Pause()


async def asynchronous(n):
    for i in range(n):
        yield i
        await Pause()


def coroutines():
    c = coroutine(3)
    try:
        while True: c.send(None)
    except StopIteration: pass
    c = coroutine(1)
    c.close()


def conditions(n):
    a = 1 if n else 2
    b = n and (
        a or
        one(n))
    if (a == 1
            and one(b) is not None
            and n > 100):
        one(1)
    elif not (
            one(2)):
        one(3)
    return a, b, (one(1)
                  if a
                  else one(2))


def assignments():
    a = b = 1
    a, b = b, a
    a += b; b -= a
    (c, d), *e = (1, 2), 3
    x: int = 3
    y: int
    def f(p=one(1),
          *q, r=one(2)):
        pass
    f(); f(
        1,
        2)
    del a
    global made
    made = 1
    pass
    import os.path, \
        textwrap
    return locals


THREADS = 3


def thread_work(n):
    for i in range(n):
        one(
            i)
    recursive(4)


def threads():
    for i in range(THREADS):
        t = threading.Thread(target=thread_work, args=(10 + i,))
        t.start()
        t.join()


FUNCTIONS = [recursive, mutual, lautum, loops, choosing, either, two_calls, one,
             several_lines, comprehensions, making, failing, exceptions,
             finally_return, generator, inner_generator, generators, conditions,
             assignments]


def work():
    recursive(7)
    mutual(9)
    loops(30)
    choosing(6)
    either(5)
    two_calls(1)
    several_lines(2)
    comprehensions(4)
    decorated(3)
    making()
    exceptions()
    generators()
    conditions(0), conditions(1)
    assignments()


def main():
    work()
    coroutines()
    threads()


if __name__ == "__main__":
    main()
