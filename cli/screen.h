/* SPDX-License-Identifier: MIT */
/*
 * The text report in a terminal: lines that are wider than it are made to fit,
 * since a wrapped table cannot be read. Files and pipes get what there is.
 *
 *   - The summary's lines, down to the first empty one, go on below their text.
 *   - Elsewhere paths as in "parse (/usr/lib/python3/ast.py:33)" lose their
 *     first folders: "parse (.../ast.py:33)". What is too wide then is cut,
 *     and ends with a ">".
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdio.h>

/* How many characters fit on a line of it, 0 if it is no terminal. */
unsigned screen_columns(FILE *out);

/* Write `text`, which ends with a newline, for so many columns. */
void screen_fit(const char *text, unsigned columns, FILE *out);

#endif
