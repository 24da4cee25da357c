"""The stop rule: what may be written, and when it is hit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dagtui.core.answer_flags import EMPTY, REFUSED, TRUNCATED, classify, echo
from dagtui.core.errors import ConfigError, ErrorKind
from dagtui.core.model import AttemptError, Failure, Skipped, Success, Usage
from dagtui.core.stop_rule import Recent, RecentOutcomes, parse_rule


def answered(text: str = "x", **parts: Any) -> Success:
    return Success(text, text, 1, 0.3, Usage(), Decimal(0), echo=echo(text), **parts)


FAILED = Failure(AttemptError(ErrorKind.SERVER, "no"), 1)


def test_a_rule_is_limits_and_how_far_it_looks_back() -> None:
    rule = parse_rule(" failed > 20% ,drift>25/200")
    assert (rule.limits, rule.window) == ((("failed", 20.0), ("drift", 25.0)), 200)
    assert parse_rule("Empty>2.5").limits == (("empty", 2.5),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("faild>20%", 'names "faild" .did you mean "failed"'),
        ("failed<20%", 'cannot be read at "failed<20%": write it like failed>20%'),
        ("", 'cannot be read at ""'),
        ("failed>20%,", 'cannot be read at ""'),
        ("failed>100%", "can never hold"),
        ("failed>20%/10", "a whole number of requests from 50 to 100,000"),
        ("failed>20%/many", "a whole number of requests"),
    ],
)
def test_what_is_no_rule_is_said_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_rule(text)


def test_it_is_hit_above_its_limit_and_not_before_there_is_something_to_judge() -> None:
    rule = parse_rule("failed>20%,refused>5%")
    assert rule.hit(Recent(ended=49, failed=49)) == ""
    assert rule.hit(Recent(ended=100, failed=20, refused=5)) == ""
    assert rule.hit(Recent(ended=100, failed=27)) == "failed>20%: 27 of the last 100 (27%)"
    assert rule.hit(Recent(ended=50, refused=3)) == "refused>5%: 3 of the last 50 (6%)"
    assert "31 points" in parse_rule("drift>25").hit(Recent(ended=100, drift=31.0))


def test_only_the_last_ones_count() -> None:
    last = RecentOutcomes(100)
    for outcome in [FAILED] * 60 + [answered(str(n)) for n in range(70)]:
        last.note(outcome)
    last.note(Skipped("not asked"))
    assert last.recent == Recent(ended=100, failed=30)
    for outcome in [answered("same", flags=REFUSED | TRUNCATED)] * 4 + [answered("", flags=EMPTY)]:
        last.note(outcome)
    assert last.recent == Recent(100, failed=25, empty=1, refused=4, truncated=4, identical=4)
    last.forget()
    assert last.recent == Recent(0)


def test_drift_is_how_far_the_mix_has_moved_from_that_of_the_beginning() -> None:
    last = RecentOutcomes(100)
    for number in range(200):
        last.note(answered(category="work" if number % 2 else "spam"))
    assert last.recent.drift == 0
    for number in range(100):
        last.note(answered(category="work" if number % 5 else "spam"))
    assert last.recent.drift == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("text", "stop_reason", "flags"),
    [
        ("", "end_turn", EMPTY),
        (" \n " * 100, None, EMPTY),
        ("work", "end_turn", 0),
        ("I'm sorry, but I can’t help with that.", "end_turn", REFUSED),
        ("Unfortunately I CANNOT ASSIST with this.", None, REFUSED),
        ("x", "refusal", REFUSED),
        ("half an ans", "max_tokens", TRUNCATED),
        ('{"summary": "he wrote: I cannot assist"}', "length", TRUNCATED),
        ("They promised the team at length that there is more. " * 5 + "I can't help", None, 0),
    ],
)
def test_what_is_odd_about_an_answer(text: str, stop_reason: str | None, flags: int) -> None:
    assert classify(text, stop_reason) == flags


def test_equal_texts_share_a_number_in_every_process() -> None:
    assert echo("an answer") == 0xCCD2E1DA
    assert echo("half \ud83d a character") != echo("another")
