"""The report as a file: one page that needs nothing else, well-formed, and deaf to hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from dagtui.cli import cli
from dagtui.core.errors import ConfigError, ErrorKind, TargetExists
from dagtui.core.report import Kept, report
from dagtui.core.report_html import Page, page
from dagtui.core.run_settings import RunSettings
from dagtui.core.snapshot import Counts, Dial, Latency, Money, Snapshot, Throughput, Touch
from dagtui.core.svg import nice, over_time, safe, stacked_bar
from dagtui.past.recap import recap, setting_of
from dagtui.past.report_file import write_report
from tests.core.test_report import DONE
from tests.kept_runs import kept_run

HOSTILE = "\x1b]52;c;aGk=\x07</title></style></svg><script>alert(1)</script><img src=x onerror='x'>&\u202e\ud800"
DIAL = Dial((4.0, 4.0, 0.0), (20, 20, 5), (0.0, 2.0, 0.0), touches=(Touch(0.4, 20, "you"), Touch(9.9, 5, "you")))
BUSY = replace(
    DONE,
    counts=Counts(100, 1, 0, 0, 90, 4, 3, 2),
    throughput=Throughput(0.0, 27.2, 31.0, (3.0, 31.0, 20.0), 1.0),
    money=Money(Decimal("0.0234"), Decimal("0.0011"), None, Decimal("0.002")),
    errors=((ErrorKind.RATE_LIMITED, 9), (ErrorKind.INVALID_OUTPUT, 3)),
    dial=DIAL,
)
_VOID = {"meta", "br", "img", "link", "hr", "input"}


class _Tags(HTMLParser):
    """Keeps what is open; every end must match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> _Tags:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


def drawings(text: str) -> Iterator[ElementTree.Element]:
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        yield ElementTree.fromstring(svg)


def shown(view: Page) -> str:
    """The page, after it was found well-formed, whole and without anything that loads or runs."""
    text = page(view)
    tags = parsed(text)
    assert tags.seen.isdisjoint({"script", "link", "img", "iframe", "object", "form", "base"})
    for name, value in tags.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "href", "xlink:href", "style")
        assert "javascript:" not in value
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert len(list(drawings(text))) >= 3
    return text


def view(snapshot: Snapshot = BUSY, title: str = "emails.csv · email · demo") -> Page:
    kept = Kept("run-1", Path("out.csv"), None, "portkey")
    sections = report(snapshot, kept, settings=RunSettings(), title=title, max_tokens=150)
    terms = {"model": "m-1", "hedge": "no"}
    return Page(title, "partial", "it ended", snapshot, sections, kept, terms)


def test_the_page_tells_all_that_the_report_does() -> None:
    text = shown(view())
    told = parsed(text).text
    for section in view().sections:
        for label, value in section.rows:
            assert label.strip() in told, label
            assert value in told or "  " in value, value
    places = (
        "https://app.portkey.ai/logs",
        "dagtui resume run-1",
        "published",
        "429s a second, at most 2.0",
        "▲20",
    )
    for words in ("90 of 100", "27.2/s", "ended with failures", "3.67 s", "m-1", *places):
        assert words in told, words
    assert "hedge" not in told  # what was left off is not told


def test_it_follows_the_reader_in_light_and_dark_and_prints() -> None:
    text = page(view())
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert '<meta charset="utf-8">' in text
    roles = set(re.findall(r'class="(\w+)"', " ".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))))
    style = text[text.index("<style>") : text.index("</style>")]
    for role in roles - {"bar", "chart"}:
        assert f".{role}" in style, role
    assert set(re.findall(r"var\((--\w+)\)", style)) <= set(re.findall(r"(--\w+):", style))


def test_hostile_text_stays_text() -> None:
    hostile = replace(BUSY, categories=((HOSTILE, 3), ("", 1)), run_id=HOSTILE, reason=HOSTILE)
    kept = Kept(HOSTILE, Path("/x/" + HOSTILE.replace("/", "")), None, HOSTILE)
    evil = Page(HOSTILE, HOSTILE, HOSTILE, hostile, report(hostile, kept, title=HOSTILE), kept,
                {HOSTILE: HOSTILE}, HOSTILE, HOSTILE)  # fmt: skip
    text = shown(evil)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script" not in text
    text.encode("utf-8")  # no lone surrogate is left
    assert "(empty)" in text


