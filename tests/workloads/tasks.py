# SPDX-License-Identifier: MIT
"""Tasks for celery, with a broker of files in the folder that BROKER names.

    tasks.py MS...    has a task burn each so many milliseconds, and prints what
                      they answered as JSON: a list of text, pid, nanoseconds
"""
import json
import os
import sys

from celery import Celery

from served import answer

folder = os.environ["BROKER"]
app = Celery("tasks", broker="filesystem://",
             backend=f"file://{folder}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue",
    "control_folder": f"{folder}/control", "polling_interval": 0.05}
app.conf.worker_prefetch_multiplier = 1


@app.task(name="burn")
def burn(ms):
    headers, body = answer(ms)
    headers = dict(headers)
    return [body.decode(), int(headers["X-Pid"]), int(headers["X-Spent-Ns"])]


def main():
    asked = [burn.delay(ms) for ms in sys.argv[1:]]
    print(json.dumps([task.get(timeout=40, interval=0.05)
                      for task in asked]))


if __name__ == "__main__":
    main()
