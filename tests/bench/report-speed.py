#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speed and memory of pyprof-report: load and text of a synthetic log.

The goal is 5 million samples a second, and memory that does not grow with
samples. Fails only at a third of the speed, as machines differ.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "lib"))
from benching import build
REPORT = Path(os.environ.get("B", "build")).resolve() / "pyprof-report"
GOAL = 5e6
STACKS = 1000


def measure(biglog, usage, samples):
    """Seconds of CPU, the best of three, and KiB of memory."""
    with tempfile.NamedTemporaryFile() as log:
        subprocess.run([biglog, str(samples), str(STACKS)], stdout=log,
                       check=True)
        runs = [subprocess.check_output([usage, REPORT, log.name]).split()
                for _ in range(3)]
    return min((float(seconds), int(memory)) for seconds, memory in runs)


def main():
    with tempfile.TemporaryDirectory() as folder:
        tools = build(folder, "biglog"), build(folder, "usage")
        _, small = measure(*tools, 1_000_000)
        seconds, large = measure(*tools, 10_000_000)
    speed = 10_000_000 / max(seconds, 0.01)
    print(f"pyprof-report: {speed / 1e6:.1f} million samples a second of CPU"
          f" (goal {GOAL / 1e6:.0f}), {small} KiB for 1 million,"
          f" {large} KiB for 10 million")
    return speed < GOAL / 3 or large > small * 1.5 + 1024


if __name__ == "__main__":
    sys.exit(main())
