"""Going on with a run: what was edited makes exactly those answers stale that it concerns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagtui.core.contract_words import contract_plain, contract_rows
from dagtui.core.errors import BadInput, ErrorKind, GatewayError
from dagtui.core.model import ProviderChoice
from dagtui.core.plugin import Context, Dimension, Plugin
from tests.resumed_runs import Choices, Job, rows, task

ALL = ["r0 ask", "r1 ask", "r2 ask", "r3 ask"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Four records, one question; its prompt is a template."""
    return Job(tmp_path / "journal.db", rows("a", "b", "c", "d"))


def plain(job: Job, contract: Any) -> dict[str, Any]:
    """What `--json` says."""
    return contract_plain(contract, lambda seqs: [tuple(name.split()) for name in job.named(list(seqs))])  # type: ignore[misc]


def edit_schema(job: Job) -> None:
    job.plugin = task({"name": "ask", "prompt": "Say {text}", "output": {"mood": ["good", "bad"]}})


def edit_route(job: Job) -> None:
    job.route["custom_host"] = "http://elsewhere"


def edit_config(job: Job) -> None:
    job.route["config"] = '{"cache": {"mode": "simple"}}'


ASKED_OTHERWISE: dict[str, Callable[[Job], None]] = {
    "temperature none -> 0.7": lambda job: setattr(job, "plugin", task(temperature=0.7)),
    "model fake-model -> other": lambda job: setattr(job, "plugin", task(name="other")),
    "max_tokens 1024 -> 9": lambda job: setattr(job, "plugin", task(max_tokens=9)),
    "parameters top_p none -> 0.5": lambda job: setattr(job, "plugin", task(top_p=0.5)),
    "prompt Say {text} -> Tell {text}": lambda job: setattr(
        job, "plugin", task({"name": "ask", "prompt": "Tell {text}"})
    ),
    "system  -> Be brief.": lambda job: setattr(
        job, "plugin", task({"name": "ask", "prompt": "Say {text}", "system": "Be brief."})
    ),
    "schema has changed": edit_schema,
    "route custom_host  -> http://elsewhere": edit_route,
    "route config": edit_config,
}


@pytest.mark.parametrize("told", ASKED_OTHERWISE)
async def test_what_changes_the_question_makes_all_answers_stale_and_is_told(job: Job, told: str) -> None:
    await job.begin()
    ASKED_OTHERWISE[told](job)
    contract = await job.contract()
    assert job.named(contract.stale) == ALL
    assert (contract.reused, contract.ambiguous) == (0, 0)
    assert [one for one in contract.differences if told in one]
    said = plain(job, contract)
    assert [f"{one['record']} {one['dimension']}" for one in said["stale"]] == ALL
    assert said["differences"] == list(contract.differences)
    [row] = [row for row in contract_rows(contract, Choices()) if row[0] == "stale"]
    assert told in row[2]


@pytest.mark.parametrize(
    "changed", [{"concurrency": 50}, {"attempts": 9}, {"timeout": 30.0}, {"requests_per_minute": 100_000}]
)
async def test_what_changes_only_how_answers_are_come_by_makes_none_stale(
    job: Job, changed: dict[str, Any]
) -> None:
    await job.begin()
    job.settings |= changed
    contract = await job.contract()
    assert (contract.reused, contract.stale, contract.differences) == (4, (), ())
    await job.go_on()
    assert job.asked == []


async def test_a_prompt_edited_for_some_records_concerns_only_those(job: Job) -> None:
    class Shouting(Plugin):
        name = "p"
        dimensions = (Dimension("ask"),)
        loud: tuple[str, ...] = ()

        def create_prompt(self, ctx: Context) -> str:
            text = str(ctx.record["text"])
            return text.upper() if text in self.loud else text

        def select_provider(self, ctx: Context) -> ProviderChoice:
            return ProviderChoice("fake", "fake-model")

    job.plugin = plugin = Shouting()
    await job.begin()
    plugin.loud = ("b", "d")  # code that nobody can compare: the prompts are made once more
    contract = await job.contract()
    assert (job.named(contract.stale), contract.reused) == (["r1 ask", "r3 ask"], 2)
    [row] = [row for row in contract_rows(contract, Choices()) if row[0] == "stale"]
    assert "the prompts that the plugin makes have changed" in row[2]
    await job.go_on()
    assert job.asked == ["r1 ask", "r3 ask"]
    assert (await job.contract()).stale == ()


async def test_a_redo_that_was_stopped_is_gone_on_with_and_nothing_old_counts_as_new(job: Job) -> None:
    job.settings = {"concurrency": 1}
    await job.begin()
    job.plugin = task(temperature=0.7)
    await job.go_on(stop_after=1)
    redone = len(job.asked)
    assert 1 <= redone < 4
    contract = await job.contract()
    assert job.named(contract.stale) == ALL[redone:]
    assert contract.reused == redone
    assert any("temperature" in one for one in contract.differences)
    await job.go_on()
    assert job.asked == ALL[redone:]
    contract = await job.contract()
    assert (contract.reused, contract.stale) == (4, ())


