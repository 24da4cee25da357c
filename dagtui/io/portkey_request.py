"""What goes to the gateway: route, headers and body. Everything that does not change is made once a choice."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

from dagtui.core.errors import ConfigError, ErrorKind, GatewayError
from dagtui.core.model import ProviderChoice, Request
from dagtui.core.settings import GatewaySettings
from dagtui.io.classifier import Asked
from dagtui.io.credentials import KEY_VARIABLES, SECRET_NAME, inline_config
from dagtui.io.portkey_answer import Route

Headers: TypeAlias = dict[str, str]

ROUTES: tuple[Route, ...] = ("/messages", "/chat/completions")

ANTHROPIC_VERSION = "2023-06-01"
METADATA_LENGTH = 128
"""Characters that Portkey allows a value of metadata."""

HEADER_ROOM = 15_000
"""Bytes that all headers may have: the open-source gateway answers 431 and hangs up at about 16 kB."""

_OWN_ROOM = 5_500  # trace id, idempotency key and our own metadata, were every character an escaped one
_NAME_LENGTH = 200
_SPEAK_MESSAGES = frozenset({"anthropic", "bedrock", "vertex-ai", "azure-ai"})
_COUNTS_COMPLETION = re.compile(r"(?:^|/)(?:o[134](?:-|$)|gpt-5)", re.IGNORECASE)
_NOT_PARAMETERS = {
    "stream": "answers are read whole",
    "messages": "the prompt makes them",
    "system": "the prompt has it",
}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_encode_once = lru_cache(maxsize=16)(_encode)  # for system texts, of which a task has few
_encode_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Plan:
    """How requests of one choice are sent."""

    choice: ProviderChoice
    route: Route
    lines: str
    """The headers that do not change, each with its line break."""
    asked: Asked
    rest: str
    """The body after what the prompt brings, as JSON; what `parameters` say is in it."""


def plan_for(choice: ProviderChoice, settings: GatewaySettings, base_url: str, host: str) -> Plan:
    """Prepare `choice`. `host` is what stands in the header of that name.

    Raises:
        GatewayError: of kind `config`, when its parameters cannot be sent.
    """
    provider = settings.provider or choice.provider
    route = route_for(provider, choice.model, settings.config)
    try:
        headers = _headers(choice, settings, route)
    except ConfigError as error:
        raise GatewayError(ErrorKind.CONFIG, str(error)) from error
    for name, instead in _NOT_PARAMETERS.items():
        if choice.parameters.get(name):
            message = f'Take "{name}" out of the task\'s parameters: {instead}.'
            raise GatewayError(ErrorKind.CONFIG, message)
    try:
        rest = _encode(_fixed(choice, route))[1:]
    except (TypeError, ValueError, RecursionError) as error:
        message = f"The task's parameters cannot be written as JSON: {error}."
        raise GatewayError(ErrorKind.CONFIG, message) from error
    asked = Asked(
        provider=provider or "The provider",
        model=choice.model,
        gateway=base_url,
        key_variable=KEY_VARIABLES.get(provider) if settings.provider_key else None,
        secrets=secrets_of(settings),
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"host": host, **headers}.items())
    return Plan(choice, route, lines, asked, rest)


def route_for(provider: str, model: str, config: str | None = None) -> Route:
    """The Messages API where Anthropic's models answer, because it loses nothing; else OpenAI's chat.

    With a @slug, or a provider that hosts models of many makers, the model's name decides. An inline config
    that names its providers decides instead of `provider`.
    """
    named = _providers_of(config)
    if len(named) > 1:
        return "/chat/completions"
    provider = next(iter(named), provider)
    if provider == "anthropic":
        return "/messages" if not model.startswith("@") or "claude" in model.lower() else "/chat/completions"
    by_family = provider in _SPEAK_MESSAGES or provider.startswith("@") or model.startswith("@")
    return "/messages" if by_family and "claude" in model.lower() else "/chat/completions"


def body_for(plan: Plan, request: Request) -> bytes:
    """The body. A lone surrogate becomes a question mark: UTF-8 cannot hold it.

    Put together from pieces, of which only the prompt is encoded here: it is a third of an attempt's own work.
    """
    user, system = request.prompt.user, request.prompt.system
    asked = f'{{"role":"user","content":{_encode(user)}}}'
    if system is None:
        said = f'"messages":[{asked}]'
    elif plan.route == "/messages":
        said = f'"system":{_encode_once(system)},"messages":[{asked}]'
    else:
        said = f'"messages":[{{"role":"system","content":{_encode_once(system)}}},{asked}]'
    return f"{{{said},{plan.rest}".encode("utf-8", "replace")


def lines_for(plan: Plan, request: Request, attempt: int, length: int, run_id: str, metadata: str) -> bytes:
    """The headers of one attempt, each with its line break; `metadata` is what `metadata_of` says of the run.

    `length` is the body's, in bytes. Whatever a user brings is escaped here, or was checked for the plan: nothing
    can break a line.

    The trace id names the attempt, not only the request: when an answer was lost, Portkey's log (or the
    provider's bill) can be searched for exactly what may have been paid. The idempotency key names the
    request, so that whoever honours it one day charges it once.
    """
    record, dimension = request.record_id[:METADATA_LENGTH], request.dimension[:METADATA_LENGTH]
    told = f'"record":{_encode_ascii(record)},"dimension":{_encode_ascii(dimension)},"attempt":"{attempt}"'
    key = _plain(f"{run_id}-{request.seq}" if run_id else request.trace_id)
    lines = (
        f"{plan.lines}x-portkey-trace-id: {_plain(request.trace_id)}/{attempt}\r\n"
        f"x-portkey-metadata: {metadata}{told}}}\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n"
    )
    return lines.encode("ascii")


def metadata_of(settings: GatewaySettings, run_id: str) -> str:
    """The beginning of every request's metadata: what the user says of them all, and the run."""
    ours = ("record", "dimension", "attempt")
    told = {name: value for name, value in user_metadata(settings).items() if name not in ours}
    return _encode_ascii({**told, "run": run_id[:METADATA_LENGTH]})[:-1] + ","


