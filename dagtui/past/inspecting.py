"""All about one request of a run, live or past, as its journal has it; what it asked is `asked_again`'s affair."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from dagtui.core.dag import Dag
from dagtui.core.errors import DagtuiError, ErrorKind
from dagtui.core.inspection import Asked, Exchange, Inspection, Verdict
from dagtui.core.model import plain
from dagtui.core.output import loose
from dagtui.core.plugin import Dimension, Plugin
from dagtui.core.store import State
from dagtui.io.journal.outcomes import value_of
from dagtui.io.journal.reader import STATES, AnswerRow, SessionRow
from dagtui.io.journal.replay import Moment
from dagtui.io.journal.request_reader import ALL, RequestReader, SentRow
from dagtui.io.plan_file import plan_from_plain
from dagtui.past.asked_again import AskedAgain, trace_name

LOGS_LINK = "DAGTUI_LOGS_LINK"
"""The variable with the page of the gateway's log that shows one trace; `{trace_id}` stands for its id."""

_SAFE_IN_LINKS = "%/:?#[]@!$&'()*+,;=~-._"
_HOSTED_LOGS = "https://app.portkey.ai/logs"


class Inspector:
    """Answers for the run whose journal is at `path`; fulfils `core.ports.InspectorPort`.

    A run of this process brings its `plugin`, and `base_url` where its gateway stands. No key is read.
    """

    def __init__(
        self, path: Path, environ: Mapping[str, str], *, plugin: Plugin | None = None, base_url: str | None = None
    ) -> None:
        self._path = path
        self._environ = environ
        self._again = AskedAgain(path, environ, plugin, base_url)
        self._before: tuple[int, list[SentRow]] = (-1, [])  # of the request that was looked at last

    async def look(self, seen: Inspection, until: Moment = ALL) -> Inspection:
        """What the journal adds to what was `seen` of a request, as far as it happened up to `until`."""
        try:
            return await asyncio.to_thread(self._look, seen, until)
        except DagtuiError as error:
            return replace(seen, trouble=str(error))

    async def asked(self, seq: int) -> Asked:
        """What request `seq` asks; it may take long, because its record is read again."""
        return await self._again.asked(seq)

    async def aclose(self) -> None:
        """Let go of the input."""
        await asyncio.to_thread(self._again.close)

    def _look(self, seen: Inspection, until: Moment) -> Inspection:
        with RequestReader(self._path) as reader:
            read_at = reader.read_at(seen.index)
            outcome = reader.outcome(seen.seq, until)
            ended = outcome[0] if outcome and seen.settled else None
            if self._before[0] != seen.seq:
                self._before = seen.seq, reader.attempts_before(seen.seq, read_at)
            before = [row for row in self._before[1] if (row.session, row.sent_at) <= until]
            rows = before + reader.attempts(seen.seq, read_at, ended, until)
            last = next((row.told for row in reversed(rows) if row.told is not None), None)
            limits = reader.limits_near((rows[-1].session, last.ended_at), until) if last else None
            number, over = reader.last_session(until)
            names, sessions = reader.dimensions, reader.sessions()
            run_id = str(reader.facts.get("id", self._path.parent.name))
        exchanges = tuple(_exchange(row, run_id, seen, lost=over or row.session < number) for row in rows)
        dimension = self._dimension(sessions[-1], names, seen.seq)
        verdict = _verdict(*outcome, dimension) if outcome else None
        trace_id = exchanges[-1].trace_id if exchanges else ""
        return replace(
            seen,
            state=_state(seen, exchanges, verdict),
            session=exchanges[-1].session if exchanges else number,
            read_at=read_at,
            exchanges=exchanges,
            verdict=verdict,
            limits=limits[1] if limits else None,
            limits_at=limits[0] if limits else None,
            logs=self._logs(str(sessions[-1].plan.get("gateway", "")), trace_id),
        )

    def _dimension(self, session: SessionRow, names: tuple[str, ...], seq: int) -> Dimension | None:
        """What was asked; None if the task cannot be loaded any more."""
        try:
            dag = Dag(self._again.plugin(plan_from_plain(session.plan), names).dimensions)
        except DagtuiError:
            return None
        return dag.dimensions[seq % len(dag)]

    def _logs(self, gateway: str, trace_id: str) -> str:
        template = self._environ.get(LOGS_LINK, "").strip()
        if template.startswith(("https://", "http://")) and trace_id:
            link = template.replace("{trace_id}", quote(trace_id, "", errors="replace"))
            return quote(link, _SAFE_IN_LINKS, errors="replace")
        return _HOSTED_LOGS if gateway == "portkey" and trace_id else ""


def _state(seen: Inspection, exchanges: tuple[Exchange, ...], verdict: Verdict | None) -> State:
    """The state that was seen, unless the journal has what came after it."""
    if verdict is not None and verdict.ended_at > seen.time:
        return STATES[verdict.state]
    if exchanges and exchanges[-1].told is not None and exchanges[-1].told.ended_at > seen.time:
        return State.WAITING
    return State.IN_FLIGHT if exchanges and exchanges[-1].sent_at > seen.time else seen.state


def _exchange(row: SentRow, run_id: str, seen: Inspection, *, lost: bool) -> Exchange:
    trace_id = f"{trace_name(run_id, row.session)}/{seen.seq}/{row.number}"
    gone = row.told is None and (lost or seen.settled)
    return Exchange(row.session, row.number, row.sent_at, trace_id, row.told, gone)


def _verdict(moment: Moment, row: AnswerRow, dimension: Dimension | None) -> Verdict:
    return Verdict(
        session=moment[0],
        ended_at=moment[1],
        state=row.state,
        attempts=row.attempts,
        usage=row.usage,
        cost=row.cost,
        latency=row.latency,
        category=row.category,
        status=row.status,
        error=None if row.error is None else ErrorKind(row.error),
        reason=row.reason or "",
        billed=row.billed,
        saved=row.saved,
        fingerprint=row.fingerprint,
        text=row.text if row.state == "ok" else None,
        values=_values(row, dimension),
    )


def _values(row: AnswerRow, dimension: Dimension | None) -> Mapping[str, Any] | None:
    """The fields that an answer was read as."""
    if row.state != "ok" or (dimension is not None and dimension.output is None):
        return None
    value = None if dimension is None else value_of(row, dimension)
    found: object = loose(row.text or "") if value is None else plain(value)
    return cast("dict[str, Any]", found) if isinstance(found, dict) and found else None
