# SPDX-License-Identifier: MIT
# Every option of recording has its effect, as a flag of pyprof-wrap and through
# the environment; a bad value is refused by name before anything runs, or, by
# the library, in one line with the program unprofiled; wrap's exit statuses.
# parallel: yes
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

BURN = """
import os, signal, sys, threading, time
def burn_user(seconds=0.2):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
"""
seen_flags = set()


def python(code):
    return [EXE, "-c", BURN + code]


def wrap(flags, words, env=None, **more):
    """pyprof-wrap with these flags; it runs where the program runs."""
    seen_flags.update(re.match(r"-+([a-z-]+)", f).group(1) for f in flags
                      if re.match(r"-+[a-z]", f))
    return run([WRAP, *flags, *words], env=env, **more)


def header_of(name, words, code="burn_user()", env=None, log="o.bin", status=0,
              lines=0):
    """Run under wrap with these flags; the log's header."""
    clear_logs()
    p = wrap([*words, "-o", log], python(code), env=env)
    check(p.status == status, name, p)
    check(lines is None or len(ours(p.stderr)) == lines, name, p.stderr)
    found = logs_here()
    return header(found[0]) if check(found, name, "no log") else {}


def both_ways(flag, variable, value, code="burn_user()", **more):
    """The headers by flag and by variable."""
    flags = [f"--{flag}={value}"] if value is not None else [f"--{flag}"]
    yield header_of(f"--{flag} {value}", ["-q", *flags], code, **more)
    clear_logs()
    p = run(python(code), log="o.bin", env={variable: value})
    check(p.status == 0 and not ours(p.stderr), variable, value, p)
    found = logs_here()
    yield header(found[0]) if check(found, variable, value, "no log") else {}


# ---- rate, interval, engine, mode, signal ----------------------------------

def rates():
    for value, period_ns in (("250", 4000000), ("1k", 1000000),
                             ("10k", 100000), ("10khz", 100000),
                             ("10kHz", 100000), ("0.5", 2000000000),
                             ("1000hz", 1000000), ("333.5", 2998500)):
        for h in both_ways("rate", "PYPROF_RATE", value, "burn_user(0.01)"):
            check(int(h["period_ns"]) == period_ns and h["auto_rate"] == "0",
                  "rate", value, h.get("period_ns"))
    for value, period_ns in (("500us", 500000), ("1ms", 1000000),
                             ("0.001", 1000000), ("0.25", 250000000),
                             ("2s", 2000000000), ("100000ns", 100000),
                             ("1.5ms", 1500000)):
        for h in both_ways("interval", "PYPROF_INTERVAL", value,
                           "burn_user(0.01)"):
            check(int(h["period_ns"]) == period_ns, "interval", value, h)
    for h in both_ways("rate", "PYPROF_RATE", "auto"):
        check(h["auto_rate"] == "1" and h["period_ns"] == h["tick_ns"],
              "auto", h)
    # the short forms, and that the later of two counts
    for flags in (["-r", "2k"], ["-r2k"], ["--rate", "2k"], ["-i", "500us"],
                  ["-r", "9", "-i", "500us"], ["-i", "9ms", "-r", "2k"]):
        h = header_of(str(flags), ["-q", *flags], "pass")
        check(h["period_ns"] == "500000", flags, h)
    # a rate is kept within 5 % of what was asked, or it is said
    # beside others it may be more for each CPU second: a thread that waits
    # for the processor is sampled once it has had half a period
    for _ in range(3):
        clear_logs()
        wrap(["-q", "-r", "1k", "-o", "o.bin"], python("burn_user(0.5)"))
        data = profile("o.bin")
        print("1 kHz asked,", data["achieved_hz"], "achieved")
        check(data["asked_hz"] == 1000, "asked_hz", data["asked_hz"])
        if 600 <= data["achieved_hz"] <= 1300:
            break
    check(600 <= data["achieved_hz"] <= 1300, "achieved", data["achieved_hz"])


