"""The dashboard of a run that was: the same panels, with keys that move through its time."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from dagtui.core.snapshot import Snapshot
from dagtui.past.replay import Replay
from dagtui.tui.screens.watching import LOOKING, Watching
from dagtui.tui.widgets.concurrency import ConcurrencyPanel
from dagtui.tui.widgets.scrubber import Scrubber

_BIG = 10  # small steps in a big one


class ReplayScreen(Watching[Replay]):
    """Watches a run once more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,p", "play", "Play", key_display="space", id="replay.play"),
        Binding("left", "step(-1)", "Back", key_display="←", id="replay.back"),
        Binding("right", "step(1)", "On", key_display="→", id="replay.on"),
        Binding(
            "shift+left", f"step(-{_BIG})", "Far back", key_display="shift ←", show=False, id="replay.far-back"
        ),
        Binding("shift+right", f"step({_BIG})", "Far on", key_display="shift →", show=False, id="replay.far-on"),
        Binding("less_than_sign,comma", "faster(-1)", "Slower", key_display="<", id="replay.slower"),
        Binding("greater_than_sign,full_stop", "faster(1)", "Faster", key_display=">", id="replay.faster"),
        # Before the table, whose own first and last line they are elsewhere.
        Binding("home", "go(0)", "Beginning", key_display="Home", show=False, priority=True, id="replay.begin"),
        Binding("end", "go(1)", "End", key_display="End", show=False, priority=True, id="replay.end"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="app.help"),
        Binding("q", "app.leave", "Quit", id="app.quit"),
        *LOOKING,
        Binding("e", "export", "Export", id="run.export"),
        Binding("r", "report", "Report", id="view.report"),
    ]

    def compose_foot(self) -> ComposeResult:
        """The scrubber."""
        yield Scrubber(self.action_go, id="scrubber")

    def on_mount(self) -> None:
        """There is nothing to steer."""
        self.query_one(ConcurrencyPanel).steered = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The report is of the whole run."""
        return self._phase == "ended" if action == "report" else super().check_action(action, parameters)

    def action_play(self) -> None:
        """Play or pause."""
        self.session.toggle()
        self.poll()

    def action_step(self, steps: int) -> None:
        """On or back."""
        self.session.step(steps)
        self.poll()

    def action_faster(self, steps: int) -> None:
        """The next speed, or the one before."""
        self.session.faster(steps)
        self.poll()

    def action_go(self, share: float) -> None:
        """To a place in the run, from 0 to 1."""
        self.session.seek(share * self.session.length)
        self.poll()

    def action_report(self) -> None:
        """The closing report, at the end of the run."""
        self._dagtui.show_report(self.session, self.session.result())

    async def _wait_for_end(self) -> None:
        """At the end, the last picture stays."""

    def _show(self, snapshot: Snapshot) -> None:
        super()._show(snapshot)
        replay = self.session
        self.query_one(Scrubber).show(
            replay.position, replay.length, replay.speed, playing=replay.playing, seeking=replay.seeking
        )
