"""What was paid for is kept: files of an earlier run, readers that leave, a terminal for both streams."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dagtui.plan import sample_folder
from tests.e2e.conftest import EMAILS, Shell, Simulator


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_that_the_report_tells_goes_on_with_what_failed_of_any_task(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.3)
    tickets = sample_folder() / "tickets.jsonl"
    options = ["-t", "tickets", "-g", simulator.url, "-c", 50, "--attempts", 1, "-o", "my out.jsonl"]
    first = shell.run("run", tickets, *options)
    assert first.returncode == 3, first.stderr
    failed = (shell.home / "my out.failures.jsonl").read_text().splitlines()
    assert len(failed) > 10
    simulator.turn(rate_500=0)
    [command] = [line for line in first.stderr.splitlines() if line.startswith("To go on")]
    again = shell.run(*shlex.split(command.removeprefix("To go on"))[1:])
    assert again.returncode == 0, again.stderr
    rows = [json.loads(line) for line in (shell.home / "my out.jsonl").read_text().splitlines()]
    assert {row["dagtui_status"] for row in rows} == {"ok"}
    assert len({row["dagtui_id"] for row in rows}) == len(rows) == len(tickets.read_text().splitlines())
    assert not (shell.home / "my out.failures.jsonl").exists()


def test_results_and_failures_of_an_earlier_run_are_replaced_only_when_that_is_wanted(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.3)
    command = ["run", EMAILS, "-g", simulator.url, "-c", 50, "--attempts", 1, "-o", "out.csv"]
    assert shell.run(*command).returncode == 3
    before = (shell.home / "out.csv").read_bytes()
    sent = simulator.totals()["requests"]
    refused = shell.run(*command)
    assert refused.returncode == 2
    assert refused.stderr.startswith("dagtui: out.csv exists already")
    assert len(refused.stderr.splitlines()) == 1
    (shell.home / "out.csv").rename(shell.home / "kept.csv")
    refused = shell.run(*command)
    assert refused.returncode == 2
    assert refused.stderr.startswith("dagtui: out.failures.csv exists already")
    assert simulator.totals()["requests"] == sent
    assert (shell.home / "kept.csv").read_bytes() == before
    simulator.turn(rate_500=0)
    done = shell.run(*command, "--overwrite")
    assert done.returncode == 0
    assert len(rows(shell.home / "out.csv")) == 100
    assert not (shell.home / "out.failures.csv").exists()
    assert "What failed" not in done.stderr


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_reader_that_has_seen_enough_stops_the_spending_in_one_quiet_line(
    shell: Shell, simulator: Simulator, extra: list[str]
) -> None:
    simulator.turn(latency_median_s=0.2, latency_sigma=0)
    process = shell.start("run", EMAILS, "-g", simulator.url, "-c", 5, *extra)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    with process.stderr:
        narration = process.stderr.read()
    assert process.wait(20) == 130
    assert simulator.totals()["requests"] < 30
    title, *where, told = narration.splitlines()
    assert title.startswith("emails.csv")
    assert all(line.startswith("results: ") for line in where)
    assert told.startswith("stopped: nobody reads the results any more")


def on_a_terminal(shell: Shell, *arguments: object) -> str:
    """What the program shows where stdout and stderr are one terminal of 100 columns."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(shell.home)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "dagtui", *map(str, arguments)],
            shell.environ(TERM="xterm-256color", COLUMNS="100", LINES="40"),
        )
    shown = b""
    with contextlib.suppress(OSError):  # EIO: it has ended
        while data := os.read(terminal, 65536):
            shown += data
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()


def test_on_a_terminal_results_are_kept_where_it_is_told_and_the_bar_shows_failures(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.2, rate_500=0.2)
    shown = on_a_terminal(shell, "run", EMAILS, "-g", simulator.url, "-c", 20)
    assert "dagtui_status" not in shown
    assert re.search(r"\| failed \d+", shown)
    assert "…" not in shown
    told = re.search(r"results: kept in the journal; dagtui (export \S+) -o results.csv writes them", shown)
    assert told is not None
    assert shell.run(*told[1].split(), "-o", "results.jsonl").returncode == 0
    assert len((shell.home / "results.jsonl").read_text().splitlines()) == 100


@pytest.mark.parametrize("option", [("--output-format", "csv"), ("--json",)])
def test_data_on_a_terminal_is_not_torn_by_a_progress_bar(
    shell: Shell, simulator: Simulator, option: tuple[str, ...]
) -> None:
    simulator.turn(latency_median_s=0.05)
    shown = on_a_terminal(shell, "run", EMAILS, "-g", simulator.url, "-c", 20, *option)
    assert "█" not in shown.split("Categories")[0]
    assert "Succeeded     100" in shown


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_a_disk_that_takes_no_more_ends_the_run_in_one_sentence_and_the_rest_can_be_had_later(
    shell: Shell, simulator: Simulator, quiet: list[str]
) -> None:
    simulator.turn(latency_median_s=0.02, latency_sigma=0)
    words = [sys.executable, "-m", "dagtui", "run", EMAILS, "-g", simulator.url, "-c", "2", *quiet]
    script = f"ulimit -f 800; exec {shlex.join(map(str, words))} -o out.jsonl"
    # Python does not look whether the bytecode of a module that it meets first here was written to its end.
    environ = shell.environ(PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(["sh", "-c", script], cwd=shell.home, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the journal cannot be written: disk I/O error" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    paid = {entry["trace_id"] for entry in simulator.entries()}
    assert 0 < len(paid) < 100
    again = shell.run("resume", "--headless", "--on-ambiguous", "retry")
    assert again.returncode == 0, again.stderr
    kept = [json.loads(line) for line in (shell.home / "out.jsonl").read_text().splitlines()]
    assert len(kept) == len({row["dagtui_id"] for row in kept}) == 100


def test_the_simulator_tells_people_how_to_use_it_and_programs_where_it_is(shell: Shell) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(shell.home)
        program = [sys.executable, "-m", "dagtui", "simulate", "--port", "0"]
        os.execve(sys.executable, program, shell.environ(TERM="xterm-256color"))
    shown = b""
    while b"\n" not in shown:
        shown += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert re.search(r"at http://127.0.0.1:\d+. Use it: dagtui run FILE -g http", shown.decode())


def test_an_endless_device_takes_the_results_but_has_no_failures_beside_it(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.2)
    done = shell.run("run", EMAILS, "-g", simulator.url, "-c", 50, "--attempts", 1, "-o", "/dev/null")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert not Path("/dev/null.failures").exists()
