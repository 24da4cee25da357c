"""What an answer's headers say: when to come back, how much room is left, how often the gateway tried.

Pure functions over a mapping with lower-case names, and a `Reader` for the answers that succeed, which are many.
Nothing here raises: a malformed header says nothing.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from dagtui.core.model import Headroom, RateLimits
from dagtui.core.value import value as immutable

_NUMBER = re.compile(r"\d{1,18}(\.\d*)?([eE]\d{1,2})?")
_MOST_DIGITS = 15
_REMEMBERED_ORDERS = 64
_DURATION = re.compile(
    r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:([\d.]{1,20})s)?(?:([\d.]{1,20})ms)?"
)
_RETRIES = "x-portkey-retry-attempt-count"
_REQUEST_IDS = ("request-id", "x-request-id", "apim-request-id")


def named(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers of an answer by their names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


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
        at = _http_date(value.encode("latin-1", "replace"))
        if at is not None and unit == 1.0:
            wait = at - _moment(headers, now)
            return wait if wait >= 0 else None
    return None


def rate_limits(headers: Mapping[str, str], now: float | None = None) -> RateLimits | None:
    """The provider's limits (Anthropic's and OpenAI's families of headers), or None when there are none.

    Anthropic tells resets as moments (RFC 3339), OpenAI as durations ("6m0s", "20ms"). Where input and output
    tokens share one limit it is told as the input's.
    """
    values = [value.encode("latin-1", "replace") for value in headers.values()]
    return _Layout(headers).limits([*values, b""], now)


def gateway_retries(headers: Mapping[str, str]) -> int:
    """Attempts that the gateway made beyond the first.

    It says -1 when its retries ran out, without a number; that is told as 1, since at least one was made or
    refused, and 0 would say that none was.
    """
    return _retries(headers.get(_RETRIES, "").encode("latin-1", "replace"))


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's name for the exchange, for its support."""
    return next((found for name in _REQUEST_IDS if (found := headers.get(name))), None)


@immutable
class Told:
    """What the headers of a good answer say; `provider` is empty where the gateway does not name it."""

    limits: RateLimits | None
    gateway_retries: int
    request_id: str | None
    provider: str


class Reader:
    """Reads the headers of good answers.

    A server names the same ones in the same order nearly every time, so where they stand is found once for each
    order: there are twenty, and an answer has no time to look at them all.
    """

    def __init__(self) -> None:
        self._layouts: dict[tuple[bytes, ...], _Layout] = {}

    def read(self, headers: Sequence[tuple[bytes, bytes]]) -> Told:
        """What they say."""
        names = tuple([name for name, _ in headers])
        layout = self._layouts.get(names)
        if layout is None:
            if len(self._layouts) >= _REMEMBERED_ORDERS:
                self._layouts.clear()
            layout = self._layouts[names] = _Layout([name.decode("latin-1").lower() for name in names])
        values = [value for _, value in headers]
        values.append(b"")
        ids = (values[place] for place in layout.request_ids)
        return Told(
            layout.limits(values, None),
            _retries(values[layout.retries]),
            next((found.decode("latin-1") for found in ids if found), None),
            values[layout.provider].decode("latin-1"),
        )


_Room = tuple[int, int, int]


class _Layout:
    """Where in a list of headers those stand that matter; -1 stands for one that is missing.

    The values that it is shown have an empty one at their end, which is what -1 finds.
    """

    __slots__ = ("_date", "_openai", "_rooms", "provider", "request_ids", "retries")

    def __init__(self, names: Iterable[str]) -> None:
        place = {name: number for number, name in enumerate(names)}

        def room(pattern: str) -> _Room:
            limit, remaining, reset = (
                place.get(pattern.format(part), -1) for part in ("limit", "remaining", "reset")
            )
            return limit, remaining, reset

        self._date = place.get("date", -1)
        self._openai = _is_openai(place)
        if self._openai:
            self._rooms = (
                room("x-ratelimit-{}-requests"),
                room("x-ratelimit-{}-tokens"),
                (-1, -1, -1),
                (-1, -1, -1),
            )
        else:
            ours = ("requests", "input-tokens", "tokens", "output-tokens")
            requests, inputs, both, outputs = (room(f"anthropic-ratelimit-{what}-{{}}") for what in ours)
            self._rooms = (requests, inputs, both, outputs)
        self.retries = place.get(_RETRIES, -1)
        self.request_ids = [place[name] for name in _REQUEST_IDS if name in place]
        self.provider = place.get("x-portkey-provider", -1)

    def limits(self, values: Sequence[bytes], now: float | None) -> RateLimits | None:
        """The limits that `values` tell; `now` (epoch seconds) is when the answer was made, if it has no date."""
        moment: float | None = None
        if not self._openai:
            moment = _http_date(values[self._date])
            if moment is None:
                moment = time.time() if now is None else now
        at_requests, at_inputs, at_both, at_outputs = self._rooms
        requests = _headroom(values, at_requests, moment)
        inputs = _headroom(values, at_inputs, moment) or _headroom(values, at_both, moment)
        outputs = _headroom(values, at_outputs, moment)
        if requests is None and inputs is None and outputs is None:
            return None
        return RateLimits(requests, inputs, outputs)


def _is_openai(names: Container[str]) -> bool:
    if "anthropic-ratelimit-requests-limit" in names or "anthropic-ratelimit-requests-remaining" in names:
        return False
    return "x-ratelimit-limit-requests" in names or "x-ratelimit-limit-tokens" in names


def _headroom(values: Sequence[bytes], room: _Room, moment: float | None) -> Headroom | None:
    """What is left of one limit. Its reset is a moment where `moment` says when the answer was made, else a
    duration.
    """
    at_limit, at_remaining, at_reset = room
    limit, remaining = _whole(values[at_limit]), _whole(values[at_remaining])
    if limit is None and remaining is None:
        return None
    if moment is None:
        return Headroom(limit, remaining, _duration(values[at_reset].decode("latin-1")))
    at = _rfc3339(values[at_reset])
    return Headroom(limit, remaining, None if at is None else max(0.0, at - moment))


def _retries(value: bytes) -> int:
    value = value.strip()
    return 1 if value == b"-1" else _whole(value) or 0


def _whole(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else None


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
    date = _http_date(headers.get("date", "").encode("latin-1", "replace"))
    if date is not None:
        return date
    return time.time() if now is None else now


@lru_cache(maxsize=128)
def _http_date(value: bytes) -> float | None:
    try:
        return _epoch(parsedate_to_datetime(value.decode("latin-1")))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@lru_cache(maxsize=128)
def _rfc3339(value: bytes) -> float | None:
    try:
        return _epoch(datetime.fromisoformat(value.decode("latin-1"))) if b"T" in value else None
    except (ValueError, OverflowError):
        return None


def _epoch(at: datetime) -> float | None:
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else None
