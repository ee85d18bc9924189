# SPDX-License-Identifier: MIT
# Recording switched while a program runs: --start off, the toggle signal,
# --ctl; spans and sizes, in children too; a control page that somebody forged.
# each: interpreter
import contextlib
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from profiled import *  # noqa: E402,F403

WRAP = os.path.join(os.environ["B"], "pyprof-wrap")
BURN = """
import os, signal, subprocess, sys, threading, time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
def toggle():
    os.kill(os.getpid(), signal.SIGUSR1)
"""
TICK_S = 0.01  # of the slowest kernel
CONTROL_AT, CONTROL = 3584, struct.Struct("<QIIIIIIII")


def program(code, name="program.py"):
    with open(name, "w") as file:
        file.write(BURN + code)
    return os.path.abspath(name)


def names_in(log):
    found = {}
    for sample in log.samples:
        for name in set(log.names(sample.node)):
            found[name] = found.get(name, 0) + 1
    return found


def paused_s(log):
    return sum(loss.weight_ns for thread in log.threads.values()
               for loss in thread.losses if loss.reason == "paused") / 1e9


# ---- --start off, the toggle signal ----------------------------------------

OFF_ON_OFF = """
def off_1(): burn(0.25)
def on(): burn(0.25)
def off_2(): burn(0.25)
off_1()
toggle()
on()
toggle()
off_2()
"""


