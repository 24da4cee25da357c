"""Stories: a demonstration in chapters, each with a caption, the provider's knobs, and what is done to the run.

Plain data. A caption fits into two lines of 78 cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dagtui.core.errors import ConfigError, nearest
from dagtui.core.faults import lifted


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is told for `seconds`; None is until the run ends. `knobs` are those that are not the story's.

    `target` sets the concurrency; None leaves it to the program.
    """

    title: str
    caption: str
    seconds: float | None
    target: int | None
    knobs: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Story:
    """Chapters, over a run of so many records. `knobs` hold wherever a chapter names no other value."""

    name: str
    title: str
    chapters: tuple[Chapter, ...]
    records: int
    knobs: Mapping[str, object]

    @property
    def concurrency(self) -> int:
        """What the run begins with."""
        return self.chapters[0].target or 1


_CALM: Mapping[str, object] = {
    "latency_median_s": 0.5,
    "latency_sigma": 0.3,
    **lifted("requests_per_minute"),
    "input_tokens_per_minute": None,
    "output_tokens_per_minute": None,
    "concurrency_cap": None,
    "burst_s": 1.0,
    "rate_429": 0.0,
    "rate_500": 0.0,
    "rate_529": 0.0,
    "rate_hang": 0.0,
    "rate_reset": 0.0,
    "bad_output_rate": 0.0,
    "hang_s": 60.0,
    "down": False,
}

_FREE = Chapter(
    "Far below any limit",
    "Twenty at once, half a second an answer: forty a second, and nothing else counts. Press ] for twice as many "
    "at once: the rate doubles.",
    15,
    20,
)
_LIMIT = Chapter(
    "A limit: 3,000 a minute",
    "Sixty at once would be 120 a second; the provider lets 50 in. Its headers say so, and the pace follows "
    "after a refusal or two.",
    25,
    60,
    {"requests_per_minute": 3_000, "requests_burst": 50},
)
_HALF = Chapter(
    "The limit halves",
    "Only 25 a second now, from one answer to the next. A 429 or two, and the pace has followed: read what holds "
    "us back. Nothing is lost.",
    25,
    60,
    {"requests_per_minute": 1_500, "requests_burst": 25},
)
_FLAKY = Chapter(
    "A flaky provider",
    "One request in ten fails. It is tried again after a random, growing wait and holds up nobody meanwhile: ◐ "
    "counts them, the log tells each.",
    20,
    40,
    {"rate_500": 0.07, "rate_529": 0.02, "rate_reset": 0.01},
)
_OUTAGE = Chapter(
    "An outage",
    "Every connection is cut. After a few failures in a row all wait, and one try goes out every two seconds. No "
    "record is given up for it.",
    14,
    40,
    {"down": True},
)
_BACK = Chapter(
    "And back",
    "The first try that was answered ended it, and all goes on at once. Whoever was cut off is asked again: not "
    "one record has failed.",
    12,
    40,
)
_TAIL = Chapter(
    "A slow tail",
    "One answer in fifty hangs for a minute. The run hedges: what takes far longer than the others is asked once "
    "more, and the first answer counts.",
    25,
    40,
    {"rate_hang": 0.02, "latency_sigma": 0.6},
)
_AUTOMATIC = Chapter(
    "Automatic",
    "Nobody at the dial: the program climbs until more at once brings no more answers, stays there, and says why. "
    "Press a to take it over.",
    30,
    None,
    {"requests_per_minute": 3_000, "requests_burst": 50},
)
_END = Chapter(
    "The end",
    "No limit any more, and the rest goes as fast as it can. Then comes the report: our books, held against the "
    "provider's own ledger.",
    None,
    60,
    {"latency_median_s": 0.3},
)

_ALL = (
    Story(
        "tour",
        "A limit, a lower one, failures, an outage, a slow tail, automatic: three minutes.",
        (_FREE, _LIMIT, _HALF, _FLAKY, _OUTAGE, _BACK, _TAIL, _AUTOMATIC, _END),
        11_000,
        _CALM,
    ),
    Story(
        "limits",
        "What a rate limit does, and how the pace follows it by itself.",
        (_FREE, _LIMIT, _HALF, _AUTOMATIC, _END),
        5_500,
        _CALM,
    ),
    Story(
        "trouble",
        "A provider that fails, goes away and hangs, and what becomes of the records.",
        (_FLAKY, _OUTAGE, _BACK, _TAIL, _END),
        6_500,
        _CALM,
    ),
)
STORIES: Mapping[str, Story] = {story.name: story for story in _ALL}


def story_named(name: str) -> Story:
    """The story of that name.

    Raises:
        ConfigError: there is none; in one sentence.
    """
    try:
        return STORIES[name]
    except KeyError:
        known = ", ".join(STORIES)
        raise ConfigError(f'There is no story "{name}"{nearest(name, STORIES)}; there are {known}.') from None
