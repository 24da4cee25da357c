"""The part of the statistics that is about time: lanes, waves, drift, and what the engine said of itself."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal
from heapq import nsmallest
from operator import itemgetter

from dagtui.core.answer_flags import EMPTY, REFUSED, TRUNCATED
from dagtui.core.drift import Drift
from dagtui.core.events import Looked
from dagtui.core.forecast import CostSpread
from dagtui.core.held import Hold, Holder
from dagtui.core.lane_time import LaneTime
from dagtui.core.levels import Levels
from dagtui.core.model import Success
from dagtui.core.series import Series
from dagtui.core.snapshot import Answers, Dial, Flight, Lanes, Touch
from dagtui.core.wave import Due, Wave

_TOUCHES = 100
_TAIL = 50
_BURN_S = 15.0  # seconds that what burns is taken over
_NEWS = 50_000  # different answers that are remembered, to know the one that is given most


class Pulse:
    """Is told of what happens in the order of time, epoch seconds, by `Stats` alone."""

    def __init__(self) -> None:
        self.looked: Looked | None = None
        self.drift = Drift()
        self.costs = CostSpread()
        self._started_at = 0.0
        self._lanes = LaneTime()
        self._levels = Levels(self._lanes.flown)
        self._throttled = Series()
        self._spent: deque[tuple[float, Decimal]] = deque()  # at the looks of the last seconds
        self._due = Due()
        self._since: dict[int, float] = {}
        self._touches: deque[Touch] = deque(maxlen=_TOUCHES)
        self._looks: Counter[Holder] = Counter()
        self._empty = self._refused = self._truncated = self._identical = 0
        self._given: dict[int, int] = {}

    def begin(self, now: float) -> None:
        """The run begins."""
        self._started_at = now
        self._levels.begin(now)
        self._throttled.begin(now)

    def level(self, now: float, flying: int, target: int) -> None:
        """So many are in flight now, of `target`."""
        levels = self._levels
        if now >= levels.ends:
            levels.reach(now)
        levels.target = target
        self._lanes.set(now, flying, target)

    def end(self, now: float) -> None:
        """The run has ended."""
        self.level(now, 0, 0)

    def look(self, looked: Looked, spent: Decimal) -> None:
        """The engine has said what it is at, when so many dollars were spent."""
        self._spent.append((looked.time, spent))
        while self._spent[0][0] < looked.time - _BURN_S:
            self._spent.popleft()
        self.looked = looked
        self._looks[looked.hold.by] += 1
        self._lanes.hold(looked.time, looked.hold.by)

    def touch(self, now: float, target: int, by: str) -> None:
        """Somebody set the target."""
        self._touches.append(Touch(max(0.0, now - self._started_at), target, by))

    # --- requests ---

    def leaves(self, seq: int, now: float) -> None:
        """An attempt was sent."""
        self._since[seq] = now

    def lands(self, seq: int) -> None:
        """Nothing of the request is in flight."""
        self._since.pop(seq, None)

    def waits(self, seq: int, until: float) -> None:
        """It waits to retry."""
        self._due.wait(seq, until)

    def stirs(self, seq: int) -> None:
        """It waits no longer."""
        self._due.go(seq)

    def throttle(self, now: float) -> None:
        """An attempt met a rate limit."""
        self._throttled.add(now)

    def answer(self, now: float, bucket: int) -> None:
        """An attempt was answered, with a latency in that bucket of the histogram."""
        if now >= self._levels.ends:
            self._levels.reach(now)
        self._levels.answered(bucket)

    def succeed(self, outcome: Success) -> None:
        """A request has its answer."""
        if outcome.category is not None:
            self.drift.note(outcome.category)
        self._mark(outcome.flags)
        times = self._given.get(outcome.echo, 0) + 1
        if times > 1 or len(self._given) < _NEWS:
            self._given[outcome.echo] = times
            if times > max(1, self._identical):
                self._identical = times

    def fail(self, flags: int) -> None:
        """A request has failed, with an answer that has such `flags`, or none."""
        self._mark(flags)

    def _mark(self, flags: int) -> None:
        if flags:
            self._empty += bool(flags & EMPTY)
            self._refused += bool(flags & REFUSED)
            self._truncated += bool(flags & TRUNCATED)

    # --- the view ---

    @property
    def since(self) -> Mapping[int, float]:
        """When the attempt of each request in flight was sent."""
        return self._since

    @property
    def hold(self) -> Hold:
        """What binds."""
        return Hold(Holder.NOTHING) if self.looked is None else self.looked.hold

    @property
    def mostly(self) -> Holder | None:
        """What bound most of the time; None before the first look."""
        return self._looks.most_common(1)[0][0] if self._looks else None

    @property
    def burn(self) -> Decimal:
        """Dollars a minute, over the last seconds."""
        if len(self._spent) < 2:
            return Decimal(0)
        (begin, before), (end, after) = self._spent[0], self._spent[-1]
        return (after - before) / Decimal(max(1.0, end - begin)) * 60

    def wave(self, now: float) -> Wave:
        """The retries to come."""
        return self._due.wave(now)

    def tail(self) -> tuple[Flight, ...]:
        """The attempts in flight longest."""
        oldest = nsmallest(_TAIL, self._since.items(), key=itemgetter(1, 0))
        return tuple(Flight(seq, since) for seq, since in oldest)

    def dial(self, now: float) -> Dial:
        """Over the whole run."""
        levels = self._levels
        return Dial(
            levels.in_flight(now),
            levels.targets(now),
            self._throttled.rates(now),
            levels.p95(now),
            tuple(self._touches),
        )

    def lanes(self, now: float) -> Lanes:
        """Where their time went."""
        return Lanes(self._lanes.flown(now), self._lanes.idle(now))

    def answers(self, totals: tuple[tuple[str, int], ...]) -> Answers:
        """What they are like; `totals` are the categories with their numbers."""
        odd = self._empty, self._refused, self._truncated, self._identical
        return Answers(self.drift.mix(totals), self.drift.points, *odd, self.drift.much)
