# SPDX-License-Identifier: MIT
"""What every end-to-end test needs: run a program with and without pyprof,
collect what does not hold, print one line of figures.

    from profiled import *
    done = run(workload("shares.py"), rate=1000, env={"SECONDS": 1})
    log = pplog.read(done.log)
    expect(log.counters["samples"] > 0, "no samples")
    figures("truth", "worst miss 0.3 of the bound")
    finish()

The environment is that of tests/run.
"""
import json
import os
import shlex
import subprocess
import sys
import time

import pplog
from turns import COUNT, FULL, NUMBER, our_cases, our_share

TOP = os.environ["TOP"]
LIBRARY = os.environ["LIBRARY"]
VERSION = os.environ.get("PYVERSION", "3.8.0")
MINOR = int(VERSION.split(".")[1])
RUN = shlex.split(os.environ.get("RUN", "env"))
EXE = os.environ["EXE"]
REPORT = os.path.join(os.environ["B"], "pyprof-report")

# A machine shared with others: how much longer than alone may a run take?
PATIENCE = 12

failures = []


def sized(full, tenth):
    """Of two sizes the one that was asked for."""
    return full if FULL else tenth


def workload(name):
    return os.path.join(TOP, "tests", "workloads", name)


def expect(holds, what):
    """A fact that must hold; returns whether it does."""
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)
    return bool(holds)


def figures(test, text):
    print(f"{test} {VERSION}: {text}", flush=True)


def finish():
    sys.exit(1 if failures else 0)


def load():
    """How busy the machine is, for the text of what did not hold."""
    return "load {:.1f} on {} processors".format(os.getloadavg()[0],
                                                 os.cpu_count())


def report_json(log, *options):
    """What pyprof-report --json says of a log."""
    out = subprocess.run([REPORT, "-f", "json", "-o", "-", *options, log],
                         stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


class Done:
    """A program that has run."""

    def __init__(self, pid, status, seconds, log):
        self.pid, self.status, self.seconds = pid, status, seconds
        self.log = os.path.abspath(log)
        with open("stdout", errors="replace") as file:
            self.stdout = file.read()
        with open("stderr", errors="replace") as file:
            self.stderr = file.read()


def command(argv, profile=True, env=None, **settings):
    """The words that run a Python program; settings are PYPROF_ variables."""
    pairs = {name: value for name, value in (env or {}).items()}
    if profile:
        pairs["LD_PRELOAD"] = LIBRARY
        for name, value in settings.items():
            if value is not None:
                pairs["PYPROF_" + name.upper()] = value
    return [*RUN, *(f"{name}={value}" for name, value in pairs.items()), EXE,
            *map(str, argv)]


def start(*argv, output="log.bin", **options):
    """Start a program; stdout and stderr go to files of these names."""
    if os.path.exists(output):
        os.unlink(output)
    with open("stdout", "wb") as out, open("stderr", "wb") as err:
        return subprocess.Popen(command(argv, output=output, **options),
                                stdin=subprocess.DEVNULL, stdout=out,
                                stderr=err)


def run(*argv, timeout=120, output="log.bin", good=True, **options):
    """Run a program to its end; it must exit 0 and say nothing unless good
    is false. One that has not ended in time is killed, and that fails."""
    begin = time.monotonic()
    process = start(*argv, output=output, **options)
    try:
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
        expect(False, f"{argv[0]} had not ended after {timeout} s; {load()}")
    done = Done(process.pid, status, time.monotonic() - begin, output)
    if good:
        expect(status == 0, f"{argv[0]} ended with {status}: {done.stderr}")
        expect(done.stderr == "", f"{argv[0]} said: {done.stderr}")
    return done


def run_counted(*argv, timeout=120, output="log.bin", profile=True, env=None,
                **settings):
    """Run a program by launch.py; also returns its pid, status, CPU seconds
    and resident size as a dictionary."""
    words = command(argv, profile=profile, env=env, output=output, **settings)
    pairs = words[len(RUN):words.index(EXE)]
    done = run(os.path.join(TOP, "tests", "lib", "launch.py"), "result",
               str(int(timeout)), *pairs, *argv, timeout=timeout + 20,
               profile=False, output=output)
    with open("result") as file:
        return done, json.load(file)


def entries_add_up(log, what, forks=False):
    """Nothing is dropped silently: the sums that format.h promises.

    Returns the signals that the ticker sent and that merged with others. A
    program that forks has its threads sampled by timers for a while, and their
    entries were sent by nobody, which counts as `lent`.
    """
    c = log.counters
    lost = sum(log.lost.values()) - c.get("lost_looks", 0)
    expect(c["entries"] == c["samples"] + lost + c["throttled"],
           f"{what}: entries {c['entries']} are not samples {c['samples']}"
           f" + lost {lost} + throttled {c['throttled']}")
    expect(c["samples"] == sum(1 for _ in log.samples),
           f"{what}: counted samples are not those in the log")
    if log.engine != "ticker":
        return 0
    merged = c["sent"] + c.get("lent", 0) - c["entries"]
    if "lent" in c or not forks:
        expect(merged >= 0, f"{what}: {-merged} more entries than signals sent")
    return merged
