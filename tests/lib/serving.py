# SPDX-License-Identifier: MIT
"""Servers run with and without the profiler, for tests/servers.

    serves("gunicorn sync", ["gunicorn", "-b", "127.0.0.1:{port}", ...],
           processes=3, workers=2)

starts the server on a free port of the loopback device, makes requests, ends it
by a signal and does the same with pyprof-wrap; then it compares. The server is
of tests/workloads/served.py, whose answers tell who gave them and how much CPU
time they took in hot(), which is what the logs are held against.
"""
import concurrent.futures
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pplog
from sidebyside import *

# The only one that Debian's servers are for.
DEBIAN = "/usr/bin/python3"
WORKLOADS = os.path.join(os.environ["TOP"], "tests", "workloads")
OUTPUT = "served.%p.bin"

REQUESTS = 60 if FULL else 16
BURN_MS = 40
CLIENTS = 4
# Seconds until a server must answer, or have ended: many times what it takes.
PATIENCE = 40

Answer = namedtuple("Answer", "status body pid spent_ns")
Served = namedtuple("Served", "answers status said pid")


def have(module):
    """Is the module there for Debian's Python?"""
    return os.path.exists(DEBIAN) and not subprocess.run(
        [DEBIAN, "-c", f"import {module}"], check=False,
        stderr=subprocess.DEVNULL).returncode


def need(*commands, modules=()):
    """Skip the test, before it has begun, if something of Debian's is not
    there."""
    for command in commands:
        if not shutil.which(command):
            skip(f"no {command}; try tools/deps servers")
    for module in modules:
        if not have(module):
            skip(f"no {module} for {DEBIAN}; try tools/deps servers")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ask(port, target):
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=PATIENCE)
    try:
        connection.request("GET", target)
        got = connection.getresponse()
        return Answer(got.status, got.read(), int(got.headers["X-Pid"]),
                      int(got.headers["X-Spent-Ns"]))
    finally:
        connection.close()


def wait_until_there(process, port):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def ask_all(port, targets):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(lambda t: ask(port, t), targets))


def ended_or_killed(process):
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        kill_tree(process.pid)
        process.wait()
        return f"no end after {PATIENCE} s"


