# SPDX-License-Identifier: MIT
# Samples fall where the time is, not where the interpreter likes to look: time
# inside C functions and long bytecodes lands on the calling line, and a plain
# loop keeps its share against a loop of tiny calls.
# each: interpreter
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from shares import *

SECONDS = sized(5, 0.8)


judge("bias", "C calls", "c_calls.py", line_of_work, SECONDS, rate=1000)
judge("bias", "tiny calls", "tiny_calls.py", outermost(("plain", "calls")),
      SECONDS, bound_of=one_point, rate=1000)
if FULL:
    judge("bias", "C calls at auto", "c_calls.py", line_of_work, SECONDS)
    judge("bias", "tiny calls at auto", "tiny_calls.py",
          outermost(("plain", "calls")), SECONDS, bound_of=one_point)
finish()
