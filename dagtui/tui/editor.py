"""A text in the user's own editor, while the app lies still."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from textual.app import App, SuspendNotSupported

from dagtui.core.errors import ConfigError


async def edited(app: App[int], text: str, name: str) -> str:
    """`text` as the editor left it; `name` is what the file is called there.

    The editor is $VISUAL or $EDITOR, or else vi. A line end that it adds at the end is taken off again.

    Raises:
        ConfigError: there is no such editor, it failed, or this terminal cannot be left to it.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with TemporaryDirectory(prefix="dagtui-") as folder:
        path = Path(folder) / name
        await asyncio.to_thread(path.write_bytes, text.encode("utf-8", "surrogatepass"))
        try:
            # Frames would pile up before a writer that has stopped, and the loop wait for it for ever.
            with app.suspend(), app.batch_update():
                process = await asyncio.create_subprocess_exec(*command, str(path))
                code = await process.wait()
        except SuspendNotSupported:
            raise ConfigError("This terminal cannot be left to an editor; edit the text here.") from None
        except (OSError, ValueError, IndexError) as error:
            raise ConfigError(
                f"The editor cannot be started ({error}); set EDITOR to one that there is."
            ) from None
        if code:
            raise ConfigError(f"The editor ended with {code}; the text is as it was.")
        after = (await asyncio.to_thread(path.read_bytes)).decode("utf-8", "replace")
    if after.endswith("\n") and not text.endswith("\n"):
        after = after.removesuffix("\n")
    return after
