"""The request that was sent, as a command: made by the code that sends it, with stand-ins for the keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagtui.core.curl import curl
from dagtui.core.model import Request
from dagtui.core.settings import GatewaySettings
from dagtui.io import portkey_request as outgoing
from dagtui.io.credentials import KEY_VARIABLES, STARS, without_secrets
from dagtui.io.portkey import root_of

PORTKEY_KEY = "PORTKEY_API_KEY"
_VARIABLES = frozenset({PORTKEY_KEY, *KEY_VARIABLES.values()})
_STAND_IN = "stand-in."
_KEY_HEADERS = frozenset({"x-portkey-api-key", "x-api-key", "authorization"})
_NO_KEYS = ("PORTKEY_CONFIG", "PORTKEY_PROVIDER", "PORTKEY_GATEWAY_URL")
_CURLS_OWN = frozenset({"host", "content-length"})


@dataclass(frozen=True, slots=True)
class Sending:
    """The body, and the command; `advice` says what else it takes to run it."""

    body: str
    command: str
    advice: str


def without_keys(environ: Mapping[str, str], *, all_keys: bool = False) -> dict[str, str]:
    """`environ` as far as it says where requests go, with the name of each key in place of the key."""
    kept = {name: environ[name] for name in _NO_KEYS if name in environ}
    here = _VARIABLES if all_keys else {name for name in _VARIABLES if name in environ}
    return {**kept, **{name: f"{_STAND_IN}{name}" for name in here}}


def sending(settings: GatewaySettings, request: Request, attempt: int, run_id: str) -> Sending:
    """How attempt `attempt` of `request` is sent. The keys in `settings` are those of `without_keys`.

    Raises:
        GatewayError: the request's parameters cannot be sent.
    """
    config = without_secrets(settings.config) or None
    settings = settings.model_copy(update={"config": config})
    root = root_of(settings.base_url)
    plan = outgoing.plan_for(request.choice, settings, root, "")
    content = outgoing.body_for(plan, request)
    metadata = outgoing.metadata_of(settings, run_id)
    lines = outgoing.lines_for(plan, request, attempt, len(content), run_id, metadata).decode("ascii")
    pairs = [line.partition(": ") for line in lines.split("\r\n") if line]
    headers = {name: value for name, _, value in pairs if name not in _CURLS_OWN}
    keys = {name: headers[name].partition(_STAND_IN)[2] for name in _KEY_HEADERS & headers.keys()}
    headers |= {name: headers[name].replace(_STAND_IN, "$") for name in keys}
    body = content.decode("utf-8")
    command = curl(f"{root}/v1{plan.route}", headers, body, keys)
    stars = f'"{STARS}"' in (config or "")
    return Sending(body, command, f"Put the keys of your config in place of {STARS}." if stars else "")
