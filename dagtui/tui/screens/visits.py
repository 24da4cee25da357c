"""Runs that are not the app's own, looked at from the list of runs: left with Esc, and left as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from dagtui.past.recap import kept_of
from dagtui.tui.screens.attached import AttachedScreen
from dagtui.tui.screens.replay import ReplayScreen
from dagtui.tui.screens.report import ReportScreen

if TYPE_CHECKING:
    from dagtui.elsewhere.attached import Attached
    from dagtui.past.replay import Replay
    from dagtui.plan import Plan

_BACK = Binding("escape", "back", "Back", id="visit.back")


class VisitedReplay(ReplayScreen):
    """A run that was, played once more."""

    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(self, replay: Replay, plan: Plan) -> None:
        super().__init__(replay)
        self._plan = plan

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """First the panels are shown again, then it goes back."""
        return self.enlarged is None if action == "back" else super().check_action(action, parameters)

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss(None)

    def action_report(self) -> None:
        """The closing report."""
        replay = self.session
        kept = kept_of(replay.journal_path, self._plan)
        self._dagtui.push_screen(ReportScreen(replay, replay.result(), kept, self._plan))

    async def on_unmount(self) -> None:
        """Let go of the journal."""
        await self.session.aclose()


class VisitedRun(AttachedScreen):
    """A run that goes on in another process. Leaving it leaves it running."""

    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(self, attached: Attached, plan: Plan) -> None:
        super().__init__(attached)
        self._attached_run = attached
        self._plan = plan

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """First the panels are shown again, then it goes back."""
        return self.enlarged is None if action == "back" else super().check_action(action, parameters)

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss(None)

    def action_report(self) -> None:
        """The closing report."""
        if self.result is not None:
            kept = kept_of(self._attached_run.journal_path, self._plan)
            self._dagtui.push_screen(ReportScreen(self._attached_run, self.result, kept, self._plan))

    async def on_unmount(self) -> None:
        """Stop watching."""
        await self._attached_run.aclose()

    async def _wait_for_end(self) -> None:
        """How it ends is no affair of this app's exit code."""
        self.result = await self.session.wait()
        self.poll()
