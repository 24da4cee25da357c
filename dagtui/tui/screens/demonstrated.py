"""A run before a simulated provider can be demonstrated: its faults turned by hand, or a story told over it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.app import SystemCommand
from textual.binding import Binding, BindingType

from dagtui.core.snapshot import Snapshot
from dagtui.tui.screens.watching import Watching
from dagtui.watched import Steered

if TYPE_CHECKING:
    from dagtui.stories import Story
    from dagtui.storyteller import Storyteller
    from dagtui.tui.widgets.faults import FaultsPanel
    from dagtui.tui.widgets.story import StoryBar

SHOWING: tuple[BindingType, ...] = (
    Binding("F", "faults", "Faults", id="run.faults"),
    Binding("full_stop,right", "chapter(1)", "Next chapter", key_display=".", show=False, id="story.next"),
    Binding("comma,left", "chapter(-1)", "Last chapter", key_display=",", show=False, id="story.back"),
    Binding("semicolon", "hold_story", "Hold the story", key_display=";", show=False, id="story.hold"),
)
"""The keys of a demonstration."""
_SHOWN = frozenset({"faults", "chapter", "hold_story"})
_BESIDE = 154  # cells of a terminal in which a dashboard of 120 stands beside the panel


class Demonstrated(Watching[Steered]):
    """Has the faults panel and the story, where the run's provider is a simulated one."""

    CSS_PATH = "../styles/faults.tcss"

    def __init__(self, session: Steered) -> None:
        super().__init__(session)
        self._teller: Storyteller | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """They are not there for other providers, and not when there is nothing left to show."""
        if action not in _SHOWN:
            return super().check_action(action, parameters)
        if self._phase == "ended" or self.session.provider is None:
            return False
        return action == "faults" or self._teller is not None

    # --- faults ---

    def action_faults(self) -> None:
        """Open the panel, give it the keys, or close it when it has them."""
        panel = self._faults
        if panel is None:
            self._open_faults()
        elif panel.has_focus:
            self._close_faults()
        else:
            panel.focus()

    def on_faults_panel_left(self) -> None:
        """Close it."""
        self._close_faults()

    def _open_faults(self, cursor: int = 0) -> None:
        from dagtui.tui.widgets.faults import FaultsPanel  # imported when somebody wants it
        from dagtui.turning import play, turn

        provider = self.session.provider
        if provider is not None:
            panel = FaultsPanel(provider, partial(turn, self.session), partial(play, self.session), cursor)
            beside = self._dagtui.size.width >= _BESIDE
            self.query_one("#dashboard" if beside else "#body").mount(panel)
            self.set_class(not beside, "-faults")
            panel.focus()

    def _close_faults(self) -> None:
        if (panel := self._faults) is not None:
            panel.remove()
            self.remove_class("-faults")
            self.query_one("#requests").focus()

    @property
    def _faults(self) -> FaultsPanel | None:
        return cast("FaultsPanel | None", next(iter(self.query("#faults")), None))

    async def on_resize(self) -> None:
        """The panel stands beside the dashboard as long as there is room for both."""
        panel = self._faults
        if panel is not None and self.has_class("-faults") == (self._dagtui.size.width >= _BESIDE):
            await panel.remove()
            self._open_faults(panel.cursor)

    # --- the story ---

    def tell(self, story: Story, pace: float = 1.0) -> None:
        """Tell `story` over the run, from its beginning."""
        from dagtui.storyteller import Storyteller  # imported when there is a story to tell
        from dagtui.tui.widgets.story import StoryBar

        self._teller = Storyteller(self.session, story, pace)
        if bars := self.query(StoryBar):
            bars.first().teller = self._teller
        else:
            self.query_one("#dashboard").mount(StoryBar(self._teller), after="#heading")
        self.add_class("-told")
        self.run_worker(self._teller.tell(), name="story", group="story", exclusive=True)
        self.refresh_bindings()

    def action_chapter(self, chapters: int) -> None:
        """On, or back."""
        if self._teller is not None:
            self._teller.go(chapters)
            self.poll()

    def action_hold_story(self) -> None:
        """Stay in the chapter, or go on."""
        if self._teller is not None:
            self._teller.hold()
            self.poll()

    def showing_commands(self) -> Iterator[SystemCommand]:
        """What the palette offers."""
        if not self.check_action("faults", ()):
            return
        from dagtui.stories import STORIES

        yield SystemCommand("Faults", "Turn the simulated provider's limits and faults", self.action_faults)
        for story in STORIES.values():
            yield SystemCommand(f"Story: {story.name}", story.title, partial(self.tell, story))

    def _show(self, snapshot: Snapshot) -> None:
        ending = snapshot.phase == "ended" and self._phase != "ended"
        super()._show(snapshot)
        for bar in self.query("#story"):
            cast("StoryBar", bar).repaint()
        if ending:
            self._close_faults()
