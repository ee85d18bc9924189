# SPDX-License-Identifier: MIT
"""Children by os.fork and multiprocessing, some of them with children of their
own; each burns CPU and writes its pid, ppid and CPU time to a file of its own
in the folder TRUTH, at the latest moment it can."""
import multiprocessing
import os
import threading
import warnings
from time import clock_gettime, CLOCK_PROCESS_CPUTIME_ID

SECONDS = float(os.environ.get("SECONDS", "0.5"))  # of CPU for each
TRUTH = os.environ["TRUTH"]

# one child is made while a thread lives, on purpose
warnings.simplefilter("ignore", DeprecationWarning)


def cpu():
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID)


def burn(seconds):
    total, stop = 0, cpu() + seconds
    while cpu() < stop:
        for i in range(500):
            total += i & 7


def tell():
    with open(os.path.join(TRUTH, str(os.getpid())), "w") as out:
        out.write("%d %.6f\n" % (os.getppid(), cpu()))


def child_of_fork():
    burn(SECONDS)
    tell()


def child_with_child():
    burn(SECONDS / 2)
    pid = os.fork()
    if pid == 0:
        grandchild()
        os._exit(0)
    os.waitpid(pid, 0)
    tell()


def grandchild():
    threads = [threading.Thread(target=burn, args=(SECONDS / 2,))
               for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tell()


def child_of_multiprocessing(number):
    burn(SECONDS)
    tell()


def fork(function):
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    return pid


def main():
    burn(SECONDS)
    pids = [fork(child_of_fork), fork(child_with_child)]
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    pids.append(fork(child_of_fork))
    stop.set()
    other.join()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=child_of_multiprocessing, args=(k,))
                 for k in range(2)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
    tell()


if __name__ == "__main__":
    main()
