"""Sentences about a run that more than one place says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagtui.core.figures import clock, count, money
from dagtui.core.text import visible
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.core.report import Kept
    from dagtui.core.result import RunResult
    from dagtui.core.snapshot import Counts, Snapshot
    from dagtui.watched import Watched


def some(number: int, word: str) -> str:
    """`1 record`, `2,000 records`."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def drained(counts: Counts) -> str:
    """What draining means now, in numbers."""
    told = f"{count(counts.in_flight)} in flight will be finished"
    return f"{told}, {count(counts.waiting)} waiting to retry will not." if counts.waiting else f"{told}."


def standing(snapshot: Snapshot) -> str:
    """What a run does while something else is on the screen."""
    counts = snapshot.counts
    told = f"{count(counts.succeeded)} answered"
    if counts.in_flight:
        told += f", {count(counts.in_flight)} finishing"
    if counts.total is not None:
        told += f", {count(max(0, counts.total - counts.succeeded - counts.in_flight))} to come"
    words = "paused while you edit" if snapshot.phase == "paused" else snapshot.phase
    return f"‖ {words}: {told}"


def troubles(snapshot: Snapshot) -> str:
    """Retries and 429s so far; empty if there were none."""
    retries, throttled = snapshot.retries, snapshot.throttled
    told = f"{count(retries)} {'retry' if retries == 1 else 'retries'}" if retries else ""
    met = f"{count(throttled)} × 429" if throttled else ""
    return " · ".join(part for part in (told, met) if part)


def again(wait: float, reason: str) -> str:
    """When the next attempt is: `in 2.0 s retry-after`, or the reason alone if that is no matter of time."""
    if wait < 0.05:
        return reason or "at once"
    return f"in {wait:.1f} s {reason}".rstrip()


def farewell(session: Watched, result: RunResult, kept: Kept) -> list[str]:
    """What stays in the shell of a run that was left: how it ended and, unwrapped, what to do next."""
    from dagtui.core.report import is_unfinished  # imported when a run has ended

    snapshot = result.snapshot
    counts = snapshot.counts
    numbers = [f"{count(counts.succeeded)} of {count(counts.total)} done"]
    for word, number in (
        ("failed", counts.failed),
        ("skipped", counts.skipped),
        ("cancelled", counts.cancelled),
        ("not started", counts.queued + counts.waiting + counts.in_flight),
    ):
        numbers += [f"{count(number)} {word}"] if number else []
    spent = f"{money(snapshot.money.spent)} spent in {clock(snapshot.elapsed)}"
    lines = [f"{own_title(session.title)}: {result.outcome}, {', '.join(numbers)}, {spent}"]
    if kept.results is not None:
        lines.append(f"results: {kept.results.absolute()}")
    elif kept.run is not None:
        lines.append(f"results: {kept.export}")
    if kept.run is not None and is_unfinished(snapshot):
        lines.append(f"to go on: {kept.resume}")
    return [visible(line) for line in lines]
