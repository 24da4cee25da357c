from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dagtui.core.errors import ConfigError, ErrorKind, ExitCode, GatewayError
from dagtui.core.events import Event, PhaseChanged, RecordEnded, RunStarted
from dagtui.core.result import RunResult
from dagtui.core.settings import RunSettings
from dagtui.session import Session, new_run_id
from dagtui.testing import FakeGateway, records, run_in_virtual_time
from tests.engine.harness import PRICES, Asking


def session(count: int = 20, gateway: FakeGateway | None = None, **parts: object) -> Session:
    return Session(
        plugin=Asking(),
        records=records(f"text {i}" for i in range(count)),
        gateway=gateway or FakeGateway(),
        prices=PRICES,
        **parts,  # type: ignore[arg-type]
    )


class Observer:
    """Keeps events; may break at the n-th."""

    wants = None

    def __init__(self, *, essential: bool = False, breaks: Callable[[Event], bool] = lambda event: False) -> None:
        self.essential = essential
        self.breaks = breaks
        self.events: list[Event] = []
        self.closed = False
        self.flushed = 0

    def write(self, event: Event) -> None:
        if self.breaks(event):
            raise OSError("disk full")
        self.events.append(event)

    def flush(self) -> None:
        self.flushed = len(self.events)

    def close(self) -> None:
        self.closed = True


def test_a_session_runs_to_its_end_and_lets_go_of_its_gateway() -> None:
    gateway = FakeGateway()
    result = run_in_virtual_time(session(gateway=gateway).run())
    assert (result.outcome, result.exit_code) == ("complete", ExitCode.OK)
    assert result.snapshot.counts.succeeded == 20
    assert gateway.closed


def test_events_can_be_followed_from_the_first_to_the_last() -> None:
    async def follow() -> list[Event]:
        live = session()
        told = [event async for event in live.events()]
        await live.aclose()
        return told

    told = run_in_virtual_time(follow())
    assert isinstance(told[0], RunStarted)
    assert isinstance(told[-1], PhaseChanged)
    assert sum(isinstance(event, RecordEnded) for event in told) == 20


def test_two_sessions_live_side_by_side_without_touching_each_other() -> None:
    async def both() -> tuple[RunResult, RunResult]:
        first, second = session(10), session(30)
        first.start()
        second.start()
        first.retune(3)
        results = await first.wait(), await second.wait()
        await first.aclose()
        await second.aclose()
        return results

    first, second = run_in_virtual_time(both())
    assert (first.snapshot.counts.succeeded, second.snapshot.counts.succeeded) == (10, 30)
    assert (first.snapshot.target, second.snapshot.target) == (3, 10)


def test_some_failures_make_a_partial_run_with_its_own_exit_code() -> None:
    def answer(request: object, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.BAD_REQUEST, "no") if request.seq == 0 else "ok"  # type: ignore[attr-defined]

    result = run_in_virtual_time(session(gateway=FakeGateway(answer)).run())
    assert (result.outcome, result.exit_code) == ("partial", ExitCode.PARTIAL_FAILURE)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ErrorKind.AUTH, ExitCode.AUTH),
        (ErrorKind.BUDGET, ExitCode.BUDGET),
        (ErrorKind.UNKNOWN_MODEL, ExitCode.CONFIGURATION),
    ],
)
def test_a_run_that_stopped_says_why_by_its_exit_code(kind: ErrorKind, code: ExitCode) -> None:
    result = run_in_virtual_time(session(gateway=FakeGateway(GatewayError(kind, "no"))).run())
    assert (result.outcome, result.exit_code) == ("stopped", code)


def test_an_observer_that_breaks_is_dropped_and_reported_and_hurts_nobody() -> None:
    broken, well = Observer(breaks=lambda event: isinstance(event, RecordEnded)), Observer()
    live = session(sinks=[broken, well])
    result = run_in_virtual_time(live.run())
    assert result.outcome == "complete"
    assert sum(isinstance(event, RecordEnded) for event in well.events) == 20
    assert any("an observer was dropped: OSError: disk full" in entry.text for entry in live.log)
    assert well.closed


def test_a_sink_is_told_what_it_wants_and_nothing_else() -> None:
    class Picky(Observer):
        wants = (RecordEnded, RunStarted)  # type: ignore[assignment]

    picky = Picky()
    run_in_virtual_time(session(sinks=[picky]).run())
    assert {type(event) for event in picky.events} == {RecordEnded, RunStarted}
    assert len(picky.events) == 21


def test_the_figures_are_those_of_the_moment_at_which_they_are_asked_for() -> None:
    async def main() -> list[tuple[int, int]]:
        live, seen = session(5, FakeGateway(latency=1.0)), []
        live.start()
        for _ in range(2):
            await asyncio.sleep(0.6)
            seen.append((len(live.store), live.snapshot().counts.in_flight))
        await live.aclose()
        return seen

    assert run_in_virtual_time(main()) == [(5, 5), (5, 0)]


def test_results_that_cannot_be_written_stop_the_run_because_more_answers_would_be_lost() -> None:
    gateway = FakeGateway()
    full = Observer(essential=True, breaks=lambda event: isinstance(event, RecordEnded))
    result = run_in_virtual_time(session(1000, gateway, sinks=[full]).run())
    assert (result.outcome, result.exit_code) == ("stopped", ExitCode.INTERNAL)
    assert "disk full" in result.reason
    assert len(gateway.sent) < 30


