# SPDX-License-Identifier: MIT
# What a profile says is true: functions and lines with known shares of CPU
# time, from 40 % down to 0.5 %, have these shares in the samples, within what
# chance allows, with the ticker at 1 kHz and with setitimer.
# each: interpreter
# timeout: 600
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from shares import *

SECONDS = sized(5, 0.8)


KINDS = ("forty", "quarter", "fifteen", "ten", "five", "three", "one_half",
         "half")
# 0.6 of what was asked, which is the bound: a machine shared with
# others gives the ticker no better sleep
judge("truth", "functions", "shares.py", leaf_function, SECONDS, 600,
      rate=1000)
judge("truth", "kinds", "kinds.py", outermost(KINDS), SECONDS, 600, rate=1000)
judge("truth", "lines", "lines.py", line_of_work, SECONDS, 600, rate=1000)
# setitimer counts in ticks of the kernel, 100 to 1000 a second
judge("truth", "functions by itimer", "shares.py", leaf_function, SECONDS, 60,
      engine="itimer")
finish()
