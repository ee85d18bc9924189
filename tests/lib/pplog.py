# SPDX-License-Identifier: MIT
"""Read a log of pyprof, independently of the reader in cli/.

Written from doc/format.md and format.h alone, in the plainest way, so that a
mistake in one of the two readers shows. It trusts nothing that it can check:
read() raises Broken on what a good log never has, which makes every test that
reads a log a test of its form, too.

    log = pplog.read("log.bin")
    for thread in log.threads.values():
        for sample in thread.samples:
            print(sample.time_ns, sample.weight_ns, log.stack(sample.node))

Stacks are nodes of a tree, so that equal ones are decoded, and judged by a
test, once. Node 0 is the empty stack.

Of a traced program, thread.edges, thread.lines and thread.open have what the
log says in the log's own ticks and ids; log.edges(), log.functions() and
log.lines() add them up by what identifies a function in cProfile: its file,
first line and name.
"""
import collections
import os
import re
import struct

MAGIC = b"\x89PYPROF\n"
PAGE = 4096
CHUNK_MAGIC = 0x6B685070

FORMAT_H = os.path.join(os.path.dirname(__file__), *[os.pardir] * 2, "include",
                        "pyprof", "format.h")


def names(table, pattern):
    """The names of one of the lists in format.h, which only ever grow."""
    with open(FORMAT_H) as file:
        _, _, rest = file.read().partition(f"#define {table}(X)")
    return re.findall(pattern, rest[:rest.index("\nenum")])


LOSSES = names("PP_LOSSES", r"X\(\d+, (\w+)")
INFOS = names("PP_INFOS", r"X\(\d+, (\w+)")
COUNTERS = names("PP_COUNTERS", r"X\((\w+)")
COSTS = names("PP_COSTS", r"X\((\w+)")

(OWNER, THREAD, THREAD_END, THREAD_NAME, STRING, CODE, SAMPLE, LOST,
 INFO, EDGES, LINES, OPEN) = range(1, 13)
OFF, FORK, DUMP = 13, 14, 15
GIL_THREADS, GIL_WAITS, GIL_STACKS = 16, 17, 18

ENGINES = ("none", "timer", "ticker", "itimer")

MAIN, CREATED, FOUND, OWN = range(4)
GIL, GIL_WAIT, GC, NATIVE, EXCEPTION, TRUNCATED = 1, 2, 4, 8, 16, 32
AGAIN = 128

HEADER = struct.Struct("<8sIHHIIQQIIIIIIIIQQIIQQQQQ32Q16Q")
HEADER_NAMES = ("magic order major minor header_bytes unit_ns session0 session1"
                " pid ppid python mode engine signal max_depth state_known"
                " tick_ns period_ns auto_rate ended start_real_ns start_ns"
                " start_cpu_ns end_ns end_cpu_ns").split()

TRACE = struct.Struct("<II2Q2Q16Q")  # of the header, behind HEADER
TRACES = ("none", "calls", "lines")
ALIGN = 64
C_FILE = "~"

EDGE = struct.Struct("<IIII9Q")
LINE = struct.Struct("<II4Q")
OPEN_HEAD = struct.Struct("<QQII5Q")
OPEN_CALL = struct.Struct("<QQII2Q")

Edge = collections.namedtuple("Edge", "callee caller line open calls self"
                              " self_own total own recursive recursive_edge"
                              " rest rest_own")
Line = collections.namedtuple("Line", "code line hits entries self own")
OpenCall = collections.namedtuple("OpenCall", "begun own edge line")
# what log.edges() and log.functions() count; primitive is as cProfile has it:
# of an edge, calls while no other by this edge was open, and of a function,
# calls while it was not running
Calls = collections.namedtuple("Calls", "calls primitive open")
Hits = collections.namedtuple("Hits", "hits entries")

Sample = collections.namedtuple("Sample", "time_ns weight_ns state node")
Loss = collections.namedtuple("Loss", "time_ns weight_ns reason")
# the GIL's ledger: of a thread, of a pair of lines, and stacks of long waits
GIL_THREAD = struct.Struct("<II7Q")
GIL_WAITED = struct.Struct("<4I4Q2IQ")
GilThread = collections.namedtuple("GilThread", "thread used takes held since"
                                   " waits waited yielded")
