# SPDX-License-Identifier: MIT
# Thousands of programs executed and started at 10 kHz, from a process whose
# threads keep the clock busy: not one is killed by a signal of ours.
# each: interpreter
# parallel: yes
# timeout: 900
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

# of each of three kinds; ten thousand in all
MANY = sized(3334, 100)

PROGRAM = """
import os, subprocess, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
stop = False
def busy():
    n = 0
    while not stop:
        n += 1
for _ in range(2):
    threading.Thread(target=busy, daemon=True).start()
sys.setswitchinterval(0.0005)
ended = {}
def count(status):
    ended[status] = ended.get(status, 0) + 1
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        # samples of this very instant are on their way when it goes
        end = time.process_time() + 0.0005
        while time.process_time() < end:
            pass
        os.execv("/bin/true", ["true"])
    count(os.waitpid(pid, 0)[1])
    count(subprocess.call(["/bin/true"]))
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    count(os.waitpid(pid, 0)[1])
stop = True
print(ended)
"""

done = run("-c", PROGRAM, MANY, rate="10k", output="x.%p.bin", timeout=850)
expect(done.stdout.strip() == f"{{0: {3 * MANY}}}", f"{done.stdout.strip()} of"
       f" {3 * MANY} ended so; {load()}")
log = pplog.read(f"x.{done.pid}.bin")
entries_add_up(log, "exec-many", forks=True)
c = log.counters
expect(log.counters["samples"] > MANY, f"{log.counters['samples']} samples")
expect(len(log.forks) == 3 * MANY or MINOR < 10, f"{len(log.forks)} forks in"
       " the log")
figures("exec-many", f"{3 * MANY} programs, {log.counters['samples']} samples,"
        f" {len(log.forks)} forks in the log, none killed; {c['sent']} signals"
        f" sent and {c['lent']} lent, {c['entries']} entries")
finish()
