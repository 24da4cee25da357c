"""What was estimated, held against the ledger of the run that followed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from dagtui.plan import sample_folder
from tests.e2e.conftest import EMAILS, Shell, Simulator

HAIKU_IN, HAIKU_OUT = Decimal("0.80"), Decimal(4)


@pytest.mark.parametrize(
    ("task", "file"), [("email", "emails.csv"), ("tickets", "tickets.jsonl"), ("reviews", "reviews.txt")]
)
def test_the_ledger_lies_between_the_least_and_the_most(
    shell: Shell, simulator: Simulator, task: str, file: str
) -> None:
    chosen = (str(sample_folder() / file), "--task", task, "--gateway", simulator.url, "-c", "100")
    simulator.turn(latency_median_s=0)
    done = shell.run("estimate", *chosen, "--json")
    assert done.returncode == 0, done.stderr
    assert simulator.totals()["requests"] == 0
    found = json.loads(done.stdout)
    run = shell.run("run", *chosen, "-o", "out.csv")
    assert run.returncode == 0, run.stderr
    ledger = simulator.totals()
    if task == "email":  # the sample that the reference is measured by
        assert (ledger["input_tokens"], ledger["output_tokens"]) == (16_587, 3_308)
    assert found["requests"] == ledger["requests"]
    assert found["tokens_in"]["low"] <= ledger["input_tokens"] <= found["tokens_in"]["high"]
    assert found["tokens_out"]["low"] <= ledger["output_tokens"] <= found["tokens_out"]["high"]
    dollars = (HAIKU_IN * ledger["input_tokens"] + HAIKU_OUT * ledger["output_tokens"]) / 1_000_000
    assert Decimal(found["dollars"]["low"]) <= dollars <= Decimal(found["dollars"]["high"])
    assert abs(found["tokens_in"]["likely"] / ledger["input_tokens"] - 1) < 0.15


def test_what_a_run_refuses_an_estimate_refuses_with_the_same_code(shell: Shell) -> None:
    (shell.home / "bad.csv").write_text("id,content\n1,x\n2,y,z\n")
    (shell.home / "field.csv").write_text("id,contents\n1,x\n")
    for arguments, code in (
        (("bad.csv",), 4),
        (("field.csv",), 4),
        (("missing.csv",), 4),
        (("bad.csv", "-t", "emial"), 2),
        ((EMAILS, "-g", "portkye"), 2),
    ):
        refused = shell.run("estimate", *arguments)
        assert refused.returncode == shell.run("run", *arguments).returncode == code
        assert len(refused.stderr.strip().splitlines()) == 1
        assert refused.stdout == ""


def test_it_needs_no_key(shell: Shell) -> None:
    done = shell.run("estimate", EMAILS, "-g", "portkey")
    assert done.returncode == 0
    assert "Tokens in" in done.stdout
