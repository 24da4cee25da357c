"""Views of a store that changes, against a plain sort and search of all of it."""

from __future__ import annotations

import random
from decimal import Decimal
from math import inf

import pytest

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, RecordRead, RequestEnded
from dagtui.core.model import Attempt, AttemptError, Failure, Success, Usage
from dagtui.core.order import SORTABLE, Order
from dagtui.core.query import parse
from dagtui.core.stats import Stats
from dagtui.core.store import LAST_CHANGES
from dagtui.core.terms import Rows
from dagtui.core.view import PAGE, View

QUERIES = ("", "failed", "latency>2s", "-failed", "id:_1", "done work")
ORDERS = [None, *(Order(column, down) for column in SORTABLE for down in (True, False))]


class Run:
    """Events of a made-up run, folded into real statistics."""

    def __init__(self, records: int, seed: int = 3) -> None:
        self.dice = random.Random(seed)
        self.stats = Stats(("topic", "tone"), 10)
        self.store = self.stats.store
        self.add(records)

    def add(self, records: int) -> None:
        for number in range(records):
            self.stats.fold(RecordRead(0.0, number, f"mail_{number}"))

    def go_on(self, times: int, among: int | None = None) -> None:
        """That many requests, of the first `among`, get an attempt and what comes of it."""
        for _ in range(times):
            seq = self.dice.randrange(among or len(self.store))
            self.stats.fold(AttemptStarted(0.0, seq, self.dice.randrange(1, 5)))
            if self.dice.random() < 0.1:
                continue
            took, usage = self.dice.random() * 4, Usage(self.dice.randrange(90), self.dice.randrange(90))
            cost = Decimal(self.dice.randrange(1000)) / 1_000_000
            if self.dice.random() < 0.3:
                error = AttemptError(self.dice.choice(list(ErrorKind)), "no", self.dice.choice((429, 500)))
                self.stats.fold(AttemptEnded(0.0, seq, Attempt(1, 0.0, took, error.status, error)))
                self.stats.fold(RequestEnded(0.0, seq, Failure(error, 1, usage, cost)))
            else:
                self.stats.fold(AttemptEnded(0.0, seq, Attempt(1, 0.0, took, 200, None, usage, cost)))
                category = self.dice.choice(("work", "spam", "Art"))
                self.stats.fold(RequestEnded(0.0, seq, Success("x", "x", 1, took, usage, cost, category)))


def settle(view: View) -> None:
    view.look(0.0)
    while view.step():
        pass
    assert view.complete


def wanted(view: View) -> list[int]:
    """The plain way."""
    rows, length = Rows(view.store), len(view.store)
    found = [seq for seq in range(length) if view.query.holds(rows, seq)]
    if view.order is None:
        return found
    keys = view.order.keys(rows, 0, length)
    return sorted(found, key=keys.__getitem__)


@pytest.fixture(scope="module")
def run() -> Run:
    run = Run(PAGE * 2 + 300)
    run.go_on(6000, PAGE * 3)
    return run


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("text", QUERIES)
def test_any_lines_of_a_view_are_those_of_a_plain_sort(run: Run, text: str, order: Order | None) -> None:
    view = View(run.store, parse(text, run.store.dimensions, run.store.categories), order)
    settle(view)
    plain = wanted(view)
    assert len(view) == len(plain)
    for start in (0, 1, 77, len(plain) // 3, len(plain) // 2, len(plain) - 40, len(plain) - 1):
        start = max(0, start)
        assert list(view.window(start, 40)) == plain[start : start + 40], start
    for line in range(0, len(plain), max(1, len(plain) // 7)):
        assert view.line_of(plain[line]) == line
        assert view.at(line) == plain[line]
    assert view.at(len(plain)) is None


@pytest.mark.parametrize("order", [None, Order("latency", True), Order("category", False)], ids=str)
@pytest.mark.parametrize("text", ["failed", "latency>2s", "-id:_12"])
def test_a_view_follows_a_run_that_goes_on_and_reads_more(text: str, order: Order | None) -> None:
    run = Run(PAGE, seed=11)
    view = View(run.store, parse(text), order)
    for turn in range(6):
        run.go_on(300, among=1000 if turn % 2 else None)
        run.add(turn * 700)
        settle(view)
        assert list(view.window(0, len(view))) == wanted(view)


def test_who_looks_rarely_misses_nothing() -> None:
    run = Run(100)
    view = View(run.store, parse("failed"))
    settle(view)
    run.go_on(LAST_CHANGES)
    settle(view)
    assert list(view.window(0, 500)) == wanted(view)
    version = run.store.version
    assert run.store.changed_since(version) == set()
    run.go_on(1)
    assert len(run.store.changed_since(version) or ()) == 1


def test_only_the_pages_in_which_something_changed_are_made_anew() -> None:
    run = Run(PAGE * 4)
    view = View(run.store, parse("done"), Order("latency", True))
    settle(view)
    run.go_on(50, among=PAGE)
    view.look(0.0)
    assert view.step()
    assert not view.step()


def test_what_is_in_flight_grows_older_in_a_view_by_latency() -> None:
    run = Run(50)
    for seq in (7, 8, 9):
        run.stats.fold(AttemptStarted(0.0, seq, 1))
    view = View(run.store, parse("latency>5s"), Order("latency", True))
    since = {7: 10.0, 8: 11.0, 9: 16.0}
    for now, shown in ((14.0, []), (15.5, [7]), (18.0, [7, 8]), (30.0, [7, 8, 9])):
        view.look(now, since)
        while view.step():
            pass
        assert list(view.window(0, 10)) == shown


def test_what_has_no_value_stands_at_the_end_either_way(run: Run) -> None:
    for down in (True, False):
        order = Order("latency", down)
        view = View(run.store, order=order)
        settle(view)
        keys = order.keys(Rows(run.store), 0, len(run.store))
        shown = [keys[seq] == inf for seq in view.window(0, len(view))]
        assert shown == sorted(shown)
        assert any(shown)


def test_the_progress_of_a_view_grows_to_the_whole(run: Run) -> None:
    view = View(run.store, order=Order("cost", True))
    seen = [view.progress]
    assert not view.complete
    while view.step():
        seen.append(view.progress)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1], view.complete) == (0.0, 1.0, True)
