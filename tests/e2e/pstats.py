# SPDX-License-Identifier: MIT
# What --pstats writes is what that Python's own pstats reads, prints, strips
# and browses. Its numbers are those that a second reader of the log, written in
# Python, finds there, those of --json, and for a traced program the calls that
# cProfile counts. Another way out of a log: the zip of its sources has the
# names of the callgrind file that was written with it.
# each: interpreter
# parallel: yes
import collections
import json
import os
import re
import subprocess
import sys
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SECONDS = sized(2, 0.4)

# Names that pstats takes for one, homonyms in two folders, recursion.
PROGRAM = '''
import os
from time import thread_time
import one.same
import two.same


def spin(n):
    total = 0
    for i in range(n):
        total += i & 7
    return total


class Worker:
    def run(self, n):
        return spin(n) + len(str(n))


five, seven = lambda n: spin(n), lambda n: spin(n)


def down(n, depth):
    return down(n, depth - 1) + 1 if depth else spin(n)


def work():
    Worker().run(2000)
    for _ in range(5):
        five(200)
    for _ in range(7):
        seven(200)
    down(3000, 9)
    one.same.work(2000)
    two.same.work(1000)


def main(seconds):
    work()
    while thread_time() < seconds:
        work()


main(float(os.environ["SECONDS"]))
'''
SAME = "def work(n):\n    return sum(i & 7 for i in range(n))\n"

# Run by the Python of the day: what its pstats says of a file.
READER = '''
import io, json, pstats, sys


def rows(stats):
    return [[key, [*value[:4], list(value[4].items())]]
            for key, value in stats.stats.items()]


def printed(path, *how):
    out = io.StringIO()
    stats = pstats.Stats(path, stream=out)
    stats.sort_stats("cumulative")
    for name, *words in how:
        getattr(stats, name)(*words)
    return out.getvalue()


path = sys.argv[1]
stats = pstats.Stats(path)
result = {"rows": rows(stats), "total_calls": stats.total_calls,
          "total_tt": stats.total_tt,
          "stats": printed(path, ["print_stats", 5]),
          "callers": printed(path, ["print_callers", "down"]),
          "callees": printed(path, ["print_callees", "down"]),
          "stripped": printed(path, ["strip_dirs"], ["print_stats", "spin"]),
          "stripped_rows": rows(pstats.Stats(path).strip_dirs()),
          "twice": pstats.Stats(path, path).total_calls,
          "profile": {}}
if hasattr(stats, "get_stats_profile"):
    profile = pstats.Stats(path).get_stats_profile()
    result["profile"] = {name: [f.ncalls, f.tottime, f.cumtime]
                         for name, f in profile.func_profiles.items()}
json.dump(result, sys.stdout)
'''


def write_files():
    for folder in ("one", "two"):
        os.makedirs(folder, exist_ok=True)
        for name, text in (("__init__.py", ""), ("same.py", SAME)):
            with open(os.path.join(folder, name), "w") as out:
                out.write(text)
    for name, text in (("program.py", PROGRAM), ("reader.py", READER)):
        with open(name, "w") as out:
            out.write(text)


def report(log, *options):
    done = subprocess.run([REPORT, *options, log], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode == 0, f"pyprof-report {options}: exit"
           f" {done.returncode}, {done.stderr.decode()}")
    return done.stdout


def record(log, **settings):
    env = {"SECONDS": SECONDS, **settings.pop("env", {}),
           "PYTHONDONTWRITEBYTECODE": 1}
    done = run(os.path.abspath("program.py"), output=log, env=env,
               timeout=60 + PATIENCE * SECONDS, **settings)
    if failures:
        finish()
    return done.log


def read(path):
    """What pstats says, rows as {key: (cc, nc, tt, ct, {key: 4 numbers})}."""
    done = run("reader.py", path, profile=False)
    if failures:
        finish()
    found = json.loads(done.stdout)
    for name in ("rows", "stripped_rows"):
        found[name] = {
            tuple(key): (*value[:4], {tuple(k): tuple(v)
                                      for k, v in value[4]})
            for key, value in found[name]}
    return found


def key_of(code):
    if code is None:
        return "~", 0, "<code?>"
    return code.file, code.firstlineno, code.name


def of_samples(log):
    """The same dictionary, made of a log's samples."""
    weights, counts = collections.Counter(), collections.Counter()
    for sample in log.samples:
        place = sample.node, bool(sample.state & pplog.GC
                                  & log.header["state_known"])
        weights[place] += sample.weight_ns
        counts[place] += 1
    functions = collections.defaultdict(lambda: [0, 0, 0])
    edges = collections.defaultdict(lambda: [0, 0, 0])
    for (node, collecting), ns in weights.items():
        keys = [key_of(code) for code, _ in log.stack(node)]
        keys = keys or [("~", 0, "<native>")]
        keys += [("~", 0, "<GC>")] * collecting
        pairs = list(zip(keys, keys[1:]))
        functions[keys[-1]][1] += ns
        for pair in pairs[-1:]:
            edges[pair][1] += ns
        for table, names in ((functions, set(keys)), (edges, set(pairs))):
            for name in names:
                table[name][0] += counts[node, collecting]
                table[name][2] += ns
    found = {key: (n, n, tt / 1e9, ct / 1e9, {})
             for key, (n, tt, ct) in functions.items()}
    for (caller, callee), (n, tt, ct) in edges.items():
        found[callee][4][caller] = n, n, tt / 1e9, ct / 1e9
    return found


