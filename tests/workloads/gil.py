# SPDX-License-Identifier: MIT
"""What threads do with the GIL, told on stdout as JSON. KIND says what:

  spin    three threads compute until a common end
  long    one holds it in long C calls, one wakes up now and then and wants it
  alone   one thread, no other
  idle    a second thread that does not want it while the first spins
  quick   two threads change over as often as they can
"""
import json
import os
import sys
import threading
import time

KIND = os.environ["KIND"]
SECONDS = float(os.environ["SECONDS"])


def queued():
    """Seconds in which this thread was ready to run and no processor free."""
    try:
        with open("/proc/thread-self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0


def spin(end, spans):
    begin = now = time.monotonic()
    total = 0
    while now < end:
        for i in range(1000):
            total += i
        now = time.monotonic()
    spans.append([threading.current_thread().name, begin, now, queued()])


def hold(end):
    while time.monotonic() < end:
        sum(range(1_000_000))  # in one call of C


def want(end, naps):
    while time.monotonic() < end:
        begin = time.monotonic()
        time.sleep(0.001)
        naps.append(time.monotonic() - begin)


def run(*threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    begin = time.monotonic()
    end = begin + SECONDS
    spans, naps = [], []
    if KIND == "spin":
        run(*(threading.Thread(target=spin, args=(end, spans),
                               name=f"spinner {i}") for i in range(3)))
    elif KIND == "long":
        run(threading.Thread(target=hold, args=(end,), name="holder"),
            threading.Thread(target=want, args=(end, naps), name="wanter"))
    elif KIND == "quick":
        sys.setswitchinterval(1e-5)
        run(*(threading.Thread(target=spin, args=(end, spans))
              for _ in range(2)))
    elif KIND == "idle":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        time.sleep(0.2)  # until it waits for the event, without the GIL
        spin(end + 0.2, spans)
    else:
        spin(end, spans)
    json.dump({"wall": time.monotonic() - begin, "naps": sum(naps),
               "count": len(naps), "spans": spans}, sys.stdout)


main()
