"""Every shape of refusal that Portkey's gateways and the providers behind them are known to answer with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.io.classifier import LONGEST_MESSAGE, Asked, failure, redacted

K = ErrorKind
ASKED = Asked("anthropic", "claude-haiku-4-5", "http://localhost:8787", "ANTHROPIC_API_KEY", ("sk-canary-secret",))


def refused(status: int, body: Any, headers: dict[str, str] | None = None, **more: Any) -> GatewayError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(status, headers or {}, raw, ASKED, **more)


def status_failure(message: str, **more: Any) -> dict[str, Any]:
    return {"status": "failure", "message": message, **more}


def provider(message: str, kind: str | None = None, code: str | None = None) -> dict[str, Any]:
    error = {"message": f"anthropic error: {message}", "type": kind, "param": None, "code": code}
    return {"error": error, "provider": "anthropic"}


def network(cause: str) -> str:
    return f"Message: fetch failed Cause: {cause} Name: TypeError"


def wrapped(text: str) -> dict[str, Any]:
    message = f"Invalid response received from anthropic: {json.dumps({'html-message': text})}"
    return {"error": {"message": message, "type": None, "param": None, "code": None}, "provider": "anthropic"}


REFUSED = "Error: connect ECONNREFUSED 127.0.0.1:9299"
NO_HOST = "Error: getaddrinfo ENOTFOUND api.example.com"
CLOSED = "SocketError: other side closed"
SLOW = "HeadersTimeoutError: Headers Timeout Error"

OPEN_SOURCE = [
    (
        "no provider",
        400,
        status_failure("Either x-portkey-config or x-portkey-provider header is required"),
        K.CONFIG,
        "no",
    ),
    ("unknown provider", 400, status_failure("Invalid provider passed"), K.CONFIG, "no"),
    ("a config id", 400, status_failure("Invalid config passed. You need to pass a valid json"), K.CONFIG, "no"),
    (
        "no provider in config",
        400,
        status_failure("Either x-portkey-provider needs to be passed. Or the …"),
        K.CONFIG,
        "no",
    ),
    (
        "config schema",
        400,
        status_failure("Invalid config passed", errors=["path: strategy,mode"]),
        K.CONFIG,
        "no",
    ),
    ("custom host", 400, status_failure("Invalid custom host"), K.CONFIG, "no"),
    ("content type", 400, status_failure("Invalid content type passed"), K.CONFIG, "no"),
    ("router", 400, status_failure("Query router did not resolve to any valid target"), K.CONFIG, "no"),
    ("a lost answer", 500, status_failure("Something went wrong"), K.SERVER, "maybe"),
    ("wrong route", 500, status_failure("messages is not supported by openai"), K.CONFIG, "no"),
    ("headers too large", 431, b"", K.CONFIG, "no"),
    ("refused, anthropic", 500, wrapped(network(REFUSED)), K.CONNECTION, "no"),
    ("refused, openai", 500, {"html-message": network(REFUSED)}, K.CONNECTION, "no"),
    ("refused, proxy", 500, network(REFUSED).encode(), K.CONNECTION, "no"),
    ("no such host", 500, wrapped(network(NO_HOST)), K.CONNECTION, "no"),
    ("bad port", 500, wrapped(network("Error: bad port")), K.CONNECTION, "no"),
    ("connect timeout", 503, wrapped(network("ConnectTimeoutError: Connect Timeout Error")), K.CONNECTION, "no"),
    ("reset, anthropic", 500, wrapped(network(CLOSED)), K.SERVER, "maybe"),
    ("reset, openai", 500, {"html-message": network(CLOSED)}, K.SERVER, "maybe"),
    ("reset, proxy", 500, network("Error: read ECONNRESET").encode(), K.SERVER, "maybe"),
    ("300 seconds", 500, wrapped(network(SLOW)), K.SERVER, "maybe"),
    (
        "request_timeout",
        408,
        {"error": {"message": "Request exceeded the timeout sent in the request: 500ms", "type": "timeout_error"}},
        K.TIMEOUT,
        "maybe",
    ),
    ("html from the provider", 502, wrapped("<html><title>Bad gateway</title></html>"), K.SERVER, "maybe"),
    ("html as it is", 502, b"<html><title>Bad gateway</title></html>", K.SERVER, "maybe"),
    (
        "200 of unknown shape",
        200,
        {"error": {"message": 'Invalid response received from anthropic: {"hello": 1}'}, "provider": "anthropic"},
        K.INVALID_RESPONSE,
        "maybe",
    ),
    ("200 with html inside", 200, wrapped("<html>login</html>"), K.INVALID_RESPONSE, "maybe"),
    ("200 with a page", 200, b"<html>login</html>", K.INVALID_RESPONSE, "maybe"),
    ("200 empty", 200, b"", K.INVALID_RESPONSE, "maybe"),
    ("200 cut", 200, b'{"type": "mess', K.INVALID_RESPONSE, "maybe"),
    ("200 a list", 200, b"[1]", K.INVALID_RESPONSE, "maybe"),
    ("246 without answer", 246, {"hook_results": {}}, K.INVALID_RESPONSE, "maybe"),
    (
        "guardrail before",
        446,
        {
            "error": {"message": "The guardrail checks defined in the config failed", "type": "hooks_failed"},
            "hook_results": {"before_request_hooks": [{"verdict": False}], "after_request_hooks": []},
        },
        K.GUARDRAIL,
        "no",
    ),
    (
        "guardrail after",
        446,
        {
            "error": {"message": "The guardrail checks defined in the config failed", "type": "hooks_failed"},
            "hook_results": {"before_request_hooks": [], "after_request_hooks": [{"verdict": False}]},
        },
        K.GUARDRAIL,
        "maybe",
    ),
    (
        "masked 429",
        500,
        status_failure("Cannot set properties of undefined (setting '_timeouts')"),
        K.RATE_LIMITED,
        "no",
    ),
    (
        "masked 429, wrapped",
        500,
        wrapped(
            "Message: Cannot set properties of undefined (setting '_timeouts') Cause: undefined Name: TypeError"
        ),
        K.RATE_LIMITED,
        "no",
    ),
    ("not found at gateway", 404, {"message": "Not Found", "ok": False}, K.CONFIG, "no"),
    ("429", 429, provider("slow down", "rate_limit_error"), K.RATE_LIMITED, "no"),
    ("529", 529, provider("Overloaded", "overloaded_error"), K.OVERLOADED, "no"),
    ("overloaded as 500", 500, provider("Overloaded", "overloaded_error"), K.OVERLOADED, "no"),
    ("503 of the provider", 503, provider("busy", "api_error"), K.OVERLOADED, "no"),
    ("503 of who knows", 503, b"upstream connect error", K.OVERLOADED, "maybe"),
    ("500", 500, provider("Internal server error", "api_error"), K.SERVER, "no"),
    ("502", 502, b"", K.SERVER, "maybe"),
    ("504", 504, provider("timed out", "api_error"), K.SERVER, "maybe"),
    ("524", 524, b"error code: 524", K.SERVER, "maybe"),
    ("400", 400, provider("messages: roles must alternate", "invalid_request_error"), K.BAD_REQUEST, "no"),
    (
        "400 not supported",
        400,
        provider("temperature is not supported by this model", "invalid_request_error"),
        K.BAD_REQUEST,
        "no",
    ),
    ("413", 413, provider("Request too large", "request_too_large"), K.BAD_REQUEST, "no"),
    ("422", 422, {"detail": "unprocessable"}, K.BAD_REQUEST, "no"),
    ("409", 409, b"", K.BAD_REQUEST, "no"),
    ("404 model", 404, provider("model: claude-nope", "not_found_error"), K.UNKNOWN_MODEL, "no"),
    (
        "404 model, openai",
        404,
        {"error": {"message": "openai error: The model `gpt-9` does not exist", "code": "model_not_found"}},
        K.UNKNOWN_MODEL,
        "no",
    ),
    (
        "400 model",
        400,
        provider("The model `x` does not exist or you do not have access to it"),
        K.UNKNOWN_MODEL,
        "no",
    ),
    ("404 page", 404, b"<html>nginx</html>", K.CONFIG, "no"),
    ("405", 405, b"", K.CONFIG, "no"),
    ("407", 407, b"", K.CONFIG, "no"),
    ("302", 302, b"", K.CONFIG, "no"),
    ("401", 401, provider("invalid x-api-key", "authentication_error"), K.AUTH, "no"),
    ("403", 403, provider("not allowed", "permission_error"), K.AUTH, "no"),
    ("402", 402, {"error": {"message": "Insufficient Balance"}}, K.BUDGET, "no"),
    ("408 of the provider", 408, b"", K.TIMEOUT, "maybe"),
    ("412 of the provider", 412, b"", K.BUDGET, "no"),
    ("spend limit", 429, provider("This request would exceed your spend limit"), K.BUDGET, "no"),
    ("billing", 429, provider("Check your billing details"), K.BUDGET, "no"),
    (
        "insufficient_quota",
        429,
        {"error": {"message": "openai error: You exceeded your current quota", "type": "insufficient_quota"}},
        K.BUDGET,
        "no",
    ),
    ("credit as 400", 400, provider("Your credit balance is too low", "invalid_request_error"), K.BUDGET, "no"),
    (
        "monthly limit as 400",
        400,
        provider("You have reached your specified API usage limits. You will regain access on 2026-12-01."),
        K.BUDGET,
        "no",
    ),
    (
        "a minute's limit that talks of billing",
        429,
        {
            "error": {
                "message": "You exceeded your quota, check your plan and billing details. Please retry in 34s."
            }
        },
        K.RATE_LIMITED,
        "no",
    ),
    (
        "a limit with a link to billing",
        429,
        {"error": {"message": "Rate limit reached. Visit https://platform.openai.com/account/billing to learn"}},
        K.RATE_LIMITED,
        "no",
    ),
    ("overloaded at 200", 200, {"error": {"message": "busy", "type": "overloaded_error"}}, K.OVERLOADED, "maybe"),
    ("limited at 200", 200, {"error": {"message": "slow", "code": 429}}, K.RATE_LIMITED, "maybe"),
]

PORTKEY_ERROR = "Portkey Error: {}. Error Code: {}"


def portkey(message: str, code: str) -> dict[str, Any]:
    return status_failure(PORTKEY_ERROR.format(message, code), error={"message": message, "code": code})


HOSTED = [
    ("key", 401, portkey("Invalid API Key", "03"), K.AUTH),
    ("key cannot be validated", 401, portkey("Unauthorized", "033"), K.AUTH),
    ("scope", 403, portkey("Forbidden!", "033"), K.AUTH),
    ("expired", 401, portkey("API key expired", "01"), K.AUTH),
    ("key budget", 412, portkey("Portkey API Key Usage Limit Exceeded", "04"), K.BUDGET),
    ("workspace budget", 412, portkey("Portkey Workspace Usage Limit Exceeded", "04"), K.BUDGET),
    *(
        (kind, 412, {"error": {"message": "exhausted", "type": kind, "param": None, "code": "06"}}, K.BUDGET)
        for kind in (
            "integration_exhaust_error",
            "virtual_key_exhaust_error",
            "workspace_exhaust_error",
            "usage_limits_policy_exhaust_error",
        )
    ),
    ("model", 412, {"error": {"message": "no", "type": "model_not_allowed_error"}}, K.UNKNOWN_MODEL),
    ("rate", 429, portkey("apikey ab********xyz rate limit exceded", "05"), K.QUOTA),
    *(
        (kind, 429, {"error": {"message": "limit", "type": kind}}, K.QUOTA)
        for kind in (
            "virtual_key_rate_limit_error",
            "integration_rate_limit_error",
            "workspace_rate_limit_error",
            "api_key_rate_limit_error",
            "rate_limits_policy_exhaust_error",
        )
    ),
    ("config id", 400, portkey("Invalid config id passed", "00"), K.CONFIG),
    ("slug", 400, {"error": {"message": "Following keys are not valid: @nope"}}, K.CONFIG),
    (
        "default config",
        400,
        {"error": {"message": "Cannot override default config set for this API key."}},
        K.CONFIG,
    ),
    *(
        (code, 400, {"error": {"message": "blocked", "code": code}}, K.CONFIG)
        for code in (
            "inline_config_blocked",
            "inline_provider_blocked",
            "inline_custom_host_blocked",
            "inline_provider_url_blocked",
            "inline_forward_headers_blocked",
        )
    ),
    ("AB03", 403, {"success": False, "data": {"message": "no permission", "errorCode": "AB03"}}, K.AUTH),
    ("AB05", 401, {"success": False, "data": {"message": "who?", "errorCode": "AB05"}}, K.AUTH),
    ("AB06", 429, {"success": False, "data": {"message": "slow", "errorCode": "AB06"}}, K.QUOTA),
    ("AB09", 402, {"success": False, "data": {"message": "pay", "errorCode": "AB09"}}, K.BUDGET),
    ("AB01", 400, {"success": False, "data": {"message": "bad", "errorCode": "AB01"}}, K.CONFIG),
    ("prompt", 404, {"error": {"message": "Invalid prompt id"}}, K.CONFIG),
    ("too large", 413, b"payload too large", K.BAD_REQUEST),
]


@pytest.mark.parametrize(
    ("status", "body", "kind", "billed"), [pytest.param(*row[1:], id=row[0]) for row in OPEN_SOURCE]
)
def test_each_answer_of_the_open_source_gateway_has_its_kind(
    status: int, body: Any, kind: ErrorKind, billed: str
) -> None:
    error = refused(status, body)
    assert (error.kind, error.billed, error.status) == (kind, billed, status)


@pytest.mark.parametrize(("status", "body", "kind"), [pytest.param(*row[1:], id=row[0]) for row in HOSTED])
def test_each_answer_of_the_hosted_gateway_has_its_kind_and_costs_nothing(
    status: int, body: Any, kind: ErrorKind
) -> None:
    error = refused(status, body)
    assert (error.kind, error.billed) == (kind, "no")


def test_a_spend_text_with_a_retry_after_is_a_rate_limit() -> None:
    error = refused(429, provider("spend limit"), {"retry-after": "3"})
    assert (error.kind, error.retry_after) == (K.RATE_LIMITED, 3.0)


def test_what_the_headers_say_is_carried() -> None:
    headers = {"retry-after-ms": "1500", "request-id": "req_1", "x-portkey-retry-attempt-count": "2"}
    error = refused(529, provider("Overloaded", "overloaded_error"), headers)
    assert (error.retry_after, error.request_id, error.gateway_retries) == (1.5, "req_1", 2)


def test_a_500_after_the_gateways_patience_says_so() -> None:
    error = refused(500, status_failure("Something went wrong"), elapsed=301.1)
    assert "301 s" in error.message
    assert "max_tokens" in error.message
    assert error.most_attempts == 1
    assert refused(504, provider("too slow"), elapsed=2.0).most_attempts is None
    assert refused(500, wrapped(network(SLOW)), elapsed=2.0).most_attempts == 1


@pytest.mark.parametrize(
    ("status", "body", "lost", "most"),
    [
        (200, b'{"type": "mess', True, 2),
        (200, b"<html>login</html>", True, 2),
        (500, status_failure("Something went wrong"), True, 2),
        (500, wrapped(network(CLOSED)), True, None),
        (502, b"<html>Bad gateway</html>", True, None),
        (408, b"", True, None),
        (500, provider("Internal server error", "api_error"), False, None),
        (529, provider("Overloaded", "overloaded_error"), False, None),
        (500, wrapped(network(REFUSED)), False, None),
    ],
)
def test_an_answer_that_may_be_paid_and_lost_is_not_asked_for_again_and_again(
    status: int, body: Any, lost: bool, most: int | None
) -> None:
    error = refused(status, body)
    assert (error.lost, error.most_attempts) == (lost, most)


def test_a_stream_that_nobody_asked_for_is_called_one() -> None:
    error = refused(200, b'event: error\ndata: {"type":"error"}\n\n')
    assert (error.kind, error.billed) == (K.INVALID_RESPONSE, "maybe")
    assert "stream" in error.message


def test_a_firewalls_page_fails_its_record_and_does_not_stop_the_run_as_a_refused_key_would() -> None:
    error = refused(403, b"<html><title>Attention Required! | Cloudflare</title></html>")
    assert error.kind is ErrorKind.BAD_REQUEST
    assert "firewall" in error.message


def test_something_else_that_was_not_found_is_no_unknown_model() -> None:
    assert refused(400, provider("the file for the model was not found")).kind is ErrorKind.BAD_REQUEST
    assert refused(400, provider("claude-haiku-4-5 was not found")).kind is ErrorKind.UNKNOWN_MODEL


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, provider("invalid x-api-key"), "check ANTHROPIC_API_KEY"),
        (401, portkey("Invalid API Key", "03"), "check PORTKEY_API_KEY"),
        (404, provider("model: claude-nope", "not_found_error"), "Check the model's name: 'claude-haiku-4-5'"),
        (500, status_failure("Something went wrong"), "@hono/node-server to 1.13.5"),
        (400, status_failure("Invalid provider passed"), "does not know the provider 'anthropic'"),
        (400, status_failure("Invalid config passed. You need to pass a valid json"), "config as JSON"),
        (404, {"message": "Not Found", "ok": False}, "check the gateway's address"),
        (402, {"error": {"message": "no money"}}, "Raise the spending limit or add credit"),
        (500, wrapped(network(SLOW)), "max_tokens"),
    ],
)
def test_a_message_says_what_to_do(status: int, body: Any, words: str) -> None:
    assert words in str(refused(status, body))


def test_a_page_is_told_without_its_markup() -> None:
    message = str(refused(502, b"<html><style>p{}</style><p>Bad <b>gateway</b></p></html>"))
    assert message.startswith("anthropic answered 502: Bad gateway")


@pytest.mark.parametrize(
    "text",
    [
        "your key sk-canary-secret is wrong",
        "Authorization: Bearer abcdef0123456789",
        "x" * 280 + "sk-canary-secret" * 20,
        "  " * 900 + "sk-canary-secret",
        "Incorrect API key provided: sk-proj-0123456789abcdef",
    ],
)
def test_no_key_is_ever_echoed(text: str) -> None:
    for body in (provider(text), text.encode(), status_failure(text), wrapped(text), {"detail": text}):
        error = refused(401, body)
        for shown in (str(error), repr(error), error.message):
            assert "canary" not in shown
            assert "0123456789" not in shown


def test_short_secrets_do_not_blot_a_message() -> None:
    assert redacted("a cat sat", ["a", "", "sat"]) == "a cat sat"
    assert redacted("the longer-secret", ["longer", "longer-secret"]) == "the ***"


@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["error", "message", "status", "type", "code", "data", "success", "html-message", "errors"]
                )
                | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "date", "x-portkey-retry-attempt-count", "request-id"]),
        st.text(max_size=30),
    ),
)
def test_any_answer_becomes_a_failure_on_one_visible_line(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    error = failure(status, headers, body, ASKED, now=0.0)
    assert "\n" not in error.message
    assert "\x1b" not in error.message
    assert len(error.message) < LONGEST_MESSAGE + 400
    assert error.retry_after is None or error.retry_after >= 0


def test_a_hostile_long_body_is_read_quickly() -> None:
    for piece in (b"Message: ", b"<script ", b"<", b"model ", b"[", b'{"error":'):
        refused(500, piece * 20_000)
