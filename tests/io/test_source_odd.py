"""Odd files: lines too long for memory, what is no regular file, several members, NULs, ids that stand twice."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dagtui.core.errors import BadInput
from dagtui.core.text import visible
from dagtui.io import twice
from dagtui.io.source import open_source


def refusal(path: Path | str) -> str:
    with pytest.raises(BadInput) as caught:
        open_source(path).scan()
    return str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_of_fifty_megabytes_is_one_bad_row_in_bounded_memory(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    content = b'{"a":1}\n{"a":"' + b"x" * 50_000_000 + b'"}\n{"a":3}\n'
    path.write_bytes(gzip.compress(content, 9, mtime=0) if packed else content)
    script = f"""if True:
        import resource
        from dagtui.io import lines
        from dagtui.io.source import open_source
        lines.BOMB_FLOOR = 2**40  # such a line is packed as tightly as a bomb
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        scan = open_source({str(path)!r}, bad_rows="skip").scan()
        print(scan.records, scan.bad, scan.first_bad.message)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 110_000)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    told, bounded = done.stdout.splitlines()
    assert told == f"2 1 {path.name}:2: the line is longer than 32 MB"
    assert bounded == "True"


def test_a_socket_is_refused_at_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        assert refusal(tmp_path / "s").startswith(f"{tmp_path}/s is a socket, not a regular file")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_a_file_of_the_kernels_is_read_for_what_it_holds_whatever_size_it_claims() -> None:
    source = open_source("/proc/self/status", format="txt")
    assert source.scan().size_bytes == 0
    assert source.scan().records
    assert "cannot be read" in refusal("/proc/self/mem")


def test_a_packed_file_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n", mtime=0) + gzip.compress(b"two\n", mtime=0) + b"\x00" * 512)
    assert [record.fields["text"] for record in open_source(path).preview()] == ["one", "two"]


def test_a_nul_is_kept_and_shown_as_a_sign(tmp_path: Path) -> None:
    for name, content in (
        ("a.jsonl", rb'{"t":"a\u0000b"}'),
        ("a.csv", b"t,u\na\x00b,1\n"),
        ("a.txt", b"a\x00b\n"),
    ):
        (tmp_path / name).write_bytes(content)
        [record] = open_source(tmp_path / name).preview()
        [first, *_] = record.fields.values()
        assert first == "a\x00b"
        assert visible(first) == "a␀b"


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_of_both_kinds_and_none_at_the_end_are_the_same_rows(tmp_path: Path, end: str) -> None:
    for name, lines in (("a.csv", ["a,b", "1,2", "3,4"]), ("a.jsonl", ['{"a":"1","b":"2"}', '{"a":"3","b":"4"}'])):
        for tail in ("", end):
            (tmp_path / name).write_text(end.join(lines) + tail, newline="")
            assert [dict(record.fields) for record in open_source(tmp_path / name).preview()] == [
                {"a": "1", "b": "2"},
                {"a": "3", "b": "4"},
            ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,t\n1,a\n2,b\n", ""),
        ("id,t\n1,a\n2,b\n1,c\n", '1 id stands more than once, such as "1" at line 4'),
        ("id,t\n1,a\n1,b\n1,c\n2,d\n2,e\n", '2 ids stand more than once, such as "1" at line 3'),
        ("id,t\n,a\n,b\n", ""),  # without an id, its row's number
        ("t,u\nsame,1\nsame,2\n", ""),  # no column of ids
        ('id,t\n"\x1b[2J\n",a\n"\x1b[2J\n",b\n', '1 id stands more than once, such as "␛[2J␊" at line 4'),
    ],
)
def test_ids_that_stand_more_than_once_are_found_before_the_run(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    scan = open_source(path).scan()
    assert scan.twice == told
    assert scan.bad == 0


@pytest.mark.parametrize("at_once", [100, 10**6])
def test_ids_are_found_twice_among_many_and_across_bad_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(twice, "_AT_ONCE", at_once)
    path = tmp_path / "a.jsonl"
    lines = [f'{{"id":{number}}}' for number in range(20_000)]
    lines[7], lines[19_999] = "{", '{"id":12345}'
    path.write_text("\n".join(lines))
    told = open_source(path, bad_rows="skip").scan().twice
    assert told == '1 id stands more than once, such as "12345" at line 20000'


def test_a_path_of_odd_bytes_is_opened_and_named_harmlessly(tmp_path: Path) -> None:
    for name in (b"line\nbreak.csv", b"caf\xe9.csv", b"\x1b[31m.csv", b"--.csv", b"\xe2\x80\xae.csv"):
        path = tmp_path / os.fsdecode(name)
        path.write_text("a,b\n1,2\n")
        source = open_source(path)
        assert source.scan().records == 1
        assert source.name.isprintable()
