from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagtui.core.errors import ErrorKind
from dagtui.core.events import (
    AttemptEnded,
    AttemptStarted,
    Looked,
    PhaseChanged,
    RecordRead,
    RequestEnded,
    RowRejected,
    RunStarted,
    TargetChanged,
)
from dagtui.core.held import Hold, Holder
from dagtui.core.histogram import Histogram
from dagtui.core.model import Attempt, AttemptError, Failure, Success, Usage
from dagtui.core.series import RecentRate, Series
from dagtui.core.stats import Stats
from dagtui.core.store import State

USAGE = Usage(90, 40)


def answered(
    seq: int, number: int, sent: float, ended: float, cost: Decimal | None = Decimal("0.001")
) -> AttemptEnded:
    return AttemptEnded(ended, seq, Attempt(number, sent, ended, 200, usage=USAGE, cost=cost))


def refused(seq: int, number: int, at: float, retry_in: float | None) -> AttemptEnded:
    error = AttemptError(ErrorKind.RATE_LIMITED, "slow down \x1b[31m[/b]", 429)
    return AttemptEnded(
        at, seq, Attempt(number, at, at, 429, error=error, retry_in=retry_in, retry_reason="retry-after")
    )


def begun(records: int = 3, read: int = 2) -> Stats:
    stats = Stats(("ask",), 10)
    stats.fold(RunStarted(100.0, "run", ("ask",), records, 10))
    stats.fold(PhaseChanged(100.0, "running"))
    for index in range(read):
        stats.fold(RecordRead(100.0, index, f"id-{index}"))
    return stats


def test_the_counts_always_add_up_to_the_total() -> None:
    stats = begun()
    assert stats.snapshot(100.0).counts.queued == 3
    stats.fold(AttemptStarted(100.0, 0, 1))
    stats.fold(refused(0, 1, 100.5, 2.0))
    stats.fold(AttemptStarted(100.0, 1, 1))
    counts = stats.snapshot(101.0).counts
    assert (counts.queued, counts.in_flight, counts.waiting, counts.ended, counts.total) == (1, 1, 1, 0, 3)


def test_every_billed_attempt_is_counted_and_waste_is_told_apart() -> None:
    stats = begun()
    error = AttemptError(ErrorKind.INVALID_OUTPUT, "no JSON", 200, "yes")
    bad = Attempt(1, 100.0, 100.3, 200, error=error, usage=USAGE, cost=Decimal("0.001"), retry_in=0.0)
    stats.fold(AttemptStarted(100.0, 0, 1))
    stats.fold(AttemptEnded(100.3, 0, bad))
    stats.fold(AttemptStarted(100.3, 0, 2))
    stats.fold(answered(0, 2, 100.3, 100.6))
    stats.fold(RequestEnded(100.6, 0, Success("x", "x", 2, 0.3, Usage(180, 80), Decimal("0.002"), "spam")))
    snapshot = stats.snapshot(101.0)
    assert snapshot.money.spent == Decimal("0.002")
    assert snapshot.money.wasted == Decimal("0.001")
    assert snapshot.money.projected == Decimal("0.006")
    assert snapshot.usage == Usage(180, 80)
    assert snapshot.categories == (("spam", 1),)
    assert stats.store.tokens_in[0] == 180
    assert stats.store.cost[0] == 2_000_000


def test_a_run_that_drains_is_not_projected_to_pay_for_what_it_will_not_send() -> None:
    stats = begun()
    for seq in (0, 1):
        stats.fold(AttemptStarted(100.0, seq, 1))
    stats.fold(answered(0, 1, 100.0, 100.5))
    stats.fold(RequestEnded(100.5, 0, Success("x", "x", 1, 0.5, USAGE, Decimal("0.001"), "spam")))
    assert stats.snapshot(100.6).money.projected == Decimal("0.003")
    stats.fold(PhaseChanged(100.7, "draining", "drained by you"))
    assert stats.snapshot(100.8).money.projected == Decimal("0.002")  # one is paid, one is in flight


def test_a_run_that_its_stop_rule_paused_does_not_say_that_somebody_did() -> None:
    stats = begun()
    stats.fold(Looked(100.5, Hold(Holder.PAUSED)))
    stats.fold(PhaseChanged(100.5, "paused", "paused: what is in flight is finished, nothing new is sent"))
    assert stats.snapshot(100.6).held_by == "paused by you"
    stats.fold(PhaseChanged(100.7, "paused", "paused by the stop rule failed>20%: 11 of the last 50; go on?"))
    assert stats.snapshot(100.8).held_by.startswith("paused by the stop rule failed>20%")


def test_an_unknown_price_is_not_shown_as_nothing() -> None:
    stats = begun()
    stats.fold(AttemptStarted(100.0, 0, 1))
    stats.fold(answered(0, 1, 100.0, 100.5, cost=None))
    assert stats.snapshot(101.0).money.spent is None


def test_a_retry_is_logged_with_its_wait_and_hostile_text_made_visible() -> None:
    stats = begun()
    stats.fold(AttemptStarted(100.0, 0, 1))
    stats.fold(refused(0, 1, 100.5, 2.0))
    entry = stats.log[-1]
    assert (entry.level, entry.record_id, entry.wait, entry.wait_reason, entry.status) == (
        "retry",
        "id-0",
        2.0,
        "retry-after",
        429,
    )
    assert "\x1b" not in entry.text
    assert stats.snapshot(101.0).throttled == 1


