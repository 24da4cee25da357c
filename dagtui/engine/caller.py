"""One request until its outcome: admitted, sent, parsed, and asked again as the policy says."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from dagtui.core.alarm import Alarm
from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded, AttemptStarted, Event
from dagtui.core.model import (
    Attempt,
    AttemptError,
    Cancelled,
    Failure,
    Outcome,
    Request,
    Response,
    Success,
    Usage,
    Value,
)
from dagtui.core.output import category_of, parse
from dagtui.core.patience import Patience
from dagtui.core.plugin import Dimension
from dagtui.core.ports import Gateway
from dagtui.core.pricing import PriceTable
from dagtui.core.retry import Advice, Failures, GiveUp, RetryPolicy, TryAgain, decide, is_spared
from dagtui.core.text import keyless, visible
from dagtui.engine.deadlines import Deadlines
from dagtui.engine.lane import Permit
from dagtui.engine.limiter import Limiter, LimiterClosed

_log = logging.getLogger("dagtui.engine")

_NO_TOKENS = Usage()
_AGAIN = retry_if_exception_type(GatewayError)
_ANSWERED = Advice()
_MOST_TRIES = 4  # attempts of one request that may be under way because the others take too long
_LOOK = 0.5  # seconds between two looks at what is too long, while that changes
# Refusals are the pacer's affair, and a bad answer is one that the provider had the strength to give.
_UNBUDGETED = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.QUOTA, ErrorKind.INVALID_OUTPUT})


@dataclass(slots=True)
class _Call:
    """What one request has been through."""

    request: Request
    dimension: Dimension
    attempts: int = 0
    sending: bool = False
    spent: float = 0.0  # seconds in attempts and between them; not those in a queue or a pause
    own_failures: int = 0
    patient_failures: int = 0
    lost: int = 0
    usage: Usage = _NO_TOKENS
    cost: Decimal | None = None
    perhaps_billed: bool = False
    decision: TryAgain | GiveUp | None = None
    left: asyncio.Future[None] | None = None  # told when an attempt leaves, where somebody waits for that
    superseded: bool = False  # another attempt was answered first
    due: float | None = None  # loop time at which it may queue again
    budgeted: bool = False  # the retry budget must allow it

    def stop(self, state: RetryCallState) -> bool:
        return isinstance(self.decision, GiveUp)

    def cancelled(self, reason: str) -> Cancelled:
        return Cancelled(reason, self.attempts, self.perhaps_billed, self.usage, self.cost)

    def bill(self, usage: Usage, cost: Decimal | None) -> None:
        self.usage = usage if self.usage is _NO_TOKENS else self.usage + usage
        if cost is not None:
            self.cost = cost if self.cost is None else self.cost + cost


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests through `gateway`.

    `timeout` is an attempt's, in seconds; `clock` tells epoch seconds; `draw` gives uniform numbers from [0, 1);
    `waiting` is told +1 and -1 as a request enters and leaves a wait between attempts; `gave_up` is told why a
    request failed before its slot is free, so that a run which stops for it sends nothing more; so is what the
    `alarm` has to say of the run as a whole. With `patience` a request that takes longer is sent once more.
    """

    gateway: Gateway
    limiter: Limiter
    policy: RetryPolicy
    timeout: float
    prices: PriceTable
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    draw: Callable[[], float]
    waiting: Callable[[int], None]
    gave_up: Callable[[AttemptError], None]
    deadlines: Deadlines
    patience: Patience | None = None
    alarm: Alarm = field(default_factory=Alarm)

    async def call(self, request: Request, dimension: Dimension) -> Outcome:
        """The outcome of `request`. A task that is cancelled here has its outcome all the same."""
        call = _Call(request, dimension)
        try:
            try:
                return await (self._attempt(call) if self.patience is None else self._try(call))
            except GatewayError:
                if isinstance(call.decision, GiveUp):
                    raise
            # Driving tenacity costs 45 microseconds a request, so it takes over from the first failure on.
            retrying = AsyncRetrying(retry=_AGAIN, stop=call.stop, sleep=_in_the_queue, reraise=True)
            return await retrying(self._try, call)
        except GatewayError as error:
            return Failure(_plain(error), call.attempts, call.usage, call.cost, request.trace_id)
        except LimiterClosed:
            return call.cancelled("the run was stopped before it was answered")
        except asyncio.CancelledError:
            if call.sending:
                call.perhaps_billed = True
                return call.cancelled("abandoned; the provider may bill it all the same")
            return call.cancelled("the run was stopped before it was answered")

    async def _admitted(self, call: _Call) -> Permit:
        """Queue by due time, whether it is the first attempt or a later one: a wait holds no slot."""
        if call.due is None:
            return await self.limiter.acquire(call.request)
        self.waiting(+1)
        try:
            return await self.limiter.acquire(call.request, call.due, retry=call.budgeted)
        finally:
            self.waiting(-1)

    async def _try(self, call: _Call) -> Success:
        """One attempt; with patience more beside it, while those under way take far longer than others did."""
        if self.patience is None:
            return await self._attempt(call)
        call.superseded = False
        tries: list[asyncio.Future[Success]] = []
        try:
            while not any(one.done() and one.exception() is None for one in tries):
                under_way = [one for one in tries if not one.done()]
                if tries and not under_way:
                    break
                if not tries or (len(tries) < _MOST_TRIES and await self._are_late(under_way, self.patience)):
                    call.due, call.left = (
                        (call.due if not tries else None),
                        asyncio.get_running_loop().create_future(),
                    )
                    tries.append(asyncio.ensure_future(self._attempt(call)))
                    await asyncio.wait((*under_way, tries[-1], call.left), return_when=asyncio.FIRST_COMPLETED)
                elif len(tries) == _MOST_TRIES:
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            call.superseded = True
            return next((one for one in tries if one.done() and one.exception() is None), tries[-1]).result()
        finally:
            for one in tries:
                one.cancel()
            if tries:
                await asyncio.wait(tries)

    @staticmethod
    async def _are_late(under_way: list[asyncio.Future[Success]], patience: Patience) -> bool:
        """Wait for one of those under way, but not beyond what is worth waiting."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        while not any(one.done() for one in under_way):
            seconds = patience.seconds
            rest = _LOOK if seconds is None else since + seconds - loop.time()
            if rest <= 0:
                return True
            await asyncio.wait(under_way, timeout=min(rest, _LOOK), return_when=asyncio.FIRST_COMPLETED)
        return False

    async def _attempt(self, call: _Call) -> Success:
        permit = (self.limiter.admit(call.request) if call.due is None else None) or await self._admitted(call)
        sent_at = self.clock()
        call.attempts += 1
        number = call.attempts
        if call.left is not None and not call.left.done():
            call.left.set_result(None)
        response: Response | None = None
        try:
            self.emit(AttemptStarted(sent_at, call.request.seq, number))
            response = await self._send(call, number)
            self.limiter.settle(permit, self._price(call, response))
            self.limiter.answered(permit, call.request, response)
            self.alarm.answered()
            value = parse(call.dimension, response)
        except GatewayError as error:
            if response is None:
                self.limiter.settle(permit, Decimal(0) if error.billed == "no" else None)
            advice = _ANSWERED if response is not None else self.limiter.failed(permit, error)
            self._book_failure(call, number, error, response, sent_at, advice)
            raise
        except asyncio.CancelledError:
            self.limiter.settle(permit, None)
            self.limiter.abandoned(permit)
            if call.superseded:
                self._book_superseded(call, number, sent_at)
            raise
        finally:
            self.limiter.release(permit)
        return self._book_success(call, number, value, response, sent_at)

    async def _send(self, call: _Call, number: int) -> Response:
        call.sending = True
        deadline = self.deadlines.begin()
        try:
            response = await self.gateway.complete(call.request, number)
        except asyncio.CancelledError:
            if not deadline.is_cause():
                raise
            message = f"no answer within {self.timeout:g} s; the provider may still bill it"
            raise GatewayError(ErrorKind.TIMEOUT, message, billed="maybe", lost=True) from None
        except GatewayError:
            raise
        except Exception as error:
            _log.error("the gateway raised\n%s", visible(keyless(traceback.format_exc())))
            message = keyless(f"the gateway's code raised {type(error).__name__}: {error}")
            raise GatewayError(ErrorKind.PLUGIN, message, billed="maybe") from error
        finally:
            self.deadlines.end(deadline)
        call.sending = False
        if min(response.usage.input, response.usage.output) < 0:
            raise GatewayError(ErrorKind.PLUGIN, "the gateway's code tells of less than no tokens", billed="yes")
        return response

    def _price(self, call: _Call, response: Response) -> Decimal | None:
        choice = call.request.choice
        return self.prices.cost(choice.provider, choice.model, response.usage)

    def _book_superseded(self, call: _Call, number: int, sent_at: float) -> None:
        """Another attempt was answered first. What this one costs nobody will tell."""
        now = self.clock()
        call.perhaps_billed = True
        error = AttemptError(ErrorKind.SUPERSEDED, "another attempt was answered first", billed="maybe")
        self.emit(AttemptEnded(now, call.request.seq, Attempt(number, sent_at, now, error=error)))

    def _book_success(self, call: _Call, number: int, value: Value, response: Response, sent_at: float) -> Success:
        now, cost = self.clock(), self._price(call, response)
        call.bill(response.usage, cost)
        attempt = Attempt(
            number=number,
            sent_at=sent_at,
            ended_at=now,
            status=response.status,
            usage=response.usage,
            cost=cost,
            request_id=response.request_id,
            gateway_retries=response.gateway_retries,
            limits=response.limits,
        )
        self.emit(AttemptEnded(now, call.request.seq, attempt))
        if self.patience is not None:
            self.patience.note(attempt.latency)
        return Success(
            value=value,
            text=response.text,
            attempts=call.attempts,
            latency=attempt.latency,
            usage=call.usage,
            cost=call.cost,
            category=category_of(call.dimension, value),
            trace_id=call.request.trace_id,
            fingerprint=call.request.fingerprint,
        )

    def _book_failure(
        self,
        call: _Call,
        number: int,
        error: GatewayError,
        response: Response | None,
        sent_at: float,
        advice: Advice,
    ) -> None:
        now = self.clock()
        cost = None
        if response is not None:  # answered and billed, but of no use
            cost = self._price(call, response)
            call.bill(response.usage, cost)
        if is_spared(error, advice):
            call.patient_failures += 1
        else:
            call.own_failures += 1
        call.lost += error.lost
        call.perhaps_billed = call.perhaps_billed or error.billed != "no"
        call.spent += now - sent_at
        failures = Failures(call.own_failures, call.patient_failures, call.spent, call.lost)
        call.decision = decide(self.policy, error, failures, self.draw(), advice)
        again = call.decision if isinstance(call.decision, TryAgain) else None
        if again is not None:
            call.spent += again.wait
            call.due = asyncio.get_running_loop().time() + again.wait
            call.budgeted = error.kind not in _UNBUDGETED
        call.sending = False
        attempt = Attempt(
            number=number,
            sent_at=sent_at,
            ended_at=now,
            status=error.status,
            error=_plain(error),
            usage=response.usage if response is not None else None,
            cost=cost,
            retry_in=again.wait if again else None,
            retry_reason=again.reason if again else "",
            request_id=error.request_id,
            gateway_retries=error.gateway_retries,
            limits=response.limits if response is not None else None,
        )
        self.emit(AttemptEnded(now, call.request.seq, attempt))
        if again is None:
            self.gave_up(_plain(error))
        if (in_vain := self.alarm.failed(error, asyncio.get_running_loop().time())) is not None:
            self.gave_up(in_vain)


async def _in_the_queue(seconds: float) -> None:
    """Tenacity's sleep: the wait between two attempts is spent in the limiter's queue."""


def _plain(error: GatewayError) -> AttemptError:
    return AttemptError(error.kind, error.message, error.status, error.billed)
