"""What the screens ask of the rest of the program before a run exists. `dagtui.plan` is the one that answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dagtui.core.contract import Choices
    from dagtui.core.report import Kept
    from dagtui.editing import Editing
    from dagtui.past.resuming import Going
    from dagtui.past.runs import RunInfo
    from dagtui.plan import Entry, GatewayChoice, InputView, Plan, TaskChoice
    from dagtui.session import Session
    from dagtui.watched import Watched


class Desk(Protocol):
    """From what the user chose to a session that can start."""

    def candidates(self, folder: Path) -> tuple[Entry, ...]:
        """Folders and files that could be an input."""
        ...

    def sample_folder(self) -> Path:
        """Where the sample data lies."""
        ...

    def task_choices(self) -> tuple[TaskChoice, ...]:
        """The tasks there are."""
        ...

    def tasks_in(self, folder: Path) -> tuple[TaskChoice, ...]:
        """The tasks in files of `folder`; it may take a while."""
        ...

    def gateway_choices(self) -> tuple[GatewayChoice, ...]:
        """The gateways there are."""
        ...

    def gateway_problem(self, name: str) -> str:
        """Why the gateway cannot be used now; empty if it can."""
        ...

    def problems(self, plan: Plan, view: InputView) -> dict[str, str]:
        """What keeps `plan` from starting: sentences by field."""
        ...

    def themes_folder(self) -> Path:
        """Our themes."""
        ...

    def user_themes_folder(self) -> Path:
        """The user's themes."""
        ...

    def kept(self, plan: Plan, session: Watched) -> Kept:
        """Where what a run of `plan` came to lies."""
        ...

    async def look_at(self, path: str, format: str | None = None) -> InputView:  # noqa: A002 - the seam's word
        """What an input looks like."""
        ...

    async def estimated(self, plan: Plan) -> str:
        """What a run of `plan` will likely take, in a line."""
        ...

    async def open_session(self, plan: Plan) -> Session:
        """A session for `plan`, not started."""
        ...

    async def unfinished(self, path: str) -> RunInfo | None:
        """The last run of a file, if something of it is left."""
        ...

    async def resumed_plan(self, run: RunInfo, plan: Plan) -> Plan:
        """The plan of a run, pushed as hard as `plan` says."""
        ...

    async def editing(self, plan: Plan, session: Watched) -> Editing:
        """What can be edited of a run that goes on."""
        ...

    async def look_back(self, path: Path, plan: Plan) -> Going:
        """What going on with the run whose journal is at `path` would mean."""
        ...

    async def open_resumed(self, going: Going, plan: Plan, choices: Choices) -> Session:
        """A session that goes on with a run, not started."""
        ...
