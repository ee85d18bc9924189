# SPDX-License-Identifier: MIT
# Every forked child, by os.fork or multiprocessing, with threads or children of
# its own or without, writes a log of its own: its pid, its parent, the session
# of all, and all of its own CPU time.
# each: interpreter
# parallel: yes
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(1.0, 0.15)
PROCESSES = 7  # itself, three by fork, a grandchild, two by multiprocessing


def check(what, **settings):
    for path in glob.glob("truth/*") + glob.glob("forks.*.bin"):
        os.unlink(path)
    os.makedirs("truth", exist_ok=True)
    done = run(workload("forks.py"), output="forks.%p.bin",
               timeout=60 + PATIENCE * SECONDS * PROCESSES,
               env={"SECONDS": SECONDS, "TRUTH": "truth"}, **settings)
    if failures:
        return
    logs = {}
    for path in glob.glob("forks.*.bin"):
        log = pplog.read(path)
        logs[log.header["pid"]] = log
        entries_add_up(log, path, forks=True)
        expect(path == f"forks.{log.header['pid']}.bin", f"{what}: {path} is"
               f" of process {log.header['pid']}")
    truth = {int(name): open(os.path.join("truth", name)).read().split()
             for name in os.listdir("truth")}
    expect(len(truth) == PROCESSES, f"{what}: {len(truth)} processes")
    expect(set(logs) == set(truth), f"{what}: logs of {sorted(logs)}, processes"
           f" {sorted(truth)}")
    sessions = {(log.header["session0"], log.header["session1"])
                for log in logs.values()}
    expect(len(sessions) == 1, f"{what}: {len(sessions)} sessions")
    worst = 0
    for pid, (ppid, cpu) in truth.items():
        if pid not in logs:
            continue
        log = logs[pid]
        expect(log.header["ppid"] == int(ppid), f"{what}: process {pid} has"
               f" parent {log.header['ppid']} in its log, not {ppid}")
        off = log.total_ns / 1e9 - float(cpu)
        bound = log.header["tick_ns"] / 1e9 + 0.02 * float(cpu)
        if pid == done.pid:
            # it takes down the interpreter after it has told its CPU time
            bound += 0.05
        else:
            worst = max(worst, abs(off))
        expect(abs(off) <= bound, f"{what}: process {pid} used {cpu} s,"
               f" {off:+.4f} s in its log")
        expect(log.header["ended"] != 0, f"{what}: log of {pid} has no end")
    figures("forks", f"{what}: {len(logs)} logs, CPU of a child at most"
            f" {1000 * worst:.2f} ms off, of {1000 * SECONDS:.0f}")


check("auto")
check("1 kHz", rate=1000)
finish()