def engines():
    for engine in ("timer", "ticker", "itimer"):
        for h in both_ways("engine", "PYPROF_ENGINE", engine):
            check(h["engine"] == engine and int(h["samples"]) >= 8, engine, h)
    for h in both_ways("engine", "PYPROF_ENGINE", "auto"):
        check(h["engine"] == "timer", "auto engine", h)
    h = header_of("auto engine", ["-q", "-r", "10k"])
    check(h["engine"] == "ticker", "auto engine at 10 kHz", h)
    for h in both_ways("mode", "PYPROF_MODE", "cpu"):
        check(h["mode"] == "cpu" and int(h["samples"]) >= 8, "mode cpu", h)
    for h in both_ways("mode", "PYPROF_MODE", "wall"):
        check(h["mode"] == "wall" and h["period_ns"] == "10000000", "wall", h)
    for h in both_ways("mode", "PYPROF_MODE", "none"):
        check(h["mode"] == "none" and h["samples"] == "0", "mode none", h)
    for name, number in (("PROF", signal.SIGPROF), ("SIGPROF", 27),
                         ("USR2", signal.SIGUSR2), ("VTALRM", 26),
                         ("URG", signal.SIGURG), ("RTMIN", signal.SIGRTMIN),
                         ("RTMIN+3", signal.SIGRTMIN + 3),
                         ("RTMAX-2", signal.SIGRTMAX - 2)):
        for h in both_ways("signal", "PYPROF_SIGNAL", name):
            check(int(h["signal"]) == number and int(h["samples"]) >= 8,
                  "signal", name, h)


# ---- what is recorded ------------------------------------------------------

def threads():
    code = """
def burn_main(): burn_user(0.15)
def burn_thread(): burn_user(0.15)
t = threading.Thread(target=burn_thread); t.start()
burn_main(); t.join()
"""
    for value, least, most in (("all", 8, 10**6), ("main", 0, 0)):
        for h in both_ways("threads", "PYPROF_THREADS", value, code):
            data = profile("o.bin")
            check(total_of(data, "burn_main") >= 8, value, "main")
            check(least <= total_of(data, "burn_thread") <= most, value,
                  total_of(data, "burn_thread"), "of the thread", h["engine"])
        clear_logs()
        run(python(code), log="o.bin", env={"PYPROF_THREADS": value,
                                            "PYPROF_RATE": "1k"})
        found = total_of(profile("o.bin"), "burn_thread")
        check(least <= found <= most, value, "at 1 kHz", found)


def tasks():
    code = """
import asyncio
async def burn_task(): burn_user(0.15)
async def main(): await asyncio.ensure_future(burn_task())
asyncio.run(main())
"""
    for flags, env, shown in ((["--async"], {}, True),
                              ([], {"PYPROF_ASYNC": "1"}, True),
                              ([], {"PYPROF_ASYNC": "0"}, False),
                              ([], {}, False)):
        header_of(f"async {flags} {env}", ["-q", *flags], code, env=env)
        data = profile("o.bin")
        check(total_of(data, "burn_task") >= 8, "async", flags, env)
        found = [f["name"] for f in data["functions"]
                 if f["name"].startswith("<task ")]
        check(bool(found) == shown, "async", flags, env, found)


def children():
    code = """
pid = os.fork()
if pid == 0:
    burn_user(0.05); os._exit(0)
os.waitpid(pid, 0)
import subprocess
subprocess.check_call([sys.executable, "-c", "pass"])
burn_user(0.05)
"""
    for flags, env, logs in (([], {}, 3), (["--no-children"], {}, 1),
                             ([], {"PYPROF_CHILDREN": "0"}, 1),
                             ([], {"PYPROF_CHILDREN": "1"}, 3)):
        clear_logs()
        p = wrap(["-q", "-o", "c.bin", *flags], python(code), env=env)
        check(p.status == 0, flags, env, p)
        # a child that forks and then execs Python has two
        pids = {header(l).get("pid") for l in logs_here()}
        check(len(pids) == logs, "children", flags, env, logs_here())
        if logs == 3:
            check(len({header(l)["session"] for l in logs_here()}) == 1,
                  "children: not one session")


def keep_env():
    """A cleared environment: respected, or ours is put back."""
    code = """
import subprocess
subprocess.check_call([sys.executable, "-c", "pass"], env={})
subprocess.check_call(["/usr/bin/env", "-i", sys.executable, "-c", "pass"],
                      close_fds=False)
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "echo $LD_PRELOAD"],
                     {"LD_PRELOAD": "/nonexistent.so"})
os.waitpid(pid, 0)
burn_user(0.05)
"""
    for flags, env, kept in (([], {}, False), (["--keep-env"], {}, True),
                             ([], {"PYPROF_KEEP_ENV": "1"}, True),
                             ([], {"PYPROF_KEEP_ENV": "0"}, False)):
        clear_logs()
        p = wrap(["-q", "-o", "o.%p.bin", *flags], python(code), env=env)
        check(p.status == 0, "keep-env", flags, env, p)
        logs = logs_here()
        pids = {header(log)["pid"] for log in logs}
        # before 3.10 subprocess with close_fds makes a copy of the process
        copies = VERSION < (3, 10)
        check(len(pids) == (3 if kept else 1 + copies), "keep-env", flags, env,
              logs)
        check(len({header(log)["session"] for log in logs}) == 1,
              "keep-env: not one session")
        check(("libpyprof.so" in p.stdout) == kept and
              p.stdout.startswith("/nonexistent.so"), "keep-env", flags, p)