GilWait = collections.namedtuple("GilWait", "waiter waiter_line holder"
                                 " holder_line turns total longest longest_at"
                                 " waiter_thread holder_thread")
GilStacks = collections.namedtuple("GilStacks", "waited waiter holder")
# where a thread was while it was not on a processor
Off = collections.namedtuple("Off", "time_ns until_ns weight_ns looks state"
                             " node")
# a child that a thread made; node is the stack that it was made on
Fork = collections.namedtuple("Fork", "pid time_ns thread node")
# the stack of a thread that was asked for it
Dump = collections.namedtuple("Dump", "serial tid time_ns state node")


class Broken(Exception):
    """The log breaks a rule of its format."""


class Code:
    """A code object."""

    def __init__(self, name, qualname, file, firstlineno):
        self.name, self.qualname, self.file = name, qualname, file
        self.firstlineno = firstlineno

    def __repr__(self):
        return f"{self.name} ({self.file}:{self.firstlineno})"


class Thread:
    """A thread's account: clocks in nanoseconds, samples in order of time."""

    def __init__(self, number):
        self.number = number
        self.tid = self.kind = self.time_ns = self.cpu_ns = None
        self.end_time_ns = self.end_cpu_ns = None
        self.name = None
        self.segments = {}  # seq: Segment
        self.samples, self.losses = [], []
        self.offs = []  # Off
        self.last_time_ns = self.last_cpu_ns = None
        self.edges = {}  # number: Edge
        self.lines = []
        self.open = []  # OpenCall, outermost first
        self.last_ticks = self.own_ticks = None

    @property
    def sampled_ns(self):
        return sum(s.weight_ns for s in self.samples)

    @property
    def lost_ns(self):
        return sum(s.weight_ns for s in self.losses)

    @property
    def tail_ns(self):
        """From the last sample to the end; None if nobody said the end."""
        if self.end_cpu_ns is None:
            return None
        return self.end_cpu_ns - (self.cpu_ns if self.last_cpu_ns is None
                                  else self.last_cpu_ns)


class Segment:
    def __init__(self, time, cpu):
        self.time, self.cpu = time, cpu
        self.end_time, self.end_cpu = time, cpu
        self.state = 0
        self.samples, self.losses = [], []
        self.open = None  # head and calls
        self.is_table = False  # nothing else is in it