def test_results_that_could_not_be_written_once_are_told_of_what_is_paid_for_all_the_same() -> None:
    failed: list[Event] = []

    def once(event: Event) -> bool:
        if isinstance(event, RecordEnded) and not failed:
            failed.append(event)
            return True
        return False

    full = Observer(essential=True, breaks=once)
    result = run_in_virtual_time(session(1000, sinks=[full]).run())
    written = [event for event in full.events if isinstance(event, RecordEnded)]
    assert len(written) == result.snapshot.counts.ended - 1
    assert result.snapshot.counts.succeeded > 1
    assert "could be written in the end" in result.reason


def test_two_files_that_cannot_be_written_are_both_named() -> None:
    sinks = [
        BreaksAtTheEnd(essential=True, why="results full"),
        BreaksAtTheEnd(essential=True, why="failures full"),
    ]
    reason = run_in_virtual_time(session(sinks=sinks).run()).reason
    assert "results full" in reason
    assert "failures full" in reason


class BreaksAtTheEnd(Observer):
    def __init__(self, *, essential: bool = False, why: str = "no more") -> None:
        super().__init__(essential=essential)
        self.why = why

    def close(self) -> None:
        super().close()
        raise RuntimeError(self.why)


def test_an_observer_that_breaks_at_the_end_hurts_nobody() -> None:
    first, second = BreaksAtTheEnd(), Observer()
    result = run_in_virtual_time(session(sinks=[first, second]).run())
    assert (result.outcome, result.exit_code) == ("complete", ExitCode.OK)
    assert (first.closed, second.closed) == (True, True)


def test_results_that_cannot_be_written_at_the_very_end_make_the_run_fail() -> None:
    result = run_in_virtual_time(session(sinks=[BreaksAtTheEnd(essential=True)]).run())
    assert (result.outcome, result.exit_code) == ("stopped", ExitCode.INTERNAL)
    assert "no more" in result.reason


def test_who_follows_events_after_the_end_is_told_that_there_are_none() -> None:
    async def follow() -> list[Event]:
        live = session()
        await live.run()
        return [event async for event in live.events()]

    assert run_in_virtual_time(follow()) == []


def test_a_result_is_handed_to_the_system_soon_although_no_other_follows() -> None:
    def slow_last(request: object, attempt: int) -> GatewayError | str:
        again = attempt == 1 and request.seq == 1  # type: ignore[attr-defined]
        return GatewayError(ErrorKind.RATE_LIMITED, "429", retry_after=100.0) if again else "ok"

    async def main() -> bool:
        observer = Observer()
        live = session(2, FakeGateway(slow_last, latency=0.3), sinks=[observer])
        live.start()
        await asyncio.sleep(0.4)
        ended = [event for event in observer.events[: observer.flushed] if isinstance(event, RecordEnded)]
        await live.aclose()
        return len(ended) == 1

    assert run_in_virtual_time(main())


def test_the_concurrency_stays_within_its_bounds_whatever_is_asked() -> None:
    async def main() -> list[int]:
        live = session()
        live.start()
        seen = []
        for target in (-5, 1_000_000):
            live.retune(target)
            seen.append(live.snapshot().target)
        await live.aclose()
        return seen

    assert run_in_virtual_time(main()) == [1, 10_000]


def test_a_run_that_is_ended_before_it_begins_reads_nothing() -> None:
    async def main() -> RunResult:
        live = session(1000)
        live.start()
        live.cancel()
        result = await live.wait()
        await live.aclose()
        return result

    result = run_in_virtual_time(main())
    assert (result.outcome, result.snapshot.records_read) == ("cancelled", 0)


def test_closing_a_running_session_cancels_it() -> None:
    gateway = FakeGateway(latency=1000)

    async def main() -> RunResult:
        live = session(gateway=gateway)
        live.start()
        await live.aclose()
        return await live.wait()

    assert run_in_virtual_time(main()).outcome == "cancelled"
    assert gateway.in_flight == 0


def test_a_snapshot_can_be_taken_before_the_run_begins() -> None:
    before = session(settings=RunSettings(concurrency=7)).snapshot()
    assert (before.phase, before.target, before.counts.ended) == ("ready", 7, 0)


def test_there_is_nothing_to_export_without_a_journal() -> None:
    async def main() -> None:
        live = session()
        await live.run()
        await live.export(Path("x.csv"))

    with pytest.raises(ConfigError, match="keeps no journal"):
        run_in_virtual_time(main())


def test_a_sink_that_does_not_say_what_it_wants_is_told_all() -> None:
    class Plain(Observer):
        def __init__(self) -> None:
            super().__init__()
            self.kinds: set[type] = set()

        def __getattribute__(self, name: str) -> object:
            if name == "wants":
                raise AttributeError(name)
            return super().__getattribute__(name)

    plain = Plain()
    assert run_in_virtual_time(session(sinks=[plain]).run()).outcome == "complete"
    assert sum(isinstance(event, RecordEnded) for event in plain.events) == 20


def test_what_is_commanded_before_the_start_has_the_time_of_day() -> None:
    live = session()
    live.retune(3)
    assert live.log[-1].time > 1e9


def test_runs_of_one_second_sort_by_their_beginning() -> None:
    names = [new_run_id()]
    while len(names) < 5:
        time.sleep(0.001)
        names.append(new_run_id())
    assert names == sorted(names)
