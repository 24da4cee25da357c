"""The contract of a run that goes on, and the budget, by keys."""

from __future__ import annotations

from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dagtui.core.contract import Choices, Contract
from dagtui.core.errors import ConfigError
from dagtui.past.runs import RunInfo
from dagtui.tui.app import DagtuiApp
from dagtui.tui.screens.contract import ContractScreen
from dagtui.tui.screens.dashboard import Dashboard
from dagtui.tui.screens.dialogs import Entry
from dagtui.tui.screens.report import ReportScreen
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import FakeDesk, FakeSession, Plan

CONTRACT = Contract(
    total=10_000,
    reused=5_812,
    failed=tuple(range(43)),
    stale=tuple(range(120)),
    sent=tuple(range(84)),
    perhaps=tuple(range(13)),
    unread=0,
    unsent=(),
    new=3_928,
    differences=("analyze_email temperature 0.2 -> 0.7",),
    spent=Decimal("1.5402"),
    exposure=Decimal("0.0257"),
    each=Decimal("0.000265"),
)
NOTHING_TO_DECIDE = Contract(100, 60, (), (), (), (), 0, (), 40, (), Decimal(0), Decimal(0))


def going(contract: Contract = CONTRACT) -> Any:
    facts = {"id": "20261125-101010-abcd", "title": "emails.csv \x1b[2J· email · demo"}
    return SimpleNamespace(
        path=Path("journal.db"), past=SimpleNamespace(facts=facts), contract=contract, choices=Choices()
    )


class ResumingDesk(FakeDesk):
    """Goes on with whatever it is asked to."""

    resumed: tuple[Any, ...] = ()
    contract = CONTRACT
    refuses = ""

    async def look_back(self, path: Path, plan: Any) -> Any:
        return going(self.contract)

    async def resumed_plan(self, run: Any, plan: Any) -> Any:
        return plan

    async def open_resumed(self, going: Any, plan: Any, choices: Choices) -> FakeSession:
        if self.refuses:
            raise ConfigError(self.refuses)
        self.resumed = (going, plan, choices)
        self.session = self.session or FakeSession()
        return self.session


@asynccontextmanager
async def contract(folder: Path, size: tuple[int, int] = (120, 36), told: Contract = CONTRACT):
    desk = ResumingDesk(folder)
    app = DagtuiApp(Plan(path="emails.csv"), desk=desk, going=going(told))
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield app, pilot, desk


@pytest.mark.parametrize("size", [(160, 48), (80, 24), (60, 15)])
async def test_every_row_is_told_whole_at_every_size(folder: Path, size: tuple[int, int]) -> None:
    async with contract(folder, size) as (app, _, _):
        words = " ".join(" ".join(line.strip("│▁▂▃▄▅▆▇█ ") for line in lines(app)).split())
        assert "reused 5,812 answered and paid for: kept" in words
        assert "f failed 43 asked again" in words
        assert "s stale 120 asked again: analyze_email temperature 0.2 -> 0.7" in words
        assert "b perhaps billed 97 84 sent without an outcome and 13 that may have left, about" in words
        assert "go on with 20261125-101010-abcd" in words
        assert "\x1b" not in text(app)


async def test_each_key_changes_one_decision_and_enter_goes_on_with_them(folder: Path) -> None:
    async with contract(folder) as (app, pilot, desk):
        assert "4,188 requests to come, about $1.1098 more" in text(app)
        await pilot.press("b", "s", "f")
        await pilot.pause()
        shown = text(app)
        assert ": left out" in shown
        assert "kept all the same: analyze_email" in shown
        assert "left as they are" in shown
        assert "3,928 requests to come" in shown
        await pilot.press("s", "enter")
        await app.workers.wait_for_complete() if not isinstance(app.screen, Dashboard) else None
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert desk.resumed[2] == Choices(stale="redo", ambiguous="skip", failed="keep")
        desk.session.play_out()
        await pilot.pause()


async def test_where_nothing_is_to_be_decided_there_are_no_keys_for_it(folder: Path) -> None:
    async with contract(folder, told=NOTHING_TO_DECIDE) as (app, pilot, _):
        assert "Perhaps billed" not in text(app)
        await pilot.press("b", "s", "f")
        assert isinstance(app.screen, ContractScreen)
        assert app.screen.choices == Choices()


async def test_escape_leaves_everything_as_it_is(folder: Path) -> None:
    async with contract(folder) as (app, pilot, desk):
        await pilot.press("escape")
        await pilot.pause()
        assert desk.resumed == ()
    assert app.return_value == 0


async def test_a_run_that_cannot_go_on_says_why_and_stays(folder: Path) -> None:
    async with contract(folder) as (app, pilot, desk):
        desk.refuses = "PORTKEY_API_KEY [/b] is not set."
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert "PORTKEY_API_KEY [/b] is not set." in text(app)
        assert isinstance(app.screen, ContractScreen)


async def test_setup_offers_to_go_on_with_the_last_run_of_a_file(folder: Path) -> None:
    desk = ResumingDesk(folder)
    desk.unfinished_run = RunInfo("r", Path("journal.db"), "killed", total=100, succeeded=62)
    async with setup(folder, desk=desk, path=str(folder / "emails.csv")) as (app, pilot):
        assert "F7 goes on with the last run (62 of 100 answered)" in text(app)
        await pilot.press("f7")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, ContractScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert "Start  F5" in text(app)


async def test_the_report_goes_on_with_what_failed(folder: Path) -> None:
    desk = ResumingDesk(folder, FakeSession())
    desk.run = "20261125-101010-abcd"
    app = DagtuiApp(Plan(path="emails.csv"), start_at_once=True, desk=desk)
    async with app.run_test(size=(120, 36)) as pilot:
        while not isinstance(app.screen, Dashboard):
            await pilot.pause()
        desk.session.play_out()
        while not isinstance(app.screen, ReportScreen):
            await pilot.pause()
        await pilot.press("g")
        while not isinstance(app.screen, ContractScreen):
            await pilot.pause()


@pytest.mark.parametrize(("typed", "called"), [("2.50", Decimal("2.50")), ("0", None), (".", "refused")])
async def test_a_budget_is_typed_and_acts_at_once(folder: Path, typed: str, called: Any) -> None:
    session = FakeSession()
    async with dashboard(folder, session, play=1.0) as (app, pilot):
        await pilot.press("b")
        await pilot.pause()
        await pilot.press(*typed, "enter")
        await pilot.pause()
        if called == "refused":
            assert isinstance(app.screen, Entry)
            assert "The budget is a number of dollars, such as 2.50" in text(app)
        else:
            assert session.calls[-1] == ("set_max_cost", called)
