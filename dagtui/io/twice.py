"""Ids that stand more than once in a file: found in the pass over it before the run, in eight bytes an id."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from dagtui.core.text import named

_PARTS = 256
_AT_ONCE = 1_000_000  # ids that may be held as a set, which takes ten times the room


def told_twice(numbers: array[int], again: Callable[[], Iterable[tuple[str, int]]]) -> str:
    """How many ids stand more than once and where the first does; empty if none.

    `numbers` are the hashes of all ids: they are all but certain to differ where the ids do. `again` gives the ids
    themselves with their lines, for the second look that is needed where some are alike.
    """
    double: set[int] = set()
    for part in _parts(numbers):
        if len(set(part)) < len(part):
            met = set[int]()
            double.update(number for number in part if number in met or met.add(number))
    met = set[int]()
    for record_id, line in again() if double else ():
        number = hash(record_id)
        if number in met:
            words = "id stands" if len(double) == 1 else "ids stand"
            return f'{len(double):,} {words} more than once, such as "{named(record_id)}" at line {line}'
        if number in double:
            met.add(number)
    return ""


def _parts(numbers: array[int]) -> Iterable[array[int]]:
    """`numbers` apart by their last bits, where they are too many for one set."""
    if len(numbers) <= _AT_ONCE:
        return (numbers,)
    parts = [array("q") for _ in range(_PARTS)]
    for number in numbers:
        parts[number % _PARTS].append(number)
    return parts
