"""The simulator as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import threading
from dataclasses import dataclass, field

from dagtui.simulator.knobs import Knobs
from dagtui.simulator.scenarios import Step
from dagtui.simulator.server import PortError, start


@dataclass(frozen=True, slots=True)
class Options:
    """How a simulator process is started."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    seed: int = 0
    knobs: Knobs = field(default_factory=Knobs)
    steps: tuple[Step, ...] = ()
    """Knobs that turn by themselves, from the first call on."""
    scenario: str = ""
    """What they are called, if they are a scenario's."""
    exit_with_stdin: bool = False
    """End when standard input does, so that the process dies with the one that started it."""


def serve(options: Options) -> None:
    """Serve until a signal ends it; when ready, print one JSON line with the URL (a sentence on a terminal).

    A port that cannot be had ends the process with code 2 and one sentence on standard error.
    """
    try:
        asyncio.run(_serve(options))
    except PortError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        pass  # the signal came before its handler was in place


async def _serve(options: Options) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stopping.set)
    simulator = await start(
        options.knobs, options.seed, options.port, options.host, options.steps, options.scenario
    )
    # Requests leave no cycles behind; at the default threshold looking for some takes a quarter of the time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    if options.exit_with_stdin:
        threading.Thread(target=_await_end_of_stdin, args=(loop, stopping), daemon=True).start()
    print(_ready(simulator.url), flush=True)
    await stopping.wait()
    await simulator.stop()


def _ready(url: str) -> str:
    if not sys.stdout.isatty():
        return json.dumps({"url": url})
    return f"The simulator answers at {url}. Use it: dagtui run FILE -g {url}   (Ctrl+C ends it)"


def _await_end_of_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """Read past everything; a thread, because standard input may be a terminal, a pipe or a file."""
    with contextlib.suppress(OSError):
        while os.read(0, 65536):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: something else ended the process first
        loop.call_soon_threadsafe(stopping.set)
