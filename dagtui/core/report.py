"""The closing report: what a run did, at which speed and price, and what to change next time.

Pure and made once, so that the screen and the shell say the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import wrap

from dagtui.core.advice import hints
from dagtui.core.causes import Group
from dagtui.core.figures import UNKNOWN, count, kind_words, money, percent, rate, seconds
from dagtui.core.reference import is_reference, reference_rows
from dagtui.core.revision import Revisions
from dagtui.core.run_settings import RunSettings
from dagtui.core.snapshot import Snapshot
from dagtui.core.text import visible

_BAR = 20
_PORTKEY_LOGS = "https://app.portkey.ai/logs"
_MOST_MESSAGES = 5
REFERENCE = "The reference run"
"""The title of the section that compares with what DagEngine published."""


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of `rows` (label, value). `shares` (0 to 1), where given, are the rows' bars.

    The values of a `verbatim` section are there to be copied: they are not to be wrapped.
    """

    title: str
    rows: tuple[tuple[str, str], ...]
    shares: tuple[float, ...] = ()
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what a run came to lies. `run` is what commands call it; None where there is no journal.

    `results` and `failures` are files beside the journal, if there are any. `gateway` is the one that it went
    through: its name or its address. `revisions` are the run's.
    """

    run: str | None = None
    results: Path | None = None
    failures: Path | None = None
    gateway: str = ""
    revisions: Revisions | None = None

    @property
    def resume(self) -> str:
        """The command that goes on with the run."""
        return f"dagtui resume {shlex.quote(self.run)}" if self.run else ""

    @property
    def export(self) -> str:
        """The command that writes its results."""
        return f"dagtui export {shlex.quote(self.run)} -o results.csv" if self.run else ""


@dataclass(frozen=True, slots=True)
class Audit:
    """A run by the books of who answered it: do the figures agree, and how long had it to take at least."""

    books: str
    bound: str = ""


def report(
    snapshot: Snapshot,
    kept: Kept,
    audit: Audit | None = None,
    *,
    settings: RunSettings | None = None,
    title: str = "",
    max_tokens: int | None = None,
    causes: Sequence[Group] = (),
) -> tuple[Section, ...]:
    """Every figure of the run so far, in the order in which people ask for them, then advice for the next one.

    `settings` and `max_tokens` give the advice its numbers; its `title` tells whether it is the reference's job;
    `causes` is what went wrong.
    """
    sections = [_run(snapshot), _speed(snapshot), _outcomes(snapshot)]
    if snapshot.errors:
        sections.append(_causes(snapshot))
    if causes:
        sections.append(_told(causes))
    if snapshot.categories:
        sections.append(_categories(snapshot))
    if kept.revisions is not None and kept.revisions.number > 1:
        sections.append(_revisions(snapshot, kept.revisions))
    sections += [_money(snapshot), _tokens(snapshot), _results(snapshot, kept)]
    if audit:
        rows = (("Checked", audit.books), ("Time", audit.bound))
        sections.append(Section("Ledger", tuple(row for row in rows if row[1])))
    if is_reference(title, snapshot):
        sections.append(Section(REFERENCE, reference_rows(snapshot), verbatim=True))
    advice = hints(snapshot, settings, max_tokens)
    if advice:
        sections.append(Section("Next time", tuple(("", hint) for hint in advice)))
    return tuple(sections)


def as_text(sections: tuple[Section, ...], width: int = 72) -> str:
    """The report for a place without a screen: plain text, at most `width` columns."""
    lines: list[str] = []
    for section in sections:
        lines += ["", section.title, "─" * min(width, 72)]
        labels = max((len(label) for label, _ in section.rows), default=0)
        values = max((len(value) for _, value in section.rows), default=0)
        for number, (label, value) in enumerate(section.rows):
            if not label:
                lines += wrap(value, width, initial_indent="- ", subsequent_indent="  ")
            elif section.shares:
                bar = "█" * max(1, round(section.shares[number] * _BAR))
                lines.append(f"{label:<{labels}}  {value:>{values}}  {bar}"[:width])
            elif section.verbatim:
                lines.append(f"{label:<{labels}}  {value}")
            else:
                lines += _row(label, value, labels, width)
    return "\n".join(lines).lstrip("\n") + "\n"


def _run(snapshot: Snapshot) -> Section:
    rows = [(snapshot.before.duration_label, seconds(snapshot.elapsed)), ("Records", count(_records(snapshot)))]
    if _width(snapshot) > 1:
        rows.append(("Requests", count(_states(snapshot))))
    if snapshot.rows_rejected:
        rows.append(("Rows left out", count(snapshot.rows_rejected)))
    at_last = f"automatic, {count(snapshot.target)} at last"
    rows.append(("Concurrency", at_last if snapshot.automatic else count(snapshot.target)))
    rows.append(("Ended" if snapshot.phase == "ended" else "State", snapshot.reason or snapshot.phase))
    return Section("Run", tuple(rows))


def _speed(snapshot: Snapshot) -> Section:
    here = _records_ended(snapshot) - Decimal(snapshot.before.ended) / _width(snapshot)  # in this session's time
    latency = snapshot.latency
    return Section(
        "Speed",
        (
            ("Throughput", f"{rate(snapshot.throughput.mean)} requests a second"),
            ("Best second", f"{rate(snapshot.throughput.peak)} requests a second"),
            ("Average a record", seconds(snapshot.elapsed / float(here)) if here > 0 else UNKNOWN),
            ("Latency, mean", seconds(latency.mean)),
            ("Latency, p50 / p95 / p99", " / ".join(seconds(v) for v in (latency.p50, latency.p95, latency.p99))),
        ),
    )


def _outcomes(snapshot: Snapshot) -> Section:
    counts = snapshot.counts
    width, read = _width(snapshot), snapshot.records_read
    of = f"{count(read * width)} {_plural(read * width, 'record' if width == 1 else 'request')}"
    some = " read" if read < _records(snapshot) else ""
    rows = [("Succeeded", f"{count(counts.succeeded)}  ({percent(counts.succeeded, read * width)} of {of}{some})")]
    rows.append(("Failed", count(counts.failed)))
    rows += [
        (label, count(number))
        for label, number in (
            ("Skipped", counts.skipped),
            ("Cancelled", counts.cancelled),
            ("Not started", counts.queued + counts.waiting + counts.in_flight),
        )
        if number
    ]
    rows.append(("Attempts", count(snapshot.attempts)))
    rows.append(("Retries", count(snapshot.retries)))
    if snapshot.before.reused:
        rows.insert(1, ("Of them in earlier sessions", count(snapshot.before.reused)))
    if snapshot.gateway_retries:
        rows.append(("Retries by the gateway", count(snapshot.gateway_retries)))
    rows.append(("Rate limited", count(snapshot.throttled)))
    return Section("Outcomes", tuple(rows))


def _causes(snapshot: Snapshot) -> Section:
    total = sum(number for _, number in snapshot.errors)
    return Section(
        "Attempts that failed, by cause",
        tuple(
            (kind_words(kind), f"{count(number)}  {percent(number, total):>6}") for kind, number in snapshot.errors
        ),
        tuple(number / total for _, number in snapshot.errors),
    )


def _told(causes: Sequence[Group]) -> Section:
    """The messages of what failed most, then of what was retried most."""
    worst = sorted(causes, key=lambda group: (-group.failures, -group.retries, group.first))
    return Section(
        "What went wrong",
        tuple(
            (
                f"{kind_words(group.kind)} {group.status or ''}".rstrip(),
                f"{count(group.failures)} given up, {count(group.retries)} retried: "
                f"{group.text or '(no message)'}",
            )
            for group in worst[:_MOST_MESSAGES]
        ),
    )


def _categories(snapshot: Snapshot) -> Section:
    total = sum(number for _, number in snapshot.categories)
    return Section(
        "Categories",
        tuple(
            (visible(name, 32) or "(empty)", f"{count(number)}  {percent(number, total):>6}")
            for name, number in snapshot.categories
        ),
        tuple(number / total for _, number in snapshot.categories),
    )


def _revisions(snapshot: Snapshot, revisions: Revisions) -> Section:
    """How many answers each revision has, and what was edited for it."""
    told = ("as it began", *revisions.edits)
    answers = revisions.answers(snapshot.counts.succeeded)
    rows = [
        (str(number), visible(f"{count(of_it)} {_plural(of_it, 'answer')}, {edit}"))
        for number, (of_it, edit) in enumerate(zip(answers, told, strict=True), 1)
    ]
    return Section("Revisions", tuple(rows))


def _money(snapshot: Snapshot) -> Section:
    spent, before, each = snapshot.money.spent, snapshot.before.spent, cost_of_a_record(snapshot)
    return Section(
        "Cost",
        (
            ("Total", money(spent)),
            ("A record", money(each)),
            ("A thousand records", money(_times(each, 1_000))),
            ("A million records", money(_times(each, 1_000_000))),
            ("Of it on failed attempts", UNKNOWN if spent is None else money(snapshot.money.wasted)),
            *(((("Of it in earlier sessions"), money(before)),) if before is not None else ()),
            *((("Saved by identical requests", money(snapshot.money.saved)),) if snapshot.money.saved else ()),
        ),
    )


def _tokens(snapshot: Snapshot) -> Section:
    usage = snapshot.usage
    total = usage.input_total + usage.output
    answered = snapshot.counts.succeeded + snapshot.counts.failed
    rows = [("In", count(usage.input_total)), ("Out", count(usage.output)), ("Total", count(total))]
    if usage.cache_read or usage.cache_write:
        rows.insert(1, ("Cache read / written", f"{count(usage.cache_read)} / {count(usage.cache_write)}"))
    rows.append(("Average a request", f"{total / answered:,.1f}" if answered else UNKNOWN))
    return Section("Tokens", tuple(rows))


def _results(snapshot: Snapshot, kept: Kept) -> Section:
    if kept.results is not None:
        rows = [("Written to", visible(str(kept.results)))]
    elif kept.run is None:
        rows = [("Written to", "standard output")]
    else:
        rows = [("Kept in", f"the journal of run {visible(kept.run)}"), ("To a file", visible(kept.export))]
    if kept.failures is not None:
        rows.append(("What failed", visible(str(kept.failures))))
    if kept.run is not None and is_unfinished(snapshot):
        rows.append(("To go on", visible(kept.resume)))
    if log := _log_of(kept, snapshot):
        rows.append(("Gateway's log", log))
    return Section("Results", tuple(rows), verbatim=True)


def _log_of(kept: Kept, snapshot: Snapshot) -> str:
    """Where the gateway shows each request, and by what to find this run's."""
    found = f"trace ids begin with {visible(snapshot.run_id, 60)}" if snapshot.run_id else ""
    match kept.gateway:
        case "":
            return ""
        case "demo":
            return "none: the simulator answered, nothing left this machine"
        case "portkey":
            return f"{_PORTKEY_LOGS}  {found}".rstrip()
        case "local":
            return f"http://localhost:8787/public/  {found}".rstrip()
        case _:
            return found


