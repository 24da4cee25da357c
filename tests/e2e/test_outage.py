"""A gateway that dies in the middle of a run, with real parts: it costs time, and no record."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.conftest import KEY, PortkeyGateway, Shell, Simulator
from tests.e2e.test_main_job import events, rows, wait_until

# The acceptance run takes DAGTUI_OUTAGE_SECONDS=30 DAGTUI_OUTAGE_RECORDS=3000.
SECONDS = float(os.environ.get("DAGTUI_OUTAGE_SECONDS", "4"))
RECORDS = int(os.environ.get("DAGTUI_OUTAGE_RECORDS", "600"))
AT_ONCE = 40


@pytest.mark.gateway
def test_a_gateway_that_is_killed_and_comes_back_costs_time_and_no_record(
    shell: Shell, simulator: Simulator, mortal_portkey: PortkeyGateway, tmp_path: Path
) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0.0)
    (tmp_path / "in.jsonl").write_text(
        "".join(json.dumps({"content": f"Hello {i}"}) + "\n" for i in range(RECORDS))
    )
    run = shell.start(
        *("run", "in.jsonl", "-g", f"{mortal_portkey.url}/v1", "--custom-host", f"{simulator.url}/v1"),
        *("-c", AT_ONCE, "-o", "out.csv", "--json"),
        ANTHROPIC_API_KEY=KEY,
    )
    reading = ThreadPoolExecutor(1).submit(run.communicate, timeout=300)  # a pipe that nobody reads stops the run
    assert wait_until(lambda: simulator.totals()["by_status"].get("200", 0) >= RECORDS // 4, 60)
    mortal_portkey.kill()
    died = time.time()
    time.sleep(SECONDS)  # the outage itself
    mortal_portkey.start()
    back = time.time()
    out, err = reading.result()
    assert run.returncode == 0, err
    assert len(rows(tmp_path / "out.csv")) == RECORDS

    started = [event["time"] for event in events(out) if event["event"] == "AttemptStarted"]
    during = [at for at in started if died + 0.5 < at < back - 0.5]  # type: ignore[operator]
    assert 1 <= len(during) < 2 * (back - died)
    # Full speed: 40 at once, 0.3 s each, is 133 a second; the gateway itself takes some of it.
    answered = [event["time"] for event in events(out) if event["event"] == "RecordEnded"]
    after = [at for at in answered if back + 3 < at]  # type: ignore[operator]
    if after:
        rate = len(after) / (max(after) - (back + 3))  # type: ignore[type-var,operator]
        assert rate > 60
    assert "nothing answers any more" in err
    assert "it answers again" in err


@pytest.mark.gateway
def test_retrying_can_be_left_to_the_gateway_whose_hidden_attempts_are_told(
    shell: Shell, simulator: Simulator, portkey: str, tmp_path: Path
) -> None:
    # The gateway waits for 1, 2, 4 ... seconds: all but the burst meet the first wait, and few the third.
    simulator.turn(latency_median_s=0.05, requests_per_minute=1200, requests_burst=25)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"content": f"Hello {i}"}) + "\n" for i in range(60)))
    done = shell.run(
        *("run", "in.jsonl", "-g", f"{portkey}/v1", "--custom-host", f"{simulator.url}/v1"),
        *("-c", 60, "-o", "out.csv", "--gateway-retries", 5),
        ANTHROPIC_API_KEY=KEY,
    )
    assert done.returncode == 0, done.stderr
    hidden = simulator.totals()["by_status"]["429"]
    assert hidden >= 10
    told = " ".join(done.stderr.split())
    assert f"Retries by the gateway {hidden}" in told
    assert all(row["dagtui_attempts"] == "1" for row in rows(tmp_path / "out.csv"))
