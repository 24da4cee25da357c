"""What the answers say, and whether that drifts."""

from __future__ import annotations

from collections.abc import Sequence

from dagtui.core.drift import Mix
from dagtui.core.figures import count, percent
from dagtui.core.snapshot import Answers
from dagtui.tui.palette import WARNING
from dagtui.tui.sheet import Line, Span, cut, fit, gauge, whole
from dagtui.tui.widgets.panel import Panel

_MUCH = 10.0  # points that a category has drifted, for it to be worth a look where the mix has


class AnswersPanel(Panel):
    """The categories with their shares now and at first, and answers that say nothing."""

    number = 7
    TITLE = "answers"

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Bars with count and percent; the rest in one line where there are more than fit."""
        if self.snapshot is None:
            return ()
        answers = self.snapshot.answers
        given = self.snapshot.counts.succeeded
        if not given:
            return [(("no answers yet", "dim"),)]
        foot = [_odd(answers, width)] if height >= 4 else []
        room = height - len(foot)
        if not answers.mix:
            told = cut(((f"{count(given)} ", "text+"), ("answers, none with a category", "dim")), width)
            return [told, *[()] * (room - 1), *foot]
        mix = list(answers.mix)
        if len(mix) > room > 1:
            mix = [*mix[: room - 1], _rest(mix[room - 1 :])]
        total = sum(part.number for part in answers.mix)
        names = min(max(len(part.category) for part in mix), max(8, width // 3))
        digits, drifts = len(count(total)), any(part.before is not None for part in mix) and width >= 44
        bars = width - names - digits - 10 - 7 * drifts
        largest = max(part.number for part in mix) or 1
        much = answers.much
        lines = [_category(part, total, largest, (names, bars, digits), drifts, much=much) for part in mix]
        return [*lines, *[()] * (room - len(lines)), *foot][:height]


def _rest(parts: Sequence[Mix]) -> Mix:
    before = None if parts[0].before is None else sum(part.before or 0.0 for part in parts)
    return Mix(f"{len(parts)} more", sum(part.number for part in parts), before, sum(part.now for part in parts))


def _category(
    part: Mix, total: int, largest: int, widths: tuple[int, int, int], drifts: bool, *, much: bool
) -> Line:
    names, bars, digits = widths
    spans: list[Span] = [
        (fit(part.category or "(empty)", names) + " ", "text"),
        *gauge(part.number / largest, max(0, bars), "chart", track=" "),
        (f" {count(part.number):>{digits}}", "text+"),
        (f"  {percent(part.number, total):>6}", "dim"),
    ]
    if drifts and part.before is not None:
        points = 100 * (part.now - part.before)
        spans.append((f" {points:>+6.1f}", "warn+" if much and abs(points) >= _MUCH else "dim"))
    return tuple(spans)


def _odd(answers: Answers, width: int) -> Line:
    """How far the mix has drifted since the first tenth, and how many answers say nothing."""
    drift = answers.drift
    worrying = answers.much
    told = "drift   n/a  " if drift is None else f"drift {drift:>5.1f}{WARNING if worrying else ' '} "
    groups: list[Line] = [((told, "warn+" if worrying else "dim"),)]
    for word in ("refused", "truncated", "empty", "identical"):
        number: int = getattr(answers, word)
        groups.append(((f"{word} ", "dim"), (f"{count(number)}  ", "warn" if number else "dim")))
    return whole(width, *groups)
