"""What the requests table shows: which requests, in which order, and what is still being worked out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from time import perf_counter
from typing import TypeAlias

from dagtui.core.figures import count
from dagtui.core.order import Order
from dagtui.core.query import Query, in_states, parse
from dagtui.core.store import RequestStore, State
from dagtui.core.text import one_line
from dagtui.core.view import View
from dagtui.tui.widgets.columns import arrow

STATES: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("all", ()),
    ("in flight", (State.IN_FLIGHT,)),
    ("waiting", (State.WAITING,)),
    ("failed", (State.FAILED, State.SKIPPED, State.CANCELLED)),
    ("done", (State.SUCCEEDED,)),
)
"""The groups of states that a key goes through."""
Since: TypeAlias = Mapping[int, float]
"""When the attempts in flight were sent, by request (epoch seconds)."""
NOBODY: Since = {}
"""Nothing is known to be in flight."""
_SLICE = 0.002  # seconds after which no further page is made; the one begun takes up to two more
_QUERY = 48  # characters of the query in a title


class Shown:
    """A view of `store`, and, once another is asked for, that one, until all of it is worked out in slices."""

    def __init__(self, store: RequestStore) -> None:
        self.store = store
        self.states = 0
        self.query = Query()
        self.order: Order | None = None
        self.view = View(store)
        self.coming: View | None = None
        self._now, self._since = 0.0, NOBODY

    def look(self, store: RequestStore, now: float, since: Since) -> bool:
        """Notice what changed; whether it is another store."""
        self._now, self._since = now, since
        another = store is not self.store
        if another:
            self.store, self.view = store, View(store)
            self.renew()
        for view in (self.view, self.coming):
            if view is not None:
                view.look(now, since)
        return another

    def work(self, first: Collection[int] = ()) -> bool:
        """Work for a slice of time, on what is on the screen (`first`) before the rest; whether more is wanted."""
        until, view = perf_counter() + _SLICE, self.view if self.coming is None else self.coming
        while view.step(first) and perf_counter() < until:
            pass
        if self.coming is not None and self.coming.complete:
            self.view, self.coming = self.coming, None
        return self.coming is not None

    # --- what is asked for ---

    @property
    def narrowed(self) -> bool:
        """Some requests may be hidden."""
        return bool(self.states or self.query)

    def read(self, text: str) -> bool:
        """Ask for what the query `text` is true of; whether that is another one.

        Raises:
            BadQuery: it cannot be understood; nothing changed.
        """
        query = parse(text, self.store.dimensions, self.store.categories)
        if query.text == self.query.text:
            return False
        self.query = query
        self.renew()
        return True

    def widen(self) -> None:
        """Ask for all requests."""
        self.states, self.query = 0, Query()
        self.renew()

    def hides(self, seq: int) -> bool:
        """Request `seq` is not among what is asked for."""
        return not self._whole().holds(self.view.rows, seq)

    def renew(self) -> None:
        """Begin to work out what is asked for now."""
        self.coming = View(self.store, self._whole(), self.order)
        self.coming.look(self._now, self._since)

    def _whole(self) -> Query:
        states = STATES[self.states][1]
        return self.query.also(in_states(states)) if states else self.query

    # --- in words ---

    def matching(self) -> str:
        """How many requests are shown, or how far the search for them is."""
        found = f"{count(len(self.view))} of {count(len(self.store))}"
        return found if self.coming is None else self._progress(self.coming)

    def title(self) -> list[str]:
        """What is shown, in parts."""
        parts: list[str] = []
        if self.states or not self.query:
            parts.append(STATES[self.states][0])
        if self.query:
            parts.append(one_line(self.query.text, _QUERY))
        if self.order:
            parts.append(f"by {self.order.column} {arrow(self.order)}")
        return parts if self.coming is None else [*parts, self._progress(self.coming)]

    def place(self, cursor: int, expected: int) -> str:
        """Where the cursor is, when `expected` requests are known to come in all."""
        shown, read = len(self.view), len(self.store)
        if not shown:
            return ""
        place = f"{count(cursor + 1)} of {count(shown)}"
        if self.narrowed:
            return f"{place} · {count(read)} {'read' if expected > read else 'in all'}"
        return f"{place} read · {count(expected)} in all" if expected > read else place

    def nothing(self) -> str:
        """Why there is no row."""
        if not len(self.store):
            return "no requests yet"
        state = STATES[self.states][0]
        if not self.query:
            return f"none {state}"
        hint = f" {self.query.hint}" if self.query.hint else ""
        which = f"no request that is {state}" if self.states else "no request"
        return f"{which} matches {one_line(self.query.text, _QUERY)}{hint} · Esc shows all"

    def _progress(self, view: View) -> str:
        return f"{'sorting' if view.order else 'filtering'} {view.progress:4.0%}"
