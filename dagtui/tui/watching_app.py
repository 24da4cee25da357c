"""The app for a run that is not its own: one that was, or one that goes on in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagtui.core.errors import ExitCode
from dagtui.taste import PLAIN, Taste
from dagtui.tui import signals
from dagtui.tui.app import DagtuiApp, run
from dagtui.tui.screens.dialogs import Choice, Question
from dagtui.tui.words import farewell

if TYPE_CHECKING:
    from dagtui.elsewhere.attached import Attached
    from dagtui.past.replay import Replay
    from dagtui.plan import Plan
    from dagtui.tui.desk import Desk


class ReplayApp(DagtuiApp):
    """Shows a replay, and ends when it is left."""

    BEGINS_RUNS = False

    def __init__(self, replay: Replay, plan: Plan, *, taste: Taste = PLAIN, desk: Desk | None = None) -> None:
        super().__init__(plan, start_at_once=True, taste=taste, desk=desk)
        self.replay = replay

    async def open(self, plan: Plan) -> None:
        """Show the run's dashboard."""
        from dagtui.tui.screens.replay import ReplayScreen

        await self.push_screen(ReplayScreen(self.replay))

    async def _close_session(self) -> None:
        await self.replay.aclose()


class AttachedApp(DagtuiApp):
    """Shows a run of another process. However it is left, but on request, the run goes on."""

    BEGINS_RUNS = False

    def __init__(self, attached: Attached, plan: Plan, *, taste: Taste = PLAIN, desk: Desk | None = None) -> None:
        super().__init__(plan, start_at_once=True, taste=taste, desk=desk)
        self._attached = attached

    async def open(self, plan: Plan) -> None:
        """Show the run's dashboard."""
        from dagtui.tui.screens.attached import AttachedScreen

        self.session = self._attached
        await self.push_screen(AttachedScreen(self._attached))

    async def _ask_to_leave(self) -> None:
        choices = (
            Choice("enter", "leave it running"),
            Choice("d", "drain it, then quit"),
            Choice("c", "cancel it and quit"),
        )
        text = "The run goes on without this screen. Cancelled, what is in flight may be billed all the same."
        if not self._attached.steerable:
            text, choices = "The run goes on without this screen.", choices[:1]
        answer = await self.push_screen_wait(Question(text, choices))
        if answer == "d":
            await self._drain_and_leave(None)
        elif answer == "c":
            self._attached.cancel()
            self._leave_with(ExitCode.INTERRUPTED)
        elif answer:
            self._leave_with(ExitCode.OK)

    def leave_for_signal(self, name: str) -> None:
        """Leave because a signal came; it was not meant for the run."""
        self.deaf = self.deaf or name == "SIGHUP"
        if not self._leaving:
            self._watchdog = signals.watchdog(signals.HANG, ExitCode.INTERRUPTED)
            self._leave_with(ExitCode.INTERRUPTED)

    async def _close_session(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        if session.snapshot().phase == "ended":
            result = await session.wait()
            self.farewell += farewell(session, result, self.desk.kept(self.plan, session))
        else:
            run_name = self.desk.kept(self.plan, session).run
            self.farewell.append(f"left running; to come back to it: dagtui attach {run_name}")
        await session.aclose()


def show_replay(replay: Replay, plan: Plan, taste: Taste) -> int:
    """The replay in this terminal; returns the exit code for the shell."""
    return run(ReplayApp(replay, plan, taste=taste))


def show_attached(attached: Attached, plan: Plan, taste: Taste) -> int:
    """The run of another process in this terminal; returns the exit code for the shell."""
    return run(AttachedApp(attached, plan, taste=taste))
