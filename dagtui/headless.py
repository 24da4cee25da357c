"""A run without a screen: narration on stderr, data on stdout or in a file, the outcome as exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO, cast

from rich.console import Console

from dagtui import process
from dagtui.core.contract import Choices
from dagtui.core.errors import ExitCode
from dagtui.core.run_settings import within
from dagtui.narrator import Narrator
from dagtui.outlet import Outlet, stream
from dagtui.plan import Plan, open_resumed, open_session
from dagtui.session import Session
from dagtui.stopping import Stopping

if TYPE_CHECKING:
    from dagtui.past.resuming import Going
    from dagtui.watched import Steered


async def run_headless(
    plan: Plan,
    *,
    stream_events: bool = False,
    quiet: bool = False,
    going: Going | None = None,
    choices: Choices | None = None,
    begun: Callable[[Session], Awaitable[None]] | None = None,
) -> ExitCode:
    """Run `plan`; `stream_events` writes every event as a JSON line to stdout. With `going` and `choices` it goes
    on with a run that there is. `begun` is awaited beside the run.

    Raises:
        DagtuiError: the run could not begin; nothing was sent.
    """
    out = Outlet(sys.stdout if plan.stdout is None else plan.stdout)
    if plan.stdout is not None:
        plan = replace(plan, stdout=cast(TextIO, out))
    settings, notice = within(plan.settings, process.open_files())
    plan = replace(plan, settings=settings)
    if going is not None:
        session = await open_resumed(going, plan, choices or Choices())
    else:
        session = await open_session(plan)
    session.alone = True
    # Data and a living line on one terminal would run into each other.
    alone = not ((stream_events or plan.stdout is not None) and out.isatty())
    narrator = Narrator(session, plan, Console(stderr=True, highlight=False), quiet=quiet, alone=alone)
    out.on_gone = narrator.give_up
    if notice:
        narrator.say(notice)
    try:
        stopping = Stopping(session)
        narrator.countdown = stopping.countdown
        with stopping.listening():
            process.prepare()
            # Scheduled before the run is, so that it hears the first event.
            events = asyncio.create_task(stream(session, out)) if stream_events else None
            session.start()
            telling = asyncio.ensure_future(begun(session)) if begun is not None else None
            story = None if plan.story is None else asyncio.create_task(_tell(session, plan.story, plan.pace))
            await narrator.watch()
            result = await session.wait()
            if story is not None:
                story.cancel()
            if telling is not None:
                await telling
            if events is not None:
                await events
        narrator.close(result)
        return result.exit_code
    finally:
        await session.aclose()


async def attend(session: Steered, plan: Plan, *, quiet: bool = False) -> ExitCode:
    """Tell how a run in another process goes, until it ends; its exit code is the run's."""
    narrator = Narrator(session, plan, Console(stderr=True, highlight=False), quiet=quiet, alone=True)
    try:
        await narrator.watch()
        result = await session.wait()
        narrator.close(result)
        return result.exit_code
    finally:
        await session.aclose()


async def _tell(session: Session, story: str, pace: float) -> None:
    from dagtui.stories import story_named
    from dagtui.storyteller import Storyteller

    await Storyteller(session, story_named(story), pace).tell()
