"""What has become of each record that was read: its outcomes, and which of its requests are ready next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dagtui.core.dag import Dag, Frontier
from dagtui.core.events import Event, RecordEnded, RecordRead, RequestEnded
from dagtui.core.model import Cancelled, Outcome, Record, Skipped, Success

NOT_SENT = "the run was stopped before it was sent"


class Open:
    """A record on its way."""

    __slots__ = ("frontier", "outcomes", "record")

    def __init__(self, record: Record, dag: Dag) -> None:
        self.record = record
        self.frontier = Frontier(dag)
        self.outcomes: dict[str, Outcome] = {}


class Books:
    """Books outcomes, and emits what follows from them. `clock` tells epoch seconds."""

    def __init__(self, dag: Dag, emit: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._dag = dag
        self._emit = emit
        self._clock = clock

    def open(self, record: Record) -> tuple[Open, tuple[int, ...]]:
        """A record was read. Returns it with the dimensions whose requests are ready."""
        self._emit(RecordRead(self._clock(), record.index, record.id))
        opened = Open(record, self._dag)
        return opened, opened.frontier.start()

    def reopen(self, record: Record, kept: Mapping[str, Outcome], known: bool) -> tuple[Open, tuple[int, ...]]:
        """The same in a run that goes on: `kept` are outcomes from before; `known`: it was read before."""
        if known:
            opened = Open(record, self._dag)
            ready = list(opened.frontier.start())
        else:
            opened, roots = self.open(record)
            ready = list(roots)
        for name, outcome in kept.items():
            position = self._dag.position(name)
            if known:
                opened.outcomes[name] = outcome
                ready += opened.frontier.end(position, succeeded=isinstance(outcome, Success)).ready
            else:
                ready += self.end(opened, position, outcome)
        return opened, tuple(one for one in ready if self._dag.names[one] not in opened.outcomes)

    def end(self, opened: Open, position: int, outcome: Outcome) -> tuple[int, ...]:
        """Book the outcome of one request, and of those that never will be ready because of it.

        Returns the dimensions whose requests are ready now.
        """
        self._book(opened, position, outcome)
        step = opened.frontier.end(position, succeeded=isinstance(outcome, Success))
        for skipped in step.skipped:
            self._book(opened, skipped, _unsent(self._dag.names[position], outcome))
        if opened.frontier.finished:
            outcomes = opened.outcomes
            if len(outcomes) > 1:
                outcomes = {name: outcomes[name] for name in self._dag.names}
            self._emit(RecordEnded(self._clock(), opened.record, outcomes))
        return step.ready

    def _book(self, opened: Open, position: int, outcome: Outcome) -> None:
        opened.outcomes[self._dag.names[position]] = outcome
        self._emit(RequestEnded(self._clock(), self._dag.seq(opened.record.index, position), outcome))


def _unsent(need: str, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Cancelled):
        return Cancelled(f'the run was stopped before "{need}" was answered')
    return Skipped(f'"{need}" did not succeed')
