"""What the requests table and the map cost at a million requests of a run that goes on.

    python benchmarks/table.py                 # about two minutes
    python benchmarks/table.py --records 100000

The real app on a driver that makes every byte for a terminal of 160x48 and drops it. The real statistics are fed
2,000 events a second, in a front of 500 requests that moves through the file; then, as the worst case, all over.
The screen looks ten times a second. Printed for each case: how late a 10 ms ticker in the app's loop was (a
stall of 95 ms counts as nine late ticks); the processor time of the longest single step of the loop, which other
processes do not disturb; processor time as a share of a core (events and app together; the first line is the app
without requests); bytes to the terminal; and what the process keeps.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import resource
import sys
import time
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from textual.drivers.headless_driver import HeadlessDriver

sys.path.insert(0, str(Path(__file__).parents[1]))

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, RequestEnded
from dagtui.core.model import Attempt, AttemptError, Failure, Success, Usage
from dagtui.core.order import Order
from dagtui.core.store import RequestStore
from dagtui.tui import app as apps
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from tests.tui.fakes import FakeDesk, FakeSession
from tests.tui.fakes import Plan as FakePlan

EVENTS_A_SECOND, FRONT = 2_000, 500
TICK = 0.01
SIZE = (160, 48)
_USAGE, _COST = Usage(91, 40), Decimal("0.000233")


class Dropping(HeadlessDriver):
    """Not headless for Textual, which therefore makes every byte; counted, and dropped."""

    written = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        Dropping.written += len(data)


class Feeder:
    """Events of a run in which `FRONT` requests are in flight; a tenth is refused first, a hundredth fails."""

    def __init__(self, session: FakeSession, *, scattered: bool) -> None:
        self._fold, self._count = session.stats.fold, len(session.store)
        self._dice = random.Random(1)
        self._scattered = scattered
        self._next = 0
        self.flying: dict[int, float] = {}

    async def feed(self) -> None:
        began, folded = time.perf_counter(), 0
        while True:
            await asyncio.sleep(0.005)
            due = int((time.perf_counter() - began) * EVENTS_A_SECOND)
            while folded < due:
                folded += self._one()

    def _one(self) -> int:
        now = time.time()
        if len(self.flying) < FRONT:
            self._next += 1
            seq = self._dice.randrange(self._count) if self._scattered else self._next % self._count
            self.flying[seq] = now
            self._fold(AttemptStarted(now, seq, 1))
            return 1
        seq = next(iter(self.flying)) if self._dice.random() < 0.5 else self._dice.choice(list(self.flying)[:50])
        sent = self.flying.pop(seq)
        luck, took = self._dice.random(), now - sent
        if luck < 0.1:
            error = AttemptError(ErrorKind.RATE_LIMITED, "slow down", 429)
            attempt = Attempt(1, now - took, now, 429, error, retry_in=2.0, retry_reason="retry-after")
            self._fold(AttemptEnded(now, seq, attempt))
            return 1
        if luck < 0.11:
            error = AttemptError(ErrorKind.INVALID_OUTPUT, "the answer is not JSON", 200)
            self._fold(AttemptEnded(now, seq, Attempt(1, now - took, now, 200, error, _USAGE, _COST)))
            self._fold(RequestEnded(now, seq, Failure(error, 1, _USAGE, _COST)))
            return 2
        self._fold(AttemptEnded(now, seq, Attempt(1, now - took, now, 200, None, _USAGE, _COST)))
        category = self._dice.choice(("work", "spam", "newsletter", "personal"))
        self._fold(RequestEnded(now, seq, Success("x", "x", 1, took, _USAGE, _COST, category)))
        return 2


class Blocks:
    """The processor time of the longest step of the loop, since it was last asked for."""

    def __init__(self) -> None:
        self._longest = 0.0
        run, clock = asyncio.Handle._run, time.thread_time

        def timed(handle: asyncio.Handle) -> None:
            began = clock()
            run(handle)
            self._longest = max(self._longest, clock() - began)

        asyncio.Handle._run = timed  # type: ignore[method-assign]

    def longest(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest


BLOCKS = Blocks()


async def lag(seconds: float) -> list[float]:
    """How late each tick was; of a stall, every tick that it held up."""
    late, due, until = list[float](), time.perf_counter() + TICK, time.perf_counter() + seconds
    while due < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        now = time.perf_counter()
        while due <= now:
            late.append(now - due)
            due += TICK
    return late


def kept() -> float:
    """Megabytes in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def measure(title: str, seconds: float, meanwhile: Callable[[], Awaitable[Any]] | None = None) -> None:
    busy = asyncio.create_task(meanwhile()) if meanwhile else None  # type: ignore[arg-type]
    BLOCKS.longest()
    cpu, began, written = time.process_time(), time.perf_counter(), Dropping.written
    late = sorted(await lag(seconds))
    share = (time.process_time() - cpu) / (time.perf_counter() - began)
    rate = (Dropping.written - written) / (time.perf_counter() - began) / 1000
    if busy is not None:
        busy.cancel()
    middle, most, step = late[len(late) // 2], late[int(len(late) * 0.99)], BLOCKS.longest()
    print(
        f"{title:<44}{middle * 1e3:>6.1f}{most * 1e3:>8.1f}{late[-1] * 1e3:>8.1f} ms{step * 1e3:>8.1f} ms"
        f"{share:>8.1%}{rate:>7.0f} kB/s{kept():>7.0f} MB",
        file=sys.__stdout__,  # a running app keeps what is printed to itself
        flush=True,
    )


def run_of(records: int) -> FakeSession:
    """A run whose requests are all read, and half of them answered."""
    session = FakeSession(records=0)
    session._begun = True
    dice, store = random.Random(3), session.store
    for number in range(records):
        store.add_record(f"record_{number:07d}")
    half = records // 2
    store.state[:half] = bytes(3 if dice.random() > 0.01 else 4 for _ in range(half))
    for seq in range(half):
        store.latency[seq] = dice.lognormvariate(0.0, 0.8)
        store.attempts[seq], store.status[seq], store.cost[seq] = 1, 200, dice.randrange(90_000, 400_000)
    counted = session.stats._by_state
    for state in range(len(counted)):
        counted[state] = store.state.count(state)
    return session


async def watch(session: FakeSession, seconds: float, first: str) -> None:
    """The app on `session`, case by case."""
    folder = Path("/nonexistent") if not Path.cwd().exists() else Path.cwd()
    app = apps.DagtuiApp(FakePlan(path=str(folder)), start_at_once=True, desk=FakeDesk(folder, session))  # type: ignore[arg-type]
    app.driver_class = Dropping
    running = asyncio.create_task(app.run_async(size=SIZE, mouse=False))
    await until(lambda: app._screen_stack and isinstance(app.screen, Dashboard) and app.screen.query(RequestMap))
    screen, count = app.screen, len(session.store)
    real = session.stats.snapshot
    session.snapshot = lambda: replace(real(time.time()), automatic=False)  # type: ignore[method-assign]
    table, cells = screen.query_one(RequestsTable), screen.query_one(RequestMap)
    await asyncio.sleep(2)
    gc.collect()
    gc.freeze()
    await measure(first, seconds)
    if count:
        await cases(session, table, cells, seconds)
    app.exit()
    await asyncio.wait([running])


async def cases(session: FakeSession, table: RequestsTable, cells: RequestMap, seconds: float) -> None:
    feeder = Feeder(session, scattered=False)
    show = table.show
    table.show = lambda store, now, expected=0: show(store, now, expected, feeder.flying)  # type: ignore[method-assign]
    for where, scattered in (("a front", False), ("all over the file", True)):
        feeder = Feeder(session, scattered=scattered)
        feeding = asyncio.create_task(feeder.feed())
        print(f"-- {EVENTS_A_SECOND:,} events a second, {where}", file=sys.__stdout__)
        table.action_clear()
        table.sort_by(None)
        table.toggle_follow()
        await measure("following", seconds)
        await measure("scrolling, 30 pages a second", seconds, lambda: scroll(table))
        await measure("a new filter, latency>5s", seconds, lambda: begin(table, "latency>5s", None))
        await measure("filtered by latency>5s", seconds)
        await measure("... and scrolling", seconds, lambda: scroll(table))
        await measure("a new order, by latency", seconds, lambda: begin(table, "", Order("latency", True)))
        await measure("sorted by latency", seconds)
        await measure("... and scrolling from the middle", seconds, lambda: scroll(table, len(session.store) // 2))
        await measure(
            "filtered by failed, sorted by cost", seconds, lambda: begin(table, "failed", Order("cost", True))
        )
        feeding.cancel()


async def until(true: Callable[[], Any]) -> None:
    while not true():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.002)


async def begin(table: RequestsTable, query: str, order: Order | None) -> None:
    await asyncio.sleep(0.2)
    began = time.perf_counter()
    table.filter_by(query)
    table.sort_by(order)
    await until(lambda: "%" not in table.matching)
    print(f"   there after {time.perf_counter() - began:.2f} s: {table.matching}", file=sys.__stdout__)


async def scroll(table: RequestsTable, start: int = 0) -> None:
    table._go(start)
    while True:
        table.action_page(1)
        await asyncio.sleep(1 / 30)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    print(f"{'':<44}{'p50':>6}{'p99':>8}{'max':>8}   {'step':>8}   {'CPU':>8}{'output':>12}{'memory':>10}")
    asyncio.run(watch(FakeSession(records=0), 3.0, "an app without requests"))
    before = kept()
    session = run_of(given.records)
    gc.collect()
    each = (kept() - before) * 1e6 / given.records
    print(f"{given.records:,} requests: {each:.0f} bytes each with their ids, {columns(session.store)} without")
    asyncio.run(watch(session, given.seconds, "nothing happens"))


def columns(store: RequestStore) -> int:
    """Bytes a request of the columns alone."""
    mine = [column for name, column in vars(store).items() if name not in ("changes", "_ids")]
    return sum(getattr(column, "itemsize", 1) for column in mine if isinstance(column, (array, bytearray)))


if __name__ == "__main__":
    main()
