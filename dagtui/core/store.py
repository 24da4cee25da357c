"""The state of every request, in columns: 34 bytes a request beside its record's id, so that a million fit."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from enum import IntEnum

from dagtui.core.errors import ErrorKind

UNKNOWN_COST = -1
_KINDS = tuple(ErrorKind)
_KIND_NUMBER = {kind: number for number, kind in enumerate(_KINDS, start=1)}
_MOST_CATEGORIES = 255
_PAGE = 4096  # requests that the columns grow by
LAST_CHANGES = 1 << 16
"""Changes that are remembered one by one; who looks less often than that looks at everything."""


class State(IntEnum):
    """Where a request stands."""

    QUEUED = 0
    IN_FLIGHT = 1
    WAITING = 2
    SUCCEEDED = 3
    FAILED = 4
    SKIPPED = 5
    CANCELLED = 6


class RequestStore:
    """Columns indexed by a request's `seq`. Front ends read them; only the statistics write.

    `state` has a value for every request that was read; the other columns reach beyond it, because they grow by
    the thousand. `latency` is in seconds, `cost` in billionths of a US dollar (`UNKNOWN_COST` where there is no
    price), `category` and `error` are numbers to be looked up, `cause` is the number of the group that the last
    failure or retry belongs to (`core.causes`), 0 for none. `version` grows with every change, and `changes` is
    a ring of which request each of the last ones was about, at the version's place; read it with `changed_since`.
    """

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        self.dimensions = dimensions
        self._queued = bytes([State.QUEUED] * len(dimensions))
        self._room = 0  # requests that the other columns have room for
        self.state = bytearray()
        self.attempts = bytearray()
        self.status = array("H")
        self.latency = array("f")
        self.tokens_in = array("I")
        self.tokens_out = array("I")
        self.cost = array("q")
        self.category = bytearray()
        self.error = bytearray()
        self.cause = bytearray()
        self.version = 0
        self.changes = array("I", bytes(4 * LAST_CHANGES))
        self._categories: list[str] = [""]
        self._category_number: dict[str, int] = {"": 0}
        self._ids = bytearray()
        self._id_ends = array("Q")

    def __len__(self) -> int:
        return len(self.state)

    def add_record(self, record_id: str) -> None:
        """Append the requests of the next record, queued."""
        self._ids += record_id.encode("utf-8", "replace")
        self._id_ends.append(len(self._ids))
        self.state += self._queued
        if len(self.state) > self._room:
            self._grow()
        self.version += 1

    def rename(self, names: Mapping[int, str]) -> None:
        """Give records, by their place, other ids."""
        width = len(self.dimensions)
        ids = [self.record_id(seq) for seq in range(0, len(self.state), width)]
        self._ids, self._id_ends = bytearray(), array("Q")
        for index, record_id in enumerate(ids):
            self._ids += names.get(index, record_id).encode("utf-8", "replace")
            self._id_ends.append(len(self._ids))
        self.version += LAST_CHANGES  # all of them changed

    def changed_since(self, version: int) -> set[int] | None:
        """The requests that changed after `version`, and perhaps others; None if that may be any of them.

        Those that were added since are not among them: they are the ones beyond the former length.
        """
        if self.version - version >= LAST_CHANGES:
            return None
        begin, end = (version + 1) % LAST_CHANGES, (self.version + 1) % LAST_CHANGES
        if begin <= end:
            return set(self.changes[begin:end])
        return {*self.changes[begin:], *self.changes[:end]}

    def _grow(self) -> None:
        """Make room in all columns but `state`, a page at a time: ten for each record would be a cost."""
        more = len(self.state) - self._room + _PAGE
        for column in (self.attempts, self.category, self.error, self.cause):
            column.extend(bytes(more))
        for numbers in (self.status, self.latency, self.tokens_in, self.tokens_out, self.cost):
            numbers.frombytes(bytes(more * numbers.itemsize))
        self._room += more

    def record_id(self, seq: int) -> str:
        """The id of the record that request `seq` belongs to."""
        index = seq // len(self.dimensions)
        start = self._id_ends[index - 1] if index else 0
        return self._ids[start : self._id_ends[index]].decode()

    def dimension(self, seq: int) -> str:
        """The dimension of request `seq`."""
        return self.dimensions[seq % len(self.dimensions)]

    def category_name(self, seq: int) -> str:
        """The category of request `seq`, or an empty string."""
        return self._categories[self.category[seq]]

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of categories so far by their numbers; the first stands for none."""
        return tuple(self._categories)

    def named_like(self, pattern: re.Pattern[bytes], first: int, last: int) -> list[int]:
        """The places of records from `first` to before `last` in whose ids `pattern` is found."""
        ids, ends, found = self._ids, self._id_ends, list[int]()
        start, stop = ends[first - 1] if first else 0, ends[last - 1] if last else 0
        while match := pattern.search(ids, start, stop):
            index = bisect_right(ends, match.start(), first, last)
            if match.end() <= ends[index]:
                found.append(index)
                start = ends[index]
            else:  # the end of one id and the beginning of the next
                start = match.start() + 1
        return found

    def error_kind(self, seq: int) -> ErrorKind | None:
        """The kind of the last error of request `seq`."""
        number = self.error[seq]
        return _KINDS[number - 1] if number else None

    def category_number(self, name: str) -> int:
        """The number under which `name` is kept; beyond 254 names, they share the last."""
        number = self._category_number.get(name)
        if number is None:
            if len(self._categories) >= _MOST_CATEGORIES:
                return self.category_number("(other)") if name != "(other)" else len(self._categories) - 1
            number = len(self._categories)
            if number == _MOST_CATEGORIES - 1:
                name = "(other)"
            self._categories.append(name)
            self._category_number[name] = number
        return number

    def error_number(self, kind: ErrorKind) -> int:
        """The number under which `kind` is kept."""
        return _KIND_NUMBER[kind]
