"""What the simulator received and answered: the truth that a client's own figures are compared with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import NamedTuple

from dagtui.simulator.knobs import Knobs

ENTRIES_KEPT = 2_000_000
"""Entries kept, a good half of a gigabyte; the totals go on beyond it."""


class Clock:
    """Epoch seconds that do not run backwards and resolve less than a millisecond."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset = time.time() - time.perf_counter()

    def epoch(self) -> float:
        """Seconds since 1970."""
        return self._offset + time.perf_counter()

    def elapsed(self) -> float:
        """Seconds since a moment that means nothing; finer than `epoch`, for the buckets."""
        return time.perf_counter()


class Arrival(NamedTuple):
    """An attempt that is under way."""

    seq: int
    received_at: float
    in_flight: int


class Entry(NamedTuple):
    """An attempt that has ended. Times are epoch seconds.

    status is 0 when no answer was given (reset, down, a hang that the caller did not wait for). Input tokens
    are what the request came to, also when it was refused; output tokens are those of the answer, so 0 unless
    the status is 200. in_flight counts the attempts under way at its arrival, itself included. organisation
    numbers those that were let in, from 1, and reserved_tokens is the output taken from its limit at first; both
    are 0 for an attempt that no limit let in, such as one that was refused or met an outage.
    """

    seq: int
    received_at: float
    ended_at: float
    trace_id: str
    metadata: str | None
    status: int
    model: str
    input_tokens: int
    output_tokens: int
    in_flight: int
    organisation: int = 0
    reserved_tokens: int = 0


class KnobChange(NamedTuple):
    """Knobs that were turned, with their new values. The first change of a ledger names all of them."""

    at: float
    changed: Mapping[str, object]


class Ledger:
    """Counts every attempt, and keeps the first two million."""

    def __init__(self, clock: Clock, knobs: Knobs) -> None:
        self._clock = clock
        self._next_seq = 1
        self._in_flight = 0
        self._begin(knobs)

    @property
    def entries(self) -> list[Entry]:
        """The attempts that have ended, in the order in which they ended."""
        return [Entry._make(kept) for kept in self._kept]

    @property
    def knob_changes(self) -> list[KnobChange]:
        """The knobs at the start, and each change since."""
        return self._changes

    def arrive(self) -> Arrival:
        """An attempt has come in."""
        now = self._clock.epoch()
        self._in_flight += 1
        self._in_flight_max = max(self._in_flight_max, self._in_flight)
        if self._first_received is None:
            self._first_received = now
        arrival = Arrival(self._next_seq, now, self._in_flight)
        self._next_seq += 1
        return arrival

    def end(
        self,
        arrival: Arrival,
        *,
        trace_id: str,
        metadata: str | None,
        status: int,
        model: str = "",
        input_tokens: int = 0,
        output_tokens: int = 0,
        organisation: int = 0,
        reserved_tokens: int = 0,
    ) -> None:
        """An attempt has ended; only a 200 is billed."""
        self._in_flight -= 1
        self._ended += 1
        self._last_ended = self._clock.epoch()
        self._by_status[status] = self._by_status.get(status, 0) + 1
        if status == 200:
            self._input_tokens += input_tokens
            self._output_tokens += output_tokens
        if len(self._kept) < ENTRIES_KEPT:
            seq, received_at, in_flight = arrival
            self._kept.append(
                (
                    seq,
                    received_at,
                    self._last_ended,
                    trace_id,
                    metadata,
                    status,
                    model,
                    input_tokens,
                    output_tokens,
                    in_flight,
                    organisation,
                    reserved_tokens,
                )
            )

    def turned(self, changed: Mapping[str, object]) -> None:
        """Knobs were turned just now."""
        if changed:
            self._changes.append(KnobChange(self._clock.epoch(), changed))

    def reset(self, knobs: Knobs) -> None:
        """Forget everything but the attempts that are still under way."""
        self._begin(knobs)

    def totals(self) -> dict[str, object]:
        """Sums over all attempts, those still in flight included in `requests`."""
        return {
            "requests": self._ended + self._in_flight,
            "by_status": {str(status): count for status, count in sorted(self._by_status.items())},
            "input_tokens": self._input_tokens,
            "output_tokens": self._output_tokens,
            "in_flight": self._in_flight,
            "in_flight_max": self._in_flight_max,
            "first_received": self._first_received,
            "last_ended": self._last_ended,
        }

    def report(self, *, with_entries: bool = True) -> dict[str, object]:
        """The ledger as plain data."""
        report: dict[str, object] = {
            "totals": self.totals(),
            "knob_changes": [{"at": at, "changed": changed} for at, changed in self._changes],
        }
        if with_entries:
            report["entries"] = [_plain(entry) for entry in self.entries]
        if self._ended > ENTRIES_KEPT:
            report["note"] = f"Only the first {ENTRIES_KEPT:,} entries are kept; the totals count all of them."
        return report

    def _begin(self, knobs: Knobs) -> None:
        # Bare tuples of figures, because the garbage collector forgets those; named ones it visits for ever.
        self._kept: list[tuple[int, float, float, str, str | None, int, str, int, int, int, int, int]] = []
        self._changes = [KnobChange(self._clock.epoch(), knobs.model_dump())]
        self._by_status: dict[int, int] = {}
        self._ended = self._input_tokens = self._output_tokens = 0
        self._in_flight_max = self._in_flight
        self._first_received: float | None = None
        self._last_ended: float | None = None


def _plain(entry: Entry) -> dict[str, object]:
    return {
        **entry._asdict(),
        "metadata": _parsed(entry.metadata),
        "latency_s": entry.ended_at - entry.received_at,
    }


def _parsed(metadata: str | None) -> object:
    if metadata is None:
        return None
    try:
        return json.loads(metadata)
    except ValueError:
        return None
