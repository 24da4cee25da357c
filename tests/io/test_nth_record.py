"""One record of many: on from where it was, back from the beginning, and given up when another is wanted."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dagtui.core.errors import BadInput
from dagtui.io.nth_record import NthRecord
from dagtui.io.source import FileSource, open_source

COUNT = 5_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n" + "".join(f"r{n},text {n}\n" for n in range(COUNT)))
    return path


def test_records_are_found_in_any_order_and_the_file_is_read_on_not_anew(file: Path) -> None:
    opened: list[int] = []

    def again() -> FileSource:
        opened.append(1)
        return open_source(file, bad_rows="skip")

    records = NthRecord(again)
    for index in (7, 8, 3, 700, 699, 4_999):
        found = records.find(index)
        assert found is not None
        assert (found.id, found.line) == (f"r{index}", index + 2)
    assert len(opened) == 1
    found = records.find(0)
    assert found is not None
    assert found.id == "r0"
    assert len(opened) == 2
    assert records.find(COUNT) is None
    records.close()


def test_rows_that_cannot_be_read_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a"}\nno json\n{"id": "b"}\n')
    found = NthRecord(lambda: open_source(path, bad_rows="skip")).find(1)
    assert found is not None
    assert (found.id, found.line) == ("b", 3)


def test_a_search_ends_when_another_record_is_wanted(file: Path) -> None:
    records = NthRecord(lambda: open_source(file, bad_rows="skip"))
    found: list[object] = []
    far = threading.Thread(target=lambda: found.append(records.find(10**9)))
    far.start()
    near = records.find(5)
    far.join(timeout=20)
    assert near is not None
    assert near.id == "r5"
    assert found == [None]


def test_an_input_that_is_gone_is_told(tmp_path: Path) -> None:
    records = NthRecord(lambda: open_source(tmp_path / "gone.csv"))
    with pytest.raises(BadInput):
        records.find(0)
