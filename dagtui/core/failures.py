"""Where what fails is written."""

from __future__ import annotations

from pathlib import Path

from dagtui.core.plan import Plan

_ENDING = ".failures"
_WRITTEN = (".csv", ".tsv", ".jsonl", ".ndjson")


def failures_path(plan: Plan, results: Path | None) -> Path | None:
    """Where a run of `plan` with these `results` writes what fails; None if nowhere.

    It is `out.failures.csv` for `out.csv`; beside a device or a pipe there is none.
    """
    if plan.failures is not None or results is None or results.suffix.lower() not in _WRITTEN:
        return plan.failures
    return results.with_name(f"{results.stem}{_ENDING}{results.suffix}")
