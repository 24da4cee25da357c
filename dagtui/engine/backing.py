"""What a run has of its journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from dagtui.core.model import Success
from dagtui.core.ports import Archive, Earlier


async def _at_once() -> None:
    """Nothing is kept, so nothing is to be waited for."""


def _nothing(seq: int) -> Success | None:
    return None


@dataclass(frozen=True, slots=True)
class Backing:
    """What is kept of a run, and how more is; as it is by itself, of a run without a journal.

    `claim` durably notes what may be sent before it is, `sync` ends when all that was told is on disk. `session`
    is how often the run was begun, `earlier` what is kept of the sessions before, `spent` and `uncertain` what
    those cost, in dollars. `recall` looks up an answer by its request's number, `archive` has the records that
    have ended: without it, only what failed lately can be asked again.
    """

    claim: Callable[[int], Awaitable[None]] | None = None
    sync: Callable[[], Awaitable[None]] = _at_once
    session: int = 1
    earlier: Earlier | None = None
    spent: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    recall: Callable[[int], Success | None] = _nothing
    archive: Archive | None = None
