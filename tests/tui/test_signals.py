"""Leaving because a signal came, and a terminal that does not read."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from dagtui.tui import signals
from tests.tui.conftest import dashboard, text
from tests.tui.fakes import REPOSITORY, FakeSession

PROGRAM = """
import sys
from pathlib import Path
from tests.tui.fakes import FakeDesk, FakeSession, Plan
from dagtui.tui.app import DagtuiApp
session = FakeSession(10_000)
session.start()
session.play(1.0)
app = DagtuiApp(Plan(path="x"), start_at_once=True, desk=FakeDesk(Path("tests"), session))
sys.exit(app.run())
"""


async def test_sigterm_drains_then_leaves_as_interrupted(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        app.leave_for_signal("SIGTERM")
        await pilot.pause()
        assert session.calls[-1] == "drain"
        session.play_out()
        await pilot.pause()
    assert app.return_value == 130
    assert session.calls[-1] == "aclose"


async def test_a_run_that_does_not_drain_in_time_is_cancelled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "GRACE", 0.01)
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        app.leave_for_signal("SIGTERM")
        await asyncio.wait_for(session._ended.wait(), 5)
        await pilot.pause()
    assert session.calls[-3:] == ["drain", "cancel", "aclose"]


async def test_a_second_signal_does_not_wait(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        app.leave_for_signal("SIGINT")
        await pilot.pause()
        app.leave_for_signal("SIGINT")
        await pilot.pause()
    assert "cancel" in session.calls
    assert app.return_value == 130


async def test_after_a_hangup_nothing_is_written_and_the_run_is_drained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    monkeypatch.setattr("dagtui.tui.app.os._exit", ends.append)
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        app.leave_for_signal("SIGHUP")
        await pilot.pause()
        session.play_out()
        await pilot.pause()
        await pilot.pause()
    assert ends == [130]
    assert "drain" in session.calls


def test_the_watchdog_ends_what_hangs_and_can_be_called_off() -> None:
    ended = threading.Event()
    signals.watchdog(0.01, 7, lambda code: ended.set())
    assert ended.wait(5)
    timer = signals.watchdog(60.0, 7, lambda code: None)
    timer.cancel()
    timer.join(5)
    assert not timer.is_alive()


async def test_frames_are_dropped_while_the_terminal_does_not_read_and_the_last_one_comes(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, _):
        waiting = 13
        app._driver._writer_thread = SimpleNamespace(_queue=SimpleNamespace(qsize=lambda: waiting))  # type: ignore[union-attr]
        app._display(app.screen, "frame")
        assert app._dropped_frame
        waiting = 0
        app._redraw()
        assert not app._dropped_frame
        assert "running" in text(app)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGINT, 130)])
def test_in_a_real_terminal_a_signal_ends_the_program_and_restores_the_screen(number: int, code: int) -> None:
    child, master = _start()
    output = _read_until(master, b"in flight of")
    child.send_signal(number)
    output += _read_until(master, b"draining")
    child.send_signal(number)  # the scripted run does not end by itself: the second signal cancels it
    output += _read_until(master, b"\x1b[?1049l")
    os.close(master)
    assert child.wait(5) == code


def test_when_the_terminal_goes_away_the_program_does_too() -> None:
    child, master = _start()
    _read_until(master, b"in flight of")
    os.close(master)
    deadline = time.monotonic() + 15
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
        child.send_signal(signal.SIGHUP)
    assert child.wait(1) == 130


def _start() -> tuple[subprocess.Popen[bytes], int]:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=slave, stdout=slave, stderr=slave, cwd=REPOSITORY,
        env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    os.set_blocking(master, False)
    return child, master


def _read_some(master: int) -> bytes:
    time.sleep(0.05)
    try:
        return os.read(master, 1_000_000)
    except (BlockingIOError, OSError):
        return b""


def _read_until(master: int, wanted: bytes) -> bytes:
    output = b""
    deadline = time.monotonic() + 20
    while wanted not in output:
        assert time.monotonic() < deadline, output[-2000:]
        output += _read_some(master)
    return output
