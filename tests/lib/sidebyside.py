# SPDX-License-Identifier: MIT
"""Programs run with and without the profiler, compared, and their logs read.

For tests/hosts and those of tests/e2e that compare the two. A test begins:

    sys.dont_write_bytecode = True
    sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
    from sidebyside import *
"""
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

from turns import COUNT, FULL, NUMBER, our_share

B = os.environ["B"]
LIBRARY = os.environ["LIBRARY"]
WRAP = os.path.join(B, "pyprof-wrap")
REPORT = os.path.join(B, "pyprof-report")
RUN = shlex.split(os.environ.get("RUN", "env"))
EXE = os.environ.get("EXE", sys.executable)
VERSION = tuple(int(n) for n in
                os.environ.get("PYVERSION", "0.0").split(".")[:2])

# What a program ended with; status is negative for a signal.
Outcome = namedtuple("Outcome", "status stdout stderr")

_failures = []
# Both choices of the one come up with both of the other, over the Pythons.
_turns = itertools.count(NUMBER * 3 // 2)
_cases = itertools.count(NUMBER)


def check(fact, *words):
    """Note a failure, and go on."""
    if not fact:
        text = " ".join(str(w) for w in words)
        _failures.append(text)
        print("FAILED", text, flush=True)
    return fact


def done():
    """The end of a test."""
    if _failures:
        print(len(_failures), "failed")
    sys.exit(1 if _failures else 0)


def some(choices):
    """All of them at full size, else one, another each time and Python."""
    return choices if FULL else (choices[next(_turns) % len(choices)],)


def is_our_turn(parts=2):
    """Always at full size, else once in so many times, or as there are Pythons:
    others each Python."""
    return FULL or next(_cases) % min(parts, COUNT) == 0


def skip(why):
    print(why)
    sys.exit(77)


def text_of(value):
    return value.decode(errors="surrogateescape")


def run(words, log=None, env=None, under=(), stdin=b"", timeout=180, **popen):
    """Run a program, profiled into `log` if that is given.

    env is set for the program alone; `under` are words that it is run by.
    What it prints goes through files, so that a child which outlives it and
    still holds them cannot keep us.
    """
    env = dict(env or {})
    if log is not None:
        env.setdefault("PYPROF_OUTPUT", log)
        env.setdefault("LD_PRELOAD", LIBRARY)
    settings = [f"{name}={value}" for name, value in env.items()]
    argv = [*RUN, *settings, *under, *map(str, words)]
    if isinstance(stdin, bytes):
        Path("stdin.txt").write_bytes(stdin)
        stdin = os.open("stdin.txt", os.O_RDONLY)
    with open("stdout.txt", "w+b") as out, open("stderr.txt", "w+b") as err:
        process = subprocess.Popen(argv, **{"stdin": stdin, "stdout": out,
                                            "stderr": err, **popen})
        os.close(stdin)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = f"no end after {timeout} s"
            process.kill()
            process.wait()
    return Outcome(status, text_of(Path("stdout.txt").read_bytes()),
                   text_of(Path("stderr.txt").read_bytes()))


def ours(text):
    """The lines of ours in what went to stderr."""
    return [l for l in text.splitlines() if l.startswith("pyprof")]


def theirs(text):
    """The others, with what differs from run to run anyway made equal."""
    text = "\n".join(l for l in text.splitlines()
                     if not l.startswith("pyprof"))
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    return re.sub(r"\bpid[ =]\d+", "pid", text)


def same(name, plain, profiled, lines=0):
    """Did the program run as without us, with so many lines of ours?

    lines None: as many as it likes. Returns the lines.
    """
    check(plain.status == profiled.status, name, "status:", plain.status,
          "without,", profiled.status, "with\n", profiled.stderr[-2000:])
    for what in ("stdout", "stderr"):
        a, b = (theirs(getattr(o, what)) for o in (plain, profiled))
        check(a == b, name, what + ":", repr(a[-1500:]), "without,",
              repr(b[-1500:]), "with")
    said = ours(profiled.stderr)
    if lines is not None:
        check(len(said) == lines, name, f"{lines} lines expected, not", said)
    return said


def both(name, words, log=None, lines=0, env=None, **more):
    """Run without and with us and compare; returns both outcomes."""
    log = log or name.replace(" ", "-") + ".bin"
    own = {k: v for k, v in (env or {}).items()
           if not k.startswith("PYPROF_")}
    plain = run(words, env=own, **more)
    profiled = run(words, log=log, env=env, **more)
    same(name, plain, profiled, lines)
    return plain, profiled


def signal_name(status):
    if isinstance(status, int) and status < 0:
        return signal.Signals(-status).name
    return str(status)


# ---- what the logs hold ----------------------------------------------------

def report(*words):
    return subprocess.run([REPORT, *map(str, words)], check=False, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def profile(*logs):
    """The logs as pyprof-report's JSON; None if there is nothing to read."""
    said = report("-f", "json", "-o", "-", *logs)
    if not check(said.returncode == 0, "pyprof-report", *logs, "exit",
                 said.returncode, text_of(said.stderr)):
        return None
    return json.loads(said.stdout)


def total_of(data, name):
    """Samples that have a function of this name on their stack."""
    if not data:
        return 0
    return sum(f["total_samples"] for f in data["functions"]
               if f["name"].split(".")[-1] == name)


def enough(name, least, again, function="burn_user"):
    """Have the logs here so many samples of what the program burns?

    A shortage is looked at again, once: for some tens of milliseconds the
    scheduler may have kept a clock of ours from running. Returns the number.
    """
    for attempt in (1, 2):
        logs = logs_here()
        found = total_of(profile(*logs), function) if logs else 0
        if found >= least:
            break
        print(name, "has", found, "samples of", function, [
            {k: v for k, v in header(log).items()
             if k in ("samples", "sent", "throttled", "handler_max_ns",
                      "own_cpu_ns", "engine", "threads")} for log in logs])
        if attempt == 1:
            clear_logs()
            again()
    check(found >= least, name, "only", found, "samples of", function)
    return found


def header(log):
    """The log's header and counters, as --dump has them: text to text."""
    found = {}
    for line in text_of(report("-f", "dump", "-o", "-", log).stdout
                        ).splitlines()[:4]:
        if line.startswith(("header", "counters", "lost")):
            found.update(re.findall(r"(\w+)=(\S+)", line))
    return found


def logs_here(pattern="*.bin"):
    return sorted(str(p) for p in Path(".").glob(pattern))


def clear_logs(pattern="*.bin"):
    for path in Path(".").glob(pattern):
        if not path.is_dir():
            path.unlink()


def compile_c(source, output, *flags):
    """Compile a C program of a few lines."""
    Path(output + ".c").write_text(source)
    made = subprocess.run([*shlex.split(os.environ.get("CC", "gcc")), "-O1",
                           "-g", "-o", output, output + ".c", *flags],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, check=False)
    return check(made.returncode == 0, "cannot compile", output,
                 text_of(made.stdout))
