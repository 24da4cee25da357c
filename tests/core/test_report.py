"""The closing report, from snapshots."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagtui.core.advice import hints
from dagtui.core.causes import Causes
from dagtui.core.errors import ErrorKind
from dagtui.core.held import Holder
from dagtui.core.model import AttemptError, Usage
from dagtui.core.report import Kept, as_text, report
from dagtui.core.snapshot import Before, Counts, Latency, Money, Snapshot, Throughput

DONE = Snapshot(
    time=103.67,
    run_id="run-1",
    phase="ended",
    reason="every record has its answer",
    started_at=100.0,
    elapsed=3.67,
    eta=None,
    records_total=100,
    records_read=100,
    rows_rejected=0,
    counts=Counts(100, 0, 0, 0, 100, 0, 0, 0),
    target=100,
    held_by="",
    throughput=Throughput(0.0, 27.2, 31.0, (), 0.1),
    latency=Latency(0.9, 0.8, 1.2, 1.4),
    usage=Usage(8_945, 4_065),
    money=Money(Decimal("0.023416"), Decimal(0), None),
    attempts=100,
    retries=0,
    gateway_retries=0,
    throttled=0,
    categories=(("work", 40), ("spam", 30), ("newsletter", 20), ("personal", 10)),
    errors=(),
    limits=None,
    limits_at=None,
    log_count=0,
)


def values(snapshot: Snapshot, path: Path | None = None) -> dict[str, dict[str, str]]:
    return {section.title: dict(section.rows) for section in report(snapshot, Kept(results=path))}


def test_the_published_run_of_the_reference_reads_as_it_does_there() -> None:
    told = values(DONE, Path("emails.results.csv"))
    assert told["Run"]["Duration"] == "3.67 s"
    assert told["Run"]["Records"] == "100"
    assert told["Speed"]["Throughput"] == "27.2 requests a second"
    assert told["Speed"]["Average a record"] == "37 ms"
    assert told["Outcomes"]["Succeeded"] == "100  (100.0% of 100 records)"
    assert told["Categories"]["work"] == "40   40.0%"
    assert told["Cost"] == {
        "Total": "$0.023416",
        "A record": "$0.000234",
        "A thousand records": "$0.234160",
        "A million records": "$234.16",
        "Of it on failed attempts": "$0.000000",
    }
    assert told["Tokens"] == {"In": "8,945", "Out": "4,065", "Total": "13,010", "Average a request": "130.1"}
    assert told["Results"]["Written to"] == "emails.results.csv"


def test_an_unknown_price_is_not_a_zero_and_says_how_to_set_one() -> None:
    snapshot = replace(DONE, money=Money(None, Decimal(0), None))
    assert set(values(snapshot)["Cost"].values()) == {"n/a"}
    assert any("[prices]" in hint for hint in hints(snapshot))


def test_a_run_of_nothing_divides_by_nothing() -> None:
    empty = replace(
        DONE,
        records_total=0,
        records_read=0,
        elapsed=0.0,
        counts=Counts(0, 0, 0, 0, 0, 0, 0, 0),
        throughput=Throughput(0.0, 0.0, 0.0, (), 0.1),
        latency=Latency(None, None, None, None),
        usage=Usage(),
        money=Money(Decimal(0), Decimal(0), None),
        attempts=0,
        categories=(),
    )
    told = values(empty)
    assert told["Cost"]["A record"] == "n/a"
    assert told["Speed"]["Average a record"] == "n/a"
    assert as_text(report(empty, Kept()))


def test_failures_are_told_by_cause() -> None:
    errors = ((ErrorKind.RATE_LIMITED, 30), (ErrorKind.INVALID_OUTPUT, 10))
    snapshot = replace(DONE, errors=errors, counts=Counts(100, 0, 0, 0, 90, 10, 0, 0), attempts=140, throttled=30)
    section = next(section for section in report(snapshot, Kept()) if "cause" in section.title)
    assert section.rows == (("rate limited", "30   75.0%"), ("invalid output", "10   25.0%"))
    assert section.shares == (0.75, 0.25)
    told = hints(snapshot)
    assert "--limit" in told[0]
    assert any("10 requests failed for good" in hint for hint in told)


def test_two_questions_a_record_count_records_not_requests() -> None:
    snapshot = replace(DONE, counts=Counts(200, 0, 0, 0, 200, 0, 0, 0))
    assert values(snapshot)["Cost"]["A record"] == "$0.000234"
    assert values(snapshot)["Run"]["Requests"] == "200"


def test_several_questions_failures_and_skips_are_divided_by_the_records_that_ended() -> None:
    # 50 records asked two things each: 10 first questions failed, so 10 second ones were skipped.
    counts = Counts(100, 0, 0, 0, 80, 10, 10, 0)
    money = Money(Decimal("0.05"), Decimal(0), None)
    told = values(replace(DONE, records_total=50, records_read=50, counts=counts, money=money, elapsed=5.0))
    assert told["Cost"]["A record"] == "$0.001000"
    assert told["Cost"]["A million records"] == "$1,000.00"
    assert told["Speed"]["Average a record"] == "0.10 s"
    assert told["Outcomes"]["Succeeded"] == "80  (80.0% of 100 requests)"


def test_what_was_cancelled_has_neither_succeeded_nor_ended() -> None:
    cancelled = replace(DONE, counts=Counts(100, 0, 0, 0, 64, 0, 0, 36))
    told = values(cancelled)
    assert told["Outcomes"]["Succeeded"] == "64  (64.0% of 100 records)"
    assert told["Cost"]["A record"] == "$0.000366"
    assert told["Speed"]["Average a record"] == "57 ms"


def test_a_drained_run_tells_its_share_of_what_was_read() -> None:
    drained = replace(DONE, records_total=1000, records_read=50, counts=Counts(1000, 950, 0, 0, 40, 0, 0, 10))
    told = values(drained)
    assert told["Outcomes"]["Succeeded"] == "40  (80.0% of 50 records read)"
    assert told["Outcomes"]["Not started"] == "950"


def test_a_pipe_that_was_cut_short_counts_records_too() -> None:
    counts = Counts(None, 0, 0, 0, 20, 0, 0, 0)
    told = values(replace(DONE, records_total=None, records_read=10, counts=counts))
    assert told["Run"]["Records"] == "10"
    assert told["Run"]["Requests"] == "20"
    assert told["Cost"]["A record"] == "$0.002342"


def test_a_run_that_left_something_open_is_named_with_the_command_that_goes_on() -> None:
    some_failed = replace(DONE, counts=Counts(100, 0, 0, 0, 98, 2, 0, 0))
    kept = Kept("20261125-" + "t" * 80, Path("out.csv"), Path("out.failures.csv"))
    sections = report(some_failed, kept)
    told = {section.title: dict(section.rows) for section in sections}["Results"]
    command = f"dagtui resume {kept.run}"
    assert told == {"Written to": "out.csv", "What failed": "out.failures.csv", "To go on": command}
    assert f"To go on     {command}\n" in as_text(sections, 60)


def test_results_that_are_kept_in_the_journal_alone_are_named_with_the_command_that_writes_them() -> None:
    told = {section.title: dict(section.rows) for section in report(DONE, Kept("a run"))}["Results"]
    assert told["Kept in"] == "the journal of run a run"
    assert told["To a file"] == "dagtui export 'a run' -o results.csv"
    assert "To go on" not in told


FASTER = "--concurrency 40: nothing was refused and nothing failed, while records waited for the 20 places"


def test_a_clean_run_that_its_concurrency_held_back_is_told_that_more_may_be_faster() -> None:
    told = hints(replace(DONE, target=20))
    assert len(told) == 1
    assert told[0].startswith(FASTER)


@pytest.mark.parametrize(
    "changes",
    [
        {"target": 100},
        {"target": 500},
        {"target": 20, "counts": Counts(100, 0, 0, 0, 64, 0, 0, 36)},
        {"target": 20, "counts": Counts(100, 60, 0, 0, 40, 0, 0, 0)},
        {"target": 20, "records_total": None, "counts": Counts(None, 0, 0, 0, 100, 0, 0, 0)},
        {"target": 20, "phase": "running"},
        {"target": 20, "errors": ((ErrorKind.SERVER, 1),)},
    ],
)
def test_a_run_that_was_not_held_back_or_ended_early_gets_no_such_advice(changes: dict[str, Any]) -> None:
    assert not any("nothing was refused" in told for told in hints(replace(DONE, **changes)))


def test_the_text_keeps_within_its_width_and_shows_bars() -> None:
    snapshot = replace(DONE, reason="stopped because " + "the key was refused " * 6)
    printed = as_text(report(snapshot, Kept(results=Path("/a/very/long/path/" * 5))), width=60)
    assert max(len(line) for line in printed.splitlines() if "/" not in line) <= 60
    assert "█" in printed
    assert printed.startswith("Run\n")


def test_a_hostile_category_is_made_visible() -> None:
    snapshot = replace(DONE, categories=(("\x1b[31mred", 1),))
    assert "\x1b" not in as_text(report(snapshot, Kept()))


def test_what_bound_is_what_the_report_advises_to_lift() -> None:
    held = replace(DONE, held_by="", mostly_held_by=Holder.INPUT)
    assert "input tokens" in hints(held)[0]
    assert "higher concurrency" not in " ".join(hints(held))


def test_an_automatic_concurrency_is_called_so() -> None:
    assert values(DONE)["Run"]["Concurrency"] == "100"
    assert values(replace(DONE, automatic=True, target=41))["Run"]["Concurrency"] == "automatic, 41 at last"


def test_a_run_that_was_gone_on_with_takes_its_average_over_what_this_session_did() -> None:
    assert values(DONE)["Speed"]["Average a record"] == "37 ms"
    gone_on = replace(DONE, before=Before(63, Usage(), None, 63, ended=63))
    assert values(gone_on)["Speed"]["Average a record"] == "99 ms"
    assert values(gone_on)["Run"]["Duration, last session"] == values(DONE)["Run"]["Duration"]
    assert (
        values(replace(DONE, before=Before(100, Usage(), None, 100, ended=100)))["Speed"]["Average a record"]
        == "n/a"
    )


def test_what_went_wrong_is_told_by_its_messages_the_failures_first() -> None:
    causes = Causes()
    for seq in range(30):
        causes.add(100.0, seq, AttemptError(ErrorKind.RATE_LIMITED, f"limit of {seq} met", 429), 1, given_up=False)
    cut = AttemptError(ErrorKind.INVALID_OUTPUT, "cut \x1b[2J off; it began: 'x'", 200)
    causes.add(101.0, 3, cut, 2, given_up=True)
    for word in ("one", "two", "three", "four"):
        causes.add(102.0, 4, AttemptError(ErrorKind.SERVER, f"broken {word}", 500), 1, given_up=False)
    sections = report(DONE, Kept(), causes=causes.groups)
    rows = next(section.rows for section in sections if section.title == "What went wrong")
    assert rows[:2] == (
        ("invalid output 200", "1 given up, 0 retried: cut ␛[#J off"),
        ("rate limited 429", "0 given up, 30 retried: limit of # met"),
    )
    assert len(rows) == 5
    assert "\x1b" not in as_text(sections)
    assert "What went wrong" not in {section.title for section in report(DONE, Kept())}