@pytest.mark.parametrize(
    "snapshot",
    [
        replace(DONE, elapsed=0.0, records_total=0, records_read=0, counts=Counts(0, 0, 0, 0, 0, 0, 0, 0),
                throughput=Throughput(0.0, 0.0, 0.0, (), 0.1), latency=Latency(None, None, None, None),
                money=Money(None, Decimal(0), None), categories=()),
        replace(DONE, counts=Counts(None, 0, 0, 0, 1, 0, 0, 0), records_total=None, started_at=None),
        replace(DONE, money=Money(Decimal(0), Decimal(0), None)),
    ],
)  # fmt: skip
def test_a_run_of_nothing_makes_a_page_too(snapshot: Snapshot) -> None:
    kept = Kept()
    shown(Page("x", "cancelled", "", snapshot, report(snapshot, kept), kept))


def test_drawings_stay_within_their_frames() -> None:
    for chart in drawings(over_time(Throughput(0.0, 3.0, 5.0, (1.0, 5.0), 0.5), 1.3, DIAL)):
        _, _, width, height = (float(part) for part in chart.attrib["viewBox"].split())
        for shape in chart.iter("polygon"):
            points = [tuple(map(float, point.split(","))) for point in shape.attrib["points"].split()]
            assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        for box in chart.iter("rect"):
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
            assert float(box.attrib["height"]) >= 0
    [bar] = drawings(stacked_bar([(3, "done"), (0, "failed"), (1, "queued")], "x"))
    widths = [float(rect.attrib["width"]) for rect in bar.iter("rect")][1:]
    assert widths == [75.0, 25.0]


@pytest.mark.parametrize("value", [0.0, 0.07, 1.0, 9.99, 27.2, 61.0, 100.0, 12_345.6])
def test_a_scale_ends_at_a_round_number_not_far_above(value: float) -> None:
    assert value <= nice(value) <= max(1.0, 2 * value)


def test_escaping_leaves_nothing_that_could_open_a_tag_or_end_an_attribute() -> None:
    assert not set(safe(HOSTILE)) & set("<>\"'\x1b\x07\u202e\ud800")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def test_a_journal_becomes_a_page_with_its_course_and_its_settings(runs: Path) -> None:
    path = kept_run("20261126-010101-aaaa", ["work", "spam", "", "work"] * 5)
    told = recap(path)
    assert told.outcome == "partial"
    assert 3 < max(told.result.snapshot.dial.in_flight) < 4.01
    write_report(path, runs / "r.html")
    text = (runs / "r.html").read_text("utf-8")
    words = parsed(text).text
    assert "15 of 20" in words
    assert "fake-model" in words
    assert "concurrency4" in words
    assert "dagtui resume 20261126-010101-aaaa" in words
    assert setting_of(path).max_tokens == 150


def test_the_command_writes_the_file_once_and_says_where(runs: Path) -> None:
    kept_run("20261126-010101-aaaa", ["work"] * 4)
    run = CliRunner().invoke
    target = runs / "r.html"
    done = run(cli, ["report", "--html", str(target)])
    assert done.exit_code == 0, done.output
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")
    again = run(cli, ["report", "-o", str(target)])
    assert again.exit_code == 2
    assert "exists already" in again.output
    assert run(cli, ["report", "-o", str(target), "--overwrite"]).exit_code == 0
    assert run(cli, ["report", "-o", str(runs / "r.txt")]).exit_code == 0
    assert "Categories" in (runs / "r.txt").read_text("utf-8")
    assert "rename it" in run(cli, ["report", "-o", str(runs / "r.pdf")]).output
    assert not [path for path in runs.iterdir() if path.suffix == ".part"]


def test_what_cannot_be_written_is_said(runs: Path) -> None:
    path = kept_run("20261126-010101-aaaa", ["work"] * 4)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report(path, runs / "nowhere" / "r.html")
    (runs / "folder.html").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        write_report(path, runs / "folder.html")
    (runs / "there.html").write_text("x")
    with pytest.raises(TargetExists):
        write_report(path, runs / "there.html")
