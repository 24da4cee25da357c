"""Requests that are asked again, skipped, abandoned and sent once more by hand, while the run goes on."""

from __future__ import annotations

import asyncio

import pytest

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded, AttemptStarted, RecordEnded, RequestEnded, RequestsReopened
from dagtui.core.model import Cancelled, Failure, Request, Response, Skipped, Success
from dagtui.core.plugin import Dimension
from dagtui.testing import FakeGateway
from tests.engine.harness import Asking, Run

TWO = (Dimension("first"), Dimension("second", needs=("first",)))


class Sick(FakeGateway):
    """Refuses some requests until it is well; answers with a number that counts up."""

    def __init__(self, *refused: int, kind: ErrorKind = ErrorKind.BAD_REQUEST, latency: float = 0.3) -> None:
        super().__init__(self._reply, latency=latency)
        self.refused = set(refused)
        self.kind = kind

    def _reply(self, request: Request, attempt: int) -> str | GatewayError:
        if request.seq in self.refused:
            return GatewayError(self.kind, "no", status=400, billed="no")
        return f"answer {len(self.sent)}"


class Hung(FakeGateway):
    """The first attempts of some requests hang for an hour."""

    def __init__(self, *seqs: int, attempts: int = 1) -> None:
        super().__init__("ok")
        self._seqs = seqs
        self._attempts = attempts

    async def complete(self, request: Request, attempt: int) -> Response:
        self.latency = 3600.0 if request.seq in self._seqs and attempt <= self._attempts else 0.3
        return await super().complete(request, attempt)


def last_outcomes(run: Run) -> dict[int, object]:
    return {event.seq: event.outcome for event in run.of(RequestEnded)}


# --- asked again ---


