# SPDX-License-Identifier: MIT
"""tests/bench/run as a module, for benches that measure as it does."""
import importlib.machinery
import importlib.util
from pathlib import Path

_PATH = str(Path(__file__).resolve().parent.parent / "bench" / "run")
_loader = importlib.machinery.SourceFileLoader("bench_run", _PATH)
bench = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("bench_run", _loader))
_loader.exec_module(bench)
