# SPDX-License-Identifier: MIT
# Many threads: those that come and go leave little in the log and nothing in
# memory; what one that lives costs; what the ticker needs to look at 200 that
# wait, a hundred times a second; and that none of those is seen too late that
# begins to run.
# each: interpreter
# parallel: yes
# timeout: 600
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

GONE = sized(10_000, 1_000)
ALIVE = sized(1_000, 200)
WAITING = 200
SECONDS = sized(10, 2)

COMMON = """
import gc, json, resource, sys, threading, time
def kib(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith(name))
"""
COME_AND_GO = COMMON + """
def work():
    sum(range(200))
def batch():
    threads = [threading.Thread(target=work) for _ in range(20)]
    for t in threads: t.start()
    for t in threads: t.join()
count = int(sys.argv[1])
for _ in range(count // 40): batch()
gc.collect()
before = kib("VmRSS"), kib("RssAnon")
for _ in range(count // 40): batch()
gc.collect()
print(json.dumps([kib("VmRSS") - before[0], kib("RssAnon") - before[1]]))
"""
STAY = COMMON + """
count = int(sys.argv[1])
threading.stack_size(256 << 10)
ready, over = threading.Semaphore(0), threading.Event()
def work():
    sum(range(200))
    ready.release()
    over.wait()
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
burn(0.02)
before = kib("VmRSS")
threads = [threading.Thread(target=work) for _ in range(count)]
for t in threads: t.start()
for _ in threads: ready.acquire()
burn(0.1)
print(kib("VmRSS") - before)
time.sleep(float(sys.argv[2]))
over.set()
for t in threads: t.join()
"""
# Each thread waits for its turn, and then runs for longer than a period: if it
# were seen late, its time would be its second function's.
TURNS = """
import json, sys, threading, time
took = [0.0, 0.0]
def use(which, seconds=0.004):
    begin = now = time.thread_time()
    while now < begin + seconds:
        now = time.thread_time()
    took[which] += now - begin
def first(): use(0)
def second(): use(1)
def work(mine, following):
    for _ in range(int(sys.argv[1])):
        mine.acquire()
        first()
        second()
        following.release()
turns = [threading.Semaphore(0) for _ in range(40)]
threads = [threading.Thread(target=work, args=pair)
           for pair in zip(turns, turns[1:] + turns[:1])]
for t in threads: t.start()
turns[0].release()
for t in threads: t.join()
print(json.dumps(took))
"""


def save(name, text):
    with open(name, "w") as file:
        file.write(text)
    return name


def come_and_go():
    path = save("gone.py", COME_AND_GO)
    for settings in ({"rate": 1000}, {"mode": "wall"}, {"trace": "calls"}):
        what = ", ".join(map(str, settings.values()))
        done = run(path, GONE, timeout=300, **settings)
        resident, anonymous = json.loads(done.stdout)
        log = pplog.read(done.log)
        each = log.size / GONE
        expect(len(log.threads) >= GONE, f"{what}: {len(log.threads)} threads")
        # 64 MB for ten thousand; a traced thread has a table of its own
        bound = 9000 if "trace" in settings else 6400
        expect(each <= bound, f"{what}: {each:.0f} bytes a thread in the log")
        # the log's own pages are shared; what is left are names of threads,
        # and what the allocator likes to keep
        expect(anonymous <= 512 + GONE // 20, f"{what}: memory grew by"
               f" {anonymous} KiB, resident by {resident} KiB")
        figures("threads-many", f"{what}: {GONE} that come and go: log {each:.0f}"
                f" bytes each, memory {anonymous:+} KiB over the second half")


def alive():
    path = save("stay.py", STAY)

    def kib(**settings):
        """Of all but ten threads: what there is once is in both."""
        few, many = (int(run(path, count, 0, timeout=300, **settings).stdout)
                     for count in (10, ALIVE))
        return many - few

    plain = kib(profile=False)
    for settings in ({"rate": 1000}, {"mode": "wall"}, {"trace": "calls"}):
        what = ", ".join(map(str, settings.values()))
        each = (kib(**settings) - plain) / (ALIVE - 10)
        expect(each <= 64, f"{what}: {each:.1f} KiB for each of {ALIVE}"
               f" threads that live")
        figures("threads-many", f"{what}: {ALIVE} alive: {each:.1f} KiB each")


def ticker():
    path = save("stay.py", STAY)
    for settings in ({"rate": 100, "engine": "ticker"}, {"mode": "wall"}):
        what = ", ".join(map(str, settings.values()))
        done = run(path, WAITING, SECONDS, timeout=300, **settings)
        log = pplog.read(done.log)
        took = (log.header["end_ns"] - log.header["start_ns"]) / 1e9
        share = log.counters["own_cpu_ns"] / 1e9 / took
        # a second processor that others share doubles what a look costs
        bound = sized(0.01, 0.03)
        expect(share <= bound, f"{what}: the ticker takes"
               f" {share:.2%} of a processor for {WAITING} threads; {load()}")
        figures("threads-many", f"{what}: {WAITING} waiting: the ticker takes"
                f" {share:.2%} of a processor")


def turns():
    rounds = sized(60, 6)
    done = run(save("turns.py", TURNS), rounds, rate=1000, timeout=300)
    first, second = json.loads(done.stdout)
    data = report_json(done.log)
    seen = {f["name"]: f["total_ns"] / 1e9 for f in data["functions"]}
    samples = data["samples"]
    share = seen["first"] / (seen["first"] + seen["second"])
    truth = first / (first + second)
    weights = [sample.weight_ns for sample in pplog.read(done.log).samples]
    # a few long ones of a busy machine weigh as much as all the others
    counts = sum(weights) ** 2 / sum(w * w for w in weights)
    # four standard errors, and a sixteenth of a period of four milliseconds
    bound = 4 * (0.25 / counts) ** 0.5 + 0.016
    expect(abs(share - truth) <= bound, f"turns: first() has {share:.3f} of"
           f" the time, not {truth:.3f} +- {bound:.3f}; {samples} samples,"
           f" {load()}")
    # a ticker that a busy machine wakes late takes fewer, which the bound above
    # allows for; without one in each part of a turn it would tell nothing
    expect(samples >= (first + second) / 0.004, f"turns: {samples}"
           f" samples of {first + second:.3f} s; {load()}")
    figures("threads-many", f"turns: first() has {share:.3f}, truth"
            f" {truth:.3f}; {samples} samples of {first + second:.3f} s")


for test in our_share((come_and_go, alive, ticker, turns), 4):
    test()
finish()
