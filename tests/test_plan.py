from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dagtui.core.errors import ConfigError
from dagtui.core.events import RequestEnded
from dagtui.core.settings import RunSettings
from dagtui.plan import (
    Plan,
    chosen_models,
    default_plan_gateway,
    gateway_choices,
    gateway_problem,
    look_at,
    open_session,
    problems,
    sample_folder,
    task_choices,
    task_fields,
)

EMAILS = str(sample_folder() / "emails.csv")


async def test_a_look_at_a_file_tells_its_format_columns_count_and_first_records() -> None:
    view = await look_at(EMAILS)
    assert (view.format, view.records, view.problem) == ("csv", 100, "")
    assert view.columns == ("id", "from", "subject", "content")
    assert len(view.first) == 20


async def test_a_look_at_what_is_no_file_is_a_sentence_and_no_error(tmp_path: Path) -> None:
    assert "no such file" in (await look_at(str(tmp_path / "x.csv"))).problem


async def test_a_good_plan_has_no_problems_and_a_bad_one_names_the_field(tmp_path: Path) -> None:
    view = await look_at(EMAILS)
    plan = Plan(path=EMAILS)
    assert problems(plan, view, {}) == {}
    assert "PORTKEY_API_KEY" in problems(replace(plan, gateway="portkey"), view, {})["gateway"]
    assert "email" in problems(replace(plan, task="emial"), view, {})["task"]
    reviews = await look_at(str(sample_folder() / "reviews.txt"))
    assert "content" in problems(plan, reviews, {})["task"]


async def test_rows_that_cannot_be_read_keep_a_plan_from_starting_unless_they_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"content": "x"}\nbroken\n')
    plan, view = Plan(path=str(path)), await look_at(str(path))
    assert "1 row cannot be read: a.jsonl:2:1: not JSON" in problems(plan, view, {})["file"]
    assert problems(replace(plan, settings=RunSettings(bad_rows="skip")), view, {}) == {}


def test_gateways_say_whether_they_could_be_used() -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-ant-0123456789abcdef"}
    problem = {choice.name: gateway_problem(choice.name, environ) for choice in gateway_choices()}
    assert (problem["demo"], problem["local"]) == ("", "")
    assert "PORTKEY_API_KEY is not set" in problem["portkey"]


def test_a_key_of_portkey_makes_it_the_gateway_of_who_names_none() -> None:
    assert [default_plan_gateway(environ) for environ in ({}, {"PORTKEY_API_KEY": " "})] == ["demo", "demo"]
    assert default_plan_gateway({"PORTKEY_API_KEY": "x"}) == "portkey"


def test_the_built_in_tasks_are_listed_with_the_models_that_they_ask() -> None:
    tasks = {choice.name: choice for choice in task_choices()}
    assert set(tasks) == {"email", "tickets", "reviews"}
    for name, task in tasks.items():
        assert task.model == ", ".join(sorted({choice.model for choice in chosen_models(Plan(task=name))}))
        assert "haiku" in task.model
    assert task_fields(Plan(task="email")) == ("content",)


def test_the_command_line_may_choose_another_model_than_the_task() -> None:
    chosen = chosen_models(Plan(path=EMAILS, task="tickets", model="gpt-4o-mini", provider="openai"))
    assert {(choice.provider, choice.model) for choice in chosen} == {("openai", "gpt-4o-mini")}


@pytest.mark.parametrize("name", ["out.xlsx", "out"])
async def test_a_results_file_of_no_known_format_is_refused_before_anything_is_sent(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=r"\.csv, \.tsv or \.jsonl"):
        await open_session(Plan(path=EMAILS, output=tmp_path / name), {})


async def test_a_demo_session_runs_against_its_own_simulator_and_agrees_with_its_ledger(tmp_path: Path) -> None:
    plan = Plan(
        path=EMAILS,
        output=tmp_path / "out.jsonl",
        settings=RunSettings(concurrency=50),
        knobs={"latency_median_s": 0.01, "rate_429": 0.1, "retry_after_s": 0, "bad_output_rate": 0.05},
    )
    session = await open_session(plan, {})
    ended = [event async for event in session.events() if isinstance(event, RequestEnded)]
    result = await session.run()
    assert len(ended) == 100
    assert result.outcome == "complete"
    assert result.audit is not None
    assert "says the same" in result.audit.books
    assert await_export(tmp_path) == 100


def await_export(folder: Path) -> int:
    return len((folder / "out.jsonl").read_text().splitlines())


async def test_results_can_be_exported_as_another_format(tmp_path: Path) -> None:
    knobs = {"latency_median_s": 0.01}
    plan = Plan(path=EMAILS, output=tmp_path / "out.jsonl", settings=RunSettings(concurrency=50), knobs=knobs)
    session = await open_session(plan, {})
    await session.run()
    assert await session.export(tmp_path / "out.csv") == 100
    assert (tmp_path / "out.csv").read_text().startswith("id,from,subject,content,category,")
