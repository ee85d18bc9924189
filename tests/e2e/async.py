# SPDX-License-Identifier: MIT
# Stacks of asyncio: coroutines that await coroutines, asynchronous generators,
# gather(), wait(), shield(), TaskGroup. Each sampled stack is one that the
# program can have, and each task has its share of CPU time. With --async the
# running task, and those that await it, stand in the stack under their names;
# what that costs a sample.
# each: interpreter
# parallel: yes
# timeout: 300
import ast
import json
import math
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

SCRIPT = workload("awaiting.py")
RATE = 5_000
STEPS = 20
SECONDS = sized(8, 0.8)

# Who runs in a task, and by which task it is awaited. `unnamed` has the name
# that asyncio gave it.
AWAITED_BY = {"direct": "main", "child": "parent", "parent": "main",
              "gather_one": "main", "gather_two": "main", "numbers": "main",
              "in_group": "group", "group": "main", "unnamed": "main",
              "waited": "main", "shielded": "main",
              "in_generator": "through", "through": "main"}
NAMES = {"numbers": "z\u00e4hlt", "direct": "\u2603 direct"}


def mark(task):
    return f"<task {NAMES.get(task, task)}>"


def calls_by_line(script):
    """{function: {line: names of what is called on it}}, and on which lines a
    function awaits something."""
    with open(script) as file:
        tree = ast.parse(file.read())
    called, awaits = {}, set()
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        lines = called.setdefault(function.name, {})
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                lines.setdefault(node.lineno, set()).add(name)
            if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
                awaits.add(node.lineno)
    return called, awaits


CALLED, AWAITS = calls_by_line(SCRIPT)


class Judge:
    """Says of each stack whose task it is, and what is wrong with it."""

    def __init__(self, log, marked):
        self.log, self.marked = log, marked
        self.known = {}

    def judge(self, node):
        """(task, what is wrong): None for neither."""
        if node not in self.known:
            self.known[node] = self.look(self.log.stack(node))
        return self.known[node]

    def look(self, stack):
        names = [code.name for code, _ in stack]
        running = [name for name in names if name.startswith("<task ")]
        if running and not self.marked:
            return None, f"marks without --async: {names}"
        coroutines = [i for i, (code, _) in enumerate(stack)
                      if code.file == SCRIPT and code.name in CALLED
                      and code.name not in ("spin", "named", "<lambda>")]
        if not coroutines:
            return None, None  # also a task of asyncio's own, at its end
        wrong = self.chain(stack, names, coroutines[0])
        # the task's own coroutine is the outermost behind the last mark
        first = coroutines[0]
        if running:
            first = len(names) - names[::-1].index(running[-1])
        return names[first], wrong

    def chain(self, stack, names, first):
        """What is wrong with the coroutines of a stack."""
        base = first - 1 if self.marked else first
        if first == len(stack) - 1 and stack[first - 1][0].file == SCRIPT:
            return None  # it is being made: its own code does that
        if names[base - 1] != "_run" or "run_forever" not in names:
            return f"coroutines are not run by the event loop: {names}"
        for (code, line), (callee, _) in zip(stack[base:], stack[base + 1:]):
            if code.file != SCRIPT:
                continue
            if not callee.file:
                if line not in AWAITS:
                    return f"{code} does not await on line {line}: {names}"
            elif callee.file == SCRIPT and not self.may_call(code, line,
                                                             callee.name):
                return f"{code} on line {line} is not in {callee}: {names}"
        if self.marked:
            return self.tasks(names[base:])
        return None

    @staticmethod
    def may_call(code, line, callee):
        if callee in ("counted", "yields_after"):
            return line in AWAITS  # a generator is entered where it is awaited
        if code.name == "named":
            return "function" in CALLED["named"].get(line, ())
        return callee in CALLED[code.name].get(line, ())

    @staticmethod
    def tasks(names):
        """The marks: each before its own coroutine, in order of awaiting."""
        at = [i for i, name in enumerate(names) if name.startswith("<task ")]
        owners = [names[i + 1] for i in at]
        wanted = [owners[-1]]
        while wanted[0] in AWAITED_BY:
            wanted.insert(0, AWAITED_BY[wanted[0]])
        if owners != wanted:
            return f"tasks {owners}, not {wanted}: {names}"
        for i, owner in zip(at, owners):
            if names[i] != mark(owner) and not (
                    owner in ("unnamed", "main", "elsewhere")
                    and re.fullmatch(r"<task Task-\d+>", names[i])):
                return f"{names[i]} is {owner}'s"
        return None


def check_stacks(log, what, marked):
    """Weights by task, of each sample in it."""
    judge = Judge(log, marked)
    weights, wrong, all_of_them = {}, [], 0
    for sample in log.samples:
        task, fault = judge.judge(sample.node)
        all_of_them += 1
        if fault:
            wrong.append(fault)
        if task and "step" in log.names(sample.node):
            weights.setdefault(task, []).append(sample.weight_ns)
    expect(not wrong, f"{what}: {len(wrong)} impossible stacks of"
           f" {all_of_them}, such as {wrong[:2]}")
    return weights, all_of_them


