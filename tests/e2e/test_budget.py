"""A budget through the real gateway, judged by the books of who answered."""

from __future__ import annotations

import csv
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import EMAILS, Shell, Simulator

PICO = Decimal(10) ** 12
INPUT, OUTPUT = Decimal("0.80") / 10**6, Decimal("4.00") / 10**6  # dollars a token of the sample task's model
MOST = Decimal("0.0008")  # one request at its most: 150 tokens out, and an email


def nine_hundred(folder: Path) -> Path:
    """Emails that would cost $0.24."""
    with EMAILS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    path = folder / "nine.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for part in range(9):
            for row in rows:
                writer.writerow({**row, "id": f"{row['id']}-{part}", "content": f"{row['content']} {part}"})
    return path


def journal_cost(shell: Shell) -> Decimal:
    [path] = shell.home.rglob("journal.db")
    db = sqlite3.connect(path)
    [total] = db.execute("SELECT sum(cost) FROM attempt").fetchone()
    db.close()
    return Decimal(total) / PICO


def ledger_cost(entries: list[dict[str, Any]]) -> Decimal:
    paid = [entry for entry in entries if entry["status"] == 200]
    return sum((INPUT * entry["input_tokens"] + OUTPUT * entry["output_tokens"] for entry in paid), Decimal(0))


@pytest.mark.gateway
@pytest.mark.parametrize("faults", [{"rate_500": 0.1}, {"bad_output_rate": 0.1}], ids=["refused", "of no use"])
def test_a_run_stops_within_one_request_of_its_budget_and_its_books_agree_with_the_ledger(
    shell: Shell, simulator: Simulator, portkey: str, faults: dict[str, float]
) -> None:
    simulator.turn(latency_median_s=0.1, **faults)
    options = ["-g", portkey, "--custom-host", f"{simulator.url}/v1", "-c", 100, "--max-cost", "0.05"]
    done = shell.run("run", nine_hundred(shell.home), *options, "-o", "out.csv")
    assert done.returncode == 6, done.stderr
    assert "stopped: the budget of $0.050000 is used up: $0.049" in done.stderr
    spent = ledger_cost(simulator.entries())
    assert spent == journal_cost(shell)
    assert Decimal("0.05") - MOST < spent <= Decimal("0.05")


def test_a_budget_without_a_price_is_refused_before_anything_is_sent(shell: Shell, simulator: Simulator) -> None:
    done = shell.run("run", EMAILS, "-g", simulator.url, "--model", "claude-unheard-of-9", "--max-cost", "1")
    assert done.returncode == 2
    assert done.stderr.startswith("dagtui: The price of claude-unheard-of-9 is not known, so that no budget")
    assert len(done.stderr.splitlines()) == 1
    assert simulator.totals()["requests"] == 0
