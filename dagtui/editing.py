"""Editing a run in the middle of it: how its questions are asked, an edit tried on some of its records, and the
plan to go on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagtui.chosen import choices_by_name, plugin_of
from dagtui.core.dag import Dag
from dagtui.core.edit import Asked, edited_task
from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.even_sample import evenly
from dagtui.core.events import Event, RequestEnded
from dagtui.core.model import Outcome, Record, RowError, Success
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.preview import Answered, Compared, most
from dagtui.core.pricing import PriceTable
from dagtui.core.revision import revisions_of
from dagtui.core.run_settings import RunSettings
from dagtui.core.store import RequestStore, State
from dagtui.core.task import TaskPlugin
from dagtui.gateways import open_gateway
from dagtui.given import read_input
from dagtui.io.journal.reader import AnswerRow, JournalReader
from dagtui.io.tasks import task_values
from dagtui.io.toml import write_toml
from dagtui.runs import edited_task_path, plan_with_input

if TYPE_CHECKING:
    from dagtui.watched import Watched

RECORDS = 10
"""Records that an edit is tried on."""
BY_CODE = "the prompts are made by the plugin's code; edit that, then go on with dagtui resume"


@dataclass(frozen=True, slots=True)
class Tried:
    """A preview at an end: what it cost, in dollars (None where no price is known), and why it stopped early."""

    spent: Decimal | None
    problem: str = ""


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
        self._sample: list[AnswerRow] = []
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
        self._sample = list(rows.values())
        wanted = set(self._index)
        self._ids = {index: name for index, name in reader.record_ids() if index in wanted}

    @property
    def compared(self) -> list[Compared]:
        """The sample's answers as they are, nothing beside them yet."""
        rows = {row.seq: row for row in self._sample}
        return [
            Compared(self._ids.get(index, ""), self._dag.names[seq % len(self._dag)], _answered(rows.get(seq)))
            for index in self._index
            for seq in self._seqs(index)
        ]

    def at_most(self, edits: Sequence[Asked]) -> Decimal | None:
        """Dollars that a preview may cost at most; None where a price is not known."""
        total = Decimal(0)
        for row in self._sample:
            name = self._dag.names[row.seq % len(self._dag)]
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
        given each answer with its place in `compared`.

        Raises:
            DagtuiError: the gateway cannot be opened, or the records are not what they were.
        """
        from dagtui.session import Session, new_run_id

        plugin, run_id = self._edited_plugin(edits), f"{new_run_id()}-preview"
        records = await self._records()
        gateway, _, simulator = await open_gateway(self._plan, plugin, records[0], self._environ, run_id)
        wanted = self._plan.settings
        settings = RunSettings(
            concurrency=min(len(records), wanted.concurrency),
            attempts=wanted.attempts,
            timeout=wanted.timeout,
            deadline=wanted.deadline,
            requests_per_minute=wanted.requests_per_minute,
            limits=wanted.limits,
            retries_by=wanted.retries_by,
            max_cost=self.at_most(edits),
        )
        session = Session(
            plugin=plugin,
            records=records,
            gateway=gateway,
            settings=settings,
            prices=self._prices,
            sinks=[_Listening(tell)],
            run_id=run_id,
            owned=[simulator.aclose] if simulator else [],
        )
        result = await session.run()
        ended_well = result.outcome in ("complete", "partial")
        return Tried(result.snapshot.money.spent, "" if ended_well else result.reason)

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


class _Listening:
    """A sink that tells each answer with its place."""

    essential = False
    wants: Collection[type[Event]] | None = (RequestEnded,)

    def __init__(self, tell: Callable[[int, Answered], None]) -> None:
        self._tell = tell

    def write(self, event: Event) -> None:
        """Tell an answer."""
        if isinstance(event, RequestEnded):
            self._tell(event.seq, _told(event.outcome))

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Nothing is held."""


def _answered(row: AnswerRow | None) -> Answered:
    if row is None:
        return Answered(problem="not in the journal yet")
    return Answered(row.text or "", row.category, row.cost)


def _told(outcome: Outcome) -> Answered:
    if isinstance(outcome, Success):
        return Answered(outcome.text, outcome.category, outcome.cost)
    cost = getattr(outcome, "cost", None)
    return Answered(cost=cost, problem=getattr(outcome, "reason", "") or outcome.error.message)  # type: ignore[union-attr]


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
