"""All about one request: held against the events of its run, and against what was really sent."""

from __future__ import annotations

import asyncio
import csv
import json
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, AttemptStarted, Event, RequestEnded
from dagtui.core.inspection import Inspection, glimpse
from dagtui.core.model import Attempt, Failure, Success
from dagtui.core.plan import Plan
from dagtui.core.run_settings import RunSettings
from dagtui.core.store import State
from dagtui.elsewhere.attached import Attached
from dagtui.io.journal import JournalReader
from dagtui.io.journal.request_reader import RequestReader
from dagtui.past.inspecting import LOGS_LINK, Inspector
from dagtui.past.replay import Replay
from dagtui.plan import open_session, sample_folder
from dagtui.session import Session
from dagtui.testing import FakeGateway, records
from tests.engine.harness import PRICES, Asking
from tests.journaled import in_virtual_time, journaled
from tests.resumed_runs import Job, rows, task


async def looked(path: Path, seqs: Sequence[int] | None = None) -> list[Inspection]:
    with JournalReader(path) as reader:
        store = reader.past().store
    inspector = Inspector(path, {})
    return [await inspector.look(glimpse(store, seq, 2e9)) for seq in seqs or range(len(store))]


def of(events: Sequence[Event], kind: type) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for event in events:
        if isinstance(event, kind):
            found[event.seq].append(event)
    return found


def same(told: Attempt | None, was: Attempt) -> bool:
    """Limits are kept once a commit."""
    return told is not None and replace(told, limits=None) == replace(was, limits=None)


