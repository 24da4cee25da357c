"""Two figures are the same, but for the order in which their parts were added up."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where `one` and `other` differ; floats may do so in their last digits."""
    if is_dataclass(one) and type(one) is type(other):
        return [
            told
            for field in fields(one)
            for told in differences(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
        ]
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return [
            told
            for at, pair in enumerate(zip(one, other, strict=True))
            for told in differences(*pair, f"{where}[{at}]")
        ]
    both = isinstance(one, float) and isinstance(other, float)
    alike = one == pytest.approx(other, rel=1e-6, abs=1e-6) if both else one == other
    return [] if alike else [f"{where}: {one!r} is not {other!r}"]