def near(a, b):
    return abs(a - b) <= 1e-9 * (1 + abs(b))


def same_numbers(a, b):
    return a[:2] == b[:2] and near(a[2], b[2]) and near(a[3], b[3])


def check_samples(rows, expected):
    expect(set(rows) == set(expected), "pstats: functions"
           f" {sorted(map(str, set(rows) ^ set(expected)))[:4]} in one only")
    for key in set(rows) & set(expected):
        ours, theirs = rows[key], expected[key]
        expect(same_numbers(ours, theirs),
               f"pstats: {key} is {ours[:4]}, by the log {theirs[:4]}")
        expect(set(ours[4]) == set(theirs[4]),
               f"pstats: {key} has callers {set(ours[4])}, by the log"
               f" {set(theirs[4])}")
        for caller in set(ours[4]) & set(theirs[4]):
            expect(same_numbers(ours[4][caller], theirs[4][caller]),
                   f"pstats: {caller} -> {key} is {ours[4][caller]}, by the log"
                   f" {theirs[4][caller]}")


def check_json(rows, log):
    """Of equal names the sum, of the others the same numbers."""
    data = json.loads(report(log, "--json", "-n", "1.0", "-o", "-"))
    groups = collections.defaultdict(list)
    for f in data["functions"]:
        file, line = f["file"] or "~", f["line"]
        name = f["name"] if file == "~" else f["name"].rpartition(".")[2]
        groups[file, line, name].append(f)
    expect(set(groups) == set(rows), "pstats and JSON:"
           f" {sorted(map(str, set(groups) ^ set(rows)))[:4]} in one only")
    for key in set(groups) & set(rows):
        group, (cc, nc, tt, ct, _) = groups[key], rows[key]
        expect(near(tt, sum(f["self_ns"] for f in group) / 1e9),
               f"pstats: {key} has {tt} s, JSON {group}")
        if len(group) > 1:
            continue
        f = group[0]
        calls = (f["calls"], f["primitive_calls"]) if f.get("calls") \
            else (f["total_samples"],) * 2
        expect((nc, cc) == calls and near(ct, f["total_ns"] / 1e9),
               f"pstats: {key} is {rows[key][:4]}, JSON says {f}")
    return data


def check_printed(found, home):
    """What people see: rows with their numbers, tables of callers."""
    down = next((key for key in found["rows"] if key[2] == "down"), None)
    if not expect(down, "pstats: down() is missing"):
        return
    name = "%s:%d(down)" % down[:2]
    lines = found["stats"].splitlines()
    expect("Ordered by: cumulative time" in found["stats"]
           and "due to restriction <5>" in found["stats"]
           and any(line.endswith("(<module>)") for line in lines),
           f"print_stats(5) printed {found['stats']}")
    for what, arrow, other in (("callers", "<-", "(work)"),
                               ("callees", "->", "(spin)")):
        text = found[what]
        expect(name in text and arrow in text and other in text
               and "ncalls  tottime  cumtime" in text,
               f"print_{what}('down') printed {text}")
    expect("program.py" in found["stripped"] and home not in found["stripped"],
           f"strip_dirs().print_stats('spin') printed {found['stripped']}")
    expect(found["twice"] == 2 * found["total_calls"],
           f"the file read twice has {found['twice']} calls, once"
           f" {found['total_calls']}")
    if MINOR >= 9:
        calls = found["profile"].get("down")
        cc, nc = found["rows"][down][:2]
        shown = str(nc) if nc == cc else f"{nc}/{cc}"
        expect(calls and calls[0] == shown
               and abs(calls[2] - found["rows"][down][3]) <= 0.0005,
               f"get_stats_profile() has {calls} for {found['rows'][down]}")


