"""Two runs beside each other: settings, figures, shares and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.compare import (
    NOT_THE_SAME,
    Side,
    compare,
    differing_answers,
    differing_terms,
    in_words,
    swapped,
)
from dagtui.core.compare_text import as_text, plain
from dagtui.core.run_terms import max_tokens_of, terms_of, told
from dagtui.core.snapshot import Before, Counts, Latency, Money, Snapshot, Throughput
from tests.core.test_report import DONE

SLOWER = replace(
    DONE,
    elapsed=8.0,
    throughput=Throughput(0.0, 12.5, 19.0, (), 0.1),
    latency=Latency(0.9, 0.7, 2.4, 3.0),
    money=Money(Decimal("0.030000"), Decimal("0.001"), None),
    retries=5,
    categories=(("work", 45), ("spam", 25), ("newsletter", 20), ("other", 10)),
)


def side(snapshot: Snapshot, **terms: str) -> Side:
    return Side("run-1", "emails.csv · email · demo", "complete", 100.0, snapshot, terms)


def figures(a: Snapshot, b: Snapshot) -> Mapping[str, Any]:
    return {figure.label: figure for figure in compare(side(a), side(b)).figures}


def test_every_figure_says_how_it_changed_and_whether_that_is_better() -> None:
    told = figures(DONE, SLOWER)
    assert (told["Requests a second"].a, told["Requests a second"].b) == ("27.2", "12.5")
    assert told["Requests a second"].change == "-54.0%"
    assert told["Requests a second"].better is False
    assert told["Latency, p50"].better is True
    assert told["Latency, p95"].change == "+100.0%"
    assert told["Latency, p95"].better is False
    assert (told["A thousand records"].a, told["A thousand records"].b) == ("$0.234160", "$0.300000")
    assert told["Records"].change == "="
    assert told["Retries"].change == "from 0"
    assert told["Tokens in"].better is None


def test_what_grows_with_the_number_of_records_is_not_judged_where_that_differs() -> None:
    more = replace(SLOWER, records_total=200, records_read=200, counts=Counts(200, 0, 0, 0, 200, 0, 0, 0))
    told = figures(DONE, more)
    assert told["Duration"].better is None
    assert told["Cost"].better is None
    assert told["Requests a second"].better is False


def test_the_duration_of_a_run_that_went_on_is_called_that_of_its_last_session_and_not_judged() -> None:
    told = figures(replace(DONE, before=Before(reused=97)), SLOWER)
    assert "Duration" not in told
    assert told["Duration, last session"].better is None


def test_an_unknown_price_or_latency_is_not_compared() -> None:
    unknown = replace(DONE, money=Money(None, Decimal(0), None), latency=Latency(None, None, None, None))
    told = figures(DONE, unknown)
    assert (told["Cost"].b, told["Cost"].change, told["Cost"].better) == ("n/a", "n/a", None)
    assert told["Latency, p99"].change == "n/a"


def test_categories_tell_the_difference_in_points() -> None:
    shares = {share.category: round(share.points, 6) for share in compare(side(DONE), side(SLOWER)).categories}
    assert shares == {"work": 5.0, "spam": -5.0, "newsletter": 0.0, "personal": -10.0, "other": 10.0}


def test_only_settings_that_differ_are_told() -> None:
    assert differing_terms({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "5", "d": "6"}) == (
        ("b", "2", "5"),
        ("c", "3", "none"),
        ("d", "none", "6"),
    )


def test_answers_are_held_against_each_other_by_place() -> None:
    a = [(0, "ok", "work"), (1, "ok", "spam"), (2, "failed", None), (4, "ok", "work")]
    b = [(0, "ok", "work"), (1, "ok", "work"), (2, "ok", "spam"), (3, "ok", "work")]
    told = differing_answers(a, b)
    assert (told.both, told.differ, told.only_a, told.only_b) == (2, 1, 1, 2)
    assert [(one.seq, one.a, one.b) for one in told.first] == [(1, "spam", "work")]
    assert told.moves == (("spam", "work", 1),)
    words = (
        "2 requests have an answer in both; 1 (50.0%) is in another category; answered 1 only in A and 2 only in B"
    )
    assert in_words(told) == words


@given(
    st.dictionaries(st.integers(0, 40), st.sampled_from(["x", "y", None])),
    st.dictionaries(st.integers(0, 40), st.sampled_from(["x", "y", None])),
    st.integers(0, 5),
)
def test_no_answer_is_counted_twice_or_left_out(
    a: dict[int, str | None], b: dict[int, str | None], most: int
) -> None:
    def endings(answers: dict[int, str | None]) -> list[tuple[int, str, str | None]]:
        return [(seq, "ok" if answers[seq] else "failed", answers[seq]) for seq in sorted(answers)]

    told = differing_answers(endings(a), endings(b), most)
    both = [seq for seq in a if a[seq] and b.get(seq)]
    assert told.both == len(both)
    assert told.differ == sum(a[seq] != b[seq] for seq in both) == sum(number for *_, number in told.moves)
    assert told.only_a == sum(bool(a[seq]) and not b.get(seq) for seq in a)
    assert told.only_b == sum(bool(b[seq]) and not a.get(seq) for seq in b)
    assert [one.seq for one in told.first] == sorted(seq for seq in both if a[seq] != b[seq])[:most]


def test_the_other_way_round_is_the_same_comparison() -> None:
    a = [(seq, "ok", "work") for seq in range(3)]
    b = [(0, "ok", "spam"), (1, "ok", "work")]
    one = replace(compare(side(DONE, x="1"), side(SLOWER, x="2")), answers=differing_answers(a, b), ids={0: "e-1"})
    turned = swapped(one)
    assert turned.settings == (("x", "2", "1"),)
    assert turned.answers is not None
    assert (turned.answers.only_a, turned.answers.only_b) == (0, 1)
    assert turned.record_of(0) == "e-1"
    assert swapped(turned) == one


def test_as_text_and_as_data_it_says_the_same_and_hostile_text_is_made_visible() -> None:
    hostile = "\x1b]52;c;aGk=\x07[red]<script>"
    shifted = replace(SLOWER, categories=((hostile, 50), ("spam", 50)))
    answers = differing_answers([(0, "ok", hostile)], [(0, "ok", "spam")])
    both = replace(compare(side(DONE, prompt=hostile), side(shifted)), answers=answers, ids={0: hostile})
    printed = as_text(both)
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "1 request has an answer in both; 1 (100.0%) is in another category" in printed
    assert "▼" in printed
    told = json.loads(json.dumps(plain(both)))
    assert told["answers"]["first"] == [{"seq": 0, "record": hostile, "a": hostile, "b": "spam"}]
    assert told["settings"] == [{"name": "prompt", "a": hostile, "b": "none"}]


def test_where_answers_cannot_be_compared_it_says_why() -> None:
    told = replace(compare(side(DONE), side(SLOWER)), why=NOT_THE_SAME)
    assert NOT_THE_SAME in as_text(told)
    assert plain(told)["answers"] is None


PLAN = {
    "path": "/home/somebody/mail/emails.csv",
    "task": "email",
    "gateway": "https://me:secret@gate.example/v1",
    "portkey_config": '{"api_key": "sk-0123456789abcdef"}',
    "metadata": {"team": "x"},
    "knobs": {"latency_median_s": 1.2},
    "settings": {"concurrency": 20, "automatic": False, "max_cost": None, "limits": {"requests": 50.0}},
}
RECIPE = {"ask": {"model": "m-1", "max_tokens": 150, "temperature": 0.1, "route": {"x": "y"}, "parameters": {}}}


def test_terms_are_what_was_set_without_what_is_secret_or_private() -> None:
    terms = terms_of(PLAN, RECIPE)
    assert terms["file"] == "emails.csv"
    assert terms["model"] == "m-1"
    assert terms["max tokens"] == "150"
    assert terms["limits"] == "requests 50"
    assert terms["simulator latency median s"] == "1.2"
    assert terms["gateway"] == "https://gate.example/v1"
    shown = " ".join((*terms, *terms.values()))
    assert "secret" not in shown
    assert "sk-" not in shown
    assert "somebody" not in shown
    assert "max cost" not in dict(told(terms))
    assert max_tokens_of(RECIPE) == 150
    assert max_tokens_of({}) is None


def test_several_questions_tell_only_apart_what_is_not_alike() -> None:
    two = {"a": {"model": "m-1", "temperature": 0.1}, "b": {"model": "m-1", "temperature": 0.7}}
    terms = terms_of({"settings": {"automatic": True, "ceiling": 100, "concurrency": 20}}, two)
    assert terms["model"] == "m-1"
    assert (terms["a temperature"], terms["b temperature"]) == ("0.1", "0.7")
    assert terms["concurrency"] == "auto, at most 100"


@pytest.mark.parametrize("plan", [{}, {"settings": None, "knobs": 3}, {"path": None}])
def test_a_plan_that_somebody_changed_does_no_harm(plan: dict[str, Any]) -> None:
    assert isinstance(terms_of(plan, {"x": None, "y": {"schema": 3}}), dict)
