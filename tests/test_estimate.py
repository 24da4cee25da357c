"""An estimate for a plan: the input is read, prompts are built, and nothing leaves the machine."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dagtui.core.errors import BadInput, ConfigError
from dagtui.core.model import ProviderChoice
from dagtui.core.pacing.departure import Kind
from dagtui.core.pacing.learnt import Bucket, Learnt
from dagtui.core.plan import Plan
from dagtui.core.plugin import Context, Dimension, Plugin
from dagtui.core.run_settings import RunSettings
from dagtui.core.settings import PriceOverride
from dagtui.core.span import Span
from dagtui.core.token_guess import Experience
from dagtui.estimate import Estimated, estimate_plan, run_estimate
from dagtui.io.limits_file import write_limits
from dagtui.plan import sample_folder
from dagtui.sizing import Sizer

EMAILS = str(sample_folder() / "emails.csv")
README = (Path(__file__).parent.parent / "README.md").read_text()
TICKETS = str(sample_folder() / "tickets.jsonl")


@contextmanager
def sealed() -> Iterator[None]:
    """While it lasts, nothing may open a socket, look up a name or start a process."""

    def refused(*args: object, **kwargs: object) -> Any:
        raise AssertionError("an estimate reached for the network, or for another process")

    reached = (
        (socket, "socket"),
        (socket, "getaddrinfo"),
        (socket, "create_connection"),
        (subprocess, "Popen"),
        (asyncio, "create_subprocess_exec"),
    )
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in reached:
            patch.setattr(owner, name, refused)
        yield


def write(folder: Path, *rows: dict[str, Any], more: str = "") -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + more)
    return str(path)


def width(span: Span) -> float:
    return span.high - span.low


async def of(plan: Plan, **options: Any) -> Estimated:
    with sealed():
        return await estimate_plan(plan, options.pop("environ", {}), **options)


async def test_the_sample_emails_need_no_key_and_no_network() -> None:
    found = await of(Plan(path=EMAILS, gateway="portkey"))
    assert (found.figures.records, found.figures.requests, found.figures.sampled) == (100, 100, 100)
    assert found.figures.dollars is not None
    assert any("No rate limit is known" in note for note in found.notes)


async def test_a_long_file_is_sampled_and_all_of_it_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, *({"content": "x" * 400} for _ in range(3_000)))
    found = await of(Plan(path=path))
    assert found.figures.records == found.figures.requests == 3_000
    assert 500 <= found.figures.sampled <= 1_000
    few = await of(Plan(path=write(tmp_path, *({"content": "x" * 400} for _ in range(30)))))
    assert found.figures.input.likely == pytest.approx(100 * few.figures.input.likely)


async def test_bad_rows_are_counted_or_refused_as_a_run_does(tmp_path: Path) -> None:
    path = write(tmp_path, {"content": "x"}, {"content": "y"}, more="not json\n")
    with pytest.raises(BadInput, match=r"rows.jsonl:3.*--bad-rows skip"):
        await of(Plan(path=path))
    found = await of(Plan(path=path, settings=RunSettings(bad_rows="skip")))
    assert (found.figures.records, found.bad_rows) == (2, 1)


async def test_missing_fields_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='did you mean "contents"'):
        await of(Plan(path=write(tmp_path, {"contents": "x"})))


async def test_standard_input_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b'{"content": "a"}\n' * 40)

    monkeypatch.setattr(sys, "stdin", Stdin)
    found = await of(Plan(path="-", format="jsonl"))
    assert found.figures.records == found.figures.sampled == 40


async def test_records_that_cannot_be_asked_are_told(tmp_path: Path) -> None:
    found = await of(Plan(path=write(tmp_path, {"content": "x" * 100}, {"content": None})))
    whole = await of(Plan(path=write(tmp_path, {"content": "x" * 100})))
    assert found.figures.input.likely == pytest.approx(whole.figures.input.likely)
    assert any("1 of the 2 records looked at" in note and '"content"' in note for note in found.notes)


async def test_answers_that_are_read_by_others_are_made_up_and_that_is_told() -> None:
    found = await of(Plan(path=TICKETS, task="tickets"))
    assert [share.dimension for share in found.figures.shares] == ["triage", "reply"]
    assert (found.figures.records, found.figures.requests) == (60, 120)
    assert any("made-up answers" in note for note in found.notes)


async def test_an_unknown_price_says_what_to_do_and_a_known_one_counts() -> None:
    plan = Plan(path=EMAILS, model="my-model")
    found = await of(plan)
    assert found.figures.dollars is None
    assert any('[prices."my-model"]' in note for note in found.notes)
    priced = await of(replace(plan, prices={"my-model": PriceOverride(input=Decimal(1), output=Decimal(0))}))
    assert priced.figures.dollars is not None
    assert float(priced.figures.dollars.likely) == pytest.approx(priced.figures.input.likely / 1e6)


async def test_experience_goes_before_guesses() -> None:
    known = {"analyze_email": Experience(100, 0.25, 33.08, 40.0, 2.0)}
    guessed, found = await of(Plan(path=EMAILS)), await of(Plan(path=EMAILS), experience=known)
    assert found.figures.output.likely == pytest.approx(3_308)
    assert found.figures.output.high < guessed.figures.output.high / 3
    assert (
        found.figures.input.high - found.figures.input.low < guessed.figures.input.high - guessed.figures.input.low
    )
    assert found.figures.seconds.likely == pytest.approx(21.0)  # a hundred at ten at once, two seconds each
    assert any("earlier runs" in note for note in found.notes)


async def test_what_is_left_is_what_it_is_for() -> None:
    whole, rest = await of(Plan(path=EMAILS)), await of(Plan(path=EMAILS), left=10)
    assert (rest.figures.requests, rest.figures.left) == (100, 10)
    assert rest.figures.input.likely == pytest.approx(whole.figures.input.likely / 10)


# --- how fast ---


async def bound(plan: Plan) -> tuple[str, str] | None:
    limit = (await of(plan)).figures.binding.limit
    return None if limit is None else (limit.resource, limit.origin)


async def test_it_says_what_the_time_depends_on() -> None:
    plan = Plan(path=EMAILS, gateway="local")
    assert await bound(plan) is None
    assert await bound(replace(plan, settings=RunSettings(limits={"requests": 10}))) == ("requests", "told")
    assert await bound(replace(plan, settings=RunSettings(limits={"input": 900}))) == ("input", "told")
    assert await bound(replace(plan, settings=RunSettings(requests_per_minute=5))) == ("requests", "own")


async def test_limits_of_an_earlier_run_count_unless_they_are_to_be_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagtui.memory.user_state_path", lambda *args, **kwargs: tmp_path)  # type: ignore[misc]
    lane = "anthropic/claude-3-5-haiku-20241022"
    learnt = {lane: Learnt({Kind.REQUESTS: Bucket(0.1, 5.0), Kind.ACTUAL_OUTPUT: Bucket(100.0)})}
    environ = {"ANTHROPIC_API_KEY": "sk-ant-0123456789abcdef0123"}
    write_limits(tmp_path / "limits.json", "http://localhost:8787/v1", learnt)
    plan = Plan(path=EMAILS, gateway="local")
    found = (await of(plan, environ=environ)).figures
    assert found.binding.limit is not None
    assert (found.binding.limit.resource, found.binding.limit.origin) == ("requests", "remembered")
    assert found.seconds.likely > 900
    told = replace(plan, settings=RunSettings(limits={"requests": 60}))
    assert (await of(told, environ=environ)).figures.seconds.likely < 120
    assert (await of(replace(plan, remember=False), environ=environ)).figures.binding.limit is None


async def test_the_demo_goes_by_the_knobs_of_the_simulator() -> None:
    plan = Plan(path=EMAILS, knobs={"requests_per_minute": 50})
    found = await of(plan)
    assert found.figures.seconds.likely == pytest.approx(60, abs=1)  # fifty at once, fifty in a minute
    with pytest.raises(ConfigError, match='did you mean "rate_429"'):
        await of(replace(plan, knobs={"rate_4299": 1}))


async def test_automatic_concurrency_has_a_wide_span() -> None:
    settings = RunSettings(automatic=True, concurrency=20)
    fixed = (await of(Plan(path=EMAILS))).figures.seconds
    free = (await of(Plan(path=EMAILS, settings=settings))).figures.seconds
    assert free.low < free.likely < fixed.likely


# --- what it says ---


async def test_it_is_said_in_lines_or_as_json() -> None:
    said: list[str] = []
    plan = Plan(path=EMAILS)
    with sealed():
        assert await run_estimate(plan, said.append) == 0
        assert await run_estimate(plan, said.append, as_json=True) == 0
    assert all(words in said[0] for words in ("emails.csv", "Tokens in", "Cost", "$", "Time", "10 at once"))
    assert max(map(len, said[0].splitlines())) <= 80
    plain = json.loads(said[1])
    assert (plain["file"], plain["records"], plain["bound_by"]) == ("emails.csv", 100, "concurrency")


async def test_the_readme_shows_what_it_says() -> None:
    said: list[str] = []
    await run_estimate(Plan(path=EMAILS), said.append)
    block = next(block for block in README.split("```\n") if block.startswith("Tokens in"))
    assert [line for line in block.splitlines() if line not in said[0].splitlines()] == []


@pytest.mark.parametrize(("budget", "code", "words"), [("0.01", 6, "not enough"), ("100", 0, "even at the most")])
async def test_a_budget_is_held_against_it(
    monkeypatch: pytest.MonkeyPatch, budget: str, code: int, words: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr("dagtui.estimate._budget", lambda plan: Decimal(budget))  # type: ignore[misc]
    assert await run_estimate(Plan(path=EMAILS), said.append) == code
    assert words in said[0]
    with pytest.raises(ConfigError, match="The price of my-model is unknown"):
        await run_estimate(Plan(path=EMAILS, model="my-model"), said.append)


# --- plugins of the user's own ---


class Score(BaseModel):
    score: int


class Chain(Plugin):
    name = "chain"
    dimensions = (Dimension("second", needs=("first",)), Dimension("first", output=Score))

    def __init__(self, fails: type[Exception] | None = None) -> None:
        self.fails = fails

    async def create_prompt(self, ctx: Context) -> str:
        if ctx.dimension.name == "first":
            return "Score this."
        answer = ctx.answers["first"]
        assert isinstance(answer, Score)
        if self.fails:
            raise self.fails("no")
        return "Why " + "x" * answer.score

    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("anthropic", model="m", max_tokens=100)


async def test_a_plugin_that_has_to_be_waited_for_is_waited_for() -> None:
    sizer = Sizer(Chain(), {}, None)
    built = await sizer.sizes(0, {})
    assert sizer.depth == 2
    assert all(one is not None for one in built)


async def test_a_question_that_cannot_read_made_up_answers_cannot_be_estimated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dagtui.estimate.plugin_of", lambda plan: Chain(ValueError))  # type: ignore[misc]
    with pytest.raises(ConfigError, match=r'"second" cannot be built without .*ValueError: no'):
        await of(Plan(path=EMAILS))
    sizer = Sizer(Chain(BadInput), {}, None)
    assert [one is None for one in await sizer.sizes(0, {})] == [True, False]
    assert not sizer.unsized
