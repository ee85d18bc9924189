# SPDX-License-Identifier: MIT
# Who waits is left alone: six threads that block in six ways, in cpu mode at
# the default rate, get no signal, no EINTR and no extra switch of context, and
# sleep as long as without us.
# each: interpreter
# parallel: yes
import json
import os
import statistics
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

PAIRS = sized(10, 2)
PAIRS_MOST = 3 * PAIRS
SECONDS = sized(3, 0.5)

PROGRAM = """
import ctypes, errno, json, os, queue, select, socket, sys, threading, time
SECONDS = float(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def nanosleep(seconds):
    at = (ctypes.c_long * 2)(int(seconds), int(seconds % 1 * 1e9))
    if libc.nanosleep(at, None):
        raise OSError(ctypes.get_errno(), "nanosleep")
def poll(seconds):
    if libc.poll(None, 0, int(seconds * 1000)) < 0:
        raise OSError(ctypes.get_errno(), "poll")
def get(seconds):
    try:
        queue.Queue().get(timeout=seconds)
    except queue.Empty:
        pass
def receive(seconds):
    a, b = socket.socketpair()
    a.settimeout(seconds)
    try:
        a.recv(1)
    except socket.timeout:
        pass
def wait(seconds):
    threading.Event().wait(seconds)
WAYS = time.sleep, nanosleep, poll, get, receive, wait
result = {}
def block(way, seconds):
    def switches():
        with open("/proc/thread-self/status") as status:
            return {l.split(":")[0]: int(l.split()[1]) for l in status
                    if "ctxt" in l}
    before = switches()
    begin = time.monotonic()
    try:
        way(seconds)
        error = None
    except OSError as e:
        error = errno.errorcode[e.errno]
    took = time.monotonic() - begin
    after = switches()
    name = getattr(way, "__name__", "sleep")
    result[name] = (error, after["voluntary_ctxt_switches"]
                    - before["voluntary_ctxt_switches"], took - seconds,
                    threading.get_native_id())
# none begins or ends while another does
threads = [threading.Thread(target=block, args=(way, SECONDS + 0.02 * i))
           for i, way in enumerate(WAYS)]
for t in threads:
    t.start()
    time.sleep(0.02)
for t in threads: t.join()
print(json.dumps(result))
"""


def main():
    with open("idle.py", "w") as file:
        file.write(PROGRAM)
    switches, late = {False: {}, True: {}}, {False: [], True: []}
    extra = {}
    for i in range(PAIRS_MOST):
        # the least of each: who wakes may find the GIL taken, also without us,
        # and on a busy machine may do so more than once
        if i >= PAIRS and max(extra.values()) <= 0:
            break
        for ours in False, True:
            done = run("idle.py", SECONDS, profile=ours)
            if failures:
                return
            said = json.loads(done.stdout)
            expect(len(said) == 6, f"only {sorted(said)} ended")
            for name, (error, count, longer, _) in said.items():
                expect(error is None, f"{name}: {error}, ours: {ours}")
                switches[ours].setdefault(name, []).append(count)
            late[ours].append(said["sleep"][2])
        extra = {name: min(switches[True][name]) - min(counts)
                 for name, counts in switches[False].items()}
        tids = {row[3] for row in said.values()}
        log = pplog.read("log.bin")
        for thread in log.threads.values():
            expect(thread.tid not in tids or not thread.losses,
                   f"{thread.name} has {thread.losses}")
            # its few microseconds of work may meet a tick, or two where others
            # keep it from its processor; who is seen waiting has a hundred
            expect(thread.tid not in tids or len(thread.samples) <= 4,
                   f"{thread.name} has {len(thread.samples)} samples")
    expect(max(extra.values()) <= 0, f"extra switches of context: {extra};"
           f" {switches}")
    differences = [1e6 * (b - a) for a, b in zip(late[False], late[True])]
    figures("idle", f"six blocked threads, {len(differences)} times: no EINTR,"
            f" extra voluntary switches {extra}; sleep({SECONDS:g}) is"
            f" {statistics.median(differences):+.0f} us longer in the median"
            f" pair, {min(differences):+.0f} to {max(differences):+.0f}")


main()
finish()
