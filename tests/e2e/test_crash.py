"""Kill -9 at random moments: nothing that was told is lost, and nothing is paid twice that was not listed.

`benchmarks/crash.py` is the long form.
"""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import KEY, Shell, Simulator
from tests.e2e.crashing import Campaign, Verdict, target_of
from tests.e2e.test_main_job import wait_until

IN_FLIGHT = 100


def assert_promise(verdict: Verdict) -> None:
    assert verdict.problems == []
    for kill in verdict.kills:
        assert kill.lost == set(), f"session {kill.session}: told to be answered, and not on disk"
        assert kill.unlisted == set(), f"session {kill.session}: paid for, and not listed"
        assert len(kill.paid) <= IN_FLIGHT + kill.just_answered


@pytest.mark.gateway
@pytest.mark.parametrize("faults", [{}, {"rate_429": 0.05, "rate_500": 0.05, "retry_after_s": 1}])
def test_a_killed_run_loses_nothing_and_lists_whatever_it_pays_twice(
    tmp_path: Path, simulator: Simulator, portkey: str, faults: dict[str, object]
) -> None:
    simulator.turn(latency_median_s=0.3, **faults)
    target = target_of(simulator, portkey)
    campaign = Campaign(tmp_path, simulator, target, random.Random(), records=350, in_flight=IN_FLIGHT)
    verdict = campaign.run(kills=4, longest=0.8)
    assert len(verdict.kills) >= 2
    assert_promise(verdict)


def test_what_was_in_flight_stays_listed_until_it_is_answered(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=600, latency_sigma=0)
    (shell.home / "in.jsonl").write_text("".join(json.dumps({"content": f"Hello {i}"}) + "\n" for i in range(150)))
    process = shell.start("run", "in.jsonl", "-g", simulator.url, "-c", 10, "-q", ANTHROPIC_API_KEY=KEY)
    assert wait_until(lambda: simulator.totals()["requests"] >= 10)
    process.kill()
    process.communicate()

    def listed() -> set[str]:
        dry = shell.run("resume", "--dry-run", "--json")
        contract = json.loads(dry.stdout)["contract"]
        return {one["record"] for kind in ("in_flight", "perhaps_sent") for one in contract[kind]}

    first = listed()
    assert {str(number) for number in range(1, 11)} <= first
    # Left out, and the run ended by hand before it came to them: still nobody knows whether they were billed.
    again = shell.start("resume", "-q", "--headless", "--on-ambiguous", "skip", "-y", "-c", 1)
    assert wait_until(lambda: simulator.totals()["requests"] >= 11)
    for _ in range(2):  # two at once would be one
        again.send_signal(signal.SIGINT)
        wait_until(lambda: again.poll() is not None, 0.3)
    again.communicate(timeout=20)
    assert first <= listed()
