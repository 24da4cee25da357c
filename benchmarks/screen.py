"""What the screen costs at a million requests of a run that goes on, all panels on.

    python benchmarks/screen.py                 # about two minutes: every case for five seconds
    python benchmarks/screen.py --minutes 10    # the first and the last half minute of ten
    python benchmarks/screen.py --terminal --out figures.txt    # on the terminal at hand

The real app on a driver that makes every byte for a terminal of 160x48 and drops it. The real statistics are fed
2,000 events a second, in a front of 500 requests that moves through the file; then, as the worst case, all over
it. The screen looks ten times a second. Printed for each case: how late a 10 ms ticker in the app's loop was (a
stall of 95 ms counts as nine late ticks); the processor time of the longest single step of the loop, which other
processes do not disturb; processor time as a share of a core, of the whole and less what folding the events alone
takes; from a key to the frame that answers it; bytes to the terminal; and what the process keeps.
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
from decimal import Decimal
from pathlib import Path
from typing import Any

from textual import events
from textual.drivers.headless_driver import HeadlessDriver

sys.path.insert(0, str(Path(__file__).parents[1]))

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, Looked, PhaseChanged, RequestEnded, RunStarted
from dagtui.core.held import Hold, Holder
from dagtui.core.model import Attempt, AttemptError, Failure, Headroom, RateLimits, Success, Usage
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
NEWEST = Order("latency", True)
TERMINAL = False  # the real one
SIZE = (160, 48)
_USAGE, _COST = Usage(91, 40), Decimal("0.000233")
_HOLD = Hold(Holder.REQUESTS, 40_000.0, "header")
_LIMITS = RateLimits(
    Headroom(40_000, 12_000, 20.0), Headroom(4_000_000, 900_000, 11.0), Headroom(400_000, 90_000, 4.0)
)


class Dropping(HeadlessDriver):
    """Not headless for Textual, which therefore makes every byte; counted, and dropped."""

    written = 0
    frames = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        Dropping.written += len(data)
        Dropping.frames += 1


class Feeder:
    """Events of a run in which `FRONT` requests are in flight; a tenth is refused first, a hundredth fails."""

    def __init__(self, session: FakeSession, *, scattered: bool) -> None:
        self._fold, self._count = session.stats.fold, len(session.store)
        self._dice = random.Random(1)
        self._scattered = scattered
        self._next = 0
        self.flying: dict[int, float] = {}

    async def feed(self) -> None:
        began, folded, looked = time.perf_counter(), 0, 0.0
        while True:
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            if now > looked + 0.5:
                looked = now
                self._fold(Looked(time.time(), _HOLD, False, _LIMITS, time.time()))
            due = int((now - began) * EVENTS_A_SECOND)
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


class Figures:
    """Prints a line of figures for each case; `alone` is the share of a core that the events alone take."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self.alone = 0.0

    def say(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def head(self) -> None:
        self.say(
            f"{'':<38}{'lag p50':>8}{'p99':>7}{'max':>7}{'step':>8}{'CPU':>7}{'screen':>8}{'key p50':>9}{'p99':>7}"
            f"{'output':>10}{'memory':>9}"
        )

    async def measure(
        self,
        title: str,
        seconds: float,
        meanwhile: Callable[[], Awaitable[Any]] | None = None,
        app: Any = None,
    ) -> None:
        busy = asyncio.create_task(meanwhile()) if meanwhile else None  # type: ignore[arg-type]
        keys: list[float] = []
        typing = asyncio.create_task(press(app, keys)) if app is not None else None
        BLOCKS.longest()
        cpu, began, written = time.process_time(), time.perf_counter(), Dropping.written
        late = sorted(await lag(seconds))
        lasted = time.perf_counter() - began
        share, rate = (time.process_time() - cpu) / lasted, (Dropping.written - written) / lasted / 1000
        for task in (busy, typing):
            if task is not None:
                task.cancel()
        middle, most = late[len(late) // 2], late[int(len(late) * 0.99)]
        told = "" if not keys else f"{at(keys, 0.5) * 1e3:>6.1f} ms{at(keys, 0.99) * 1e3:>7.1f}"
        self.say(
            f"{title:<38}{middle * 1e3:>8.1f}{most * 1e3:>7.1f}{late[-1] * 1e3:>7.1f}"
            f"{BLOCKS.longest() * 1e3:>8.1f}"
            f"{share:>7.1%}{max(0.0, share - self.alone):>8.1%}{told:>16}{rate:>5.0f} kB/s{kept():>6.0f} MB"
        )


def at(values: list[float], share: float) -> float:
    """The value that `share` of all stay within."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def press(app: Any, took: list[float]) -> None:
    """Set the target up and down, some ten times a second; how long until a frame has gone out for it."""
    dice, number, session = random.Random(5), 0, app.screen.session
    retune, frames = session.retune, list[int]()

    def noted(target: int) -> None:
        frames.append(Dropping.frames)  # a frame counted from here on is one that may show it
        retune(target)

    session.retune = noted
    while True:
        await asyncio.sleep(dice.uniform(0.06, 0.14))
        number += 1
        frames.clear()
        began = time.perf_counter()
        app.post_message(events.Key("plus" if number % 2 else "minus", None))
        await until(lambda: frames)
        if not TERMINAL:
            await until(lambda: Dropping.frames != frames[0])
        took.append(time.perf_counter() - began)


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
    session.stats.fold(RunStarted(time.time(), "run-1", session.dimensions, records, FRONT))
    session.stats.fold(PhaseChanged(time.time(), "running", ""))
    return session


async def events_alone(records: int, seconds: float) -> float:
    """The share of a core that folding the events takes, without an app."""
    session = run_of(min(records, 100_000))
    feeding = asyncio.create_task(Feeder(session, scattered=False).feed())
    await asyncio.sleep(0.5)
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    share = (time.process_time() - cpu) / (time.perf_counter() - began)
    feeding.cancel()
    return share


async def watch(session: FakeSession, figures: Figures, seconds: float, minutes: float = 0.0) -> None:
    """The app on `session`, case by case; or for so many minutes the same case."""
    folder = Path.cwd()
    app = apps.DagtuiApp(FakePlan(path=str(folder)), start_at_once=True, desk=FakeDesk(folder, session))  # type: ignore[arg-type]
    if not TERMINAL:
        app.driver_class = Dropping
    running = asyncio.create_task(app.run_async(size=None if TERMINAL else SIZE, mouse=False))
    await until(lambda: app._screen_stack and isinstance(app.screen, Dashboard) and app.screen.query(RequestMap))
    real = session.stats.snapshot
    session.snapshot = lambda: real(time.time())  # type: ignore[method-assign]
    await asyncio.sleep(2)
    gc.collect()
    gc.freeze()
    await figures.measure("nothing happens", 3.0)
    if minutes:
        await for_long(app, session, figures, minutes)
    elif len(session.store):
        await cases(app, session, figures, seconds)
    app.exit()
    await asyncio.wait([running])


async def for_long(app: Any, session: FakeSession, figures: Figures, minutes: float) -> None:
    feeding = asyncio.create_task(Feeder(session, scattered=False).feed())
    await asyncio.sleep(2)
    await figures.measure("the first half minute", 30.0, app=app)
    await asyncio.sleep(max(0.0, 60 * minutes - 60))
    await figures.measure(f"the last half minute of {minutes:g}", 30.0, app=app)
    feeding.cancel()


async def cases(app: Any, session: FakeSession, figures: Figures, seconds: float) -> None:
    table = app.screen.query_one(RequestsTable)
    for where, scattered in (("a front", False), ("all over the file", True)):
        feeding = asyncio.create_task(Feeder(session, scattered=scattered).feed())
        figures.say(f"-- {EVENTS_A_SECOND:,} events a second, {where}")
        table.action_clear()
        table.sort_by(None)
        if not table.follow:
            table.toggle_follow()
        await figures.measure("following", seconds)
        table.toggle_follow()
        await figures.measure("ten keys a second", seconds, app=app)
        await figures.measure("scrolling, 30 pages a second", seconds, lambda: scroll(table))
        await figures.measure(
            "a new filter, latency>5s", seconds, lambda: begin(figures, table, "latency>5s", None)
        )
        await figures.measure("filtered by latency>5s", seconds, app=app)
        await figures.measure("a new order, by latency", seconds, lambda: begin(figures, table, "", NEWEST))
        await figures.measure("sorted by latency", seconds, app=app)
        await figures.measure(
            "... and scrolling from the middle", seconds, lambda: scroll(table, len(session.store) // 2)
        )
        feeding.cancel()


async def until(true: Callable[[], Any]) -> None:
    while not true():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


async def begin(figures: Figures, table: RequestsTable, query: str, order: Order | None) -> None:
    await asyncio.sleep(0.2)
    began = time.perf_counter()
    table.filter_by(query)
    table.sort_by(order)
    await until(lambda: "%" not in table.matching)
    figures.say(f"   there after {time.perf_counter() - began:.2f} s: {table.matching}")


async def scroll(table: RequestsTable, start: int = 0) -> None:
    table._go(start)
    while True:
        table.action_page(1)
        await asyncio.sleep(1 / 30)


def main() -> None:
    global TERMINAL
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--terminal", action="store_true")
    parser.add_argument("--out", type=argparse.FileType("w"), default=sys.__stdout__)
    given = parser.parse_args()
    TERMINAL = given.terminal
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    figures = Figures(given.out)
    figures.alone = asyncio.run(events_alone(given.records, 3.0))
    before = kept()
    session = run_of(given.records)
    gc.collect()
    each = (kept() - before) * 1e6 / given.records
    figures.say(
        f"{given.records:,} requests: {each:.0f} bytes each with their ids, {columns(session.store)} without;"
    )
    figures.say(f"before the app: {kept():.0f} MB; the events alone take {figures.alone:.1%} of a core")
    figures.head()
    asyncio.run(watch(session, figures, given.seconds, given.minutes))


def columns(store: RequestStore) -> int:
    """Bytes a request of the columns alone."""
    mine = [column for name, column in vars(store).items() if name not in ("changes", "_ids")]
    return sum(getattr(column, "itemsize", 1) for column in mine if isinstance(column, (array, bytearray)))


if __name__ == "__main__":
    main()
