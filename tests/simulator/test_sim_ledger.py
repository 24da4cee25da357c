"""What is served about a run: who was let in, and how fast it could have been."""

from __future__ import annotations

import httpx
import pytest

from tests.simulator.sim_calls import Start, message


async def test_the_ledger_tells_what_was_let_in_and_never_a_key(
    start_simulator: Start, upstream: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(requests_per_minute=60, requests_burst=1)
    url = f"{simulator.url}/v1/messages"
    for key in ("sk-first", "sk-first", "sk-second"):
        await upstream.post(url, json=message(), headers={"x-api-key": key})
    ledger = await upstream.get(f"{simulator.url}/sim/ledger")
    told = [(entry["organisation"], entry["reserved_tokens"]) for entry in ledger.json()["entries"]]
    assert told == [(1, 150), (0, 0), (2, 150)]
    assert "sk-" not in ledger.text


async def test_a_trace_id_that_a_gateway_in_front_forwards_is_in_the_ledger(
    start_simulator: Start, upstream: httpx.AsyncClient
) -> None:
    simulator = await start_simulator()
    headers = {"x-api-key": "sk-first", "x-portkey-trace-id": "run/3/1"}
    answer = await upstream.post(f"{simulator.url}/v1/messages", json=message(), headers=headers)
    assert "x-portkey-provider" not in answer.headers
    [entry] = (await upstream.get(f"{simulator.url}/sim/ledger")).json()["entries"]
    assert entry["trace_id"] == "run/3/1"


async def test_the_bound_of_the_ledger_is_served(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator(latency_median_s=0.02, latency_sigma=0)
    for number in range(4):
        await client.post(f"{simulator.url}/v1/messages", json=message(f"{number}"))
    free = (await client.get(f"{simulator.url}/sim/bound")).json()
    assert free["ratio"] == pytest.approx(free["span"] / free["seconds"])
    assert (free["binding"], free["fluid"]) == ("latency", 0)
    slots = (await client.get(f"{simulator.url}/sim/bound?concurrency=1")).json()
    assert slots["span"] == free["span"] >= slots["seconds"] > 3 * 0.02
    assert slots["binding"] == "concurrency"


@pytest.mark.parametrize("slots", ["0", "-1", "many", ""])
async def test_a_number_of_slots_that_is_none_is_refused(
    start_simulator: Start, client: httpx.AsyncClient, slots: str
) -> None:
    simulator = await start_simulator()
    response = await client.get(f"{simulator.url}/sim/bound?concurrency={slots}")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "concurrency must be a whole number of at least 1."
