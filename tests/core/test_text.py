from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.text import UNSAFE, one_line, visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("a\x9b31mb", "a·31mb"),
        ("user\u202egpj.exe", "user·gpj.exe"),
        ("half \ud83d", "half ·"),
        ("nul\x00", "nul␀"),
        ("fine\ttext\n", "fine\ttext\n"),
        ("[/b] é 漢字 🎉", "[/b] é 漢字 🎉"),
    ],
)
def test_what_could_steer_a_terminal_is_made_visible(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_one_line_folds_white_space_and_cuts() -> None:
    assert one_line("a\n\n  b\tc", 80) == "a b c"
    assert one_line("x" * 1_000_000, 10) == "xxxxxxxxx…"


@given(st.text(st.characters()))
def test_nothing_unsafe_is_left(text: str) -> None:
    assert not UNSAFE.search(visible(text))
    assert not UNSAFE.search(one_line(text, 40))
    assert len(one_line(text, 40)) <= 40
