"""The provider's limits, as its answers tell them: a mirror for each bucket, and which of them bind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from dagtui.core.model import Blame, Headroom, RateLimits
from dagtui.core.pacing.departure import Cost, Departure, History, Kind
from dagtui.core.pacing.learnt import Bucket, Learnt
from dagtui.core.pacing.mirror import Mirror, Source

_TOLD_AT_ONCE = 20.0  # requests or tokens' seconds that may leave at once where only a rate was told
_SURE = 60  # answers after which two pictures of the same bucket can be compared
_KINDS: dict[str, Kind] = {"requests": Kind.REQUESTS, "input_tokens": Kind.INPUT}
_AUTHORITY = frozenset({Source.HEADER, Source.TOLD, Source.MESSAGE, Source.REMEMBERED})


class Limits:
    """All mirrors of one model's limits; `known` are those that bind."""

    def __init__(self, now: float, told: Mapping[Kind, float], learnt: Learnt) -> None:
        self.mirrors = tuple(Mirror(kind, now) for kind in Kind)
        self.known: list[Mirror] = []
        self.authority = False
        """Somebody who must know has told a limit."""
        for kind, bucket in learnt.buckets.items():
            self._remember(self.mirrors[kind], bucket, now)
        for kind, per_minute in told.items():
            mirror, rate = self.mirrors[kind], per_minute / 60
            full = max(1.0, rate) if kind is not Kind.REQUESTS else min(max(1.0, rate), _TOLD_AT_ONCE)
            mirror.begin(rate, Source.TOLD, full if mirror.rate is None else mirror.level, now)
        self.choose()

    def __getitem__(self, kind: Kind) -> Mirror:
        return self.mirrors[kind]

    def is_told(self, mirror: Mirror) -> bool:
        """Whether the rate of `mirror` was told rather than measured."""
        return mirror.source in _AUTHORITY

    def rate(self, history: History) -> float | None:
        """Requests a second that the known limits allow at the present mean cost; None while none is known."""
        rates = [
            (mirror.rate + mirror.drift) / max(history.mean(mirror.kind), 1e-9)
            for mirror in self.known
            if mirror.rate is not None
        ]
        return min(rates, default=None)

    def binding(self, cost: Cost, now: float) -> Mirror | None:
        """The bucket that lets `cost` wait longest; None if none does."""
        waits = [(mirror.delay(cost[mirror.kind], now), mirror.kind) for mirror in self.known]
        wait, kind = max(waits, default=(0.0, Kind.REQUESTS))
        return self.mirrors[kind] if wait > 0 else None

    def read(
        self, departure: Departure, told: RateLimits, admitted: bool, under_way: Iterable[Departure],
        history: History, now: float,
    ) -> bool:  # fmt: skip
        """What the headers of one answer say; say whether a limit has become known by it.

        Of an answer that is a refusal, or came after hidden retries, only the limits count: nobody knows at which
        moment the figures were true.
        """
        news, output = False, told.output_tokens
        for mirror, headroom in zip(self.mirrors, (told.requests, told.input_tokens, output, output), strict=True):
            if headroom is None or not headroom.limit or departure.at < mirror.told_at:
                continue
            if headroom.limit == mirror.limit and mirror.is_sure(now):
                continue
            news = self._read_one(mirror, headroom, departure, admitted, under_way, history, now) or news
        if output is not None and self._output() is not self._better_output():
            self.choose()
        return news

    def tell(
        self, mirror: Mirror, rate: float, source: Source, departure: Departure, level: float,
        under_way: Iterable[Departure], now: float,
    ) -> bool:  # fmt: skip
        """The limit of `mirror` is `rate` a second; say whether it has become known only now."""
        if self.is_told(mirror) and mirror.rate is not None:
            mirror.change(rate, source, now)
            return False
        mirror.capacity = math.inf
        mirror.learn(rate, source, departure, level, under_way, now)
        self.choose()
        return True

    def blamed(self, blame: Blame | None, told: RateLimits | None) -> Mirror:
        """The mirror of the bucket that was empty: as the refusal says, or that with least of its limit left."""
        if blame is not None:
            return self.mirrors[_KINDS[blame.resource]] if blame.resource in _KINDS else self._output()
        least, found = math.inf, self.mirrors[Kind.REQUESTS]
        if told is None:
            return found
        for mirror in (self.mirrors[Kind.REQUESTS], self.mirrors[Kind.INPUT], self._output()):
            headroom = headroom_of(mirror.kind, told)
            if headroom is not None and headroom.limit and headroom.remaining is not None:
                left = headroom.remaining / headroom.limit
                if left < least:
                    least, found = left, mirror
        return found

    def choose(self) -> None:
        """Which mirrors bind: those with a rate, and of the two for output the one that is right more often.

        Not before there were many answers: at the start requests swap places on the way, and that says nothing.
        """
        requests, inputs, *_ = self.mirrors
        self.known = [m for m in (requests, inputs, self._better_output()) if m.rate is not None]
        self.authority = any(mirror.source in _AUTHORITY for mirror in self.known)

    def _output(self) -> Mirror:
        if self.known and self.known[-1].kind >= Kind.RESERVED_OUTPUT:
            return self.known[-1]
        return self.mirrors[Kind.RESERVED_OUTPUT]

    def _better_output(self) -> Mirror:
        _, _, reserved, actual = self.mirrors
        if actual.rate is None:
            return reserved
        errs_less = reserved.seen >= _SURE and actual.error < 0.8 * reserved.error
        return actual if reserved.rate is None or errs_less else reserved

    def _remember(self, mirror: Mirror, bucket: Bucket, now: float) -> None:
        source = Source.MEASURED if bucket.measured else Source.REMEMBERED
        full = max(1.0, bucket.rate) if bucket.capacity is None else bucket.capacity
        mirror.begin(bucket.rate, source, full, now)
        mirror.trusted = bucket.trusted
        mirror.capacity = math.inf if bucket.capacity is None else bucket.capacity

    def _read_one(
        self, mirror: Mirror, told: Headroom, departure: Departure, admitted: bool,
        under_way: Iterable[Departure], history: History, now: float,
    ) -> bool:  # fmt: skip
        assert told.limit
        mirror.told_at, mirror.limit = departure.at, told.limit
        rate, remaining = told.limit / 60, told.remaining
        if mirror.kind is Kind.ACTUAL_OUTPUT and remaining is not None:
            remaining -= round(departure.cost[Kind.ACTUAL_OUTPUT])  # not produced yet when the header was written
        if mirror.source is not Source.HEADER or mirror.rate is None or abs(rate - mirror.rate) > 1e-9:
            guessed = mirror.source is not Source.HEADER and mirror.rate is not None
            level = 0.0
            if remaining is not None:
                level = remaining - (mirror.doubt(departure, remaining, history) if admitted else 0.0)
            news = self.tell(mirror, rate, Source.HEADER, departure, level, under_way, now)
            if guessed and not news and remaining is not None and mirror.trusted and admitted:
                mirror.place(departure, level, now)
            return news
        if remaining is not None and mirror.trusted and admitted:
            mirror.observe(departure, remaining, mirror.kind is Kind.REQUESTS, history, now)
        return False


def headroom_of(kind: Kind, told: RateLimits | None) -> Headroom | None:
    """What the headers say of the bucket of this kind."""
    if told is None:
        return None
    match kind:
        case Kind.REQUESTS:
            return told.requests
        case Kind.INPUT:
            return told.input_tokens
        case _:
            return told.output_tokens
