"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dagtui.core import figures


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (8_945, "8,945"),
        (10_000, "10.0k"),
        (89_449, "89.4k"),
        (123_456, "123k"),
        (1_204_000, "1.20M"),
        (2_000_000_000, "2.00G"),
    ],
)
def test_short_counts(number: int, words: str) -> None:
    assert figures.short_count(number) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (None, "n/a"),
        (0.067, "67 ms"),
        (0.42, "0.42 s"),
        (9.99, "9.99 s"),
        (9.999, "10.0 s"),
        (125.4, "2m 05s"),
        (3725, "1h 02m"),
    ],
)
def test_durations(duration: float | None, words: str) -> None:
    assert figures.seconds(duration) == words


@pytest.mark.parametrize(
    ("dollars", "words"),
    [
        (None, "n/a"),
        ("0", "$0.000000"),
        ("0.023416", "$0.023416"),
        ("12.34567", "$12.3457"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_money(dollars: str | None, words: str) -> None:
    assert figures.money(None if dollars is None else Decimal(dollars)) == words


def test_clocks_rates_percents_and_sizes() -> None:
    assert (figures.clock(None), figures.clock(72.9), figures.clock(3723)) == ("-:--", "1:12", "1:02:03")
    assert (figures.rate(27.24), figures.rate(1204.4)) == ("27.2", "1,204")
    assert (figures.percent(1, 3), figures.percent(0, 0)) == ("33.3%", "0.0%")
    assert (figures.percent(9_999, 10_000), figures.percent(10_000, 10_000)) == ("99.9%", "100.0%")
    assert (figures.size(812), figures.size(13_400), figures.size(1_200_000)) == ("812 B", "13.4 kB", "1.2 MB")
    assert (figures.count(None), figures.count(1204)) == ("n/a", "1,204")
