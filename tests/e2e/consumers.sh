#!/bin/sh
# SPDX-License-Identifier: MIT
# parallel: yes
#
# Each format is opened by the program it is made for, and every format says
# the same totals. The logs are the golden ones, so nothing is measured.

report=$B/pyprof-report
flamegraph=/usr/share/perl5/Devel/NYTProf/flamegraph.pl
for tool in callgrind_annotate jq xmllint; do
	command -v $tool >/dev/null || missing="$missing $tool"
done
[ -f $flamegraph ] || missing="$missing flamegraph.pl"
/usr/bin/python3 -c 'import jsonschema' 2>/dev/null ||
	missing="$missing python3-jsonschema"
[ -z "$missing" ] || { echo "no$missing; try tools/deps test"; exit 77; }

bad=0
fail() {
	echo "$log: $*"
	bad=1
}

# same WHAT GOT EXPECTED
same() {
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

# check_callgrind TOTALS: callgrind.out.1 has these, and no row more than that,
# which would be recursion counted twice.
check_callgrind() {
	callgrind_annotate --auto=yes callgrind.out.1 >cg 2>cg.err ||
		fail "callgrind_annotate: exit $?"
	! grep -q WARNING cg cg.err || fail "callgrind_annotate warns"
	same "callgrind's total" "$(sed -n 's/,//g
		s/^\([0-9]*\) (100.0%) *\([0-9]*\).*PROGRAM TOTALS/\1 \2/p' cg)" \
		"$1"
	callgrind_annotate --inclusive=yes --threshold=100 callgrind.out.1 |
		grep -aE '\(([1-9][0-9]{2,}\.[0-9])%\)' | grep -av '(100\.0%)' &&
		fail "callgrind has more than 100 %"
}

is_valid() {
	/usr/bin/python3 -c '
import json, sys, jsonschema
jsonschema.validate(*(json.load(open(name)) for name in sys.argv[1:]))
' "$1" "$TOP/doc/pyprof.schema.json"
}

echo '{"format": "pyprof", "version": 1}' >little.json
is_valid little.json 2>/dev/null && fail "the schema takes anything"
for source in "$TOP"/tests/golden/*.hex; do
	log=$(basename "$source" .hex)
	"$TOP/tests/golden/assemble" "$source" >$log.bin
	"$report" $log.bin --json -o out.json 2>/dev/null
	is_valid out.json || fail "JSON that is not as its schema says"
done

for log in trace trace-lines; do
	"$report" $log.bin --json -o out.json
	"$report" $log.bin --callgrind -o callgrind.out.1
	check_callgrind "$(jq -r '"\([.functions[].traced_self_ns] | add) \(
			[.functions[].calls] | add)"' out.json)"
done

for log in records threads recursion truncated-stack unnamed names killed; do
	"$report" $log.bin 2>/dev/null >text || fail "text: exit $?"
	samples=$(awk '$1 == "samples" && $3 == "for" { print $2 }' text)

	"$report" $log.bin --json -o out.json 2>/dev/null
	ns=$(jq .sampled_ns out.json)
	same "json's samples" "$(jq .samples out.json)" "$samples"
	same "sum of functions" "$(jq '[.functions[].samples] | add' out.json)" \
		"$samples"
	same "sum of lines" \
		"$(jq '[.functions[].lines[].self_ns] | add' out.json)" "$ns"

	"$report" $log.bin --callgrind -o callgrind.out.1 2>/dev/null
	check_callgrind "$ns $samples"

	"$report" $log.bin --collapsed 2>/dev/null >folded
	same "sum of stacks" "$(awk '{ n += $NF } END { print n }' folded)" \
		"$samples"
	same "sum of microseconds" "$("$report" $log.bin --collapsed --unit us \
		2>/dev/null | awk '{ n += $NF } END { print n }')" \
		"$((ns / 1000))"
	perl $flamegraph folded >out.svg 2>svg.err || fail "flamegraph: exit $?"
	xmllint --noout out.svg || fail "no SVG"

	"$report" $log.bin --annotate 2>/dev/null >annotated
	same "annotate's duration" "$(sed -n 's/^Total duration: //p' annotated)" \
		"$(awk -v ns="$ns" 'BEGIN { printf "%gs", ns / 1e9 }')"
done
exit $bad
