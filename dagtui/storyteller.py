"""Tells a story over a run: turns the provider's knobs and the dial by chapters, and can be led by hand."""

from __future__ import annotations

import asyncio

from dagtui.core.errors import DagtuiError
from dagtui.stories import Chapter, Story
from dagtui.turning import play, turn
from dagtui.watched import Steered

BY = "the story"


class Storyteller:
    """`tell` begins, in the time of the running loop; at a `pace` of 2 every chapter takes half its time."""

    def __init__(self, session: Steered, story: Story, pace: float = 1.0) -> None:
        self.story = story
        self.number = 0
        """The chapter that is told, from 0."""
        self.held = False
        """It does not go on by itself."""
        self.trouble = ""
        """Why the provider does not do what the chapter says, in one sentence."""
        self._session = session
        self._pace = pace
        self._told = 0.0  # seconds of the chapter until it was held, or went on again
        self._since: float | None = None  # the loop's time since then; None while held, or before the beginning
        self._begun = 0  # how often a chapter was gone to
        self._poked = asyncio.Event()

    @property
    def chapter(self) -> Chapter:
        """The one that is told."""
        return self.story.chapters[self.number]

    @property
    def elapsed(self) -> float:
        """Seconds of it so far, at the pace of 1."""
        since = self._since
        return self._told + (0.0 if since is None else (asyncio.get_running_loop().time() - since) * self._pace)

    async def tell(self) -> None:
        """From the first chapter until the run ends."""
        try:
            await play(self._session, "")  # a scenario would turn the same knobs
        except DagtuiError as error:
            self.trouble = str(error)
        while self._session.snapshot().phase != "ended":
            begun = self._begun
            await self._begin()
            while self._begun == begun and self._session.snapshot().phase != "ended":
                await self._wait()

    def go(self, chapters: int) -> None:
        """On or back by so many chapters; back at the first begins it anew."""
        number = max(0, self.number + chapters)
        if number < len(self.story.chapters):
            self.number = number
            self._begun += 1
            self._told, self._since = 0.0, None
            self._poked.set()

    def hold(self) -> None:
        """Stay in this chapter, or go on."""
        self._told = self.elapsed
        self.held = not self.held
        self._since = None if self.held else asyncio.get_running_loop().time()
        self._poked.set()

    async def _begin(self) -> None:
        """Tell the chapter to the log, then have the run and its provider do what it says."""
        self._poked.clear()
        chapter, session = self.chapter, self._session
        place = f"{self.number + 1} of {len(self.story.chapters)}"
        session.note(f"story {self.story.name}, {place}: {chapter.title}. {chapter.caption}")
        self._told, self._since = 0.0, None if self.held else asyncio.get_running_loop().time()
        if chapter.target is None:
            session.automate(by=BY)
        else:
            session.retune(chapter.target, BY)
        try:
            await turn(session, {**self.story.knobs, **chapter.knobs})
            self.trouble = ""
        except DagtuiError as error:
            self.trouble = str(error)

    async def _wait(self) -> None:
        """Until the chapter is over, or somebody leads."""
        seconds = self.chapter.seconds
        left = None if self.held or seconds is None else max(0.0, seconds - self.elapsed) / self._pace
        try:
            async with asyncio.timeout(left):
                await self._poked.wait()
        except TimeoutError:
            self.go(1)
        self._poked.clear()
