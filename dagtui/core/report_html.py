"""The report as one HTML file: inline styles and drawings, no script, nothing that is loaded from elsewhere.

Whatever came from a file, a provider or a model is escaped on its way in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dagtui.core.figures import UNKNOWN, clock, count, kind_words, money, percent, rate, seconds
from dagtui.core.report import REFERENCE, Kept, Section, is_unfinished
from dagtui.core.report_style import STYLE
from dagtui.core.run_terms import told
from dagtui.core.snapshot import Snapshot
from dagtui.core.svg import over_time, safe, share_bar, stacked_bar

OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "complete": ("◆", "complete", "done"),
    "partial": ("◆", "ended with failures", "failed"),
    "drained": ("▽", "drained", "waiting"),
    "cancelled": ("◌", "cancelled", "waiting"),
    "stopped": ("✖", "stopped", "failed"),
    "running": ("▶", "running", "running"),
}
"""Glyph, words and role of how a run ended."""

_CHARTED = frozenset({"Categories", "Attempts that failed, by cause", "Next time", REFERENCE})


@dataclass(frozen=True, slots=True)
class Page:
    """What the file tells. `outcome` is how the run ended, or `running`; `begun` and `written` are dates in words.

    `terms` are its settings by name; they hold no secret.
    """

    title: str
    outcome: str
    reason: str
    snapshot: Snapshot
    sections: Sequence[Section]
    kept: Kept
    terms: Mapping[str, str] | None = None
    begun: str = ""
    written: str = ""


def page(view: Page) -> str:
    """The whole file."""
    snapshot = view.snapshot
    body = "".join(
        part
        for part in (
            _head(view),
            _tiles(view),
            _panel("Over time", _course(view), "wide"),
            _panel("How requests ended", _outcomes(snapshot)),
            _panel("Latency", _latency(snapshot)),
            _panel("Money", _money(snapshot)),
            _panel("Categories", _counted(snapshot.categories, "data")),
            _panel(
                "Attempts that failed, by cause",
                _counted([(kind_words(kind), number) for kind, number in snapshot.errors], "failed"),
            ),
            *(_panel(section.title, _reference(section), "wide") for section in _only(view, REFERENCE)),
            *(_panel(section.title, _advice(section), "wide") for section in _only(view, "Next time")),
            *(_panel(section.title, _table(section.rows)) for section in view.sections if _is_table(section)),
            _panel("Settings", _table(told(view.terms or {}))),
            _panel("To go on", _commands(view), "wide"),
        )
    )
    title = safe(view.title, 200)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}: report</title>\n<style>\n{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}</main>\n{_foot(view)}</body>\n</html>\n"
    )


def _head(view: Page) -> str:
    glyph, words, role = OUTCOMES.get(view.outcome, ("◆", view.outcome, "done"))
    begun = f'<p class="dim">begun {safe(view.begun)}</p>' if view.begun else ""
    return (
        f'<header><h1>{safe(view.title, 300)}</h1><p class="outcome {role}-text">{glyph} {safe(words)}</p>'
        f"<p>{safe(view.reason, 1_000)}</p>{begun}</header>\n"
    )


def _tiles(view: Page) -> str:
    snapshot = view.snapshot
    counts = snapshot.counts
    total = snapshot.records_read if counts.total is None else counts.total
    took = snapshot.before.duration_label.lower()
    tiles = (
        ("answered", f"{count(counts.succeeded)} of {count(total)}", percent(counts.succeeded, total)),
        (took, seconds(snapshot.elapsed), f"mean latency {seconds(snapshot.latency.mean)}"),
        ("throughput", f"{rate(snapshot.throughput.mean)}/s", f"best second {rate(snapshot.throughput.peak)}"),
        ("latency p95", seconds(snapshot.latency.p95), f"p50 {seconds(snapshot.latency.p50)}"),
        ("cost", money(snapshot.money.spent), f"{_a_thousand(view)} a thousand records"),
        ("failed", count(counts.failed), f"{count(snapshot.retries)} retries, {count(snapshot.throttled)} × 429"),
    )
    shown = "".join(
        f'<div class="tile"><span>{safe(label)}</span><b>{safe(value)}</b><span>{safe(more)}</span></div>'
        for label, value, more in tiles
    )
    return f'<section class="tiles wide">{shown}</section>\n'


def _a_thousand(view: Page) -> str:
    """As the section on cost has it."""
    return next((dict(section.rows)["A thousand records"] for section in _only(view, "Cost")), UNKNOWN)


def _panel(title: str, content: str, more: str = "") -> str:
    if not content:
        return ""
    kind = f' class="{more}"' if more else ""
    return f"<section{kind}><h2>{safe(title)}</h2>{content}</section>\n"


def _course(view: Page) -> str:
    snapshot = view.snapshot
    return over_time(snapshot.throughput, snapshot.elapsed, snapshot.dial)


def _outcomes(snapshot: Snapshot) -> str:
    counts = snapshot.counts
    open_ = counts.queued + counts.waiting + counts.in_flight
    parts = [
        (counts.succeeded, "done", "■ done"),
        (counts.failed, "failed", "✖ failed"),
        (counts.skipped, "skipped", "– skipped"),
        (counts.cancelled, "cancelled", "◌ cancelled"),
        (open_, "queued", "· not started"),
    ]
    total = sum(number for number, *_ in parts)
    label = ", ".join(f"{words[2:]} {number}" for number, _, words in parts)
    legend = "".join(
        f'<tr><th class="{role}-text">{words}</th><td>{count(number)}</td><td>{percent(number, total)}</td></tr>'
        for number, role, words in parts
        if number or role in ("done", "failed")
    )
    return stacked_bar([(number, role) for number, role, _ in parts], label) + f"<table>{legend}</table>"


def _latency(snapshot: Snapshot) -> str:
    latency = snapshot.latency
    rows = (("p50", latency.p50), ("mean", latency.mean), ("p95", latency.p95), ("p99", latency.p99))
    most = max((value for _, value in rows if value is not None), default=0.0)
    return _bars([(label, (value or 0) / most if most else 0.0, seconds(value)) for label, value in rows], "data")


def _money(snapshot: Snapshot) -> str:
    spent, wasted, saved = snapshot.money.spent, snapshot.money.wasted, snapshot.money.saved
    if spent is None:
        return f'<p class="dim">{UNKNOWN}: the price of this model is not known</p>'
    rows = (("answers", spent - wasted), ("wasted", wasted), ("saved", saved))
    most = max(spent - wasted, wasted, saved, Decimal(0))
    return _bars([(label, float(part / most) if most else 0.0, money(part)) for label, part in rows], "money")


def _counted(rows: Sequence[tuple[str, int]], role: str) -> str:
    total = sum(number for _, number in rows)
    return _bars(
        [
            (name or "(empty)", number / total, f"{count(number)} · {percent(number, total)}")
            for name, number in rows[:30]
        ],
        role,
    )


def _bars(rows: Sequence[tuple[str, float, str]], role: str) -> str:
    if not rows:
        return ""
    drawn = "".join(
        f"<tr><th>{safe(label, 60)}</th><td>{safe(value)}</td>"
        f'<td class="fill">{share_bar(share, role, f"{label}: {value}")}</td></tr>'
        for label, share, value in rows
    )
    return f'<table class="bars">{drawn}</table>'


def _reference(section: Section) -> str:
    """Columns, where the screen has spaces."""
    (_, names), *rows = section.rows
    head = "".join(f"<th>{safe(name)}</th>" for name in names.split())
    body = "".join(
        f"<tr><th>{safe(label)}</th>{''.join(f'<td>{safe(cell)}</td>' for cell in _cells(value))}</tr>"
        for label, value in rows
    )
    note = '<p class="dim">as published for DagEngine\'s example 01-portkey</p>'
    return f'<table class="compared"><tr><th></th>{head}</tr>{body}</table>{note}'


def _cells(value: str) -> Iterator[str]:
    yield from (cell.strip() for cell in value.split("  ") if cell.strip())


def _advice(section: Section) -> str:
    return f"<ul>{''.join(f'<li>{safe(hint)}</li>' for _, hint in section.rows)}</ul>"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    drawn = "".join(f"<tr><th>{safe(label)}</th><td>{safe(value, 400)}</td></tr>" for label, value in rows)
    return f"<table>{drawn}</table>"


def _commands(view: Page) -> str:
    kept = view.kept
    if kept.run is None:
        return ""
    run = kept.resume.removeprefix("dagtui resume ")
    rows = [("play it once more", f"dagtui show {run}"), ("write its results", kept.export)]
    if view.outcome == "running":
        rows = [("watch and steer it", f"dagtui attach {run}"), *rows[1:]]
    elif is_unfinished(view.snapshot):
        rows.append(("ask what is left", kept.resume))
    return "".join(f"<p>{safe(what)}: <code>{safe(command)}</code></p>" for what, command in rows)


def _foot(view: Page) -> str:
    told = f"written {safe(view.written)} by dagtui" if view.written else "by dagtui"
    return f'<footer class="dim">{told} · {clock(view.snapshot.elapsed)} of run</footer>\n'


def _only(view: Page, title: str) -> list[Section]:
    return [section for section in view.sections if section.title == title]


def _is_table(section: Section) -> bool:
    return section.title not in _CHARTED
