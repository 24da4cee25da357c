"""Who is told what happens. An observer cannot hurt the run; results that cannot be written end it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from dagtui.core.errors import DagtuiError
from dagtui.core.events import Event
from dagtui.core.ports import Sink

_log = logging.getLogger("dagtui.engine")

FLUSH_SECONDS = 0.025
"""What happened is handed on this long after, at the latest: a journal has it on disk within 50 ms then."""


class Sinks:
    """Tells each sink what it wants.

    `lost` is told once and again why results cannot be written, `dropped` why an observer is told nothing more.
    """

    def __init__(
        self, sinks: Sequence[Sink], *, lost: Callable[[str], None], dropped: Callable[[str], None]
    ) -> None:
        self._sinks = tuple(sinks)
        self._lost = lost
        self._dropped = dropped
        self._wanting: dict[type[Event], tuple[Sink, ...]] = {}
        self._flush_timer: asyncio.TimerHandle | None = None
        self._unwritten: dict[int, str] = {}  # by essential sink, why it could not write

    @property
    def unwritten(self) -> str:
        """Why results could not be written, a sentence a sink; empty if all of them could."""
        return " ".join(self._unwritten.values())

    def write(self, event: Event) -> None:
        """Tell whoever wants to know."""
        kind = type(event)
        wanting = self._wanting.get(kind)
        if wanting is None:
            wanting = self._wanting[kind] = tuple(sink for sink in self._sinks if _wants(sink, kind))
        for sink in wanting:
            try:
                sink.write(event)
            except Exception as error:
                self._failed(sink, error)
        if wanting:
            self.flush_soon()

    def flush_soon(self) -> None:
        """Let them hand on what they keep back in a moment, if that is not due already."""
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush_due)

    def flush(self) -> str:
        """Let them hand on what they keep back; says why results could not be written, if so."""
        reason = ""
        for sink in self._sinks:
            try:
                sink.flush()
            except Exception as error:
                reason = self._failed(sink, error) or reason
        return reason

    def close(self) -> None:
        """Let go of them all."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        for sink in self._sinks:
            try:
                sink.close()
            except Exception as error:
                self._failed(sink, error)
            else:
                if id(sink) in self._unwritten:
                    self._unwritten[id(sink)] += " What was kept back could be written in the end."

    def _flush_due(self) -> None:
        """Hand results to the system soon, however slowly they come: a killed program keeps them."""
        self._flush_timer = None
        self.flush()

    def _failed(self, sink: Sink, error: Exception) -> str:
        """Whoever holds results is told on all the same: what is in flight is paid for, and there may be room
        when it closes.
        """
        told = str(error) if isinstance(error, DagtuiError) else f"{type(error).__name__}: {error}"
        if sink.essential:
            self._unwritten[id(sink)] = reason = f"The results cannot be written: {told}"
            self._lost(reason)
            return reason
        _log.warning("an observer was dropped", exc_info=error)
        self._sinks = tuple(other for other in self._sinks if other is not sink)
        self._wanting.clear()
        self._dropped(told)
        return ""


def _wants(sink: Sink, kind: type[Event]) -> bool:
    wants = getattr(sink, "wants", None)  # whoever leaves it out wants all
    return wants is None or kind in wants
