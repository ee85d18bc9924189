#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What exact counts would cost with probes in the code itself; see README here.

    tests/bench/probes/bench.py [--pairs N] [--only calls|lines|counts]...

Called by `make bench-probes`, with every Python that tools/interpreters finds
and whose headers are there. Each pair is one run bare, one with probes, one
under each peer and one under our tracing, in random order; of the CPU time that
each adds, the share is probes by other, and its median is printed with its 95 %
interval. Then a program is counted by probes and by cProfile, or by probes and
by --trace lines, and what differs is listed. Bounds nothing: an experiment.
All figures go to build/bench/probes.json, where those that are not measured
again stay.
"""
import argparse
import collections
import json
import math
import os
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "lib"))
import pplog
from benching import bench

B = bench.B
FOLDER = B / "bench" / "probes"
FIGURES = B / "bench/probes.json"
LOG = FOLDER / "log.bin"
# A copy, which nobody builds anew while it is measured.
LIBRARY = FOLDER / "libpyprof.so"
SAMPLE = HERE / "sample.py"
# The least that a bare run should take; calls are rare in mixed.
PLAIN_NS = {"fib": 40e6, "methods": 40e6, "mixed": 150e6, "lines": 40e6}

# What is run beside the bare program and the probes, by mode.
PEERS = {"calls": ["cprofile", "cprofile-python", "pyprof"],
         "lines": ["pyprof"]}
CASES = {"fib": ("call_fib", "calls"), "methods": ("call_methods", "calls"),
         "mixed": ("mixed", "calls"), "lines": ("lines", "lines")}
OURS = {"calls": {"PYPROF_TRACE": "calls", "PYPROF_BUILTINS": "0"},
        "lines": {"PYPROF_TRACE": "lines"}}

figures = {}


class Python:
    """An interpreter, and the module `probe` compiled for it."""

    def __init__(self, line):
        self.version, command = line.split("\t")
        *run, self.exe = shlex.split(command)
        self.run, self.in_root = run or ["env"], bool(run)
        self.folder = FOLDER / self.version

    def output(self, *argv, **env):
        """What a run prints."""
        env = {"PYTHONPATH": self.folder, "PYTHONHASHSEED": 0,
               "PYTHONDONTWRITEBYTECODE": 1, **env}
        pairs = [f"{name}={value}" for name, value in env.items()]
        return subprocess.run(
            [*self.run, *pairs, self.exe, *map(str, argv)], check=True,
            stdout=subprocess.PIPE, env=bench.environment()).stdout.decode()

    def ours(self, mode, *argv):
        """The same under our tracing, into LOG."""
        LOG.unlink(missing_ok=True)
        return self.output(*argv, LD_PRELOAD=LIBRARY, PYPROF_OUTPUT=LOG,
                           PYPROF_VERBOSE=0, **OURS[mode])

    def compile(self):
        """Why it cannot be done, or None."""
        include = Path(self.output(
            "-c", "import sysconfig; print(sysconfig.get_path('include'))"
        ).strip())
        if self.in_root:
            root = subprocess.run([TOP / "tools/root-dir"], check=True,
                                  stdout=subprocess.PIPE).stdout.decode()
            include = Path(root.strip() + str(include))
        if not (include / "Python.h").is_file():
            return f"no headers in {include}"
        self.folder.mkdir(parents=True, exist_ok=True)
        # A root's own folder serves only for its pyconfig.h.
        subprocess.run([*shlex.split(os.environ.get("CC", "gcc")),
                        "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra",
                        "-shared", "-fPIC", "-ftls-model=initial-exec",
                        "-I", include, "-idirafter", include.parent, "-o",
                        self.folder / "probe.so", HERE / "probe.c"],
                       check=True)
        return None

    def one(self, *argv):
        return json.loads(self.output(HERE / "one.py", *argv))

    def time(self, kind, mode, program, rounds):
        """Nanoseconds of CPU of one run, and how much was counted."""
        words = [HERE / "one.py", "time", "none" if kind == "pyprof" else kind,
                 program, rounds]
        said = self.ours(mode, *words) if kind == "pyprof" \
            else self.output(*words)
        return [int(word) for word in said.split()]


# ---- cost ------------------------------------------------------------------

def calibrate(python, mode, program, least_ns):
    rounds, took = 2, 0
    while took < least_ns:
        rounds = math.ceil(rounds * min(max(1.1 * least_ns / max(took, 1e4),
                                            1.2), 20))
        took = min(python.time("none", mode, program, rounds)[0]
                   for _ in range(2))
    return rounds


def measure(python, case, pairs):
    program, mode = CASES[case]
    kinds = ["none", mode, mode + "-untimed", *PEERS[mode]]
    rounds = calibrate(python, mode, program, PLAIN_NS[case])
    runs, count = [], 0
    for _ in range(pairs):
        took = {}
        for kind in random.sample(kinds, len(kinds)):
            took[kind], counted = python.time(kind, mode, program, rounds)
            count = count or counted
        runs.append(took)
    added = {kind: bench.interval([r[kind] - r["none"] for r in runs])[0]
             for kind in kinds[1:]}
    none = bench.interval([r["none"] for r in runs])[0]
    result = {"counted": count, "runs": runs, "ns_each": added[mode] / count,
              "ns_each_untimed": added[mode + "-untimed"] / count,
              "times": 1 + added[mode] / none, "shares": {
                  peer: bench.interval([(r[mode] - r["none"])
                                        / (r[peer] - r["none"]) for r in runs])
                  for peer in PEERS[mode]}}
    for peer in PEERS[mode]:
        result["shares"][peer + "-untimed"] = bench.interval(
            [(r[mode + "-untimed"] - r["none"]) / (r[peer] - r["none"])
             for r in runs])
    figures[python.version][case] = result
    shares = [result["shares"].get(peer) for peer in (
        "cprofile", "cprofile-untimed", "cprofile-python", "pyprof")]
    print(f"{python.version:8} {case:8} {result['ns_each']:6.1f}"
          f" {result['ns_each_untimed']:7.1f} {result['times']:5.2f} ",
          *["%6.3f (%.3f-%.3f)" % share if share else " " * 20
            for share in shares], flush=True)


# ---- counts of calls -------------------------------------------------------

class Counts:
    """Calls and primitive calls by function, calls by edge."""

    def __init__(self):
        self.functions, self.edges = {}, collections.Counter()

    def add(self, function, calls, primitive):
        old = self.functions.get(function, (0, 0))
        self.functions[function] = old[0] + calls, old[1] + primitive


def of_probes(found, threads=None):
    labels = {row[0]: tuple(row[1:]) for row in found["functions"]}
    made = Counts()
    for thread, caller, callee, calls, _, recursive, *_ in found["edges"]:
        if threads is None or thread in threads:
            made.add(labels[callee], calls, calls - recursive)
            made.edges[labels.get(caller), labels[callee]] += calls
    return made


def of_cprofile(rows):
    made = Counts()
    for caller, callee, calls, recursive in rows:
        if caller is None:
            made.add(tuple(callee), calls, calls - recursive)
        else:
            made.edges[tuple(caller), tuple(callee)] += calls
    return made


def short(label):
    return "%s:%d %s" % (os.path.basename(label[0]), *label[1:])


def compare_calls(found, theirs):
    """Functions that have probes, and edges to those of them that only such
    call; a caller without is one more in cProfile than here."""
    mine = of_probes(found)
    covered = {tuple(row[1:]) for row in found["functions"]}
    ran = [f for f in covered if f in theirs.functions or f in mine.functions]
    wrong = [f"{short(f)}: {mine.functions.get(f)}, not"
             f" {theirs.functions.get(f)}" for f in ran
             if mine.functions.get(f) != theirs.functions.get(f)]
    foreign = {callee for caller, callee in theirs.edges
               if caller not in covered}
    edges = {e for e in [*theirs.edges, *mine.edges] if e[0]
             and e[1] in covered and e[1] not in foreign}
    wrong_edges = [f"{short(a)} -> {short(b)}: {mine.edges[a, b]}, not"
                   f" {theirs.edges[a, b]}" for a, b in edges
                   if mine.edges[a, b] != theirs.edges[a, b]]
    times = [row[-3:] for row in found["edges"]]
    from_nobody = sum(row[-2] for row in found["edges"] if row[1] == 0)
    here = {f[0] for f in covered}
    all_calls = sum(n for f, (n, _) in theirs.functions.items() if f[0] in here)
    return {"functions": len(ran), "functions_wrong": wrong,
            "edges": len(edges), "edges_wrong": wrong_edges,
            "edges_not_compared": sum(e[1] in foreign and e[1] in covered
                                      for e in theirs.edges),
            "calls": sum(n for n, _ in mine.functions.values()),
            "calls_in_these_files": all_calls, "faults": found["faults"],
            "left_out": collections.Counter(w for *_, w in found["left_out"]),
            "own_adds_up": sum(t[0] for t in times) == from_nobody}


def compare_threads(found):
    """Did all threads but the main one count the same?"""
    counts = [of_probes(found, [t])
              for t in sorted({row[0] for row in found["edges"]})]
    counts = [(c.functions, c.edges) for c in counts]
    # the newest first, the main thread last
    return len(counts) == 5 and all(c == counts[0] for c in counts[1:4])


# ---- counts of lines -------------------------------------------------------

def compare_lines(found, log):
    mine, theirs = collections.Counter(), collections.Counter()
    for file, _, name, line, hits, _ in found["lines"]:
        mine[file, name, line] += hits
    for (label, line), hits in log.lines().items():
        if label[0] in found["kinds"]:
            theirs[label[0], label[2], line] += hits.hits
    both = set(mine) | set(theirs)
    wrong = [k for k in both if mine[k] != theirs[k]]

    def kind(key):
        if key[1] in ("<lambda>", "<genexpr>", "<listcomp>", "<dictcomp>",
                      "<setcomp>"):
            return "comprehension or lambda"
        if key[1] == "__annotate__":
            return "annotation"
        return found["kinds"][key[0]].get(str(key[2]), "other")

    inside = [k for k in both if k[1] != "<module>"]
    sample = [k for k in wrong if k[0] == str(SAMPLE)]
    return {"lines": len(both), "wrong": len(wrong),
            "lines_in_functions": len(inside),
            "wrong_in_functions": sum(k[1] != "<module>" for k in wrong),
            "wrong_by_kind": collections.Counter(map(kind, wrong)),
            "others": sorted("%s:%d %s: %d, not %d" % (
                os.path.basename(k[0]), k[2], k[1], mine[k], theirs[k])
                for k in wrong if kind(k) == "other"),
            "in_sample": sorted([k[2], kind(k), mine[k], theirs[k]]
                                for k in sample)}


def show_counts(version, calls, threads, lines):
    print(f"{version}: {calls['functions']} functions,"
          f" {len(calls['functions_wrong'])} wrong; {calls['edges']} edges,"
          f" {len(calls['edges_wrong'])} wrong,"
          f" {calls['edges_not_compared']} to what functions without probes"
          f" call; {calls['calls']} of {calls['calls_in_these_files']} calls"
          f" in these files; times {'' if calls['own_adds_up'] else 'do not '}"
          f"add up; threads {'equal' if threads else 'differ'};"
          f" faults {calls['faults']}")
    for wrong in [*calls["functions_wrong"], *calls["edges_wrong"]][:8]:
        print("   ", wrong)
    print("    left out:", ", ".join(f"{n} {why}" for why, n in
                                     sorted(calls["left_out"].items())))
    print(f"    lines: {lines['wrong']} of {lines['lines']} wrong,"
          f" {lines['wrong_in_functions']} of {lines['lines_in_functions']}"
          " outside modules' own:", ", ".join(
              f"{n} {kind}" for kind, n in
              lines["wrong_by_kind"].most_common()))
    for wrong in lines["others"][:8]:
        print("   ", wrong)
    sys.stdout.flush()


def count(python):
    calls = compare_calls(python.one("calls", SAMPLE), of_cprofile(
        python.one("cprofile", SAMPLE)["rows"]))
    threads = compare_threads(python.one("calls", SAMPLE, "threads"))
    found = python.one("lines", SAMPLE)
    python.ours("lines", SAMPLE)
    lines = compare_lines(found, pplog.read(LOG))
    figures[python.version].update(counts=calls, threads_equal=threads,
                                   line_counts=lines)
    show_counts(python.version, calls, threads, lines)


def main():
    parser = argparse.ArgumentParser(
        usage="tests/bench/probes/bench.py [--pairs N]"
        " [--only calls|lines|counts]...")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", action="append",
                        choices=["calls", "lines", "counts"])
    args = parser.parse_args()
    only = args.only or ["calls", "lines", "counts"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copy(bench.LIBRARY, LIBRARY)
    if FIGURES.exists():
        figures.update(json.loads(FIGURES.read_text()))
    found = subprocess.run([TOP / "tools/interpreters"], check=True,
                           stdout=subprocess.PIPE).stdout.decode()
    pythons = []
    for python in map(Python, found.splitlines()):
        why = python.compile()
        if why:
            print(f"{python.version}: skipped, {why}")
        else:
            pythons.append(python)
            figures.setdefault(python.version, {})
    print(f"CPU time that probes add; {args.pairs} interleaved pairs, load"
          f" {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("python   case    ns each untimed times  of cProfile's       "
          " untimed, of that    of its Python alone  of --trace's")
    for python in pythons:
        for case, (_, mode) in CASES.items():
            if mode in only:
                measure(python, case, args.pairs)
    for python in pythons if "counts" in only else ():
        count(python)
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    print("figures in", os.path.relpath(FIGURES))


if __name__ == "__main__":
    main()
