"""A comparison of two runs for a place without a screen: as text, or as plain data for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagtui.core.compare import Comparison, Side, in_words
from dagtui.core.text import one_line, visible

_MARKS = {True: "▲", False: "▼", None: " "}
_VALUE = 34


def as_text(comparison: Comparison) -> str:
    """All of it, in columns of a fixed width; `▲` is better, `▼` worse."""
    a, b = comparison.a, comparison.b
    lines = [f"A  {_named(a)}", f"B  {_named(b)}"]
    settings = [
        (one_line(name, 40), one_line(x, _VALUE), one_line(y, _VALUE)) for name, x, y in comparison.settings
    ]
    lines += _section("Settings that differ", _columns([("", "A", "B"), *settings]) if settings else ["none"])
    figures = [
        (figure.label, figure.a, figure.b, f"{_MARKS[figure.better]} {figure.change:>8}")
        for figure in comparison.figures
    ]
    lines += _section("Figures", _columns([("", "A", "B", "change"), *figures]))
    if comparison.categories:
        shares = [
            (one_line(share.category, 40) or "(empty)", f"{100 * share.a:.1f}%", f"{100 * share.b:.1f}%",
             f"{share.points:+.1f}")
            for share in comparison.categories
        ]  # fmt: skip
        lines += _section("Categories", _columns([("", "A", "B", "points"), *shares]))
    lines += _section("Answers", _answers(comparison))
    return "\n".join(lines) + "\n"


def plain(comparison: Comparison) -> dict[str, Any]:
    """For machines."""
    answers = comparison.answers
    return {
        "a": _plain_side(comparison.a),
        "b": _plain_side(comparison.b),
        "settings": [{"name": name, "a": a, "b": b} for name, a, b in comparison.settings],
        "figures": [
            {"name": one.label, "a": one.a, "b": one.b, "change": one.change, "better": one.better}
            for one in comparison.figures
        ],
        "categories": [
            {"category": one.category, "a": one.a, "b": one.b, "points": round(one.points, 3)}
            for one in comparison.categories
        ],
        "answers": None
        if answers is None
        else {
            "both": answers.both,
            "differ": answers.differ,
            "only_a": answers.only_a,
            "only_b": answers.only_b,
            "moves": [{"a": a, "b": b, "count": number} for a, b, number in answers.moves],
            "first": [
                {"seq": one.seq, "record": comparison.record_of(one.seq), "a": one.a, "b": one.b}
                for one in answers.first
            ],
        },
        "why_not": comparison.why,
    }


def _plain_side(side: Side) -> dict[str, Any]:
    return {
        "run": side.name,
        "title": side.title,
        "outcome": side.outcome,
        "started_at": side.started_at,
        "settings": dict(side.terms),
    }


def _named(side: Side) -> str:
    return visible(f"{side.name}  {one_line(side.title, 80)}  {side.outcome}")


def _answers(comparison: Comparison) -> list[str]:
    answers = comparison.answers
    if answers is None:
        return [comparison.why]
    lines = [in_words(answers)]
    if answers.first:
        rows = [
            (one_line(comparison.record_of(one.seq), 40), one_line(one.a, _VALUE), one_line(one.b, _VALUE))
            for one in answers.first
        ]
        lines += _columns([("", "A", "B"), *rows])
        if (more := answers.differ - len(answers.first)) > 0:
            lines.append(f"and {more:,} more")
    return lines


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, "─" * 72, *lines]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column at the left, the others at the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
