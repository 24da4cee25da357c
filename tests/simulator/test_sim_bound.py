"""The bound of a run, from ledgers made up for it and from runs in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Mapping, Sequence

import pytest

from dagtui.simulator.bound import Bound, bound
from dagtui.simulator.knobs import Knobs
from dagtui.simulator.ledger import Entry, KnobChange
from dagtui.simulator.provider import Provider
from dagtui.simulator.scenarios import SCENARIOS, Step
from dagtui.testing import run_in_virtual_time
from tests.simulator.sim_virtual import ask, provider

BEGUN = 1_000.0


def entry(seq: int, at: float = 0, length: float = 1, trace: str = "", **fields: int) -> Entry:
    """An attempt that was let in, `at` seconds after the ledger was begun."""
    values = {"status": 200, "input_tokens": 100, "output_tokens": 30, "organisation": 1, "reserved_tokens": 150}
    return Entry(
        seq=seq,
        received_at=BEGUN + at,
        ended_at=BEGUN + at + length,
        trace_id=trace,
        metadata=None,
        model="claude-test",
        in_flight=1,
        **{**values, **fields},  # type: ignore[arg-type]
    )


def bound_of(
    entries: Sequence[Entry],
    *later: tuple[float, Mapping[str, object]],
    concurrency: int | None = None,
    **knobs: object,
) -> Bound:
    """The bound under these knobs, with changes at seconds after the ledger was begun."""
    changes = [KnobChange(BEGUN, Knobs.model_validate(knobs).model_dump())]
    changes += [KnobChange(BEGUN + at, changed) for at, changed in later]
    return bound(entries, changes, concurrency)


def one_by_one(count: int, gap: float = 1, **fields: int) -> list[Entry]:
    return [entry(seq, at=seq * gap, **fields) for seq in range(count)]


def test_without_limits_all_start_at_once() -> None:
    found = bound_of(one_by_one(5))
    assert (found.seconds, found.span, found.ratio, found.binding, found.fluid) == (1, 5, 5, "latency", 0)


def test_an_empty_ledger_and_one_of_refusals_have_a_bound() -> None:
    assert bound_of([]) == Bound(0, 0, 1, "latency", 0)
    found = bound_of([entry(1, status=429, organisation=0, reserved_tokens=0)], requests_per_minute=1)
    assert (found.seconds, found.ratio) == (0, 1)


def test_slots_bind() -> None:
    found = bound_of(one_by_one(10), concurrency=3)
    assert (found.seconds, found.binding) == (4, "concurrency")
    assert bound_of(one_by_one(10), concurrency_cap=5).seconds == 2


def test_requests_bind_after_the_burst() -> None:
    found = bound_of(one_by_one(20), requests_per_minute=60, requests_burst=5)
    assert (found.seconds, found.binding) == (pytest.approx(16, abs=0.01), "requests")
    assert found.fluid == pytest.approx(15)


def test_input_tokens_bind() -> None:
    knobs = {"input_tokens_per_minute": 6_000, "input_tokens_burst": 200, "requests_per_minute": 600}
    found = bound_of(one_by_one(10), **knobs)
    assert (found.seconds, found.binding) == (pytest.approx(9, abs=0.01), "input_tokens")
    assert found.fluid == pytest.approx(8)


def test_output_is_reserved_at_the_start_and_settled_at_the_end() -> None:
    """A bucket that holds one reservation lets one in; its end gives back 120 of its 150 tokens."""
    knobs = {"output_tokens_per_minute": 60 * 15, "output_tokens_burst": 150}
    found = bound_of(one_by_one(3), **knobs)
    # Each: a second under way in which 15 come back, 120 at its end, and one more second for the last 15.
    assert (found.seconds, found.binding) == (pytest.approx(5, abs=0.01), "output_tokens")
    assert found.fluid == 0


def test_a_limit_that_changes_acts_from_its_time_on() -> None:
    halved = (10, {"requests_per_minute": 30})
    found = bound_of(one_by_one(21), halved, requests_per_minute=60, requests_burst=1)
    assert found.seconds == pytest.approx(10 + 2 * 10 + 1, abs=0.1)
    assert found.fluid == pytest.approx(30)
    freed = (10, {"requests_per_minute": None})
    assert bound_of(one_by_one(100), freed, requests_per_minute=60).seconds == 11


def test_knobs_that_were_turned_before_the_first_arrival_hold_from_the_start() -> None:
    entries = [entry(seq, at=50) for seq in range(11)]
    found = bound_of(entries, (20, {"requests_per_minute": 60, "requests_burst": 1}))
    assert found.seconds == pytest.approx(11, abs=0.01)


def test_nothing_starts_during_an_outage() -> None:
    gone = [(0.5, {"down": True}), (30.5, {"down": False})]
    found = bound_of(one_by_one(10), *gone, concurrency=5)
    assert (found.seconds, found.binding) == (31.5, "down")


def test_an_attempt_waits_for_the_one_before_it_but_nobody_waits_with_it() -> None:
    entries = [
        entry(1, 0, 10, "run/1/1", status=500),
        entry(2, 20, 1, "run/1/2"),
        entry(3, 40, 2, "run/2/1"),
        entry(4, 60, 2, "run/3/1"),
    ]
    assert bound_of(entries).seconds == 11
    assert bound_of(entries, concurrency=2).seconds == 11
    assert bound_of([one._replace(trace_id="same") for one in entries]).seconds == 10


def test_who_gave_up_did_not_wait_for_the_end() -> None:
    entries = [entry(1, 0, 600, "run/1/1", status=0, output_tokens=0), entry(2, 30, 1, "run/1/2")]
    assert bound_of(entries).seconds == 31


def test_others_drink_first() -> None:
    knobs = {"requests_per_minute": 60, "requests_burst": 1, "others_requests_per_minute": 30}
    assert bound_of(one_by_one(11), **knobs).seconds == pytest.approx(21, abs=0.01)
    assert bound_of(one_by_one(11), **{**knobs, "others_requests_per_minute": 90}).seconds == 1


def test_each_organisation_has_limits_of_its_own() -> None:
    both = [entry(seq, organisation=1 + seq % 2) for seq in range(22)]
    assert bound_of(both, requests_per_minute=60, requests_burst=1).seconds == pytest.approx(11, abs=0.01)


def test_what_fits_no_limit_any_more_ends_all_the_same() -> None:
    shrunk = (0.5, {"input_tokens_burst": 10})
    knobs = {"input_tokens_per_minute": 600, "input_tokens_burst": 100}
    assert bound_of(one_by_one(5), shrunk, **knobs).seconds < 10


def test_an_outage_without_an_end_holds_nobody() -> None:
    assert bound_of(one_by_one(10), (0.5, {"down": True}), concurrency=5).seconds == 2


def test_attempts_of_an_earlier_run_that_end_later_do_not_count() -> None:
    assert bound_of([entry(1, -50, 60), entry(2, 0, 1)]).span == 1


async def knock(simulated: Provider, number: int, slots: asyncio.Semaphore, draw: random.Random) -> None:
    """Ask until it is answered, each time after a wait that knows nothing."""
    for attempt in itertools.count(1):
        async with slots:
            outcome = await ask(simulated, f"Record {number}", f"run/{number}/{attempt}")
        if outcome.status == 200:
            return
        await asyncio.sleep(draw.uniform(0.01, 2))


def run(records: int, concurrency: int, knobs: Mapping[str, object], steps: Sequence[Step] = ()) -> Bound:
    async def main() -> Bound:
        simulated, slots, draw = provider(knobs, steps=steps), asyncio.Semaphore(concurrency), random.Random(1)
        await asyncio.gather(*(knock(simulated, number, slots, draw) for number in range(records)))
        simulated.stop()
        return bound(simulated.ledger.entries, simulated.ledger.knob_changes, concurrency)

    return run_in_virtual_time(main())


@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - {"shared"}))
def test_no_run_is_faster_than_its_bound(name: str) -> None:
    scenario = SCENARIOS[name]
    knobs = {**scenario.knobs, "hang_s": 30}
    found = run(min(scenario.records, 400), scenario.concurrency, knobs, scenario.steps)
    assert found.ratio > 0.999
    assert found.fluid <= found.seconds


def test_a_run_that_meets_no_limit_is_as_fast_as_its_bound() -> None:
    found = run(50, 50, {"latency_median_s": 0.3, "latency_sigma": 0.35})
    assert found.ratio == pytest.approx(1)


def test_a_long_run_of_twenty_thousand_is_weighed() -> None:
    entries = [entry(seq, at=seq / 50, length=0.3, trace=f"run/{seq}/1") for seq in range(20_000)]
    found = bound_of(entries, concurrency=100, **SCENARIOS["tokens"].knobs, requests_burst=50)
    assert found.binding == "input_tokens"
