"""The app: which screen is shown when, and how it is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from dagtui import process
from dagtui.core.errors import DagtuiError, ExitCode
from dagtui.core.figures import count
from dagtui.core.run_settings import within
from dagtui.taste import PLAIN, Taste
from dagtui.tui import signals
from dagtui.tui.announcing import Announcer
from dagtui.tui.desk import Desk
from dagtui.tui.doable import doable, elsewhere
from dagtui.tui.revising import Revising
from dagtui.tui.screens.dialogs import Choice, Entry, Question
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.themed import ThemedApp
from dagtui.tui.words import drained, farewell, some

if TYPE_CHECKING:
    from pathlib import Path

    from dagtui.core.contract import Choices
    from dagtui.core.result import RunResult
    from dagtui.past.resuming import Going
    from dagtui.plan import Plan
    from dagtui.tui.screens.watching import Watching
    from dagtui.watched import Steered, Watched


class DagtuiApp(ThemedApp):
    """Shows the setup screen, or with `start_at_once` the dashboard of `plan`'s run. Returns an exit code."""

    TITLE = "dagtui"
    CSS_PATH = "dagtui.tcss"
    ENABLE_COMMAND_PALETTE = True
    BEGINS_RUNS = True
    """Whether another run can be begun here."""
    HORIZONTAL_BREAKPOINTS = [(0, "-cramped"), (60, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-flat"),
        (15, "-low"),
        (23, "-mid"),
        (30, "-high"),
        (42, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", key_display="?", id="app.help"),
        Binding("ctrl+q", "leave", "Quit", show=False, id="app.quit-anywhere", priority=True),
        Binding("ctrl+c", "interrupt", "Quit", show=False, id="app.interrupt", system=True),
    ]

    def __init__(
        self,
        plan: Plan,
        *,
        start_at_once: bool = False,
        theme: str | None = None,
        taste: Taste = PLAIN,
        desk: Desk | None = None,
        going: Going | None = None,
    ) -> None:
        super().__init__(taste)
        if desk is None:
            from dagtui import plan as desk  # here, because it imports everything that a run needs
        self.plan = plan
        self.desk = desk
        self.session: Steered | None = None
        self.result: RunResult | None = None
        self.farewell: list[str] = []
        self._start_at_once = start_at_once
        self._going = going
        self.revising = Revising(self)
        self._leaving = False
        self._watchdog: threading.Timer | None = None
        # Before the style sheet is read: a theme put on later has it all read and applied again.
        self.load_themes((desk.themes_folder(), desk.user_themes_folder()), theme or taste.theme)
        self.announcer = Announcer(taste, self.tell_terminal)
        self.set_keymap(dict(taste.keys))

    # --- the beginning ---

    def get_default_screen(self) -> Screen[Any]:
        """The setup screen is the bottom of the stack, so that it is painted first; a demo has none."""
        if self._start_at_once or self._going is not None:
            return Screen[None](id="_default")
        return SetupScreen(self.plan, self.desk)

    def on_mount(self) -> None:
        """Signals, and the run if it is to start at once."""
        self.tell_theme_problems()
        self._entitle()
        signals.listen(self.leave_for_signal)
        if self._start_at_once:
            self.run_worker(self._start_or_set_up())
        elif self._going is not None:
            self.show_contract(self._going, self.plan)
        self.call_after_refresh(_after_first_paint)

    def _entitle(self) -> None:
        """On a busy machine, what begins the picture may still lie before the terminal."""
        if not self.announcer.begin():
            self.set_timer(0.2, self._entitle)

    async def _start_or_set_up(self) -> None:
        try:
            await self.open(self.plan)
        except DagtuiError as error:
            await self.push_screen(SetupScreen(self.plan, self.desk, str(error)))

    async def open(self, plan: Plan) -> None:
        """Open a session for `plan` and show its dashboard.

        Raises:
            DagtuiError: it cannot be opened; nothing was sent.
        """
        settings, notice = within(plan.settings, process.open_files())
        plan = replace(plan, settings=settings)
        if notice:
            self.notify(notice, severity="warning")
        await self._show(plan, await self.desk.open_session(plan))

    async def _show(self, plan: Plan, session: Steered) -> None:
        from dagtui.tui.screens.dashboard import Dashboard  # imported when there is a run to show

        self.plan = plan
        self.session = session
        self.result = None
        process.prepare()
        dashboard = Dashboard(session)
        await self.push_screen(dashboard)
        if plan.story is not None and session.provider is not None:
            from dagtui.stories import story_named

            dashboard.tell(story_named(plan.story), plan.pace)

    # --- going on with a run ---

    def show_contract(self, going: Going, plan: Plan, choices: Choices | None = None) -> None:
        """What going on means, with the keys that decide."""
        from dagtui.tui.screens.contract import ContractScreen  # imported when there is a run to go on with

        self.push_screen(ContractScreen(going, plan, choices))

    async def go_on(self, going: Going, plan: Plan, choices: Choices) -> None:
        """Go on with a run, and show its dashboard.

        Raises:
            DagtuiError: it cannot be opened; nothing was sent.
        """
        session = await self.desk.open_resumed(going, plan, choices)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self._show(plan, session)

    async def look_back(self, path: Path, plan: Plan | None = None) -> None:
        """Show what going on with the run that ended would mean; `plan` is its own, if that is not the app's.

        Raises:
            DagtuiError: the journal, the input or a setting does not allow it.
        """
        plan = plan or self.plan
        self.show_contract(await self.let_go_and_look_back(path, plan), plan)

    async def let_go_and_look_back(self, path: Path, plan: Plan) -> Going:
        """Let go of the run that ended, and say what going on with it as `plan` would mean.

        Raises:
            DagtuiError: the journal, the input or a setting does not allow it.
        """
        told = len(self.farewell)
        await self._close_session()
        del self.farewell[told:]  # it is not the end of it
        return await self.desk.look_back(path, plan)

    def show_runs(self) -> None:
        """The runs that there were, and those that go on."""
        from dagtui.tui.screens.runs import RunsScreen  # imported when asked for

        self.push_screen(RunsScreen())

    def leave_contract(self, screen: Screen[Any]) -> None:
        """Back to where it was asked from; where that was the shell, there."""
        if self._going is not None and len(self.screen_stack) <= 2:
            self._leave_with(ExitCode.OK)
        else:
            self.pop_screen()

    async def new_run(self) -> None:
        """Let go of the run that ended and go back to the setup screen."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.announcer.entitle("dagtui")
        await self._close_session()
        if not isinstance(self.screen, SetupScreen):
            await self.push_screen(SetupScreen(self.plan, self.desk))

    def run_ended(self, dashboard: Watching[Any], result: RunResult) -> None:
        """Show the report when nobody is in the middle of something."""
        if self.result is not result and not self.revising.under_way:
            self.announcer.ended(result.snapshot, result.outcome, dashboard.session.title)
        self.result = result
        if isinstance(self.screen, Question):  # how to leave a run that goes on: the run has answered it
            self.screen.dismiss("")
            self.call_later(self.run_ended, dashboard, result)
        elif self.revising.under_way and not self._leaving:
            self.run_worker(self.revising.go_on(dashboard.session, (dashboard, result)))
        elif self.screen is dashboard and not self._leaving:
            self.show_report(dashboard.session, result)

    def show_report(self, session: Watched, result: RunResult) -> None:
        """The closing report."""
        from dagtui.tui.screens.report import ReportScreen  # imported when a run has ended

        self.push_screen(ReportScreen(session, result, self.desk.kept(self.plan, session)))

    def on_key(self, event: events.Key) -> None:
        """A key on its way to a screen over which a line to type in came up is meant for that line."""
        if isinstance(self.screen, Entry) and self.screen.catch(event):
            event.prevent_default()

    def copy_to_clipboard(self, text: str) -> None:
        """Hand `text` to the terminal, and say so: whether it takes it, it does not tell."""
        super().copy_to_clipboard(text)
        lines = text.count("\n") + 1
        told = some(lines, "line") if lines > 1 else some(len(text), "character")
        self.notify(f"{told}, where the terminal allows it", title="Copied", timeout=2, markup=False)

    # --- help and the palette ---

    def action_help(self) -> None:
        """The keys of this screen."""
        from dagtui.tui.screens.help import HelpScreen  # imported when asked for

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen([*doable(self.screen), *elsewhere(self.screen)]))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers: whatever has a key and can be done now, and each theme."""
        for able in doable(screen):
            if able.enabled and not able.moves:
                act = partial(self.run_action, able.action, able.node)
                yield SystemCommand(able.words, f"Key: {', '.join(able.shown)}", act)
        for name in sorted(self.available_themes):
            yield SystemCommand(
                f"Theme: {name}", "Change the colours", lambda name=name: setattr(self, "theme", name)
            )
        if self.BEGINS_RUNS and not self.running:
            yield SystemCommand("Runs", "Past runs, and those that go on: show, compare, go on", self.show_runs)
        from dagtui.tui.screens.demonstrated import Demonstrated  # imported when there may be a run

        if isinstance(screen, Demonstrated):
            yield from screen.showing_commands()

    # --- the end ---

    @property
    def running(self) -> bool:
        """A run goes on."""
        return self.session is not None and self.session.snapshot().phase != "ended"

    def action_interrupt(self) -> None:
        """Ctrl+C is what people press to get out."""
        self.action_leave()

    def action_leave(self) -> None:
        """Quit; in the middle of a run, ask how."""
        if self._leaving or isinstance(self.screen, Question):
            return
        if self.running:
            self.run_worker(self._ask_to_leave(), group="leave", exclusive=True)
        else:
            self._leave_with(self._exit_code())

    async def _ask_to_leave(self) -> None:
        assert self.session is not None
        counts = self.session.snapshot().counts
        text = f"The run goes on, with {count(counts.in_flight)} in flight. Leave it how?"
        if counts.waiting:
            text += f" Drained, {drained(counts)}"
        choices = (
            Choice("d", "drain, then quit" if counts.waiting else "finish what is in flight, then quit"),
            Choice("c", "cancel and quit (what is in flight may be billed)"),
            Choice("ctrl+c", "the same"),
        )
        answer = await self.push_screen_wait(Question(text, choices))
        if answer == "d":
            await self._drain_and_leave(None)
        elif answer:
            self.session.cancel()
            self._leave_with(ExitCode.INTERRUPTED)

    def leave_for_signal(self, name: str) -> None:
        """Drain and leave because a signal came; a second one does not wait."""
        code = ExitCode.INTERRUPTED
        if name == "SIGHUP":
            self.deaf = True
        if self._leaving:
            if self.session is not None:
                self.session.cancel()
            return
        if isinstance(self.screen, Question):  # how to leave: that is settled
            self.screen.dismiss("")
        self._watchdog = signals.watchdog(signals.GRACE + signals.HANG, code)
        self.run_worker(self._drain_and_leave(code), group="leave", exit_on_error=True)

    async def _drain_and_leave(self, code: int | None) -> None:
        """Finish what is in flight, but not for ever; `code` None takes the run's own."""
        self._leaving = True
        session = self.session
        if session is not None and self.running:
            session.drain()
            waiting = asyncio.ensure_future(session.wait())
            done, _ = await asyncio.wait([waiting], timeout=signals.GRACE if code is not None else None)
            if not done:
                session.cancel()
            self.result = await waiting
        self._leave_with(self._exit_code() if code is None else code)

    def _leave_with(self, code: int) -> None:
        self._leaving = True
        self.run_worker(self._close_and_exit(int(code)), group="exit", exclusive=True)

    async def _close_and_exit(self, code: int) -> None:
        try:
            await self._close_session()
        finally:
            if self.deaf:
                # There is no terminal to restore, and Textual's way out would wait for it.
                os._exit(code)
            self.exit(code)

    async def _close_session(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            begun = session.snapshot().phase != "ready"
            await session.aclose()
            if begun:
                result = await session.wait()
                self.farewell += farewell(session, result, self.desk.kept(self.plan, session))

    def _exit_code(self) -> int:
        return int(self.result.exit_code) if self.result is not None else 0

    async def on_unmount(self) -> None:
        """Let go of what is left, however the app ended."""
        await self._close_session()
        if self._watchdog is not None:
            self._watchdog.cancel()


def run_app(plan: Plan, taste: Taste = PLAIN, *, start_at_once: bool = False, going: Going | None = None) -> int:
    """The app for `plan` in this terminal; returns the exit code for the shell."""
    return run(DagtuiApp(plan, start_at_once=start_at_once, taste=taste, going=going))


def run(app: DagtuiApp) -> int:
    """Run `app` in this terminal, then say what it leaves behind; returns the exit code for the shell."""
    with asyncio.Runner(loop_factory=process.new_loop) as runner:
        code = app.run(loop=runner.get_loop())
    with contextlib.suppress(OSError):  # the terminal may have gone
        if sys.__stderr__ is not None and (words := app.announcer.last_words()):
            sys.__stderr__.write(words)
            sys.__stderr__.flush()
        sys.stdout.writelines(f"{line}\n" for line in app.farewell)
        sys.stdout.flush()
    if app.return_code:  # a crash inside Textual
        return app.return_code
    return int(code or 0)


def _after_first_paint() -> None:
    """What the first screen need not wait for."""
    gc.enable()  # the command line put it off
    # What a run needs is loaded beside the loop, so that neither the first keys nor the start wait for it.
    threading.Thread(target=import_module, args=("dagtui.opening",), daemon=True).start()