def user_metadata(settings: GatewaySettings) -> dict[str, str]:
    """The user's metadata as Portkey takes it: short strings."""
    return {name[:METADATA_LENGTH]: value[:METADATA_LENGTH] for name, value in settings.metadata.items()}


def check_room(settings: GatewaySettings) -> None:
    """Raise ConfigError if the headers that every request carries would be too large for the gateway."""
    size = sum(len(name) + len(value) + 4 for name, value in _headers(None, settings, "/messages").items())
    size += len(_encode_ascii(user_metadata(settings)))
    if size + _OWN_ROOM > HEADER_ROOM:
        room = HEADER_ROOM - _OWN_ROOM
        raise ConfigError(
            f"The gateway's config, keys and metadata make {size} bytes of headers, but only {room} fit: "
            "shorten them, or keep the config at Portkey and name its id (pc-...)."
        )


def secrets_of(settings: GatewaySettings) -> tuple[str, ...]:
    """Everything that must never be shown, keys inside an inline config included."""
    found = [key.get_secret_value() for key in (settings.api_key, settings.provider_key) if key is not None]
    found.extend(_secrets_in(inline_config(settings.config), secret=False))
    return tuple(secret for secret in found if secret)


def _fixed(choice: ProviderChoice, route: Route) -> dict[str, Any]:
    fixed: dict[str, Any] = {"model": choice.model}
    own_limit = {"max_tokens", "max_completion_tokens"} & set(choice.parameters)
    if not own_limit:
        new = route == "/chat/completions" and _COUNTS_COMPLETION.search(choice.model)
        fixed["max_completion_tokens" if new else "max_tokens"] = choice.max_tokens
    if choice.temperature is not None:
        fixed["temperature"] = choice.temperature
    return fixed | dict(choice.parameters)


def _headers(choice: ProviderChoice | None, settings: GatewaySettings, route: Route) -> Headers:
    named: Headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "dagtui",
    }
    provider = settings.provider or (choice.provider if choice else "")
    if provider and not (choice and choice.model.startswith("@")) and not _config_names_provider(settings):
        named["x-portkey-provider"] = provider
    if settings.config:
        named["x-portkey-config"] = _config_header(settings.config)
    if settings.custom_host:
        named["x-portkey-custom-host"] = settings.custom_host.rstrip("/")
    if route == "/messages":
        named["anthropic-version"] = ANTHROPIC_VERSION
    if settings.api_key is not None:
        named["x-portkey-api-key"] = settings.api_key.get_secret_value()
    if settings.provider_key is not None:
        key = settings.provider_key.get_secret_value()
        if settings.api_key is None and provider == "anthropic":
            named["x-api-key"] = key
        else:
            named["authorization"] = f"Bearer {key}"
    for name, value in named.items():
        if not (value.isascii() and value.isprintable()):
            raise ConfigError(
                f"What would go into the header {name} holds characters that no header can; check it."
            )
    return named


def _config_header(config: str) -> str:
    content = inline_config(config)
    return config.strip() if content is None else _encode_ascii(content)


def _config_names_provider(settings: GatewaySettings) -> bool:
    """Whether the config says who answers, so that a provider beside it would only contradict.

    A config id is believed to, unless the user named a provider as well.
    """
    if settings.config is None:
        return False
    if inline_config(settings.config) is None:
        return settings.provider is None
    return bool(_providers_of(settings.config))


def _providers_of(config: str | None) -> set[str]:
    content = inline_config(config)
    if content is None:
        return set()
    if isinstance(content.get("provider"), str):
        return {cast("str", content["provider"])}
    targets = content.get("targets")
    if not isinstance(targets, list):
        return set()
    found: set[str] = set()
    for target in cast("list[object]", targets):
        found |= _providers_of(json.dumps(target)) if isinstance(target, dict) else set[str]()
    return found


def _secrets_in(value: object, secret: bool) -> list[str]:
    if isinstance(value, str):
        return [value] if secret else []
    if isinstance(value, list):
        return [found for item in cast("list[object]", value) for found in _secrets_in(item, secret)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return [
            found
            for name, item in members.items()
            for found in _secrets_in(item, secret or SECRET_NAME.search(name) is not None)
        ]
    return []


def _plain(text: str) -> str:
    """`text` as a header may hold it: printable ASCII, the rest escaped."""
    if not (text.isascii() and text.isprintable()):
        text = json.dumps(text)[1:-1].replace("\x7f", "\\u007f")
    return text[:_NAME_LENGTH].strip()
