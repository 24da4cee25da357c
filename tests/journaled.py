"""A run with faults that keeps a journal, in virtual time: what is told of it later is held against its events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from dagtui.core.contract import Choices
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ErrorKind, GatewayError
from dagtui.core.events import Event
from dagtui.core.model import Headroom, Outcome, RateLimits, Record, Request, Response, Usage
from dagtui.core.plan import Plan
from dagtui.core.plugin import Context, Dimension
from dagtui.core.result import RunResult
from dagtui.core.run_settings import RunSettings
from dagtui.io.journal import Journal
from dagtui.io.plan_file import plan_to_plain
from dagtui.io.repeated import Repeated
from dagtui.past.archive import Recorded
from dagtui.past.resuming import look_back
from dagtui.session import Session
from dagtui.testing import FakeGateway, VirtualTimeLoop, records
from tests.engine.harness import PRICES, Asking

RUN = "20261122-191500-4f2a"


class Kept:
    """A sink that keeps the events."""

    essential = False
    wants = None

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        self.events.append(event)

    def flush(self) -> None: ...

    def close(self) -> None: ...


class _AtOnce(Journal):
    """Commits on the loop: a thread does not follow its time."""

    def _post(self) -> None:
        if (job := self._gathered()) is not None:
            self._posted.append(job)
        self._landed += self._syncing
        self._syncing.clear()
        self._busy = True
        self._done(*self._commit(self._posted))


class _Source:
    def __init__(self, rows: Sequence[object]) -> None:
        self._rows = rows

    async def __aiter__(self):
        for row in self._rows:
            yield row


class _Archive:
    """The records that have ended, looked up on the loop: a thread does not follow its time."""

    def __init__(self, path: Path, rows: Sequence[Record], dag: Dag) -> None:
        self._rows = rows
        self._journal = Recorded(path, Repeated((), 0), None, dag)

    async def records(self, indexes: Sequence[int]) -> dict[int, tuple[Record, Mapping[str, Outcome]]]:
        found = self._journal._outcomes(indexes)
        return {index: (self._rows[index], found[index]) for index in indexes}


class _Broken(Asking):
    """Cannot ask the third record."""

    def create_prompt(self, ctx: Context) -> str:
        text = super().create_prompt(ctx)
        if text == "text 2":
            raise BadInput("there is nothing to ask")
        return text


class _Slow(FakeGateway):
    """Takes as long as chance has it."""

    def __init__(self, seed: int) -> None:
        super().__init__(self._reply)
        self._random = random.Random(seed)
        self._left = 1000

    async def complete(self, request: Request, attempt: int) -> Response:
        self.latency = self._random.lognormvariate(-1.5, 0.7)
        return await super().complete(request, attempt)

    def _reply(self, request: Request, attempt: int) -> Response | GatewayError:
        luck, self._left = self._random.random(), self._left - 1
        if luck < 0.1:
            return GatewayError(ErrorKind.RATE_LIMITED, "no", status=429, billed="no", retry_after=1.5)
        if luck < 0.2:
            return GatewayError(ErrorKind.SERVER, "broken", status=500, billed="maybe")
        if luck < 0.25:
            return GatewayError(ErrorKind.BAD_REQUEST, "never", status=400, billed="no")
        usage = Usage(self._random.randrange(50, 100), self._random.randrange(10, 50))
        limits = RateLimits(Headroom(1000, self._left, 12.0))
        return Response("ok", usage, request.choice.model, limits=limits, request_id="r")


async def journaled(
    path: Path,
    steer: Callable[[Session], Awaitable[None]] | None = None,
    *,
    count: int = 60,
    seed: int = 1,
    again: bool = False,
    broken: bool = False,
) -> tuple[list[Event], RunResult]:
    """Run, or with `again` go on, and steer meanwhile; the events of this session."""
    plugin = (_Broken if broken else Asking)(Dimension("first"), Dimension("second", needs=("first",)))
    rows = records(f"text {number}" for number in range(count))
    plan = Plan(path="-", settings=RunSettings(concurrency=8, attempts=3))
    kept, going, earlier = Kept(), None, None
    if again:
        from dagtui.io.journal import JournalReader

        with JournalReader(path) as reader:
            past = reader.past()
        going = await look_back(path, past, plugin, past.recipes[-1], {}, _Source(rows), count, "")
        earlier = going.earlier(Choices(), tells=False)
    facts = {
        "id": RUN,
        "title": "x.csv · ask · demo",
        "dimensions": ["first", "second"],
        "input": {"records": count},
    }
    carried = None if going is None else going.carried()
    journal = _AtOnce(path, None if again else facts, plan_to_plain(plan), {}, {"records": count}, carried)
    session = Session(
        plugin=plugin,
        records=_Source(rows),
        total=count,
        gateway=_Slow(seed),
        settings=plan.settings,
        prices=PRICES,
        seed=seed,
        sinks=[kept],
        run_id=RUN,
        journal=journal,
        earlier=earlier,
        past=going.past if going else None,
        archive=_Archive(path, rows, Dag(plugin.dimensions)),
    )
    if earlier is not None:
        session._owned.append(earlier.aclose)
    steering = asyncio.create_task(steer(session)) if steer else None  # type: ignore[arg-type]
    result = await session.run()
    if steering is not None:
        await steering
    return kept.events, result


def in_virtual_time(main):
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
