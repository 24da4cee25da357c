"""A live run in this process: what a front end, or a program of your own, holds.

session = Session(plugin=EmailAnalyzer(), records=rows, gateway=gateway, settings=RunSettings(concurrency=100))
async for event in session.events(): ...
result = await session.wait()
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from dagtui.core.causes import Causes
from dagtui.core.errors import ConfigError, DagtuiError, ExitCode, exit_code_of
from dagtui.core.events import Event, Noted
from dagtui.core.faults import SimulatedProvider
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.inspection import Asked, Inspection, glimpse, remembered
from dagtui.core.model import Record, RowError
from dagtui.core.pacing.learnt import Learnt
from dagtui.core.past import Past
from dagtui.core.plugin import Plugin
from dagtui.core.ports import Archive, Earlier, Extracts, Gateway, JournalPort, Sink, Source
from dagtui.core.pricing import PriceTable
from dagtui.core.report import Audit
from dagtui.core.result import RunResult, summary_of
from dagtui.core.revision import Revisions
from dagtui.core.settings import MAX_CONCURRENCY, RunSettings
from dagtui.core.snapshot import LogEntry, Snapshot
from dagtui.core.stats import Stats
from dagtui.core.stop_rule import parse_rule
from dagtui.core.store import RequestStore
from dagtui.engine.backing import Backing
from dagtui.engine.runner import Runner
from dagtui.engine.sinks import Sinks

_FOLDED_AT_ONCE = 512  # events; whoever looks before sees them too


class Session:
    """One run, live. Any number of sessions may share a process; each is used from the loop that started it.

    `records` is a list or any source of records; `total` its length if you know it and it has none.
    `sinks` are told every event. `owned` are closed with the session, in order (a gateway is always closed).
    `audit` compares the ended run with the provider's own books, where there is a way to. `learnt` is what
    `learnt()` of an earlier session gave: the provider's limits, so that this one need not find them.

    `journal` keeps everything durably, with the `fingerprints` of what was asked; a run that goes on has a `past`
    and what of it is kept (`earlier`). `uncertain` are dollars that earlier sessions may have cost beyond what is
    known. `archive` finds the records that have ended, `extracts` all else that is in the journal.
    `provider` is the simulated one behind the gateway, if it is one.
    """

    def __init__(
        self,
        *,
        plugin: Plugin,
        records: Source | Iterable[Record],
        gateway: Gateway,
        settings: RunSettings | None = None,
        prices: PriceTable | None = None,
        sinks: Sequence[Sink] = (),
        total: int | None = None,
        title: str = "",
        results_path: Path | None = None,
        run_id: str | None = None,
        seed: int | None = None,
        owned: Sequence[Callable[[], Awaitable[None]]] = (),
        audit: Callable[[Snapshot], Awaitable[Audit]] | None = None,
        learnt: Mapping[str, Learnt] | None = None,
        journal: JournalPort | None = None,
        fingerprints: Fingerprints | None = None,
        earlier: Earlier | None = None,
        past: Past | None = None,
        uncertain: Decimal = Decimal(0),
        archive: Archive | None = None,
        extracts: Extracts | None = None,
        provider: SimulatedProvider | None = None,
    ) -> None:
        self.settings = settings or RunSettings()
        self.title = title or plugin.name
        self.results_path = results_path
        self.run_id = run_id or new_run_id()
        self.provider = provider
        if total is None and isinstance(records, Sequence):
            total = len(records)
        source = _Listed(records) if isinstance(records, Iterable) else records
        self._runner = Runner(
            run_id=self.run_id,
            plugin=plugin,
            source=source,
            gateway=gateway,
            settings=self.settings,
            prices=prices or PriceTable(),
            emit=self._emit,
            clock=self._now,
            draw=random.Random(seed).random,
            records=total,
            learnt=learnt,
            used=time.process_time,
            fingerprints=fingerprints,
            store=lambda: self.store,
            backing=Backing(
                claim=journal.claim if journal is not None else None,
                sync=self._synced,
                session=journal.session if journal is not None else 1,
                earlier=earlier,
                spent=(past.figures.spent if past is not None else None) or Decimal(0),
                uncertain=uncertain,
                recall=extracts.recall if extracts is not None else lambda seq: None,
                archive=archive,
            ),
        )
        self.dimensions = self._runner.dag.names
        self._unfolded: deque[Event] = deque()
        self._stats = Stats(self.dimensions, self.settings.concurrency)
        if past is not None:
            self._stats.restore(past)
        self._journal = journal
        # Five events a request: the journal is handed a list, not each of them.
        self._kept = None if journal is None else journal.events
        self._extracts = extracts
        if journal is not None:
            journal.trouble = self._give_up
            sinks = (journal, *sinks)  # the truth before what is made of it
        self._sinks = Sinks(sinks, lost=self._stop_for, dropped=self._note_dropped)
        self._subscribers: list[asyncio.Queue[Event | None]] = []
        self._owned = [gateway.aclose, *owned, *([extracts.inspector.aclose] if extracts else [])]
        self._loop_time: Callable[[], float] = time.time  # the loop's own once the session has started
        self._epoch = 0.0  # epoch seconds at its zero
        self._task: asyncio.Task[RunResult] | None = None
        self._ended = False
        self._broken = ""
        self._audit = audit
        self.revisions = Revisions()
        """How what the run asks was changed on the way."""

    # --- what front ends read ---

    @property
    def store(self) -> RequestStore:
        """The state of every request that was read; not to be written."""
        self._fold()
        return self._stats.store

    @property
    def since(self) -> Mapping[int, float]:
        """When the attempt of each request in flight was sent, epoch seconds; not to be written."""
        self._fold()
        return self._stats.pulse.since

    @property
    def log(self) -> deque[LogEntry]:
        """The last lines of the log; not to be written."""
        self._fold()
        return self._stats.log

    @property
    def causes(self) -> Causes:
        """What went wrong, by its causes; not to be written."""
        self._fold()
        return self._stats.causes

    def snapshot(self) -> Snapshot:
        """The figures of this moment."""
        self._fold()
        return self._stats.snapshot(self._now())

    async def events(self) -> AsyncIterator[Event]:
        """Every event from now on, none once the run has ended; starts it if it has not begun.

        A slow reader costs memory, not speed.
        """
        if self._ended:
            return
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._subscribers.append(queue)
        self.start()
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._subscribers.remove(queue)

    def learnt(self) -> dict[str, Learnt]:
        """What the run has found out about the provider's limits, by model."""
        return self._runner.learnt()

    # --- commands ---

    def start(self) -> None:
        """Begin, on the running loop. Beginning twice is beginning once."""
        if self._task is None:
            loop_time = asyncio.get_running_loop().time
            self._epoch, self._loop_time = time.time() - loop_time(), loop_time
            self._task = asyncio.create_task(self._run())

    async def wait(self) -> RunResult:
        """Until the run has ended. A failed run does not raise: its result says what happened."""
        self.start()
        assert self._task is not None
        return await asyncio.shield(self._task)

    async def run(self) -> RunResult:
        """Start, wait, and let go of everything."""
        try:
            return await self.wait()
        finally:
            await self.aclose()

    def retune(self, target: int, by: str = "you") -> None:
        """Set the concurrency limit, within 1 and 10,000; acts at once, and nothing in flight is killed."""
        self._runner.course.retune(min(max(1, target), MAX_CONCURRENCY), by)

    def automate(self, on: bool = True, by: str = "you") -> None:
        """Leave the concurrency to the program, under the ceiling of the settings; `retune` takes it back."""
        self._runner.course.automate(on, by)

    def set_max_cost(self, dollars: Decimal | None, by: str = "you") -> None:
        """Set the budget of the whole run, earlier sessions included, or none; acts at once.

        Raises:
            ConfigError: it is not above 0.
        """
        if dollars is not None and not dollars > 0:
            raise ConfigError(f"The budget must be above $0, not {dollars}.")
        self._runner.course.cap(dollars, by)

    def set_stop_rule(self, rule: str | None, by: str = "you") -> None:
        """Pause when `rule` is hit from now on (`failed>20%, drift>25`), or at nothing; where nobody is there,
        stop.

        Raises:
            ConfigError: it is no rule.
        """
        self._runner.course.set_stop_rule(None if rule is None else parse_rule(rule), by)

    @property
    def alone(self) -> bool:
        """Nobody is there to be asked: after the pilot, and where the stop rule is hit, the run decides by
        itself.
        """
        return self._runner.course.alone

    @alone.setter
    def alone(self, on: bool) -> None:
        self._runner.course.alone = on

    def retry(
        self, seqs: Sequence[int], *, later: bool = False, max_tokens: int | None = None, by: str = "you"
    ) -> int:
        """Ask requests again that have an outcome, an answer too: now, or `later` than all fresh ones. Those that
        wait between two attempts wait no longer. With `max_tokens` their answers may have so many from now on.

        What a request lacks, and what was skipped because of it, is asked again with it; answers that build on it
        stay. Returns how many of `seqs` were taken: none once the run has ended, for which there is `resume`.

        Raises:
            ConfigError: `max_tokens` is not above 0.
        """
        if max_tokens is not None and max_tokens < 1:
            raise ConfigError(f"An answer must have a token at least, not {max_tokens}.")
        return self._runner.steering.retry(seqs, later, max_tokens, by)

    def skip(self, seqs: Sequence[int], by: str = "you") -> int:
        """Want no answer to requests that have none; what is in flight of them may be billed all the same."""
        return self._runner.steering.skip(seqs, by)

    def abort(self, seqs: Sequence[int], by: str = "you") -> int:
        """Wait no longer for the attempts in flight of requests: they may be billed, and are asked again as
        after a timeout.
        """
        return self._runner.steering.abort(seqs)

    def hedge(self, seqs: Sequence[int], by: str = "you") -> int:
        """Send requests once more beside their attempts in flight; the first answer counts."""
        return self._runner.steering.hedge(seqs)

    async def write_out(self, seqs: Sequence[int], path: Path, *, overwrite: bool = False) -> int:
        """Write the records of requests, with their last errors, as input for another run; returns the rows.

        Raises:
            TargetExists: there is such a file, and `overwrite` is off.
            DagtuiError: the file cannot be written, or this run keeps no journal.
        """
        if self._journal is None or self._extracts is None:
            raise ConfigError("This run keeps no journal to write records from: give its session one.")
        await self._synced()
        return await asyncio.to_thread(self._extracts.write_out, seqs, path, overwrite=overwrite)

    def pause(self) -> None:
        """Send nothing until `resume`; what is in flight is finished."""
        self._runner.course.pause()

    def resume(self) -> None:
        """Send again."""
        self._runner.course.resume()

    def drain(self, reason: str = "drained by you: what was in flight is finished, nothing new is sent") -> None:
        """Finish what is in flight, start nothing new, end."""
        self._runner.course.drain(reason)

    def cancel(self, reason: str = "cancelled by you: what was in flight may be billed all the same") -> None:
        """Abandon what is in flight and end."""
        self._runner.course.cancel(reason)

    @property
    def journal_path(self) -> Path | None:
        """Where the run's journal lies; None if it keeps none."""
        return None if self._journal is None else self._journal.path

    async def export(self, path: Path, *, overwrite: bool = False) -> int:
        """Write the results so far to `path` (its name tells the format); returns the rows written.

        Raises:
            TargetExists: there is such a file, and `overwrite` is off.
            DagtuiError: the file cannot be written, or this run keeps no journal.
        """
        if self._journal is None or self._extracts is None:
            raise ConfigError("This run keeps no journal to export from: give its session one.")
        await self._synced()
        return await asyncio.to_thread(self._extracts.export, path, overwrite=overwrite)

    async def inspect(self, seq: int) -> Inspection:
        """All that is known of request `seq` by now; what could not be had is told in it."""
        if self._extracts is None or self._journal is None:
            return remembered(self.store, self.log, seq, self._now())
        seen = glimpse(self.store, seq, self._now())
        if not self._ended:
            with suppress(DagtuiError):  # where it cannot write, what it has is shown all the same
                await self._journal.synced()
        return await self._extracts.inspector.look(seen)

    async def asked(self, seq: int) -> Asked:
        """What request `seq` asks; it may take long, because its record is read again."""
        if self._extracts is None:
            return Asked(trouble="This run keeps no journal, so that its prompts cannot be made again.")
        return await self._extracts.inspector.asked(seq)

    def note(self, message: str) -> None:
        """Put a line into the log; while the run goes on also into its journal, so that a replay has it."""
        noted = Noted(self._now(), message)
        if self._task is None or self._ended:
            self._unfolded.append(noted)
        else:
            self._emit(noted)

    def own(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have `close` awaited when the session is closed, before all else."""
        self._owned.insert(0, close)

    async def aclose(self) -> None:
        """Cancel the run if it still goes on, then close the gateway and what else the session owns."""
        if self._task is not None and not self._task.done():
            self.cancel("cancelled: the session was closed")
            await asyncio.wait([self._task])
        while self._owned:
            await self._owned.pop(0)()

    # --- the run ---

    async def _run(self) -> RunResult:
        try:
            await self._runner.run()
        except* DagtuiError as group:
            self._broken = str(group.exceptions[0])
        finally:
            self._ended = True
            if self._journal is not None:
                self._journal.conclude(summary_of(self._result()))
            self._sinks.close()
            for queue in self._subscribers:
                queue.put_nowait(None)
        if self._extracts is not None and self._runner.steering.reopened and not self._sinks.unwritten:
            try:
                await asyncio.to_thread(self._extracts.rewrite)
            except DagtuiError as error:
                self._broken = self._broken or f"The results hold records twice that were asked again: {error}"
        result = self._result()
        return replace(result, audit=await self._audit(result.snapshot)) if self._audit else result

    def _result(self) -> RunResult:
        snapshot = self.snapshot()
        course, counts = self._runner.course, snapshot.counts
        reason = snapshot.reason
        if stopped := self._sinks.unwritten or self._broken:
            return RunResult("stopped", ExitCode.INTERNAL, stopped, snapshot)
        if course.halted:
            return RunResult("stopped", ExitCode.PARTIAL_FAILURE, reason, snapshot)
        if course.stopped_by is not None:
            return RunResult("stopped", exit_code_of(course.stopped_by), reason, snapshot)
        if course.ending == "cancelling":
            return RunResult("cancelled", ExitCode.INTERRUPTED, reason, snapshot)
        if course.ending == "draining":
            return RunResult("drained", ExitCode.INTERRUPTED, reason, snapshot)
        if counts.failed or counts.skipped or counts.cancelled:
            return RunResult("partial", ExitCode.PARTIAL_FAILURE, reason, snapshot)
        return RunResult("complete", ExitCode.OK, reason, snapshot)

    def _now(self) -> float:
        return self._epoch + self._loop_time()

    async def _synced(self) -> None:
        if self._journal is not None and not self._ended:
            await self._journal.synced()

    def _emit(self, event: Event) -> None:
        self._unfolded.append(event)
        if len(self._unfolded) >= _FOLDED_AT_ONCE:
            self._fold()
        if self._kept is not None:
            if not self._kept:
                self._sinks.flush_soon()
            self._kept.append(event)
        for queue in self._subscribers:
            queue.put_nowait(event)
        self._sinks.write(event)

    def _fold(self) -> None:
        """Count what has happened since. In batches, so that the processor finds the code in its cache."""
        while self._unfolded:
            self._stats.fold(self._unfolded.popleft())

    def _stop_for(self, reason: str) -> None:
        if not self._ended:
            self._runner.course.drain(reason)

    def _give_up(self, reason: str) -> None:
        """The journal is in trouble: whatever can be written all the same, the run did not end as it should."""
        self._broken = self._broken or reason
        self._stop_for(reason)

    def _note_dropped(self, told: str) -> None:
        # Not to the sinks: one of them is being told of something else.
        self._unfolded.append(Noted(self._now(), f"an observer was dropped: {told}"))


class _Listed:
    """A source over what is in memory already."""

    def __init__(self, rows: Iterable[Record]) -> None:
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[Record | RowError]:
        for row in self._rows:
            yield row


def new_run_id() -> str:
    """A name for a run that sorts by time, also within a second: `20261122-191500-4f21a`."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 4096 // 1_000_000:03x}{secrets.token_hex(1)}"
