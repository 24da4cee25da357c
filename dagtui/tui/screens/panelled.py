"""A screen of numbered panels: a number jumps to its panel, and once more makes it fill the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from dagtui.tui.screens.fitted import FittedScreen
from dagtui.tui.sheet import Sheet

PANELS: dict[int, str] = {
    1: "dial",
    2: "concurrency",
    3: "cost",
    4: "requests",
    5: "log",
    6: "radar",
    7: "answers",
    8: "tail",
    9: "map",
}
"""What the keys call the panels. A number works on a screen that has a sheet of that `number`."""


class PanelledScreen(FittedScreen):
    """Finds its panels by `Sheet.number`, wherever they are in the tree.

    One that this size has no room for is one key away all the same: its number shows it alone. What stays in view
    beside a panel that fills the screen are the sheets at the top of the tree, such as a heading.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "restore", "All panels", id="panel.restore"),
        *(
            Binding(
                str(number),
                f"panel({number})",
                f"{name.capitalize()}; again: alone",
                show=False,
                id=f"panel.{number}",
            )
            for number, name in PANELS.items()
        ),
        Binding("z", "enlarge", "This panel alone, or all", show=False, id="panel.enlarge"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.enlarged: Sheet | None = None
        """The panel that fills the screen."""
        self._focus_before: Widget | None = None
        self._numbers: frozenset[int] = frozenset()

    def on_mount(self) -> None:
        """Which panels there are is asked at every key."""
        self._numbers = frozenset(sheet.number for sheet in self.query(Sheet) if sheet.number)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is there can be gone to, and only what is alone be given back."""
        if action == "panel":
            return parameters[0] in self._numbers
        return self.enlarged is not None if action == "restore" else True

    def action_panel(self, number: int) -> None:
        """Go to a panel; from there, or where it is not in view, make it fill the screen; from there, back."""
        panel = self._panel(number)
        if panel is None:
            return
        if panel is self.enlarged:
            self.action_restore()
        elif self.enlarged is not None or panel is self.focused or not _in_view(panel):
            self.enlarge(panel)
        else:
            self.set_focus(panel)

    def action_enlarge(self) -> None:
        """Make the panel that has the focus fill the screen, or give it back."""
        if self.enlarged is not None:
            self.action_restore()
        elif isinstance(self.focused, Sheet) and self.focused.number:
            self.enlarge(self.focused)

    def action_restore(self) -> None:
        """Show all panels again."""
        panel, self.enlarged = self.enlarged, None
        if panel is not None:
            self._arrange(panel, alone=False)
            self.call_after_refresh(self._focus_again, panel)

    def enlarge(self, panel: Sheet) -> None:
        """Make `panel` fill the screen."""
        if self.enlarged is not None:
            self._arrange(self.enlarged, alone=False)
        else:
            self._focus_before = self.focused
        self.enlarged = panel
        self._arrange(panel, alone=True)
        self.call_after_refresh(self.set_focus, panel)

    def _panel(self, number: int) -> Sheet | None:
        """The panel of that number: of several, the one in view."""
        found = [sheet for sheet in self.query(Sheet) if sheet.number == number]
        return next(
            (sheet for sheet in found if sheet is self.enlarged or _in_view(sheet)), next(iter(found), None)
        )

    def _arrange(self, panel: Sheet, *, alone: bool) -> None:
        """Give `panel` all the room of its container, and that all of the one above; or as it was."""
        panel.set_class(alone, "-alone")
        inner: Widget = panel
        while isinstance(outer := inner.parent, Widget) and outer is not self:
            on_top = outer.parent is self
            for other in outer.children:
                if other is not inner and not (on_top and isinstance(other, Sheet)):
                    other.set_class(alone, "-behind")
            if not on_top:
                outer.set_class(alone, "-around")
            inner = outer
        self.refresh_bindings()

    def _focus_again(self, panel: Sheet) -> None:
        """The focus stays where it was last, unless that is out of view again."""
        before = self._focus_before
        self.set_focus(panel if _in_view(panel) or before is None else before)


def _in_view(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
