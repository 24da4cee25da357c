"""What a result row says of a record: its answers under their column names, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from dagtui.core.dag import Dag
from dagtui.core.events import RecordEnded, RecordReused
from dagtui.core.model import Cancelled, Failure, Outcome, Skipped, Success, Usage, plain
from dagtui.io.rows import OURS

Status: TypeAlias = Literal["ok", "skipped", "cancelled", "failed"]

_WORST: tuple[Status, ...] = ("failed", "cancelled", "skipped", "ok")

OUR_COLUMNS = tuple(
    f"{OURS}{name}"
    for name in (
        *("id", "status", "error", "attempts", "latency_s"),
        *("input_tokens", "output_tokens", "cost_usd", "trace_id"),
    )
)
_ID, _STATUS, _ERROR, _ATTEMPTS, _LATENCY, _INPUT, _OUTPUT, _COST, _TRACE = OUR_COLUMNS
REVISION = f"{OURS}revision"
FAILURE_COLUMNS = tuple(f"{OURS}{name}" for name in ("id", "status", "error", "kind", "attempts"))


class Answers:
    """The columns of the answers. `columns` are their names, none of which is an input column's."""

    def __init__(self, dag: Dag, columns: Sequence[str]) -> None:
        taken = {*columns, *OUR_COLUMNS, REVISION}
        self._names: dict[str, dict[str | None, str]] = {}
        for dimension in dag.dimensions:
            fields = [None] if dimension.output is None else list(dimension.output.model_fields)
            names = self._names[dimension.name] = {}
            for field in fields:
                plain_name = field if field and len(dag) == 1 else None
                name = plain_name or (f"{dimension.name}.{field}" if field else dimension.name)
                if name in taken:
                    name = f"{dimension.name}.{field or 'text'}"
                while name in taken:
                    name += "_"
                taken.add(name)
                names[field] = name
        self.columns = tuple(name for names in self._names.values() for name in names.values())
        self._none: dict[str, Any] = dict.fromkeys(self.columns)
        self._unchanged = {
            dimension for dimension, names in self._names.items() if all(f == name for f, name in names.items())
        }

    def of(self, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        """The answers by column; None where there is none."""
        row = self._none.copy()
        for dimension, names in self._names.items():
            outcome = outcomes.get(dimension)
            if isinstance(outcome, Success):
                value = plain(outcome.value)
                if dimension in self._unchanged and value.keys() == names.keys():
                    row |= value
                else:
                    for field, name in names.items():
                        row[name] = value if field is None else value.get(field)
        return row


def status_of(outcomes: Mapping[str, Outcome]) -> Status:
    """The worst of the outcomes."""
    found = {_status(outcome) for outcome in outcomes.values()}
    for status in _WORST:
        if status in found:
            return status
    return "ok"


def summary_of(event: RecordEnded | RecordReused) -> dict[str, Any]:
    """The `dagtui_` columns of a result: attempts, tokens and dollars are sums over the dimensions."""
    outcomes = event.outcomes.values()
    if len(outcomes) == 1 and isinstance(only := next(iter(outcomes)), Success):
        return _summary_of_success(event.record.id, only)
    usage = sum((o.usage for o in outcomes if not isinstance(o, Skipped)), Usage())
    latency = [o.latency for o in outcomes if isinstance(o, Success)]
    traces = dict.fromkeys(o.trace_id for o in outcomes if isinstance(o, Success | Failure) and o.trace_id)
    values = {
        "id": event.record.id,
        "status": status_of(event.outcomes),
        "error": _error(event.outcomes),
        "attempts": _attempts(event.outcomes),
        "latency_s": round(sum(latency), 3) if latency else None,
        "input_tokens": usage.input_total,
        "output_tokens": usage.output,
        "cost_usd": _cost(event.outcomes),
        "trace_id": " ".join(traces) or None,
    }
    return {f"{OURS}{name}": value for name, value in values.items()}


def _summary_of_success(record_id: str, success: Success) -> dict[str, Any]:
    """What `summary_of` says of the one answer of a record, which nearly every row is: at a third of the time."""
    usage = success.usage
    return {
        _ID: record_id,
        _STATUS: "ok",
        _ERROR: None,
        _ATTEMPTS: success.attempts,
        _LATENCY: round(success.latency, 3),
        _INPUT: usage.input_total,
        _OUTPUT: usage.output,
        _COST: success.cost,
        _TRACE: success.trace_id or None,
    }


def failure_of(event: RecordEnded | RecordReused) -> dict[str, Any]:
    """The `dagtui_` columns of a failure."""
    failures = (o for o in event.outcomes.values() if isinstance(o, Failure))
    first = next(failures, None)
    values = {
        "id": event.record.id,
        "status": status_of(event.outcomes),
        "error": _error(event.outcomes),
        "kind": str(first.error.kind) if first else None,
        "attempts": _attempts(event.outcomes),
    }
    return {f"{OURS}{name}": value for name, value in values.items()}


def _status(outcome: Outcome) -> Status:
    match outcome:
        case Success():
            return "ok"
        case Failure():
            return "failed"
        case Skipped():
            return "skipped"
        case Cancelled():
            return "cancelled"


def _error(outcomes: Mapping[str, Outcome]) -> str | None:
    """The reasons of the worst outcomes; what was skipped for them adds nothing."""
    worst = status_of(outcomes)
    if worst == "ok":
        return None
    told = {name: _reason(o) for name, o in outcomes.items() if _status(o) == worst}
    if len(outcomes) == 1:
        return next(iter(told.values()))
    return "; ".join(f"{name}: {reason}" for name, reason in told.items())


def _reason(outcome: Outcome) -> str:
    match outcome:
        case Success():
            return ""
        case Failure(error=error):
            return error.message
        case Skipped(reason=reason) | Cancelled(reason=reason):
            return reason


def _attempts(outcomes: Mapping[str, Outcome]) -> int:
    return sum(o.attempts for o in outcomes.values() if not isinstance(o, Skipped))


def _cost(outcomes: Mapping[str, Outcome]) -> Decimal | None:
    """Dollars of all dimensions; None where the price of any is unknown. What used no token costs nothing."""
    total = Decimal(0)
    for outcome in outcomes.values():
        if not isinstance(outcome, Skipped):
            if outcome.cost is None and outcome.usage != Usage():
                return None
            total += outcome.cost or 0
    return total
