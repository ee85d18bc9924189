# SPDX-License-Identifier: MIT
"""tests/bench/run as a module, for benches that measure as it does, and the
programs in C that they use."""
import importlib.machinery
import importlib.util
import os
import shlex
import subprocess
from pathlib import Path

_BENCH = Path(__file__).resolve().parent.parent / "bench"
_loader = importlib.machinery.SourceFileLoader("bench_run",
                                               str(_BENCH / "run"))
bench = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("bench_run", _loader))
_loader.exec_module(bench)


def build(folder, name):
    """Compile tests/bench/NAME.c; the program's path."""
    program = Path(folder) / name
    subprocess.run([*shlex.split(os.environ.get("CC", "gcc")), "-O2",
                    f"-I{_BENCH.parent.parent}/include", "-o", program,
                    _BENCH / f"{name}.c"], check=True)
    return program
