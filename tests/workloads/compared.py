# SPDX-License-Identifier: MIT
"""Run one of a module's programs, to be counted:

    MODULE.py [--cprofile] NAME TIMES

runs it twice to warm it up (caches, imports), and then TIMES times. With
--cprofile the last of these is under cProfile, and what that has seen goes to
stdout as JSON: lists [caller, callee, calls, primitive calls], a function being
[file, line, name], or null for none.
"""
import gc
import json
import os
import sys


def place(code):
    if isinstance(code, str):
        return ["~", 0, code]
    return [code.co_filename, code.co_firstlineno, code.co_name]


def under_cprofile(program):
    import cProfile
    profile = cProfile.Profile()
    profile.runcall(program)
    found = []
    for entry in profile.getstats():
        found.append([None, place(entry.code), entry.callcount,
                      entry.callcount - entry.reccallcount])
        for call in entry.calls or ():
            found.append([place(entry.code), place(call.code), call.callcount,
                          call.callcount - call.reccallcount])
    print(json.dumps(found), flush=True)
    # 3.12.1 complains at its end of types of _lsprof that it has torn down
    os._exit(0)


def main(programs):
    *options, name, times = sys.argv[1:]
    program = programs[name]
    gc.disable()
    program()
    program()
    for _ in range(int(times) - len(options)):
        program()
    if options:
        under_cprofile(program)
