# SPDX-License-Identifier: MIT
"""Make children in one way:

    children.py WAY

Every Python process that gets so far burns CPU, BURN seconds of it, and writes
its pid, ppid, CPU time and how it ends ("at" once, or "later", after it has
taken down its interpreter) to the file TRUTH as the last that it does. What
makes a child is a function named make_..., whose stack the parent's log should
show.
"""
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor
from time import clock_gettime, CLOCK_PROCESS_CPUTIME_ID

BURN = float(os.environ.get("BURN", "0.02"))
SELF = os.path.abspath(__file__)
LEAF = [sys.executable, "-S", SELF, "leaf"]
TRUTH = os.open(os.environ["TRUTH"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

# forks of a process with threads, on purpose
warnings.simplefilter("ignore", DeprecationWarning)


def cpu():
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID)


def burn(seconds=None):
    total, stop = 0, cpu() + (BURN if seconds is None else seconds)
    while cpu() < stop:
        for i in range(100):
            total += i & 7


def tell(how="later"):
    os.write(TRUTH, b"%d %d %.6f %s\n" % (os.getpid(), os.getppid(), cpu(),
                                          how.encode()))


def leaf(how="at"):
    burn()
    tell(how)
    if how == "at":
        os._exit(0)


def number_of(_):
    """For pools, whose processes are asked more than once, and then end."""
    burn()
    return os.getpid()


def last_of(_):
    tell("pool")


def wait(pid):
    status = os.waitpid(pid, 0)[1]
    if status:
        print("child", pid, "ended with", status)


def make_fork():
    pid = os.fork()
    if pid == 0:
        leaf()
    wait(pid)


def make_fork_exit():
    pid = os.fork()
    if pid == 0:
        leaf("later")
        sys.exit(0)
    wait(pid)


def make_brief():
    for seconds in (0, 0.001, 0.004):
        pid = os.fork()
        if pid == 0:
            burn(seconds)
            tell("at")
            os._exit(0)
        wait(pid)


def make_daemon():
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork():
            tell("at")
            os._exit(0)
        # the parent has gone when the log of this one has told who it was
        os.close(ours)
        os.closerange(1000, 1100)
        leaf()
    os.close(theirs)
    wait(pid)
    os.read(ours, 1)  # ends with the daemon


def make_spawn():
    wait(os.posix_spawn(LEAF[0], LEAF, os.environ))


def make_spawnp():
    wait(os.posix_spawnp(os.path.abspath(LEAF[0]), LEAF, os.environ,
                         setsigmask=[signal.SIGUSR1],
                         setsigdef=[signal.SIGPIPE]))


def make_spawnv():
    os.spawnv(os.P_WAIT, LEAF[0], LEAF)


def make_exec():
    """A child that becomes another program, and that one more."""
    pid = os.fork()
    if pid == 0:
        os.execv(LEAF[0], [*LEAF[:-1], "exec_leaf"])
    wait(pid)


def exec_leaf():
    burn(0.002)
    os.execv(LEAF[0], LEAF)


def make_popen():
    subprocess.run(LEAF, check=True)


def make_popen_fork():
    """preexec_fn has fork() in place of vfork() everywhere."""
    subprocess.run(LEAF, check=True, preexec_fn=os.getpid)


def make_popen_open():
    subprocess.run(LEAF, check=True, close_fds=False)


def make_cleared():
    """Without an environment, but for what the leaf itself needs."""
    need = {"TRUTH": os.environ["TRUTH"], "BURN": str(BURN)}
    subprocess.run(LEAF, check=True, env=need)
    wait(os.posix_spawn(LEAF[0], LEAF, need))
    pid = os.fork()
    if pid == 0:
        os.execve(LEAF[0], LEAF, {**need, "LD_PRELOAD": ""})
    wait(pid)
    words = [f"{name}={value}" for name, value in need.items()]
    subprocess.run(["/usr/bin/env", "-i", *words, *LEAF], check=True)
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(need)
    make_system()
    os.environ.update(saved)


def make_shell():
    subprocess.run(" ".join(LEAF) + "; true", shell=True, check=True)


def make_script():
    with open("script.sh", "w") as out:
        print("#!/bin/sh\n(", *LEAF, ") &\nwait\n", *LEAF, "\nexec", *LEAF,
              file=out)
    os.chmod("script.sh", 0o755)
    subprocess.run(["./script.sh"], check=True)


def make_system():
    os.system(" ".join(LEAF) + "; true")


def make_pty():
    pid, fd = os.forkpty()
    if pid == 0:
        leaf()
    wait(pid)
    os.close(fd)


def make_in_thread():
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    thread = threading.Thread(target=make_fork)
    thread.start()
    thread.join()
    make_popen()
    done.set()
    other.join()


def target():
    leaf("later")


def make_processes(method):
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=target) for _ in range(2)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()


def make_mp_fork():
    make_processes("fork")


def make_mp_spawn():
    make_processes("spawn")


def make_mp_forkserver():
    make_processes("forkserver")


def use_pool(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        pool.map(number_of, range(4), chunksize=1)
        pool.map(last_of, range(8), chunksize=1)
        pool.close()
        pool.join()


def make_pool():
    use_pool("fork")


def make_pool_spawn():
    use_pool("spawn")


def make_pool_forkserver():
    use_pool("forkserver")


def use_executor(method):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(
            method)) as pool:
        list(pool.map(number_of, range(4)))
        list(pool.map(last_of, range(8)))


def make_executor():
    use_executor("fork")


def make_executor_spawn():
    use_executor("spawn")


def make_executor_forkserver():
    use_executor("forkserver")


def make_raw_fork():
    """A child that nobody told us of, which then becomes a program."""
    libc = ctypes.PyDLL(None)
    pid = libc.syscall(57)
    if pid == 0:
        burn()
        os.execv(LEAF[0], LEAF)
    wait(pid)


def make_raw_ends():
    """The same, which has no log."""
    libc = ctypes.PyDLL(None)
    pid = libc.syscall(57)
    if pid == 0:
        burn()
        os._exit(0)
    wait(pid)


def make_clone():
    """clone() as programs call it, with a function and a stack."""
    libc = ctypes.PyDLL(None)
    stack = ctypes.create_string_buffer(1 << 20)
    top = ctypes.addressof(stack) + (1 << 20) - 64 & ~15

    @ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    def child(_):
        print("mask", signal.SIGPROF in signal.pthread_sigmask(
            signal.SIG_BLOCK, []), signal.getsignal(signal.SIGPROF),
              flush=True)
        burn()
        os.execv(LEAF[0], LEAF)
        return 1

    libc.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int,
                           ctypes.c_void_p]
    pid = libc.clone(ctypes.cast(child, ctypes.c_void_p), top, signal.SIGCHLD,
                     None)
    wait(pid)


def main():
    way = sys.argv[1]
    if way == "leaf":
        leaf()
    elif way == "exec_leaf":
        exec_leaf()
    else:
        burn()
        globals()["make_" + way]()
        tell("later")


if __name__ == "__main__":
    main()
