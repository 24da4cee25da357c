"""The setup form: what may be chosen, what is wrong with it, and where the keys go."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from textual.color import Color
from textual.widgets import Input

from dagtui import plan
from dagtui.core.errors import BadInput
from dagtui.tui.paths import tail
from dagtui.tui.screens.dialogs import Entry
from dagtui.tui.screens.setup import SetupScreen
from dagtui.tui.widgets.files import FileList
from tests.tui.conftest import dashboard, lines, setup, text
from tests.tui.fakes import FakeDesk, FakeSession, InputView, TaskChoice

TASK = """
name = "own"
description = "my own question"
[model]
provider = "openai"
name = "gpt-9"
[ask]
prompt = "Is {content} good?"
"""
THEMES = ("dark", "light", "dusk", "forest", "high-contrast")


async def settled(app, pilot) -> None:
    await app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.pause()


async def test_a_task_file_that_lies_beside_the_input_can_be_chosen(folder: Path) -> None:
    desk = FakeDesk(folder)
    own = str(folder / "own.toml")
    desk.tasks = (TaskChoice(own, "my own question", "gpt-9"),)
    async with setup(folder, (160, 48), desk, path=str(folder / "emails.csv")) as (app, pilot):
        await settled(app, pilot)
        assert sorted(desk.searched) == sorted([Path.cwd(), folder])  # each once
        app.screen.query_one("#task").focus()
        await pilot.press("enter", "end", "enter")
        await pilot.pause()
        assert app.screen.plan.task == own  # type: ignore[attr-defined]
        assert "own.toml  " in text(app)
        assert "my own question · " in text(app)
        assert "gpt-9, the task's own" in text(app)
        await pilot.press("f5")
        await pilot.pause()
        await pilot.pause()
        assert desk.opened[0].task == own


async def test_finding_tasks_leaves_the_chosen_one_chosen(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, desk=desk) as (app, pilot):
        app.screen.query_one("#task").value = "sentiment"  # type: ignore[attr-defined]
        await pilot.pause()
        desk.tasks = (TaskChoice("/x/own.toml", "", "gpt-9"),)
        app.screen._find_tasks(folder)  # type: ignore[attr-defined]
        await settled(app, pilot)
        assert app.screen.plan.task == "sentiment"  # type: ignore[attr-defined]
        assert app.screen.query_one("#task").value == "sentiment"  # type: ignore[attr-defined]


def test_only_toml_files_that_are_tasks_are_found(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TASK)
    (tmp_path / "broken.toml").write_text("[[[")
    (tmp_path / "odd.toml").write_text('ask = 1\nmodel = "x"')
    (tmp_path / "dagtui.toml").write_text("concurrency = 3")
    (tmp_path / "folder.toml").mkdir()
    own = str(tmp_path / "own.toml")
    assert plan.tasks_in(tmp_path) == (plan.TaskChoice(own, "my own question", "gpt-9"),)
    assert plan.tasks_in(tmp_path / "nowhere") == ()
    assert plan.tasks_in(plan.sample_folder()) == ()  # they are built in


async def test_another_model_may_be_typed_and_nothing_means_the_tasks_own(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, (160, 48), desk, path=str(folder / "emails.csv")) as (app, pilot):
        assert "the task's own" in text(app)
        assert app.screen.plan.model is None  # type: ignore[attr-defined]
        app.screen.query_one("#model").focus()
        await pilot.press(*"gpt-9")
        await pilot.pause()
        assert "claude-3-5-haiku-20241022 is the task's own" in text(app)
        await pilot.press("f5")
        await pilot.pause()
        await pilot.pause()
        assert desk.opened[0].model == "gpt-9"


async def test_an_address_may_be_given_as_the_gateway(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, (160, 48), desk, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#gateway").focus()
        await pilot.press("enter", "end", "enter")
        await settled(app, pilot)
        assert isinstance(app.screen, Entry)
        await pilot.press(*"ftp://x", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Entry)
        assert "✖ An address looks like https://host:port/v1." in text(app)
        await pilot.press("ctrl+u", *"http://localhost:9999/v1", "enter")
        await settled(app, pilot)
        assert app.screen.plan.gateway == "http://localhost:9999/v1"  # type: ignore[attr-defined]
        assert "a gateway at this address" in text(app)
        await pilot.press("f5")
        await pilot.pause()
        await pilot.pause()
        assert desk.opened[0].gateway == "http://localhost:9999/v1"


async def test_no_address_leaves_the_gateway_as_it_was(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        app.screen.query_one("#gateway").focus()
        await pilot.press("enter", "end", "enter")
        await settled(app, pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.query_one("#gateway").value == "demo"  # type: ignore[attr-defined]
        assert app.screen.plan.gateway == "demo"  # type: ignore[attr-defined]


LONG = "ANTHROPIC_API_KEY is not set; get one at https://console.anthropic.com/settings/keys, or use the demo."


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (160, 48)])
async def test_the_first_problem_can_be_read_in_full(folder: Path, size: tuple[int, int]) -> None:
    desk = FakeDesk(folder)
    desk.wrong = {"gateway": LONG}
    async with setup(folder, size, desk, path=str(folder / "emails.csv")) as (app, pilot):
        await settled(app, pilot)
        told = " ".join(line.strip() for line in lines(app) if not line.startswith(("│", "╭", "╰")))
        assert f"✖ gateway: {LONG}" in told
        whole = app.screen.query_one("#problem")
        assert whole.region.bottom <= size[1] - 2


async def test_the_problem_of_the_field_with_the_focus_goes_before_the_others(folder: Path) -> None:
    desk = FakeDesk(folder)
    desk.wrong = {"gateway": LONG}
    async with setup(folder, (80, 24), desk, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#attempts").focus()
        await pilot.press("ctrl+u", "0")
        await pilot.pause()
        assert "✖ attempts: must be a whole number from 1 to 100" in text(app)
        app.screen.query_one("#gateway").focus()
        await pilot.pause()
        assert "✖ gateway: ANTHROPIC_API_KEY" in text(app)


async def test_a_note_beside_what_is_well_takes_no_room(folder: Path) -> None:
    async with setup(folder, (80, 24), path=str(folder / "emails.csv")) as (app, _):
        assert not app.screen.query_one("#problem").display


async def test_bad_rows_are_told_with_the_line_of_the_first_and_left_out_by_a_key(folder: Path) -> None:
    desk = FakeDesk(folder)
    path = str(folder / "emails.csv")
    columns = ("id", "content")
    desk.views[path] = InputView(path, "emails.csv", "csv", columns, 99, 1, 9, first_bad="emails.csv:17: not JSON")
    desk.problems = plan.problems  # type: ignore[method-assign, assignment]
    async with setup(folder, (120, 40), desk, path=path) as (app, pilot):
        await settled(app, pilot)
        told = (
            "✖ file: 1 row cannot be read: emails.csv:17: not JSON. Correct the file, or leave such rows out (F6)."
        )
        assert told in text(app)
        assert "F6 Bad rows" in lines(app)[-1]
        await pilot.press("f6")
        await pilot.pause()
        assert "99 records, 1 bad row left out, 10 at once" in text(app)
        assert app.screen.plan.settings.bad_rows == "skip"  # type: ignore[attr-defined]
        await pilot.press("f6")
        await pilot.pause()
        assert "1 row cannot be read" in text(app)


async def test_without_bad_rows_there_is_no_key_for_them(folder: Path) -> None:
    async with setup(folder, path=str(folder / "emails.csv")) as (app, _):
        assert "F6" not in lines(app)[-1]


def test_many_bad_rows_are_counted_in_the_plural() -> None:
    view = InputView("a.csv", "a.csv", "csv", ("content",), 9, 1_200, first_bad="a.csv:3: four cells.")
    told = plan.problems(plan.Plan(path="a.csv"), view, {})["file"]  # type: ignore[arg-type]
    assert told.startswith("1,200 rows cannot be read: the first is a.csv:3: four cells. Correct")
    assert "--" not in told


async def test_after_a_file_was_picked_f3_replaces_or_goes_on_at_the_end_of_its_path(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        app.screen.query_one(FileList).list(folder, FakeDesk(folder).candidates(folder))
        await pilot.press("down", "down", "enter")
        await settled(app, pilot)
        field = app.screen.query_one("#path")
        assert field.value == str(folder / "emails.csv")  # type: ignore[attr-defined]
        assert field.cursor_position == len(field.value)  # type: ignore[attr-defined]
        await pilot.press("f3", *"/x/y.csv")
        assert field.value == "/x/y.csv"  # type: ignore[attr-defined]
        await pilot.press("f3", "ctrl+u", *"/z")
        assert field.value == "/z"  # type: ignore[attr-defined]
        await pilot.press("f3", "end", *".csv")
        assert field.value == "/z.csv"  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", THEMES)
async def test_the_field_with_the_focus_stands_out_in_every_theme(folder: Path, theme: str) -> None:
    async with setup(folder, theme=theme) as (app, pilot):
        for name in ("model", "gateway", "concurrency", "path"):
            field = app.screen.query_one(f"#{name}")
            app.screen.query_one("#timeout" if name != "timeout" else "#model").focus()
            await pilot.pause()
            before, edge = _ground(field), field.styles.border_left
            field.focus()
            await pilot.pause()
            assert _distance(before, _ground(field)) > 40, name
            assert field.styles.border_left[0] == "wide"
            assert field.styles.border_left != edge


def _ground(widget) -> Color:
    """The colour that is painted at its right end."""
    region = widget.region
    strip = widget.screen._compositor.render_strips()[region.y]
    cell = strip.crop(region.right - 4, region.right - 3)
    return Color.from_rich_color(next(iter(cell)).style.bgcolor)


def _distance(one: Color, other: Color) -> float:
    return sum(abs(a - b) for a, b in zip(one.rgb, other.rgb, strict=True))


async def test_the_list_hides_its_cursor_when_the_keys_go_elsewhere(folder: Path) -> None:
    async with setup(folder) as (app, pilot):
        files = app.screen.query_one(FileList)
        assert any("@" in role for line in files._lines for _, role in line)
        await pilot.press("tab")
        await pilot.pause()
        assert not any("@" in role for line in files._lines for _, role in line)


async def test_a_new_run_after_the_demo_begins_in_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = folder / "old"
    monkeypatch.chdir(here)
    desk = FakeDesk(folder)
    desk.samples.mkdir()
    (desk.samples / "emails.csv").write_text("id\n")
    async with setup(folder, desk=desk, path=str(desk.samples / "emails.csv")) as (app, pilot):
        files = app.screen.query_one(FileList)
        assert files.folder == here
        await pilot.press("f2")
        await pilot.pause()
        assert files.folder == desk.samples


def test_the_picker_offers_the_samples_everywhere_and_hides_what_is_no_input(tmp_path: Path) -> None:
    for name in ("__pycache__", ".hidden", "mail"):
        (tmp_path / name).mkdir()
    (tmp_path / "a.csv").write_text("id\n")
    assert [entry.name for entry in plan.candidates(tmp_path)] == ["sample data", "mail", "a.csv"]
    assert plan.candidates(tmp_path)[0].path == plan.sample_folder()
    samples = [entry.name for entry in plan.candidates(plan.sample_folder())]
    assert "emails.csv" in samples
    assert not {"sample data", "__pycache__"} & set(samples)


async def test_a_folder_that_cannot_be_listed_is_told_of(folder: Path) -> None:
    desk = FakeDesk(folder)
    async with setup(folder, desk=desk) as (app, pilot):

        def refuse(_: Path) -> tuple[()]:
            raise BadInput("/root: the folder cannot be listed: Permission denied.")

        desk.candidates = refuse  # type: ignore[method-assign]
        await pilot.press("backspace")
        await pilot.pause()
        assert "cannot be listed: Permission denied" in text(app)


@pytest.mark.parametrize(
    ("text_", "width", "shown"),
    [
        ("/a/b", 10, "/a/b"),
        ("/home/me/mail/x.csv", 10, "…ail/x.csv"),
        ("日本語の道", 5, "…の道"),
        ("abc", 0, ""),
        ("abc", 1, "…"),
    ],
)
def test_a_path_is_cut_at_its_left(text_: str, width: int, shown: str) -> None:
    assert tail(text_, width) == shown


async def test_the_end_of_a_long_folder_is_visible(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60) / "the-end"
    deep.mkdir(parents=True)
    (deep / "mail.csv").write_text("id\n")
    async with setup(folder, (80, 24), path=str(deep / "mail.csv")) as (app, pilot):
        await settled(app, pilot)
        title = next(line for line in lines(app) if "the-end ─╯" in line)
        assert title.startswith("╰─") or "…" in title
        assert "mail.csv" in lines(app)[2]


async def test_a_demo_that_cannot_start_says_why_in_full_on_the_setup_screen(folder: Path) -> None:
    from dagtui.tui.app import DagtuiApp
    from tests.tui.fakes import Plan

    desk = FakeDesk(folder)
    desk.refusal = f"The simulator did not start: {'it is a long story, ' * 5}and here it ends."
    app = DagtuiApp(Plan(path=str(folder / "emails.csv")), start_at_once=True, desk=desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        await settled(app, pilot)
        told = " ".join(line.strip() for line in lines(app))
        assert f"✖ not started: {desk.refusal}" in told
        app.screen.query_one("#attempts").focus()
        await pilot.press("1")
        await pilot.pause()
        assert "not started" not in text(app)


async def test_the_form_remembers_a_run_that_is_over(folder: Path) -> None:
    session = FakeSession()
    async with dashboard(folder, session) as (app, pilot):
        session.play_out()
        await pilot.pause()
        await pilot.press("n")
        await settled(app, pilot)
        assert app.screen.plan.path == str(folder / "emails.csv")  # type: ignore[attr-defined]


async def test_a_budget_in_the_form_is_exact(folder: Path) -> None:
    async with setup(folder, path=str(folder / "emails.csv")) as (app, pilot):
        app.screen.query_one("#max_cost", Input).value = "1,234.000005"
        await pilot.pause()
        assert isinstance(app.screen, SetupScreen)
        assert app.screen.plan.settings.max_cost == Decimal("1234.000005")
        app.screen.query_one("#max_cost", Input).value = "-1"
        await pilot.pause()
        assert "must be a number from 0.0001 to 1,000,000, or nothing" in text(app)
