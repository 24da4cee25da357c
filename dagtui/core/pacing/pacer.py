"""When the next attempt may leave: the provider's limits, as far as they can be known from here.

One pacer for each model at a gateway. Pure: the moment is passed in, in seconds of one clock that does not run
backwards. What it knows comes from five places, in order of trust: the limit header of an answer, the number that
a refusal names, the user, an earlier run, and measurement (`measured` from refusals alone, `hidden` from latency).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dagtui.core.model import Blame, RateLimits, Request, Response
from dagtui.core.pacing.costs import Costs, counted_input
from dagtui.core.pacing.departure import Cost, Departure, History, Kind
from dagtui.core.pacing.hidden import Hidden
from dagtui.core.pacing.learnt import Bucket, Learnt
from dagtui.core.pacing.limits import Limits, headroom_of
from dagtui.core.pacing.measured import Measured
from dagtui.core.pacing.mirror import Mirror, Source
from dagtui.core.pacing.ramp import Ramp
from dagtui.core.pacing.vain import Vain

__all__ = ["Pacer", "Refusal"]

_UNEXPLAINED = 1.5  # seconds that a retry-after may exceed what the mirror says: providers round up
_PAUSE = 1.0  # seconds, after a refusal that says nothing
_AFTER_REFUSAL = 0.02  # seconds before a refused request is asked again, where the pace is known
_CONFIRM, _CLEAR = (
    2,
    10,
)  # of those that left after a refusal: so many refused confirm it, so many answered clear it
_CAP_EASES = 300  # answers at a learnt concurrency limit after which one more is tried


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 429: the limits in its headers, what it blames, the seconds it asks for, retries hidden by the gateway."""

    limits: RateLimits | None = None
    blame: Blame | None = None
    retry_after: float | None = None
    gateway_retries: int = 0


