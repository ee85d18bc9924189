# SPDX-License-Identifier: MIT
"""Threads that wait in known places for known times, and say so.

    waits.py SECONDS

Prints a line for each thread and place: THREAD PLACE SECONDS, measured by the
thread itself around the wait, and one for its CPU time, place "cpu".
"""
import queue
import select
import socket
import sys
import threading
import time

SECONDS = float(sys.argv[1])
out = []
ready = queue.Queue()
held = threading.Lock()
ours, theirs = socket.socketpair()


def note(place, seconds):
    out.append((threading.current_thread().name, place, seconds))


def long_nap():
    time.sleep(0.030)


def short_nap():
    time.sleep(0.010)


def napper():
    """Three times as long in one place as in the other."""
    end = time.monotonic() + SECONDS
    spent = {"long_nap": 0.0, "short_nap": 0.0}
    while time.monotonic() < end:
        for nap in (long_nap, short_nap):
            begin = time.monotonic()
            nap()
            spent[nap.__name__] += time.monotonic() - begin
    for place, seconds in spent.items():
        note(place, seconds)


def on_queue():
    begin = time.monotonic()
    ready.get()
    note("on_queue", time.monotonic() - begin)


def on_lock():
    begin = time.monotonic()
    with held:
        note("on_lock", time.monotonic() - begin)


def on_socket():
    begin = time.monotonic()
    select.select([ours], [], [])
    note("on_socket", time.monotonic() - begin)


def works():
    """Half of the time at work, half asleep, in pieces of 20 ms; where the
    processor is somebody else's, that is time off it, too."""
    start, cpu = time.monotonic(), time.thread_time()
    while time.monotonic() < start + SECONDS:
        begin = time.thread_time()
        while time.thread_time() - begin < 0.02:
            pass
        time.sleep(0.02)
    note("works", time.monotonic() - start - (time.thread_time() - cpu))


def run(function):
    function()
    note("cpu", time.thread_time())


def main():
    threads = [threading.Thread(target=run, args=(f,), name=f.__name__)
               for f in (napper, on_queue, on_lock, on_socket, works)]
    held.acquire()
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    ready.put(None)
    held.release()
    theirs.send(b"x")
    for thread in threads:
        thread.join()
    for row in out:
        print(*row)


main()
