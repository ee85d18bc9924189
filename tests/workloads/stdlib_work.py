# SPDX-License-Identifier: MIT
"""Programs on the standard library over files that are there with it: each
does the same work whenever it is called. Run by compared.py. FILES says how
many files to read, 1 to 8.
"""
import _pydecimal
import ast
import csv
import decimal
import difflib
import email
import email.message
import email.policy
import html
import html.parser
import io
import json
import json.encoder
import os
import pickle
import re
import textwrap
import tokenize

import compared

SOURCES = ("textwrap.py", "bisect.py", "heapq.py", "keyword.py", "queue.py",
           "stat.py", "shlex.py", "sched.py")
FOLDER = os.path.dirname(os.__file__)
SOME = [os.path.join(FOLDER, name)
        for name in SOURCES[:int(os.environ.get("FILES", "2"))]]


def texts():
    for path in SOME:
        with open(path, encoding="utf-8") as file:
            yield path, file.read()


def tokens(text):
    return tokenize.generate_tokens(io.StringIO(text).readline)


def as_json():
    """Python's encoder and C's, and the decoder with hooks in Python."""
    for path, text in texts():
        facts = {"path": path, "words": text.split()[:400],
                 "lines": [{"number": i, "length": len(line), "text": line}
                           for i, line in enumerate(text.splitlines()[:80])]}
        pretty = json.dumps(facts, indent=1, sort_keys=True)
        assert json.loads(pretty) == facts
        json.loads(json.dumps(facts), object_hook=lambda d: sorted(d))
        try:
            json.loads(pretty[:-5])
        except ValueError:
            pass
        try:
            json.dumps({"set": {1}})
        except TypeError:
            pass


def by_re():
    """Compiled anew each time; callbacks; the scanner."""
    re.purge()
    for _, text in texts():
        word = re.compile(r"(?P<word>[a-z]+)(?:_(\w+))?|(\d+)")
        for match in word.finditer(text):
            match.groupdict()
        re.sub(r"\b(\w)(\w*)", lambda m: m.group(1).upper() + m.group(2), text)
        re.split(r"\s*,\s*|\n{2,}", text)
        re.compile(r"(?s)('''.*?''')|(?<!x)a{2,5}?(?=b)|[^\W\d_]+", re.I)
        try:
            re.compile("(unbalanced")
        except re.error:
            pass


class Names(ast.NodeTransformer):
    def visit_Name(self, node):
        return ast.copy_location(ast.Name(node.id.upper(), node.ctx), node)

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        return node


def by_ast():
    """Visitors, walks, dumps, and literals."""
    for path, text in texts():
        tree = ast.parse(text, path)
        sum(isinstance(n, ast.Call) for n in ast.walk(tree))
        for node in tree.body:
            ast.get_docstring(node) if isinstance(
                node, (ast.FunctionDef, ast.ClassDef)) else None
        ast.dump(Names().visit(tree))
        ast.fix_missing_locations(tree)
        ast.literal_eval("[1, (2, 'three'), {4: {5, 6}}, -7 + 8j]")


def by_email():
    """A message of parts: made, printed, parsed by both kinds of policy."""
    for policy in (email.policy.default, email.policy.compat32):
        message = email.message.EmailMessage()
        message["Subject"] = "Größe der Dateien, and a rather long line of it"
        message["From"] = "Ada <ada@example.org>, bob@example.org"
        message["To"] = "undisclosed: carol@example.org;"
        message.set_content("Here they are.\n")
        for path, text in texts():
            message.add_attachment(text[:3000], subtype="x-python",
                                   filename=os.path.basename(path))
        message.set_boundary("=boundary=")
        again = email.message_from_bytes(message.as_bytes(), policy=policy)
        for part in again.walk():
            part.get_content_type()
            part.get_payload(decode=True)
            list(part.items())


