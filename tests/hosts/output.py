# SPDX-License-Identifier: MIT
# Logs that cannot be written, or stop being writable: the program's output and
# exit status are as without us, with one clear line at most; what was there
# before is untouched.
# parallel: yes
# timeout: 900
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

BURN = """
import os, resource, signal, sys, threading, time
def burn_user(seconds=0.1):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
ROOT = os.geteuid() == 0


def words(code):
    return [EXE, "-c", BURN + code + "\nprint('out'); sys.exit(9)"]


def sh(line):
    """Words that set something and then run the program."""
    return ("sh", "-c", line + '; exec "$@"', "sh")


def case(name, code="burn_user()", log=None, lines=0, says="", **more):
    plain, profiled = both(name, words(code), log=log or name + ".bin",
                           lines=lines, **more)
    check(plain.status == 9, name, "does not exit 9 itself:", plain)
    said = ours(profiled.stderr)
    check(all(says in l and l.startswith("pyprof: ") for l in said),
          name, repr(says), "is not in", said)
    print(f"{name}: {said}", flush=True)
    return profiled


def samples(log, least=5):
    found = total_of(profile(log), "burn_user")
    check(found >= least, log, "only", found, "samples")


# ---- what is there already -------------------------------------------------

def occupied():
    Path("taken.bin").write_text("precious")
    case("foreign", log="taken.bin", lines=1, says="no log of ours")
    check(Path("taken.bin").read_text() == "precious", "foreign: replaced")
    Path("empty.bin").write_text("")
    case("empty-file", log="empty.bin", lines=1, says="no log of ours")
    # what begins as a log, but is shorter than a header, is none
    Path("short.bin").write_bytes(b"\x89PYPROF\n" + bytes(20))
    case("short", log="short.bin", lines=1, says="no log of ours")
    check(Path("short.bin").stat().st_size == 28, "short: changed")
    Path("folder.bin").mkdir()
    case("directory", log="folder.bin", lines=1, says="folder.bin")
    Path("target").write_text("precious")
    Path("link.bin").symlink_to("target")
    case("symlink", log="link.bin", lines=1, says="link.bin")
    check(Path("target").read_text() == "precious", "symlink: followed")
    Path("dangling.bin").symlink_to("nothing-there")
    case("dangling", log="dangling.bin", lines=1, says="dangling.bin")
    check(not Path("nothing-there").exists(), "dangling: followed")
    os.mkfifo("fifo.bin")
    case("fifo", log="fifo.bin", lines=1, says="fifo.bin")
    case("device", log="/dev/null", lines=1, says="/dev/null")
    check(stat.S_ISCHR(os.stat("/dev/null").st_mode), "device: replaced")
    case("no-such-folder", log="none/such.bin", lines=1, says="none/such.bin:")
    case("name-too-long", log="n" * 300 + ".bin", lines=1, says="too long")
    # an old log is replaced, one of a process that lives is not
    run(words("burn_user()"), log="old.bin")
    first = header("old.bin")["session"]
    case("old-log", log="old.bin")
    check(header("old.bin")["session"] != first, "old log: not replaced")
    check(stat.S_IMODE(os.stat("old.bin").st_mode) == 0o600, "mode")
    case("umask", log="umask.bin", under=sh("umask 0"))
    check(stat.S_IMODE(os.stat("umask.bin").st_mode) == 0o600, "umask: mode")


def living():
    alive = subprocess.Popen(
        [*RUN, f"LD_PRELOAD={LIBRARY}", "PYPROF_OUTPUT=alive.bin", EXE, "-c",
         "print(1, flush=True); input()"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    alive.stdout.readline()
    before = Path("alive.bin").stat().st_ino
    case("living", log="alive.bin")
    check(Path("alive.bin").stat().st_ino == before, "living: replaced")
    others = logs_here("alive.*.bin")
    check(len(others) == 1, "living: beside it", others)
    samples(others[0])
    alive.communicate(b"\n", timeout=20)
    check(header("alive.bin").get("ended") == "1", "living: not ended")
    # it is a living process also as another program
    other = subprocess.Popen(
        [*RUN, f"LD_PRELOAD={LIBRARY}", "PYPROF_OUTPUT=other.bin", EXE, "-c",
         "import os; os.execvp('cat', ['cat'])"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    other.stdin.write(b"x")
    other.stdin.flush()
    check(os.read(other.stdout.fileno(), 1) == b"x", "living: no cat")
    before = Path("other.bin").stat().st_ino
    case("living on", log="other.bin")
    check(Path("other.bin").stat().st_ino == before, "living on: replaced")
    other.communicate(timeout=20)
    case("no longer living", log="other.bin")
    check(Path("other.bin").stat().st_ino != before or
          header("other.bin").get("ended") == "1", "not living: not replaced")


def exhausted():
    """One that has all descriptors that it may have forks: its child has the
    one that ours was."""
    case("exhausted", """
