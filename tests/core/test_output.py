from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.model import Prompt, Response, Usage
from dagtui.core.output import category_of, parse, with_instruction
from dagtui.core.plugin import Dimension


class Mail(BaseModel):
    category: Literal["spam", "work"]
    confidence: float = Field(ge=0, le=1)


MAIL = Dimension("mail", output=Mail, category="category")


def reply(text: str, stop: str = "end_turn") -> Response:
    return Response(text, Usage(1, 1), "m", stop_reason=stop)


@pytest.mark.parametrize(
    "text",
    [
        '{"category": "spam", "confidence": 0.9}',
        '```json\n{"category": "spam", "confidence": 0.9}\n```',
        'Here it is {not json} :\n{"category":"spam","confidence":1}\nThanks',
    ],
)
def test_the_object_is_found_whatever_stands_around_it(text: str) -> None:
    value = parse(MAIL, reply(text))
    assert category_of(MAIL, value) == "spam"


@pytest.mark.parametrize(
    ("text", "stop", "reason"),
    [
        ("no json here", "end_turn", "no JSON object"),
        ('{"category": "other", "confidence": 1}', "end_turn", "category: input should be"),
        ('{"category": "spam", "confidence": 7}', "end_turn", "confidence: input should be less than"),
        ('{"category": "spam", "confi', "max_tokens", "cut off at max_tokens"),
        ('{"category": "spam", "confidence": 1}', "length", "cut off"),
        ("I cannot help", "refusal", "refused"),
        ("", "end_turn", "no JSON object"),
    ],
)
def test_an_answer_that_does_not_fit_fails_with_its_reason_and_was_billed(
    text: str, stop: str, reason: str
) -> None:
    with pytest.raises(GatewayError, match=reason) as caught:
        parse(MAIL, reply(text, stop))
    assert caught.value.kind is ErrorKind.INVALID_OUTPUT
    assert caught.value.billed == "yes"


def test_plain_text_is_taken_as_it_is_but_not_when_empty() -> None:
    assert parse(Dimension("free"), reply("hello")) == "hello"
    with pytest.raises(GatewayError, match="empty"):
        parse(Dimension("free"), reply(" \n"))


def test_the_schema_is_asked_for_without_the_titles_that_nobody_reads() -> None:
    prompt = with_instruction(Prompt("text", "Be brief."), MAIL)
    assert prompt.system is not None
    assert prompt.system.startswith("Be brief.\n\nAnswer with one JSON object")
    assert '"enum":["spam","work"]' in prompt.system
    assert "title" not in prompt.system


@given(st.text())
def test_any_text_is_an_answer_or_a_located_error(text: str) -> None:
    told = ""
    try:
        parse(MAIL, reply(text))
    except GatewayError as error:
        told = error.message
    assert not told or told.isprintable()


def test_a_text_full_of_braces_is_given_up_soon() -> None:
    text = '{"a":' * 100_000  # quadratic for who tries each brace to the end of the text
    with pytest.raises(GatewayError, match="no JSON object"):
        parse(MAIL, reply(text))


class Loose(BaseModel):
    code: Decimal | str
    due: datetime | str


@pytest.mark.parametrize("form", ["{}", "Here it is:\n```json\n{}\n```"])
def test_an_answer_is_read_alike_with_words_around_it_and_without(form: str) -> None:
    text = form.replace("{}", '{"code": "0012", "due": "7"}')
    assert parse(Dimension("loose", output=Loose), reply(text)) == Loose.model_construct(code="0012", due="7")


def test_a_validator_sees_an_answer_once() -> None:
    seen: list[object] = []

    class Counted(BaseModel):
        label: str

        @field_validator("label", mode="before")
        @classmethod
        def count(cls, value: object) -> object:
            seen.append(value)
            return value

    with pytest.raises(GatewayError):
        parse(Dimension("counted", output=Counted), reply('{"label": 3}'))
    assert seen == [3]
