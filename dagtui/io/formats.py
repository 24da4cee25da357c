"""Which format a file is in: told by its name, else by its first bytes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

from dagtui.core.errors import BadInput

Format: TypeAlias = Literal["csv", "tsv", "jsonl", "json", "txt"]
FORMATS: tuple[str, ...] = get_args(Format)

_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "txt",
}
_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder, or a file that can be read as records. `size` is in bytes, 0 for a folder."""

    name: str
    path: Path
    is_folder: bool
    size: int
    format: Format | None


def format_of(name: str) -> Format | None:
    """The format that a file's name tells, with or without .gz."""
    return _ENDINGS.get(Path(name.lower().removesuffix(".gz")).suffix)


def sniff(name: str, head: bytes, wanted: str | None) -> Format:
    """The format of a file with this name that begins with `head`; `wanted` goes before both."""
    if wanted is not None:
        return cast(Format, wanted)
    known = format_of(name)
    begin = head.lstrip()[:1]
    if known == "json":
        return "json" if begin == b"[" else "jsonl"
    if known is not None:
        return known
    if begin == b"{":
        return "jsonl"
    if begin == b"[":
        return "json"
    return _table(head)


def _table(head: bytes) -> Format:
    """A table if the first two lines have the same number of cells, and more than one; else plain text."""
    lines = [line for line in head.split(b"\n")[:50] if line.strip()]
    delimiter = sniff_delimiter(head).encode()
    if len(lines) < 2:
        return "txt"
    first, second = (line.count(delimiter) for line in lines[:2])
    if not first or first != second:
        return "txt"
    return "tsv" if delimiter == b"\t" else "csv"


def sniff_delimiter(head: bytes) -> str:
    """The delimiter that the header line holds most of; a comma if it holds none."""
    header = next((line for line in head.split(b"\n") if line.strip()), b"").decode(errors="replace")
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def list_candidates(folder: Path) -> tuple[Entry, ...]:
    """What a file picker offers in `folder`: folders first, then files that can be read as records, by name.

    Hidden ones and those that may not be read are left out.

    Raises:
        BadInput: the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as found:
            entries = [entry for item in found if (entry := _entry(item)) is not None]
    except OSError as error:
        raise BadInput(f"{folder}: the folder cannot be listed: {error.strerror or error}.") from None
    return tuple(sorted(entries, key=lambda entry: (not entry.is_folder, entry.name.lower(), entry.name)))


def _entry(item: os.DirEntry[str]) -> Entry | None:
    if item.name.startswith("."):
        return None
    try:
        if item.is_dir():
            return Entry(item.name, Path(item.path), True, 0, None)
        known = format_of(item.name)
        if known is None or not item.is_file() or not os.access(item.path, os.R_OK):
            return None
        return Entry(item.name, Path(item.path), False, item.stat().st_size, known)
    except OSError:  # it vanished, or its link leads nowhere
        return None
