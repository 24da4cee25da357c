"""Finding a task by name, file or module."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagtui.core.errors import ConfigError
from dagtui.core.plugin import Context
from dagtui.io.tasks import list_tasks, load_task, missing_fields

PLUGIN = """
from dagtui.core.plugin import Dimension, Plugin
from dagtui.core.model import ProviderChoice

class {name}(Plugin):
    dimensions = [Dimension("{name}")]
    reads = ["content"]
    def create_prompt(self, ctx):
        return ctx.record["content"]
    def select_provider(self, ctx):
        return ProviderChoice("anthropic", "m")
"""
EMPTY = "from dagtui.core.plugin import Plugin\n"
TASK = 'name = "mine"\n[model]\nprovider = "p"\nname = "m"\n[ask]\nprompt = "{x}"\n'


def written(folder: Path, text: str, name: str = "mine.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_the_built_in_tasks_are_listed_and_load() -> None:
    tasks = list_tasks()
    assert [task.name for task in tasks] == ["email", "reviews", "tickets"]
    for task in tasks:
        assert task.description
        assert load_task(task.name).name == task.name
        assert load_task(str(task.path)).name == task.name


def test_a_python_file_with_one_plugin_needs_no_name(tmp_path: Path) -> None:
    path = written(tmp_path, PLUGIN.format(name="Mine"))
    for task in (path, f"{path}:Mine"):
        plugin = load_task(task)
        assert (type(plugin).__name__, plugin.name) == ("Mine", "Mine")
    context = Context(plugin.dimensions[0], {"content": "hello"}, {})
    assert plugin.create_prompt(context) == "hello"


def test_of_several_plugins_one_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, PLUGIN.format(name="One") + PLUGIN.format(name="Two") + "three = Two()\n")
    assert load_task(f"{path}:Two").name == "Two"
    assert load_task(f"{path}:three").name == "three"
    with pytest.raises(ConfigError, match=r"several Plugin classes \(One, Two\); add :NAME"):
        load_task(path)
    with pytest.raises(ConfigError, match=r'has no "Tow" \(did you mean "Two"\?\)'):
        load_task(f"{path}:Tow")


def test_a_base_class_of_the_plugin_is_no_second_one(tmp_path: Path) -> None:
    base = EMPTY + "class Base(Plugin):\n    pass\n"
    path = written(tmp_path, base + PLUGIN.format(name="Mine").replace("(Plugin)", "(Base)"))
    assert load_task(path).name == "Mine"


def test_a_module_is_found_beside_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, PLUGIN.format(name="Mine"), "dagtui_probe_module.py")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    try:
        assert load_task("dagtui_probe_module:Mine").name == "Mine"
    finally:
        sys.modules.pop("dagtui_probe_module", None)
    assert sys.path == before


def test_a_file_may_import_its_neighbour(tmp_path: Path) -> None:
    written(tmp_path, "WORD = 'hi'\n", "dagtui_probe_neighbour.py")
    path = written(tmp_path, "from dagtui_probe_neighbour import WORD\n" + PLUGIN.format(name="Mine"))
    try:
        assert load_task(path).name == "Mine"
    finally:
        sys.modules.pop("dagtui_probe_neighbour", None)


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("x = = 1", "", r"mine\.py:1: invalid syntax"),
        ("\nimport no_such_thing", "", r'mine\.py: imports "no_such_thing", which is not installed'),
        ("\n1 / 0", "", r"mine\.py:2: ZeroDivisionError: division by zero while it was imported"),
        ("raise SystemExit(3)", "", r"mine\.py:1: SystemExit: 3"),
        ("x = 1", "", "holds no Plugin class; derive one"),
        ("x = 1", ":x", "x is not a Plugin"),
        (EMPTY + "class A(Plugin):\n    pass", "", r"A\(\) cannot be made: TypeError: .*create_prompt"),
        (PLUGIN.format(name="A") + "    def __init__(self, x): pass", "", r"A\(\) cannot be made: TypeError"),
        (
            PLUGIN.format(name="A") + "    def __init__(self): 1 / 0",
            ":A",
            r"mine\.py:12: A\(\) cannot be made: Zero",
        ),
        (PLUGIN.format(name="A") + "    dimensions = []", "", "A: The plugin declares no dimensions"),
    ],
)
def test_a_broken_plugin_is_one_sentence(tmp_path: Path, text: str, name: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load_task(written(tmp_path, text) + name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("emial", r'no task "emial" \(did you mean "email"\?\); choose email, reviews, tickets, or give'),
        ("no_such_module:X", 'no module "no_such_module"'),
        ("no_such.module:X", 'no module "no_such"'),
        ("json:nothing", 'json: has no "nothing"'),
        ("json:loads", "loads is not a Plugin"),
        (":X", "names no task"),
        ("a b:X", "names no task"),
        ("nowhere.toml", "there is no such file"),
        ("nowhere.py:X", "there is no such file"),
    ],
)
def test_a_task_that_is_not_there_is_told(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_task(name)


def test_a_broken_toml_task_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml:7: .* at the end of the file"):
        load_task(written(tmp_path, TASK + "oops", "mine.toml"))


def test_fields_that_the_input_lacks_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    plugin = load_task("tickets")
    assert missing_fields(plugin, ["subject", "body", "plan", "customer", "more"]) is None
    assert missing_fields(plugin, ["subjct", "body", "plan", "customer"]) == (
        'The task reads "subject" (did you mean "subjct"?), but the input has only subjct, body, plan, customer; '
        "mend the task, or choose another task or file."
    )
    assert "no fields" in (missing_fields(plugin, []) or "")


def test_a_nested_field_counts_as_its_column(tmp_path: Path) -> None:
    plugin = load_task(written(tmp_path, TASK.replace("{x}", "{customer.name}"), "mine.toml"))
    assert missing_fields(plugin, ["customer"]) is None
    assert missing_fields(plugin, ["customer.name"]) is None
    assert missing_fields(plugin, ["name"])
