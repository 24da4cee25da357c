from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import Event, PhaseChanged, RecordEnded, RecordRead, SourceEnded
from dagtui.core.model import (
    Blame,
    Cancelled,
    Failure,
    Prompt,
    ProviderChoice,
    Record,
    Request,
    RowError,
    Skipped,
    Usage,
)
from dagtui.core.plugin import Context, Dimension
from dagtui.testing import FakeGateway, records, run_in_virtual_time
from tests.engine.harness import Asking, Label, Run, Source, refusing


def test_every_record_is_answered_and_the_concurrency_limit_is_used_but_never_passed() -> None:
    run = Run(100, FakeGateway(latency=0.3), concurrency=25)
    snapshot = run.finish()
    assert snapshot.counts.succeeded == 100
    assert run.gateway.peak == 25
    assert snapshot.elapsed == pytest.approx(4 * 0.3, rel=0.01)
    assert snapshot.usage == Usage(9000, 4000)
    assert snapshot.money.spent == Decimal("0.017")
    assert run.of(SourceEnded)[0].records == 100


def test_the_limit_can_be_raised_and_lowered_while_it_runs() -> None:
    gateway = FakeGateway(latency=1.0)
    run = Run(400, gateway, concurrency=10)
    seen: list[int] = []

    async def steer() -> None:
        for target, pause in ((10, 1.5), (80, 1.5), (5, 2.5)):
            run.runner.course.retune(target, "you")
            await asyncio.sleep(pause)
            seen.append(gateway.in_flight)
        run.runner.course.retune(100, "you")

    run.finish(steer())
    assert seen == [10, 80, 5]
    assert run.snapshot.counts.succeeded == 400


def test_a_long_wait_of_many_does_not_starve_fresh_records() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        refused = request.seq < 60 and attempt == 1
        growth = Blame("growth")  # no limit that the others would meet, too
        return GatewayError(ErrorKind.RATE_LIMITED, "429", retry_after=5.0, blame=growth) if refused else "ok"

    run = Run(300, FakeGateway(answer, latency=0.1), concurrency=10)
    run.finish()
    assert run.snapshot.counts.succeeded == 300
    # 360 attempts of 0.1 s at ten at once take 3.6 s; the refused ones come back after 5 s and add 0.6 s of work.
    assert run.snapshot.elapsed < 7.0


def test_the_window_bounds_what_is_read_ahead() -> None:
    run = Run(5000, FakeGateway(latency=1.0), concurrency=10)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        assert run.source.given < 60
        run.runner.course.cancel("enough")

    run.finish(steer())


def test_a_gateway_that_is_gone_for_a_while_costs_time_and_no_records() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        gone = 2.0 < asyncio.get_running_loop().time() < 32.0
        return GatewayError(ErrorKind.CONNECTION, "connection refused", billed="no") if gone else "ok"

    run = Run(300, FakeGateway(answer, latency=0.5), concurrency=20)
    snapshot = run.finish()
    assert snapshot.counts.succeeded == 300
    assert 37 < snapshot.elapsed < 45


def test_a_fatal_error_stops_the_run_at_once_and_sends_nothing_more() -> None:
    run = Run(1000, FakeGateway(refusing(ErrorKind.AUTH, 99, status=401), latency=0.2), concurrency=5)
    snapshot = run.finish()
    assert len(run.gateway.sent) == 5
    assert run.runner.course.stopped_by is ErrorKind.AUTH
    assert snapshot.counts.failed == 5
    assert "stopped: no" in snapshot.reason


def test_without_continue_on_error_the_first_failure_ends_the_run_after_what_is_in_flight() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.BAD_REQUEST, "no") if request.seq == 0 else "ok"

    run = Run(100, FakeGateway(answer), concurrency=10, continue_on_error=False)
    snapshot = run.finish()
    assert snapshot.counts.succeeded == 9
    assert len(run.gateway.sent) == 10


def test_draining_finishes_what_is_in_flight_and_starts_nothing_new() -> None:
    run = Run(100, FakeGateway(latency=1.0), concurrency=10)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.drain("enough")

    snapshot = run.finish(steer())
    assert snapshot.counts.succeeded == 10
    assert len(run.gateway.sent) == 10
    assert snapshot.elapsed == pytest.approx(1.0)
    assert snapshot.counts.queued + snapshot.counts.cancelled == 90


