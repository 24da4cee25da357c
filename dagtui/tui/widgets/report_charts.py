"""The report's charts: how fast it went, how long answers took, how requests ended, what the money went for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from textual.geometry import Size

from dagtui.core.figures import count, money, percent, seconds
from dagtui.core.snapshot import Snapshot
from dagtui.core.store import State
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WORDS
from dagtui.tui.sheet import Line, Sheet, Span, fit, flowed, gauge
from dagtui.tui.widgets.charts import chart

_VALUE = 9
_PARTS = (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED, State.QUEUED)


class ReportChart(Sheet):
    """A chart of a run that has ended."""

    TITLE = ""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(classes="report-chart")
        self.snapshot = snapshot

    def on_mount(self) -> None:
        """Title it."""
        self.entitle(self.TITLE)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it draws, whatever room there is."""
        return len(self.draw(width, 4))


class SpeedChart(ReportChart):
    """Answers a second over the run."""

    TITLE = "throughput · requests a second"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Columns over time; where nothing was answered, that."""
        speed = self.snapshot.throughput
        if not any(speed.series):
            return (((" nothing was answered", "dim"),), (), (), ())
        return chart(speed.series, self.snapshot.elapsed, width, 4)


class LatencyChart(ReportChart):
    """Seconds to the answer, as bars to one scale."""

    TITLE = "latency"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The median, the mean, and the slow end."""
        latency = self.snapshot.latency
        rows = (("p50", latency.p50), ("mean", latency.mean), ("p95", latency.p95), ("p99", latency.p99))
        most = max((value for _, value in rows if value is not None), default=0.0)
        return [
            _bar(label, (value or 0.0) / most if most else 0.0, seconds(value), "chart", "text+", width)
            for label, value in rows
        ]


class OutcomesChart(ReportChart):
    """One bar of all requests by how they ended, with a number for each part."""

    TITLE = "how requests ended"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The bar, then its parts by glyph, number and share."""
        counts = self.snapshot.counts
        numbers = {
            State.SUCCEEDED: counts.succeeded,
            State.FAILED: counts.failed,
            State.SKIPPED: counts.skipped,
            State.CANCELLED: counts.cancelled,
            State.QUEUED: counts.queued + counts.waiting + counts.in_flight,
        }
        total = sum(numbers.values())
        shown = [state for state in _PARTS if numbers[state] or state in (State.SUCCEEDED, State.FAILED)]
        groups: list[Line] = [
            (
                (f"{GLYPHS[state]} ", STATE_ROLES[state]),
                (count(numbers[state]), "text+"),
                (f" {'not started' if state is State.QUEUED else WORDS[state]} ", "dim"),
                (f"{percent(numbers[state], total)}   ", "text"),
            )
            for state in shown
        ]
        first, second, *_ = (*flowed(groups, width, 2), (), ())
        retries = self.snapshot.retries
        again = f"{count(retries)} {'retry' if retries == 1 else 'retries'}"
        return (
            stacked([(numbers[state], STATE_ROLES[state]) for state in shown], width),
            first,
            second,
            (
                (fit(f"{count(self.snapshot.attempts)} attempts, {again}, {count(self.snapshot.throttled)} × 429",
                     width).rstrip(), "dim"),
            ),
        )  # fmt: skip


class MoneyChart(ReportChart):
    """What was paid, by what for, and what was not paid."""

    TITLE = "money"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Answers, waste and savings, to one scale."""
        told = self.snapshot.money
        if told.spent is None:
            return (((" the price of this model is not known", "dim"),), (), (), ())
        rows = (
            ("answers", told.spent - told.wasted, "money"),
            ("wasted", told.wasted, "failed"),
            ("saved", told.saved, "done"),
        )
        most = max(max(part for _, part, _ in rows), Decimal(0))
        lines = [
            _bar(label, float(part / most) if most else 0.0, money(part), role, "money+", width)
            for label, part, role in rows
        ]
        return [*lines, ((fit("wasted: on attempts that failed", width).rstrip(), "dim"),)]


def stacked(parts: Sequence[tuple[int, str]], width: int) -> Line:
    """One bar of `width` cells; whatever there is of gets a cell at least."""
    total = sum(number for number, _ in parts)
    if not total:
        return (("─" * width, "track"),)
    cells = {role: max(1, round(width * number / total)) for number, role in parts if number}
    largest = max(cells, key=lambda role: cells[role])
    cells[largest] = max(1, cells[largest] + width - sum(cells.values()))
    return tuple(("█" * number, role) for role, number in cells.items())


def _bar(label: str, share: float, value: str, role: str, value_role: str, width: int) -> Line:
    name: Span = (f"{label:<8} ", "dim")
    room = max(0, width - 9 - _VALUE - 2)
    return (name, *gauge(share, room, role), (f"  {value:>{_VALUE}}", value_role))