class Log:
    """All that a log says; see the module's text."""

    def __init__(self, data):
        if len(data) < HEADER.size or data[:8] != MAGIC:
            raise Broken("not a log")
        values = HEADER.unpack_from(data)
        self.header = dict(zip(HEADER_NAMES, values))
        rest = values[len(HEADER_NAMES):]
        self.counters = dict(zip(COUNTERS, rest))
        self.lost = dict(zip(LOSSES, rest[32:]))
        self.read_trace(data)
        self.size = len(data)
        self.unit = self.header["unit_ns"]
        self.threads = {}
        self.infos = {}
        self.forks, self.dumps = [], []  # Fork, Dump
        self.gil_threads, self.gil_waits, self.gil_stacks = {}, [], []
        self.strings, self.code_fields = {}, {}
        self.codes = {}
        # the tree: what child a node has for a frame; the frames themselves
        self.children = {}
        self.parents, self.frames = [0], [None]
        for start, end in self.chunks(data):
            self.read_chunk(data, start, end)
        self.put_together()

    def read_trace(self, data):
        """The fields of the header that format 1.1 added; 0 before."""
        values = TRACE.unpack_from(data, HEADER.size)
        if self.header["minor"] < 1:
            values = (0,) * len(values)
        self.trace, self.builtins = values[:2]
        self.tick_ticks, self.tick_ns_at = values[2:4], values[4:6]
        self.costs = dict(zip(COSTS, values[6:]))
        self.ring_ns, self.ring_now_ns = (0, 0) if self.header["minor"] < 2 \
            else struct.unpack_from("<QQ", data, HEADER.size + TRACE.size)

    # -- bytes ---------------------------------------------------------------

    def chunks(self, data):
        at = self.header["header_bytes"]
        while at + 16 <= len(data):
            magic, size, used, _ = struct.unpack_from("<IIII", data, at)
            if magic == 0:  # a hole: was given room, never begun
                at += PAGE
                continue
            if magic != CHUNK_MAGIC or size % PAGE or not 16 <= used <= size:
                raise Broken(f"bad chunk at {at:#x}")
            if at + used > len(data):
                raise Broken(f"chunk at {at:#x} ends after the file")
            yield at + 16, at + used
            at += size

    def read_chunk(self, data, at, end):
        segment = None
        node, off_nodes = 0, {}
        while at < end:
            start = at
            kind = data[at]
            length = data[at + 1]
            at += 2
            if length > 127:
                length, at = varint(data, at - 1)
            if at + length > end:
                raise Broken(f"record at {start:#x} ends after its chunk")
            if kind == SAMPLE:
                if segment is None:
                    raise Broken(f"sample without an owner at {start:#x}")
                node = self.sample(data, at, at + length, segment, node)
            elif kind == OWNER:
                number, seq, time, cpu = numbers(data, at, at + length)[:4]
                segment, node = Segment(time, cpu), 0
                off_nodes = {}
                segments = self.thread(number).segments
                if seq in segments:
                    raise Broken(f"two segments {seq} of thread {number}")
                segments[seq] = segment
            elif kind == LOST:
                reason, dt, dcpu = numbers(data, at, at + length)[:3]
                segment.end_time += dt
                segment.end_cpu += dcpu
                segment.losses.append(
                    Loss(segment.end_time * self.unit, dcpu * self.unit,
                         LOSSES[reason]))
            elif kind == OFF:
                self.off(data, at, at + length, off_nodes)
            elif kind == FORK:
                self.forks.append(self.fork(data, at, at + length, number))
            elif kind == DUMP:
                self.dumps.append(self.dump(data, at, at + length))
            elif kind in (GIL_THREADS, GIL_WAITS):
                segment.is_table = True
                self.gil_table(kind, data, at, at + length)
            elif kind == GIL_STACKS:
                waited, depth, *pairs = numbers(data, at, at + length)
                pairs = list(zip(pairs[::2], pairs[1::2]))
                self.gil_stacks.append(GilStacks(waited, pairs[:depth],
                                                 pairs[depth:]))
            elif kind in (EDGES, LINES, OPEN):
                if segment is None:
                    raise Broken(f"table without an owner at {start:#x}")
                segment.is_table = True
                self.table(kind, data, at, at + length, number, segment)
            else:
                self.definition(kind, data, at, at + length)
            at += length

    def table(self, kind, data, at, end, number, segment):
        """EDGES, LINES or OPEN: structs at a multiple of 64 in the file."""
        thread = self.thread(number)
        first = 0
        if kind == EDGES:
            first, at = varint(data, at)
        at += -at % ALIGN
        if kind == OPEN:
            segment.open = self.open_calls(data, at, end)
            return
        form = EDGE if kind == EDGES else LINE
        while at + form.size <= end:
            values = form.unpack_from(data, at)
            if not values[0]:
                break
            if kind == LINES:
                thread.lines.append(Line(*values))
            elif first in thread.edges:
                raise Broken(f"two edges {first} of thread {number}")
            else:
                thread.edges[first] = Edge(*values)
            first += 1
            at += form.size

    @staticmethod
    def open_calls(data, at, end):
        if at + OPEN_HEAD.size > end:
            raise Broken(f"no room for the head of OPEN at {at:#x}")
        last, own, depth = OPEN_HEAD.unpack_from(data, at)[:3]
        at += OPEN_HEAD.size
        if at + depth * OPEN_CALL.size > end:
            raise Broken(f"{depth} open calls do not fit at {at:#x}")
        calls = [OpenCall(*OPEN_CALL.unpack_from(
            data, at + i * OPEN_CALL.size)[:4]) for i in range(depth)]
        return last, own, calls

    def sample(self, data, at, end, segment, node):
        lead, at = varint(data, at)
        dcpu, at = varint(data, at)
        dt, at = varint(data, at)
        dt = dcpu + (-(dt + 1 >> 1) if dt & 1 else dt >> 1)
        if lead & 1:
            segment.state = data[at]
            at += 1
        removed, parents = 0, self.parents
        for _ in range(lead >> 2):
            if not node:
                raise Broken("more frames removed than there are")
            removed, node = node, parents[node]
        if lead & 2:
            if not removed:
                raise Broken("a new line for a frame that was not removed")
            line, at = varint(data, at)
            node = self.child(node, self.frames[removed][0], line)
        while at < end:
            code, at = varint(data, at)
            line, at = varint(data, at)
            node = self.child(node, code, line)
        if at != end:
            raise Broken("a sample is longer than its record")
        segment.end_time += dt
        segment.end_cpu += dcpu
        segment.samples.append(Sample(segment.end_time * self.unit,
                                      dcpu * self.unit, segment.state, node))
        return node

    def gil_table(self, kind, data, at, end):
        """GIL_THREADS or GIL_WAITS, as of this instant."""
        at += -at % ALIGN
        form = GIL_THREAD if kind == GIL_THREADS else GIL_WAITED
        while at + form.size <= end:
            values = form.unpack_from(data, at)[:-1]
            at += form.size
            if kind == GIL_WAITS:
                row = GilWait(*values)
                if not row.turns:
                    break
                self.gil_waits.append(row)
                continue
            row = GilThread(*values)
            if not row.used:
                break
            if row.thread in self.gil_threads:
                raise Broken(f"thread {row.thread} has two accounts")
            self.gil_threads[row.thread] = row

    def off(self, data, at, end, nodes):
        """Time of a thread off the processor; nodes: thread to last stack."""
        fields = []
        for _ in range(4):
            field, at = varint(data, at)
            fields.append(field)
        number, time, gap, state = fields
        at += -at % 8
        until, looks = struct.unpack_from("<QQ", data, at)
        if at + 16 > end or until < time:
            raise Broken(f"OFF at {at:#x} makes no sense")
        node = nodes.get(number, 0)
        if not state & AGAIN:
            node, pairs = 0, numbers(data, at + 16, end)
            for code, line in zip(pairs[::2], pairs[1::2]):
                node = self.child(node, code, line)
        elif number not in nodes:
            raise Broken(f"no stack before OFF at {at:#x}")
        nodes[number] = node
        self.thread(number).offs.append(
            Off(time * self.unit, until * self.unit,
                (gap + until - time) * self.unit, looks, state & ~AGAIN, node))

    def fork(self, data, at, end, thread):
        pid, time, *pairs = numbers(data, at, end)
        node = 0
        for code, line in zip(pairs[::2], pairs[1::2]):
            node = self.child(node, code, line)
        return Fork(pid, time * self.unit, thread, node)

    def dump(self, data, at, end):
        serial, tid, time, state, *pairs = numbers(data, at, end)
        node = 0
        for code, line in zip(pairs[::2], pairs[1::2]):
            node = self.child(node, code, line)
        return Dump(serial, tid, time * self.unit, state, node)

    def child(self, node, code, line):
        key = node, code, line
        child = self.children.get(key)
        if child is None:
            child = self.children[key] = len(self.parents)
            self.parents.append(node)
            self.frames.append((code, line))
        return child

    def definition(self, kind, data, at, end):
        if kind == STRING:
            number, at = varint(data, at)
            width, at = varint(data, at)
            self.define(self.strings, number,
                        bytes(data[at:end]).decode(
                            {0: "utf-8", 1: "latin-1", 2: "utf-16-le",
                             4: "utf-32-le"}[width], "surrogatepass"))
        elif kind == CODE:
            fields = numbers(data, at, end)[:5]
            self.define(self.code_fields, fields[0], fields[1:])
        elif kind == THREAD:
            number, tid, how, time, cpu = numbers(data, at, end)[:5]
            thread = self.thread(number)
            if thread.tid is not None:
                raise Broken(f"thread {number} begins twice")
            thread.tid, thread.kind = tid, how
            thread.time_ns, thread.cpu_ns = time * self.unit, cpu * self.unit
        elif kind == THREAD_END:
            number, time, cpu = numbers(data, at, end)[:3]
            thread = self.thread(number)
            # an exec that fails leaves one, too
            if thread.end_time_ns is None or (time * self.unit
                                              > thread.end_time_ns):
                thread.end_time_ns = time * self.unit
                thread.end_cpu_ns = cpu * self.unit
        elif kind == THREAD_NAME:
            number, at = varint(data, at)
            self.thread(number).name = bytes(data[at:end]).decode()
        elif kind == INFO:
            key, at = varint(data, at)
            self.infos[INFOS[key - 1]] = bytes(data[at:end])
        else:
            raise Broken(f"record of unknown type {kind}")

    # -- meaning -------------------------------------------------------------

    @staticmethod
    def define(table, number, value):
        if number in table:
            raise Broken(f"id {number} is defined twice")
        table[number] = value

    def thread(self, number):
        if number not in self.threads:
            self.threads[number] = Thread(number)
        return self.threads[number]

    def put_together(self):
        for number, fields in self.code_fields.items():
            name, qualname, file, first = fields
            self.codes[number] = Code(
                self.strings[name], self.strings[qualname] if qualname else "",
                self.strings[file] if file else "", first)
        for code, _ in self.frames[1:]:
            if code and code not in self.codes:
                raise Broken(f"code {code} is used and not defined")
        for thread in list(self.threads.values()):
            if thread.tid is None and not any(
                    s.samples or s.losses for s in thread.segments.values()
                    ) and not thread.edges and not thread.offs:
                # the process ended between its OWNER and its THREAD
                del self.threads[thread.number]
            else:
                self.join_segments(thread)
                self.check_tables(thread)

    def join_segments(self, thread):
        """Segments in order; each begins where the one before ended."""
        if thread.tid is None:
            raise Broken(f"thread {thread.number} is not introduced")
        cpu = thread.cpu_ns // self.unit
        for i, seq in enumerate(sorted(thread.segments)):
            segment = thread.segments[seq]
            if i != seq and not self.ring_ns:
                raise Broken(f"no segment {i} of thread {thread.number}")
            if segment.open:
                thread.last_ticks, thread.own_ticks, thread.open = segment.open
            if segment.is_table and thread.last_cpu_ns is not None:
                continue  # begun while the one before went on
            if segment.cpu < cpu if self.ring_ns else segment.cpu != cpu:
                raise Broken(f"segment {seq} of thread {thread.number} begins"
                             f" at CPU time {segment.cpu}, not {cpu}")
            cpu = segment.end_cpu
            thread.samples += segment.samples
            thread.losses += segment.losses
            thread.last_time_ns = segment.end_time * self.unit
            thread.last_cpu_ns = cpu * self.unit
        if (thread.end_time_ns or 0) < (thread.last_time_ns or 0):
            # before an exec that failed
            thread.end_time_ns = thread.end_cpu_ns = None
        if thread.tail_ns is not None and thread.tail_ns < 0:
            raise Broken(f"thread {thread.number} ends before its last sample")

    def check_tables(self, thread):
        """What must hold of tables at any instant."""
        what = f"thread {thread.number}:"
        for number, edge in thread.edges.items():
            for code in (edge.callee, edge.caller):
                if code and code not in self.codes:
                    raise Broken(f"{what} code {code} is not defined")
            # one event may be half written when a program is killed
            if not (edge.open <= edge.calls + 1
                    and edge.recursive_edge <= edge.recursive + 1
                    and edge.recursive <= edge.calls + 1):
                raise Broken(f"{what} edge {number} is impossible: {edge}")
            if not 0 <= edge.self < 1 << 62 or edge.total >= 1 << 62:
                raise Broken(f"{what} edge {number} took no such time: {edge}")
        missing = set(range(len(thread.edges))) - set(thread.edges)
        if missing:
            raise Broken(f"{what} no edges {sorted(missing)[:5]}")
        for line in thread.lines:
            if line.code not in self.codes:
                raise Broken(f"{what} code {line.code} of a line is not"
                             " defined")
        for call in thread.open:
            if call.edge not in thread.edges:
                raise Broken(f"{what} an open call of edge {call.edge}")

    # -- for tests -----------------------------------------------------------

    @property
    def samples(self):
        """Those of all threads, each thread's in order."""
        for thread in self.threads.values():
            yield from thread.samples

    @property
    def engine(self):
        return ENGINES[self.header["engine"]]

    def nodes(self, node):
        """The nodes of a stack, root first."""
        found = []
        while node:
            found.append(node)
            node = self.parents[node]
        return found[::-1]

    def frame(self, node):
        """Code and line of a node's frame; (None, None) for no name."""
        if not node:
            return None, None
        number, line = self.frames[node]
        code = self.codes.get(number)
        return code, (code.firstlineno + line) % 2 ** 32 if code else None

    def stack(self, node):
        """The frames of a stack as pairs of Code and line, root first."""
        return [self.frame(n) for n in self.nodes(node)]

    def names(self, node):
        """The names of a stack's functions, root first."""
        return [code.name if code else "<code?>"
                for code, _ in self.stack(node)]

    def label(self, code):
        """What a function is in cProfile: file, first line, name; None for
        the caller of a thread's first function."""
        if not code:
            return None
        code = self.codes[code]
        return code.file, code.firstlineno, code.name

    def merged_edges(self, threads, key):
        found = {}
        for thread in threads or self.threads.values():
            for edge in thread.edges.values():
                into = found.setdefault(key(edge), [0, 0, 0])
                into[0] += edge.calls
                into[1] += edge.calls - edge.recursive_edge
                into[2] += edge.open
        return {k: Calls(*v) for k, v in found.items()}

    def edges(self, *threads):
        """Calls by (caller, callee) of some threads, or of all."""
        return self.merged_edges(threads, lambda e: (
            self.label(e.caller), self.label(e.callee)))

    def functions(self, *threads):
        """Calls by function of some threads, or of all."""
        found = {}
        for thread in threads or self.threads.values():
            for edge in thread.edges.values():
                into = found.setdefault(self.label(edge.callee), [0, 0, 0])
                into[0] += edge.calls
                into[1] += edge.calls - edge.recursive
                into[2] += edge.open
        return {k: Calls(*v) for k, v in found.items()}

    def lines(self, *threads):
        """Hits by function and line of some threads, or of all."""
        found = {}
        for thread in threads or self.threads.values():
            for line in thread.lines:
                first = self.codes[line.code].firstlineno
                into = found.setdefault(
                    (self.label(line.code), (first + line.line) % 2 ** 32),
                    [0, 0])
                into[0] += line.hits
                into[1] += line.entries
        return {k: Hits(*v) for k, v in found.items()}

    def seconds(self, ticks):
        """A time in ticks as seconds."""
        (t0, t1), (n0, n1) = self.tick_ticks, self.tick_ns_at
        return ticks * (n1 - n0) / max(t1 - t0, 1) / 1e9

    def unbalanced(self):
        """What does not hold of the open calls of a log that has ended: each
        edge's are those on the threads' stacks, and each one is called by the
        one below. None if all is well."""
        for thread in self.threads.values():
            on_stack = collections.Counter(c.edge for c in thread.open)
            for number, edge in thread.edges.items():
                if edge.open != on_stack[number]:
                    return (f"thread {thread.number}: {edge.open} open calls of"
                            f" {self.label(edge.callee)} by"
                            f" {self.label(edge.caller)},"
                            f" {on_stack[number]} on the stack")
                if edge.recursive_edge > edge.recursive \
                        or edge.recursive > edge.calls:
                    return f"thread {thread.number}: {edge}"
            for outer, inner in zip(thread.open, thread.open[1:]):
                by, of = thread.edges[inner.edge], thread.edges[outer.edge]
                if by.caller and by.caller != of.callee:
                    return (f"thread {thread.number}: on its stack"
                            f" {self.label(by.callee)} is called by"
                            f" {self.label(by.caller)}, not"
                            f" {self.label(of.callee)}")
        return None

    @property
    def total_ns(self):
        """Start-up, samples, lost and unsampled time, own threads."""
        total = self.header["start_cpu_ns"] + self.counters["own_cpu_ns"]
        for thread in self.threads.values():
            if thread.kind != OWN:  # whose time the counter has
                total += thread.end_cpu_ns - thread.cpu_ns
        return total


def varint(data, at):
    byte = data[at]
    at += 1
    if byte < 128:
        return byte, at
    value, shift = byte & 127, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise Broken(f"number too long at {at:#x}")


def numbers(data, at, end):
    found = []
    while at < end:
        value, at = varint(data, at)
        found.append(value)
    return found


def read(path):
    with open(path, "rb") as file:
        return Log(file.read())
