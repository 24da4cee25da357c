"""What a client sees of the simulator over the wire."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime

import httpx
import pytest

from tests.simulator.sim_calls import Start, message

NO_PROVIDER = "Either x-portkey-config or x-portkey-provider header is required"


async def test_a_message_is_answered_in_the_shape_of_the_messages_api(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator()
    response = await client.post(f"{simulator.url}/v1/messages", json=message())
    answer = response.json()
    assert response.status_code == 200
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
    assert answer["id"].startswith("msg_")
    assert json.loads(answer["content"][0]["text"])["category"] in ("spam", "work", "personal", "newsletter")
    assert answer["usage"].keys() == {
        "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"
    }  # fmt: skip


async def test_a_chat_is_answered_in_the_shape_of_openai(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator()
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Hi"}, {"role": "user", "content": "Text"}],
    }
    response = await client.post(f"{simulator.url}/v1/chat/completions", json=body)
    answer = response.json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}


async def test_the_usage_in_the_answers_equals_the_ledger(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_500=0.3, rate_429=0.2)
    responses = await asyncio.gather(
        *(client.post(f"{simulator.url}/v1/messages", json=message(f"Meeting {n}")) for n in range(60))
    )
    good = [response.json()["usage"] for response in responses if response.status_code == 200]
    totals = (await client.get(f"{simulator.url}/sim/ledger?entries=0")).json()["totals"]
    assert 0 < len(good) < 60
    assert totals["by_status"]["200"] == len(good)
    assert totals["requests"] == 60
    assert totals["input_tokens"] == sum(usage["input_tokens"] for usage in good)
    assert totals["output_tokens"] == sum(usage["output_tokens"] for usage in good)


async def test_the_ledger_tells_who_asked_what_when(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator(latency_median_s=0.02, latency_sigma=0)
    headers = {"x-portkey-trace-id": "t-9", "x-portkey-metadata": '{"run":"r1"}'}
    await client.post(f"{simulator.url}/v1/messages", json=message(), headers=headers)
    report = (await client.get(f"{simulator.url}/sim/ledger")).json()
    entry = report["entries"][0]
    assert (entry["seq"], entry["trace_id"], entry["metadata"]) == (1, "t-9", {"run": "r1"})
    assert (entry["status"], entry["model"], entry["in_flight"]) == (200, "claude-test", 1)
    assert entry["latency_s"] == pytest.approx(entry["ended_at"] - entry["received_at"])
    assert entry["latency_s"] >= 0.02
    assert report["totals"]["first_received"] == entry["received_at"]
    assert report["totals"]["last_ended"] == entry["ended_at"]


async def test_deleting_the_ledger_empties_it_and_repeats_the_draws(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_500=0.5)

    async def statuses() -> list[int]:
        return [
            (await client.post(f"{simulator.url}/v1/messages", json=message(f"{n}"))).status_code
            for n in range(20)
        ]

    first = await statuses()
    assert (await client.delete(f"{simulator.url}/sim/ledger")).status_code == 204
    assert simulator.ledger.entries == []
    assert await statuses() == first


async def test_the_root_says_who_is_there(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator()
    assert (await client.get(f"{simulator.url}/")).text == "dagtui simulator"
    assert (await client.get(f"{simulator.url}/v2")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "kind", "text"),
    [
        ({"model": None}, 400, "invalid_request_error", "model: Field required"),
        ({"max_tokens": None}, 400, "invalid_request_error", "max_tokens: Field required"),
        ({"max_tokens": 0}, 400, "invalid_request_error", "max_tokens: Input should be"),
        ({"messages": []}, 400, "invalid_request_error", "messages: Field required"),
        ({"messages": [{"role": "cat"}]}, 400, "invalid_request_error", "messages.0.role"),
        ({"stream": True}, 400, "invalid_request_error", "does not stream"),
        ({"model": "claude-no-such-model"}, 404, "not_found_error", "model: claude-no-such-model"),
        ({"model": "zebra-1"}, 404, "not_found_error", "model: zebra-1"),
    ],
)
async def test_a_wrong_request_is_refused_like_the_provider_does(
    start_simulator: Start,
    client: httpx.AsyncClient,
    fields: dict[str, object],
    status: int,
    kind: str,
    text: str,
) -> None:
    simulator = await start_simulator()
    response = await client.post(f"{simulator.url}/v1/messages", json=message() | fields)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (status, kind)
    assert text in error["message"]


async def test_behind_portkey_headers_an_error_has_the_shape_of_the_gateway(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_529=1)
    response = await client.post(f"{simulator.url}/v1/messages", json=message())
    assert response.status_code == 529
    assert response.json() == {
        "error": {
            "message": "anthropic error: Overloaded",
            "type": "overloaded_error",
            "param": None,
            "code": None,
        },
        "provider": "anthropic",
    }


async def test_without_portkey_headers_an_error_has_the_shape_of_the_provider(
    start_simulator: Start, upstream: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(rate_529=1)
    response = await upstream.post(f"{simulator.url}/v1/messages", json=message())
    assert response.json() == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": response.headers["request-id"],
    }
    assert not any(name.startswith("x-portkey") for name in response.headers)


async def test_a_gateway_answer_carries_the_portkey_headers(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator()
    headers = (await client.post(f"{simulator.url}/v1/messages", json=message())).headers
    assert headers["x-portkey-trace-id"] == "trace-1"
    assert headers["x-portkey-provider"] == "anthropic"
    assert headers["x-portkey-retry-attempt-count"] == "0"
    assert headers["x-portkey-cache-status"] == "DISABLED"
    assert headers["x-portkey-last-used-option-index"] == "config"


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"x-portkey-trace-id": "t"}, NO_PROVIDER),
        ({}, NO_PROVIDER),
        (
            {"x-portkey-config": '{"retry":{"attempts":1}}'},
            "Either x-portkey-provider needs to be passed. Or",
        ),
        ({"x-portkey-config": "pc-123"}, "Invalid config passed. You need to pass a valid json"),
    ],
)
async def test_a_call_that_names_no_provider_is_refused_in_the_words_of_portkey(
    start_simulator: Start, headers: dict[str, str], text: str
) -> None:
    simulator = await start_simulator()
    async with httpx.AsyncClient(trust_env=False) as bare:
        response = await bare.post(f"{simulator.url}/v1/messages", json=message(), headers=headers)
    assert response.status_code == 400
    assert response.json()["status"] == "failure"
    assert response.json()["message"].startswith(text)
    assert "x-portkey-last-used-option-index" not in response.headers


@pytest.mark.parametrize(
    ("headers", "model"),
    [
        ({"x-portkey-trace-id": "t"}, "@anthropic-prod/claude-test"),
        ({"x-portkey-provider": "@anthropic-prod"}, "claude-test"),
        ({"x-portkey-config": '{"provider":"anthropic","api_key":"k"}'}, "claude-test"),
        ({"x-portkey-config": '{"strategy":{},"targets":[{"provider":"anthropic"}]}'}, "claude-test"),
    ],
)
async def test_a_provider_may_be_named_by_slug_or_config(
    start_simulator: Start, headers: dict[str, str], model: str
) -> None:
    simulator = await start_simulator()
    async with httpx.AsyncClient(trust_env=False) as bare:
        response = await bare.post(f"{simulator.url}/v1/messages", json=message(model=model), headers=headers)
    assert response.status_code == 200
    assert response.headers["x-portkey-provider"] == "anthropic"


@pytest.mark.parametrize("headers", [{"x-api-key": "sk-invalid"}, {"authorization": "Bearer sk-invalid"}])
async def test_the_invalid_key_is_refused(
    start_simulator: Start, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    simulator = await start_simulator()
    response = await client.post(f"{simulator.url}/v1/messages", json=message(), headers=headers)
    assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_error")


async def test_a_request_limit_answers_429_that_names_it_and_says_when_to_return(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(requests_per_minute=50, requests_burst=2)
    responses = [await client.post(f"{simulator.url}/v1/messages", json=message()) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    refused = responses[2]
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert "your organization's rate limit of 50 requests per minute" in refused.json()["error"]["message"]


async def test_the_headers_show_limit_remaining_and_reset_of_each_limit_that_is_set(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(requests_per_minute=50, input_tokens_per_minute=40_000)
    headers = (await client.post(f"{simulator.url}/v1/messages", json=message())).headers
    assert headers["anthropic-ratelimit-requests-limit"] == "50"
    assert headers["anthropic-ratelimit-requests-remaining"] == "49"
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "40000"
    assert headers["anthropic-ratelimit-tokens-limit"] == "40000"
    assert datetime.fromisoformat(headers["anthropic-ratelimit-requests-reset"]).tzinfo is not None
    assert "anthropic-ratelimit-output-tokens-limit" not in headers
    assert "request-id" in headers


async def test_chat_shows_the_headers_of_openai(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator(requests_per_minute=50, output_tokens_per_minute=9_000)
    body = {"model": "gpt-4o", "max_tokens": 100, "messages": [{"role": "user", "content": "Text"}]}
    headers = (await client.post(f"{simulator.url}/v1/chat/completions", json=body)).headers
    assert headers["x-ratelimit-limit-requests"] == "50"
    assert headers["x-ratelimit-remaining-requests"] == "49"
    assert headers["x-ratelimit-remaining-tokens"] == "8900"
    assert re.fullmatch(r"\d+\.\d{3}s", headers["x-ratelimit-reset-tokens"])
    assert not any(name.startswith("anthropic") for name in headers)


async def test_rate_limit_headers_can_be_stripped_but_retry_after_stays(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(requests_per_minute=60, requests_burst=1, strip_ratelimit_headers=True)
    await client.post(f"{simulator.url}/v1/messages", json=message())
    refused = await client.post(f"{simulator.url}/v1/messages", json=message())
    assert refused.headers["retry-after"] == "1"
    assert not any("ratelimit" in name for name in refused.headers)


async def test_remaining_can_count_a_minute_although_the_bucket_is_smaller(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(requests_per_minute=60, requests_burst=1, remaining_shows="minute")
    await client.post(f"{simulator.url}/v1/messages", json=message())
    refused = await client.post(f"{simulator.url}/v1/messages", json=message())
    assert refused.status_code == 429
    assert refused.headers["anthropic-ratelimit-requests-remaining"] == "59"


async def test_buckets_refill_continuously(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator(requests_per_minute=3000, requests_burst=1)
    began = asyncio.get_running_loop().time()
    admitted = 0
    while admitted < 6:
        admitted += (await client.post(f"{simulator.url}/v1/messages", json=message())).status_code == 200
    assert 0.1 <= asyncio.get_running_loop().time() - began < 1


async def test_output_is_reserved_by_max_tokens_and_settled_at_the_end(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(output_tokens_per_minute=1000, latency_median_s=0.05, latency_sigma=0)
    url, body = f"{simulator.url}/v1/messages", message(max_tokens=600)
    together = await asyncio.gather(client.post(url, json=body), client.post(url, json=body))
    assert sorted(response.status_code for response in together) == [200, 429]
    assert "1,000 output tokens per minute" in next(r for r in together if r.status_code == 429).text
    assert (await client.post(url, json=body)).status_code == 200


async def test_each_provider_key_has_limits_of_its_own(start_simulator: Start, client: httpx.AsyncClient) -> None:
    simulator = await start_simulator(requests_per_minute=60, requests_burst=1)
    url = f"{simulator.url}/v1/messages"
    statuses = [
        (await client.post(url, json=message(), headers={"x-api-key": key})).status_code for key in ("a", "a", "b")
    ]
    assert statuses == [200, 429, 200]


async def test_one_request_above_the_concurrency_cap_is_refused(
    start_simulator: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start_simulator(concurrency_cap=2, latency_median_s=0.1, latency_sigma=0)
    url = f"{simulator.url}/v1/messages"
    responses = await asyncio.gather(*(client.post(url, json=message(f"{n}")) for n in range(3)))
    assert sorted(response.status_code for response in responses) == [200, 200, 429]
    assert (await client.get(f"{simulator.url}/sim/ledger?entries=0")).json()["totals"]["in_flight_max"] == 3
