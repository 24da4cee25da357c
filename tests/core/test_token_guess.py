"""Tokens before they are counted: of prompts by their characters, of answers by their shape."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from dagtui.core.plausible import AMOUNTS, answer_tokens, stand_in
from dagtui.core.plugin import Dimension
from dagtui.core.span import Span
from dagtui.core.token_guess import Experience, prompt_tokens, text_tokens

# Counted by the tokenizers of Claude 2, of o200k and of cl100k.
COUNTED = {
    "The quick brown fox jumps over the lazy dog, and then it does so once more for good measure.": (21, 21, 21),
    '{"category":"spam","confidence":0.95,"summary":"A scam that promises money"}': (19, 19, 19),
    "2024-11-03 17:42:55,981 INFO 10.0.0.12 GET /index.html 200": (27, 29, 29),
    "Können Sie uns bitte bestätigen, dass die Lieferung für München vollständig ist?": (24, 16, 22),
    "Это письмо о вашем заказе, который мы отправили вчера.": (28, 13, 22),
    "请阅读这封电子邮件并快速决定它属于哪一类。": (24, 15, 28),
    "यह संदेश आपके ऑर्डर के बारे में है जिसे हमने कल भेजा था।": (58, 17, 54),
    "😀🎉🔥👍🏽💯🚀": (16, 11, 19),
}


@pytest.mark.parametrize("text", COUNTED)
def test_what_tokenizers_count_lies_within_the_guess(text: str) -> None:
    span = text_tokens(text)
    assert span.low <= min(COUNTED[text])
    assert max(COUNTED[text]) <= span.high
    assert span.low < span.likely < span.high < 8 * span.low


def test_a_system_text_and_the_frame_of_a_request_count() -> None:
    assert prompt_tokens("x" * 400, "y" * 400).likely == pytest.approx(prompt_tokens("x" * 800, None).likely)
    assert prompt_tokens("", None).low == 0


def test_experience_goes_by_what_was_counted_and_is_surer_the_more_there_was() -> None:
    few, many = (Experience(n, 0.25, 40, 60, 1.5) for n in (4, 10_000))
    assert many.input(400).likely == 100
    assert many.input(400).high < 107
    assert few.input(400).high > many.input(400).high
    assert many.output().low < 40 < many.output().high < 48
    assert few.output().high > many.output().high
    assert many.seconds().likely == 1.5


class Inner(BaseModel):
    tags: list[str] = Field(min_length=1, max_length=2)
    when: str = Field(json_schema_extra={"format": "date"})


class Answer(BaseModel):
    kind: Literal["a", "much longer"]
    score: float = Field(ge=0, le=1)
    stars: int = Field(ge=1, le=5)
    summary: str = Field(max_length=200)
    note: str | None = None
    inner: Inner
    sure: bool


class Strict(BaseModel):
    code: str

    @field_validator("code")
    @classmethod
    def _never(cls, value: str) -> str:
        raise ValueError(value)


def test_an_answer_is_between_the_smallest_that_fits_and_max_tokens() -> None:
    span = answer_tokens(Dimension("d", output=Answer), 500)
    assert 20 < span.low < span.likely < 150
    assert span.high == 500
    small = answer_tokens(Dimension("d", output=Answer), 10)
    assert small == Span(10, 10, 10)
    text = answer_tokens(Dimension("d"), 300)
    assert text.low < text.likely < text.high == 300


def test_stand_ins_fit_the_schema_and_grow() -> None:
    dimension = Dimension("d", output=Answer)
    answers = [stand_in(dimension, amount, 1_000) for amount in AMOUNTS]
    assert all(isinstance(answer, Answer) for answer in answers)
    sizes = [len(answer.model_dump_json()) for answer in answers if isinstance(answer, Answer)]
    assert sizes == sorted(sizes)
    texts = [stand_in(Dimension("d"), amount, 100) for amount in AMOUNTS]
    assert [len(str(text)) for text in texts] == [8, 80, 400]


class Node(BaseModel):
    name: str
    children: list[Node]


def test_a_schema_that_runs_in_circles_comes_to_an_end() -> None:
    dimension = Dimension("d", output=Node)
    sizes = [len(str(stand_in(dimension, amount, 1_000))) for amount in AMOUNTS]
    assert sizes == sorted(sizes)
    assert sizes[-1] < 50_000
    assert answer_tokens(dimension, 1_000).likely < 1_000


def test_a_validator_that_refuses_what_is_made_up_is_passed_by() -> None:
    answer = stand_in(Dimension("d", output=Strict), "likely", 100)
    assert isinstance(answer, Strict)
    assert len(answer.code) == 80
