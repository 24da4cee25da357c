"""What a good answer's body says: text, usage, why it stopped. Pure functions over parsed JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

from pydantic import TypeAdapter

from dagtui.core.model import Usage

Route: TypeAlias = Literal["/messages", "/chat/completions"]

Json: TypeAlias = dict[str, Any]

MOST_TOKENS = 10_000_000
"""What one answer may claim; no model takes so many, and nonsense must not overflow a sum."""

_from_json = TypeAdapter[Any](Any).validator.validate_json
_ANTHROPIC_COUNTS = frozenset({"anthropic", "bedrock", "vertex-ai"})


def answered(status: int, body: bytes) -> Json | None:
    """The parsed body if it is an answer, else None.

    A status of 200 (or 246: a soft guardrail failed) proves little: the gateway answers 200 with an error
    inside when the provider sent something strange. An answer has content and usage, and no error.
    """
    if status not in (200, 246):
        return None
    try:
        data = _parsed(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    found = cast("Json", data)
    if found.get("error") or not isinstance(found.get("usage"), dict):
        return None
    if found.get("type") == "message":
        return found if isinstance(found.get("content"), list) else None
    return found if _message(found) is not None else None


def _parsed(body: bytes) -> object:
    """The json module takes what is odd (half a character, deep nesting), pydantic a third of its time."""
    try:
        return _from_json(body)
    except ValueError:
        return json.loads(body)


def text_of(answer: Json) -> str:
    """What the model said.

    Where it called a tool, that is the tool's input as JSON and nothing else: a tool is how structured output
    is asked for, and words around it would spoil the JSON. Thinking is left out.
    """
    if answer.get("type") == "message":
        return _text_of_blocks(answer["content"])
    message = _message(answer) or {}
    content = message.get("content")
    called = "\n".join(_arguments(call) for call in _dicts(message.get("tool_calls")))
    if called:
        return called
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in _dicts(cast("object", content)))
    return _text(content) or _text(message.get("refusal"))


def usage_of(answer: Json, provider: str) -> Usage:
    """The tokens, with cached ones apart from `input` whoever counted.

    Anthropic counts a prompt without its cached part and keeps doing so through the gateway's chat route;
    OpenAI counts it with. The sum tells which: OpenAI's total is prompt + completion, Anthropic's more.
    `provider` decides only where there is no total.
    """
    usage = cast("Json", answer["usage"])
    if answer.get("type") == "message":
        return Usage(
            input=_count(usage.get("input_tokens")),
            output=_count(usage.get("output_tokens")),
            cache_read=_count(usage.get("cache_read_input_tokens")),
            cache_write=_count(usage.get("cache_creation_input_tokens")),
        )
    prompt, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = _count(cast("Json", details).get("cached_tokens")) if isinstance(details, dict) else 0
    read = _count(usage.get("cache_read_input_tokens")) or cached
    written = _count(usage.get("cache_creation_input_tokens"))
    total = _count(usage.get("total_tokens"))
    apart = total > prompt + output if total else provider in _ANTHROPIC_COUNTS
    return Usage(prompt if apart else max(0, prompt - read - written), output, read, written)


def stop_reason_of(answer: Json) -> str | None:
    """Why the model stopped, in the words of the route."""
    if answer.get("type") == "message":
        reason = answer.get("stop_reason")
    else:
        reason = _dicts(answer["choices"])[0].get("finish_reason")
    return reason if isinstance(reason, str) else None


def _text_of_blocks(blocks: object) -> str:
    said: list[str] = []
    called: list[str] = []
    for block in _dicts(blocks):
        match block.get("type"):
            case "text":
                said.append(_text(block.get("text")))
            case "tool_use":
                called.append(json.dumps(block.get("input"), ensure_ascii=False))
            case _:
                pass
    return "\n".join(called) if called else "".join(said)


def _message(answer: Json) -> Json | None:
    choices = _dicts(answer.get("choices"))
    message = choices[0].get("message") if choices else None
    return cast("Json", message) if isinstance(message, dict) else None


def _arguments(call: Json) -> str:
    function: object = call.get("function")
    return _text(cast("Mapping[str, object]", function).get("arguments")) if isinstance(function, dict) else ""


def _dicts(value: object) -> list[Json]:
    if not isinstance(value, list):
        return []
    return [cast("Json", item) for item in cast("list[object]", value) if isinstance(item, dict)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    if type(value) is int and 0 <= value <= MOST_TOKENS:
        return value
    return MOST_TOKENS if type(value) is int and value > 0 else 0
