"""The app for a run that is not its own: one that was, or one that goes on in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagtui.core.errors import ExitCode
from dagtui.tui.app import DagtuiApp, run

if TYPE_CHECKING:
    from dagtui.plan import Plan
    from dagtui.replay import Replay
    from dagtui.tui.desk import Desk


class ReplayApp(DagtuiApp):
    """Shows a replay, and ends when it is left."""

    BEGINS_RUNS = False

    def __init__(self, replay: Replay, plan: Plan, *, theme: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(plan, start_at_once=True, theme=theme, desk=desk)
        self.replay = replay

    async def open(self, plan: Plan) -> None:
        """Show the run's dashboard."""
        from dagtui.tui.screens.replay import ReplayScreen

        await self.push_screen(ReplayScreen(self.replay))

    async def _close_session(self) -> None:
        await self.replay.aclose()


def show_replay(replay: Replay, plan: Plan, theme: str | None) -> int:
    """The replay in this terminal; returns the exit code for the shell."""
    return run(ReplayApp(replay, plan, theme=theme)) or int(ExitCode.OK)
