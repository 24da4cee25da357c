from __future__ import annotations

import json
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from dagtui.simulator.answers import Quality, answer, record_text
from dagtui.simulator.draws import DrawSource
from dagtui.simulator.schema import find_schema
from dagtui.simulator.tokens import count_tokens, cut_to_tokens

SOURCE = DrawSource(seed=1)

EMAILS = [
    ("spam", "CONGRATULATIONS! You have won the lottery, claim your prize of $1,000,000 now, click here."),
    ("spam", "Cheap pills from our pharmacy, guaranteed weight loss, limited time, free shipping."),
    ("spam", "Urgent: confirm the wire transfer of your inheritance and send your bank details."),
    ("spam", "Double your bitcoin: this crypto investment makes you a millionaire, guaranteed profit."),
    ("work", "Hi team, the meeting about the quarterly report moved to Thursday; deadline is Friday."),
    ("work", "Please find attached the invoice for the client project and the updated budget."),
    ("work", "Sprint review: the deploy of the release is on the roadmap, action items below."),
    ("work", "The contract proposal needs your review before the presentation to stakeholders."),
    ("newsletter", "This week in our digest: top stories and articles. Unsubscribe at any time."),
    ("newsletter", "Edition 42 of the weekly newsletter for subscribers: curated headlines, read more."),
    ("newsletter", "Your monthly roundup: trends and highlights from the editor. View in browser."),
    ("personal", "Mom and dad come for dinner on your birthday this weekend, love, Anna."),
    ("personal", "We miss you! Photos of the kids from the family holiday are here, hug from grandma."),
    ("personal", "Barbecue at our cousin's on Sunday? Bring your sister and some friends."),
]


class Email(BaseModel):
    category: Literal["spam", "work", "personal", "newsletter"]
    confidence: float = Field(ge=0, le=1)
    summary: str


class Part(BaseModel):
    name: str = Field(min_length=3, max_length=10)
    kind: Literal["part"]
    count: int = Field(ge=5, le=9)


class Everything(BaseModel):
    parts: list[Part] = Field(min_length=2, max_length=3)
    maybe: Part | None
    tags: list[str] = Field(max_length=2)
    moods: list[Literal["positive", "negative"]]
    urgent: bool
    score: float = Field(gt=0, lt=100)
    even: int = Field(multiple_of=2, ge=1, le=9)
    stars: Literal[1, 2, 3]
    either: int | str
    optional: str = "x"
    children: list[Everything] = []


def ask(system: str, user: str, quality: Quality | None = None, max_tokens: int = 1000) -> str:
    draws = SOURCE.draws(SOURCE.digest(user.encode()))
    return answer(system, user, max_tokens, quality or Quality(), draws).text


def email_prompt(text: str) -> str:
    return f"Analyze this email quickly and categorize it.\n\nEmail: {text}"


def system_for(model: type[BaseModel]) -> str:
    return f"Answer with JSON only. The JSON schema: {json.dumps(model.model_json_schema())}\nNothing else {{}}."


@pytest.mark.parametrize(("category", "text"), EMAILS)
def test_an_email_gets_the_category_that_its_text_speaks_for(category: str, text: str) -> None:
    email = Email.model_validate_json(ask(system_for(Email), email_prompt(text)))
    assert email.category == category
    assert 0.6 <= email.confidence <= 0.99


def test_a_summary_is_the_email_and_not_the_instruction() -> None:
    text = "Hi team, the meeting about the quarterly report moved to Thursday at ten. See you there."
    email = Email.model_validate_json(ask(system_for(Email), email_prompt(text)))
    assert email.summary == "Hi team, the meeting about the quarterly report moved to Thursday at ten"


def test_accuracy_is_the_share_of_right_categories() -> None:
    text = EMAILS[0][1]
    answers = [ask(system_for(Email), email_prompt(f"{text} {n}"), Quality(accuracy=0.8)) for n in range(1000)]
    right = sum(Email.model_validate_json(answer).category == "spam" for answer in answers)
    assert 760 <= right <= 840


