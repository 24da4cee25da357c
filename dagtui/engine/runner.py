"""One run: records in, events out, in a bounded window.

A request is ready when its own needs are met: no record waits for another. The window counts requests that could
leave now; those that wait to retry do not hold it, up to a bound that keeps memory flat through an outage.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from dagtui.core.concurrency import Automatic
from dagtui.core.dag import Dag, Frontier
from dagtui.core.errors import BadInput, DagtuiError, ErrorKind
from dagtui.core.events import (
    Event,
    Noted,
    Phase,
    PhaseChanged,
    RecordEnded,
    RecordRead,
    RequestEnded,
    RowRejected,
    RunStarted,
    SourceEnded,
    TargetChanged,
)
from dagtui.core.held import Holder, sentence
from dagtui.core.model import (
    AttemptError,
    Cancelled,
    Failure,
    Outcome,
    Record,
    RowError,
    Skipped,
    Success,
)
from dagtui.core.pacing.departure import Kind
from dagtui.core.pacing.learnt import Learnt
from dagtui.core.pacing.pacer import Pacer
from dagtui.core.patience import Patience
from dagtui.core.plugin import Plugin
from dagtui.core.ports import Gateway, Source
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import RunSettings
from dagtui.engine.builder import Builder
from dagtui.engine.caller import Caller
from dagtui.engine.deadlines import Deadlines
from dagtui.engine.limiter import Limiter
from dagtui.engine.watch import Watch

_log = logging.getLogger("dagtui.engine")

# Requests kept ready beyond the limit, so that a freed slot never waits for the source. No more than there are
# slots, because whoever returns from a wait queues behind them.
_LEAST_AHEAD, _MOST_AHEAD = 2, 32
_BREATH = 50
_KINDS = {"requests": Kind.REQUESTS, "input": Kind.INPUT, "output": Kind.RESERVED_OUTPUT}


@dataclass(slots=True)
class _Open:
    """A record on its way."""

    record: Record
    frontier: Frontier
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    ended: bool = False


class Runner:
    """Runs `plugin` over `source`.

    `clock` tells epoch seconds, `draw` uniform numbers from [0, 1), `records` the source's length if it is known;
    `learnt` what an earlier run found out about the limits, by model; `used` tells processor seconds so far.
    Commands act at once and may be given at any time.
    """

    def __init__(
        self,
        *,
        run_id: str,
        plugin: Plugin,
        source: Source,
        gateway: Gateway,
        settings: RunSettings,
        prices: PriceTable,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        draw: Callable[[], float],
        records: int | None = None,
        learnt: Mapping[str, Learnt] | None = None,
        used: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.run_id = run_id
        self.dag = Dag(plugin.dimensions)
        self.limiter = Limiter(
            settings.concurrency,
            settings.requests_per_minute,
            make_pacer=self._make_pacer,
            on_target=self._follow,
            on_outage=self._note_outage,
        )
        self.stopped_by: ErrorKind | None = None
        self.stop_reason = ""
        self.ending: Phase | None = None
        self._source = source
        self._settings = settings
        self._emit = emit
        self._clock = clock
        self._records = records
        self._learnt = learnt or {}
        self._watch = Watch(used)
        self._builder = Builder(plugin, self.dag, run_id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = 0  # requests that could leave now, or are in flight
        self._waiting = 0  # requests between two attempts
        self._room: asyncio.Future[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        if settings.automatic:
            self.limiter.automatic = Automatic(settings.ceiling, settings.concurrency)
        self._caller = Caller(
            gateway=gateway,
            limiter=self.limiter,
            policy=settings.retry,
            timeout=settings.timeout,
            prices=prices,
            emit=emit,
            clock=clock,
            draw=draw,
            waiting=self._count_waiting,
            gave_up=self._react,
            deadlines=Deadlines(settings.timeout),
            patience=Patience() if settings.hedge else None,
        )

    # --- commands ---

    def retune(self, target: int, by: str) -> None:
        """Set the concurrency limit; what is in flight stays in flight."""
        self.limiter.automatic = None  # a number set by hand stays
        if target != self.limiter.target:
            self._emit(TargetChanged(self._clock(), target, by))
            self.limiter.retune(target)
            self._make_room()

    def pause(self) -> None:
        """Send nothing until `resume`."""
        if not self.limiter.paused and self.ending is None:
            self.limiter.pause()
            self._change("paused", "paused: what is in flight is finished, nothing new is sent")

    def held_by(self) -> str:
        """What keeps the number in flight where it is."""
        if self.ending is not None or self._reader is None:
            return "the run is ending" if self.ending is not None else ""
        hold = self.limiter.hold(self._waiting, reading=not self._reader.done())
        return sentence(self._watch.seen(hold))

    @property
    def mostly_held_by(self) -> Holder | None:
        """What bound for most of the time; None if nothing did so far."""
        return self._watch.mostly

    @property
    def automatic(self) -> bool:
        """Whether the concurrency is left to us."""
        return self.limiter.automatic is not None

    def learnt(self) -> dict[str, Learnt]:
        """What this run found out about the limits, by model."""
        return {name: lane.pacer.learnt() for name, lane in self.limiter.lanes.items() if lane.pacer is not None}

    def automate(self, on: bool, by: str) -> None:
        """Leave the concurrency to us, under the ceiling; or to the user again, from where it is."""
        if on == self.automatic:
            return
        self.limiter.automatic = Automatic(self._settings.ceiling, self.limiter.target) if on else None
        words = f"automatic, at most {self._settings.ceiling:,}" if on else f"held at {self.limiter.target:,}"
        self._emit(Noted(self._clock(), f"concurrency {words} ({by})"))

    def resume(self) -> None:
        """Send again after `pause`."""
        if self.limiter.paused and self.ending is None:
            self.limiter.resume()
            self._change("running", "resumed")

    def drain(self, reason: str) -> None:
        """Finish what is in flight and start nothing new."""
        if self.ending is None:
            self._end("draining", reason)

    def cancel(self, reason: str) -> None:
        """Abandon what is in flight. The provider may bill it all the same."""
        if self.ending != "cancelling":
            self._end("cancelling", reason)
            # One turn of the loop later, so that a task which has not begun yet can still book its outcome.
            asyncio.get_running_loop().call_soon(self._cancel_tasks)

    def _end(self, phase: Phase, reason: str) -> None:
        self.ending = phase
        self.stop_reason = reason
        self._change(phase, reason)
        self.limiter.close()
        if self._reader is not None:
            self._reader.cancel()

    def _cancel_tasks(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    # --- the run ---

    async def run(self) -> None:
        """Until every record that was read has its outcomes."""
        self._emit(RunStarted(self._clock(), self.run_id, self.dag.names, self._records, self.limiter.target))
        if self.ending is None and not self.limiter.paused:
            self._change("running")
        try:
            async with asyncio.TaskGroup() as group:
                self._reader = group.create_task(self._read(group))
        finally:
            self._change("ended", self.stop_reason or "finished")

    async def _read(self, group: asyncio.TaskGroup) -> None:
        count = 0
        try:
            async for row in self._rows():
                if isinstance(row, RowError):
                    self._reject(row)
                    continue
                await self._wait_for_room()
                count += 1
                self._begin(group, row)
                if count % _BREATH == 0:
                    await asyncio.sleep(0)  # thousands begin with a run: the first may leave meanwhile
        except DagtuiError as error:
            self.stopped_by = ErrorKind.BAD_INPUT
            self.drain(f"the input cannot be read on: {error}")
        else:
            self._emit(SourceEnded(self._clock(), count))

    async def _rows(self) -> AsyncIterator[Record | RowError]:
        try:
            async for row in self._source:
                yield row
        except DagtuiError:
            raise
        except Exception as error:
            _log.exception("the source raised")
            raise BadInput(f"{type(error).__name__}: {error}") from error

    def _reject(self, row: RowError) -> None:
        self._emit(RowRejected(self._clock(), row.line, row.message))
        if self._settings.bad_rows == "fail":
            self.stopped_by = ErrorKind.BAD_INPUT
            self.drain(f"stopped: {row.message}; --bad-rows skip leaves such rows out")

    def _begin(self, group: asyncio.TaskGroup, record: Record) -> None:
        self._emit(RecordRead(self._clock(), record.index, record.id))
        opened = _Open(record, Frontier(self.dag))
        for position in opened.frontier.start():
            self._spawn(group, opened, position)

    def _spawn(self, group: asyncio.TaskGroup, opened: _Open, position: int) -> None:
        self._ready += 1
        task = group.create_task(self._request(group, opened, position))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, group: asyncio.TaskGroup, opened: _Open, position: int) -> None:
        try:
            outcome = await self._outcome(opened, position)
        except asyncio.CancelledError:
            outcome = Cancelled("the run was stopped before it was sent")
        self._ready -= 1
        self._finish(group, opened, position, outcome)
        self._make_room()
        self._look()

    async def _outcome(self, opened: _Open, position: int) -> Outcome:
        try:
            request = await self._builder.build(opened.record, position, opened.outcomes)
        except BadInput as error:
            return self._unbuilt(ErrorKind.BAD_INPUT, str(error))
        except Exception as error:
            _log.exception("the plugin raised")
            return self._unbuilt(ErrorKind.PLUGIN, f"the plugin raised {type(error).__name__}: {error}")
        return await self._caller.call(request, self.dag.dimensions[position])

    def _finish(self, group: asyncio.TaskGroup, opened: _Open, position: int, outcome: Outcome) -> None:
        self._book(opened, position, outcome)
        step = opened.frontier.end(position, succeeded=isinstance(outcome, Success))
        for skipped in step.skipped:
            self._book(opened, skipped, self._unsent(self.dag.names[position], outcome))
        for ready in step.ready:
            if self.ending is None:
                self._spawn(group, opened, ready)
            else:
                cancelled = Cancelled("the run was stopped before it was sent")
                self._finish(group, opened, ready, cancelled)
        if opened.frontier.finished and not opened.ended:
            opened.ended = True
            ordered = {name: opened.outcomes[name] for name in self.dag.names}
            self._emit(RecordEnded(self._clock(), opened.record, ordered))

    @staticmethod
    def _unsent(need: str, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Cancelled):
            return Cancelled(f'the run was stopped before "{need}" was answered')
        return Skipped(f'"{need}" did not succeed')

    def _book(self, opened: _Open, position: int, outcome: Outcome) -> None:
        opened.outcomes[self.dag.names[position]] = outcome
        self._emit(RequestEnded(self._clock(), self._builder.seq(opened.record, position), outcome))

    def _unbuilt(self, kind: ErrorKind, message: str) -> Failure:
        error = AttemptError(kind, message)
        self._react(error)
        return Failure(error, 0)

    def _react(self, error: AttemptError) -> None:
        if self.ending is not None:
            return
        if error.kind.fatal:
            self.stopped_by = error.kind
            self.drain(f"stopped: {error.message}")
        elif not self._settings.continue_on_error:
            self.stopped_by = error.kind
            self.drain(f"stopped at the first failure: {error.message}")

    def _change(self, phase: Phase, reason: str = "") -> None:
        self._emit(PhaseChanged(self._clock(), phase, reason))

    # --- the limiter ---

    def _make_pacer(self, name: str, now: float) -> Pacer | None:
        """The pacer of one model's lane; none where the gateway retries, so that the two can be compared."""
        settings = self._settings
        if settings.retries_by == "gateway":
            return None
        jobs = None if self._records is None else self._records * len(self.dag)
        ceiling = settings.ceiling if settings.automatic else settings.concurrency
        told = {_KINDS[kind]: number for kind, number in settings.limits.items()}
        return Pacer(now, told=told, learnt=self._learnt.get(name), ceiling=ceiling, jobs=jobs)

    def _follow(self, target: int) -> None:
        self._emit(TargetChanged(self._clock(), target, "automatic"))
        self._make_room()

    def _look(self) -> None:
        """Log what binds, when that has changed."""
        if self.ending is None and self._watch.is_due(asyncio.get_running_loop().time()):
            told = self._watch.look(self.limiter.hold(self._waiting))
            if told is not None:
                self._emit(Noted(self._clock(), told))

    def _note_outage(self, begins: bool) -> None:
        said = "nothing answers any more: paused, and tried every two seconds" if begins else "it answers again"
        self._emit(Noted(self._clock(), said))

    # --- the window ---

    def _has_room(self, ahead: int | None = None) -> bool:
        target = self.limiter.target
        could_leave = self._ready - self._waiting
        most = min(max(_LEAST_AHEAD, target), _MOST_AHEAD) if ahead is None else ahead
        return could_leave < target + most and self._ready < 8 * target + 8 * _MOST_AHEAD

    async def _wait_for_room(self) -> None:
        while not self._has_room():
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _make_room(self) -> None:
        # The reader is woken for several at a time: waking it costs as much as reading a record.
        few = min(max(_LEAST_AHEAD, self.limiter.target), _MOST_AHEAD) // 2
        if self._room is not None and not self._room.done() and self._has_room(few):
            self._room.set_result(None)

    def _count_waiting(self, change: int) -> None:
        self._waiting += change
        self._make_room()
