"""The two request and response shapes: Anthropic's Messages API and OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import Literal, cast

from dagtui.simulator.answers import Answer
from dagtui.simulator.tokens import count_tokens

Shape = Literal["messages", "chat"]

FAMILIES: Mapping[str, str] = {
    "claude-": "anthropic", "gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai",
    "gemini-": "google", "llama": "groq", "mistral": "mistral-ai", "sim-": "anthropic",
}  # fmt: skip
"""How known model names begin -> the provider that serves them."""

CHAT_MAX_TOKENS = 1024
"""Output reserved for a chat request that names no maximum; such an answer may still be longer."""

_UNLIMITED = 1_000_000
_ROLES = frozenset({"user", "assistant", "system", "developer", "tool"})


@dataclass(frozen=True, slots=True)
class Call:
    """A valid request: who is asked what. Texts of several blocks or turns are joined by blank lines."""

    model: str
    system: str
    user: str
    input_tokens: int
    max_tokens: int
    reserved_tokens: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A status other than 200, with the provider's type of error and its sentence."""

    status: int
    type: str
    message: str


def read_call(shape: Shape, body: bytes) -> Call | Problem:
    """Check a request the way the provider does."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return _invalid("The request body is not valid JSON.")
    if not isinstance(parsed, dict):
        return _invalid("The request body must be a JSON object.")
    fields = cast("dict[str, object]", parsed)
    model, messages = fields.get("model"), fields.get("messages")
    if not isinstance(model, str) or not model:
        return _invalid("model: Field required")
    if not isinstance(messages, list) or not messages:
        return _invalid("messages: Field required" if not messages else "messages: Input should be a list")
    if fields.get("stream"):
        return _invalid("stream: The simulator does not stream; send the request without it.")
    most = _max_tokens(shape, fields)
    if isinstance(most, Problem):
        return most
    model = model.partition("/")[2] if model.startswith("@") else model
    if provider_of(model) is None or "no-such" in model:
        return Problem(404, "not_found_error", f"model: {model}")
    return _call(model, fields, cast("list[object]", messages), most)


def provider_of(model: str) -> str | None:
    """The provider that serves a model, by how its name begins; None when no family is known."""
    name = (model.partition("/")[2] if model.startswith("@") else model).lower()
    return next((provider for start, provider in FAMILIES.items() if name.startswith(start)), None)


def answer_body(shape: Shape, call: Call, answer: Answer, answer_id: str, created: int) -> bytes:
    """The body of a 200."""
    if shape == "messages":
        return _message(call, answer, answer_id).encode()
    return json.dumps(_completion(call, answer, answer_id, created)).encode()


def error_body(shape: Shape, problem: Problem, request_id: str) -> bytes:
    """The body of an error as the provider itself sends it."""
    if shape == "messages":
        error = {"type": problem.type, "message": problem.message}
        return json.dumps({"type": "error", "error": error, "request_id": request_id}).encode()
    return json.dumps({"error": _openai_error(problem, problem.message)}).encode()


def gateway_error_body(shape: Shape, problem: Problem, provider: str) -> bytes:
    """The body of a provider's error as the Portkey gateway rewrites it."""
    error = _openai_error(problem, f"{provider} error: {problem.message}")
    if shape == "messages":
        error["code"] = None
    return json.dumps({"error": error, "provider": provider}).encode()


def _openai_error(problem: Problem, message: str) -> dict[str, object]:
    codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
    return {"message": message, "type": problem.type, "param": None, "code": codes.get(problem.status)}


def _message(call: Call, answer: Answer, answer_id: str) -> str:
    """Written out, because this is the busiest route and a JSON encoder takes three times as long."""
    return (
        f'{{"id":"msg_{answer_id}","type":"message","role":"assistant","model":{quoted(call.model)},'
        f'"content":[{{"type":"text","text":{quoted(answer.text)}}}],'
        f'"stop_reason":"{answer.stop}","stop_sequence":null,"usage":{{"input_tokens":{call.input_tokens},'
        '"cache_creation_input_tokens":0,"cache_read_input_tokens":0,'
        f'"output_tokens":{answer.output_tokens}}}}}'
    )


def _completion(call: Call, answer: Answer, answer_id: str, created: int) -> Mapping[str, object]:
    return {
        "id": f"chatcmpl-{answer_id}",
        "object": "chat.completion",
        "created": created,
        "model": call.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop" if answer.stop == "end_turn" else "length",
            }
        ],
        "usage": {
            "prompt_tokens": call.input_tokens,
            "completion_tokens": answer.output_tokens,
            "total_tokens": call.input_tokens + answer.output_tokens,
        },
    }


def _invalid(message: str) -> Problem:
    return Problem(400, "invalid_request_error", message)


def _max_tokens(shape: Shape, fields: Mapping[str, object]) -> int | Problem | None:
    """The most tokens of the answer; None where chat leaves it open."""
    value = fields.get("max_completion_tokens") if shape == "chat" else None
    value = fields.get("max_tokens") if value is None else value
    if value is None:
        return None if shape == "chat" else _invalid("max_tokens: Field required")
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        return _invalid("max_tokens: Input should be a whole number of at least 1")
    return value


def _call(model: str, fields: Mapping[str, object], messages: list[object], most: int | None) -> Call | Problem:
    systems = [_text(fields.get("system"))]
    turns: list[str] = []
    users: list[str] = []
    for place, item in enumerate(messages):
        message = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        role, text = message.get("role"), _text(message.get("content"))
        if role not in _ROLES:
            return _invalid(f"messages.{place}.role: Input should be 'user' or 'assistant'")
        if role in ("system", "developer"):
            systems.append(text)
            continue
        turns.append(text)
        if role == "user":
            users.append(text)
    system, user = "\n\n".join(filter(None, systems)), "\n\n".join(users)
    tokens = count_tokens(system) + count_tokens("\n\n".join(turns))
    return Call(model, system, user, tokens, most or _UNLIMITED, most or CHAT_MAX_TOKENS)


def _text(content: object) -> str:
    """The text of a content: a string, or blocks of which those that hold text count."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    blocks = [cast("dict[str, object]", item) for item in cast("list[object]", content) if isinstance(item, dict)]
    return "\n".join(text for block in blocks if isinstance(text := block.get("text"), str))
