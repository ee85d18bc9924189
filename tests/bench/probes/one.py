# SPDX-License-Identifier: MIT
"""One run for bench.py, in the Python that is measured.

    one.py time KIND PROGRAM ROUNDS    nanoseconds of CPU that a program of
                                       peers_work.py took under KIND: none,
                                       cprofile, cprofile-python, calls, lines
    one.py calls SCRIPT [ARG]          what probes count, as JSON
    one.py lines SCRIPT [ARG]
    one.py cprofile SCRIPT [ARG]       the same of cProfile, Python alone

The folder of the module `probe` is in PYTHONPATH.
"""
import gc
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROBED = ("calls", "lines")


def profile(builtins=True):
    import cProfile
    return cProfile.Profile(builtins=builtins)


def timed(kind, program, rounds):
    sys.path[0] = os.path.dirname(HERE)
    if kind in PROBED:
        sys.path.append(HERE)
        import rewrite
        rewrite.install(kind, ["peers_work"])
    import peers_work
    program = getattr(peers_work, program)
    made = profile(kind == "cprofile") if kind.startswith("cprofile") else None
    gc.disable()
    program(1)
    begin = time.process_time_ns()
    if made:
        made.enable()
    program(rounds)
    if made:
        made.disable()
    print(time.process_time_ns() - begin)
    if kind in PROBED:
        import probe
        assert probe.faults() == (0, 0), probe.faults()


def rows_of_probes(mode, script):
    import probe
    import rewrite
    rewrite.run_script(mode, script)
    import json
    functions = [[number, *label] for number, label in rewrite.functions.items()]
    lines = [[*rewrite.lines[line][0], rewrite.lines[line][1], hits, own]
             for _, line, hits, own in probe.lines()]
    covered = sorted({label[0] for label in rewrite.functions.values()})
    json.dump({"functions": functions, "edges": probe.edges(), "lines": lines,
               "files": covered, "left_out": rewrite.left_out,
               "faults": probe.faults()}, sys.stdout)


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
