"""One process a run: a lock that the system lets go of when the process dies, however it dies."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from dagtui.core.errors import ConfigError, RunInUse

try:
    import fcntl
except ImportError:  # Windows: the journal's own lock is all there is
    fcntl = None

_TRIES, _PAUSE = 3, 0.01


def lock_path(journal: Path) -> Path:
    """The file that is locked: never the journal itself, because closing it would drop SQLite's own locks."""
    return journal.with_name(f"{journal.name}.lock")


class RunLock:
    """Held from its making until `release`.

    Raises:
        RunInUse: another process holds it.
        ConfigError: there can be no lock there.
    """

    def __init__(self, journal: Path) -> None:
        self._path = lock_path(journal)
        for _ in range(_TRIES):
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                why = error.strerror or error
                raise ConfigError(f"{journal}: the journal cannot be made or opened there: {why}.") from None
            if self._taken():
                return
            os.close(self._file)
            time.sleep(_PAUSE)  # whoever lists runs holds the lock for an instant
        raise RunInUse(
            f"{journal}: another process is at this run; watch it with dagtui attach, or wait until it ends."
        )

    def _taken(self) -> bool:
        """Whether the lock is ours: on the file that others find there, not on one that was removed meanwhile."""
        if fcntl is None:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.fstat(self._file).st_ino == self._path.stat().st_ino
        except OSError:
            return False

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
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
