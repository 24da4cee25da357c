"""Limits that somebody else uses up, and refusals that say nothing; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from dagtui.simulator import KnobError, Knobs
from dagtui.simulator.knobs import change_knobs
from dagtui.simulator.limits import Organisation
from dagtui.testing import run_in_virtual_time
from tests.simulator.sim_virtual import ask, provider

LIMITED: Mapping[str, object] = {"requests_per_minute": 600, "requests_burst": 10}


def remaining(organisation: Organisation, now: float) -> int:
    headers = organisation.headers("messages", now, now)
    return int(headers["anthropic-ratelimit-requests-remaining"])


def organisation(seed: int = 0, **knobs: object) -> Organisation:
    return Organisation(1, Knobs.model_validate({**LIMITED, **knobs}), seed, 0.0)


def admitted(organisation: Organisation, until_s: int, a_second: int = 20) -> int:
    """How many of so many evenly spaced requests a second are let in."""
    costs = {"requests": 1.0, "input_tokens": 0.0, "output_tokens": 0.0}
    moments = (turn / a_second for turn in range(a_second * until_s))
    return sum(organisation.admit(costs, moment) is None for moment in moments)  # type: ignore[arg-type]


def test_others_drink_from_the_bucket_though_nobody_asks() -> None:
    shared = organisation(requests_burst=1000, requests_per_minute=60, others_requests_per_minute=600)
    assert remaining(shared, 0) == 1000
    assert remaining(shared, 60) == pytest.approx(1000 - 540, abs=80)


def test_others_get_nothing_where_nothing_is_left_and_leave_no_debt() -> None:
    shared = organisation(others_requests_per_minute=60_000)
    assert remaining(shared, 60) == 0
    shared.retune(Knobs.model_validate(LIMITED), 60)
    assert remaining(shared, 61) in (10, 9)


def test_the_others_are_the_same_for_the_same_seed_and_it_does_not_matter_who_looks() -> None:
    one, same, other = (organisation(seed, others_requests_per_minute=300) for seed in (1, 1, 2))
    for tenth in range(100):
        remaining(one, tenth / 10)
    assert remaining(one, 10) == remaining(same, 10)
    assert admitted(organisation(1, others_requests_per_minute=300), 60) == admitted(
        organisation(1, others_requests_per_minute=300), 60
    )
    seen = [[remaining(shared, 10 + tenth / 10) for tenth in range(50)] for shared in (one, same, other)]
    assert seen[0] == seen[1] != seen[2]


def test_who_shares_a_limit_is_refused_what_would_be_let_in_alone() -> None:
    alone, shared = organisation(), organisation(others_requests_per_minute=1200)
    assert admitted(alone, 60, a_second=7) == 420
    assert 100 < admitted(shared, 60, a_second=7) < 350


def test_who_knocks_whenever_there_is_a_token_leaves_nothing_to_the_others() -> None:
    assert admitted(organisation(others_requests_per_minute=600), 60, a_second=20) > 600


def test_others_can_be_turned_on_and_off_and_changed_at_any_time() -> None:
    knobs = Knobs.model_validate({**LIMITED, "requests_per_minute": 6, "requests_burst": 1000})
    shared = Organisation(1, knobs, 0, 0.0)
    assert remaining(shared, 100) == 1000
    shared.retune(knobs.model_copy(update={"others_requests_per_minute": 600}), 100)
    low = remaining(shared, 130)
    assert low == pytest.approx(700, abs=60)
    shared.retune(knobs.model_copy(update={"others_requests_per_minute": 60}), 130)
    lower = remaining(shared, 160)
    assert lower == pytest.approx(low - 27, abs=20)
    shared.retune(knobs, 160)
    assert remaining(shared, 170) == lower + 1


def test_more_others_than_can_be_played_are_refused() -> None:
    with pytest.raises(KnobError, match="others_requests_per_minute cannot be 1000000000000"):
        change_knobs(Knobs(), {"others_requests_per_minute": 10**12})


def test_others_do_nothing_where_there_is_no_limit_and_begin_when_there_is_one() -> None:
    free = Knobs(others_requests_per_minute=600)
    shared = Organisation(1, free, 0, 0.0)
    assert shared.headers("messages", 500, 500) == {}
    limited = free.model_copy(update={"requests_per_minute": 1, "requests_burst": 1000})
    shared.retune(limited, 1000)
    assert remaining(shared, 1000) == 1000
    assert remaining(shared, 1030) == pytest.approx(700, abs=60)


@pytest.mark.parametrize("knobs", [{**LIMITED, "requests_burst": 1}, {"rate_429": 1, "retry_after_s": 3}])
def test_a_terse_429_says_neither_which_limit_it_was_nor_when_to_come_back(knobs: Mapping[str, object]) -> None:
    async def main() -> None:
        simulated = provider({**knobs, "terse_429": True})
        await ask(simulated)
        refused = await ask(simulated)
        assert refused.status == 429
        assert b"Rate limited. Please try again later." in refused.body
        assert b"organization" not in refused.body
        assert "retry-after" not in refused.headers
        simulated.turn({"terse_429": False})
        assert "retry-after" in (await ask(simulated)).headers

    run_in_virtual_time(main())


def test_emptying_the_ledger_fills_the_buckets() -> None:
    async def main() -> None:
        simulated = provider({"requests_per_minute": 1, "requests_burst": 1})
        assert [(await ask(simulated)).status for _ in range(2)] == [200, 429]
        simulated.reset()
        await asyncio.sleep(0)
        assert [(await ask(simulated)).status for _ in range(2)] == [200, 429]

    run_in_virtual_time(main())
