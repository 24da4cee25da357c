"""What failed, and how to run it again."""

from __future__ import annotations

import shlex
from pathlib import Path

from dagtui.core.plan import Plan

_ENDING = ".failures"
CONFIG_VARIABLE = "DAGTUI_PORTKEY_CONFIG"
_CONFIG = "a.config.of.your.own"  # which shlex leaves as it is
_WRITTEN = (".csv", ".tsv", ".jsonl", ".ndjson")


def failures_path(plan: Plan, results: Path | None) -> Path | None:
    """Where a run of `plan` with these `results` writes what fails; None if nowhere.

    It is `out.failures.csv` for `out.csv`; beside a device or a pipe there is none.
    """
    if plan.failures is not None or results is None or results.suffix.lower() not in _WRITTEN:
        return plan.failures
    return results.with_name(f"{results.stem}{_ENDING}{results.suffix}")


def again(plan: Plan, failures: Path) -> str:
    """The command that runs a failures file as `plan` was run: `dagtui run out.failures.csv --task email ...`.

    Its results go beside the first ones, into `out.again.csv`. A config that is no id may hold keys: the
    variable that it comes from stands for it.
    """
    target = failures.with_name(f"{failures.stem.removesuffix(_ENDING)}.again{failures.suffix}")
    words = ["dagtui", "run", str(failures), "--task", plan.task, "--gateway", plan.gateway]
    chosen = {
        "--model": plan.model,
        "--provider": plan.provider,
        "--portkey-config": _config(plan.portkey_config),
        "--custom-host": plan.custom_host,
    }
    for flag, value in chosen.items():
        words += [flag, value] if value else []
    words += ["--concurrency", str(plan.settings.concurrency)]
    return shlex.join([*words, "--output", str(target)]).replace(_CONFIG, f'"${CONFIG_VARIABLE}"')


def _config(config: str | None) -> str | None:
    return _CONFIG if config and not config.startswith("pc-") else config
