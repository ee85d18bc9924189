#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print tests/unit/lines_tables.h: line tables that CPython has compiled.

    tests/unit/lines_tables.py > tests/unit/lines_tables.h

runs itself (--rows) with the newest of each version that tools/interpreters
finds. What is expected of an instruction is what that CPython's own
PyCode_Addr2Line() says of it.
"""
import itertools
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve()
TOP = HERE.parent.parent.parent

# Each grows the tables in another way: lines back and forth, code without
# lines, steps too large for one entry, one line with much code.
SOURCES = {
    "short": "def f(a):\n    return a + 1\n",
    "module": "import a\nx = 1\n\nclass C:\n    y = x\n",
    "branches": """def f(a):
    total = 0
    for i in a:
        if i:
            total += g(i,
                       h(i),
                       total)
        elif total:
            continue
        while total > 9:
            total -= (
                i
                + 1
            )
    return total
""",
    "cleanup": """def f(a):
    try:
        with a() as b, b:
            yield b
    except ValueError as e:
        raise TypeError from e
    except (KeyError,
            IndexError):
        pass
    finally:
        a(
            1)
    return lambda: (a,
        b)
""",
    "coroutine": """async def f(a):
    async with a as b:
        async for c in b:
            await c
    return [d async for d in a
            if d]
""",
    "far": "def f():\n    a = 1\n" + "\n" * 5000 + "    return a\n",
    "back": "def f(a):\n    return a(" + "\n" * 200 + "    1\n" + "    )[\n"
            + "\n" * 140 + "    2]\n",
    "wide": "def f(a):\n    return ("
            + " + ".join(["a.b(a)"] * 20) + ")\n",
}


def deepest(code):
    """The code objects inside, and this one where it is itself the subject."""
    inner = [c for c in code.co_consts if hasattr(c, "co_code")]
    return [code] + [d for c in inner for d in deepest(c)]


def rows():
    import ctypes
    minor = sys.version_info[1]
    step = 1 if minor < 10 else 2
    line_of = ctypes.pythonapi.PyCode_Addr2Line
    line_of.argtypes = [ctypes.py_object, ctypes.c_int]
    for name, source in SOURCES.items():
        for number, code in enumerate(deepest(compile(source, name, "exec"))):
            if number == 0 and name != "module":
                continue
            table = code.co_linetable if minor > 9 else code.co_lnotab
            lines = [line_of(code, at)
                     for at in range(0, len(code.co_code), 2)]
            runs = ["%d,%d" % (len(list(same)), line)
                    for line, same in itertools.groupby(lines)]
            print("%s_%d" % (name, number), 2 // step, code.co_firstlineno,
                  table.hex(), ",".join(runs), sep="\t")


def c_array(kind, name, numbers):
    text = "static const %s %s[] = {\n" % (kind, name)
    line = "\t"
    for n in numbers:
        if len(line) + len(str(n)) > 70:
            text += line.rstrip() + "\n"
            line = "\t"
        line += "%s, " % n
    return text + line.rstrip() + "\n};\n"


def newest():
    """The last interpreter of each version, as words to run it."""
    found = {}
    out = subprocess.run([TOP / "tools/interpreters"], check=True,
                         stdout=subprocess.PIPE, universal_newlines=True)
    for line in out.stdout.splitlines():
        version, words = line.split("\t")
        found[".".join(version.split(".")[:2])] = version, shlex.split(words)
    return found


def main():
    arrays, cases, versions = [], [], []
    for short, (version, words) in newest().items():
        minor = short.split(".")[1]
        versions.append(version)
        out = subprocess.run(words + ["-I", "-", "--rows"], check=True,
                             stdin=open(HERE), stdout=subprocess.PIPE,
                             universal_newlines=True)
        for row in out.stdout.splitlines():
            name, step, first, table, lines = row.split("\t")
            name = "%s_%s" % (name, minor)
            arrays.append(c_array("uint8_t", "table_" + name,
                                  bytes.fromhex(table)))
            arrays.append(c_array("int32_t", "lines_" + name,
                                  lines.split(",")))
            cases.append("\tLINES_CASE(%s, %s, %s, %s)," % (
                minor, step, first, name))
    print("/* SPDX-License-Identifier: MIT */")
    print("/*\n" + textwrap.fill(
        "Line tables of code that CPython has compiled, and what it says "
        "itself: so many instructions of this line, and so on; line -1 is "
        "none. Printed by lines_tables.py with %s and %s."
        % (", ".join(versions[:-1]), versions[-1]),
        78, initial_indent=" * ", subsequent_indent=" * ") + "\n */")
    print("#ifndef LINES_TABLES_H\n#define LINES_TABLES_H\n")
    print("#include <stdint.h>\n\n#include \"pyprof/compiler.h\"\n\n/* clang-format off */\n")
    print("""struct lines_case {
	const char *name;
	int minor;	   /* CPython 3.minor */
	uint32_t step;	   /* from one instruction to the next, in positions */
	int32_t first;	   /* co_firstlineno */
	const uint8_t *table;
	uint32_t bytes;
	const int32_t *lines; /* pairs: instructions, line */
	uint32_t count;
};

#define LINES_CASE(minor, step, first, name)                                   \\
	{ #name, minor, step, first, table_##name, ARRAY_LEN(table_##name),     \\
	  lines_##name, ARRAY_LEN(lines_##name) }
""")
    print("\n".join(arrays))
    print("static const struct lines_case lines_cases[] = {")
    print("\n".join(cases))
    print("};\n/* clang-format on */\n\n#endif")


if sys.argv[1:] == ["--rows"]:
    rows()
else:
    main()