def test_what_failed_is_asked_again_before_what_is_fresh_and_its_attempts_go_on_counting() -> None:
    gateway = Sick(0)
    run = Run(60, gateway, concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(2.0)
        gateway.refused.clear()
        assert run.runner.steering.retry([0], False, None, "you") == 1

    snapshot = run.finish(steer())
    assert snapshot.counts.succeeded == 60
    assert [(e.seqs, e.by) for e in run.of(RequestsReopened)] == [((0,), "you")]
    assert [event.number for event in run.of(AttemptStarted) if event.seq == 0] == [1, 2]
    times = {(event.seq, event.number): event.time for event in run.of(AttemptStarted)}
    assert 2.0 <= times[0, 2] < 2.7
    assert [type(event.outcomes["ask"]) for event in run.of(RecordEnded) if event.record.index == 0] == [
        Failure,
        Success,
    ]


def test_later_is_after_all_fresh_records_have_begun() -> None:
    gateway = Sick(0)
    run = Run(40, gateway, concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(1.0)
        gateway.refused.clear()
        assert run.runner.steering.retry([0], True, None, "you") == 1

    assert run.finish(steer()).counts.succeeded == 40
    assert run.of(AttemptStarted)[-1].seq == 0


def test_an_answer_is_asked_again_with_more_tokens_if_its_record_is_at_hand() -> None:
    run = Run(30, Sick(1, latency=0.5), plugin=Asking(Dimension("a"), Dimension("b")), concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(3.0)
        assert run.runner.steering.retry([0], False, 4096, "you") == 1  # its record is kept: the other one failed
        assert run.runner.steering.retry([4], False, None, "you") == 0  # this one's is not

    snapshot = run.finish(steer())
    asked = [request for _, request, _ in run.gateway.sent if request.seq == 0]
    assert [request.choice.max_tokens for request in asked] == [1024, 4096]
    assert asked[0].fingerprint == asked[1].fingerprint
    assert snapshot.counts.succeeded == 59
    assert snapshot.money.wasted == last_outcomes(run)[0].cost  # type: ignore[attr-defined]


def test_what_was_skipped_for_a_failure_follows_it_and_brings_it_along() -> None:
    gateway = Sick(0, 4)
    run = Run(20, gateway, plugin=Asking(*TWO), concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(2.5)
        gateway.refused.clear()
        assert run.snapshot.counts.skipped == 2
        assert run.runner.steering.retry([0], False, None, "you") == 1
        assert run.runner.steering.retry([5], False, None, "you") == 1

    assert run.finish(steer()).counts.succeeded == 40
    assert [event.seqs for event in run.of(RequestsReopened)] == [(0, 1), (4, 5)]


def test_what_waits_to_retry_need_wait_no_longer() -> None:
    gateway = Sick(3, kind=ErrorKind.SERVER)
    gateway.answer = lambda request, attempt: (
        GatewayError(ErrorKind.RATE_LIMITED, "no", status=429, billed="no", retry_after=300.0)
        if request.seq == 3 and attempt == 1
        else "ok"
    )
    run = Run(8, gateway, concurrency=4, retries_by="us")

    async def steer() -> None:
        await asyncio.sleep(5.0)
        assert run.snapshot.counts.waiting == 1
        assert run.runner.steering.retry([3], True, None, "you") == 0
        assert run.runner.steering.retry([3], False, None, "you") == 1

    run.finish(steer())
    assert run.snapshot.counts.succeeded == 8
    assert len(run.of(RequestsReopened)) == 0


def test_it_works_when_the_input_has_ended_but_not_when_the_run_has() -> None:
    gateway = Sick(0)
    gateway.latency = 2.0
    run = Run(3, gateway, concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(3.0)
        gateway.refused.clear()
        assert run.runner.steering.retry([0], False, None, "you") == 1
        assert run.runner.steering.retry([0, 1, 2, 99, -1], False, None, "you") == 0

    assert run.finish(steer()).counts.succeeded == 3
    assert run.runner.steering.retry([0], False, None, "you") == 0


@pytest.mark.parametrize("command", ["drain", "cancel"])
def test_a_run_that_ends_books_what_waits_to_be_asked_again(command: str) -> None:
    run = Run(400, Sick(0, 1, 2), concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(2.0)
        assert run.runner.steering.retry([0, 1, 2], True, None, "you") == 3
        await asyncio.sleep(1.0)
        getattr(run.runner.course, command)("enough")

    counts = run.finish(steer()).counts
    assert counts.failed == counts.in_flight == counts.waiting == 0
    assert all(isinstance(last_outcomes(run)[seq], Cancelled) for seq in range(3))


# --- skipped ---


def test_skipped_are_queued_waiting_and_flying_ones_and_what_builds_on_them() -> None:
    gateway = Hung(0, 2)
    run = Run(6, gateway, plugin=Asking(*TWO), concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(1.0)
        assert run.runner.steering.skip([0, 0, 1, 3, 4, 99], "you") == 4  # 1 went with 0

    snapshot = run.finish(steer())
    outcomes = last_outcomes(run)
    flying = outcomes[0]
    assert isinstance(flying, Cancelled)
    assert flying.perhaps_billed
    assert flying.reason.startswith("skipped by you")
    assert outcomes[1] == Skipped("skipped by you")
    assert outcomes[3] == outcomes[4] == Skipped("skipped by you")
    assert outcomes[5] == Skipped('"first" did not succeed')
    assert len(run.of(RecordEnded)) == 6
    assert snapshot.counts.total == snapshot.counts.ended


def test_a_skipped_request_may_be_asked_again() -> None:
    run = Run(30, Hung(0), concurrency=2)

    async def steer() -> None:
        await asyncio.sleep(1.0)
        assert run.runner.steering.skip([0, 29], "you") == 1  # the last one was not read
        await asyncio.sleep(0.5)
        assert run.runner.steering.retry([0], True, None, "you") == 1
        assert run.runner.steering.skip([0], "you") == 1
        assert run.runner.steering.retry([0], False, None, "you") == 1

    assert run.finish(steer()).counts.succeeded == 30
    assert [event.number for event in run.of(AttemptStarted) if event.seq == 0] == [1, 2]


# --- abandoned, and sent once more ---


def test_an_abandoned_attempt_is_asked_again_and_may_have_been_billed() -> None:
    run = Run(6, Hung(2), concurrency=3)

    async def steer() -> None:
        await asyncio.sleep(5.0)
        assert run.runner.steering.abort([1, 2, 3]) == 1

    snapshot = run.finish(steer())
    assert snapshot.counts.succeeded == 6
    assert snapshot.elapsed < 10
    first = next(e.attempt for e in run.of(AttemptEnded) if e.seq == 2)
    assert first.error is not None
    assert (first.error.kind, first.error.billed) == (ErrorKind.ABANDONED, "maybe")
    assert first.retry_in is not None


def test_abandoning_many_is_no_outage() -> None:
    run = Run(40, Hung(*range(20)), concurrency=20)

    async def steer() -> None:
        await asyncio.sleep(5.0)
        assert run.runner.steering.abort(range(40)) == 20
        assert not run.runner.limiter.breaker.open

    assert run.finish(steer()).counts.succeeded == 40


def test_after_as_many_attempts_as_a_timeout_has_it_fails() -> None:
    run = Run(2, Hung(1, attempts=99), concurrency=2)

    async def steer() -> None:
        for _ in range(3):
            await asyncio.sleep(5.0)
            assert run.runner.steering.abort([1]) == 1

    assert run.finish(steer()).counts.failed == 1
    outcome = last_outcomes(run)[1]
    assert isinstance(outcome, Failure)
    assert outcome.error.kind is ErrorKind.ABANDONED


@pytest.mark.parametrize("patient", [False, True])
def test_the_attempt_sent_beside_one_that_hangs_answers_for_it(patient: bool) -> None:
    gateway = Hung(2)
    run = Run(6, gateway, concurrency=3, hedge=patient)

    async def steer() -> None:
        await asyncio.sleep(5.0)
        assert run.runner.steering.hedge([0, 2, 5]) == 1

    snapshot = run.finish(steer())
    assert snapshot.counts.succeeded == 6
    assert snapshot.elapsed < 7
    attempts = {e.attempt.number: e.attempt for e in run.of(AttemptEnded) if e.seq == 2}
    assert attempts[2].error is None
    assert attempts[1].error is not None
    assert attempts[1].error.kind is ErrorKind.SUPERSEDED
    assert gateway.in_flight == 0
    assert isinstance(last_outcomes(run)[2], Success)


def test_the_first_answer_wins_whichever_attempt_gives_it() -> None:
    gateway = Hung(2)
    run = Run(6, gateway, concurrency=3, timeout=7200.0)

    async def steer() -> None:
        await asyncio.sleep(3599.9)
        assert run.runner.steering.hedge([2]) == 1

    run.finish(steer())
    attempts = {e.attempt.number: e.attempt for e in run.of(AttemptEnded) if e.seq == 2}
    assert attempts[1].error is None
    assert attempts[2].error is not None
    assert attempts[2].error.kind is ErrorKind.SUPERSEDED


def test_where_the_one_beside_fails_the_first_is_waited_for() -> None:
    gateway = Hung(2)
    run = Run(3, gateway, concurrency=3, timeout=60.0)

    async def steer() -> None:
        await asyncio.sleep(5.0)
        gateway.answer = GatewayError(ErrorKind.BAD_REQUEST, "no", status=400, billed="no")
        assert run.runner.steering.hedge([2]) == 1
        await asyncio.sleep(1.0)
        assert run.snapshot.counts.in_flight == 1
        gateway.answer = "ok"

    assert run.finish(steer()).counts.succeeded == 3  # the first timed out, and was asked a third time
