"""A run that outlives its terminal: it is begun by the same command in a process of its own.

The command runs the same command line once more, with a pipe named in the environment. Through it the run says
that it has really begun; what it has to say until then, such as why it cannot begin, is said in the terminal.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dagtui.core.errors import ConfigError, ExitCode
from dagtui.elsewhere.control import SOCKET_NAME

if TYPE_CHECKING:
    from dagtui.session import Session

VARIABLE = "DAGTUI_DETACHED"
"""Holds the number of the pipe in the process that is to be the run."""

LOG_NAME = "output.log"
"""What a detached run has to say lies in its folder under this name."""

_PATIENCE_S = 2.0  # seconds for a first answer: a refused key ends a run within them


def is_inside() -> bool:
    """Whether this is the process that is to be the run."""
    return VARIABLE in os.environ


def launch(*, reads_stdin: bool = False) -> tuple[int, Mapping[str, Any] | None]:
    """Have this command line carried out in a process of its own, and wait until the run has begun.

    What it says meanwhile goes to stderr. Returns 0 with what it tells of itself (`run`, `pid`, and whether it can
    be `steered`), or its exit code and None.

    Raises:
        ConfigError: there can be no such process here.
    """
    if os.name != "posix":
        raise ConfigError("--detach needs Linux or macOS; without it, the run lives as long as this terminal.")
    if reads_stdin and sys.stdin.isatty():
        raise ConfigError("--detach cannot read what you type; give it a file, or a pipe.")
    receiving, sending = os.pipe()
    with tempfile.TemporaryFile() as said, os.fdopen(receiving, "rb") as pipe:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagtui", *sys.argv[1:]],
            stdin=None if reads_stdin else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=(sending,),
            start_new_session=True,
            env={**os.environ, VARIABLE: str(sending)},
        )
        os.close(sending)
        try:
            told = pipe.readline()
            code = 0 if told else process.wait()
        except KeyboardInterrupt:  # before it has begun, it is ours
            process.terminate()
            return ExitCode.INTERRUPTED, None
        said.seek(0)
        with suppress(OSError):
            shutil.copyfileobj(said, sys.stderr.buffer)
            sys.stderr.flush()
    return (0, json.loads(told)) if told else (code or ExitCode.INTERNAL, None)


class Detached:
    """This process's part of it, if it is to be the run: to tell when the run has begun."""

    def __init__(self) -> None:
        self._pipe = int(os.environ.pop(VARIABLE))  # popped: it is no affair of processes that are begun from here

    async def begun(self, session: Session) -> None:
        """Tell that the run has begun, once a request was answered, or nothing has gone wrong for a while.

        A run that stops before that tells nothing: its reason and its exit code are for who waits.
        """
        with suppress(ValueError, OSError, AttributeError):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal may go
        ended = asyncio.ensure_future(session.wait())
        since = asyncio.get_running_loop().time()
        while not ended.done() and asyncio.get_running_loop().time() - since < _PATIENCE_S:
            if session.snapshot().counts.succeeded:
                break
            await asyncio.wait([ended], timeout=0.05)
        if not ended.done() or ended.result().outcome != "stopped":
            self._tell(session)

    def _tell(self, session: Session) -> None:
        from dagtui.io.journal import JOURNAL_NAME
        from dagtui.past.runs import name_of

        path = session.journal_path
        assert path is not None
        own = path.name == JOURNAL_NAME  # in another's folder, the name of its journal keeps it apart
        place = path.with_name(LOG_NAME if own else f"{path.name}.log")
        log = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        sys.stderr.flush()
        for standard in (1, 2):
            os.dup2(log, standard)
        os.close(log)
        with suppress(OSError):  # nobody waits any more; the run goes on all the same
            steered = path.with_name(SOCKET_NAME).exists() and own
            told = {"run": name_of(path), "pid": os.getpid(), "steered": steered}
            os.write(self._pipe, json.dumps(told).encode() + b"\n")
        os.close(self._pipe)
