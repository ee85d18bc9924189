# SPDX-License-Identifier: MIT
# Threads are called in the log as the program calls them: by threading, by a
# pool, by the system's call; a name that is taken later counts once its thread
# makes another. No code of the program's runs for it, and the names are there
# when the program is killed.
# each: interpreter
# parallel: yes
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *


def check(end, **settings):
    plain = run(workload("named.py"), env={"END": end}, profile=False,
                good=end != "kill")
    calls = json.loads(plain.stdout)[1]
    done = run(workload("named.py"), env={"END": end}, good=end != "kill",
               **settings)
    truth, profiled_calls = json.loads(done.stdout)
    expect(profiled_calls == calls, f"{end}: the program's own _name was asked"
           f" {profiled_calls} times, without pyprof {calls}")
    names = {thread.tid: thread.name
             for thread in pplog.read(done.log).threads.values()}
    for tid, name in truth.items():
        if name is None and MINOR >= 14:
            name = "hidden"  # Python itself asks, and tells the system
        expect(names.get(int(tid)) == name, f"{end}: thread {tid} is"
               f" {names.get(int(tid))!r} in the log, not {name!r}")
    figures("thread-names", f"{end}: {len(truth)} threads")


check("normal")
check("kill")
finish()
