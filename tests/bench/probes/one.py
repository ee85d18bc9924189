# SPDX-License-Identifier: MIT
"""One run for bench.py, in the Python that is measured.

    one.py time KIND PROGRAM ROUNDS    nanoseconds of CPU that a program of
                                       peers_work.py took under KIND: none,
                                       cprofile, cprofile-python, calls, lines,
                                       the last two also with -untimed; and
                                       how many of these were counted
    one.py calls SCRIPT [ARG]          what probes count, as JSON
    one.py lines SCRIPT [ARG]
    one.py cprofile SCRIPT [ARG]       the same of cProfile, Python alone

The folder of the module `probe` is in PYTHONPATH.
"""
import ast
import atexit
import cProfile
import gc
import io  # all of these before any run, so that none counts them
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROBED = ("calls", "lines")


def profile(builtins=True):
    return cProfile.Profile(builtins=builtins)


def counted(kind):
    if kind not in PROBED:
        return 0
    import probe
    assert probe.faults() == (0, 0), probe.faults()
    if kind == "calls":
        return sum(edge[3] for edge in probe.edges())
    return sum(line[2] for line in probe.lines())


def timed(kind, program, rounds):
    sys.path[0] = os.path.dirname(HERE)
    kind, untimed, _ = kind.partition("-untimed")
    if kind in PROBED:
        sys.path.append(HERE)
        import probe
        if untimed:
            probe.untimed()
        import rewrite
        rewrite.install(kind, ["peers_work"])
    import peers_work
    program = getattr(peers_work, program)
    made = profile(kind == "cprofile") if kind.startswith("cprofile") else None
    gc.disable()
    program(1)
    before = counted(kind)
    begin = time.process_time_ns()
    if made:
        made.enable()
    program(rounds)
    if made:
        made.disable()
    print(time.process_time_ns() - begin, end=" ")
    print(counted(kind) - before)


def kinds_of(path):
    """Why the hits of a line may not be those that are traced: line to kind."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    found = {}

    def mark(kind, first, last):
        found.update((line, kind) for line in range(first, last + 1))

    for node in ast.walk(tree):
        if not hasattr(node, "lineno"):
            continue
        first, last = node.lineno, node.end_lineno
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None) or getattr(node, "cases", None)
            if body:
                start = getattr(body[0], "lineno", None)
                last = max(first, (start or body[0].pattern.lineno) - 1)
            if last > first:
                mark("statement of several lines", first, last)
    for node in ast.walk(tree):
        name = type(node).__name__
        if name in ("Lambda", "ListComp", "SetComp", "DictComp",
                    "GeneratorExp"):
            mark("comprehension or lambda", node.lineno, node.end_lineno)
        elif name in ("With", "AsyncWith"):
            mark("with", node.lineno, node.lineno)
        elif name == "ExceptHandler":
            mark("except", node.lineno, node.lineno)
        elif name == "match_case":
            mark("case", node.pattern.lineno, node.pattern.lineno)
        if getattr(node, "decorator_list", None):
            mark("decorator", node.decorator_list[0].lineno, node.lineno)
        if name == "ClassDef":
            mark("class", node.lineno, node.lineno)
        if name in ("ClassDef", "Module") and ast.get_docstring(node, False):
            mark("docstring", node.body[0].lineno, node.body[0].end_lineno)
    return found


def rows_of_probes(mode, script):
    import rewrite
    rewrite.run_script(mode, script)
    if mode == "calls":
        print_rows(mode)
    else:
        # the end of the interpreter runs lines of threading.py
        atexit.register(print_rows, mode)


def print_rows(mode):
    import probe
    import rewrite
    # before the import, which runs code with probes
    found = {"edges": probe.edges(), "faults": probe.faults()}
    lines = [[*rewrite.lines[line][0], rewrite.lines[line][1], hits, own]
             for _, line, hits, own in probe.lines()]
    functions = [[n, *label] for n, label in rewrite.functions.items()]
    import json
    json.dump({**found, "functions": functions, "lines": lines,
               "left_out": rewrite.left_out,
               "kinds": {path: kinds_of(path) for path in
                         {row[1] for row in functions}
                         | {row[0] for row in lines}}
               if mode == "lines" else None}, sys.stdout)


def rows_of_cprofile(script):
    made = profile(False)
    main = type(sys)("__main__")
    main.__file__ = script
    sys.modules["__main__"] = main
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec", dont_inherit=True)
    made.enable()
    try:
        exec(code, main.__dict__)
    finally:
        made.disable()
    import json
    json.dump({"rows": list(rows(made))}, sys.stdout)


def rows(made):
    """[caller, callee, calls, recursive]; the caller of a function's sum is
    none. Of each, [file, line, name]."""
    def label(code):
        if isinstance(code, str):
            return ["~", 0, code]
        return [code.co_filename, code.co_firstlineno, code.co_name]

    for entry in made.getstats():
        yield [None, label(entry.code), entry.callcount, entry.reccallcount]
        for call in entry.calls or ():
            yield [label(entry.code), label(call.code), call.callcount,
                   call.reccallcount]


def main():
    what = sys.argv[1]
    if what == "time":
        timed(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    script = sys.argv[2]
    del sys.argv[:2]
    if what == "cprofile":
        rows_of_cprofile(script)
    else:
        rows_of_probes(what, script)


if __name__ == "__main__":
    main()