async def test_every_attempt_and_every_outcome_is_what_the_events_were(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    events, _ = await asyncio.to_thread(in_virtual_time, journaled(path, count=60))
    ended, outcomes = of(events, AttemptEnded), of(events, RequestEnded)
    retried = 0
    for found in await looked(path):
        attempts = [event.attempt for event in ended[found.seq]]
        assert len(found.exchanges) == len(attempts), found
        assert all(same(one.told, was) for one, was in zip(found.exchanges, attempts, strict=True))
        retried += len(attempts) > 1
        outcome = outcomes[found.seq][-1].outcome
        verdict = found.verdict
        assert verdict is not None
        if isinstance(outcome, Success):
            assert (verdict.state, verdict.text, verdict.usage) == ("ok", outcome.text, outcome.usage)
            assert (verdict.latency, verdict.cost) == (outcome.latency, outcome.cost)
        elif isinstance(outcome, Failure):
            assert (verdict.error, verdict.reason) == (outcome.error.kind, outcome.error.message)
        if found.exchanges:
            assert found.exchanges[-1].trace_id.endswith(f"/{found.seq}/{found.exchanges[-1].number}")
    assert retried > 5
    assert any(found.limits is not None for found in await looked(path))


async def test_the_sessions_of_a_run_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def stop(session: Session) -> None:
        await asyncio.sleep(0.8)
        session.cancel()

    first, _ = await asyncio.to_thread(in_virtual_time, journaled(path, stop, count=40))
    second, _ = await asyncio.to_thread(in_virtual_time, journaled(path, count=40, seed=2, again=True))
    sent = {1: of(first, AttemptStarted), 2: of(second, AttemptStarted)}
    twice = 0
    for found in await looked(path):
        for session, started in sent.items():
            told = [(one.number, one.sent_at) for one in found.exchanges if one.session == session]
            assert told == [(event.number, event.time) for event in started[found.seq]], found
        twice += {one.session for one in found.exchanges} == {1, 2}
        for one in found.exchanges:
            run = "20261122-191500-4f2a" if one.session == 1 else "20261122-191500-4f2a.2"
            assert one.trace_id == f"{run}/{found.seq}/{one.number}"
            assert one.lost == (one.told is None)
    assert twice


async def test_a_replay_knows_nothing_of_what_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    events, _ = await asyncio.to_thread(in_virtual_time, journaled(path, count=40))
    replay = Replay(path)
    begin = events[0].time
    for share in (0.1, 0.35, 0.6, 0.9):
        replay.seek(share * replay.length)
        replay.settle()
        now = begin + replay.position
        for seq in range(0, len(replay.store), 3):
            found = await replay.inspect(seq)
            started = [e.time for e in of(events, AttemptStarted)[seq] if e.time <= now]
            ended = [e.time for e in of(events, AttemptEnded)[seq] if e.time <= now]
            assert len(found.exchanges) == len(started), (share, seq)
            assert sum(one.told is not None for one in found.exchanges) == len(ended)
            over = [e for e in of(events, RequestEnded)[seq] if e.time <= now]
            assert (found.verdict is not None) == bool(over) == found.settled
    await replay.aclose()


@asynccontextmanager
async def demo(folder: Path, knobs: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[Session]:
    given = {"path": str(sample_folder() / "emails.csv"), "knobs": {"latency_median_s": 0.05, **(knobs or {})}}
    plan = Plan(**{**given, **more}, journal=folder / "j.db", remember=False, settings=RunSettings(concurrency=20))
    session = await open_session(plan, {"ANTHROPIC_API_KEY": "sk-ant-not-to-be-seen-0123456789"})
    try:
        yield session
    finally:
        await session.aclose()


async def test_a_live_request_is_told_while_it_goes_on_and_its_prompt_is_what_was_sent(tmp_path: Path) -> None:
    async with demo(tmp_path, {"latency_median_s": 0.3, "rate_429": 0.3, "retry_after_s": 0.2}) as session:
        session.start()
        while State.IN_FLIGHT not in session.store.state:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        seq = session.store.state.index(State.IN_FLIGHT)
        found = await session.inspect(seq)
        assert found.exchanges
        if found.state == State.IN_FLIGHT:
            assert found.exchanges[-1].told is None
            assert not found.exchanges[-1].lost
        await session.wait()
        found, asked = await session.inspect(seq), await session.asked(seq)
        assert found.verdict is not None
        assert found.verdict.fingerprint == asked.fingerprint != 0
        assert found.verdict.values == json.loads(found.verdict.text or "")
        with open(sample_folder() / "emails.csv", newline="") as file:  # noqa: ASYNC230
            row = list(csv.DictReader(file))[seq]
        assert asked.fields == row
        assert asked.prompt is not None
        assert row["content"] in asked.prompt.user
        assert asked.parameters == {"model": "claude-3-5-haiku-20241022", "max_tokens": 150, "temperature": 0.1}


async def test_the_command_gets_an_answer_from_the_gateway_and_holds_no_key(tmp_path: Path) -> None:
    async with demo(tmp_path, gateway="demo") as session:
        session.start()
        await session.wait()
        asked = await session.asked(7)
        assert "not-to-be-seen" not in repr(asked)
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", asked.curl], capture_output=True, check=True, timeout=20
        )
        told = json.loads(done.stdout)
        assert told["type"] == "message"
        found = (await session.inspect(7)).verdict
        assert found is not None
        # The simulator answers the same prompt alike.
        assert json.loads(told["content"][0]["text"])["category"] == found.category


@pytest.mark.parametrize(
    ("gateway", "names"),
    [("portkey", {"PORTKEY_API_KEY"}), ("local", {"ANTHROPIC_API_KEY"}), ("http://127.0.0.1:9/v1", {"X"})],
)
async def test_keys_are_names_in_the_command_of_every_gateway(
    tmp_path: Path, gateway: str, names: set[str]
) -> None:
    async with demo(tmp_path) as session:
        session.start()
        await session.wait()
    path = tmp_path / "j.db"
    from dagtui.past.asked_again import AskedAgain

    secrets = {"PORTKEY_API_KEY": "pk-secret-0123456789", "ANTHROPIC_API_KEY": "sk-ant-secret-0123456789"}
    again = AskedAgain(path, secrets, None, None)
    was = again._was(3)
    object.__setattr__(was, "plan", replace(was.plan, gateway=gateway))
    again._was = lambda seq: was  # type: ignore[method-assign]
    asked = await again.asked(3)
    assert not asked.trouble
    assert "secret" not in repr(asked)
    for name in names - {"X"}:
        assert f"${{{name}}}" in asked.curl
    again.close()


async def test_a_record_named_like_a_key_does_not_send_it(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    ids = ["$ANTHROPIC_API_KEY", "stand-in.ANTHROPIC_API_KEY", "'; touch x; '", "\x1b[2J\u202e"]
    file.write_text("".join(json.dumps({"id": name, "content": name}) + "\n" for name in ids))
    async with demo(tmp_path, path=str(file)) as session:
        session.start()
        await session.wait()
        for seq, name in enumerate(ids):
            asked = await session.asked(seq)
            assert asked.fields is not None, asked
            assert asked.fields["id"] == name
            assert "${ANTHROPIC_API_KEY}" not in asked.curl
            run = ["sh", "-c", asked.curl]
            done = await asyncio.to_thread(
                subprocess.run, run, capture_output=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, timeout=20
            )
            assert json.loads(done.stdout)["type"] == "message"
    assert not (tmp_path / "x").exists()


async def test_what_cannot_be_read_again_is_told_and_the_rest_is_there(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("id,content\n" + "".join(f"m{n},text {n}\n" for n in range(20)))
    async with demo(tmp_path, path=str(file)) as session:
        session.start()
        await session.wait()
    file.write_text("id,content\nother,words\n")
    replay = Replay(tmp_path / "j.db")
    replay.seek(replay.length)
    replay.settle()
    asked = await replay.asked(3)
    assert asked.trouble == (
        "The prompt cannot be made again: in.csv is not what this run read: it had 231 B and has 23 B."
    )
    found = await replay.inspect(3)
    assert found.verdict is not None
    assert found.exchanges
    file.unlink()
    assert "cannot be read" in (await replay.asked(4)).trouble
    await replay.aclose()


async def test_the_records_of_a_scenario_are_made_again(tmp_path: Path) -> None:
    async with demo(tmp_path, knobs={}, scenario="tight") as session:
        session.start()
        while session.snapshot().counts.succeeded < 130:  # noqa: ASYNC110 - more than there are samples
            await asyncio.sleep(0.02)
        seq = next(seq for seq in range(101, 200) if session.store.state[seq] == State.SUCCEEDED)
        found, asked = await session.inspect(seq), await session.asked(seq)
        assert found.verdict is not None
        assert found.verdict.fingerprint == asked.fingerprint
        session.cancel()
        await session.wait()


async def test_a_prompt_that_builds_on_an_answer_is_made_again_with_it(tmp_path: Path) -> None:
    plugin = task(
        {"name": "first", "prompt": "One {text}"},
        {"name": "second", "prompt": "Two {text} {first}", "needs": ["first"]},
    )
    job = Job(tmp_path / "j.db", rows("a", "b", "c"), plugin)
    job.answer = lambda request, attempt: f"<{request.prompt.user}>"
    await job.begin()
    from dagtui.io.nth_record import NthRecord
    from dagtui.past.asked_again import AskedAgain

    again = AskedAgain(job.path, {}, plugin, "http://127.0.0.1:9")
    again._records = _Given(job.records)  # type: ignore[assignment]
    asked = await again.asked(3)
    assert asked.prompt is not None, asked
    assert asked.prompt.user == "Two b <One b>"
    with RequestReader(job.path) as reader:
        assert reader.answers([3])[3].fingerprint == asked.fingerprint
    assert NthRecord  # what stands in for it here


class _Given:
    def __init__(self, given: Sequence[Any]) -> None:
        self._given = given

    def find(self, index: int) -> Any:
        return self._given[index]


async def test_without_a_journal_the_memory_is_asked() -> None:
    def answer(request: Any, attempt: int) -> Any:
        from dagtui.core.errors import GatewayError

        return GatewayError(ErrorKind.SERVER, "broken", status=500) if attempt == 1 else "ok"

    session = Session(
        plugin=Asking(), records=records(["a", "b"]), gateway=FakeGateway(answer), prices=PRICES,
        settings=RunSettings(concurrency=2),
    )  # fmt: skip
    await session.wait()
    found = await session.inspect(1)
    assert found.verdict is not None
    assert found.verdict.state == "ok"
    assert [one.told.error.kind for one in found.exchanges if one.told and one.told.error] == [ErrorKind.SERVER]
    assert "keeps no journal" in found.trouble
    assert "keeps no journal" in (await session.asked(1)).trouble
    await session.aclose()


async def test_the_log_of_a_trace_is_found_where_the_user_says(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await asyncio.to_thread(in_virtual_time, journaled(path, count=2))
    with JournalReader(path) as reader:
        store = reader.past().store
    seen = glimpse(store, 0, 2e9)
    assert (await Inspector(path, {}).look(seen)).logs == ""
    link = {LOGS_LINK: "https://logs.example/?trace={trace_id}"}
    found = await Inspector(path, link).look(seen)
    assert found.logs == "https://logs.example/?trace=20261122-191500-4f2a%2F0%2F" + str(
        found.exchanges[-1].number
    )
    odd = (await Inspector(path, {LOGS_LINK: "https://x/ä \x1b/{trace_id}"}).look(seen)).logs
    assert odd.startswith("https://x/%C3%A4%20%1B/2026")
    assert (await Inspector(path, {LOGS_LINK: "javascript:x({trace_id})"}).look(seen)).logs == ""


async def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await asyncio.to_thread(in_virtual_time, journaled(path, count=2))
    with JournalReader(path) as reader:
        store = reader.past().store
    path.write_bytes(b"no journal")
    for beside in tmp_path.glob("journal.db-*"):  # noqa: ASYNC240
        beside.unlink()
    found = await Inspector(path, {}).look(glimpse(store, 0, 2e9))
    assert "is no journal of dagtui's" in found.trouble
    assert found.record_id == store.record_id(0)


async def test_an_attached_run_is_looked_into_while_it_goes_on(tmp_path: Path) -> None:
    from tests.test_attached import running, until

    path = tmp_path / "journal.db"
    async with running(path, count=20) as session:
        attached = Attached(path)
        attached.start()
        await until(lambda: attached.snapshot().counts.succeeded > 5)
        found = await attached.inspect(0)
        assert found.verdict is not None
        assert found.exchanges[0].told is not None
        assert "cannot be made again" in (await attached.asked(0)).trouble
        await session.wait()
        await attached.aclose()
