"""Whatever a model or a record says gets into the journal and out again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.events import RecordRead, RequestEnded
from dagtui.core.model import Cancelled, Skipped, Usage
from dagtui.io.journal import JournalReader
from dagtui.io.journal.rows import pico, ranges, well
from tests.io.journal.helpers import NOW, answered, asked, failed_attempt, failure, past_of, read, session, success

HOSTILE = [
    "plain",
    "",
    "NUL \0 inside",
    "half a character \ud83d here",
    "\udcff\udc80",
    "emoji 👩‍👩‍👧 and ünïcode",
    'quotes " and \\ and \n lines',
    '{"json": [1, 2.5, null]}',
    "␀ the picture itself",
    "x" * 200_000,
    "\x1b[31m\x07",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_an_answer_comes_back_character_for_character(tmp_path: Path, text: str) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(1), *answered(0, outcome=success(text, category=text))])
    with JournalReader(path) as reader:
        assert reader.answers([0])[0].text == text
        assert reader.answers([0])[0].category == well(text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_ids_and_messages_are_kept_as_far_as_sqlite_holds_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "journal.db"
    events = [RecordRead(NOW, 0, text), RequestEnded(NOW, 0, failure(text)), RecordRead(NOW, 1, "next")]
    session(path, [*events, RequestEnded(NOW, 1, Skipped(text))])
    assert asked(path, "SELECT id FROM record ORDER BY idx") == [(well(text),), ("next",)]
    past = past_of(path)
    assert past.store.record_id(0) == well(text)
    with JournalReader(path) as reader:
        assert [reader.answers([seq])[seq].reason for seq in (0, 1)] == [well(text)] * 2


@given(st.text(st.characters(codec=None), max_size=200))
def test_what_is_well_can_be_encoded_and_is_otherwise_as_it_was(text: str) -> None:
    shown = well(text)
    shown.encode()
    assert "\0" not in shown
    assert len(shown) == len(text)


@given(st.decimals(0, 1000, places=12))
def test_money_is_exact_to_the_twelfth_decimal(cost: Decimal) -> None:
    assert Decimal(pico(cost) or 0) / 10**12 == cost


def test_numbers_that_no_database_holds_stop_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    huge = success(usage=Usage(2**70, 5, 2**64, 0), cost=str(10**15), attempts=2**33)
    session(path, [*read(2), *answered(0, outcome=huge), *answered(1)])
    past = past_of(path)
    assert past.figures.attempts == 2
    assert past.figures.usage.output == 45
    with JournalReader(path) as reader:
        assert isinstance(reader.answers([0])[0].cost, Decimal)


@pytest.mark.parametrize(
    ("outcome", "state", "billed"),
    [
        (failure(billed="no"), "failed", "no"),
        (
            Cancelled("stopped", 2, perhaps_billed=True, usage=Usage(3, 4), cost=Decimal("0.5")),
            "cancelled",
            "maybe",
        ),
        (Cancelled("stopped"), "cancelled", "no"),
        (Skipped("no need"), "skipped", None),
    ],
)
def test_an_outcome_that_is_no_answer_is_kept_with_what_it_cost(
    tmp_path: Path, outcome: object, state: str, billed: str | None
) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(1), failed_attempt(0, 1, NOW, None), RequestEnded(NOW, 0, outcome)])  # type: ignore[arg-type]
    with JournalReader(path) as reader:
        row = reader.answers([0])[0]
    assert (row.state, row.billed, row.text) == (state, billed, None)
    assert row.cost == getattr(outcome, "cost", None)


def test_ranges_are_as_short_as_can_be() -> None:
    assert ranges([]) == []
    assert ranges([1, 2, 3, 7, 9, 10]) == [[1, 3], [7, 7], [9, 10]]
