"""The simulator as a process: how it starts, says where it is, and ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner

from dagtui.cli import cli
from dagtui.simulator.scenarios import SCENARIOS

COMMAND = [sys.executable, "-m", "dagtui.simulator"]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    arguments = ["--exit-with-stdin", "--knobs", '{"requests_per_minute": 77}']
    with subprocess.Popen([*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.kill()


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())["url"]


def test_it_prints_its_url_when_it_is_ready(process: subprocess.Popen[str]) -> None:
    knobs = httpx.get(f"{ready(process)}/sim/knobs", trust_env=False).json()
    assert knobs["requests_per_minute"] == 77


def test_it_dies_when_its_standard_input_closes(process: subprocess.Popen[str]) -> None:
    ready(process)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_without_a_word(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    url = ready(process)
    httpx.patch(f"{url}/sim/knobs", json={"rate_hang": 1}, trust_env=False)
    headers = {"x-portkey-provider": "anthropic"}
    body = {"model": "claude-x", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/messages", json=body, headers=headers, timeout=0.05, trust_env=False)
    process.send_signal(number)
    assert process.wait(5) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=20, check=False
        )
    assert result.returncode == 2
    assert result.stdout == ""
    sentence = f"Port {port} on 127.0.0.1 is in use: choose another with --port, or --port 0 for a free one.\n"
    assert result.stderr == sentence


def test_wrong_knobs_are_said_in_one_sentence() -> None:
    result = subprocess.run(
        [*COMMAND, "--knobs", '{"latency": 1}'], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 2
    told = 'There is no knob "latency" (did you mean "latency_sigma"?); dagtui simulate --help lists them.\n'
    assert result.stderr == told


def test_a_scenario_is_played_and_the_knobs_beside_it_win() -> None:
    arguments = ["--exit-with-stdin", "--scenario", "halving", "--knobs", '{"requests_burst": 7}']
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        knobs = httpx.get(f"{ready(process)}/sim/knobs", trust_env=False).json()
        process.kill()
    assert (knobs["requests_per_minute"], knobs["requests_burst"]) == (3000, 7)


def test_an_unknown_scenario_is_said_in_one_sentence() -> None:
    result = subprocess.run(
        [*COMMAND, "--scenario", "halfing"], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith('There is no scenario "halfing" (did you mean "halving"?); there are tight, ')
    assert result.stderr.count("\n") == 1


def test_the_command_line_names_the_scenarios_and_refuses_others() -> None:
    told = CliRunner().invoke(cli, ["simulate", "--help"]).output
    assert all(f"  {name} " in told for name in SCENARIOS)
    refused = CliRunner().invoke(cli, ["simulate", "--scenario", "tigt"])
    assert refused.exit_code == 2
    assert 'There is no scenario "tigt" (did you mean "tight"?)' in refused.output
