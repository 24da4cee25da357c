"""A journal is made, opened, brought up to date, or refused in one sentence; what is not ours is left alone."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dagtui.core.errors import ConfigError, DagtuiError
from dagtui.core.events import RequestEnded
from dagtui.io.journal import JournalReader, schema
from dagtui.io.journal.replay import Events
from tests.io.journal.helpers import answered, asked, gone_on, made, past_of, read, session, success

OPENERS = {"reading": JournalReader, "writing": lambda path: gone_on(path, 1)}


@pytest.fixture(params=OPENERS)
def opened(request: pytest.FixtureRequest) -> object:
    """Whoever opens a journal that there is."""
    return OPENERS[request.param]


def test_it_is_for_this_user_alone_and_sqlite_tools_know_whose_it_is(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert set(modes) == {
        "journal.db",
        "journal.db-wal",
        "journal.db-shm",
        "journal.db.lock",
        "journal.db.ballast",
    }
    assert set(modes.values()) == {0o600}
    journal.close()
    assert asked(journal.path, "PRAGMA application_id") == [(0x64616774,)]
    assert asked(journal.path, "PRAGMA user_version") == [(schema.VERSION,)]
    assert asked(journal.path, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="exists already; dagtui resume goes on with a run"):
        made(path)
    assert path.read_text() == "mine"


def test_a_folder_that_is_missing_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing/journal.db: the journal cannot be made .*No such file"):
        made(tmp_path / "missing" / "journal.db")


def in_a_small_world(setup: str, code: str) -> str:
    """What `code` says where `setup` has been run as root of a namespace of its own."""
    script = f"{setup} && exec {sys.executable} -c '{code}'"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == 1 and "unshare" in done.stderr:
        pytest.skip("no namespaces here")
    return done.stdout + done.stderr


MAKE = """
from pathlib import Path
from dagtui.core.errors import DagtuiError
from tests.io.journal.helpers import made
try:
    made(Path("{path}")).close()
    print("made")
except DagtuiError as error:
    print("refused:", error)
