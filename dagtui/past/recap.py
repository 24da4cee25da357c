"""A run from its journal, folded to its end: all that its report and a comparison tell, whether it ended, goes on
or was killed. Everything here blocks: a million requests take about a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagtui.core.causes import Causes
from dagtui.core.errors import BadInput
from dagtui.core.failures import failures_path
from dagtui.core.plan import Plan
from dagtui.core.report import Kept, Section, report
from dagtui.core.result import RunResult
from dagtui.core.run_settings import RunSettings
from dagtui.core.run_terms import max_tokens_of, terms_of
from dagtui.io.journal import JournalReader, is_locked
from dagtui.io.journal.replay import END, Events
from dagtui.past.exporting import export_kept
from dagtui.past.fold import KILLED, Fold, result_of
from dagtui.past.runs import name_of, plan_of, revisions_in

_PAGE = 2_000
GOES_ON = "it goes on; these are its figures up to now"


@dataclass(frozen=True, slots=True)
class Recap:
    """A run as its journal tells of it. `given` is the input's identity, `terms` every setting by name.

    `running` says that it goes on: then its figures are those of this moment.
    """

    path: Path
    name: str
    title: str
    started_at: float
    running: bool
    result: RunResult
    kept: Kept
    settings: RunSettings
    terms: Mapping[str, str]
    max_tokens: int | None
    given: Mapping[str, Any]
    dimensions: tuple[str, ...]
    causes: Causes

    @property
    def outcome(self) -> str:
        """How it ended, or `running`."""
        return "running" if self.running else self.result.outcome

    @property
    def sections(self) -> tuple[Section, ...]:
        """The report."""
        return report(
            self.result.snapshot,
            self.kept,
            self.result.audit,
            settings=self.settings,
            title=self.title,
            max_tokens=self.max_tokens,
            causes=self.causes.groups,
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """A run of which nothing but its journal is at hand: what a front end holds of it to tell of it and to write
    its results.
    """

    journal_path: Path
    title: str
    settings: RunSettings = field(default_factory=RunSettings)
    causes: Causes = field(default_factory=Causes)

    async def export(self, path: Path, *, overwrite: bool = False) -> int:
        """Write all results of the run to `path` (its name tells the format); returns the rows written.

        Raises:
            TargetExists: there is such a file, and `overwrite` is off.
            DagtuiError: the file cannot be written, or the input cannot be read any more.
        """
        return await asyncio.to_thread(export_kept, self.journal_path, path, overwrite=overwrite)


def kept_of(path: Path, plan: Plan) -> Kept:
    """Where what the run of the journal at `path` came to lies."""
    failures = failures_path(plan, plan.output)
    with suppress(OSError):
        failures = failures if failures is not None and failures.exists() else None
    return Kept(name_of(path), plan.output, failures, plan.gateway, revisions_in(path))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run was asked to do; quick to read, also of a large one."""

    terms: Mapping[str, str]
    max_tokens: int | None


def setting_of(path: Path) -> Setting:
    """What the journal at `path` keeps beside the figures.

    Raises:
        ConfigError: it cannot be read.
    """
    with JournalReader(path) as reader:
        session = reader.sessions()[-1]
    return Setting(terms_of(session.plan, session.recipe), max_tokens_of(session.recipe))


def recap(path: Path, stop: Callable[[], bool] = lambda: False) -> Recap:
    """The run of the journal at `path`; `stop` is asked now and then whether anybody still wants to know.

    Raises:
        ConfigError: the journal cannot be read.
        BadInput: nothing happened in the run, or it was stopped.
    """
    running, plan = is_locked(path), plan_of(path)
    setting = setting_of(path)
    with Events(path) as events:
        spans = events.spans()
        if not spans:
            raise BadInput(f"{path}: this run ended before anything happened; there is nothing to tell.")
        fold = Fold(events.dimensions)
        while events.reached < END:
            fold.take(events.read(END, _PAGE))
            if stop():
                raise BadInput(f"{path}: nobody waits for it any more.")
        killed = spans[-1].killed and not running
        snapshot = fold.stats.snapshot(time.time() if running else spans[-1].end)
        if killed and snapshot.phase != "ended":
            snapshot = replace(snapshot, phase="ended", reason=KILLED)
        result = result_of(events.summary(), snapshot, killed=killed)
        if running:
            result = replace(result, reason=GOES_ON)
        facts, first = events.facts, events.sessions()[0]
    return Recap(
        causes=fold.stats.causes,
        path=path,
        name=name_of(path),
        title=str(facts.get("title") or name_of(path)),
        started_at=first.started_at,
        running=running,
        result=result,
        kept=kept_of(path, plan),
        settings=plan.settings,
        terms=setting.terms,
        max_tokens=setting.max_tokens,
        given=facts.get("input", {}),
        dimensions=events.dimensions,
    )
