"""The dashboard of a run that goes on in another process."""

from __future__ import annotations

from dagtui.elsewhere.attached import Attached
from dagtui.tui.screens.dashboard import STEERED, Dashboard


class AttachedScreen(Dashboard):
    """Watches and steers it, as far as it takes commands."""

    def __init__(self, attached: Attached) -> None:
        super().__init__(attached)
        self._attached = attached
        self._steerable = False
        attached.trouble = self._tell

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a connection there are no commands, but all there is to see."""
        if action in STEERED and not self._attached.steerable:
            return False
        return super().check_action(action, parameters)

    def look(self) -> None:
        """Look, and have the keys follow the connection."""
        super().look()
        if self._steerable != self._attached.steerable:
            self._steerable = self._attached.steerable
            self.refresh_bindings()

    def _tell(self, trouble: str) -> None:
        self.notify(trouble, title="Not done", severity="error", markup=False)
