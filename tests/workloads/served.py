# SPDX-License-Identifier: MIT
"""A web application for tests/servers: WSGI, and a bare server by asyncio.

A request for /burn?MS spends MS milliseconds of CPU time in hot(), in pieces
between which it lets others run. The answer tells in its headers which process
that was, and how much time it was by the clock of the thread:

    X-Pid: 4711
    X-Spent-Ns: 20012345

    served.py PORT asyncio|uvloop    runs the server until SIGTERM
"""
import os
import sys
import time

PIECES = 4


def hot(ns):
    """Burn CPU time of this thread; returns how much it was."""
    begin = now = time.thread_time_ns()
    while now < begin + ns:
        now = time.thread_time_ns()
    return now - begin


def answer(query):
    """Headers and body of an answer."""
    spent = 0
    for _ in range(PIECES):
        spent += hot(int(query or 0) * 1_000_000 // PIECES)
        time.sleep(0)
    body = f"burned {query} ms\n".encode()
    return [("Content-Type", "text/plain"), ("Content-Length", str(len(body))),
            ("X-Pid", str(os.getpid())), ("X-Spent-Ns", str(spent))], body


def application(environ, start_response):
    headers, body = answer(environ["QUERY_STRING"])
    start_response("200 OK", headers)
    return [body]


async def serve_one(reader, writer):
    import asyncio
    request = await reader.readuntil(b"\r\n\r\n")
    target = request.split()[1].decode()
    loop = asyncio.get_running_loop()
    # by turns in the loop's thread and in one of the executor
    if target.startswith("/thread"):
        headers, body = await loop.run_in_executor(
            None, answer, target.partition("?")[2])
    else:
        headers, body = answer(target.partition("?")[2])
    head = "".join(f"{k}: {v}\r\n" for k, v in headers)
    writer.write(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n"
                 .encode() + body)
    await writer.drain()
    writer.close()


async def serve(port):
    import asyncio
    import signal
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(serve_one, "127.0.0.1", port)
    async with server:
        await stop.wait()
    print(type(loop).__module__, "has ended")


def main():
    import asyncio
    port, kind = sys.argv[1:]
    if kind == "uvloop":
        import uvloop
        uvloop.install()
    asyncio.run(serve(int(port)))


if __name__ == "__main__":
    main()
