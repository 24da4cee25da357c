"""Keys and gateways: what is missing or wrong is told before anything is sent, and no key is ever shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dagtui.core.errors import ConfigError, ExitCode, KeyMissing
from dagtui.core.settings import GatewaySettings
from dagtui.io.credentials import (
    HOSTED,
    KEY_VARIABLES,
    LOCAL,
    default_gateway,
    gateway_settings,
    with_retries,
)

PORTKEY = {"PORTKEY_API_KEY": "portkey-canary-key"}
ANTHROPIC = {"ANTHROPIC_API_KEY": "sk-ant-canary-key"}


def settings(name: str, environ: dict[str, str], provider: str = "anthropic", **more: Any) -> GatewaySettings:
    return gateway_settings(name, environ, provider=provider, **more)


def secret(value: Any) -> str | None:
    return None if value is None else value.get_secret_value()


def test_local_takes_the_providers_key() -> None:
    found = settings("local", ANTHROPIC)
    assert (found.base_url, secret(found.provider_key), found.api_key) == (LOCAL, "sk-ant-canary-key", None)


@pytest.mark.parametrize(("provider", "variable"), KEY_VARIABLES.items())
def test_each_provider_has_its_variable(provider: str, variable: str) -> None:
    assert secret(settings("local", {variable: "key-0123"}, provider).provider_key) == "key-0123"
    with pytest.raises(KeyMissing, match=f"^{variable} is not set"):
        settings("local", {}, provider)


def test_the_address_of_local_can_be_set() -> None:
    assert settings("local", ANTHROPIC | {"PORTKEY_GATEWAY_URL": "http://box:9"}).base_url == "http://box:9"


@pytest.mark.parametrize(
    "more",
    [
        {"custom_host": "http://localhost:9100/v1/"},
        {"config": '{"provider":"anthropic","api_key":"sk-canary"}'},
        {"config": '{"strategy":{"mode":"fallback"},"targets":[{"provider":"anthropic","api_key":"sk-canary"}]}'},
        {"provider": "ollama"},
    ],
)
def test_local_needs_no_key_where_something_else_brings_it_or_none_is_asked_for(more: dict[str, Any]) -> None:
    found = settings("local", {}, **more)
    assert found.provider_key is None
    assert found.custom_host is None or not found.custom_host.endswith("/")


def test_a_missing_key_is_told_in_one_sentence_with_a_way_out() -> None:
    with pytest.raises(KeyMissing) as caught:
        settings("local", {})
    assert str(caught.value) == (
        "ANTHROPIC_API_KEY is not set: set it to your API key (get one at "
        'https://console.anthropic.com/settings/keys), or try it without a key with "--gateway demo".'
    )
    assert caught.value.exit_code is ExitCode.AUTH


def test_a_provider_without_a_known_variable_needs_a_config() -> None:
    with pytest.raises(KeyMissing, match="inline config"):
        settings("local", {}, "some-new-one")


@pytest.mark.parametrize(
    ("environ", "more"),
    [
        ({"PORTKEY_PROVIDER": "@anthropic-prod"}, {}),
        ({"PORTKEY_CONFIG": "pc-abc"}, {}),
        ({}, {"override_provider": "@anthropic-prod"}),
        ({}, {"provider": "@anthropic-prod"}),
        ({}, {"model": "@anthropic-prod/claude-haiku-4-5"}),
        ({}, {"config": "pc-abc"}),
    ],
)
def test_portkey_needs_to_know_who_pays_and_any_way_will_do(environ: dict[str, str], more: dict[str, Any]) -> None:
    found = settings("portkey", PORTKEY | environ, **more)
    assert (found.base_url, secret(found.api_key), found.provider_key) == (HOSTED, "portkey-canary-key", None)


def test_portkey_passes_the_providers_own_key_when_portkey_holds_none() -> None:
    assert secret(settings("portkey", PORTKEY | ANTHROPIC).provider_key) == "sk-ant-canary-key"
    openai = PORTKEY | {"OPENAI_API_KEY": "sk-proj-canary"}
    assert secret(settings("portkey", openai, "openai").provider_key) == "sk-proj-canary"


def test_portkey_without_a_payer_names_every_way() -> None:
    with pytest.raises(KeyMissing, match=r"@slug or PORTKEY_PROVIDER.*PORTKEY_CONFIG.*ANTHROPIC_API_KEY.*demo"):
        settings("portkey", PORTKEY)


def test_portkey_without_its_key_says_where_to_get_one() -> None:
    with pytest.raises(KeyMissing, match=r"^PORTKEY_API_KEY is not set.*app\.portkey\.ai.*--gateway demo"):
        settings("portkey", ANTHROPIC)


def test_what_the_user_says_wins_over_the_environment() -> None:
    found = settings("portkey", PORTKEY | {"PORTKEY_PROVIDER": "@a"}, override_provider="@b")
    assert found.provider == "@b"


def test_demo_needs_no_key_and_sends_none() -> None:
    found = settings("demo", PORTKEY | ANTHROPIC, base_url="http://127.0.0.1:1")
    assert (found.base_url, found.api_key, found.provider_key) == ("http://127.0.0.1:1", None, None)


def test_a_base_url_sends_the_keys_that_are_set_and_asks_for_none() -> None:
    found = settings("https://gw.example.com/v1", PORTKEY | ANTHROPIC)
    assert (secret(found.api_key), secret(found.provider_key)) == ("portkey-canary-key", "sk-ant-canary-key")
    bare = settings("http://gw.example.com", {})
    assert (bare.base_url, bare.api_key, bare.provider_key) == ("http://gw.example.com", None, None)


@pytest.mark.parametrize("name", ["portky", "Local", "", "localhost:8787", "ftp://x", "http://"])
def test_an_unknown_gateway_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ConfigError, match="demo, portkey, local, or a base URL"):
        settings(name, PORTKEY)


def test_a_misspelt_gateway_is_met_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match='did you mean "portkey"'):
        settings("portky", {})


@pytest.mark.parametrize("url", ["http://me:canary@host/v1", "http://ho st/v1", "http://host/v1 x"])
def test_an_address_with_a_password_or_spaces_is_refused_unshown(url: str) -> None:
    with pytest.raises(ConfigError, match="address") as caught:
        settings(url, {})
    assert "canary" not in str(caught.value)


WRONG = [
    ("   ", "is blank"),
    ("sk-ant-canary\n", "white space"),
    (" sk-ant-canary", "white space"),
    ("sk-ant can ary", "white space inside"),
    ('"sk-ant-canary"', "wrapped in quotes"),
    ("'sk-ant-canary'", "wrapped in quotes"),
    ("your-key", "placeholder"),
    ("sk-ant-your-key-here", "placeholder"),
    ("YOUR_API_KEY", "placeholder"),
    ("<key>", "placeholder"),
    ("${ANTHROPIC_API_KEY}", "placeholder"),
    ("sk-ant-xxxxxxxx", "placeholder"),
    ("sk-...", "placeholder"),
    ("changeme", "placeholder"),
    ("sk-ant-canarÿ", "characters"),
    ("sk-ant-canary\x00", "characters"),
    ("sk-ant-canary" * 1000, "too long"),
    ("pk-canary", "PORTKEY_API_KEY"),
    ("pc-canary", "PORTKEY_CONFIG"),
    ("sk-proj-canary", "OPENAI_API_KEY"),
]


@pytest.mark.parametrize(("value", "words"), WRONG)
def test_a_key_that_cannot_be_one_is_told_without_showing_it(value: str, words: str) -> None:
    with pytest.raises(KeyMissing, match=words) as caught:
        settings("local", {"ANTHROPIC_API_KEY": value})
    message = str(caught.value)
    assert message.startswith("ANTHROPIC_API_KEY ")
    assert "--gateway demo" in message
    assert "canar" not in message


@pytest.mark.parametrize("variable", ["PORTKEY_API_KEY", "OPENAI_API_KEY"])
def test_an_anthropic_key_in_anothers_variable_is_recognised(variable: str) -> None:
    environ = PORTKEY | {variable: "sk-ant-canary"}
    with pytest.raises(KeyMissing, match="belongs into ANTHROPIC_API_KEY"):
        settings("portkey", environ, "openai")


def test_an_empty_key_counts_as_not_set() -> None:
    with pytest.raises(KeyMissing, match="is not set"):
        settings("local", {"ANTHROPIC_API_KEY": ""})


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("pc-abc", "--gateway portkey only"),
        ("{", "neither an id"),
        ("[1]", "neither an id"),
        ('{"strategy":{"mode":"fallback"},"targets":[]}', 'no "targets"'),
        ('{"retry":{"attempts":2,"use_retry_after_header":true}}', "use_retry_after_header"),
        ('{"targets":[{"retry":{"use_retry_after_header":true}}]}', "use_retry_after_header"),
    ],
)
def test_a_config_that_the_open_source_gateway_would_not_bear_is_refused(config: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settings("local", ANTHROPIC, config=config)


def test_hosted_takes_ids_and_honours_retry_after() -> None:
    config = json.dumps({"retry": {"attempts": 2, "use_retry_after_header": True}})
    assert settings("portkey", PORTKEY | ANTHROPIC, config=config).config == config
    with pytest.raises(ConfigError, match="neither"):
        settings("portkey", PORTKEY, config="nonsense")


def test_a_config_that_is_refused_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        settings("local", ANTHROPIC, config='{"api_key":"sk-canary"')
    assert "canary" not in str(caught.value)


def test_keys_do_not_show_in_settings() -> None:
    found = settings("https://gw.example.com", PORTKEY | ANTHROPIC)
    assert "canary" not in repr(found) + str(found) + found.model_dump_json()


@pytest.mark.parametrize(
    ("environ", "name"),
    [({}, "demo"), (PORTKEY, "portkey"), (ANTHROPIC, "demo"), ({"PORTKEY_API_KEY": " "}, "demo")],
)
def test_who_names_no_gateway_gets_portkey_with_a_key_and_else_the_demo(
    environ: dict[str, str], name: str
) -> None:
    assert default_gateway(environ) == name


def test_the_gateways_own_retries_join_the_config_that_is_given() -> None:
    plain = GatewaySettings(base_url="http://localhost:8787/v1")
    alone = json.loads(with_retries(plain, 5).config or "")
    assert alone["retry"]["attempts"] == 5
    assert {429, 500, 502, 503, 504, 529} == set(alone["retry"]["on_status_codes"])
    beside = plain.model_copy(update={"config": '{"provider": "openai", "retry": {"attempts": 1}}'})
    joined = json.loads(with_retries(beside, 3).config or "")
    assert joined["provider"] == "openai"
    assert joined["retry"]["attempts"] == 3
    with pytest.raises(ConfigError, match="pc-abc"):
        with_retries(plain.model_copy(update={"config": "pc-abc"}), 3)
