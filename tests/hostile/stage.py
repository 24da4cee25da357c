"""An app that is mounted once and shown hundreds of hostile texts, and what must be true of its screen then."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from rich.cells import cell_len
from textual.screen import Screen

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, RequestEnded
from dagtui.core.model import Attempt, AttemptError, Failure, Success, Usage
from dagtui.core.stats import Stats
from dagtui.tui.app import DagtuiApp
from tests.tui.fakes import FakeDesk, FakeSession

T = TypeVar("T")


def shown(batches: int) -> settings:
    """So many batches of texts for one app. A failure is told as found: a smaller one takes minutes to find."""
    return settings(
        max_examples=batches,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


STEERS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The categories of characters that show nothing themselves, and steer or shift what does."""
WIDTHLESS = "\ufe0e\ufe0f\ufffe\uffff"


class Stage:
    """The app between two questions of a test that is no coroutine, so that hypothesis can ask them."""

    def __init__(self, runner: asyncio.Runner, app: DagtuiApp, pilot: Any) -> None:
        self._runner = runner
        self.app = app
        self.pilot = pilot
        self.depth = len(app.screen_stack)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def settle(self) -> None:
        """Let the app paint."""
        self.run(self.pilot.pause())

    def leave(self) -> None:
        """Close all screens but the one at the bottom of the test."""

        async def pop() -> None:
            while len(self.app.screen_stack) > self.depth:
                await self.app.pop_screen()

        self.run(pop())

    def show(self, make: Callable[[], Screen[Any]]) -> None:
        """Open the screen that `make` makes, and look at it."""

        self.leave()

        async def push() -> None:
            await self.app.push_screen(make())
            await self.pilot.pause()

        self.run(push())
        self.look()

    def look(self, *expected: str) -> str:
        """What the screen shows, all of it harmless and in its place; each of `expected` is there, literally."""
        self.settle()
        strips = self.app.screen._compositor.render_strips()
        width = self.app.size.width
        for strip in strips:
            steering = [c for c in strip.text if unicodedata.category(c) in STEERS or c in WIDTHLESS]
            assert not steering, (steering, strip.text)
            assert not any(segment.control for segment in strip)
            assert strip.cell_length == cell_len(strip.text) == width, strip.text
        shown = "\n".join(strip.text for strip in strips)
        for text in expected:
            assert text in shown, text
        return shown


@contextmanager
def on_stage(opened: AbstractAsyncContextManager[tuple[DagtuiApp, Any]]) -> Iterator[Stage]:
    """The stage of an app that `opened` mounts."""
    with asyncio.Runner() as runner:
        app, pilot = runner.run(opened.__aenter__())
        yield Stage(runner, app, pilot)
        runner.run(opened.__aexit__(None, None, None))


@contextmanager
def still() -> Iterator[None]:
    """Screens are polled by hand, and the process stays pytest's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTUAL_ANIMATIONS", "none")
        patch.delenv("NO_COLOR", raising=False)
        patch.setattr("dagtui.tui.screens.watching.POLL", 3600.0)
        patch.setattr("dagtui.tui.screens.inspector.LOOK", 3600.0)
        patch.setattr("dagtui.tui.app._after_first_paint", lambda: None)
        patch.setattr("dagtui.process.prepare", lambda: None)
        patch.setattr("dagtui.tui.signals.listen", lambda leave: None)
        yield


def hostile_session(texts: Sequence[str], questions: Sequence[str] = ("one", "two")) -> FakeSession:
    """A run in which every name, category, error and reason is one of `texts`; `start` it, then `trouble` it."""
    session = FakeSession(ids=list(texts))
    session.dimensions = tuple(questions)
    session.stats = Stats(session.dimensions, 10)
    session.title = " · ".join(islice(cycle(texts), 3))
    session.held = texts[-1]
    session.start()
    trouble(session, texts)
    return session


def trouble(session: FakeSession, texts: Sequence[str]) -> None:
    """Every text as an error that is retried, one that is not, and a category."""
    fold, now = session.stats.fold, session.now
    for number, text in enumerate(texts):
        error = AttemptError(ErrorKind.SERVER, text, 500)
        seq = number * len(session.dimensions)
        fold(AttemptStarted(now, seq, 1))
        again = Attempt(1, now - 1, now, 500, error, retry_in=1.0, retry_reason=text[:2000], request_id=text)
        fold(AttemptEnded(now, seq, again))
        if number % 3 == 0:
            fold(RequestEnded(now, seq, Failure(error, 1, trace_id=text)))
        else:
            fold(AttemptStarted(now, seq, 2))
            fold(AttemptEnded(now, seq, Attempt(2, now - 1, now, 200, None, Usage(1, 1), Decimal(0))))
            fold(RequestEnded(now, seq, Success(text, text, 2, 0.1, Usage(1, 1), Decimal(0), text, text)))


def desk_in(folder: Path) -> FakeDesk:
    """A desk over a folder that exists."""
    folder.mkdir(exist_ok=True)
    return FakeDesk(folder)
