"""From a gateway's name and the environment to settings with keys, checked before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import SecretStr

from dagtui.core.errors import ConfigError, KeyMissing, nearest
from dagtui.core.settings import GatewaySettings, checked

HOSTED = "https://api.portkey.ai/v1"
LOCAL = "http://localhost:8787/v1"

SECRET_NAME = re.compile(r"key|secret|token|authorization|password", re.IGNORECASE)
KEY_VARIABLES: Mapping[str, str] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "azure-openai": "AZURE_OPENAI_API_KEY",
    "azure-ai": "AZURE_AI_API_KEY",
    "google": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral-ai": "MISTRAL_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "together-ai": "TOGETHER_API_KEY",
    "x-ai": "XAI_API_KEY",
    "cohere": "COHERE_API_KEY",
    "fireworks-ai": "FIREWORKS_API_KEY",
    "perplexity-ai": "PERPLEXITY_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "deepinfra": "DEEPINFRA_API_KEY",
    "huggingface": "HF_TOKEN",
    "nvidia": "NVIDIA_API_KEY",
}
"""The environment variable with the key of each provider, as the providers themselves name it."""

KEYLESS = frozenset({"ollama"})
"""Providers that ask for no key."""

_WHERE = {
    "PORTKEY_API_KEY": "https://app.portkey.ai/api-keys",
    "ANTHROPIC_API_KEY": "https://console.anthropic.com/settings/keys",
    "OPENAI_API_KEY": "https://platform.openai.com/api-keys",
    "GEMINI_API_KEY": "https://aistudio.google.com/apikey",
    "GROQ_API_KEY": "https://console.groq.com/keys",
    "MISTRAL_API_KEY": "https://console.mistral.ai/api-keys",
    "DEEPSEEK_API_KEY": "https://platform.deepseek.com/api_keys",
    "OPENROUTER_API_KEY": "https://openrouter.ai/keys",
    "TOGETHER_API_KEY": "https://api.together.ai/settings/api-keys",
    "XAI_API_KEY": "https://console.x.ai",
    "COHERE_API_KEY": "https://dashboard.cohere.com/api-keys",
}
_DEMO = 'or try it without a key with "--gateway demo"'
_NAMES = ("demo", "portkey", "local")
_PLACEHOLDER = re.compile(
    r"^(?:<.*>|\$\{?\w+\}?|x{3,}|\.{3,}|.*\byour[-_ ].*|.*(?:changeme|change[-_]me|placeholder|replace[-_]?me)"
    r".*|(?:sk|pk)-\.{2,}|(?:sk-(?:ant-)?)?x{4,}|api[-_ ]?key|none|null|todo|dummy)$",
    re.IGNORECASE,
)


def default_gateway(environ: Mapping[str, str]) -> str:
    """The gateway of who named none: Portkey when its key is at hand, else the demo."""
    return "portkey" if environ.get("PORTKEY_API_KEY", "").strip() else "demo"


def gateway_settings(
    name: str,
    environ: Mapping[str, str],
    *,
    provider: str,
    model: str = "",
    config: str | None = None,
    custom_host: str | None = None,
    metadata: Mapping[str, str] | None = None,
    base_url: str | None = None,
    override_provider: str | None = None,
) -> GatewaySettings:
    """The settings of the gateway `name`: `portkey`, `local`, `demo` (which needs `base_url`), or a base URL.

    `provider` and `model` are the task's; `override_provider` is the user's word against it. A key that is
    absent, or cannot be one, is told here, before any request.

    Raises:
        KeyMissing: which variable, where to get the key, and that the demo needs none.
        ConfigError: an unknown gateway, or a config that the gateway would refuse.
    """
    override = override_provider or environ.get("PORTKEY_PROVIDER", "").strip() or None
    settings: dict[str, Any] = {
        "name": name,
        "config": config,
        "custom_host": custom_host.rstrip("/") if custom_host else None,
        "metadata": dict(metadata or {}),
        "provider": override,
    }
    effective = override or provider
    match name:
        case "demo":
            if base_url is None:
                raise ConfigError("The demo gateway has no address; this is a defect of dagtui.")
            settings |= {"base_url": base_url, "config": None, "custom_host": None, "provider": override_provider}
        case "portkey":
            settings["config"] = config = config or environ.get("PORTKEY_CONFIG", "").strip() or None
            _check_config(config, hosted=True)
            settings |= {"base_url": base_url or HOSTED, "api_key": _portkey_key(environ)}
            settings["provider_key"] = _hosted_provider_key(environ, effective, model, config)
        case "local":
            _check_config(config, hosted=False)
            settings["base_url"] = base_url or environ.get("PORTKEY_GATEWAY_URL", "").strip() or LOCAL
            settings["provider_key"] = _local_provider_key(environ, effective, config, custom_host)
        case _ if re.match(r"https?://[^/\s]", name, re.IGNORECASE):
            _check_config(config, hosted=None)
            settings |= {"base_url": name, "api_key": _key("PORTKEY_API_KEY", environ)}
            settings["provider_key"] = _provider_key(environ, effective)
        case _:
            raise ConfigError(
                f'There is no gateway "{name}"{nearest(name, _NAMES)}: '
                f"use {', '.join(_NAMES)}, or a base URL such as {LOCAL}."
            )
    _check_url(settings["base_url"])
    return checked(GatewaySettings, settings, f"gateway {name}")


def with_retries(settings: GatewaySettings, attempts: int) -> GatewaySettings:
    """The same settings, with so many retries by the gateway itself.

    Raises:
        ConfigError: the gateway's config is one that only Portkey knows.
    """
    content = {} if settings.config is None else inline_config(settings.config)
    if content is None:
        raise ConfigError(
            f"The gateway's retries cannot be set beside the config {settings.config}: set them there, or give "
            "the config as JSON."
        )
    # Named one by one: gateways differ in what they retry by default.
    retry = {"attempts": attempts, "on_status_codes": [429, 500, 502, 503, 504, 529]}
    return settings.model_copy(update={"config": json.dumps({**content, "retry": retry})})


def _portkey_key(environ: Mapping[str, str]) -> SecretStr:
    key = _key("PORTKEY_API_KEY", environ)
    if key is None:
        raise KeyMissing(_missing("PORTKEY_API_KEY"))
    return key


def _hosted_provider_key(
    environ: Mapping[str, str], provider: str, model: str, config: str | None
) -> SecretStr | None:
    """The provider's own key, where Portkey does not hold it (a @slug of its Model Catalog, or a config, does)."""
    if provider.startswith("@") or model.startswith("@") or provider in KEYLESS or _has_key(config):
        return None
    key = _provider_key(environ, provider)
    if key is None:
        variable = KEY_VARIABLES.get(provider)
        own = f"set {variable}" if variable else "use a provider with a key of its own"
        raise KeyMissing(
            f'Portkey needs to know whose key pays for "{provider}": name a provider of your Model Catalog with '
            f"--provider @slug or PORTKEY_PROVIDER, or a config with PORTKEY_CONFIG, or {own}, {_DEMO}."
        )
    return key


