"""Columns of a Parquet file have the types of their values, and text where these differ."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from dagtui.core.errors import ConfigError
from dagtui.io import parquet as ours
from dagtui.io.parquet import check_parquet, write_parquet


def test_every_column_keeps_its_values_and_mixed_ones_become_text(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "share": 1, "mixed": "a", "day": "2024-01-01", "deep": {"a": [1]}, "big": 10**25, "none": None},
        {"id": None, "share": 0.5, "mixed": 2, "day": "x", "deep": None, "big": 1, "late": True},
    ]
    given = tmp_path / "rows.jsonl"
    given.write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_parquet(given, tmp_path / "out.parquet")
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == [
        {
            "id": 1,
            "share": 1.0,
            "mixed": "a",
            "day": "2024-01-01",
            "deep": '{"a": [1]}',
            "big": "10000000000000000000000000",
            "none": None,
            "late": None,
        },
        {
            "id": None,
            "share": 0.5,
            "mixed": "2",
            "day": "x",
            "deep": None,
            "big": "1",
            "none": None,
            "late": True,
        },
    ]


def test_a_file_of_many_groups_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_GROUP", 7)
    given = tmp_path / "rows.jsonl"
    given.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(100)))
    write_parquet(given, tmp_path / "out.parquet")
    assert parquet.read_table(tmp_path / "out.parquet")["n"].to_pylist() == list(range(100))


def test_without_pyarrow_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(ours, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'dagtui\[parquet\]'"):
        check_parquet()
