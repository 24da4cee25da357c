"""Prompt templates: names in braces, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.template import Template


def test_names_are_found_once_and_in_order() -> None:
    assert Template("{b} {a.c} {b} {First Name} {{not}}").names == ("b", "a.c", "First Name")


def test_values_stand_in_their_places_and_doubled_braces_are_braces() -> None:
    assert Template('{{"a": {a}}} {b}').render({"a": 1, "b": "x"}) == '{"a": 1} x'


def test_values_that_are_no_text_are_written_as_json() -> None:
    values = {"a": True, "b": [1, "é"], "c": {"d": None}, "e": 1.5}
    assert Template("{a} {b} {c} {e}").render(values) == 'true [1, "é"] {"d": null} 1.5'


def test_dots_lead_into_nested_values_unless_a_field_has_that_very_name() -> None:
    assert Template("{a.b.c}").render({"a": {"b": {"c": "deep"}}}) == "deep"
    assert Template("{a.b}").render({"a.b": "flat", "a": {"b": "deep"}}) == "flat"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{a:{b}}", "brace without its partner, at {a:{b}}"),
        ('{"json": 1}', '{"json": 1}'),
        ('{"a": {"b": 1}}', 'at {"a": {"b": 1}}; write {{ or }}'),
        ("{\n1}", "brace without its partner, at { 1}"),
        ("{'a'}", "{'a'}"),
        ("{ a }", "{ a }"),
        ("{}", "{}"),
        ("only { one", "brace without its partner"),
        ("only } one", "brace without its partner"),
    ],
)
def test_anything_but_a_name_is_refused_and_named(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(named)):
        Template(text)


@pytest.mark.parametrize(
    "name", ["Ticket №", "Price (EUR)", "Näme, full", 'body "text"', "a!r", "a:>10", "a[0]", "a..b", "%", "\\"]
)
def test_a_column_may_be_called_as_it_likes(name: str) -> None:
    template = Template(f"<{{{name}}}> {{{{")
    assert template.names == (name,)
    assert template.render({name: "here"}) == "<here> {"
    with pytest.raises(BadInput, match=re.escape(f'no field "{name}"')):
        template.render({"other": "x"})


def test_an_example_in_json_stands_in_doubled_braces() -> None:
    text = 'Like {{"queue": {{"name": "bug"}}}}: {body}'
    assert Template(text).render({"body": "x"}) == 'Like {"queue": {"name": "bug"}}: x'


def test_attributes_of_values_cannot_be_reached() -> None:
    with pytest.raises(BadInput, match=r'no field "a\.__class__"'):
        Template("{a.__class__}").render({"a": "x"})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"subjct": "x"}, r'no field "subject" \(did you mean "subjct"\?\)'),
        ({"subject": None}, '"subject" of the record is null'),
        ({"subject": "  "}, '"subject" is blank'),
    ],
)
def test_a_missing_null_or_blank_field_is_an_error_that_names_it(values: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        Template("Hello {subject}").render(values)


def test_one_blank_field_among_others_is_fine() -> None:
    assert Template("{a}|{b}").render({"a": "", "b": "x"}) == "|x"


def test_a_template_without_names_is_itself() -> None:
    assert Template("Say hello.").render({}) == "Say hello."


@given(st.text(min_size=1).filter(str.strip))
def test_what_a_record_holds_is_never_read_as_a_template(value: str) -> None:
    assert Template("<{a}>").render({"a": value, "b": "secret"}) == f"<{value}>"
    assert Template("<{a}>").render({"a": "{b} {{", "b": "secret"}) == "<{b} {{>"


@given(st.text(alphabet="{}ab.!:[] \n"))
def test_any_text_is_a_template_or_refused_in_one_sentence(text: str) -> None:
    try:
        names = Template(text).names
    except ConfigError as error:
        told = str(error)
    else:
        told = Template(text).render(dict.fromkeys(names, "v")) and "."
    assert told.endswith(".") or not text
