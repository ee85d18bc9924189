# SPDX-License-Identifier: MIT
# At a terminal: Ctrl-C ends the program as it does without us, and the report
# follows; Ctrl-Z stops the program and pyprof-wrap, fg lets both go on. A shell
# with job control is played here.
# each: interpreter
# parallel: yes
import os
import select
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TOP"], "tests", "lib"))
from profiled import *

WRAP = os.path.join(os.environ["B"], "pyprof-wrap")
MOST = 60  # seconds that anything here may take

PROGRAM = """
import os, signal, sys, time
def went_on(number, frame):
    os.write(1, b"went on\\n")
    if "ends" in sys.argv:
        sys.exit(3)
signal.signal(signal.SIGCONT, went_on)
def spins(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
spins(0.1)
print("ready", flush=True)
spins(%d)
""" % MOST


def play_shell(terminal, line, words):
    """Runs a command in the terminal's foreground; tells how it changes, and
    lets it go on when told to."""
    os.setsid()
    for fd in range(3):
        os.dup2(terminal, fd)
    os.close(os.open(os.ttyname(0), os.O_RDWR))  # it is ours from here on
    signal.alarm(MOST)
    job = os.fork()
    if job == 0:
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(words[0], words)
    stopped = True
    while stopped:
        _, status = os.waitpid(job, os.WUNTRACED)
        stopped = os.WIFSTOPPED(status)
        line.send(f"{job} {status}".encode())
        if stopped and line.recv(100):
            os.killpg(job, signal.SIGCONT)
    os._exit(0)


class Job:
    """A command in the foreground of a terminal of its own."""

    def __init__(self, *words):
        self.said = b""
        self.keys, terminal = os.openpty()
        self.line, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self.line.settimeout(MOST)
        self.shell = os.fork()
        if self.shell == 0:
            try:
                self.line.close()
                play_shell(terminal, its, words)
            finally:
                os._exit(1)
        os.close(terminal)
        its.close()

    def press(self, key):
        os.write(self.keys, key)

    def see(self, words):
        """Wait until the terminal shows this."""
        end = time.monotonic() + MOST
        while words not in self.said and time.monotonic() < end:
            if select.select([self.keys], [], [], 1)[0]:
                try:
                    self.said += os.read(self.keys, 4096)
                except OSError:  # nobody has it any more
                    break
        return expect(words in self.said,
                      f"no {words} in {self.said.decode()!r}; {load()}")

    def change(self):
        """What became of the job: its pid, and the status of wait()."""
        pid, status = map(int, self.line.recv(100).split() or (0, 0))
        return pid, status

    def end(self):
        self.line.close()
        os.waitpid(self.shell, 0)
        os.close(self.keys)


def begin(*arguments, wrap=(WRAP, "--report")):
    job = Job(*wrap, *RUN, EXE, "program.py", *arguments)
    job.see(b"ready")
    return job


def interrupt(*wrap):
    job = begin(wrap=wrap)
    job.press(b"\x03")
    _, status = job.change()
    job.see(b"KeyboardInterrupt")
    if wrap:
        job.see(b"spins")
    job.end()
    return status


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return list(map(int, file.read().split()))


def stop():
    job = begin("ends")
    job.press(b"\x1a")
    pid, status = job.change()
    if expect(os.WIFSTOPPED(status), f"Ctrl-Z: {status}"):
        states = [state_of(each) for each in [pid, *children_of(pid)]]
        expect(set(states) == {"T"} and len(states) == 2,
               f"stopped are not both: {states}")
        job.line.send(b"fg")
        job.see(b"went on")
        _, status = job.change()
        expect(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3,
               f"fg: ended with {status}")
        expect(job.said.count(b"went on") == 1,
               f"SIGCONT came more than once: {job.said.decode()!r}")
        job.see(b"spins")
    job.end()


def main():
    with open("program.py", "w") as file:
        file.write(PROGRAM)
    plain, ours = interrupt(), interrupt(WRAP, "--report")
    expect(plain == ours, f"Ctrl-C: ended with {ours}, without us {plain}")
    stop()
    figures("terminal", f"Ctrl-C: {signal.strsignal(plain & 127)}; Ctrl-Z and"
            " fg; reports")


main()
finish()
