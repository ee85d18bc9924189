# SPDX-License-Identifier: MIT
"""Put probes into Python code before it is compiled.

    rewrite.install("calls", ["peers_work"])    modules imported from now on
    rewrite.run_script("calls", "script.py")    a whole program, as __main__

Used by one.py, with the module `probe` on sys.path. A probe is written as an
operator applied to a string, which no compiler folds as it would fail; the
string is then replaced among the constants of the code by the probe itself.
Nothing here knows bytecode.

Functions, class bodies, modules and generators with plain `yield` are covered.
Left out, and listed in `left_out` by why: coroutines and asynchronous
generators, generators with `yield from`, lambdas, comprehensions and generator
expressions, which are no statements or are resumed without passing by any.
"""
import ast
import collections  # for ast.walk, which fetches it when it is called
import importlib.machinery
import sys
import types

import probe

MARK = "\0probe "
CALL, GENERATOR, SCOPE, LINE = (MARK + word for word in
                                ("call", "generator", "scope", "line "))
TOKEN = "_probe_token"

# ids of probes: (file, first line, name); of lines: that and the line
functions, lines = {}, {}
# (file, line, name, why)
left_out = []

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
TRIES = tuple(getattr(ast, name) for name in ("Try", "TryStar")
              if hasattr(ast, name))
WITHS = (ast.With, ast.AsyncWith)


def operator(kind, text, line):
    """A statement that applies an operator to a string."""
    return placed(ast.Expr(ast.UnaryOp(kind(), ast.Constant(text))), line)


def placed(node, line):
    for part in ast.walk(node):
        if hasattr(part, "lineno"):
            continue
        part.lineno = part.end_lineno = line
        part.col_offset = part.end_col_offset = 0
    return node


def own_nodes(node):
    """What lies in a function, but in none inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, SCOPES):
            yield from own_nodes(child)


def head_size(node):
    """How many statements must stay first."""
    body, count = node.body, 0
    if body and isinstance(body[0], ast.Expr) \
            and isinstance(body[0].value, ast.Constant) \
            and isinstance(body[0].value.value, str):
        count = 1
    while isinstance(node, ast.Module) and count < len(body) \
            and isinstance(body[count], ast.ImportFrom) \
            and body[count].module == "__future__":
        count += 1
    return count


def why_not(node):
    """Why no probe fits into a function, or None."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "coroutine"
    if any(isinstance(n, ast.YieldFrom) for n in own_nodes(node)):
        return "yield from"
    return None


def is_generator(node):
    return any(isinstance(n, ast.Yield) for n in own_nodes(node))


def between(node, begin, end):
    """The body of a node with `begin` before it, and `end` however it ends."""
    count = head_size(node)
    head, rest = node.body[:count], node.body[count:]
    line = getattr(node, "lineno", 1)
    rest = rest or [placed(ast.Pass(), line)]
    first, last = rest[0].lineno, rest[-1].lineno
    whole = placed(ast.Try(body=rest, handlers=[], orelse=[],
                           finalbody=[placed(end, last)]), first)
    node.body = [*head, placed(begin, first), whole]


class Yields(ast.NodeTransformer):
    """Probes on both sides of each `yield` of one generator."""

    def __init__(self):
        self.guards = 0

    def skip(self, node):
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = skip
    visit_Lambda = skip

    def visit_Yield(self, node):
        self.generic_visit(node)
        token = ast.Name(TOKEN, ast.Load())
        sort = ast.Mod() if self.guards else ast.MatMult()
        value = node.value or placed(ast.Constant(None), node.lineno)
        node.value = placed(ast.BinOp(token, sort, value), node.lineno)
        back = ast.BinOp(ast.Name(TOKEN, ast.Load()), ast.LShift(), node)
        return placed(back, node.lineno)

    def guarded(self, node, names):
        """Is there a handler for what is thrown in at a yield?"""
        for name, value in ast.iter_fields(node):
            if not isinstance(value, list):
                continue
            self.guards += name in names
            setattr(node, name, [self.visit(part) for part in value])
            self.guards -= name in names
        return node

    def visit_Try(self, node):
        names = ["body", "handlers"] + (["orelse"] if node.finalbody else [])
        return self.guarded(node, names)

    visit_TryStar = visit_Try

    def visit_With(self, node):
        return self.guarded(node, ["body"])


class Calls(ast.NodeTransformer):
    """Probes where functions, class bodies and modules begin and end."""

    def __init__(self, path):
        self.path = path

    def leave_out(self, node, name, why):
        left_out.append((self.path, getattr(node, "lineno", 0), name, why))

    def visit_Lambda(self, node):
        self.leave_out(node, "<lambda>", "lambda")
        return self.generic_visit(node)

    def comprehension(self, node):
        sort = "generator expression" if isinstance(node, ast.GeneratorExp) \
            else "comprehension"
        self.leave_out(node, "<" + sort + ">", sort)
        return self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = comprehension
    visit_GeneratorExp = comprehension

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        why = why_not(node)
        if why:
            self.leave_out(node, node.name, why)
        elif is_generator(node):
            self.generator(node)
        else:
            self.plain(node)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def generator(self, node):
        yields = Yields()
        node.body = [yields.visit(statement) for statement in node.body]
        begin = ast.Assign([ast.Name(TOKEN, ast.Store())], ast.UnaryOp(
            ast.Invert(), ast.Constant(GENERATOR)))
        end = ast.Expr(ast.UnaryOp(ast.USub(), ast.Name(TOKEN, ast.Load())))
        between(node, begin, end)

    def plain(self, node):
        between(node, *(ast.Expr(ast.UnaryOp(sort(), ast.Constant(CALL)))
                        for sort in (ast.Invert, ast.USub)))

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        self.plain(node)
        return node

    def visit_Module(self, node):
        self.generic_visit(node)
        # 3.15: no `try` may hold one
        if any(getattr(n, "is_lazy", 0) for n in own_nodes(node)):
            self.leave_out(node, "<module>", "module with a lazy import")
        else:
            self.plain(node)
        return node


