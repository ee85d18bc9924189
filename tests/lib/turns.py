# SPDX-License-Identifier: MIT
"""What the short run does on which Python: a part on each, all of it between
those that there are. NUMBER is which of them this is, from 0, of COUNT."""
import os
import sys

FULL = os.environ.get("SIZE") == "full"
NUMBER = int(os.environ.get("PYNUMBER", "0"))
COUNT = int(os.environ.get("PYCOUNT", "1"))


def our_share(choices, parts, number=NUMBER, count=COUNT):
    """All at full size; else one of so many parts, or of fewer parts where
    there are fewer Pythons."""
    choices = list(choices)
    parts = max(1, min(parts, count))
    return choices if FULL else choices[number % parts::parts]


def our_cases(cases, parts):
    """Those functions that the command line names, else our share of them."""
    wanted = sys.argv[1:]
    return ([case for case in cases if case.__name__ in wanted] if wanted
            else our_share(cases, parts))
