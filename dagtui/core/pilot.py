"""The pilot gate in words: a run pauses itself after its first records, and asks whether to go on."""

from __future__ import annotations

from dagtui.core.figures import count, kind_words, money, percent, seconds
from dagtui.core.snapshot import Snapshot

GATE = "pilot:"
"""How the reason of such a pause begins."""
_MOST = 6


def at_gate(snapshot: Snapshot) -> bool:
    """Whether the run stands at its pilot's gate."""
    return snapshot.phase == "paused" and (snapshot.pilot or snapshot.reason.startswith(GATE))


def pilot_rows(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    """What the first records came to, a row each: a label, what it says, and its role."""
    counts, answers, spent = snapshot.counts, snapshot.answers, snapshot.money
    ended = counts.succeeded + counts.failed + counts.skipped
    causes = ", ".join(f"{count(number)} × {kind_words(kind)}" for kind, number in snapshot.errors[:_MOST])
    categories = " · ".join(f"{name} {count(number)}" for name, number in snapshot.categories[:_MOST])
    if (more := len(snapshot.categories) - _MOST) > 0:
        categories += f" · {more} more"
    rows = [
        ("done", f"{count(counts.succeeded):>7}  {percent(counts.succeeded, ended):>6}", "done+"),
        (
            "failed",
            f"{count(counts.failed):>7}  {percent(counts.failed, ended):>6}",
            "failed+" if counts.failed else "dim",
        ),
    ]
    if causes:
        rows.append(("attempts lost", causes, "failed"))
    if categories:
        rows.append(("answers", categories, "text"))
    odd = (("empty", answers.empty), ("refused", answers.refused), ("truncated", answers.truncated))
    rows.append(
        (
            "odd answers",
            "   ".join(f"{word} {count(number)}" for word, number in odd),
            "warn+" if any(number for _, number in odd) else "dim",
        )
    )
    each = "" if spent.spent is None or not ended else f"   a request {money(spent.spent / ended)}"
    rows.append(("spent", f"{money(spent.spent)}{each}", "money+"))
    rows.append(("projected", _projected(snapshot), "money+"))
    latency = snapshot.latency
    rows.append(("latency", f"p50 {seconds(latency.p50)}   p95 {seconds(latency.p95)}", "text"))
    return rows


def _projected(snapshot: Snapshot) -> str:
    projected, spread = snapshot.money.projected, snapshot.money.spread
    if projected is None or spread is None:
        return f"{money(projected)} for all"
    spent = snapshot.money.spent or projected * 0
    return f"{money(max(spent, projected - spread))} to {money(projected + spread)} for all"
