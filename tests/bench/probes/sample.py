# SPDX-License-Identifier: MIT
"""A program for bench.py to count: modules of the standard library at work, and
the shapes that functions and statements come in."""
import argparse
import configparser
import contextlib
import csv
import difflib
import html.parser
import io
import string
import sys
import textwrap
import threading


def recursive(n):
    return n if n < 2 else recursive(n - 1) + recursive(n - 2)


def mutual(n):
    return other(n - 1) if n else 0


def other(n):
    try:
        return mutual(n - 1) if n else 1
    finally:
        n += 1


def failing(depth):
    if not depth:
        raise KeyError(
            "at the bottom")
    try:
        failing(depth - 1)
    except ValueError:
        return None
    except KeyError as error:
        raise LookupError from error


def counter(n):
    for i in range(n):
        got = yield i
        if got:
            n += got


def tree(depth):
    if depth:
        for left in tree(depth - 1):
            yield left
        yield depth
        for right in tree(depth - 1):
            yield right


def guarded(log):
    try:
        while True:
            try:
                yield len(log)
            except KeyError:
                log.append("caught")
    finally:
        log.append("closed")


def delegating():
    yield from counter(3)


@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield log
    finally:
        log.append("out")


def generators():
    total = sum(counter(4)) + sum(tree(4))
    for i in counter(9):
        if i == 3:
            break
    for i in tree(5):
        if i == 3:
            break
    log = []
    it = guarded(log)
    next(it)
    it.throw(KeyError)
    it.close()
    it = counter(3)
    next(it)
    total += it.send(2)
    it.close()
    with managed(log), contextlib.suppress(LookupError):
        failing(2)
    with contextlib.suppress(RuntimeError):
        it = counter(3)
        next(it)
        it.throw(RuntimeError)
    return total + sum(delegating()), log


class Shape:
    """A class with a body."""
    sides = [i * i for i in range(3)]

    def __init__(self, width):
        self.width = width

    @property
    def area(self):
        return self.width ** 2

    @staticmethod
    def of(width):
        return Shape(width)

    def __eq__(self, shape):
        return self.area == shape.area


def statements(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        elif i % 7 == 5:
            break
        total += i
    else:
        total = 0
    i = 0
    while i < n:
        i += 1
        if i % 2:
            continue
        for j in range(i): total += j
    while True:
        i -= 1
        if not i:
            break
    text = "{} {} {}".format(
        total,
        recursive(3),
        mutual(4))
    with io.StringIO() as file:
        file.write(text)
    with io.StringIO() as file:
        file.write(text)
        return file.getvalue()


def shapes():
    recursive(9)
    mutual(7)
    try:
        failing(4)
    except LookupError:
        pass
    generators()
    made = [Shape.of(i) for i in range(5)]
    made.index(Shape(4))
    sorted(made, key=lambda shape: shape.area)
    list(map(mutual, range(4)))
    statements(20)


class Headings(html.parser.HTMLParser):
    """The tags of a page, counted."""

    def __init__(self):
        super().__init__()
        self.tags = {}

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1


def library():
    text = (__doc__ + string.ascii_letters) * 4
    lines = textwrap.wrap(text, 30) + textwrap.indent(text, "> ").split("\n")
    "\n".join(difflib.unified_diff(lines, sorted(lines), lineterm=""))
    difflib.get_close_matches("statemnts", text.split())
    page = Headings()
    page.feed("<p class='a'>Some <b>text</b> &amp; more<br></p>" * 20)
    table = io.StringIO()
    writer = csv.DictWriter(table, ["a", "b"])
    writer.writeheader()
    writer.writerows({"a": i, "b": i * i} for i in range(20))
    table.seek(0)
    list(csv.DictReader(table))
    settings = configparser.ConfigParser()
    settings.read_string("[a]\nx = 1\ny = %(x)s\n[b]\nz: 2\n")
    settings.get("a", "y")
    parser = argparse.ArgumentParser(prog="sample", usage="sample")
    parser.add_argument("--size", type=int, default=3)
    parser.add_argument("name", nargs="*")
    parser.parse_args(["--size", "4", "a", "b"])
    string.Template("$a and ${b}").substitute(a=1, b=2)


def main():
    shapes()
    if sys.argv[1:] == ["threads"]:
        threads = [threading.Thread(target=shapes) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        library()


main()