def check_shares(weights, spent, what):
    """Each task has its share; returns the worst miss as part of the bound."""
    whole = sum(spent.values())
    all_of_them = [w for task in weights.values() for w in task]
    all_ns = sum(all_of_them)
    # on a busy machine a few long samples weigh as much as all the others
    n = all_ns ** 2 / sum(w * w for w in all_of_them)
    # one that has none is short of its whole share, below
    expect(set(weights) <= set(spent),
           f"{what}: samples of {sorted(weights)}, not {sorted(spent)}")
    worst = 0
    for task, seconds in spent.items():
        share = seconds / whole
        got = sum(weights.get(task, ())) / all_ns
        # five deviations of a share that n samples tell, and that the clock
        # of a sample may stand on the other side of a switch of tasks
        bound = 5 * math.sqrt(share * (1 - share) / n) + 0.005
        expect(abs(got - share) <= bound, f"{what}: {task} has {got:.4f} of the"
               f" time, not {share:.4f} +- {bound:.4f}; {load()}")
        worst = max(worst, abs(got - share) / bound)
    return worst


def check_report(path):
    """The folded stacks show the logical chain."""
    out = subprocess.run([REPORT, "--collapsed", path], text=True,
                         capture_output=True)
    expect(out.returncode == 0, f"pyprof-report: {out.stderr}")
    at = re.escape(SCRIPT)
    pattern = (rf"_run \([^;]*;<task main>;main \({at}:\d+\);<task parent>;"
               rf"parent \({at}:\d+\);waits_for \({at}:\d+\);<task child>;"
               rf"child \({at}:\d+\);deeper [^;]*;steps [^;]*;step [^;]*;spin")
    expect(re.search(pattern, out.stdout), "no folded stack of main, parent and"
           f" child in {out.stdout[:2000]}")


BLOCKING = """
import asyncio, time
def query():
    time.sleep(0.4)
async def worker():
    query()
    await asyncio.sleep(0.2)
async def main():
    await asyncio.ensure_future(worker())
asyncio.run(main())
"""


def check_wall():
    """Where a task blocks its whole loop, off the processor; waiting for the
    loop is nobody's."""
    with open("blocking.py", "w") as file:
        file.write(BLOCKING)
    done = run("blocking.py", mode="wall", output="wall.bin", **{"async": 1})
    out = subprocess.run([REPORT, "--collapsed", "--unit", "us", done.log],
                         text=True, capture_output=True).stdout
    times = {"query": 0, "select": 0}
    for line in out.splitlines():
        stack, us = line.rsplit(" ", 1)
        if re.search(r";<task [^;]*>;main [^;]*;<task [^;]*>;worker [^;]*;"
                     r"query [^;]*$", stack):
            times["query"] += int(us)
        elif re.search(r"select \([^;]*$", stack) and "<task" not in stack:
            times["select"] += int(us)
    # what a sleep is short of: until the ticker first looks, a period of 10 ms
    expect(times["query"] > 350_000 and times["select"] > 150_000,
           f"wall: {times} us, not 400000 and 200000; {load()}")
    figures("async", f"wall: {times} us, due 400000 and 200000")


def one(what, marked, steps):
    done = run(SCRIPT, rate=RATE, env={"SECONDS": SECONDS, "STEPS": steps},
               output=f"{what}.bin", timeout=30 + 20 * SECONDS,
               **({"async": 1} if marked else {}))
    if failures:
        finish()
    log = pplog.read(done.log)
    entries_add_up(log, what)
    weights, samples = check_stacks(log, what, marked)
    worst = 0
    if steps == STEPS:
        worst = check_shares(weights, json.loads(done.stdout), what)
    lost = sum(log.lost.values())
    expect(lost <= samples / 100 + 5, f"{what}: {lost} of {samples} lost")
    figures("async", f"{what}: 0 impossible of {samples}, {lost} lost, worst"
            f" share {worst:.2f} of its bound")
    return done.log


def check_cost():
    """What the tasks cost a sample: the least of some runs, as others of this
    machine can only add to it."""
    least = {}
    for _ in range(sized(8, 2)):
        for marked in False, True:
            done = run(SCRIPT, rate=10_000, env={"SECONDS": 0.2},
                       output="cost.bin", **({"async": 1} if marked else {}))
            c = pplog.read(done.log).counters
            ns = c["handler_ns"] / c["entries"]
            least[marked] = min(ns, least.get(marked, ns))
    figures("async", f"{least[False]:.0f} ns a sample, with --async"
            f" {least[True]:.0f} ns: it adds {least[True] - least[False]:.0f}")
    # both read the clocks and write a record, by far the most of it
    expect(least[True] < 3 * least[False] + 2000, f"--async costs {least}")


check_report(one("tasks", True, STEPS))
# tasks switch every few microseconds: much is seen in the middle of that
one("switching", True, sized(20_000, 2_000))
for test in our_share((lambda: one("plain", False, STEPS), check_wall,
                       check_cost), 3):
    test()
finish()
