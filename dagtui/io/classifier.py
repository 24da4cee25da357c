"""Which failure an answer is: a pure function of status, headers and body.

The shapes are those of Portkey's open-source gateway 1.15.2, as observed, and of the hosted one, as documented.
Decided by "could it have been billed?" and "would asking again help?", not by the status alone: the gateway
answers 500 for a refused connection, for a lost answer that was paid, and for a setting that it cannot serve.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dagtui.core.errors import Billed, ErrorKind, GatewayError
from dagtui.core.model import Blame
from dagtui.core.text import keyless, one_line
from dagtui.io import portkey_headers
from dagtui.io.blame import blame_of
from dagtui.io.portkey_errors import Said, read_error

LONGEST_MESSAGE = 300
"""Characters of what others said that go into a message."""

GATEWAY_PATIENCE = 295.0
"""Seconds after which a 500 is the open-source gateway's own limit (300 s without the provider's headers)."""

MOST_LOST = 2
"""Attempts at a question whose answers come, and are paid, but cannot be read: one more, in case it was chance."""

_NEVER_REACHED = re.compile(
    r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ConnectTimeoutError|CONNECT_TIMEOUT"
    r"|bad port|certificate|ERR_TLS",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://\S+")
_MONEY = re.compile(
    r"\bspend|\bcredits?\b|\bbilling\b|\bpayment\b|insufficient (?:funds|balance|quota)", re.IGNORECASE
)
_SOON = re.compile(r"(?:retry|try again) in\b|per (?:second|minute|hour|day)\b", re.IGNORECASE)
_NO_MONEY = re.compile(
    r"credit balance|reached your specified .{0,20}usage limits|insufficient[ _](?:funds|balance|quota)", re.I
)
_NO_MODEL = re.compile(
    r"\bmodel:? [`'\"][^`'\"]{1,200}[`'\"] (?:does not exist|was not found|not found)"
    r"|(?:unknown|invalid|no such) model\b|not a valid model",
    re.IGNORECASE,
)
_MISSING = re.compile(r"does not exist|not found|not exist|no access", re.IGNORECASE)
_GATEWAY_REFUSES = re.compile(
    r"^(?:Portkey Error: )?(?:Invalid (?:config|provider|custom host|content type|prompt id)|Either x-portkey"
    r"|Following keys are not valid|Cannot override default config|Query router did not resolve)",
    re.IGNORECASE,
)
_GATEWAY_QUOTA = frozenset(
    f"{who}_error"
    for who in (
        "api_key_rate_limit",
        "workspace_rate_limit",
        "virtual_key_rate_limit",
        "integration_rate_limit",
        "rate_limits_policy_exhaust",
    )
)
_EXHAUSTED = re.compile(
    r"insufficient_quota|billing_error|billing_hard_limit|billing_not_active|spend_limit|_exhaust_error$"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of whom: for messages that say what to do."""

    provider: str = "the provider"
    model: str = ""
    gateway: str = "the gateway"
    key_variable: str | None = None
    secrets: tuple[str, ...] = ()


def failure(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    asked: Asked,
    *,
    elapsed: float = 0.0,
    now: float | None = None,
) -> GatewayError:
    """The failure that an answer tells of which is no success (`portkey_answer.answered` decides that).

    `headers` has lower-case names; `elapsed` is how many seconds the exchange took; `now` (epoch seconds) is
    used for dates in headers when the answer has no date of its own.
    """
    said = read_error(redacted(body.decode("utf-8", "replace"), asked.secrets))
    wait = portkey_headers.retry_after(headers, now)
    kind, billed, advice = _decide(status, said, wait, asked, elapsed)
    told = one_line(redacted(said.message, asked.secrets), LONGEST_MESSAGE).rstrip()
    message = _sentence(kind, status, told, asked, advice)
    return GatewayError(
        kind,
        message,
        status=status,
        retry_after=wait,
        billed=billed,
        request_id=portkey_headers.request_id(headers),
        gateway_retries=portkey_headers.gateway_retries(headers),
        most_attempts=_most_attempts(kind, status, said, elapsed),
        lost=billed == "maybe" and not (kind is ErrorKind.SERVER and said.by_provider),
        limits=portkey_headers.rate_limits(headers, now),
        blame=_blame(kind, said),
    )


