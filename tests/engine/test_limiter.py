from __future__ import annotations

import asyncio
import itertools

import pytest

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.held import Holder
from dagtui.core.model import Prompt, ProviderChoice, Request, Response, Usage
from dagtui.engine.lane import Permit
from dagtui.engine.limiter import Limiter, LimiterClosed
from dagtui.testing import run_in_virtual_time

REQUEST = Request(0, "1", "ask", Prompt("text"), ProviderChoice("fake", "fake-model"), "run/0")
ANSWER = Response("ok", Usage(10, 5), "fake-model")


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_raising_the_limit_admits_at_once_and_in_order() -> None:
    async def main() -> None:
        limiter, admitted = Limiter(1), []

        async def enter(name: int) -> None:
            await limiter.acquire(REQUEST)
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
        permits = [await limiter.acquire(REQUEST) for _ in range(4)]
        limiter.retune(2)
        assert limiter.in_flight == 4
        waiting = asyncio.create_task(limiter.acquire(REQUEST))
        limiter.release(permits.pop())
        limiter.release(permits.pop())
        await settle()
        assert not waiting.done()
        limiter.release(permits.pop())
        await waiting
        assert limiter.in_flight == 2

    run_in_virtual_time(main())


def test_a_cancelled_waiter_hands_its_slot_on() -> None:
    async def main() -> None:
        limiter = Limiter(1)
        permit = await limiter.acquire(REQUEST)
        first, second = [asyncio.create_task(limiter.acquire(REQUEST)) for _ in range(2)]
        await settle()
        limiter.release(permit)  # the slot is the first's now, but it has not run yet
        first.cancel()
        await second
        assert limiter.in_flight == 1

    run_in_virtual_time(main())


def test_pausing_admits_nobody_and_resuming_admits_again() -> None:
    async def main() -> None:
        limiter = Limiter(2)
        limiter.pause()
        waiting = asyncio.create_task(limiter.acquire(REQUEST))
        await settle()
        assert not waiting.done()
        limiter.resume()
        await waiting

    run_in_virtual_time(main())


def test_closing_wakes_those_who_wait_for_a_slot_and_those_who_wait_to_retry() -> None:
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire(REQUEST)
        waiters = [asyncio.create_task(limiter.acquire(REQUEST, due)) for due in (None, 3600.0)]
        await settle()
        limiter.close()
        results = await asyncio.gather(*waiters, return_exceptions=True)
        assert all(isinstance(result, LimiterClosed) for result in results)
        assert asyncio.get_running_loop().time() < 1
        with pytest.raises(LimiterClosed):
            await limiter.acquire(REQUEST)

    run_in_virtual_time(main())


def test_a_rate_cap_never_lets_more_through_in_any_minute_than_rate_plus_a_small_burst() -> None:
    async def main() -> list[float]:
        limiter, left = Limiter(50, requests_per_minute=60), []
        for _ in range(150):
            limiter.release(await limiter.acquire(REQUEST))
            left.append(asyncio.get_running_loop().time())
        return left

    left = run_in_virtual_time(main())
    worst = max(sum(start <= t < start + 60 for t in left) for start in left)
    assert worst <= 61
    assert left[-1] == pytest.approx(149, abs=2)


def test_waiting_for_the_rate_cap_holds_no_slot() -> None:
    async def main() -> None:
        limiter = Limiter(10, requests_per_minute=60)
        tasks = [asyncio.create_task(limiter.acquire(REQUEST)) for _ in range(10)]
        await asyncio.sleep(2.5)
        assert limiter.in_flight == 3
        assert limiter.hold().by is Holder.CAP
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_in_virtual_time(main())


def test_retries_and_fresh_requests_leave_by_due_time_from_one_queue() -> None:
    async def main() -> list[str]:
        limiter, left = Limiter(1), []
        permit = await limiter.acquire(REQUEST)

        async def enter(name: str, due: float | None) -> None:
            limiter.release(await limiter.acquire(REQUEST, due))
            left.append(name)

        retries = [asyncio.create_task(enter(f"retry due at {due}", due)) for due in (3.0, 1.0, 60.0)]
        await asyncio.sleep(2.0)
        fresh = asyncio.create_task(enter("fresh at 2", None))
        await asyncio.sleep(2.0)
        limiter.release(permit)
        await asyncio.gather(fresh, *retries)
        return left

    assert run_in_virtual_time(main()) == [
        "retry due at 1.0",
        "fresh at 2",
        "retry due at 3.0",
        "retry due at 60.0",
    ]


