"""The README cannot drift: what it shows is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import dagtui
from dagtui.cli import cli
from dagtui.commands.options import DEMO_CONCURRENCY
from dagtui.core.model import Record
from dagtui.core.run_settings import RunSettings
from dagtui.io.tasks import load_task
from dagtui.plan import sample_folder
from dagtui.session import Session
from dagtui.simulator.knobs import Knobs
from dagtui.testing import FakeGateway, run_in_virtual_time

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FAILURES = (ROOT / "docs" / "failures.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_name_of_the_library_can_be_had_and_no_other_is_promised() -> None:
    assert sorted(dagtui.__all__) == sorted(set(dagtui.__all__))
    for name in dagtui.__all__:
        assert getattr(dagtui, name) is not None
    with pytest.raises(AttributeError):
        _ = dagtui.nothing  # type: ignore[attr-defined]


def test_every_command_of_the_readme_exists_and_takes_the_flags_that_it_is_shown_with() -> None:
    shown = re.findall(r"^(?:.*\| )?dagtui ([a-z]+)( .*)?$", "\n".join(blocks("sh")), re.MULTILINE)
    commands = [(name, rest.split("#")[0]) for name, rest in shown if name in cli.commands]
    assert len(commands) >= 3
    for name, rest in commands:
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<= )--?[a-z-]+", rest)) <= known, f"dagtui {name}{rest}"


def test_every_command_explains_itself() -> None:
    for name in cli.commands:
        done = subprocess.run([sys.executable, "-m", "dagtui", name, "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert len(done.stdout.splitlines()) > 4


def test_the_task_of_the_readme_is_a_task(tmp_path: Path) -> None:
    text = next(block for block in blocks("toml") if "[ask]" in block)
    (tmp_path / "triage.toml").write_text(text)
    task = load_task(str(tmp_path / "triage.toml"))
    assert tuple(task.reads) == ("subject", "body")


def test_the_plugin_of_the_readme_runs(tmp_path: Path) -> None:
    text = next(block for block in blocks("python") if "EmailAnalyzer" in block)
    (tmp_path / "readme_plugin.py").write_text(text)
    plugin = load_task(str(tmp_path / "readme_plugin.py"))
    answer = '{"category": "spam", "summary": "a prize"}'
    session = Session(plugin=plugin, records=[Record(0, "1", {"content": "win"})], gateway=FakeGateway(answer))
    result = run_in_virtual_time(session.run())
    assert result.snapshot.counts.succeeded == 1


def test_the_library_example_of_the_readme_shows_its_answers(tmp_path: Path) -> None:
    text = next(block for block in blocks("python") if "open_session" in block)
    shutil.copy(sample_folder() / "emails.csv", tmp_path)
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True)
    first, *answers = done.stdout.splitlines()
    assert first.startswith("complete ")
    assert len(answers) == 100
    assert all(" ok " in answer for answer in answers)


def test_the_defaults_that_help_tells_are_those_that_hold() -> None:
    defaults = RunSettings()
    for name, concurrency in (("run", defaults.concurrency), ("demo", DEMO_CONCURRENCY)):
        told = {option.name: str(getattr(option, "help", "")) for option in cli.commands[name].params}
        assert f"[{concurrency}]" in told["concurrency"]
        assert f"[{defaults.attempts}]" in told["attempts"]
        assert f"[{defaults.timeout:.0f}]" in told["timeout"]


def test_help_says_where_the_options_of_the_app_are_told() -> None:
    told = CliRunner().invoke(cli, ["-h"]).output
    assert "dagtui FILE take the options of dagtui app" in " ".join(told.split())


def test_the_help_of_the_simulator_explains_every_knob() -> None:
    told = CliRunner().invoke(cli, ["simulate", "--help"]).output
    for name, field in Knobs.model_fields.items():
        assert f"  {name}=" in told
        assert field.description, name


def test_every_test_that_the_list_of_failures_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", FAILURES))
    assert len(named) > 40
    for file, name in named:
        assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


def test_files_that_the_readme_links_to_exist() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
