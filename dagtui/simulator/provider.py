"""One attempt at the simulated provider, and the retries that a gateway hides around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dagtui.simulator import gateway, wire
from dagtui.simulator.answers import Answer, Quality, answer
from dagtui.simulator.draws import Draws, DrawSource
from dagtui.simulator.faults import Fault, fault_of, injected_429
from dagtui.simulator.gateway import Caller, RefusedByGatewayError
from dagtui.simulator.knobs import Knobs, change_knobs
from dagtui.simulator.ledger import Arrival, Clock, Ledger
from dagtui.simulator.limits import TERSE, Organisation, Organisations, Refusal
from dagtui.simulator.scenarios import Step, scenario_named
from dagtui.simulator.story import Story
from dagtui.simulator.wire import Call, Problem, Shape

INVALID_KEY = "sk-invalid"
"""The one provider key that is refused; any other is good, and so is none."""

_LOOK_AFTER_CALLER_S = 0.1

Cut = Literal["request", "headers"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What goes back to the caller; with `cut` set the connection ends there instead, and the status is 0."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it was understood; its attempts share it."""

    shape: Shape
    caller: Caller
    call: Call | Problem
    digest: int
    caller_left: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Told:
    """What one attempt came to at the provider, before it is put into the caller's terms."""

    result: Answer | Problem | None
    headers: Mapping[str, str]
    cut: Cut | None = None

    @property
    def status(self) -> int:
        """The status; 0 without an answer."""
        if self.cut is not None:
            return 0
        return self.result.status if isinstance(self.result, Problem) else 200

    @property
    def output_tokens(self) -> int:
        """What is billed."""
        return self.result.output_tokens if self.cut is None and isinstance(self.result, Answer) else 0


@dataclass(slots=True)
class _Admission:
    """What an attempt was let in with; nothing of it as long as it is not."""

    organisation: int = 0
    reserved_tokens: int = 0


