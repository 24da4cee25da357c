"""The two lines at the top of the inspector."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.cells import cell_len

from dagtui.core.figures import count, money, seconds
from dagtui.core.inspection import Asked, Inspection
from dagtui.core.text import named
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WORDS
from dagtui.tui.sheet import Line, Sheet, fit, spread


class Summary(Sheet):
    """The two lines at the top."""

    content: tuple[Inspection, Asked | None, int | None] | None = None

    def __init__(self) -> None:
        super().__init__(id="inspected")

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """What became of the request, and which it is."""
        return () if self.content is None else summary(*self.content, width)


def summary(found: Inspection, asked: Asked | None, total: int | None, width: int) -> Sequence[Line]:
    """Two lines: what became of it, and which request it is."""
    state, verdict = found.state, found.verdict if found.settled else None
    name = named(found.record_id, 60)
    left: Line = ((f" {GLYPHS[state]} {WORDS[state]}  ", STATE_ROLES[state] + "+"), (name, "text+"))
    if verdict is not None and verdict.category:
        left = (*left, (f"   {named(verdict.category, 30)}", "accent"))
    tries = len({(one.session, one.number) for one in found.exchanges}) or (verdict.attempts if verdict else 0)
    parts = [f"{count(tries)} attempt{'' if tries == 1 else 's'}"]
    if verdict is not None and verdict.latency:
        whole = verdict.ended_at - found.exchanges[0].sent_at if found.exchanges else verdict.latency
        parts.append(f"answered in {seconds(verdict.latency)}, after {seconds(whole)} in all")
    if verdict is not None:
        parts.append(f"{count(verdict.usage.input_total)} in   {count(verdict.usage.output)} out")
    right: Line = (("   ".join(parts), "dim"),)
    if verdict is not None:
        right = (*right, (f"   {money(verdict.cost)} ", "money"))
    while len(right) and sum(cell_len(text) for text, _ in right) > width - 30 and len(parts) > 1:
        parts.pop(1 if len(parts) > 2 else -1)
        right = (("   ".join(parts), "dim"), *right[1:])
    facts = [f"request {count(found.seq + 1)}" + (f" of {count(total)}" if total else "")]
    facts.append(named(found.dimension, 40))
    if asked is not None and asked.line:
        facts.append(f"line {count(asked.line)} of {named(asked.name, 40)}")
    if found.read_at is not None:
        facts.append(f"read {time.strftime('%H:%M:%S', time.localtime(found.read_at))}")
    facts.append(f"session {found.session}")
    while len(facts) > 1 and cell_len(" · ".join(facts)) > width - 2:
        facts.pop()
    second: Line = ((fit(" " + " · ".join(facts), width), "dim"),)
    return spread(left, right, width), second