import os
try:
    while True: os.open("/dev/null", os.O_RDONLY)
except OSError:
    pass
pid = os.fork()
if pid == 0:
    os._exit(0)
print(os.waitpid(pid, 0)[1])
burn_user()
""", log="few.bin", under=sh("ulimit -n 100"))
    found = logs_here("few*.bin")
    check(len(found) == 2, "exhausted: logs", len(found), found[:3])


def permissions():
    if not ROOT:
        os.mkdir("closed", 0o500)
        case("read-only", log="closed/a.bin", lines=1, says="ermission")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        library = folder + "/libpyprof.so"
        Path(library).write_bytes(Path(LIBRARY).read_bytes())
        os.chmod(library, 0o755)
        # who drops its rights cannot log its children: not a line from each
        for code in ("""
import os
os.setuid(65534)
for i in range(3):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print(os.system("'%s' -c ''" % sys.executable))
""", """
import os
# subprocess forks before 3.10, and such a child has a log of its own
pid = os.posix_spawnp("setpriv", ["setpriv", "--reuid=65534", sys.executable,
                                  "-c", ""], os.environ)
print(os.waitpid(pid, 0)[1])
"""):
            case("dropped", code, log=folder + "/d.%p.bin",
                 env={"LD_PRELOAD": library})
            logs = list(Path(folder).glob("d.*.bin"))
            check(len(logs) == 1, "dropped: logs", logs)
            for log in logs:
                log.unlink()
        nobody = ("setpriv", "--reuid=65534", "--regid=65534",
                  "--clear-groups")
        if run([EXE, "-c", ""], under=nobody, cwd=folder).status != 0:
            print("permissions: this Python is root's alone: not tested")
            return
        case("read-only", log=folder + "/a.bin", lines=1, says="ermission",
             env={"LD_PRELOAD": library}, under=nobody)
        # neither may the host's own program be in the way
        case("read-only-cwd", log="a.bin", lines=1, says="ermission",
             env={"LD_PRELOAD": library}, under=nobody, cwd=folder)
        # a process that was root when its log was begun, and execs
        os.chmod(folder, 0o777)
        roots = Path(folder, "a.bin")
        roots.write_bytes(b"")
        os.chmod(roots, 0o600)
        case("of-root", log=str(roots), env={"LD_PRELOAD": library},
             under=nobody)
        check(roots.stat().st_size == 0, "of-root: written to")
        check(len(list(Path(folder).glob("a.*.bin"))) == 1,
              "of-root: no log beside it", os.listdir(folder))


def read_only_mount():
    folder = tempfile.mkdtemp()
    mount = f"mount -t tmpfs -o ro none {folder}; exec \"$@\""
    under = ("unshare", "-m", "sh", "-c", mount, "sh")
    if ROOT and run(["true"], under=under).status == 0:
        case("read-only-mount", log=folder + "/a.bin", lines=1,
             says="Read-only file system", under=under)
    else:
        print("read-only-mount: not tested, no mount")
    os.rmdir(folder)


# ---- full ------------------------------------------------------------------

# Each sample has another stack of some 200 frames, so that the log grows by
# several hundred bytes with it.
GROW = """
import random
def a(n): return n and random.choice(functions)(n - 1)
def b(n): return n and random.choice(functions)(n - 1)
def c(n): return n and random.choice(functions)(n - 1)
functions = [a, b, c]
def grow(seconds=1.0):
    end = time.process_time() + seconds
    while time.process_time() < end:
        a(200)