def toggled():
    """What is recorded is what was switched on; the account stays whole."""
    path = program(OFF_ON_OFF)
    choices = ({}, {"rate": "1k"}, {"engine": "itimer"}, {"threads": "main"})
    # two of them where the test is run, the others where it is run again
    for settings in our_share(choices, 2, NUMBER // 6, 2):
        done = run(path, start="off", toggle="USR1", **settings)
        log = pplog.read(done.log)
        found = names_in(log)
        expect(found.get("on", 0) >= 0.25 / TICK_S / 2,
               f"{settings}: {found.get('on')} samples while on")
        for name in ("off_1", "off_2"):
            # the tick that was on its way when the switch came
            expect(found.get(name, 0) <= 1,
                   f"{settings}: {found.get(name)} samples in {name}")
        entries_add_up(log, f"toggled {settings}")
        off = paused_s(log)
        expect(0.5 - 2 * TICK_S <= off <= 0.6 + 4 * TICK_S,
               f"{settings}: paused for {off:.3f} s of CPU, not 0.5")
        # clocks rest: of 0.5 s at 250 Hz and more few ticks come, two
        # for each time that it is switched off
        if settings.get("engine") != "itimer":
            expect(log.lost["paused"] <= 6, f"{settings}: "
                   f"{log.lost['paused']} ticks while recording was off")
    # it is on at first without --start off
    done = run(program("def on(): burn(0.2)\n"
                       "def off(): burn(0.2)\non(); toggle(); off()\n"),
               toggle="USR1")
    found = names_in(pplog.read(done.log))
    expect(found.get("on", 0) >= 5 and found.get("off", 0) <= 1,
           f"on at first: {found}")


def new_threads():
    """A thread that begins while recording is off is sampled when it is on,
    and a span begins when it is switched on."""
    done = run(program("""
go = threading.Event()
ready = threading.Event()
def work():
    burn(0.15); ready.set(); go.wait(); in_thread()
def in_thread(): burn(0.1)
t = threading.Thread(target=work); t.start(); ready.wait()
toggle(); begin = time.monotonic(); go.set(); t.join()
def late(): burn(0.2)
time.sleep(max(0, begin + 2.1 - time.monotonic())); late()
"""), start="off", toggle="USR1", duration="2")
    log = pplog.read(done.log)
    found = names_in(log)
    expect(found.get("in_thread", 0) >= 3, f"of a new thread: {found}; "
           + load())
    expect(not found.get("late"), f"after the duration: {found}")
    expect(0.1 <= paused_s(log), f"new threads: {paused_s(log)} s paused")


def waits_off():
    """In wall mode a wait while recording is off is nobody's."""
    done = run(program("""
def first(): time.sleep(0.3)
def off(): time.sleep(1.5)
def last(): time.sleep(0.3)
first(); toggle(); off(); toggle(); last()
"""), toggle="USR1", mode="wall")
    weights = {}
    log = pplog.read(done.log)
    for thread in log.threads.values():
        for wait in thread.offs:
            for name in set(log.names(wait.node)):
                weights[name] = weights.get(name, 0) + wait.weight_ns / 1e9
    # a look every 10 ms, if the machine gives the ticker its turns
    expect(weights.get("off", 0) <= 0.2 and 0.1 <= weights.get("last", 0)
           <= 0.6 and 0.1 <= weights.get("first", 0) <= 0.6,
           f"waits: {weights}; {load()}")


def never_on():
    done = run(program("burn(0.2)\n"), start="off")
    log = pplog.read(done.log)
    expect(not list(log.samples), "samples without having been switched on")
    expect(0.2 <= paused_s(log) <= 0.4, f"never on: {paused_s(log)} s paused")


def host_wins():
    """A program that handles the signal has it; until then it sees none."""
    done = run(program("""
import re
assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
got = []
old = signal.signal(signal.SIGUSR1, lambda *a: got.append(a))
assert old is signal.SIG_DFL, old
toggle()
assert len(got) == 1, got
burn(0.2)
# each of these programs is looked for in every folder of PATH
def fail():
    try: os.execvp("no-such-program", ["x"])
    except FileNotFoundError: pass
fail()
signal.signal(signal.SIGUSR1, signal.SIG_DFL)
fail()
caught = re.search("SigCgt:(.*)", open("/proc/self/status").read()).group(1)
assert not int(caught, 16) >> signal.SIGUSR1 - 1 & 1, "installed again"
if len(sys.argv) < 2:
    subprocess.run([sys.executable, __file__, "x"], check=True)
    if os.fork() == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os._exit(0)
    os.wait()
"""), toggle="USR1", good=False)
    expect(done.status == 0, f"host wins: {done.status} {done.stderr}")
    expect(re.fullmatch(r"pyprof: the program uses the signal of "
                        r"--toggle-signal itself; it switches nothing\n",
                        done.stderr), f"host wins: said {done.stderr!r}")
    expect(len(list(pplog.read(done.log).samples)) >= 5,
           "host wins: recording was switched off")
    # setting the default again is no use of it
    done = run(program("""
signal.signal(signal.SIGUSR1, signal.SIG_DFL)
toggle(); burn(0.2)
"""), toggle="USR1")
    expect(names_in(pplog.read(done.log)).get("burn", 0) <= 1,
           "SIG_DFL took the toggle away")


def refused():
    for name, value in (("toggle", "PROF"), ("toggle", "KILL"),
                        ("toggle", "STOP"), ("toggle", "SEGV"),
                        ("toggle", "nonsense"), ("start", "later")):
        done = run(program("print(1)\n"), **{name: value}, good=False)
        expect(done.status == 0 and done.stdout == "1\n"
               and done.stderr.startswith(f"pyprof: PYPROF_{name.upper()}="
                                          f"{value}: ")
               and done.stderr.count("\n") == 1
               and not os.path.exists(done.log),
               f"{name}={value}: {done.status} {done.stderr!r}")


# ---- --ctl -----------------------------------------------------------------

def ctl(pid, *words):
    p = subprocess.run([WRAP, "--ctl", str(pid), *words],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60,
                       universal_newlines=True)
    return p.returncode, p.stdout, p.stderr


@contextlib.contextmanager
def running(code, output="log.bin", **settings):
    """The pid of a program, once it has printed it; ended by its stdin."""
    if os.path.exists(output):
        os.unlink(output)
    words = command([program(code)], output=os.path.abspath(output),
                    **settings)
    p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=open("stderr", "wb"))
    try:
        ready = select.select([p.stdout], [], [], 60)[0]
        line = p.stdout.readline() if ready else b""
        yield int(line or 0), p
        p.stdin.close()
        status = p.wait(60)
        with open("stderr") as file:
            said = file.read()
        expect(status == 0 and not said, f"a controlled program ended with"
               f" {status}: {said}")
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        p.stdout.close()