async def test_an_edit_that_is_taken_back_asks_only_for_what_was_redone(job: Job) -> None:
    job.settings = {"concurrency": 1}
    await job.begin()
    job.plugin = task(temperature=0.7)
    await job.go_on(stop_after=1)
    redone = job.asked
    job.plugin = task()
    assert job.named((await job.contract()).stale) == redone


async def test_stale_answers_can_be_kept_and_are_named_again_the_next_time(job: Job) -> None:
    await job.begin()
    before = job.answers()
    job.plugin = task(temperature=0.7)
    result = await job.go_on(Choices(stale="keep"))
    assert (job.asked, result.outcome, job.answers()) == ([], "complete", before)
    assert job.named((await job.contract()).stale) == ALL


def refuse(*texts: str) -> Callable[[Any, int], Any]:
    """An answer function that fails for these records."""

    def answer(request: Any, attempt: int) -> Any:
        if any(request.prompt.user.endswith(text) for text in texts):
            return GatewayError(ErrorKind.BAD_REQUEST, "no", status=400)
        return "ok"

    return answer


async def test_what_failed_is_asked_again_or_left_as_it_is(job: Job) -> None:
    job.answer = refuse("b", "d")
    await job.begin()
    contract = await job.contract()
    assert (job.named(contract.failed), contract.reused) == (["r1 ask", "r3 ask"], 2)
    result = await job.go_on(Choices(failed="keep"))
    assert (job.asked, result.outcome, result.snapshot.counts.failed) == ([], "partial", 2)
    job.answer = refuse()
    result = await job.go_on()
    assert (job.asked, result.outcome) == (["r1 ask", "r3 ask"], "complete")


# --- several questions that build on each other ---

FIRST = {"name": "first", "prompt": "Say {text}"}
SECOND = {"name": "second", "needs": ["first"], "prompt": "Say more of {first}"}
OTHER = {"name": "other", "prompt": "Say else {text}"}


@pytest.fixture
def chain(tmp_path: Path) -> Job:
    job = Job(tmp_path / "journal.db", rows("a", "b"), task(FIRST, SECOND, OTHER))
    job.answer = lambda request, attempt: "the same" if request.dimension == "first" else "more"
    return job


async def test_a_need_that_comes_out_the_same_spares_what_builds_on_it(chain: Job) -> None:
    await chain.begin()
    chain.plugin = task({**FIRST, "prompt": "Please say {text}"}, SECOND, OTHER)
    contract = await chain.contract()
    assert chain.named(contract.stale) == ["r0 first", "r1 first"]
    result = await chain.go_on()
    assert sorted(chain.asked) == ["r0 first", "r1 first"]
    assert result.outcome == "complete"
    assert result.snapshot.counts.succeeded == 6


async def test_a_need_that_comes_out_otherwise_asks_again_for_what_builds_on_it(chain: Job) -> None:
    await chain.begin()
    chain.plugin = task({**FIRST, "prompt": "Please say {text}"}, SECOND, OTHER)
    chain.answer = lambda request, attempt: f"another {request.prompt.user[-1]}"
    await chain.go_on()
    assert sorted(chain.asked) == ["r0 first", "r0 second", "r1 first", "r1 second"]


async def test_what_builds_on_a_need_redone_just_before_a_stop_is_looked_at_again(chain: Job) -> None:
    chain.settings = {"concurrency": 1}
    await chain.begin()
    chain.plugin = task({**FIRST, "prompt": "Please say {text}"}, SECOND, OTHER)
    chain.answer = lambda request, attempt: f"another {request.prompt.user[-1]}"
    await chain.go_on(stop_after=1)
    assert chain.asked[0] == "r0 first"
    assert "r0 second" not in chain.asked
    await chain.go_on()
    assert "r0 second" in chain.asked
    contract = await chain.contract()
    assert (contract.reused, contract.stale) == (6, ())


async def test_when_a_need_fails_again_what_builds_on_it_has_no_answer_any_more(chain: Job) -> None:
    await chain.begin()
    chain.plugin = task({**FIRST, "prompt": "Please say {text}"}, SECOND, OTHER)
    chain.answer = refuse("a")
    await chain.go_on()
    contract = await chain.contract()
    assert chain.named(contract.failed) == ["r0 first"]
    assert chain.named(contract.unsent) == ["r0 second"]


async def test_another_set_of_questions_is_another_run(chain: Job) -> None:
    await chain.begin()
    chain.plugin = task(FIRST, OTHER)
    with pytest.raises(BadInput, match="this run asked first, second, other, and the task asks first, other now"):
        await chain.contract()


