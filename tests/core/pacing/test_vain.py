from __future__ import annotations

from dagtui.core.pacing.vain import Vain


def fruitless(vain: Vain, trips: int, now: float = 0.0) -> list[float]:
    """The pauses after so many round trips of which nothing was let in."""
    pauses: list[float] = []
    for _ in range(trips):
        now += 0.1
        until = vain.refused(now, now)
        pauses.append(round(until - now, 3))
        now = until
    return pauses


def test_a_few_fruitless_round_trips_stop_nobody() -> None:
    vain = Vain()
    assert fruitless(vain, 4) == [0.0] * 4
    assert not vain.probing


def test_more_of_them_are_paused_for_ever_longer_and_one_at_a_time() -> None:
    vain = Vain()
    assert fruitless(vain, 12)[4:] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert vain.probing


def test_those_that_left_together_count_once() -> None:
    vain = Vain()
    assert [vain.refused(0.0, 1.0) for _ in range(500)] == [1.0] * 500
    assert not vain.probing


def test_anybody_who_is_let_in_ends_it() -> None:
    vain = Vain()
    fruitless(vain, 9)
    vain.let_in()
    assert not vain.probing
    assert fruitless(vain, 4, 1000.0) == [0.0] * 4
