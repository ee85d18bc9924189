# SPDX-License-Identifier: MIT
"""Tasks of asyncio that are awaited in every way, in one event loop while
another thread has one of its own. Prints as JSON how much CPU time each task
used. A line that awaits or calls says what, for tests/e2e/async.py to read.

    SECONDS  CPU time to use, in all
    STEPS    in how many steps a task does so
"""
import asyncio
import json
import os
import sys
import threading
import time

SECONDS = float(os.environ.get("SECONDS", "1"))
SHARES = {"main": 1, "direct": 1, "child": 2, "gather_one": 1, "gather_two": 2,
          "numbers": 1, "in_group": 2, "in_generator": 1, "unnamed": 1,
          "waited": 1, "shielded": 1, "elsewhere": 1}
STEPS = int(os.environ.get("STEPS", "20"))
NAMES = {"numbers": "z\u00e4hlt", "direct": "\u2603 direct"}
spent = {}


def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def step(who):
    begin = time.thread_time()
    spin(SECONDS * SHARES[who] / sum(SHARES.values()) / STEPS)
    spent[who] = spent.get(who, 0) + time.thread_time() - begin
    await asyncio.sleep(0)


async def steps(who):
    for _ in range(STEPS):
        await step(who)


async def deeper(who):
    await steps(who)


async def direct():
    await deeper("direct")


async def child():
    await deeper("child")


async def waits_for(task):
    await task


async def parent():
    task = named(child)
    await waits_for(task)


async def gather_one():
    await deeper("gather_one")


async def gather_two():
    await steps("gather_two")


async def in_group():
    await deeper("in_group")


async def group():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(in_group(), name="in_group")


async def counted():
    for i in range(STEPS):
        await step("numbers")
        yield i


async def numbers():
    async for _ in counted():
        pass


async def in_generator():
    await steps("in_generator")


async def yields_after(task):
    await task
    yield


async def through():
    task = named(in_generator)
    async for _ in yields_after(task):
        pass


async def unnamed():
    await steps("unnamed")


async def waited():
    await steps("waited")


async def shielded():
    await steps("shielded")


async def elsewhere():
    asyncio.current_task().set_name("elsewhere")
    await steps("elsewhere")


def named(function):
    name = NAMES.get(function.__name__, function.__name__)
    return asyncio.get_event_loop().create_task(function(), name=name)


async def main():
    asyncio.current_task().set_name("main")
    await steps("main")
    await named(direct)
    await named(parent)
    await asyncio.gather(named(gather_one), named(gather_two))
    await named(numbers)
    await named(through)
    await asyncio.create_task(unnamed())
    await asyncio.wait({named(waited)})
    await asyncio.shield(named(shielded))
    if sys.version_info >= (3, 11):
        await named(group)


other = threading.Thread(target=lambda: asyncio.run(elsewhere()))
other.start()
asyncio.run(main())
other.join()
print(json.dumps(spent))
