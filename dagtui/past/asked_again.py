"""What a request of a run asked: its record read again, its prompt made again, and how both are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from dagtui.chosen import plugin_of, settings_of
from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput, ConfigError, DagtuiError, KeyMissing
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.inspection import Asked
from dagtui.core.model import Outcome, Record, Request
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.engine.builder import Builder
from dagtui.io.identity import changes
from dagtui.io.journal.outcomes import outcome_of
from dagtui.io.journal.request_reader import ALL, RequestReader
from dagtui.io.journal.rows import well
from dagtui.io.nth_record import NthRecord
from dagtui.io.plan_file import plan_from_plain
from dagtui.io.repeated import Repeated
from dagtui.io.source import FileSource, open_source
from dagtui.past.runs import plan_with_input

_SIMULATOR = "http://127.0.0.1:8788"  # where `dagtui simulate` stands
_SAMPLES = 100  # records of which a scenario's are made
_CANNOT = "The prompt cannot be made again"


@dataclass(frozen=True, slots=True)
class _Was:
    """The session that a request was asked in last, and what it takes to ask the same once more.

    `number` is that of its last attempt. `run_id` names the run, `traced` this session of it.
    """

    plan: Plan
    dag: Dag
    plugin: Plugin
    recipe: Mapping[str, Any]
    given: Mapping[str, Any]
    known_as: str | None
    run_id: str
    traced: str
    number: int


class AskedAgain:
    """Answers for the run whose journal is at `path`.

    A run of this process brings its `plugin`, and `base_url` where its gateway stands; for others the task is
    loaded again. Of `environ` no key is read, only which there are.
    """

    def __init__(
        self, path: Path, environ: Mapping[str, str], plugin: Plugin | None, base_url: str | None
    ) -> None:
        self._path = path
        self._environ = environ
        self._own = plugin
        self._base_url = base_url
        self._plugins: dict[str, Plugin] = {}
        self._records = NthRecord(self._open_input)

    async def asked(self, seq: int) -> Asked:
        """What request `seq` asks. Takes as long as reading all records before its own."""
        asked = Asked()
        try:
            was = await asyncio.to_thread(self._was, seq)
            record = await asyncio.to_thread(self._record, seq // len(was.dag), was)
            asked = Asked(_name_of(was.given), record.line, record.fields)
            outcomes = await asyncio.to_thread(self._needed, was, record, seq)
            route = was.recipe.get(was.dag.names[seq % len(was.dag)], {}).get("route")
            builder = Builder(was.plugin, was.dag, was.traced, Fingerprints(route or {}))
            request = await builder.build(record, seq % len(was.dag), outcomes)
        except DagtuiError as error:
            return replace(asked, trouble=f"{_CANNOT}: {error}")
        except Exception as error:  # the plugin's own
            return replace(asked, trouble=f"{_CANNOT}: {type(error).__name__}: {error}")
        asked = replace(
            asked,
            prompt=request.prompt,
            provider=request.choice.provider,
            model=request.choice.model,
            fingerprint=request.fingerprint if route else 0,
        )
        return await asyncio.to_thread(self._with_command, asked, was, record, request)

    def close(self) -> None:
        """Let go of the input. May wait for a search that goes on."""
        self._records.close()

    def plugin(self, plan: Plan, names: tuple[str, ...]) -> Plugin:
        """The task that asked the dimensions `names`.

        Raises:
            DagtuiError: it cannot be loaded any more, or asks something else now.
        """
        if self._own is not None:
            return self._own
        key = repr((plan.task, plan.model, plan.provider))
        if key not in self._plugins:
            plugin = plugin_of(plan)
            if Dag(plugin.dimensions).names != names:
                raise ConfigError(f"the task {plan.task} asks something else than this run did.")
            self._plugins[key] = plugin
        return self._plugins[key]

    # --- the steps, each in a thread ---

    def _was(self, seq: int) -> _Was:
        with RequestReader(self._path) as reader:
            index, names, facts = seq // len(reader.dimensions), reader.dimensions, reader.facts
            outcome = reader.outcome(seq, ALL)
            rows = reader.attempts(seq, reader.read_at(index), outcome[0] if outcome else None, ALL)
            known_as, sessions = reader.known_as(index), reader.sessions()
        number = rows[-1].session if rows else outcome[0][0] if outcome else sessions[-1].number
        session = next((one for one in sessions if one.number == number), sessions[-1])
        plan = plan_with_input(plan_from_plain(session.plan), {"input": session.input})
        plugin = self.plugin(plan, names)
        run_id = str(facts.get("id", self._path.parent.name))
        return _Was(
            plan=plan,
            dag=Dag(plugin.dimensions),
            plugin=plugin,
            recipe=session.recipe,
            given=session.input,
            known_as=known_as,
            run_id=run_id,
            traced=trace_name(run_id, number),
            number=rows[-1].number if rows else max(1, outcome[1].attempts if outcome else 1),
        )

    def _record(self, index: int, was: _Was) -> Record:
        given = was.given
        if given.get("scenario"):
            samples = open_source(str(given["path"]), format=given.get("format")).preview(_SAMPLES)
            return Repeated(samples, index + 1).at(index)
        record = self._records.find(index)
        if record is None:
            raise BadInput(f"{_name_of(given)} has no record {index + 1:,} any more.")
        if was.known_as is not None and well(record.id) != was.known_as:
            raise BadInput(f"record {index + 1:,} of {_name_of(given)} is another one now; it is not read again.")
        return record

    def _open_input(self) -> FileSource:
        with RequestReader(self._path) as reader:
            given = reader.facts.get("input", {})
        spool = given.get("spool")
        place = str(spool or given.get("path") or "")
        if place in ("", "-", "None"):
            raise BadInput("the records did not come from a file, so that they cannot be read again.")
        if not spool and (changed := changes(Path(place), given)):
            raise BadInput(f"{Path(place).name} is not what this run read: {changed}.")
        return open_source(place, format=given.get("format"), delimiter=given.get("delimiter"), bad_rows="skip")

    def _needed(self, was: _Was, record: Record, seq: int) -> dict[str, Outcome]:
        """The answers that the prompt reads, by dimension."""
        dag = was.dag
        needs = {dag.seq(record.index, need): dag.names[need] for need in dag.needs(seq % len(dag))}
        if not needs:
            return {}
        with RequestReader(self._path) as reader:
            rows = reader.answers(list(needs))
        for need, name in needs.items():
            if need not in rows or rows[need].state != "ok":
                raise BadInput(f'it builds on the answer to "{name}", which is not there.')
        return {name: outcome_of(rows[need], dag.dimensions[need % len(dag)]) for need, name in needs.items()}

    def _with_command(self, asked: Asked, was: _Was, record: Record, request: Request) -> Asked:
        """The body and the command; without them where it is not known any more which gateway it was."""
        from dagtui.io.portkey_curl import sending, without_keys  # loads what speaks HTTP

        base_url, advice = self._base_url, ""
        if base_url is None and was.plan.gateway == "demo":
            base_url, advice = _SIMULATOR, "The demo's simulator ended with its run; dagtui simulate starts one."
        try:
            try:
                environ = without_keys(self._environ)
                settings = settings_of(was.plan, was.plugin, record, environ, base_url=base_url)
            except KeyMissing:
                environ = without_keys(self._environ, all_keys=True)
                settings = settings_of(was.plan, was.plugin, record, environ, base_url=base_url)
            sent = sending(settings, request, was.number, was.run_id)
        except DagtuiError as error:
            return replace(asked, trouble=f"How it was sent cannot be told: {error}")
        members = cast("dict[str, Any]", json.loads(sent.body))
        return replace(
            asked,
            body=sent.body,
            curl=sent.command,
            parameters={name: value for name, value in members.items() if name not in ("messages", "system")},
            advice=" ".join(part for part in (advice, sent.advice) if part),
        )


def trace_name(run_id: str, session: int) -> str:
    """What the trace ids of a session begin with: a bill for one shall not be taken for one of another."""
    return run_id if session == 1 else f"{run_id}.{session}"


def _name_of(given: Mapping[str, Any]) -> str:
    """How sentences call the input."""
    if given.get("scenario"):
        return f"scenario {given['scenario']}"
    return "standard input" if given.get("spool") else Path(str(given.get("path", ""))).name
