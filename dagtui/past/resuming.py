"""Going on with a run: what its journal holds against what would be asked now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagtui.core.contract import (
    Action,
    Choices,
    Contract,
    actions_of,
    contract_of,
    differences,
    in_order,
)
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput
from dagtui.core.fingerprint import Fingerprints, recipe
from dagtui.core.model import Cancelled, Outcome, ProviderChoice, Record, RowError, Skipped, Success
from dagtui.core.past import Past
from dagtui.core.plugin import Plugin
from dagtui.core.ports import Source
from dagtui.engine.builder import Builder
from dagtui.io.journal.outcomes import outcome_of, success_of, value_of
from dagtui.io.journal.reader import JournalReader
from dagtui.io.journal.rows import well
from dagtui.io.journal.writer import Carried

LEFT_OUT = "perhaps billed in an earlier session; left out"
_BATCH = 256


def recipe_of(plugin: Plugin, choices: Mapping[str, ProviderChoice], route: Mapping[str, str]) -> dict[str, Any]:
    """What every answer depends on beside the record, readable, by dimension."""
    return {
        dimension.name: {**recipe(dimension, choices[dimension.name], route), **plugin.describe(dimension)}
        for dimension in plugin.dimensions
        if dimension.name in choices
    }


@dataclass(frozen=True, slots=True)
class Going:
    """A run that may go on: its journal, its past, and what going on means. `renamed` are records whose place in
    the input has another id now. `recipe` is today's, `choices` are what was decided before, where nothing was
    edited since.
    """

    path: Path
    past: Past
    dag: Dag
    contract: Contract
    renamed: Mapping[int, str]
    recipe: Mapping[str, Any] = field(default_factory=dict[str, Any])
    choices: Choices = field(default_factory=Choices)

    def names(self, seqs: Sequence[int]) -> Iterator[tuple[str, str]]:
        """The record's id and the dimension of each request."""
        store = self.past.store
        return ((store.record_id(seq), store.dimension(seq)) for seq in seqs)

    def carried(self) -> Carried:
        """What the journal is told, so that nothing which may have been billed is forgotten."""
        contract, width = self.contract, len(self.dag)
        unread = range(self.past.records, self.past.records + contract.unread // max(1, len(self.dag.roots)))
        ahead = (index * width + root for index in unread for root in self.dag.roots)
        return Carried(self.past.session, (*contract.sent, *contract.perhaps, *ahead), self.renamed)

    def earlier(self, choices: Choices, *, tells: bool) -> Kept:
        """What the engine is told, once the user has chosen."""
        actions = actions_of(self.past, self.dag, self.contract, choices)
        unread = self.contract.unread if choices.ambiguous == "skip" else 0
        return Kept(self.path, self.past, self.dag, actions, tells, unread // max(1, len(self.dag.roots)))


async def look_back(
    path: Path,
    past: Past,
    plugin: Plugin,
    now: Mapping[str, Any],
    route: Mapping[str, str],
    source: Source,
    records: int | None,
    input_changes: str,
) -> Going:
    """Compare the journal's answers with what would be asked now; `now` is the recipe of today."""
    dag = Dag(plugin.dimensions)
    if dag.names != past.dimensions:
        raise BadInput(
            f"{path}: this run asked {', '.join(past.dimensions)}, and the task asks {', '.join(dag.names)} now;"
            " start a new run for it."
        )
    told = list(dict.fromkeys(edit for recipe in reversed(past.recipes) for edit in differences(recipe, now)))
    if input_changes:
        told.insert(0, f"the input: {input_changes}")
    unsure = {
        dimension.name
        for dimension in plugin.dimensions
        if input_changes
        or not plugin.describe(dimension)
        or any(recipe.get(dimension.name) != now.get(dimension.name) for recipe in past.recipes)
    }
    for position in in_order(dag):  # a need that was asked again may have another answer since
        if any(dag.names[need] in unsure for need in dag.needs(position)):
            unsure.add(dag.names[position])
    stale: set[int] = set()
    renamed: dict[int, str] = {}
    if unsure and past.records:
        with JournalReader(path) as reader:
            comparison = _Comparison(reader, past, plugin, dag, Fingerprints(route), unsure)
            stale, renamed = await comparison.stale(source), comparison.renamed
        past.store.rename(renamed)
    as_before = not input_changes and bool(past.recipes) and past.recipes[-1] == now
    decided = Choices(stale="keep") if as_before and past.plan.get("stale") == "keep" else Choices()
    return Going(path, past, dag, contract_of(past, dag, stale, records, tuple(told)), renamed, now, decided)


class _Comparison:
    """Makes the requests of the answered records once more, and compares their fingerprints."""

    def __init__(
        self,
        reader: JournalReader,
        past: Past,
        plugin: Plugin,
        dag: Dag,
        fingerprints: Fingerprints,
        unsure: set[str],
    ) -> None:
        self._reader = reader
        self._past = past
        self._dag = dag
        self._builder = Builder(plugin, dag, "", fingerprints)
        self._positions = [position for position, name in enumerate(dag.names) if name in unsure]
        self._needs = {need for position in self._positions for need in dag.needs(position)}
        self.renamed: dict[int, str] = {}

    async def stale(self, source: Source) -> set[int]:
        """The answered requests that would be asked otherwise. Of a record that is gone nothing can be asked."""
        found: set[int] = set()
        batch: list[Record] = []
        async for row in source:
            if isinstance(row, RowError):
                continue
            if row.index >= self._past.records:
                break
            batch.append(row)
            if len(batch) == _BATCH:
                found |= await self._look(batch)
                batch.clear()
                await asyncio.sleep(0)
        return found | await self._look(batch)

    async def _look(self, batch: Sequence[Record]) -> set[int]:
        answers = self._answers(batch)
        found: set[int] = set()
        for record in batch:
            if well(record.id) != self._past.store.record_id(self._dag.seq(record.index, 0)):
                self.renamed[record.index] = record.id
            for position in self._positions:
                seq = self._dag.seq(record.index, position)
                mark = self._past.fingerprints[seq]
                if mark and await self._fingerprint(record, position, answers) != mark:
                    found.add(seq)
        return found

    def _answers(self, batch: Sequence[Record]) -> dict[int, Outcome]:
        """The answers that prompts read, by request."""
        seqs = [self._dag.seq(record.index, need) for record in batch for need in self._needs]
        rows = self._reader.answers([seq for seq in seqs if self._past.fingerprints[seq]]) if seqs else {}
        return {seq: outcome_of(row, self._dag.dimensions[seq % len(self._dag)]) for seq, row in rows.items()}

    async def _fingerprint(self, record: Record, position: int, answers: Mapping[int, Outcome]) -> int:
        names = {need: self._dag.names[need] for need in self._dag.needs(position)}
        outcomes: dict[str, Outcome] = {}
        for need, name in names.items():
            answer = answers.get(self._dag.seq(record.index, need))
            if answer is None:
                return 0  # it has lost what it builds on
            outcomes[name] = answer
        try:
            return (await self._builder.build(record, position, outcomes)).fingerprint
        except Exception:  # the plugin's own; when it is asked again, it will be told
            return 0


class Kept:
    """What earlier sessions left; fulfils `core.ports.Earlier`. `unread` records after those known get nothing."""

    def __init__(self, path: Path, past: Past, dag: Dag, actions: bytearray, tells: bool, unread: int = 0) -> None:
        self.tells = tells
        self._reader = JournalReader(path)
        self._past = past
        self._dag = dag
        self._actions = actions
        self._unread = unread
        self._cache: dict[int, dict[str, Outcome]] = {}
        width = len(dag)
        done = bytes([Action.KEEP, Action.LEAVE])
        rests = actions.translate(bytes(int(number not in done) for number in range(256)))  # 1 where work is left
        self._settled = bytes(1 not in rests[start : start + width] for start in range(0, len(rests), width))

    @property
    def again(self) -> tuple[int, ...]:
        """Requests that had an outcome and are open now."""
        state = self._past.store.state
        return tuple(seq for seq, action in enumerate(self._actions) if action in _OPEN and state[seq])

    @property
    def left(self) -> tuple[int, ...]:
        """Requests that never had an outcome, and get none: they are left out."""
        ended, state = _ENDED, self._past.store.state
        return tuple(
            seq for seq, action in enumerate(self._actions) if action == Action.LEAVE and state[seq] not in ended
        )

    def keeps(self, seq: int) -> bool:
        """Whether the outcome of request `seq` stays as it is."""
        return seq < len(self._actions) and self._actions[seq] == Action.KEEP

    def left_as(self, seq: int) -> Outcome:
        """What becomes of one of those: whoever only was to be asked again keeps what he had."""
        return Cancelled(LEFT_OUT) if seq in self._past.reopened else Skipped(LEFT_OUT)

    def settled(self, index: int) -> bool:
        """Whether nothing of the record at `index` is asked again."""
        return index < len(self._settled) and bool(self._settled[index])

    def knows(self, index: int) -> bool:
        """Whether the record at `index` was read before."""
        return index < len(self._settled)

    def kept(self, index: int) -> Mapping[str, Outcome]:
        """The outcomes of the record at `index` that are kept, by dimension."""
        if not self.knows(index):
            unread = index < len(self._settled) + self._unread
            return {self._dag.names[root]: Skipped(LEFT_OUT) for root in self._dag.roots} if unread else {}
        found = self._cache.pop(index, None)
        if found is None:
            self._cache = self._load(index)
            found = self._cache.pop(index)
        return found

    def same(self, seq: int, fingerprint: int) -> Success | None:
        """The answer to request `seq`, if it was asked just so."""
        if seq >= len(self._actions) or self._actions[seq] != Action.CHECK:
            return None
        if self._past.fingerprints[seq] != fingerprint:
            return None
        row = self._reader.answers([seq])[seq]
        value = value_of(row, self._dag.dimensions[seq % len(self._dag)])
        return None if value is None else success_of(row, value)

    async def aclose(self) -> None:
        """Let go of the journal."""
        self._reader.close()

    def _load(self, index: int) -> dict[int, dict[str, Outcome]]:
        """The kept outcomes of the next records; where few of them are settled, of this one."""
        last = min(index + (_BATCH if self.tells else 1), len(self._settled))
        width = len(self._dag)
        seqs = range(index * width, last * width)
        wanted = [seq for seq in seqs if self._actions[seq] in (Action.KEEP, Action.LEAVE)]
        rows = self._reader.answers(wanted)
        found: dict[int, dict[str, Outcome]] = {one: {} for one in range(index, last)}
        for seq in wanted:
            row, name = rows.get(seq), self._dag.names[seq % width]
            kept = outcome_of(row, self._dag.dimensions[seq % width]) if row is not None else Skipped(LEFT_OUT)
            if self._actions[seq] == Action.LEAVE and row is not None and row.state == "cancelled":
                kept = Skipped(LEFT_OUT)
            found[seq // width][name] = kept
        return found


_OPEN = frozenset({int(Action.ASK), int(Action.CHECK)})
_ENDED = frozenset({3, 4, 5})  # State.SUCCEEDED, FAILED, SKIPPED


__all__ = ["Choices", "Going", "Kept", "look_back", "recipe_of"]
