"""A request that takes far longer than the others is sent once more, and the first answer counts."""

from __future__ import annotations

import asyncio

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded, AttemptStarted
from dagtui.core.model import Request, Response, Success
from dagtui.testing import FakeGateway
from tests.engine.harness import Run

HUNG = 17


class Hanging(FakeGateway):
    """Answers within a third of a second, but hangs for the first attempts of one request."""

    def __init__(self, hangs: int, fails: int = 0) -> None:
        super().__init__("ok", latency=0.3)
        self._hangs = hangs
        self._fails = fails
        self.cancelled = 0

    async def complete(self, request: Request, attempt: int) -> Response:
        if request.seq != HUNG or attempt > self._hangs + self._fails:
            return await super().complete(request, attempt)
        self.sent.append((asyncio.get_running_loop().time(), request, attempt))
        if attempt > self._hangs:
            await asyncio.sleep(0.1)
            raise GatewayError(ErrorKind.SERVER, "500", status=500, billed="maybe")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        raise AssertionError("nobody waits for an hour")


def played(gateway: Hanging, **settings: object) -> Run:
    run = Run(60, gateway, concurrency=20, timeout=600.0, hedge=True, **settings)
    run.finish()
    return run


def test_the_second_attempt_answers_for_the_one_that_hangs() -> None:
    gateway = Hanging(hangs=1)
    run = played(gateway)
    assert run.snapshot.counts.succeeded == 60
    assert run.snapshot.elapsed < 3.0
    outcome = run.outcomes()[str(HUNG + 1)]["ask"]
    assert isinstance(outcome, Success)
    assert outcome.attempts == 2
    assert gateway.cancelled == 1  # the gateway hears that nobody waits any more


def test_every_attempt_that_left_is_booked_and_the_superseded_one_may_have_cost() -> None:
    run = played(Hanging(hangs=1))
    started = [event.number for event in run.of(AttemptStarted) if event.seq == HUNG]
    ended = {event.attempt.number: event.attempt for event in run.of(AttemptEnded) if event.seq == HUNG}
    assert started == [1, 2]
    assert set(ended) == {1, 2}
    assert ended[2].error is None
    assert ended[1].error is not None
    assert ended[1].error.kind is ErrorKind.SUPERSEDED
    assert ended[1].error.billed == "maybe"
    assert run.runner.limiter.in_flight == 0


def test_where_the_second_hangs_too_a_third_is_sent() -> None:
    run = played(Hanging(hangs=2))
    assert run.snapshot.counts.succeeded == 60
    assert run.snapshot.elapsed < 5.0


def test_a_second_attempt_that_fails_is_no_failure_of_the_request() -> None:
    run = played(Hanging(hangs=1, fails=1))
    assert run.snapshot.counts.succeeded == 60
    assert run.snapshot.elapsed < 6.0


def test_requests_that_are_as_slow_as_the_others_are_sent_once() -> None:
    gateway = Hanging(hangs=0)
    played(gateway)
    assert len(gateway.sent) == 60


def test_without_hedging_a_hanging_request_waits_for_its_time() -> None:
    run = Run(60, Hanging(hangs=1), concurrency=20, timeout=30.0)
    run.finish()
    assert run.snapshot.counts.succeeded == 60
    assert 30.0 < run.snapshot.elapsed < 40.0


def test_a_run_that_is_cancelled_leaves_no_attempt_behind() -> None:
    gateway = Hanging(hangs=9)
    run = Run(60, gateway, concurrency=20, timeout=600.0, hedge=True)

    async def steer() -> None:
        await asyncio.sleep(4.0)
        run.runner.course.cancel("enough")

    run.finish(steer())
    assert run.runner.limiter.in_flight == 0
    assert gateway.cancelled >= 2
    assert run.snapshot.counts.cancelled == 1
