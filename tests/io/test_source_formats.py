"""What is read from sound files of every format."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagtui.core.errors import BadInput
from dagtui.io.source import FileSource, list_candidates, open_source


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def fields(source: FileSource) -> list[dict[str, object]]:
    source.check()
    return [dict(record.fields) for record in source.preview(1000)]


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        ("a.csv", "id,text\n1,hello\n2,bye\n", "csv"),
        ("a.csv", "id;text\n1;hello\n2;bye\n", "csv"),
        ("a.csv", "id|text\r\n1|hello\r\n2|bye\r\n", "csv"),
        ("a.tsv", "id\ttext\n1\thello\n2\tbye", "tsv"),
        ("a.jsonl", '{"id":"1","text":"hello"}\n\n{"id":"2","text":"bye"}\n', "jsonl"),
        ("a.ndjson", '{"id":"1","text":"hello"}\n{"id":"2","text":"bye"}', "jsonl"),
        ("a.json", '[\n {"id":"1","text":"hello"},\n {"id":"2","text":"bye"}\n]\n', "json"),
        ("a.json", '{"id":"1","text":"hello"}\n{"id":"2","text":"bye"}\n', "jsonl"),
        ("unknown", '{"id":"1","text":"hello"}\n{"id":"2","text":"bye"}\n', "jsonl"),
        ("unknown", '[{"id":"1","text":"hello"},{"id":"2","text":"bye"}]', "json"),
        ("unknown.dat", "id\ttext\n1\thello\n2\tbye\n", "tsv"),
        ("unknown.dat", "id,text\n1,hello\n2,bye\n", "csv"),
    ],
)
def test_the_same_records_come_out_of_every_format(tmp_path: Path, name: str, content: str, format_: str) -> None:
    source = open_source(write(tmp_path, name, content))
    assert source.format == format_
    assert source.columns == ("id", "text")
    assert fields(source) == [{"id": "1", "text": "hello"}, {"id": "2", "text": "bye"}]
    assert [(r.index, r.id) for r in source.preview()] == [(0, "1"), (1, "2")]
    packed = open_source(write(tmp_path, f"{name}.gz", gzip.compress(content.encode(), mtime=0)))
    assert packed.format == format_
    assert fields(packed) == fields(source)


def test_text_is_a_record_a_line_without_the_blank_ones(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, "a.txt", "one\r\n\n  \n two \nthree"))
    assert [(r.line, r.id, r.fields["text"]) for r in source.preview()] == [
        (1, "1", "one"),
        (4, "2", " two "),
        (5, "3", "three"),
    ]


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    odd = "a\u2028b\u0085c\x0bd"
    lines = json.dumps({"t": odd}, ensure_ascii=False) + "\n" + json.dumps({"t": "next"})
    assert fields(open_source(write(tmp_path, "a.jsonl", lines))) == [{"t": odd}, {"t": "next"}]
    assert fields(open_source(write(tmp_path, "a.txt", odd))) == [{"text": odd}]
    assert fields(open_source(write(tmp_path, "a.csv", f"t,u\n{odd},1\n"))) == [{"t": odd, "u": "1"}]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", "id,t\n7,x\n"),
        ("a.jsonl", '{"id":"7","t":"x"}'),
        ("a.json", '[{"id":"7","t":"x"}]'),
    ):
        assert fields(open_source(write(tmp_path, name, b"\xef\xbb\xbf" + content.encode()))) == [
            {"id": "7", "t": "x"}
        ]


def test_a_quoted_cell_may_span_lines_and_its_record_is_at_the_first(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, "a.csv", 'id,t\n1,"a\nb"\n\n2,"say ""hi"""\n'))
    assert [(r.line, r.fields["t"]) for r in source.preview()] == [(2, "a\nb"), (5, 'say "hi"')]


def test_a_header_cell_without_a_name_is_called_by_its_number(tmp_path: Path) -> None:
    assert open_source(write(tmp_path, "a.csv", "id,,t\n1,2,3\n")).columns == ("id", "column_2", "t")