def test_draining_does_not_wait_for_retries_that_are_due_later() -> None:
    run = Run(5, FakeGateway(refusing(ErrorKind.RATE_LIMITED, 9, retry_after=600.0)), concurrency=5)

    async def steer() -> None:
        await asyncio.sleep(1.0)
        run.runner.course.drain("enough")

    snapshot = run.finish(steer())
    assert snapshot.elapsed == pytest.approx(1.0)
    assert snapshot.counts.cancelled == 5


def test_cancelling_abandons_what_is_in_flight_and_says_that_it_may_be_billed() -> None:
    run = Run(100, FakeGateway(latency=100.0), concurrency=10)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.cancel("enough")

    snapshot = run.finish(steer())
    assert snapshot.elapsed == pytest.approx(0.5)
    assert run.gateway.in_flight == 0
    abandoned = [
        o["ask"] for o in run.outcomes().values() if isinstance(o["ask"], Cancelled) and o["ask"].perhaps_billed
    ]
    assert len(abandoned) == 10


def test_what_was_only_queued_when_the_run_was_cancelled_is_not_called_billed() -> None:
    run = Run(20, FakeGateway(latency=100.0), concurrency=10)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.cancel("enough")

    run.finish(steer())
    billed = [o["ask"].perhaps_billed for o in run.outcomes().values() if isinstance(o["ask"], Cancelled)]
    assert billed.count(True) == 10
    assert billed.count(False) == 10


def test_pausing_sends_nothing_until_resumed() -> None:
    run = Run(30, FakeGateway(latency=1.0), concurrency=10)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.pause()
        await asyncio.sleep(20)
        assert len(run.gateway.sent) == 10
        run.runner.course.resume()

    snapshot = run.finish(steer())
    assert snapshot.counts.succeeded == 30
    assert [event.phase for event in run.of(PhaseChanged)] == ["running", "paused", "running", "ended"]


class Chain(Asking):
    """`second` reads the answer of `first`."""

    def create_prompt(self, ctx: Context) -> str | Prompt:
        return f"{ctx.dimension.name} of {ctx.record['text']} after {sorted(ctx.answers)}"


CHAIN = (Dimension("first"), Dimension("second", needs=("first",)), Dimension("third", needs=("second",)))


def test_a_record_goes_on_as_soon_as_its_own_needs_are_met() -> None:
    def slow_first(request: Request, attempt: int) -> str:
        return "ok"

    gateway = FakeGateway(slow_first, latency=1.0)
    run = Run(3, gateway, Chain(*CHAIN), concurrency=1)
    run.finish()
    prompts = [request.prompt.user for _, request, _ in gateway.sent]
    assert "second of text 0 after ['first']" in prompts
    assert "third of text 2 after ['second']" in prompts
    assert run.snapshot.counts.succeeded == 9


def test_the_dependents_of_a_failure_are_skipped_and_never_sent() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.BAD_REQUEST, "no") if request.dimension == "first" else "ok"

    run = Run(4, FakeGateway(answer), Chain(*CHAIN))
    snapshot = run.finish()
    assert (snapshot.counts.failed, snapshot.counts.skipped) == (4, 8)
    assert len(run.gateway.sent) == 4
    assert isinstance(run.outcomes()["1"]["third"], Skipped)


def test_a_plugin_that_raises_fails_its_record_and_no_other() -> None:
    class Fragile(Asking):
        def create_prompt(self, ctx: Context) -> str:
            return str(1 / (int(str(ctx.record["text"])[-1]) - 1))

    run = Run(3, FakeGateway(), Fragile())
    snapshot = run.finish()
    assert (snapshot.counts.succeeded, snapshot.counts.failed) == (2, 1)
    failure = run.outcomes()["2"]["ask"]
    assert isinstance(failure, Failure)
    assert "ZeroDivisionError" in failure.error.message


