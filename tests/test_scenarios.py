"""Whole runs against every scenario, in virtual time, with the simulator's ledger as the judge: how far each is
from the least time that anybody could have taken, how much was refused, and that nothing is lost or paid twice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from dagtui.core.model import Record
from dagtui.core.pacing.learnt import Learnt
from dagtui.core.pricing import PriceTable
from dagtui.core.result import RunResult
from dagtui.core.run_settings import RunSettings
from dagtui.core.settings import GatewaySettings, PriceOverride
from dagtui.io.bundled import bundled
from dagtui.io.portkey import Portkey
from dagtui.io.source import open_source
from dagtui.io.tasks import load_task
from dagtui.session import Session
from dagtui.simulator.bound import Bound, bound
from dagtui.simulator.knobs import Knobs
from dagtui.simulator.ledger import Ledger
from dagtui.simulator.provider import Provider
from dagtui.simulator.scenarios import SCENARIOS, Scenario
from dagtui.testing import run_in_virtual_time
from tests.virtual_provider import InProcess, LoopClock

MODEL = "claude-3-5-haiku-20241022"
PRICES = PriceTable({MODEL: PriceOverride.model_validate({"input": 1, "output": 5})})


class Played:
    """A run that has ended, and what the provider saw of it."""

    def __init__(self, session: Session, result: RunResult, ledger: Ledger, concurrency: int) -> None:
        self.learnt = session.learnt()
        self.snapshot = result.snapshot
        self.bound: Bound = bound(ledger.entries, ledger.knob_changes, concurrency)
        self.entries = ledger.entries
        statuses = Counter(entry.status for entry in self.entries)
        self.refused = statuses[429]
        answered = Counter(entry.trace_id.rpartition("/")[0] for entry in self.entries if entry.status == 200)
        self.paid_twice = sum(count > 1 for count in answered.values())
        self.log = [entry.text for entry in session.log if entry.level == "run"]

    def check(self, records: int) -> None:
        """What holds of every run: all records answered, none paid for twice."""
        assert self.snapshot.counts.succeeded == records
        assert self.snapshot.counts.failed == 0
        assert self.paid_twice == 0


def emails(count: int) -> list[Record]:
    samples = open_source(bundled("sample_data") / "emails.csv").preview(100)
    return [Record(i, str(i), {"content": f"{samples[i % 100].fields['content']} ({i})"}) for i in range(count)]


def play(scenario: Scenario, *, seed: int = 0, learnt: dict[str, Learnt] | None = None, **settings: Any) -> Played:
    async def main() -> Played:
        provider = Provider(Knobs.model_validate(scenario.knobs), seed, LoopClock(), scenario.steps)
        retry = {"attempts": scenario.gateway_retries, "on_status_codes": [429, 500, 502, 503, 504]}
        config = json.dumps({"retry": retry}) if scenario.gateway_retries else None
        gateway = Portkey(
            GatewaySettings(base_url="http://simulator", provider="anthropic", config=config),
            InProcess(provider, seed),
        )
        chosen: dict[str, Any] = {"concurrency": scenario.concurrency, **settings}
        if scenario.timeout is not None:
            chosen["timeout"] = scenario.timeout
        session = Session(
            plugin=load_task("email"),
            records=emails(scenario.records),
            gateway=gateway,
            settings=RunSettings(**chosen),
            prices=PRICES,
            seed=seed,
            learnt=learnt,
        )
        result = await session.run()
        return Played(session, result, provider.ledger, scenario.concurrency)

    return run_in_virtual_time(main())


# The most that each may take over its bound, and the most of its records that may be refused.
LIMITED = {
    "tight": (1.03, 0.005),
    "halving": (1.03, 0.005),
    "tokens": (1.03, 0.005),
    "output": (1.03, 0.005),
    "shared": (1.08, 0.005),
    "stripped": (1.03, 0.005),
    "bare": (1.03, 0.02),
    "misleading": (1.03, 0.005),
}


@pytest.mark.parametrize("name", LIMITED)
def test_a_limit_is_found_and_followed_from_a_cold_start_and_better_still_when_it_is_known(name: str) -> None:
    scenario = SCENARIOS[name]
    most, refused = LIMITED[name]
    cold = play(scenario)
    cold.check(scenario.records)
    assert cold.bound.ratio <= most
    assert cold.refused <= refused * scenario.records
    warm = play(scenario, learnt=cold.learnt)
    warm.check(scenario.records)
    assert warm.bound.ratio <= min(most, 1.015) or name == "shared"
    assert warm.refused <= refused * scenario.records


def test_a_limit_that_the_user_tells_is_used_from_the_start() -> None:
    told = play(SCENARIOS["tight"], limits={"requests": 3000})
    told.check(2000)
    assert told.bound.ratio <= 1.015
    assert told.refused <= 10


def test_a_limit_that_the_user_tells_wrongly_is_corrected_by_the_provider() -> None:
    told = play(SCENARIOS["tight"], limits={"requests": 600})
    told.check(2000)
    assert told.bound.ratio <= 1.03


def test_a_small_job_against_a_small_limit_takes_hardly_longer_than_it_must() -> None:
    scenario = SCENARIOS["small"]
    cold = play(scenario)
    cold.check(60)
    assert cold.bound.ratio <= 1.03
    for known in (play(scenario, learnt=cold.learnt), play(scenario, limits={"requests": 50})):
        known.check(60)
        assert known.bound.ratio <= 1.03
        assert known.refused <= 5


def test_a_hundred_records_leave_at_once_where_nothing_limits() -> None:
    free = Scenario("free", "No limits.", records=100, knobs={"latency_median_s": 0.3, "latency_sigma": 0})
    played = play(free)
    played.check(100)
    assert played.snapshot.elapsed < 0.35


def test_a_gateway_that_retries_behind_our_back_is_not_flooded() -> None:
    played = play(SCENARIOS["hidden"])
    played.check(2000)
    assert played.bound.ratio <= 1.10


def test_a_flaky_provider_costs_retries_and_no_record() -> None:
    played = play(SCENARIOS["flaky"])
    played.check(1000)
    assert played.bound.ratio <= 1.10


def test_an_outage_of_half_a_minute_costs_its_time_and_no_record() -> None:
    played = play(SCENARIOS["outage"])
    played.check(3000)
    begun = min(entry.received_at for entry in played.entries)
    during = [entry for entry in played.entries if begun + 6 < entry.received_at < begun + 35]
    assert len(during) < 2 * 29
    after = [entry.received_at - begun for entry in played.entries if entry.received_at > begun + 35]
    # 50 at once at about 0.32 s each is 157 a second.
    assert sum(38 <= at < 39 for at in after) > 0.9 * 157
    assert any("nothing answers" in line for line in played.log)
    assert any("answers again" in line for line in played.log)


def test_what_the_gateway_retries_it_retries_alone() -> None:
    scenario = SCENARIOS["tight"]
    few = Scenario("few", "", 300, 100, scenario.knobs, gateway_retries=5)
    played = play(few, retries_by="gateway")
    assert played.snapshot.retries == 0
    assert played.snapshot.gateway_retries > 0


def test_hedging_spares_a_run_the_time_that_hanging_requests_take() -> None:
    patient, hedged = play(SCENARIOS["flaky"]), play(SCENARIOS["flaky"], hedge=True)
    hedged.check(1000)
    assert hedged.snapshot.elapsed < 0.4 * patient.snapshot.elapsed
    assert len(hedged.entries) < 1.03 * len(patient.entries)


def test_automatic_concurrency_takes_what_the_limit_needs_and_no_more() -> None:
    played = play(SCENARIOS["tight"], concurrency=20, automatic=True)
    played.check(2000)
    assert played.bound.ratio <= 1.03
    # 50 a second at about 0.32 s each are 16 in flight.
    assert max(entry.in_flight for entry in played.entries) <= 50
    assert any("held by requests a minute: 3,000" in line for line in played.log)
