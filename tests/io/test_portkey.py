"""The gateway client: what it sends on which route, and what it makes of what comes back."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import Any

import httpx
import pytest
import respx

from dagtui.core.errors import ConfigError, ErrorKind, GatewayError
from dagtui.core.model import Headroom, Prompt, ProviderChoice, RateLimits, Request, Response, Usage
from dagtui.core.settings import GatewaySettings
from dagtui.io.portkey import Portkey
from dagtui.io.portkey_request import route_for

BASE = "http://localhost:8787"
ANSWER = {
    "type": "message",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4},
}
CHAT = {
    "model": "gpt-5-mini-2025",
    "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
CLAUDE = ProviderChoice("anthropic", "claude-haiku-4-5", max_tokens=64)
GPT = ProviderChoice("openai", "gpt-4o-mini", max_tokens=64)


@pytest.fixture
def router() -> respx.Router:
    router = respx.Router(assert_all_called=False)
    router.post(f"{BASE}/v1/messages", name="messages").respond(200, json=ANSWER)
    router.post(f"{BASE}/v1/chat/completions", name="chat").respond(200, json=CHAT)
    return router


def a_request(choice: ProviderChoice = CLAUDE, **more: Any) -> Request:
    parts: dict[str, Any] = {
        "seq": 7,
        "record_id": "r-1",
        "dimension": "mood",
        "prompt": Prompt("How are you?"),
        "trace_id": "run1/7",
    }
    return Request(choice=choice, **(parts | more))


def portkey(router: respx.Router, run_id: str = "run1", **settings: Any) -> Portkey:
    given = {"name": "local", "base_url": f"{BASE}/v1", "provider_key": "sk-canary-provider-key"} | settings
    return Portkey(GatewaySettings(**given), httpx.MockTransport(router.async_handler), run_id)


async def sent(
    router: respx.Router, request: Request | None = None, attempt: int = 1, **settings: Any
) -> httpx.Request:
    await portkey(router, **settings).complete(request or a_request(), attempt)
    return router.calls.last.request


def body_of(request: httpx.Request) -> Any:
    return json.loads(request.content)


async def test_an_answer_on_the_messages_route(router: respx.Router) -> None:
    headers = {
        "request-id": "req_1",
        "x-portkey-retry-attempt-count": "1",
        "date": "Sun, 22 Nov 2026 19:00:00 GMT",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-11-22T19:00:01Z",
    }
    router["messages"].respond(200, json=ANSWER, headers=headers)
    assert await portkey(router).complete(a_request(), 1) == Response(
        text="hello",
        usage=Usage(10, 5, 4, 0),
        model="claude-haiku-4-5-20251001",
        stop_reason="end_turn",
        request_id="req_1",
        gateway_retries=1,
        limits=RateLimits(Headroom(50, 49, 1.0)),
    )


async def test_an_answer_on_the_chat_route(router: respx.Router) -> None:
    response = await portkey(router).complete(a_request(GPT), 1)
    assert (response.text, response.usage, response.model) == ("hello", Usage(10, 5), "gpt-5-mini-2025")


async def test_the_status_of_a_soft_guardrail_is_kept(router: respx.Router) -> None:
    router["messages"].respond(246, json=ANSWER | {"hook_results": {}})
    assert (await portkey(router).complete(a_request(), 1)).status == 246


@pytest.mark.parametrize("base", [BASE, f"{BASE}/", f"{BASE}/v1", f"{BASE}/v1/"])
async def test_the_base_url_is_taken_with_or_without_v1(router: respx.Router, base: str) -> None:
    assert str((await sent(router, base_url=base)).url) == f"{BASE}/v1/messages"


@pytest.mark.parametrize(
    ("provider", "model", "route"),
    [
        ("anthropic", "claude-haiku-4-5", "/messages"),
        ("bedrock", "anthropic.claude-3-haiku", "/messages"),
        ("vertex-ai", "anthropic.claude-3-haiku", "/messages"),
        ("azure-ai", "claude-sonnet", "/messages"),
        ("vertex-ai", "gemini-2.5-flash", "/chat/completions"),
        ("openai", "gpt-4o", "/chat/completions"),
        ("openrouter", "anthropic/claude-haiku", "/chat/completions"),
        ("google", "gemini-2.5-flash", "/chat/completions"),
        ("@prod", "claude-haiku-4-5", "/messages"),
        ("@prod", "gpt-4o", "/chat/completions"),
        ("anthropic", "@prod/claude-haiku-4-5", "/messages"),
        ("openai", "@prod/claude-haiku-4-5", "/messages"),
        ("anthropic", "@prod/gpt-4o", "/chat/completions"),
    ],
)
def test_anthropics_models_take_the_messages_route_and_all_others_chat(
    provider: str, model: str, route: str
) -> None:
    assert route_for(provider, model) == route


@pytest.mark.parametrize(
    ("config", "route"),
    [
        ('{"provider":"openai","api_key":"k"}', "/chat/completions"),
        ('{"targets":[{"provider":"anthropic"},{"provider":"anthropic"}]}', "/messages"),
        ('{"targets":[{"provider":"anthropic"},{"targets":[{"provider":"openai"}]}]}', "/chat/completions"),
        ('{"retry":{"attempts":1}}', "/messages"),
        ("pc-abc", "/messages"),
    ],
)
def test_a_config_that_names_its_providers_decides_the_route(config: str, route: str) -> None:
    assert route_for("anthropic", "claude-haiku-4-5", config) == route


async def test_the_body_on_the_messages_route(router: respx.Router) -> None:
    choice = ProviderChoice("anthropic", "claude-x", 64, 0.5, {"top_p": 0.9})
    request = await sent(router, a_request(choice, prompt=Prompt("Häi 👋", system="Be kind.")))
    assert body_of(request) == {
        "model": "claude-x",
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": "Häi 👋"}],
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.content))


async def test_the_body_on_the_chat_route(router: respx.Router) -> None:
    assert body_of(await sent(router, a_request(GPT, prompt=Prompt("Hi", system="Be kind.")))) == {
        "model": "gpt-4o-mini",
        "max_tokens": 64,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "max_tokens"),
        ("o1", "max_completion_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("o4-mini-2025", "max_completion_tokens"),
        ("gpt-5-nano", "max_completion_tokens"),
        ("gpt-5.1", "max_completion_tokens"),
        ("@prod/gpt-5", "max_completion_tokens"),
        ("openai/gpt-oss-20b", "max_tokens"),
    ],
)
async def test_reasoning_models_of_openai_count_completion_tokens(
    router: respx.Router, model: str, name: str
) -> None:
    body = body_of(await sent(router, a_request(ProviderChoice("openai", model, 64))))
    assert {key: value for key, value in body.items() if key.startswith("max")} == {name: 64}


async def test_parameters_win_over_what_would_be_sent(router: respx.Router) -> None:
    choice = ProviderChoice("openai", "gpt-4o", 64, 0.1, {"temperature": 1, "max_completion_tokens": 9})
    body = body_of(await sent(router, a_request(choice)))
    assert (body["temperature"], body["max_completion_tokens"], "max_tokens" in body) == (1, 9, False)


async def test_a_lone_surrogate_in_a_prompt_does_not_stop_the_request(router: respx.Router) -> None:
    body = body_of(await sent(router, a_request(prompt=Prompt("a\ud800b"))))
    assert body["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize(
    "parameters",
    [{"stream": True}, {"messages": [1]}, {"system": "Be rude."}, {"x": {1, 2}}, {"x": float("nan")}],
)
async def test_parameters_that_cannot_be_sent_are_a_config_error_and_nothing_is_sent(
    router: respx.Router, parameters: dict[str, Any]
) -> None:
    choice = ProviderChoice("anthropic", "claude-x", parameters=parameters)
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(choice), 1)
    assert (caught.value.kind, caught.value.billed) == (ErrorKind.CONFIG, "no")
    assert not router.calls


async def test_a_local_gateway_is_sent_anthropics_key_in_anthropics_header(router: respx.Router) -> None:
    headers = (await sent(router)).headers
    assert headers["x-portkey-provider"] == "anthropic"
    assert headers["x-api-key"] == "sk-canary-provider-key"
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers
    assert "x-portkey-api-key" not in headers


async def test_other_keys_go_into_authorization(router: respx.Router) -> None:
    headers = (await sent(router, a_request(GPT))).headers
    assert headers["authorization"] == "Bearer sk-canary-provider-key"
    assert "x-api-key" not in headers
    assert "anthropic-version" not in headers


async def test_hosted_portkey_is_sent_its_key_and_the_providers(router: respx.Router) -> None:
    headers = (await sent(router, api_key="portkey-key")).headers
    assert headers["x-portkey-api-key"] == "portkey-key"
    assert headers["authorization"] == "Bearer sk-canary-provider-key"
    assert "x-api-key" not in headers


async def test_a_slug_in_the_model_leaves_the_provider_out(router: respx.Router) -> None:
    choice = ProviderChoice("anthropic", "@prod/claude-x")
    request = await sent(router, a_request(choice), api_key="k", provider_key=None)
    assert "x-portkey-provider" not in request.headers
    assert body_of(request)["model"] == "@prod/claude-x"


async def test_the_users_provider_wins_over_the_tasks(router: respx.Router) -> None:
    assert (await sent(router, provider="@prod")).headers["x-portkey-provider"] == "@prod"


@pytest.mark.parametrize(
    ("settings", "provider"),
    [
        ({"config": "pc-abc"}, None),
        ({"config": "pc-abc", "provider": "anthropic"}, "anthropic"),
        ({"config": '{"provider":"anthropic","api_key":"k"}'}, None),
        ({"config": '{"retry":{"attempts":1}}'}, "anthropic"),
    ],
)
async def test_a_config_goes_along_and_a_provider_only_where_the_config_names_none(
    router: respx.Router, settings: dict[str, Any], provider: str | None
) -> None:
    headers = (await sent(router, **settings)).headers
    assert headers["x-portkey-config"] == settings["config"]
    assert headers.get("x-portkey-provider") == provider


async def test_a_config_is_sent_as_ascii_on_one_line(router: respx.Router) -> None:
    config = '{\n "retry": {"attempts": 1},\n "name": "é"\n}'
    assert (await sent(router, config=config)).headers["x-portkey-config"] == (
        '{"retry":{"attempts":1},"name":"\\u00e9"}'
    )


async def test_a_custom_host_goes_along_without_a_last_slash(router: respx.Router) -> None:
    headers = (await sent(router, custom_host="http://localhost:9100/v1/")).headers
    assert headers["x-portkey-custom-host"] == "http://localhost:9100/v1"


async def test_each_attempt_is_named_so_that_it_can_be_found_in_the_log(router: respx.Router) -> None:
    first, second = [(await sent(router, attempt=attempt)).headers for attempt in (1, 2)]
    assert (first["x-portkey-trace-id"], second["x-portkey-trace-id"]) == ("run1/7/1", "run1/7/2")
    assert first["idempotency-key"] == second["idempotency-key"] == "run1-7"
    assert json.loads(second["x-portkey-metadata"]) == {
        "run": "run1",
        "record": "r-1",
        "dimension": "mood",
        "attempt": "2",
    }


def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    assert len({name for name, _ in pairs}) == len(pairs), "a name stands twice"
    return dict(pairs)


async def test_metadata_is_short_and_ours_cannot_be_overwritten(router: respx.Router) -> None:
    request = await sent(
        router, a_request(record_id="é" * 500), metadata={"_user": "me" * 99, "run": "x", "attempt": "9"}
    )
    told = json.loads(request.headers["x-portkey-metadata"], object_pairs_hook=once)
    assert told["_user"] == ("me" * 99)[:128]
    assert (told["run"], told["record"]) == ("run1", "é" * 128)


HOSTILE = ["a\r\nx-injected: yes", "日本語 👋", "\x00\x7f\x1b[31m", "\ud800", "x" * 100_000, "   ", '"\\']


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_id_makes_headers_that_are_ascii_and_small(router: respx.Router, name: str) -> None:
    request = await sent(
        router,
        a_request(record_id=name, dimension=name, trace_id=name),
        run_id=name,
        metadata={"note": name[:5]},
    )
    size = 0
    for key, value in request.headers.raw:
        assert all(0x20 <= byte < 0x7F for byte in value), key
        size += len(key) + len(value) + 4
    assert size < 15_000
    assert json.loads(request.headers["x-portkey-metadata"])["record"] == name[:128]


def test_settings_too_large_for_headers_are_refused_at_once() -> None:
    big = json.dumps({"provider": "anthropic", "api_key": "k" * 12_000})
    with pytest.raises(ConfigError, match="bytes of headers"):
        Portkey(GatewaySettings(base_url=BASE, config=big))


@pytest.mark.parametrize(
    "setting", [{"custom_host": "http://é"}, {"provider": "a\nb"}, {"base_url": "http://[::1"}]
)
def test_settings_that_no_header_or_address_can_hold_are_refused_at_once(setting: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        Portkey(GatewaySettings(**({"base_url": BASE} | setting)))


async def test_a_tasks_provider_that_no_header_can_hold_is_a_config_error(router: respx.Router) -> None:
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(ProviderChoice("é", "m")), 1)
    assert caught.value.kind is ErrorKind.CONFIG


async def test_a_refusal_becomes_a_gateway_error(router: respx.Router) -> None:
    body = {
        "error": {"message": "anthropic error: slow down", "type": "rate_limit_error"},
        "provider": "anthropic",
    }
    router["messages"].respond(429, json=body, headers={"retry-after": "7", "request-id": "req_9"})
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(), 1)
    error = caught.value
    assert (error.kind, error.retry_after, error.status, error.billed) == (ErrorKind.RATE_LIMITED, 7.0, 429, "no")
    assert (str(error), error.request_id) == ("anthropic answered 429: anthropic error: slow down.", "req_9")


async def test_a_200_without_an_answer_is_an_invalid_response_that_may_be_billed(router: respx.Router) -> None:
    router["messages"].respond(200, html="<html>log in</html>")
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(), 1)
    assert (caught.value.kind, caught.value.billed) == (ErrorKind.INVALID_RESPONSE, "maybe")


@pytest.mark.parametrize(
    ("error", "kind", "billed"),
    [
        (httpx.ConnectError("connection refused"), ErrorKind.CONNECTION, "no"),
        (httpx.ConnectTimeout("slow"), ErrorKind.CONNECTION, "no"),
        (httpx.ProxyError("407"), ErrorKind.CONNECTION, "no"),
        (httpx.WriteError("closed"), ErrorKind.CONNECTION, "no"),
        (httpx.ReadError("reset"), ErrorKind.CONNECTION, "maybe"),
        (httpx.RemoteProtocolError("the answer was cut short"), ErrorKind.INVALID_RESPONSE, "maybe"),
        (httpx.LocalProtocolError("bad header"), ErrorKind.BAD_REQUEST, "no"),
        (httpx.UnsupportedProtocol("ftp"), ErrorKind.CONFIG, "no"),
        (httpx.ReadError(""), ErrorKind.CONNECTION, "maybe"),
    ],
)
async def test_a_fault_of_the_network_has_its_kind_and_says_whether_it_may_have_cost(
    router: respx.Router, error: httpx.TransportError, kind: ErrorKind, billed: str
) -> None:
    router["messages"].side_effect = error
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(), 1)
    assert (caught.value.kind, caught.value.billed) == (kind, billed)
    assert caught.value.__cause__ is error


async def test_an_absent_gateway_is_told_with_how_to_start_one(router: respx.Router) -> None:
    router["messages"].side_effect = httpx.ConnectError("connection refused")
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(), 1)
    assert str(caught.value) == (
        "No gateway answers at http://localhost:8787 (connection refused). "
        'Start one with "npx @portkey-ai/gateway", or use --gateway demo.'
    )


async def test_a_cancelled_attempt_stays_cancelled() -> None:
    asked = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    client = Portkey(GatewaySettings(base_url=BASE), httpx.MockTransport(never))
    task = asyncio.create_task(client.complete(a_request(), 1))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


CANARY = "sk-canary-provider-key"


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_no_key_shows_in_an_error_even_if_the_provider_echoes_it(router: respx.Router, status: int) -> None:
    inside = "canary-in-the-config"
    config = json.dumps({"targets": [{"provider": "anthropic", "api_key": inside}]})
    router["messages"].respond(status, json={"error": {"message": f"wrong: {CANARY} {inside} portkey-canary"}})
    client = portkey(router, config=config, api_key="portkey-canary")
    with pytest.raises(GatewayError) as caught:
        await client.complete(a_request(), 1)
    shown = (
        "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value) + repr(client)
    )
    assert "canary" not in shown.replace("test_portkey", "")
    assert "***" in str(caught.value)


async def test_no_key_shows_when_the_network_fails(router: respx.Router) -> None:
    router["messages"].side_effect = httpx.ReadError(f"while sending {CANARY}")
    with pytest.raises(GatewayError) as caught:
        await portkey(router).complete(a_request(), 1)
    assert "canary" not in repr(caught.value) + str(caught.value)


async def test_a_choice_is_prepared_once_and_an_equal_one_apart(router: respx.Router) -> None:
    client = portkey(router)
    for number in range(200):
        choice = ProviderChoice("anthropic", f"claude-{number}")
        await client.complete(a_request(choice), 1)
        assert body_of(router.calls.last.request)["model"] == f"claude-{number}"


@pytest.mark.parametrize(
    ("root", "health", "flavour"),
    [
        ((200, "dagtui simulator"), (404, ""), "simulator"),
        ((200, "AI Gateway says hey!"), (400, ""), "open-source"),
        ((401, '{"status":"failure"}'), (200, '{"status":"success","message":"Server is healthy"}'), "hosted"),
        ((200, "<html>nginx</html>"), (200, "<html>nginx</html>"), "unknown"),
        ((200, ""), (200, "[]"), "unknown"),
        ((404, ""), (404, ""), "unknown"),
    ],
)
async def test_probing_tells_what_stands_there_and_sends_no_key(
    router: respx.Router, root: tuple[int, str], health: tuple[int, str], flavour: str
) -> None:
    router.get(f"{BASE}/").respond(root[0], text=root[1])
    router.get(f"{BASE}/v1/health").respond(health[0], text=health[1])
    assert await portkey(router).probe() == flavour
    assert all("canary" not in str(call.request.headers.raw) for call in router.calls)


async def test_probing_where_nothing_answers_says_so(router: respx.Router) -> None:
    router.get(f"{BASE}/").side_effect = httpx.ConnectError("connection refused")
    with pytest.raises(GatewayError, match="No gateway answers at http://localhost:8787") as caught:
        await portkey(router).probe()
    assert caught.value.kind is ErrorKind.CONNECTION


async def test_probing_what_never_answers_ends(router: respx.Router, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("dagtui.io.portkey.PROBE_S", 0.01)
    client = Portkey(GatewaySettings(base_url=BASE), httpx.MockTransport(never))
    with pytest.raises(GatewayError, match="does not answer") as caught:
        await client.probe()
    assert caught.value.kind is ErrorKind.TIMEOUT


async def test_over_a_real_socket_an_attempt_goes_out_and_comes_back() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        body = json.dumps(ANSWER).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Portkey(GatewaySettings(base_url=f"http://127.0.0.1:{port}", provider_key="k"), run_id="r")
    response = await client.complete(a_request(), 1)
    await client.aclose()
    server.close()
    await server.wait_closed()
    assert (response.text, response.request_id) == ("hello", "req_1")
    names = [line.split(b":")[0].lower() for line in heads[0].split(b"\r\n")[1:] if line]
    assert len(names) == len(set(names))
    assert {b"host", b"content-length", b"x-api-key"} <= set(names)
