"""How far: title, phase, times, progress and the counts that add up."""

from __future__ import annotations

from collections.abc import Sequence

from dagtui.core.events import Phase
from dagtui.core.figures import clock, count, percent
from dagtui.core.forecast import Left
from dagtui.core.snapshot import Counts, Snapshot
from dagtui.core.store import State
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WARNING, WORDS
from dagtui.tui.sheet import Line, Span, bar, fit, length, spread
from dagtui.tui.widgets.panel import Panel, outage

PHASES: dict[Phase, tuple[str, str]] = {
    "ready": ("◇ ready", "dim"),
    "running": ("▶ running", "running+"),
    "paused": ("‖ paused", "warn+"),
    "draining": ("▽ draining", "warn+"),
    "cancelling": ("▽ cancelling", "failed+"),
    "ended": ("◆ ended", "done+"),
}
_ROOMY = 110  # cells from which on the time that is left is told with its interval
_OUTAGE = (f"{WARNING} outage", "warn+")
_SHORT = {
    State.SUCCEEDED: "ok",
    State.FAILED: "bad",
    State.IN_FLIGHT: "flying",
    State.WAITING: "wait",
    State.QUEUED: "left",
}
_ALWAYS = (State.SUCCEEDED, State.FAILED, State.IN_FLIGHT, State.WAITING, State.QUEUED)


class Heading(Panel):
    """The three lines on top of the dashboard."""

    title = ""
    prompt = True

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Title and times, the bar, the counts."""
        snapshot = self.snapshot
        if snapshot is None:
            return ()
        return (
            self._times(snapshot, width),
            progress(snapshot.counts, width),
            tally(snapshot.counts, width),
        )

    def _times(self, snapshot: Snapshot, width: int) -> Line:
        out = outage(snapshot)
        words, role = _OUTAGE if out else PHASES[snapshot.phase]
        right: list[Span] = [
            (f"{words:<12}", role),
            ("  elapsed ", "dim"),
            (f"{clock(snapshot.elapsed):>7}", "text+"),
        ]
        if snapshot.phase != "ended":
            right += _left(None if out else snapshot.left, width)
        room = width - length(tuple(right)) - 2
        return spread(
            ((fit(self.title, min(room, len(self.title) * 2)).rstrip(), "accent+"),), tuple(right), width
        )


def _left(left: Left | None, width: int) -> list[Span]:
    """The time that is left; with room enough, how sure that is, and what twice the target would do."""
    if width < _ROOMY:
        return [("  left ", "dim"), (f"{clock(None if left is None else left.likely):>7}", "text+")]
    least, most = (None, None) if left is None else (left.least, left.most)
    spans: list[Span] = [
        ("  left ", "dim"),
        (f"{clock(least):>7}", "text+"),
        (" to ", "dim"),
        (f"{clock(most):>7}", "text+"),
    ]
    twice = "" if left is None or left.at_twice is None else f"at twice ~{clock(left.at_twice):>7}"
    return [*spans, (f"  {twice:<17}", "dim")]


def progress(counts: Counts, width: int) -> Line:
    """Done and failed against the whole, and the percentage."""
    if not counts.total:
        note = "reading the input" if counts.total is None else "nothing to do"
        return spread(((note, "dim"),), ((f"{count(counts.ended)} done", "text+"),), width)
    text = percent(counts.ended, counts.total).rjust(7)
    room = width - len(text)
    bad = counts.failed + counts.cancelled + counts.skipped
    if not bad:
        good, rest = bar(counts.ended / counts.total, room)
        return ((good, "done"), ("┈" * len(rest), "track"), (text, "text+"))
    # In whole cells: where two parts meet, no part of a cell may stay empty.
    ended = max(1, round(counts.ended / counts.total * room))
    lost = min(ended, max(1, round(bad / counts.total * room)))
    parts = ("█" * (ended - lost), "done"), ("▒" * lost, "failed"), ("┈" * (room - ended), "track")
    return (*parts, (text, "text+"))


def tally(counts: Counts, width: int) -> Line:
    """Requests by state, adding up to the total at the right; shorter words where room is short."""
    numbers = {
        State.SUCCEEDED: counts.succeeded,
        State.FAILED: counts.failed,
        State.IN_FLIGHT: counts.in_flight,
        State.WAITING: counts.waiting,
        State.QUEUED: counts.queued,
        State.SKIPPED: counts.skipped,
        State.CANCELLED: counts.cancelled,
    }
    total = "= " + (count(counts.total) if counts.total is not None else "?")
    digits = len(count(max(counts.total or 0, *numbers.values())))
    line: Line = ()
    short, none = {**WORDS, **_SHORT}, dict.fromkeys(WORDS, "")
    for words, gap in ((WORDS, "    "), (WORDS, "  "), (short, "  "), (short, " "), (none, "  "), (none, " ")):
        line = tuple(_spans(numbers, words, digits, gap))
        if length(line) + len(total) + 1 <= width:
            break
    return spread(line, ((total, "text+"),), width)


def _spans(numbers: dict[State, int], words: dict[State, str], digits: int, gap: str) -> list[Span]:
    spans: list[Span] = []
    for state, number in numbers.items():
        if not number and state not in _ALWAYS:
            continue
        role = STATE_ROLES[state] if number or state is State.SUCCEEDED else "dim"
        spans += [(f"{GLYPHS[state]} ", role), (f"{count(number):>{digits}}", "text+" if number else "dim")]
        spans += [(f" {words[state]}{gap}" if words[state] else gap, "dim")]
    return spans
