from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.even_sample import EvenSample


def sample(stream: range, most: int, weight: float = 1e9, each: float = 1.0) -> list[int]:
    kept = EvenSample[int](most, weight)
    for index in stream:
        if kept.wants(index):
            kept.add(index, index, each)
    return kept.members


def test_few_are_all_there() -> None:
    assert sample(range(1_000), 1_000) == list(range(1_000))


@given(st.integers(1, 30_000), st.integers(1, 100))
def test_there_are_never_more_than_wanted_and_at_least_half_as_many(count: int, most: int) -> None:
    found = sample(range(count), most)
    assert min(count, most) // 2 <= len(found) <= most
    assert found == sorted(set(found))


@pytest.mark.parametrize("period", [2, 4, 7, 64])
def test_it_is_spread_evenly_and_follows_no_rhythm_of_the_file(period: int) -> None:
    found = sample(range(100_000), 1_000)
    for tenth in range(10):
        inside = sum(tenth * 10_000 <= index < (tenth + 1) * 10_000 for index in found)
        assert inside == pytest.approx(len(found) / 10, abs=2)
    first = sum(index % period == 0 for index in found) / len(found)
    assert first == pytest.approx(1 / period, abs=0.06)


def test_heavy_members_are_kept_in_smaller_number() -> None:
    assert len(sample(range(10_000), 1_000, weight=100.0, each=10.0)) <= 10
    assert len(sample(range(10), 1_000, weight=1.0, each=10.0)) == 1


def test_it_is_the_same_each_time() -> None:
    assert sample(range(50_000), 100) == sample(range(50_000), 100)
