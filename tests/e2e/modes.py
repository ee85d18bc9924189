# SPDX-License-Identifier: MIT
# Every way to start a Python leaves a log with samples of the user's function
# and none of ours, and the program's output and exit status are as without us.
# each: interpreter
# parallel: yes
import os
import pty
import sys
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TOP"] + "/tests/lib")
from sidebyside import *  # noqa: E402,F403

# 0.2 s are 20 samples at the slowest tick there is (100 Hz); 5 are asked for,
# as the machine may be busy and the first ticks go to what leads up to it.
SECONDS = 1.0 if FULL else 0.2
LEAST = 25 if FULL else 5

PROGRAM = f"""
import sys, time
def burn_user():
    end = time.process_time() + {SECONDS}
    while time.process_time() < end:
        pass
burn_user()
print("argv", sys.argv[1:], __name__, sorted(k for k in globals()
      if not k.startswith("__") or k == "__main__"))
print("flags", sys.flags.isolated, sys.flags.no_site, file=sys.stderr)
sys.exit(7)
"""

# A line at a prompt ends a block with an empty one.
TYPED = f"""import sys, time
def burn_user():
    end = time.process_time() + {SECONDS}
    while time.process_time() < end: pass

burn_user()
print("typed")
sys.exit(7)
"""


def judge(name, outcomes, log):
    plain, _ = outcomes
    check(plain.status == 7, name, "the program itself fails", plain)
    data = profile(log)
    if not data:
        return
    found = total_of(data, "burn_user")
    check(found >= LEAST, name, "only", found, "samples of burn_user")
    strange = [f for f in data["functions"] if "pyprof" in f["name"]
               or "_pyprof" in (f["file"] or "")]
    check(not strange, name, "frames of ours", strange)
    names = {f["name"] for f in data["functions"]}
    check("<module>" in names, name, "no <module> in", names)
    print(name, found)


def mode(name, *words, **more):
    log = name + ".bin"
    judge(name, both(name, [EXE, *words], log=log, **more), log)


def write_programs():
    Path("script.py").write_text(PROGRAM)
    Path("module_x.py").write_text(PROGRAM)
    Path("folder").mkdir()
    Path("folder/__main__.py").write_text(PROGRAM)
    Path("package").mkdir()
    Path("package/__init__.py").write_text("")
    Path("package/__main__.py").write_text(PROGRAM)
    with zipfile.ZipFile("app.pyz", "w") as z:
        z.writestr("__main__.py", PROGRAM)


def at_a_prompt():
    """Typed at a terminal; what the prompt prints goes to files."""
    ends = []

    def terminal():
        ours_, its = pty.openpty()
        ends.append(ours_)
        os.write(ours_, TYPED.encode())
        return its

    env = {"TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nowhere"}
    plain = run([EXE, "-q"], stdin=terminal(), env=env)
    with_us = run([EXE, "-q"], log="repl.bin", stdin=terminal(), env=env)
    same("repl", plain, with_us)
    judge("repl", (plain, with_us), "repl.bin")
    for fd in ends:
        os.close(fd)


def in_venv():
    made = run([EXE, "-m", "venv", "--without-pip", "ve"])
    if made.status != 0:
        print("venv: not tested:", made.stderr.strip()[-200:])
        return
    log = "venv.bin"
    judge("venv", both("venv", [os.path.abspath("ve/bin/python"),
                                "script.py", "a"], log=log), log)
    data = header(log)
    check(data.get("ended") == "1", "venv: ended", data.get("ended"))


MODES = {
    "script": ("script.py", "a", "-b"),
    "command": ("-c", PROGRAM, "a"),
    "module": ("-m", "module_x", "a"),
    "package": ("-m", "package", "a"),
    "stdin": (),
    "stdin-dash": ("-", "a"),
    "zipapp": ("app.pyz", "a"),
    "directory": ("folder", "a"),
    "isolated": ("-I", "-S", "script.py", "a"),
    "no-site": ("-S", "-E", "-c", PROGRAM),
    "optimised": ("-OO", "-X", "dev", "-W", "error", "script.py"),
    "interactive": ("-i", "-q"),
}
STDIN = {"stdin": PROGRAM, "stdin-dash": PROGRAM, "interactive": TYPED}

write_programs()
for name, words in our_share(MODES.items(), 2):
    mode(name, *words, **({"stdin": STDIN[name].encode()} if name in STDIN
                          else {}))
for test in our_share((at_a_prompt, in_venv), 2):
    test()
done()
