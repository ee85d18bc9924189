# SPDX-License-Identifier: MIT
"""Programs made at random of many ways to call, each the same whenever it is
called; their names are the seeds. Run by compared.py.

A program is some functions and generators that call each other, to a depth of
two, by statements out of SHAPES. Left out is what cProfile itself gets wrong: a
method of a type that a subclass overrides has the subclass's name there, and
CPython 3.12 fails where list.append has no list.
"""
import random
import re
import sys
import textwrap

import compared

PREFACE = """
import collections, contextlib, copy, functools, gc, io, itertools, json
import operator, re
class Boom(Exception): pass
def boom(x): raise Boom(x)
class Base:
    def __init__(self, d): self.d = d
    def m(self, d): return d
    def __add__(self, other): return self
    def __eq__(self, other): return True
    def __hash__(self): return 7
    def __lt__(self, other): return False
    def __iter__(self):
        yield 1
        yield 2
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return 5
    def __enter__(self): return self
    def __exit__(self, *what): return True
    def __call__(self, *a): return len(a)
    def __del__(self): str(1)
    @property
    def p(self): return abs(self.d)
    @staticmethod
    def s(x): return x
    @classmethod
    def c(cls, x): return cls.s(x)
class Kid(Base):
    def __init__(self, d): super().__init__(d)
    def m(self, d): return super().m(d) + 1
class SubDict(dict):
    def __missing__(self, key): return key
class SubList(list): pass
def wrapped(f):
    @functools.wraps(f)
    def wrapper(*a, **k): return f(*a, **k)
    return wrapper
@contextlib.contextmanager
def managed(x):
    try: yield x
    except Boom: abs(1)
    finally: abs(2)
@functools.lru_cache(None)
def cached(x): return x
def close(g):
    next(g, None)
    g.close()
def throw(g):
    next(g, None)
    try: g.throw(Boom)
    except (Boom, StopIteration): pass
def plain(): pass
KINDS = plain, gc.isenabled, object, functools.partial(plain), lambda: 1
def change(n, kind): globals()[f"h{n}"] = KINDS[kind]
def reset():
    for n in range(3): change(n, 0)
"""

