"""From a journal's row back to the outcome that it was."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.model import AttemptError, Cancelled, Failure, Outcome, Response, Skipped, Success, Value
from dagtui.core.output import loose, parse
from dagtui.core.plugin import Dimension
from dagtui.io.journal.reader import AnswerRow

_Loose = RootModel[dict[str, Any]]


def outcome_of(row: AnswerRow, dimension: Dimension) -> Outcome:
    """The outcome; an answer that does not fit the dimension any more has the fields that its text has."""
    if row.state == "ok":
        if dimension.output is None:
            return success_of(row, row.text or "")
        value = value_of(row, dimension)
        return success_of(row, _Loose(loose(row.text or "")) if value is None else value)
    if row.state == "failed":
        error = AttemptError(ErrorKind(row.error or "server"), row.reason or "", row.status, _billed(row))
        return Failure(error, row.attempts, row.usage, row.cost, row.trace or "", row.flags)
    if row.state == "skipped":
        return Skipped(row.reason or "")
    return Cancelled(row.reason or "", row.attempts, row.billed == "maybe", row.usage, row.cost)


def value_of(row: AnswerRow, dimension: Dimension) -> Value | None:
    """The value of an answer; None if its text does not fit."""
    try:
        return parse(dimension, Response(row.text or "", row.usage, ""))
    except GatewayError:
        return None


def success_of(row: AnswerRow, value: Value) -> Success:
    """The success of a row with its value."""
    return Success(
        value=value,
        text=row.text or "",
        attempts=row.attempts,
        latency=row.latency or 0.0,
        usage=row.usage,
        cost=row.cost,
        category=row.category,
        trace_id=row.trace or "",
        fingerprint=row.fingerprint,
        saved=row.saved,
        flags=row.flags,
        echo=row.echo,
    )


def _billed(row: AnswerRow) -> Any:
    return row.billed if row.billed in ("no", "maybe", "yes") else "maybe"
