"""From events back to figures, as the live run had them: what a replay and an attached screen have in common."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from dagtui.core.causes import Causes
from dagtui.core.errors import ExitCode
from dagtui.core.events import Event, RunStarted
from dagtui.core.past import Figures, Past
from dagtui.core.result import RunResult
from dagtui.core.snapshot import Snapshot
from dagtui.core.stats import Stats
from dagtui.core.store import RequestStore, State

KILLED = "the program was killed here; nothing is known of what came after"


class Fold:
    """The statistics of a run's last session so far, with the figures of the earlier ones, as the live run had."""

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        self._dimensions = dimensions
        self._begun = False
        self.stats = Stats(dimensions, 0)

    def take(self, events: Iterable[Event]) -> None:
        """Count `events`; where a session begins, what was before is the past."""
        for event in events:
            if type(event) is RunStarted:
                if self._begun:
                    self.stats = _gone_on_with(self.stats, self._dimensions)
                self._begun = True
            elif getattr(event, "seq", -1) >= len(self.stats.store):
                continue  # of a record that the journal does not have: somebody has been at it
            self.stats.fold(event)


def result_of(summary: Mapping[str, Any], snapshot: Snapshot, *, killed: bool) -> RunResult:
    """How a run ended, as its journal has it; of one that was killed, that it was."""
    if killed:
        return RunResult("stopped", ExitCode.INTERNAL, snapshot.reason or KILLED, snapshot)
    code = ExitCode(summary.get("exit_code", ExitCode.OK))
    return RunResult(summary.get("outcome", "complete"), code, summary.get("reason", snapshot.reason), snapshot)


def _gone_on_with(stats: Stats, dimensions: tuple[str, ...]) -> Stats:
    """Statistics of a session that follows; their past is what `stats` came to."""
    store = copy(stats.store)  # another object, so that whoever remembers what had settled forgets it
    for seq, state in enumerate(store.state):
        if state == State.WAITING:  # nobody waits any more; it is to be sent again
            store.state[seq] = State.QUEUED
    before = stats.snapshot(0.0)
    figures = Figures(
        attempts=before.attempts,
        retries=before.retries,
        gateway_retries=before.gateway_retries,
        throttled=before.throttled,
        usage=before.usage,
        spent=before.money.spent,
        wasted=before.money.wasted,
        saved=before.money.saved,
        errors=Counter(dict(before.errors)),
        categories=Counter(dict(before.categories)),
    )
    following = Stats(dimensions, 0)
    following.restore(_past_of(dimensions, store, figures, stats.causes))
    return following


def _past_of(dimensions: tuple[str, ...], store: RequestStore, figures: Figures, causes: Causes) -> Past:
    """A past of which nothing is asked but the states, the figures and the causes."""
    return Past(
        dimensions=dimensions,
        session=0,
        store=store,
        fingerprints=array("q"),
        figures=figures,
        claimed=0,
        graceful=True,
        sent=frozenset(),
        abandoned=frozenset(),
        doubt=frozenset(),
        again=frozenset(),
        retry_at={},
        last=0.0,
        plan={},
        recipes=(),
        inputs=(),
        facts={},
        causes=causes,
    )
