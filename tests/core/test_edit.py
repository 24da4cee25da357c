"""An edit in the middle of a run: read from a form, written into a task, told, and counted as a revision."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagtui.core.edit import Asked, edited_task, read_asked, told
from dagtui.core.even_sample import evenly
from dagtui.core.plugin import Context
from dagtui.core.preview import Answered, Compared, difference
from dagtui.core.revision import Revisions, revisions, revisions_of
from dagtui.core.task import TaskPlugin
from dagtui.io.toml import read_toml, write_toml

TASK: dict[str, Any] = {
    "name": "t",
    "model": {"provider": "anthropic", "name": "claude-x", "temperature": Decimal("0.1"), "top_p": Decimal("0.9")},
    "ask": [
        {
            "name": "triage",
            "prompt": "Sort {subject}",
            "output": {"queue": ["a", "b"], "urgency": {"type": "integer"}, "why": "text", "tone": ["c", "d"]},
            "category": "queue",
        },
        {"name": "reply", "needs": ["triage"], "prompt": "Reply to {triage.queue}", "model": {"max_tokens": 300}},
    ],
}
ASKED = Asked("ask", "claude-x", 150, 0.1, "Say {content}", "", ("triage",))
COLUMNS = ("id", "subject", "content")


def typed(**changes: str) -> dict[Any, str]:
    return {**ASKED.typed(), **changes}


def test_what_a_form_says_is_the_question_as_it_was_until_something_is_typed() -> None:
    assert read_asked(ASKED, typed(), COLUMNS) == (ASKED, {})
    after, wrong = read_asked(ASKED, typed(temperature="0.7", max_tokens="1,000", model=" other "), COLUMNS)
    assert (after.temperature, after.max_tokens, after.model, wrong) == (0.7, 1000, "other", {})
    assert read_asked(ASKED, typed(temperature=""), COLUMNS)[0].temperature is None


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        (
            "prompt",
            "Say {contnt}",
            '{contnt} is no field of the records (did you mean "content"?); they have {id}',
        ),
        ("prompt", "Say {", "brace without its partner"),
        ("prompt", "  \n", "the prompt is empty"),
        ("system", "You are {nobody}", "{nobody} is no field"),
        ("model", " ", "name a model"),
        ("temperature", "2.1", "from 0 to 2"),
        ("temperature", "warm", "from 0 to 2"),
        ("temperature", "nan", "from 0 to 2"),
        ("max_tokens", "0", "whole number from 1"),
        ("max_tokens", "", "whole number from 1"),
        ("max_tokens", "9" * 5000, "whole number from 1"),
    ],
)
def test_what_cannot_be_taken_is_a_sentence_at_its_field(field: str, text: str, sentence: str) -> None:
    _, wrong = read_asked(ASKED, typed(**{field: text}), COLUMNS)
    assert list(wrong) == [field]
    assert sentence in wrong[field]


def test_a_prompt_may_read_nested_fields_and_the_answers_that_it_needs() -> None:
    assert read_asked(ASKED, typed(prompt="{content.a.b} {triage.queue} {{}}"), COLUMNS)[1] == {}


def test_code_may_be_left_to_itself() -> None:
    by_code = Asked("plugin", None, None, None)
    assert read_asked(by_code, by_code.typed(), COLUMNS) == (by_code, {})
    assert read_asked(by_code, {**by_code.typed(), "temperature": "1"}, COLUMNS)[0].temperature == 1


def asked_by(plugin: TaskPlugin) -> list[Asked]:
    found: list[Asked] = []
    for one in plugin.dimensions:
        choice, texts = plugin.select_provider(Context(one, {}, {})), plugin.describe(one)
        place = choice.model, choice.max_tokens, choice.temperature
        found.append(Asked(one.name, *place, texts["prompt"], texts["system"], one.needs))
    return found


def test_an_edited_task_differs_from_the_old_one_by_the_edit_alone(tmp_path: Path) -> None:
    from dataclasses import replace

    before = TaskPlugin(TASK, "test")
    first, second = asked_by(before)
    edit = replace(
        second,
        prompt='Reply "kindly" to {triage.queue}\r\n\x1b\\ {subject}',
        system="Be\tbrief.",
        temperature=None,
    )
    path = tmp_path / "task.toml"
    write_toml(path, edited_task(TASK, [first, edit]))
    after = TaskPlugin(read_toml(path), "task.toml")
    assert asked_by(after) == [first, edit]
    for old, new in zip(before.dimensions, after.dimensions, strict=True):
        assert old.output is new.output is None or old.output.model_json_schema() == new.output.model_json_schema()
        chosen = [p.select_provider(Context(d, {}, {})).parameters for p, d in ((before, old), (after, new))]
        assert list(chosen[0].items()) == list(chosen[1].items())
    assert path.stat().st_mode & 0o077 == 0
    assert TASK["ask"][1]["prompt"] == "Reply to {triage.queue}"


def test_an_edited_prompt_stays_readable_in_its_file(tmp_path: Path) -> None:
    write_toml(tmp_path / "task.toml", {"ask": {"prompt": 'One\n\nTwo "three"'}})
    text = (tmp_path / "task.toml").read_text()
    assert "One\n\nTwo" in text
    assert tomllib.loads(text) == {"ask": {"prompt": 'One\n\nTwo "three"'}}


def test_the_fields_of_an_answer_stay_in_their_order_in_an_edited_task(tmp_path: Path) -> None:
    score = {
        "type": "number",
        "min": 0,
        "max": 1,
        "of it": {"parts": [{"a": 1}, ["two\nlines", "b"]], "end": True},
    }
    output = {"score": score, "words": "text", "deep": {"a": {}, "b": 'say "so"'}, "last": ["x", "y"]}
    values = {"name": "t", "ask": [{"output": output, "prompt": "One\nTwo"}, {"prompt": "Three"}]}
    write_toml(tmp_path / "task.toml", values)
    kept = tomllib.loads((tmp_path / "task.toml").read_text())
    assert kept == values
    assert list(kept["ask"][0]["output"]) == list(output)
    assert list(kept["ask"][0]["output"]["score"]) == list(score)


def test_edits_are_told_by_field_and_by_question_where_there_are_several() -> None:
    from dataclasses import replace

    edit = replace(ASKED, temperature=0.7, prompt="Say it: {content}")
    assert told([ASKED], [edit]) == ["temperature 0.1 -> 0.7", "prompt Say {content} -> Say it: {content}"]
    assert told([ASKED, ASKED], [ASKED, edit])[0] == "ask temperature 0.1 -> 0.7"


def test_a_session_that_asks_otherwise_begins_a_revision_and_going_on_does_not() -> None:
    cold, warm = {"ask": {"temperature": 0.1}}, {"ask": {"temperature": 0.7}}
    assert revisions_of([cold, cold, warm, warm, cold]) == (1, 1, 2, 2, 3)
    assert revisions_of([]) == ()
    found = revisions([cold, cold, warm, warm], {1: 40, 2: 10, 3: 5})
    assert found == Revisions((50,), ("ask temperature 0.1 -> 0.7",))
    assert (found.number, found.answers(100)) == (2, (50, 50))
    assert revisions([cold], {}).number == 1


def test_the_difference_in_cost_is_of_the_pairs_that_are_known() -> None:
    def row(old: str | None, new: str | None) -> Compared:
        costs = [None if one is None else Decimal(one) for one in (old, new)]
        return Compared("r", "ask", Answered("a", cost=costs[0]), Answered("a", cost=costs[1]))

    apart = difference([row("1", "2"), row("3", "4"), row(None, "9"), row("9", None)])
    assert apart is not None
    assert (apart.old, apart.new, apart.times(10, 20)) == (2, 3, 40)
    assert difference([Compared("r", "ask", Answered("a"))]) is None


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (Answered("x", "spam"), Answered("x", "spam"), "same"),
        (Answered("x", "spam"), Answered("y", "spam"), "words"),
        (Answered("x", "spam"), Answered("x", "work"), "other"),
        (Answered("x"), Answered("y"), "other"),
        (Answered("x"), Answered(problem="no"), "failed"),
        (Answered("x"), None, None),
    ],
)
def test_what_became_of_an_answer(old: Answered, new: Answered | None, change: str | None) -> None:
    assert Compared("r", "ask", old, new).change == change


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 1000, 12345])
def test_a_sample_is_spread_evenly(count: int) -> None:
    places = evenly(count, 10)
    assert len(places) == min(count, 10)
    assert places == sorted(set(places))
    assert [place * 10 // max(count, 10) for place in places] == list(range(len(places))) or count < 1000
