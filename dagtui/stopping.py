"""How a run without a screen is told to stop: once to finish what is in flight, twice to abandon it, a third time
to be gone at once. What was answered is saved in any case."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from dagtui.core.errors import ExitCode
from dagtui.core.figures import count

if TYPE_CHECKING:
    from dagtui.watched import Steered

TERM_GRACE = 20.0
"""Seconds to drain after SIGTERM and SIGHUP; orchestrators kill after 30."""


class Stopping:
    """Listens to SIGINT, SIGTERM and SIGHUP while a session runs. `gone` ends the process at once."""

    def __init__(self, session: Steered, gone: Callable[[int], object] = os._exit) -> None:
        self._session = session
        self._gone = gone
        self._interrupts = 0
        self._until: float | None = None

    @contextlib.contextmanager
    def listening(self) -> Generator[None]:
        """Act on the signals while it lasts."""
        loop = asyncio.get_running_loop()
        handlers = {"SIGINT": self.interrupt, "SIGTERM": self.terminate, "SIGHUP": self.terminate}
        installed: list[signal.Signals] = []
        for name, handler in handlers.items():
            with contextlib.suppress(NotImplementedError, AttributeError, ValueError):  # Windows; another thread
                loop.add_signal_handler(number := getattr(signal, name), handler)
                installed.append(number)
        try:
            yield
        finally:
            for number in installed:
                loop.remove_signal_handler(number)

    def interrupt(self) -> None:
        """Ctrl+C."""
        self._interrupts += 1
        if self._interrupts == 1:
            self._session.drain(f"interrupted: {self._finishing()}; Ctrl+C again abandons them")
        elif self._interrupts == 2:
            self._session.cancel()
        else:
            self._gone(ExitCode.INTERRUPTED)

    def terminate(self) -> None:
        """SIGTERM or SIGHUP."""
        loop = asyncio.get_running_loop()
        if self._until is None:
            self._until = loop.time() + TERM_GRACE
            loop.call_later(TERM_GRACE, self._session.cancel)
        self._session.drain(f"told to stop: {self._finishing()}, for at most {TERM_GRACE:.0f} s")

    def countdown(self) -> str:
        """How long draining may still take, for the progress line; empty where nothing limits it."""
        if self._until is None:
            return ""
        left = max(0.0, self._until - asyncio.get_running_loop().time())
        return f"stops in {math.ceil(left)} s at most"

    def _finishing(self) -> str:
        flying = self._session.snapshot().counts.in_flight
        return f"finishing {count(flying)} in flight, what is answered is saved"
