"""Which revision the results of a session belong to: its own, or one that an earlier session's answers keep."""

from __future__ import annotations

from collections import Counter

from dagtui.core.revision import Revisions, revisions, revisions_of
from dagtui.core.store import State
from dagtui.past.resuming import Going, Kept


class Revised:
    """Of a session that goes on, or with None of a run's first. `kept` is what it keeps, once that is known."""

    def __init__(self, going: Going | None) -> None:
        self.kept: Kept | None = None
        self._going = going
        recipes = () if going is None else (*going.past.recipes, going.recipe)
        self._numbers = revisions_of(recipes) or (1,)

    @property
    def number(self) -> int:
        """The revision of this session."""
        return self._numbers[-1]

    @property
    def title(self) -> str:
        """What the run's title says of it; the first goes without saying."""
        return f" · revision {self.number}" if self.number > 1 else ""

    def of(self, seq: int) -> int:
        """The revision of the outcome that request `seq` has, or will have."""
        if self.kept is None or self._going is None or not self.kept.keeps(seq):
            return self.number
        session = self._going.past.sessions[seq]
        return self._numbers[session - 1] if session else self.number

    def revisions(self) -> Revisions:
        """The revisions of the run, with the answers that are kept. Of a million requests it takes a moment."""
        if self._going is None or self.number == 1:
            return Revisions()
        past, kept = self._going.past, self.kept
        counts = Counter(
            past.sessions[seq]
            for seq, state in enumerate(past.store.state)
            if state == State.SUCCEEDED and kept is not None and kept.keeps(seq)
        )
        return revisions((*past.recipes, self._going.recipe), counts)