def spans():
    for h in both_ways("start", "PYPROF_START", "on"):
        check(int(h["samples"]) >= 8, "start on", h)
    for how in ("flag", "variable"):
        clear_logs()
        if how == "flag":
            p = wrap(["--start=off", "-v", "-o", "o.bin"],
                     python("burn_user()"))
        else:
            p = run(python("burn_user()"), log="o.bin",
                    env={"PYPROF_START": "off"})
        check(p.status == 0, "start off", p)
        if logs_here():
            check(header("o.bin")["samples"] == "0", "start off: samples")
    # the first by the clock on the wall, which is what spans are given in,
    # until the span is over; the second has CPU time for 125 ticks
    two = """
begin = time.monotonic()
def burn_first():
    while time.monotonic() < begin + 0.4: pass
def burn_second(): burn_user(0.5)
burn_first(); burn_second()
"""
    for h in both_ways("delay", "PYPROF_DELAY", "0.35", two):
        data = profile("o.bin")
        first, second = (total_of(data, n)
                         for n in ("burn_first", "burn_second"))
        # 0.05 s of the first are left, 12 ticks at 250 Hz
        check(second >= 10 and first <= 0.5 * second, "delay", first, second)
    for h in both_ways("duration", "PYPROF_DURATION", "0.35", two):
        data = profile("o.bin")
        first, second = (total_of(data, n)
                         for n in ("burn_first", "burn_second"))
        check(first >= 2 and second == 0, "duration", first, second)
        check(h["ended"] in ("1", "4"), "duration: ended", h["ended"])
    for value in ("0.5s", "500ms", "1m"):
        for h in both_ways("duration", "PYPROF_DURATION", value,
                           "burn_user(0.05)"):
            check(int(h["samples"]) >= 2, "duration", value, h)
    h = header_of("-d", ["-q", "-d", "0.2"], two)
    check(0 < int(h["samples"]), "-d", h)
    # calls that go on behind the end are counted up to it
    h = header_of("-d --trace", ["-q", "-d", "0.3", "--trace", "calls"], """
def steps():
    while time.monotonic() < begin + 0.9: time.sleep(0.001)
begin = time.monotonic()
steps()
time.sleep(0.3)
""")
    # there are modules that are imported, too
    steps, module = (max(f["traced_total_ns"] / 1e9
                         for f in profile("o.bin")["functions"]
                         if f["name"] == name)
                     for name in ("steps", "<module>"))
    check(0.1 < steps <= module < 0.45, "-d --trace", steps, module)


def switches():
    # more of both is in control.py and ring.py
    for h in both_ways("toggle-signal", "PYPROF_TOGGLE", "USR1",
                       "os.kill(os.getpid(), signal.SIGUSR1); burn_user()"):
        data = profile("o.bin")
        check(total_of(data, "burn_user") <= 1, "toggle-signal",
              total_of(data, "burn_user"))
    for h in both_ways("ring", "PYPROF_RING", "5"):
        check(profile("o.bin")["ring_ns"] == 5 * 10**9, "ring")


def depth():
    code = """
def deep(n):
    if n: deep(n - 1)
    else: burn_user()
deep(100)
"""
    for h in both_ways("max-depth", "PYPROF_MAX_DEPTH", "20", code):
        folded = text_of(report("-f", "collapsed", "-o", "-",
                                "o.bin").stdout)
        stacks = [l.rsplit(" ", 1)[0].split(";") for l in folded.splitlines()
                  if "burn_user" in l]
        check(stacks, "max-depth: no stacks", folded[-300:])
        check(all(len(s) in (20, 21) and s[0] == "<truncated>"
                  and s[-1].startswith("burn_user") for s in stacks),
              "max-depth", stacks[:1], [len(s) for s in stacks[:3]])
        check(int(h["truncated"]) >= 8 and h["max_depth"] == "20",
              "max-depth", h)
    for h in both_ways("max-depth", "PYPROF_MAX_DEPTH", "8192", code):
        check(h["truncated"] == "0", "max-depth 8192", h)


