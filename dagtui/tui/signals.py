"""What to do when the machine or the terminal wants the program gone.

SIGTERM and SIGINT let what is in flight finish, for a while, and leave the terminal as it was found. SIGHUP means
that there is no terminal any more, so nothing may wait for it. A watchdog ends the process if leaving hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable

GRACE = 15.0  # seconds for what is in flight
HANG = 5.0  # seconds for leaving itself
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


def listen(leave: Callable[[str], None]) -> None:
    """Call `leave` with the signal's name, on the loop, when one of them comes.

    They are not given back: a second signal while the terminal is being restored must not end the process there.
    The loop lets go of them when it closes.
    """
    loop = asyncio.get_running_loop()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, leave, name)


def watchdog(seconds: float, exit_code: int, end: Callable[[int], object] = os._exit) -> threading.Timer:
    """End the process after `seconds`, whatever it waits for; cancel the timer when it ended by itself."""
    timer = threading.Timer(seconds, end, (exit_code,))
    timer.daemon = True
    timer.start()
    return timer
