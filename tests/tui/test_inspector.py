"""The inspector: all about one request on the screen, and its keys."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Offset
from textual.selection import Selection

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptStarted
from dagtui.core.inspection import Asked, Exchange, Inspection, Verdict, glimpse
from dagtui.core.model import Attempt, AttemptError, Headroom, Prompt, RateLimits, Usage
from dagtui.core.store import State
from dagtui.tui.order import neighbour
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Entry, Question
from dagtui.tui.screens.inspector import InspectorScreen
from dagtui.tui.widgets.section import Section
from tests.tui.conftest import dashboard, lines, text
from tests.tui.fakes import EPOCH, FakeSession
from tests.tui.test_sizes import SIZES

ANSWER = '{"category":"work","confidence":0.9,"summary":"the budget of the quarter"}'
LIMITED = AttemptError(ErrorKind.RATE_LIMITED, "rate limit of 50 requests a minute exceeded", 429)


def exchanges(sent: float = EPOCH) -> tuple[Exchange, ...]:
    first = Attempt(
        1, sent, sent + 0.5, 429, LIMITED, retry_in=2.0, retry_reason="retry-after", request_id="req_1"
    )
    usage, cost = Usage(93, 42), Decimal("0.000242")
    second = Attempt(2, sent + 2.5, sent + 3.0, 200, None, usage, cost, request_id="req_2")
    return Exchange(1, 1, sent, "run/0/1", first), Exchange(1, 2, sent + 2.5, "run/0/2", second)


def done(session: FakeSession, seq: int = 0, **more: Any) -> Inspection:
    """Request `seq` as it is after two attempts."""
    store = session.store
    store.state[seq] = State.SUCCEEDED
    answer = more.pop("text", ANSWER)
    verdict = Verdict(
        1, EPOCH + 3.0, "ok", 2, Usage(93, 42), Decimal("0.000242"), 0.5, "work", 200,
        fingerprint=77, text=answer, values={"category": "work", "confidence": 0.9},
    )  # fmt: skip
    limits = RateLimits(Headroom(50, 29, 12.0), Headroom(50_000, 43_600, 8.0))
    found = replace(
        glimpse(store, seq, EPOCH + 5), read_at=EPOCH, exchanges=exchanges(), verdict=verdict,
        limits=limits, limits_at=EPOCH + 3, logs="https://app.portkey.ai/logs",
    )  # fmt: skip
    found = replace(found, **more)
    session.inspected[seq] = found
    return found


def asked(**more: Any) -> Asked:
    given = Asked(
        name="emails.csv", line=2, fields={"id": "email_0000", "subject": "Budget meeting"},
        prompt=Prompt("Read this email.\n\nEmail: Budget", "Answer with one JSON object."),
        provider="anthropic", model="claude-3-5-haiku", parameters={"model": "x", "max_tokens": 150},
        fingerprint=77, body="{}", curl="curl -sS http://127.0.0.1:8788/v1/messages",
    )  # fmt: skip
    return replace(given, **more)


async def opened(app: Any, pilot: Any) -> InspectorScreen:
    await pilot.press("home", "enter")
    await settled(app, pilot)
    assert isinstance(app.screen, InspectorScreen)
    return app.screen


async def settled(app: Any, pilot: Any) -> None:
    """Until what the inspector does beside the loop is done; the dashboard's own worker waits for the run."""
    for _ in range(3):
        await pilot.pause()
    while any(worker.is_running and worker.name != "wait-for-end" for worker in app.workers):
        if isinstance(app.screen, Entry | Question):
            break
        await pilot.pause(0.01)
    await pilot.pause()


async def test_one_look_tells_what_became_of_it_and_why(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        session.given = asked()
        await opened(app, pilot)
        shown = text(app)
        for words in (
            "■ done  email_0000   work", "2 attempts", "answered in 0.50 s, after 3.00 s in all", "$0.000242",
            "request 1 of 100 · analyze_email · line 2 of emails.csv",
            "rate limited, again in 2.0 s retry-after", "200 answered",
            '"summary": "the budget of the quarter"', "answer · 74 characters",
            "prompt · as sent", "Email: Budget", "Answer with one JSON object.",
            "29 of 50, whole again in 12.0 s", "43,600 of 50,000",
            "run/0/2", "https://app.portkey.ai/logs", "req_2", "000000000000004d", "subject  Budget meeting",
            "max_tokens  150",
        ):  # fmt: skip
            assert words in shown, words
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)


