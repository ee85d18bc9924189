# SPDX-License-Identifier: MIT
# The ticker keeps a file of /proc open for each thread. Where fewer files may be
# open than there are threads, or where there is no /proc at all, all of them are
# sampled all the same.
# each: interpreter
# parallel: yes
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

THREADS = 8
# hashing lets go of the GIL, so that threads wait for processors, and whether
# one runs has to be asked of the kernel
PROGRAM = f"""
import hashlib, resource, sys, threading, time
files = int(sys.argv[1])
if files:
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
data = bytes(1 << 20)
def work():
    end = time.thread_time() + 0.15
    while time.thread_time() < end:
        hashlib.sha256(data).digest()
threads = [threading.Thread(target=work) for i in range({THREADS})]
for t in threads: t.start()
for t in threads: t.join()
"""


def check_log(path, what):
    log = pplog.read(path)
    expect(log.engine == "ticker", f"{what}: {log.engine}")
    shares = []
    for thread in log.threads.values():
        used = (thread.end_cpu_ns or 0) - thread.cpu_ns
        if used >= 100e6:
            shares.append(sum(s.weight_ns for s in thread.samples) / used)
    expect(len(shares) == THREADS, f"{what}: {len(shares)} threads that worked")
    # what is left is its time since the last sample: on this busy a machine
    # of no thread as much as a third
    expect(min(shares) > 2 / 3, f"{what}: only {min(shares):.2f} of a thread's"
           f" time is in its samples; {load()}")
    figures("few-files", f"{what}: at least {min(shares):.3f} of each thread")


def without_proc(argv):
    """The words that run these in a mount namespace without /proc."""
    return ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"',
            "sh", *argv]


def main():
    with open("work.py", "w") as file:
        file.write(PROGRAM)
    check_log(run("work.py", 4, rate=1000).log, "4 files")
    words = command(["work.py", 0], rate=1000, output="noproc.bin")
    if RUN[0] != "env":
        return  # the root has a /proc of its own
    if subprocess.run(without_proc(["true"]), stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        print("not allowed to unmount /proc")
        return
    done = subprocess.run(without_proc(words), check=False, timeout=60)
    expect(done.returncode == 0, f"without /proc: exit {done.returncode}")
    check_log("noproc.bin", "no /proc")


main()
finish()
