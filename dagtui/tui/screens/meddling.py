"""Acting on one request of a run that goes on: ask it again, cancel its attempt, skip it, send it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.binding import Binding, BindingType
from textual.screen import Screen

from dagtui.core.store import State
from dagtui.tui.screens.demonstrated import Demonstrated
from dagtui.tui.screens.dialogs import Choice, Question, converse
from dagtui.tui.widgets.request_map import RequestMap
from dagtui.tui.widgets.requests import RequestsTable
from dagtui.tui.widgets.tail import TailPanel

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


ANOTHER_ANSWER = "It has an answer. Another one takes its place, and is paid for too."
ANOTHER = (Choice("y", "ask it again"), Choice("n", "keep the answer"))
"""What is asked before a request that is done is asked again."""


def chosen(screen: Screen[object]) -> int | None:
    """The request under the cursor of the panel that has the focus; None where that is none, or many."""
    panel = screen.focused
    if isinstance(panel, RequestsTable | TailPanel):
        return panel.selected
    if isinstance(panel, RequestMap):
        return panel.alone
    return None


class Meddling(Demonstrated):
    """A screen whose keys act on the request under the cursor."""

    def action_again(self) -> None:
        """Ask it once more, or now, if it waits."""
        seq, store = chosen(cast("Screen[object]", self)), self.session.store
        if seq is not None and seq < len(store) and store.state[seq] == State.SUCCEEDED:
            converse(self, "again", lambda: self._ask_again(seq))
        else:
            self._act("asked again", self._retry, "it is under way")

    async def _ask_again(self, seq: int) -> None:
        if await self.app.push_screen_wait(Question(ANOTHER_ANSWER, ANOTHER)) == "y":  # pyright: ignore[reportUnknownMemberType]
            self._act("asked again", self._retry, "it is under way", seq)

    def _retry(self, seqs: Sequence[int]) -> int:
        return self.session.retry(seqs)

    def action_abort(self) -> None:
        """Cancel its attempt; the rules of retries go on."""
        self._act("attempt cancelled", self.session.abort, "it is not in flight")

    def action_skip(self) -> None:
        """Give it up."""
        self._act("skipped", self.session.skip, "it has its outcome")

    def action_hedge(self) -> None:
        """Send it once more, beside the attempt in flight."""
        self._act("sent once more", self.session.hedge, "it is not in flight")

    def _act(self, done: str, act: Callable[[Sequence[int]], int], else_: str, seq: int | None = None) -> None:
        seq = chosen(cast("Screen[object]", self)) if seq is None else seq
        if seq is None or seq >= len(self.session.store):
            self.notify("There is no single request under a cursor here.", timeout=3, markup=False)
            return
        name = self.session.store.record_id(seq)
        told = f"{name}: {done}" if act((seq,)) else f"{name} stays as it is: {else_}"
        self.notify(told, timeout=3, markup=False)
