"""The rate limit radar: what the provider's limits leave, when that changes, and the wave of retries to come."""

from __future__ import annotations

from collections.abc import Sequence

from dagtui.core.figures import count, short_count
from dagtui.core.model import Headroom
from dagtui.core.snapshot import Snapshot
from dagtui.core.wave import PARTS, STEP
from dagtui.tui.palette import WARNING
from dagtui.tui.sheet import BLANK, Line, cut, gauge, whole
from dagtui.tui.widgets.charts import blocks
from dagtui.tui.widgets.panel import Panel

_LOW, _VERY_LOW = 0.25, 0.10


class RadarPanel(Panel):
    """What the provider lets through, and what will want to go through."""

    number = 6
    TITLE = "rate limit radar"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """A gauge a limit, and the retries by when they are due."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        rows = [
            (label, room)
            for label, room in headrooms(snapshot)
            if room is not None and room.limit and room.remaining is not None
        ]
        if snapshot.phase == "ended":
            return [(("the run has ended", "dim"),)]
        age = snapshot.time - snapshot.limits_at if snapshot.limits_at is not None else 0.0
        lines = [_headroom(label, room, age, width) for label, room in rows]
        if not lines:
            lines = [(("the provider has named no limits yet", "dim"),)]
        wave = _wave(snapshot, width, max(1, height - 4))
        lines += [BLANK] * (min(3, height - len(wave)) - len(lines))
        return [*lines, *wave][:height]


def _wave(snapshot: Snapshot, width: int, rows: int) -> list[Line]:
    """Retries due now, and over the next half minute."""
    wave = snapshot.wave
    waiting = wave.due + sum(wave.coming) + wave.later
    if not waiting:
        return [(("retries    ", "dim"), ("none wait", "dim"))]
    drawn = blocks(wave.coming, float(max(1, *wave.coming)), min(rows, 4))
    left = (("retries    ", "dim"), ("now ", "dim"), (f"{count(wave.due):>5}", "waiting+" if wave.due else "dim"))
    later = f"then {count(wave.later)}" if wave.later else ""
    lines: list[Line] = [((" " * 22, "text"), (line, "waiting")) for line in drawn[:-1]]
    last = whole(
        width,
        (*left, ("  ", "text"), (drawn[-1].ljust(PARTS), "waiting")),
        ((f" {PARTS * STEP} s  ", "dim"),),
        ((later, "waiting"),),
    )
    return [*(cut(line, width) for line in lines), last]


def headrooms(snapshot: Snapshot) -> tuple[tuple[str, Headroom | None], ...]:
    """The limits that a provider may name, in the order in which they are shown."""
    limits = snapshot.limits
    if limits is None:
        return ()
    return (
        ("requests", limits.requests),
        ("tokens in", limits.input_tokens),
        ("tokens out", limits.output_tokens),
    )


def left_role(share: float) -> str:
    """How worried a gauge looks."""
    return "failed" if share < _VERY_LOW else "waiting" if share < _LOW else "done"


def _headroom(label: str, room: Headroom, age: float, width: int) -> Line:
    limit, left = room.limit or 1, room.remaining or 0
    until = max(0.0, room.reset_s - age) if room.reset_s is not None else None
    if until == 0 and age > 0:  # nothing was answered since, and by now it is whole again
        left = limit
    share = left / limit
    numbers = f"{short_count(left):>6} of {short_count(limit):<6}"
    reset = f"{until:>4.0f} s" if until is not None else "      "
    sign = WARNING if share < _VERY_LOW else " "
    space = max(4, width - 11 - len(numbers) - len(reset) - 4)
    role = left_role(share)
    line = (
        (f"{label:<11}", "dim"),
        *gauge(share, space, role),
        (f" {sign}", role),
        (numbers, "text"),
        (reset, "dim"),
    )
    return cut(line, width)
