"""Runs that there are: listed, exported while they go on and afterwards, removed."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import time
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from tests.e2e.conftest import EMAILS, Shell, Simulator


@pytest.fixture
def emails(shell: Shell) -> Path:
    return Path(shutil.copy(EMAILS, shell.home / "emails.csv"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def ran(shell: Shell, simulator: Simulator, emails: Path, *options: object) -> str:
    """A run of the emails with some failures; its id."""
    simulator.turn(latency_median_s=0.01, rate_500=0.2)
    assert shell.run("run", emails, "-g", simulator.url, "-c", 20, "--attempts", 1, "-q", *options).returncode == 3
    [info] = listed(shell)
    return str(info["id"])


def listed(shell: Shell) -> list[dict[str, object]]:
    return [json.loads(line) for line in shell.run("runs", "--json").stdout.splitlines()]


def test_a_run_is_listed_with_its_outcome_and_what_it_cost(
    shell: Shell, simulator: Simulator, emails: Path
) -> None:
    run = ran(shell, simulator, emails)
    [info] = listed(shell)
    totals = simulator.totals()["by_status"]
    assert (info["state"], info["total"], info["succeeded"]) == ("partial", 100, totals["200"])
    assert info["failed"] == totals["500"]
    told = shell.run("runs").stdout
    assert run in told
    assert "partial" in told
    assert "emails.csv · email" in told


def test_results_are_exported_in_every_format_in_the_order_of_the_input(
    shell: Shell, simulator: Simulator, emails: Path
) -> None:
    run = ran(shell, simulator, emails)
    ids = [row["id"] for row in rows(emails)]
    for kind in ("csv", "tsv", "jsonl", "parquet"):
        done = shell.run("export", run[:12], "-o", f"out.{kind}")
        assert done.returncode == 0, done.stderr
        assert done.stderr == f"100 rows in out.{kind}\n"
        assert stat.S_IMODE((shell.home / f"out.{kind}").stat().st_mode) == 0o600
    given = rows(shell.home / "out.csv")
    assert [row["id"] for row in given] == ids
    lines = [json.loads(line) for line in (shell.home / "out.jsonl").read_text().splitlines()]
    assert [line["subject"] for line in lines] == [row["subject"] for row in rows(emails)]
    packed = parquet.read_table(shell.home / "out.parquet").to_pylist()
    assert [row["category"] for row in packed] == [line["category"] for line in lines]
    assert {type(row["confidence"]) for row in packed if row["dagtui_status"] == "ok"} == {float}
    assert shell.run("export", "-o", "out.csv").returncode == 2
    assert shell.run("export", "-o", "out.csv", "--overwrite").returncode == 0


def test_failures_are_exported_with_their_cause_and_are_input_again(
    shell: Shell, simulator: Simulator, emails: Path
) -> None:
    ran(shell, simulator, emails)
    assert shell.run("export", "-o", "f.csv", "--failures").returncode == 0
    failed = rows(shell.home / "f.csv")
    assert {row["dagtui_kind"] for row in failed} == {"server"}
    assert {row["dagtui_attempts"] for row in failed} == {"1"}
    simulator.turn(latency_median_s=0.01)
    again = shell.run("run", "f.csv", "-g", simulator.url, "-o", "again.csv", "-q")
    assert again.returncode == 0
    assert {row["id"] for row in rows(shell.home / "again.csv")} == {row["id"] for row in failed}


def test_an_input_that_changed_gives_its_columns_to_no_export(
    shell: Shell, simulator: Simulator, emails: Path
) -> None:
    ran(shell, simulator, emails)
    emails.write_text(emails.read_text().replace("a", "b"))
    refused = shell.run("export", "-o", "out.csv")
    assert refused.returncode == 4
    assert "is not what this run read (its content has changed)" in refused.stderr
    assert shell.run("export", "-o", "out.csv", "--without-input").returncode == 0
    first = rows(shell.home / "out.csv")[0]
    assert "subject" not in first
    assert first["dagtui_id"] == "email-001"


def test_results_can_be_exported_and_read_by_anybody_while_the_run_goes_on(
    shell: Shell, simulator: Simulator, emails: Path
) -> None:
    simulator.turn(latency_median_s=0.2, latency_sigma=0)
    process = shell.start("run", emails, "-g", simulator.url, "-c", 5, "-q", "--journal", "here.db")
    deadline = time.monotonic() + 20
    while simulator.totals()["by_status"].get("200", 0) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    done = shell.run("export", "here.db", "-o", "part.csv")
    assert done.returncode == 0, done.stderr
    some = rows(shell.home / "part.csv")
    assert 10 < len(some) < 100
    assert {row["dagtui_status"] for row in some} == {"ok"}
    assert shell.run("rm", "./here.db").returncode == 2
    _, told = process.communicate(timeout=30)
    assert process.returncode == 0, told
    assert shell.run("export", "here.db", "-o", "all.csv").returncode == 0
    assert len(rows(shell.home / "all.csv")) == 100


def test_runs_are_removed_by_name_or_by_age(shell: Shell, simulator: Simulator, emails: Path) -> None:
    run = ran(shell, simulator, emails)
    assert shell.run("rm").returncode == 2
    assert shell.run("rm", "--older-than", 1).stdout == ""
    assert shell.run("rm", run).stdout == f"removed {run}\n"
    assert listed(shell) == []
    assert shell.run("resume").stderr == "dagtui: There are no runs yet; dagtui run FILE makes one.\n"


def test_a_run_that_nobody_knows_is_one_sentence_with_the_nearest(
    shell: Shell, simulator: Simulator, emails: Path
) -> None:
    run = ran(shell, simulator, emails)
    for command in (["export", f"{run}x", "-o", "x.csv"], ["resume", f"{run}x"], ["rm", f"{run}x"]):
        done = shell.run(*command)
        assert done.returncode == 2
        assert done.stderr == (
            f'dagtui: There is no run "{run}x" (did you mean "{run}"?); dagtui runs lists them.\n'
        )


def test_the_report_of_a_run_can_be_had_again(shell: Shell, simulator: Simulator, emails: Path) -> None:
    simulator.turn(latency_median_s=0.01, rate_500=0.2)
    first = shell.run("run", emails, "-g", simulator.url, "-c", 20, "--attempts", 1, "-o", "out.csv")
    assert first.returncode == 3
    again = shell.run("report")
    assert again.returncode == 0
    for line in first.stderr.splitlines():
        if line.startswith(
            ("Succeeded", "Failed", "Attempts", "work ", "Total", "In ", "Out ", "To go on", "Duration")
        ):
            assert line in again.stdout.splitlines()