def check_browser(path):
    words = "sort cumulative\nstats 5\ncallers spin\ncallees 3\nstrip\n" \
            "stats 1\nquit\n"
    done = subprocess.run([*RUN, EXE, "-m", "pstats", path], input=words,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    expect(done.returncode == 0 and "Traceback" not in done.stdout
           and "was called by..." in done.stdout and "called..." in done.stdout
           and "(spin)" in done.stdout,
           f"the browser ended with {done.returncode}: {done.stdout}")


def check_stripped(found, log):
    """Ours adds up what theirs leaves as the last of several."""
    report(log, "--pstats", "--strip-dirs", "-o", "stripped.pstats")
    ours = read("stripped.pstats")["rows"]
    theirs = found["stripped_rows"]
    expect(set(ours) == set(theirs), "--strip-dirs and strip_dirs():"
           f" {sorted(map(str, set(ours) ^ set(theirs)))[:4]} in one only")
    for key in set(ours) & set(theirs):
        expect(near(ours[key][2], theirs[key][2]),
               f"--strip-dirs: {key} has {ours[key][2]} s, strip_dirs()"
               f" {theirs[key][2]}")
    work = [key for key in ours if key[0] == "same.py" and key[2] == "work"]
    expect(len(work) == 1, f"--strip-dirs: work() of same.py is {work}")


def check_whole(rows):
    """Each caller is a function, and none has more time than its callee."""
    for key, (cc, nc, tt, ct, callers) in rows.items():
        expect(set(callers) <= set(rows), f"callers of {key} are no functions")
        expect(nc >= cc >= 1 and 0 <= tt <= ct + 1e-9,
               f"pstats: {key} is {(cc, nc, tt, ct)}")
        expect(sum(c[2] for c in callers.values()) <= tt + 1e-9,
               f"pstats: {key} has {tt} s, its callers {callers}")


def check_file(log, path):
    done = subprocess.run([REPORT, log, "-o", path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode == 0 and not done.stdout and not done.stderr,
           f"pyprof-report -o {path}: exit {done.returncode}, {done.stdout}"
           f" {done.stderr}")
    found = read(path)
    check_whole(found["rows"])
    check_printed(found, os.getcwd())
    check_browser(path)
    check_stripped(found, log)
    check_json(found["rows"], log)
    return found


def check_sampled():
    path = record("sampled.bin", rate=1000)
    found = check_file(path, "sampled.pstats")
    log = pplog.read(path)
    check_samples(found["rows"], of_samples(log))
    check_zip(path)
    total = sum(s.weight_ns for s in log.samples) / 1e9
    expect(near(found["total_tt"], total),
           f"pstats: {found['total_tt']} s in all, the log has {total}")
    figures("pstats", f"{len(found['rows'])} functions, {total:.3f} s as in"
            " the log")


def check_zip(log):
    """Sources unpacked beside the callgrind file are where it says."""
    done = subprocess.run([REPORT, log, "--callgrind", "-o", "cachegrind.out.x",
                           "--zipfile", "sources.zip"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    words = done.stderr.decode()
    if "built without libzip" in words:
        figures("pstats", "no --zipfile in this build")
        return
    expect(done.returncode == 0 and not words,
           f"--zipfile: exit {done.returncode}, {words}")
    with open("cachegrind.out.x") as file:
        named = set(re.findall(r"^(?:fl|cfi)=\(\d+\) (.*)", file.read(), re.M))
    with zipfile.ZipFile("sources.zip") as archive:
        expect(archive.testzip() is None, "sources.zip is damaged")
        members = set(archive.namelist())
        for name in members:
            expect(name in named and not name.startswith(("/", ".")),
                   f"sources.zip has {name}, the callgrind file {named}")
        own = [name for name in named if name.endswith("program.py")]
        expect(len(own) == 1 and set(own) <= members,
               f"the program is {own}, sources.zip has {members}")
        for name in own:
            expect(archive.read(name).decode() == PROGRAM,
                   f"{name} in sources.zip is not the program")
    expect(not [name for name in named if name.startswith("/")],
           f"the callgrind file has absolute paths: {named}")


def cprofile():
    run("-m", "cProfile", "-o", "theirs.pstats", os.path.abspath("program.py"),
        profile=False, env={"SECONDS": 0, "PYTHONDONTWRITEBYTECODE": 1})
    return read("theirs.pstats")["rows"]


def is_own(key):
    """A function of the program, but for the two that cProfile makes one."""
    return key[0].endswith(("program.py", "same.py")) and key[2] != "<lambda>"


def counts(rows):
    """Calls of the program's functions, and of all by them."""
    found = {key: value[:2] for key, value in rows.items()
             if is_own(key) and key[2] != "<module>"}
    for key, value in rows.items():
        if key[2] == "<lambda>" or key[0].startswith("<frozen"):
            continue
        found.update({(caller, key): numbers[:2]
                      for caller, numbers in value[4].items()
                      if is_own(caller) and caller[2] != "<module>"})
    return found


def check_traced():
    path = record("traced.bin", trace="calls", env={"SECONDS": 0})
    found = check_file(path, "traced.pstats")
    rows = found["rows"]
    ours, theirs = counts(rows), counts(cprofile())
    expect(len(theirs) > 10, f"cProfile counted {theirs} only")
    for name in set(ours) | set(theirs):
        expect(ours.get(name) == theirs.get(name),
               f"pstats: {name} has {ours.get(name)} calls, cProfile counts"
               f" {theirs.get(name)}")
    lambdas = [value for key, value in rows.items()
               if key[2] == "<lambda>" and key[0].endswith("program.py")]
    expect([value[:2] for value in lambdas] == [(12, 12)],
           f"the lambdas of one line, called 5 and 7 times, are {lambdas}")
    down = next(value for key, value in rows.items() if key[2] == "down")
    expect(down[:2] == (1, 10), f"down() has {down[:2]}, not 10/1 calls")
    figures("pstats", f"traced: {len(ours)} functions and calls counted as by"
            " cProfile")


write_files()
check_sampled()
check_traced()
finish()
