from __future__ import annotations

import asyncio

import pytest

from dagtui.engine.limiter import Limiter, LimiterClosed
from dagtui.testing import run_in_virtual_time


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_raising_the_limit_admits_at_once_and_in_order() -> None:
    async def main() -> None:
        limiter, admitted = Limiter(1), []

        async def enter(name: int) -> None:
            await limiter.acquire()
            admitted.append(name)

        tasks = [asyncio.create_task(enter(name)) for name in range(5)]
        await settle()
        assert admitted == [0]
        limiter.retune(4)
        await settle()
        assert admitted == [0, 1, 2, 3]
        limiter.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_in_virtual_time(main())


def test_lowering_the_limit_kills_nobody_and_admits_nobody_until_enough_have_come_back() -> None:
    async def main() -> None:
        limiter = Limiter(4)
        for _ in range(4):
            await limiter.acquire()
        limiter.retune(2)
        assert limiter.in_flight == 4
        waiting = asyncio.create_task(limiter.acquire())
        limiter.release()
        limiter.release()
        await settle()
        assert not waiting.done()
        limiter.release()
        await waiting
        assert limiter.in_flight == 2

    run_in_virtual_time(main())


def test_a_cancelled_waiter_hands_its_slot_on() -> None:
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        first, second = asyncio.create_task(limiter.acquire()), asyncio.create_task(limiter.acquire())
        await settle()
        limiter.release()  # the slot is the first's now, but it has not run yet
        first.cancel()
        await second
        assert limiter.in_flight == 1

    run_in_virtual_time(main())


def test_pausing_admits_nobody_and_resuming_admits_again() -> None:
    async def main() -> None:
        limiter = Limiter(2)
        limiter.pause()
        waiting = asyncio.create_task(limiter.acquire())
        await settle()
        assert not waiting.done()
        limiter.resume()
        await waiting

    run_in_virtual_time(main())


def test_closing_wakes_those_who_wait_for_a_slot_and_those_who_wait_to_retry() -> None:
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        waiters = [asyncio.create_task(limiter.acquire()), asyncio.create_task(limiter.wait(3600))]
        await settle()
        limiter.close()
        results = await asyncio.gather(*waiters, return_exceptions=True)
        assert all(isinstance(result, LimiterClosed) for result in results)
        assert asyncio.get_running_loop().time() < 1
        with pytest.raises(LimiterClosed):
            await limiter.acquire()

    run_in_virtual_time(main())


def test_a_rate_cap_never_lets_more_through_in_any_minute_than_rate_plus_a_small_burst() -> None:
    async def main() -> list[float]:
        limiter, left = Limiter(50, requests_per_minute=60), []
        for _ in range(150):
            await limiter.acquire()
            limiter.release()
            left.append(asyncio.get_running_loop().time())
        return left

    left = run_in_virtual_time(main())
    worst = max(sum(start <= t < start + 60 for t in left) for start in left)
    assert worst <= 61
    assert left[-1] == pytest.approx(149, abs=2)


def test_waiting_for_the_rate_cap_holds_no_slot() -> None:
    async def main() -> None:
        limiter = Limiter(10, requests_per_minute=60)
        tasks = [asyncio.create_task(limiter.acquire()) for _ in range(10)]
        await asyncio.sleep(2.5)
        assert limiter.in_flight == 3
        assert "cap" in limiter.held_by()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_in_virtual_time(main())
