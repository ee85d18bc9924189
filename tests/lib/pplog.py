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

(OWNER, THREAD, THREAD_END, THREAD_NAME, STRING, CODE, SAMPLE, LOST,
 INFO) = range(1, 10)

ENGINES = ("none", "timer", "ticker", "itimer")

MAIN, CREATED, FOUND = range(3)
GIL, GIL_WAIT, GC, NATIVE, EXCEPTION, TRUNCATED = 1, 2, 4, 8, 16, 32

HEADER = struct.Struct("<8sIHHIIQQIIIIIIIIQQIIQQQQQ32Q16Q")
HEADER_NAMES = ("magic order major minor header_bytes unit_ns session0 session1"
                " pid ppid python mode engine signal max_depth state_known"
                " tick_ns period_ns auto_rate ended start_real_ns start_ns"
                " start_cpu_ns end_ns end_cpu_ns").split()

Sample = collections.namedtuple("Sample", "time_ns weight_ns state node")
Loss = collections.namedtuple("Loss", "time_ns weight_ns reason")


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
        self.last_time_ns = self.last_cpu_ns = None

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
        self.size = len(data)
        self.unit = self.header["unit_ns"]
        self.threads = {}
        self.infos = {}
        self.strings, self.code_fields = {}, {}
        self.codes = {}
        # the tree: what child a node has for a frame; the frames themselves
        self.children = {}
        self.parents, self.frames = [0], [None]
        for start, end in self.chunks(data):
            self.read_chunk(data, start, end)
        self.put_together()

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
        node = 0
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
            else:
                self.definition(kind, data, at, at + length)
            at += length

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
            if thread.end_cpu_ns is not None:
                raise Broken(f"thread {number} ends twice")
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
                self.strings[file], first)
        for code, _ in self.frames[1:]:
            if code and code not in self.codes:
                raise Broken(f"code {code} is used and not defined")
        for thread in list(self.threads.values()):
            if thread.tid is None and not self.header["ended"] and not any(
                    s.samples or s.losses for s in thread.segments.values()):
                # killed between its OWNER and its THREAD
                del self.threads[thread.number]
            else:
                self.join_segments(thread)

    def join_segments(self, thread):
        """Segments in order; each begins where the one before ended."""
        if thread.tid is None:
            raise Broken(f"thread {thread.number} is not introduced")
        cpu = thread.cpu_ns // self.unit
        for i, seq in enumerate(sorted(thread.segments)):
            segment = thread.segments[seq]
            if i != seq:
                raise Broken(f"no segment {i} of thread {thread.number}")
            if segment.cpu != cpu:
                raise Broken(f"segment {seq} of thread {thread.number} begins"
                             f" at CPU time {segment.cpu}, not {cpu}")
            cpu = segment.end_cpu
            thread.samples += segment.samples
            thread.losses += segment.losses
            thread.last_time_ns = segment.end_time * self.unit
            thread.last_cpu_ns = cpu * self.unit
        if thread.tail_ns is not None and thread.tail_ns < 0:
            raise Broken(f"thread {thread.number} ends before its last sample")

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

    @property
    def total_ns(self):
        """Start-up, samples, lost and unsampled time, own threads."""
        total = self.header["start_cpu_ns"] + self.counters["own_cpu_ns"]
        for thread in self.threads.values():
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
