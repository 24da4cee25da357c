"""How the stream flows: in batches, off the loop, no further ahead than a batch, and from a pipe as it comes."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path

import pytest

from dagtui.core.errors import BadInput
from dagtui.core.model import Record
from dagtui.io import passes
from dagtui.io.source import open_source


def numbered(folder: Path, count: int, width: int = 1) -> Path:
    path = folder / "a.txt"
    path.write_text("".join(f"{number:0{width}}\n" for number in range(count)))
    return path


async def test_a_file_can_be_streamed_any_number_of_times(tmp_path: Path) -> None:
    source = open_source(numbered(tmp_path, 1000))
    for _ in range(2):
        rows = [row async for row in source]
        assert [row.index for row in rows if isinstance(row, Record)] == list(range(1000))
    assert source.scan() is source.scan()


async def test_reading_is_never_more_than_a_batch_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    batch = passes.Pass.batch

    def counted(self: passes.Pass, most: int = passes.BATCH_ROWS) -> list[Record]:
        assert threading.current_thread() is not threading.main_thread()
        found = batch(self, most)
        sizes.append(len(found))
        return found  # pyright: ignore

    monkeypatch.setattr(passes.Pass, "batch", counted)
    stream = open_source(numbered(tmp_path, 1000)).__aiter__()
    for taken in range(1, 600):
        await anext(stream)
        assert sum(sizes) - taken <= passes.BATCH_ROWS
    await stream.aclose()  # type: ignore[attr-defined]
    assert sizes == [256, 256, 256]


async def test_long_rows_make_smaller_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "BATCH_BYTES", 1000)
    source = open_source(numbered(tmp_path, 30, width=400))
    assert len([row async for row in source]) == 30
    assert source.scan().records == 30


async def test_stopping_early_closes_the_file(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    source = open_source(numbered(tmp_path, 1000))
    stream = source.__aiter__()
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    source.preview(3)
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_a_slow_pipe_is_not_held_back(tmp_path: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stdin, os.fdopen(write, "wb", buffering=0) as writer:
        writer.write(b'{"id":1}\n{"id":2}\n')
        source = await asyncio.to_thread(open_source, "-", stdin=stdin)
        assert (source.path, source.format, source.columns) == (None, "jsonl", ("id",))
        assert [record.id for record in source.preview()] == ["1", "2"]
        assert source.scan().records is None
        stream = source.__aiter__()
        for expected in ("1", "2"):
            row = await anext(stream)
            assert isinstance(row, Record)
            assert row.id == expected
        late = asyncio.create_task(anext(stream))  # pyright: ignore
        writer.write(b'{"id":3}\n')
        row = await late
        assert isinstance(row, Record)
        assert row.id == "3"
        writer.close()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_run_that_is_cancelled_does_not_wait_for_a_silent_pipe() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stdin, os.fdopen(write, "wb", buffering=0) as writer:
        writer.write(b"one\n")
        source = await asyncio.to_thread(open_source, "-", stdin=stdin, format="txt")
        stream = source.__aiter__()
        await anext(stream)
        waiting = asyncio.create_task(anext(stream))  # pyright: ignore
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_pipe_is_read_once_only() -> None:
    source = open_source("-", stdin=io.BytesIO(b"a,b\n1,2\n3,4\n"))
    rows = [row async for row in source]
    assert [row.fields["a"] for row in rows if isinstance(row, Record)] == ["1", "3"]
    with pytest.raises(BadInput, match="once only"):
        [row async for row in source]


def test_an_empty_pipe_is_refused() -> None:
    with pytest.raises(BadInput, match="standard input is empty"):
        open_source("-", stdin=io.BytesIO(b""))


def test_the_terminal_is_no_input() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "rb") as stdin, pytest.raises(BadInput, match="that is the terminal"):
        open_source("-", stdin=stdin)
    os.close(ours)


@pytest.mark.parametrize("pipe", [False, True])
def test_a_survey_shows_every_record_on_the_way(tmp_path: Path, pipe: bool) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\nbroken\n{"a": 2}\n{"b": 3}\n')
    stdin = io.BytesIO(path.read_bytes())
    source = open_source("-" if pipe else path, format="jsonl", bad_rows="skip", stdin=stdin)
    seen: list[tuple[int, dict[str, object]]] = []
    found = source.survey(lambda index, fields: seen.append((index, fields)))
    assert seen == [(0, {"a": 1}), (1, {"a": 2}), (2, {"b": 3})]
    assert (found.records, found.bad, found.columns) == (3, 1, ("a", "b"))
    assert found.size_bytes == (None if pipe else path.stat().st_size)
    if pipe:
        with pytest.raises(BadInput, match="once only"):
            source.preview()
    else:
        assert source.scan() is found
