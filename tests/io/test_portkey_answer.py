"""Good answers: what counts as one, its text, its tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.model import Usage
from dagtui.io.portkey_answer import MOST_TOKENS, answered, stop_reason_of, text_of, usage_of


def message(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "message", "content": list(blocks), "usage": {"input_tokens": 1, "output_tokens": 2}} | more


def chat(content: Any = "hi", usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content} | more, "finish_reason": "stop"}
    return {"choices": [choice], "usage": {"prompt_tokens": 1} if usage is None else usage}


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


@pytest.mark.parametrize("status", [200, 246])
@pytest.mark.parametrize("answer", [message(text("hi")), chat()])
def test_an_answer_has_content_and_usage(status: int, answer: dict[str, Any]) -> None:
    assert answered(status, json.dumps(answer).encode()) == answer


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, message(text("hi"))),
        (204, message(text("hi"))),
        (200, message(text("hi"), usage=None)),
        (200, message(text("hi"), error={"message": "no"})),
        (200, message(text("hi"), content="hi")),
        (200, {"choices": [], "usage": {}}),
        (200, {"choices": [1], "usage": {}}),
        (200, {"choices": [{}], "usage": {}}),
        (200, {"choices": [{"message": {}}]}),
        (200, {"usage": {}}),
        (200, []),
        (200, None),
        (200, "hi"),
    ],
)
def test_a_200_of_another_shape_is_no_answer(status: int, body: Any) -> None:
    assert answered(status, json.dumps(body).encode()) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b"event: message_start\n"])
def test_what_is_not_json_is_no_answer(body: bytes) -> None:
    assert answered(200, body) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (message(text("a"), text("b")), "ab"),
        (message({"type": "thinking", "thinking": "hm"}, text("b")), "b"),
        (message(text("Sure:"), {"type": "tool_use", "input": {"a": "é"}}), '{"a": "é"}'),
        (message(), ""),
        (message({"type": "text", "text": None}), ""),
        (chat("hi"), "hi"),
        (chat([text("a"), {"type": "image"}, text("b")]), "ab"),
        (chat(None, refusal="I will not."), "I will not."),
        (chat(None, tool_calls=[{"function": {"arguments": '{"a":1}'}}]), '{"a":1}'),
        (chat(None, tool_calls=[{"function": None}, 1]), ""),
        (chat(None), ""),
    ],
)
def test_the_text_is_what_the_model_said(answer: dict[str, Any], expected: str) -> None:
    assert text_of(answer) == expected


def test_on_the_messages_route_usage_is_anthropics_own() -> None:
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 4,
        "output_tokens": 5,
    }
    assert usage_of(message(usage=usage), "anthropic") == Usage(10, 5, 4, 3)
    assert usage_of(
        message(usage={"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": None}), "x"
    ) == (Usage(1, 2))


@pytest.mark.parametrize("provider", ["anthropic", "openai", "@prod"])
def test_on_the_chat_route_anthropics_prompt_leaves_out_what_was_cached(provider: str) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 22,
        "prompt_tokens_details": {"cached_tokens": 4},
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 3,
    }
    assert usage_of(chat(usage=usage), provider) == Usage(10, 5, 4, 3)


@pytest.mark.parametrize("provider", ["anthropic", "openai", "@prod"])
def test_openais_prompt_includes_what_was_cached(provider: str) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "total_tokens": 105,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    assert usage_of(chat(usage=usage), provider) == Usage(36, 5, 64, 0)


def test_without_a_total_the_provider_tells_how_it_counts() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}
    assert usage_of(chat(usage=usage), "anthropic") == Usage(10, 5, 4, 0)
    assert usage_of(chat(usage=usage), "openai") == Usage(6, 5, 4, 0)


@pytest.mark.parametrize("count", [None, -3, "7", True, 1.5, [1]])
def test_a_count_that_is_none_counts_nothing(count: Any) -> None:
    assert usage_of(message(usage={"input_tokens": count, "output_tokens": 2}), "anthropic") == Usage(0, 2)


def test_why_it_stopped_is_told_in_the_routes_words() -> None:
    assert stop_reason_of(message(stop_reason="end_turn")) == "end_turn"
    assert stop_reason_of(message(stop_reason=None)) is None
    assert stop_reason_of(chat()) == "stop"


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "content", "usage", "choices", "message", "text", "tool_calls", "function", "input"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    content=Json, choices=Json, usage=st.dictionaries(st.text(max_size=3), Json, max_size=2), kind=st.booleans()
)
def test_whatever_passes_as_an_answer_can_be_taken_apart(
    content: Any, choices: Any, usage: Any, kind: bool
) -> None:
    body = {"content": content, "choices": choices, "usage": usage, "type": "message" if kind else None}
    answer = answered(200, json.dumps(body).encode())
    if answer is not None:
        assert isinstance(text_of(answer), str)
        usage_of(answer, "openai")
        stop_reason_of(answer)


def test_an_absurd_count_of_tokens_is_not_believed() -> None:
    absurd = {"type": "message", "content": [], "usage": {"input_tokens": 2**40, "output_tokens": 7}}
    assert usage_of(absurd, "anthropic") == Usage(MOST_TOKENS, 7)
