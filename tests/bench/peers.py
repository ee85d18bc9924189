#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tracing adds, as a share of what the profilers people know add.

    tests/bench/peers.py [--pairs N] [--only NAME]...

Called by `make bench-peers`, with every Python that tools/interpreters finds.
NAMEs are those of CASES below. Each pair is one run without any profiler, one
with ours and one with each peer, in random order; of their CPU times, without
the start of the interpreter, the share is (ours - none) / (peer - none). The
median of all pairs is printed with its 95 % interval, and the case misses its
bound, exit 1, if all of the interval lies above it, as in `make bench`. The
table stays in build/bench/peers.txt, all figures in build/bench/peers.json.
"""
import argparse
import json
import math
import os
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "lib"))
import pplog
from benching import bench, build

B = bench.B
WORK = TOP / "tests/bench/peers_work.py"
FOLDER = B / "bench" / "peers"
# The least that a run without a profiler should take; pprofile takes a hundred
# times as much for a line
PLAIN_NS, LINES_NS = 60e6, 15e6

# Bounds by minor version.
CALLS = {8: 0.50, 9: 0.50, 10: 0.70, 11: 0.85, 12: 0.60, 13: 0.50, 14: 0.50,
         15: 0.50}
MIXED = {10: 0.55, 11: 0.75}
MIXED_ELSE = 0.45
NO_BUILTINS_12 = 0.40
# of line_profiler and of pprofile
LINES = {11: (1 / 3, 1 / 10), 14: (1 / 8, 1 / 30), 15: (1 / 8, 1 / 30)}

# name: program, peers, our settings
CASES = {
    "fib": ("call_fib", ["cprofile"], {"PYPROF_TRACE": "calls"}),
    "methods": ("call_methods", ["cprofile"], {"PYPROF_TRACE": "calls"}),
    "c-calls": ("call_c", ["cprofile"], {"PYPROF_TRACE": "calls"}),
    "mixed": ("mixed", ["cprofile"], {"PYPROF_TRACE": "calls"}),
    "fib-no-builtins": ("call_fib", ["cprofile"], {
        "PYPROF_TRACE": "calls", "PYPROF_BUILTINS": "0"}),
    "mixed-no-builtins": ("mixed", ["cprofile"], {
        "PYPROF_TRACE": "calls", "PYPROF_BUILTINS": "0"}),
    # exact counts, and times from samples, which are in the cost
    "fib-sampled": ("call_fib", ["cprofile"], {
        "PYPROF_TRACE": "calls", "PYPROF_MODE": "cpu"}),
    "methods-sampled": ("call_methods", ["cprofile"], {
        "PYPROF_TRACE": "calls", "PYPROF_MODE": "cpu"}),
    "mixed-sampled": ("mixed", ["cprofile"], {
        "PYPROF_TRACE": "calls", "PYPROF_MODE": "cpu"}),
    "lines": ("lines", ["line_profiler", "pprofile"], {
        "PYPROF_TRACE": "lines"}),
}

printed = []


def say(text):
    printed.append(text)
    print(text, flush=True)


def bound_of(case, peer, python):
    """The most that is allowed, or None: printed only."""
    minor = python.minor
    if case in ("fib", "methods", "c-calls"):
        return CALLS.get(minor)
    if case == "mixed":
        return MIXED.get(minor, MIXED_ELSE)
    if case == "lines":
        if minor == 11 and not python.is_debian:
            return None
        bounds = LINES.get(minor)
        return bounds and bounds[peer == "pprofile"]
    if case.endswith("no-builtins"):
        return NO_BUILTINS_12 if minor >= 12 else None
    return None


class Python:
    """An interpreter, and the peers that it can run."""

    def __init__(self, line):
        self.version, command = line.split("\t")
        *run, self.exe = shlex.split(command)
        self.in_root = bool(run)
        self.run = run or ["env"]
        self.minor = int(self.version.split(".")[1])
        self.is_debian = not run and self.exe.startswith("/usr/bin/")
        self.path = []
        if self.is_debian:
            pass
        elif self.in_root:
            self.path = [FOLDER / "usr/lib/python3/dist-packages"]
        if not self.is_debian:
            self.path.append(FOLDER / "any")

    def words(self, *argv, **env):
        if self.path:
            env["PYTHONPATH"] = ":".join(map(str, self.path))
        pairs = [f"{name}={value}" for name, value in env.items()]
        return [*self.run, *pairs, self.exe, *map(str, argv)]

    def can(self, peer):
        module = {"cprofile": "cProfile"}.get(peer, peer)
        return subprocess.run(self.words("-c", f"import {module}"),
                              stderr=subprocess.DEVNULL, check=False
                              ).returncode == 0

    def measure(self, peer, program, rounds, **env):
        """Nanoseconds of CPU of one run."""
        said = subprocess.run(
            self.words(WORK, peer, program, rounds, **env), check=True,
            stdout=subprocess.PIPE, env=bench.environment())
        return int(said.stdout)


def fetch_peers():
    """line_profiler for the newest Pythons, from the root's own Debian, and
    pprofile for all, which is Python only; what is not there is left out."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    host = Path("/usr/lib/python3/dist-packages/pprofile")
    if host.is_dir():
        shutil.copytree(host, FOLDER / "any/pprofile", dirs_exist_ok=True)
    if list(FOLDER.glob("usr/lib/python3/dist-packages/line_profiler")):
        return
    subprocess.run([TOP / "tools/in-root", "sh", "-c",
                    "apt-get -q -o APT::Sandbox::User=root download"
                    " python3-line-profiler && dpkg-deb -x python3-*.deb ."],
                   cwd=FOLDER, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)


