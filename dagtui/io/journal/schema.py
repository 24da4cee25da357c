"""The journal's file: its tables, and how it is made, opened and brought up to date."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from dagtui.core.errors import ConfigError

APPLICATION_ID = 0x64616774  # "dagt", so that `file` and we ourselves know it
VERSION = 2
_PATIENCE_S = 5.0  # seconds that another program may hold the file
JOURNAL_NAME = "journal.db"
PICO = 1_000_000_000_000
"""Money is kept in whole billionths of a thousandth of a US dollar: prices of six decimals a million are exact."""

_TABLES = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
    number INTEGER PRIMARY KEY, started_at REAL NOT NULL, seen_at REAL NOT NULL, ended_at REAL,
    claimed INTEGER NOT NULL DEFAULT 0, plan TEXT NOT NULL, recipe TEXT NOT NULL, input TEXT NOT NULL);
CREATE TABLE doubt (seq INTEGER PRIMARY KEY);
CREATE TABLE record (idx INTEGER PRIMARY KEY, id TEXT NOT NULL, read_at REAL NOT NULL);
CREATE TABLE sent (
    number INTEGER PRIMARY KEY, session INTEGER NOT NULL, seq INTEGER NOT NULL, attempt INTEGER NOT NULL,
    sent_at REAL NOT NULL);
CREATE TABLE attempt (
    number INTEGER PRIMARY KEY, session INTEGER NOT NULL, seq INTEGER NOT NULL, attempt INTEGER NOT NULL,
    sent_at REAL NOT NULL, ended_at REAL NOT NULL, status INTEGER, error TEXT, billed TEXT, message TEXT,
    input INTEGER, output INTEGER, cache_read INTEGER, cache_write INTEGER, cost INTEGER,
    request_id TEXT, gateway_retries INTEGER, retry_in REAL, retry_reason TEXT, limits TEXT);
CREATE TABLE outcome (
    number INTEGER PRIMARY KEY, session INTEGER NOT NULL, seq INTEGER NOT NULL, ended_at REAL NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, latency REAL, category TEXT, fingerprint INTEGER,
    input INTEGER, output INTEGER, cache_read INTEGER, cache_write INTEGER, cost INTEGER,
    status INTEGER, error TEXT, billed TEXT, reason TEXT, trace TEXT, saved INTEGER, flags INTEGER, echo INTEGER);
CREATE INDEX outcome_seq ON outcome (seq);
CREATE TABLE answer (seq INTEGER PRIMARY KEY, escaped INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE event (
    number INTEGER PRIMARY KEY, session INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE VIEW result AS
    SELECT record.idx, record.id, outcome.seq, outcome.state, outcome.category, outcome.reason,
        outcome.attempts, outcome.latency,
        outcome.input + outcome.cache_read + outcome.cache_write AS input_tokens,
        outcome.output AS output_tokens, outcome.cost / 1e12 AS cost_usd, answer.text
    FROM outcome
    JOIN record ON record.idx = outcome.seq / (SELECT json_array_length(value) FROM run WHERE key = 'dimensions')
    LEFT JOIN answer ON answer.seq = outcome.seq AND outcome.state = 'ok'
    WHERE outcome.number IN (SELECT max(number) FROM outcome
        WHERE state <> 'cancelled' OR seq NOT IN (SELECT seq FROM answer) GROUP BY seq);
"""

MIGRATIONS: dict[int, str] = {
    1: "ALTER TABLE outcome ADD COLUMN flags INTEGER;\nALTER TABLE outcome ADD COLUMN echo INTEGER",
}
"""By the version that it starts from: the statements that lead to the next one."""

DISGUISES: dict[int, str] = {
    1: "CREATE TEMP VIEW outcome AS SELECT *, NULL AS flags, NULL AS echo FROM main.outcome",
}
"""By version: what makes a journal look like one of today to whoever only reads it, without a change to its
file.
"""


