"""How fast a run could have been: its attempts played again by a client that knows every bucket and loses no time.

The same attempts that were let in, in the order in which they came, each as long as it took; refusals and calls
into an outage are left out. What remains is what the limits, the slots and the latency demand of anybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Literal

from dagtui.simulator.buckets import Buckets, Costs
from dagtui.simulator.knobs import RESOURCES, Knobs, Resource, change_knobs
from dagtui.simulator.ledger import Entry, KnobChange

Binding = Resource | Literal["concurrency", "down", "latency"]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a run took, and what it had to take. Times are in seconds."""

    seconds: float
    """Of the ideal replay, from its first start to its last end."""
    span: float
    """Of the run: from the first arrival to the last end."""
    ratio: float
    """span over seconds; 1 where nothing was let in."""
    binding: Binding
    """What the replay waited for most: a limit, a slot, the end of an outage, or just the answers."""
    fluid: float
    """The most that any limit alone takes for what it granted, with nothing lost to order or latency."""


@dataclass(frozen=True, slots=True)
class _Phase:
    """How the knobs stood from `start` on, in seconds after the first arrival."""

    start: float
    knobs: Knobs


@dataclass(slots=True)
class _Attempt:
    entry: Entry
    length: float
    after: int | None = None
    """The attempt of the same request that follows this one."""
    first: bool = True

    @property
    def costs(self) -> Costs:
        """What it takes from the buckets when it starts."""
        entry = self.entry
        return {"requests": 1, "input_tokens": entry.input_tokens, "output_tokens": entry.reserved_tokens}


def bound(entries: Iterable[Entry], knob_changes: Sequence[KnobChange], concurrency: int | None = None) -> Bound:
    """The least time that this ledger's run could have taken with so many slots; None is for any number.

    The others of the organisation are counted as a constant rate that comes first. A client that takes each
    request the moment it is there leaves them less, so such a run may come out below the bound.
    """
    begun = knob_changes[0].at if knob_changes else 0.0
    run = sorted(entry for entry in entries if entry.received_at >= begun)  # by their numbers
    if not run:
        return Bound(0.0, 0.0, 1.0, "latency", 0.0)
    first = run[0].received_at
    span = max(entry.ended_at for entry in run) - first
    attempts, phases = _attempts(run), _phases(knob_changes, first)
    replay = _Replay(attempts, phases, math.inf if concurrency is None else concurrency)
    seconds = replay.play()
    ratio = span / seconds if seconds else 1.0
    return Bound(seconds, span, ratio, replay.binding(), _fluid(attempts, phases))


def _attempts(run: Sequence[Entry]) -> list[_Attempt]:
    """Those that were let in, each knowing which one of its request follows it."""
    attempts: list[_Attempt] = []
    latest: dict[str, int] = {}
    for entry in run:
        if not entry.organisation:
            continue
        attempt = _Attempt(entry, max(0.0, entry.ended_at - entry.received_at))
        request = entry.trace_id.rpartition("/")[0]
        previous = latest.get(request) if request else None
        if previous is not None:
            attempt.first, attempts[previous].after = False, len(attempts)
            # A caller who gave up did not wait for the end that the provider saw.
            gap = entry.received_at - attempts[previous].entry.received_at
            attempts[previous].length = min(attempts[previous].length, gap)
        latest[request] = len(attempts)
        attempts.append(attempt)
    return attempts


def _phases(knob_changes: Sequence[KnobChange], first: float) -> list[_Phase]:
    knobs = Knobs()
    phases: list[_Phase] = []
    for change in knob_changes:
        knobs = change_knobs(knobs, change.changed)
        start = max(0.0, change.at - first)
        if phases and phases[-1].start == start:
            phases.pop()
        phases.append(_Phase(start, _without_others(knobs)))
    return phases or [_Phase(0.0, knobs)]


def _without_others(knobs: Knobs) -> Knobs:
    """The same limits, less what others take; a full bucket holds what it did."""
    limit, others = knobs.requests_per_minute, knobs.others_requests_per_minute
    if limit is None or others is None:
        return knobs
    left = {"requests_per_minute": max(0.0, limit - others), "requests_burst": knobs.capacity("requests")}
    return knobs.model_copy(update=left)


class _Lane:
    """The attempts of one organisation that wait, by their places, and what is left of its limits."""

    def __init__(self, knobs: Knobs) -> None:
        self.buckets = Buckets(knobs, 0.0)
        self.ready: list[int] = []
        self.in_flight = 0


