"""Going on with a run by the command: the input changed, came through a pipe, or is a scenario's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.conftest import EMAILS, KEY, Shell, Simulator
from tests.e2e.test_main_job import wait_until

TASK = """name = "short"
[model]
provider = "anthropic"
name = "claude-3-5-haiku-20241022"
temperature = {temperature}
[ask]
name = "ask"
prompt = "Say {{content}}"
"""


def contract(shell: Shell, *options: str, **environ: str) -> dict[str, Any]:
    done = shell.run("resume", "--dry-run", "--json", *options, **environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["contract"]


def written(shell: Shell, *texts: str) -> Path:
    path = shell.home / "in.jsonl"
    path.write_text("".join(json.dumps({"id": text, "content": f"Hello {text}"}) + "\n" for text in texts))
    return path


def begun(shell: Shell, simulator: Simulator, temperature: float = 0.1) -> None:
    simulator.turn(latency_median_s=0.01)
    (shell.home / "task.toml").write_text(TASK.format(temperature=temperature))
    written(shell, "a", "b", "c")
    done = shell.run("run", "in.jsonl", "-t", "task.toml", "-g", simulator.url, "-q", "-o", "out.jsonl")
    assert done.returncode == 0, done.stderr


def test_an_edited_task_is_told_by_name_and_decided_about(shell: Shell, simulator: Simulator) -> None:
    begun(shell, simulator)
    (shell.home / "task.toml").write_text(TASK.format(temperature=0.7))
    told = contract(shell)
    assert [one["record"] for one in told["stale"]] == ["a", "b", "c"]
    assert told["differences"] == ["ask temperature 0.1 -> 0.7"]
    sent = simulator.totals()["requests"]
    refused = shell.run("resume", "--headless", "-q")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "3 answers are stale: --stale redo asks for them again, --stale keep keeps them" in refused.stderr
    assert shell.run("resume", "--headless", "-q", "--stale", "keep").returncode == 0
    assert simulator.totals()["requests"] == sent
    assert shell.run("resume", "--headless", "-q", "--stale", "redo").returncode == 0
    assert simulator.totals()["requests"] == sent + 3
    assert contract(shell)["stale"] == []


def test_an_input_that_was_edited_is_compared_row_by_row_and_can_be_exported(
    shell: Shell, simulator: Simulator
) -> None:
    begun(shell, simulator)
    sent = simulator.totals()["requests"]
    written(shell, "a", "x", "b", "c")
    told = contract(shell)
    assert ([one["record"] for one in told["stale"]], told["reused"], told["new"]) == (["x", "b"], 1, 1)
    assert shell.run("resume", "--headless", "-q", "-y").returncode == 0
    assert simulator.totals()["requests"] == sent + 3
    told = contract(shell)
    assert (told["reused"], told["stale"], told["new"]) == (4, [], 0)
    assert shell.run("export", "-o", "export.jsonl").returncode == 0
    rows = [json.loads(line) for line in (shell.home / "export.jsonl").read_text().splitlines()]
    assert [row["dagtui_id"] for row in rows] == ["a", "x", "b", "c"]


def test_an_input_that_is_gone_is_one_sentence(shell: Shell, simulator: Simulator) -> None:
    begun(shell, simulator)
    (shell.home / "in.jsonl").unlink()
    refused = shell.run("resume", "--headless", "-y")
    assert (refused.returncode, refused.stderr.count("\n")) == (4, 1)
    assert "in.jsonl" in refused.stderr
    refused = shell.run("export", "-o", "export.jsonl")
    assert "--without-input leaves its columns out" in refused.stderr
    assert shell.run("export", "--without-input", "-o", "export.jsonl").returncode == 0


def test_a_config_with_keys_is_not_kept_and_must_be_given_again(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.01)
    written(shell, "a")
    config = {"provider": "anthropic", "api_key": KEY}
    run = ("run", "in.jsonl", "-g", simulator.url, "-q", "-o", "out.jsonl")
    assert shell.run(*run, DAGTUI_PORTKEY_CONFIG=json.dumps(config)).returncode == 0
    refused = shell.run("resume", "--headless", "-y")
    assert refused.returncode == 2
    assert "The gateway's config holds keys, which the journal does not keep" in refused.stderr
    told = contract(shell, DAGTUI_PORTKEY_CONFIG=json.dumps(config))
    assert (told["reused"], told["stale"]) == (1, [])
    files = [path for path in shell.home.rglob("*") if path.is_file()]
    assert not [path for path in files if b"CANARY" in path.read_bytes()]
    plain = json.dumps({"provider": "anthropic", "request_timeout": 60_000})
    assert shell.run(*run, "--overwrite", "--portkey-config", plain).returncode == 0
    assert contract(shell)["reused"] == 1  # nothing in it is secret: it is kept


def test_what_came_through_a_pipe_was_kept_and_is_gone_on_with(shell: Shell, simulator: Simulator) -> None:
    simulator.turn(latency_median_s=0.05, latency_sigma=0)
    lines = "".join(json.dumps({"content": f"Hello {i}"}) + "\n" for i in range(200))
    command = [sys.executable, "-m", "dagtui", "run", "-", "--format", "jsonl", "-g", simulator.url]
    process = subprocess.Popen(
        [*command, "-c", "5", "-q", "-o", "out.jsonl"],
        stdin=subprocess.PIPE, cwd=shell.home, env=shell.environ(ANTHROPIC_API_KEY=KEY), text=True,
    )  # fmt: skip
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(lines)
    assert wait_until(lambda: simulator.totals()["requests"] >= 20)
    process.kill()
    process.wait()
    simulator.turn(latency_median_s=0.01)
    for _ in range(2):  # and once more, when there is nothing left to do
        done = shell.run("resume", "--headless", "-q", "-y", "-c", 50)
        assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (shell.home / "out.jsonl").read_text().splitlines()]
    assert len(rows) == len({row["dagtui_id"] for row in rows}) == 200
    assert shell.run("export", "-o", "export.jsonl").returncode == 0
    assert len((shell.home / "export.jsonl").read_text().splitlines()) == 200


def test_a_scenario_is_gone_on_with(shell: Shell) -> None:
    process = shell.start("demo", "--scenario", "small", "--headless", "-q")
    # No results yet is an error; the first ones end the wait.
    export = ("export", "--without-input", "-o", "some.jsonl", "--overwrite")
    assert wait_until(lambda: shell.run(*export).returncode == 0)
    process.kill()
    process.communicate()
    told = contract(shell)
    assert told["reused"] > 0
    assert told["stale"] == []


def test_the_sample_emails_of_the_demo_are_gone_on_with(shell: Shell) -> None:
    assert shell.run("demo", "--headless", "-q", "--sim", "latency_median_s=0.01").returncode == 0
    told = contract(shell)
    assert (told["reused"], told["new"], told["stale"]) == (len(EMAILS.read_text().splitlines()) - 1, 0, [])
