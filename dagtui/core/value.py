"""Immutable values that cost nothing: the type checker forbids to change them, the running program does not.

`@dataclass(frozen=True)` makes each field's first assignment a call of its own, and a request makes seventeen
values: twelve microseconds of it, as much as reading its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

T = TypeVar("T")


if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True)
    def value(cls: type[T]) -> type[T]:
        """A dataclass with slots whose fields never change."""
        ...

else:
    value = dataclass(slots=True, unsafe_hash=True)
