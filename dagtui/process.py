"""What a front end does to its own process before a run; who uses dagtui as a library keeps theirs as it is."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import select
import selectors
import sys
import time

MOST_FILES = 65_536
"""Open files asked of the system at most; each request in flight holds one."""


SWITCH_S = 0.00002
"""Seconds after which a thread that waits for the interpreter is given it."""

TURN_S = 0.004
"""Seconds that one turn of the loop should take at most; a timer waits for two or three of them."""


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop that stays prompt: for `asyncio.Runner(loop_factory=process.new_loop)`.

    asyncio serves every socket that is ready before it looks at its timers again. With 2,000 answers at once that
    is a fifth of a second in which no key is heard and no frame is drawn.
    """
    if sys.platform != "linux":
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(_FewAtOnce())


def prepare() -> None:
    """Make the process ready for thousands of requests in flight, and for a crash that gives no keys away."""
    _leave_no_core()
    _calm_collector()
    _switch_promptly()
    _allow_connections()


def _switch_promptly() -> None:
    """Let another thread have the interpreter within 20 us instead of 5 ms.

    A loop that is busy gives it up for the blink of each system call and takes it again, and whoever waits begins
    to wait anew each time: the journal's thread came to its turn after seconds.
    """
    sys.setswitchinterval(SWITCH_S)


def _leave_no_core() -> None:
    """A dump of the memory would hold the keys."""
    try:
        import resource
    except ImportError:  # Windows writes none
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _calm_collector() -> None:
    """Take what is loaded out of the garbage collector's sight, and let it look less often.

    A full collection pauses the loop for 20 to 35 ms, and at the default thresholds a seventh of the throughput
    goes into collections that find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1000)


def open_files() -> int:
    """Files, connections included, that this process may have open, after the limit was raised."""
    _allow_connections()
    try:
        import resource
    except ImportError:
        return MOST_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft


def _allow_connections() -> None:
    """Raise the soft limit of open files to what the system allows: it is 256 on macOS and 1,024 on most Linux."""
    try:
        import resource
    except ImportError:  # Windows knows no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS refuses more than its kernel's own limit; then it stays as it was
        return


if sys.platform == "linux":

    class _FewAtOnce(selectors.EpollSelector):
        """Tells of as many ready sockets as `TURN_S` is enough for; the system keeps the rest, in their order."""

        def __init__(self) -> None:
            super().__init__()
            self._own = select.epoll.fromfd(os.dup(self.fileno()))  # the same, by public means
            self._most = 16.0
            self._turned = time.monotonic()

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            self._learn(time.monotonic() - self._turned)
            wait = -1 if timeout is None else max(0.0, math.ceil(timeout * 1e3) * 1e-3)
            keys, ready = self.get_map(), list[tuple[selectors.SelectorKey, int]]()
            for fd, event in self._own.poll(wait, int(self._most)):
                key = keys[fd]
                reading = selectors.EVENT_READ if event & ~select.EPOLLOUT else 0
                writing = selectors.EVENT_WRITE if event & ~select.EPOLLIN else 0
                ready.append((key, (reading | writing) & key.events))
            self._turned = time.monotonic()
            return ready

        def _learn(self, turn: float) -> None:
            """Down at once after a long turn, up step by step."""
            if turn > TURN_S:
                self._most = max(4.0, self._most * TURN_S / turn)
            else:
                self._most = min(1024.0, self._most + 0.5)

        def close(self) -> None:
            self._own.close()
            super().close()
