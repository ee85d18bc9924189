# SPDX-License-Identifier: MIT
# uWSGI with a master that loads the application before it forks: answers, words
# and end as without us; master and workers have logs, the workers' with the
# time of their requests, though uWSGI calls none of Python's hooks at a fork.
# parallel: yes
# timeout: 600
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from serving import *  # noqa: E402,F403

UWSGI = ["uwsgi", "--plugin", "python3", "--http-socket", "127.0.0.1:{port}",
         "--master", "--processes", "2", "--module", "served",
         "--disable-logging"]


def served(name, words, **more):
    serves(f"uwsgi {name}", words, **{
        "processes": 3, "workers": 2, "end": signal.SIGINT, **more})


need("uwsgi")
served("prefork", UWSGI)
if FULL:
    served("prefork, auto", UWSGI, rate="auto")
    served("prefork, wall", UWSGI, mode="wall")
    served("threads", [*UWSGI, "--enable-threads", "--threads", "2"],
           workers=1)
    served("die on TERM", [*UWSGI, "--die-on-term"], end=signal.SIGTERM)
    served("QUIT", UWSGI, end=signal.SIGQUIT)
    served("lazy", [*UWSGI, "--lazy-apps"])
    served("no master", [w for w in UWSGI if w != "--master"], processes=2)
done()
