"""The run that everybody can compare with: what DagEngine published for its example `01-portkey`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from dagtui.core.figures import UNKNOWN, count, money, percent, rate, seconds
from dagtui.core.snapshot import Snapshot

RECORDS = 100
DURATION = 3.67  # seconds
RATE = 27.2  # requests a second
SUCCEEDED = 100
TOKENS_IN, TOKENS_OUT = 8_945, 4_065
COST = Decimal("0.0234")  # US dollars, as published
A_MILLION = Decimal("234.16")
_JOB = "emails.csv · email · "
_NUMBER, _CHANGE = 10, 8


def is_reference(title: str, snapshot: Snapshot) -> bool:
    """Whether the run called `title` did the reference's own job: its hundred emails, its task, in one go."""
    return title.startswith(_JOB) and snapshot.records_read == RECORDS and not snapshot.before.ended


def reference_rows(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Each of the published figures beside ours and the difference, in columns; the first row names them."""
    rows = [(" ", _columns("here", "published", "change"))]
    rows += [(label, _columns(*told)) for label, told in _compared(snapshot)]
    return tuple(rows)


def _compared(snapshot: Snapshot) -> Iterator[tuple[str, tuple[str, str, str]]]:
    spent, usage, succeeded = snapshot.money.spent, snapshot.usage, snapshot.counts.succeeded
    million = None if spent is None else spent / RECORDS * 1_000_000
    mean = snapshot.throughput.mean
    yield "Duration", (seconds(snapshot.elapsed), seconds(DURATION), _change(snapshot.elapsed, DURATION))
    yield "Requests a second", (rate(mean), rate(RATE), _change(mean, RATE))
    yield "Succeeded", (percent(succeeded, RECORDS), percent(SUCCEEDED, RECORDS), _change(succeeded, SUCCEEDED))
    yield "Tokens in", (count(usage.input_total), count(TOKENS_IN), _change(usage.input_total, TOKENS_IN))
    yield "Tokens out", (count(usage.output), count(TOKENS_OUT), _change(usage.output, TOKENS_OUT))
    yield "Cost", (money(spent), money(COST), _change(spent, COST))
    yield "A million records", (money(million), money(A_MILLION), _change(million, A_MILLION))


def _columns(here: str, there: str, change: str) -> str:
    return f"{here:>{_NUMBER}}  {there:>{_NUMBER}}  {change:>{_CHANGE}}"


def _change(here: float | Decimal | None, there: float | Decimal) -> str:
    if here is None:
        return UNKNOWN
    return f"{100 * (float(here) / float(there) - 1):+.1f}%"
