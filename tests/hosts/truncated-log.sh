#!/bin/sh
# each: interpreter
# parallel: yes
#
# Somebody empties the log of a running program: threads that begin afterwards,
# also with all signals blocked, store into nothing. The program must not see
# it; one line says that the log has ended.
set -eu

cat >truncate.py <<'END'
import os, signal, sys, threading


def work():
    sum(range(1000000))


def thread():
    t = threading.Thread(target=work)
    t.start()
    t.join()


if sys.argv[1] == "blocked":
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
thread()
os.truncate("log.bin", 0)
for _ in range(5):
    thread()
work()
print("alive", os.path.getsize("log.bin"))
END

bad=0
for how in open blocked; do
	for what in RATE=auto RATE=1k TRACE=calls TRACE=lines; do
		rm -f log.bin
		status=0
		$RUN LD_PRELOAD="$LIBRARY" PYPROF_OUTPUT=log.bin \
			"PYPROF_$what" \
			$EXE truncate.py $how >out 2>err || status=$?
		if [ "$status" != 0 ] || [ "$(cat out)" != "alive 0" ] ||
			[ "$(grep -c '^pyprof' err)" -gt 1 ]; then
			echo "$how, $what: status $status: $(cat out err)"
			bad=1
		fi
	done
done
exit $bad
