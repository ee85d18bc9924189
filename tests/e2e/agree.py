# SPDX-License-Identifier: MIT
# One total everywhere: text, JSON, collapsed stacks, callgrind and annotated
# source say the same of real logs, and JSON says of every function and line
# what a second reader of the log, written in Python, finds there.
# each: interpreter
import collections
import glob
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(3, 0.3)


def report(logs, *options):
    done = subprocess.run([REPORT, *options, *logs], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Pythons in the root have their library there
    words = "".join(line for line in done.stderr.decode().splitlines(True)
                    if not line.endswith("its lines stand without text\n"))
    expect(done.returncode == 0 and not words,
           f"pyprof-report {options}: exit {done.returncode}, {words}")
    return done.stdout.decode()


class Sums:
    """Samples and time by function and by line, self and total."""

    def __init__(self, logs):
        self.samples = self.ns = 0
        self.no_line = [0, 0]  # samples and ns that are on none
        self.functions = collections.defaultdict(lambda: [0] * 4)
        self.lines = collections.defaultdict(lambda: [0] * 4)
        for log in logs:
            weights = collections.Counter()
            counts = collections.Counter()
            for sample in log.samples:
                place = sample.node, bool(sample.state & pplog.GC
                                          & log.header["state_known"])
                weights[place] += sample.weight_ns
                counts[place] += 1
            for place, ns in weights.items():
                self.add(log, *place, counts[place], ns)

    def add(self, log, node, collecting, count, ns):
        self.samples += count
        self.ns += ns
        frames = [(self.key(code), line) for code, line in log.stack(node)]
        frames = frames or [(("<native>", None, 0), 0)]
        if frames[-1][0][1] is None:
            self.no_line[0] += count
            self.no_line[1] += ns
        frames += [(("<GC>", None, 0), 0)] * collecting
        for table, keys in ((self.functions, [f for f, _ in frames]),
                            (self.lines, [(f, line) for f, line in frames])):
            table[keys[-1]][0] += count
            table[keys[-1]][2] += ns
            for key in set(keys):  # recursion counts once
                table[key][1] += count
                table[key][3] += ns

    @staticmethod
    def key(code):
        if code is None:
            return "<code?>", None, 0
        return code.qualname or code.name, code.file, code.firstlineno


def numbers(entry):
    return [entry[name] for name in ("samples", "total_samples", "self_ns",
                                     "total_ns")]


def check_json(logs, sums):
    found = json.loads(report(logs, "--json", "-n", "1.0"))
    expect((found["samples"], found["sampled_ns"]) == (sums.samples, sums.ns),
           f"JSON: {found['samples']} samples, {found['sampled_ns']} ns; the"
           f" log has {sums.samples}, {sums.ns}")
    functions, lines = {}, {}
    for f in found["functions"]:
        key = f["name"], f["file"], f["line"]
        expect(key not in functions, f"JSON: {key} stands twice")
        functions[key] = numbers(f)
        for line in f["lines"]:
            lines[key, line["line"]] = numbers(line)
    for what, ours, theirs in (("functions", sums.functions, functions),
                               ("lines", sums.lines, lines)):
        expect(set(ours) == set(theirs), f"JSON: {what}"
               f" {sorted(map(str, set(ours) ^ set(theirs)))[:4]} in one only")
        wrong = [(k, ours[k], theirs[k]) for k in set(ours) & set(theirs)
                 if ours[k] != theirs[k]]
        expect(not wrong, f"JSON: {len(wrong)} {what} differ, such as"
               f" {wrong[:1]}")
    return found


def check_text(logs, sums):
    text = report(logs)
    match = re.search(r"^samples +(\d+) for ([\d.]+) s", text, re.M)
    if expect(match, f"no line of samples in {text[:800]}"):
        expect(int(match[1]) == sums.samples
               and abs(float(match[2]) - sums.ns / 1e9) <= 0.0005,
               f"text: {match[0]}; the log has {sums.samples}, {sums.ns} ns")


def check_collapsed(logs, sums):
    lines = report(logs, "--collapsed").splitlines()
    total = sum(int(line.rpartition(" ")[2]) for line in lines)
    expect(total == sums.samples, f"collapsed: {total} samples")
    lines = report(logs, "--collapsed", "--unit", "us").splitlines()
    total = sum(int(line.rpartition(" ")[2]) for line in lines)
    # each line is rounded to its microsecond
    expect(abs(total - sums.ns / 1000) <= len(lines),
           f"collapsed: {total} us in {len(lines)} lines, not {sums.ns / 1e3}")


def check_callgrind(logs, sums):
    """Costs of lines that follow no calls= are self costs."""
    ns = samples = 0
    summary = inclusive = None
    for line in report(logs, "--callgrind", "-o", "-").splitlines():
        if line.startswith("summary:"):
            summary = [int(n) for n in line.split()[1:]]
        elif line.startswith("calls="):
            inclusive = True
        elif re.match(r"[+*\d-]", line):
            if not inclusive:
                _, one_ns, one = line.split()
                ns += int(one_ns)
                samples += int(one)
            inclusive = False
    expect(summary == [ns, samples] == [sums.ns, sums.samples],
           f"callgrind: summary {summary}, lines {ns} {samples}, log {sums.ns}"
           f" {sums.samples}")


def check_annotate(logs, sums):
    """Lines of files hold all but what is below none: <GC> is its line's."""
    hits = 0
    total = files = 0.0
    for line in report(logs, "--annotate").splitlines():
        cells = line.split("|")
        if line.startswith("Total duration:"):
            total = float(line.split()[2].rstrip("s"))
        elif line.startswith("File duration:"):
            files += float(line.split()[2].rstrip("s"))
        elif len(cells) > 5 and cells[0].strip().isdigit():
            hits += int(cells[1])
    # six digits are printed
    expect(abs(total - sums.ns / 1e9) <= 1e-5 * total,
           f"annotate: total duration {total}, not {sums.ns / 1e9}")
    left = (sums.ns - sums.no_line[1]) / 1e9
    expect(abs(files - left) <= 1e-5 * total,
           f"annotate: file durations {files}, not {left}")
    expect(hits == sums.samples - sums.no_line[0],
           f"annotate: {hits} hits of {sums.samples} samples")


def check(what, program, env, rate):
    for path in glob.glob("agree.*.bin"):
        os.unlink(path)
    os.makedirs("folder", exist_ok=True)
    run(workload(program), output="agree.%p.bin", rate=rate,
        timeout=60 + PATIENCE * 10 * SECONDS, env={"SECONDS": SECONDS, **env})
    if failures:
        finish()
    logs = sorted(glob.glob("agree.*.bin"))
    sums = Sums(pplog.read(path) for path in logs)
    found = check_json(logs, sums)
    check_text(logs, sums)
    check_collapsed(logs, sums)
    check_callgrind(logs, sums)
    check_annotate(logs, sums)
    figures("agree", f"{what}: six formats say {sums.ns / 1e9:.3f} s in"
            f" {sums.samples} samples, {len(found['functions'])} functions,"
            f" {len(logs)} logs")


check("kinds", "kinds.py", {"TRUTH": "truth"}, 5000)
if FULL or MINOR == 12:
    check("threads", "many_threads.py", {"TRUTH": "truth"}, "auto")
    check("forks", "forks.py", {"TRUTH": "folder"}, 1000)
finish()
