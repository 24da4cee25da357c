"""The head of the edit screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagtui.tui.sheet import Line, Sheet, fit, spread
from dagtui.tui.words import standing
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.watched import Watched


class EditTitle(Sheet):
    """Which run it is, and that it stands still."""

    revision = 0

    def __init__(self, session: Watched) -> None:
        super().__init__(id="edit-title")
        self._session = session

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The run's title, and what it does meanwhile."""
        right = f"edit for revision {self.revision}" if self.revision else "edit"
        title = fit(own_title(self._session.title), max(0, width - len(right) - 2)).rstrip()
        told = standing(self._session.snapshot())
        return (
            spread(((title, "accent+"),), ((right, "text+"),), width),
            ((fit(told, width).rstrip(), "warn"),),
        )
