"""Faults, knobs that are turned while it runs, and the retries that a gateway hides."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from dagtui.simulator import KnobError, Knobs, RunningSimulator, read_knobs
from tests.simulator.sim_calls import Start, message, until


def retries(attempts: int, *codes: int) -> dict[str, str]:
    return {"x-portkey-config": json.dumps({"retry": {"attempts": attempts, "on_status_codes": codes}})}


async def outcomes(simulator: RunningSimulator, concurrency: int) -> dict[str, tuple[int, str]]:
    """Send forty records three times each, so many at once; the statuses and answers of each."""
    slots = asyncio.Semaphore(concurrency)
    async with httpx.AsyncClient(trust_env=False, headers={"x-portkey-provider": "anthropic"}) as client:

        async def send(name: str) -> tuple[str, tuple[int, str]]:
            seen: list[str] = []
            for _ in range(3):
                async with slots:
                    response = await client.post(f"{simulator.url}/v1/messages", json=message(name))
                content = response.json().get("content")
                seen.append(content[0]["text"] if content else str(response.status_code))
            return name, (len(seen), "|".join(seen))

        return dict(await asyncio.gather(*(send(f"Record {number}") for number in range(40))))


async def test_the_same_seed_gives_the_same_faults_and_answers_at_any_concurrency(
    start_simulator: Start,
) -> None:
    faults = {"rate_429": 0.1, "rate_500": 0.2, "rate_529": 0.1, "bad_output_rate": 0.1}
    one = await outcomes(await start_simulator(seed=7, **faults), concurrency=1)
    many = await outcomes(await start_simulator(seed=7, **faults, latency_median_s=0.003), concurrency=20)
    other = await outcomes(await start_simulator(seed=8, **faults), concurrency=20)
    assert one == many
    assert one != other


async def test_a_refusal_by_a_limit_does_not_use_up_a_fault(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(seed=3, rate_500=0.5, requests_per_minute=6000, requests_burst=1)
    free = await start_simulator(seed=3, rate_500=0.5)
    limited: list[int] = []
    while len(limited) < 8:
        status = (await client.post(f"{simulator.url}/v1/messages", json=message())).status_code
        limited += [status] if status != 429 else []
    unlimited = [(await client.post(f"{free.url}/v1/messages", json=message())).status_code for _ in range(8)]
    assert limited == unlimited


async def test_an_injected_429_carries_the_retry_after_that_was_set(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_429=1, retry_after_s=1.2)
    url = f"{simulator.url}/v1/messages"
    assert (await client.post(url, json=message())).headers["retry-after"] == "2"
    simulator.turn(retry_after_s=None)
    response = await client.post(url, json=message())
    assert response.status_code == 429
    assert "retry-after" not in response.headers


async def test_a_hang_that_the_caller_does_not_wait_for_is_no_answer_and_not_billed(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_hang=1)
    with pytest.raises(httpx.ReadTimeout):
        await client.post(f"{simulator.url}/v1/messages", json=message(), timeout=0.1)
    await until(lambda: simulator.ledger.entries)
    totals = simulator.ledger.totals()
    assert (totals["by_status"], totals["output_tokens"], totals["in_flight"]) == ({"0": 1}, 0, 0)


async def test_a_hang_that_ends_is_answered_and_billed(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator(rate_hang=1, hang_s=0.15)
    response = await client.post(f"{simulator.url}/v1/messages", json=message())
    assert response.status_code == 200
    assert simulator.ledger.totals()["output_tokens"] == response.json()["usage"]["output_tokens"]
    assert simulator.ledger.entries[0].ended_at - simulator.ledger.entries[0].received_at >= 0.15


async def test_a_reset_cuts_the_connection_before_any_answer(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_reset=1)
    with pytest.raises(httpx.ReadError):
        await client.post(f"{simulator.url}/v1/messages", json=message())
    assert simulator.ledger.totals()["by_status"] == {"0": 1}


async def test_a_reset_after_the_headers_cuts_the_answer_in_the_middle(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_reset=1, reset_after="headers")
    async with client.stream("POST", f"{simulator.url}/v1/messages", json=message()) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()
    assert simulator.ledger.totals()["output_tokens"] == 0


async def test_an_outage_cuts_what_is_under_way_and_all_that_comes_until_it_ends(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(latency_median_s=0.3, latency_sigma=0)
    url = f"{simulator.url}/v1/messages"
    under_way = asyncio.create_task(client.post(url, json=message()))
    await until(lambda: simulator.ledger.totals()["in_flight"])
    assert (await client.patch(f"{simulator.url}/sim/knobs", json={"down": True})).status_code == 200
    with pytest.raises(httpx.TransportError):
        await under_way
    with pytest.raises(httpx.TransportError):
        await client.post(url, json=message())
    simulator.turn(down=False, latency_median_s=0)
    assert (await client.post(url, json=message())).status_code == 200
    await until(lambda: not simulator.ledger.totals()["in_flight"])
    assert simulator.ledger.totals()["by_status"] == {"0": 2, "200": 1}


async def test_latency_is_the_same_for_all_without_spread_and_grows_with_the_output(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(latency_median_s=0.02, latency_sigma=0, latency_per_output_token_s=0.001)
    response = await client.post(f"{simulator.url}/v1/messages", json=message())
    expected = 0.02 + 0.001 * response.json()["usage"]["output_tokens"]
    entry = simulator.ledger.entries[0]
    assert expected <= entry.ended_at - entry.received_at < expected + 0.1


async def test_a_gateway_hides_its_retries_but_the_ledger_does_not(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(seed=1, rate_500=0.6, gateway_backoff_s=0.001)
    counts: list[int] = []
    for number in range(12):
        response = await client.post(
            f"{simulator.url}/v1/messages", json=message(f"{number}"), headers=retries(9, 500)
        )
        assert response.status_code == 200
        counts.append(int(response.headers["x-portkey-retry-attempt-count"]))
    assert max(counts) > 0
    assert simulator.ledger.totals()["requests"] == 12 + sum(counts)
    assert {entry.trace_id for entry in simulator.ledger.entries} == {"trace-1"}


async def test_retries_that_run_out_show_the_last_error_and_minus_one(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_529=1, gateway_backoff_s=0.03)
    url = f"{simulator.url}/v1/messages"
    response = await client.post(url, json=message(), headers=retries(2, 529))
    assert (response.status_code, response.headers["x-portkey-retry-attempt-count"]) == (529, "-1")
    first, second, third = simulator.ledger.entries
    assert second.received_at - first.ended_at >= 0.03
    assert third.received_at - second.ended_at >= 0.06


async def test_a_status_that_is_not_listed_is_not_retried(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_529=1)
    url = f"{simulator.url}/v1/messages"
    response = await client.post(url, json=message(), headers=retries(2, 429, 500))
    assert (response.status_code, response.headers["x-portkey-retry-attempt-count"]) == (529, "0")


async def test_a_turned_knob_acts_at_once_and_is_listed_with_its_time(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator()
    url = f"{simulator.url}/v1/messages"
    assert (await client.post(url, json=message())).status_code == 200
    response = await client.patch(f"{simulator.url}/sim/knobs", json={"rate_529": 1})
    assert response.json()["rate_529"] == 1
    assert (await client.get(f"{simulator.url}/sim/knobs")).json()["rate_529"] == 1
    assert (await client.post(url, json=message())).status_code == 529
    report = (await client.get(f"{simulator.url}/sim/ledger")).json()
    start, change = report["knob_changes"]
    assert start["changed"]["rate_529"] == 0
    assert change["changed"] == {"rate_529": 1}
    assert report["entries"][0]["ended_at"] <= change["at"] <= report["entries"][1]["received_at"]


async def test_a_limit_that_is_turned_keeps_what_was_used(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(requests_per_minute=10)
    url = f"{simulator.url}/v1/messages"
    for _ in range(10):
        await client.post(url, json=message())
    simulator.turn(requests_per_minute=20)
    assert (await client.post(url, json=message())).status_code == 429
    simulator.turn(requests_per_minute=None)
    assert (await client.post(url, json=message())).status_code == 200


async def test_an_unknown_knob_is_refused_with_the_nearest_name_and_nothing_changes(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator()
    before = simulator.knobs
    response = await client.patch(f"{simulator.url}/sim/knobs", json={"rate_500": 1, "latncy_median": 1})
    assert response.status_code == 400
    sentence = (
        'There is no knob "latncy_median" (did you mean "latency_median_s"?); dagtui simulate --help lists them.'
    )
    assert response.json()["error"]["message"] == sentence
    assert simulator.knobs == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"rate_429": 2}', "The knob rate_429 cannot be 2: input should be less than or equal to 1."),
        ("[1]", "The knobs must be a JSON object"),
        ("{", "The knobs are not valid JSON"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(KnobError, match=r"^" + sentence.replace("[", r"\[")):
        read_knobs(text)


def test_a_full_bucket_holds_a_minute_unless_a_burst_is_given() -> None:
    assert Knobs(requests_per_minute=600).capacity("requests") == 600
    assert Knobs(requests_per_minute=600, burst_s=2).capacity("requests") == 20
    assert Knobs(requests_per_minute=600, burst_s=2, requests_burst=5).capacity("requests") == 5
    assert Knobs(requests_per_minute=6, burst_s=1).capacity("requests") == 1
    assert Knobs().capacity("input_tokens") is None