def test_no_accuracy_makes_every_category_wrong() -> None:
    answers = [ask(system_for(Email), email_prompt(text), Quality(accuracy=0)) for _, text in EMAILS]
    assert all(
        json.loads(answer)["category"] != category for answer, (category, _) in zip(answers, EMAILS, strict=True)
    )


def test_support_tickets_and_reviews_are_told_apart_too() -> None:
    ticket = '{"properties":{"topic":{"enum":["billing","bug","feature_request","account"]},'
    ticket += '"urgency":{"enum":["low","medium","high","urgent"]}}}'
    asked = json.loads(ask(ticket, "Production is down, the app crashed with an error, help immediately!"))
    assert asked == {"topic": "bug", "urgency": "urgent"}
    review = '{"properties":{"sentiment":{"enum":["positive","negative","neutral","mixed"]}}}'
    assert json.loads(ask(review, "Terrible quality, it broke, a waste of money."))["sentiment"] == "negative"
    assert json.loads(ask(review, "Excellent, my family is happy with it."))["sentiment"] == "positive"


@pytest.mark.parametrize("text", ["A short text.", "", "Ein Text ohne ein Wort, das wir kennen: äöü 漢字"])
def test_an_answer_conforms_to_any_schema_that_pydantic_writes(text: str) -> None:
    Everything.model_validate_json(ask(system_for(Everything), text), strict=True)


def test_the_last_schema_of_the_prompt_counts_and_is_no_part_of_the_text() -> None:
    user = 'Sort this.\n\nText: lottery prize winner {"properties": {"kind": {"enum": ["work", "spam"]}}}'
    assert json.loads(ask(system_for(Email), user)) == {"kind": "spam"}


def test_a_schema_is_found_among_braces_that_are_not_json() -> None:
    found = find_schema('{not json} {"a": 1} {"properties": {"x": {"properties": {}}}} and {"b": {')
    assert found is not None
    assert found.schema == {"properties": {"x": {"properties": {}}}}


def test_without_a_schema_the_answer_is_a_sentence() -> None:
    assert ask("", "What is the weather like?") == "What is the weather like."


def test_bad_output_is_never_json() -> None:
    for number in range(20):
        text = ask(system_for(Email), email_prompt(f"Hello {number}"), Quality(bad_output_rate=1))
        with pytest.raises(ValueError, match=r"."):
            json.loads(text[text.find("{") :])


def test_the_words_bad_output_in_a_text_change_nothing() -> None:
    assert (
        Email.model_validate_json(ask(system_for(Email), email_prompt("bad output: lottery prize"))).category
        == "spam"
    )


def test_an_answer_stops_at_max_tokens() -> None:
    draws = SOURCE.draws(1)
    cut = answer(system_for(Email), email_prompt("Hello"), 5, Quality(), draws)
    assert (cut.output_tokens, cut.stop) == (5, "max_tokens")
    assert len(cut.text) == 20


def test_a_truncated_answer_stops_at_half() -> None:
    draws = SOURCE.draws(1)
    whole = answer(system_for(Email), email_prompt("Hello"), 500, Quality(), draws)
    half = answer(system_for(Email), email_prompt("Hello"), 500, Quality(truncate_rate=1), draws)
    assert half.stop == "max_tokens"
    assert half.output_tokens == whole.output_tokens // 2


def test_the_record_is_what_follows_the_instruction_and_its_label() -> None:
    assert record_text("Analyze this.\n\nEmail: Subject\n\nBody") == "Subject\n\nBody"
    assert record_text("Only one paragraph") == "Only one paragraph"
    assert record_text("") == ""


def test_a_token_is_four_characters() -> None:
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
    assert cut_to_tokens("abcdefghij", 2) == "abcdefgh"
