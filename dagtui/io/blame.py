"""Which limit a refusal names, and its number: in the sentence, because no provider tells it in a field."""

from __future__ import annotations

import re

from dagtui.core.model import Blame, Limited

_GROWTH = re.compile(r"acceleration limit|usage increase|scale up your usage", re.IGNORECASE)
_CONCURRENT = re.compile(r"concurren", re.IGNORECASE)
# Anthropic: "rate limit of 50,000 input tokens per minute", or "rate limit for your organization (its id) of ...";
# OpenAI: "tokens per min (TPM): Limit 10000, Used ..."
_ANTHROPIC = re.compile(
    r"limit (?:for your organization (?:\([^)]{0,80}\) )?)?of ([\d,]{1,20}) "
    r"((?:input |output |prompt |completion )?(?:tokens|requests)) per minute",
    re.IGNORECASE,
)
_OPENAI = re.compile(r"(tokens|requests) per min \([A-Z]{3}\): Limit ([\d,]{1,20})", re.IGNORECASE)
_VAGUE = re.compile(r"number of ((?:input |output |request |prompt )?(?:tokens|requests))", re.IGNORECASE)


def blame_of(message: str) -> Blame | None:
    """The limit that `message` names, or None."""
    if _GROWTH.search(message):
        return Blame("growth")
    if _CONCURRENT.search(message):
        return Blame("concurrency")
    if found := _ANTHROPIC.search(message):
        return Blame(_resource(found[2]), _number(found[1]))
    if found := _OPENAI.search(message):
        return Blame(_resource(found[1]), _number(found[2]))
    if found := _VAGUE.search(message):
        return Blame(_resource(found[1]))
    return None


def _resource(words: str) -> Limited:
    words = words.lower()
    if words == "requests":
        return "requests"
    return "output_tokens" if words.startswith(("output", "completion")) else "input_tokens"


def _number(digits: str) -> float | None:
    plain = digits.replace(",", "")
    return float(plain) if plain.isascii() and plain.isdecimal() and int(plain) > 0 else None
