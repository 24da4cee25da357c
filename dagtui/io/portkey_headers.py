"""What an answer's headers say: when to come back, how much room is left, how often the gateway tried.

Pure functions over a mapping with lower-case names. Nothing here raises: a malformed header says nothing.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from dagtui.core.model import Headroom, RateLimits

_NUMBER = re.compile(r"\d{1,18}(\.\d*)?([eE]\d{1,2})?")
_MOST_DIGITS = 15
_REMEMBERED_NAMES = 200
_DURATION = re.compile(
    r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:([\d.]{1,20})s)?(?:([\d.]{1,20})ms)?"
)
_ANTHROPIC = "anthropic-ratelimit-"
_ANTHROPIC_NAMES = {
    what: tuple(f"{_ANTHROPIC}{what}-{part}" for part in ("limit", "remaining", "reset"))
    for what in ("requests", "tokens", "input-tokens", "output-tokens")
}


class Names(dict[bytes, str]):
    """Names of headers in lower case, remembered: an answer has twenty, and they hardly ever change."""

    def __missing__(self, raw: bytes) -> str:
        name = raw.decode("latin-1").lower()
        if len(self) < _REMEMBERED_NAMES:
            self[raw] = name
        return name

    def named(self, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
        """The headers of an answer by name."""
        return {self[name]: value.decode("latin-1") for name, value in headers}


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that the provider asks us to stay away, or None when it says nothing that can be used.

    A date counts from the answer's own `date`, so that our clock does not matter; else from `now` (epoch
    seconds). However long, the wait is told as it is: what is too long is for the retry policy to say.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        value = value.strip()
        if _NUMBER.fullmatch(value):
            return float(value) / unit
        at = _http_date(value)
        if at is not None and unit == 1.0:
            wait = at - _moment(headers, now)
            return wait if wait >= 0 else None
    return None


def rate_limits(headers: Mapping[str, str], now: float | None = None) -> RateLimits | None:
    """The provider's limits (Anthropic's and OpenAI's families of headers), or None when there are none.

    Anthropic tells resets as moments (RFC 3339), OpenAI as durations ("6m0s", "20ms"). Where input and output
    tokens share one limit it is told as the input's.
    """
    if f"{_ANTHROPIC}requests-limit" in headers or f"{_ANTHROPIC}requests-remaining" in headers:
        moment = _moment(headers, now)
        inputs = _anthropic(headers, "input-tokens", moment)
        if inputs is None:
            inputs = _anthropic(headers, "tokens", moment)
        requests, outputs = _anthropic(headers, "requests", moment), _anthropic(headers, "output-tokens", moment)
    elif any(name in headers for name in ("x-ratelimit-limit-requests", "x-ratelimit-limit-tokens")):
        requests, inputs, outputs = _openai(headers, "requests"), _openai(headers, "tokens"), None
    else:
        moment = _moment(headers, now)
        requests, outputs = None, _anthropic(headers, "output-tokens", moment)
        inputs = _anthropic(headers, "input-tokens", moment) or _anthropic(headers, "tokens", moment)
    if requests is None and inputs is None and outputs is None:
        return None
    return RateLimits(requests, inputs, outputs)


def gateway_retries(headers: Mapping[str, str]) -> int:
    """Attempts that the gateway made beyond the first.

    It says -1 when its retries ran out, without a number; that is told as 1, since at least one was made or
    refused, and 0 would say that none was.
    """
    value = headers.get("x-portkey-retry-attempt-count", "").strip()
    if value == "-1":
        return 1
    return _whole(value) or 0


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's name for the exchange, for its support."""
    return headers.get("request-id") or headers.get("x-request-id") or headers.get("apim-request-id") or None


def _anthropic(headers: Mapping[str, str], what: str, moment: float) -> Headroom | None:
    limit, remaining, reset = _ANTHROPIC_NAMES[what]
    at = _rfc3339(headers.get(reset, ""))
    return _headroom(
        _whole(headers.get(limit)), _whole(headers.get(remaining)), None if at is None else max(0.0, at - moment)
    )


def _openai(headers: Mapping[str, str], what: str) -> Headroom | None:
    return _headroom(
        _whole(headers.get(f"x-ratelimit-limit-{what}")),
        _whole(headers.get(f"x-ratelimit-remaining-{what}")),
        _duration(headers.get(f"x-ratelimit-reset-{what}", "")),
    )


def _headroom(limit: int | None, remaining: int | None, reset_s: float | None) -> Headroom | None:
    if limit is None and remaining is None:
        return None
    return Headroom(limit, remaining, reset_s)


def _whole(value: str | None) -> int | None:
    if value is None or len(value) > _MOST_DIGITS or not (value.isascii() and value.isdecimal()):
        return None
    return int(value)


def _duration(value: str) -> float | None:
    """Seconds of "1h2m3.5s", "20ms" or a bare number of seconds."""
    if _NUMBER.fullmatch(value):
        return float(value)
    parts = _DURATION.fullmatch(value) if value else None
    if parts is None:
        return None
    units = (86400.0, 3600.0, 60.0, 1.0, 0.001)
    try:
        return sum(float(part) * unit for part, unit in zip(parts.groups(), units, strict=True) if part)
    except ValueError:
        return None


def _moment(headers: Mapping[str, str], now: float | None) -> float:
    """Epoch seconds at which the answer was made."""
    date = _http_date(headers.get("date", ""))
    if date is not None:
        return date
    return time.time() if now is None else now


@lru_cache(maxsize=128)
def _http_date(value: str) -> float | None:
    try:
        at = parsedate_to_datetime(value)
        return _epoch(at)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@lru_cache(maxsize=128)
def _rfc3339(value: str) -> float | None:
    try:
        return _epoch(datetime.fromisoformat(value)) if "T" in value else None
    except (ValueError, OverflowError):
        return None


def _epoch(at: datetime) -> float | None:
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else None
