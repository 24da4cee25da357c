"""Whoever asks one model: their queue, and the pacer of that model's limits."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dagtui.core.breaker import RetryBudget
from dagtui.core.held import Hold, Holder
from dagtui.core.model import Request
from dagtui.core.pacing.departure import Cost, Departure, Kind
from dagtui.core.pacing.pacer import Pacer

_HOLDERS = {
    Kind.REQUESTS: Holder.REQUESTS,
    Kind.INPUT: Holder.INPUT,
    Kind.RESERVED_OUTPUT: Holder.OUTPUT,
    Kind.ACTUAL_OUTPUT: Holder.OUTPUT,
}


class Lane:
    """What asks one model; `pacer` is None where somebody else retries."""

    __slots__ = ("name", "pacer", "queue")

    def __init__(self, name: str, pacer: Pacer | None) -> None:
        self.name = name
        self.pacer = pacer
        self.queue: list[tuple[float, int, Turn]] = []  # by due time, then in the order of asking


@dataclass(slots=True)
class Turn:
    """Somebody who wants to leave."""

    lane: Lane
    request: Request
    cost: Cost
    retry: bool
    ready: asyncio.Future[Permit]
    money: Decimal | None = None  # the most that it may cost, where there is a budget


@dataclass(slots=True)
class Permit:
    """The right to be in flight, until it is released."""

    lane: Lane
    left_at: float
    in_flight: int
    departure: Departure | None
    money: Decimal | None = None  # set aside for it


class Lanes:
    """The lanes of one run, and whose turn it is among those who wait in them.

    `make_pacer` makes the pacer of a lane, or None for a lane without.
    """

    def __init__(self, make_pacer: Callable[[str, float], Pacer | None]) -> None:
        self._make_pacer = make_pacer
        self._by_model: dict[tuple[str, str], Lane] = {}
        self._order = 0
        self._stopped: Hold | tuple[Lane, Cost] = Hold(Holder.NOTHING)

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._by_model.values())

    def of(self, request: Request, now: float) -> Lane:
        """The lane of the model that `request` asks."""
        choice = request.choice
        model = choice.provider, choice.model
        lane = self._by_model.get(model)
        if lane is None:
            name = "/".join(model)
            lane = self._by_model[model] = Lane(name, self._make_pacer(name, now))
        return lane

    def queue(self, turn: Turn, due: float) -> None:
        """Let `turn` wait in its lane, not to leave before `due` (loop time)."""
        self._order += 1
        heapq.heappush(turn.lane.queue, (due, self._order, turn))

    def next(self, now: float, budget: RetryBudget) -> tuple[Turn | None, float]:
        """Whose turn it is; if it is nobody's, when to look again."""
        best: tuple[float, int, Turn] | None = None
        wake = math.inf
        for lane in self._by_model.values():
            first = self._head(lane, now, budget)
            if first is None:
                continue
            if first[0] > now:
                wake = min(wake, first[0])
                continue
            cost = first[2].cost
            wait = lane.pacer.delay(cost, now) if lane.pacer is not None else 0.0
            if wait > 0:
                self._stopped = lane, cost
                wake = min(wake, now + wait)
            elif best is None or first < best:
                best = first
        return (None if best is None else best[2]), wake

    def _head(self, lane: Lane, now: float, budget: RetryBudget) -> tuple[float, int, Turn] | None:
        """Who is first in `lane`. Whoever was cancelled is forgotten; a retry beyond the budget comes later."""
        queue = lane.queue
        while queue:
            due, order, turn = queue[0]
            if turn.ready.done():
                self.leave(turn)
            elif turn.retry and due <= now and (wait := budget.delay(now)) > 0:
                heapq.heapreplace(queue, (now + wait, order, turn))
                self._stopped = Hold(Holder.BUDGET)
            else:
                return queue[0]
        return None

    def hurry(self, requests: Mapping[int, Request], now: float) -> None:
        """Whoever waits with one of `requests`, by their numbers, is due now, and asks as it says."""
        for lane in self._by_model.values():
            found = [place for place, (_, _, turn) in enumerate(lane.queue) if turn.request.seq in requests]
            for place in found:
                due, order, turn = lane.queue[place]
                turn.request, turn.retry = requests[turn.request.seq], False
                if lane.pacer is not None:
                    turn.cost = lane.pacer.costs.of(turn.request)
                lane.queue[place] = min(due, now), order, turn
            if found:
                heapq.heapify(lane.queue)

    def leave(self, turn: Turn) -> None:
        """`turn`, which is the first of its lane, waits no longer."""
        heapq.heappop(turn.lane.queue)

    def stopped_by(self, hold: Hold) -> None:
        """Something other than a lane let nobody leave."""
        self._stopped = hold

    def send_home(self, signal: type[Exception]) -> None:
        """Everybody who waits is told `signal` instead of leaving."""
        for lane in self._by_model.values():
            for _, _, turn in lane.queue:
                if not turn.ready.done():
                    turn.ready.set_exception(signal())
            lane.queue.clear()

    def turns(self) -> Iterator[Turn]:
        """Everybody who waits."""
        return (turn for lane in self._by_model.values() for _, _, turn in lane.queue)

    def is_anybody_waiting(self) -> bool:
        """Whether somebody waits; perhaps he was cancelled since."""
        for lane in self._by_model.values():  # noqa: SIM110 - asked twice a request, where a generator costs
            if lane.queue:
                return True
        return False

    def is_anybody_due(self, now: float) -> bool:
        """Whether somebody would leave if he could."""
        return any(due <= now for lane in self._by_model.values() for due, _, _ in lane.queue[:1])

    def rate(self) -> float | None:
        """Requests a second that all limits together allow; None while any of them is not known."""
        rates = [lane.pacer.rate if lane.pacer is not None else None for lane in self._by_model.values()]
        known = [rate for rate in rates if rate is not None]
        return sum(known) if len(known) == len(rates) else None

    def hold(self, now: float) -> Hold:
        """What let nobody leave when somebody asked last."""
        if isinstance(self._stopped, Hold):
            return self._stopped
        lane, cost = self._stopped
        return Hold(Holder.NOTHING) if lane.pacer is None else held_by_pacer(lane.pacer, cost, now)


def held_by_pacer(pacer: Pacer, cost: Cost, now: float) -> Hold:
    """Why `pacer` lets nobody of this cost leave."""
    if pacer.in_flight >= pacer.cap:
        return Hold(Holder.PROVIDER_CAP, pacer.cap)
    if pacer.window is not None and pacer.in_flight >= pacer.window:
        return Hold(Holder.GATEWAY, pacer.window)
    if (gate := pacer.gate(now)) > 0:
        return Hold(Holder.ASKED, gate)
    mirror = pacer.limits.binding(cost, now)
    if mirror is None:
        return Hold(Holder.FINDING)
    a_minute = 60.0 * (mirror.rate or 0.0)
    return Hold(_HOLDERS[mirror.kind], a_minute, mirror.source.value, max(0.0, -60.0 * mirror.drift))
