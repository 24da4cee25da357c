"""The main job with real parts, judged by the simulator's ledger."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.conftest import EMAILS, KEY, Shell, Simulator, free_port

HAIKU_IN, HAIKU_OUT = Decimal("0.80"), Decimal(4)


def events(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether `true` became so in time."""
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def assert_agrees(results: list[dict[str, str]], ledger: dict[str, object], attempts: int) -> None:
    """The results file says to the last digit what the provider's ledger says."""
    tokens_in = sum(int(row["dagtui_input_tokens"]) for row in results)
    tokens_out = sum(int(row["dagtui_output_tokens"]) for row in results)
    cost = sum(Decimal(row["dagtui_cost_usd"]) for row in results)
    assert (tokens_in, tokens_out) == (ledger["input_tokens"], ledger["output_tokens"])
    assert cost == (HAIKU_IN * tokens_in + HAIKU_OUT * tokens_out) / 1_000_000
    assert sum(int(row["dagtui_attempts"]) for row in results) == ledger["requests"] == attempts


def test_the_demo_runs_without_any_key_and_agrees_with_the_ledger(shell: Shell) -> None:
    done = shell.run("demo", "--headless")
    assert done.returncode == 0, done.stderr
    assert "Succeeded     100  (100.0% of 100 records)" in done.stderr
    assert "newsletter" in done.stderr
    assert "the simulator's ledger says the same" in " ".join(done.stderr.split())


@pytest.mark.gateway
def test_a_hundred_emails_go_through_the_real_gateway_with_a_fifth_refused(
    shell: Shell, simulator: Simulator, portkey: str
) -> None:
    simulator.turn(rate_429=0.2, retry_after_s=1, latency_median_s=0.1)
    arguments = ["--gateway", f"{portkey}/v1", "--custom-host", f"{simulator.url}/v1", "-c", 100, "-o", "out.csv"]
    done = shell.run("run", EMAILS, *arguments, ANTHROPIC_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    results, ledger = rows(shell.home / "out.csv"), simulator.totals()
    assert len(results) == 100
    assert {row["dagtui_status"] for row in results} == {"ok"}
    assert ledger["by_status"]["200"] == 100
    assert ledger["by_status"]["429"] > 5
    assert_agrees(results, ledger, ledger["requests"])
    assert "CANARY" not in done.stderr + done.stdout + (shell.home / "out.csv").read_text()


def test_events_are_streamed_as_json_lines_and_rebuild_the_outcome(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01)
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "--json", "-q")
    assert done.returncode == 0, done.stderr
    told = events(done.stdout)
    assert told[0]["event"] == "RunStarted"
    assert told[-1] == {**told[-1], "event": "PhaseChanged", "phase": "ended"}
    ended = [event for event in told if event["event"] == "RecordEnded"]
    assert len(ended) == 100
    assert done.stderr == ""


def test_results_go_to_stdout_and_narration_does_not(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01)
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 50)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 100
    assert {answer["category"] for answer in answers} == {"work", "spam", "newsletter", "personal"}
    assert "Succeeded" in done.stderr


def test_the_first_refused_key_stops_the_run_and_says_which_variable(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 5, "-o", "out.csv", ANTHROPIC_API_KEY="sk-invalid")
    assert done.returncode == 5
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert simulator.totals()["requests"] <= 5


def test_an_unknown_model_stops_the_run_at_once(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 5, "-m", "claude-no-such", "-o", "out.csv")
    assert done.returncode == 2
    assert "claude-no-such" in done.stderr
    assert simulator.totals()["requests"] <= 5


def test_what_failed_can_be_run_again_from_the_failures_file(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.3)
    first = shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "--attempts", 1, "-o", "out.csv")
    assert first.returncode == 3
    failed = rows(shell.home / "out.failures.csv")
    assert 10 < len(failed) < 50
    simulator.turn(rate_500=0)
    assert re.search(r"What failed +out\.failures\.csv", first.stderr)
    again = shell.run("run", "out.failures.csv", "-g", simulator.url, "-o", "again.csv")
    assert again.returncode == 0, again.stderr
    assert {row["id"] for row in rows(shell.home / "again.csv")} == {row["id"] for row in failed}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_drains_and_keeps_what_was_answered(shell: Shell, simulator: Simulator, sign: int) -> None:
    simulator.turn(latency_median_s=0.3, latency_sigma=0)
    process = shell.start("run", EMAILS, "-g", simulator.url, "-c", 10, "-o", "out.csv")
    assert wait_until(lambda: simulator.totals()["requests"] >= 20)
    process.send_signal(sign)
    _, narration = process.communicate(timeout=20)
    assert process.returncode == 130
    ledger = simulator.totals()
    answered = [row for row in rows(shell.home / "out.csv") if row["dagtui_status"] == "ok"]
    assert len(answered) == ledger["by_status"]["200"] < 100
    assert "finishing 10 in flight, what is answered is saved" in narration
    assert re.search(r"To go on +dagtui resume 2", narration)


def test_a_gateway_that_is_killed_and_comes_back_costs_time_and_no_records(shell: Shell) -> None:
    port, knobs = str(free_port()), json.dumps({"latency_median_s": 0.1, "latency_sigma": 0})
    command = [sys.executable, "-m", "dagtui.simulator", "--port", port, "--knobs", knobs]
    url = f"http://127.0.0.1:{port}"

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        return process

    first = start()
    program = shell.start("run", EMAILS, "-g", url, "-c", 10, "-o", "out.csv", "--attempts", 2)
    assert wait_until(lambda: Simulator(url).totals()["requests"] >= 20)
    first.kill()
    first.wait(10)
    wait_until(lambda: program.poll() is not None, seconds=1.0)  # long enough for attempts to be used up
    second = start()
    try:
        _, err = program.communicate(timeout=60)
        assert program.returncode == 0, err
        assert {row["dagtui_status"] for row in rows(shell.home / "out.csv")} == {"ok"}
        assert len(rows(shell.home / "out.csv")) == 100
    finally:
        second.kill()
        second.wait(10)


def test_an_unreachable_gateway_is_one_sentence_and_nothing_is_sent(shell: Shell) -> None:
    done = shell.run("run", EMAILS, "-g", "http://127.0.0.1:9", "-o", "out.csv")
    assert done.returncode == 7
    assert len(done.stderr.strip().splitlines()) == 1
    assert "http://127.0.0.1:9" in done.stderr
    assert not (shell.home / "out.csv").exists()
