# SPDX-License-Identifier: MIT
# A server by asyncio, with its own event loop and with uvloop's, which answers
# in the loop's thread and in those of an executor.
# parallel: yes
# timeout: 300
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from serving import *  # noqa: E402,F403

need(modules=["uvloop"])
for kind in "asyncio", "uvloop":
    for rate in ("1k", "auto") if FULL else ("1k",):
        serves(f"{kind}, {rate}",
               [DEBIAN, os.path.join(WORKLOADS, "served.py"), "{port}", kind],
               processes=1, paths=("burn", "thread"), rate=rate)
done()
