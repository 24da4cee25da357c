"""What a journal tells is what happened: its figures are the fold of the events."""

from __future__ import annotations

import asyncio
import logging
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.events import AttemptEnded, AttemptStarted, Event, RequestEnded
from dagtui.core.model import Request, Response, Usage
from dagtui.core.plugin import Dimension
from dagtui.core.stats import Stats
from dagtui.core.store import State
from dagtui.io.journal import JournalReader
from dagtui.testing import FakeGateway
from tests.engine.harness import Asking, Run
from tests.io.journal.helpers import (
    NOW,
    abandoned,
    again,
    answered,
    asked,
    failed_attempt,
    failure,
    made,
    past_of,
    put,
    read,
    sent,
    session,
    success,
)

KINDS = (ErrorKind.SERVER, ErrorKind.RATE_LIMITED, ErrorKind.BAD_REQUEST, ErrorKind.TIMEOUT)
DAG = (Dimension("a"), Dimension("b", needs=("a",)), Dimension("c"))


class Erring(FakeGateway):
    """Some attempts fail, some answers fit nothing, some cost nothing that is known."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._draw = draw

    async def complete(self, request: Request, attempt: int) -> Response:
        draw = self._draw
        self.latency = draw.choice([0.05, 0.3, 1.0])
        self.usage = Usage(draw.randint(1, 5000), draw.randint(0, 900), draw.randint(0, 50), draw.randint(0, 50))
        self.answer = draw.choice(["ok", "ok", "ok", GatewayError(draw.choice(KINDS), "no", status=500)])
        return await super().complete(request, attempt)


class Raising(Asking):
    """Some prompts cannot be made."""

    def create_prompt(self, ctx: Any) -> str:
        if ctx.record["text"].endswith("7"):
            raise ValueError("a defect")
        return super().create_prompt(ctx)


def ran(draw: random.Random) -> tuple[Run, list[Event]]:
    plugin = draw.choice([Asking, Raising])(*draw.choice([(Dimension("a"),), DAG]))
    chosen: dict[str, Any] = {"concurrency": draw.choice([1, 5, 20]), "attempts": draw.choice([1, 3])}
    run = Run(draw.randint(1, 40), Erring(draw), plugin, draw.random, **chosen)

    async def steer() -> None:
        if draw.random() < 0.5:
            await asyncio.sleep(draw.uniform(0.1, 3))
            draw.choice([run.runner.course.drain, run.runner.course.cancel])("enough")

    run.finish(steer())
    return run, run.events


@pytest.mark.parametrize("seed", range(25))
async def test_the_figures_are_the_fold_of_the_events(tmp_path: Path, seed: int) -> None:
    logging.disable(logging.ERROR)
    draw = random.Random(seed)
    run, events = await asyncio.to_thread(ran, draw)
    logging.disable(logging.NOTSET)
    if draw.random() < 0.4:  # killed somewhere on the way
        cut = draw.randint(2, len(events))
        cut += isinstance(events[cut - 1], AttemptEnded)  # its outcome comes in the same turn of the loop
        events = events[:cut]
    facts = {"dimensions": list(run.runner.dag.names)}
    journal = made(tmp_path / "journal.db", facts=facts)
    rest = list(events)
    while rest:
        size = draw.randint(1, 60)
        await put(journal, rest[:size])
        rest = rest[size:]
    journal.close()

    stats = Stats(run.runner.dag.names, 1)
    for event in events:
        stats.fold(event)
    restored = Stats(run.runner.dag.names, 1)
    past = past_of(journal.path)
    restored.restore(past)
    was, is_now = (one.snapshot(events[-1].time) for one in (stats, restored))
    for name in ("usage", "attempts", "retries", "gateway_retries", "throttled", "categories"):
        assert getattr(is_now, name) == getattr(was, name), name
    assert (past.figures.spent or 0) == was.money.spent
    assert past.figures.wasted == was.money.wasted
    unsent = sum(
        isinstance(event, RequestEnded) and getattr(event.outcome, "attempts", 1) == 0 for event in events
    )
    assert (
        sum(n for _, n in was.errors) - unsent <= sum(n for _, n in is_now.errors) <= sum(n for _, n in was.errors)
    )
    ended = (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED)
    for seq, state in enumerate(stats.store.state):
        assert past.store.state[seq] == (state if state in ended else State.QUEUED)
        assert (seq in past.sent) == (state == State.IN_FLIGHT)


def test_what_a_killed_session_leaves_is_sorted(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    events: list[Event] = [*read(8), *sent(0, 1, 2, 3, 4), *answered(0, 1)]
    events += [failed_attempt(2, 1, NOW + 2, 30.0), RequestEnded(NOW + 2, 3, failure())]
    session(path, events, claimed=12, dies=True)
    past = past_of(path)
    assert past.records == 8
    assert past.sent == {4}
    assert (past.claimed, past.graceful, past.session) == (12, False, 1)
    assert past.retry_at == {2: NOW + 32}
    assert [past.store.state[seq] for seq in range(5)] == [
        State.SUCCEEDED, State.SUCCEEDED, State.QUEUED, State.FAILED, State.QUEUED,
    ]  # fmt: skip


def test_an_attempt_that_another_one_outran_is_not_in_flight_once_there_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(1), *sent(0), *sent(0, number=2), *answered(0)], claimed=1, dies=True)
    assert past_of(path).sent == frozenset()


def test_a_session_that_goes_on_knows_what_the_ones_before_it_left_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(
        path, [*read(4), *sent(0, 1, 2), *answered(0), RequestEnded(NOW, 1, failure()), abandoned(2)], claimed=4
    )
    past = past_of(path)
    assert (past.graceful, past.abandoned, past.sent) == (True, {2}, set())
    session(path, [*again(2, 0, 1, 2), *answered(1)], number=2, doubt=[2], claimed=4, dies=True)
    past = past_of(path)
    assert (past.graceful, past.abandoned, past.doubt) == (False, set(), {2})
    assert past.again == {0, 2}  # 1 was answered
    assert past.fingerprints[0] == 7


def test_the_last_moment_counts_a_quiet_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, read(1), dies=True)
    assert past_of(path).last >= NOW


def test_answers_are_the_last_outcomes_with_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    cost = Decimal("1.234567890123")
    session(path, [*read(2), *answered(0, outcome=success("old")), *answered(1)])
    session(path, [*again(2, 0), *answered(0, outcome=success("new", cost=str(cost)))], number=2)
    with JournalReader(path) as reader:
        answers = reader.answers([0, 1, 5])
    assert sorted(answers) == [0, 1]
    assert (answers[0].text, answers[0].cost, answers[1].text) == ("new", cost, "ok")


async def test_plain_sqlite_reads_the_results_while_the_run_goes_on(tmp_path: Path) -> None:
    journal = made(tmp_path / "journal.db")
    await put(journal, [*read(3), *answered(0, 1)])
    rows = asked(journal.path, "SELECT id, state, cost_usd, text FROM result ORDER BY idx")
    assert rows == [("r0", "ok", 0.00013, "ok"), ("r1", "ok", 0.00013, "ok")]
    with JournalReader(journal.path) as reader:
        assert reader.states() == {"ok": 2}
        assert reader.records() == 3
        await put(journal, answered(2))
        assert reader.states() == {"ok": 3}  # no look holds the file
    journal.close()


def test_an_attempt_is_counted_though_nothing_is_known_of_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(1), AttemptStarted(NOW, 0, 1)], claimed=1, dies=True)
    with JournalReader(path) as reader:
        figures = reader.figures()
    assert (figures.attempts, figures.spent) == (1, Decimal(0))


def test_more_than_nine_million_dollars_can_be_added_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, [*read(20), *answered(*range(20), outcome=success(cost="1000000.000000000001"))])
    with JournalReader(path) as reader:
        assert reader.figures().spent == Decimal("20000000.000000000020")


def test_events_that_tell_nothing_of_requests_are_kept_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    session(path, again(1, 3, 4, 5, 9))
    assert asked(path, "SELECT kind, body FROM event WHERE kind = 'resumed'") == [
        ("resumed", '{"session":1,"again":[[3,5],[9,9]]}')
    ]
    assert asked(path, "SELECT count(*) FROM event WHERE kind = 'phase'") == [(1,)]


def test_an_attempt_of_a_failed_request_counts_as_wasted(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    attempt = answered(0)[0]
    assert isinstance(attempt, AttemptEnded)
    session(path, [*read(1), attempt, RequestEnded(NOW, 0, failure("x", "yes"))])
    with JournalReader(path) as reader:
        assert reader.figures().spent == Decimal("0.000130")
