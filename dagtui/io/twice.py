"""Ids that stand more than once in a file: found in the pass over it before the run, in eight bytes an id."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from dagtui.core.text import named

_PARTS = 256
_BITS = (1 << 64) - 1


class Ids:
    """The ids of a file, as numbers that are all but certain to differ where the ids do.

    They are kept apart by their last bits, so that only a small part at a time has to be a set.
    """

    def __init__(self) -> None:
        self._parts = [array("Q") for _ in range(_PARTS)]

    def add(self, record_id: str) -> None:
        """Take one more."""
        number = hash(record_id) & _BITS
        self._parts[number % _PARTS].append(number)

    def told(self, again: Callable[[], Iterable[tuple[str, int]]]) -> str:
        """How many stand more than once and where the first does; empty if none. `again` gives ids and lines."""
        double: set[int] = set()
        for part in self._parts:
            if len(met := set(part)) < len(part):
                for number in part:
                    if number in met:
                        met.remove(number)
                    else:
                        double.add(number)
        if not double:
            return ""
        met = set[int]()
        for record_id, line in again():
            number = hash(record_id) & _BITS
            if number in met:
                words = "id stands" if len(double) == 1 else "ids stand"
                return f'{len(double):,} {words} more than once, such as "{named(record_id)}" at line {line}'
            if number in double:
                met.add(number)
        return ""
