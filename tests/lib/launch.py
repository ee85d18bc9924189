# SPDX-License-Identifier: MIT
"""Run a program from the same interpreter and write what it has cost:

    launch.py RESULT TIMEOUT [NAME=VALUE]... PROGRAM [ARG]...

RESULT becomes JSON: the pid, status, CPU seconds (user and system, with all
of its children that were waited for) and largest resident size in KiB. Started
unprofiled inside the root where an interpreter lives, so that none of what it
takes to get there is counted.
"""
import json
import os
import signal
import sys


def main():
    result, seconds, *rest = sys.argv[1:]
    env = dict(os.environ)
    while "=" in rest[0]:
        name, _, value = rest.pop(0).partition("=")
        env[name] = value
    pid = os.posix_spawn(sys.executable, [sys.executable, *rest], env)

    def give_up(number, frame):
        os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(int(seconds))
    _, status, usage = os.wait4(pid, 0)
    with open(result, "w") as out:
        json.dump({"pid": pid, "cpu": usage.ru_utime + usage.ru_stime,
                   "rss_kib": usage.ru_maxrss, "status": status}, out)
    sys.exit(0 if status == 0 else 1)


if __name__ == "__main__":
    main()
