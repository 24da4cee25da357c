"""An edit in the middle of a run, from the key that asks for it to the next revision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dagtui.core.errors import DagtuiError
from dagtui.core.text import one_line

if TYPE_CHECKING:
    from dagtui.core.contract import Stale
    from dagtui.core.result import RunResult
    from dagtui.plan import Plan
    from dagtui.tui.app import DagtuiApp
    from dagtui.tui.screens.watching import Watching
    from dagtui.watched import Steered, Watched

_DRAINED = "drained for an edit: what is in flight is finished, then the run goes on"


class Revising:
    """Takes the runs of `app` from one revision to the next. `under_way` while one is drained for that."""

    def __init__(self, app: DagtuiApp) -> None:
        self._app = app
        self._next: tuple[Plan, Stale] | None = None

    @property
    def under_way(self) -> bool:
        """The run that ends is to go on."""
        return self._next is not None

    async def edit(self, session: Steered) -> None:
        """Pause, let the user edit, and drain for the next revision; left without an edit, go on. For a worker."""
        from dagtui.tui.screens.edit import EditScreen  # imported when it is wanted

        paused = session.snapshot().phase == "running"
        if paused:
            session.pause()
        screen = EditScreen(session, self._app.plan)
        await self._app.push_screen_wait(screen)
        snapshot = session.snapshot()
        if screen.chosen is None:
            if paused and snapshot.phase == "paused":
                session.resume()
            return
        plan, stale = screen.chosen
        self._next = _as_tuned(plan, session), stale
        if snapshot.phase == "ended":
            await self.go_on(session)
        else:
            session.drain(_DRAINED)

    async def go_on(self, session: Watched, ended: tuple[Watching[Steered], RunResult] | None = None) -> None:
        """The run has ended: go on with it as edited, or say why not."""
        from dagtui.core.contract import Choices  # loads what only a run needs

        path, chosen = session.journal_path, self._next
        self._next = None
        if path is None or chosen is None:
            return
        plan, stale = chosen
        try:
            going = await self._app.let_go_and_look_back(path, plan)
            choices = Choices(stale=stale)
            if going.contract.ambiguous:  # of an earlier session: not to be decided in passing
                self._app.show_contract(going, plan, choices)
            else:
                await self._app.go_on(going, plan, choices)
        except DagtuiError as error:
            told = one_line(str(error), 400)
            self._app.notify(told, title="Not gone on", severity="error", markup=False, timeout=20)
            if ended is not None:
                self._app.show_report(ended[0].session, ended[1])


def _as_tuned(plan: Plan, session: Steered) -> Plan:
    """`plan`, pushed as hard as the run is now, within the budget that it has now."""
    snapshot = session.snapshot()
    settings = replace(
        plan.settings,
        concurrency=snapshot.target,
        automatic=snapshot.automatic,
        max_cost=snapshot.money.cap,
    )
    return replace(plan, settings=settings)
