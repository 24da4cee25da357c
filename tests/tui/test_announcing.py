"""What the terminal is told besides the picture, byte for byte."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dagtui.taste import Taste, taste_of
from dagtui.tui.announcing import Announcer
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.dashboard import Dashboard
from tests.tui.fakes import FakeDesk, FakeSession, Plan
from tests.tui.terminal import captured

TITLE = re.compile(r"\x1b\]2;([^\x07\x1b]*)\x1b\\")
LOUD = Taste(title=True, notify="both")


def taken(written: list[str]) -> Callable[[str], bool]:
    """A terminal that reads."""
    return lambda data: written.append(data) is None


def long_run(seconds: float) -> object:
    session = FakeSession()
    session.start()
    session.play(2.0)
    return replace(session.snapshot(), phase="ended", elapsed=seconds)


@pytest.mark.parametrize(
    ("notify", "seconds", "bell", "osc9"),
    [
        ("bell", 31, True, False),
        ("osc9", 31, False, True),
        ("both", 31, True, True),
        ("off", 31, False, False),
        ("both", 29, False, False),
    ],
)
def test_the_end_of_a_long_run_is_told_as_the_user_wants(
    monkeypatch: pytest.MonkeyPatch, notify: str, seconds: float, bell: bool, osc9: bool
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    written: list[str] = []
    taste = Taste(notify=notify)  # type: ignore[arg-type]
    Announcer(taste, taken(written)).ended(long_run(seconds), "complete", "a.csv · email")  # type: ignore[arg-type]
    assert ("\x07" in written) is bell
    assert any(one.startswith("\x1b]9;dagtui: a.csv complete, ") for one in written) is osc9


def test_in_tmux_a_notification_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    written: list[str] = []
    Announcer(Taste(notify="osc9"), taken(written)).ended(long_run(40), "complete", "a.csv")  # type: ignore[arg-type]
    assert written[0].startswith("\x1bPtmux;\x1b\x1b]9;dagtui: a.csv")
    assert written[0].endswith("\x07\x1b\\")


def test_a_terminal_that_does_not_read_yet_keeps_its_title_until_it_does() -> None:
    written, reads = list[str](), [False]
    announcer = Announcer(Taste(title=True), lambda data: reads[0] and written.append(data) is None)
    assert not announcer.begin()
    assert announcer.last_words() == ""
    reads[0] = True
    assert announcer.begin()
    assert announcer.begin()
    assert written == ["\x1b[22;0t\x1b]2;dagtui\x1b\\"]
    assert announcer.last_words() == "\x1b]2;\x1b\\\x1b[23;0t"


def test_a_title_changes_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("dagtui.tui.announcing.monotonic", lambda: now[0])
    written: list[str] = []
    announcer = Announcer(Taste(title=True), taken(written))
    session = FakeSession()
    session.start()
    for _ in range(40):
        session.play(0.1)
        now[0] += 0.1
        announcer.show(session.snapshot(), session.title)
    assert 3 <= len(written) <= 5
    assert written[0].startswith("\x1b[22;0t")
    assert TITLE.findall(written[-1])[0].startswith("dagtui ")
    assert TITLE.findall(written[-1])[0].endswith("% emails.csv")
    assert announcer.last_words() == "\x1b]2;\x1b\\\x1b[23;0t"
    assert Announcer(Taste(), taken(written)).last_words() == ""


@pytest.mark.parametrize(
    "name", ["a\x1b]52;c;eA==\x07.csv", "a\x07\x1b\\b.csv", "a\x9c\x9d2;x.csv", "a\n\r\u202eb.csv"]
)
async def test_a_file_s_name_cannot_steer_the_terminal_from_the_title(folder: Path, name: str) -> None:
    session = FakeSession()
    session.title = f"{name} · email · demo"
    app = DagtuiApp(Plan(), start_at_once=True, desk=FakeDesk(folder, session), taste=LOUD)
    async with captured(app, (80, 24)) as written:
        for _ in range(200):
            await asyncio.sleep(0.01)
            if isinstance(app.screen_stack[-1], Dashboard) and any(
                "csv" in one for one in TITLE.findall("".join(written))
            ):
                break
        app.announcer.ended(long_run(40), "complete", session.title)  # type: ignore[arg-type]
        raw = "".join(written)
    titles = TITLE.findall(raw)
    assert any("csv" in title for title in titles)
    assert all(title.isprintable() for title in titles)
    assert "\x1b]52" not in raw
    notes = re.findall(r"\x1b\]9;(.*?)\x07", raw, re.DOTALL)
    assert notes
    assert all(note.isprintable() for note in notes)


async def test_without_the_wish_nothing_is_told(folder: Path) -> None:
    session = FakeSession()
    app = DagtuiApp(Plan(), start_at_once=True, desk=FakeDesk(folder, session))
    async with captured(app, (80, 24)) as written:
        async with asyncio.timeout(20):
            while "emails.csv" not in "".join(written):  # noqa: ASYNC110 - as a terminal sees it
                await asyncio.sleep(0.01)
        app.announcer.ended(long_run(40), "complete", session.title)  # type: ignore[arg-type]
        raw = "".join(written)
    assert "\x1b]2;" not in raw
    assert "\x1b]9;" not in raw
    assert "\x07" not in written


def test_who_is_told_what(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_TITLE", raising=False)
    monkeypatch.chdir(tmp_path)
    for stream in (sys.__stdout__, sys.__stderr__):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert (taste_of(None).title, taste_of(None).notify) == (True, "bell")
    monkeypatch.setenv("NO_TITLE", "1")
    assert (taste_of(None).title, taste_of(None).notify) == (False, "bell")
    monkeypatch.delenv("NO_TITLE")
    (tmp_path / "dagtui.toml").write_text('title = false\nnotify = "both"')
    assert (taste_of(None).title, taste_of(None).notify) == (False, "both")
    monkeypatch.setenv("TERM", "dumb")
    assert (taste_of(None).title, taste_of(None).notify) == (False, "off")


def test_a_real_terminal_gets_its_title_back(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,subject,body\n1,a,b\n")
    environ = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm-256color", "DAGTUI_GATEWAY": "demo"}
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "NO_TITLE", "TMUX"):
        environ.pop(name, None)
    environ["PYTHONFAULTHANDLER"] = "1"  # where it stands if it does not end
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "dagtui", "a.csv"]
    raw, until = b"", time.monotonic() + 30
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        asked = False
        while part := _read(master, until):
            raw += part
            if b"\x1b]2;dagtui" in raw and b"Start" in raw and not asked:
                asked = True
                os.write(master, b"\x11")
        if time.monotonic() > until:
            process.send_signal(signal.SIGABRT)
            raw += _read(master, time.monotonic() + 5)
            raise AssertionError(f"asked to end: {asked}, and it goes on: {raw[-5_000:]!r}")
    os.close(master)
    assert process.returncode == 0
    assert raw.index(b"\x1b[22;0t\x1b]2;dagtui\x1b\\") < raw.index(b"\x1b]2;\x1b\\\x1b[23;0t")


def _read(terminal: int, until: float) -> bytes:
    """What comes next; nothing when the other side is closed, or at the time `until`."""
    if not select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # closed
        return b""
