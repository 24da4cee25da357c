"""The tasks that carry requests: no more than are wanted, and none that takes work after it was told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dagtui.engine.crew import Crew
from dagtui.testing import run_in_virtual_time


class Yard:
    """Work is a number; carrying it takes a second. Remembers when each ended, and in how many tasks."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.crew: Crew[int] = Crew(self._carry, lambda: self.wanted)
        self.under_way = self.peak = 0
        self.begun: list[int] = []
        self.done: list[tuple[int, float]] = []
        self.cancelled: list[int] = []
        self.hands: set[asyncio.Task[object] | None] = set()

    async def _carry(self, work: int) -> None:
        self.hands.add(asyncio.current_task())
        self.begun.append(work)
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            self.cancelled.append(work)
        else:
            self.done.append((work, asyncio.get_running_loop().time()))
        self.under_way -= 1

    def play(self, work: int, steering: Callable[[], Awaitable[None]] | None = None) -> None:
        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                self.crew.enlist(group)
                for number in range(work):
                    self.crew.add(number)
                if steering is not None:
                    await steering()

        run_in_virtual_time(main())


def test_a_task_carries_one_piece_after_the_other_in_their_order() -> None:
    yard = Yard(wanted=4)
    yard.play(20)
    assert yard.begun == list(range(20))
    assert round(yard.done[-1][1]) == 5
    assert yard.peak == len(yard.hands) == 4


def test_when_fewer_are_wanted_all_but_so_many_go_home() -> None:
    yard = Yard(wanted=8)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        yard.wanted = 3
        await asyncio.sleep(1.0)
        assert yard.under_way == 3

    yard.play(20, steer)
    assert len(yard.done) == 20


def test_when_more_are_wanted_they_begin_at_once() -> None:
    yard = Yard(wanted=1)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        yard.wanted = 6
        yard.crew.staff()
        await asyncio.sleep(0)
        assert yard.under_way == 6

    yard.play(20, steer)
    assert len(yard.done) == 20


def test_what_is_cancelled_is_booked_once_and_takes_nothing_new() -> None:
    yard = Yard(wanted=2)
    left: list[int] = []

    async def steer() -> None:
        await asyncio.sleep(1.5)
        left.extend(yard.crew.dismiss())
        yard.crew.cancel()

    yard.play(10, steer)
    assert sorted(work for work, _ in yard.done) == [0, 1]
    assert sorted(yard.cancelled) == [2, 3]
    assert left == list(range(4, 10))


def test_a_group_that_is_cancelled_from_outside_ends_although_there_is_work() -> None:
    yard = Yard(wanted=2)

    async def main() -> bool:
        async def outer() -> None:
            async with asyncio.TaskGroup() as group:
                yard.crew.enlist(group)
                for number in range(10):
                    yard.crew.add(number)

        task = asyncio.create_task(outer())
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run_in_virtual_time(main())
    assert (len(yard.done), len(yard.cancelled)) == (0, 2)


def test_what_comes_first_is_carried_first_in_its_own_order() -> None:
    yard = Yard(wanted=1)

    async def steer() -> None:
        yard.crew.add_first([10, 11])

    yard.play(3, steer)
    assert yard.begun == [0, 10, 11, 1, 2]


def test_a_cancellation_that_was_swallowed_ends_no_task() -> None:
    yard = Yard(wanted=2)

    async def steer() -> None:
        await asyncio.sleep(0.5)
        for task in tuple(yard.hands):
            assert task is not None
            task.cancel()

    yard.play(10, steer)
    assert (len(yard.cancelled), len(yard.done)) == (2, 8)
