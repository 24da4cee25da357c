"""Two runs beside each other: what was set differently, what came of it, and which answers differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias, TypeVar

from dagtui.core.figures import UNKNOWN, count, money, percent, rate, seconds
from dagtui.core.report import cost_of_a_record
from dagtui.core.snapshot import Snapshot

T = TypeVar("T")
FIRST = 20
"""Differing answers that are told one by one."""
NOT_THE_SAME = "The two did not read the same input, so their answers are not compared."
NO_CATEGORIES = "The task sorts into no categories, so there is nothing to compare answers by."
Ending: TypeAlias = tuple[int, str, str | None]
"""How a request ended: its seq, its state, and its category if it has one."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. `started_at` is in epoch seconds, `terms` are its settings by name."""

    name: str
    title: str
    outcome: str
    started_at: float
    snapshot: Snapshot
    terms: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of both. `change` is that of `b` against `a`; `better` is None where neither is."""

    label: str
    a: str
    b: str
    change: str
    better: bool | None


@dataclass(frozen=True, slots=True)
class Share:
    """The share of a category in either run's answers, 0 to 1."""

    category: str
    a: float
    b: float

    @property
    def points(self) -> float:
        """By how many percentage points it grew."""
        return 100 * (self.b - self.a)


@dataclass(frozen=True, slots=True)
class Other:
    """A request whose answers differ: its seq, and the two categories."""

    seq: int
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Answers:
    """How the answers to the same input differ. `both` requests have one in both runs, of which `differ` are in
    another category; `first` are the first of these, `moves` say from where to where, most frequent first.
    """

    both: int
    differ: int
    only_a: int
    only_b: int
    first: tuple[Other, ...]
    moves: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that is told of two runs. `answers` is None where they are not comparable, and `why` says why.

    `ids` name the records of `answers.first`, and `dimensions` the questions.
    """

    a: Side
    b: Side
    settings: tuple[tuple[str, str, str], ...]
    figures: tuple[Figure, ...]
    categories: tuple[Share, ...]
    answers: Answers | None = None
    why: str = ""
    ids: Mapping[int, str] | None = None
    dimensions: tuple[str, ...] = ("",)

    def record_of(self, seq: int) -> str:
        """The record of a request, by its id; with several questions, the question too."""
        width = len(self.dimensions)
        name = (self.ids or {}).get(seq // width, f"#{seq // width + 1}")
        return name if width == 1 else f"{name} · {self.dimensions[seq % width]}"


def compare(a: Side, b: Side) -> Comparison:
    """Everything but the answers."""
    return Comparison(
        a, b, differing_terms(a.terms, b.terms), tuple(_figures(a.snapshot, b.snapshot)), _shares(a, b)
    )


def swapped(told: Comparison) -> Comparison:
    """The same two, the other way round."""
    answers = told.answers
    if answers is not None:
        answers = Answers(
            answers.both,
            answers.differ,
            answers.only_b,
            answers.only_a,
            tuple(Other(one.seq, one.b, one.a) for one in answers.first),
            tuple((b, a, number) for a, b, number in answers.moves),
        )
    turned = compare(told.b, told.a)
    return replace(turned, answers=answers, why=told.why, ids=told.ids, dimensions=told.dimensions)


def differing_terms(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """The settings that are not the same; what one of them does not have reads `none`."""
    return tuple(
        (name, a.get(name, "none"), b.get(name, "none"))
        for name in dict.fromkeys((*a, *b))
        if a.get(name, "none") != b.get(name, "none")
    )


def differing_answers(a: Iterable[Ending], b: Iterable[Ending], most: int = FIRST) -> Answers:
    """Go over the endings of two runs of the same input once, both ascending by seq."""
    both = differ = only_a = only_b = 0
    first: list[Other] = []
    moves: Counter[tuple[str, str]] = Counter()
    for seq, old, new in _paired(a, b):
        if old is not None and new is not None:
            both += 1
            if old != new:
                differ += 1
                moves[old, new] += 1
                if len(first) < most:
                    first.append(Other(seq, old, new))
        elif old is not None:
            only_a += 1
        elif new is not None:
            only_b += 1
    ordered = sorted(moves.items(), key=lambda item: (-item[1], item[0]))
    return Answers(both, differ, only_a, only_b, tuple(first), tuple((*move, number) for move, number in ordered))


def _paired(a: Iterable[Ending], b: Iterable[Ending]) -> Iterator[tuple[int, str | None, str | None]]:
    """The categories of both by seq, in order; None where there is no answer in a category."""
    left, right = iter(a), iter(b)
    old, new = next(left, None), next(right, None)
    while old is not None or new is not None:
        seq = min(one[0] for one in (old, new) if one is not None)
        was = is_ = None
        if old is not None and old[0] == seq:
            was, old = _category(old), next(left, None)
        if new is not None and new[0] == seq:
            is_, new = _category(new), next(right, None)
        yield seq, was, is_


def _category(ending: Ending) -> str | None:
    return ending[2] if ending[1] == "ok" else None


def _shares(a: Side, b: Side) -> tuple[Share, ...]:
    old, new = dict(a.snapshot.categories), dict(b.snapshot.categories)
    of_old, of_new = sum(old.values()) or 1, sum(new.values()) or 1
    shares = [Share(name, old.get(name, 0) / of_old, new.get(name, 0) / of_new) for name in {**old, **new}]
    return tuple(sorted(shares, key=lambda share: (-max(share.a, share.b), share.category)))


def _figures(a: Snapshot, b: Snapshot) -> Iterator[Figure]:
    same = a.records_read == b.records_read
    yield _figure("Records", a.records_read, b.records_read, count)
    yield _figure("Succeeded", a.counts.succeeded, b.counts.succeeded, count, more=True if same else None)
    yield _figure("Failed", a.counts.failed, b.counts.failed, count, more=False if same else None)
    label = max(a.before.duration_label, b.before.duration_label, key=len)
    comparable = same and label == "Duration"  # else the time is that of the last session only
    yield _figure(label, a.elapsed, b.elapsed, seconds, more=False if comparable else None)
    yield _figure("Requests a second", a.throughput.mean, b.throughput.mean, rate, more=True)
    yield _figure("Best second", a.throughput.peak, b.throughput.peak, rate, more=True)
    yield _figure("Latency, mean", a.latency.mean, b.latency.mean, seconds, more=False)
    yield _figure("Latency, p50", a.latency.p50, b.latency.p50, seconds, more=False)
    yield _figure("Latency, p95", a.latency.p95, b.latency.p95, seconds, more=False)
    yield _figure("Latency, p99", a.latency.p99, b.latency.p99, seconds, more=False)
    yield _figure("Attempts", a.attempts, b.attempts, count)
    yield _figure("Retries", a.retries, b.retries, count, more=False if same else None)
    yield _figure("Rate limited", a.throttled, b.throttled, count, more=False if same else None)
    yield _figure("Cost", a.money.spent, b.money.spent, money, more=False if same else None)
    yield _figure("A thousand records", _thousand(a), _thousand(b), money, more=False)
    yield _figure("Wasted", a.money.wasted, b.money.wasted, money, more=False if same else None)
    yield _figure("Tokens in", a.usage.input_total, b.usage.input_total, count)
    yield _figure("Tokens out", a.usage.output, b.usage.output, count)


def _figure(label: str, a: T, b: T, words: Callable[[T], str], *, more: bool | None = None) -> Figure:
    """`more` says whether more of it is better, None where that is no matter of better or worse."""
    old, new = _number(a), _number(b)
    if old is None or new is None:
        return Figure(label, words(a), words(b), UNKNOWN, None)
    if old == new:
        return Figure(label, words(a), words(b), "=", None)
    change = f"{100 * (new / old - 1):+.1f}%".replace("-0.0%", "+0.0%") if old else "from 0"
    better = None if more is None or change == "+0.0%" else (new > old) is more
    return Figure(label, words(a), words(b), change, better)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) else None


def _thousand(snapshot: Snapshot) -> Decimal | None:
    each = cost_of_a_record(snapshot)
    return None if each is None else each * 1_000


def in_words(answers: Answers) -> str:
    """How the answers differ, in a sentence."""
    told = f"{count(answers.both)} {'request has' if answers.both == 1 else 'requests have'} an answer in both"
    share = percent(answers.differ, answers.both)
    told += f"; {count(answers.differ)} ({share}) {'is' if answers.differ == 1 else 'are'} in another category"
    apart = [f"{count(n)} only in {side}" for side, n in (("A", answers.only_a), ("B", answers.only_b)) if n]
    return told + (f"; answered {' and '.join(apart)}" if apart else "")
