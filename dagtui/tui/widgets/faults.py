"""The simulated provider's knobs and scenarios, to be turned while the run goes on.

A value is shown when the simulator has confirmed it. Who turns them is told a sentence where it does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from dagtui.core.errors import DagtuiError
from dagtui.core.faults import FAULTS, LIMITS, SPEED, Knob, ProviderState, Scene, SimulatedProvider
from dagtui.tui.sheet import BLANK, Line, Sheet, fit, length, spread, wrapped
from dagtui.tui.widgets.knobs import VALUE, keys_line, knob_line, scene_line, side_by_side

Turn: TypeAlias = Callable[[Mapping[str, object]], Awaitable[ProviderState]]
Play: TypeAlias = Callable[[str], Awaitable[ProviderState]]
Row: TypeAlias = "Knob | Scene | str"

LOOK_S = 0.5  # seconds between two looks at the simulator: its scenario turns knobs, too
_SECTIONS: tuple[tuple[str, tuple[Knob, ...]], ...] = (
    ("limits", LIMITS),
    ("faults, of all requests", FAULTS),
    ("speed", SPEED),
)
_TWO_COLUMNS = 64  # cells from which on knobs and scenarios stand side by side
_DIGITS = "0123456789"


class FaultsPanel(Sheet, can_focus=True):
    """Shows how `provider` stands; `turn` and `play` do what the keys ask for, and tell how it stands then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Knob above", show=False, id="faults.up"),
        Binding("down,j", "move(1)", "Knob below", show=False, id="faults.down"),
        Binding("left", "turn(-1)", "Turn down", show=False, id="faults.less"),
        Binding("right", "turn(1)", "Turn up", show=False, id="faults.more"),
        Binding("shift+left", "turn(-1, True)", "A little down", show=False, id="faults.bit-less"),
        Binding("shift+right", "turn(1, True)", "A little up", show=False, id="faults.bit-more"),
        Binding("backspace", "reset", "As it was at first", show=False, id="faults.reset"),
        Binding("enter", "enter", "Play the scenario", show=False, id="faults.play"),
        Binding("tab", "yield_keys", "Back to the run", show=False, id="faults.yield"),
        Binding("escape", "leave", "Close the faults", show=False, id="faults.close"),
    ]

    class Left(Message):
        """The panel is to be closed."""

    def __init__(self, provider: SimulatedProvider, turn: Turn, play: Play, cursor: int = 0) -> None:
        super().__init__(id="faults")
        self._provider = provider
        self._turn, self._play = turn, play
        self._state: ProviderState | None = None
        self._scenes: tuple[Scene, ...] = ()
        self.cursor = cursor
        """The row that the keys are for."""
        self._typed: str | None = None
        self._trouble = ""
        self._asked: dict[str, Any] = {}  # by knob, what was asked for and is not confirmed yet
        self._pending: dict[str, Any] = {}  # of that, what the simulator was not told yet
        self._busy = False
        self._places: dict[tuple[int, int], int] = {}  # by column and line, the row that stands there

    async def on_mount(self) -> None:
        """Look at the simulator, now and then."""
        self.entitle("faults")
        self.set_interval(LOOK_S, self.look)
        await self.look()

    async def look(self) -> None:
        """Ask the simulator once how it stands."""
        try:
            if not self._scenes:
                self._scenes = await self._provider.scenarios()
            state = await self._provider.state()
        except DagtuiError as error:
            self._trouble = str(error)
        else:
            if not self._busy:  # whoever turns gets a fresher answer
                self._trouble = self._trouble if self._state is not None and self._typed is None else ""
                self._state = state
        self.repaint()

    # --- keys ---

    def on_key(self, event: events.Key) -> None:
        """A digit or a point begins a number; 0 alone is the way back."""
        character = event.character or ""
        knob = self._knob
        if knob is None or knob.kind == "switch":
            return
        if self._typed is None and character == "0":
            event.stop()
            self.action_reset()
        elif character and character in (_DIGITS if self._typed is None and knob.whole else f"{_DIGITS}."):
            event.stop()
            self._typed = ((self._typed or "") + character)[:VALUE]
            self._trouble = ""
            self.repaint()

    def action_move(self, rows: int) -> None:
        """To another knob or scenario."""
        self.cursor = (self.cursor + rows) % len(self._rows)
        self._typed, self._trouble = None, ""
        self.repaint()

    def action_turn(self, direction: int, fine: bool = False) -> None:
        """The next value of the knob."""
        knob = self._knob
        if knob is not None and self._state is not None:
            value = self._asked.get(knob.name, self._state.knobs.get(knob.name))
            self._ask(knob, knob.turned(value, direction, fine=fine))

    def action_reset(self) -> None:
        """The knob as it was at first; while a number is typed, its last digit goes."""
        if self._typed is not None:
            self._typed = self._typed[:-1] or None
            self.repaint()
        elif (knob := self._knob) is not None and self._state is not None:
            self._ask(knob, self._state.first.get(knob.name))

    def action_enter(self) -> None:
        """Set the number that was typed, switch, or play the scenario."""
        row, state = self._rows[self.cursor], self._state
        if isinstance(row, Scene):
            self.run_worker(self._begin(row.name), group="faults")
        elif row.kind == "switch" and state is not None:
            self._ask(row, not state.knobs.get(row.name))
        elif self._typed is not None:
            text, self._typed = self._typed, None
            try:
                self._ask(row, row.read(text))
            except ValueError as error:
                self._trouble = str(error)
                self.repaint()

    def action_yield_keys(self) -> None:
        """Give the keys back to the run, and stay open."""
        requests = self.screen.query_one("#requests")
        self.screen.set_focus(requests if requests.is_on_screen else None)

    def action_leave(self) -> None:
        """Drop the number that is being typed, or close the panel."""
        if self._typed is None:
            self.post_message(self.Left())
        self._typed = None
        self.repaint()

    # --- the mouse ---

    def on_click(self, event: events.Click) -> None:
        """A click goes to a row; on its arrows, it turns; on the scenario under the cursor, it plays."""
        place = event.get_content_offset(self)
        if place is None:
            return
        width, columns = self.size.width, self._columns
        column = min(columns - 1, place.x * columns // max(1, width))
        row = self._places.get((column, place.y))
        if row is None:
            return
        event.stop()
        there, self.cursor = self.cursor == row, row
        self._typed, self._trouble = None, ""
        if isinstance(self._rows[row], Scene):
            if there:
                self.action_enter()
        elif there:
            end = (width if columns == 1 else width // 2 - 2) - 1
            if place.x == end - VALUE - 2:
                self.action_turn(-1)
            elif place.x == end - 1:
                self.action_turn(1)
        self.repaint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The row above."""
        event.stop()
        self.action_move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The row below."""
        event.stop()
        self.action_move(1)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.repaint()

    def on_blur(self) -> None:
        """The cursor goes; what was typed is dropped."""
        self._typed = None
        self.repaint()

    # --- turning ---

    def _ask(self, knob: Knob, value: Any) -> None:
        self._asked[knob.name] = self._pending[knob.name] = value
        self._trouble = ""
        self.repaint()
        if not self._busy:
            self._busy = True
            self.run_worker(self._turn_all(), group="faults")

    async def _turn_all(self) -> None:
        """One after the other; what was asked for meanwhile goes together."""
        try:
            while self._pending:
                changes, self._pending = self._pending, {}
                try:
                    self._state = await self._turn(changes)
                except DagtuiError as error:
                    self._trouble = str(error)
                for name in changes:
                    if name not in self._pending:
                        self._asked.pop(name, None)
                self.repaint()
        finally:
            self._busy = False

    async def _begin(self, scenario: str) -> None:
        try:
            self._state = await self._play(scenario)
            self._trouble = ""
        except DagtuiError as error:
            self._trouble = str(error)
        self.repaint()

    # --- what is shown ---

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Knobs and scenarios, one below the other or side by side, and what the row is about."""
        if self._state is None:
            return self._troubles(width)[:height] or [(("asking the simulator", "dim"),)]
        foot = self._foot(width, height)
        room = max(1, height - len(foot))
        self._places.clear()
        if self._columns == 1:
            body = self._window([*self._knob_rows(), BLANK_ROW, *self._scene_rows()], 0, width, room)
        else:
            half = width // 2 - 2
            left = self._window(self._knob_rows(), 0, half, room)
            right = self._window(self._scene_rows(), 1, width - half - 4, room)
            body = [side_by_side(one, other, half) for one, other in zip(left, right, strict=True)]
        return [*body, *foot]

    def _foot(self, width: int, height: int) -> list[Line]:
        """What the row under the cursor is about, or what went wrong, and the keys."""
        lines = 1 if self._columns == 2 else 3 if height >= 20 else 2
        row = self._rows[self.cursor]
        if self._trouble:
            told = self._troubles(width)[:lines]
        else:
            about = row.title if isinstance(row, Scene) else row.about
            told = [((text, "dim"),) for text in wrapped(about, width)[:lines]]
        keys = self._keys(row, width)
        if self._columns == 2 and not self._trouble and length(told[0]) + length(keys) + 2 <= width:
            return [spread(told[0], keys, width)]
        return [*told, *[BLANK] * (lines - len(told)), keys]

    def _troubles(self, width: int) -> list[Line]:
        if not self._trouble:
            return []
        lines = wrapped(self._trouble, width - 2)
        return [(("  " if number else "✖ ", "failed"), (text, "text")) for number, text in enumerate(lines)]

    def _keys(self, row: Knob | Scene, width: int) -> Line:
        if not self.has_focus:
            return keys_line(width, ("F", "turn"), ("F F", "close"))
        if isinstance(row, Scene):
            return keys_line(width, ("⏎", "play it now"), ("Esc", "close"))
        if self._typed is not None:
            return keys_line(width, ("⏎", "set it"), ("Esc", "drop it"))
        if row.kind == "switch":
            return keys_line(width, ("← →", "off, on"), ("Esc", "close"))
        return keys_line(width, ("← →", "turn"), ("⇧", "fine"), ("0", "as it was"))

    def _knob_rows(self) -> list[tuple[int | None, Row]]:
        rows: list[tuple[int | None, Row]] = []
        number = 0
        for heading, knobs in _SECTIONS:
            if rows and self._columns == 1:
                rows.append(BLANK_ROW)
            rows.append((None, heading))
            for knob in knobs:
                rows.append((number, knob))
                number += 1
        return rows

    def _scene_rows(self) -> list[tuple[int | None, Row]]:
        first = len(_KNOBS)
        return [(None, "scenarios"), *((first + number, scene) for number, scene in enumerate(self._scenes))]

    def _window(self, rows: list[tuple[int | None, Row]], column: int, width: int, room: int) -> list[Line]:
        """The part of `rows` that has the cursor in it, or its beginning, as so many lines."""
        at = next((place for place, (number, _) in enumerate(rows) if number == self.cursor), 0)
        begin = max(0, min(at - room // 2, len(rows) - room))
        lines: list[Line] = []
        for number, row in rows[begin : begin + room]:
            if number is not None:
                self._places[column, len(lines)] = number
            lines.append(self._line(number, row, width))
        return lines + [BLANK] * (room - len(lines))

    def _line(self, number: int | None, row: Row, width: int) -> Line:
        if isinstance(row, str):
            return ((fit(row, width), "accent"),) if row else BLANK
        here = number == self.cursor and self.has_focus
        assert self._state is not None
        if isinstance(row, Scene):
            line = scene_line(row, self._state, width)
        else:
            asked = self._asked.get(row.name, self._state.knobs.get(row.name))
            line = knob_line(row, self._state, width, asked, self._typed if here else None, here=here)
        return tuple((text, f"{role}@") for text, role in line) if here else line

    # --- inside ---

    @property
    def _rows(self) -> tuple[Knob | Scene, ...]:
        return (*_KNOBS, *self._scenes)

    @property
    def _knob(self) -> Knob | None:
        row = self._rows[self.cursor]
        return row if isinstance(row, Knob) else None

    @property
    def _columns(self) -> int:
        return 2 if self.size.width >= _TWO_COLUMNS else 1


_KNOBS = tuple(knob for _, knobs in _SECTIONS for knob in knobs)
BLANK_ROW: tuple[None, str] = (None, "")
