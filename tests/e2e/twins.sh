# SPDX-License-Identifier: MIT
# Two functions that agree in name, file and line are two in the report; the
# same function in two processes is one. A process that execs itself has its
# CPU time before exec counted once.
# each: interpreter
# parallel: yes
set -eu

cat >twins.py <<'END'
import os, sys, time

one, two = (lambda n: sum(i & 7 for i in range(n)) + len([0 for i in range(n)])), (lambda n: [i for i in range(n)])


def burn(function):
    end = time.process_time() + float(os.environ["BURN"])
    while time.process_time() < end:
        function(3000)


burn(one)
burn(two)
if len(sys.argv) > 1:
    os.execv(sys.executable, [sys.executable, "twins.py"])
END

$RUN LD_PRELOAD="$LIBRARY" PYPROF_RATE=1k PYPROF_OUTPUT=out.bin BURN=0.3 \
	$EXE twins.py again
"$B/pyprof-report" --json out.bin out.*.bin >out.json
python3 - "$PYVERSION" <<'END'
import json, sys
profile = json.load(open("out.json"))
twins = [f for f in profile["functions"]
         if f["name"] == "<lambda>" and f["file"].endswith("twins.py")]
assert len(twins) == 2, twins
cpu = profile["cpu_ns"] / 1e9
# four times 0.3 s, two start-ups of some tens of ms; counted twice it would be
# 0.6 s more
assert 1.2 < cpu < 1.6, cpu
print("twins", sys.argv[1], [f["samples"] for f in twins], cpu)
END
