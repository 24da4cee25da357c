"""Identical requests are sent once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.model import Request, Success
from dagtui.engine.runner import Runner
from dagtui.testing import FakeGateway, records
from tests.engine.harness import Asking, Run


def run_of(texts: list[str], gateway: FakeGateway, **settings: object) -> Run:
    run = Run(records(texts), gateway, Asking(), dedupe=True, **settings)
    run.runner._builder._fingerprints = Fingerprints({})
    return run


def test_identical_requests_are_sent_once_and_all_have_the_answer() -> None:
    gateway = FakeGateway()
    run = run_of(["a", "b", "a", "a", "b", "c"] * 50, gateway, concurrency=7)
    assert run.finish().counts.succeeded == 300
    assert sorted(request.prompt.user for _, request, _ in gateway.sent) == ["a", "b", "c"]
    paid = [o["ask"] for o in run.outcomes().values()]
    assert sum(isinstance(o, Success) and o.attempts for o in paid) == 3
    assert run.snapshot.money.spent == 3 * Decimal("0.00017")
    assert run.snapshot.money.saved == 297 * Decimal("0.00017")


def test_a_twin_that_fails_is_no_answer_for_the_others() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.BAD_REQUEST, "no") if request.seq == 0 else "ok"

    gateway = FakeGateway(answer)
    run = run_of(["a"] * 10, gateway)
    counts = run.finish().counts
    assert (counts.succeeded, counts.failed) == (9, 1)
    assert len(gateway.sent) == 2


def test_without_it_every_request_is_sent() -> None:
    gateway = FakeGateway()
    run = Run(records(["a"] * 10), gateway, Asking())
    run.finish()
    assert len(gateway.sent) == 10


def test_those_who_wait_hold_no_place_of_others() -> None:
    gateway = FakeGateway(latency=1.0)
    run = run_of(["same"] * 200 + [f"other {i}" for i in range(20)], gateway, concurrency=5)
    run.finish()
    assert gateway.peak == 5


def test_a_run_that_is_drained_gives_those_who_wait_the_answer_that_is_under_way() -> None:
    gateway = FakeGateway(latency=1.0)
    run = run_of(["a"] * 30, gateway, concurrency=3)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.drain("enough")

    counts = run.finish(steer()).counts
    assert len(gateway.sent) == 1
    assert counts.succeeded + counts.cancelled == run.snapshot.records_read
    assert counts.succeeded > 1


def test_an_old_answer_is_looked_up(monkeypatch: object) -> None:
    from dagtui.engine import twins

    asked: list[int] = []
    gateway = FakeGateway()
    run = run_of([f"text {i}" for i in range(20)] + ["text 0"], gateway, concurrency=1)
    assert run.runner._twins is not None
    found = Success("old", "old", 1, 0.1, gateway.usage, Decimal(1))
    run.runner._twins._recall = lambda seq: asked.append(seq) or found  # type: ignore[func-returns-value]
    keep, twins._RECENT = twins._RECENT, 5
    try:
        run.finish()
    finally:
        twins._RECENT = keep
    assert asked == [0]
    last = run.outcomes()["21"]["ask"]
    assert isinstance(last, Success)
    assert last.text == "old"
    assert isinstance(run.runner, Runner)
