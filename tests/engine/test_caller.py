"""One request: how often it is asked, what counts as an answer, and what it has cost."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from pydantic import BaseModel, field_validator

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded
from dagtui.core.model import (
    Cancelled,
    Failure,
    Request,
    Response,
    Success,
    Usage,
)
from dagtui.core.plugin import Dimension
from dagtui.testing import FakeGateway
from tests.engine.harness import Asking, Label, Run, refusing


def test_a_request_that_waits_to_retry_holds_no_slot() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        slow = request.seq == 0 and attempt == 1
        return GatewayError(ErrorKind.RATE_LIMITED, "429", retry_after=10.0) if slow else "ok"

    run = Run(21, FakeGateway(answer, latency=0.5), concurrency=1)
    run.finish()
    others = [event.time for event in run.of(AttemptEnded) if event.seq != 0]
    assert max(others) == pytest.approx(0.5 * 21, rel=0.01)


def test_ordinary_errors_use_up_the_attempts() -> None:
    run = Run(1, FakeGateway(refusing(ErrorKind.SERVER, 99, status=500)), attempts=4)
    run.finish()
    failure = run.outcomes()["1"]["ask"]
    assert isinstance(failure, Failure)
    assert failure.attempts == 4
    assert len(run.gateway.sent) == 4
    assert run.snapshot.counts.failed == 1


def test_rate_limits_do_not_use_up_the_attempts() -> None:
    run = Run(1, FakeGateway(refusing(ErrorKind.RATE_LIMITED, 20, retry_after=1.0)), attempts=2)
    run.finish()
    assert run.snapshot.counts.succeeded == 1
    assert run.snapshot.throttled == 20


def test_an_attempt_that_takes_too_long_is_cancelled_and_tried_again() -> None:
    gateway = FakeGateway(latency=50.0)
    run = Run(1, gateway, timeout=2.0, attempts=2)
    snapshot = run.finish()
    failure = run.outcomes()["1"]["ask"]
    assert isinstance(failure, Failure)
    assert failure.error.kind is ErrorKind.TIMEOUT
    assert failure.error.billed == "maybe"
    assert gateway.in_flight == 0
    assert snapshot.attempts == 2


def test_an_answer_that_does_not_fit_is_asked_again_and_its_tokens_are_counted_as_waste() -> None:
    def answer(request: Request, attempt: int) -> str:
        return "sorry, no" if attempt == 1 else '{"label": "x"}'

    run = Run(1, FakeGateway(answer), Asking(Dimension("ask", output=Label)))
    snapshot = run.finish()
    success = run.outcomes()["1"]["ask"]
    assert isinstance(success, Success)
    assert success.attempts == 2
    assert success.usage == Usage(180, 80)
    assert snapshot.money.spent == Decimal("0.00034")
    assert snapshot.money.wasted == Decimal("0.00017")


@pytest.mark.parametrize("why", ["max_tokens", "refusal"])
def test_an_answer_cut_off_or_refused_is_no_success_and_is_asked_for_once_more_only(why: str) -> None:
    cut = Response('{"label": "x"}', Usage(1, 1), "fake-model", stop_reason=why)
    run = Run(1, FakeGateway(cut), Asking(Dimension("ask", output=Label)), attempts=5)
    run.finish()
    failure = run.outcomes()["1"]["ask"]
    assert isinstance(failure, Failure)
    assert failure.attempts == 2
    assert why in failure.error.message


def test_a_gateway_that_breaks_its_contract_fails_that_record_and_no_other() -> None:
    def answer(request: Request, attempt: int) -> str:
        if request.seq == 1:
            raise KeyError("a defect")
        return "ok"

    run = Run(3, FakeGateway(answer))
    snapshot = run.finish()
    failure = run.outcomes()["2"]["ask"]
    assert isinstance(failure, Failure)
    assert (failure.error.kind, failure.error.billed) == (ErrorKind.PLUGIN, "maybe")
    assert "raised KeyError: 'a defect'" in failure.error.message
    assert (snapshot.counts.succeeded, snapshot.counts.failed, snapshot.attempts) == (2, 1, 3)


class Raising(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def check(cls, value: str) -> str:
        raise KeyError(value)


def test_a_validator_that_raises_what_it_may_not_fails_its_record_once_and_is_paid_for() -> None:
    run = Run(2, FakeGateway('{"label": "x"}'), Asking(Dimension("ask", output=Raising)))
    snapshot = run.finish()
    failure = run.outcomes()["1"]["ask"]
    assert isinstance(failure, Failure)
    assert (failure.error.kind, failure.attempts, failure.usage) == (ErrorKind.PLUGIN, 1, Usage(90, 40))
    assert (snapshot.counts.failed, snapshot.phase) == (2, "ended")


def test_an_answer_that_was_read_in_the_turn_of_its_timeout_counts() -> None:
    gateway = FakeGateway()

    async def complete(request: Request, attempt: int) -> Response:
        answered = asyncio.get_running_loop().create_future()
        # As when the loop was blocked: the answer and the timer are found in one turn, the answer first.
        asyncio.get_running_loop().call_later(2.0 - 1e-10, answered.set_result, Response("ok", Usage(1, 1), "m"))
        return await answered

    gateway.complete = complete  # type: ignore[method-assign]
    run = Run(1, gateway, timeout=2.0)
    snapshot = run.finish()
    assert (snapshot.counts.succeeded, snapshot.attempts) == (1, 1)


def test_neither_a_pause_nor_a_queue_uses_up_the_deadline() -> None:
    run = Run(
        4,
        FakeGateway(refusing(ErrorKind.RATE_LIMITED, 1, retry_after=1.0), latency=1.0),
        concurrency=1,
        deadline=5.0,
    )

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.pause()
        await asyncio.sleep(1000)
        run.runner.course.resume()

    assert run.finish(steer()).counts.succeeded == 4


def test_what_was_paid_before_a_request_was_stopped_stands_in_its_outcome() -> None:
    run = Run(1, FakeGateway("sorry, no", latency=1.0), Asking(Dimension("ask", output=Label)))

    async def steer() -> None:
        await asyncio.sleep(2.5)
        run.runner.course.cancel("enough")

    run.finish(steer())
    outcome = run.outcomes()["1"]["ask"]
    assert isinstance(outcome, Cancelled)
    assert (outcome.attempts, outcome.perhaps_billed) == (3, True)
    assert (outcome.usage, outcome.cost) == (Usage(180, 80), Decimal("0.00034"))


def test_whoever_swallows_a_timeout_costs_the_others_nothing() -> None:
    gateway = FakeGateway()

    async def complete(request: Request, attempt: int) -> Response:
        try:
            await asyncio.sleep(60.0 if request.seq % 4 == 0 and attempt == 1 else 0.1)
        except asyncio.CancelledError:
            raise GatewayError(ErrorKind.CONNECTION, "it took too long", billed="no") from None
        return Response("ok", Usage(1, 1), "fake-model")

    gateway.complete = complete  # type: ignore[method-assign]
    run = Run(16, gateway, concurrency=4, timeout=1.0)
    assert run.finish().counts.succeeded == 16


def test_a_gateway_that_tells_of_less_than_no_tokens_fails_that_record() -> None:
    run = Run(2, FakeGateway(usage=Usage(-5, 1)))
    run.finish()
    failure = run.outcomes()["1"]["ask"]
    assert isinstance(failure, Failure)
    assert failure.error.kind is ErrorKind.PLUGIN
