"""Result files: what stands in them, that a spreadsheet does not run them, and that they can be read again."""

from __future__ import annotations

import csv
import io
import json
import resource
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dagtui.core.dag import Dag
from dagtui.core.errors import ConfigError, DagtuiError, ErrorKind, TargetExists
from dagtui.core.events import Noted, RecordEnded, RunStarted
from dagtui.core.model import AttemptError, Cancelled, Failure, Outcome, Record, Skipped, Success, Usage
from dagtui.core.plugin import Dimension
from dagtui.io import row_file
from dagtui.io.cells import cell
from dagtui.io.csv_rows import unguarded
from dagtui.io.export import FailuresWriter, ResultsWriter
from dagtui.io.row_file import FLUSH_ROWS
from dagtui.io.source import open_source


class Sorted(BaseModel):
    """An answer with a field of every kind."""

    queue: Literal["a", "b"]
    urgency: int
    tags: list[str]


ONE = Dag([Dimension("sort", output=Sorted)])
TWO = Dag([Dimension("sort", output=Sorted), Dimension("reply", needs=("sort",))])
TEXT = Dag([Dimension("reply")])
ANSWER = Sorted(queue="a", urgency=3, tags=["x", "é"])


def ok(value: BaseModel | str = ANSWER, cost: str | None = "0.0012") -> Success:
    price = None if cost is None else Decimal(cost)
    return Success(value, "raw", 2, 1.23456, Usage(10, 5, cache_read=2), price, trace_id="t1")


def failed(message: str = "the provider is full", attempts: int = 4) -> Failure:
    return Failure(AttemptError(ErrorKind.OVERLOADED, message, 529), attempts, trace_id="t2")


def ended(outcomes: Mapping[str, Outcome], index: int = 0, **fields: Any) -> RecordEnded:
    return RecordEnded(0.0, Record(index, str(fields.get("id", index + 1)), fields), outcomes)


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_the_input_comes_first_then_the_answer_then_how_it_went() -> None:
    out = io.StringIO()
    writer = ResultsWriter(out, "csv", ONE, ["id", "subject"])
    writer.write(Noted(0, "no row"))
    writer.write(ended({"sort": ok()}, id="7", subject="hello, you"))
    writer.close()
    header, line = out.getvalue().splitlines()
    assert header == (
        "id,subject,queue,urgency,tags,dagtui_id,dagtui_status,dagtui_error,dagtui_attempts,dagtui_latency_s,"
        "dagtui_input_tokens,dagtui_output_tokens,dagtui_cost_usd,dagtui_trace_id"
    )
    assert line == '7,"hello, you",a,3,"[""x"", ""é""]",7,ok,,2,1.235,12,5,0.0012,t1'
    assert not out.closed


def test_json_lines_keep_types_and_fields_that_no_column_names() -> None:
    out = io.StringIO()
    writer = ResultsWriter(out, "jsonl", ONE, ["id"])
    writer.write(ended({"sort": ok()}, id=12345678901234567890, late={"a": [None]}))
    writer.close()
    row = json.loads(out.getvalue())
    assert row["id"] == 12345678901234567890
    assert row["late"] == {"a": [None]}
    assert (row["urgency"], row["tags"], row["dagtui_cost_usd"], row["dagtui_error"]) == (
        3,
        ["x", "é"],
        0.0012,
        None,
    )


@pytest.mark.parametrize(
    ("dag", "columns", "expected"),
    [
        (ONE, ["id"], ["queue", "urgency", "tags"]),
        (ONE, ["id", "queue"], ["sort.queue", "urgency", "tags"]),
        (ONE, ["queue", "sort.queue"], ["sort.queue_", "urgency", "tags"]),
        (TWO, ["id"], ["sort.queue", "sort.urgency", "sort.tags", "reply"]),
        (TEXT, ["id"], ["reply"]),
        (TEXT, ["reply"], ["reply.text"]),
    ],
)
def test_answers_never_take_the_name_of_an_input_column(dag: Dag, columns: list[str], expected: list[str]) -> None:
    out = io.StringIO()
    writer = ResultsWriter(out, "csv", dag, columns)
    writer.write(ended({}))
    writer.close()
    header = next(csv.reader(io.StringIO(out.getvalue())))
    assert header[: len(columns) + len(expected)] == [*columns, *expected]


