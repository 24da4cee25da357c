"""Runs at random, in virtual time: whatever happens, each record that was read ends once, and so does the run."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Any

import pytest

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import Event, RecordEnded, RecordRead, RequestEnded, RequestsReopened
from dagtui.core.model import Outcome, ProviderChoice, Record, Request, Response
from dagtui.core.plugin import Context, Dimension
from dagtui.core.settings import RunSettings
from dagtui.session import Session
from dagtui.testing import FakeGateway, records, run_in_virtual_time
from tests.engine.harness import PRICES, Asking

KINDS = (ErrorKind.SERVER, ErrorKind.RATE_LIMITED, ErrorKind.CONNECTION, ErrorKind.OVERLOADED)


class Moody(FakeGateway):
    """Fails a fifth of the attempts, and takes its time."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._draw = draw

    async def complete(self, request: Request, attempt: int) -> Response:
        draw = self._draw
        self.latency = draw.choice([0.05, 0.3, 1.0, 1.0, 8.0])
        kind = draw.choice(KINDS) if draw.random() < 0.2 else None
        wait = draw.choice([None, 0.5, 3.0]) if kind is ErrorKind.RATE_LIMITED else None
        self.answer = "ok" if kind is None else GatewayError(kind, "no", billed="no", retry_after=wait)
        return await super().complete(request, attempt)


class Capricious(Asking):
    """Several models; some prompts take a while, and a few raise."""

    def __init__(self, draw: random.Random) -> None:
        count = draw.randint(1, 5)
        needs = [tuple(f"d{i}" for i in range(place) if draw.random() < 0.4) for place in range(count)]
        super().__init__(*(Dimension(f"d{place}", needs=some) for place, some in enumerate(needs)))
        self._draw = draw
        self._models = draw.randint(1, 3)

    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("fake", f"m{int(ctx.dimension.name[1:]) % self._models}")

    async def create_prompt(self, ctx: Context) -> str:  # type: ignore[override]
        if self._draw.random() < 0.2:
            await asyncio.sleep(self._draw.random())
        if self._draw.random() < 0.02:
            raise ValueError("a defect")
        return str(ctx.record["text"])


class Kept:
    essential = False
    wants = None

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        self.events.append(event)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def settings_from(draw: random.Random) -> RunSettings:
    chosen: dict[str, Any] = {
        "concurrency": draw.choice([1, 2, 5, 20, 60]),
        "timeout": draw.choice([2.0, 30.0]),
        "attempts": draw.choice([1, 3, 5]),
        "hedge": draw.random() < 0.4,
        "automatic": draw.random() < 0.3,
        "ceiling": 100,
    }
    if draw.random() < 0.3:
        chosen["limits"] = {"requests": draw.choice([60.0, 600.0, 3000.0])}
    if draw.random() < 0.15:
        chosen["requests_per_minute"] = draw.choice([300.0, 3000.0])
    return RunSettings(**chosen)


def steer_some(session: Session, draw: random.Random) -> None:
    """One thing that a user may do to a few requests, whatever state they are in."""
    count = len(session.store)
    seqs = [draw.randrange(-2, count + 2) for _ in range(draw.choice([1, 3, 30]))]
    match draw.randint(0, 5):
        case 0:
            taken = session.skip(seqs)
        case 1:
            taken = session.abort(seqs)
        case 2:
            taken = session.hedge(seqs)
        case _:
            taken = session.retry(seqs, later=draw.random() < 0.4, max_tokens=draw.choice([None, 99]))
    assert 0 <= taken <= len(set(seqs))


async def steer(session: Session, draw: random.Random, by_hand: bool = False) -> None:
    for _ in range(draw.randint(0, 12) + 20 * by_hand):
        await asyncio.sleep(3 * draw.random() * (0.2 if by_hand else 1.0))
        counts = session.snapshot().counts
        assert counts.queued + counts.in_flight + counts.waiting + counts.ended == counts.total
        if by_hand and draw.random() < 0.7:
            steer_some(session, draw)
            continue
        match draw.randint(0, 19):
            case 0:
                session.cancel()
            case 1:
                session.drain()
            case 2 | 3 | 4 | 5:
                session.pause()
                await asyncio.sleep(5 * draw.random())
                session.resume()
            case 6 | 7 | 8:
                session.automate(draw.random() < 0.5)
            case _:
                session.retune(draw.choice([1, 2, 5, 40]))


