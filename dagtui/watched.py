"""What a front end holds of a run, wherever that runs: here, in another process, or in the past."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dagtui.core.faults import SimulatedProvider
    from dagtui.core.run_settings import RunSettings
    from dagtui.core.snapshot import LogEntry, Snapshot
    from dagtui.core.store import RequestStore
    from dagtui.session import RunResult


REPLAY_OF, ATTACHED = "replay of ", "attached: "
"""What titles begin with, of a run that is played once more and of one that goes on in another process."""


def own_title(title: str) -> str:
    """The run's title, however it is watched."""
    return title.removeprefix(REPLAY_OF).removeprefix(ATTACHED)


class Watched(Protocol):
    """A run to be looked at. `Session` says what its members mean."""

    title: str
    settings: RunSettings
    results_path: Path | None
    dimensions: tuple[str, ...]

    @property
    def journal_path(self) -> Path | None: ...
    @property
    def store(self) -> RequestStore: ...
    @property
    def log(self) -> deque[LogEntry]: ...
    def snapshot(self) -> Snapshot: ...
    def start(self) -> None: ...
    async def wait(self) -> RunResult: ...
    async def export(self, path: Path, *, overwrite: bool = False) -> int: ...
    async def aclose(self) -> None: ...


class Steered(Watched, Protocol):
    """A run that goes on, and takes commands. `provider` is None unless it is a simulated one."""

    @property
    def provider(self) -> SimulatedProvider | None: ...
    def note(self, message: str) -> None: ...

    def retune(self, target: int, by: str = "you") -> None: ...
    def automate(self, on: bool = True, by: str = "you") -> None: ...
    def set_max_cost(self, dollars: Decimal | None, by: str = "you") -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def drain(self, reason: str = ...) -> None: ...
    def cancel(self, reason: str = ...) -> None: ...
