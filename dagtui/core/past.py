"""What a journal knows of a run's earlier sessions: the state of every request, and the figures."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dagtui.core.causes import Causes
from dagtui.core.errors import ErrorKind
from dagtui.core.model import Usage
from dagtui.core.store import RequestStore


@dataclass(slots=True)
class Figures:
    """Sums over the attempts of earlier sessions. Money is dollars, None where no attempt had a price."""

    attempts: int = 0
    retries: int = 0
    gateway_retries: int = 0
    throttled: int = 0
    usage: Usage = field(default_factory=Usage)
    spent: Decimal | None = None
    wasted: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    errors: Counter[ErrorKind] = field(default_factory=Counter[ErrorKind])
    categories: Counter[str] = field(default_factory=Counter[str])


def _no_sessions() -> array[int]:
    return array("H")


@dataclass(slots=True)
class Past:
    """A run up to now.

    `store` holds the requests of all records that were read, with their last outcomes; `fingerprints` by seq, 0
    where that is no answer. `sent` are those that were in flight when the last session ended, `abandoned` those
    that it cancelled while they were; `doubt` are those of earlier sessions that may have been billed, answered
    since or not. `again` had an outcome, were to be asked again in the last session, and have no new one; the same
    holds of `reopened`, which the user wanted again in any session. They are queued.
    `claimed` counts records of which it may have sent something, `graceful` says that it came to its end.
    `retry_at` is when a request that waited was to be sent again (epoch seconds), `last` the last moment that the
    journal knows. `recipes`, `inputs` and `causes` are those of all sessions, `sessions` those that the requests
    have their last outcomes from, by seq, 0 where there is none.
    """

    dimensions: tuple[str, ...]
    session: int
    store: RequestStore
    fingerprints: array[int]
    figures: Figures
    claimed: int
    graceful: bool
    sent: frozenset[int]
    abandoned: frozenset[int]
    doubt: frozenset[int]
    again: frozenset[int]
    retry_at: Mapping[int, float]
    last: float
    plan: Mapping[str, Any]
    recipes: Sequence[Mapping[str, Any]]
    inputs: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]
    causes: Causes = field(default_factory=Causes)
    reopened: frozenset[int] = frozenset()
    sessions: array[int] = field(default_factory=_no_sessions)

    @property
    def records(self) -> int:
        """Records that were read."""
        return len(self.store) // len(self.dimensions)