def _local_provider_key(
    environ: Mapping[str, str], provider: str, config: str | None, custom_host: str | None
) -> SecretStr | None:
    if provider.startswith("@"):
        raise ConfigError(
            f'The provider "{provider}" is of the Model Catalog, which only --gateway portkey has; '
            "name one such as anthropic."
        )
    key = _provider_key(environ, provider)
    if key is None and not (provider in KEYLESS or custom_host or _has_key(config)):
        variable = KEY_VARIABLES.get(provider)
        if variable is None:
            raise KeyMissing(
                f'No environment variable is known for the key of "{provider}": put the key into an inline '
                f"config (DAGTUI_PORTKEY_CONFIG), {_DEMO}."
            )
        raise KeyMissing(_missing(variable))
    return key


def _provider_key(environ: Mapping[str, str], provider: str) -> SecretStr | None:
    variable = KEY_VARIABLES.get(provider)
    return _key(variable, environ) if variable else None


def _missing(variable: str) -> str:
    where = f" (get one at {_WHERE[variable]})" if variable in _WHERE else ""
    return f"{variable} is not set: set it to your API key{where}, {_DEMO}."


def _key(variable: str, environ: Mapping[str, str]) -> SecretStr | None:
    """The key in `variable`, None if it is not set. Nothing of its text goes into a message."""
    value = environ.get(variable)
    if value is None or value == "":
        return None
    wrong = _wrong(variable, value)
    if wrong is not None:
        where = f" (get one at {_WHERE[variable]})" if variable in _WHERE else ""
        raise KeyMissing(f"{variable} {wrong}: set it to your API key{where}, {_DEMO}.")
    return SecretStr(value)


