"""The stories, told over a real run before the real simulator, in virtual time: what the captions say is so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.core.faults import ProviderState, Scene
from dagtui.core.pricing import PriceTable
from dagtui.core.run_settings import RunSettings
from dagtui.core.settings import GatewaySettings, PriceOverride
from dagtui.core.snapshot import Snapshot
from dagtui.io.bundled import bundled
from dagtui.io.portkey import Portkey
from dagtui.io.repeated import Repeated
from dagtui.io.source import open_source
from dagtui.io.tasks import load_task
from dagtui.session import Session
from dagtui.simulator.knobs import Knobs, change_knobs
from dagtui.simulator.provider import Provider
from dagtui.stories import STORIES, Chapter, Story, story_named
from dagtui.storyteller import Storyteller
from dagtui.testing import run_in_virtual_time
from dagtui.tui.sheet import wrapped
from tests.virtual_provider import InProcess, LoopClock

PRICES = PriceTable({"claude-3-5-haiku-20241022": PriceOverride.model_validate({"input": 1, "output": 5})})


class Direct:
    """The simulator's knobs without the sockets between; `gone` says that it does not answer."""

    def __init__(self, provider: Provider) -> None:
        self.gone = False
        self._provider = provider

    async def state(self) -> ProviderState:
        if self.gone:
            raise DagtuiError("The simulator does not answer.")
        told = self._provider.state()
        return ProviderState(told["knobs"], told["first"], str(told["scenario"] or ""))  # type: ignore[arg-type]

    async def turn(self, changes: Mapping[str, object]) -> ProviderState:
        self._provider.turn(changes)
        return await self.state()

    async def play(self, scenario: str) -> ProviderState:
        self._provider.play(scenario)
        return await self.state()

    async def scenarios(self) -> tuple[Scene, ...]:
        return ()


class Stage:
    """A run, its provider, and who tells the story; `at_end` is the snapshot at the end of each chapter so far."""

    def __init__(self, story: Story, pace: float = 1.0, records: int | None = None) -> None:
        self.provider = Provider(change_knobs(Knobs(), story.knobs), 0, LoopClock())
        self.direct = Direct(self.provider)
        gateway = GatewaySettings(base_url="http://simulator", provider="anthropic")
        count = records or story.records
        self.session = Session(
            plugin=load_task("email"),
            records=Repeated(open_source(bundled("sample_data") / "emails.csv").preview(100), count),
            total=count,
            gateway=Portkey(gateway, InProcess(self.provider)),
            settings=RunSettings(concurrency=story.concurrency, hedge=True),
            prices=PRICES,
            seed=0,
            provider=self.direct,
        )
        self.teller = Storyteller(self.session, story, pace)
        self.at_end: list[Snapshot] = []

    async def tell(self) -> None:
        """To the end of the run."""
        self.session.start()
        telling = asyncio.create_task(self.teller.tell())
        number, last = 0, self.session.snapshot()
        while last.phase != "ended":
            await asyncio.sleep(0.2)
            if self.teller.number != number:
                number = self.teller.number
                self.at_end.append(last)
            last = self.session.snapshot()
        self.at_end.append(last)
        telling.cancel()
        await self.session.aclose()


def on_stage(story: Story, play: Callable[[Stage], object], **more: object) -> None:
    async def main() -> None:
        stage = Stage(story, **more)  # type: ignore[arg-type]
        await play(stage)  # type: ignore[misc]

    run_in_virtual_time(main())


def rate(before: Snapshot, after: Snapshot) -> float:
    return (after.counts.succeeded - before.counts.succeeded) / (after.time - before.time)


def test_the_tour_is_as_its_captions_say() -> None:
    async def play(stage: Stage) -> None:
        await stage.tell()
        free, limit, half, flaky, outage, back, tail, automatic, end = stage.at_end
        assert 35 <= free.counts.succeeded / 15 <= 42
        assert 47 <= rate(free, limit) <= 52
        assert limit.throttled <= 6
        assert "3,000, as the provider says" in limit.held_by
        assert 24 <= rate(limit, half) <= 28
        assert 1 <= half.throttled - limit.throttled <= 5
        assert "1,500, as the provider says" in half.held_by
        assert flaky.retries - half.retries > 50
        assert rate(half, flaky) > 55  # the limit is lifted, and the run has heard it
        assert "nothing answers" in outage.held_by
        assert outage.counts.succeeded - flaky.counts.succeeded < 40
        assert back.counts.succeeded - outage.counts.succeeded > 400
        assert rate(back, tail) > 45
        assert automatic.automatic
        assert 46 <= rate(tail, automatic) <= 56
        assert "3,000" in automatic.held_by
        assert end.counts.succeeded == stage.teller.story.records
        assert end.counts.failed == 0
        assert end.time - automatic.time < 25

    on_stage(STORIES["tour"], play)