def size():
    # stacks that differ at every sample, which take hundreds of bytes
    grow = """
import random
def a(n): return n and random.choice(functions)(n - 1)
def b(n): return n and random.choice(functions)(n - 1)
functions = [a, b]
end = time.process_time() + 0.6
while time.process_time() < end:
    a(200)
"""
    for value, most in (("64K", 65536), ("65536", 65536), ("200k", 204800),
                        ("1M", 1 << 20)):
        for how in ("flag", "variable"):
            clear_logs()
            env = {"PYPROF_RATE": "10k"}
            if how == "flag":
                p = wrap(["-v", f"--max-size={value}", "-o", "o.bin"],
                         python(grow), env=env)
            else:
                p = run(python(grow), log="o.bin",
                        env={"PYPROF_MAX_SIZE": value, "PYPROF_VERBOSE": "2",
                             **env})
            check(p.status == 0, "max-size", p)
            at = os.stat("o.bin").st_size
            check(at <= most, "max-size", value, "log has", at)
            data = profile("o.bin")
            check(data["samples"] > 0, "max-size: no samples")
            full = header("o.bin").get("ended") == "5"
            check(full or value == "1M", "max-size: ended",
                  header("o.bin").get("ended"))
            check(not full or most > 10**5 or data["lost"]["space"] > 0,
                  "max-size: nothing counted as lost", data["lost"])
            check(not full or any("max-size" in l for l in ours(p.stderr)),
                  "max-size: not said", p.stderr)
            # no chunk is larger than what is left, but for the smallest
            check(not full or at > most - (16 << 10), "max-size", value,
                  "log has only", at)
            cpu = (data["startup_ns"] + data["sampled_ns"] +
                   data["unsampled_ns"] + data["own_ns"])
            check(abs(cpu - data["cpu_ns"]) < data["cpu_ns"] / 100,
                  "max-size: CPU", cpu, data["cpu_ns"])
    for value in ("1G", "2G"):
        for h in both_ways("max-size", "PYPROF_MAX_SIZE", value):
            check(h["ended"] == "1", "max-size", value, h)


# ---- tracing ---------------------------------------------------------------

MODULES = {
    "one.py": "def in_one(): return len('one')\n",
    "two.py": "def in_two(): return len('two')\n",
}
CALLS = "import one, two\none.in_one(), one.in_one(), two.in_two()\n"


def traced(name, flags=(), env=None, log="t.bin", **wanted):
    """Trace CALLS by flags or, without any, by variables; `wanted` are the
    calls of functions. Returns the header and the data."""
    clear_logs()
    Path("calls.py").write_text(CALLS)
    for path, source in MODULES.items():
        Path(path).write_text(source)
    words = [EXE, "-B", "calls.py"]
    p = (wrap(["-q", *flags, "-o", log], words, env=env) if flags
         else run(words, log=log, env=env))
    check(p == (0, "", ""), name, p)
    data = profile(log)
    for function, calls in wanted.items():
        found = sum(f.get("calls", 0) for f in data["functions"]
                    if f["name"].split(".")[-1] == function)
        check(found == calls, name, function, "has", found, "calls, not", calls)
    return header(log), data


def c_functions(data):
    return [f["name"] for f in data["functions"] if f["file"] == "~"]


