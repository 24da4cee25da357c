"""What keeps answers that are paid for when the disk gives trouble: room in reserve, copies, a file elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

BALLAST = 4 * 1024 * 1024
"""Bytes kept beside the journal while it is written, to be freed when the disk is full: what is in flight fits."""


class Ballast:
    """Room for what is in flight when the disk is full; where there is none, the run goes without."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}.ballast")
        with suppress(OSError, AttributeError):
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(file, 0, BALLAST)
            finally:
                os.close(file)

    def drop(self) -> bool:
        """Free it; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def copied(db: sqlite3.Connection, journal: Path) -> str:
    """Copy a journal whose file is gone, from what SQLite still has open; where to, as a phrase."""
    copy = journal.with_name(f"{journal.stem}.rescued-{os.getpid()}{journal.suffix}")
    try:
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy.unlink(missing_ok=True)
        db.execute("VACUUM INTO ?", (str(copy),))
        copy.chmod(0o600)
    except (sqlite3.Error, OSError) as error:
        return f"and no copy could be made: {error}"
    return f"all that it held is in {copy}"


def put_aside(rows: Iterable[tuple[str, Sequence[Any]]], journal: Path) -> str:
    """Put what could not be committed into a file wherever there is room; says where, in a sentence."""
    lines = [json.dumps({"table": table, "rows": found}) for table, found in rows]
    for folder in (Path.cwd(), Path(os.environ.get("TMPDIR", "/tmp"))):
        target = folder / f"{journal.parent.name}.rescued.json"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(target, flags, 0o600), "w") as file:
                file.write("\n".join(lines))
        except OSError:
            continue
        return f"What came last is in {target}."
    return "What came last is lost."