def kill_tree(pid):
    """A server that does not end, and its children first."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        children = ""
    for child in children.split():
        kill_tree(int(child))
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def serve(words, targets, under=(), env=None, end=signal.SIGTERM,
          meanwhile=None, ready=wait_until_there, asking=ask_all):
    """Start, ask, end; what there is to compare.

    meanwhile(pid) is called between two halves of the requests; ready(process,
    port) says whether the server answers, asking(port, targets) has the Answers
    to some requests.
    """
    port = free_port()
    words = [str(w).replace("{port}", str(port)) for w in words]
    with open("said.txt", "w+b") as said:
        process = subprocess.Popen(
            [*under, *words], stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": WORKLOADS,
                 "PYTHONDONTWRITEBYTECODE": "1", **(env or {})})
        answers = []
        try:
            if check(ready(process, port), words[0],
                     "does not answer:", Path("said.txt").read_text()):
                half = len(targets) // 2
                answers = asking(port, targets[:half])
                if meanwhile:
                    meanwhile(process.pid)
                    ready(process, port)
                answers += asking(port, targets[half:])
            process.send_signal(end)
        finally:
            status = ended_or_killed(process)
    return Served(answers, status,
                  Path("said.txt").read_text(errors="replace"), process.pid)


def as_said(text, chance):
    """What a server says, without numbers, in an order of its own: those of
    two workers come in any. Nor what it says by chance."""
    lines = [re.sub(r"0x[0-9a-f]+|\d+", "N", line) for line in text.splitlines()
             if not line.startswith("pyprof")
             and not (chance and re.search(chance, line))]
    return sorted(lines)


# ---- what the logs must hold ------------------------------------------------

def hot_ns(log, function="hot"):
    """Weight of the samples that have the function on their stack, and how
    many; each such stack has it once."""
    total = count = 0
    for sample in log.samples:
        names = log.names(sample.node)
        if function in names:
            check(names.count(function) == 1, "spliced:", names)
            total += sample.weight_ns
            count += 1
    return total, count


def check_share(name, log, spent):
    """The time that the requests took in hot() is that of its samples.

    Where a piece begins or ends, a sample's whole weight is on one side: a
    variance of a sixth of its weight squared for each piece, and of the sum of
    these four times the root; a weight is a tick, or more where others had the
    processor; 3 % for what is hot() and not yet measured. At the kernel's tick,
    all else may be hot()'s as well: on a busy machine a process gets its
    processor at a tick, and what ends before the next has no sample.
    """
    seen, count = hot_ns(log)
    weights = [s.weight_ns for s in log.samples] or [0]
    # of the weight at a random instant
    square = sum(w ** 3 for w in weights) / max(sum(weights), 1)
    tick = max(log.header["tick_ns"], square ** 0.5)
    bound = 0.03 * sum(spent) + 2 * tick + \
        4 * tick * (len(spent) * 4 / 6) ** 0.5
    if log.header["auto_rate"] and seen > sum(spent):
        bound += sum(s.weight_ns for s in log.samples) - seen
    check(abs(seen - sum(spent)) <= bound, name, "process",
          log.header["pid"], f"spent {sum(spent) / 1e6:.1f} ms in hot(),"
          f" {seen / 1e6:.1f} in {count} samples, bound {bound / 1e6:.1f}")
    return (seen - sum(spent)) / bound


def read_logs(name, pattern="served.*.bin"):
    logs = {}
    for path in logs_here(pattern):
        try:
            log = pplog.read(path)
        except pplog.Broken as why:
            check(False, name, path, "is broken:", why)
            continue
        check(path == f"served.{log.header['pid']}.bin", name, path, "is of",
              log.header["pid"])
        logs[log.header["pid"]] = log
    sessions = {(log.header["session0"], log.header["session1"])
                for log in logs.values()}
    check(len(sessions) == 1, name, len(sessions), "sessions in", len(logs),
          "logs")
    return logs


def check_merged(name, logs):
    """The report of all is the sum of those of each."""
    data = profile(*logs_here("served.*.bin"))
    if not data:
        return
    each = sum(log.counters["samples"] + log.counters["looks"]
               for log in logs.values())
    check(data["samples"] == each, name, data["samples"], "samples in all,",
          each, "in each")
    whole = sum(total_of(profile(path), "hot")
                for path in logs_here("served.*.bin"))
    check(total_of(data, "hot") == whole, name, "hot() has",
          total_of(data, "hot"), "samples in all,", whole, "in each")


def check_logs(name, answers, processes):
    """Everyone who answered has a log; returns the worst miss of its bound."""
    logs = read_logs(name)
    if processes:
        check(len(logs) == processes, name, len(logs), "logs of", processes,
              "processes")
    worst = 0
    for pid in {a.pid for a in answers}:
        if check(pid in logs, name, "no log of", pid, "which answered"):
            worst = max(worst, check_share(
                name, logs[pid], [a.spent_ns for a in answers
                                  if a.pid == pid]), key=abs)
    check_merged(name, logs)
    return len(logs), worst


# ---- the test ---------------------------------------------------------------

def serves(name, words, processes=0, workers=1, paths=("burn",), lines=1,
           rate="1k", mode="cpu", chance="", **how):
    """With and without: the same answers, end and words; and good logs.

    processes: how many logs there must be, 0 for any; workers: how many must
    have answered; lines: those that we may say at the end; chance: matches
    what the server may or may not say, without us too.
    """
    clear_logs("served.*.bin")
    began = time.monotonic()
    targets = [f"/{paths[i % len(paths)]}?{BURN_MS}" for i in range(REQUESTS)]
    plain = serve(words, targets, **how)
    under = [WRAP, "-o", os.path.abspath(OUTPUT), "-r", rate,
             "--mode", mode, "--"]
    with_us = serve(words, targets, under=under, **how)
    for what in ("status", "body"):
        a, b = ([getattr(x, what) for x in s.answers] for s in (plain, with_us))
        check(a == b and len(a) == REQUESTS, name, what, "of answers:", a,
              "without,", b, "with")
    check(plain.status == with_us.status, name, "ends with", plain.status,
          "without,", with_us.status, "with:", with_us.said[-2000:])
    a, b = (as_said(s.said, chance) for s in (plain, with_us))
    check(a == b, name, "says", [l for l in a if l not in b] or len(a),
          "without,", [l for l in b if l not in a] or len(b), "with")
    said = ours(with_us.said)
    check(len(said) == lines, name, lines, "lines of ours expected, not", said)
    answered = len({a.pid for a in with_us.answers})
    check(answered >= workers, name, "answers came from", answered,
          "processes, not", workers)
    logs, worst = check_logs(name, with_us.answers, processes)
    print(f"{name}: {len(with_us.answers)} answers of {answered} processes,"
          f" {logs} logs, worst miss of hot() {worst:+.2f} of the bound,"
          f" {time.monotonic() - began:.1f} s", flush=True)
