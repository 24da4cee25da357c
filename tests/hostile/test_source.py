"""Whatever bytes a file holds are records or one sentence with a place; what is sound comes back exactly."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagtui.core.errors import BadInput
from dagtui.core.model import Record, RowError
from dagtui.io.source import FileSource, open_source
from tests.hostile import corpus

ANY_BYTES, ANY_PACKED, ROUND_TRIPS = 2_000, 400, 600

NAMES = ("a.csv", "a.tsv", "a.jsonl", "a.json", "a.txt", "a")
FORMATS = (None, "csv", "tsv", "jsonl", "json", "txt")
WIDE = "x" * 300
"""A name so long that what stands in the first bytes of the file is known."""
_shared = [HealthCheck.function_scoped_fixture]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def records_or_a_sentence(runner: asyncio.Runner, path: Path, wanted: str | None) -> list[Record]:
    """What a run would get of the file; nothing where it is refused with a sentence that says where."""

    async def rows(source: FileSource) -> list[Record | RowError]:
        return [row async for row in source]

    try:
        source = open_source(path, format=wanted, bad_rows="skip")
        scan = source.scan()
        found = runner.run(rows(source))
    except BadInput as error:
        assert_located(f"{error}", path.name)
        return []
    bad = [row for row in found if isinstance(row, RowError)]
    records = [row for row in found if isinstance(row, Record)]
    for row in bad:
        assert row.line > 0
        assert_located(f"{row.message}.", path.name)
    assert (len(records), len(bad)) == (scan.records, scan.bad)
    assert [record.index for record in records] == list(range(len(records)))
    for record in records:
        assert record.id
        json.dumps(dict(record.fields), ensure_ascii=False, allow_nan=False).encode()
    return records


def assert_located(sentence: str, name: str) -> None:
    assert re.match(rf"{re.escape(name)}(:\d+)*[: ]", sentence), sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@given(content=corpus.contents, name=st.sampled_from(NAMES), wanted=st.sampled_from(FORMATS))
@example(content=b'"b\nc","b\nc"\n1,2\n', name="a.csv", wanted=None)
@example(content=b'{"\\n":1,"\\n":1}', name="a.jsonl", wanted=None)
@example(content=b'{"dagtui_\\n":1}', name="a.jsonl", wanted=None)
@settings(max_examples=ANY_BYTES, derandomize=True, suppress_health_check=_shared)
def test_any_bytes_in_any_format_are_records_or_a_sentence(
    tmp_path: Path, runner: asyncio.Runner, content: bytes, name: str, wanted: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    records_or_a_sentence(runner, path, wanted)


@given(content=corpus.contents, name=st.sampled_from(NAMES), cut=st.integers(0, 30), rest=st.binary(max_size=9))
@settings(max_examples=ANY_PACKED, derandomize=True, suppress_health_check=_shared)
def test_a_packed_file_gives_the_same_records_and_a_damaged_one_is_told(
    tmp_path: Path, runner: asyncio.Runner, content: bytes, name: str, cut: int, rest: bytes
) -> None:
    plain, packed = tmp_path / name, tmp_path / f"{name}.gz"
    plain.write_bytes(content)
    pressed = gzip.compress(content, mtime=0)
    packed.write_bytes(pressed)
    if not content.startswith(b"\x1f\x8b"):  # packed already, whatever its name
        expected = records_or_a_sentence(runner, plain, None)
        assert records_or_a_sentence(runner, packed, None) == expected
    packed.write_bytes(pressed[: len(pressed) - cut] + rest)
    records_or_a_sentence(runner, packed, None)


rows = st.lists(corpus.whole, min_size=1, max_size=4)


def read_back(path: Path) -> list[dict[str, Any]]:
    source = open_source(path)
    source.check()
    return [dict(record.fields) for record in source.preview(100)]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@given(cells=rows, packed=st.booleans())
@settings(max_examples=ROUND_TRIPS // 2, derandomize=True, suppress_health_check=_shared)
def test_every_cell_of_a_table_comes_back_exactly(
    tmp_path: Path, delimiter: str, cells: list[str], packed: bool
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", WIDE, "t"], *(["1", "2", cell] for cell in cells)])
    path = tmp_path / ("a.csv" if delimiter == "," else "a.tsv")
    content = written.getvalue().encode()
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    assert read_back(path) == [{"id": "1", WIDE: "2", "t": cell} for cell in cells]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@given(found=st.lists(st.dictionaries(corpus.whole, corpus.values, max_size=4), min_size=1, max_size=4))
@settings(max_examples=ROUND_TRIPS // 2, derandomize=True, suppress_health_check=_shared)
def test_every_value_of_an_object_comes_back_exactly(tmp_path: Path, name: str, found: list[Any]) -> None:
    found = [{key: value for key, value in row.items() if not key.startswith("dagtui_")} for row in found]
    found[0] = {WIDE: 1, **found[0]}
    lines = [corpus.line(row) for row in found]
    path = tmp_path / name
    text = "\n".join(lines) if name == "a.jsonl" else "[" + ",\n".join(lines) + "]"
    path.write_text(text, "utf-8", newline="")
    assert read_back(path) == found


@given(texts=rows, end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=ROUND_TRIPS, derandomize=True, suppress_health_check=_shared)
def test_every_line_of_a_text_comes_back_exactly(tmp_path: Path, texts: list[str], end: str) -> None:
    path = tmp_path / "a.txt"
    expected = [WIDE, *(text.replace("\n", "").rstrip("\r") for text in texts)]
    path.write_text(end.join(expected), "utf-8", newline="")
    assert [row["text"] for row in read_back(path)] == [text for text in expected if text and not text.isspace()]


@pytest.mark.parametrize("number", range(len(corpus.JSON_LINES)))
def test_a_line_that_trips_parsers_spoils_only_itself(tmp_path: Path, runner: asyncio.Runner, number: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"t":"before"}\n' + corpus.JSON_LINES[number] + b'\n{"t":"after"}\n')
    try:
        records = records_or_a_sentence(runner, path, None)
    except UnicodeEncodeError:  # pragma: no cover
        pytest.fail("half a character got through")
    if b"dagtui_" not in corpus.JSON_LINES[number]:  # the name of a column of ours, which is refused
        assert [record.fields for record in records if "t" in record.fields] == [{"t": "before"}, {"t": "after"}]
