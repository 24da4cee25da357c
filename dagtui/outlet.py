"""What a run without a screen writes to standard output: results, or its events as lines of JSON."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import BaseModel

from dagtui.core.events import Event

if TYPE_CHECKING:
    from dagtui.session import Session


class Outlet(io.TextIOBase):
    """Standard output. When its reader has gone (`| head -1`), it calls `on_gone` once and swallows the rest."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.name = getattr(stream, "name", "standard output")
        self.gone = False
        self.on_gone: Callable[[], None] = lambda: None

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def write(self, text: str, /) -> int:
        """Write, if somebody reads."""
        return self._if_read(lambda: self._stream.write(text))

    def flush(self) -> None:
        """Hand on what was written, if somebody reads."""
        self._if_read(self._stream.flush)

    def _if_read(self, act: Callable[[], int | None]) -> int:
        if self.gone:
            return 0
        try:
            return act() or 0
        except BrokenPipeError:
            self.gone = True
            asyncio.get_running_loop().call_soon(self.on_gone)
            return 0


async def stream(session: Session, out: Outlet) -> None:
    """Write every event of `session` as a line of JSON, from now until it ends."""
    try:
        async for event in session.events():
            out.write(event_json(event) + "\n")
            if event.__class__.__name__ in ("RecordEnded", "PhaseChanged"):
                out.flush()
    except OSError as error:
        session.drain(f"stopped: standard output cannot be written: {error.strerror or error}")


def event_json(event: Event) -> str:
    """An event as one line of JSON: its name under `event`, then its fields; dollars as strings, exact."""
    return json.dumps({"event": type(event).__name__, **_plain(event)}, ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Decimal():
            return str(value)
        case Enum():
            return value.value
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case tuple() | list():
            return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _ if is_dataclass(value) and not isinstance(value, type):
            named = {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
            kind = type(value).__name__
            return {"outcome": kind.lower(), **named} if kind in _OUTCOMES else named
        case _:
            return value


_OUTCOMES = frozenset({"Success", "Failure", "Skipped", "Cancelled"})