@pytest.mark.parametrize(
    ("outcomes", "status", "error", "attempts"),
    [
        ({"sort": ok(), "reply": ok("hi")}, "ok", "", "4"),
        ({"sort": failed(), "reply": Skipped("sort failed")}, "failed", "sort: the provider is full", "4"),
        ({"sort": ok(), "reply": Cancelled("stopped", 1)}, "cancelled", "reply: stopped", "3"),
        ({"sort": Cancelled("stopped"), "reply": Skipped("sort")}, "cancelled", "sort: stopped", "0"),
        ({"sort": Skipped("no"), "reply": Skipped("sort")}, "skipped", "sort: no; reply: sort", "0"),
        ({"sort": failed("x"), "reply": failed("y")}, "failed", "sort: x; reply: y", "8"),
    ],
)  # fmt: skip
def test_the_worst_dimension_gives_the_status(
    outcomes: Mapping[str, Outcome], status: str, error: str, attempts: str
) -> None:
    out = io.StringIO()
    writer = ResultsWriter(out, "tsv", TWO, ["id"])
    writer.write(ended(outcomes, id="1"))
    writer.close()
    [row] = rows(out.getvalue(), "\t")
    assert (row["dagtui_status"], row["dagtui_error"], row["dagtui_attempts"]) == (status, error, attempts)


def test_an_unknown_cost_is_empty_and_never_zero() -> None:
    out = io.StringIO()
    writer = ResultsWriter(out, "csv", TWO, [])
    writer.write(ended({"sort": ok(), "reply": ok("hi", cost=None)}))
    writer.write(ended({"sort": ok(), "reply": Skipped("no")}))
    writer.write(ended({"sort": failed(), "reply": Skipped("no")}))
    writer.write(ended({"sort": ok(), "reply": Cancelled("stopped", usage=Usage(7, 3), cost=Decimal("0.0001"))}))
    writer.write(ended({"sort": ok(), "reply": Cancelled("stopped", usage=Usage(7, 3))}))
    writer.close()
    told = rows(out.getvalue())
    assert [row["dagtui_cost_usd"] for row in told] == ["", "0.0012", "0", "0.0013", ""]
    assert [row["dagtui_output_tokens"] for row in told] == ["10", "5", "0", "8", "8"]


