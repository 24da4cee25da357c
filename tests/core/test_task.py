"""Tasks as data: from the tables of a file to a plugin."""

from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.model import Prompt
from dagtui.core.output import instruction
from dagtui.core.plugin import Context
from dagtui.core.task import TaskPlugin

MODEL = '[model]\nprovider = "anthropic"\nname = "claude-x"\n'
HEAD = f'name = "t"\n{MODEL}'


def task(text: str) -> TaskPlugin:
    return TaskPlugin(tomllib.loads(text, parse_float=Decimal), "t.toml")


def refused(text: str, *told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        task(text)
    for part in ("t.toml", *told):
        assert part in str(caught.value)


def output(text: str) -> Any:
    return task(f'{HEAD}[ask]\nprompt = "{{a}}"\n[ask.output]\n{text}').dimensions[0].output


def test_a_single_question_is_a_dimension_named_as_the_task() -> None:
    plugin = task(
        f'{HEAD}max_tokens = 9\ntemperature = 0.5\ntop_p = 0.9\nstop = ["x"]\n[ask]\nprompt = "{{a}} {{b}}"'
    )
    assert plugin.name == "t"
    assert [(d.name, d.output, d.category, d.needs) for d in plugin.dimensions] == [("t", None, None, ())]
    assert plugin.reads == ("a", "b")
    choice = plugin.select_provider(Context(plugin.dimensions[0], {}, {}))
    assert (choice.provider, choice.model, choice.max_tokens, choice.temperature) == (
        "anthropic",
        "claude-x",
        9,
        0.5,
    )
    assert json.dumps(choice.parameters) == '{"top_p": 0.9, "stop": ["x"]}'


def test_the_prompt_is_filled_from_the_record() -> None:
    plugin = task(f'{HEAD}[ask]\nsystem = "You read {{lang}}."\nprompt = "Read {{a}}"')
    assert plugin.reads == ("lang", "a")
    prompt = plugin.create_prompt(Context(plugin.dimensions[0], {"a": "{b}", "lang": "Greek"}, {}))
    assert prompt == Prompt("Read {b}", "You read Greek.")
    with pytest.raises(BadInput, match='"a"'):
        plugin.create_prompt(Context(plugin.dimensions[0], {"lang": "Greek"}, {}))


def test_a_question_reads_the_answers_that_it_needs() -> None:
    plugin = task(f"""{HEAD}
        [[ask]]
        name = "triage"
        prompt = "{{body}}"
        [ask.output]
        queue = ["a", "b"]
        [[ask]]
        name = "reply"
        needs = ["triage"]
        prompt = "{{triage.queue}} {{triage}} {{customer.name}}"
        [ask.model]
        name = "claude-y"
    """)
    first, second = plugin.dimensions
    assert second.needs == ("triage",)
    assert plugin.reads == ("body", "customer.name")
    assert first.output is not None
    answer = first.output.model_validate({"queue": "a"})
    context = Context(second, {"body": "x", "customer": {"name": "Zoe"}}, {"triage": answer})
    assert plugin.create_prompt(context).user == 'a {"queue": "a"} Zoe'
    assert [plugin.select_provider(Context(d, {}, {})).model for d in plugin.dimensions] == [
        "claude-x",
        "claude-y",
    ]


def test_the_output_table_becomes_a_model_that_guards_the_answer() -> None:
    model = output("""
        queue = ["billing", "how-to"]
        urgency = { type = "integer", min = 1, max = 5, description = "5 is worst" }
        share = { type = "number", min = 0.5 }
        tags = { type = "list", values = ["x", "y"] }
        words = "list"
        good = "boolean"
        note = "text"
    """)
    sound = {"queue": "how-to", "urgency": 5, "share": 0.5, "tags": ["x"], "words": [], "good": True, "note": ""}
    assert model.model_validate(sound).model_dump() == sound
    for key, wrong in (
        ("queue", "other"),
        ("urgency", 6),
        ("share", 0.4),
        ("tags", ["z"]),
        ("words", "a"),
        ("note", 1),
    ):
        with pytest.raises(ValidationError):
            model.model_validate({**sound, key: wrong})
    with pytest.raises(ValidationError):
        model.model_validate({})
    asked = instruction(model)
    assert '"enum":["billing","how-to"]' in asked
    assert '"description":"5 is worst"' in asked


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'nam = "t"\n{MODEL}[ask]\nprompt = "x"', ['"nam"', 'did you mean "name"']),
        (f'name = "t"\n{MODEL}', ['"ask" is missing']),
        ('name = "t"\n[ask]\nprompt = "x"', ['"model" is missing']),
        (f'{HEAD}[ask]\nprompt = "x"\ncatgory = "y"', ["[ask]", '"catgory"', 'did you mean "category"']),
        (f"{HEAD}[ask]\nname = 'x'", ["[ask]", '"prompt" is missing']),
        (f'{HEAD}[ask]\nprompt = "{{ a }}"', ["[ask]", "{ a }"]),
        (f'{HEAD}[ask]\nprompt = "x"\ncategory = "y"', ['category "y" is not in the output']),
        (f'{HEAD}[ask]\nprompt = "x"\ncategory = "que"\n[ask.output]\nqueue = "text"', ['did you mean "queue"']),
        (f'{HEAD}[[ask]]\nprompt = "x"', ["[[ask]] 1", '"name" is missing']),
        (f'{HEAD}[[ask]]\nname = "a"\nprompt = "x"\n[[ask]]\nname = "a"\nprompt = "x"', ["[[ask]] 2", "taken"]),
        (f'{HEAD}[ask]\nprompt = "x"\nneeds = ["y"]', ['needs "y"']),
        (f'{HEAD}[ask]\nname = "a b"\nprompt = "x"', ['"name" is']),
        (f'{HEAD}max_token = 5\n[ask]\nprompt = "x"', ["[model]", '"max_token"', 'did you mean "max_tokens"']),
        (f'{HEAD}temprature = 0\n[ask]\nprompt = "x"', ['did you mean "temperature"']),
        (f'{HEAD}max_tokens = 0\n[ask]\nprompt = "x"', ["[model]", '"max_tokens" is 0']),
        (f'{HEAD}model = "m"\n[ask]\nprompt = "x"', ['"model" is set by dagtui itself; use name']),
        (f'{HEAD}stream = true\n[ask]\nprompt = "x"', ['"stream" is set by dagtui itself; remove it']),
        ('name = "t"\n[model]\nprovider = "p"\n[ask]\nprompt = "x"', ["[model]", '"name" is missing']),
    ],
)  # fmt: skip
def test_a_wrong_task_is_refused_with_its_table_and_key(text: str, told: list[str]) -> None:
    refused(text, *told)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ('a = "string"', 'there is no type "string"'),
        ('a = "txt"', 'did you mean "text"'),
        ("a = []", "the list of values is empty"),
        ('a = ["x", "x"]', '"x" stands twice'),
        ("a = [1]", "values.0"),
        ("a = 7", "a is 7; give a type"),
        ("a = { min = 1 }", '"type" or "values" is missing'),
        ('a = { type = "text", min = 1 }', "go with number and integer only"),
        ('a = { type = "integer", min = 1.5 }', "1.5 is no bound for integer"),
        ('a = { type = "number", max = inf }', "should be a finite number"),
        ('a = { type = "integer", min = 3, max = 2 }', "min 3 is above max 2"),
        ('a = { type = "number", values = ["x"] }', '"values" go with text or list'),
        ('a = { typ = "text" }', 'did you mean "type"'),
        ('"a b" = "text"', '"a b" cannot be a field'),
        ('copy = "text"', 'a field cannot be called "copy"'),
        ("", "is empty; name at least one field"),
    ],
)
def test_a_wrong_output_is_refused_with_its_field(spec: str, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"^t\.toml, \[ask\]\.output.*{re.escape(told)}"):
        output(spec)


def test_an_answer_may_be_read_only_when_it_is_needed_and_has_the_field() -> None:
    both = (
        HEAD
        + """
        [[ask]]
        name = "one"
        prompt = "x"
        [ask.output]
        queue = "text"
        [[ask]]
        name = "two"
        prompt = "{one.QUEUE}"
    """
    )
    refused(both.replace("QUEUE", "queue"), '{one.queue}; add needs = ["one"]')
    needing = both.replace('name = "two"', 'name = "two"\nneeds = ["one"]')
    refused(needing.replace("QUEUE", "queu"), 'has no field "queu" (did you mean "queue"?)')
    assert task(needing.replace("QUEUE", "queue")).reads == ()
