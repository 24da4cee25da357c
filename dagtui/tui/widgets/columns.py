"""The columns of the requests table: what each says of a request, and which fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dagtui.core.figures import kind_words, seconds
from dagtui.core.order import SORTABLE, Order
from dagtui.core.store import UNKNOWN_COST, RequestStore, State
from dagtui.tui.palette import GLYPHS, STATE_ROLES, WORDS
from dagtui.tui.sheet import Line, Span, fit

Cell: TypeAlias = Callable[[RequestStore, int], Span]
Fitted: TypeAlias = "tuple[tuple[Column, int], ...]"
"""Columns with the cells that they got."""
_LONG = 999.995  # seconds that no longer fit with their hundredths


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells, or, where `grows`, of at least that. Low `rank`s go first if room is short."""

    title: str
    width: int
    cell: Cell
    rank: int
    right: bool = False
    grows: bool = False


def fitting(width: int, dimensions: int) -> Fitted:
    """The columns that fit in `width` cells with their widths, the most needed ones kept."""
    columns = [column for column in COLUMNS if column.title != "question" or dimensions > 1]
    while len(columns) > 2 and _needed(columns) > width:
        columns.remove(min(columns, key=lambda column: column.rank))
    spare = max(0, width - _needed(columns))
    growing = [column for column in columns if column.grows]
    extra = {column.title: spare // len(growing) for column in growing} if growing else {}
    if growing:
        extra[growing[-1].title] += spare - sum(extra.values())
    return tuple((column, column.width + extra.get(column.title, 0)) for column in columns)


def header(columns: Fitted, order: Order | None = None) -> Line:
    """The line of titles; an arrow tells the one that `order` is by."""
    spans: list[Span] = []
    for column, width in columns:
        if order is None or column.title != order.column:
            spans.append((f"{fit(column.title, width, right=column.right)} ", "dim"))
        elif column.right:  # in the gap before it, where its figures never stand
            text, role = spans[-1]
            spans[-1] = (text[:-1], role)
            spans.append((f"{fit(arrow(order) + column.title, width + 1, right=True)} ", "accent"))
        else:
            spans.append((f"{fit(f'{column.title} {arrow(order)}', width)} ", "accent"))
    return tuple(spans)


def arrow(order: Order) -> str:
    """Which way it goes."""
    return "▼" if order.descending else "▲"


def sortable(columns: Fitted) -> list[str]:
    """The titles that requests can be sorted by."""
    return [column.title for column, _ in columns if column.title in SORTABLE]


def at(columns: Fitted, x: int) -> str:
    """The title of the column at cell `x`."""
    for column, width in columns:
        if x <= width:  # with the gap behind it
            return column.title
        x -= width + 1
    return ""


def row(store: RequestStore, seq: int, columns: Fitted, mark: str, ran: float | None = None) -> Line:
    """Request `seq` as a line; `mark` is put after each role, `ran` is how long it is in flight (seconds)."""
    spans: list[Span] = []
    for column, width in columns:
        text, role = column.cell(store, seq)
        if ran is not None and column.title == "latency" and store.state[seq] == State.IN_FLIGHT:
            text, role = _took(ran), "running"
        said, role = fit(text, width, right=column.right) + " ", role + mark
        if spans and spans[-1][1] == role:  # fewer spans are painted sooner
            spans[-1] = (spans[-1][0] + said, role)
        else:
            spans.append((said, role))
    return tuple(spans)


def _needed(columns: list[Column]) -> int:
    return sum(column.width + 1 for column in columns)


def _state(store: RequestStore, seq: int) -> Span:
    state = State(store.state[seq])
    return f"{GLYPHS[state]} {WORDS[state]}", STATE_ROLES[state]


def _record(store: RequestStore, seq: int) -> Span:
    return store.record_id(seq), "text"


def _dimension(store: RequestStore, seq: int) -> Span:
    return store.dimension(seq), "dim"


def _attempt(store: RequestStore, seq: int) -> Span:
    number = store.attempts[seq]
    return (str(number) if number else "", "waiting" if number > 1 else "dim")


def _status(store: RequestStore, seq: int) -> Span:
    status = 0 if store.state[seq] == State.IN_FLIGHT else store.status[seq]  # else of the try before
    return (str(status) if status else "", "dim" if status < 400 else "waiting" if status == 429 else "failed")


def _latency(store: RequestStore, seq: int) -> Span:
    latency = 0.0 if store.state[seq] == State.IN_FLIGHT else store.latency[seq]
    return (_took(latency) if latency else "", "text")


def _took(duration: float) -> str:
    return f"{duration:.2f} s" if duration < _LONG else seconds(duration)


def _tokens_in(store: RequestStore, seq: int) -> Span:
    number = store.tokens_in[seq]
    return (f"{number:,}" if number else "", "dim")


def _tokens_out(store: RequestStore, seq: int) -> Span:
    number = store.tokens_out[seq]
    return (f"{number:,}" if number else "", "dim")


def _cost(store: RequestStore, seq: int) -> Span:
    cost = store.cost[seq]
    if cost == UNKNOWN_COST:
        return "n/a", "dim"
    return (f"${cost / 1e9:.6f}" if cost else "", "money")


def _category(store: RequestStore, seq: int) -> Span:
    return store.category_name(seq), "accent"


def _error(store: RequestStore, seq: int) -> Span:
    kind = store.error_kind(seq)
    lost = store.state[seq] in (State.FAILED, State.CANCELLED)
    return (kind_words(kind) if kind else "", "failed" if lost else "dim")


COLUMNS: tuple[Column, ...] = (
    Column("state", 11, _state, 10),
    Column("record", 10, _record, 9, grows=True),
    Column("question", 14, _dimension, 5),
    Column("try", 3, _attempt, 6, right=True),
    Column("http", 4, _status, 7, right=True),
    Column("latency", 8, _latency, 8, right=True),
    Column("in", 6, _tokens_in, 1, right=True),
    Column("out", 6, _tokens_out, 2, right=True),
    Column("cost", 10, _cost, 3, right=True),
    Column("category", 12, _category, 5),
    Column("last error", 12, _error, 4, grows=True),
)
