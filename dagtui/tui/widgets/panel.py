"""A sheet that shows a part of the snapshot."""

from __future__ import annotations

from dagtui.core.held import Hold, Holder, sentence
from dagtui.core.snapshot import Snapshot
from dagtui.tui.sheet import Line, Sheet

_OUTAGE = sentence(Hold(Holder.OUTAGE)).partition(":")[0]


class Panel(Sheet):
    """Shows figures of a run. `show` is all that the screen calls."""

    TITLE = ""
    prompt = False
    """Whether it is shown anew with every look, not with every other one."""
    snapshot: Snapshot | None = None

    def on_mount(self) -> None:
        """Put the title into the border."""
        self.entitle(self.TITLE)

    def show(self, snapshot: Snapshot) -> None:
        """Show `snapshot`, painting what changed."""
        self.snapshot = snapshot
        self.repaint()


def pair(label: str, value: str, width: int, role: str = "text+") -> Line:
    """A dim label at the left and its value at the right."""
    room = max(0, width - len(value) - 1)
    return ((f"{label[:room]:<{room}} ", "dim"), (value, role))


def outage(snapshot: Snapshot) -> bool:
    """Nothing answers, and the run waits for that to change."""
    return snapshot.phase == "running" and snapshot.held_by.startswith(_OUTAGE)
