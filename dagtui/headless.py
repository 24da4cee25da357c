"""A run without a screen: narration on stderr, data on stdout or in a file, the outcome as exit code."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, TextIO

from pydantic import BaseModel
from rich.console import Console
from rich.live import Live
from rich.text import Text

from dagtui import process
from dagtui.core.errors import ExitCode
from dagtui.core.events import Event
from dagtui.core.figures import clock, count, money, rate
from dagtui.core.report import as_text, report
from dagtui.core.snapshot import LogEntry, Snapshot
from dagtui.core.text import visible
from dagtui.plan import Plan, open_session
from dagtui.session import RunResult, Session

_FRAME = 0.1  # seconds between two looks at the snapshot on a terminal
_LINE = 5.0  # seconds between two progress lines elsewhere
_TERM_GRACE = 20.0  # seconds to drain after SIGTERM; orchestrators kill after 30
_BAR = 24


async def run_headless(plan: Plan, *, stream_events: bool = False, quiet: bool = False) -> ExitCode:
    """Run `plan`; `stream_events` writes every event as a JSON line to stdout.

    Raises:
        DagtuiError: the run could not begin; nothing was sent.
    """
    session = await open_session(plan)
    narrator = Narrator(session, Console(stderr=True, highlight=False), quiet=quiet)
    try:
        with _signals(session, narrator):
            process.prepare()
            # Scheduled before the run is, so that it hears the first event.
            events = asyncio.create_task(_stream(session, sys.stdout)) if stream_events else None
            session.start()
            await narrator.watch()
            result = await session.wait()
            if events is not None:
                await events
        narrator.close(result)
        return result.exit_code
    finally:
        await session.aclose()


async def _stream(session: Session, out: TextIO) -> None:
    async for event in session.events():
        out.write(event_json(event) + "\n")
        if event.__class__.__name__ in ("RecordEnded", "PhaseChanged"):
            out.flush()


def event_json(event: Event) -> str:
    """An event as one line of JSON: its name under `event`, then its fields; dollars as strings, exact."""
    return json.dumps({"event": type(event).__name__, **_plain(event)}, ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Decimal():
            return str(value)
        case Enum():
            return value.value
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case tuple() | list():
            return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _ if is_dataclass(value) and not isinstance(value, type):
            named = {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
            kind = type(value).__name__
            return {"outcome": kind.lower(), **named} if kind in _OUTCOMES else named
        case _:
            return value


_OUTCOMES = frozenset({"Success", "Failure", "Skipped", "Cancelled"})


class Narrator:
    """Tells on stderr how a run goes: one living line on a terminal, a plain line now and then elsewhere."""

    def __init__(self, session: Session, console: Console, *, quiet: bool) -> None:
        self._session = session
        self._console = console
        self._quiet = quiet
        self._logged = 0

    def say(self, text: str) -> None:
        """One line, as it is."""
        if not self._quiet:
            self._console.print(Text(visible(text)), soft_wrap=True)

    async def watch(self) -> None:
        """Narrate until the run has ended."""
        ended = asyncio.ensure_future(self._session.wait())
        self.say(f"{self._session.title} · concurrency {self._session.settings.concurrency}")
        if self._quiet or not self._console.is_terminal:
            await self._tell_lines(ended)
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while not ended.done():
                await asyncio.wait([ended], timeout=_FRAME)
                self._tell_log()
                live.update(
                    Text(visible(progress_line(self._session.snapshot())), overflow="ellipsis", no_wrap=True)
                )
                live.refresh()

    async def _tell_lines(self, ended: asyncio.Future[RunResult]) -> None:
        while not ended.done():
            await asyncio.wait([ended], timeout=_LINE)
            if not self._quiet:
                self._tell_log()
                self.say(progress_line(self._session.snapshot()))

    def _tell_log(self) -> None:
        """What the log has gained: failures and the run's own lines; retries are counted in the progress line."""
        total = self._session.snapshot().log_count
        fresh = min(total - self._logged, len(self._session.log))
        self._logged = total
        for entry in list(self._session.log)[-fresh:] if fresh else ():
            if entry.level != "retry":
                self.say(log_line(entry))

    def close(self, result: RunResult) -> None:
        """The closing report."""
        if self._quiet:
            return
        width = min(self._console.width, 100) if self._console.is_terminal else 78
        self.say(as_text(report(result.snapshot, self._session.results_path, result.audit), width))
        if result.outcome not in ("complete", "partial"):
            self.say(result.reason)


def progress_line(snapshot: Snapshot) -> str:
    """`[█████···] 62/100 | 27.2 req/s | $0.0145 | ETA 0:02 | in flight 38 | failed 0`."""
    counts, total = snapshot.counts, snapshot.counts.total
    done = counts.ended
    parts = [f"{count(done)}/{count(total)}" if total is not None else f"{count(done)} done"]
    if total:
        filled = int(_BAR * done / total)
        parts[0] = f"[{'█' * filled}{'·' * (_BAR - filled)}] {parts[0]}"
    parts += [f"{rate(snapshot.throughput.now or snapshot.throughput.mean)} req/s", money(snapshot.money.spent)]
    parts.append(f"ETA {clock(snapshot.eta)}" if snapshot.phase == "running" else snapshot.phase)
    parts.append(f"in flight {counts.in_flight} of {snapshot.target}")
    if counts.waiting:
        parts.append(f"waiting to retry {counts.waiting}")
    if snapshot.throttled:
        parts.append(f"429s {snapshot.throttled}")
    parts.append(f"failed {counts.failed}")
    return " | ".join(parts)


def log_line(entry: LogEntry) -> str:
    """One entry of the log as a line."""
    if entry.level == "run" or not entry.record_id:
        return entry.text
    return f"failed: record {entry.record_id}, {entry.dimension}: {entry.text}"


@contextlib.contextmanager
def _signals(session: Session, narrator: Narrator) -> Any:
    """First SIGINT drains, the second cancels; SIGTERM and SIGHUP drain, and cancel after a grace."""
    loop = asyncio.get_running_loop()
    interrupts = 0

    def interrupt() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            session.drain("interrupted: finishing what is in flight; Ctrl+C again abandons it")
        else:
            session.cancel()

    def terminate() -> None:
        session.drain(f"told to stop: finishing what is in flight, for at most {_TERM_GRACE:.0f} s")
        loop.call_later(_TERM_GRACE, session.cancel)

    handlers: dict[str, Callable[[], None]] = {"SIGINT": interrupt, "SIGTERM": terminate, "SIGHUP": terminate}
    installed: list[signal.Signals] = []
    for name, handler in handlers.items():
        with contextlib.suppress(NotImplementedError, AttributeError, ValueError):  # Windows; not the main thread
            loop.add_signal_handler(number := getattr(signal, name), handler)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
