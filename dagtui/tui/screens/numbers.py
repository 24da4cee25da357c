"""The numbers that a user may set on the setup screen: what each may be, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dagtui.core.run_settings import MAX_ATTEMPTS, MAX_CONCURRENCY, RunSettings


@dataclass(frozen=True, slots=True)
class Number:
    """A field. `whole` allows no fraction; with `may_be_blank`, nothing typed means none."""

    name: str
    label: str
    about: str
    least: float
    most: float
    whole: bool = True
    may_be_blank: bool = False
    placeholder: str = ""

    def shown(self, settings: RunSettings) -> str:
        """The present value as text."""
        value = getattr(settings, self.name)
        return "" if value is None else f"{value:g}"

    def note(self, text: str) -> str:
        """What is said beside the field when nothing is wrong."""
        return "no cap of your own" if self.may_be_blank and not text else self.about

    def read(self, text: str) -> float | None:
        """The number in `text`.

        Raises:
            ValueError: a sentence that says what it may be.
        """
        if not text and self.may_be_blank:
            return None
        digits = text.replace(",", "").replace("_", "")
        try:
            value = float(digits)
        except ValueError:
            value = math.nan
        if not self.least <= value <= self.most or (self.whole and value != int(value)):
            kind = "a whole number" if self.whole else "a number"
            blank = ", or nothing" if self.may_be_blank else ""
            raise ValueError(f"must be {kind} from {self.least:,g} to {self.most:,.0f}{blank}")
        return value


NUMBERS: tuple[Number, ...] = (
    Number("concurrency", "concurrency", "requests at once; + and - change it while it runs", 1, MAX_CONCURRENCY),
    Number("attempts", "attempts", "tries a request; waiting out a rate limit is not counted", 1, MAX_ATTEMPTS),
    Number(
        "requests_per_minute", "req/minute", "a cap of your own", 0.1, 10_000_000,
        whole=False, may_be_blank=True, placeholder="no cap",
    ),
    Number("timeout", "timeout", "seconds that one attempt may take", 0.1, 86_400, whole=False),
)  # fmt: skip


def settings_from(before: RunSettings, texts: Mapping[str, str]) -> tuple[RunSettings, dict[str, str]]:
    """`before` with the numbers in `texts`, and sentences by field for those that cannot be taken."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for number in NUMBERS:
        try:
            value = number.read(texts[number.name])
        except ValueError as error:
            wrong[number.name] = str(error)
        else:
            values[number.name] = int(value) if number.whole and value is not None else value
    return replace(before, **values), wrong
