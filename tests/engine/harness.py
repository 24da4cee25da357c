"""A run of the engine alone: a fake gateway, virtual time, every event kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import Event, RecordEnded
from dagtui.core.model import Outcome, ProviderChoice, Record, Request, RowError
from dagtui.core.plugin import Context, Dimension, Plugin
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import PriceOverride, RunSettings
from dagtui.core.snapshot import Snapshot
from dagtui.core.stats import Stats
from dagtui.engine.runner import Runner
from dagtui.testing import FakeGateway, records, run_in_virtual_time

E = TypeVar("E", bound=Event)
PRICES = PriceTable({"fake-model": PriceOverride(input=1, output=2)})


class Label(BaseModel):
    label: str


class Asking(Plugin):
    """One dimension or several; the prompt is the record's text."""

    def __init__(self, *dimensions: Dimension) -> None:
        self.dimensions = dimensions or (Dimension("ask"),)

    def create_prompt(self, ctx: Context) -> str:
        return str(ctx.record["text"])

    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("fake", "fake-model")


def refusing(kind: ErrorKind, times: int, **details: object) -> object:
    """An answer function: so many failures for each request, then success."""

    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(kind, "no", **details) if attempt <= times else "ok"  # type: ignore[arg-type]

    return answer


class Source:
    """Rows one by one; remembers how many were asked for."""

    def __init__(self, rows: Iterable[Record | RowError]) -> None:
        self._rows = rows
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[Record | RowError]:
        for row in self._rows:
            self.given += 1
            yield row


class Run:
    """A runner with its events and figures."""

    def __init__(
        self,
        rows: int | Sequence[Record | RowError],
        gateway: FakeGateway,
        plugin: Plugin | None = None,
        draw: Callable[[], float] = lambda: 0.5,
        **settings: Any,
    ) -> None:
        listed = records(f"text {i}" for i in range(rows)) if isinstance(rows, int) else rows
        self.gateway = gateway
        self.source = Source(listed)
        self.events: list[Event] = []
        self.plugin = plugin or Asking()
        chosen = RunSettings(**settings)
        self.stats = Stats(tuple(d.name for d in self.plugin.dimensions), chosen.concurrency)
        self.runner = Runner(
            run_id="run",
            plugin=self.plugin,
            source=self.source,
            gateway=gateway,
            settings=chosen,
            prices=PRICES,
            emit=self._emit,
            clock=lambda: asyncio.get_running_loop().time(),
            draw=draw,
            records=sum(isinstance(row, Record) for row in listed),
            store=lambda: self.stats.store,
        )

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self.stats.fold(event)
        counts = self.stats.counts
        assert counts.queued >= 0
        assert counts.queued + counts.in_flight + counts.waiting + counts.ended == counts.total

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def outcomes(self) -> dict[str, dict[str, Outcome]]:
        ended = self.of(RecordEnded)
        assert len({event.record.index for event in ended}) == len(ended), "a record ended twice"
        return {event.record.id: dict(event.outcomes) for event in ended}

    @property
    def snapshot(self) -> Snapshot:
        return self.stats.snapshot(self.events[-1].time)

    async def during(self, steering: Coroutine[Any, Any, None]) -> None:
        """Run to the end while `steering` acts."""
        async with asyncio.TaskGroup() as group:
            group.create_task(steering)
            group.create_task(self.runner.run())

    def finish(self, steering: Coroutine[Any, Any, None] | None = None) -> Snapshot:
        """Run to the end in virtual time."""
        run_in_virtual_time(self.during(steering) if steering else self.runner.run())
        return self.snapshot
