"""One request until its outcome: admitted, sent, parsed, and asked again as the policy says."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tenacity import AsyncRetrying, retry_if_exception_type

from dagtui.core.alarm import Alarm
from dagtui.core.answer_flags import classify, echo
from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded, AttemptStarted, Event
from dagtui.core.model import (
    Attempt,
    AttemptError,
    Failure,
    Outcome,
    Request,
    Response,
    Success,
    Value,
)
from dagtui.core.output import category_of, parse
from dagtui.core.patience import Patience
from dagtui.core.plugin import Dimension
from dagtui.core.ports import Gateway
from dagtui.core.pricing import PriceTable
from dagtui.core.retry import Advice, Failures, GiveUp, RetryPolicy, TryAgain, decide, is_spared
from dagtui.core.text import keyless, visible
from dagtui.engine.call import Call
from dagtui.engine.deadlines import Deadlines
from dagtui.engine.lane import Permit
from dagtui.engine.limiter import Limiter, LimiterClosed

_log = logging.getLogger("dagtui.engine")

_AGAIN = retry_if_exception_type(GatewayError)
_NO_ADVICE = Advice()
_MOST_TRIES = 4  # attempts of one request that may be under way because the others take too long
_LOOK = 0.5  # seconds between two looks at what is too long, while that changes
# Refusals are the pacer's affair, and a bad answer is one that the provider had the strength to give.
_UNBUDGETED = frozenset(
    {ErrorKind.RATE_LIMITED, ErrorKind.QUOTA, ErrorKind.INVALID_OUTPUT, ErrorKind.ABANDONED}  # the last by hand
)


class _Superseded(Exception):  # noqa: N818 - a signal, not an error
    """Another attempt of the same request was answered first."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests through `gateway`.

    `timeout` is an attempt's, in seconds; `clock` tells epoch seconds; `draw` gives uniform numbers from [0, 1);
    `waiting` is told +1 and -1 as a request enters and leaves a wait between attempts; `gave_up` is told why a
    request failed before its slot is free, so that a run which stops for it sends nothing more; so is what the
    `alarm` has to say of the run as a whole. With `patience` a request that takes longer is sent once more.
    `calls` are those under way, by the number of their request.
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
    calls: dict[int, Call] = field(default_factory=dict[int, Call])

    async def call(self, request: Request, dimension: Dimension, attempts: int = 0) -> Outcome:
        """The outcome of `request`, which had so many `attempts` before. A task that is cancelled here has its
        outcome all the same.
        """
        call = self.calls[request.seq] = Call(request, dimension, attempts)
        try:
            try:
                if self.patience is not None:
                    return await self._try(call)
                return await self._attempt(call)  # nearly all of them: what stands around it costs each a little
            except (GatewayError, _Superseded):
                if call.beside:
                    with suppress(GatewayError):
                        return await self._first_beside(call)
                if isinstance(call.decision, GiveUp):
                    raise
            # Driving tenacity costs 45 microseconds a request, so it takes over from the first failure on.
            retrying = AsyncRetrying(retry=_AGAIN, stop=call.given_up, sleep=_in_the_queue, reraise=True)
            return await retrying(self._try, call)
        except GatewayError as error:
            spent = call.usage, call.cost
            return Failure(_plain(error), call.attempts, *spent, request.trace_id, call.flags)
        except LimiterClosed:
            return call.cancelled("the run was stopped before it was answered")
        except asyncio.CancelledError:
            if call.sending:
                call.perhaps_billed = True
                return call.cancelled("abandoned; the provider may bill it all the same")
            return call.cancelled("the run was stopped before it was answered")
        finally:
            del self.calls[request.seq]
            if call.beside:
                await self._dismiss_beside(call)

    # --- by hand ---

    def abort(self, seq: int) -> bool:
        """Wait no longer for the attempts of request `seq` that are under way; what becomes of it is decided as
        after a timeout. Whether there were any.
        """
        call = self.calls.get(seq)
        return call is not None and any([one.end_now("abandoned") for one in call.out])  # noqa: C419 - each of them

    def hedge(self, seq: int) -> bool:
        """Send request `seq` once more beside what is under way of it; whether there is anything, and room."""
        call = self.calls.get(seq)
        if call is None or not call.out or sum(not one.done() for one in call.beside) >= _MOST_TRIES - 1:
            return False
        if self.patience is not None:
            if call.more is None or call.more.done():
                return False
            call.more.set_result(None)
            return True
        call.due = None
        one = asyncio.ensure_future(self._attempt(call))
        call.beside = (*call.beside, one)
        one.add_done_callback(lambda one: _supersede(call, one))
        return True

    def hurry(self, seqs: Iterable[int], max_tokens: int | None, *, now: bool) -> int:
        """Requests that wait between two attempts need wait no longer (`now`), and ask for `max_tokens` from the
        next one on, if that is given. How many did.
        """
        found: dict[int, Request] = {}
        for seq in seqs:
            call = self.calls.get(seq)
            if call is not None and call.waiting:
                if max_tokens is not None:
                    call.request = with_tokens(call.request, max_tokens)
                found[seq] = call.request
        if found and now:
            self.limiter.hurry(found)
        return len(found) if now or max_tokens is not None else 0

    # --- attempts ---

    async def _admitted(self, call: Call) -> Permit:
        """Queue by due time, whether it is the first attempt or a later one: a wait holds no slot."""
        if call.due is None:
            return await self.limiter.acquire(call.request)
        self.waiting(+1)
        call.waiting = True
        try:
            return await self.limiter.acquire(call.request, call.due, retry=call.budgeted)
        finally:
            call.waiting = False
            self.waiting(-1)

    async def _try(self, call: Call) -> Success:
        """One attempt; with patience more beside it, while those under way take far longer than others did."""
        call.superseded = False
        if call.beside:
            await self._dismiss_beside(call)
        if self.patience is None:
            try:
                return await self._attempt(call)
            except (GatewayError, _Superseded):
                if not call.beside:
                    raise
                return await self._first_beside(call)
        tries: list[asyncio.Future[Success]] = []
        try:
            while not any(one.done() and one.exception() is None for one in tries):
                under_way = [one for one in tries if not one.done()]
                if tries and not under_way:
                    break
                if not tries or (
                    len(tries) < _MOST_TRIES and await self._are_late(call, under_way, self.patience)
                ):
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
    async def _first_beside(call: Call) -> Success:
        """The answer of those that were sent by hand beside an attempt which has failed, or was overtaken."""
        while True:
            for one in call.beside:
                if one.done() and one.exception() is None:
                    call.superseded = True
                    return one.result()
            under_way = [one for one in call.beside if not one.done()]
            if not under_way:
                return call.beside[-1].result()
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)

    @staticmethod
    async def _dismiss_beside(call: Call) -> None:
        beside, call.beside = call.beside, ()
        for one in beside:
            one.cancel()
        await asyncio.gather(*beside, return_exceptions=True)

    @staticmethod
    async def _are_late(call: Call, under_way: list[asyncio.Future[Success]], patience: Patience) -> bool:
        """Wait for one of those under way, but not beyond what is worth waiting, nor what the user will wait."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        call.more = more = loop.create_future()
        try:
            while not any(one.done() for one in under_way):
                seconds = patience.seconds
                rest = _LOOK if seconds is None else since + seconds - loop.time()
                if rest <= 0 or more.done():
                    return True
                waited = (*under_way, more)
                await asyncio.wait(waited, timeout=min(rest, _LOOK), return_when=asyncio.FIRST_COMPLETED)
            return False
        finally:
            call.more = None

    async def _attempt(self, call: Call) -> Success:
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
            advice = self._advice(permit, error, response)
            self._book_failure(call, number, error, response, sent_at, advice)
            raise
        except (asyncio.CancelledError, _Superseded) as signal:
            self.limiter.settle(permit, None)
            self.limiter.abandoned(permit)
            if call.superseded or isinstance(signal, _Superseded):
                self._book_superseded(call, number, sent_at)
            raise
        finally:
            self.limiter.release(permit)
        return self._book_success(call, number, value, response, sent_at)

    def _advice(self, permit: Permit, error: GatewayError, response: Response | None) -> Advice:
        if error.kind is ErrorKind.ABANDONED:  # it says nothing of the provider
            self.limiter.abandoned(permit)
        elif response is None:
            return self.limiter.failed(permit, error)
        return _NO_ADVICE

    async def _send(self, call: Call, number: int) -> Response:
        call.sending = True
        deadline = self.deadlines.begin()
        call.out = (*call.out, deadline) if call.out else (deadline,)
        try:
            response = await self.gateway.complete(call.request, number)
        except asyncio.CancelledError:
            if not deadline.is_cause():
                raise
            if deadline.because == "superseded":
                raise _Superseded from None
            if deadline.because:
                message = "abandoned by you; the provider may still bill it"
                raise GatewayError(ErrorKind.ABANDONED, message, billed="maybe", lost=True) from None
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
            call.out = tuple(one for one in call.out if one is not deadline) if call.out[1:] else ()
        call.sending = bool(call.out)
        call.flags = classify(response.text, response.stop_reason)
        if min(response.usage.input, response.usage.output) < 0:
            raise GatewayError(ErrorKind.PLUGIN, "the gateway's code tells of less than no tokens", billed="yes")
        return response

    def _price(self, call: Call, response: Response) -> Decimal | None:
        choice = call.request.choice
        return self.prices.cost(choice.provider, choice.model, response.usage)

    def _book_superseded(self, call: Call, number: int, sent_at: float) -> None:
        """Another attempt was answered first. What this one costs nobody will tell."""
        now = self.clock()
        call.perhaps_billed = True
        error = AttemptError(ErrorKind.SUPERSEDED, "another attempt was answered first", billed="maybe")
        self.emit(AttemptEnded(now, call.request.seq, Attempt(number, sent_at, now, error=error)))

    def _book_success(self, call: Call, number: int, value: Value, response: Response, sent_at: float) -> Success:
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
        call.superseded = True
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
            flags=call.flags,
            echo=echo(response.text),
        )

    def _book_failure(
        self,
        call: Call,
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
        # An answer that is of no use is paid for and counted: nothing is open about it.
        call.perhaps_billed = call.perhaps_billed or (error.billed != "no" and response is None)
        call.spent += now - sent_at
        failures = Failures(call.own_failures, call.patient_failures, call.spent, call.lost)
        call.decision = decide(self.policy, error, failures, self.draw(), advice)
        again = call.decision if isinstance(call.decision, TryAgain) else None
        alone = not call.out  # else one that is under way beside it may still be answered
        if again is not None:
            call.spent += again.wait
            call.due = asyncio.get_running_loop().time() + again.wait
            call.budgeted = error.kind not in _UNBUDGETED
        call.sending = not alone
        attempt = Attempt(
            number=number,
            sent_at=sent_at,
            ended_at=now,
            status=error.status,
            error=_plain(error),
            usage=response.usage if response is not None else None,
            cost=cost,
            retry_in=again.wait if again and alone else None,
            retry_reason=again.reason if again and alone else "",
            request_id=error.request_id,
            gateway_retries=error.gateway_retries,
            limits=response.limits if response is not None else None,
        )
        self.emit(AttemptEnded(now, call.request.seq, attempt))
        if again is None and alone:
            self.gave_up(_plain(error))
        if (in_vain := self.alarm.failed(error, asyncio.get_running_loop().time())) is not None:
            self.gave_up(in_vain)


def with_tokens(request: Request, max_tokens: int) -> Request:
    """`request`, its answer allowed so many tokens. Its fingerprint stays: the answer counts as that of the
    request.
    """
    if request.choice.max_tokens == max_tokens:
        return request
    return replace(request, choice=replace(request.choice, max_tokens=max_tokens))


def _supersede(call: Call, answered: asyncio.Future[Success]) -> None:
    """An attempt beside others has ended: with its answer, they are of no use any more."""
    if not answered.cancelled() and answered.exception() is None:
        for one in call.out:
            one.end_now("superseded")


async def _in_the_queue(seconds: float) -> None:
    """Tenacity's sleep: the wait between two attempts is spent in the limiter's queue."""


def _plain(error: GatewayError) -> AttemptError:
    return AttemptError(error.kind, error.message, error.status, error.billed)