class _Replay:
    """Plays attempts from one event to the next: an end, a turned knob, a bucket that holds enough."""

    def __init__(self, attempts: Sequence[_Attempt], phases: Sequence[_Phase], slots: float) -> None:
        self._attempts = attempts
        self._slots = slots
        self._now = 0.0
        self._knobs = phases[0].knobs
        self._phases = list(reversed(phases[1:]))
        self._under_way: list[tuple[float, int]] = []
        self._lanes: dict[int, _Lane] = {}
        self._waited: dict[Binding, float] = {}
        for place, attempt in enumerate(attempts):
            lane = self._lanes.setdefault(attempt.entry.organisation, _Lane(self._knobs))
            if attempt.first:
                lane.ready.append(place)
        for lane in self._lanes.values():
            heapify(lane.ready)

    def play(self) -> float:
        """Play to the end; its time in seconds."""
        while True:
            for lane in self._lanes.values():
                self._start(lane)
            if not self._under_way and not any(lane.ready for lane in self._lanes.values()):
                return self._now
            moment, cause = self._next_event()
            self._waited[cause] = self._waited.get(cause, 0.0) + moment - self._now
            self._now = moment
            self._end_what_is_done()
            self._turn()

    def binding(self) -> Binding:
        """What was waited for most."""
        waited: Mapping[Binding, float] = {"latency": 0.0, **self._waited}
        return max(waited, key=lambda cause: waited[cause])

    def _start(self, lane: _Lane) -> None:
        """Let in what may start now, in order.

        What would wait for ever starts, too, such as one that is too large for a limit that shrank: it was let in.
        """
        while lane.ready and not self._full(lane):
            if self._phases and self._knobs.down:
                return
            wait, _ = lane.buckets.wait_for(self._attempts[lane.ready[0]].costs, self._now)
            if wait > 0 and (self._phases or math.isfinite(wait)):
                return
            self._begin(lane)

    def _begin(self, lane: _Lane) -> None:
        place = heappop(lane.ready)
        attempt = self._attempts[place]
        lane.buckets.take(attempt.costs, self._now)
        lane.in_flight += 1
        heappush(self._under_way, (self._now + attempt.length, place))

    def _full(self, lane: _Lane) -> bool:
        cap = self._knobs.concurrency_cap
        return len(self._under_way) >= self._slots or (cap is not None and lane.in_flight >= cap)

    def _next_event(self) -> tuple[float, Binding]:
        """When something may change next, and what is waited for until then."""
        end = self._under_way[0][0] if self._under_way else math.inf
        moment = min(end, self._phases[-1].start if self._phases else math.inf)
        cause: Binding = "latency"
        for lane in self._lanes.values():
            if not lane.ready:
                continue
            if self._knobs.down:
                return moment, "down"
            wait, resource = lane.buckets.wait_for(self._attempts[lane.ready[0]].costs, self._now)
            full = self._full(lane)
            if resource is not None and (not full or self._now + wait > end):
                cause = resource
            else:
                cause = "concurrency"
            if not full:
                moment = min(moment, self._now + wait)
        return moment, cause

    def _end_what_is_done(self) -> None:
        while self._under_way and self._under_way[0][0] <= self._now:
            attempt = self._attempts[heappop(self._under_way)[1]]
            lane = self._lanes[attempt.entry.organisation]
            lane.in_flight -= 1
            lane.buckets.settle_output(attempt.entry.reserved_tokens, attempt.entry.output_tokens, self._now)
            if attempt.after is not None:
                after = self._attempts[attempt.after]
                heappush(self._lanes[after.entry.organisation].ready, attempt.after)

    def _turn(self) -> None:
        while self._phases and self._phases[-1].start <= self._now:
            self._knobs = self._phases.pop().knobs
            for lane in self._lanes.values():
                lane.buckets.retune(self._knobs, self._now)


def _fluid(attempts: Sequence[_Attempt], phases: Sequence[_Phase]) -> float:
    """The longest time that a limit takes to grant what was used of it, as if it flowed."""
    used: dict[tuple[int, Resource], float] = {}
    for attempt in attempts:
        entry = attempt.entry
        for resource, amount in zip(RESOURCES, (1, entry.input_tokens, entry.output_tokens), strict=True):
            key = (entry.organisation, resource)
            used[key] = used.get(key, 0) + amount
    return max((_granted_at(amount, name, phases) for (_, name), amount in used.items()), default=0.0)


def _granted_at(amount: float, resource: Resource, phases: Sequence[_Phase]) -> float:
    """Seconds until a full bucket and its refill have granted so much."""
    left = amount - (phases[0].knobs.capacity(resource) or 0.0)
    for phase, following in zip(phases, [*phases[1:], None], strict=True):
        limit = phase.knobs.per_minute(resource)
        if limit is None or left <= 0:
            return phase.start
        needed = left / (limit / 60) if limit else math.inf
        if math.isfinite(needed) and (following is None or phase.start + needed <= following.start):
            return phase.start + needed
        if following is not None:
            left -= limit / 60 * (following.start - phase.start)
    return phases[-1].start
