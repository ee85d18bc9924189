# SPDX-License-Identifier: MIT
# Every way to make a child: each that runs Python has a log of its own, of the
# same session, with the right parent and all of its own CPU time, and the
# parent's log says by which stack it was made. A child that we were not told
# of, and one with --no-children, has none and leaves its parent's log alone.
# each: interpreter
# parallel: yes
import glob
import json
import os
import subprocess
import sys
from collections import namedtuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

BURN = sized(0.1, 0.02)

# A process as it told of itself: how it ends is "at" once, "later", behind the
# end of its interpreter, or "pool": it tells several times, the last counts.
Told = namedtuple("Told", "ppid cpu how")

# way: how many processes tell of themselves, and how many children have a
# FORK record of their own in a log of these
WAYS = {
    "fork": (2, 1), "fork_exit": (2, 1), "brief": (4, 3), "daemon": (3, 2),
    "spawn": (2, 1), "spawnp": (2, 1), "spawnv": (2, 1), "exec": (2, 1),
    "popen": (2, 1), "popen_fork": (2, 1), "popen_open": (2, 1),
    # the shell between has a record, and no log
    "shell": (2, 1), "script": (4, 1), "system": (2, 1),
    "pty": (2, 1), "in_thread": (3, 2),
    "mp_fork": (3, 2), "mp_spawn": (3, None), "mp_forkserver": (3, None),
    "pool": (3, 2), "pool_spawn": (3, None), "pool_forkserver": (3, None),
    "executor": (3, 2), "executor_spawn": (3, None),
    "executor_forkserver": (3, None),
    "raw_fork": (2, 0), "raw_ends": (1, 0), "clone": (2, 1),
}
# At a tenth of the size each Python takes some, all of them take all, and each
# way has one of the settings.
TURNS = 3
SETTINGS = ({}, {"rate": 1000}, {"mode": "wall"})


def told():
    found = {}
    if os.path.exists("truth"):
        with open("truth") as file:
            for line in file:
                pid, ppid, cpu, how = line.split()
                found[int(pid)] = Told(int(ppid), float(cpu), how)
        os.unlink("truth")
    return found


def logs():
    """By pid; of a process that has several, which exec makes, the last."""
    found = {}
    for path in glob.glob("c.*.bin"):
        log = pplog.read(path)
        before = found.get(log.header["pid"])
        if not before or before.header["start_ns"] < log.header["start_ns"]:
            found[log.header["pid"]] = log
    return found


def go(way, **settings):
    for path in glob.glob("c.*.bin"):
        os.unlink(path)
    done = run(workload("children.py"), way, output="c.%p.bin",
               env={"BURN": BURN, "TRUTH": "truth"}, **settings)
    return done, told(), logs()


def check_one(what, pid, process, log):
    """One process: its parent and its CPU time. Returns how far it is off."""
    head = log.header
    expect(head["ppid"] == process.ppid or process.ppid == 1,
           f"{what}: process {pid} has parent {head['ppid']} in its log,"
           f" not {process.ppid}")
    expect(head["ended"] != 0, f"{what}: the log of {pid} has no end")
    off = log.total_ns / 1e9 - process.cpu
    # what it does after it has told: two system calls, or the end of a Python,
    # which took 0.11 s where twice as many ran as there are processors
    after = 0.0005 if process.how == "at" else 0.2
    expect(-0.0005 - 0.02 * process.cpu <= off <= after + 0.02 * process.cpu,
           f"{what}: process {pid} used {process.cpu} s, {off:+.4f} s in its"
           f" log; {load()}")
    return abs(off) if process.how == "at" else 0


def check_forks(what, way, all_logs, least):
    """FORK records: of children that live, on the stack that made them."""
    forks = [(pid, fork, log) for pid, log in all_logs.items()
             for fork in log.forks]
    pids = [fork.pid for _, fork, _ in forks]
    expect(len(pids) == len(set(pids)), f"{what}: two forks of one child:"
           f" {pids}")
    if least is not None:
        expect(len(pids) == least, f"{what}: {len(pids)} forks in the logs, not"
               f" {least}")
    for pid, fork, log in forks:
        child = all_logs.get(fork.pid)
        if child:
            expect(child.header["ppid"] in (pid, 1), f"{what}: {pid} made"
                   f" {fork.pid}, whose parent is {child.header['ppid']}")
            expect(fork.time_ns <= child.header["start_ns"],
                   f"{what}: {fork.pid} was made after it began")
        names = log.names(fork.node)
        if pid == min(all_logs) and least is not None:
            expect(any(n.startswith("make_") for n in names), f"{what}: the"
                   f" stack that made {fork.pid} is {names}")


def check_tree(what):
    """In the report all hang on one, also those behind a shell."""
    done = subprocess.run([REPORT, "-f", "json", "-o", "-",
                           *glob.glob("c.*.bin")], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    roots = [process["pid"] for process in json.loads(done.stdout)["processes"]
             if process["parent"] is None]
    expect(len(roots) == 1, f"{what}: {roots} have no parent")


def check(way, processes, forks, **settings):
    what = f"{way} {settings}"
    done, truth, found = go(way, **settings)
    if failures:
        return 0
    # one process of a pool may have had all the work
    expect(len(truth) == processes or way.startswith(("pool", "executor"))
           and len(truth) > 1, f"{what}: {len(truth)} processes told of"
           f" themselves, not {processes}: {done.stdout}")
    expect(set(truth) <= set(found), f"{what}: no log of"
           f" {set(truth) - set(found)}")
    sessions = {(log.header["session0"], log.header["session1"])
                for log in found.values()}
    expect(len(sessions) == 1, f"{what}: {len(sessions)} sessions")
    for log in found.values():
        entries_add_up(log, what, forks=True)
    check_forks(what, way, found, forks)
    check_tree(what)
    return max([check_one(what, pid, process, found[pid])
                for pid, process in truth.items() if pid in found], default=0)


def without_children():
    """--no-children: one log, and the children leave it alone."""
    for way in ("fork", "popen", "mp_spawn"):
        _, truth, found = go(way, children=0, rate=1000)
        expect(len(truth) > 1, f"{way}: no children")
        expect(len(found) == 1, f"{way}: {len(found)} logs with --no-children")


def cleared():
    """A cleared environment is respected, unless --keep-env was given."""
    # those made by fork() are recorded as copies of their parent until exec,
    # which before 3.10 are subprocess's, too
    for keep, number in ((None, 2 if MINOR >= 10 else 4), (1, 6)):
        _, truth, found = go("cleared", keep_env=keep)
        expect(len(truth) == 6, f"cleared: {len(truth)} processes")
        expect(len(found) == number, f"cleared: {len(found)} logs with"
               f" keep_env={keep}, not {number}")
        sessions = {log.header["session0"] for log in found.values()}
        expect(len(sessions) == 1, f"cleared: {len(sessions)} sessions")


def main():
    worst = 0
    for i, (way, (processes, forks)) in our_share(enumerate(WAYS.items()),
                                                  TURNS):
        for settings in our_share(SETTINGS, len(SETTINGS), i // TURNS,
                                  len(SETTINGS)):
            worst = max(worst, check(way, processes, forks, **settings))
    for test in our_share((without_children, cleared), 2):
        test()
    figures("children", f"CPU of a child at most {1e6 * worst:.0f} us off")


main()
finish()
