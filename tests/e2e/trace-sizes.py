# SPDX-License-Identifier: MIT
# Ten million calls and returns, a hundred at full size, are counted exactly, in
# memory that does not grow with them, and the log is a few megabytes.
# each: interpreter
# timeout: 1800
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

EVENTS = sized(100_000_000, 10_000_000)
# What an allocator may take and keep meanwhile, for whatever reason
GROWTH_KIB = 1024
LOG_BYTES = 4 << 20


def main():
    done = run(workload("many_calls.py"), trace="calls", timeout=1500,
               env={"EVENTS": EVENTS})
    if failures:
        return
    leaf, calls, *kib = [int(word) for word in done.stdout.split()]
    grown = max(after - before for before, after in zip(kib[:2], kib[2:]))
    log = pplog.read(done.log)
    found = {name: c.calls for (_, _, name), c in log.functions().items()}
    expect(found["leaf"] == leaf, f"leaf() has {found['leaf']} calls, not"
           f" {leaf}")
    of_loop = sum(found[name] for name in found if name in (
        "leaf", "by_c", "deep", "<built-in method builtins.len>")
        or name[0] == "f" and name[1:].isdigit())
    expect(of_loop == calls, f"{of_loop} calls of the loop, not {calls}")
    expect(grown <= GROWTH_KIB, f"memory grew by {grown} KiB while {calls}"
           f" calls were made; peak and resident, before and after: {kib}")
    expect(log.size <= LOG_BYTES, f"the log has {log.size} bytes")
    expect(log.counters["uncounted"] == 0, "uncounted calls")
    figures("trace-sizes", f"{2 * calls} events in {done.seconds:.1f} s, memory"
            f" {grown:+} KiB, log of {log.size >> 10} KiB")


main()
finish()
