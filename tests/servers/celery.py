# SPDX-License-Identifier: MIT
# celery with its pool of forked processes, and with one of greenlets: results,
# words and end as without us, and every process of the pool has a log with the
# time of its tasks. The broker is a folder of files.
# parallel: yes
# timeout: 900
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from serving import *  # noqa: E402,F403

BROKER = os.path.abspath("broker")
CELERY = [DEBIAN, "-m", "celery", "-A", "tasks", "worker", "-c", "2",
          "-l", "WARNING", "--without-gossip", "--without-mingle",
          "--without-heartbeat"]


def prepare(process, port):
    """Nothing to wait for, as tasks wait for the worker, but early deaths."""
    time.sleep(1)
    return process.poll() is None


def tasks(port, targets):
    done = subprocess.run(
        [DEBIAN, os.path.join(WORKLOADS, "tasks.py"),
         *(t.partition("?")[2] for t in targets)], text=True, check=False,
        stdout=subprocess.PIPE, env={**os.environ, "BROKER": BROKER})
    if not check(done.returncode == 0, "the tasks were not done"):
        return []
    return [Answer(200, *result) for result in json.loads(done.stdout)]


def served(name, words, **more):
    shutil.rmtree(BROKER, ignore_errors=True)
    for part in "queue", "control", "results":
        os.makedirs(os.path.join(BROKER, part))
    serves(f"celery {name}", words, ready=prepare, asking=tasks,
           env={"BROKER": BROKER}, **more)


need(modules=["celery"])
served("prefork", CELERY, processes=3, workers=2)
if FULL:
    served("prefork, auto", CELERY, processes=3, workers=2,
           rate="auto")
    served("prefork, QUIT", CELERY, processes=3, workers=2,
           end=signal.SIGQUIT)
    served("prefork, ten tasks each", [*CELERY, "--max-tasks-per-child", "10"],
           workers=6)
if FULL and have("gevent"):
    served("gevent", [*CELERY, "-P", "gevent"])
done()