THREADS = """
stop = threading.Event()
def runs():
    while not stop.is_set():
        burn(0.01)
def waits():
    stop.wait()  # here
def sleeps():
    begin = time.monotonic()
    time.sleep(2)
    slept.append(time.monotonic() - begin)
    stop.wait()
slept = []
threads = [threading.Thread(target=f) for f in (runs, waits, sleeps)]
for t in threads: t.start()
time.sleep(0.2)
print(os.getpid(), flush=True)
def main():
    assert sys.stdin.readline() == ""  # blocked in read()
main()
stop.set()
for t in threads: t.join()
assert slept[0] >= 2, slept
"""


def stacks_of(text):
    """Of --ctl dump: thread id to its words and frames, leaf first."""
    found = {}
    for part in text.split("\n\n")[1:]:
        head, *frames = part.splitlines()
        match = re.fullmatch(r'thread (\d+) "(.*)" \((.*)\)', head)
        if expect(match, f"dump: no head of a thread: {head!r}"):
            found[int(match.group(1))] = (match.group(3),
                                          [f.strip() for f in frames])
    return found


def controlled():
    with running(THREADS, rate="1k") as (pid, _):
        status, out, err = ctl(pid, "status")
        expect(status == 0 and not err and re.search(
            r"^recording +on$", out, re.M) and re.search(
            r"^samples +[1-9]\d*, \d+ lost$", out, re.M)
            and f"{pid}: " in out and "log.bin" in out,
            f"status: {status} {out} {err}")
        expect(ctl(pid, "stop") == (
            0, f"process {pid}: recording is off\n", ""), "stop")
        expect(re.search(r"^recording +off$", ctl(pid, "status")[1], re.M),
               "status after stop")
        before = pplog.read("log.bin").counters["samples"]
        time.sleep(0.3)
        after = pplog.read("log.bin").counters["samples"]
        expect(after == before, f"{after - before} samples after stop")
        dumped(pid)
        expect(ctl(pid, "start") == (
            0, f"process {pid}: recording is on\n", ""), "start")
        time.sleep(0.4)
        on = pplog.read("log.bin").counters["samples"] - after
        expect(on >= 40, f"{on} samples at 1 kHz in 0.4 s after start; "
               + load())
        # many, from several at once
        asked = [subprocess.Popen([WRAP, "--ctl", str(pid), verb],
                                  stdout=subprocess.DEVNULL)
                 for verb in ("dump", "stop", "start", "status") * 3]
        for p in asked:
            expect(p.wait(60) == 0, "one of many requests failed")
        expect(ctl(pid, "start")[0] == 0, "start at the end")
    log = pplog.read("log.bin")
    entries_add_up(log, "controlled")
    figures("control", f"{on} samples in 0.4 s after start at 1 kHz, "
            f"{len(log.dumps)} stacks dumped")


BUSY = """
def runs():
    while not stop.is_set():
        pass
stop = threading.Event()
threads = [threading.Thread(target=runs) for _ in range(4)]
for t in threads: t.start()
print(os.getpid(), flush=True)
sys.stdin.readline()
stop.set()
for t in threads: t.join()
"""


def busy():
    """Where a tick is pending for a thread, or it writes the GIL's ledger."""
    with running(BUSY, rate="10k") as (pid, _):
        for _ in range(40):
            status, out, err = ctl(pid, "dump")
            expect(status == 0 and "no answer" not in out,
                   f"busy: {status} {err} {out}")
            if failures:
                break
    log = pplog.read("log.bin")
    entries_add_up(log, "busy")
    expect(len(log.dumps) == 200, f"busy: {len(log.dumps)} stacks dumped")


