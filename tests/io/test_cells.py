from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from dagtui.io.cells import json_line


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (Decimal("0.000801"), 0.000801),
        (Decimal("NaN"), "NaN"),
        (float("inf"), None),
        (2**80, 2**80),
        ([Decimal("0.5"), float("nan")], [0.5, None]),
        (date(2026, 11, 22), "2026-11-22"),
        ("half \ud83d of a character", "half \ud83d of a character"),
        ("größer\u2028", "größer\u2028"),
    ],
)
def test_a_value_is_what_it_was_when_the_line_is_read_again(value: object, read: object) -> None:
    line = json_line({"n": 1, "value": value})
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line) == {"n": 1, "value": read}
