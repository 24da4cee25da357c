from __future__ import annotations

import pytest

from dagtui.core.model import Blame, Headroom, Limited, RateLimits
from dagtui.core.pacing.departure import Departure, History, Kind
from dagtui.core.pacing.learnt import Bucket, Learnt
from dagtui.core.pacing.limits import Limits
from dagtui.core.pacing.mirror import Mirror, Source

REMEMBERED = Learnt({Kind.REQUESTS: Bucket(10.0), Kind.INPUT: Bucket(1000.0)})


class World:
    def __init__(self, told: dict[Kind, float] | None = None, learnt: Learnt = REMEMBERED) -> None:
        self.limits = Limits(0.0, told or {}, learnt)
        self.history = History()

    def leave(self, now: float) -> Departure:
        departure = Departure(now, (1.0, 100.0, 200.0, 50.0), self.history.count, 1)
        for mirror in self.limits.mirrors:
            mirror.depart(departure, now)
        self.history.add(now, departure.cost)
        return departure

    def hear(self, departure: Departure, told: RateLimits, now: float, admitted: bool = True) -> bool:
        return self.limits.read(departure, told, admitted, [], self.history, now)


def requests(limit: int, remaining: int | None = None) -> RateLimits:
    return RateLimits(requests=Headroom(limit, remaining))


def said(mirror: Mirror) -> tuple[Source, float | None]:
    return mirror.source, mirror.rate


def test_what_the_user_tells_beats_what_is_remembered() -> None:
    limits = World({Kind.REQUESTS: 1200}).limits
    assert said(limits[Kind.REQUESTS]) == (Source.TOLD, 20.0)
    assert said(limits[Kind.INPUT]) == (Source.REMEMBERED, 1000.0)


@pytest.mark.parametrize("told", [{}, {Kind.REQUESTS: 1200.0}])
def test_what_a_header_tells_beats_both(told: dict[Kind, float]) -> None:
    world = World(told)
    assert not world.hear(world.leave(0.0), requests(6000, 50), 0.3)
    assert said(world.limits[Kind.REQUESTS]) == (Source.HEADER, 100.0)


def test_a_limit_that_becomes_known_by_a_header_is_news_and_binds() -> None:
    world = World(learnt=Learnt())
    assert not world.limits.known
    assert not world.limits.authority
    assert world.hear(world.leave(0.0), requests(600, 40), 0.5)
    assert [mirror.kind for mirror in world.limits.known] == [Kind.REQUESTS]
    assert world.limits.authority
    assert world.limits[Kind.REQUESTS].level == pytest.approx(45)


def test_an_old_answer_does_not_undo_what_a_newer_one_told() -> None:
    world = World(learnt=Learnt())
    old, new = world.leave(0.0), world.leave(1.0)
    world.hear(new, requests(600, 40), 1.2)
    world.hear(old, requests(6000, 400), 1.5)
    assert world.limits[Kind.REQUESTS].rate == 10.0


def test_of_a_refusal_the_limit_counts_and_what_remains_does_not() -> None:
    world = World(learnt=Learnt())
    world.hear(world.leave(0.0), requests(600, 40), 0.1)
    level = world.limits[Kind.REQUESTS].level
    world.hear(world.leave(0.2), requests(600, 0), 0.2, admitted=False)
    assert world.limits[Kind.REQUESTS].level == pytest.approx(level, abs=1.1)
    world.hear(world.leave(0.3), requests(1200, 0), 0.3, admitted=False)
    assert world.limits[Kind.REQUESTS].rate == 20.0


def test_a_header_without_a_limit_tells_nothing() -> None:
    world = World(learnt=Learnt())
    departure = world.leave(0.0)
    assert not world.hear(departure, RateLimits(), 0.1)
    assert not world.hear(departure, RateLimits(requests=Headroom(None, 5), input_tokens=Headroom(0, 5)), 0.1)
    assert not world.limits.known


@pytest.mark.parametrize(
    ("resource", "kind"),
    [("requests", Kind.REQUESTS), ("input_tokens", Kind.INPUT), ("output_tokens", Kind.RESERVED_OUTPUT)],
)
def test_the_bucket_that_a_refusal_names_is_blamed(resource: Limited, kind: Kind) -> None:
    assert World().limits.blamed(Blame(resource), requests(600, 0)).kind is kind


def test_otherwise_the_one_with_least_of_its_limit_left_is_blamed() -> None:
    told = RateLimits(Headroom(50, 5), Headroom(40_000, 300), Headroom(8000, 7000))
    assert World().limits.blamed(None, told).kind is Kind.INPUT
    told = RateLimits(Headroom(50, 5), Headroom(40_000, 30_000), Headroom(8000, 100))
    assert World().limits.blamed(None, told).kind is Kind.RESERVED_OUTPUT


def test_and_where_nothing_is_said_it_is_the_requests() -> None:
    assert World().limits.blamed(None, None).kind is Kind.REQUESTS
    assert World().limits.blamed(None, RateLimits()).kind is Kind.REQUESTS


def test_the_rate_is_that_of_the_bucket_that_binds_first() -> None:
    world = World()
    for step in range(10):
        world.leave(step / 10)
    assert world.limits.rate(world.history) == pytest.approx(10.0)  # 1,000 tokens at 100 each are as much
    world.limits[Kind.INPUT].rate = 500.0
    assert world.limits.rate(world.history) == pytest.approx(5.0)
    assert World(learnt=Learnt()).limits.rate(History()) is None


def test_the_one_that_lets_wait_longest_binds() -> None:
    world = World()
    for _ in range(30):
        world.leave(0.0)
    binding = world.limits.binding((1.0, 10.0, 200.0, 50.0), 0.0)
    assert binding is not None
    assert binding.kind is Kind.REQUESTS
    binding = world.limits.binding((1.0, 5000.0, 200.0, 50.0), 0.0)
    assert binding is not None
    assert binding.kind is Kind.INPUT
    assert world.limits.binding((1.0, 5.0, 200.0, 50.0), 1000.0) is None


def test_a_bucket_that_is_far_from_empty_is_looked_at_rarely_and_one_that_is_not_each_time() -> None:
    world = World()
    world.hear(world.leave(0.0), requests(6000, 5000), 0.3)  # 100 a second
    mirror = world.limits[Kind.REQUESTS]
    for step in range(100):
        world.hear(world.leave(0.3 + step / 1000), requests(6000, 5000), 0.6 + step / 1000)
    assert 8 <= mirror.seen <= 12
    mirror.level, mirror.seen = 150.0, 0
    for step in range(100):
        world.hear(world.leave(0.7 + step / 1000), requests(6000, 100), 0.9 + step / 1000)
    assert mirror.seen == 100


def test_a_limit_that_changes_is_heard_at_once_however_much_is_left() -> None:
    world = World()
    world.hear(world.leave(0.0), requests(6000, 5000), 0.3)
    world.hear(world.leave(0.3), requests(6000, 5000), 0.6)
    world.hear(world.leave(0.301), requests(3000, 2500), 0.601)
    assert world.limits[Kind.REQUESTS].rate == 50.0
