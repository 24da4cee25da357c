"""What a query is made of: each term finds the requests of a stretch that it is true of, or those among some.

A stretch is a few thousand requests, so that no call takes more than a millisecond or two. Columns of bytes are
searched by a regular expression, which reads a million of them in a few milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias

from dagtui.core.store import RequestStore, State

Octets: TypeAlias = Literal["state", "attempts", "category", "error"]
Numbers: TypeAlias = Literal["attempts", "status", "latency", "tokens_in", "tokens_out", "cost"]
_IN_FLIGHT = int(State.IN_FLIGHT)


@dataclass(frozen=True, slots=True)
class Rows:
    """The requests at a moment. `since` is when the attempts in flight were sent, by request (epoch seconds)."""

    store: RequestStore
    now: float = 0.0
    since: Mapping[int, float] = field(default_factory=dict[int, float])

    def took(self, seq: int) -> float:
        """The latency of request `seq`, or how long it is in flight; seconds, 0 where there is none."""
        if self.store.state[seq] != _IN_FLIGHT:
            return self.store.latency[seq]
        sent = self.since.get(seq)
        return 0.0 if sent is None else max(0.0, self.now - sent)


class Term(Protocol):
    """A condition. Terms with a low `effort` are asked first."""

    @property
    def effort(self) -> int: ...
    def scan(self, rows: Rows, start: int, stop: int) -> list[int]:
        """The requests from `start` to before `stop` that it is true of, ascending."""
        ...

    def keep(self, rows: Rows, seqs: Iterable[int]) -> list[int]:
        """Those of `seqs` that it is true of, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column has one of the bytes that `values` gives for a store."""

    column: Octets
    values: Callable[[RequestStore], bytes]
    effort: int = 1

    def scan(self, rows: Rows, start: int, stop: int) -> list[int]:
        """By regular expression."""
        values = self.values(rows.store)
        if not values:
            return []
        column: bytearray = getattr(rows.store, self.column)
        return [match.start() for match in _any_of(values).finditer(column, start, stop)]

    def keep(self, rows: Rows, seqs: Iterable[int]) -> list[int]:
        """One by one."""
        values, column = self.values(rows.store), getattr(rows.store, self.column)
        return [seq for seq in seqs if column[seq] in values]


@dataclass(frozen=True, slots=True)
class Between:
    """The number is from `low` to `high`. What is blank in the table has no number, unless 0 is asked for.

    What an attempt in flight will bring is not known; its latency is how long it has taken so far.
    """

    column: Numbers
    low: float
    high: float
    effort: int = 2

    def scan(self, rows: Rows, start: int, stop: int) -> list[int]:
        """Number by number; those in flight apart, because they are few."""
        low, high = self.low, self.high
        numbers: Sequence[float] = getattr(rows.store, self.column)[start:stop]
        if self.column not in ("latency", "status"):
            return [seq for seq, number in enumerate(numbers, start) if low <= number <= high]
        states = rows.store.state[start:stop]
        flying = [] if _IN_FLIGHT not in states else self._flying(rows, start, states)
        found = [
            seq
            for seq, (number, state) in enumerate(zip(numbers, states, strict=True), start)
            if low <= number <= high and state != _IN_FLIGHT
        ]
        return sorted((*found, *flying)) if flying else found

    def keep(self, rows: Rows, seqs: Iterable[int]) -> list[int]:
        """One by one."""
        low, high = self.low, self.high
        if self.column == "latency":
            return [seq for seq in seqs if low <= rows.took(seq) <= high]
        numbers, states = getattr(rows.store, self.column), rows.store.state
        if self.column == "status":
            return [seq for seq in seqs if low <= numbers[seq] <= high and states[seq] != _IN_FLIGHT]
        return [seq for seq in seqs if low <= numbers[seq] <= high]

    def _flying(self, rows: Rows, start: int, states: bytearray) -> list[int]:
        if self.column == "status":
            return []
        flying = _any_of(bytes((_IN_FLIGHT,))).finditer(states)
        return self.keep(rows, [start + match.start() for match in flying])


@dataclass(frozen=True, slots=True)
class Asked:
    """The request is one of the questions at `places` among the dimensions."""

    places: frozenset[int]
    effort: int = 3

    def scan(self, rows: Rows, start: int, stop: int) -> list[int]:
        """By their place."""
        return self.keep(rows, range(start, stop))

    def keep(self, rows: Rows, seqs: Iterable[int]) -> list[int]:
        """By their place."""
        places, width = self.places, len(rows.store.dimensions)
        return [seq for seq in seqs if seq % width in places]


@dataclass(frozen=True, slots=True)
class Named:
    """The record's id holds `text`, whatever the case."""

    text: str
    effort: int = 4

    def scan(self, rows: Rows, start: int, stop: int) -> list[int]:
        """In all ids at once."""
        if not self.text.isascii():
            return self.keep(rows, range(start, stop))
        width = len(rows.store.dimensions)
        pattern = re.compile(re.escape(self.text.encode()), re.IGNORECASE)
        found = rows.store.named_like(pattern, start // width, (stop - 1) // width + 1)
        if width == 1:
            return found
        seqs = (record * width + place for record in found for place in range(width))
        return [seq for seq in seqs if start <= seq < stop]

    def keep(self, rows: Rows, seqs: Iterable[int]) -> list[int]:
        """Id by id."""
        text, name = self.text.casefold(), rows.store.record_id
        return [seq for seq in seqs if text in name(seq).casefold()]


@dataclass(frozen=True, slots=True)
class Not:
    """The other term is not true."""

    term: Term

    @property
    def effort(self) -> int:
        """After what may leave little to ask about."""
        return self.term.effort + 1

    def scan(self, rows: Rows, start: int, stop: int) -> list[int]:
        """What the other does not find."""
        found = set(self.term.scan(rows, start, stop))
        return [seq for seq in range(start, stop) if seq not in found] if found else list(range(start, stop))

    def keep(self, rows: Rows, seqs: Iterable[int]) -> list[int]:
        """What the other does not keep."""
        some = list(seqs)
        kept = set(self.term.keep(rows, some))
        return [seq for seq in some if seq not in kept]


@lru_cache(maxsize=64)
def _any_of(values: bytes) -> re.Pattern[bytes]:
    return re.compile(b"[" + re.escape(values) + b"]", re.DOTALL)
