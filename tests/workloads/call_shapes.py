# SPDX-License-Identifier: MIT
"""Programs of all ways in which a call begins and ends, each the same whenever
it is called. Run by compared.py.
"""
import asyncio
import collections
import contextlib
import functools
import itertools
import operator
import sys

import compared


def fail(how):
    raise how("thrown")


def through(depth, how):
    if depth:
        return through(depth - 1, how)
    return fail(how)


def shape_exceptions():
    """Out of Python and C, through Python and C, again and again."""
    for how in (ValueError, KeyError, KeyboardInterrupt, SystemExit):
        try:
            through(5, how)
        except BaseException:
            pass
    for call in (lambda: int("x"), lambda: [].pop(), lambda: {}["a"],
                 lambda: sorted([1, 2], key=lambda x: fail(ValueError)),
                 lambda: list(map(fail, [OSError])), lambda: 1 / 0,
                 lambda: getattr(object, "none"), lambda: next(iter(()))):
        try:
            call()
        except Exception:
            pass
    with contextlib.suppress(ValueError):
        try:
            fail(ValueError)
        finally:
            len("abc")
    try:
        try:
            fail(KeyError)
        except KeyError as e:
            raise TypeError("other") from e
    except TypeError:
        pass
    getattr(object, "none", None)
    hasattr(object, "none")


def numbers(n):
    for i in range(n):
        yield i
    return n


def delegating(n):
    got = yield from numbers(n)
    yield got


def listening():
    while True:
        try:
            got = yield
            str(got)
        except ValueError:
            yield "caught"


def shape_generators():
    """Resumed, sent to, thrown into, closed, dropped, and delegated to."""
    list(numbers(5))
    sum(i * i for i in delegating(4))
    dict(zip(numbers(3), delegating(3)))
    for i in numbers(10):
        if i == 3:
            break
    g = listening()
    next(g)
    g.send("a")
    g.throw(ValueError("x"))
    next(g)
    g.close()
    g = listening()
    g.close()
    g = listening()
    next(g)
    try:
        g.throw(KeyError("x"))
    except KeyError:
        pass
    try:
        g.throw(ValueError)
    except ValueError:
        pass
    g = numbers(3)
    next(g)
    del g
    with contextlib.contextmanager(numbers)(1):
        pass
    list(itertools.islice(filter(None, map(abs, numbers(10))), 3))
    a, *b = numbers(4)


async def leaf(n):
    await asyncio.sleep(0)
    return n


async def failing():
    await leaf(1)
    raise ValueError("x")


async def counting(n):
    for i in range(n):
        yield i
        await leaf(i)


@contextlib.asynccontextmanager
async def managed():
    yield await leaf(2)


async def everything():
    [i async for i in counting(3)]
    async with managed() as m:
        str(m)
    await asyncio.gather(leaf(1), leaf(2), failing(), return_exceptions=True)
    task = asyncio.ensure_future(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def shape_asyncio():
    asyncio.run(everything())


def step(coroutine):
    """Drive one by hand: no loop, no clock."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


class Pause:
    def __await__(self):
        yield 1
        yield 2


async def by_hand():
    await Pause()
    async for i in aiter_of(3):
        await Pause()
    return 1


async def aiter_of(n):
    for i in range(n):
        yield i


def shape_coroutines():
    step(by_hand())
    c = by_hand()
    c.send(None)
    try:
        c.throw(KeyError("x"))
    except KeyError:
        pass
    c = by_hand()
    c.close()
    c = by_hand()
    c.send(None)
    c.close()


class Meta(type):
    def __call__(cls, *words):
        return super().__call__(*words)


class Base(metaclass=Meta):
    made = 0

    def __new__(cls, *words):
        return super().__new__(cls)

    def __init__(self, *words):
        self.words = words

    def __init_subclass__(cls):
        Base.made += 1

    def __eq__(self, other):
        return isinstance(other, Base)

    def __hash__(self):
        return hash(self.words)

    def __len__(self):
        return len(self.words)

    def __getattr__(self, name):
        raise AttributeError(name)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        return True

    def __del__(self):
        len("deleted")

    @property
    def first(self):
        return self.words[0]

    @classmethod
    def make(cls):
        return cls(1, 2)

    @staticmethod
    def nothing():
        return None


def shape_classes():
    """Calls by what is not a call: operators, attributes, with, del."""
    class Derived(Base):
        def method(self):
            return super().first

    d = Derived.make()
    d.method(), d.nothing(), len(d), d == d, d.first, bool(d)
    {d: 1}[d]
    hasattr(d, "missing")
    with d:
        fail(ValueError)
    bound, unbound = d.method, Derived.method
    bound(), unbound(d)
    [].append(1), list.append([], 1), str.join(",", "ab"), "".join(["a"])
    dict.fromkeys("ab"), int.from_bytes(b"a", "big"), object.__repr__(d)
    collections.namedtuple("Pair", "a b")(1, b=2)
    collections.OrderedDict(a=1).move_to_end("a")
    collections.defaultdict(Derived)["x"]
    functools.partial(int, base=2)("10")
    functools.reduce(operator.add, [1, 2, 3])
    functools.partial(fail, KeyError)
    print(end="", *[], **{})
    type("Made", (Base,), {"f": lambda self: 1})().f()
    max([1, 2], key=lambda x: -x), min(3, 4, key=abs)
    isinstance(d, Base), issubclass(Derived, Base), callable(d)
    operator.itemgetter(1)([1, 2]), operator.methodcaller("upper")("a")


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def nested(n):
    return [nested(n - 1) for _ in range(2)] if n else []


def tree(n):
    if n:
        yield from tree(n - 1)
        yield n
        yield from tree(n - 1)


@functools.lru_cache(None)
def cached(n):
    return n if n < 2 else cached(n - 1) + cached(n - 2)


def by_c(n):
    return sum(map(by_c, [n - 1, n - 2])) if n > 1 else n


def shape_recursion():
    """Direct, mutual, by comprehensions, generators and C functions."""
    fib(12), even(20), even(7), nested(4), list(tree(4)), by_c(6)
    cached.cache_clear()
    cached(20)
    sorted([3, 1, 2], key=lambda x: fib(x))


def decorated(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)
    return wrapper


@decorated
@decorated
def target(a, *, b=1):
    return (lambda x: x + b)(a)


def shape_scopes():
    """Comprehensions, closures, decorators, exec, eval and imports."""
    [x for x in range(3)], {x for x in range(3)}, {x: 1 for x in range(3)}
    [[y for y in range(x)] for x in range(3)], list(x for x in range(3))
    target(1), target(2, b=3)
    exec("def inside(): return len('abc')\ninside(); inside()", {})
    eval("(lambda: abs(-1))()")
    for name in ("colorsys", "sndhdr_is_not_there"):
        sys.modules.pop(name, None)
        try:
            __import__(name)
        except ImportError:
            pass
    if sys.version_info >= (3, 10):
        exec("match [1, 2]:\n case [a, b] if abs(a): str(b)", {})


PROGRAMS = {name.split("_")[-1]: function for name, function in
            list(globals().items()) if name.startswith("shape_")}

if __name__ == "__main__":
    compared.main(PROGRAMS)
