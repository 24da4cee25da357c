"""A run that was, played once more: what a front end holds in place of a session.

The journal's events are folded into the very statistics that the live run had, up to a position in the run's own
time. Between the sessions of a run that was gone on with, no time passes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path

from dagtui.core.causes import Causes
from dagtui.core.errors import BadInput, ConfigError, DagtuiError
from dagtui.core.inspection import Asked, Inspection, glimpse
from dagtui.core.result import RunResult
from dagtui.core.run_settings import RunSettings
from dagtui.core.snapshot import LogEntry, Snapshot
from dagtui.core.store import RequestStore
from dagtui.io.journal import is_locked
from dagtui.io.journal.replay import Events, Moment
from dagtui.past.exporting import export_kept
from dagtui.past.fold import KILLED, Fold, result_of
from dagtui.past.inspecting import Inspector
from dagtui.past.runs import name_of, plan_of
from dagtui.watched import REPLAY_OF

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, inf)
"""Seconds of the run in one of the watcher's; the last is as fast as they can be folded."""

_FRAME_S = 0.05  # seconds between two steps of the play
_TURN_S = 0.02  # seconds that folding may keep the loop from doing something else
_PAGE = 500  # requests that are read at once
_STEPS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)  # seconds, to step by


class Replay:
    """The run of the journal at `path`. Positions are seconds since its beginning, `length` is where it ends.

    Raises:
        ConfigError: the run goes on, or its journal cannot be read.
        BadInput: nothing happened in it.
    """

    def __init__(self, path: Path) -> None:
        if is_locked(path):
            name = name_of(path)
            raise ConfigError(
                f"The run {name} goes on: dagtui attach {name} shows it live; afterwards it can be shown."
            )
        plan = plan_of(path)
        self._events = Events(path)
        self._spans = self._events.spans()
        if not self._spans:
            self._events.close()
            raise BadInput(f"{path}: this run ended before anything happened; there is nothing to show.")
        self._inspector = Inspector(path, os.environ)
        self.settings: RunSettings = plan.settings
        self.dimensions = self._events.dimensions
        self.journal_path = path
        self.results_path = plan.output
        self.title = f"{REPLAY_OF}{self._events.facts.get('title') or name_of(path)}"
        self.length = sum(span.end - span.begin for span in self._spans)
        self.playing = False
        self.speed = 1.0
        self._fold = Fold(self.dimensions)
        self._stats = self._fold.stats  # what is shown: while it is folded anew from the start, still what was
        self._position = 0.0
        self._folded: Moment = (0, -inf)
        self._wanted = 0.0
        self._sought = False  # somebody asked for the position that is wanted
        self._trouble = ""  # why the journal cannot be read on
        self._task: asyncio.Task[None] | None = None
        self._done = asyncio.Event()
        self.settle()

    # --- what front ends read ---

    @property
    def store(self) -> RequestStore:
        """The state of every request at this position; not to be written."""
        return self._stats.store

    @property
    def since(self) -> Mapping[int, float]:
        """When the attempt of each request in flight was sent, epoch seconds; not to be written."""
        return self._stats.pulse.since

    @property
    def log(self) -> deque[LogEntry]:
        """The last lines of the log at this position; not to be written."""
        return self._stats.log

    @property
    def causes(self) -> Causes:
        """What went wrong, by its causes, at this position; not to be written."""
        return self._stats.causes

    @property
    def position(self) -> float:
        """Where the figures are from."""
        return self._position

    @property
    def at_end(self) -> bool:
        """Nothing comes after."""
        return self._position >= self.length

    @property
    def seeking(self) -> bool:
        """The figures are not those of the position that was asked for yet."""
        return self._sought and self._behind

    @property
    def _behind(self) -> bool:
        return self._folded < self._moment(self._wanted)

    def snapshot(self) -> Snapshot:
        """The figures at this position. What held the run is not known; the log tells of it."""
        snapshot = self._stats.snapshot(self._moment(self._position)[1])
        if self._trouble:
            return replace(snapshot, phase="ended", reason=self._trouble)
        if self.at_end and self._spans[-1].killed and snapshot.phase != "ended":
            return replace(snapshot, phase="ended", reason=KILLED)
        return snapshot

    def result(self) -> RunResult:
        """How the run ended, with the figures of this position."""
        return result_of(self._events.summary(), self.snapshot(), killed=self._spans[-1].killed)

    # --- commands ---

    def start(self) -> None:
        """Play from the beginning, on the running loop."""
        if self._task is None:
            self.playing = True
            self._task = asyncio.create_task(self._drive())

    async def wait(self) -> RunResult:
        """Until the end was reached."""
        self.start()
        await self._done.wait()
        return self.result()

    def toggle(self) -> None:
        """Play or pause; at the end, play once more."""
        if self.at_end and not self.playing:
            self.seek(0.0)
        elif self.playing and not self._sought:
            self._wanted = self._position
        self.playing = not self.playing

    def faster(self, steps: int = 1) -> None:
        """The next of the speeds; with a negative number, an earlier one."""
        place = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[max(0, min(place, len(SPEEDS) - 1))]

    def step(self, steps: float) -> None:
        """Go forwards or back by so many hundredths of the run, in round numbers of seconds."""
        least = next((step for step in _STEPS if step >= self.length / 100), self.length / 100)
        self.seek((self._wanted if self._sought else self._position) + steps * least)

    def seek(self, position: float) -> None:
        """Go to `position`, or as near as there is."""
        self._wanted = max(0.0, min(position, self.length))
        self._sought = True
        if self._moment(self._wanted) < self._folded:
            self._events.rewind()
            self._fold = Fold(self.dimensions)
            self._folded = (0, -inf)

    async def inspect(self, seq: int) -> Inspection:
        """All that is known of request `seq` at this position."""
        seen = glimpse(self.store, seq, self._moment(self._position)[1])
        return await self._inspector.look(seen, self._moment(self._position))

    async def asked(self, seq: int) -> Asked:
        """What request `seq` asks; it may take long, because its record is read again."""
        return await self._inspector.asked(seq)

    async def export(self, path: Path, *, overwrite: bool = False) -> int:
        """Write all results of the run to `path` (its name tells the format); returns the rows written.

        Raises:
            TargetExists: there is such a file, and `overwrite` is off.
            DagtuiError: the file cannot be written, or the input cannot be read any more.
        """
        return await asyncio.to_thread(export_kept, self.journal_path, path, overwrite=overwrite)

    async def aclose(self) -> None:
        """Let go of the journal."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._events.close()
        await self._inspector.aclose()

    # --- the play ---

    def advance(self, seconds: float) -> None:
        """Let `seconds` of the watcher's time pass. Folding takes a few hundredths of one at most; the rest of it
        is done with the next call.
        """
        if self.playing and not self._sought and seconds:
            self._wanted = min(self.length, self._position + seconds * self.speed)
        goal, turn_ends = self._moment(self._wanted), time.monotonic() + _TURN_S
        while self._folded < goal:
            self._fold.take(self._events.read(goal, _PAGE))
            self._folded = self._events.reached
            if time.monotonic() > turn_ends:
                break
        if self._folded >= goal:
            self._sought = False
            self._show(self._wanted)
        elif self._position_of(self._folded) > self._position:
            self._show(self._position_of(self._folded))

    def settle(self) -> None:
        """Fold up to where the position is to be, however long it takes."""
        self.advance(0.0)
        while self._behind:
            self.advance(0.0)

    def _show(self, position: float) -> None:
        self._stats, self._position = self._fold.stats, position
        if self.at_end:
            self.playing = False
            self._done.set()

    async def _drive(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.001 if self._behind else _FRAME_S)
            now = time.monotonic()
            try:
                self.advance(now - before)
            except DagtuiError as error:
                self._trouble, self.playing = str(error), False
                return
            before = now

    # --- the run's own time ---

    def _moment(self, position: float) -> Moment:
        for span in self._spans[:-1]:
            if position <= span.end - span.begin:
                return span.session, span.begin + position
            position -= span.end - span.begin
        last = self._spans[-1]
        at_end = position >= last.end - last.begin - 1e-9  # sums of differences are not exact
        return last.session, last.end if at_end else last.begin + position

    def _position_of(self, moment: Moment) -> float:
        position = 0.0
        for span in self._spans:
            if span.session >= moment[0]:
                inside = moment[1] - span.begin if span.session == moment[0] else 0.0
                return position + max(0.0, min(inside, span.end - span.begin))
            position += span.end - span.begin
        return position