def test_an_async_plugin_is_awaited() -> None:
    class Slow(Asking):
        async def create_prompt(self, ctx: Context) -> str:  # type: ignore[override]
            await asyncio.sleep(0.1)
            return "asked"

    run = Run(2, FakeGateway(), Slow())
    run.finish()
    assert {request.prompt.user for _, request, _ in run.gateway.sent} == {"asked"}


def test_an_empty_prompt_is_never_sent() -> None:
    run = Run(records([" ", "hello"]), FakeGateway())
    snapshot = run.finish()
    assert (snapshot.counts.succeeded, snapshot.counts.failed) == (1, 1)
    assert len(run.gateway.sent) == 1


ROWS = [Record(0, "1", {"text": "a"}, 1), RowError(2, "broken"), Record(1, "2", {"text": "b"}, 3)]


def test_a_row_that_cannot_be_read_is_left_out_when_asked() -> None:
    run = Run(ROWS, FakeGateway(), bad_rows="skip")
    snapshot = run.finish()
    assert (snapshot.counts.succeeded, snapshot.rows_rejected) == (2, 1)


def test_a_row_that_cannot_be_read_otherwise_stops_the_run() -> None:
    run = Run(ROWS, FakeGateway())
    snapshot = run.finish()
    assert run.runner.course.stopped_by is ErrorKind.BAD_INPUT
    assert "stopped: broken; --bad-rows skip" in snapshot.reason


def test_a_source_that_breaks_its_contract_ends_the_run_in_order() -> None:
    def rows() -> Iterator[Record]:
        yield ROWS[0]  # type: ignore[misc]
        raise KeyError("a defect")

    run = Run(ROWS[:1], FakeGateway())
    run.source._rows = rows()
    snapshot = run.finish()
    assert run.runner.course.stopped_by is ErrorKind.BAD_INPUT
    assert "the input cannot be read on: KeyError: 'a defect'" in snapshot.reason
    assert list(run.outcomes()) == ["1"]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_asks_again_waits_for_few_fresh_ones(concurrency: int) -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.SERVER, "no") if request.seq == 0 and attempt == 1 else "ok"

    run = Run(100, FakeGateway(answer, latency=1.0), concurrency=concurrency)
    run.finish()
    times = [time for time, request, _ in run.gateway.sent if request.seq == 0]
    assert times[1] - times[0] < 4.5  # its own second, a wait of 0.1, and the few that stood before it


def test_draining_does_not_wait_for_the_rate_cap() -> None:
    run = Run(40, FakeGateway(latency=0.1), concurrency=20, requests_per_minute=6)

    async def steer() -> None:
        await asyncio.sleep(1.0)
        run.runner.course.drain("enough")

    snapshot = run.finish(steer())
    assert snapshot.elapsed == pytest.approx(1.0)
    assert (snapshot.counts.succeeded, len(run.gateway.sent)) == (1, 1)


def test_cancelling_while_the_rate_cap_holds_calls_nothing_billed_that_was_never_sent() -> None:
    run = Run(40, FakeGateway(latency=0.1), concurrency=20, requests_per_minute=6)

    async def steer() -> None:
        await asyncio.sleep(1.0)
        run.runner.course.cancel("enough")

    run.finish(steer())
    cancelled = [o["ask"] for o in run.outcomes().values() if isinstance(o["ask"], Cancelled)]
    assert cancelled
    assert not any(outcome.perhaps_billed for outcome in cancelled)


def test_a_paid_answer_of_no_use_is_not_called_perhaps_billed_when_the_run_ends_before_the_next() -> None:
    dimension = Dimension("ask", output=Label)
    run = Run(1, FakeGateway("no JSON", latency=1.0), Asking(dimension))

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.pause()
        await asyncio.sleep(20)
        run.runner.course.drain("enough")

    run.finish(steer())
    [outcome] = [outcomes["ask"] for outcomes in run.outcomes().values()]
    assert isinstance(outcome, Cancelled)
    assert (outcome.attempts, outcome.perhaps_billed, outcome.cost is not None) == (1, False, True)


