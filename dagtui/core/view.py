"""Which requests are shown, and in which order: kept up to date piece by piece.

The requests lie in pages of a few thousand. Of each page a view keeps what matches the query, sorted if there is
an order; a page is made anew, in a millisecond or two, when something in it changed. The lines in view are found
across the pages when they are asked for, so that nothing ever goes through all requests at once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from operator import sub

from dagtui.core.order import Order
from dagtui.core.query import Query
from dagtui.core.store import RequestStore
from dagtui.core.terms import Rows

PAGE = 4096
_TIME_PASSES = 1.0  # seconds after which what is in flight counts as changed, where its latency matters
_NOBODY: Mapping[int, float] = {}


class View:
    """The requests of `store` that `query` is true of, by `order` or as they are in the file.

    `look` notices what changed, `step` takes it in; until the first time that all is in, the view is not
    `complete`. A query without terms and without an order needs neither.
    """

    def __init__(self, store: RequestStore, query: Query | None = None, order: Order | None = None) -> None:
        self.store, self.query, self.order = store, query or Query(), order
        self.plain = not self.query and order is None
        self.version = 0  # grows whenever what is shown may be another
        self.rows = Rows(store)  # as they were at the last look
        self._seen = store.version
        self._length = 0
        self._categories = len(store.categories)
        self._timely = self.query.timely or (order is not None and order.column == "latency")
        self._timed = 0.0
        self._seqs: list[array[int]] = []
        self._keys: list[array[float]] = []
        self._due: dict[int, None] = {}  # pages to be made anew, those that wait longest first
        self._unmade = 0  # of them, those that were never made
        self._total = 0
        self._window: tuple[tuple[int, int, int], Sequence[int]] = ((-1, -1, -1), ())
        self.look(0.0)

    def __len__(self) -> int:
        return len(self.store) if self.plain else self._total

    @property
    def complete(self) -> bool:
        """All pages were made once."""
        return self.plain or not self._unmade

    @property
    def progress(self) -> float:
        """The share of the pages that were made once."""
        return 1.0 - self._unmade / len(self._seqs) if self._unmade else 1.0

    def look(self, now: float, since: Mapping[int, float] = _NOBODY) -> None:
        """Notice what changed until `now`; `since` is when the attempts in flight were sent."""
        store = self.store
        self.rows = Rows(store, now, since)
        if self.plain:
            return
        changed = store.changed_since(self._seen)
        if (
            self.order is not None
            and self.order.column == "category"
            and self._categories != len(store.categories)
        ):
            changed, self._categories = None, len(store.categories)  # a new name moves the others
        self._seen = store.version
        if changed is None:
            self._due.update(dict.fromkeys(range(len(self._seqs))))
        else:
            pages = len(self._seqs)
            self._due.update((page, None) for page in {seq // PAGE for seq in changed} if page < pages)
        if since and self._timely and now - self._timed >= _TIME_PASSES:
            self._timed = now
            pages = len(self._seqs)
            self._due.update((page, None) for page in {seq // PAGE for seq in since} if page < pages)
        self._grow()

    def step(self, first: Collection[int] = ()) -> bool:
        """Make one page anew, one with a request of `first` if there is such; False when none is due."""
        if not self._due:
            return False
        page = next((page for seq in first if (page := seq // PAGE) in self._due), next(iter(self._due)))
        del self._due[page]
        self._make(page)
        return True

    # --- what is shown ---

    def window(self, start: int, rows: int) -> Sequence[int]:
        """The requests of the lines from `start` on, `rows` of them or as many as there are."""
        if self.plain:
            return range(start, min(start + rows, len(self.store)))
        asked = (self.version, start, rows)
        if self._window[0] != asked:
            self._window = (asked, self._find(start, rows))
        return self._window[1]

    def at(self, line: int) -> int | None:
        """The request of a line."""
        if not 0 <= line < len(self):
            return None
        (version, start, rows), seqs = self._window
        if version == self.version and start <= line < start + rows:
            return seqs[line - start]
        return line if self.plain else self._find(line, 1)[0]

    def line_of(self, seq: int) -> int | None:
        """The line of request `seq`; None where it is not shown."""
        if self.plain:
            return seq if seq < len(self.store) else None
        page = seq // PAGE
        if page >= len(self._seqs):
            return None
        seqs = self._seqs[page]
        if self.order is None:
            place = bisect_left(seqs, seq)
            return self._before(page) + place if place < len(seqs) and seqs[place] == seq else None
        try:
            place = seqs.index(seq)
        except ValueError:
            return None
        key = self._keys[page][place]
        line = place + sum(bisect_right(keys, key) for keys in self._keys[:page])
        return line + sum(bisect_left(keys, key) for keys in self._keys[page + 1 :])

    def near(self, seq: int) -> int:
        """The line of request `seq`, or, in the order of the file, where it would be."""
        line = self.line_of(seq)
        if line is not None or self.order is not None or self.plain:
            return line or 0
        page = min(seq // PAGE, len(self._seqs) - 1)
        return self._before(page) + bisect_left(self._seqs[page], seq) if page >= 0 else 0

    # --- inside ---

    def _grow(self) -> None:
        """Pages for the requests that were added."""
        length = len(self.store)
        if length == self._length:
            return
        if self._length % PAGE:
            self._due[self._length // PAGE] = None
        while len(self._seqs) * PAGE < length:
            self._due[len(self._seqs)] = None
            self._unmade += 1
            self._seqs.append(_UNMADE)
            self._keys.append(array("d"))
        self._length = length

    def _make(self, page: int) -> None:
        start, stop = page * PAGE, min((page + 1) * PAGE, self._length)
        found = self.query.scan(self.rows, start, stop)
        before = self._seqs[page]
        if self.order is None:
            after = array("I", found)
            changed = after != before
        else:
            keys = self.order.keys(self.rows, start, stop)
            places = sorted([seq - start for seq in found], key=keys.__getitem__)
            after = array("I", [start + place for place in places])
            ordered = array("d", [keys[place] for place in places])
            changed = after != before or ordered != self._keys[page]
            self._keys[page] = ordered
        if before is _UNMADE:
            self._unmade -= 1
        self._seqs[page] = after
        self._total += len(after) - len(before)
        self.version += changed

    def _before(self, page: int) -> int:
        return sum(map(len, self._seqs[:page]))

    def _lines(self, start: int) -> Iterator[int]:
        for seqs in self._seqs:
            if start < len(seqs):
                yield from seqs[start:]
                start = 0
            else:
                start -= len(seqs)

    def _find(self, start: int, rows: int) -> list[int]:
        if self.order is None:
            return list(islice(self._lines(start), rows))
        runs = (
            zip(keys[begin : begin + rows], seqs[begin : begin + rows], strict=True)
            for keys, seqs, begin in zip(self._keys, self._seqs, self._split(start), strict=True)
            if begin < len(seqs)
        )
        return [seq for _, seq in islice(merge(*runs), rows)]

    def _split(self, line: int) -> list[int]:
        """How many of each page's requests stand before `line`. Takes a few dozen looks into each page."""
        low, high = [0] * len(self._keys), list(map(len, self._keys))
        if line <= 0:
            return low
        while sum(low) < line:
            room = list(map(sub, high, low))
            page = room.index(max(room))
            pivot = self._keys[page][(low[page] + high[page]) // 2]
            below = [bisect_left(keys, pivot, *ends) for keys, *ends in zip(self._keys, low, high, strict=True)]
            if sum(below) > line:
                high = below
                continue
            upto = [bisect_right(keys, pivot, *ends) for keys, *ends in zip(self._keys, below, high, strict=True)]
            if sum(upto) <= line:
                low = upto
                continue
            left = line - sum(below)  # the line is among those alike: earlier pages come first
            for number, (begin, end) in enumerate(zip(below, upto, strict=True)):
                taken = min(left, end - begin)
                below[number] += taken
                left -= taken
            return below
        return low


_UNMADE: array[int] = array("I")