def create(path: Path) -> sqlite3.Connection:
    """A new journal.

    Raises:
        ConfigError: it cannot be made there, or there is something already.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise ConfigError(f"{path} exists already; dagtui resume goes on with a run.") from None
    except OSError as error:
        raise ConfigError(f"{path}: the journal cannot be made: {error.strerror or error}.") from None
    db = _connect(path)
    try:
        db.execute("PRAGMA page_size=8192")
        _tune(db)
        db.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        db.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                path.with_name(path.name + suffix).unlink()
        raise ConfigError(f"{path}: the journal cannot be made: {told(error)}.") from None
    return db


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The journal at `path`, brought up to date.

    Raises:
        ConfigError: there is none, it is none, it is damaged, or a newer dagtui made it.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such journal; dagtui runs lists the runs.")
    db = _connect(path)
    try:
        _migrate(db, path, _version(db, path))
        _tune(db)
    except sqlite3.Error as error:
        db.close()
        raise unreadable(path, error) from None
    except BaseException:
        db.close()
        raise
    return db


def open_for_reading(path: Path) -> sqlite3.Connection:
    """The same for looking only; somebody else may write meanwhile.

    Raises:
        ConfigError: there is none, it is none, it is damaged, or of another version.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such journal; dagtui runs lists the runs.")
    how = "mode=ro"
    if not os.access(path.parent, os.W_OK):
        # There a finished journal can still be read, as what does not change; what is in a log beside it cannot.
        how, log = "immutable=1", path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise ConfigError(f"{path}: its folder cannot be written, which this journal needs; copy the folder.")
    place = f"{path.resolve().as_uri()}?{how}"
    db = sqlite3.connect(place, uri=True, isolation_level=None, timeout=_PATIENCE_S, check_same_thread=False)
    try:
        version = _version(db, path)
        if version < VERSION:
            if version not in DISGUISES:
                raise ConfigError(
                    f"{path}: an older dagtui made this journal; dagtui resume brings it up to date."
                )
            db.execute("PRAGMA temp_store=MEMORY")
            db.execute(DISGUISES[version])
        db.execute("PRAGMA query_only=1")
    except sqlite3.Error as error:
        db.close()
        raise unreadable(path, error) from None
    except BaseException:
        db.close()
        raise
    return db


def unreadable(path: Path, error: sqlite3.Error) -> ConfigError:
    """What a reader is told of a journal that SQLite cannot read."""
    if "not a database" in str(error):
        return ConfigError(f"{path} is no journal of dagtui's; choose another file.")
    if "locked" in str(error) or "busy" in str(error):
        return ConfigError(f"{path}: another program holds this journal; try again when it has ended.")
    return ConfigError(
        f"{path}: the journal is damaged ({told(error)}). Nothing was changed; save what can be read with:"
        f' sqlite3 "{path}" .recover | sqlite3 mended.db'
    )


def told(error: sqlite3.Error) -> str:
    """SQLite's own words."""
    return str(error).rstrip(".")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_S, check_same_thread=False)


def _tune(db: sqlite3.Connection) -> None:
    """Durable at every commit; where WAL cannot be had, SQLite keeps its rollback journal."""
    db.execute("PRAGMA journal_mode=WAL").fetchone()
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA fullfsync=1")  # macOS: fsync alone does not reach the disk there
    db.execute("PRAGMA wal_autocheckpoint=4000")
    db.execute("PRAGMA journal_size_limit=67108864")


def _version(db: sqlite3.Connection, path: Path) -> int:
    [mark] = db.execute("PRAGMA application_id").fetchone()
    [version] = db.execute("PRAGMA user_version").fetchone()
    if mark != APPLICATION_ID:
        raise ConfigError(f"{path} is a database, but no journal of dagtui's; choose another file.")
    if version > VERSION:
        raise ConfigError(f"{path}: a newer dagtui made this journal (version {version}); install that one.")
    return int(version)


def _migrate(db: sqlite3.Connection, path: Path, version: int) -> None:
    """Forward only, in one transaction, after a copy was made."""
    if version == VERSION:
        return
    copy = path.with_name(f"{path.name}.version{version}")
    with suppress(OSError):
        copy.unlink()
    with closing(sqlite3.connect(copy)) as target:
        db.backup(target)
    copy.chmod(0o600)
    db.execute("BEGIN IMMEDIATE")
    for step in range(version, VERSION):
        for statement in MIGRATIONS[step].split(";\n"):
            db.execute(statement)
    db.execute(f"PRAGMA user_version={VERSION}")
    db.execute("COMMIT")