def dumped(pid):
    """All threads, the blocked ones too, with the lines that they are on."""
    for _ in range(50):
        status, out, err = ctl(pid, "dump")
        # it may still wait for the GIL behind what it printed
        if " main (" in out:
            break
    expect(status == 0 and not err, f"dump: {status} {err}")
    found = stacks_of(out)
    with open("program.py") as file:
        lines = file.read().splitlines()
    at = {name: 1 + next(i for i, line in enumerate(lines) if name in line)
          for name in ("stop.wait()  # here", "time.sleep(2)",
                       "sys.stdin.readline()")}
    frames = {f for _, stack in found.values() for f in stack}
    for frame in (f"waits ({os.path.abspath('program.py')}:"
                  f"{at['stop.wait()  # here']})",
                  f"sleeps ({os.path.abspath('program.py')}:"
                  f"{at['time.sleep(2)']})",
                  f"main ({os.path.abspath('program.py')}:"
                  f"{at['sys.stdin.readline()']})"):
        expect(frame in frames, f"dump: no {frame} in\n{out}")
    expect(any(f.startswith("runs (") for f in frames), f"dump:\n{out}")
    expect(found.get(pid, ("",))[0].startswith("blocked"),
           f"dump: the main thread is {found.get(pid)}")
    expect(len(found) == 4, f"dump: {len(found)} threads:\n{out}")
    main = found.get(pid, ("", [""]))[1]
    expect(main[-1].startswith("<module> ("), f"dump: main {main}")


