"""The settings of a run as a form: labels, fields, and beside each what it is about or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from dagtui.core.text import one_line
from dagtui.tui.paths import tail, tilde
from dagtui.tui.screens.numbers import NUMBERS, settings_from

if TYPE_CHECKING:
    from dagtui.plan import GatewayChoice, Plan, TaskChoice

ADDRESS = "address…"
"""The entry among the gateways that asks for one's address."""
_NOTE = 400
_SHOWN = 60
_LABELS = {"task": "task", "model": "model", "gateway": "gateway"} | {n.name: n.label for n in NUMBERS}
_ADDRESS = re.compile(r"https?://[^/\s@]+(?:/\S*)?", re.IGNORECASE)


class Form(Horizontal):
    """Holds what `plan` says and what the user makes of it."""

    def __init__(self, plan: Plan, tasks: Sequence[TaskChoice], gateways: Sequence[GatewayChoice]) -> None:
        super().__init__(id="settings")
        self.border_title = "run"
        self.border_subtitle = "Tab goes from field to field"
        self._plan = plan
        self._tasks = {choice.name: choice for choice in tasks}
        self._gateways = {choice.name: choice.description for choice in gateways}

    def compose(self) -> ComposeResult:
        """Three columns."""
        plan = self._plan
        yield Static("\n".join(_LABELS.values()), id="labels")
        with Container(id="fields"):
            yield _choice("task", _tasks([*self._tasks, plan.task]), plan.task)
            yield Input(plan.model or "", placeholder="the task's own", compact=True, id="model")
            yield _choice("gateway", _gateways([*self._gateways, plan.gateway]), plan.gateway)
            for number in NUMBERS:
                shown = number.shown(plan.settings)
                yield Input(shown, placeholder=number.placeholder, compact=True, id=number.name)
        yield Static("", id="notes", markup=False)

    def read(self, plan: Plan) -> tuple[Plan, dict[str, str]]:
        """`plan` with what the fields say, and sentences by field for what cannot be taken."""
        settings, wrong = settings_from(
            plan.settings, {number.name: self._typed(number.name) for number in NUMBERS}
        )
        gateway = self._chosen("gateway")
        plan = replace(
            plan,
            settings=settings,
            task=self._chosen("task"),
            model=self._typed("model") or None,
            gateway=plan.gateway if gateway == ADDRESS else gateway,
        )
        return plan, wrong

    def tell(self, plan: Plan, wrong: Mapping[str, str]) -> None:
        """Beside each field, what it is about or what is wrong with it."""
        task = self._tasks.get(plan.task)
        own = f"{task.model} is the task's own" if task else "empty: the task's own"
        notes = {number.name: number.note(self._typed(number.name)) for number in NUMBERS}
        notes["task"] = _about(task) if task else ""
        notes["model"] = own if plan.model else own.replace(" is", ",")
        notes["gateway"] = self._gateways.get(plan.gateway, "a gateway at this address")
        lines = [
            Content.styled(f"✖ {one_line(wrong[name], _NOTE)}", "$error")
            if name in wrong
            else Content(one_line(notes[name], _NOTE))
            for name in _LABELS
        ]
        self.query_one("#notes", Static).update(Content("\n").join(lines))

    def first(self, wrong: Mapping[str, str]) -> str:
        """The field whose problem is to be read in full: the one with the focus, else the first."""
        focused = next((name for name in wrong if self.query(f"#{name}:focus")), "")
        return focused or next((name for name in _LABELS if name in wrong), "")

    def offer_tasks(self, found: Iterable[TaskChoice]) -> None:
        """Let `found` be chosen too."""
        self._tasks |= {choice.name: choice for choice in found}
        chosen = self._chosen("task")
        self._offer("task", _tasks([*self._tasks, chosen]), chosen)

    def choose_gateway(self, name: str) -> None:
        """Choose the gateway `name`, which may be an address that was not offered."""
        self._offer("gateway", _gateways([*self._gateways, name]), name)

    @staticmethod
    def refuse_address(text: str) -> str:
        """Why `text` is no gateway's address."""
        return "" if _ADDRESS.fullmatch(text) else "An address looks like https://host:port/v1."

    def _offer(self, name: str, options: list[tuple[Content, str]], chosen: str) -> None:
        field = self._select(name)
        with field.prevent(Select.Changed):
            field.set_options(cast("list[tuple[str, str]]", options))
            field.value = chosen

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _chosen(self, name: str) -> str:
        value = self._select(name).value
        return value if isinstance(value, str) else cast("str", getattr(self._plan, name))

    def _select(self, name: str) -> Select[str]:
        return cast("Select[str]", self.query_one(f"#{name}", Select))


def _about(task: TaskChoice) -> str:
    words = [task.description] if task.description else []
    if task.name.endswith(".toml"):
        words.append(tilde(Path(task.name)))
    return " · ".join(words) or task.model


def _tasks(names: Iterable[str]) -> list[tuple[Content, str]]:
    """A task in a file goes by the file's name; its place is told beside the field."""
    shown = {name: Path(name).name if name.endswith(".toml") else name for name in names}
    return [(Content(one_line(text, _SHOWN)), name) for name, text in shown.items()]


def _gateways(names: Iterable[str]) -> list[tuple[Content, str]]:
    return [(Content(tail(name, _SHOWN)), name) for name in dict.fromkeys((*names, ADDRESS))]


def _choice(name: str, options: list[tuple[Content, str]], chosen: str) -> Select[str]:
    return Select(cast("list[tuple[str, str]]", options), value=chosen, allow_blank=False, compact=True, id=name)