def tracing():
    for kind in ("calls", "lines"):
        for flags, env in (([f"--trace={kind}"], {}),
                           (["--trace", kind], {}),
                           ([], {"PYPROF_TRACE": kind})):
            h, data = traced(f"trace {kind}", flags, env, in_one=2, in_two=1)
            check(data["trace"] == kind and h["mode"] == "none"
                  and h["samples"] == "0", "trace", kind, data["trace"], h)
            check(bool(c_functions(data)) == (kind == "calls"), "trace", kind,
                  "C functions:", c_functions(data))
    h, _ = traced("trace and samples", ["--trace=calls", "--mode=cpu"],
                  in_one=2)
    check(h["mode"] == "cpu", "trace and mode", h)
    _, data = traced("the later of two", ["--trace=lines", "--trace=calls"])
    check(data["trace"] == "calls", "the later of two", data["trace"])
    for flags, env in ((["--trace=calls", "--no-builtins"], {}),
                       ([], {"PYPROF_TRACE": "calls", "PYPROF_BUILTINS": "0"}),
                       (["--trace=calls"], {"PYPROF_BUILTINS": "0"})):
        _, data = traced("no-builtins", flags, env, in_one=2, in_two=1)
        check(not c_functions(data), "no-builtins", c_functions(data))
    _, data = traced("builtins", env={"PYPROF_TRACE": "calls",
                                      "PYPROF_BUILTINS": "1"}, in_one=2)
    check(c_functions(data), "PYPROF_BUILTINS=1: no C functions")
    # which files; more of it is in trace-files.py
    for name, flags, one, two in (
            ("include", ["--include", "/one[.]py$"], 2, 0),
            ("include two", ["--include=/one[.]", "--include=/two[.]"], 2, 1),
            ("exclude", ["--exclude", "/one[.]py$"], 0, 1),
            ("exclude two", ["--exclude=/one[.]", "--exclude=/two[.]"], 0, 0),
            ("both", ["--exclude=/(one|two)[.]", "--include=/one[.]"], 2, 0)):
        traced(name, ["--trace=calls", *flags], in_one=one, in_two=two)
    traced("include", env={"PYPROF_TRACE": "calls",
                           "PYPROF_INCLUDE": "/one[.]py"}, in_one=2, in_two=0)
    traced("exclude", env={"PYPROF_TRACE": "calls",
                           "PYPROF_EXCLUDE": "/one[.]py"}, in_one=0, in_two=1)
    # without --trace they say nothing
    for h in both_ways("include", "PYPROF_INCLUDE", "nothing"):
        check(int(h["samples"]) >= 8 and not profile(*logs_here())["trace"],
              "include without trace", h)


# ---- output ----------------------------------------------------------------

def output():
    for pattern, want in (
            ("x.%p.bin", r"x\.\d+\.bin"), ("x.bin", r"x\.bin"),
            ("%n.bin", r"script\.py\.bin"),
            ("%h.%n.bin", re.escape(socket.gethostname()) + r".script\.py.bin"),
            ("t-%t.bin", r"t-\d{8}T\d{6}\.bin"), ("%%p.bin", "%p.bin"),
            ("%z.bin", "%z.bin"), ("noext", "noext"), ("a%", "a%"),
            ("%p", r"\d+"), ("./sub/x.bin", r"sub/x\.bin")):
        for how in ("flag", "letter", "variable"):
            os.makedirs("sub", exist_ok=True)
            Path("script.py").write_text("pass")
            before = set(Path(".").rglob("*"))
            if how == "variable":
                p = run([EXE, "script.py"], log=pattern)
            elif how == "flag":
                p = wrap(["-q", "--output", pattern], [EXE, "script.py"])
            else:
                p = wrap(["-qo" + pattern], [EXE, "script.py"])
            new = [str(f) for f in set(Path(".").rglob("*")) - before
                   if not f.name.endswith(".txt")]
            check(p.status == 0 and not ours(p.stderr), pattern, p)
            check(len(new) == 1 and re.fullmatch(want, new[0]), pattern, how,
                  new)
            for f in new:
                check(stat.S_IMODE(os.stat(f).st_mode) == 0o600, "mode", f)
                os.unlink(f)
    # the default, and a relative name is of where the session began
    clear_logs()
    p = run([*python("os.chdir('/'); burn_user(0.02)\n"
                     "if os.fork() == 0: os._exit(0)\nos.wait()")],
            env={"LD_PRELOAD": LIBRARY})
    found = logs_here("pyprof.*.bin")
    check(p.status == 0 and len(found) == 2 and
          all(re.fullmatch(r"pyprof\.\d+\.bin", f) for f in found),
          "default name", found, p)
    # the second process of a session, and a second run
    for pattern, second in (("s.bin", r"s\.\d+\.bin"), ("s", r"s\.\d+"),
                            ("s.tar.bin", r"s\.tar\.\d+\.bin"),
                            (".hidden", r"\.hidden\.\d+")):
        for round_ in (1, 2):
            run(python("burn_user(0.01)\nif os.fork() == 0: os._exit(0)\n"
                       "os.wait()"), log=pattern)
        names = sorted(f for f in os.listdir(".")
                       if f == pattern or re.fullmatch(second, f))
        # the first file is replaced by the second run, children's stay
        check(len(names) == 3 and pattern in names, "second process", pattern,
              names)
        for f in names:
            os.unlink(f)
    # a shell has no log: one of those that it starts at once has the name, in
    # place of the old log, and none of them loses its own
    script = " ".join(f"{shlex.join(python('pass'))} &" for _ in range(6))
    for round_ in (1, 2):
        clear_logs("shell.*.bin")
        p = wrap(["-q", "-o", "shell.bin"], ["sh", "-c", script + " wait"])
        check(p == (0, "", ""), "shell", p)
        names = ["shell.bin", *logs_here("shell.*.bin")]
        check(len(names) == 6, "shell", round_, names)
        sessions = {header(name)["session"] for name in names}
        check(len(sessions) == 1, "shell", round_, sessions)


