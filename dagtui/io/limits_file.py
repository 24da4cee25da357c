"""What was learnt of the providers' limits, kept for the next run: a JSON file in the user's state folder."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from dagtui.core.pacing.learnt import Learnt, from_plain, to_plain

_log = logging.getLogger("dagtui.limits")

FORGOTTEN_AFTER = 30 * 86_400.0
"""Seconds: limits change, and what is a month old says little."""

_MOST_NAMES = 200


def read_limits(path: Path, name: str) -> dict[str, Learnt]:
    """What is known under `name`, by model; nothing if it is old or cannot be read."""
    entry = _read(path).get(name)
    if not isinstance(entry, dict):
        return {}
    members = cast("dict[str, Any]", entry)
    at, models = members.get("at"), members.get("models")
    if not isinstance(at, int | float) or time.time() - at > FORGOTTEN_AFTER or not isinstance(models, dict):
        return {}
    found = {str(model): from_plain(plain) for model, plain in cast("dict[str, Any]", models).items()}
    return {model: learnt for model, learnt in found.items() if learnt is not None}


def write_limits(path: Path, name: str, learnt: Mapping[str, Learnt]) -> None:
    """Keep `learnt` under `name`. A file that cannot be written is logged: no run fails for it."""
    if not learnt:
        return
    known = _read(path)
    known[name] = {"at": time.time(), "models": {model: to_plain(one) for model, one in learnt.items()}}
    newest = sorted(known, key=_moment(known))[-_MOST_NAMES:]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, json.dumps({key: known[key] for key in newest}, indent=1))
    except OSError as error:
        _log.warning("what was learnt of the limits cannot be kept: %s", error)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _moment(known: Mapping[str, Any]) -> Any:
    def moment(name: str) -> float:
        at: object = known[name].get("at") if isinstance(known[name], dict) else None
        return float(at) if isinstance(at, int | float) else 0.0

    return moment


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, whoever else writes it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
