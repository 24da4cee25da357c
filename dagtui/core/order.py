"""By what requests can be sorted: a number for each, so that ascending numbers are the order asked for.

What has no value yet stands at the end in either direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from dagtui.core.errors import ErrorKind
from dagtui.core.store import State
from dagtui.core.terms import Rows

_NUMBERS = {
    "try": "attempts",
    "http": "status",
    "in": "tokens_in",
    "out": "tokens_out",
    "cost": "cost",
}
_WORDS = ("state", "question", "category", "last error")
SORTABLE = ("state", "question", "try", "http", "latency", "in", "out", "cost", "category", "last error")
"""Names of columns, as the table calls them."""
_IN_FLIGHT = int(State.IN_FLIGHT)


@dataclass(frozen=True, slots=True)
class Order:
    """By `column`, one of `SORTABLE`; those alike stay in the order of the file."""

    column: str
    descending: bool

    @classmethod
    def by(cls, column: str) -> Order:
        """By `column`, the way round that is asked for most: words from the first, figures from the largest."""
        return cls(column, column not in _WORDS)

    @property
    def reversed(self) -> Order:
        """The other way round."""
        return Order(self.column, not self.descending)

    def keys(self, rows: Rows, start: int, stop: int) -> list[float]:
        """The numbers of the requests from `start` to before `stop`."""
        values = self._values(rows, start, stop)
        if self.column in ("state", "question"):
            return [-value for value in values] if self.descending else list(values)
        if self.descending:
            return [-value if value > 0 else inf for value in values]
        return [value if value > 0 else inf for value in values]

    def _values(self, rows: Rows, start: int, stop: int) -> Sequence[float]:
        store = rows.store
        match self.column:
            case "state":
                return store.state[start:stop]
            case "question":
                width = len(store.dimensions)
                return [seq % width for seq in range(start, stop)]
            case "latency":
                return self._latencies(rows, start, stop)
            case "category":
                names = sorted(
                    range(len(store.categories)), key=lambda number: store.categories[number].casefold()
                )
                return _ranked(store.category[start:stop], names)
            case "last error":
                kinds = sorted(ErrorKind)
                return _ranked(store.error[start:stop], [0, *(store.error_number(kind) for kind in kinds)])
            case "http":  # of the try before, where one is in flight
                pairs = zip(store.status[start:stop], store.state[start:stop], strict=True)
                return [0 if state == _IN_FLIGHT else status for status, state in pairs]
            case _:
                return getattr(store, _NUMBERS[self.column])[start:stop]

    @staticmethod
    def _latencies(rows: Rows, start: int, stop: int) -> Sequence[float]:
        values, states = rows.store.latency[start:stop], rows.store.state[start:stop]
        place = states.find(_IN_FLIGHT)
        while place >= 0:
            values[place] = rows.took(start + place)
            place = states.find(_IN_FLIGHT, place + 1)
        return values


def _ranked(numbers: bytearray, ascending: Sequence[int]) -> list[int]:
    """Each number's place in `ascending`, of which the first stands for nothing."""
    ranks = [0] * 256
    for place, number in enumerate(ascending):
        ranks[number] = place
    return [ranks[number] for number in numbers]
