"""The numbers that a user may set on the setup screen: what each may be, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from dagtui.core.run_settings import MAX_ATTEMPTS, MAX_CONCURRENCY, RunSettings

AUTO = "auto"
FIRST = 20  # requests at once that automatic concurrency begins with


@dataclass(frozen=True, slots=True)
class Number:
    """A field. `whole` allows no fraction; with `may_be_blank`, nothing typed means none: `blank` says what that
    means. `money` is exact.

    Where `may_be_left` says what that means, `auto` may be typed, which leaves the number to the program.
    """

    name: str
    label: str
    about: str
    least: float
    most: float
    whole: bool = True
    may_be_blank: bool = False
    placeholder: str = ""
    may_be_left: str = ""
    blank: str = "no cap of your own"
    money: bool = False

    def shown(self, settings: RunSettings) -> str:
        """The present value as text."""
        if self.may_be_left and settings.automatic:
            return AUTO
        value = getattr(settings, self.name)
        return "" if value is None else f"{value:f}" if self.money else f"{value:g}"

    def note(self, text: str) -> str:
        """What is said beside the field when nothing is wrong."""
        if self.is_left(text):
            return self.may_be_left
        return self.blank if self.may_be_blank and not text else self.about

    def is_left(self, text: str) -> bool:
        """Whether `text` leaves the number to the program."""
        return bool(self.may_be_left) and text.lower() == AUTO

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
            other = ", or nothing" if self.may_be_blank else f", or {AUTO}" if self.may_be_left else ""
            raise ValueError(f"must be {kind} from {self.least:,g} to {self.most:,.0f}{other}")
        return value


NUMBERS: tuple[Number, ...] = (
    Number(
        "concurrency", "concurrency", f"requests at once, or {AUTO}; + and - change it while it runs",
        1, MAX_CONCURRENCY, may_be_left="as many as the limits allow, found as it runs",
    ),
    Number("attempts", "attempts", "tries a request; waiting out a rate limit is not counted", 1, MAX_ATTEMPTS),
    Number(
        "requests_per_minute", "req/minute", "a cap of your own", 0.1, 10_000_000,
        whole=False, may_be_blank=True, placeholder="no cap",
    ),
    Number(
        "max_cost", "budget $", "the most that it may cost; b changes it while it runs", 0.0001, 1_000_000,
        whole=False, may_be_blank=True, placeholder="none", blank="no budget", money=True,
    ),
    Number(
        "pilot", "pilot", "records; then it asks whether to go on", 1, 1_000_000_000,
        may_be_blank=True, placeholder="none", blank="none: all records at once",
    ),
    Number("timeout", "timeout", "seconds that one attempt may take", 0.1, 86_400, whole=False),
)  # fmt: skip


def settings_from(before: RunSettings, texts: Mapping[str, str]) -> tuple[RunSettings, dict[str, str]]:
    """`before` with the numbers in `texts`, and sentences by field for those that cannot be taken."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for number in NUMBERS:
        text = texts[number.name]
        if number.is_left(text):
            values |= {"automatic": True, number.name: before.concurrency if before.automatic else FIRST}
            continue
        try:
            value = number.read(text)
        except ValueError as error:
            wrong[number.name] = str(error)
            continue
        exact = Decimal(text.replace(",", "").replace("_", "")) if number.money and value is not None else value
        values[number.name] = int(value) if number.whole and value is not None else exact
        if number.may_be_left:
            values["automatic"] = False
    return replace(before, **values), wrong


def at_once(settings: RunSettings) -> str:
    """How many at once, in words."""
    if settings.automatic:
        return f"automatic, at most {settings.ceiling:,} at once"
    return f"{settings.concurrency:,} at once"