def test_the_delimiter_and_format_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a,b#c\n1,2#3\n")
    assert open_source(path, delimiter="#").columns == ("a,b", "c")
    assert open_source(path, format="txt").columns == ("text",)
    with pytest.raises(BadInput, match=r'no format "cvs".*"csv"'):
        open_source(path, format="cvs")
    with pytest.raises(BadInput, match="one character"):
        open_source(path, delimiter="##")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"id":"a7"}', "a7"),
        ('{"ID":12345678901234567890123456}', "12345678901234567890123456"),
        ('{"x":1,"uuid":"u"}', "u"),
        ('{"uuid":"u","_id":"m"}', "m"),
        ('{"id":""}', "1"),
        ('{"id":null}', "1"),
        ('{"key":"k"}', "1"),
        ('{"id":0}', "0"),
    ],
)
def test_the_id_is_the_id_column_as_text_else_the_row(tmp_path: Path, line: str, expected: str) -> None:
    assert open_source(write(tmp_path, "a.jsonl", line)).preview()[0].id == expected


def test_big_numbers_stay_exact(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, "a.jsonl", '{"n":12345678901234567890123456,"x":0.1}'))
    assert fields(source) == [{"n": 12345678901234567890123456, "x": 0.1}]


def test_a_json_string_on_its_line_is_a_text(tmp_path: Path) -> None:
    assert fields(open_source(write(tmp_path, "a.jsonl", '"one"\n"two"\n'))) == [{"text": "one"}, {"text": "two"}]


def test_columns_of_json_lines_are_the_union_and_the_scan_sees_the_late_ones(tmp_path: Path) -> None:
    rows = [{"a": 1}, {"b": 2, "a": 1}] + [{"a": 1}] * 200 + [{"late": 1}]
    source = open_source(write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows))))
    assert source.columns == ("a", "b")
    assert source.scan().columns == ("a", "b", "late")
    assert source.scan().records == 203


def test_columns_of_an_earlier_run_are_dropped_but_its_id_is_kept(tmp_path: Path) -> None:
    header = "text,dagtui_id,dagtui_status,dagtui_error,dagtui_kind,dagtui_attempts"
    source = open_source(write(tmp_path, "a.csv", f"{header}\nhello,17,failed,it failed,timeout,3\n"))
    assert source.columns == ("text",)
    record = source.preview()[0]
    assert (record.id, record.fields) == ("17", {"text": "hello"})


@pytest.mark.parametrize("late", [False, True])
def test_a_column_of_the_users_that_is_called_like_ours_does_not_vanish_unsaid(tmp_path: Path, late: bool) -> None:
    rows = ['{"text": "x"}'] * (300 if late else 0) + ['{"text": "x", "dagtui_status": "mine"}']
    path = write(tmp_path, "a.jsonl", "\n".join(rows))
    with pytest.raises(BadInput, match=r'a\.jsonl: .* "dagtui_status" .*rename or remove it'):
        open_source(path).scan()


def test_the_picker_lists_folders_first_then_data_files(tmp_path: Path) -> None:
    for name in ("b.csv", "A.jsonl.gz", "notes.md", ".hidden.csv"):
        write(tmp_path, name, "x")
    (tmp_path / "zoo").mkdir()
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    found = list_candidates(tmp_path)
    assert [(e.name, e.is_folder, e.size, e.format) for e in found] == [
        ("zoo", True, 0, None),
        ("A.jsonl.gz", False, 1, "jsonl"),
        ("b.csv", False, 1, "csv"),
    ]
    with pytest.raises(BadInput, match="cannot be listed"):
        list_candidates(tmp_path / "nowhere")


_text = st.text(st.characters(exclude_categories=["Cs"]))
_leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text
_json = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3), max_leaves=8
)
_name = _text.filter(lambda name: not name.startswith("dagtui_"))
_rows = st.lists(st.dictionaries(_name, _json), min_size=1, max_size=5)


@given(rows=_rows, spaced=st.booleans(), plain=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_json_writes_is_read_back(
    tmp_path: Path, rows: list[dict[str, object]], spaced: bool, plain: bool
) -> None:
    separators = (" , ", " : ") if spaced else (",", ":")
    lines = [json.dumps(row, separators=separators, ensure_ascii=plain) for row in rows]
    assert fields(open_source(write(tmp_path, "a.jsonl", "\n".join(lines)))) == rows
    assert fields(open_source(write(tmp_path, "a.json", "[" + ",\n".join(lines) + "]"))) == rows
