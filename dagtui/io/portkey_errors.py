"""What the body of a refusal says, in whichever of Portkey's, the provider's or a proxy's shapes it comes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

_LONGEST = 4000
"""Characters of a text that are looked at: enough for any message, and too few to hurt a pattern."""

_WRAPPED = re.compile(r"^Invalid response received from [\w.-]+: (.*)$", re.DOTALL)
_NETWORK = re.compile(r"Message: (.*?) Cause: (.*?) Name: (\w+)", re.DOTALL)
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What could be read from the body. `by_gateway`: the gateway itself refused, no provider was asked."""

    message: str = ""
    type: str = ""
    code: str = ""
    cause: str = ""
    by_gateway: bool = False
    by_provider: bool = False
    input_denied: bool = False
    is_json: bool = False


def read_error(text: str) -> Said:
    """Find what is told in the body `text`; whatever it is, this does not raise."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return Said(_plain(text), cause=_cause(text))
    if not isinstance(data, dict):
        return Said(_short(text), is_json=True)
    found = cast("dict[str, Any]", data)
    error = found.get("error")
    if "html-message" in found:
        return _from_html(found["html-message"])
    if found.get("success") is False and isinstance(found.get("data"), dict):
        inner = cast("dict[str, Any]", found["data"])
        return Said(_str(inner.get("message")), code=_str(inner.get("errorCode")), by_gateway=True, is_json=True)
    if found.get("status") == "failure":
        inner = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
        details = found.get("errors")
        more = f" ({'; '.join(map(str, cast('list[object]', details)))})" if isinstance(details, list) else ""
        message = (_str(found.get("message")) or _str(inner.get("message"))) + more
        return Said(message, _str(inner.get("type")), _str(inner.get("code")), by_gateway=True, is_json=True)
    if isinstance(error, dict):
        return _from_error(cast("dict[str, Any]", error), found)
    return Said(_str(error) or _str(found.get("message")) or _str(found.get("detail")), is_json=True)


def _from_error(error: dict[str, Any], found: dict[str, Any]) -> Said:
    message, whole = _str(error.get("message")), error.get("message")
    if isinstance(whole, str) and (wrapped := _WRAPPED.match(whole)):
        try:
            inner: object = json.loads(wrapped[1])
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict) and "html-message" in inner:
            return _from_html(cast("dict[str, Any]", inner)["html-message"])
        return Said(message, "invalid_provider_response", cause=_cause(message), is_json=True)
    return Said(
        message,
        _str(error.get("type")),
        _str(error.get("code")),
        cause=_cause(message),
        by_provider=True,
        input_denied=_input_denied(found.get("hook_results")),
        is_json=True,
    )


def _from_html(value: object) -> Said:
    text = _str(value)
    return Said(_plain(text), cause=_cause(text), is_json=True)


def _input_denied(results: object) -> bool:
    """Whether a guardrail refused before the provider was asked."""
    before = cast("dict[str, Any]", results).get("before_request_hooks") if isinstance(results, dict) else None
    hooks = cast("list[object]", before) if isinstance(before, list) else []
    return any(isinstance(hook, dict) and cast("dict[str, Any]", hook).get("verdict") is False for hook in hooks)


def _cause(text: str) -> str:
    found = _NETWORK.search(_short(text))
    return f"{found[1]} {found[2]}" if found else ""


def _plain(text: str) -> str:
    """Text without markup, for pages."""
    text = _short(text)
    return _TAG.sub(" ", text) if "<" in text else text


def _short(text: str) -> str:
    return text[:_LONGEST]


def _str(value: object) -> str:
    if isinstance(value, str):
        return _short(value)
    return "" if value is None or isinstance(value, (dict, list)) else str(value)
