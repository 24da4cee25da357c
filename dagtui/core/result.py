"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from dagtui.core.errors import ExitCode
from dagtui.core.report import Audit
from dagtui.core.snapshot import Snapshot

How = Literal["complete", "partial", "drained", "cancelled", "stopped"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: `partial` had failures, `drained` and `cancelled` were ended by the user, `stopped` by a
    cause that every further request would have met. `audit` is None where there are no other books.
    """

    outcome: How
    exit_code: ExitCode
    reason: str
    snapshot: Snapshot
    audit: Audit | None = None


def summary_of(result: RunResult) -> dict[str, Any]:
    """What a list of runs shows, and what a process that only watched tells of the end."""
    snapshot = result.snapshot
    counts = snapshot.counts
    states = {name: getattr(counts, name) for name in ("succeeded", "failed", "skipped", "cancelled")}
    spent = snapshot.money.spent
    return {
        **states,
        "total": counts.total,
        "records": snapshot.records_read,
        "attempts": snapshot.attempts,
        "spent": None if spent is None else str(spent),
        "reason": result.reason,
        "outcome": result.outcome,
        "exit_code": int(result.exit_code),
    }
