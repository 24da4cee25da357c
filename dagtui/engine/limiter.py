"""Who may leave, and when: one queue by due time, a concurrency limit that changes while it is in use, the
provider's limits, and an outage's pause.

A slot is held by what is in flight and by nothing else: a request that waits holds none.
Raising the limit admits at once; lowering it admits nobody until enough have come back, and kills nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
from collections.abc import Callable

from aiolimiter import AsyncLimiter

from dagtui.core.breaker import Breaker, RetryBudget
from dagtui.core.concurrency import Automatic
from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.held import Hold, Holder
from dagtui.core.model import Request, Response
from dagtui.core.pacing.departure import Cost
from dagtui.core.pacing.pacer import Pacer, Refusal
from dagtui.core.retry import Advice
from dagtui.engine.lane import Lane, Permit, Turn, held_by_pacer

# What tells of a provider or gateway that is out, rather than of this request.
_OUTAGE = frozenset(
    {ErrorKind.CONNECTION, ErrorKind.SERVER, ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.INVALID_RESPONSE}
)
_REFUSED = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.QUOTA})
_NO_COST: Cost = (1.0, 0.0, 0.0, 0.0)


class LimiterClosed(Exception):  # noqa: N818 - a signal, not an error
    """Nothing leaves any more; the run is ending."""


class Limiter:
    """Admits attempts by due time.

    `make_pacer` makes the pacer of a lane, or None for a lane without; `automatic` proposes the concurrency where
    the user leaves that to us, and `on_target` is told of it. `requests_per_minute` is a cap of the user's own. It
    is enforced with a burst of a tenth of a second's worth, because a bucket of a whole minute lets nearly twice
    the rate through in the worst minute (the worst window of a leaky bucket is rate + burst - 1).
    """

    def __init__(
        self,
        target: int,
        requests_per_minute: float | None = None,
        *,
        make_pacer: Callable[[str, float], Pacer | None] = lambda name, now: None,
        on_target: Callable[[int], None] = lambda target: None,
        on_outage: Callable[[bool], None] = lambda begins: None,
    ) -> None:
        self.target = target
        self.in_flight = 0
        self.paused = False
        self.closed = False
        self.automatic: Automatic | None = None
        self.breaker = Breaker()
        self.lanes: dict[str, Lane] = {}
        self._make_pacer = make_pacer
        self._on_target = on_target
        self._on_outage = on_outage
        self._budget: RetryBudget | None = None
        self._order = 0
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._hold = Hold(Holder.NOTHING)
        self._stopped: tuple[Lane, Cost] | None = None  # whose pacer let nobody leave when somebody asked last
        self._cap: AsyncLimiter | None = None
        self._cap_task: asyncio.Task[None] | None = None
        self._cap_paid = False
        if requests_per_minute is not None:
            burst = max(1, math.ceil(requests_per_minute / 600))
            self._cap = AsyncLimiter(burst, burst * 60 / requests_per_minute)

    # --- what a request does ---

    async def acquire(self, request: Request, due: float | None = None, *, retry: bool = False) -> Permit:
        """Wait until an attempt may leave, not before `due` (loop time), and take a slot for it.

        Give it back with `release`; say before how it went with `answered` or `failed`. `retry` is one that the
        retry budget must allow.

        Raises:
            LimiterClosed: nothing leaves any more.
        """
        if self.closed:
            raise LimiterClosed
        loop = asyncio.get_running_loop()
        now = loop.time()
        lane = self._lane(request, now)
        cost = lane.pacer.costs.of(request) if lane.pacer is not None else _NO_COST
        self._order += 1
        turn = Turn(lane, cost, retry, loop.create_future())
        heapq.heappush(lane.queue, (now if due is None else due, self._order, turn))
        self._pump()
        if turn.ready.done():
            return turn.ready.result()
        try:
            return await turn.ready
        except asyncio.CancelledError:
            if turn.ready.done() and not turn.ready.cancelled() and turn.ready.exception() is None:
                permit = turn.ready.result()  # the slot was ours already: hand it on
                if permit.departure is not None and lane.pacer is not None:
                    lane.pacer.unsent(permit.departure)
                self.release(permit)
            raise

    def answered(self, permit: Permit, request: Request, response: Response) -> None:
        """The provider answered."""
        now = asyncio.get_running_loop().time()
        if self.breaker.answered():
            self._on_outage(False)
        self._retries(now).succeeded(now)
        if permit.departure is not None and permit.lane.pacer is not None:
            permit.lane.pacer.answered(permit.departure, request, response, now)
        if self.automatic is not None:
            self.automatic.answered(permit.left_at, now, permit.in_flight)
            self._follow_automatic()

    def failed(self, permit: Permit, error: GatewayError) -> Advice:
        """The attempt failed; says what that means for its request."""
        now = asyncio.get_running_loop().time()
        pacer, departure = permit.lane.pacer, permit.departure
        was_open = self.breaker.open
        if error.kind in _OUTAGE:
            if self.breaker.failed(now, self.target):
                self._on_outage(True)
        elif self.breaker.answered():
            self._on_outage(False)
        if self.automatic is not None and error.kind is ErrorKind.OVERLOADED:
            self.automatic.overloaded(permit.left_at, now)
            self._follow_automatic()
        wait: float | None = None
        if pacer is not None and departure is not None:
            if error.kind in _REFUSED:
                refusal = Refusal(error.limits, error.blame, error.retry_after, error.gateway_retries)
                wait = pacer.refused(departure, refusal, now)
            elif error.kind is ErrorKind.CONNECTION and error.billed == "no":
                pacer.unsent(departure)
            else:
                pacer.failed(departure, now, error.limits)
        return Advice(wait, outage=was_open and error.kind in _OUTAGE)

    def abandoned(self, permit: Permit) -> None:
        """The attempt was given up from here; what the provider did of it is not known."""
        if permit.departure is not None and permit.lane.pacer is not None:
            permit.lane.pacer.failed(permit.departure, asyncio.get_running_loop().time())

    def release(self, permit: Permit) -> None:
        """Give a slot back, when its attempt has truly ended."""
        self.in_flight -= 1
        self._pump()

    # --- commands ---

    def retune(self, target: int) -> None:
        """Set the limit."""
        self.target = target
        self._pump()

    def pause(self) -> None:
        """Admit nobody until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Admit again."""
        self.paused = False
        self._pump()

    def close(self) -> None:
        """Send everybody home who waits here, now and from now on. What is in flight is left alone."""
        self.closed = True
        for lane in self.lanes.values():
            for _, _, turn in lane.queue:
                if not turn.ready.done():
                    turn.ready.set_exception(LimiterClosed())
            lane.queue.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._cap_task is not None:
            self._cap_task.cancel()

    def hold(self, waiting: int = 0, reading: bool = False) -> Hold:
        """What binds now; `waiting` requests wait to retry, `reading`: more records come."""
        if self.paused:
            return Hold(Holder.PAUSED)
        if self.in_flight > self.target:
            return Hold(Holder.LOWERED, self.in_flight - self.target)
        now = asyncio.get_running_loop().time()
        if self.breaker.open:
            return Hold(Holder.OUTAGE, self.breaker.delay(now))
        ready = any(due <= now for lane in self.lanes.values() for due, _, _ in lane.queue[:1])
        if self.in_flight >= self.target:
            return self._held_by_target()
        if ready:
            return self._hold if self._stopped is None else self._held_by_stopped(*self._stopped, now)
        if waiting:
            return Hold(Holder.WAITING, waiting)
        return Hold(Holder.READING if reading else Holder.NOTHING)

    # --- admission ---

    def _pump(self) -> None:
        """Admit whoever may leave; if nobody may, come back when that changes."""
        if self.paused or self.closed or self._pumping:
            return
        self._pumping = True  # whoever is told of a new target may call us
        try:
            now = asyncio.get_running_loop().time()
            wake = math.inf
            while self.in_flight < self.target:
                turn, at = self._next(now)
                if turn is None:
                    wake = at
                    break
                if self._cap is not None and not self._may_pay():
                    self._hold, self._stopped = Hold(Holder.CAP), None
                    break
                heapq.heappop(turn.lane.queue)
                self._admit(turn, now)
        finally:
            self._pumping = False
        if wake < math.inf:
            self._wake_at(wake)

    def _next(self, now: float) -> tuple[Turn | None, float]:
        """Whose turn it is; if it is nobody's, when to look again."""
        if (pause := self.breaker.delay(now)) > 0:
            return None, now + pause
        best: tuple[float, int, Turn] | None = None
        wake = math.inf
        for lane in self.lanes.values():
            first = self._head(lane, now)
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

    def _head(self, lane: Lane, now: float) -> tuple[float, int, Turn] | None:
        """Who is first in `lane`. Whoever was cancelled is forgotten; a retry beyond the budget comes later."""
        queue = lane.queue
        while queue:
            due, order, turn = queue[0]
            if turn.ready.done():
                heapq.heappop(queue)
            elif turn.retry and due <= now and (wait := self._retries(now).delay(now)) > 0:
                heapq.heapreplace(queue, (now + wait, order, turn))
                self._hold, self._stopped = Hold(Holder.BUDGET), None
            else:
                return queue[0]
        return None

    def _admit(self, turn: Turn, now: float) -> None:
        self.in_flight += 1
        self._cap_paid = False
        self.breaker.departed(now)
        if turn.retry:
            self._retries(now).take()
        pacer = turn.lane.pacer
        departure = pacer.depart(turn.cost, now) if pacer is not None else None
        turn.ready.set_result(Permit(turn.lane, now, self.in_flight, departure))

    def _wake_at(self, when: float) -> None:
        """Pump at `when` (loop time), if not before."""
        timer = self._timer
        loop = asyncio.get_running_loop()
        if timer is not None and not timer.cancelled() and loop.time() < timer.when() <= when:
            return
        if timer is not None:
            timer.cancel()
        self._timer = loop.call_at(when, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._pump()

    def _may_pay(self) -> bool:
        """Whether the user's own cap lets one leave; a task of its own waits for it, which `close` can end."""
        assert self._cap is not None
        if not self._cap_paid and self._cap_task is None and self._cap.has_capacity():
            with contextlib.suppress(StopIteration):  # it returns without waiting, so it needs no task
                self._cap.acquire().send(None)
            self._cap_paid = True
        if not self._cap_paid and self._cap_task is None:
            self._cap_task = asyncio.ensure_future(self._pay(self._cap))
        return self._cap_paid

    async def _pay(self, cap: AsyncLimiter) -> None:
        try:
            await cap.acquire()
            self._cap_paid = True
        finally:
            self._cap_task = None
        self._pump()

    def _lane(self, request: Request, now: float) -> Lane:
        name = f"{request.choice.provider}/{request.choice.model}"
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = Lane(name, self._make_pacer(name, now))
        return lane

    def _retries(self, now: float) -> RetryBudget:
        if self._budget is None:
            self._budget = RetryBudget(now)
        return self._budget

    # --- automatic concurrency, and what binds ---

    def _follow_automatic(self) -> None:
        assert self.automatic is not None
        rates = [lane.pacer.rate if lane.pacer is not None else None for lane in self.lanes.values()]
        known = [rate for rate in rates if rate is not None]
        target = self.automatic.target(sum(known) if len(known) == len(rates) else None)
        # Small steps would only fill the log.
        if target != self.target and (
            abs(target - self.target) >= 0.1 * self.target or target == self.automatic.ceiling
        ):
            self.target = target
            self._on_target(target)

    def _held_by_target(self) -> Hold:
        if self.automatic is None:
            return Hold(Holder.YOU, self.target)
        at_ceiling = self.target >= self.automatic.ceiling
        return Hold(Holder.CEILING if at_ceiling else Holder.AUTOMATIC, self.target)

    @staticmethod
    def _held_by_stopped(lane: Lane, cost: Cost, now: float) -> Hold:
        return Hold(Holder.NOTHING) if lane.pacer is None else held_by_pacer(lane.pacer, cost, now)