def with_settings():
    """--ctl does its part whatever else was asked for."""
    for settings in our_share((
            {"mode": "wall"}, {"trace": "calls"}, {"ring": "5", "rate": "1k"},
            {"engine": "itimer"}, {"trace": "lines", "mode": "cpu"},
            {"signal": "USR2"}), 2, NUMBER // 6, 2):
        sampled = settings.get("mode") or "trace" not in settings
        with running(THREADS, **settings) as (pid, _):
            dumped(pid)
            for verb, now in ("stop", "off"), ("start", "on"):
                got = ctl(pid, verb)
                if sampled:
                    expect(got == (0, f"process {pid}: recording is {now}\n",
                                   ""), f"{settings}, {verb}: {got}")
                else:
                    expect(got[0] == 125 and "traced, not sampled" in got[2],
                           f"{settings}, {verb}: {got}")
        log = pplog.read("log.bin")
        expect(len(log.dumps) >= 4, f"{settings}: {len(log.dumps)} dumps")
        if sampled:
            entries_add_up(log, f"{settings}")


def of_a_child():
    """A forked child is asked by its own pid, and its parent stays as it is."""
    with running("""
child = os.fork()
if child:
    sys.stdin.readline()
    os.kill(child, signal.SIGKILL)
    os.wait()
else:
    def in_child():
        print(os.getpid(), flush=True)
        while True: pass
    in_child()
""", output="s.%p.bin") as (child, parent):
        expect(ctl(child, "stop")[0] == 0, "of a child: stop")
        status, out, err = ctl(child, "dump")
        expect(status == 0 and "in_child" in out, f"of a child: {out} {err}")
        for pid, now in (child, "off"), (parent.pid, "on"):
            expect(re.search(f"^recording +{now}$", ctl(pid, "status")[1],
                             re.M), f"of a child: {ctl(pid, 'status')}")
    clear()


WAITS = "print(os.getpid(), flush=True); sys.stdin.readline()\n"


def of_spans():
    """Status says what a delay and a duration have come to."""
    def shown(pid):
        found = re.search("^recording +(.*)$", ctl(pid, "status")[1], re.M)
        return found and re.sub(r"\d+\.\d", "N", found.group(1))
    with running(WAITS, delay=60) as (pid, _):
        expect(shown(pid) == "off, begins in N s", f"delay: {shown(pid)}")
        expect(ctl(pid, "start")[1].endswith(" is on\n"), "delay: start")
        expect(shown(pid) == "on", f"delay, started: {shown(pid)}")
    with running(WAITS, duration=0.001) as (pid, _):
        over = "off, its duration is over"
        expect(shown(pid) == over, f"duration: {shown(pid)}")
        expect(ctl(pid, "stop")[1].endswith(" is off\n"), "duration: stop")
    with running(WAITS, duration=60) as (pid, _):
        expect(shown(pid) == "on, ends in N s", f"duration: {shown(pid)}")


def no_answers():
    expect(ctl(2 ** 22 + 1, "status")[0] == 125, "no such process")
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        status, out, err = ctl(sleeper.pid, "status")
        expect(status == 125 and not out and "not profiled" in err,
               f"not profiled: {status} {err}")
    finally:
        sleeper.kill()
        sleeper.wait()
    for words in ((), ("nonsense",), ("stop", "start")):
        status, out, err = ctl(os.getpid(), *words)
        expect(status == 2 and "start, stop, status or dump" in err,
               f"{words}: {status} {err}")
    expect(ctl("x", "stop")[0] == 2, "--ctl x")
    with running(THREADS) as (pid, _):
        os.kill(pid, signal.SIGSTOP)
        status, out, err = ctl(pid, "stop")
        os.kill(pid, signal.SIGCONT)
        expect(status == 125 and "it is stopped" in err,
               f"a stopped process: {status} {err}")
        # a later request is answered, the earlier one has been served
        expect(ctl(pid, "start")[0] == 0, "after it was stopped")


# ---- forged ----------------------------------------------------------------

def forged():
    """Whatever stands in the page, the program runs on."""
    shake = random.Random(7)
    with running(THREADS) as (pid, _):
        with open("log.bin", "r+b", buffering=0) as file:
            page = os.pread(file.fileno(), CONTROL.size, CONTROL_AT)
            cookie = CONTROL.unpack(page)[0]
            for _ in range(sized(2000, 200)):
                fields = [shake.choice([0, 1, 3, 4, 5, 99, 2 ** 32 - 1,
                                        shake.getrandbits(32)])
                          for _ in range(8)]
                os.pwrite(file.fileno(), CONTROL.pack(
                    shake.choice([0, cookie, shake.getrandbits(64)]), *fields),
                    CONTROL_AT)
                # with the true cookie, as who forges can read it
                subprocess_sigqueue(pid, signal.SIGPROF, cookie)
            # a signal that would end it is not sent
            os.pwrite(file.fileno(), page, CONTROL_AT)
            os.pwrite(file.fileno(), struct.pack("<I", 9), 60)
            status, out, err = ctl(pid, "status")
            expect(status == 125 and "does not listen" in err,
                   f"forged signal: {status} {err}")
            os.pwrite(file.fileno(), struct.pack("<I", signal.SIGPROF), 60)
        status, out, err = ctl(pid, "start")
        expect(status == 0, f"after forgeries: {status} {err}")
    # cut to nothing while it runs: stores into the page are mended
    with running(THREADS, verbose="0") as (pid, _):
        with open("log.bin", "rb") as file:
            cookie = CONTROL.unpack(os.pread(
                file.fileno(), CONTROL.size, CONTROL_AT))[0]
        os.truncate("log.bin", 0)
        expect(ctl(pid, "status")[0] == 125, "a log without a header")
        subprocess_sigqueue(pid, signal.SIGPROF, cookie)


def subprocess_sigqueue(pid, number, value):
    """sigqueue() is not in Python; by the system call."""
    import ctypes
    info = struct.pack("<iiiiiIQ", number, 0, -1, 0, os.getpid(), os.getuid(),
                       value).ljust(128, b"\0")
    ctypes.CDLL(None).syscall(129, pid, int(number), info)


# ---- spans and sizes, in children ------------------------------------------

SPANS = """
begin = time.monotonic()
def work():
    while time.monotonic() < begin + 1.4: pass
    burn(0.1)
if len(sys.argv) > 1:
    begin = float(sys.argv[1])
    print(os.environ["PYPROF_BEGAN"].split(":")[1], flush=True)
    work()
    os._exit(0)
made = os.fork()
if made == 0:
    work()
    os._exit(0)
p = subprocess.Popen([sys.executable, __file__, str(begin)])
work()
os.waitpid(made, 0); p.wait()
"""


def logs():
    return sorted(n for n in os.listdir(".") if re.match(r"s\..*bin$", n))


def clear():
    for name in logs():
        os.unlink(name)


def spans():
    """Delay and duration count from the first process's start in all."""
    path = program(SPANS)
    for delay, duration in ((0.7, None), (0, 0.9), (0.3, 0.6)):
        clear()
        done = run(path, output="s.%p.bin", delay=delay or None,
                   duration=duration)
        begin = int(done.stdout) + delay * 1e9
        end = begin + duration * 1e9 if duration else float("inf")
        seen = 0
        for name in logs():
            times = [s.time_ns for s in pplog.read(name).samples]
            # times are rounded down to a unit
            wrong = [t for t in times if not begin - 2048 <= t < end + 2048]
            expect(not wrong, f"{name}: {len(wrong)} of {len(times)} samples"
                   f" are not between {delay} s and {duration} s")
            seen += len(times) >= 3
        # what is exec'd on a busy machine may come too late
        expect(seen >= (2 if duration else 3),
               f"{delay}, {duration}: samples in {seen} logs; {load()}")


def forks():
    """A forked child goes on as its parent is; each has its own switch."""
    clear()
    run(program("""
def before(): burn(0.15)
def in_child(): burn(0.15)
def in_parent(): burn(0.15)
if os.fork() == 0:
    before(); toggle(); in_child(); os._exit(0)
os.wait()
in_parent()
toggle()
if os.fork() == 0:
    in_child(); os._exit(0)
os.wait()
"""), output="s.%p.bin", start="off", toggle="USR1")
    found = [names_in(pplog.read(name)) for name in logs()]
    expect(len(found) == 3, f"forks: {len(found)} logs")
    for name, count in (("before", 0), ("in_parent", 0), ("in_child", 2)):
        seen = sum(1 for f in found if f.get(name, 0) > 1)
        expect(seen == count, f"forks: {name} in {seen} logs: {found}")


def sizes():
    """Each process has the whole size; one without room goes on."""
    clear()
    run(program("""
import random
def a(n): return n and random.choice((a, b))(n - 1)
def b(n): return n and random.choice((a, b))(n - 1)
made = os.fork()
end = time.process_time() + 0.4
while time.process_time() < end: a(200)
if made: os.wait()
else: os._exit(0)
"""), output="s.%p.bin", rate="10k", max_size="64K", verbose="0")
    expect(len(logs()) == 2, f"sizes: {logs()}")
    for name in logs():
        log = pplog.read(name)
        expect(os.path.getsize(name) <= 65536 and log.header["ended"] == 5
               and log.lost["space"] > 0 and log.counters["samples"] > 50,
               f"sizes: {os.path.getsize(name)} bytes, "
               f"ended {log.header['ended']}, {log.lost}")


TESTS = (toggled, new_threads, waits_off, never_on, host_wins, refused,
         controlled, busy, with_settings, of_a_child, of_spans, no_answers,
         forged, spans, forks, sizes)
# half a minute in all: in the short run a sixth of it on each interpreter
for test in our_share(TESTS, 6):
    begin = time.monotonic()
    test()
    print(f"{test.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
finish()
