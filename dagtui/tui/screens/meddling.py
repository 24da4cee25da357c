"""Acting on one request of a run that goes on: ask it again, cancel its attempt, skip it, send it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.binding import Binding, BindingType
from textual.screen import Screen

from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.tail import TailPanel
from dagtui.watched import Steered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEDDLING: tuple[BindingType, ...] = (
    Binding("R", "again", "Ask the request again", show=False, id="request.again"),
    Binding("x", "abort", "Cancel its attempt", show=False, id="request.abort"),
    Binding("X", "skip", "Skip the request", show=False, id="request.skip"),
    Binding("h", "hedge", "Send it once more", show=False, id="request.hedge"),
)
MEDDLED = frozenset({"again", "abort", "skip", "hedge"})
"""The actions, which need a request under the cursor."""


def chosen(screen: Screen[object]) -> int | None:
    """The request under the cursor of the panel that has the focus; None where that is none, or many."""
    panel = screen.focused
    if isinstance(panel, RequestsTable | TailPanel):
        return panel.selected
    if isinstance(panel, RequestMap):
        return panel.alone
    return None


class Meddling(Screen[None]):
    """A screen whose keys act on the request under the cursor. `session` is the run."""

    session: Steered

    def action_again(self) -> None:
        """Ask it once more, or now, if it waits."""
        self._act("asked again", lambda seqs: self.session.retry(seqs), "it is under way")

    def action_abort(self) -> None:
        """Cancel its attempt; the rules of retries go on."""
        self._act("attempt cancelled", self.session.abort, "it is not in flight")

    def action_skip(self) -> None:
        """Give it up."""
        self._act("skipped", self.session.skip, "it has its outcome")

    def action_hedge(self) -> None:
        """Send it once more, beside the attempt in flight."""
        self._act("sent once more", self.session.hedge, "it is not in flight")

    def _act(self, done: str, act: Callable[[Sequence[int]], int], else_: str) -> None:
        seq = chosen(cast("Screen[object]", self))
        if seq is None or seq >= len(self.session.store):
            self.notify("There is no single request under a cursor here.", timeout=3, markup=False)
            return
        name = self.session.store.record_id(seq)
        told = f"{name}: {done}" if act((seq,)) else f"{name} stays as it is: {else_}"
        self.notify(told, timeout=3, markup=False)
