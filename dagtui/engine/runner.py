"""One run: records in, events out, in a bounded window.

A request is ready when its own needs are met: no record waits for another. The window counts requests that could
leave now; those that wait to retry do not hold it, up to a bound that keeps memory flat through an outage.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from dagtui.core.budget import Budget, most_cost
from dagtui.core.concurrency import Automatic
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, DagtuiError, ErrorKind
from dagtui.core.events import (
    Event,
    Noted,
    RecordReused,
    RequestEnded,
    RowRejected,
    RunResumed,
    RunStarted,
    SourceEnded,
)
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.held import Hold, Holder
from dagtui.core.model import (
    AttemptError,
    Cancelled,
    Failure,
    Outcome,
    Record,
    RowError,
)
from dagtui.core.pacing.departure import Kind
from dagtui.core.pacing.learnt import Learnt
from dagtui.core.pacing.pacer import Pacer
from dagtui.core.patience import Patience
from dagtui.core.plugin import Plugin
from dagtui.core.ports import Earlier, Gateway, Source
from dagtui.core.pricing import PriceTable
from dagtui.core.settings import RunSettings
from dagtui.core.store import RequestStore
from dagtui.core.text import keyless, visible
from dagtui.engine.backing import Backing
from dagtui.engine.books import NOT_SENT, Books, Open
from dagtui.engine.builder import Builder
from dagtui.engine.caller import Caller
from dagtui.engine.claims import Claims
from dagtui.engine.course import Course
from dagtui.engine.crew import Crew
from dagtui.engine.deadlines import Deadlines
from dagtui.engine.gate import PilotGate
from dagtui.engine.limiter import Limiter
from dagtui.engine.lookout import Lookout
from dagtui.engine.reading import rows_of
from dagtui.engine.shelf import Shelf
from dagtui.engine.steering import Hands, Steering
from dagtui.engine.twins import Twins
from dagtui.engine.window import Window

_log = logging.getLogger("dagtui.engine")

_BREATH = 50
_KINDS = {"requests": Kind.REQUESTS, "input": Kind.INPUT, "output": Kind.RESERVED_OUTPUT}


_NO_JOURNAL = Backing()


class Runner:
    """Runs `plugin` over `source`.

    `clock` tells epoch seconds, `draw` uniform numbers from [0, 1), `records` the source's length if it is
    known; `learnt` what an earlier run found out about the limits, by model; `used` tells processor seconds so
    far. `fingerprints` numbers the requests, `store` has the states of all that were read, `backing` is what the
    run has of its journal. `course` takes commands that concern all requests, `steering` those about single ones.
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
        fingerprints: Fingerprints | None = None,
        store: Callable[[], RequestStore] = lambda: RequestStore(()),
        backing: Backing = _NO_JOURNAL,
    ) -> None:
        self.run_id = run_id
        self.dag = Dag(plugin.dimensions)
        self.limiter = Limiter(
            settings.concurrency,
            settings.requests_per_minute,
            make_pacer=self._make_pacer,
            on_target=lambda target: self.course.follow(target),
            on_outage=self._note_outage,
            most_cost=lambda request, tokens: most_cost(request, tokens, prices),
            on_broke=lambda reason: self.course.stop(ErrorKind.BUDGET, f"stopped: {reason}"),
        )
        self._source = source
        self._settings = settings
        self._emit = emit
        self._clock = clock
        self._records = records
        self._learnt = learnt or {}
        # Attempts of two sessions shall not share a trace id: a bill could not be told from the other.
        self._builder = Builder(
            plugin, self.dag, run_id if backing.session == 1 else f"{run_id}.{backing.session}", fingerprints
        )
        self._session = backing.session
        self._claims = Claims(backing.claim)
        self._earlier = backing.earlier
        self._crew = Crew(self._carry, self._wanted)
        self._window = Window()
        self._shelf = Shelf()
        self._books = Books(self.dag, emit, clock, self._shelf.ended)
        self._reader: asyncio.Task[None] | None = None
        self.limiter.budget = Budget(settings.max_cost, backing.spent, backing.uncertain)
        self._twins = Twins(backing.recall, self._count_waiting) if settings.dedupe else None
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
            gave_up=lambda error: self.course.react(error),
            deadlines=Deadlines(settings.timeout),
            patience=Patience() if settings.hedge else None,
        )
        self._count = 0  # records that were read
        self._store = store
        self._gate = PilotGate(settings.pilot, settings.pilot_min_ok)
        self._lookout = Lookout(self.limiter, self._gate, self._hold, used, emit, clock)
        self.course = Course(
            self.limiter,
            self._gate,
            settings,
            emit=emit,
            clock=clock,
            look=self._lookout.look,
            fill=self._fill,
            wind_up=self._wind_up,
            # One turn of the loop later, so that a task which has not begun yet can still book its outcome.
            abandon=lambda: asyncio.get_running_loop().call_soon(self._crew.cancel),
        )
        hands = Hands(
            begin=self._begin_again,
            finish=self._finish,
            room=lambda: self._window.wait_first(self.limiter.target),
            store=store,
            read=lambda: self._count,
            sync=backing.sync,
            ending=lambda: self.course.ending is not None,
            emit=emit,
            clock=clock,
        )
        self.steering = Steering(self.dag, self._books, self._shelf, self._caller, hands, backing.archive)

    def learnt(self) -> dict[str, Learnt]:
        """What this run found out about the limits, by model."""
        return {lane.name: lane.pacer.learnt() for lane in self.limiter.lanes if lane.pacer is not None}

    # --- the run ---

    async def run(self) -> None:
        """Until every record that was read has its outcomes."""
        self._emit(RunStarted(self._clock(), self.run_id, self.dag.names, self._records, self.limiter.target))
        if self._earlier is not None:
            self._go_on(self._earlier)
        if self.course.ending is None and not self.limiter.paused:
            self.course.change("running")
        watching = asyncio.create_task(self._lookout.keep_looking())
        try:
            async with asyncio.TaskGroup() as group:
                self._crew.enlist(group)
                if self.course.ending is None:
                    self._reader = group.create_task(self._read())
                    self.steering.enlist(group, self._reader)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            self.steering.over()
            self._book_unbegun()
            self.course.change("ended", self.course.stop_reason or "finished")
            self._reader = None

    def _go_on(self, earlier: Earlier) -> None:
        now = self._clock()
        self._emit(RunResumed(now, self._session, earlier.again))
        for seq in earlier.left:
            self._emit(RequestEnded(now, seq, earlier.left_as(seq)))

    def _wind_up(self) -> None:
        """Read no more, and let nothing begin."""
        if self._reader is not None:
            self._reader.cancel()
            self._lookout.look()
        self.steering.wake()
        self._book_unbegun()

    def _book_unbegun(self) -> None:
        """What waits for a task will not be sent; if our own task was cancelled, there is some even at the end."""
        for opened, position in self._crew.dismiss():
            self.course.ending = self.course.ending or "cancelling"
            if (
                opened.frontier.is_open(position)
                and self.dag.seq(opened.record.index, position) not in self.steering.under_way
            ):
                self._finish(opened, position, Cancelled(NOT_SENT))

    async def _read(self) -> None:
        count = 0
        self._set_gate()
        try:
            async for row in rows_of(self._source):
                if self.course.ending is not None:
                    return
                if isinstance(row, RowError):
                    self._reject(row)
                    continue
                count += 1
                self._count = count
                if self._earlier is not None and self._earlier.settled(row.index):
                    self._pass_over(self._earlier, row)
                else:
                    await self._window.wait(self.limiter.target)
                    if not await self._claims.reach(row.index, self.limiter.target):
                        return
                    self._begin(row)
                if self._gate.is_at(count, self._records):
                    await self._stand_at_gate()
                if count % _BREATH == 0:
                    await asyncio.sleep(0)  # thousands begin with a run: the first may leave meanwhile
        except DagtuiError as error:
            self.course.stop(ErrorKind.BAD_INPUT, f"the input cannot be read on: {error}")
        else:
            self._emit(SourceEnded(self._clock(), count))

    def _set_gate(self) -> None:
        """A run that goes on was beyond its pilot, or goes on with it."""
        first = self._gate.records
        if first is not None and self._earlier is not None and self._earlier.knows(first - 1):
            self._gate.records = None
        self._claims.most = self._gate.records

    async def _stand_at_gate(self) -> None:
        """Read nothing, and claim nothing, until the pilot has ended and somebody has said go on."""
        if self._shelf.open:
            await self._gate.until_ended()
        done, good = self._gate.judge(self.dag, self._store().state)
        count = self._count
        told = f"pilot: {count:,} of {count:,} records ended: {done:,} done, {count - done:,} failed"
        if not self.course.alone:
            self._gate.waiting = True
            self.course.pause(f"{told}; go on?")
            await self._gate.until_open()
        elif good:
            self._emit(Noted(self._clock(), f"{told}; goes on"))
        else:
            least = f"{100 * self._settings.pilot_min_ok:.6g}%"
            self.course.halt(
                f"stopped after the pilot: {done:,} of its {count:,} records are done, and {least} must be to go"
                " on; dagtui resume goes on all the same"
            )
        self._claims.most = None

    def _reject(self, row: RowError) -> None:
        self._emit(RowRejected(self._clock(), row.line, row.message))
        if self._settings.bad_rows == "fail":
            told = f"stopped: {row.message}; --bad-rows skip leaves such rows out"
            self.course.stop(ErrorKind.BAD_INPUT, told)

    def _pass_over(self, earlier: Earlier, record: Record) -> None:
        if earlier.tells:
            self._emit(RecordReused(self._clock(), record, earlier.kept(record.index)))

    def _begin(self, record: Record) -> None:
        earlier = self._earlier
        if earlier is None:
            opened, ready = self._books.open(record)
        else:
            opened, ready = self._books.reopen(record, earlier.kept(record.index), earlier.knows(record.index))
            if opened.frontier.finished:
                return
        self._shelf.put(opened)
        for position in ready:
            self._window.ready += 1
            if self.course.ending is None:
                self._crew.add((opened, position))
            else:  # whoever was told of the record has ended the run
                self._finish(opened, position, Cancelled(NOT_SENT))

    def _begin_again(self, opened: Open, ready: Sequence[int]) -> None:
        self._window.ready += len(ready)
        self._crew.add_first((opened, position) for position in ready)

    def _wanted(self) -> int:
        return self._window.wanted(self.limiter.target, self._builder.takes_time)

    async def _carry(self, work: tuple[Open, int]) -> None:
        """One request until its outcome."""
        opened, position = work
        seq, under_way = self.dag.seq(opened.record.index, position), self.steering.under_way
        if self.steering.meddled and (seq in under_way or not opened.frontier.is_open(position)):
            return  # skipped before its turn, and perhaps asked again since
        under_way[seq] = asyncio.current_task()
        try:
            outcome = await self._outcome(opened, position, seq)
        except asyncio.CancelledError:
            outcome = Cancelled(NOT_SENT)
        del under_way[seq]
        if self.steering.meddled:
            outcome = self.steering.outcome_of(seq, outcome)
        self._finish(opened, position, outcome)
        self._window.wake(self.limiter.target)

    async def _outcome(self, opened: Open, position: int, seq: int) -> Outcome:
        again = self.steering.again.get(seq)
        try:
            tokens = None if again is None else again.max_tokens
            request = await self._builder.build(opened.record, position, opened.outcomes, tokens)
        except BadInput as error:
            return self._unbuilt(ErrorKind.BAD_INPUT, str(error))
        except Exception as error:
            _log.error("the plugin raised\n%s", visible(keyless(traceback.format_exc())))
            message = f"the plugin raised {type(error).__name__}: {error}"
            return self._unbuilt(ErrorKind.PLUGIN, keyless(message))
        if again is not None:
            return await self._caller.call(request, self.dag.dimensions[position], again.attempts)
        if (
            self._earlier is not None
            and (same := self._earlier.same(request.seq, request.fingerprint)) is not None
        ):
            return same
        dimension = self.dag.dimensions[position]
        if self._twins is None:
            return await self._caller.call(request, dimension)
        return await self._twins.outcome(request, lambda: self._caller.call(request, dimension))

    def _finish(self, opened: Open, position: int, outcome: Outcome, counted: bool = True) -> None:
        """Book the outcome of a request; `counted` is one that was ready."""
        self._window.ready -= counted
        ready = self._books.end(opened, position, outcome)
        if not self._shelf.open:
            self._gate.ended()
        self.course.judge(outcome)
        self._window.ready += len(ready)
        if self.course.ending is None:
            if ready:  # before fresh records, so that those that were begun end soon
                self._crew.add_first((opened, next_one) for next_one in ready)
        else:
            for next_one in ready:
                self._finish(opened, next_one, Cancelled(NOT_SENT))

    def _unbuilt(self, kind: ErrorKind, message: str) -> Failure:
        error = AttemptError(kind, message)
        self.course.react(error)
        return Failure(error, 0)

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

    def _fill(self) -> None:
        """There may be more slots than before."""
        self._crew.staff()
        self._window.wake(self.limiter.target)

    def _hold(self) -> Hold | None:
        """What binds; None before the run has begun."""
        if self._reader is None:
            return None
        if self.course.ending is not None:
            return Hold(Holder.ENDING)
        if self._gate.waiting:
            return Hold(Holder.PILOT)
        return self.limiter.hold(self._window.waiting, reading=not self._reader.done())

    def _note_outage(self, begins: bool) -> None:
        said = "nothing answers any more: paused, and tried every two seconds" if begins else "it answers again"
        self._emit(Noted(self._clock(), said))

    def _count_waiting(self, change: int) -> None:
        self._window.waiting += change
        self._window.wake(self.limiter.target)
        if change > 0:
            self._crew.staff()
