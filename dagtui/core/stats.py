"""The fold of a run's events. Pure: times come with the events, and `snapshot` is told the time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from dagtui.core.causes import Causes
from dagtui.core.errors import ErrorKind
from dagtui.core.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    Looked,
    Noted,
    Phase,
    PhaseChanged,
    RecordEnded,
    RecordRead,
    RecordReused,
    RequestEnded,
    RequestsReopened,
    RowRejected,
    RunResumed,
    RunStarted,
    SourceEnded,
    TargetChanged,
)
from dagtui.core.forecast import Left, time_left
from dagtui.core.held import Holder, sentence
from dagtui.core.histogram import Histogram
from dagtui.core.model import AttemptError, Cancelled, Failure, Skipped, Success, Usage
from dagtui.core.past import Past
from dagtui.core.pulse import Pulse
from dagtui.core.series import RecentRate, Series
from dagtui.core.snapshot import Before, Counts, Latency, LogEntry, LogLevel, Money, Snapshot, Throughput
from dagtui.core.store import LAST_CHANGES, UNKNOWN_COST, RequestStore, State
from dagtui.core.text import one_line

LOG_CAPACITY = 10_000
LOG_TEXT = 300
_NANO = Decimal(1_000_000_000)
_QUEUED, _IN_FLIGHT = int(State.QUEUED), int(State.IN_FLIGHT)  # quick to look up
_WAITING, _SUCCEEDED = int(State.WAITING), int(State.SUCCEEDED)
_FAILED = int(State.FAILED)


class Stats:
    """Counts what happened. `store` has every request's state, `log` the last lines, `causes` what goes wrong."""

    def __init__(self, dimensions: tuple[str, ...], target: int) -> None:
        self.store = RequestStore(dimensions)
        self.log: deque[LogEntry] = deque(maxlen=LOG_CAPACITY)
        self.causes = Causes()
        self._log_count = 0
        self._run_id = ""
        self._phase: Phase = "ready"
        self._reason = ""
        self._target = target
        self._started_at: float | None = None
        self._ended_at: float | None = None
        self._records_total: int | None = None
        self._rows_rejected = 0
        self._by_state = [0] * len(State)
        self._series = Series()
        self._recent = RecentRate()
        self._answered = 0
        self._latency = Histogram()
        self._tokens = [0, 0, 0, 0]  # in the order of Usage
        self._spent = Decimal(0)
        self._priced = False
        self._wasted = Decimal(0)
        self._attempts = self._retries = self._gateway_retries = self._throttled = 0
        self._categories: Counter[str] = Counter()
        self._errors: Counter[ErrorKind] = Counter()
        self.pulse = Pulse()
        self._saved = Decimal(0)
        self._before = Before()
        self._folds: dict[type, Callable[[Any], None]] = {
            RunStarted: self._run_started,
            RecordRead: self._record_read,
            RowRejected: self._row_rejected,
            SourceEnded: self._source_ended,
            AttemptStarted: self._attempt_started,
            AttemptEnded: self._attempt_ended,
            RequestEnded: self._request_ended,
            RecordEnded: lambda event: None,
            RecordReused: lambda event: None,
            RunResumed: self._run_resumed,
            RequestsReopened: self._requests_reopened,
            TargetChanged: self._target_changed,
            PhaseChanged: self._phase_changed,
            Noted: lambda event: self._say(event.time, event.message),
            Looked: lambda event: self.pulse.look(event, self._spent),
        }

    def restore(self, past: Past) -> None:
        """Begin with what earlier sessions did; nothing may have been folded yet."""
        figures = past.figures
        self.store, self.causes = past.store, past.causes
        self.causes.recount(past.store)
        for state in past.store.state:
            self._by_state[state] += 1
        usage = figures.usage
        self._tokens = [usage.input, usage.output, usage.cache_read, usage.cache_write]
        self._priced = figures.spent is not None
        self._spent = figures.spent or Decimal(0)
        self._wasted = figures.wasted
        self._saved = figures.saved
        self._attempts, self._retries = figures.attempts, figures.retries
        self._gateway_retries, self._throttled = figures.gateway_retries, figures.throttled
        self._errors = Counter(figures.errors)
        self._categories = Counter(figures.categories)
        self._before = Before(figures.attempts, usage, figures.spent)

    def fold(self, event: Event) -> None:
        """Take one event into account."""
        self._folds[type(event)](event)

    # --- the run ---

    def _run_started(self, event: RunStarted) -> None:
        self._run_id = event.run_id
        self._started_at = event.time
        self._records_total = event.records
        self._target = event.target
        self._series.begin(event.time)
        self._recent.begin(event.time)
        self.pulse.begin(event.time)
        self.pulse.level(event.time, 0, event.target)
        self._expect()
        self.causes.begin(event.time)

    def _run_resumed(self, event: RunResumed) -> None:
        for seq in event.again:
            if self.store.state[seq] == _SUCCEEDED:  # paid for, and not good enough any more
                self._categories[self.store.category_name(seq)] -= 1
                self._wasted += Decimal(max(0, self.store.cost[seq])) / _NANO
            self._move(seq, _QUEUED)
        self._categories = +self._categories
        ended = self.counts.ended
        self._before = replace(self._before, reused=self._by_state[_SUCCEEDED], ended=ended)

    def _requests_reopened(self, event: RequestsReopened) -> None:
        store = self.store
        for seq in event.seqs:
            if store.state[seq] == _SUCCEEDED:
                self._categories[store.category_name(seq)] -= 1
                self._wasted += Decimal(max(0, store.cost[seq])) / _NANO
                store.cost[seq] = store.tokens_in[seq] = store.tokens_out[seq] = 0
                store.category[seq] = 0
            if store.state[seq] > State.WAITING:
                self._move(seq, _QUEUED)
        self._categories = +self._categories
        count, what = len(event.seqs), "request" if len(event.seqs) == 1 else "requests"
        self._say(event.time, f"{count:,} {what} to be asked again ({event.by})")

    def _record_read(self, event: RecordRead) -> None:
        self.store.add_record(event.record_id)
        self._by_state[_QUEUED] += len(self.store.dimensions)

    def _row_rejected(self, event: RowRejected) -> None:
        self._rows_rejected += 1
        self._say(event.time, f"left out: {event.message}", "failure")

    def _source_ended(self, event: SourceEnded) -> None:
        self._records_total = event.records
        self._expect()

    def _expect(self) -> None:
        total = self._records_total
        self.pulse.drift.expect(None if total is None else total * len(self.store.dimensions))

    def _target_changed(self, event: TargetChanged) -> None:
        self._say(event.time, f"concurrency {self._target} -> {event.target} ({event.by})")
        self._target = event.target
        self.pulse.level(event.time, self._by_state[_IN_FLIGHT], self._target)
        if event.by != "automatic":
            self.pulse.touch(event.time, event.target, event.by)

    def _phase_changed(self, event: PhaseChanged) -> None:
        self._phase = event.phase
        self._reason = event.reason
        if event.phase == "ended":
            self._ended_at = event.time
            self.pulse.end(event.time)
        elif event.reason:
            self._say(event.time, event.reason)

    # --- requests ---

    def _move(self, seq: int, state: int) -> None:
        store, counts = self.store, self._by_state
        before = store.state[seq]
        if before == _IN_FLIGHT:
            if state != _IN_FLIGHT:
                self.pulse.lands(seq)
        elif before == _WAITING:
            self.pulse.stirs(seq)
            self.causes.leave(store.cause[seq], before)
        elif before == _FAILED:
            self.causes.leave(store.cause[seq], before)
        counts[before] -= 1
        counts[state] += 1
        store.state[seq] = state
        store.version += 1
        store.changes[store.version % LAST_CHANGES] = seq

    def _attempt_started(self, event: AttemptStarted) -> None:
        self._move(event.seq, _IN_FLIGHT)
        self.pulse.leaves(event.seq, event.time)
        self.pulse.level(event.time, self._by_state[_IN_FLIGHT], self._target)
        self.store.attempts[event.seq] = event.number if event.number < 255 else 255
        self._attempts += 1
        if event.number > 1:
            self._retries += 1

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attempt, store, seq = event.attempt, self.store, event.seq
        latency = attempt.latency
        self._gateway_retries += attempt.gateway_retries
        store.status[seq] = attempt.status or 0
        store.latency[seq] = latency
        if attempt.usage is not None:
            self._count_usage(seq, attempt.usage, attempt.cost)
        if attempt.error is None:
            self.pulse.answer(event.time, self._latency.add(latency))
            self._answered += 1
            self._series.add(event.time)
            self._recent.add(event.time)
            return
        error = attempt.error
        store.error[seq] = store.error_number(error.kind)
        self._errors[error.kind] += 1
        if error.kind is ErrorKind.RATE_LIMITED:
            self._throttled += 1
            self.pulse.throttle(event.time)
        if attempt.cost is not None:
            self._wasted += attempt.cost
        if attempt.retry_in is not None:
            self._move(seq, _WAITING)
            self.pulse.waits(seq, event.time + attempt.retry_in)
            self.pulse.level(event.time, self._by_state[_IN_FLIGHT], self._target)
            store.cause[seq] = self.causes.add(event.time, seq, error, attempt.number, given_up=False)
            entry = self._entry(event.time, seq, "retry", error, attempt.number)
            self._append(replace(entry, wait=attempt.retry_in, wait_reason=attempt.retry_reason))

    def _count_usage(self, seq: int, usage: Usage, cost: Decimal | None) -> None:
        store, total = self.store, self._tokens
        total[0] += usage.input
        total[1] += usage.output
        total[2] += usage.cache_read
        total[3] += usage.cache_write
        store.tokens_in[seq] += usage.input_total
        store.tokens_out[seq] += usage.output
        if cost is None:
            store.cost[seq] = UNKNOWN_COST
            return
        self._spent += cost
        self._priced = True
        if store.cost[seq] != UNKNOWN_COST:
            store.cost[seq] += int(cost * _NANO)

    def _request_ended(self, event: RequestEnded) -> None:
        seq, outcome = event.seq, event.outcome
        asked = self.store.state[seq] in (_IN_FLIGHT, _WAITING)  # others are reused, or were never sent
        match outcome:
            case Success():
                self._move(seq, _SUCCEEDED)
                self.pulse.succeed(outcome)
                if outcome.saved is not None:
                    self._saved += outcome.saved
                if outcome.category is not None:
                    self._categories[outcome.category] += 1
                    self.store.category[seq] = self.store.category_number(outcome.category)
            case Failure():
                self._move(seq, State.FAILED)
                self._request_failed(event, outcome)
                self.pulse.fail(outcome.flags)
            case Skipped():
                self._move(seq, State.SKIPPED)
            case Cancelled():
                self._move(seq, State.CANCELLED)
        self.pulse.level(event.time, self._by_state[_IN_FLIGHT], self._target)
        if asked and (cost := self.store.cost[seq]) != UNKNOWN_COST:
            self.pulse.costs.add(cost)

    def _request_failed(self, event: RequestEnded, failure: Failure) -> None:
        store, error = self.store, failure.error
        if not store.error[event.seq]:
            self._errors[error.kind] += 1
            store.error[event.seq] = store.error_number(error.kind)
        store.cause[event.seq] = self.causes.add(event.time, event.seq, error, failure.attempts, given_up=True)
        self._append(self._entry(event.time, event.seq, "failure", error, failure.attempts))

    # --- the log ---

    def _say(self, time: float, text: str, level: str = "run") -> None:
        self._append(LogEntry(time, "failure" if level == "failure" else "run", one_line(text, LOG_TEXT)))

    def _entry(self, time: float, seq: int, level: LogLevel, error: AttemptError, attempts: int) -> LogEntry:
        text, store = one_line(error.message, LOG_TEXT), self.store
        record, dimension = store.record_id(seq), store.dimension(seq)
        return LogEntry(time, level, text, record, dimension, error.kind, error.status, attempts)

    def _append(self, entry: LogEntry) -> None:
        self.log.append(entry)
        self._log_count += 1

    # --- the view ---

    def snapshot(self, now: float) -> Snapshot:
        """The run at `now` (epoch seconds)."""
        until = self._ended_at if self._ended_at is not None else now
        elapsed = max(0.0, until - self._started_at) if self._started_at is not None else 0.0
        counts = self.counts
        recent = self._recent.now(until)
        mean = self._mean(elapsed)
        series = self._series.rates(until)
        left, pulse = self._left(counts, recent, series), self.pulse
        looked = pulse.looked
        categories = tuple(sorted(self._categories.items(), key=lambda item: (-item[1], item[0])))
        return Snapshot(
            time=now,
            run_id=self._run_id,
            phase=self._phase,
            reason=self._reason,
            started_at=self._started_at,
            elapsed=elapsed,
            eta=None if left is None else left.likely,
            records_total=self._records_total,
            records_read=len(self.store) // len(self.store.dimensions),
            rows_rejected=self._rows_rejected,
            counts=counts,
            target=self._target,
            held_by=self._held_by(),
            throughput=Throughput(
                now=recent if self._ended_at is None else 0.0,
                mean=mean,
                peak=max(self._recent.peak, mean),
                series=series,
                bin_width=self._series.width,
            ),
            latency=Latency(
                self._latency.mean,
                self._latency.percentile(0.50),
                self._latency.percentile(0.95),
                self._latency.percentile(0.99),
            ),
            usage=Usage(*self._tokens),
            money=self._money(counts, until),
            attempts=self._attempts,
            retries=self._retries,
            gateway_retries=self._gateway_retries,
            throttled=self._throttled,
            categories=categories,
            errors=tuple(sorted(self._errors.items(), key=lambda item: (-item[1], item[0]))),
            limits=None if looked is None else looked.limits,
            limits_at=None if looked is None else looked.limits_at,
            log_count=self._log_count,
            before=self._before,
            automatic=looked is not None and looked.automatic,
            mostly_held_by=pulse.mostly,
            hold=pulse.hold,
            pilot=looked is not None and looked.pilot,
            left=left,
            dial=pulse.dial(until),
            lanes=pulse.lanes(until),
            wave=pulse.wave(until),
            tail=pulse.tail(),
            answers=pulse.answers(categories),
        )

    def _held_by(self) -> str:
        if self._phase in ("ready", "ended"):
            return ""
        by_rule = self.pulse.hold.by is Holder.PAUSED and self._reason.startswith("paused by")
        return self._reason if by_rule else sentence(self.pulse.hold)

    def _mean(self, elapsed: float) -> float:
        """Answers a second over the run; while it goes on, over a second at least, as all rates are."""
        over = elapsed if self._ended_at is not None else max(1.0, elapsed)
        return self._answered / over if over else 0.0

    @property
    def counts(self) -> Counts:
        """Requests by state."""
        by = self._by_state
        width = len(self.store.dimensions)
        total = None if self._records_total is None else self._records_total * width
        unread = 0 if total is None else max(0, total - len(self.store))
        return Counts(
            total,
            by[State.QUEUED] + unread,
            by[State.IN_FLIGHT],
            by[State.WAITING],
            by[State.SUCCEEDED],
            by[State.FAILED],
            by[State.SKIPPED],
            by[State.CANCELLED],
        )

    def _left(self, counts: Counts, recent: float, series: tuple[float, ...]) -> Left | None:
        if counts.total is None or self._phase not in ("running", "draining"):
            return None
        left = counts.in_flight if self._phase == "draining" else counts.total - counts.ended
        return time_left(left, recent, series, self.pulse.hold.by)

    def _money(self, counts: Counts, until: float) -> Money:
        cap, exposed, uncertain = None, Decimal(0), Decimal(0)
        if (looked := self.pulse.looked) is not None:
            cap, exposed, uncertain = looked.cap, looked.exposed, looked.uncertain
        if not self._priced:
            nothing = None if self._answered else Decimal(0)
            return Money(nothing, Decimal(0), None, self._saved, cap, exposed, uncertain)
        projected = spread = None
        here = counts.ended - self._before.ended
        if counts.total and here > 0 and self._phase != "ended":
            each = (self._spent - (self._before.spent or 0)) / here
            # A run that ends sends nothing of what is queued any more.
            left = counts.in_flight if self._phase in ("draining", "cancelling") else counts.total - counts.ended
            projected = self._spent + each * left
            spread = self.pulse.costs.around(left)
        burn = self.pulse.burn if self._phase != "ended" else Decimal(0)
        return Money(self._spent, self._wasted, projected, self._saved, cap, exposed, uncertain, burn, spread)
