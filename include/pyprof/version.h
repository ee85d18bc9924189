/* SPDX-License-Identifier: MIT */
/*
 * The version of pyprof, as --version prints it. The version of the log format
 * is another number: see format.h.
 */
#ifndef PYPROF_VERSION_H
#define PYPROF_VERSION_H

#define PYPROF_VERSION "0.1.0"

#endif