# ---- words at the end ------------------------------------------------------

def verbose():
    code = "burn_user(0.02)\nif os.fork() == 0: os._exit(0)\nos.wait()"
    line = r"pyprof: .*v(\.\d+)?\.bin: \d+ samples, \d+ lost"
    for flags, env, wrapped, lines in (
            ([], {}, True, 1), (["-q"], {}, True, 0), (["-v"], {}, True, 2),
            (["--quiet"], {}, True, 0), (["--verbose"], {}, True, 2),
            ([], {"PYPROF_VERBOSE": "0"}, True, 0),
            ([], {"PYPROF_VERBOSE": "1"}, True, 1),
            ([], {}, False, 0), ([], {"PYPROF_VERBOSE": "1"}, False, 0),
            ([], {"PYPROF_VERBOSE": "2"}, False, 2),
            ([], {"PYPROF_VERBOSE": "0"}, False, 0)):
        clear_logs()
        p = (wrap([*flags, "-o", "v.bin"], python(code), env=env) if wrapped
             else run(python(code), log="v.bin", env=env))
        said = ours(p.stderr)
        check(p.status == 0 and len(said) == lines, "verbose", flags, env,
              wrapped, said)
        check(all(re.fullmatch(line, l) for l in said), "verbose", said)
        check(p.stdout == "" and len(p.stderr.splitlines()) == lines, p)
    # stderr a terminal
    clear_logs()
    ends = os.openpty()
    p = run(python("burn_user(0.02)"), log="v.bin", stderr=ends[1])
    os.set_blocking(ends[0], False)
    said = text_of(os.read(ends[0], 4096)).splitlines()
    check(len(said) == 1 and re.fullmatch(line, said[0]), "terminal", said)
    for fd in ends:
        os.close(fd)
    # the line's numbers are the report's: of threads that wait, too, and none
    # is lost that nobody wanted
    for flags in (["--mode", "wall"], ["--delay", "0.1", "-d", "0.4"]):
        clear_logs()
        p = wrap([*flags, "-o", "v.bin"], python(
            "time.sleep(0.05)\nburn_user(0.6)\ntime.sleep(0.05)"))
        data = profile("v.bin")
        lost = sum(n for why, n in data["lost"].items() if why != "paused")
        check(data["samples"] > 5 and len(ours(p.stderr)) == 1 and
              f": {data['samples']} samples, {lost} lost" in p.stderr,
              "line and report", flags, p.stderr, data["samples"], lost)
    # none where no Python runs
    p = wrap(["-v"], ["sh", "-c", "echo x"])
    check(p == (0, "x\n", ""), "no Python", p)


# ---- refusal ---------------------------------------------------------------