def _most_attempts(kind: ErrorKind, status: int, said: Said, elapsed: float) -> int | None:
    """How often to ask at all, where the same fate is likely and costs the full price."""
    if status >= 500 and (elapsed >= GATEWAY_PATIENCE or "HeadersTimeoutError" in said.cause):
        return 1
    is_lost = kind is ErrorKind.INVALID_RESPONSE or (kind is ErrorKind.SERVER and said.by_gateway)
    return MOST_LOST if is_lost else None


def _blame(kind: ErrorKind, said: Said) -> Blame | None:
    if kind is ErrorKind.QUOTA:
        return Blame("quota")
    return blame_of(said.message) if kind is ErrorKind.RATE_LIMITED else None


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` without `secrets`, and without what looks like a key: a provider may echo the one it refused."""
    for secret in sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True):
        text = text.replace(secret, "***")
    return keyless(text)


_Verdict = tuple[ErrorKind, Billed, str]


def _decide(status: int, said: Said, wait: float | None, asked: Asked, elapsed: float) -> _Verdict:
    """Kind, whether it may have cost, and what to do about it. From the most certain sign to the vaguest."""
    if "_timeouts" in said.message and status == 500:
        advice = "This gateway hides a rate limit behind a 500: take use_retry_after_header out of the config."
        return ErrorKind.RATE_LIMITED, "no", advice
    if said.cause:
        return _network(said.cause)
    match status:
        case 446:
            advice = "A guardrail of the gateway's config denied it."
            return ErrorKind.GUARDRAIL, "no" if said.input_denied else "maybe", advice
        case 412 if said.type == "model_not_allowed_error":
            return ErrorKind.UNKNOWN_MODEL, "no", f"Your gateway does not allow the model {asked.model!r}."
        case 402 | 412:
            return _budget(said)
        case 403 if not said.is_json:
            return ErrorKind.BAD_REQUEST, "no", "It is not JSON: a firewall on the way dislikes this request?"
        case 401 | 403:
            return ErrorKind.AUTH, "no", _which_key(said, asked)
        case 429:
            return _throttled(said, wait)
        case 408:
            return ErrorKind.TIMEOUT, "maybe", "The provider took longer than the gateway's request_timeout."
        case 529:
            return ErrorKind.OVERLOADED, "no", ""
        case 503:
            return ErrorKind.OVERLOADED, "no" if said.by_provider else "maybe", ""
        case 431:
            return ErrorKind.CONFIG, "no", "The headers are too large for the gateway: shorten config or metadata."
        case _ if 200 <= status < 300:
            return _hollow(said)
        case _ if 300 <= status < 400:
            return ErrorKind.CONFIG, "no", f"{asked.gateway} redirects elsewhere; name the gateway's own address."
        case _ if 400 <= status < 500:
            return _refused(status, said, asked)
        case _:
            return _broken(status, said, asked, elapsed)


def _network(cause: str) -> _Verdict:
    """The gateway could not talk to the provider."""
    if "HeadersTimeoutError" in cause:
        advice = "The gateway waits 300 s for a provider; ask for fewer tokens, or use a smaller max_tokens."
        return ErrorKind.SERVER, "maybe", advice
    if _NEVER_REACHED.search(cause):
        advice = "The gateway cannot reach the provider; look at the custom host and at the gateway's network."
        return ErrorKind.CONNECTION, "no", advice
    return ErrorKind.SERVER, "maybe", "The gateway lost its connection to the provider."


def _budget(said: Said) -> _Verdict:
    where = "Portkey" if said.by_gateway or said.type.endswith("_exhaust_error") else "the provider"
    return ErrorKind.BUDGET, "no", f"Raise the spending limit or add credit at {where}, then go on."


def _which_key(said: Said, asked: Asked) -> str:
    if said.by_gateway:
        return "The gateway refused the Portkey key; check PORTKEY_API_KEY."
    if asked.key_variable:
        return f"The provider refused the key; check {asked.key_variable}."
    return "The provider refused the key; check the key in the gateway's config, or the provider's variable."


def _throttled(said: Said, wait: float | None) -> _Verdict:
    if said.type in _GATEWAY_QUOTA or said.by_gateway:
        return ErrorKind.QUOTA, "no", "This limit is your gateway's own, not the provider's."
    if _EXHAUSTED.search(f"{said.type} {said.code}"):
        return _budget(said)
    message = _URL.sub("", said.message)
    if wait is None and _MONEY.search(message) and not _SOON.search(message):
        return _budget(said)
    return ErrorKind.RATE_LIMITED, "no", ""


def _hollow(said: Said) -> _Verdict:
    """A 2xx without an answer in it."""
    if said.type == "overloaded_error":
        return ErrorKind.OVERLOADED, "maybe", ""
    if said.type == "rate_limit_error" or said.code == "429":
        return ErrorKind.RATE_LIMITED, "maybe", ""
    advice = ""
    if said.message.startswith(("event:", "data:")):
        advice = "It is a stream, which was not asked for."
    elif not said.is_json:
        advice = "It is not JSON: a login page of the network, or a wrong address of the gateway?"
    return ErrorKind.INVALID_RESPONSE, "maybe", advice


def _refused(status: int, said: Said, asked: Asked) -> _Verdict:
    """A 4xx that has no case of its own."""
    if _NO_MONEY.search(said.message) or _EXHAUSTED.search(f"{said.type} {said.code}"):
        return _budget(said)
    if said.by_gateway or said.code.startswith("inline_") or _GATEWAY_REFUSES.search(said.message):
        return ErrorKind.CONFIG, "no", _how_to_configure(said, asked)
    if said.type == "model_not_allowed_error" or said.code == "model_not_found" or _no_model(said, asked):
        return ErrorKind.UNKNOWN_MODEL, "no", f"Check the model's name: {asked.model!r}."
    if status == 404 and (said.by_provider or said.type == "not_found_error"):
        return ErrorKind.UNKNOWN_MODEL, "no", f"Check the model's name: {asked.model!r}."
    if status in (404, 405):
        advice = f"Nothing at {asked.gateway} serves this; check the gateway's address."
        return ErrorKind.CONFIG, "no", advice
    if status == 407:
        return ErrorKind.CONFIG, "no", "The proxy wants a login; put it into HTTPS_PROXY, or set NO_PROXY."
    return ErrorKind.BAD_REQUEST, "no", ""


def _no_model(said: Said, asked: Asked) -> bool:
    """Whether the message says that the model is unknown: it must name it, for other things are not found too."""
    name = asked.model.rsplit("/", 1)[-1]
    named = bool(name) and name in said.message and _MISSING.search(said.message)
    return bool(named or _NO_MODEL.search(said.message))


def _how_to_configure(said: Said, asked: Asked) -> str:
    message = said.message.lower()
    if "invalid provider" in message:
        slug = " A @slug works at hosted Portkey only." if asked.provider.startswith("@") else ""
        return f"The gateway does not know the provider {asked.provider!r}.{slug}"
    if "valid json" in message:
        return "A config id (pc-...) works at hosted Portkey only; give this gateway the config as JSON."
    if "is not supported by" in message:
        return f"The provider {asked.provider!r} cannot be asked this way; check the provider and the model."
    if "custom host" in message:
        return "The gateway allows no private address unless TRUSTED_CUSTOM_HOSTS names it."
    return "Check the gateway's provider and config settings."


def _broken(status: int, said: Said, asked: Asked, elapsed: float) -> _Verdict:
    """A 5xx."""
    if said.type == "overloaded_error":
        return ErrorKind.OVERLOADED, "no", ""
    if said.by_gateway and (" is not supported by " in said.message or _GATEWAY_REFUSES.search(said.message)):
        return ErrorKind.CONFIG, "no", _how_to_configure(said, asked)
    if elapsed >= GATEWAY_PATIENCE:
        advice = f"It took {elapsed:.0f} s; the gateway gives up after 300, so use a smaller max_tokens."
        return ErrorKind.SERVER, "maybe", advice
    if status == 500 and said.by_gateway:
        advice = (
            "The provider's answer was lost, and may have been paid. If every request fails like this, the "
            "gateway's install has the @hono/node-server defect: pin @hono/node-server to 1.13.5."
        )
        return ErrorKind.SERVER, "maybe", advice
    # A provider that says itself that it failed has made no answer, and bills none; one that ran out of time may.
    return ErrorKind.SERVER, "no" if said.by_provider and status != 504 else "maybe", ""


def _sentence(kind: ErrorKind, status: int, told: str, asked: Asked, advice: str) -> str:
    who = asked.provider if kind is not ErrorKind.CONFIG else "The gateway"
    head = f"{who} answered {status}" + (f": {told}" if told else "")
    head = redacted(head, asked.secrets)
    if head[-1] not in ".!?…":
        head += "."
    return f"{head} {redacted(advice, asked.secrets)}" if advice else head
