"""Editing a run in the middle of it: how its questions are asked, an edit tried on some of its records, and the
plan to go on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagtui.chosen import choices_by_name, plugin_of
from dagtui.core.contract import in_order
from dagtui.core.dag import Dag
from dagtui.core.edit import Asked, edited_task
from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.even_sample import evenly
from dagtui.core.model import Outcome, Record, RowError
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.preview import Answered, Compared, most
from dagtui.core.pricing import PriceTable
from dagtui.core.revision import revisions_of
from dagtui.core.store import RequestStore, State
from dagtui.core.task import TaskPlugin
from dagtui.given import read_input
from dagtui.io.journal.outcomes import outcome_of
from dagtui.io.journal.reader import AnswerRow, JournalReader
from dagtui.io.tasks import task_values
from dagtui.io.toml import write_toml
from dagtui.past.runs import edited_task_path, plan_with_input

if TYPE_CHECKING:
    from dagtui.previewing import Tried
    from dagtui.watched import Watched

RECORDS = 10
"""Records that an edit is tried on."""
BY_CODE = "the prompts are made by the plugin's code; edit that, then go on with dagtui resume"


class Editing:
    """What can be edited of the run of `plan`, whose journal is at `path`. `columns` are its records' fields,
    `revision` is the one that an edit would begin; `fixed` says why prompts cannot be edited, empty if they can.
    """

    def __init__(self, plan: Plan, path: Path, reader: JournalReader, environ: Mapping[str, str]) -> None:
        facts = reader.facts
        self._given: dict[str, Any] = facts["input"]
        self._plan = plan_with_input(plan, facts)
        self._path = path
        self._environ = environ
        self._prices = PriceTable(plan.prices)
        self._plugin = plugin_of(plan)
        self._dag = Dag(self._plugin.dimensions)
        self._values = task_values(plan.task)
        self._rows: dict[int, AnswerRow] = {}
        self._index: list[int] = []
        self._ids: dict[int, str] = {}
        self.columns: tuple[str, ...] = tuple(self._given.get("columns", ()))
        self.revision = revisions_of([session.recipe for session in reader.sessions()])[-1] + 1
        self.fixed = "" if self._values is not None else BY_CODE
        self.questions: tuple[Asked, ...] = tuple(self._asked())
        self.choices = choices_by_name(self._plugin, None)

    def _asked(self) -> list[Asked]:
        plan = self._plan
        if self._values is None:
            return [Asked(self._plugin.name or plan.task, plan.model, plan.max_tokens, plan.temperature)]
        found: list[Asked] = []
        for dimension, choice in zip(
            self._dag.dimensions, choices_by_name(self._plugin, None).values(), strict=True
        ):
            texts = self._plugin.describe(dimension)
            found.append(
                Asked(
                    dimension.name,
                    choice.model,
                    choice.max_tokens,
                    choice.temperature,
                    texts["prompt"],
                    texts["system"],
                    dimension.needs,
                )
            )
        return found

    def look(self, reader: JournalReader, store_states: bytes) -> None:
        """Take the sample: records of which everything is answered, spread evenly. It may take a moment."""
        width = len(self._dag)
        whole = bytes([State.SUCCEEDED]) * width
        starts = range(0, len(store_states) - width + 1, width)
        answered = [start // width for start in starts if store_states[start : start + width] == whole]
        self._index = [answered[place] for place in evenly(len(answered), RECORDS)]
        rows = reader.answers([seq for index in self._index for seq in self._seqs(index)])
        # What was answered in the last moment may not be on disk yet.
        self._index = [index for index in self._index if all(seq in rows for seq in self._seqs(index))]
        self._rows = rows
        wanted = set(self._index)
        self._ids = {index: name for index, name in reader.record_ids() if index in wanted}

    def affected(self, edits: Sequence[Asked]) -> frozenset[int]:
        """Positions of the questions that are asked otherwise, and of those that read their answers; without any
        edits, of all.
        """
        if self._values is None or not edits:
            return frozenset(range(len(self._dag)))
        edited = {new.name for old, new in zip(self.questions, edits, strict=True) if old != new}
        found = {position for position, name in enumerate(self._dag.names) if name in edited}
        for position in in_order(self._dag):
            if self._dag.needs(position) & found:
                found.add(position)
        return frozenset(found)

    def compared(self, edits: Sequence[Asked]) -> list[Compared]:
        """The sample's answers as they are to the questions that the edits concern; nothing beside them yet."""
        return [
            Compared(self._ids.get(index, ""), self._dag.names[position], _answered(self._rows[seq]))
            for index in self._index
            for seq, position in self._concerned(index, edits)
        ]

    def at_most(self, edits: Sequence[Asked]) -> Decimal | None:
        """Dollars that a preview may cost at most; None where a price is not known."""
        total = Decimal(0)
        for seq, position in (one for index in self._index for one in self._concerned(index, edits)):
            row, name = self._rows[seq], self._dag.names[position]
            choice = self.choices.get(name)
            if choice is None:
                return None
            asked = next((one for one in edits if one.name == name), edits[0])
            model, tokens = asked.model or choice.model, asked.max_tokens or choice.max_tokens
            text = (asked.prompt or "") + asked.system
            cost = most(self._prices, self._plan.provider or choice.provider, model, tokens, row.usage, text)
            if cost is None:
                return None
            total += cost
        return total

    def check(self, edits: Sequence[Asked]) -> None:
        """Refuse what only the whole task tells.

        Raises:
            ConfigError: one sentence: what is wrong with the edited task, or that its price is not known and the
                run has a budget.
        """
        plugin = self._edited_plugin(edits)
        if self._plan.settings.max_cost is None:
            return
        for choice in choices_by_name(plugin, None).values():
            if not self._prices.knows(choice.provider, choice.model):
                raise ConfigError(f"The price of {choice.model} is not known, so that the budget cannot be kept.")

    async def preview(self, edits: Sequence[Asked], tell: Callable[[int, Answered], None]) -> Tried:
        """Ask the sample's records as `edits` say, through the run's gateway, in a session of its own; `tell` is
        given each answer with its place in `compared`. What the edits do not concern is not asked.

        Raises:
            DagtuiError: the gateway cannot be opened, or the records are not what they were.
        """
        from dagtui.previewing import Asking, ask

        asking = Asking(
            self._plan, self._edited_plugin(edits), await self._records(), self._kept(edits), self.at_most(edits)
        )
        return await ask(asking, sorted(self.affected(edits)), self._prices, self._environ, tell)

    def plan(self, edits: Sequence[Asked]) -> Plan:
        """The plan to go on with; an edited task is written beside the journal.

        Raises:
            ConfigError: it is wrong, or cannot be written.
        """
        self.check(edits)
        if self._values is None:
            [asked] = edits
            return replace(
                self._plan, model=asked.model, temperature=asked.temperature, max_tokens=asked.max_tokens
            )
        path = edited_task_path(self._path, self.revision)
        write_toml(path, self._edited_values(edits))
        return replace(self._plan, task=str(path), model=None, temperature=None, max_tokens=None)

    # --- inside ---

    def _seqs(self, index: int) -> range:
        first = self._dag.seq(index, 0)
        return range(first, first + len(self._dag))

    def _concerned(self, index: int, edits: Sequence[Asked]) -> list[tuple[int, int]]:
        """Requests of a record that the edits concern, with their questions' positions."""
        return [(self._dag.seq(index, position), position) for position in sorted(self.affected(edits))]

    def _kept(self, edits: Sequence[Asked]) -> list[dict[str, Outcome]]:
        """The sample's answers that the edits do not concern, by record."""
        affected = self.affected(edits)
        kept = [position for position in range(len(self._dag)) if position not in affected]
        return [
            {
                self._dag.names[position]: outcome_of(
                    self._rows[self._dag.seq(index, position)], self._dag.dimensions[position]
                )
                for position in kept
            }
            for index in self._index
        ]

    def _edited_values(self, edits: Sequence[Asked]) -> dict[str, Any]:
        assert self._values is not None
        return edited_task(self._values[0], edits)

    def _edited_plugin(self, edits: Sequence[Asked]) -> Plugin:
        if self._values is None:
            [asked] = edits
            plan = replace(
                self._plan, model=asked.model, temperature=asked.temperature, max_tokens=asked.max_tokens
            )
            return plugin_of(plan)
        return TaskPlugin(self._edited_values(edits), "the edited task")

    async def _records(self) -> list[Record]:
        """The sample's records, read again, and numbered as a run of their own."""
        given = await asyncio.to_thread(read_input, self._plan, self._plugin, None, self._given)
        wanted, found = set(self._index), dict[int, Record]()
        async for row in given.source:
            if isinstance(row, RowError):
                continue
            if row.index in wanted:
                found[row.index] = row
                if len(found) == len(wanted):
                    break
        missing = [index for index in self._index if index not in found or found[index].id != self._ids[index]]
        if missing or not found:
            raise BadInput(f"{given.name}: is not what this run read; a preview needs the records that it asked.")
        rows = (found[index] for index in self._index)
        return [Record(place, row.id, row.fields, row.line) for place, row in enumerate(rows)]


def _answered(row: AnswerRow) -> Answered:
    return Answered(row.text or "", row.category, row.cost)


async def open_editing(plan: Plan, session: Watched, environ: Mapping[str, str]) -> Editing:
    """What can be edited of the run of `plan` that goes on as `session`.

    Raises:
        DagtuiError: it keeps no journal, or its task cannot be read any more.
    """
    path, store = session.journal_path, session.store
    if path is None:
        raise ConfigError("This run keeps no journal, so that it cannot be edited and gone on with.")
    return await asyncio.to_thread(_open, plan, path, _states(store), environ)


def _open(plan: Plan, path: Path, states: bytes, environ: Mapping[str, str]) -> Editing:
    with JournalReader(path) as reader:
        editing = Editing(plan, path, reader, environ)
        editing.look(reader, states)
    editing.at_most(editing.questions)  # the price table takes a third of a second to load: better here
    return editing


def _states(store: RequestStore) -> bytes:
    return bytes(store.state)
