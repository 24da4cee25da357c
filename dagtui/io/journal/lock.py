"""One process a run: a lock that the system lets go of when the process dies, however it dies."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from dagtui.core.errors import RunInUse

try:
    import fcntl
except ImportError:  # Windows: the journal's own lock is all there is
    fcntl = None


def lock_path(journal: Path) -> Path:
    """The file that is locked: never the journal itself, because closing it would drop SQLite's own locks."""
    return journal.with_name(f"{journal.name}.lock")


class RunLock:
    """Held from its making until `release`.

    Raises:
        RunInUse: another process holds it.
    """

    def __init__(self, journal: Path) -> None:
        self._path = lock_path(journal)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise RunInUse(
                f"{journal}: another process is at this run; watch it with dagtui attach, or wait until it ends."
            ) from None

    def release(self) -> None:
        """Let others in. The file is removed first, while nobody else can hold it."""
        with suppress(OSError):
            self._path.unlink()
        with suppress(OSError):
            os.close(self._file)


def is_locked(journal: Path) -> bool:
    """Whether a process is at the run now."""
    if fcntl is None:
        return False
    try:
        file = os.open(lock_path(journal), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