BAD = {
    "mode": ("PYPROF_MODE", ("walls", "CPU", "x", "cpu ")),
    "rate": ("PYPROF_RATE", ("fast", "-5", "0", "1e3", "10m", "100000000",
                             "0.01", "1k5", "k", "nan", "inf", "--", "1 k",
                             "99999999999999999999999999")),
    "interval": ("PYPROF_INTERVAL", ("5", "0", "0.0001", "10us5", "us", "x",
                                     "1us", "1h", "-1ms", "11s")),
    "engine": ("PYPROF_ENGINE", ("perf", "Timer", "x")),
    "signal": ("PYPROF_SIGNAL", ("KILL", "SEGV", "9", "x", "RTMIN+99",
                                 "RTMIN-1", "RTMAX+1", "INT", "RTMINx",
                                 "RTMIN+")),
    "threads": ("PYPROF_THREADS", ("some", "1", "x")),
    "start": ("PYPROF_START", ("maybe", "1", "OFF")),
    "delay": ("PYPROF_DELAY", ("soon", "-1", "1h", "1e9")),
    "duration": ("PYPROF_DURATION", ("x", "-1", "1 s")),
    "max-depth": ("PYPROF_MAX_DEPTH", ("0", "-1", "x", "99999", "1k")),
    "max-size": ("PYPROF_MAX_SIZE", ("1", "x", "-1", "64", "1T", "63K")),
    "trace": ("PYPROF_TRACE", ("foo", "Calls", "line", "calls,lines", "1",
                               "off")),
    "include": ("PYPROF_INCLUDE", ("(", "a[", "x{2", "*(", "(a|b")),
    "exclude": ("PYPROF_EXCLUDE", ("(", "a[", "[[:nope:]]")),
}
# of flags without a value
BAD_SWITCHES = (
    (None, ("PYPROF_CHILDREN", ("2", "yes", "no"))),
    (None, ("PYPROF_VERBOSE", ("3", "x", "-1"))),
    (None, ("PYPROF_BUILTINS", ("2", "off", "no"))),
    (None, ("PYPROF_ASYNC", ("2", "on", "yes"))),
    (None, ("PYPROF_KEEP_ENV", ("2", "on", "yes"))),
)


def refusals():
    for flag, (variable, values) in (*BAD.items(), *BAD_SWITCHES):
        for value in values:
            clear_logs()
            words = [EXE, "-c", "print('ran')"]
            if flag:
                p = wrap([f"--{flag}={value}"], words)
                said = p.stderr.splitlines()
                check(p.status == 2 and p.stdout == "" and len(said) == 1
                      and said[0].startswith("pyprof-wrap: ")
                      and value in said[0] and flag in said[0],
                      f"--{flag}={value}:", p)
                p = wrap([f"--{flag}", value], words)
                check(p.status == 2 and p.stdout == "", flag, value, p)
            p = wrap([], words, env={variable: value})
            check(p.status == 2 and p.stdout == "" and variable in p.stderr
                  and value in p.stderr, "wrap:", variable, value, p)
            p = run(words, log="bad.bin", env={variable: value})
            said = ours(p.stderr)
            check(p.status == 0 and p.stdout == "ran\n" and len(said) == 1
                  and said[0] == p.stderr.rstrip("\n"), variable, value, p)
            check(f"{variable}={value}: " in said[0]
                  and said[0].endswith("; the program runs unprofiled"),
                  variable, value, said)
            check(not logs_here(), variable, value, "left", logs_here())
    p = run(["true"], log="bad.bin", env={"PYPROF_RATE": "x"})
    check(p == (0, "", ""), "a bad value where no Python runs", p)
    p = wrap(["-i", "5"], ["true"])
    check("; try 50us" in p.stderr, "no hint", p)
    # what comes later is unknown until it works
    for flags in (["--native"], ["--ctl"], ["--frobnicate"], ["-Z"],
                  ["--quiet=3"], ["--no-builtins=3"], ["--rate"], ["-r"],
                  ["--output="], ["--trace="], ["--trace"], ["--include="],
                  ["--exclude"], ["--report=frobnicate"]):
        p = run([WRAP, *flags], stdin=b"")
        check(p.status == 2 and len(p.stderr.splitlines()) == 1 and
              p.stdout == "" and p.stderr.startswith("pyprof-wrap: "),
              flags, p)
        word = flags[0].split("=")[0].lstrip("-")
        check(word in p.stderr, flags, "is not named in", p.stderr)
    # empty is not set
    for variable in ("PYPROF_RATE", "PYPROF_MODE", "PYPROF_OUTPUT",
                     "PYPROF_TRACE", "PYPROF_INCLUDE"):
        clear_logs()
        p = run(python("burn_user(0.02)"), env={
            "LD_PRELOAD": LIBRARY, variable: ""})
        check(p.status == 0 and not p.stderr and len(logs_here()) == 1,
              variable, "empty", p, logs_here())


# ---- the wrapper -----------------------------------------------------------

