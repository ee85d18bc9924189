# SPDX-License-Identifier: MIT
# gunicorn with sync, threaded and gevent workers, ended by different signals,
# reloaded, with workers taken away: answers and words as without us, and every
# worker's log has the time of its requests.
# parallel: yes
# timeout: 600
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from serving import *  # noqa: E402,F403

GUNICORN = ["gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "--worker-tmp-dir",
            "/dev/shm", "served:application"]


# The master sends SIGTERM again while a worker ends, and where that meets the
# end of the interpreter it is the worker's death.
TWICE = "was terminated due to signal 15"


def send(number):
    def act(pid):
        os.kill(pid, number)
        time.sleep(1.5)  # gunicorn looks once a second
    return act


need("gunicorn", modules=["gunicorn"])
serves("gunicorn sync", GUNICORN, processes=3, workers=2)
serves("gunicorn sync, wall", GUNICORN, processes=3, workers=2, mode="wall")
if FULL:
    serves("gunicorn sync, auto", GUNICORN, processes=3, workers=2,
           rate="auto")
    serves("gunicorn sync, INT", GUNICORN, processes=3, workers=2,
           end=signal.SIGINT)
    serves("gunicorn sync, QUIT", GUNICORN, processes=3, workers=2,
           end=signal.SIGQUIT)
    serves("gunicorn preload", [*GUNICORN, "--preload"], processes=3,
           workers=2)
    serves("gunicorn, reloaded", GUNICORN, processes=5, workers=3,
           meanwhile=send(signal.SIGHUP), chance=TWICE)
    serves("gunicorn, a worker less", GUNICORN, processes=3, workers=2,
           meanwhile=send(signal.SIGTTOU), chance=TWICE)
    serves("gunicorn gthread", [*GUNICORN, "-k", "gthread", "--threads", "4"],
           processes=3, workers=1)
    serves("gunicorn gthread, wall", [*GUNICORN, "-k", "gthread", "--threads",
                                      "4"], processes=3, workers=1, mode="wall")
if FULL and have("gevent"):
    serves("gunicorn gevent", [*GUNICORN, "-k", "gevent"], processes=3,
           workers=1)
done()
