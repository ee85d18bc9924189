/* SPDX-License-Identifier: MIT */
/*
 * The options of recording: the source of pyprof-wrap's flags, of the
 * environment that libpyprof.so reads, of --help, the man page and README's
 * table. Freestanding.
 *
 * To add one: a line X(name, letter, flag, argument, variable, value, default,
 * help) here, a member of struct settings and a case in settings.c.
 *   letter   short flag, or 0
 *   argument its name in --help, or NULL for a flag without
 *   value    what the variable is set to by a flag without argument
 *   default  as --help shows it
 */
#ifndef PYPROF_OPTIONS_H
#define PYPROF_OPTIONS_H

/* clang-format off */
#define PP_OPTIONS(X)                                                          \
X(OUTPUT, 'o', "output", "PATTERN", "PYPROF_OUTPUT", 0, "pyprof.%p.bin",       \
  "where the log goes: %p pid, %h host, %n program, %t start time")            \
X(MODE, 0, "mode", "cpu|wall|none", "PYPROF_MODE", 0, "cpu; none with --trace",\
  "what the sampling clock follows")                                           \
X(RATE, 'r', "rate", "HZ", "PYPROF_RATE", 0, "auto",                           \
  "samples a second: 250, 10k, 10khz; auto is once per kernel tick")           \
X(INTERVAL, 'i', "interval", "TIME", "PYPROF_INTERVAL", 0, 0,                  \
  "the same said as 500us, 1ms; a bare 0.001 to 0.999 is seconds")             \
X(ENGINE, 0, "engine", "auto|timer|ticker|itimer", "PYPROF_ENGINE", 0, "auto", \
  "per-thread CPU timers, a ticker thread, or setitimer")                      \
X(SIGNAL, 0, "signal", "NAME", "PYPROF_SIGNAL", 0, "PROF",                     \
  "the sampling signal")                                                       \
X(TRACE, 0, "trace", "calls|lines", "PYPROF_TRACE", 0, "off",                  \
  "count every call, or every line and call; alone unless --mode is given")    \
X(NO_BUILTINS, 0, "no-builtins", 0, "PYPROF_BUILTINS", "0", "on",              \
  "with --trace calls: leave C functions out, at lower cost")                  \
X(INCLUDE, 0, "include", "RE", "PYPROF_INCLUDE", 0, "all",                     \
  "with --trace: only files that match; also what --exclude leaves out")       \
X(EXCLUDE, 0, "exclude", "RE", "PYPROF_EXCLUDE", 0, "none",                    \
  "with --trace: no files that match")                                         \
X(ASYNC, 0, "async", 0, "PYPROF_ASYNC", "1", "off",                            \
  "asyncio: the running task, and the tasks that await it, in the stacks")     \
X(THREADS, 0, "threads", "all|main", "PYPROF_THREADS", 0, "all",               \
  "which threads are sampled")                                                 \
X(NO_CHILDREN, 0, "no-children", 0, "PYPROF_CHILDREN", "0", "follow",          \
  "do not record child processes")                                             \
X(KEEP_ENV, 0, "keep-env", 0, "PYPROF_KEEP_ENV", "1", "off",                   \
  "put the library back into the environment of programs that are executed")   \
X(START, 0, "start", "on|off", "PYPROF_START", 0, "on",                        \
  "off: ready, but not recording until switched on")                           \
X(TOGGLE, 0, "toggle-signal", "NAME", "PYPROF_TOGGLE", 0, "none",              \
  "a signal that switches recording off and on")                               \
X(DELAY, 0, "delay", "S", "PYPROF_DELAY", 0, "0",                              \
  "seconds before recording begins")                                           \
X(DURATION, 'd', "duration", "S", "PYPROF_DURATION", 0, "whole run",           \
  "seconds of recording")                                                      \
X(RING, 0, "ring", "S", "PYPROF_RING", 0, "off",                               \
  "keep the last S seconds only")                                              \
X(MAX_DEPTH, 0, "max-depth", "N", "PYPROF_MAX_DEPTH", 0, "512",                \
  "deeper stacks keep the leaf side under <truncated>")                        \
X(MAX_SIZE, 0, "max-size", "BYTES", "PYPROF_MAX_SIZE", 0, "none",              \
  "the log stops growing there: 64M, 1G")                                      \
X(QUIET, 'q', "quiet", 0, "PYPROF_VERBOSE", "0", 0,                            \
  "no line at exit")                                                           \
X(VERBOSE, 'v', "verbose", 0, "PYPROF_VERBOSE", "2", 0,                        \
  "always a line at exit, from every process")
/* clang-format on */

#endif
