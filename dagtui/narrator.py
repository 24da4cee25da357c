"""How a run without a screen goes, told on stderr."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from dagtui.core.figures import clock, count, money, rate
from dagtui.core.report import as_text, report
from dagtui.core.result import RunResult
from dagtui.core.snapshot import LogEntry, Snapshot
from dagtui.core.text import visible
from dagtui.plan import Plan, kept
from dagtui.watched import own_title

if TYPE_CHECKING:
    from dagtui.watched import Steered

_FRAME = 0.1  # seconds between two looks at the snapshot on a terminal
_LINE = 5.0  # seconds between two progress lines elsewhere
_BAR = 24
_GONE = "stopped: nobody reads the results any more; what was in flight may be billed all the same"


class Narrator:
    """Tells on stderr how a run goes: one living line on a terminal, a plain line now and then elsewhere.

    It is silent until the end on a terminal where it is not `alone`.
    """

    def __init__(self, session: Steered, plan: Plan, console: Console, *, quiet: bool, alone: bool) -> None:
        self._session = session
        self._plan = plan
        self._console = console
        self._quiet = quiet
        self._silent = quiet or (console.is_terminal and not alone)
        self._logged = 0
        self.countdown: Callable[[], str] = lambda: ""

    def say(self, text: str) -> None:
        """One line, as it is."""
        if not self._quiet:
            self._print(text)

    def _print(self, text: str) -> None:
        self._console.print(Text(visible(text)), soft_wrap=True)

    async def watch(self) -> None:
        """Narrate until the run has ended."""
        ended = asyncio.ensure_future(self._session.wait())
        self.say(f"{self._session.title} · concurrency {self._session.settings.concurrency}")
        if self._plan.output is None and self._plan.stdout is None:
            where = kept(self._plan, self._session)
            self.say(f"results: kept in the journal; {where.export} writes them")
        if self._silent:
            await asyncio.wait([ended])
        elif not self._console.is_terminal:
            await self._tell_lines(ended)
        else:
            await self._live(ended)

    async def _live(self, ended: asyncio.Future[RunResult]) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while not ended.done():
                await asyncio.wait([ended], timeout=_FRAME)
                self._tell_log()
                line = progress_line(self._session.snapshot(), self._console.width, self.countdown())
                live.update(Text(visible(line), overflow="ellipsis", no_wrap=True))
                live.refresh()

    async def _tell_lines(self, ended: asyncio.Future[RunResult]) -> None:
        while not ended.done():
            await asyncio.wait([ended], timeout=_LINE)
            self._tell_log()
            self.say(progress_line(self._session.snapshot(), None, self.countdown()))

    def _tell_log(self) -> None:
        """What the log has gained: failures and the run's own lines; retries are counted in the progress line."""
        total = self._session.snapshot().log_count
        fresh = min(total - self._logged, len(self._session.log))
        self._logged = total
        for entry in list(self._session.log)[-fresh:] if fresh else ():
            if entry.level != "retry":
                self.say(log_line(entry))

    def give_up(self) -> None:
        """Nobody reads the results any more: say so, spend no more, and be quiet."""
        self.say(_GONE)
        self._quiet = True
        self._session.cancel(_GONE)

    def close(self, result: RunResult) -> None:
        """The closing report; of a run that could not go on, the reason in any case."""
        if self._quiet:
            if result.outcome == "stopped":
                self._print(result.reason)
            return
        if self._silent:
            self._tell_log()
        width = min(self._console.width, 100) if self._console.is_terminal else 78
        where = kept(self._plan, self._session)
        sections = report(
            result.snapshot,
            where,
            result.audit,
            settings=self._session.settings,
            title=own_title(self._session.title),
            causes=self._session.causes.groups,
        )
        self.say(as_text(sections, width))
        if result.outcome not in ("complete", "partial"):
            self.say(result.reason)


# What a progress line does without when there is no room, the first one first.
_DROPPED = ("429s", "waiting", "bar", "money", "in flight", "rate", "eta")


def progress_line(snapshot: Snapshot, width: int | None = None, countdown: str = "") -> str:
    """`[█████···] 62/100 | 27.2 req/s | $0.0145 | ETA 0:02 | in flight 38 of 100 | failed 0`.

    Where it would be longer than `width`, what matters least is left out. `countdown` says how long draining may
    take.
    """
    parts = _progress(snapshot)
    if countdown and snapshot.phase == "draining":
        parts["eta"] += f", {countdown}"
    for name in _DROPPED:
        if width is None or len(_joined(parts)) <= width:
            break
        parts.pop(name, None)
    return _joined(parts)


def _progress(snapshot: Snapshot) -> dict[str, str]:
    counts, total = snapshot.counts, snapshot.counts.total
    parts: dict[str, str] = {}
    if total:
        filled = int(_BAR * counts.ended / total)
        parts["bar"] = f"[{'█' * filled}{'·' * (_BAR - filled)}] "
    parts["done"] = f"{count(counts.ended)}/{count(total)}" if total is not None else f"{count(counts.ended)} done"
    parts["rate"] = f"{rate(snapshot.throughput.now or snapshot.throughput.mean)} req/s"
    parts["money"] = money(snapshot.money.spent)
    parts["eta"] = f"ETA {clock(snapshot.eta)}" if snapshot.phase == "running" else snapshot.phase
    parts["in flight"] = f"in flight {counts.in_flight} of {snapshot.target}"
    if counts.waiting:
        parts["waiting"] = f"waiting to retry {counts.waiting}"
    if snapshot.throttled:
        parts["429s"] = f"429s {snapshot.throttled}"
    parts["failed"] = f"failed {counts.failed}"
    return parts


def _joined(parts: dict[str, str]) -> str:
    return parts.get("bar", "") + " | ".join(text for name, text in parts.items() if name != "bar")


def log_line(entry: LogEntry) -> str:
    """One entry of the log as a line."""
    if entry.level == "run" or not entry.record_id:
        return entry.text
    return f"failed: record {entry.record_id}, {entry.dimension}: {entry.text}"