class Pacer:
    """Decides for one model at one gateway.

    `told` are limits by the user, units a minute; `ceiling` is the most that will ever be in flight and `jobs` how
    many requests there are, if that is known.
    """

    def __init__(
        self,
        now: float,
        *,
        told: Mapping[Kind, float] | None = None,
        learnt: Learnt | None = None,
        ceiling: int = 100,
        jobs: int | None = None,
    ) -> None:
        learnt = learnt or Learnt()
        self.in_flight = 0
        self.cap = math.inf if learnt.concurrency is None else learnt.concurrency  # learnt from refusals
        self.costs = Costs(learnt.tokens_per_character, learnt.output)
        self.limits = Limits(now, told or {}, learnt)
        self.refusals = 0
        self._under_way: dict[int, Departure] = {}
        self._history = History()
        self._measured: Measured | None = None
        self._hidden = Hidden()
        self._vain = Vain()
        self._ramp: Ramp | None = Ramp(now, ceiling, jobs)
        self._gate = -math.inf  # nothing leaves before
        self._resynced_at = -math.inf  # refusals of what left before this moment are no news
        self._began: float | None = None
        self._suspect_since: float | None = None  # when a refusal was heard that nothing explains
        self._suspect_refused = self._suspect_answered = 0
        self._cap_answers = 0
        self._most = 0
        if learnt.buckets:
            self._ramp = None
        elif learnt.unlimited_in_flight is not None:
            self._ramp = Ramp(now, 5 * learnt.unlimited_in_flight, None)
        requests = learnt.buckets.get(Kind.REQUESTS)
        if requests is not None and self.limits[Kind.REQUESTS].source is Source.MEASURED:
            self._measured = Measured(now, requests.rate)

    # --- departures ---

    def delay(self, cost: Cost, now: float) -> float:
        """Seconds until an attempt of this cost may leave: 0 is now, infinity when only an answer can tell."""
        window = self._hidden.window
        if self.in_flight >= self.cap or (window is not None and self.in_flight >= window):
            return math.inf
        if self._vain.probing and self.in_flight:
            return math.inf
        wait = self._gate - now if self._gate > now else 0.0
        if self._ramp is not None:
            wait = max(wait, self._ramp.delay(now))
            if self._ramp.ended:
                self._ramp = None
        for mirror in self.limits.known:
            if mirror.kind is Kind.REQUESTS and self._measured is not None:
                self._follow(mirror, self._measured, now)
            short = mirror.delay(cost[mirror.kind], now)
            if short > wait:
                wait = short
        return wait

    @property
    def window(self) -> float | None:
        """How many may be in flight, where only latency tells of a limit; None where it does not."""
        return self._hidden.window

    @property
    def finding_out(self) -> bool:
        """Nothing is known yet: the start is held back to find a limit without many refusals."""
        return self._ramp is not None

    def gate(self, now: float) -> float:
        """Seconds until anything may leave, because the provider asked everybody to wait, or refuses all."""
        return max(0.0, self._gate - now)

    @property
    def rate(self) -> float | None:
        """Requests a second that the known limits allow, None while no limit is known."""
        return self.limits.rate(self._history)

    def depart(self, cost: Cost, now: float) -> Departure:
        """An attempt leaves."""
        if self._began is None:
            self._began = now
        self.in_flight = in_flight = self.in_flight + 1
        if in_flight > self._most:
            self._most = in_flight
        departure = Departure(now, cost, self._history.count, in_flight)
        if self._ramp is not None:
            self._ramp.depart(now)
        for mirror in self.limits.mirrors:
            mirror.depart(departure, now)
        self._history.add(now, cost)
        self._under_way[departure.number] = departure
        self._hidden.departed(departure)
        return departure

    # --- answers ---

    def answered(self, departure: Departure, request: Request, response: Response, now: float) -> None:
        """The provider answered."""
        self._end(departure)
        self._vain.let_in()
        usage, cost = response.usage, departure.cost
        self.costs.learn(request, usage)
        _, inputs, reserved, actual = self.limits.mirrors
        inputs.shift(cost[Kind.INPUT] - counted_input(usage))
        reserved.settle(cost[Kind.RESERVED_OUTPUT] - usage.output, now)
        actual.shift(cost[Kind.ACTUAL_OUTPUT] - usage.output)
        if response.limits is not None:
            self._read(departure, response.limits, response.gateway_retries == 0, now)
        if self._suspect_since is not None and departure.at > self._suspect_since:
            self._suspect_answered += 1
            if self._suspect_answered >= _CLEAR:
                self._suspect_since = None
        in_time = self._hidden.answered(departure, response.gateway_retries, now)
        if in_time and self._ramp is not None:
            self._ramp.answered()
        hidden = self._hidden
        if hidden.window is not None or not (self.limits.authority or self.refusals or hidden.given_up):
            self._follow_latency(now)
        if self.cap < math.inf and departure.in_flight >= self.cap:
            self._cap_answers += 1
            if self._cap_answers >= _CAP_EASES:
                self.cap, self._cap_answers = self.cap + 1, 0

    def failed(self, departure: Departure, now: float, limits: RateLimits | None = None) -> None:
        """It failed otherwise, and did pass the limits: 500, 529, a timeout, a broken connection."""
        self._end(departure)
        self._hidden.ended(departure)
        self.limits[Kind.RESERVED_OUTPUT].settle(departure.cost[Kind.RESERVED_OUTPUT], now)
        if limits is not None:
            self._read(departure, limits, False, now)

    def unsent(self, departure: Departure) -> None:
        """Nothing was sent at all."""
        self._end(departure)
        self._hidden.ended(departure)
        self._refund(departure)

    def refused(self, departure: Departure, refusal: Refusal, now: float) -> float | None:
        """A 429. Returns the seconds after which to ask again, None if that is not for the pacer to say."""
        self._end(departure)
        self._hidden.ended(departure)
        self._refund(departure)
        if refusal.retry_after is None:
            self._gate = max(self._gate, self._vain.refused(departure.at, now))
        else:
            self._vain.let_in()
        blame = refusal.blame
        if blame is not None and blame.resource in ("growth", "quota"):
            return None  # nothing that a bucket explains: whoever was refused waits, the others go on
        self.refusals += 1
        if blame is not None and blame.resource == "concurrency":
            return self._cap_at(departure, now)
        if refusal.gateway_retries:
            return None  # it was refused again and again, and the last time was not the time it left
        if refusal.limits is not None:
            self._read(departure, refusal.limits, False, now)
        mirror = self.limits.blamed(blame, refusal.limits)
        if blame is not None and blame.per_minute and mirror.source is not Source.HEADER:
            rate, under_way = blame.per_minute / 60, self._under_way.values()
            if rate != mirror.rate or not self.limits.is_told(mirror):
                self._known_now(
                    self.limits.tell(mirror, rate, Source.MESSAGE, departure, 0.0, under_way, now), now
                )
        if self.limits.is_told(mirror):
            self._ramp = None
            self._resync(mirror, departure, refusal, now)
        else:
            self._measure(departure, refusal, now)
        return self._again(mirror, departure.cost, refusal, now)

    def learnt(self) -> Learnt:
        """What the next run should know."""
        buckets: dict[Kind, Bucket] = {}
        for mirror in self.limits.mirrors:
            measured = mirror.source is Source.MEASURED
            rate = self._measured.rate if measured and self._measured is not None else mirror.rate
            if rate is not None:
                capacity = None if math.isinf(mirror.capacity) else mirror.capacity
                buckets[mirror.kind] = Bucket(rate, capacity, mirror.trusted, measured)
        return Learnt(
            buckets,
            None if math.isinf(self.cap) else int(self.cap),
            self._most if not self.refusals and not buckets and self.window is None else None,
            self.costs.tokens_per_character,
            self.costs.output,
        )

    def _read(self, departure: Departure, told: RateLimits, admitted: bool, now: float) -> None:
        news = self.limits.read(departure, told, admitted, self._under_way.values(), self._history, now)
        self._known_now(news, now)

    def _known_now(self, news: bool, now: float) -> None:
        """A limit has become known: nothing needs to be measured, and what was refused before is explained."""
        if news:
            self._measured = None
            self._resynced_at = now

    # --- refusals ---

    def _resync(self, mirror: Mirror, departure: Departure, refusal: Refusal, now: float) -> None:
        """The rate is known, and the level was not what it seemed."""
        cost = departure.cost[mirror.kind]
        headroom = headroom_of(mirror.kind, refusal.limits)
        room = headroom.remaining if headroom is not None else None
        if refusal.blame is not None and room is not None and mirror.trusted:
            mirror.trusted = room < (1 if mirror.kind is Kind.REQUESTS else max(1000.0, 1.5 * cost))
        news = mirror.empty(departure, self._under_way.values(), now)
        if not news or departure.at <= self._resynced_at:
            return
        assert mirror.rate is not None
        mirror.margin = min(2.0 * mirror.unit + 0.05 * mirror.rate, mirror.margin + 0.5 * mirror.unit)
        asked = refusal.retry_after
        explained = (cost + mirror.reserve - mirror.level) / mirror.rate
        if asked is not None and asked > max(0.0, explained) + _UNEXPLAINED and self._confirmed(departure, now):
            self._gate = max(self._gate, now + asked)  # the provider knows something that the mirror does not
        self._resynced_at = now

    def _measure(self, departure: Departure, refusal: Refusal, now: float) -> None:
        """No limit is told: find it by the moments of refusals. Requests count, whatever binds."""
        mirror, began = self.limits[Kind.REQUESTS], self._began or 0.0
        asked = refusal.retry_after
        if self._measured is None or self._measured.empty_at is None:
            if not self._confirmed(departure, now):
                return
            mean = self._history.between(began - 1.0, departure.at, Kind.REQUESTS) / max(0.5, departure.at - began)
            self._gate = now + (_PAUSE if asked is None else asked)
            self._measured = self._measured or Measured(now)
            self._measured.begin(departure.at, mean, self._gate)
            mirror.begin(self._measured.pace(now), Source.MEASURED, 1.0, self._gate)
            mirror.capacity, self._resynced_at = 2.0, self._gate
            self._ramp = None
            self.limits.choose()
            return
        since = self._measured.empty_at
        assert since is not None
        sent = round(self._history.between(since, departure.at, Kind.REQUESTS))
        self._measured.refused(departure.at, sent, now)
        self._follow(mirror, self._measured, now)
        if departure.at > self._resynced_at:
            mirror.empty(departure, self._under_way.values(), now)
            self._resynced_at = now
            unexplained = asked is not None and asked > _UNEXPLAINED + 1.0 / self._measured.pace(now)
            if asked is not None and unexplained and self._confirmed(departure, now):
                self._gate = self._resynced_at = max(self._gate, now + asked)

    def _confirmed(self, departure: Departure, now: float) -> bool:
        """Whether a refusal that nothing explains is more than one request's bad luck, so that all should wait."""
        if self._suspect_since is None:
            self._suspect_since, self._suspect_refused, self._suspect_answered = now, 0, 0
            if self._ramp is not None:
                self._ramp.hold()
            return False
        if departure.at > self._suspect_since:
            self._suspect_refused += 1
        if self._suspect_refused < _CONFIRM:
            return False
        self._suspect_since = None
        return True

    def _follow(self, mirror: Mirror, measured: Measured, now: float) -> None:
        mirror.refill(now)
        measured.idle = measured.idle or mirror.level >= mirror.capacity
        mirror.rate = measured.pace(now)
        mirror.capacity = max(2.0, 0.25 * mirror.rate)

    def _cap_at(self, departure: Departure, now: float) -> float:
        """Too many at once: the limit lies below what was in flight."""
        if departure.at > self._resynced_at:
            self.cap = max(1.0, min(self.cap, departure.in_flight - 1.0))
            self._cap_answers, self._resynced_at = 0, now
        return _AFTER_REFUSAL

    def _again(self, mirror: Mirror, cost: Cost, refusal: Refusal, now: float) -> float | None:
        """Where the pace is known, the retry waits for its turn and no longer."""
        if mirror.rate is None:
            return None
        if self._gate > now:
            return self._gate - now
        asked = refusal.retry_after
        if asked is not None and asked > mirror.delay(cost[mirror.kind], now) + _UNEXPLAINED:
            return None
        return _AFTER_REFUSAL

    # --- what only latency tells ---

    def _follow_latency(self, now: float) -> None:
        """Limit what is in flight, if a queue shows that nobody speaks of."""
        self._hidden.follow(self.in_flight, now)
        if self._hidden.window is not None:
            self._ramp = None

    # --- bookkeeping ---

    def _end(self, departure: Departure) -> None:
        self.in_flight -= 1
        self._under_way.pop(departure.number, None)

    def _refund(self, departure: Departure) -> None:
        for mirror in self.limits.mirrors:
            mirror.refund(departure, self._under_way.values())
