"""Text in the user's own pager or editor: the screen is lent to it, and the run goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.app import SuspendNotSupported

from dagtui.core.text import visible
from dagtui.tui import signals

if TYPE_CHECKING:
    from dagtui.tui.app import DagtuiApp

_VARIABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "pager": (("PAGER",), "less"),
    "editor": (("VISUAL", "EDITOR"), "vi"),
}


async def show_outside(app: DagtuiApp, text: str, how: Literal["pager", "editor"], name: str) -> str:
    """Open `text` in a program of the user's, and wait for its end; a sentence if that cannot be, else nothing.

    It is handed over in a file that nobody else can read, which is removed afterwards. A pager is shown what could
    steer a terminal as signs, because it may pass it on.
    """
    variables, default = _VARIABLES[how]
    variable = next((one for one in variables if os.environ.get(one, "").strip()), variables[-1])
    command = os.environ.get(variable, "").strip() or default
    try:
        words = shlex.split(command)
    except ValueError:
        return f"${variable} is {command!r}, which no shell can read; set it to the command of your {how}."
    path = await asyncio.to_thread(_written, visible(text) if how == "pager" else text, name)
    try:
        # Not suspend() alone: a screen that goes on painting into the void would stop the loop.
        with _deaf_to_interrupts(app.leave_for_signal), app.suspend(), app.batch_update():
            process = await asyncio.create_subprocess_exec(*words, str(path))
            code = await process.wait()
    except SuspendNotSupported:
        return f"This terminal cannot be lent to a {how}; w writes the answer to a file."
    except OSError as error:
        reason = error.strerror or str(error)
        return f"The {how} {words[0]!r} cannot be started: {reason}; set ${variable} to the command of yours."
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return "" if not code else f"The {how} {words[0]!r} ended with code {code}."


def _written(text: str, name: str) -> Path:
    """A new file with `text`, for this user's eyes only."""
    handle, path = tempfile.mkstemp(prefix="dagtui-", suffix=f"-{name}")  # mode 0600
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
    return Path(path)


@contextlib.contextmanager
def _deaf_to_interrupts(leave: Callable[[str], None]) -> Generator[None]:
    """While the terminal is the program's, Ctrl+C is meant for it, though this process hears it too.

    Not ignored, because the program would inherit that. `leave` is what the app does when it is told to go.
    """
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signals.listen(leave)
