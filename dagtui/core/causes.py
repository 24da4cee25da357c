"""What goes wrong in a run, by its causes: failures and retries that are alike are one group.

A fold of events like the statistics that it is a part of, in constant memory: whoever folds the journal gets the
same groups. Who is in a group now is read off the columns of the store; how many, is counted along.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import starmap

from dagtui.core.alike import normalised
from dagtui.core.errors import ErrorKind
from dagtui.core.model import AttemptError
from dagtui.core.store import RequestStore, State

MOST_GROUPS = 200
"""Groups beyond which a new one joins the others of its kind; with those, a number fits into a byte."""
BINS = 16
"""Bins of a trend, at most. As long as the run goes on, at least half of them are in use."""
OTHER = "other messages"

_LONGEST = 4_000  # characters of an example
_FIRST_WIDTH = 1.0  # seconds of a bin
_WAITING, _FAILED = int(State.WAITING), int(State.FAILED)  # quick to compare


@dataclass(frozen=True, slots=True)
class Example:
    """One that met the cause: request `seq` at its attempt number `attempt`, and the whole message."""

    seq: int
    attempt: int
    message: str


@dataclass(slots=True)
class Group:
    """What is alike. `text` is the normalised message, `number` what the store's column `cause` has for it.

    `retries` counts attempts after which another one was planned, `failures` requests that were given up;
    `waiting` and `failed` are the requests that are so now, of this cause. Times are epoch seconds. The example is
    one that failed, if any has.
    """

    number: int
    kind: ErrorKind
    status: int | None
    text: str
    first: float
    last: float
    example: Example
    retries: int = 0
    failures: int = 0
    waiting: int = 0
    failed: int = 0
    bins: list[int] = field(default_factory=list[int])

    @property
    def seen(self) -> int:
        """How often it was met."""
        return self.retries + self.failures


class Causes:
    """The groups of a run, in the order in which they were met first."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self._by_key: dict[tuple[ErrorKind, int | None, str], Group] = {}
        self._start: float | None = None
        self._width = _FIRST_WIDTH

    def begin(self, time: float) -> None:
        """A session begins at `time`: trends are of what comes now."""
        self._start, self._width = time, _FIRST_WIDTH
        for group in self.groups:
            group.bins.clear()

    def add(self, time: float, seq: int, error: AttemptError, attempt: int, *, given_up: bool) -> int:
        """Count what happened to request `seq`, which waits or has failed now; the number of its group."""
        group = self._group(time, seq, error, attempt)
        group.last = time
        if not given_up:
            group.retries += 1
            group.waiting += 1
        else:
            group.failed += 1
            if not group.failures:
                group.example = Example(seq, attempt, error.message[:_LONGEST])
            group.failures += 1
        place, bins = self._reach(time), group.bins
        if place >= len(bins):
            bins.extend([0] * (place + 1 - len(bins)))
        bins[place] += 1
        return group.number

    def leave(self, number: int, state: int) -> None:
        """A request of that group, or of none, is not in `state` any more."""
        if number:
            if state == _FAILED:
                self.groups[number - 1].failed -= 1
            elif state == _WAITING:
                self.groups[number - 1].waiting -= 1

    def recount(self, store: RequestStore) -> None:
        """Count who is in the groups, off the columns of `store`."""
        counts = open_counts(store)
        for group in self.groups:
            group.failed, group.waiting = counts.get(group.number, (0, 0))

    def trend(self, group: Group, now: float) -> tuple[int, ...]:
        """How often `group` was met in each bin since the session began, the last one being that of `now`."""
        bins = self._reach(now) + 1
        return (*group.bins[:bins], *[0] * (bins - len(group.bins)))

    def restore(self, store: RequestStore, told: Iterable[tuple[float, int, AttemptError, int, bool]]) -> None:
        """Count what earlier sessions met: arguments of `add`, in order. `store` is told who failed of what."""
        for time, seq, error, attempt, given_up in told:
            number = self.add(time, seq, error, attempt, given_up=given_up)
            if given_up and seq < len(store):
                store.cause[seq] = number
        self.recount(store)

    def _group(self, time: float, seq: int, error: AttemptError, attempt: int) -> Group:
        key = (error.kind, error.status, normalised(error.message))
        group = self._by_key.get(key)
        if group is None and len(self.groups) >= MOST_GROUPS:
            key = (error.kind, None, OTHER)
            group = self._by_key.get(key)
        if group is None:
            example = Example(seq, attempt, error.message[:_LONGEST])
            group = self._by_key[key] = Group(len(self.groups) + 1, *key, time, time, example)
            self.groups.append(group)
        return group

    def _reach(self, time: float) -> int:
        """The bin of `time`. Where there are too few, neighbours become one, in all groups."""
        if self._start is None:
            self._start = time
        place = int((time - self._start) / self._width) if time > self._start else 0
        while place >= BINS:
            self._width *= 2
            place //= 2
            for group in self.groups:
                bins = group.bins
                if len(bins) % 2:
                    bins.append(0)
                group.bins = list(starmap(int.__add__, zip(bins[::2], bins[1::2], strict=True)))
        return place


def _where(state: State) -> bytes:
    """A table that makes `state` all ones, and every other state 0."""
    return bytes(255 if number == state else 0 for number in range(256))


_HAS_FAILED, _WAITS = _where(State.FAILED), _where(State.WAITING)
_IS_OPEN = bytes(a | b for a, b in zip(_HAS_FAILED, _WAITS, strict=True))


def open_counts(store: RequestStore) -> dict[int, tuple[int, int]]:
    """By the number of a group: requests that have failed of it, and that wait because of it, now."""
    failed, waiting = (_masked(store, table).translate(None, b"\0") for table in (_HAS_FAILED, _WAITS))
    return {number: (failed.count(number), waiting.count(number)) for number in set(failed) | set(waiting)}


def members(store: RequestStore, number: int, *, failed_only: bool = False) -> array[int]:
    """The requests that are in a group now, failed or waiting, by their `seq`, ascending."""
    causes = _masked(store, _HAS_FAILED if failed_only else _IS_OPEN)
    pattern = re.compile(re.escape(bytes((number,))))
    return array("I", (match.start() for match in pattern.finditer(causes))) if number else array("I")


def _masked(store: RequestStore, table: bytes) -> bytes:
    """The column of causes, 0 where the state is none of `table`.

    As two long numbers: a million requests take a few milliseconds, whatever their states.
    """
    count = len(store.state)
    states = int.from_bytes(store.state.translate(table), "little")
    return (states & int.from_bytes(store.cause[:count], "little")).to_bytes(count, "little")
