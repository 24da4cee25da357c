from __future__ import annotations

import pytest

from dagtui.core.errors import ConfigError
from dagtui.core.settings import Config, GatewaySettings, RunSettings, checked


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"concurrency": 0}, '"concurrency" is 0, but input should be greater than or equal to 1'),
        ({"concurrency": 20_000}, "less than or equal to 10000"),
        ({"attempts": "many"}, "\"attempts\" is 'many', but"),
        ({"timeout": -1}, "greater than 0"),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_its_name_and_value(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=r"^flags: ") as caught:
        checked(RunSettings, values, "flags")
    assert sentence in str(caught.value)


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r'unknown setting "concurency" \(did you mean "concurrency"\?\)'):
        checked(Config, {"concurency": 5}, "dagtui.toml")


def test_keys_are_hidden_in_every_representation() -> None:
    settings = GatewaySettings(base_url="http://x", api_key="sk-CANARY", provider_key="sk-CANARY")  # type: ignore[arg-type]
    assert "CANARY" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