class Provider:
    """The simulated provider: its knobs, limits, draws and ledger. `clock` is another one in virtual time.

    `steps` turn knobs by themselves, from the first call on; raises KnobError if any of them is wrong.
    """

    def __init__(
        self,
        knobs: Knobs,
        seed: int,
        clock: Clock | None = None,
        steps: Sequence[Step] = (),
        scenario: str = "",
    ) -> None:
        for step in steps:
            change_knobs(knobs, step.changes)
        self.clock = clock or Clock()
        self.ledger = Ledger(self.clock, knobs)
        self.when_down: Callable[[], None] = lambda: None
        """Called when an outage begins: whoever holds the connections cuts them."""
        self.scenario = scenario
        """The name of the scenario that is played; empty for none."""
        self.first_knobs = knobs
        """How the knobs stood before anybody turned one: at the start, or when a scenario began."""
        self.turned = False
        """Somebody has turned a knob, or begun a scenario, since it was started."""
        self._knobs = knobs
        self._knobs_of_story = knobs if steps else None
        self._story = Story(steps, self.turn)
        self._draws = DrawSource(seed)
        self._organisations = Organisations(knobs, seed, self.clock.elapsed)
        self._outages = 0

    @property
    def knobs(self) -> Knobs:
        """How the knobs stand."""
        return self._knobs

    def turn(self, changes: Mapping[str, object]) -> Knobs:
        """Turn knobs at once; raises KnobError and changes nothing if any of them is wrong."""
        before, self._knobs = self._knobs, change_knobs(self._knobs, changes)
        old, new = before.model_dump(), self._knobs.model_dump()
        self.ledger.turned({name: value for name, value in new.items() if value != old[name]})
        self._organisations.retune(self._knobs)
        if self._knobs.down and not before.down:
            self._outages += 1
            self.when_down()
        return self._knobs

    def play(self, name: str) -> Knobs:
        """Begin a scenario now: all knobs as it has them, its steps from this moment on. An empty name ends
        the one that is played, and leaves the knobs.

        Raises UnknownScenarioError.
        """
        if not name:
            self._story.rewind()
            self._story, self._knobs_of_story, self.scenario = Story((), self.turn), None, ""
            return self._knobs
        found = scenario_named(name)
        self._story.rewind()
        self.first_knobs = change_knobs(Knobs(), found.knobs)
        self._knobs_of_story = self.first_knobs if found.steps else None
        self.scenario = name
        self.turn(self.first_knobs.model_dump())
        self._story = Story(found.steps, self.turn)
        self._story.begin()
        return self._knobs

    def state(self) -> dict[str, object]:
        """How the knobs stand and stood at first, the scenario, its seconds so far, and those to its next step."""
        return {
            "knobs": self._knobs.model_dump(),
            "first": self.first_knobs.model_dump(),
            "scenario": self.scenario or None,
            "elapsed_s": self._story.elapsed if self.scenario else None,
            "next_step_s": self._story.next_step(),
            "turned": self.turned,
        }

    def reset(self) -> None:
        """Empty the ledger and fill the buckets; the next run over the same records meets the same draws.

        Where there is a story, it starts over, from the knobs that it began with.
        """
        self.stop()
        self._knobs = self._knobs_of_story or self._knobs
        self._organisations.forget(self._knobs)
        self.ledger.reset(self._knobs)
        self._draws.forget()

    def stop(self) -> None:
        """Nothing turns by itself any more, until the next call."""
        self._story.rewind()

    async def respond(
        self,
        shape: Shape,
        headers: Mapping[str, str],
        body: bytes,
        arrival: Arrival,
        caller_left: Callable[[], bool],
    ) -> Outcome:
        """Answer a call that has arrived, retries hidden by the gateway included."""
        self._story.begin()
        try:
            caller = gateway.read_caller(headers, body)
        except RefusedByGatewayError as refusal:
            self.ledger.end(arrival, trace_id="", metadata=None, status=400)
            return Outcome(400, gateway.refusal_body(str(refusal)))
        exchange = Exchange(shape, caller, wire.read_call(shape, body), self._draws.digest(body), caller_left)
        if not caller.as_gateway:
            return await self._attempt(exchange, arrival)
        outcome, retry_count = await self._retried(exchange, arrival)
        added = gateway.gateway_headers(caller, retry_count)
        return Outcome(outcome.status, outcome.body, {**outcome.headers, **added}, outcome.cut)

    async def _retried(self, exchange: Exchange, arrival: Arrival) -> tuple[Outcome, int]:
        """Retry behind the caller's back; also say how often, or -1 when all retries were in vain."""
        retries = exchange.caller.retries
        outcome = await self._attempt(exchange, arrival)
        for retry in range(retries.attempts + 1):
            if outcome.cut is None and outcome.status not in retries.on_status_codes:
                return outcome, retry
            if retry < retries.attempts:
                await asyncio.sleep(self._knobs.gateway_backoff_s * 2**retry)
                outcome = await self._attempt(exchange, self.ledger.arrive())
        return outcome, -1 if retries.attempts else 0

    async def _attempt(self, exchange: Exchange, arrival: Arrival) -> Outcome:
        """One attempt, from its arrival to its entry in the ledger."""
        caller, call = exchange.caller, exchange.call
        draws = self._draws.draws(exchange.digest)
        told, admission = _Told(None, {}, "request"), _Admission()
        try:
            told = await self._tell(exchange, draws, admission)
        finally:
            self.ledger.end(
                arrival,
                trace_id=caller.trace_id,
                metadata=caller.metadata,
                status=told.status,
                model=call.model if isinstance(call, Call) else "",
                input_tokens=call.input_tokens if isinstance(call, Call) else 0,
                output_tokens=told.output_tokens,
                organisation=admission.organisation,
                reserved_tokens=admission.reserved_tokens,
            )
        return self._outcome(exchange, told, draws.key[:12].hex(), arrival)

    async def _tell(self, exchange: Exchange, draws: Draws, admission: _Admission) -> _Told:
        """Refuse the request, or let it in and wait for its answer or its fault."""
        call = exchange.call
        if self._knobs.down:
            return _Told(None, {}, "request")
        if exchange.caller.organisation == INVALID_KEY:
            return _Told(Problem(401, "authentication_error", "invalid x-api-key"), {})
        if isinstance(call, Problem):
            return _Told(call, {})
        organisation = self._organisations.of(exchange.caller.organisation)
        fault = fault_of(self._knobs, draws)
        refusal = injected_429(self._knobs) if fault == "429" else self._admit(organisation, call)
        if fault == "429" or refusal is None:
            self._draws.passed(exchange.digest)
        # The figures are those of the moment of admission, when Anthropic sends its headers.
        headers = organisation.headers(exchange.shape, self.clock.elapsed(), self.clock.epoch())
        if refusal is not None:
            refusal = TERSE if self._knobs.terse_429 else refusal
            if refusal.retry_after_s is not None:
                headers["retry-after"] = str(refusal.retry_after_s)
            return _Told(refusal.problem, headers)
        admission.organisation, admission.reserved_tokens = organisation.number, call.reserved_tokens
        organisation.in_flight += 1
        used = 0
        try:
            told = await self._serve(exchange, call, fault, draws, headers)
            used = told.output_tokens
        finally:
            organisation.in_flight -= 1
            organisation.settle_output(call.reserved_tokens, used, self.clock.elapsed())
        return told

    async def _serve(
        self, exchange: Exchange, call: Call, fault: Fault | None, draws: Draws, headers: Mapping[str, str]
    ) -> _Told:
        """Wait as long as the answer takes, then give it or meet the fault."""
        knobs, outages = self._knobs, self._outages
        if fault == "529":
            return _Told(Problem(529, "overloaded_error", "Overloaded"), headers)
        quality = Quality(knobs.accuracy, knobs.bad_output_rate, knobs.truncate_rate)
        result = answer(call.system, call.user, call.max_tokens, quality, draws)
        left = False
        if fault == "hang":
            left = await self._hang(knobs.hang_s, exchange.caller_left)
        else:
            latency = draws.lognormal("latency", knobs.latency_median_s, knobs.latency_sigma)
            latency += knobs.latency_per_output_token_s * result.output_tokens
            if latency > 0:
                await asyncio.sleep(latency)
        if left or self._outages != outages:
            return _Told(None, headers, "request")
        if fault == "500":
            return _Told(Problem(500, "api_error", "Internal server error"), headers)
        return _Told(result, headers, knobs.reset_after if fault == "reset" else None)

    async def _hang(self, seconds: float, caller_left: Callable[[], bool]) -> bool:
        """Say nothing for so long; True if the caller left meanwhile.

        The server library tells nobody that a caller left, so this looks ten times a second.
        """
        until = self.clock.elapsed() + seconds
        while (rest := until - self.clock.elapsed()) > 0:
            if caller_left():
                return True
            await asyncio.sleep(min(rest, _LOOK_AFTER_CALLER_S))
        return caller_left()

    def _admit(self, organisation: Organisation, call: Call) -> Refusal | None:
        return organisation.admit(
            {"requests": 1, "input_tokens": call.input_tokens, "output_tokens": call.reserved_tokens},
            self.clock.elapsed(),
        )

    def _outcome(self, exchange: Exchange, told: _Told, answer_id: str, arrival: Arrival) -> Outcome:
        """Put what the provider told into the shape that the caller speaks."""
        shape, caller, call = exchange.shape, exchange.caller, exchange.call
        request_id = f"req_{arrival.seq:024x}"
        headers = {**told.headers, "request-id" if shape == "messages" else "x-request-id": request_id}
        body = b""
        if isinstance(told.result, Problem):
            if caller.as_gateway:
                body = wire.gateway_error_body(shape, told.result, caller.provider)
            else:
                body = wire.error_body(shape, told.result, request_id)
        elif told.result is not None and isinstance(call, Call):
            body = wire.answer_body(shape, call, told.result, answer_id, int(arrival.received_at))
        return Outcome(told.status, body, headers, told.cut)
