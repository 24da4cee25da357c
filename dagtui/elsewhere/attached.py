"""A run that goes on in another process: what a front end holds in place of its session.

What has happened is read from the journal, at most a tenth of a second late; commands, and what only the running
program knows, go over its control socket.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagtui.core.causes import Causes
from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.core.inspection import Asked, Inspection, glimpse
from dagtui.core.result import RunResult
from dagtui.core.run_settings import MAX_CONCURRENCY, RunSettings
from dagtui.core.snapshot import LogEntry, Snapshot
from dagtui.core.stop_rule import parse_rule
from dagtui.core.store import RequestStore, State
from dagtui.elsewhere.control import ControlClient, Facts, ranged
from dagtui.io.journal import is_locked
from dagtui.io.journal.replay import END, Events
from dagtui.io.simulated import SimulatorControl
from dagtui.past.exporting import dimensions_of, export_kept, write_out
from dagtui.past.fold import Fold, result_of
from dagtui.past.inspecting import Inspector
from dagtui.past.runs import name_of, plan_of
from dagtui.watched import ATTACHED

_LOOK_S = 0.1  # seconds between two looks
_TURN_S = 0.02  # seconds that folding may keep the loop from doing something else
_PAGE = 500  # requests that are read at once
_PAIRS = 2000  # ranges of requests in one command: a line has room for so many
_UNDER_WAY = frozenset({int(State.QUEUED), int(State.IN_FLIGHT), int(State.WAITING)})
_IN_FLIGHT = frozenset({int(State.IN_FLIGHT)})
_ENDED_OR_WAITING = frozenset(map(int, State)) - {int(State.QUEUED), int(State.IN_FLIGHT)}


class Attached:
    """The run of the journal at `path`, watched and steered from here. Leaving it leaves it alone.

    `trouble` is told a sentence when the run takes no commands.

    Raises:
        ConfigError: the run has ended, or its journal cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if not is_locked(path):
            name = name_of(path)
            raise ConfigError(
                f"The run {name} has ended, so there is nothing to attach to: dagtui show {name} plays it once"
                f" more, dagtui resume {name} goes on with it."
            )
        plan = plan_of(path)
        self._events = Events(path)
        self._inspector = Inspector(path, os.environ)
        self.settings: RunSettings = plan.settings
        self.dimensions = self._events.dimensions
        self.journal_path = path
        self.results_path = plan.output
        self.title = f"{ATTACHED}{self._events.facts.get('title') or name_of(path)}"
        self.trouble: Callable[[str], None] = lambda told: None
        self._fold = Fold(self.dimensions)
        self._client = ControlClient(path.parent)
        self._facts: Facts | None = None
        self._provider: SimulatorControl | None = None
        self._fast = 0.0  # seconds that the run's clock is ahead of ours
        # How far it was read, epoch seconds, while there is more: a look at a later moment would have what is yet
        # to be read happen all at once.
        self._behind: float | None = 0.0
        self._target: int | None = None  # that was asked for, until the run has confirmed it
        self._lost = ""  # why nothing more will be heard of it, if not for its end
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    # --- what front ends read ---

    @property
    def store(self) -> RequestStore:
        """The state of every request that was read; not to be written."""
        return self._fold.stats.store

    @property
    def since(self) -> Mapping[int, float]:
        """When the attempt of each request in flight was sent, epoch seconds; not to be written."""
        return self._fold.stats.pulse.since

    @property
    def log(self) -> deque[LogEntry]:
        """The last lines of the log; not to be written."""
        return self._fold.stats.log

    @property
    def causes(self) -> Causes:
        """What went wrong, by its causes; not to be written."""
        return self._fold.stats.causes

    @property
    def steerable(self) -> bool:
        """The run takes commands."""
        return self._facts is not None and not self._ended.is_set()

    @property
    def provider(self) -> SimulatorControl | None:
        """The simulated provider of the run, if it is one and the run takes commands."""
        return self._provider if self.steerable else None

    def snapshot(self) -> Snapshot:
        """The figures of this moment."""
        snapshot = self._fold.stats.snapshot(self._now())
        if self._lost:
            return replace(snapshot, phase="ended", reason=self._lost)
        facts = self._facts
        if facts is None or snapshot.phase == "ended":
            return snapshot
        return replace(
            snapshot,
            phase=snapshot.phase if facts.phase in ("ended", "ready") else facts.phase,
            target=self._target or facts.target,
            automatic=facts.automatic and self._target is None,
        )

    # --- commands ---

    def start(self) -> None:
        """Begin to follow, on the running loop."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow())

    async def wait(self) -> RunResult:
        """Until the run has ended, or was killed."""
        self.start()
        await self._ended.wait()
        if self._lost:
            return result_of({}, self.snapshot(), killed=True)
        return result_of(self._events.summary(), self.snapshot(), killed=False)

    def retune(self, target: int, by: str = "you") -> None:
        """Set the concurrency limit, within 1 and 10,000."""
        self._target = min(max(1, target), MAX_CONCURRENCY)
        self._send(self._retuned(self._target))

    def automate(self, on: bool = True, by: str = "you") -> None:
        """Leave the concurrency to the program, or take it back."""
        self._send(self._asked("automate", on=on))

    def set_max_cost(self, dollars: Decimal | None, by: str = "you") -> None:
        """Set the budget of the whole run, or none."""
        self._send(self._asked("budget", dollars=None if dollars is None else str(dollars)))

    def set_stop_rule(self, rule: str | None, by: str = "you") -> None:
        """Have it pause when `rule` is hit, or at nothing.

        Raises:
            ConfigError: it is no rule.
        """
        if rule is not None:
            parse_rule(rule)
        self._send(self._asked("stop_rule", rule=rule))

    def retry(
        self, seqs: Sequence[int], *, later: bool = False, max_tokens: int | None = None, by: str = "you"
    ) -> int:
        """Have requests asked again; how many of them have an outcome or wait, as far as is known here."""
        if max_tokens is not None and max_tokens < 1:
            raise ConfigError(f"An answer must have a token at least, not {max_tokens}.")
        return self._steer("retry", seqs, _ENDED_OR_WAITING, later=later, max_tokens=max_tokens)

    def skip(self, seqs: Sequence[int], by: str = "you") -> int:
        """Have requests skipped; how many of them have no outcome, as far as is known here."""
        return self._steer("skip", seqs, _UNDER_WAY)

    def abort(self, seqs: Sequence[int], by: str = "you") -> int:
        """Have attempts in flight abandoned; how many there are, as far as is known here."""
        return self._steer("abort", seqs, _IN_FLIGHT)

    def hedge(self, seqs: Sequence[int], by: str = "you") -> int:
        """Have requests sent once more; how many are in flight, as far as is known here."""
        return self._steer("hedge", seqs, _IN_FLIGHT)

    async def write_out(self, seqs: Sequence[int], path: Path, *, overwrite: bool = False) -> int:
        """Write the records of requests, with their last errors, as input for another run; returns the rows.

        Raises:
            TargetExists: there is such a file, and `overwrite` is off.
            DagtuiError: the file cannot be written, or the input cannot be read any more.
        """
        return await asyncio.to_thread(self._write_out, seqs, path, overwrite)

    def note(self, message: str) -> None:
        """Put a line into the run's log."""
        self._send(self._asked("note", message=message))

    def pause(self) -> None:
        """Have nothing sent until `resume`."""
        self._send(self._asked("pause"))

    def resume(self) -> None:
        """Have it send again."""
        self._send(self._asked("resume"))

    def drain(self, reason: str = "") -> None:
        """Have it finish what is in flight, and end."""
        self._send(self._asked("drain"))

    def cancel(self, reason: str = "") -> None:
        """Have it abandon what is in flight, and end."""
        self._send(self._asked("cancel"))

    async def inspect(self, seq: int) -> Inspection:
        """All that is known of request `seq` by now."""
        seen = glimpse(self.store, seq, time.time() + self._fast)
        return await self._inspector.look(seen)

    async def asked(self, seq: int) -> Asked:
        """What request `seq` asks; it may take long, because its record is read again."""
        return await self._inspector.asked(seq)

    async def export(self, path: Path, *, overwrite: bool = False) -> int:
        """Write the results so far to `path` (its name tells the format); returns the rows written.

        Raises:
            TargetExists: there is such a file, and `overwrite` is off.
            DagtuiError: the file cannot be written, or the input cannot be read any more.
        """
        return await asyncio.to_thread(export_kept, self.journal_path, path, overwrite=overwrite)

    async def aclose(self) -> None:
        """Let go; the run goes on. Commands that were given are on their way before."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        await self._client.aclose()
        self._events.close()
        await self._inspector.aclose()

    # --- inside ---

    async def _follow(self) -> None:
        try:
            await self._look_on()
        except DagtuiError as error:  # somebody has been at the journal
            self._lost = str(error)
            self._ended.set()

    async def _look_on(self) -> None:
        while not self._ended.is_set():
            alive = is_locked(
                self.journal_path
            )  # before the look: what came last was written before it was let go
            await self._catch_up()
            if self._fold.stats.snapshot(0.0).phase == "ended" and self._events.ended():
                self._ended.set()
            elif not alive:
                name = name_of(self.journal_path)
                self._lost = f"the program that ran it was killed; dagtui resume {name} goes on with it"
                self._ended.set()
            else:
                with suppress(DagtuiError):  # a run without a socket is watched all the same
                    self._heard(await self._client.ask("facts"))
                await asyncio.sleep(_LOOK_S)

    async def _catch_up(self) -> None:
        """Count what the journal has got since, leaving the loop to others now and then."""
        turn_ends = time.monotonic() + _TURN_S
        while True:
            self._fold.take(self._events.read(most=_PAGE))
            if self._events.reached == END:
                self._behind = None
                return
            self._behind = self._events.reached[1]
            if time.monotonic() > turn_ends:
                await asyncio.sleep(0.001)
                turn_ends = time.monotonic() + _TURN_S

    def _now(self) -> float:
        return time.time() + self._fast if self._behind is None else self._behind

    def _write_out(self, seqs: Sequence[int], path: Path, overwrite: bool) -> int:
        dimensions = dimensions_of(self.journal_path)
        return write_out(self.journal_path, seqs, path, dimensions, overwrite=overwrite)

    def _steer(self, command: str, seqs: Sequence[int], states: frozenset[int], **given: Any) -> int:
        state = self.store.state
        chosen = [seq for seq in dict.fromkeys(seqs) if 0 <= seq < len(state) and state[seq] in states]
        if not self.steerable:
            return 0
        pairs = ranged(chosen)
        for start in range(0, len(pairs), _PAIRS):
            self._send(self._asked(command, seqs=pairs[start : start + _PAIRS], **given))
        return len(chosen)

    def _heard(self, facts: Facts) -> None:
        self._facts, self._fast = facts, facts.time - time.time()
        if facts.provider and (self._provider is None or self._provider.url != facts.provider):
            self._provider = SimulatorControl(facts.provider)

    def _send(self, command: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(command)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _asked(self, command: str, **given: Any) -> None:
        try:
            self._heard(await self._client.ask(command, **given))
        except DagtuiError as error:
            if not self._ended.is_set():
                self.trouble(f"Not done: {error}.")

    async def _retuned(self, target: int) -> None:
        await self._asked("retune", target=target)
        if self._target == target:
            self._target = None


async def stop_run(path: Path, *, now: bool) -> None:
    """Have the run drain, or with `now` abandon what is in flight, and return at once.

    Raises:
        DagtuiError: it has ended, or cannot be reached.
    """
    if not is_locked(path):
        raise ConfigError(f"The run {name_of(path)} has ended already.")
    client = ControlClient(path.parent)
    try:
        await client.ask("cancel" if now else "drain")
    finally:
        await client.aclose()
