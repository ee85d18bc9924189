/* SPDX-License-Identifier: MIT */
/*
 * Names for the compiler's attributes, and the two macros that everybody
 * writes. Freestanding; included from both programs.
 */
#ifndef PYPROF_COMPILER_H
#define PYPROF_COMPILER_H

#define PP_MUST_CHECK	__attribute__((warn_unused_result))
#define PP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define PP_NORETURN	__attribute__((noreturn))
#define PP_UNUSED	__attribute__((unused))
#define PP_NOINLINE	__attribute__((noinline))
#define PP_EXPORT	__attribute__((visibility("default")))
#define PP_LIKELY(x)	__builtin_expect(!!(x), 1)
#define PP_UNLIKELY(x)	__builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