# --- an input that was edited ---


async def test_an_edited_row_is_asked_again_and_the_others_are_not(job: Job) -> None:
    await job.begin()
    job.records, job.input_changes = rows("a", "B", "c", "d"), "its content has changed"
    contract = await job.contract()
    assert job.named(contract.stale) == ["r1 ask"]
    assert contract.differences[0] == "the input: its content has changed"
    await job.go_on()
    assert job.asked == ["r1 ask"]
    assert (await job.contract()).stale == ()


async def test_appended_rows_are_new(job: Job) -> None:
    await job.begin()
    job.records, job.input_changes = rows("a", "b", "c", "d", "e", "f"), "it had 4 and has 6"
    contract = await job.contract()
    assert (contract.stale, contract.reused, contract.new) == ((), 4, 2)
    result = await job.go_on()
    assert (sorted(job.asked), result.outcome) == (["r4 ask", "r5 ask"], "complete")


async def test_after_an_inserted_row_answers_stand_where_the_question_is_the_same(job: Job) -> None:
    await job.begin()
    ids = ["r0", "new", "r1", "r2", "r3"]
    job.records, job.input_changes = rows("a", "x", "b", "c", "d", ids=ids), "its content has changed"
    await job.go_on()
    assert sorted(job.asked) == ["new ask", "r1 ask", "r2 ask", "r3 ask"]
    assert list(job.answers()) == ["r0 ask", "new ask", "r1 ask", "r2 ask", "r3 ask"]
    contract = await job.contract()
    assert (contract.stale, contract.reused) == ((), 5)  # and once more nothing is to be done


async def test_a_row_that_has_only_another_id_keeps_its_answer(job: Job) -> None:
    await job.begin()
    job.records = rows("a", "b", "c", "d", ids=["r0", "other", "r2", "r3"])
    job.input_changes = "its content has changed"
    result = await job.go_on()
    assert (job.asked, result.outcome) == ([], "complete")
    assert list(job.answers()) == ["r0 ask", "other ask", "r2 ask", "r3 ask"]


async def test_of_rows_that_are_gone_nothing_is_asked(job: Job) -> None:
    await job.begin()
    job.records, job.input_changes = rows("a", "b"), "its content has changed"
    await job.go_on()
    assert job.asked == []


# --- what may have been billed ---


async def test_what_a_killed_session_opened_again_is_listed_though_it_has_an_old_outcome(job: Job) -> None:
    job.answer = refuse("b", "c", "d")
    await job.begin()
    await job.go_on(stop_after=1, dies=True)
    # As a crash within 50 ms leaves it: sent, and nothing of it on disk. The claim is all that is known.
    forget(job, session=2)
    contract = await job.contract()
    assert job.named(contract.perhaps) == ["r1 ask", "r2 ask", "r3 ask"]
    assert contract.failed == ()


async def test_a_stale_answer_whose_redo_may_have_been_billed_is_listed_and_kept_if_it_is_left_out(
    job: Job,
) -> None:
    await job.begin()
    before = job.answers()
    job.plugin = task(temperature=0.7)
    await job.go_on(stop_after=1, dies=True)
    forget(job, session=2)
    contract = await job.contract()
    assert (job.named(contract.perhaps), contract.stale) == (ALL, ())
    await job.go_on(Choices(ambiguous="skip"))
    assert (job.asked, job.answers()) == ([], before)


async def test_what_may_have_been_billed_is_listed_until_it_is_answered(job: Job) -> None:
    job.settings = {"concurrency": 1}
    await job.begin(stop_after=1, dies=True)
    forget(job, session=1)
    listed = job.named((contract := await job.contract()).perhaps)
    assert len(listed) + contract.unread == 4
    await job.go_on(Choices(ambiguous="skip"))
    assert job.asked == []
    contract = await job.contract()
    assert job.named(contract.perhaps) == ALL  # left out is not answered
    await job.go_on(Choices(ambiguous="retry"))
    assert sorted(job.asked) == ALL
    assert (await job.contract()).ambiguous == 0


def forget(job: Job, session: int) -> None:
    """Take what `session` did out of the journal, but for its claim and what it opened."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(job.path)) as db:
        for table in ("sent", "attempt", "outcome"):
            db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
        if session == 1:
            db.execute("DELETE FROM answer")
            db.execute("DELETE FROM record WHERE idx > 1")
        db.commit()


async def test_a_stop_takes_no_answer_away_that_there_was(job: Job) -> None:
    job.settings = {"concurrency": 1}
    await job.begin()
    before = job.answers()
    job.plugin = task(temperature=0.7)
    await job.go_on(stop_after=1)
    assert job.answers() == before | {"r0 ask": job.answers()["r0 ask"]}
    job.plugin = task()
    await job.go_on()
    assert job.asked == ["r0 ask"]
