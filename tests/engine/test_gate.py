"""The pilot's gate and the stop rule: nothing is read, claimed or sent until somebody says go on."""

from __future__ import annotations

import asyncio

import pytest

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import Noted, PhaseChanged, RecordRead
from dagtui.core.model import Request
from dagtui.testing import FakeGateway
from tests.engine.harness import Run


def failing(*seqs: int) -> FakeGateway:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        refused = request.seq in seqs
        return GatewayError(ErrorKind.GUARDRAIL, "no", status=446, billed="no") if refused else f"a{request.seq}"

    return FakeGateway(answer)


def reasons(run: Run) -> list[tuple[str, str]]:
    return [(event.phase, event.reason) for event in run.of(PhaseChanged)]


def test_the_pilot_ends_and_waits_for_somebody_with_nothing_more_read_or_claimed() -> None:
    claimed: list[int] = []

    async def claim(records: int) -> None:
        claimed.append(records)

    run = Run(100, failing(3, 4), concurrency=30, pilot=20)
    run.runner._claims._claim = claim

    async def steer() -> None:
        await asyncio.sleep(60.0)
        assert run.snapshot.pilot
        assert (run.snapshot.phase, run.source.given) == ("paused", 20)
        assert run.snapshot.reason == "pilot: 20 of 20 records ended: 18 done, 2 failed; go on?"
        assert max(claimed) == 20
        assert len(claimed) < 4
        run.runner.course.resume()

    snapshot = run.finish(steer())
    assert (snapshot.counts.succeeded, snapshot.counts.failed) == (98, 2)
    assert not run.snapshot.pilot
    assert max(claimed) > 20


def test_drain_ends_it_there() -> None:
    run = Run(100, failing(), concurrency=30, pilot=20)

    async def steer() -> None:
        await asyncio.sleep(60.0)
        run.runner.course.drain("enough")

    assert run.finish(steer()).counts.succeeded == 20
    assert len(run.of(RecordRead)) == 20


def test_what_failed_in_the_pilot_can_be_asked_again_at_the_gate() -> None:
    gateway = failing(3)
    run = Run(40, gateway, concurrency=30, pilot=20)

    async def steer() -> None:
        await asyncio.sleep(60.0)
        gateway.answer = "ok"
        assert run.runner.steering.retry([3], False, None, "you") == 1
        run.runner.course.resume()

    assert run.finish(steer()).counts.succeeded == 40


def test_a_run_no_longer_than_its_pilot_has_no_gate() -> None:
    run = Run(20, failing(), concurrency=30, pilot=20)
    assert run.finish().counts.succeeded == 20
    assert all(phase != "paused" for phase, _ in reasons(run))


@pytest.mark.parametrize(("least", "passes"), [(0.9, True), (0.95, False)])
def test_where_nobody_is_there_it_decides_by_itself(least: float, passes: bool) -> None:
    run = Run(100, failing(3, 4), concurrency=30, pilot=20, pilot_min_ok=least)
    run.runner.course.alone = True
    snapshot = run.finish()
    assert snapshot.counts.ended == (100 if passes else 20)
    assert run.runner.course.halted is not passes
    if passes:
        assert any("18 done, 2 failed; goes on" in event.message for event in run.of(Noted))
    else:
        assert "18 of its 20 records are done, and 95% must be to go on" in snapshot.reason


def test_the_stop_rule_pauses_and_judges_anew_when_somebody_goes_on() -> None:
    run = Run(400, failing(*range(100, 125)), concurrency=5, stop_rule="failed>20%")

    async def steer() -> None:
        while True:
            await asyncio.sleep(1.0)
            if run.snapshot.phase == "paused":
                return run.runner.course.resume()

    snapshot = run.finish(steer())
    assert snapshot.counts.succeeded == 375
    paused = [reason for phase, reason in reasons(run) if phase == "paused"]
    assert paused[0].startswith("paused by the stop rule failed>20%: ")
    assert len(paused) == 1


def test_where_nobody_is_there_the_stop_rule_ends_the_run() -> None:
    run = Run(400, failing(*range(100, 400)), concurrency=5)
    run.runner.course.alone = True

    async def steer() -> None:
        from dagtui.core.stop_rule import parse_rule

        await asyncio.sleep(1.0)
        run.runner.course.set_stop_rule(parse_rule("failed>20%, drift>90"), "you")

    snapshot = run.finish(steer())
    assert run.runner.course.halted
    assert snapshot.counts.ended < 200
    assert snapshot.reason.startswith("stopped by the rule failed>20%: ")
