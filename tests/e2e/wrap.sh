#!/bin/sh
# SPDX-License-Identifier: MIT
# parallel: yes
#
# What pyprof-wrap does to the command: exit status, signals, environment.
# No Python is run, so nothing is profiled.

wrap=$B/pyprof-wrap
library=$LIBRARY
bad=0

# expect STATUS TEXT COMMAND...: its exit, and what it prints.
expect() {
	status=$1 text=$2
	shift 2
	"$@" >out 2>&1
	got=$?
	[ $got = "$status" ] || { echo "$*: exit $got, not $status"; bad=1; }
	[ -z "$text" ] || grep -qF -e "$text" out || {
		echo "$*: prints no '$text':"
		cat out
		bad=1
	}
}

expect 0 "" "$wrap" true
expect 3 "" "$wrap" sh -c 'exit 3'
expect 2 "--rate=fast: not a rate" "$wrap" --rate fast touch ran
expect 2 "PYPROF_RATE=x: not a rate" env PYPROF_RATE=x "$wrap" touch ran
expect 2 "unknown option '--native'" "$wrap" --native touch ran
expect 2 "--include=b(: not a regular expression" "$wrap" --trace calls \
	--include a --include "b(" touch ran
expect 2 "no command" "$wrap" -q
[ ! -e ran ] || { echo "the command ran"; bad=1; }
expect 127 "nosuch: No such file" "$wrap" nosuch
expect 126 "/: Permission denied" "$wrap" /
expect 0 "-r" "$wrap" echo -r 5
expect 0 "--" "$wrap" -q -- echo --

# Variables and what was there before.
expect 0 "LD_PRELOAD=$library" env -u LD_PRELOAD "$wrap" env
expect 0 "LD_PRELOAD=libm.so.6:$library" \
	env LD_PRELOAD=libm.so.6 "$wrap" env
expect 0 "LD_PRELOAD=$library" env LD_PRELOAD="$library" "$wrap" env
expect 0 "PYPROF_RATE=10k" "$wrap" -r 10k env
expect 0 "PYPROF_VERBOSE=0" "$wrap" -q env
expect 0 "PYPROF_CHILDREN=0" "$wrap" --no-children env
expect 0 ":w:$PWD" "$wrap" env
PYPROF_INTERVAL=1ms "$wrap" -r 250 env | grep -q PYPROF_INTERVAL &&
	{ echo "--rate leaves PYPROF_INTERVAL"; bad=1; }
"$wrap" sh -c 'test ${PYPROF_SESSION#*:} = $$:w:$PWD' ||
	{ echo "the session does not name the command's pid"; bad=1; }

# As a parent: the command's end is ours.
expect 5 "no log was written" "$wrap" --report sh -c 'exit 5'
expect 143 "" "$wrap" --report sh -c 'kill -TERM $$'
expect 127 "nosuch: No such file" "$wrap" --report nosuch
expect 2 "unknown format" "$wrap" --report=html true

# Signals sent to the parent reach the command; Ctrl-C's kind does not end us.
"$wrap" --report sh -c 'trap "echo got; exit 7" TERM USR1 INT; echo ready
	while :; do sleep 0.1; done' >signals 2>&1 &
pid=$!
while ! grep -q ready signals; do sleep 0.1; done
kill -USR1 $pid
wait $pid
[ $? = 7 ] && grep -q got signals || { echo "USR1 did not arrive"; bad=1; }
exit $bad
