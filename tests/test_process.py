from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time

import pytest

from dagtui import process


def test_a_front_end_may_open_as_many_files_as_the_system_allows_and_collects_seldom() -> None:
    pytest.importorskip("resource", reason="Windows knows no such limit")
    script = """if True:
        import gc, resource
        from dagtui import process
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        process.prepare()
        soft, still = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = process.MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, process.MOST_FILES)
        print(resource.getrlimit(resource.RLIMIT_CORE)[0] == 0)
        print(soft == wanted, still == hard, gc.get_threshold()[0] > 700, gc.get_freeze_count() > 0)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 5


def test_the_loop_looks_at_its_timers_between_sockets_that_are_all_ready_at_once() -> None:
    served: list[float] = []
    before_the_timer: list[int] = []

    async def busy() -> None:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(100)]

        def serve(near: socket.socket) -> None:
            near.recv(1)
            time.sleep(0.002)
            served.append(loop.time())

        for near, far in pairs:
            loop.add_reader(near, serve, near)
            far.send(b"x")
        loop.call_later(0.01, lambda: before_the_timer.append(len(served)))
        while len(served) < len(pairs):  # noqa: ASYNC110 - an event would be set by the readers alone
            await asyncio.sleep(0.001)
        for near, far in pairs:
            loop.remove_reader(near)
            near.close()
            far.close()

    with asyncio.Runner(loop_factory=process.new_loop) as runner:
        runner.run(busy())
    if sys.platform == "linux":
        assert before_the_timer[0] < 50


def test_the_loop_does_what_asyncio_wants_of_it() -> None:
    async def use() -> tuple[bytes, int]:
        child = await asyncio.create_subprocess_exec("echo", "hello", stdout=asyncio.subprocess.PIPE)
        said, _ = await child.communicate()
        return said, await asyncio.to_thread(lambda: 5)

    with asyncio.Runner(loop_factory=process.new_loop) as runner:
        assert runner.run(use()) == (b"hello\n", 5)
