"""Going from one request to another."""

from __future__ import annotations

from collections.abc import Sequence


def neighbour(seq: int, steps: int, order: Sequence[int] | None, total: int) -> int | None:
    """The request `steps` after `seq` in `order`, or among all; None where there is none."""
    if order is None or seq not in order:
        following = seq + steps
        return following if 0 <= following < total else None
    place = order.index(seq) + steps
    return order[place] if 0 <= place < len(order) else None
