# SPDX-License-Identifier: MIT
"""Threads of all kinds of names, which live until they are killed, or ended.

Prints JSON when all have begun: their names by kernel id, null where the log
shall have none, and how often code of the program's was run to ask for one. Then
ends by signal 9 if END is "kill".
"""
import concurrent.futures
import ctypes
import json
import os
import signal
import sys
import threading
import time

libc = ctypes.CDLL(None)
libc.pthread_self.restype = ctypes.c_ulong
stop = threading.Event()
truth = {}


def tid():
    """The kernel's id; threading has it from 3.8 on."""
    return threading.get_native_id()


def work(name=None):
    truth[tid()] = name or threading.current_thread().name
    stop.wait()


def renamed():
    """Takes a name of its own and then makes a thread."""
    threading.current_thread().name = "took this name"
    threading.Thread(target=work, name="its child").start()
    work()


def named_by_system():
    libc.pthread_setname_np(ctypes.c_ulong(libc.pthread_self()), b"by system")
    work("by system")


class Hidden(threading.Thread):
    """Has a _name that is code: the profiler must not run it."""

    calls = 0

    @property
    def _name(self):
        Hidden.calls += 1
        return "hidden"

    @_name.setter
    def _name(self, value):
        pass

    def run(self):
        truth[tid()] = None
        stop.wait()


def main():
    truth[tid()] = "MainThread"
    threads = [
        threading.Thread(target=work, name="plain"),
        threading.Thread(target=work, name="\u00e4\u4e2d\U0001f40d"),
        threading.Thread(target=work, name="with; a\nline"),
        threading.Thread(target=work),
        threading.Thread(target=renamed, name="as it began"),
        threading.Thread(target=named_by_system),
        threading.Timer(0, work),
        Hidden(),
    ]
    for thread in threads:
        thread.start()
    pool = concurrent.futures.ThreadPoolExecutor(2, "pool")
    for _ in range(2):
        pool.submit(work)
    count = 1 + len(threads) + 1 + 2  # one made another
    while len(truth) < count:
        time.sleep(0.01)
    json.dump([truth, Hidden.calls], sys.stdout)
    sys.stdout.flush()
    if os.environ.get("END") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    stop.set()
    pool.shutdown()


main()
