"""Runs with a real journal and a fake gateway, stopped and gone on with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dagtui.chosen import choices_by_name
from dagtui.core.contract import Choices, Contract
from dagtui.core.errors import DagtuiError
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.model import ProviderChoice, Record, Request
from dagtui.core.plugin import Plugin
from dagtui.core.result import RunResult
from dagtui.core.settings import RunSettings
from dagtui.core.task import TaskPlugin
from dagtui.io.journal import Journal, JournalReader
from dagtui.past.resuming import Going, look_back, recipe_of
from dagtui.session import Session
from dagtui.testing import FakeGateway
from tests.engine.harness import PRICES

ROUTE = {"gateway": "fake", "provider": "", "custom_host": "", "config": ""}
Answer = Callable[[Request, int], Any]


class _Rows:
    def __init__(self, rows: Sequence[Record]) -> None:
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[Record]:
        for row in self._rows:
            yield row


def rows(*texts: str, ids: Sequence[str] | None = None) -> list[Record]:
    names = ids or [f"r{i}" for i in range(len(texts))]
    return [Record(i, names[i], {"text": text}, i + 1) for i, text in enumerate(texts)]


def task(*questions: Mapping[str, Any], **model: Any) -> TaskPlugin:
    """A task file's plugin. A question is `name`, `prompt`, and whatever else it may have."""
    whole = {"provider": "fake", "name": "fake-model", **model}
    asks = [dict(question) for question in questions] or [{"name": "ask", "prompt": "Say {text}"}]
    return TaskPlugin({"name": "t", "model": whole, "ask": asks}, "test")


class Job:
    """One run over its sessions. What is changed on it in between is what was edited."""

    def __init__(self, path: Path, records: Sequence[Record], plugin: Plugin | None = None) -> None:
        self.path = path
        self.records = records
        self.plugin = plugin or task()
        self.route: dict[str, str] = dict(ROUTE)
        self.settings: dict[str, Any] = {"concurrency": 5}
        self.input_changes = ""
        self.answer: Answer = lambda request, attempt: f"answer to {request.prompt.user}"
        self.asked: list[str] = []  # in the last session

    @property
    def recipe(self) -> dict[str, Any]:
        choices: dict[str, ProviderChoice] = choices_by_name(self.plugin, self.records[0])
        return json.loads(json.dumps(recipe_of(self.plugin, choices, self.route), default=str))

    async def begin(self, **steering: Any) -> RunResult:
        return await self._run(None, Choices(), **steering)

    async def look(self) -> Going:
        with JournalReader(self.path) as reader:
            past = reader.past()
        return await look_back(
            self.path,
            past,
            self.plugin,
            self.recipe,
            self.route,
            _Rows(self.records),
            len(self.records),
            self.input_changes,
        )

    async def contract(self) -> Contract:
        return (await self.look()).contract

    async def go_on(self, choices: Choices | None = None, **steering: Any) -> RunResult:
        return await self._run(await self.look(), choices or Choices(), **steering)

    async def _run(
        self, going: Going | None, choices: Choices, *, stop_after: int = 0, dies: bool = False
    ) -> RunResult:
        """One session; after so many answers it is stopped, or its journal dies as in a crash."""
        carried = going.carried() if going else None
        names = [dimension.name for dimension in self.plugin.dimensions]
        facts = None if going else {"id": "run", "dimensions": names}
        journal = Journal(self.path, facts, {}, self.recipe, {}, carried)
        earlier = going.earlier(choices, tells=True) if going else None
        answered = 0

        def answer(request: Request, attempt: int) -> Any:
            nonlocal answered
            answered += 1
            if stop_after and answered >= stop_after:
                live.drain()
            return self.answer(request, attempt)

        gateway = FakeGateway(answer, latency=0)
        live = Session(
            plugin=self.plugin,
            records=_Rows(self.records),
            gateway=gateway,
            settings=RunSettings(**self.settings),
            prices=PRICES,
            total=len(self.records),
            journal=journal,
            fingerprints=Fingerprints(self.route),
            earlier=earlier,
            past=going.past if going else None,
            owned=[earlier.aclose] if earlier else [],
        )
        if dies:
            journal.close = lambda: None  # type: ignore[method-assign]
        result = await live.run()
        self.asked = [f"{request.record_id} {request.dimension}" for _, request, _ in gateway.sent]
        if dies:
            await self._die(journal)
        return result

    async def _die(self, journal: Journal) -> None:
        """As if it had been killed when all but the end was on disk."""
        await journal.synced()
        while journal._busy:  # noqa: ASYNC110 - the thread tells nobody else
            await asyncio.sleep(0.001)
        journal._jobs.put(None)
        journal._thread.join()
        journal._db.execute("UPDATE session SET ended_at = NULL WHERE number = ?", (journal.session,))
        journal._db.close()
        journal._lock.release()

    def named(self, seqs: Sequence[int]) -> list[str]:
        """Requests as `record dimension`."""
        with JournalReader(self.path) as reader:
            store = reader.past().store
        return [f"{store.record_id(seq)} {store.dimension(seq)}" for seq in seqs]

    def answers(self) -> dict[str, str | None]:
        """The answers that the journal has now."""
        with JournalReader(self.path) as reader:
            store = reader.past().store
            found = reader.answers(range(len(store)))
        return {f"{store.record_id(seq)} {store.dimension(seq)}": row.text for seq, row in sorted(found.items())}


__all__ = ["ROUTE", "Choices", "DagtuiError", "Job", "rows", "task"]
