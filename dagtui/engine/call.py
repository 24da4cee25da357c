"""What one request has been through on its way to its outcome."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from dagtui.core.model import Cancelled, Request, Success, Usage
from dagtui.core.plugin import Dimension
from dagtui.core.retry import GiveUp, TryAgain
from dagtui.engine.deadlines import Deadline

NO_TOKENS = Usage()


@dataclass(slots=True)
class Call:
    """A request under way. `attempts` goes on from those that it had before it was asked again."""

    request: Request
    dimension: Dimension
    attempts: int = 0
    sending: bool = False
    spent: float = 0.0  # seconds in attempts and between them; not those in a queue or a pause
    own_failures: int = 0
    patient_failures: int = 0
    lost: int = 0
    usage: Usage = NO_TOKENS
    cost: Decimal | None = None
    flags: int = 0  # of the last answer
    perhaps_billed: bool = False
    decision: TryAgain | GiveUp | None = None
    left: asyncio.Future[None] | None = None  # told when an attempt leaves, where somebody waits for that
    superseded: bool = False  # another attempt was answered first
    due: float | None = None  # loop time at which it may queue again
    waiting: bool = False  # between two attempts
    budgeted: bool = False  # the retry budget must allow it
    out: tuple[Deadline, ...] = ()  # attempts that left and have not ended
    beside: tuple[asyncio.Future[Success], ...] = ()  # those that the user had sent beside another one
    more: asyncio.Future[None] | None = None  # told when the user wants one more attempt beside those under way

    def given_up(self, state: object) -> bool:
        """Whether there is to be no further attempt."""
        return isinstance(self.decision, GiveUp)

    def cancelled(self, reason: str) -> Cancelled:
        """The outcome where the run does not wait for one."""
        return Cancelled(reason, self.attempts, self.perhaps_billed, self.usage, self.cost)

    def bill(self, usage: Usage, cost: Decimal | None) -> None:
        """An attempt was answered, and cost so much."""
        self.usage = usage if self.usage is NO_TOKENS else self.usage + usage
        if cost is not None:
            self.cost = cost if self.cost is None else self.cost + cost
