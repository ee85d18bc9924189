#!/bin/sh
# SPDX-License-Identifier: MIT
# parallel: yes
#
# Where pyprof-report reads and writes: no LOG, several logs of which one is
# bad, outputs that cannot be written, readers that go away.

report=$B/pyprof-report
bad=0

# expect STATUS TEXT COMMAND...: its exit and what stderr has.
expect() {
	status=$1 text=$2
	shift 2
	"$@" >out 2>err
	got=$?
	[ $got = "$status" ] || { echo "$*: exit $got, not $status"; bad=1; }
	[ -z "$text" ] || grep -qF -e "$text" err || {
		echo "$*: stderr has no '$text':"
		cat err
		bad=1
	}
}

mkdir logs
for log in records threads recursion; do
	"$TOP/tests/golden/assemble" "$TOP/tests/golden/$log.hex" \
		>logs/$log.bin
done
cd logs || exit 1
mkdir empty
echo text >text.txt
mkfifo fifo

(cd empty && expect 1 "no log in the current directory" "$report") || bad=1
expect 0 "reading records.bin recursion.bin threads.bin" "$report"
expect 1 "none.bin: No such file" "$report" none.bin
expect 1 "empty: a directory" "$report" empty
expect 1 "text.txt: not a pyprof log" "$report" text.txt
expect 1 "fifo: not a regular file" "$report" fifo
expect 1 "text.txt: not a pyprof log" "$report" records.bin text.txt
grep -q '^samples  *6 ' out || { echo "the good log was not read"; bad=1; }
expect 0 "" "$report" records.bin threads.bin
grep -q '^samples  *12 ' out || { echo "two logs do not add up"; bad=1; }

expect 0 "" env POSIXLY_CORRECT=1 "$report" records.bin --collapsed
# of a log that was traced only there are none
"$TOP/tests/golden/assemble" "$TOP/tests/golden/trace.hex" >../trace.bin
expect 0 "the log has none: record it with --mode cpu" "$report" ../trace.bin \
	--collapsed
expect 2 "unknown option '-z'" "$report" --lines -zn 3 records.bin
expect 2 "'--lines=1' takes no value" "$report" --lines=1 records.bin

expect 1 "/dev/full: No space left" "$report" records.bin -o /dev/full
expect 1 "nowhere/x: No such file" "$report" records.bin -o nowhere/x
expect 1 "empty: Is a directory" "$report" records.bin -o empty
expect 1 "records.bin: is a log" "$report" records.bin -o records.bin
expect 1 "stdout: No space left" sh -c "'$report' records.bin >/dev/full"
expect 0 "wrote callgrind.out.4711.pyprof" "$report" records.bin --callgrind
[ -s callgrind.out.4711.pyprof ] || { echo "no callgrind.out"; bad=1; }
[ ! -s out ] || { echo "callgrind wrote to stdout"; bad=1; }

# In a terminal no line is too wide, and elsewhere they are what they are.
script -qec "stty cols 40; '$report' records.bin" /dev/null </dev/null |
	tr -d '\r' >screen
grep -qx 'unsampled .*' screen || { echo "no terminal"; bad=1; }
[ "$(wc -L <screen)" -le 40 ] || {
	echo "wider than the terminal:"
	cat screen
	bad=1
}
expect 0 "" "$report" records.bin
[ "$(wc -L <out)" -gt 60 ] || { echo "a file is cut"; bad=1; }

# A reader that goes away is no error, whatever SIGPIPE is set to.
i=0
while [ $i -lt 200 ]; do
	i=$((i + 1))
	set -- "$@" records.bin
done
("$report" --dump "$@"; echo $? >status) 2>err | head -1 >/dev/null
[ "$(cat status)" = 0 ] && [ ! -s err ] || {
	echo "EPIPE: exit $(cat status), $(cat err)"
	bad=1
}
"$report" --formats | tr '\n' ' ' |
	grep -qx 'text annotate callgrind pstats collapsed json dump ' ||
	{ echo "--formats: $("$report" --formats)"; bad=1; }
exit $bad
