# SPDX-License-Identifier: MIT
# Programs that are no Python run with the library loaded, and under
# pyprof-wrap, as without: same output and exit status, no line of ours and no
# log. So do a static binary, and setuid programs, which do not get it at all.
# parallel: yes
set -u
failed=0

fail() {
	echo "FAILED $*"
	failed=1
}

# case NAME COMMAND...: three times, and compared.
case_() {
	name=$1
	shift
	"$@" >out.0 2>err.0 </dev/null
	echo $? >rc.0
	env LD_PRELOAD="$LIBRARY" "$@" >out.1 2>err.1 </dev/null
	echo $? >rc.1
	env "PYPROF_VERBOSE=2" "$B/pyprof-wrap" -v -- "$@" >out.2 2>err.2 \
		</dev/null
	echo $? >rc.2
	for i in 1 2; do
		for what in rc out err; do
			diff -u $what.0 $what.$i >diff || {
				fail "$name: $what differs (run $i)"
				cat diff
			}
		done
	done
	logs=$(find . "$dir" -name '*.bin')
	[ -z "$logs" ] || fail "$name: a log: $logs"
	echo "$name $(cat rc.0)"
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/pyprof-hosts.XXXXXX")
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"

case_ sh sh -c 'echo one; echo two >&2; exit 3'
case_ sh-signal sh -c 'kill -TERM $$'
case_ bash bash -c 'x=$(echo sub | tr a-z A-Z); echo $x; exec false'
case_ env env -i A=b sh -c 'echo $A; exit 4'
case_ true true
case_ cat-missing cat /nonexistent/file
case_ sort sh -c 'printf "b\na\n" | sort'
case_ not-found-in-sh sh -c 'no-such-command-here'

if command -v git >/dev/null; then
	case_ git git --version
	case_ git-fails git -C /nonexistent status
	(git init -q repo && cd repo && echo x >f && git add f &&
		git -c user.name=n -c user.email=e commit -qm m) >/dev/null 2>&1
	case_ git-log git -C repo log --format=%s
else
	echo "git: not here"
fi
if command -v perl >/dev/null; then
	case_ perl perl -e 'print "x" x 3, "\n"; warn "w\n"; exit 5'
	case_ perl-prof perl -e '
		use POSIX; my $n = 0;
		$SIG{PROF} = sub { $n++ };
		kill PROF => $$; print "$n\n"; exit 6'
	case_ perl-fork perl -e '
		my $p = fork; exit 9 unless $p; waitpid $p, 0;
		print $? >> 8, "\n"'
else
	echo "perl: not here"
fi
if command -v node >/dev/null; then
	case_ node node -e 'console.log(1 + 1); process.exit(8)'
	case_ node-worker node -e '
		const { Worker, isMainThread } = require("worker_threads");
		const w = new Worker("process.exit(5)", { eval: true });
		w.on("exit", c => { console.log(c); });'
else
	echo "node: not here"
fi

# The host's C programs: static, one that asks for SIGPROF, one that dies.
cat >prof.c <<'E2'
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile sig_atomic_t hits;
static void on(int n) { (void)n; hits++; }
int main(int argc, char **argv)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } };
	struct sigaction old;
	signal(SIGPROF, on);
	setitimer(ITIMER_PROF, &it, 0);
	while (hits < 5)
		;
	sigaction(SIGPROF, 0, &old);
	printf("%d %d\n", (int)hits > 4, old.sa_handler == on);
	if (argc > 1 && !strcmp(argv[1], "die"))
		*(volatile int *)0 = 0;
	return 11;
}
E2
if "$CC" -O1 -o "$dir/prof" prof.c; then
	case_ c-sigprof "$dir/prof"
	(
		ulimit -c 0
		case_ c-sigsegv "$dir/prof" die
		exit $failed
	) || failed=1
else
	fail "cannot compile"
fi
if "$CC" -static -O1 -o "$dir/static" prof.c 2>/dev/null; then
	case_ static "$dir/static"
else
	echo "static: no static libc here"
fi

# ---- setuid ----------------------------------------------------------------

nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

if [ "$(id -u)" = 0 ] && nobody true 2>/dev/null; then
	cp "$LIBRARY" "$dir/libpyprof.so"
	chmod 755 "$dir/libpyprof.so"
	cp "$(command -v id)" "$dir/id"
	# a Python that runs without its environment, if the first one does
	python=$(readlink -f /usr/bin/python3 2>/dev/null)
	[ -z "$python" ] || cp "$python" "$dir/python3"
	chmod 4755 "$dir/id" "$dir/python3" 2>/dev/null
	mkdir -m 777 "$dir/open"
	for words in "$dir/id" \
		"$dir/python3 -c import+os;print(os.getuid(),os.geteuid())"; do
		# + stands for a blank, so that the words can be split
		set --
		for word in $words; do
			set -- "$@" "$(echo "$word" | tr + ' ')"
		done
		[ -x "$1" ] || continue
		(cd "$dir/open" && nobody "$@") >out.0 2>err.0
		echo $? >rc.0
		(cd "$dir/open" && nobody env PYPROF_VERBOSE=2 \
			"LD_PRELOAD=$dir/libpyprof.so" "$@") >out.1 2>err.1
		echo $? >rc.1
		# ld.so itself may say that it leaves the library out
		grep -v '^ERROR: ld.so: .*libpyprof.so.*ignored' err.1 >err.2
		cat out.0
		diff out.0 out.1 && diff err.0 err.2 && diff rc.0 rc.1 ||
			fail "setuid: $*"
		logs=$(find "$dir/open" -type f)
		[ -z "$logs" ] || fail "setuid: left $logs"
		grep -q '65534.*0\|euid=0' out.1 ||
			echo "setuid: not in force here (nosuid?)"
	done
else
	echo "setuid: not tested, no root"
fi
exit $failed
