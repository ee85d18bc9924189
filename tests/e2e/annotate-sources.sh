#!/bin/sh
# SPDX-License-Identifier: MIT
# parallel: yes
#
# --annotate and sources that are missing, too short, changed since, or no file
# at all: one note each, and every line number still stands on its own line.

report=$B/pyprof-report
bad=0
fail() {
	echo "$*"
	bad=1
}

cat >log.hex <<'EOF'
89 "PYPROF\n" u32=0x01020304 u16=1 u16=0 u32=4096 u32=1024
u64=1 u64=2 u32=1 u32=1 u32=0x030b04f0 u32=1 u32=1 u32=27
@60 u64=1000000000		# profiled in January 1970: files are newer
@1000
[
	OWNER( v=0 v=0 v=0 v=0 )
	INFO( v=2 "." )
	STRING( v=1 v=1 "f" )
	STRING( v=11 v=1 "gone.py" )	CODE( v=1 v=1 v=1 v=11 v=1 )
	STRING( v=12 v=1 "short.py" )	CODE( v=2 v=1 v=1 v=12 v=1 )
	STRING( v=13 v=1 "newer.py" )	CODE( v=3 v=1 v=1 v=13 v=1 )
	STRING( v=14 v=1 "<string>" )	CODE( v=4 v=1 v=1 v=14 v=1 )
	STRING( v=15 v=1 "." )		CODE( v=5 v=1 v=1 v=15 v=1 )
	STRING( v=16 v=1 "bytes.py" )	CODE( v=6 v=1 v=1 v=16 v=1 )
	STRING( v=17 v=1 "coding.py" )	CODE( v=7 v=1 v=1 v=17 v=1 )
	STRING( v=18 v=1 "a\n.py" )	CODE( v=8 v=1 v=1 v=18 v=1 )
	SAMPLE( v=0 v=5000 z=0 v=1 v=2 )
	SAMPLE( v=4 v=4000 z=0 v=2 v=4 )
	SAMPLE( v=4 v=3000 z=0 v=3 v=1 )
	SAMPLE( v=4 v=2000 z=0 v=4 v=1 )
	SAMPLE( v=4 v=1000 z=0 v=5 v=0 )
	SAMPLE( v=4 v=900 z=0 v=6 v=0 )
	SAMPLE( v=4 v=800 z=0 v=7 v=0 )
	SAMPLE( v=4 v=700 z=0 v=8 v=0 )
]
EOF
"$TOP/tests/golden/assemble" log.hex >log.bin
printf 'one\ntwo\n' >short.py
printf 'def f():\n    return 1' >newer.py
printf 'x = "\377\376"\n' >bytes.py
printf '# coding: nosuch\n' >coding.py
touch -d '1970-01-01 00:00:00 UTC' bytes.py coding.py

"$report" --annotate log.bin >out 2>err || fail "exit $?"
sort err >notes
diff - notes <<'EOF' || bad=1
pyprof-report: .: no such source; its lines stand without text
pyprof-report: a\x0a.py: no such source; its lines stand without text
pyprof-report: bytes.py: not all of it is utf-8; what is not stands as U+FFFD
pyprof-report: coding.py: its coding, nosuch, is not known here; read as utf-8
pyprof-report: gone.py: no such source; its lines stand without text
pyprof-report: newer.py: changed since it was profiled; its lines may have moved
pyprof-report: short.py: ends before line 5, which was run; not the source that was profiled
EOF

# lines FILE: its rows, without the columns between number and text.
lines() {
	sed -n "/^File: $1\$/,/^File: [^d]/p" out |
		sed -n 's/^ *\([0-9]*\)|.*|/\1|/p'
}
[ "$(lines gone.py | tr '\n' ' ')" = "1| 2| 3| " ] || fail "gone.py: $(lines gone.py)"
[ "$(lines short.py | tr '\n' ' ')" = "1|one 2|two 3| 4| 5| " ] ||
	fail "short.py: $(lines short.py)"
[ "$(lines newer.py | tr '\n' ' ')" = "1|def f(): 2|    return 1 " ] ||
	fail "newer.py: $(lines newer.py)"
[ "$(lines '<string>' | tr '\n' ' ')" = "1| 2| " ] ||
	fail "<string>: $(lines '<string>')"
grep -c '^File: ' out | grep -qx 8 || fail "not eight files"
[ "$(sed -n 's/^File: //p' out | head -1)" = gone.py ] ||
	fail "the dearest file is not the first"
exit $bad
