"""Input that is broken: one sentence that says what, where and what to do, and never another exception."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagtui.core.errors import BadInput
from dagtui.core.model import Record, RowError
from dagtui.io import json_rows, lines
from dagtui.io.source import open_source

PACKED = gzip.compress(b"id,t\n" + random.Random(1).randbytes(5000).hex().encode(), mtime=0)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def complaint(path: Path | str) -> str:
    """The sentence with which the file is refused."""
    with pytest.raises(BadInput) as caught:
        open_source(path).scan()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


FILES = [
    ("empty.csv", b"", "empty.csv is empty"),
    ("blank.csv", b" \n\n \n", "blank.csv is empty"),
    ("blanks.txt", b"\n" * 600_000, "blanks.txt is empty"),
    ("header.csv", b"id,text\n", "header.csv has a header but no rows"),
    ("none.json", b"[]", "none.json holds no records"),
    ("wide.csv", "id,t\n1,x\n".encode("utf-16"), "iconv -f utf-16 -t utf-8"),
    ("wide.txt", "hello there".encode("utf-16-le"), "iconv -f utf-16le -t utf-8"),
    ("latin.csv", b"id,t\n1,caf\xe9\n", r"latin.csv:2: byte 6 of the line \(0xe9\) is not UTF-8.*iconv"),
    ("latin.csv", b"caf\xe9,t\n1,x\n", "latin.csv:1: byte 4"),
    ("latin.json", b'[{"a":\n"\xe9"}]', "latin.json:2: byte 9 of the file"),
    ("quote.csv", b'id,t\n1,a\n2,"b\n3,c\n', "quote.csv:3: a quote opened at line 3 is never closed"),
    ("after.csv", b'id,t\n1,"a"b\n', "after.csv:2: text follows a closing quote"),
    ("mac.csv", b"id,t\r1,a\r2,b\r", "mac.csv:1: a carriage return"),
    ("few.csv", b"id,t,u\n1,2,3\n1,2\n", "few.csv:3: 2 cells where the header has 3"),
    ("many.csv", b"id,t\n1,2,3\n", "many.csv:2: 3 cells where the header has 2.*--bad-rows skip"),
    ("twice.csv", b"id,t,id\n1,2,3\n", 'twice.csv:1: the columns 1 and 3 are both named "id"'),
    ("broken.jsonl", b'{"a":1}\n {"a":}\n', "broken.jsonl:2:7: not JSON: expecting value"),
    ("cut.jsonl", b'{"a":1}\n{"a":"b\n', "cut.jsonl:2:6: not JSON: unterminated string"),
    ("more.jsonl", b'{"a":1} {"a":2}\n', "more.jsonl:1:9: not JSON: extra data"),
    ("list.jsonl", b'{"a":1}\n[1]\n', "list.jsonl:2: a row must be an object .* a list"),
    ("number.jsonl", b"{}\n7\n", "number.jsonl:2: .* a number"),
    ("null.jsonl", b"{}\nnull\n", "null.jsonl:2: .* null"),
    ("nan.jsonl", b'{"a":NaN}\n', "nan.jsonl:1: NaN is not JSON"),
    ("inf.jsonl", b'{"a":-Infinity}\n', "inf.jsonl:1: -Infinity is not JSON"),
    ("huge.jsonl", b'{"a":1e999}\n', "huge.jsonl:1: the number 1e999 is too large"),
    ("digits.jsonl", b'{"a":' + b"1" * 5000 + b"}\n", "digits.jsonl:1: a number has more digits"),
    ("deep.jsonl", b'{"a":' + b"[" * 100_000 + b"}\n", "deep.jsonl:1: the value is nested too deeply"),
    ("half.jsonl", rb'{"a":"\ud83d"}', r"half.jsonl:1: the escape \\ud83d is half of a character"),
    ("half.jsonl", rb'{"a":"\uDE00 and on"}', r"half.jsonl:1: the escape \\ude00 is half of a character"),
    ("keys.jsonl", b'{"a":1,"a":2}\n', 'keys.jsonl:1: the key "a" stands twice'),
    ("keys.jsonl", b'{"a" :1, "b":":", "a": 2}\n', 'keys.jsonl:1: the key "a" stands twice'),
    ("keys.jsonl", b'{"a":{"b":1,"b":2},"c":3}\n', 'keys.jsonl:1: the key "b" stands twice'),
    ("keys.jsonl", b'{"a"  \t:1,"a"\t\t:2}\n', 'keys.jsonl:1: the key "a" stands twice'),
    ("control.jsonl", b'{"a":"x\x00y"}\n', "control.jsonl:1:8: not JSON: invalid control character"),
    ("array.json", b'[{"a":1},\n{"a":2},]', "array.json:2:9: expecting value"),
    ("array.json", b'[{"a":1}\n{"a":2}]', "array.json:2:1: expecting"),
    ("array.json", b'[{"a":1}', "array.json:1:9: expecting"),
    ("array.json", b'[{"a":1}, 7]', "array.json:1: a row must be an object"),
    ("array.json", b'[{"a":1}] {}', "more after the end"),
    ("array.json", b'[{"a":1,"a":2}]', 'array.json:1: the key "a" stands twice'),
    ("array.json", rb'[{"a":"\ud83d"}]', "half of a character"),
    ("table.parquet", b"PAR1\x00\x00", "is a Parquet file"),
    ("book.xlsx", b"PK\x03\x04rest", "office document"),
    ("a.csv.zst", b"(\xb5/\xfd\x00", "zstd -d"),
    ("cut.csv.gz", PACKED[:-900], "gzip file is cut off"),
    ("bad.csv.gz", b"\x1f\x8b\x08\x00not gzip at all", "gzip file is"),
    ("tail.txt.gz", gzip.compress(b"one\ntwo\n", mtime=0) + b"garbage", "gzip file is damaged"),
]


@pytest.mark.parametrize(("name", "content", "expected"), FILES)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert re.search(expected, complaint(write(tmp_path, name, content)))


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    write(tmp_path, "emails.csv", "a\n1\n")
    assert "is a folder" in complaint(tmp_path)
    assert 'is a pipe, not a regular file; redirect it into standard input and give "-"' in complaint(pipe)
    assert "is a device" in complaint("/dev/zero")
    assert 'there is no such file (did you mean "emails.csv"?)' in complaint(tmp_path / "email.csv")
    assert "NUL" in complaint("a\0b.csv")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be opened" in complaint(tmp_path / "loop")


def test_the_first_bad_row_is_told_with_the_number_of_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a,b\n1,2\n3\n4\n5\n6,7\n")
    assert complaint(path) == (
        "a.csv:3: 1 cell where the header has 2 (2 more cannot be read either). "
        "Correct it, or leave such rows out with --bad-rows skip."
    )


async def test_bad_rows_can_be_skipped_and_stand_in_the_stream(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", b'{"a":1}\n{"a"\n{"a":"\xff"}\n{"a":4}\n')
    source = open_source(path, bad_rows="skip")
    scan = source.scan()
    assert (scan.records, scan.bad, scan.first_bad and scan.first_bad.line) == (2, 2, 2)
    rows = [row async for row in source]
    assert [type(row) for row in rows] == [Record, RowError, RowError, Record]
    assert [(row.index, row.id) for row in rows if isinstance(row, Record)] == [(0, "1"), (1, "4")]


async def test_an_undecodable_line_of_a_csv_file_is_one_bad_row(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, "a.csv", b'a,b\n1,"x\n\xff"\n3,4\n'), bad_rows="skip")
    rows = [row async for row in source]
    assert isinstance(rows[0], RowError)
    assert rows[0].line == 2
    assert "a.csv:3: byte 1" in rows[0].message
    assert isinstance(rows[1], Record)
    assert rows[1].fields == {"a": "3", "b": "4"}


def test_a_file_of_bad_rows_alone_is_refused_even_when_they_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no row that can be read; the first: a.jsonl:1:2"):
        open_source(write(tmp_path, "a.jsonl", "{\n{\n"), bad_rows="skip").scan()


def test_a_line_over_the_cap_is_one_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_CAP", 1000)
    path = write(tmp_path, "a.jsonl", '{"a":1}\n{"a":"' + "x" * 5000 + '"}\n{"a":3}')
    assert "a.jsonl:2: the line is longer than" in complaint(path)
    assert open_source(path, bad_rows="skip").scan().records == 2
    assert "a.csv:2: the line is longer" in complaint(write(tmp_path, "a.csv", "a,b\n1," + "x" * 5000 + "\n1,2\n"))


def test_a_json_array_over_its_cap_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "ARRAY_CAP", 100)
    assert "jq -c '.[]'" in complaint(write(tmp_path, "a.json", json.dumps([{"a": "b" * 50}] * 9, indent=1)))


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BOMB_FLOOR", 4 * 1024 * 1024)
    monkeypatch.setattr(lines, "LINE_CAP", 1024 * 1024)
    assert "gzip bomb" in complaint(write(tmp_path, "a.txt.gz", gzip.compress(b"0" * 12_000_000, mtime=0)))
    assert "gzip bomb" in complaint(write(tmp_path, "b.txt.gz", gzip.compress(b"0\n" * 6_000_000, mtime=0)))


def test_ordinary_gzip_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BOMB_FLOOR", 1024)
    text = "\n".join(f"line {number}" for number in range(5000))
    assert open_source(write(tmp_path, "a.txt.gz", gzip.compress(text.encode(), mtime=0))).scan().records == 5000


NAMES = ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.txt", "a", "a.gz"]
_pieces = st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r", b"\t", b"{", b"}", b"[", b"]", b":", b'{"a":1}\n', b"a,b\n", b"\\ud83d",
         b"\xff", b"\xef\xbb\xbf", b"\x00", b"\xe2\x80\xa8", b"1", b" ", b"NaN", b"\x1f\x8b"]
    ),
    max_size=25,
).map(b"".join)  # fmt: skip


@given(content=st.binary(max_size=200) | _pieces, name=st.sampled_from(NAMES))
@example(content=b"\x1f\x8b", name="a.gz")
@example(content=b"\n\x00", name="a.csv")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_records_or_a_located_error(tmp_path: Path, content: bytes, name: str) -> None:
    path = write(tmp_path, name, content)

    async def read() -> list[Record | RowError]:
        return [row async for row in source]

    sentence = ""
    try:
        source = open_source(path, bad_rows="skip")
        scan = source.scan()
        rows = asyncio.run(read())
    except BadInput as error:
        sentence = str(error)
    if sentence:
        assert sentence.startswith(name)
        return
    records = [row for row in rows if isinstance(row, Record)]
    assert (len(records), len(rows) - len(records)) == (scan.records, scan.bad)
    assert [record.index for record in records] == list(range(len(records)))
    assert all(record.line > 0 and record.id and record.fields is not None for record in records)
    json.dumps([dict(record.fields) for record in records], ensure_ascii=False, allow_nan=False).encode()
