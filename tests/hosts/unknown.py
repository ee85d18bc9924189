# SPDX-License-Identifier: MIT
# A Python that is too old, too new, not CPython as we know it, or lies about
# itself: one line, and the program runs on unprofiled with its own output and
# exit status.
# parallel: yes
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

# The least that a Python exports to be taken for one; -DFULL adds functions
# that an interpreter of this version must have, all of which must not be
# called before the version is known.
FAKE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static const char *version(void)
{
	const char *v = getenv("FAKE_VERSION");
	return v ? v : "3.99.0 (x)";
}
const char *Py_GetVersion(void) { return version(); }
#ifdef FULL
static int called;
char _PyRuntime[65536], PyCode_Type[1024], PyGen_Type[1024];
char PyCoro_Type[1024], PyAsyncGen_Type[1024];
int PySys_AddAuditHook(void *hook, void *data)
{
	called = !!hook + !data;
	return 0;
}
int Py_IsInitialized(void) { return 0; }
void *PyGILState_GetThisThreadState(void) { return 0; }
#endif
int main(int argc, char **argv)
{
	printf("out %s\\n", version());
	fprintf(stderr, "err %d\\n", argc);
	if (argc > 1)
		abort();
	(void)argv;
	return 23;
}
"""
os.environ.pop("RUN", None)
RUN[:] = ["env"]


def one_line(name, words, says, **more):
    clear_logs()
    _, p = both(name, words, log="p.bin", lines=1, **more)
    for line in ours(p.stderr):
        check(line.startswith("pyprof: ") and says in line and
              line.endswith("; the program runs unprofiled"), name, line)
    check(not logs_here(), name, "left", logs_here())
    print(name, ours(p.stderr), signal_name(p.status), flush=True)


if not (compile_c(FAKE, "fake", "-rdynamic")
        and compile_c(FAKE, "fuller", "-rdynamic", "-DFULL")):
    done()
for program in "./fake", "./fuller":
    for version in ("3.99.0 (x)", "3.16.0a1 (main)", "3.7.16 (default)",
                    "2.7.18 (default)", "4.0.0 (x)", "3", "3.", "3.x", "x",
                    "", " ", "3.-1.0", "3.99999999999999999999",
                    "9" * 300):
        one_line(f"{program} {version[:30]!r}", [program], "known" if
                 len(version) < 200 else "", env={"FAKE_VERSION": version})
    one_line(program + " dies", [program, "abort"], "known",
             under=("sh", "-c", 'ulimit -c 0; exec "$@"', "sh"))
# builds that say what they are
one_line("free-threaded", ["./fuller"], "", env={
    "FAKE_VERSION": "3.14.2 free-threading build (main)"})
# a version that we know, which has nothing of what it should have
for version in ("3.8.0 (x)", "3.14.2 (x)"):
    one_line("./fake " + version, ["./fake"], "", env={
        "FAKE_VERSION": version})
    for program in ("./fuller",):
        clear_logs()
        _, p = both(program + version, [program], log="p.bin", lines=None,
                    env={"FAKE_VERSION": version})
        check(len(ours(p.stderr)) <= 1, program, version, p.stderr)
        check(not logs_here(), program, version, "left a log")

# What is installed of the old ones.
found = 0
pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
for old in sorted(glob.glob(pyenv + "/versions/[23].[0-7].*/bin/python")):
    for words in (["-c", "import sys; print(sys.version_info[:2]);"
                         "sys.stderr.write('e'); sys.exit(5)"],
                  ["-c", "import os; os.kill(os.getpid(), 15)"]):
        one_line(old.split("/")[-3], [old, *words], "known")
    found += 1
print(found, "old Pythons here")

# A child that is unknown beside a parent that is not: one line, of the child's.
if EXE and os.path.exists(EXE):
    both("known parent", [EXE, "-c", "import subprocess, sys;"
         "sys.exit(subprocess.call(['./fake']))"], log="q.bin", lines=1)
done()
