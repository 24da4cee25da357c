"""The seams between the engine and the outside: protocols that `io` (or a test) fulfils."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Protocol

from dagtui.core.events import Event
from dagtui.core.model import Record, Request, Response, RowError


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
