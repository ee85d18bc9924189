# SPDX-License-Identifier: MIT
"""Read annotated source, pprofile's or that of pyprof-report --annotate.

parse() gives for each file its rows: {line: hits} and, of the (call) rows,
{(line, file, line of the callee, its name): calls}.
"""
import re

ROW = re.compile(r" *(\d+)\| *(\d+)\| *([^|]+)\| *([^|]+)\| *([\d.]+)%\|")
CALL = re.compile(r"\(call\)\| *(\d+)\|[^|]*\|[^|]*\|[^|]*\|# (.*):(\d+) (.*)$")


def parse(text):
    files = {}
    hits = calls = None
    line = 0
    for row in text.splitlines():
        if row.startswith("File: "):
            hits, calls = files.setdefault(row[6:].strip(), ({}, {}))
            continue
        found = ROW.match(row)
        if found and hits is not None:
            line = int(found.group(1))
            hits[line] = int(found.group(2))
            continue
        found = CALL.match(row)
        if found and calls is not None:
            key = line, found.group(2), int(found.group(3)), found.group(4)
            calls[key] = calls.get(key, 0) + int(found.group(1))
    return files
