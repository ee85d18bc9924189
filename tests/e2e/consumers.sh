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

for log in records threads recursion truncated-stack unnamed names killed; do
	"$TOP/tests/golden/assemble" "$TOP/tests/golden/$log.hex" >$log.bin
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
	callgrind_annotate --auto=yes callgrind.out.1 >cg 2>cg.err ||
		fail "callgrind_annotate: exit $?"
	! grep -q WARNING cg cg.err || fail "callgrind_annotate warns"
	same "callgrind's total" "$(sed -n 's/,//g
		s/^\([0-9]*\) (100.0%) *\([0-9]*\).*PROGRAM TOTALS/\1 \2/p' cg)" \
		"$ns $samples"
	# More than the total would be recursion counted twice.
	callgrind_annotate --inclusive=yes --threshold=100 callgrind.out.1 |
		grep -E '\((1[0-9][1-9]|[2-9][0-9][0-9])\.[0-9]%\)' &&
		fail "callgrind has more than 100 %"

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