class Lines(ast.NodeTransformer):
    """A probe before each statement, and where the header of a loop is run
    again. The time of a line ends where the next begins, or its function."""

    def __init__(self, _path):
        self.loops = []

    def probe(self, line):
        return operator(ast.UAdd, LINE + str(line), line)

    def statements(self, body, header=None):
        """Probes before statements that begin on a line of their own; the
        header is what a body may share its line with."""
        made, line = [], header
        for node in body:
            if node.lineno != line \
                    and not isinstance(node, (ast.Global, ast.Nonlocal)):
                made.append(self.probe(node.lineno))
            if isinstance(node, ast.Continue) and self.loops[-1]:
                made.append(self.probe(self.loops[-1]))
            line = node.end_lineno
            made.append(self.visit(node))
        return made

    def lists(self, node):
        """Probes in all lists of statements of a node."""
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body:
                setattr(node, name, self.statements(body, node.lineno))
        for handler in getattr(node, "handlers", ()):
            handler.body = [self.probe(handler.lineno),
                            *self.statements(handler.body, handler.lineno)]
        for case in getattr(node, "cases", ()):
            case.body = self.statements(case.body)

    def visit_If(self, node):
        self.lists(node)
        return node

    visit_Try = visit_TryStar = visit_With = visit_Match = visit_If
    visit_AsyncWith = visit_If

    def visit_For(self, node):
        is_endless = isinstance(node, ast.While) \
            and isinstance(node.test, ast.Constant) and node.test.value \
            and sys.version_info < (3, 10)
        self.loops.append(None if is_endless else node.lineno)
        node.body = self.statements(node.body, node.lineno)
        if not is_endless and not isinstance(node.body[-1], ast.Continue):
            node.body.append(self.probe(node.lineno))
        self.loops.pop()
        node.orelse = self.statements(node.orelse)
        return node

    visit_AsyncFor = visit_While = visit_For

    def visit_FunctionDef(self, node):
        outer, self.loops = self.loops, []
        count = head_size(node)
        node.body[count:] = self.statements(node.body[count:], node.lineno)
        self.loops = outer
        if not is_generator(node) and not why_not(node):
            between(node, *(ast.Expr(ast.UnaryOp(sort(), ast.Constant(SCOPE)))
                            for sort in (ast.Invert, ast.USub)))
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Module(self, node):
        count = head_size(node)
        node.body[count:] = self.statements(node.body[count:])
        return node


def with_probes(code):
    """The code, and the code in it, with probes for what stands for them."""
    label = code.co_filename, code.co_firstlineno, code.co_name
    made = {}
    consts = []
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            const = with_probes(const)
        elif isinstance(const, str) and const.startswith(MARK):
            if const not in made:
                made[const] = new_probe(const, label)
            const = made[const]
        consts.append(const)
    return code.replace(co_consts=tuple(consts))


def new_probe(text, label):
    if text.startswith(LINE):
        found = probe.Line()
        lines[found.id] = (label, int(text[len(LINE):]))
        return found
    found = {CALL: probe.Call, GENERATOR: probe.Generator,
             SCOPE: probe.Scope}[text]()
    functions[found.id] = label
    return found


def compiled(mode, source, path):
    """Source, text or bytes, as code with probes; mode: calls or lines."""
    tree = ast.parse(source, path)
    tree = {"calls": Calls, "lines": Lines}[mode](path).visit(tree)
    return with_probes(compile(tree, path, "exec", dont_inherit=True))


class Loader(importlib.machinery.SourceFileLoader):
    """Code with probes cannot be marshalled: there is no .pyc of it."""

    mode = None

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return compiled(self.mode, self.get_data(path), path)


class Finder:
    """On sys.meta_path before all others."""

    def __init__(self, mode, names):
        self.mode, self.names = mode, names

    def find_spec(self, name, path=None, target=None):
        if self.names and name.partition(".")[0] not in self.names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
            spec.loader.mode = self.mode
            spec.cached = None
        return spec


def is_closed_unrun():
    """Does a profiler see no call when a generator without `try` is closed?"""
    seen = []

    def generator():
        yield

    started = generator()
    next(started)
    sys.setprofile(lambda frame, event, _: seen.append(frame.f_code))
    started.close()
    sys.setprofile(None)
    return generator.__code__ not in seen


def install(mode, names=()):
    """Rewrite what is imported from now on: these packages, or all."""
    probe.closed_unrun(is_closed_unrun())
    sys.meta_path.insert(0, Finder(mode, names))


def run_script(mode, path):
    """Run a program as __main__, and all that it imports with it."""
    install(mode)
    main = types.ModuleType("__main__")
    main.__file__ = path
    sys.modules["__main__"] = main
    with open(path, "rb") as file:
        code = compiled(mode, file.read(), path)
    try:
        exec(code, main.__dict__)
    finally:
        sys.meta_path.pop(0)
