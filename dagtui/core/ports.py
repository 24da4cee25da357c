"""The seams between the engine and the outside: protocols that `io` (or a test) fulfils."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dagtui.core.events import Event
from dagtui.core.inspection import Asked, Inspection
from dagtui.core.model import Outcome, Record, Request, Response, RowError, Success


class Gateway(Protocol):
    """Sends one attempt."""

    async def complete(self, request: Request, attempt: int) -> Response:
        """Answer `request`; `attempt` counts from 1.

        Raises:
            GatewayError: the attempt failed; its kind says how.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections. Nothing may be sent afterwards."""
        ...


class Source(Protocol):
    """Yields records in order, never more than asked for."""

    def __aiter__(self) -> AsyncIterator[Record | RowError]: ...


class Sink(Protocol):
    """Is told every event, in order.

    A sink that raises is dropped and reported; one with `essential` set stops the run instead, because
    what it holds (results) cannot be had again without paying. `wants` are the kinds of event that it is told;
    None is all of them.
    """

    essential: bool
    wants: Collection[type[Event]] | None

    def write(self, event: Event) -> None:
        """Take one event. Must not block for long: the engine waits for it."""
        ...

    def flush(self) -> None:
        """Hand on what is buffered: somebody wants to read it now."""
        ...

    def close(self) -> None:
        """Flush and let go. Called once, after the last event."""
        ...


class JournalPort(Sink, Protocol):
    """A sink that keeps everything durably, and is asked before anything is sent.

    `events` are those that it has not taken yet, to be appended to in their order; `write` does the same.
    `session` counts how often the run was begun or gone on with; `trouble` is called with a sentence when it
    cannot write.
    """

    path: Path
    session: int
    events: list[Event]
    trouble: Callable[[str], None]

    async def claim(self, records: int) -> None:
        """Durably note that requests of the first `records` records may be sent.

        Raises:
            DagtuiError: it cannot be written.
        """
        ...

    async def synced(self) -> None:
        """Until all that was told is on disk.

        Raises:
            DagtuiError: it cannot be written.
        """
        ...

    def conclude(self, summary: Mapping[str, Any]) -> None:
        """Keep what the session came to, so that a list of runs need not count; called before `close`."""
        ...


class Archive(Protocol):
    """Has the records that have ended, and what became of them."""

    async def records(self, indexes: Sequence[int]) -> Mapping[int, tuple[Record, Mapping[str, Outcome]]]:
        """The records at `indexes` with their outcomes by dimension; those that are gone are left out.

        Raises:
            DagtuiError: they cannot be had again; a sentence why.
        """
        ...


class Earlier(Protocol):
    """What an earlier session of the same run left, and what of it is to be kept.

    `tells` says that somebody (a results file) wants the kept records too; `again` are requests that had an
    outcome or were in flight, and are open now; `left` those that get none.
    """

    tells: bool

    @property
    def again(self) -> tuple[int, ...]: ...

    @property
    def left(self) -> tuple[int, ...]: ...

    def left_as(self, seq: int) -> Outcome:
        """What becomes of one of those."""
        ...

    def settled(self, index: int) -> bool:
        """Whether nothing of the record at `index` is asked again."""
        ...

    def kept(self, index: int) -> Mapping[str, Outcome]:
        """The outcomes of the record at `index` that are kept, by dimension."""
        ...

    def same(self, seq: int, fingerprint: int) -> Success | None:
        """The answer to request `seq`, if there is one and it was asked just so."""
        ...

    def knows(self, index: int) -> bool:
        """Whether the record at `index` was read before."""
        ...


class InspectorPort(Protocol):
    """Finds out all about single requests of a run."""

    async def look(self, seen: Inspection) -> Inspection:
        """What the journal adds to what was `seen` of a request."""
        ...

    async def asked(self, seq: int) -> Asked:
        """What request `seq` asks; it may take long, because its record is read again."""
        ...

    async def aclose(self) -> None:
        """Let go of the input."""
        ...


class Extracts(Protocol):
    """What is taken from a run's journal while the run goes on. All but the `inspector` block."""

    @property
    def inspector(self) -> InspectorPort: ...

    def recall(self, seq: int) -> Success | None:
        """The answer to request `seq`, if it has one."""
        ...

    def export(self, target: Path, *, overwrite: bool) -> int:
        """Write the results so far; the rows written.

        Raises:
            DagtuiError: the target is there already, or cannot be written.
        """
        ...

    def write_out(self, seqs: Sequence[int], target: Path, *, overwrite: bool) -> int:
        """Write the records of requests, with their last errors, as input for another run; the rows written.

        Raises:
            DagtuiError: the target is there already, or cannot be written.
        """
        ...

    def rewrite(self) -> None:
        """Make the run's own files anew, once it has ended: what was asked again is in them twice.

        Raises:
            DagtuiError: one cannot be written.
        """
        ...