def test_an_outage_lets_one_through_now_and_then_and_the_first_answer_ends_it() -> None:
    outages: list[bool] = []

    async def main() -> tuple[list[float], float]:
        loop = asyncio.get_running_loop()
        limiter, tries = Limiter(20, on_outage=outages.append), []
        back_at = 31.0

        async def ask() -> None:
            while True:
                permit = await limiter.acquire(REQUEST)
                tries.append(loop.time())
                await asyncio.sleep(0.001)
                if loop.time() > back_at:
                    limiter.answered(permit, REQUEST, ANSWER)
                    limiter.release(permit)
                    return
                limiter.failed(permit, GatewayError(ErrorKind.CONNECTION, "refused"))
                limiter.release(permit)

        await asyncio.gather(*(ask() for _ in range(20)))
        return tries, loop.time()

    tries, ended = run_in_virtual_time(main())
    during = [at for at in tries if 0.5 < at < 31.0]
    assert len(during) < 2 * 31
    assert max(b - a for a, b in itertools.pairwise(during)) < 3.0
    assert ended < 31.0 + 3.0
    assert outages == [True, False]


def test_an_outage_is_no_fault_of_the_requests_that_meet_it() -> None:
    async def main() -> list[bool]:
        limiter = Limiter(4)
        told: list[bool] = []
        for _ in range(12):
            permit = await limiter.acquire(REQUEST)
            told.append(limiter.failed(permit, GatewayError(ErrorKind.SERVER, "500", billed="maybe")).outage)
            limiter.release(permit)
        return told

    told = run_in_virtual_time(main())
    assert told[:8] == [False] * 8  # that it is an outage shows with the eighth
    assert told[8:] == [True] * 4


def test_retries_that_are_no_refusals_need_a_budget_that_successes_fill() -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        limiter = Limiter(1000)

        async def enter() -> Permit:
            permit = await limiter.acquire(REQUEST, loop.time(), retry=True)
            limiter.release(permit)
            return permit

        tasks = [asyncio.create_task(enter()) for _ in range(1000)]
        await asyncio.sleep(10.0)
        poor = sum(task.done() for task in tasks)
        for _ in range(400):
            permit = await limiter.acquire(REQUEST)
            limiter.answered(permit, REQUEST, ANSWER)
            limiter.release(permit)
        await asyncio.sleep(0.5)
        rich = sum(task.done() for task in tasks)
        limiter.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        return poor, rich

    poor, rich = run_in_virtual_time(main())
    assert 150 <= poor <= 220
    assert rich - poor >= 380


def test_whoever_asks_while_nothing_stands_before_him_leaves_at_once() -> None:
    async def main() -> None:
        limiter = Limiter(2)
        permits = [limiter.admit(REQUEST), limiter.admit(REQUEST)]
        assert None not in permits
        assert limiter.in_flight == 2
        assert limiter.admit(REQUEST) is None  # no slot

    run_in_virtual_time(main())


def test_nobody_passes_those_who_wait_a_pause_a_cap_or_the_end() -> None:
    async def main() -> None:
        limiter = Limiter(2)
        due_later = asyncio.create_task(limiter.acquire(REQUEST, 10.0))
        await settle()
        assert limiter.admit(REQUEST) is None
        due_later.cancel()
        await settle()
        limiter.release(await limiter.acquire(REQUEST))  # the one that was cancelled is forgotten
        limiter.pause()
        assert limiter.admit(REQUEST) is None
        limiter.resume()
        assert limiter.admit(REQUEST) is not None
        assert Limiter(2, requests_per_minute=60).admit(REQUEST) is None
        limiter.close()
        with pytest.raises(LimiterClosed):
            limiter.admit(REQUEST)

    run_in_virtual_time(main())


def test_in_an_outage_nobody_leaves_at_once() -> None:
    async def main() -> None:
        limiter = Limiter(20)
        while not limiter.breaker.open:
            permit = limiter.admit(REQUEST)
            assert permit is not None
            limiter.failed(permit, GatewayError(ErrorKind.CONNECTION, "refused"))
            limiter.release(permit)
        assert limiter.admit(REQUEST) is None

    run_in_virtual_time(main())
