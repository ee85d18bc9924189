# SPDX-License-Identifier: MIT
# Programs that embed Python, linked, by dlopen or through a plug-in, once,
# twice, in threads and with sub-interpreters: their profile is true, their
# output and exit status are as without us.
# each: interpreter
# parallel: yes
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

HERE = os.environ["TOP"] + "/tests/e2e/"

# What each mode burns, in seconds; see embed.c.
MODES = {
    "simple": {"burn_one": 0.2},
    "initialize_ex": {"burn_one": 0.2},
    "config": {"burn_one": 0.2},
    "twice": {"burn_one": 0.1, "burn_two": 0.2},
    "subs": {"burn_main": 0.22, "burn_one": 0.2, "burn_two": 0.4},
    "own_gils": {"burn_main": 0.2, "burn_one": 0.2, "burn_two": 0.4},
    "threads": {"burn_main": 0.1, "burn_one": 0.1, "burn_two": 0.1},
    "in_thread": {"burn_one": 0.2},
    "no_finalize": {"burn_one": 0.2},
    "bytes_main": {"burn_one": 0.2},
    "nothing": {},
}
if VERSION < (3, 12):
    del MODES["own_gils"]


def library():
    """The shared libpython of this interpreter, and its home."""
    said = subprocess.run(
        [*RUN, EXE, "-c", "import sysconfig as s, sys;"
         "print(s.get_config_var('LIBDIR')); print(sys.base_prefix)"],
        stdout=subprocess.PIPE, timeout=60, check=True).stdout.decode()
    folder, home = said.splitlines()
    name = "libpython%d.%d.so.1.0" % VERSION
    for path in (folder, folder + "/x86_64-linux-gnu"):
        if len(RUN) == 1 and os.path.exists(f"{path}/{name}"):
            return f"{path}/{name}", home
    return skip(f"no {name} beside this interpreter")


def compile_all(libpython):
    cc = [os.environ.get("CC", "gcc"), "-O1", "-g", "-Wall", HERE + "embed.c"]
    # its functions are weak: 3.11 and older lack one
    link = ["-Wl,--no-as-needed", libpython, "-ldl", "-lpthread",
            "-Wl,-rpath," + os.path.dirname(libpython)]
    for argv in (
            [*cc, "-o", "linked", *link],
            [*cc, "-DBY_DLSYM", "-o", "by-dlsym", "-ldl", "-lpthread"],
            [*cc, "-DPLUGIN", "-fPIC", "-shared", "-o", "plugin.so", *link],
            [*cc[:-1], HERE + "embed-host.c", "-o", "host", "-ldl"]):
        made = subprocess.run(argv, stdout=subprocess.PIPE, timeout=120,
                              stderr=subprocess.STDOUT, check=False)
        if not check(made.returncode == 0, text_of(made.stdout)):
            done()


def judge(name, burned, log, again):
    """Each function has its share of the samples, and nothing is mixed."""
    if not burned:
        check(not logs_here(log), name, "left a log")
        return "no log"
    whole = sum(burned.values())
    # 1 kHz asked: 0.6 of it is the least that is promised
    for n, seconds in burned.items():
        enough(name, 600 * seconds, again, n)
    data = profile(log)
    if not data:
        return "no profile"
    found = {n: total_of(data, n) for n in burned}
    samples = sum(found.values())
    for n, seconds in burned.items():
        share, want = found[n] / max(samples, 1), seconds / whole
        # four standard errors of a few hundred samples
        bound = 4 * (want * (1 - want) / max(samples, 1)) ** 0.5 + 0.05
        check(abs(share - want) <= bound, name, n, "has", share, "not", want)
    # what is not in burn_* is start and end, of up to 40 ms here; a second
    # interpreter's imports are samples like others
    if not name.endswith(("twice", "subs", "own_gils")):
        check(data["samples"] <= samples * 1.1 + 40, name, data["samples"],
              "samples,", samples, "of ours")
    # a stack leads from a module through one of the functions to burn
    folded = text_of(report("-f", "collapsed", "-o", "-", log).stdout)
    for line in folded.splitlines():
        frames = [f.split(" (")[0].split(" ")[0]
                  for f in line.rsplit(" ", 1)[0].split(";")]
        ours_ = [f for f in frames if f in burned]
        if "burn" in frames:
            check(len(ours_) == 1 and
                  frames[frames.index("burn") - 1] == ours_[0],
                  name, "mixed:", line)
    return found


libpython, home = library()
compile_all(libpython)
HOW = (("linked", ["./linked"], {}),
       ("dlsym-local", ["./by-dlsym"], {"SCOPE": "local"}),
       ("dlsym-global", ["./by-dlsym"], {"SCOPE": "global"}),
       ("plugin-local", ["./host"], {"SCOPE": "local"}),
       ("plugin-global", ["./host"], {"SCOPE": "global"}))
# The ways differ in how we learn of the interpreter, the modes in what is done
# with it then; each way with a few modes is enough for a short run.
FEW = ("simple", "twice", "subs", "nothing")
SCALE = 1.0 if FULL else 0.5
for how, words, env in HOW:
    for mode, burned in MODES.items():
        if not (FULL or mode in FEW or how in ("linked", "dlsym-local")):
            continue
        if not is_our_turn():
            continue
        burned = {n: SCALE * seconds for n, seconds in burned.items()}
        name = f"{how}-{mode}"
        clear_logs()
        settings = {"PYTHONHOME": home, "LIBPYTHON": libpython,
                    "PLUGIN": os.path.abspath("plugin.so"),
                    "PYPROF_RATE": "1k", "SCALE": SCALE, **env}
        plain, _ = both(name, [*words, mode], log="p.bin", env=settings)
        check(plain.status == 3, name, "without us:", plain)
        print(name, judge(name, burned, "p.bin", lambda: run(
            [*words, mode], log="p.bin", env=settings)), flush=True)
done()