"""


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    said = in_a_small_world(f"mount -t tmpfs -o ro none {tmp_path}", MAKE.format(path=tmp_path / "journal.db"))
    assert said.startswith("refused: ")
    assert "Read-only file system" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("size", ["16k", "48k"])
def test_a_disk_that_is_full_from_the_start_is_said_and_nothing_is_left(tmp_path: Path, size: str) -> None:
    said = in_a_small_world(
        f"mount -t tmpfs -o size={size} none {tmp_path}",
        MAKE.format(path=tmp_path / "journal.db") + f'import os; print(sorted(os.listdir("{tmp_path}")))',
    )
    first, left = said.splitlines()
    assert first.startswith("refused: ")
    assert "full" in first or "disk I/O error" in first
    assert left in ("[]", "['journal.db']")


def test_a_file_that_is_no_database_or_somebody_elses_is_refused(tmp_path: Path, opened: object) -> None:
    text, other, empty = (tmp_path / name for name in ("text.db", "other.db", "empty.db"))
    text.write_text("no database at all, but long enough to be looked at" * 50)
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE mine (x)")
    empty.touch()
    before = {path: path.read_bytes() for path in (text, other, empty)}
    with pytest.raises(ConfigError, match=r"is no journal of dagtui"):
        opened(text)  # type: ignore[operator]
    for path in (other, empty):
        with pytest.raises(ConfigError, match="no journal of dagtui's"):
            opened(path)  # type: ignore[operator]
    with pytest.raises(ConfigError, match="there is no such journal"):
        opened(tmp_path / "none.db")  # type: ignore[operator]
    assert {path: path.read_bytes() for path in before} == before


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, opened: object) -> None:
    path = tmp_path / "journal.db"
    session(path, read(1))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"a newer dagtui made this journal .version 99"):
        opened(path)  # type: ignore[operator]
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_are_an_error_with_a_way_out_or_do_no_harm(tmp_path: Path, seed: int) -> None:
    path, draw = tmp_path / "journal.db", random.Random(seed)
    session(path, [*read(300), *answered(*range(300), outcome=success("an answer " * 20))])
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice([1, 40, 400])):
        content[draw.randrange(100 if seed % 2 else 0, len(content))] ^= draw.randint(1, 255)
    path.write_bytes(content)
    try:
        with JournalReader(path) as reader:
            reader.past()
            reader.answers(range(300))
    except ConfigError as error:
        told = str(error)
    else:
        told = "nothing: what was hit is not used"
    assert re.search("the journal is damaged|no journal of dagtui|newer|nothing", told)
    assert path.read_bytes() == bytes(content)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_journal_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(300), *answered(*range(300))])
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(ConfigError, match=r"damaged|no journal of dagtui"), JournalReader(path) as reader:
        reader.past()


def migrating(monkeypatch: pytest.MonkeyPatch, statements: str) -> None:
    monkeypatch.setitem(schema.MIGRATIONS, schema.VERSION, statements)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)


def test_an_older_journal_is_brought_up_to_date_and_a_copy_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = tmp_path / "journal.db", schema.VERSION
    session(path, [*read(2), *answered(0, 1)])
    migrating(monkeypatch, "ALTER TABLE record ADD COLUMN note TEXT;\nUPDATE record SET note = 'new'")
    with pytest.raises(ConfigError, match="an older dagtui made this journal; dagtui resume brings it up to date"):
        JournalReader(path)
    gone_on(path, 1).close()
    assert asked(path, "SELECT DISTINCT note FROM record") == [("new",)]
    assert asked(path, "PRAGMA user_version") == [(now + 1,)]
    copy = tmp_path / f"journal.db.version{now}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert asked(copy, "PRAGMA user_version") == [(now,)]
    assert asked(copy, "SELECT count(*) FROM outcome") == [(2,)]
    assert past_of(path).records == 2


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, now = tmp_path / "journal.db", schema.VERSION
    session(path, read(2))
    migrating(monkeypatch, "ALTER TABLE record ADD COLUMN note TEXT;\nUPDATE nowhere SET x = 1")
    with pytest.raises(DagtuiError):
        gone_on(path, 1)
    assert asked(path, "PRAGMA user_version") == [(now,)]
    assert len(asked(path, "PRAGMA table_info(record)")) == 3
    monkeypatch.undo()
    gone_on(path, 1).close()  # and the lock is free


def as_version_1(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE outcome DROP COLUMN flags")
        db.execute("ALTER TABLE outcome DROP COLUMN echo")
        db.execute("PRAGMA user_version=1")


def test_a_journal_of_version_1_is_read_as_it_is_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(3), *answered(0, 1, outcome=success("an answer"))])
    as_version_1(path)
    before = path.read_bytes()
    with JournalReader(path) as reader:
        assert (reader.answers([1])[1].text, reader.answers([1])[1].flags) == ("an answer", 0)
        assert dict(reader.states()) == {"ok": 2}
    with closing(Events(path)) as events:
        assert sum(isinstance(event, RequestEnded) for event in events.read()) == 2
    assert past_of(path).records == 3
    assert path.read_bytes() == before
    gone_on(path, 1).close()
    assert asked(path, "PRAGMA user_version") == [(schema.VERSION,)]
    with JournalReader(path) as reader:
        assert reader.answers([1])[1].flags == 0


def test_a_finished_journal_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "run" / "journal.db"
    path.parent.mkdir()
    session(path, [*read(2), *answered(0)])
    code = f"""
from pathlib import Path
from dagtui.io.journal import JournalReader
with JournalReader(Path("{path}")) as reader:
    print(dict(reader.states()))
"""
    said = in_a_small_world(
        f"mount --bind {path.parent} {path.parent} && mount -o remount,ro,bind {path.parent}", code
    )
    assert said == "{'ok': 1}\n"


def test_a_killed_journal_where_nothing_can_be_written_is_not_read_without_its_log(tmp_path: Path) -> None:
    path = tmp_path / "run" / "journal.db"
    path.parent.mkdir()
    session(path, [*read(2), *answered(0)], dies=True)
    # Closed by the test, so SQLite has put the log into the file: as a kill leaves it, it is beside it.
    path.with_name("journal.db-wal").write_bytes(b"\0" * 5000)
    code = f"""
from pathlib import Path
from dagtui.core.errors import ConfigError
from dagtui.io.journal import JournalReader
try:
    JournalReader(Path("{path}"))
except ConfigError as error:
    print(error)
"""
    said = in_a_small_world(
        f"mount --bind {path.parent} {path.parent} && mount -o remount,ro,bind {path.parent}", code
    )
    assert "copy the folder" in said


def test_a_journal_that_another_program_holds_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    session(path, read(1))
    monkeypatch.setattr(schema, "_PATIENCE_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConfigError, match="another program holds this journal; try again"):
            gone_on(path, 1)