@pytest.mark.parametrize("seed", range(60))
def test_each_record_that_was_read_ends_once_whatever_happens(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    draw, kept = random.Random(seed), Kept()
    gateway, plugin = Moody(draw), Capricious(draw)

    async def main() -> None:
        session = Session(
            plugin=plugin,
            records=records(f"text {i}" for i in range(draw.randint(1, 150))),
            gateway=gateway,
            settings=settings_from(draw),
            prices=PRICES,
            sinks=[kept],
            seed=seed,
        )
        session.start()
        steering = asyncio.create_task(steer(session, draw))
        result = await asyncio.wait_for(session.wait(), 50_000)
        await steering
        await session.aclose()
        counts = result.snapshot.counts
        assert (counts.in_flight, counts.waiting, gateway.in_flight) == (0, 0, 0)
        assert counts.queued == 0 or result.outcome in ("drained", "cancelled")

    run_in_virtual_time(main())
    read = [event.index for event in kept.events if isinstance(event, RecordRead)]
    assert sorted(event.record.index for event in kept.events if isinstance(event, RecordEnded)) == read
    ended = [event.seq for event in kept.events if isinstance(event, RequestEnded)]
    assert sorted(ended) == list(range(len(read) * len(plugin.dimensions)))


class FromMemory:
    """The records that have ended, as the journal and the input have them."""

    def __init__(self, rows: list[Record], dimensions: tuple[str, ...], kept: Kept) -> None:
        self._rows = rows
        self._dimensions = dimensions
        self._kept = kept

    async def records(self, indexes: Sequence[int]) -> dict[int, tuple[Record, dict[str, Outcome]]]:
        await asyncio.sleep(0.05)
        width = len(self._dimensions)
        last = {event.seq: event.outcome for event in self._kept.events if isinstance(event, RequestEnded)}
        return {
            index: (
                self._rows[index],
                {name: last[index * width + at] for at, name in enumerate(self._dimensions)},
            )
            for index in indexes
        }


@pytest.mark.parametrize("seed", range(100, 180))
def test_steering_single_requests_at_random_never_loses_or_doubles_one(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    draw, kept = random.Random(seed), Kept()
    gateway, plugin = Moody(draw), Capricious(draw)
    rows = records(f"text {i}" for i in range(draw.randint(1, 150)))

    async def main() -> None:
        names = tuple(dimension.name for dimension in plugin.dimensions)
        session = Session(
            plugin=plugin,
            records=rows,
            gateway=gateway,
            settings=settings_from(draw),
            prices=PRICES,
            sinks=[kept],
            seed=seed,
            archive=FromMemory(rows, names, kept) if draw.random() < 0.7 else None,
        )
        session.start()
        steering = asyncio.create_task(steer(session, draw, by_hand=True))
        result = await asyncio.wait_for(session.wait(), 50_000)
        await steering
        await session.aclose()
        counts = result.snapshot.counts
        assert (counts.in_flight, counts.waiting, gateway.in_flight) == (0, 0, 0)
        assert counts.queued == 0 or result.outcome in ("drained", "cancelled")
        assert result.snapshot.attempts == len(gateway.sent)

    run_in_virtual_time(main())
    open_now: set[int] = set()
    width = len(plugin.dimensions)
    for event in kept.events:
        match event:
            case RecordRead():
                open_now.update(range(event.index * width, (event.index + 1) * width))
            case RequestsReopened():
                assert not open_now & set(event.seqs)
                open_now.update(event.seqs)
            case RequestEnded():
                open_now.remove(event.seq)  # it was open, so it ends once for each time that it was opened
            case RecordEnded():
                assert len(event.outcomes) == width
            case _:
                pass
    assert not open_now
    pairs = [(request.seq, attempt) for _, request, attempt in gateway.sent]
    assert len(set(pairs)) == len(pairs), "two attempts of one request have the same number"