@pytest.mark.parametrize("name", ["limits", "trouble"])
def test_the_shorter_stories_come_to_their_end_with_every_record_answered(name: str) -> None:
    async def play(stage: Stage) -> None:
        await stage.tell()
        assert len(stage.at_end) == len(stage.teller.story.chapters)
        assert stage.at_end[-1].counts.succeeded == stage.teller.story.records
        left = stage.at_end[-1].counts.succeeded - stage.at_end[-2].counts.succeeded
        assert left > 100  # it did not end before its last chapter
        assert stage.at_end[-1].time - stage.at_end[-2].time < 25

    on_stage(STORIES[name], play)


def test_a_story_can_be_led_on_back_and_held() -> None:
    calm = Chapter("a", "", 10, 5)
    story = Story("s", "", (calm, Chapter("b", "", 10, 7, {"rate_429": 0.5}), calm), 1_000_000, {"rate_429": 0.0})

    async def play(stage: Stage) -> None:
        teller, provider = stage.teller, stage.provider

        async def stands(number: int, target: int, rate_429: float) -> None:
            await asyncio.sleep(0.1)
            snapshot = stage.session.snapshot()
            assert (teller.number, snapshot.target, provider.knobs.rate_429) == (number, target, rate_429)

        stage.session.start()
        telling = asyncio.create_task(teller.tell())
        await asyncio.sleep(9.8)
        await stands(0, 5, 0)
        await asyncio.sleep(0.5)
        await stands(1, 7, 0.5)
        teller.go(-1)
        await stands(0, 5, 0)
        await asyncio.sleep(4.9)
        teller.hold()
        await asyncio.sleep(60)
        await stands(0, 5, 0)
        assert teller.elapsed == pytest.approx(5)
        teller.hold()
        await asyncio.sleep(4.8)
        await stands(0, 5, 0)
        await asyncio.sleep(0.2)
        await stands(1, 7, 0.5)
        teller.hold()
        teller.go(1)
        await asyncio.sleep(30)
        await stands(2, 5, 0)
        teller.go(1)  # there is no more
        await stands(2, 5, 0)
        assert teller.elapsed == 0
        telling.cancel()
        await stage.session.aclose()

    on_stage(story, play)


def test_a_simulator_that_does_not_answer_is_said_and_the_story_goes_on() -> None:
    story = Story("s", "", (Chapter("a", "", 5, 5), Chapter("b", "", 5, 7)), 1_000_000, {})

    async def play(stage: Stage) -> None:
        stage.direct.gone = True
        stage.session.start()
        telling = asyncio.create_task(stage.teller.tell())
        await asyncio.sleep(6)
        assert stage.teller.trouble == "The simulator does not answer."
        assert stage.session.snapshot().target == 7
        stage.direct.gone = False
        stage.teller.go(-1)
        await asyncio.sleep(0.1)
        assert stage.teller.trouble == ""
        telling.cancel()
        await stage.session.aclose()

    on_stage(story, play)


def test_at_a_pace_a_story_takes_so_much_less() -> None:
    quick = replace(STORIES["limits"], records=3_000)

    async def play(stage: Stage) -> None:
        began = asyncio.get_running_loop().time()
        await stage.tell()
        assert len(stage.at_end) == len(quick.chapters)
        assert asyncio.get_running_loop().time() - began < 9.5 + 15

    on_stage(quick, play, pace=10.0)


def test_every_chapter_and_every_knob_is_in_the_log() -> None:
    async def play(stage: Stage) -> None:
        await stage.tell()
        log = [entry.text for entry in stage.session.log if entry.level == "run"]
        for number, chapter in enumerate(stage.teller.story.chapters, 1):
            assert sum(line.startswith(f"story limits, {number} of 5: {chapter.title}. ") for line in log) == 1
        assert "provider: requests a minute lifted -> 3,000" in log
        assert "provider: requests a minute 3,000 -> 1,500" in log
        assert "concurrency 20 -> 60 (the story)" in log

    on_stage(STORIES["limits"], play, pace=20.0, records=2_000)


@pytest.mark.parametrize("story", STORIES.values(), ids=str)
def test_a_story_is_made_of_knobs_that_there_are_and_captions_that_fit(story: Story) -> None:
    for chapter in story.chapters:
        change_knobs(Knobs(), {**story.knobs, **chapter.knobs})
        assert set(chapter.knobs) <= set(story.knobs)  # else it would stay when the chapter is over
        assert len(wrapped(chapter.caption, 78)) <= 2, chapter.title
        assert len(chapter.title) <= 28
    assert [chapter.seconds is None for chapter in story.chapters] == [False] * (len(story.chapters) - 1) + [True]


def test_a_story_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r'no story "limit" \(did you mean "limits"\?\); there are tour, limits'):
        story_named("limit")
