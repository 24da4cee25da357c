"""Two runs from their journals, side by side. Blocks: both are folded to their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagtui.core.compare import NO_CATEGORIES, NOT_THE_SAME, Comparison, Side, compare, differing_answers
from dagtui.io.journal.chronicle import Chronicle
from dagtui.past.recap import Recap, recap


def compare_runs(a: Path, b: Path, stop: Callable[[], bool] = lambda: False) -> Comparison:
    """The runs of two journals; `stop` is asked now and then whether anybody still wants to know.

    Raises:
        ConfigError: one of them cannot be read.
        BadInput: nothing happened in one of them, or it was stopped.
    """
    old, new = recap(a, stop), recap(b, stop)
    told = compare(_side(old), _side(new))
    if not told.categories:
        return replace(told, why=NO_CATEGORIES)
    if not _same_input(old, new):
        return replace(told, why=NOT_THE_SAME)
    with Chronicle(a) as first, Chronicle(b) as second:
        answers = differing_answers(first.endings(), second.endings())
        width = len(old.dimensions)
        ids = first.ids(sorted({one.seq // width for one in answers.first}))
    return replace(told, answers=answers, ids=ids, dimensions=old.dimensions)


def _side(run: Recap) -> Side:
    return Side(run.name, run.title, run.outcome, run.started_at, run.result.snapshot, run.terms)


def _same_input(a: Recap, b: Recap) -> bool:
    """Whether both read the same records, in the same order, and were asked the same questions of them."""
    return a.dimensions == b.dimensions and _identity(a.given) == _identity(b.given) and bool(_identity(a.given))


def _identity(given: Mapping[str, Any]) -> tuple[object, ...]:
    if not given.get("content"):
        return ()
    return tuple(given.get(name) for name in ("content", "size", "format", "delimiter", "records", "scenario"))