FORMULAS = [
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://x")',
    "-x",
]
FORMULAS += ["＝1+1", "＠SUM(1)", "\n=1", "+", "-", "=", "-1-1", "+1 234", "'=1", "-1e5x", "-٣"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_a_quote_before_it(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(text, guard=False) == text
    assert unguarded(cell(text)) == text


@pytest.mark.parametrize("text", ["-1", "+1.5", "-.5", "-1e-7", "1=1", "a@b", "", "it's", "'quoted'", " =1"])
def test_numbers_and_ordinary_text_stay_as_they_are(text: str) -> None:
    assert cell(text) == text
    assert unguarded(text) == text


def test_a_formula_in_a_column_name_or_an_answer_is_guarded_too() -> None:
    out = io.StringIO()
    writer = ResultsWriter(out, "csv", TEXT, ["=evil()"])
    writer.write(ended({"reply": ok("=1+1")}, **{"=evil()": "@x"}))
    writer.close()
    assert out.getvalue().splitlines()[0].startswith("'=evil(),")
    assert out.getvalue().splitlines()[1].startswith("'@x,'=1+1,")


_value = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(FORMULAS)


@given(st.lists(st.tuples(_value, _value), min_size=1, max_size=5), st.sampled_from(["csv", "tsv", "jsonl"]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_failures_are_input_again_with_the_same_fields_and_ids(
    tmp_path: Path, values: list[tuple[str, str]], kind: str
) -> None:
    path = tmp_path / f"failures.{kind}"
    writer = FailuresWriter(path, kind, ["=a", "b"], overwrite=True)
    for index, (a, b) in enumerate(values):
        writer.write(ended({"sort": ok()}, index, **{"=a": "fine", "b": ""}))
        writer.write(ended({"sort": failed(a)}, index, **{"=a": a, "b": b}))
    writer.close()
    source = open_source(path)
    assert source.columns == ("=a", "b")
    assert source.scan().records == len(values)
    assert [dict(record.fields) for record in source.preview()] == [{"=a": a, "b": b} for a, b in values]
    assert [record.id for record in source.preview()] == [str(n) for n in range(1, len(values) + 1)]


def test_a_failure_tells_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "failures.csv"
    writer = FailuresWriter(path, "csv", ["id"])
    writer.write(ended({"sort": ok()}, id="1"))
    assert not path.exists()
    writer.write(ended({"sort": failed(), "reply": Skipped("no")}, id="2"))
    writer.close()
    assert path.read_text() == (
        "id,dagtui_id,dagtui_status,dagtui_error,dagtui_kind,dagtui_attempts\n"
        "2,2,failed,sort: the provider is full,overloaded,4\n"
    )


def test_files_are_for_the_user_alone(tmp_path: Path) -> None:
    for writer in (
        ResultsWriter(tmp_path / "r.csv", "csv", ONE, []),
        FailuresWriter(tmp_path / "f.csv", "csv", []),
    ):
        writer.write(ended({"sort": failed()}))
        writer.close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600, 0o600]


def test_results_of_an_earlier_run_are_not_replaced_unless_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("old\n" * 100)
    with pytest.raises(TargetExists, match=r"r\.jsonl exists already \(400 B\); .* --overwrite"):
        ResultsWriter(path, "jsonl", ONE, [])
    unused = ResultsWriter(path, "jsonl", ONE, [], overwrite=True)
    unused.close()
    assert path.read_text() == "old\n" * 100
    writer = ResultsWriter(path, "jsonl", ONE, [], overwrite=True)
    writer.write(ended({"sort": ok()}))
    writer.close()
    assert "old" not in path.read_text()
    assert len(path.read_text().splitlines()) == 1


def test_an_empty_file_and_a_device_hold_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    for path in (tmp_path / "empty.csv", Path("/dev/null")):
        writer = ResultsWriter(path, "csv", ONE, [])
        writer.write(ended({"sort": ok()}))
        writer.close()
    assert len((tmp_path / "empty.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_failures_of_an_earlier_run_do_not_outlive_the_start_of_the_next(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"r.failures.{kind}"
    first = FailuresWriter(path, kind, ["id"])
    first.write(ended({"sort": failed()}, id="1"))
    first.close()
    with pytest.raises(TargetExists, match="exists already"):
        FailuresWriter(path, kind, ["id"])
    second = FailuresWriter(path, kind, ["id"], overwrite=True)
    assert path.exists()
    second.write(RunStarted(0.0, "run", ("sort",), 1, 10))
    second.write(ended({"sort": ok()}, id="1"))
    second.close()
    assert not path.exists()


def test_a_file_that_is_no_failures_file_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("id,dagtui_status\n1,thesis\n")
    with pytest.raises(TargetExists, match=r"mine\.csv exists and is no failures file"):
        FailuresWriter(path, "csv", ["id"], overwrite=True)
    assert "thesis" in path.read_text()


def test_rows_are_handed_to_the_system_by_the_hundred_and_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    writer = ResultsWriter(path, "csv", ONE, ["id"])
    seen: list[int] = []
    for number in range(FLUSH_ROWS * 2 + 10):
        writer.write(ended({"sort": ok()}, number, id=number))
        seen.append(len(path.read_text().splitlines()) - 1 if path.exists() else 0)
    assert all(number - on_disk <= FLUSH_ROWS for number, on_disk in enumerate(seen, 1))
    writer.flush()
    assert len(path.read_text().splitlines()) == len(seen) + 1
    writer.close()


@contextmanager
def room(size: int) -> Iterator[None]:
    """While it lasts, no file can grow beyond `size` bytes: a full disk, as far as a writer can tell."""
    limits, bytecode = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    sys.dont_write_bytecode = True  # Python would leave half a file of a module that it meets first here
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        sys.dont_write_bytecode = bytecode


def test_a_full_disk_leaves_whole_rows_and_the_rest_is_kept_until_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    writer = ResultsWriter(path, "jsonl", TEXT, ["id"])
    writer.write(ended({"reply": ok("first")}, id=0))
    writer.flush()
    with room(5_000):
        for number in range(1, 41):
            writer.write(ended({"reply": ok("x" * 200)}, number, id=number))
        with pytest.raises(DagtuiError, match=r"r\.jsonl: 40 rows could not be written: "):
            writer.flush()
        assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [0]
        writer.write(ended({"reply": ok("y")}, 41, id=41))
    writer.close()
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == list(range(42))


def test_what_is_lost_in_the_end_is_counted(tmp_path: Path) -> None:
    writer = ResultsWriter(tmp_path / "r.csv", "csv", TEXT, ["id"])
    writer.write(ended({"reply": ok("x")}, id=1))
    with room(10), pytest.raises(DagtuiError, match=r"r\.csv: 1 row could not be written: .*too large"):
        writer.close()
    assert (tmp_path / "r.csv").read_bytes() == b""


def test_a_device_that_is_full_says_so_in_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        writer = ResultsWriter(full, "jsonl", TEXT, [])
        writer.write(ended({"reply": ok("x")}))
        with pytest.raises(DagtuiError, match="1 row could not be written: No space left"):
            writer.close()
        with suppress(OSError):
            full.close()


def test_half_a_character_in_an_answer_cannot_stop_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    writer = ResultsWriter(path, "jsonl", TEXT, [])
    writer.write(ended({"reply": ok("a\ud83db")}, x=float("nan")))
    writer.close()
    row = json.loads(path.read_bytes())
    assert (row["reply"], row["x"]) == ("a\ud83db", None)


def test_targets_that_would_fail_are_refused_at_once(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(source)
    for target, told in (
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "r.csv", "there is no folder"),
        (source, "is the input itself"),
        (tmp_path / "link.csv", "is the input itself"),
    ):
        with pytest.raises(ConfigError, match=told):
            ResultsWriter(target, "csv", ONE, [], source=source)
        with pytest.raises(ConfigError, match=told):
            FailuresWriter(target, "csv", [], source=source)
    with pytest.raises(ConfigError, match=r'written as "cvs" \(did you mean "csv"\?\)'):
        ResultsWriter(tmp_path / "r.csv", "cvs", ONE, [])
    assert source.read_text() == "a\n1\n"


def test_a_row_that_cannot_be_made_takes_no_other_with_it(tmp_path: Path) -> None:
    class Broken(Mapping[str, Outcome]):
        def __getitem__(self, key: str) -> Outcome:
            raise KeyError(key)

        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("a defect")

        def __len__(self) -> int:
            return 1

    path = tmp_path / "out.jsonl"
    writer = ResultsWriter(path, "jsonl", ONE, ["id"])
    writer.write(ended({"sort": ok()}, id="a"))
    writer.write(RecordEnded(0.0, Record(1, "b", {"id": "b"}), Broken()))
    writer.write(ended({"sort": ok()}, 2, id="c"))
    with pytest.raises(Exception, match=r"a defect|sort"):
        writer.close()
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["a", "c"]


def test_failures_that_find_no_room_are_tried_again_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            nonlocal tries
            tries += 1
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("dagtui.io.row_file.refuse_target", lambda *args, **options: None)
    writer = FailuresWriter(Path("nowhere.jsonl"), "jsonl", ["id"])
    writer._file._out = row_file._Stream(Full())
    for index in range(10 * FLUSH_ROWS):
        with suppress(DagtuiError):
            writer.write(ended({"sort": failed()}, index))
    assert tries == 10