def test_the_run_says_what_keeps_the_number_in_flight_where_it_is() -> None:
    run = Run(40, FakeGateway(refusing(ErrorKind.RATE_LIMITED, 1, retry_after=5.0), latency=1.0), concurrency=20)
    told: list[str] = []

    async def steer() -> None:
        await asyncio.sleep(0.6)
        told.append(run.stats.snapshot(0.0).held_by)
        await asyncio.sleep(2.0)
        told.append(run.stats.snapshot(0.0).held_by)
        run.runner.course.pause()
        told.append(run.stats.snapshot(0.0).held_by)
        run.runner.course.drain("enough")
        told.append(run.stats.snapshot(0.0).held_by)

    run.finish(steer())
    assert told == [
        "set by you: more than 20 at once would be faster",
        "below the limit: 40 wait to retry",
        "paused by you",
        "the run is ending",
    ]


def test_a_run_that_is_still_filling_its_slots_does_not_say_that_nothing_is_ready() -> None:
    class Slow(Source):
        async def __aiter__(self) -> AsyncIterator[Record | RowError]:
            async for row in super().__aiter__():
                await asyncio.sleep(1.0)
                yield row

    run = Run(10, FakeGateway(latency=100.0), concurrency=5)
    run.runner._source = Slow(run.source._rows)
    told: list[str] = []

    async def steer() -> None:
        for pause in (2.5, 10.0, 192.0):
            await asyncio.sleep(pause)
            told.append(run.stats.snapshot(0.0).held_by)

    run.finish(steer())
    assert told == [
        "filling: records are still being read",
        "set by you: more than 5 at once would be faster",
        "below the limit: nothing else is ready",
    ]


class TwoModels(Chain):
    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("fake", f"model-of-{ctx.dimension.name}")


@pytest.mark.parametrize("concurrency", [10, 300])
def test_a_question_to_a_free_model_does_not_wait_for_those_that_a_limit_holds_back(concurrency: int) -> None:
    run = Run(
        60, FakeGateway(latency=0.5), TwoModels(*CHAIN[:2]), concurrency=concurrency, limits={"requests": 60}
    )
    snapshot = run.finish()
    assert snapshot.counts.succeeded == 120
    assert snapshot.elapsed < 66  # sixty at one a second each, beside each other
    first = min(event.time for event in run.of(RecordEnded))
    assert first < 6


def test_a_prompt_that_is_awaited_takes_no_slot_from_those_that_are_sent() -> None:
    class Slow(Asking):
        async def create_prompt(self, ctx: Context) -> str:  # type: ignore[override]
            await asyncio.sleep(0.3)
            return "asked"

    run = Run(400, FakeGateway(latency=0.3), Slow(), concurrency=10)
    assert run.finish().elapsed < 15  # 400 x 0.3 s at ten at once are twelve


def test_dependents_go_before_fresh_records() -> None:
    run = Run(20, FakeGateway(latency=1.0), Chain(*CHAIN), concurrency=2)
    run.finish()
    ended = [event.record.index for event in run.of(RecordEnded)]
    assert ended == list(range(20))
    assert run.of(RecordEnded)[0].time < 5


def test_a_run_that_is_cancelled_from_outside_books_what_was_read() -> None:
    run = Run(100, FakeGateway(latency=1.0), concurrency=20)

    async def main() -> None:
        task = asyncio.create_task(run.runner.run())
        await asyncio.sleep(1.5)
        task.cancel()
        await asyncio.wait([task])

    run_in_virtual_time(main())
    assert len(run.of(RecordEnded)) == len(run.of(RecordRead)) >= 40


@pytest.mark.parametrize("how", ["cancel", "drain"])
def test_whoever_ends_the_run_while_a_record_is_read_leaves_none_open(how: str) -> None:
    run = Run(100, FakeGateway(latency=1.0), concurrency=50)

    def emit(event: Event) -> None:
        Run._emit(run, event)
        if isinstance(event, RecordRead) and event.index == 3:
            getattr(run.runner.course, how)("enough")

    run.runner._emit = run.runner._books._emit = emit
    run.finish()
    assert len(run.of(RecordEnded)) == len(run.of(RecordRead)) == 4


def test_a_source_that_numbers_its_records_wrongly_is_told_so() -> None:
    run = Run([Record(1, "1", {"text": "a"}, 1)], FakeGateway())
    assert "numbers its record 1, where 0 is due" in run.finish().reason