def _wrong(variable: str, value: str) -> str | None:
    """Why `value` cannot be the key that `variable` should hold."""
    if not value.strip():
        return "is blank"
    if value != value.strip():
        return "begins or ends with white space"
    if value[0] in "\"'`" or value[-1] in "\"'`":
        return "is wrapped in quotes, which do not belong to the key"
    if re.search(r"\s", value):
        return "has white space inside"
    if _PLACEHOLDER.match(value):
        return "holds a placeholder"
    if not (value.isascii() and value.isprintable()):
        return "holds characters that no key has"
    if len(value) > 4096:
        return "is far too long for a key"
    return _swapped(variable, value)


def _swapped(variable: str, value: str) -> str | None:
    anthropic = value.startswith("sk-ant-")
    if anthropic and variable == "PORTKEY_API_KEY":
        return "holds an Anthropic key, which belongs into ANTHROPIC_API_KEY"
    if anthropic and variable == "OPENAI_API_KEY":
        return "holds an Anthropic key, which belongs into ANTHROPIC_API_KEY"
    if value.startswith("pk-") and variable != "PORTKEY_API_KEY":
        return "holds what looks like a Portkey key, which belongs into PORTKEY_API_KEY"
    if variable == "ANTHROPIC_API_KEY" and value.startswith(("sk-proj-", "sk-svcacct-")):
        return "holds an OpenAI key, which belongs into OPENAI_API_KEY"
    if value.startswith("pc-"):
        return "holds the id of a Portkey config, which belongs into PORTKEY_CONFIG"
    return None


def _check_url(url: str) -> None:
    if not re.fullmatch(r"https?://[^/\s@]+(?:/\S*)?", url, re.IGNORECASE):
        raise ConfigError(
            "The gateway's address must look like http://host:port/v1, without a user name, a password or spaces."
        )


def _check_config(config: str | None, hosted: bool | None) -> None:
    """Refuse what the gateway would refuse, or take and do harm with. `hosted` is None when nobody knows.

    Nothing of the config goes into a message, because it may hold keys.
    """
    if config is None:
        return
    if config.startswith("pc-"):
        if hosted is False:
            raise ConfigError(
                "A config id (pc-...) works with --gateway portkey only; give --gateway local the config as JSON."
            )
        return
    content = inline_config(config)
    if content is None:
        raise ConfigError("The gateway's config is neither an id (pc-...) nor a JSON object.")
    if "strategy" in content and not content.get("targets"):
        raise ConfigError('The gateway\'s config has a "strategy" but no "targets"; add them.')
    if hosted is False and _has(content, "use_retry_after_header"):
        raise ConfigError(
            'Take "use_retry_after_header" out of the gateway\'s config: the open-source gateway as npm installs '
            "it ignores the header and turns rate limits into 500s. dagtui honours retry-after itself."
        )


def inline_config(config: str | None) -> dict[str, Any] | None:
    """The config if it is an inline JSON object, else None (an id, or nothing)."""
    try:
        content: object = json.loads(config) if config else None
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None


def has_inline_key(config: str) -> bool:
    """Whether the config itself, not what an id stands for, holds a key."""
    return _has(inline_config(config), "api_key")


def _has_key(config: str | None) -> bool:
    """Whether the config brings the provider's key; an id is believed to."""
    if config is None:
        return False
    content = inline_config(config)
    return content is None or _has(content, "api_key") or _has(content, "virtual_key")


def _has(content: object, name: str) -> bool:
    if isinstance(content, dict):
        members = cast("dict[str, object]", content)
        return bool(members.get(name)) or any(_has(member, name) for member in members.values())
    if isinstance(content, list):
        return any(_has(member, name) for member in cast("list[object]", content))
    return False


STARS = "***"
"""What stands for a secret where a config is kept."""


def without_secrets(config: str | None) -> str:
    """The config as it may be kept: an inline one with stars for whatever is called a key, a token or the like."""
    content = inline_config(config)
    return config or "" if content is None else json.dumps(_starred(content), sort_keys=True)


def _starred(content: object) -> object:
    if isinstance(content, dict):
        members = cast("dict[str, object]", content)
        return {
            name: STARS if SECRET_NAME.search(name) and isinstance(value, str) else _starred(value)
            for name, value in members.items()
        }
    if isinstance(content, list):
        return [_starred(item) for item in cast("list[object]", content)]
    return content
