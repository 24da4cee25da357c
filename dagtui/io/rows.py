"""Rows: what a line, or a few lines, of an input file say. Here plain text, and what the formats share.

A row is its line number with its fields, or a `RowError` where it cannot be read. What makes the rest of the
file unreadable (a quote that is never closed, a broken header) is `BadInput`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from dagtui.core.model import RowError
from dagtui.io.lines import LINE_CAP, ByteLines

Fields: TypeAlias = dict[str, Any]
Row: TypeAlias = tuple[int, Fields] | RowError

OURS = "dagtui_"
"""How the names of the columns begin that dagtui adds to results and failures."""


def text_rows(lines: ByteLines) -> Iterator[Row]:
    """One row a line, as the field `text`."""
    for raw in lines:
        if raw is None:
            yield too_long(lines)
            continue
        try:
            text = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield RowError(lines.number, undecodable(lines.name, lines.number, error))
            continue
        if text and not text.isspace():
            yield lines.number, {"text": text}


def too_long(lines: ByteLines) -> RowError:
    """The row for a line that was not read because of its length."""
    return RowError(lines.number, f"{lines.name}:{lines.number}: the line is longer than {LINE_CAP >> 20} MB")


def undecodable(name: str, line: int, error: UnicodeDecodeError, within: str = "of the line") -> str:
    """The sentence for bytes that are not UTF-8."""
    return (
        f"{name}:{line}: byte {error.start + 1} {within} (0x{error.object[error.start]:02x}) is not UTF-8; "
        "if the file is Latin-1, convert it with: iconv -f latin1 -t utf-8"
    )
