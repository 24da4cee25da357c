"""What the terminal is told besides the picture: a title while a run goes on, and a sign when a long one ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from dagtui.core.figures import count
from dagtui.core.text import named
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.core.snapshot import Snapshot
    from dagtui.taste import Taste

LONG = 30.0  # seconds from which on the end of a run is told
_PACE = 1.0  # seconds between two titles
_MOST = 80  # characters
_KEEP, _GIVE_BACK = "\x1b[22;0t", "\x1b[23;0t"  # xterm's stack of titles, which tmux and most others have too


class Announcer:
    """Writes through `write`, which tells whether the terminal reads. What is foreign has been made harmless."""

    def __init__(self, taste: Taste, write: Callable[[str], bool]) -> None:
        self._taste = taste
        self._write = write
        self._title = ""
        self._at = 0.0

    def show(self, snapshot: Snapshot, name: str) -> None:
        """Have the title say how far the run called `name` is; at most once a second, but for its phase."""
        now = monotonic()
        if self._taste.title and now - self._at >= _PACE:
            self._at = now
            self.entitle(f"dagtui {_far(snapshot)} {_short(name)}")

    def begin(self) -> bool:
        """Have the title be the program's until there is a run; False if the terminal does not read yet."""
        return bool(self._title) or self.entitle("dagtui")

    def entitle(self, text: str) -> bool:
        """Have the terminal's title be `text`; False if the terminal does not read, and it stays as it is."""
        if not self._taste.title or text == self._title:
            return True
        keep = "" if self._title else _KEEP
        if not self._write(f"{keep}\x1b]2;{named(text, _MOST)}\x1b\\"):
            return False
        self._title = text
        return True

    def ended(self, snapshot: Snapshot, outcome: str, name: str) -> None:
        """Tell that a run is over, if it took long enough for somebody to have gone on with something else."""
        self._at = 0.0
        self.show(snapshot, name)
        if snapshot.elapsed < LONG:
            return
        notify = self._taste.notify
        if notify in ("osc9", "both"):
            done = f"{count(snapshot.counts.succeeded)} of {count(snapshot.counts.total or 0)} done"
            self._write(_passed_on(f"\x1b]9;{named(f'dagtui: {_short(name)} {outcome}, {done}', 200)}\x07"))
        if notify in ("bell", "both"):
            self._write("\x07")

    def last_words(self) -> str:
        """What gives the terminal back the title that it had; for after the app."""
        return f"\x1b]2;\x1b\\{_GIVE_BACK}" if self._title else ""


def _far(snapshot: Snapshot) -> str:
    if snapshot.phase == "ended":
        return "ended"
    total = snapshot.counts.total
    share = f"{snapshot.counts.ended * 100 // total}%" if total else ""
    return share if snapshot.phase == "running" and share else f"{snapshot.phase} {share}".rstrip()


def _short(name: str) -> str:
    return own_title(name).split(" · ")[0].strip() or "run"


def _passed_on(sequence: str) -> str:
    """Through tmux to the terminal around it, where that is allowed; on its own, tmux would swallow it."""
    if not os.environ.get("TMUX"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
