"""What is worth knowing of a provider's limits in the next run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from dagtui.core.pacing.departure import Kind


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: units a second, the largest burst (None while unknown), and whether "remaining" tells of it."""

    rate: float
    capacity: float | None = None
    trusted: bool = True
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Learnt:
    """The limits of one model at one gateway, and how its answers turned out. All of it may be out of date."""

    buckets: Mapping[Kind, Bucket] = field(default_factory=dict[Kind, Bucket])
    concurrency: int | None = None
    unlimited_in_flight: int | None = None
    """So many were in flight at once, and nothing was refused."""
    tokens_per_character: float | None = None
    output: float | None = None


def to_plain(learnt: Learnt) -> dict[str, Any]:
    """As JSON can hold it."""
    buckets = {
        kind.name.lower(): {
            "rate": bucket.rate,
            "capacity": bucket.capacity,
            "trusted": bucket.trusted,
            "measured": bucket.measured,
        }
        for kind, bucket in learnt.buckets.items()
    }
    return {
        "buckets": buckets,
        "concurrency": learnt.concurrency,
        "unlimited_in_flight": learnt.unlimited_in_flight,
        "tokens_per_character": learnt.tokens_per_character,
        "output": learnt.output,
    }


def from_plain(plain: object) -> Learnt | None:
    """What `to_plain` made, or None if it is anything else: what cannot be read is not known."""
    if not isinstance(plain, dict):
        return None
    members = cast("dict[str, Any]", plain)
    found: dict[Kind, Bucket] = {}
    for name, value in _members(members.get("buckets")).items():
        bucket = _members(value)
        rate, capacity = _positive(bucket.get("rate")), _positive(bucket.get("capacity"))
        if rate is not None and name.upper() in Kind.__members__:
            trusted, measured = bucket.get("trusted") is not False, bucket.get("measured") is True
            found[Kind[name.upper()]] = Bucket(rate, capacity, trusted, measured)
    concurrency, at_once = _positive(members.get("concurrency")), _positive(members.get("unlimited_in_flight"))
    return Learnt(
        found,
        None if concurrency is None else max(1, int(concurrency)),
        None if at_once is None else max(1, int(at_once)),
        _positive(members.get("tokens_per_character")),
        _positive(members.get("output")),
    )


def _members(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 and math.isfinite(value) else None
