# SPDX-License-Identifier: MIT
"""Short-lived code objects at reused addresses, of four shapes; a line
'number begin end' in monotonic nanoseconds for each goes to TRUTH. The names of
all functions of object 17 end in _17."""
import os
from time import monotonic_ns

COUNT = int(os.environ.get("COUNT", "30000"))
LOOP = """
    total = 0
    for i in range(n):
        total += i & 7
    return total
"""
SHAPES = [
    # all of one shape take the same memory, so the next object of a shape is
    # where the last one was
    "def f_{0}(n):" + LOOP,
    "def f_{0}(n):" + LOOP,
    "def f_{0}(n):\n    def inner_{0}(n):" + LOOP.replace("\n", "\n    ")
    + "\n    return inner_{0}(n)\n",
    "def gen_{0}(n):\n    for i in range(n):\n        yield i & 7\n"
    "def f_{0}(n):\n    return sum(gen_{0}(n))\n",
    "class C:\n    def f_{0}(self, n):" + LOOP.replace("\n", "\n    ")
    + "\nf_{0} = C().f_{0}\n",
]


def main():
    out = open(os.environ["TRUTH"], "w")
    for k in range(COUNT):
        space = {}
        # runs of one shape reuse most, changes of shape mix the sizes
        source = SHAPES[k // 7 % len(SHAPES)].format(k)
        exec(compile(source, "generated", "exec"), space)
        function = space["f_%d" % k]
        begin = monotonic_ns()
        function(2000)
        end = monotonic_ns()
        out.write("%d %d %d\n" % (k, begin, end))
        del space, function
    out.close()


if __name__ == "__main__":
    main()
