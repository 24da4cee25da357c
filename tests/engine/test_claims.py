"""Nothing is sent before it is durably written that it may be."""

from __future__ import annotations

import asyncio

from dagtui.core.errors import DagtuiError
from dagtui.engine.claims import Claims
from dagtui.testing import FakeGateway, run_in_virtual_time
from tests.engine.harness import Run


class Slow:
    """A disk that takes so many seconds; remembers what was claimed, and when it was."""

    def __init__(self, seconds: float, fails_after: int | None = None) -> None:
        self.seconds = seconds
        self.fails_after = fails_after
        self.claimed = 0
        self.calls = 0

    async def claim(self, records: int) -> None:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.fails_after is not None and self.calls > self.fails_after:
            raise DagtuiError("the disk is full")
        self.claimed = records


def test_every_request_was_claimed_before_it_left() -> None:
    disk = Slow(0.02)

    class Checked(FakeGateway):
        async def complete(self, request, attempt):  # type: ignore[no-untyped-def]
            assert request.seq < disk.claimed
            return await super().complete(request, attempt)

    run = Run(500, Checked(latency=0.3), concurrency=40)
    run.runner._claims = Claims(disk.claim)
    assert run.finish().counts.succeeded == 500
    assert disk.calls < 60


def test_claims_are_ahead_so_that_nobody_waits_for_the_disk() -> None:
    def seconds(claims: Claims) -> float:
        run = Run(1000, FakeGateway(latency=1.0), concurrency=100)
        run.runner._claims = claims
        return run.finish().elapsed

    assert seconds(Claims(Slow(0.02).claim)) - seconds(Claims(None)) < 0.1


def test_a_fast_provider_makes_the_blocks_larger() -> None:
    disk = Slow(0.02)
    run = Run(5000, FakeGateway(latency=0.001), concurrency=100)
    run.runner._claims = Claims(disk.claim)
    run.finish()
    assert disk.calls < 40


def test_what_cannot_be_claimed_is_not_sent() -> None:
    disk = Slow(0.01, fails_after=1)
    gateway = FakeGateway(latency=0.1)
    run = Run(500, gateway, concurrency=10)
    run.runner._claims = Claims(disk.claim)
    run.finish()
    assert {request.seq for _, request, _ in gateway.sent} == set(range(disk.claimed))


def test_what_an_earlier_session_claimed_needs_no_claim() -> None:
    async def main() -> int:
        disk = Slow(0.01)
        claims = Claims(disk.claim, claimed=100)
        for index in range(100):
            assert await claims.reach(index, 10)
        return disk.calls

    assert run_in_virtual_time(main()) == 0
