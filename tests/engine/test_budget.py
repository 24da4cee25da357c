"""The budget: what is spent, may be spent and is in flight stays below it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from dagtui.core.budget import Budget
from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded
from dagtui.core.model import Request, Response, Usage
from dagtui.testing import FakeGateway
from tests.engine.harness import Run

USED = Usage(90, 40)
EACH = Decimal("0.00017")  # 90 tokens in at 1 dollar a million, 40 out at 2
MOST = Decimal("0.0021")  # 1,024 tokens out, and a prompt of a few


class Watched(FakeGateway):
    """Notes the largest sum of what is paid and what may still be."""

    def __init__(self, run: list[Run], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self.run = run
        self.worst = Decimal(0)

    async def complete(self, request: Request, attempt: int) -> Response:
        self.worst = max(self.worst, self.run[0].runner.limiter.budget.committed)
        return await super().complete(request, attempt)


def watched(records: int, cap: str, *, concurrency: int = 20, **more: object) -> tuple[Run, Watched]:
    held: list[Run] = []
    gateway = Watched(held, **more)
    run = Run(records, gateway, concurrency=concurrency, max_cost=Decimal(cap))
    held.append(run)
    run.finish()
    return run, gateway


def test_a_run_stops_within_one_request_of_its_budget_and_never_beyond() -> None:
    run, gateway = watched(500, "0.05")
    assert run.runner.course.stopped_by is ErrorKind.BUDGET
    assert run.runner.course.stop_reason.startswith("stopped: the budget of $0.050000 is used up: $0.0")
    spent = sum((event.attempt.cost or Decimal(0) for event in run.of(AttemptEnded)), Decimal(0))
    assert spent == run.snapshot.money.spent == run.runner.limiter.budget.spent
    assert Decimal("0.05") - MOST < spent <= Decimal("0.05")
    assert gateway.worst <= Decimal("0.05")


def test_a_budget_that_is_enough_changes_nothing() -> None:
    run, gateway = watched(100, "10")
    assert run.snapshot.counts.succeeded == 100
    assert gateway.peak == 20
    assert run.runner.limiter.budget.reserved == 0


def test_answers_of_no_use_are_paid_and_count() -> None:
    def answer(request: Request, attempt: int) -> Response:
        cut_off = request.seq % 3 == 0 and attempt == 1
        return Response("ok", USED, "fake-model", stop_reason="max_tokens" if cut_off else "end_turn")

    run, gateway = watched(500, "0.05", answer=answer)
    paid = len(gateway.sent) * EACH
    assert run.snapshot.money.spent == paid
    assert Decimal("0.05") - MOST < paid <= Decimal("0.05")
    assert run.snapshot.money.wasted > 0


def test_what_may_have_been_billed_without_an_answer_counts_as_if_it_was() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.SERVER, "lost", billed="maybe") if request.seq < 5 and attempt == 1 else "ok"

    run, gateway = watched(500, "0.05", answer=answer)
    budget = run.runner.limiter.budget
    assert 5 * Decimal("0.002") < budget.uncertain < 5 * MOST
    assert budget.spent + budget.uncertain <= Decimal("0.05")
    assert gateway.worst <= Decimal("0.05")
    assert "more perhaps" in run.runner.course.stop_reason


def test_a_refusal_costs_nothing_of_it() -> None:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        return GatewayError(ErrorKind.OVERLOADED, "full") if attempt == 1 else "ok"

    run, _ = watched(100, "0.05", answer=answer, concurrency=10)
    assert run.runner.limiter.budget.uncertain == 0


def test_a_model_without_a_price_stops_a_run_with_a_budget() -> None:
    run = Run(10, FakeGateway(), max_cost=Decimal(1))
    run.runner.limiter._most_cost = lambda request, tokens: None
    run.finish()
    assert "the price of fake-model is not known" in run.runner.course.stop_reason
    assert run.gateway.sent == []


@pytest.mark.parametrize("first", [None, Decimal("0.004")])
def test_the_budget_can_be_set_and_raised_while_it_runs(first: Decimal | None) -> None:
    run = Run(400, FakeGateway(latency=1.0), concurrency=20, max_cost=first)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.cap(Decimal("0.05"), "you")

    run.finish(steer())
    budget = run.runner.limiter.budget
    assert Decimal("0.05") - MOST < budget.spent <= Decimal("0.05")
    assert budget.reserved == 0
    assert any("budget $0.050000 (you)" in entry.text for entry in run.stats.log)


def test_a_budget_that_is_lifted_lets_all_through() -> None:
    run = Run(100, FakeGateway(latency=1.0), concurrency=20, max_cost=Decimal("0.02"))

    async def steer() -> None:
        await asyncio.sleep(0.5)
        run.runner.course.cap(None, "you")

    run.finish(steer())
    assert run.snapshot.counts.succeeded == 100


def test_money_that_is_adopted_is_set_aside_once_and_given_back() -> None:
    budget = Budget(None)
    budget.adopt(2, Decimal(3))
    budget.cap = Decimal(10)
    assert not budget.allows(Decimal(5))
    budget.settle(None, Decimal(1))
    budget.settle(None, None)
    budget.settle(None, Decimal(1))
    assert (budget.spent, budget.uncertain, budget.reserved) == (Decimal(2), Decimal(3), Decimal(0))