grow()
"""


def full_tmpfs():
    if not ROOT:
        print("tmpfs: not tested, no root")
        return
    for name, kib in (("full-at-once", 0), ("full-header", 8),
                      ("full-later", 300)):
        folder = tempfile.mkdtemp()
        free = max(kib, 4)
        mount = (f"mount -t tmpfs -o size={free}k none {folder} || exit 77;"
                 + (f"head -c 4096 /dev/zero >{folder}/x;" if not kib else "")
                 + f'"$@"; rc=$?; cp {folder}/*.bin . 2>/dev/null; exit $rc')
        under = ("unshare", "-m", "sh", "-c", mount, "sh")
        env = {"PYPROF_RATE": "10k", "PYPROF_VERBOSE": "1"}
        clear_logs()
        plain, profiled = both(name, words(GROW), under=under, env=env,
                               log=folder + "/full.bin", lines=None)
        os.rmdir(folder)
        if plain.status == 77:
            print("tmpfs: not tested, no mount")
            return
        said = ours(profiled.stderr)
        check(plain.status == 9, name, plain)
        check(len(said) == 1, name, "one line wanted, not", said)
        if logs_here("full.bin"):
            data = profile("full.bin")
            print(name, said, data and data["samples"], data and data["lost"])
            check(kib != 300 or data["samples"] > 50, name, "too few samples")
            check(data["lost"]["space"] > 0, name, "nothing counted as lost")
        else:
            print(name, said, "no log")
            check(kib == 0, name, "no log")


def limits():
    # in blocks of 512 or 1024 bytes, as the shell has it: 1 is too small for
    # the header, 1000 for the log, which grows in pieces of up to 256 KiB
    for name, blocks in (("ulimit-f-1", 1), ("ulimit-f-1000", 1000)):
        p = case(name, GROW, under=sh(f"ulimit -f {blocks}"), lines=None,
                 env={"PYPROF_RATE": "10k"})
        check(len(ours(p.stderr)) == 1, name, "one line wanted:", p.stderr)
        if blocks == 1000:
            data = profile(name + ".bin")
            check(data and data["samples"] > 50 and data["lost"]["space"] > 0,
                  name, data and (data["samples"], data["lost"]))
    # the host's own file must fail just as before
    case("ulimit-f-host", """
burn_user()
signal.signal(signal.SIGXFSZ, lambda n, f: print("xfsz"))
try:
    with open("host.out", "wb", 0) as f:
        while True: f.write(b"x" * 65536)
except OSError as e:
    print(e)
burn_user()
""", under=sh("ulimit -f 200"), lines=None)
    base = 1 << 20
    for kib in (base, 200000, 100000, 60000, 40000):
        name = f"ulimit-v-{kib}"
        plain = run(words("burn_user()"), under=sh(f"ulimit -v {kib}"))
        if plain.status != 9:
            print(name, "is too small for the program itself")
            continue
        p = case(name, under=sh(f"ulimit -v {kib}"), lines=None)
        check(len(ours(p.stderr)) <= 1, name, p.stderr)
        if not ours(p.stderr):
            samples(name + ".bin")
    for limit in ("ulimit -n 20", "ulimit -n 8", "ulimit -n 6", "ulimit -n 5",
                  "ulimit -l 0", "ulimit -s 256", "ulimit -u 64",
                  "ulimit -i 0"):
        name = limit.replace(" ", "")
        plain = run(words("burn_user()"), under=sh(limit))
        if plain.status != 9:
            print(name, "is too small for the program itself")
            continue
        p = case(name, under=sh(limit), lines=None)
        check(len(ours(p.stderr)) <= 1, name, p.stderr)
        if not ours(p.stderr):
            samples(name + ".bin")
    # no timer to be had: the ticker takes the threads
    case("sigpending-0", """
resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))
t = [threading.Thread(target=burn_user) for _ in range(3)]
for x in t: x.start()
for x in t: x.join()
""")
    samples("sigpending-0.bin", 20)
    check(int(header("sigpending-0.bin").get("sent", 0)) > 0,
          "sigpending-0: the ticker sent nothing")


# ---- changed while it runs -------------------------------------------------

def changed():
    for name, how in (
            ("truncated-0", "os.truncate('%s.bin', 0)"),
            ("truncated-header", "os.truncate('%s.bin', 4096)"),
            ("truncated-half", "os.truncate('%s.bin', 10000)")):
        for env in ({}, {"PYPROF_RATE": "10k"}):
            clear_logs(name + ".bin")
            Path(name + ".bin.txt").write_text("")
            case(name, f"""
burn_user()
try:
    {how % name}
except FileNotFoundError:
    pass
burn_user()
t = threading.Thread(target=burn_user); t.start(); t.join()
pid = os.fork()
if pid == 0:
    burn_user(0.05); os._exit(0)
os.waitpid(pid, 0)
""", env=env, lines=None)
    case("removed", """
burn_user()
try: os.unlink("removed.bin")
except FileNotFoundError: pass
burn_user()
""")
    check(not logs_here("removed.bin"), "removed: it is back")
    case("moved", """
burn_user()
try: os.rename("moved.bin", "moved-away.bin")
except FileNotFoundError: pass
os.chdir("/")
burn_user()
""")
    samples("moved-away.bin", 20)
    case("overwritten", """
burn_user()
if os.path.exists("overwritten.bin"):
    with open("overwritten.bin", "r+b") as f: f.write(b"z" * 100000)
burn_user()
""", lines=None)


# ---- descriptors -----------------------------------------------------------

def descriptors():
    case("stderr-closed", under=sh("exec 2>&-"))
    samples("stderr-closed.bin")
    case("stderr-closed-fails", log="none/such.bin", under=sh("exec 2>&-"))
    case("all-closed", under=sh("exec 0<&- 1>&- 2>&-"), log="closed.bin")
    samples("closed.bin")
    # number 2 is then a file of the host's: nothing of ours in it
    case("stderr-reused", """
fd = os.open("host.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
print(fd)
burn_user()
""", under=sh("exec 2>&-"), env={"PYPROF_VERBOSE": "2"})
    check(Path("host.txt").read_text() == "", "stderr-reused: we wrote")
    case("stderr-replaced", """
fd = os.open("host2.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
os.dup2(fd, 2)
burn_user()
""", env={"PYPROF_VERBOSE": "2"})
    check(Path("host2.txt").read_text() == "", "stderr-replaced: we wrote")
    case("closerange", """
os.closerange(3, 4096)
burn_user()
print(os.open("/dev/null", os.O_RDONLY), os.dup(0), os.pipe())
t = threading.Thread(target=burn_user); t.start(); t.join()
""", env={"PYPROF_RATE": "10k"}, lines=None)
    # a descriptor that is ours no more is the host's
    case("closed-and-reused", """
burn_user()
os.closerange(3, 4096)
fds = [os.open("host-%d.txt" % i, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
       for i in range(1100)]
for fd in fds: os.write(fd, b"host")
burn_user()
t = [threading.Thread(target=burn_user) for i in range(4)]
for x in t: x.start()
for x in t: x.join()
# among the high ones may be one that we have opened anew
print({os.pread(fd, 100, 0) for fd in fds}, fds[:256], len(set(fds)))
""", under=sh("ulimit -n 4096"), env={"PYPROF_RATE": "10k"}, lines=None)
    check(all(p.read_bytes() == b"host" for p in Path(".").glob("host-*.txt")),
          "closed-and-reused: we wrote into a file of the host's")
    case("lowest", """
print(os.open("/dev/null", os.O_RDONLY), os.dup(1), os.pipe())
print(sorted(n for n in map(int, os.listdir("/proc/self/fd")) if n < 256))
burn_user()
print(os.open("/dev/null", os.O_RDONLY))
""", env={"PYPROF_RATE": "1k"})


occupied()
living()
permissions()
read_only_mount()
full_tmpfs()
limits()
changed()
descriptors()
exhausted()
done()
