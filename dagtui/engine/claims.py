"""Claims: nothing is sent before it is durably written that it may be, so that a crash leaves no unknown bill.

Records are claimed in blocks, ahead of the reader, so that nobody waits for the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dagtui.core.errors import DagtuiError

_LEAST, _MOST = 8, 4096  # records of a block


class Claims:
    """Claims records in their order. `claim` writes durably that the first N may be sent; None claims nothing.

    `claimed` are those that an earlier session claimed.
    """

    def __init__(self, claim: Callable[[int], Awaitable[None]] | None, claimed: int = 0) -> None:
        self.most: int | None = None
        """Records beyond which nothing is claimed, however far ahead of the reader that would be."""
        self._claim = claim
        self._claimed = claimed
        self._pending: asyncio.Future[None] | None = None
        self._asked = 0
        self._block = 0

    async def reach(self, index: int, target: int) -> bool:
        """Until the record at `index` is claimed; False if that cannot be written. `target` is the concurrency."""
        if self._claim is None or (index < self._claimed and self._block == 0):
            return True  # an earlier session claimed it; what follows is not known to be wanted yet
        if not self._block:
            self._block = max(_LEAST, target // 4)
            self._ask(self._claim, index + max(target, self._block))
        elif self._pending is None and index >= self._claimed - self._block // 2 and self._claimed != self.most:
            self._ask(self._claim, max(index, self._claimed) + self._block)
        while index >= self._claimed:
            if self._pending is None:
                self._ask(self._claim, index + self._block)
            elif self._pending.done():
                if not self._landed():
                    return False
            else:  # the disk is slower than the reader: ask for more at a time
                self._block = min(_MOST, 2 * self._block)
                await asyncio.wait([self._pending])
        if self._pending is not None and self._pending.done():
            return self._landed()
        return True

    def _ask(self, claim: Callable[[int], Awaitable[None]], records: int) -> None:
        self._asked = records if self.most is None else min(records, self.most)
        self._pending = asyncio.ensure_future(claim(self._asked))
        self._pending.add_done_callback(_heard)

    def _landed(self) -> bool:
        pending, self._pending = self._pending, None
        if pending is None or pending.cancelled() or pending.exception() is not None:
            return False
        self._claimed = self._asked
        return True


def _heard(claim: asyncio.Future[None]) -> None:
    """A claim that nobody waits for any more may fail: whoever writes the journal has told already."""
    if not claim.cancelled() and (error := claim.exception()) is not None and not isinstance(error, DagtuiError):
        raise error