def counter_ns():
    """What a reading of the processor's counter takes here."""
    return float(subprocess.check_output([build(FOLDER, "counter")]))


def calibrate(python, program, least_ns):
    """Rounds for a run that is long enough, by the quickest of three."""
    rounds, took = 2, 0
    while took < least_ns:
        rounds = math.ceil(rounds * min(max(1.1 * least_ns / max(took, 1e4),
                                            1.2), 20))
        took = min(python.measure("none", program, rounds) for _ in range(3))
    return rounds


def events(log, case, program):
    """How many calls or lines were counted, with the few of the start."""
    if case == "lines":
        return sum(hits.hits for (label, _), hits in log.lines().items()
                   if label[2] == program)
    return sum(c.calls for c in log.functions().values())


def compare(python, case, pairs):
    program, peers, settings = CASES[case]
    peers = [peer for peer in peers if python.can(peer)]
    if not peers:
        return
    log = FOLDER / "log.bin"
    ours = dict(settings, LD_PRELOAD=bench.LIBRARY, PYPROF_OUTPUT=log,
                PYPROF_VERBOSE=0)
    rounds = calibrate(python, program,
                       LINES_NS if case == "lines" else PLAIN_NS)
    runs = []
    for _ in range(pairs):
        took = {}
        for what in random.sample(["none", "ours", *peers], 2 + len(peers)):
            if what == "ours":
                log.unlink(missing_ok=True)
                took[what] = python.measure("none", program, rounds, **ours)
            else:
                took[what] = python.measure(what, program, rounds)
        runs.append(took)
    count = events(pplog.read(log), case, program)
    for peer in peers:
        show(python, case, peer, runs, count)


def middle(values):
    return bench.interval(values)[0]


def show(python, case, peer, runs, count):
    shares = [(r["ours"] - r["none"]) / (r[peer] - r["none"]) for r in runs]
    share, low, high = bench.interval(shares)
    none = middle([r["none"] for r in runs])
    added = {what: middle([r[what] - r["none"] for r in runs])
             for what in ("ours", peer)}
    limit = bound_of(case, peer, python)
    result = {"share": share, "low": low, "high": high, "bound": limit,
              "pairs": len(runs), "events": count, "none_ns": none,
              "ours_ns_each": added["ours"] / count,
              # of a peer that counts what we were told not to, not known
              "peer_ns_each": None if "no-builtins" in case
              else added[peer] / count,
              "ours_slowdown": 1 + added["ours"] / none,
              "peer_slowdown": 1 + added[peer] / none, "runs": runs}
    bench.figures.setdefault(python.version, {})[f"{case}/{peer}"] = result
    is_missed = limit is not None and low > limit
    allowed = "" if limit is None else f"{limit:.3f}"
    bench.bound(not is_missed, f"{python.version} {case}: {share:.3f}, at"
                f" least {low:.3f}, of {peer}; bound {allowed}")
    each = result["peer_ns_each"]
    each = "-" if each is None else f"{each:.1f}"
    say(f"{python.version:8} {case:18} {peer:14} {share:6.3f} {low:6.3f}"
        f" {high:6.3f} {allowed:>6} {result['ours_ns_each']:7.1f}"
        f" {each:>7} {result['ours_slowdown']:6.2f}"
        f" {result['peer_slowdown']:6.2f}{'  MISSED' if is_missed else ''}")


def main():
    parser = argparse.ArgumentParser(usage="tests/bench/peers.py [--pairs N]"
                                     " [--only NAME]...")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--only", action="append", choices=CASES)
    args = parser.parse_args()
    fetch_peers()
    found = subprocess.run([TOP / "tools/interpreters"], check=True,
                           stdout=subprocess.PIPE).stdout.decode()
    bench.figures["counter_ns"] = counter_ns()
    say(f"CPU time added, of what the peer adds; {args.pairs} interleaved"
        f" pairs, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors,"
        f" {bench.figures['counter_ns']:.1f} ns a reading of the counter")
    say("python   case               peer            share    low   high  bound"
        "  ns each   peer's  times peer's")
    for line in found.splitlines():
        python = Python(line)
        for case in args.only or CASES:
            compare(python, case, args.pairs)
    for words in bench.missed:
        say("missed: " + words)
    bench.figures["missed"] = bench.missed
    (B / "bench/peers.txt").write_text("\n".join(printed) + "\n")
    (B / "bench/peers.json").write_text(json.dumps(bench.figures, indent=1)
                                        + "\n")
    print("figures in", os.path.relpath(B / "bench/peers.json"))
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
