"""Hostile records and task files: a prompt holds the text as it is, and what is wrong is told in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.model import Prompt, Record
from dagtui.core.plugin import Context, Plugin
from dagtui.core.task import TaskPlugin
from dagtui.core.template import Template
from dagtui.io.tasks import load_task, missing_fields
from tests.hostile import corpus

VALUES, NAMES, TEMPLATES, FILES, TABLES = 800, 400, 800, 800, 800
_shared = [HealthCheck.function_scoped_fixture]


@given(subject=corpus.hostile, body=corpus.hostile)
@settings(max_examples=VALUES, derandomize=True)
def test_a_prompt_holds_the_values_of_a_record_as_they_are(subject: str, body: str) -> None:
    ask = {"system": "It is {subject}.", "prompt": "<{subject}>{{subject}}<{body}>"}
    plugin = TaskPlugin({"name": "t", "model": {"provider": "p", "name": "m"}, "ask": ask}, "t.toml")
    context = Context(plugin.dimensions[0], {"subject": subject, "body": body}, {})
    try:
        prompt = plugin.create_prompt(context)
    except BadInput as error:
        assert_sentence(error)
        assert not (subject + body).strip() or not subject.strip()
        return
    assert prompt == Prompt(f"<{subject}>{{subject}}<{body}>", f"It is {subject}.")


@given(name=corpus.hostile, value=corpus.values)
@settings(max_examples=NAMES, derandomize=True)
def test_any_name_of_a_column_is_a_placeholder_or_told_to_be_none(name: str, value: Any) -> None:
    try:
        template = Template(f"<{{{name}}}>")
    except ConfigError as error:
        assert re.search(r'[{}\n]|^\s|\s$|^["\']|^$', name)
        assert_sentence(error)
        return
    if template.names != (name,):  # braces in it made another template of it
        assert re.search(r"[{}]", name)
        return
    try:
        told = template.render({name: value})
    except BadInput as error:
        assert value is None or not str(value).strip()
        assert_sentence(error)
    else:
        assert told == f"<{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}>"


@given(
    text=st.lists(corpus.hostile | st.sampled_from(["{a}", "{b}", "{{", "}}", "{", "}"]), max_size=6).map("".join)
)
@example(text="{a}" * 3 + "{{b}}")
@settings(max_examples=TEMPLATES, derandomize=True)
def test_any_prompt_is_a_template_or_told_to_be_none(text: str) -> None:
    try:
        template = Template(text)
    except ConfigError as error:
        assert_sentence(error)
        return
    expected = text
    for number, name in enumerate(template.names):
        expected = expected.replace(f"{{{name}}}", f"\ue0ff{number}\ue0ff")
    if "{{" not in text and "}}" not in text:
        values = {name: f"\ue0ff{number}\ue0ff" for number, name in enumerate(template.names)}
        assert template.render(values) == expected


def assert_sentence(error: Exception, where: str = "") -> None:
    assert where in str(error)
    assert str(error).endswith(".")
    assert "\n" not in str(error)
    assert str(error).isprintable() or not str(error).isascii()


_task = b'name = "t"\n[model]\nprovider = "p"\nname = "m"\n[ask]\nprompt = "{a}"\n'
_toml = st.lists(
    st.one_of(
        st.sampled_from(corpus.PIECES),
        st.sampled_from(
            [_task, b"[ask.output]\n", b'x = "text"\n', b"[[ask]]\n", b'name = "', b"needs = [", b"a.b.c = 1\n"]
        ),
        st.sampled_from(
            [b"'''", b"1e999", b"2024-02-30", b"inf", b"9" * 5000, b"[" * 3000, b"{a=" * 2000, b"# c"]
        ),
    ),
    max_size=12,
).map(b"".join)


@given(content=st.one_of(_toml, _toml.map(lambda tail: _task + tail), st.binary(max_size=60)))
@settings(max_examples=FILES, derandomize=True, suppress_health_check=_shared)
def test_any_bytes_are_a_task_or_a_sentence_with_its_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "task.toml"
    path.write_bytes(content)
    check(lambda: load_task(str(path)), "task.toml")


_words = st.sampled_from(
    ["name", "model", "ask", "output", "prompt", "system", "needs", "category", "provider", "max_tokens", "type",
     "values", "min", "max", "description", "temperature", "text", "integer", "number", "list", "boolean"]
)  # fmt: skip
_any = st.recursive(
    _words | corpus.whole | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words | corpus.whole, inner, max_size=4),
    max_leaves=8,
)
_table = st.dictionaries(_words | corpus.whole, _any, max_size=4)
_shape = st.fixed_dictionaries(
    {"name": corpus.whole | st.just("t"), "model": _table | st.just({"provider": "p", "name": "m"})},
    optional={"description": corpus.whole, "more": _any},
)


@given(
    values=_shape,
    ask=_table,
    output=st.none() | st.dictionaries(_words | corpus.whole, _any, max_size=3),
    prompt=corpus.whole,
)
@example(
    values={"name": "t", "model": {"provider": "p", "name": "m"}}, ask={"x" * 9_000: 1}, output=None, prompt="p"
)
@settings(max_examples=TABLES, derandomize=True)
def test_any_tables_are_a_task_or_a_sentence_with_its_file(
    values: dict[str, Any], ask: dict[str, Any], output: dict[str, Any] | None, prompt: str
) -> None:
    values = {**values, "ask": {**ask, "prompt": prompt, **({} if output is None else {"output": output})}}
    check(lambda: TaskPlugin(values, "task.toml"), "task.toml")


def check(load: Any, where: str) -> None:
    try:
        plugin: Plugin = load()
    except ConfigError as error:
        assert_sentence(error, where)
        return
    dimension = plugin.dimensions[0]
    record = Record(0, "1", dict.fromkeys(plugin.reads, "x"))
    assert plugin.create_prompt(Context(dimension, record.fields, {}))
    plugin.select_provider(Context(dimension, record.fields, {}))
    if dimension.output is not None:
        json.dumps(dimension.output.model_json_schema())


def test_a_field_that_is_missing_is_told_on_one_line() -> None:
    model = {"provider": "p", "name": "m"}
    for name in corpus.WHOLE:
        try:
            plugin = TaskPlugin({"name": "t", "model": model, "ask": {"prompt": f"{{{name}}}"}}, "t.toml")
        except ConfigError:
            continue
        if not plugin.reads:
            continue
        told = missing_fields(plugin, [f"{name}x", *(other for other in corpus.UNICODE if other != name)])
        assert told is not None
        assert_sentence(BadInput(told))
