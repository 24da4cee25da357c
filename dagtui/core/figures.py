"""Numbers as people read them. What is unknown reads `n/a`, never 0."""

from __future__ import annotations

from decimal import Decimal

UNKNOWN = "n/a"
_MINUTE, _HOUR = 60, 3600


def count(number: int | None) -> str:
    """`1,204`."""
    return UNKNOWN if number is None else f"{number:,}"


def short_count(number: int) -> str:
    """At most five characters: `8,945` as it is, then `89.4k`, `1.20M`."""
    if number < 10_000:
        return f"{number:,}"
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return (
                f"{value:.2f}{letter}"
                if value < 10
                else f"{value:.1f}{letter}"
                if value < 100
                else f"{value:.0f}{letter}"
            )
    return f"{number:,}"


def rate(per_second: float) -> str:
    """`27.2`, or `1,204` where tenths no longer matter."""
    return f"{per_second:,.0f}" if per_second >= 999.95 else f"{per_second:.1f}"


def percent(part: float, whole: float) -> str:
    """`62.4%`; nothing of nothing is 0, and only all of it is 100."""
    share = 100 * part / whole if whole else 0.0
    return f"{min(share, 99.9) if part < whole else share:.1f}%"


def seconds(duration: float | None) -> str:
    """`67 ms`, `0.42 s`, `12.3 s`, `2m 05s`."""
    if duration is None:
        return UNKNOWN
    if duration < 0.0995:
        return f"{duration * 1000:.0f} ms"
    if duration < 9.995:
        return f"{duration:.2f} s"
    if duration < 99.95:
        return f"{duration:.1f} s"
    if duration < _HOUR:
        return f"{int(duration) // _MINUTE}m {int(duration) % _MINUTE:02d}s"
    return f"{int(duration) // _HOUR}h {int(duration) % _HOUR // _MINUTE:02d}m"


def clock(duration: float | None) -> str:
    """`0:12`, `1:02:03`; `-:--` while unknown."""
    if duration is None:
        return "-:--"
    whole = int(duration)
    hours, rest = divmod(whole, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def money(dollars: Decimal | None) -> str:
    """Six decimals below a dollar, four below a hundred, then cents."""
    if dollars is None:
        return UNKNOWN
    if abs(dollars) < 1:
        return f"${dollars:.6f}"
    return f"${dollars:,.4f}" if abs(dollars) < 100 else f"${dollars:,.2f}"


def size(number: int) -> str:
    """Bytes: `812 B`, `13.4 kB`, `1.2 MB`."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def kind_words(kind: str) -> str:
    """`rate_limited` as words."""
    return kind.replace("_", " ")
