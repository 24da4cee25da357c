"""What records and answers hold stands in the results as it is, on whole rows, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagtui.core.dag import Dag
from dagtui.core.errors import ErrorKind
from dagtui.core.events import RecordEnded, RecordRead, RequestEnded
from dagtui.core.model import AttemptError, Failure, Record, Success, Usage
from dagtui.core.plugin import Dimension
from dagtui.io.cells import cell, json_line
from dagtui.io.csv_rows import unguarded
from dagtui.io.export import FailuresWriter, ResultsWriter
from dagtui.io.identity import identity
from dagtui.io.journal import Journal
from dagtui.io.source import open_source
from dagtui.past.exporting import export_run
from tests.hostile import corpus

RESULTS, FAILURES, CELLS = 900, 600, 900

_shared = [HealthCheck.function_scoped_fixture]
_rows = st.lists(st.tuples(corpus.hostile, corpus.hostile, corpus.hostile), min_size=1, max_size=4)
_number = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
FORMATS = ["csv", "tsv", "jsonl"]


def kept(text: str) -> str:
    """What a file of UTF-8 holds of `text`: half a character becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def raw_cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True))


def assert_no_formulas(cells: Sequence[Sequence[str]]) -> None:
    for row in cells:
        for text in row:
            assert not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) or (
                _number.fullmatch(text)
            )


@pytest.mark.parametrize("kind", FORMATS)
@given(rows=_rows)
@settings(max_examples=RESULTS // 3, derandomize=True, suppress_health_check=_shared)
def test_results_hold_records_and_answers_as_they_are(
    tmp_path: Path, kind: str, rows: list[tuple[str, str, str]]
) -> None:
    path = tmp_path / f"out.{kind}"
    writer = ResultsWriter(path, kind, Dag([Dimension("reply")]), ["id", "t"], overwrite=True)
    for number, (key, text, answer) in enumerate(rows):
        success = Success(answer, answer, 1, 0.5, Usage(1, 1), None, trace_id=f"r/{number}")
        writer.write(RecordEnded(0.0, Record(number, key, {"id": key, "t": text}), {"reply": success}))
    writer.close()
    assert path.read_bytes().endswith(b"\n")
    if kind == "jsonl":
        lines = path.read_text("utf-8").split("\n")[:-1]
        assert [(row["id"], row["t"], row["reply"]) for row in map(json.loads, lines)] == rows
        return
    header, *cells = raw_cells(path)
    assert_no_formulas(cells)
    assert {len(row) for row in cells} == {len(header)}
    reply = header.index("reply")
    found = [tuple(unguarded(row[column]) for column in (0, 1, reply)) for row in cells]
    assert found == [tuple(map(kept, row)) for row in rows]


@pytest.mark.parametrize("kind", FORMATS)
@given(rows=_rows)
@settings(max_examples=FAILURES // 3, derandomize=True, suppress_health_check=_shared)
def test_failures_are_the_same_input_again(tmp_path: Path, kind: str, rows: list[tuple[str, str, str]]) -> None:
    path = tmp_path / f"out.failures.{kind}"
    path.unlink(missing_ok=True)
    writer = FailuresWriter(path, kind, ["key", "t"])
    for number, (key, text, said) in enumerate(rows):
        failure = Failure(AttemptError(ErrorKind.SERVER, said, 500), 1)
        writer.write(RecordEnded(0.0, Record(number, key, {"key": key, "t": text}), {"reply": failure}))
    writer.close()
    halved = any(kept(text) != text for row in rows for text in row)
    source = open_source(path, bad_rows="skip" if halved else "fail")
    if kind == "jsonl" and halved:  # such a record never comes from a source, which refuses it
        return
    source.check()
    assert source.columns == ("key", "t")
    again = [tuple(record.fields.values()) for record in source.preview(100)]
    assert again == [(kept(key), kept(text)) for key, text, _ in rows]


@pytest.mark.parametrize("kind", [*FORMATS, "parquet"])
def test_an_export_of_the_whole_corpus_says_the_same_in_every_format(tmp_path: Path, kind: str) -> None:
    """From the journal: the texts are ids, columns of the input and answers."""
    texts = list(corpus.WHOLE)
    source = tmp_path / "all.jsonl"
    source.write_text(
        "".join(json_line({"id": number, "t": t}) for number, t in enumerate(texts)), "utf-8", newline=""
    )
    facts = {"path": str(source), "columns": ["id", "t"], "format": "jsonl", **identity(source)}
    journal = Journal(tmp_path / "journal.db", {"id": "r", "dimensions": ["ask"]}, {}, {}, facts)
    for number, text in enumerate(texts):
        journal.write(RecordRead(1.0, number, text))
        answer = Success(text, text or "-", 1, 0.1, Usage(), None, trace_id=text)
        journal.write(RequestEnded(2.0, number, answer))
    journal.close()
    target = tmp_path / f"again.{kind}"
    assert export_run(tmp_path / "journal.db", target, [Dimension("ask")]) == len(texts)
    if kind == "parquet":
        found = [(row["t"], row["ask"]) for row in parquet.read_table(target).to_pylist()]
    elif kind == "jsonl":
        found = [(row["t"], row["ask"]) for row in map(json.loads, target.read_text("utf-8").split("\n")[:-1])]
    else:
        _, *cells = raw_cells(target)
        assert_no_formulas(cells)
        found = [(unguarded(line[1]), unguarded(line[2])) for line in cells]
    assert [t for t, _ in found] == texts
    assert [said for _, said in found] == [text or "-" for text in texts]


@given(value=corpus.values | corpus.hostile)
@settings(max_examples=CELLS, derandomize=True)
def test_a_guarded_cell_is_no_formula_and_gives_its_text_back(value: Any) -> None:
    assert_no_formulas([[cell(value)]])
    if isinstance(value, str):
        assert unguarded(cell(value)) == value
    line = json_line({"value": value})
    assert line.count("\n") == 1
    assert json.loads(line) == {"value": value}
