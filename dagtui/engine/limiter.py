"""Who may leave, and when: one queue by due time, a concurrency limit that changes while it is in use, the
provider's limits, and an outage's pause.

A slot is held by what is in flight and by nothing else: a request that waits holds none.
Raising the limit admits at once; lowering it admits nobody until enough have come back, and kills nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from aiolimiter import AsyncLimiter

from dagtui.core.breaker import Breaker, RetryBudget
from dagtui.core.budget import Budget
from dagtui.core.concurrency import Automatic
from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.figures import money
from dagtui.core.held import Hold, Holder
from dagtui.core.model import RateLimits, Request, Response
from dagtui.core.pacing.costs import characters
from dagtui.core.pacing.departure import Cost
from dagtui.core.pacing.pacer import Pacer, Refusal
from dagtui.core.retry import Advice
from dagtui.engine.lane import Lanes, Permit, Turn

# What tells of a provider or gateway that is out, rather than of this request.
_OUTAGE = frozenset(
    {ErrorKind.CONNECTION, ErrorKind.SERVER, ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.INVALID_RESPONSE}
)
_REFUSED = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.QUOTA})
_CHARACTERS = 3.0  # of one token at least, where nothing is known of a model
_NO_COST: Cost = (1.0, 0.0, 0.0, 0.0)


class LimiterClosed(Exception):  # noqa: N818 - a signal, not an error
    """Nothing leaves any more; the run is ending."""


def _broke(budget: Budget, needed: Decimal) -> str:
    spent = f"{money(budget.spent)} are spent"
    if budget.uncertain:
        spent += f", {money(budget.uncertain)} more perhaps"
    return f"the budget of {money(budget.cap)} is used up: {spent}, and the next request may cost {money(needed)}"


class Limiter:
    """Admits attempts by due time.

    `make_pacer` makes the pacer of a lane, or None for a lane without; `automatic` proposes the concurrency
    where the user leaves that to us, and `on_target` is told of it. Where the `budget` has a cap, an attempt
    leaves only if the most that it may cost (`most_cost`, by its guessed input tokens) can be set aside;
    `on_broke` is told when none can any more. `requests_per_minute` is a cap of the user's own. It is enforced
    with a burst of a tenth of a second's worth, because a bucket of a whole minute lets nearly twice the rate
    through in the worst minute (the worst window of a leaky bucket is rate + burst - 1).
    """

    def __init__(
        self,
        target: int,
        requests_per_minute: float | None = None,
        *,
        make_pacer: Callable[[str, float], Pacer | None] = lambda name, now: None,
        on_target: Callable[[int], None] = lambda target: None,
        on_outage: Callable[[bool], None] = lambda begins: None,
        most_cost: Callable[[Request, float], Decimal | None] = lambda request, tokens: None,
        on_broke: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.target = target
        self.in_flight = 0
        self.paused = False
        self.closed = False
        self.automatic: Automatic | None = None
        self.told: tuple[RateLimits, float] | None = None
        """What headers said last of the provider's limits, and when (loop time)."""
        self.budget = Budget(None)
        self._last: Request | None = None
        self.breaker = Breaker()
        self.lanes = Lanes(make_pacer)
        self._on_target = on_target
        self._on_outage = on_outage
        self._most_cost = most_cost
        self._on_broke = on_broke
        self._budget: RetryBudget | None = None
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._cap: AsyncLimiter | None = None
        self._cap_task: asyncio.Task[None] | None = None
        self._cap_paid = False
        if requests_per_minute is not None:
            burst = max(1, math.ceil(requests_per_minute / 600))
            self._cap = AsyncLimiter(burst, burst * 60 / requests_per_minute)

    # --- what a request does ---

    def admit(self, request: Request) -> Permit | None:
        """Take a slot at once, if nobody and nothing stands before it; None where that takes `acquire`.

        Raises:
            LimiterClosed: nothing leaves any more.
        """
        if self.closed:
            raise LimiterClosed
        if self.in_flight >= self.target or self.paused or self.breaker.open:
            return None
        if self._cap is not None or self.budget.cap is not None:
            return None
        now = asyncio.get_running_loop().time()
        lane = self.lanes.of(request, now)
        if lane.queue:
            return None
        departure = None
        if lane.pacer is not None:
            cost = lane.pacer.costs.of(request)
            if lane.pacer.delay(cost, now) > 0:
                return None
            departure = lane.pacer.depart(cost, now)
        self.in_flight += 1
        self._last = request
        return Permit(lane, now, self.in_flight, departure)

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
        lane = self.lanes.of(request, now)
        cost = lane.pacer.costs.of(request) if lane.pacer is not None else _NO_COST
        turn = Turn(lane, request, cost, retry, loop.create_future(), self._money(request, cost))
        self.lanes.queue(turn, now if due is None else due)
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

    def settle(self, permit: Permit, cost: Decimal | None) -> None:
        """What the attempt of `permit` cost; None if nobody knows. To be told once, before its slot is free."""
        self.budget.settle(permit.money, cost)

    def answered(self, permit: Permit, request: Request, response: Response) -> None:
        """The provider answered."""
        now = asyncio.get_running_loop().time()
        if response.limits is not None:
            self.told = response.limits, now
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
        if error.limits is not None:
            self.told = error.limits, now
        pacer, departure = permit.lane.pacer, permit.departure
        was_open = self.breaker.open
        if error.kind in _OUTAGE:
            if self.breaker.failed(now, self.target):
                self._on_outage(True)
        elif self.breaker.answered():
            self._on_outage(False)
        if self.automatic is not None and error.kind is ErrorKind.OVERLOADED:
            self.automatic.overloaded(permit.left_at, now, permit.in_flight)
            self._follow_automatic()
        wait: float | None = None
        if pacer is not None and departure is not None:
            if error.kind in _REFUSED:
                refusal = Refusal(error.limits, error.blame, error.wait, error.gateway_retries)
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

    def hurry(self, requests: Mapping[int, Request]) -> None:
        """Whoever waits with one of `requests`, by their numbers, need wait no longer, and asks as it says."""
        self.lanes.hurry(requests, asyncio.get_running_loop().time())
        if self.budget.cap is not None:
            for turn in self.lanes.turns():
                if turn.request.seq in requests:
                    turn.money = self._most_cost(turn.request, turn.cost[1])
        self._pump()

    def set_cap(self, cap: Decimal | None) -> None:
        """Set the budget, or none. What is in flight is reckoned with, and stays there."""
        if self.budget.cap is None and cap is not None and self._last is not None:
            each = self._most_cost(self._last, characters(self._last) / _CHARACTERS)
            self.budget.adopt(self.in_flight, each or Decimal(0))
        self.budget.cap = cap
        for turn in self.lanes.turns():
            turn.money = None if cap is None else self._most_cost(turn.request, turn.cost[1])
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
        self.lanes.send_home(LimiterClosed)
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
        if self.in_flight >= self.target:
            return self._held_by_target()
        if self.lanes.is_anybody_due(now):
            return self.lanes.hold(now)
        if waiting:
            return Hold(Holder.WAITING, waiting)
        return Hold(Holder.READING if reading else Holder.NOTHING)

    # --- admission ---

    def _pump(self) -> None:
        """Admit whoever may leave; if nobody may, come back when that changes."""
        if self.paused or self.closed or self._pumping or not self.lanes.is_anybody_waiting():
            return
        self._pumping = True  # whoever is told of a new target may call us
        wake = math.inf
        try:
            now = asyncio.get_running_loop().time()
            while self.in_flight < self.target:
                if (pause := self.breaker.delay(now)) > 0:
                    wake = now + pause
                    break
                turn, at = self.lanes.next(now, self._retries(now))
                if turn is None:
                    wake = at
                    break
                if turn.money is not None and not self.budget.allows(turn.money):
                    self.lanes.stopped_by(Hold(Holder.MONEY))
                    if not self.in_flight:
                        self._on_broke(_broke(self.budget, turn.money))
                    break
                if self._cap is not None and not self._may_pay():
                    self.lanes.stopped_by(Hold(Holder.CAP))
                    break
                self._admit(turn, now)
        finally:
            self._pumping = False
        if wake < math.inf:
            self._wake_at(wake)

    def _admit(self, turn: Turn, now: float) -> None:
        self.lanes.leave(turn)
        self.in_flight += 1
        self._cap_paid = False
        self.breaker.departed(now)
        if turn.retry:
            self._retries(now).take()
        pacer = turn.lane.pacer
        departure = pacer.depart(turn.cost, now) if pacer is not None else None
        if turn.money is not None:
            self.budget.reserve(turn.money)
        turn.ready.set_result(Permit(turn.lane, now, self.in_flight, departure, turn.money))

    def _money(self, request: Request, cost: Cost) -> Decimal | None:
        """The most that `request` may cost; None where there is no budget to keep."""
        if self.budget.cap is None:
            return None
        self._last = request
        money = self._most_cost(request, cost[1] or characters(request) / _CHARACTERS)
        if money is None:
            model = request.choice.model
            self._on_broke(
                f"the price of {model} is not known, so that no budget can be kept: set it under"
                f' [prices."{model}"] in dagtui.toml'
            )
            raise LimiterClosed
        return money

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

    def _retries(self, now: float) -> RetryBudget:
        if self._budget is None:
            self._budget = RetryBudget(now)
        return self._budget

    # --- automatic concurrency, and what binds ---

    def _follow_automatic(self) -> None:
        assert self.automatic is not None
        target = self.automatic.target(self.lanes.rate())
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
