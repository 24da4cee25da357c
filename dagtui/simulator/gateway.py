"""What a caller's headers ask of the simulator: to be the provider, or the Portkey gateway in front of it.

A call with any x-portkey-* header is addressed to a gateway; without one it comes from a gateway, or from
somebody who speaks to the provider directly. The sentences are those of the open-source gateway 1.15.2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from dagtui.simulator.wire import provider_of

DEMO_ORGANISATION = "demo"
NO_PROVIDER = "Either x-portkey-config or x-portkey-provider header is required"
NO_PROVIDER_IN_CONFIG = (
    "Either x-portkey-provider needs to be passed. "
    "Or the x-portkey-config header should have a valid config with provider details in it."
)
BAD_CONFIG = "Invalid config passed. You need to pass a valid json"
RETRIED_BY_DEFAULT = frozenset({429, 500, 502, 503, 504})

_PROVIDER_HEADERS = ("x-api-key", "authorization", "anthropic-version", "anthropic-beta")


@dataclass(frozen=True, slots=True)
class Retries:
    """Retries that a gateway makes without telling: how many after the first call, and on which statuses."""

    attempts: int = 0
    on_status_codes: frozenset[int] = RETRIED_BY_DEFAULT


@dataclass(frozen=True, slots=True)
class Config:
    """What the simulator reads of an x-portkey-config."""

    provider: str | None = None
    api_key: str | None = None
    retries: Retries = Retries()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and through what."""

    organisation: str
    as_gateway: bool
    provider: str
    trace_id: str
    metadata: str | None
    retries: Retries


class RefusedByGatewayError(Exception):
    """The gateway answers 400 by itself; the text is its message."""


def read_caller(headers: Mapping[str, str], body: bytes) -> Caller:
    """Read the headers of a call; raises RefusedByGatewayError. `headers` are case-insensitive."""
    ours = {name.lower() for name in headers if name[:10].lower() == "x-portkey-"}
    # A real gateway in front of us may forward the trace id, beside what it sends to a provider.
    forwarded = ours == {"x-portkey-trace-id"} and any(name in headers for name in _PROVIDER_HEADERS)
    as_gateway = bool(ours) and not forwarded
    config = _read_config(headers.get("x-portkey-config"))
    provider = headers.get("x-portkey-provider") or config.provider or ""
    if not provider or provider.startswith("@"):
        provider = _provider_in(provider, as_gateway, body, headers)
    key = headers.get("authorization", "").removeprefix("Bearer ").strip() or headers.get("x-api-key", "")
    return Caller(
        organisation=key or config.api_key or DEMO_ORGANISATION,
        as_gateway=as_gateway,
        provider=provider,
        trace_id=headers.get("x-portkey-trace-id", ""),
        metadata=headers.get("x-portkey-metadata"),
        retries=config.retries if as_gateway else Retries(),
    )


def gateway_headers(caller: Caller, retry_count: int) -> dict[str, str]:
    """What the gateway adds to an answer; `retry_count` is -1 when its retries ran out."""
    return {
        "x-portkey-last-used-option-index": "config",
        "x-portkey-provider": caller.provider,
        "x-portkey-retry-attempt-count": str(retry_count),
        "x-portkey-cache-status": "DISABLED",
        "x-portkey-trace-id": caller.trace_id,
    }


def refusal_body(message: str) -> bytes:
    """The body of an answer that the gateway makes by itself."""
    return json.dumps({"status": "failure", "message": message}).encode()


def _provider_in(slug: str, as_gateway: bool, body: bytes, headers: Mapping[str, str]) -> str:
    """The provider of a call that does not name it in plain: by a slug, or by the model."""
    model = _model_in(body)
    if slug or model.startswith("@"):
        return provider_of(model) or (slug or model)[1:].partition("/")[0]
    if as_gateway:
        raise RefusedByGatewayError(NO_PROVIDER_IN_CONFIG if "x-portkey-config" in headers else NO_PROVIDER)
    if not any(name in headers for name in _PROVIDER_HEADERS):
        # No provider would be called like this, so it is a gateway's caller who forgot to name one.
        raise RefusedByGatewayError(NO_PROVIDER)
    return provider_of(model) or "anthropic"


def _model_in(body: bytes) -> str:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    model = cast("dict[str, object]", parsed).get("model") if isinstance(parsed, dict) else None
    return model if isinstance(model, str) else ""


@lru_cache(maxsize=256)
def _read_config(text: str | None) -> Config:
    if text is None:
        return Config()
    try:
        parsed: object = json.loads(text)
    except ValueError as error:
        raise RefusedByGatewayError(BAD_CONFIG) from error
    if not isinstance(parsed, dict):
        raise RefusedByGatewayError(BAD_CONFIG)
    fields = cast("dict[str, object]", parsed)
    targets = [cast("dict[str, object]", item) for item in _list(fields.get("targets")) if isinstance(item, dict)]
    target = fields | targets[0] if targets else fields
    provider, key = target.get("provider"), target.get("api_key")
    return Config(
        provider=provider if isinstance(provider, str) else None,
        api_key=key if isinstance(key, str) else None,
        retries=_read_retries(target.get("retry")),
    )


def _read_retries(value: object) -> Retries:
    if not isinstance(value, dict):
        return Retries()
    retry = cast("dict[str, object]", value)
    attempts = retry.get("attempts", 0)
    if not isinstance(attempts, int) or isinstance(attempts, bool):
        raise RefusedByGatewayError("Invalid config passed")
    codes = [code for code in _list(retry.get("on_status_codes")) if isinstance(code, int)]
    return Retries(max(0, attempts), frozenset(codes) or RETRIED_BY_DEFAULT)


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
