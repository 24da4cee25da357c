"""Whether a file is still the one that a run began with: by its size, its time, and samples of its content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dagtui.core.figures import size

_SAMPLES = 64
_SAMPLE = 16 * 1024  # bytes; a megabyte of a file of any size


def identity(path: Path) -> dict[str, Any]:
    """What tells this file from another: plain data, to be kept and compared.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        digest = blake2b(digest_size=16)
        step = max(_SAMPLE, (status.st_size - _SAMPLE) // (_SAMPLES - 1))
        for start in range(0, max(1, status.st_size), step):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
        file.seek(max(0, status.st_size - _SAMPLE))
        digest.update(file.read(_SAMPLE))
    return {"size": status.st_size, "modified": status.st_mtime_ns, "content": digest.hexdigest()}


def changes(path: Path, before: Mapping[str, Any]) -> str:
    """How the file differs from what it was, as a phrase; empty if it is the same.

    A file that was only touched or copied is the same, as long as its content is.
    """
    return any_changes(path, [before])


def any_changes(path: Path, befores: Iterable[Mapping[str, Any]]) -> str:
    """The same for a file that was read several times: how it differs from what it was at any of them."""
    try:
        now = identity(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    for before in befores:
        if now["size"] != before.get("size"):
            return f"it had {size(before.get('size', 0))} and has {size(now['size'])}"
        if now["content"] != before.get("content"):
            return "its content has changed"
    return ""