# CALL is a call of a function, F a function, G a generator, N a small number, H
# a name that is called often and stands for other things now and then.
# To add one: a string, of one statement or several lines.
SHAPES = (
    "x = CALL",
    "x = sorted([3, 1, 2], key=lambda v: CALL or v)",
    "x = list(map(F, [d - 1, d - 2]))",
    "x = [CALL for _ in range(2)]",
    "x = sum(CALL or 0 for _ in range(2))",
    "x = any(G(d - 1))",
    "x = list(G(d - 1))",
    "x = next(G(d - 1), None)",
    "close(G(d - 1))",
    "throw(G(d - 1))",
    "x = Kid(d).m(d)",
    "x = Base(d) + Kid(d); x == Base(1); hash(x); x.p; x.q; x.s(1); x.c(2)",
    "x = [*Base(d)]; len(x)",
    "with Base(d): boom(1)",
    "with managed(1): CALL; boom(2)",
    "with managed(1): len('a')",
    "x = Base(1)(1, 2)",
    "x = functools.reduce(lambda a, b: a + (CALL or 0), [1, 2], 0)",
    "x = functools.partial(F, d - 1)()",
    "x = cached(N) + len(str(d))",
    "x = max([Base(1), Kid(2)]); x = min(1, d); x = isinstance(d, int)",
    "x = SubDict(a=1); x['q']; x.get('a'); x.get('z', 3); x.update(b=2)",
    "x = SubList([1]); x.append(2); x.extend(range(2)); list.append(x, 3)",
    "x = wrapped(F)(d - 1)",
    "x = collections.Counter('abca'); x.get('a'); x.most_common(1)",
    "x = json.loads(json.dumps([1, {'a': d}]))",
    "x = re.sub('a', lambda m: m.group().upper(), 'banana')",
    "x = copy.deepcopy([1, [2, {'k': (3,)}]])",
    "x = ''.join(str(i) for i in range(3)); x.split(','); 'a'.encode().decode()",
    "exec('def q(v): return len([v])\\nq(1); q(2)', {})",
    "x = eval('abs(-1) + len(\"ab\")')",
    "try: int('x')\nexcept ValueError: len('e')",
    "try: {}['k']\nexcept KeyError as e: repr(e)",
    "try: CALL; boom(3)\nexcept Boom: pass\nfinally: len('f')",
    "try: [].pop()\nexcept IndexError: pass",
    "try: len()\nexcept TypeError: pass",
    "try: (lambda: 1)(2)\nexcept TypeError: pass",
    "x = getattr(Base(1), 'zz'); x = operator.methodcaller('m', 1)(Kid(1))",
    "x = operator.attrgetter('p')(Base(2))",
    "x = [i for i in itertools.takewhile(lambda v: v < 2, range(4))]",
    "x = list(zip(*[iter(range(4))] * 2)); x = dict(enumerate('ab'))",
    "x = (lambda q=d: CALL)()",
    "def inner(z):\n    if z: return inner(z - 1)\n    return CALL\ninner(2)",
    "a = [].append; a(1); a(2); b = 'x'.join; b(['1']); c = len; c([])",
    "x = io.StringIO(); x.write('a'); x.getvalue(); print('a', file=x)",
    "class T:\n    y = abs(-1)\n    def __init_subclass__(cls): len('i')\n"
    "class U(T): pass\nU()",
    "x = type('D', (Base,), {'m': lambda s, d: len('m')})(1).m(2)",
    "x = str(Base); x = bytes(2); x = int('3'); x = object()",
    # once a name is called often, its call may be an event no more
    "for i in range(90): H()",
    "for i in range(90): H() or (CALL if i == 80 else H())",
    "for i in range(90):\n    if i == 77: change(N, 1)\n    x = H(), H()",
    "x = [H() for i in range(90)]; change(N, 2)",
    "def hot(z): return H() and abs(H()) if z else (change(N, 1), H())\n"
    "for i in range(90): hot(i - 85)",
    "change(N, N); change(N, 4); change(N, 3)",
    "globals().pop('hN'); reset()",
    # one place that calls both kinds
    "for f in (len, F, len, F):\n    x = f('a') if f is len else f(d - 1)",
    "async def co():\n    await ci()\n    return CALL\n"
    "async def ci(): return len('c')\nk = co()\n"
    "try: k.send(None)\nexcept (StopIteration, RuntimeError): pass",
)

GENERATORS = 4


class Writer:
    """The text of one program."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.functions = self.random.randint(5, 12)

    def function(self):
        return f"f{self.random.randrange(self.functions)}"

    def statement(self):
        text = self.random.choice(SHAPES)
        return re.sub(r"\b(CALL|F|G|H|N)\b|(?<='h)N", self.word, text)

    def word(self, mark):
        """What stands for a mark."""
        number = self.random.randrange
        return {"CALL": f"f{number(self.functions)}(d - 1)",
                "F": self.function(),
                "G": f"g{number(GENERATORS)}",
                "H": f"h{number(3)}",
                "N": str(number(3))}[mark.group()]

    def body(self, spaces, count):
        return "".join(textwrap.indent(self.statement() + "\n", " " * spaces)
                       for _ in range(count))

    def generator(self, n):
        inner = f"        yield from g{n - 1}(d - 1)\n" if n else ""
        return (f"def g{n}(d):\n    if d <= 0: return\n{self.body(4, 1)}"
                f"    try:\n        yield d\n{self.body(8, 1)}{inner}"
                "    finally: len('g')\n")

    def text(self):
        parts = [PREFACE, *(self.generator(n) for n in range(GENERATORS))]
        for n in range(self.functions):
            decorator = "@wrapped\n" if self.random.random() < 0.2 else ""
            parts.append(f"{decorator}def f{n}(d):\n    x = None\n"
                         "    if d <= 0: return 0\n"
                         f"{self.body(4, self.random.randint(2, 4))}"
                         "    return d\n")
        parts.append("def main():\n    reset()\n")
        for _ in range(3):
            parts.append(f"    try: {self.function()}(2)\n    except (Boom,"
                         " RuntimeError, StopIteration, TypeError): pass\n")
        return "".join(parts)


def program(seed):
    names = {"__name__": "random_calls"}
    exec(compile(Writer(seed).text(), f"<random {seed}>", "exec"), names)
    return names["main"]


if __name__ == "__main__":
    name = sys.argv[-2]
    compared.main({name: program(int(name))})
