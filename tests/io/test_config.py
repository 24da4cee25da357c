"""The settings file, its merging, and how a wrong one is told."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from dagtui.core.errors import ConfigError
from dagtui.core.settings import Config
from dagtui.io.config import load_config


def load(folder: Path, here: str | bytes = "", user: str = "") -> Config | None:
    (folder / "user").mkdir()
    if here:
        (folder / "dagtui.toml").write_bytes(here.encode() if isinstance(here, str) else here)
    if user:
        (folder / "user" / "dagtui.toml").write_text(user)
    return load_config(folder, folder / "user")


def test_without_files_nothing_is_set(tmp_path: Path) -> None:
    assert load(tmp_path) is None


def test_the_file_beside_the_work_wins_and_tables_are_merged_by_key(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        here='concurrency = 7\n[metadata]\nteam = "mine"\n[prices."m/1"]\ninput = 0.1\noutput = 0.2\n',
        user='concurrency = 3\ntimeout = 2.5\n[metadata]\nteam = "x"\nuser = "me"\n'
        '[prices."m/2"]\ninput = 1\noutput = 2\n',
    )
    assert config is not None
    assert (config.concurrency, config.timeout) == (7, 2.5)
    assert config.metadata == {"team": "mine", "user": "me"}
    assert config.prices["m/1"].input == Decimal("0.1")
    assert set(config.prices) == {"m/1", "m/2"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concurency = 3", r'unknown setting "concurency" \(did you mean "concurrency"\?\)'),
        ("concurrency = 0", '"concurrency" is 0, but'),
        ('bad_rows = "drop"', '"bad_rows" is'),
        ("[metadata]\na = 1", "metadata.a"),
        ("metadata = 3", "metadata"),
        (
            '[prices."m"]\ninptu = 1\noutput = 2',
            r'\[prices."m"\].*("inptu" \(did you mean "input"|"input" is missing)',
        ),
        ('[prices."m"]\ninput = -1\noutput = 2', r'\[prices."m"\]: "input" is'),
        ("[prices]\nm = 3", r'\[prices."m"\] must be a table'),
        ("a = 1\nb = = 2\n", r"dagtui\.toml:2:5: invalid value"),
        ('a = "x', r"dagtui\.toml:1: .* at the end of the file"),
        (b'a = 1\nb = "\xff"', r"dagtui\.toml:2: a TOML file is UTF-8"),
    ],
)
def test_a_wrong_file_is_told_with_place_and_setting(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "dagtui.toml"))
    assert "\n" not in str(caught.value)


def test_the_user_file_is_named_when_it_is_the_wrong_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "user" / "dagtui.toml"))):
        load(tmp_path, "concurrency = 3", "attempts = 0")


def test_a_key_in_the_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="environment") as caught:
        load(tmp_path, 'api_key = "sk-CANARY"')
    assert "CANARY" not in str(caught.value)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "dagtui.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_a_file_in_the_working_folder_is_what_the_commands_begin_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagtui.commands.options import read_config

    monkeypatch.chdir(tmp_path)
    (tmp_path / "dagtui.toml").write_text('concurrency = 7\n[keys]\n"run.cancel" = "K"\n')
    config = read_config()
    assert config["concurrency"] == 7
    assert config["keys"] == {"run.cancel": "K"}
