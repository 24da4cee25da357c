"""A run without an engine: the real statistics, fed by a script in a time of its own."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagtui.core.errors import BadInput, ErrorKind, TargetExists
from dagtui.core.events import (
    AttemptEnded,
    AttemptStarted,
    Looked,
    PhaseChanged,
    RecordRead,
    RequestEnded,
    RunStarted,
    TargetChanged,
)
from dagtui.core.held import Hold, Holder
from dagtui.core.inspection import Asked, Inspection, remembered
from dagtui.core.model import (
    Attempt,
    AttemptError,
    Cancelled,
    Failure,
    Headroom,
    RateLimits,
    Record,
    Success,
    Usage,
)
from dagtui.core.report import Kept
from dagtui.core.settings import RunSettings
from dagtui.core.snapshot import Snapshot
from dagtui.core.stats import Stats
from dagtui.core.store import State

EPOCH = 1_790_000_000.0
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Plan:
    path: str = ""
    task: str = "email"
    gateway: str = "demo"
    settings: RunSettings = field(default_factory=RunSettings)
    model: str | None = None
    provider: str | None = None
    story: str | None = None
    pace: float = 1.0
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class InputView:
    path: str
    name: str
    format: str = ""
    columns: tuple[str, ...] = ()
    records: int | None = None
    bad_rows: int = 0
    size: int = 0
    first: tuple[Record, ...] = ()
    problem: str = ""
    first_bad: str = ""
    twice: str = ""


@dataclass(frozen=True)
class Entry:
    name: str
    path: Path
    is_folder: bool
    size: int
    format: str


@dataclass(frozen=True)
class TaskChoice:
    name: str
    description: str
    model: str


@dataclass(frozen=True)
class GatewayChoice:
    name: str
    description: str


@dataclass(frozen=True)
class RunResult:
    outcome: str
    exit_code: int
    reason: str
    snapshot: Snapshot
    audit: str = ""


class FakeSession:
    """`play(seconds)` lets that much of the scripted run happen; nothing happens otherwise."""

    def __init__(
        self, records: int = 100, target: int = 10, *, ids: list[str] | None = None, seed: int = 7
    ) -> None:
        self.settings = RunSettings(concurrency=target)
        self.title = "emails.csv · email · demo"
        self.results_path: Path | None = Path("emails.results.csv")
        self.journal_path: Path | None = Path("journal.db")
        self.dimensions = ("analyze_email",)
        self.stats = Stats(self.dimensions, target)
        self.calls: list[Any] = []
        self.now = EPOCH
        self.exported: list[Path] = []
        self.export_error = ""
        self.inspected: dict[int, Inspection] = {}
        self.given = Asked(trouble="This run keeps no journal.")
        self.writes = False
        self._ids = ids or [f"email_{number:04d}" for number in range(records)]
        self._target = target
        self._due: list[tuple[float, int, int]] = []
        self._waiting: list[tuple[float, int, int]] = []
        self._next = 0
        self._random = random.Random(seed)
        self._phase = "ready"
        self._ended = asyncio.Event()
        self.failing = 0.02
        self.throttling = 0.08
        self._begun = False
        self.automatic = False
        self.held = ""
        self.provider: Any = None
        self.notes: list[str] = []

    @property
    def store(self):
        return self.stats.store

    @property
    def since(self):
        return self.stats.pulse.since

    @property
    def log(self):
        return self.stats.log

    @property
    def causes(self):
        return self.stats.causes

    def snapshot(self) -> Snapshot:
        held = "the provider's limit: 50 requests a minute, 12 s until more" if self._waiting else "your setting"
        told = (self.held or held) if self._phase == "running" else ""
        return replace(self.stats.snapshot(self.now), automatic=self.automatic, held_by=told)

    def start(self) -> None:
        if self._begun:
            return
        self._begun = True
        self.calls.append("start")
        self.stats.fold(RunStarted(self.now, "run-1", self.dimensions, len(self._ids), self._target))
        for number, record_id in enumerate(self._ids):
            self.stats.fold(RecordRead(self.now, number, record_id))
        self._set_phase("running")

    async def wait(self) -> RunResult:
        await self._ended.wait()
        snapshot = self.snapshot()
        if "cancel" in self.calls:
            return RunResult("cancelled", 130, snapshot.reason, snapshot)
        if "drain" in self.calls:
            return RunResult("drained", 130, snapshot.reason, snapshot)
        if snapshot.counts.failed:
            return RunResult("partial", 3, snapshot.reason, snapshot)
        return RunResult("complete", 0, snapshot.reason, snapshot)

    def retune(self, target: int, by: str = "you") -> None:
        self.calls.append(("retune", target))
        self._target = target
        self.automatic = False
        self.stats.fold(TargetChanged(self.now, target, by))

    def automate(self, on: bool = True, by: str = "you") -> None:
        self.calls.append(("automate", on))
        self.automatic = on

    def retry(self, seqs: Any, *, later: bool = False, max_tokens: int | None = None, by: str = "you") -> int:
        return self._steered("retry", seqs, (State.WAITING, State.SUCCEEDED, State.FAILED, State.SKIPPED))

    def skip(self, seqs: Any, by: str = "you") -> int:
        return self._steered("skip", seqs, (State.QUEUED, State.IN_FLIGHT, State.WAITING))

    def abort(self, seqs: Any, by: str = "you") -> int:
        return self._steered("abort", seqs, (State.IN_FLIGHT,))

    def hedge(self, seqs: Any, by: str = "you") -> int:
        return self._steered("hedge", seqs, (State.IN_FLIGHT,))

    def _steered(self, command: str, seqs: Any, states: tuple[State, ...]) -> int:
        self.calls.append((command, tuple(seqs)))
        return sum(self.store.state[seq] in states for seq in seqs)

    def set_stop_rule(self, rule: str | None, by: str = "you") -> None:
        self.calls.append(("set_stop_rule", rule))

    def set_max_cost(self, dollars: Any, by: str = "you") -> None:
        self.calls.append(("set_max_cost", dollars))

    def note(self, message: str) -> None:
        self.notes.append(message)

    def pause(self) -> None:
        self.calls.append("pause")
        self._set_phase("paused", "paused by you")

    def resume(self) -> None:
        self.calls.append("resume")
        self._set_phase("running")

    def drain(self, reason: str = "drained by you") -> None:
        self.calls.append("drain")
        self._set_phase("draining", reason)
        if not self._due:
            self._end(reason)

    def cancel(self, reason: str = "cancelled by you") -> None:
        self.calls.append("cancel")
        self._due.clear()
        self._end(reason)

    async def inspect(self, seq: int) -> Inspection:
        return self.inspected.get(seq) or remembered(self.store, self.log, seq, self.now)

    async def asked(self, seq: int) -> Asked:
        return self.given

    async def export(self, path: Path, *, overwrite: bool = False) -> int:
        if self.export_error:
            raise BadInput(self.export_error)
        if not overwrite and path.exists() and path.stat().st_size:  # noqa: ASYNC240
            raise TargetExists(f"{path} exists already; add --overwrite.")
        self.exported.append(path)
        if self.writes:
            path.write_text("exported")  # noqa: ASYNC240
        return self.stats.snapshot(self.now).counts.succeeded

    async def aclose(self) -> None:
        self.calls.append("aclose")
        if self._begun and self._phase != "ended":
            self.cancel("closed")

    # --- the script ---

    def play(self, seconds: float) -> None:
        """Let `seconds` pass."""
        until = self.now + seconds
        while self.now < until and self._phase != "ended":
            self.now = round(self.now + 0.05, 6)
            self._finish_due()
            self._begin_more()
            if self._phase in ("running", "draining") and not self._due and self._idle():
                self._end("finished" if self._phase == "running" else "drained by you")

    def play_out(self) -> None:
        """To the end."""
        while self._phase != "ended":
            self.play(5.0)

    def _idle(self) -> bool:
        return self._phase == "draining" or (self._next >= len(self._ids) and not self._waiting)

    def _finish_due(self) -> None:
        due = [item for item in self._due if item[0] <= self.now]
        self._due = [item for item in self._due if item[0] > self.now]
        for _, seq, number in due:
            self._finish(seq, number)

    def _begin_more(self) -> None:
        while self._phase == "running" and len(self._due) < self._target:
            ready = next((item for item in self._waiting if item[0] <= self.now), None)
            if ready is not None:
                self._waiting.remove(ready)
                seq, number = ready[1], ready[2]
            elif self._next < len(self._ids):
                seq, number = self._next, 1
                self._next += 1
            else:
                return
            self.stats.fold(AttemptStarted(self.now, seq, number))
            self._due.append((self.now + self._random.lognormvariate(-1.0, 0.4), seq, number))

    def _finish(self, seq: int, number: int) -> None:
        luck = self._random.random()
        sent = self.now - 0.3 - 0.2 * self._random.random()
        left = max(0, 50 - self._next % 50)
        limits = RateLimits(
            Headroom(50, left, 12.0),
            Headroom(50_000, 50_000 - 90 * (self._next % 400), 8.0),
            Headroom(10_000, 1_900, 31.0),
        )
        self.stats.fold(Looked(self.now, Hold(Holder.YOU, self._target), self.automatic, limits, self.now))
        if luck < self.throttling:
            error = AttemptError(ErrorKind.RATE_LIMITED, "rate limit of 50 requests a minute exceeded", 429)
            self.stats.fold(
                AttemptEnded(
                    self.now,
                    seq,
                    Attempt(number, sent, self.now, 429, error, retry_in=2.0, retry_reason="retry-after"),
                )
            )
            self._waiting.append((self.now + 2.0, seq, number + 1))
            return
        if luck < self.throttling + self.failing:
            error = AttemptError(ErrorKind.INVALID_OUTPUT, "the answer is not JSON: Sorry, I cannot …", 200, "yes")
            usage, cost = Usage(91, 12), Decimal("0.000121")
            self.stats.fold(AttemptEnded(self.now, seq, Attempt(number, sent, self.now, 200, error, usage, cost)))
            self.stats.fold(RequestEnded(self.now, seq, Failure(error, number, usage, cost)))
            return
        usage = Usage(85 + self._random.randrange(12), 36 + self._random.randrange(10))
        cost = (usage.input * Decimal("0.80") + usage.output * Decimal("4.00")) / 1_000_000
        self.stats.fold(AttemptEnded(self.now, seq, Attempt(number, sent, self.now, 200, None, usage, cost)))
        category = self._random.choices(("work", "spam", "newsletter", "personal"), (40, 30, 20, 10))[0]
        self.stats.fold(RequestEnded(self.now, seq, Success("x", "x", number, 0.4, usage, cost, category)))

    def _set_phase(self, phase: str, reason: str = "") -> None:
        self._phase = phase
        self.stats.fold(PhaseChanged(self.now, phase, reason))  # pyright: ignore

    def _end(self, reason: str) -> None:
        for seq, state in enumerate(self.store.state):
            if state in (State.IN_FLIGHT, State.WAITING):
                self.stats.fold(RequestEnded(self.now, seq, Cancelled(reason)))
        self._set_phase("ended", reason)
        self._ended.set()


class FakeDesk:
    """Answers the setup screen from memory."""

    def __init__(self, folder: Path, session: FakeSession | None = None) -> None:
        self.folder = folder
        self.session = session
        self.opened: list[Any] = []
        self.refusal = ""
        self.wrong: dict[str, str] = {}
        self.views: dict[str, InputView] = {}
        self.samples = folder.parent / f"{folder.name}-samples"
        self.tasks: tuple[TaskChoice, ...] = ()
        self.searched: list[Path] = []
        self.run: str | None = None
        self.unfinished_run: Any = None

    def candidates(self, folder: Path) -> tuple[Entry, ...]:
        entries = sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name))
        return tuple(Entry(path.name, path, path.is_dir(), 13_400, path.suffix[1:]) for path in entries)

    def sample_folder(self) -> Path:
        return self.samples

    def task_choices(self) -> tuple[TaskChoice, ...]:
        return (
            TaskChoice("email", "sorts emails into categories", "claude-3-5-haiku-20241022"),
            TaskChoice("sentiment", "says how a text feels", "claude-3-5-haiku-20241022"),
        )

    def tasks_in(self, folder: Path) -> tuple[TaskChoice, ...]:
        self.searched.append(folder)
        return self.tasks

    def gateway_choices(self) -> tuple[GatewayChoice, ...]:
        return (
            GatewayChoice("demo", "the embedded simulator: no key, nothing is spent"),
            GatewayChoice("portkey", "Portkey's hosted gateway"),
        )

    def gateway_problem(self, name: str) -> str:
        return "PORTKEY_API_KEY is not set; get one at app.portkey.ai." if name == "portkey" else ""

    def problems(self, plan: Any, view: InputView) -> dict[str, str]:
        found = dict(self.wrong)
        if view.problem:
            found["file"] = view.problem
        if plan.gateway == "portkey":
            found["gateway"] = "PORTKEY_API_KEY is not set; get one at app.portkey.ai."
        return found

    def themes_folder(self) -> Path:
        return REPOSITORY / "themes"

    def user_themes_folder(self) -> Path:
        return self.folder / "no themes"

    def kept(self, plan: Any, session: Any) -> Kept:
        return Kept(self.run, session.results_path)

    async def estimated(self, plan: Any) -> str:
        return "~$0.027 · ~0:04 · 18.7k tokens in, 3.9k out"

    async def look_at(self, path: str, format: str | None = None) -> InputView:  # noqa: A002
        if path in self.views:
            return self.views[path]
        name = Path(path).name
        if not Path(path).exists():  # noqa: ASYNC240
            return InputView(path, name, problem=f"{path} does not exist; check the path.")
        first = tuple(
            Record(
                number,
                f"email_{number:04d}",
                {
                    "id": f"email_{number:04d}",
                    "subject": ["Budget meeting", "You have won!", "Weekly digest"][number % 3],
                    "body": "Hello all, please find the figures of the quarter attached, and tell me by Friday.",
                },
            )
            for number in range(20)
        )
        return InputView(path, name, "csv", ("id", "subject", "body"), 100, 0, 13_400, first)

    async def unfinished(self, path: str) -> Any:
        return self.unfinished_run

    async def open_session(self, plan: Any) -> FakeSession:
        if self.refusal:
            raise BadInput(self.refusal)
        self.opened.append(plan)
        self.session = self.session or FakeSession(target=plan.settings.concurrency)
        return self.session
