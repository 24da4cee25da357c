"""What has become of each record that was read: its outcomes, and which of its requests are ready next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dagtui.core.dag import Dag, Frontier
from dagtui.core.events import Event, RecordEnded, RecordRead, RequestEnded
from dagtui.core.model import Cancelled, Outcome, Record, Skipped, Success, Usage

NOT_SENT = "the run was stopped before it was sent"
_SKIPPED = "skipped by "
_NO_TOKENS = Usage()


class Open:
    """A record on its way."""

    __slots__ = ("frontier", "outcomes", "record", "whole")

    def __init__(self, record: Record, dag: Dag) -> None:
        self.record = record
        self.frontier = Frontier(dag)
        self.outcomes: dict[str, Outcome] = {}
        self.whole = True  # no outcome so far that is no answer


class Books:
    """Books outcomes, and emits what follows from them. `clock` tells epoch seconds; `ended` is told of each
    record that has all its outcomes.
    """

    def __init__(
        self,
        dag: Dag,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        ended: Callable[[Open], None] = lambda opened: None,
    ) -> None:
        self._ended = ended
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
                opened.whole = opened.whole and isinstance(outcome, Success)
                ready += opened.frontier.end(position, succeeded=isinstance(outcome, Success)).ready
            else:
                ready += self.end(opened, position, outcome)
        return opened, tuple(one for one in ready if self._dag.names[one] not in opened.outcomes)

    def recall(self, record: Record, outcomes: Mapping[str, Outcome]) -> Open:
        """A record that has ended, with its `outcomes`, as it was then."""
        opened = Open(record, self._dag)
        for name, outcome in outcomes.items():
            opened.outcomes[name] = outcome
            opened.frontier.end(self._dag.position(name), succeeded=isinstance(outcome, Success))
        return opened

    def ask_again(self, opened: Open, positions: Sequence[int]) -> tuple[int, ...]:
        """Forget the outcomes of `positions`; those that are ready."""
        names = {self._dag.names[position] for position in positions}
        # Anew: whoever was told that the record has ended may not have read its outcomes yet.
        opened.outcomes = {name: outcome for name, outcome in opened.outcomes.items() if name not in names}
        opened.whole = all(isinstance(outcome, Success) for outcome in opened.outcomes.values())
        return opened.frontier.reopen(positions)

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
            self._ended(opened)
        return step.ready

    def _book(self, opened: Open, position: int, outcome: Outcome) -> None:
        opened.outcomes[self._dag.names[position]] = outcome
        if not isinstance(outcome, Success):
            opened.whole = False
        self._emit(RequestEnded(self._clock(), self._dag.seq(opened.record.index, position), outcome))


def skipped_by(who: str, outcome: Outcome | None = None) -> Outcome:
    """The outcome of a request that `who` wants no answer to; `outcome` is what it came to if it was under way."""
    if not isinstance(outcome, Cancelled):
        return Skipped(f"{_SKIPPED}{who}") if outcome is None else outcome
    if not outcome.perhaps_billed and outcome.usage == _NO_TOKENS:
        return Skipped(f"{_SKIPPED}{who}")
    return replace(outcome, reason=f"{_SKIPPED}{who}; the provider may bill it all the same")


def _unsent(need: str, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Cancelled) and not outcome.reason.startswith(_SKIPPED):
        return Cancelled(f'the run was stopped before "{need}" was answered')
    return Skipped(f'"{need}" did not succeed')
