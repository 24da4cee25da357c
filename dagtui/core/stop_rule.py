"""When a run had better wait for somebody: a rule such as `failed>20%, drift>25`, held against the last requests.

Pure. Shares are of the requests that ended last; `drift` is how far the mix of categories has moved from that of
the run's beginning, in points: the share of the answers that would have to change category to undo it.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from dagtui.core.answer_flags import EMPTY, REFUSED, TRUNCATED
from dagtui.core.drift import moved
from dagtui.core.errors import ConfigError, nearest
from dagtui.core.model import Failure, Outcome, Success
from dagtui.core.text import named

K = TypeVar("K")

SHARES = ("failed", "empty", "refused", "truncated", "identical")
FIGURES = (*SHARES, "drift")
"""What a rule may name."""

DEFAULT_WINDOW, LEAST, MOST_WINDOW = 100, 50, 100_000
"""Requests that a rule looks back on unless it says; with how few it judges; the most it may ask for."""

_CLAUSE = re.compile(r"\s*([a-z]+)\s*>\s*(\d+(?:\.\d+)?)\s*%?\s*", re.IGNORECASE)
_EXAMPLE = "write it like failed>20%, or failed>20%,drift>25/200 to look back on 200 requests"


@dataclass(frozen=True, slots=True)
class Recent:
    """What became of the last `ended` requests, in numbers of them; `drift` is in points, 0 to 100.

    `identical` counts answers whose text is that of the most frequent one, where there are two of it or more.
    """

    ended: int
    failed: int = 0
    empty: int = 0
    refused: int = 0
    truncated: int = 0
    identical: int = 0
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class StopRule:
    """Any of the `limits` (percent or points, by figure) being passed is a hit; the last `window` requests
    are looked at.
    """

    text: str
    limits: tuple[tuple[str, float], ...]
    window: int = DEFAULT_WINDOW

    @property
    def least(self) -> int:
        """Requests that must have ended before it judges."""
        return min(LEAST, self.window)

    def hit(self, recent: Recent) -> str:
        """Which limit is passed, and by what, as a phrase; empty if none is."""
        if recent.ended < self.least:
            return ""
        for name, limit in self.limits:
            if name == "drift":
                if recent.drift > limit:
                    return f"drift>{limit:g}: the mix of categories has moved by {recent.drift:.0f} points"
                continue
            number = int(getattr(recent, name))
            if 100 * number > limit * recent.ended:
                share = 100 * number / recent.ended
                return f"{name}>{limit:g}%: {number:,} of the last {recent.ended:,} ({share:.0f}%)"
        return ""


def parse_rule(text: str) -> StopRule:
    """The rule that `text` is.

    Raises:
        ConfigError: one sentence: what is wrong in it, and how it is written.
    """
    clauses, slash, told = text.partition("/")
    window = DEFAULT_WINDOW
    if slash:
        if not told.strip().isdecimal() or not LEAST <= int(told) <= MOST_WINDOW:
            raise ConfigError(
                f'The stop rule "{named(text)}" must look back on a whole number of requests from {LEAST} to'
                f" {MOST_WINDOW:,} after the slash."
            )
        window = int(told)
    limits: list[tuple[str, float]] = []
    for clause in clauses.split(","):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise ConfigError(f'The stop rule cannot be read at "{named(clause.strip())}": {_EXAMPLE}.')
        name, limit = found[1].lower(), float(found[2])
        if name not in FIGURES:
            raise ConfigError(
                f'The stop rule names "{named(name)}"{nearest(name, FIGURES)}; it may name {", ".join(FIGURES)}.'
            )
        if limit >= 100:
            raise ConfigError(f'The stop rule "{named(clause.strip())}" can never hold: choose a limit below 100.')
        limits.append((name, limit))
    return StopRule(text.strip(), tuple(limits), window)


class RecentOutcomes:
    """The requests that ended last, counted as they come and go: a note costs the same for any window."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._ended: deque[tuple[bool, int, int | None, str | None]] = deque()
        self._failed = 0
        self._flags = Counter[int]()
        self._echoes = Counter[int]()
        self._mix = Counter[str]()
        self._first = Counter[str]()  # the mix of the first window, which later ones are held against
        self._since = 0  # categories noted

    def note(self, outcome: Outcome) -> None:
        """A request has ended."""
        match outcome:
            case Success():
                entry = False, outcome.flags, outcome.echo, outcome.category
            case Failure():
                entry = True, outcome.flags, None, None
            case _:
                return  # nobody asked a model
        self._count(entry, +1)
        self._ended.append(entry)
        if entry[3] is not None:
            if self._since < self._window:
                self._first[entry[3]] += 1
            self._since += 1
        if len(self._ended) > self._window:
            self._count(self._ended.popleft(), -1)

    def forget(self) -> None:
        """Judge only what comes from now on; what the run began with is remembered."""
        self._ended.clear()
        self._failed = 0
        for counter in (self._flags, self._echoes, self._mix):
            counter.clear()

    @property
    def recent(self) -> Recent:
        """The figures of now."""
        same = max(self._echoes.values(), default=0)
        return Recent(
            ended=len(self._ended),
            failed=self._failed,
            empty=self._flags[EMPTY],
            refused=self._flags[REFUSED],
            truncated=self._flags[TRUNCATED],
            identical=same if same > 1 else 0,
            drift=moved(self._first, self._mix) if self._since >= 2 * self._window else 0.0,
        )

    def _count(self, entry: tuple[bool, int, int | None, str | None], by: int) -> None:
        failed, flags, echo, category = entry
        self._failed += by * failed
        for flag in _each(flags):
            self._flags[flag] += by
        if echo is not None:
            _add(self._echoes, echo, by)
        if category is not None:
            _add(self._mix, category, by)


def _each(flags: int) -> Iterator[int]:
    return (flag for flag in (EMPTY, REFUSED, TRUNCATED) if flags & flag) if flags else iter(())


def _add(counter: Counter[K], key: K, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]