def by_difflib():
    """Sequence matching, unified and word by word."""
    for _, text in texts():
        lines = text.splitlines(True)[:60]
        other = [line.replace("self", "this") for line in lines
                 if "return" not in line]
        list(difflib.unified_diff(lines, other, "a", "b"))
        list(difflib.ndiff(lines[:15], other[:15]))
        difflib.get_close_matches("wrapper", text.split()[:200])


def by_csv():
    """Dialects sniffed, rows as dictionaries, written and read."""
    for _, text in texts():
        out = io.StringIO()
        writer = csv.DictWriter(out, ["type", "text", "line"], restval="-")
        writer.writeheader()
        writer.writerows({"type": t.type, "text": t.string}
                         for t in list(tokens(text))[:300])
        sample = out.getvalue()[:600]
        csv.Sniffer().sniff("a;b;c\n1;2;3\n4;5;6\n")
        try:
            csv.Sniffer().has_header(sample)
        except csv.Error:
            pass
        for row in csv.DictReader(io.StringIO(out.getvalue())):
            row.get("line")


def by_decimal():
    """Sums in contexts of their own, and errors: C's module and Python's."""
    for _, text in texts():
        for module, words in (decimal, 300), (_pydecimal, 30):
            total = module.Decimal(0)
            with module.localcontext() as context:
                context.prec = 50
                for word in text.split()[:words]:
                    total += module.Decimal(len(word)) / module.Decimal(7)
                    total = total.sqrt().quantize(module.Decimal("1e-20"))
                    try:
                        module.Decimal(word)
                    except module.InvalidOperation:
                        pass
            str(total), format(total, ".3f")


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __reduce__(self):
        return Point, (self.x, self.y)


class Stateful:
    def __getstate__(self):
        return {"a": 1}

    def __setstate__(self, state):
        self.__dict__.update(state)


def by_pickle():
    """C's pickler, which calls us back, and Python's."""
    for _, text in texts():
        things = [{"points": [Point(i, word) for i, word in
                              enumerate(text.split()[:60])],
                   "states": [Stateful() for _ in range(10)],
                   "text": text[:500]}]
        for protocol in (0, 2, 4):
            pickle.loads(pickle.dumps(things, protocol))
            out = io.BytesIO()
            pickle._Pickler(out, protocol).dump(things)
            pickle._Unpickler(io.BytesIO(out.getvalue())).load()


def by_textwrap():
    """Wrapped, filled, dedented, indented with a predicate."""
    for _, text in texts():
        for width in (30, 60):
            textwrap.fill(text[:3000], width, break_long_words=width > 40)
        textwrap.dedent(textwrap.indent(text, "    ", lambda s: s.strip()))
        textwrap.shorten(text[:2000], 70)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.depth, self.data = 0, []

    def handle_starttag(self, tag, attrs):
        self.depth += 1
        dict(attrs).get("id")

    def handle_endtag(self, tag):
        self.depth -= 1

    def handle_data(self, data):
        self.data.append(data.strip())


def by_html():
    """A page of source lines with tags, entities and comments."""
    for path, text in texts():
        page = Page()
        page.feed(f"<!DOCTYPE html><title>{html.escape(path)}</title><!-- x -->")
        for i, line in enumerate(text.splitlines()[:120]):
            page.feed(f"<p id='l{i}' class=line>{html.escape(line)}&nbsp;<br/>")
            html.unescape("&amp;&#955;&notit;")
        page.feed("<script>if (a < b) { }</script></p>")
        page.close()


def by_tokenize():
    """Generators over generators, and exceptions out of them."""
    for _, text in texts():
        sum(1 for t in tokens(text) if t.string.isidentifier())
        try:
            list(tokens("(" + text[:200]))
        except (tokenize.TokenError, SyntaxError):
            pass


PROGRAMS = {name.split("_")[-1]: function for name, function in
            list(globals().items()) if name.startswith(("by_", "as_"))}


if __name__ == "__main__":
    compared.main(PROGRAMS)