def is_unfinished(snapshot: Snapshot) -> bool:
    """Whether some request has no answer."""
    counts = snapshot.counts
    return counts.total is None or counts.succeeded < counts.total


def cost_of_a_record(snapshot: Snapshot) -> Decimal | None:
    """US dollars a record that has its outcome; None where no price is known, or none has."""
    spent, done = snapshot.money.spent, _records_ended(snapshot)
    return spent / done if spent is not None and done else None


def _row(label: str, value: str, labels: int, width: int) -> list[str]:
    room = max(16, width - labels - 2)
    first, *rest = wrap(value, room) or [""]
    return [f"{label:<{labels}}  {first}", *(" " * (labels + 2) + line for line in rest)]


def _records(snapshot: Snapshot) -> int:
    return snapshot.records_read if snapshot.records_total is None else snapshot.records_total


def _states(snapshot: Snapshot) -> int:
    """Every request there is: those of records that are yet to be read too, where their number is known."""
    return snapshot.counts.queued + snapshot.counts.in_flight + snapshot.counts.waiting + snapshot.counts.ended


def _width(snapshot: Snapshot) -> int:
    """The questions asked of a record."""
    return max(1, _states(snapshot) // (_records(snapshot) or 1))


def _records_ended(snapshot: Snapshot) -> Decimal:
    """Records that have their outcomes; one of which some questions were cancelled counts for the others only."""
    counts = snapshot.counts
    return Decimal(counts.ended - counts.cancelled) / _width(snapshot)


def _times(each: Decimal | None, number: int) -> Decimal | None:
    return None if each is None else each * number


def _plural(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"
