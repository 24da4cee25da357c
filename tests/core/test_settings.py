from __future__ import annotations

from typing import Any

import pytest

from dagtui.core.errors import ConfigError
from dagtui.core.run_settings import within
from dagtui.core.settings import Config, GatewaySettings, RunSettings, checked


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"concurrency": 0}, '"concurrency" is 0, but it must be a whole number from 1 to 10,000.'),
        ({"concurrency": 20_000}, '"concurrency" is 20000, but it must be a whole number from 1 to 10,000.'),
        ({"concurrency": True}, '"concurrency" is True, but it must be a whole number from 1 to 10,000.'),
        ({"attempts": "many"}, "\"attempts\" is 'many', but it must be a whole number from 1 to 100."),
        ({"timeout": -1}, '"timeout" is -1, but it must be a number above 0.'),
        ({"timeout": None}, '"timeout" is None, but it must be a number above 0.'),
        ({"deadline": float("nan")}, '"deadline" is nan, but it must be a number above 0.'),
        ({"requests_per_minute": 0}, '"requests_per_minute" is 0, but it must be a number above 0.'),
        ({"continue_on_error": 2}, '"continue_on_error" is 2, but it must be true or false.'),
        ({"bad_rows": "drop"}, '"bad_rows" is \'drop\', but it must be "fail" or "skip".'),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_its_name_and_value(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunSettings(**values)
    assert str(caught.value) == f"settings: {sentence}"


def test_a_wrong_setting_of_a_file_is_told_with_the_file() -> None:
    with pytest.raises(ConfigError, match=r'^dagtui\.toml: "concurrency" is 0, but input should be greater'):
        checked(Config, {"concurrency": 0}, "dagtui.toml")


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r'unknown setting "concurency" \(did you mean "concurrency"\?\)'):
        checked(Config, {"concurency": 5}, "dagtui.toml")


def test_keys_are_hidden_in_every_representation() -> None:
    settings = GatewaySettings(base_url="http://x", api_key="sk-CANARY", provider_key="sk-CANARY")  # type: ignore[arg-type]
    assert "CANARY" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("wanted", "files", "allowed", "told"),
    [
        ({"concurrency": 500}, 256, (192, 192), True),
        ({"concurrency": 100}, 256, (100, 192), False),
        ({"concurrency": 20, "automatic": True}, 256, (20, 192), True),
        ({"concurrency": 500}, 65_536, (500, 1000), False),
        ({"concurrency": 5}, 10, (1, 1), True),
    ],
)
def test_settings_fit_the_files_that_a_process_may_open(
    wanted: dict[str, Any], files: int, allowed: tuple[int, int], told: bool
) -> None:
    settings, notice = within(RunSettings(**wanted), files)
    assert (settings.concurrency, settings.ceiling) == allowed
    assert bool(notice) == told