def wrapper():
    Path("plain.txt").write_text("x")
    Path("garbage.sh").write_bytes(b"\x7fELF garbage")
    os.chmod("garbage.sh", 0o755)
    for words, status in ((["no-such-command"], 127), (["./missing"], 127),
                          (["./plain.txt"], 126), (["/"], 126),
                          (["sh", "-c", "exit 5"], 5), (["true"], 0),
                          (["sh", "-c", "kill -9 $$"], -9),
                          (["sh", "-c", "kill -15 $$"], -15)):
        p = wrap([], words)
        check(p.status == status, "wrap", words, p)
        check(status not in (126, 127) or (
            len(p.stderr.splitlines()) == 1 and words[0] in p.stderr),
            "wrap", words, p.stderr)
        p = wrap(["--report"], words)
        check(p.status == status, "wrap --report", words, p)
    # in a folder that has a name of each machine
    os.mkdir(f"[of] {os.uname().nodename}")
    p = wrap(["-q", "--report=collapsed", "-o", "[of] %h/%%%p.bin"],
             python("burn_user(0.05)"))
    check(p.status == 0 and "burn_user" in p.stdout and not p.stderr,
          "--report of a folder with %h", p)
    for words, what in ((["--quiet", "-zq"], "'-z'"), (["--quit"], "'--quit'"),
                        (["-q", "--quiet=1"], "'--quiet=1' takes"),
                        (["-q", "-o"], "'-o' needs")):
        p = run([WRAP, *words])
        check(p.status == 2 and what in p.stderr, "usage", words, p)
    for flags in (["--help"], ["-h"], ["--version"]):
        p = run([WRAP, *flags])
        check(p.status == 0 and p.stdout and not p.stderr, flags, p)
    p = run([WRAP])
    check(p.status == 2 and "command" in p.stderr, "no command", p)
    p = wrap(["-q", "--"], ["printf", "%s.", "-q", "--rate", "5"])
    check(p.stdout == "-q.--rate.5.", "--", p)
    p = wrap(["-q"], ["printf", "%s.", "-q", "--", "x"])
    check(p.stdout == "-q.--.x.", "the command's own options", p)
    # what was preloaded stays, and stays first
    made = compile_c("int answer(void) { return 42; }", "other.so",
                     "-shared", "-fPIC")
    if made:
        other = os.path.abspath("other.so")
        for sep in (":", " "):
            p = wrap(["-q"], ["sh", "-c", "echo $LD_PRELOAD"],
                     env={"LD_PRELOAD": f"{other}{sep}{other}"})
            check(p.stdout.startswith(f"{other}") and
                  p.stdout.strip().endswith("libpyprof.so") and
                  p.stdout.count(other) == 2, "LD_PRELOAD", p)
    p = wrap(["-q"], [WRAP, "-q", "sh", "-c", "echo $LD_PRELOAD"])
    check(p.stdout.count("libpyprof.so") == 1, "wrap in wrap", p)
    # the pid stays
    if RUN == ["env"]:
        child = subprocess.Popen([WRAP, "-q", "sh", "-c", "echo $$"],
                                 stdout=subprocess.PIPE)
        said = child.communicate(timeout=20)[0]
        check(int(said) == child.pid, "pid", said, child.pid)
    clear_logs()
    p = wrap(["-q", "-o", "w.bin", "--report"],
             python("burn_user(); print('out'); sys.exit(7)"))
    check(p.status == 7 and p.stdout.startswith("out\n") and
          "burn_user" in p.stdout, "--report", p)
    clear_logs()
    p = wrap(["-q", "-o", "w.bin", "--report=collapsed"],
             python("burn_user(); sys.exit(7)"))
    check(p.status == 7 and re.search(r";burn_user.* \d+$", p.stdout, re.M),
          "--report=collapsed", p)
    # a signal is passed on, and how the command ended is how we end
    clear_logs()
    child = subprocess.Popen(
        [*RUN, WRAP, "-q", "-o", "w.bin", "--report", *python(
            "print(os.getpid(), flush=True); burn_user(0.2); time.sleep(30)")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.readline()
    time.sleep(0.6)
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=30)
    check(child.returncode == -15 and b"burn_user" in out, "--report TERM",
          child.returncode, out[-300:], err)


rates()
engines()
threads()
tasks()
children()
keep_env()
spans()
switches()
depth()
size()
tracing()
output()
verbose()
refusals()
wrapper()
asked = re.findall(r'^X\(\w+, *(?:0|\'\w\'), *"([a-z-]+)"',
                   Path(os.environ["TOP"], "include/pyprof/options.h")
                   .read_text(), re.M)
missing = set(asked) - seen_flags - {"quiet", "verbose", "no-children"}
check(asked and not missing, "options without a test:", missing, asked)
done()
