"""What a run reads: the records of its input, and what the journal keeps of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagtui.core.errors import BadInput
from dagtui.core.model import Record
from dagtui.core.past import Past
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.io.identity import any_changes, changes, identity
from dagtui.io.repeated import repeated
from dagtui.io.source import Scan, open_source
from dagtui.io.tasks import missing_fields
from dagtui.simulator.scenarios import scenario_named
from dagtui.stories import story_named

if TYPE_CHECKING:
    from dagtui.io.repeated import Repeated
    from dagtui.io.source import FileSource


@dataclass(frozen=True, slots=True)
class Given:
    """What is read: the records, how messages call them, and what the journal keeps of the file."""

    source: FileSource | Repeated
    name: str
    scan: Scan
    first: Record | None
    facts: dict[str, Any]


def read_again(plan: Plan, plugin: Plugin, past: Past) -> tuple[Given, str]:
    """The input of a run that goes on, and how it differs from what any of its sessions read."""
    before = past.inputs[-1]
    if before.get("spool") or _demonstration(plan) is not None:
        given = read_input(plan, plugin, None, before)
        return replace(given, facts={**given.facts, **{k: before[k] for k in ("spool",) if k in before}}), ""
    edited = any_changes(Path(plan.path), past.inputs)
    known = before if not edited or not changes(Path(plan.path), before) else None
    return read_input(plan, plugin, None, known), edited


def read_input(plan: Plan, plugin: Plugin, spool: Path | None, before: Mapping[str, Any] | None = None) -> Given:
    """Open and scan the input; one that is as it was `before` need not be scanned again."""
    source = open_source(plan.path, format=plan.format, bad_rows=plan.settings.bad_rows, copy=spool)
    if before and before.get("records") is not None and not before.get("scenario"):
        scan = Scan(before["records"], before["bad"], None, tuple(before["columns"]), before["size"])
    else:
        scan = source.scan()
    first = source.preview(1)
    if plan.path != "-" and (missing := missing_fields(plugin, scan.columns)):
        raise BadInput(f"{source.name}: {missing}")
    facts: dict[str, Any] = {
        **(identity(source.path) if source.path is not None else {"spool": str(spool and spool.absolute())}),
        "path": str(source.path.absolute()) if source.path is not None else "-",
        "format": source.format,
        "delimiter": source.delimiter,
        "columns": list(scan.columns),
        "records": scan.records,
        "bad": scan.bad,
    }
    if (shown := _demonstration(plan)) is not None:
        kind, name, records = shown
        facts |= {"scenario": name, "records": records}
        return Given(repeated(source, records), f"{kind} {name}", replace(scan, records=records), first[0], facts)
    return Given(source, source.name, scan, first[0] if first else None, facts)


def _demonstration(plan: Plan) -> tuple[str, str, int] | None:
    """What is shown with the sample records over and over, if anything: its kind, its name, its records."""
    if plan.story is not None:
        story = story_named(plan.story)
        return "story", story.name, max(1, round(story.records / plan.pace))
    if plan.scenario is not None:
        scenario = scenario_named(plan.scenario)
        return "scenario", scenario.name, scenario.records
    return None