def test_a_failure_that_was_never_sent_is_counted_by_its_cause() -> None:
    stats = begun()
    stats.fold(RequestEnded(100.1, 0, Failure(AttemptError(ErrorKind.BAD_INPUT, "no field"), 0)))
    snapshot = stats.snapshot(101.0)
    assert snapshot.errors == ((ErrorKind.BAD_INPUT, 1),)
    assert stats.store.state[0] == State.FAILED
    assert stats.store.error_kind(0) is ErrorKind.BAD_INPUT


def test_the_eta_comes_from_the_recent_rate_and_stops_with_the_run() -> None:
    stats = begun(records=100, read=50)
    for seq in range(40):
        stats.fold(AttemptStarted(100.0, seq, 1))
        at = 100.0 + (seq + 1) * 0.1
        stats.fold(answered(seq, 1, 100.0, at))
        stats.fold(RequestEnded(at, seq, Success("x", "x", 1, 0.1, USAGE, None)))
    snapshot = stats.snapshot(104.0)
    assert snapshot.eta == pytest.approx(6.0, rel=0.1)
    assert snapshot.throughput.mean == pytest.approx(10.0)
    stats.fold(PhaseChanged(104.0, "ended", "finished"))
    ended = stats.snapshot(500.0)
    assert ended.eta is None
    assert ended.elapsed == pytest.approx(4.0)


def test_what_the_user_did_stands_in_the_log() -> None:
    stats = begun()
    stats.fold(TargetChanged(101.0, 80, "you"))
    stats.fold(RowRejected(101.0, 7, "a.csv:7: too many cells"))
    assert [entry.text for entry in stats.log] == [
        "concurrency 10 -> 80 (you)",
        "left out: a.csv:7: too many cells",
    ]
    assert stats.snapshot(101.0).target == 80


def test_percentiles_are_within_five_percent() -> None:
    histogram = Histogram()
    for i in range(1, 1001):
        histogram.add(i / 1000)
    assert histogram.percentile(0.5) == pytest.approx(0.5, rel=0.05)
    assert histogram.percentile(0.99) == pytest.approx(0.99, rel=0.05)
    assert Histogram().percentile(0.5) is None


def test_a_series_spans_the_whole_run_in_constant_memory() -> None:
    series = Series(bins=10)
    for tenth in range(1000):
        series.add(tenth / 10)
    rates = series.rates(100.0)
    assert len(rates) <= 10
    assert rates[1] == pytest.approx(10.0, rel=0.05)
    assert sum(rates) * series.width == pytest.approx(1000, rel=0.2)


def test_a_series_begins_with_the_run_and_never_shows_more_than_the_best_second() -> None:
    series, rate = Series(), RecentRate()
    series.begin(100.0)
    rate.begin(100.0)
    for at in (102.0, 102.1, 102.2, 102.3, 103.4, 104.9):
        series.add(at)
        rate.add(at)
    rates = series.rates(105.0)
    assert len(rates) * series.width == pytest.approx(5.0, abs=0.11)
    assert rates[: round(1.9 / series.width)] == (0.0,) * round(1.9 / series.width)
    assert max(rates) == rate.peak == 4.0


@given(
    st.lists(st.floats(0.001, 3.0), min_size=1, max_size=60),
    st.lists(st.floats(0, 5.0), min_size=60, max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_the_rate_now_and_the_mean_are_never_above_the_peak(gaps: list[float], waits: list[float]) -> None:
    stats = begun(records=100, read=60)
    at, peak = 100.0, 0.0
    for seq, gap in enumerate(gaps):
        stats.fold(AttemptStarted(at, seq, 1))
        at += gap
        stats.fold(answered(seq, 1, at, at))
        for wait in (0.0, waits[seq]):
            shown = stats.snapshot(at + wait).throughput
            assert shown.now <= shown.peak + 1e-9
            assert shown.mean <= shown.peak + 1e-9
            assert shown.peak >= peak
            peak = shown.peak
        at += waits[seq]


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=120), st.lists(st.floats(0, 6.0), max_size=20))
@settings(max_examples=200, deadline=None)
def test_the_peak_is_the_same_however_often_somebody_looked(gaps: list[float], looks: list[float]) -> None:
    watched, alone = RecentRate(), RecentRate()
    watched.begin(100.0)
    alone.begin(100.0)
    at = 100.0
    for number, gap in enumerate(gaps):
        at += gap
        watched.add(at)
        alone.add(at)
        if number < len(looks):
            watched.now(at + looks[number])
        assert watched.peak >= watched.now(at)
    assert (watched.peak, watched.now(at)) == (alone.peak, alone.now(at))


def test_the_first_answers_at_once_are_no_burst_of_hundreds_a_second() -> None:
    stats = begun(records=100, read=60)
    for seq in range(10):
        stats.fold(AttemptStarted(100.0, seq, 1))
        stats.fold(answered(seq, 1, 100.0, 100.3))
    shown = stats.snapshot(100.35).throughput
    assert (shown.now, shown.mean, shown.peak) == (10.0, 10.0, 10.0)


def test_a_run_of_less_than_a_second_tells_its_own_mean() -> None:
    stats = begun()
    stats.fold(AttemptStarted(100.0, 0, 1))
    stats.fold(answered(0, 1, 100.0, 100.25))
    stats.fold(PhaseChanged(100.25, "ended", "finished"))
    shown = stats.snapshot(101.0).throughput
    assert (shown.mean, shown.peak) == (4.0, 4.0)


def test_the_recent_rate_forgets_and_remembers_its_peak() -> None:
    rate = RecentRate()
    for i in range(200):
        rate.add(10 + i / 100)
    assert rate.now(12.0) == pytest.approx(100, rel=0.1)
    assert rate.peak == pytest.approx(100, rel=0.1)
    assert rate.now(30.0) == 0.0