async def test_the_bars_of_the_time_line_stand_where_the_time_was_spent(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        await opened(app, pilot)
        first, second = (next(line for line in lines(app) if line.startswith(f"│   {n}  ")) for n in (1, 2))
        begin, flying, waiting = first.index("━"), first.count("━") + 1, first.count("┈")
        assert first[begin + flying - 1] == "↻"
        # 0.5 s in flight, 2 s waiting, 0.5 s in flight, on one axis
        assert waiting == pytest.approx(4 * flying, rel=0.15)
        assert second.index("━") == pytest.approx(begin + flying + waiting, abs=1)
        assert second.count("━") + 1 == pytest.approx(flying, abs=1)
        assert "■" in second


async def test_a_request_is_followed_as_it_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagtui.tui.screens.inspector.LOOK", 0.02)
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        session.stats.fold(AttemptStarted(EPOCH, 0, 1))
        flying = replace(glimpse(session.store, 0, EPOCH + 1), exchanges=(Exchange(1, 1, EPOCH, "run/0/1"),))
        session.inspected[0] = flying
        await opened(app, pilot)
        assert "● in flight" in text(app)
        assert "1.00 s" in text(app)
        session.inspected[0] = replace(flying, time=EPOCH + 2)
        await pilot.pause(0.1)
        assert "2.00 s" in text(app)
        done(session)
        await pilot.pause(0.1)
        await settled(app, pilot)
        assert "■ done" in text(app)
        assert "the budget of the quarter" in text(app)


async def test_the_next_one_is_the_next_of_the_table(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=2.0) as (app, pilot):
        store = session.store
        ended = [seq for seq, state in enumerate(store.state) if state == State.SUCCEEDED]
        assert ended[-1] > len(ended)
        await pilot.press("v", "v", "v", "v")  # those that are done
        screen = await opened(app, pilot)
        assert screen.seq == ended[0]
        await pilot.press("n", "right")
        await settled(app, pilot)
        assert screen.seq == ended[2]
        assert store.record_id(ended[2]) in lines(app)[0]
        await pilot.press("N", "left", "left")
        await settled(app, pilot)
        assert screen.seq == ended[0]


def test_where_a_request_is_not_among_those_shown_the_next_number_is_next() -> None:
    assert neighbour(5, 1, None, 7) == 6
    assert neighbour(6, 1, None, 7) is None
    assert neighbour(0, -1, range(7), 7) is None
    assert neighbour(4, 1, [2, 4, 9], 20) == 9
    assert neighbour(5, -1, [2, 4, 9], 20) == 4


async def test_answer_and_command_are_copied_and_it_is_said_where_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", "/x")
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        session.given = asked()
        await opened(app, pilot)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard == ANSWER
        assert "The answer, 74 characters, was" in text(app)
        assert "set -s set-clipboard on" in text(app)
        await pilot.press("Y")
        await settled(app, pilot)
        assert app.clipboard == session.given.curl


async def test_the_answer_is_written_where_the_user_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    session = FakeSession(ids=["../../x y\x1b"])
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session, text='{"a": "\u0000\x1b[2J"}')
        await opened(app, pilot)
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, Entry)
        await pilot.press("enter")
        await settled(app, pilot)
        written = folder / "x_y.json"
        assert written.read_text() == '{"a": "\u0000\x1b[2J"}'
        written.write_text("precious")
        await pilot.press("w", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        await pilot.press("n")
        await pilot.pause()
        await pilot.press("escape")
        assert written.read_text() == "precious"


async def test_where_the_screen_cannot_be_lent_it_says_so(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        session.given = asked()
        await opened(app, pilot)
        for key in ("o", "O", "p"):
            await pilot.press(key)
            await settled(app, pilot)
            assert "cannot be lent to" in text(app)
            app.clear_notifications()


async def test_commands_for_one_request_are_dim_where_they_make_no_sense(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        screen = await opened(app, pilot)
        for name in ("retry", "abort", "skip", "hedge"):
            setattr(session, name, None)  # as a replay, which has no such commands
            assert screen.check_action("steer", (name,)) is False
        calls: list[Any] = []
        for name in ("retry", "abort", "skip", "hedge"):
            setattr(session, name, lambda seqs, name=name: calls.append((name, seqs)))
        assert screen.check_action("steer", ("retry",)) is True
        assert screen.check_action("steer", ("abort",)) is None
        await pilot.press("x", "X", "h")
        assert not calls
        await pilot.press("R")
        await pilot.pause()
        assert isinstance(app.screen, Question)  # it has an answer, which is paid
        await pilot.press("y")
        await settled(app, pilot)
        assert calls == [("retry", [0])]
        session.stats.fold(AttemptStarted(session.now, 1, 1))
        await pilot.press("n")
        await settled(app, pilot)
        await pilot.press("x", "h", "X")
        await settled(app, pilot)
        assert [name for name, _ in calls] == ["retry", "abort", "hedge", "skip"]
        assert all(seqs == [1] for _, seqs in calls[1:])


async def test_the_trace_id_links_to_the_log_and_nothing_gets_out_of_the_link(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        good = "https://logs.example/?q=run%2F0%2F2"
        done(session, logs=good)
        await opened(app, pilot)
        strips = app.screen._compositor.render_strips()
        links = {s.style.link: s.text for strip in strips for s in strip if s.style and s.style.link}
        assert links == {good: good}
        assert any(s.text == "run/0/2" and s.style and s.style.link for strip in strips for s in strip)
        await pilot.press("escape")
        done(session, logs="https://logs.example/?q=\x1b\\ä x")
        await opened(app, pilot)
        strips = app.screen._compositor.render_strips()
        assert not any(s.style and s.style.link for strip in strips for s in strip)


async def test_what_cannot_be_read_again_is_told_in_place_of_the_prompt(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        session.given = Asked(trouble="The prompt cannot be made again: emails.csv is not what this run read.")
        await opened(app, pilot)
        assert "▲ The prompt cannot be made again: emails.csv" in text(app)
        assert "the budget of the quarter" in text(app)
        await pilot.press("Y", "p")
        await settled(app, pilot)
        assert "Not copied" in text(app)


async def test_a_prompt_that_would_be_another_now_is_called_so(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        session.given = asked(fingerprint=78)
        await opened(app, pilot)
        assert "prompt · ▲ as it would be sent now" in text(app)


HOSTILE = (
    "\x1b]52;c;aGk=\x07\x1b[2J \x00 [/b][@click=app.quit]x[/] \u202egnol\u202c \x9b31m \udc00 e" + "\u0301" * 99
)


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_hostile_text_is_text(folder: Path, size: tuple[int, int]) -> None:
    session = FakeSession(ids=[HOSTILE])
    async with dashboard(folder, session, size, play=0.2) as (app, pilot):
        error = AttemptError(ErrorKind.SERVER, HOSTILE, 500)
        attempt = Attempt(1, EPOCH, EPOCH + 1, 500, error, request_id=HOSTILE, retry_reason=HOSTILE, retry_in=1.0)
        found = done(
            session, text=HOSTILE, record_id=HOSTILE, dimension=HOSTILE, trouble=HOSTILE,
            exchanges=(Exchange(1, 1, EPOCH, HOSTILE, attempt),), logs=f"https://x/{HOSTILE}",
        )  # fmt: skip
        assert found.verdict is not None
        verdict = replace(found.verdict, values={HOSTILE: HOSTILE, "deep": [HOSTILE]}, category=HOSTILE)
        session.inspected[0] = replace(found, verdict=verdict)
        session.given = asked(
            name=HOSTILE, fields={HOSTILE: HOSTILE, "n": None}, prompt=Prompt(HOSTILE, HOSTILE), trouble=HOSTILE,
            advice=HOSTILE, parameters={HOSTILE: HOSTILE},
        )  # fmt: skip
        await opened(app, pilot)
        for _ in range(12):
            for strip in app.screen._compositor.render_strips():
                assert strip.text.isprintable()
                assert "\u202e" not in strip.text
                assert strip.cell_length == size[0]
            await pilot.press("pagedown")
            await pilot.pause()


async def test_what_is_too_long_for_the_screen_is_cut_and_said(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session, text="x" * 2_000_000)
        session.given = asked(prompt=Prompt("word\n" * 300_000), fields={"body": "y" * 3_000_000})
        screen = await opened(app, pilot)
        assert "answer · 2,000,000 characters" in text(app)
        sections = {section.id: section for section in screen.query(Section)}
        assert sections["inspected-answer"].size.height < 400
        assert sections["inspected-prompt"].size.height < 1_010
        assert "cut here: it has 2,000,000 characters" in sections["inspected-answer"].render().plain
        assert "(3,000,000 characters)" in sections["inspected-record"].render().plain


async def test_text_that_is_selected_is_copied(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session, text="alpha beta gamma")
        screen = await opened(app, pilot)
        section = screen.query_one("#inspected-answer", Section)
        screen.selections = {section: Selection(Offset(6, 0), Offset(10, 0))}
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app.clipboard == "beta"
        assert app.is_running


@pytest.mark.parametrize("failure", ["failed", "cancelled", "skipped"])
async def test_why_there_is_no_answer_is_told_in_its_place(folder: Path, failure: str) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        found = done(session)
        assert found.verdict is not None
        verdict = replace(
            found.verdict, state=failure, text=None, reason="because of this", billed="maybe", values=None
        )
        session.inspected[0] = replace(found, state=State.FAILED, verdict=verdict)
        await opened(app, pilot)
        assert "because of this It may have been billed." in text(app)
        await pilot.press("y")
        await pilot.pause()
        assert "It has no answer." in text(app)


async def test_it_is_whole_at_every_size(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=0.2) as (app, pilot):
        done(session)
        session.given = asked()
        screen = await opened(app, pilot)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            sections = list(screen.query(Section))
            for number, section in enumerate(sections):
                region = section.virtual_region
                assert region.width >= 29, (section.id, width, height, region)
                assert region.height >= 3
                for other in sections[:number]:
                    if other.parent is section.parent:
                        assert not region.overlaps(other.virtual_region), (section.id, other.id, width, height)
            shown = lines(app)
            assert shown[0].startswith(" ■ done  email_0000")
            assert "$0.000242" in shown[0], (width, shown[0])
            assert "answered" in "\n".join(shown) or height < 24
            assert shown[-1].startswith(" esc Back  n Next")
        await pilot.resize_terminal(59, 20)
        await settled(app, pilot)
        assert "too small" in text(app)


def test_the_json_of_an_answer_is_indented_and_other_text_is_not() -> None:
    from dagtui.tui.widgets.inspected import pretty

    assert pretty('{"a": ["ü"]}') == json.dumps({"a": ["ü"]}, indent=2, ensure_ascii=False)
    for plain in ("{not json", "plain", "", "[" * 100_000, "12"):
        assert pretty(plain) == plain
