from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.text import UNSAFE, keyless, named, one_line, visible


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
        ("e" + "\u0301" * 30 + "nd", "e" + "\u0301" * 8 + "·nd"),
        ("cafe\u0301", "cafe\u0301"),
        ("\u2764\ufe0f", "\u2764"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468·\U0001f469"),
        ("soft\u00adhyphen", "soft·hyphen"),
    ],
)
def test_what_could_steer_a_terminal_is_made_visible(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_one_line_folds_white_space_and_cuts() -> None:
    assert one_line("a\n\n  b\tc", 80) == "a b c"
    assert one_line("x" * 1_000_000, 10) == "xxxxxxxxx…"


def test_a_name_is_on_one_line_and_not_too_long() -> None:
    assert named("a\nb\tc") == "a␊b␉c"
    assert named("x" * 20_000) == "x" * 79 + "…"


def test_what_looks_like_a_key_is_hidden() -> None:
    assert keyless("401 for Bearer abcdefgh1234 and sk-ant-0123456789abcdef.") == "401 for Bearer *** and ***."


@given(st.text(st.characters()))
def test_nothing_unsafe_is_left(text: str) -> None:
    assert not UNSAFE.search(visible(text))
    assert not UNSAFE.search(one_line(text, 40))
    assert len(one_line(text, 40)) <= 40
