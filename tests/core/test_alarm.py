from __future__ import annotations

import pytest

from dagtui.core.alarm import DRY_SECONDS, FIRST, Alarm
from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.model import AttemptError, Blame

WRONG = GatewayError(ErrorKind.BAD_REQUEST, "too long.", 400)


def refusal(**details: object) -> GatewayError:
    return GatewayError(ErrorKind.RATE_LIMITED, "no.", 429, **details)  # type: ignore[arg-type]


def dry(alarm: Alarm, error: GatewayError, seconds: float = 200.0, start: float = 0.0) -> AttemptError | None:
    """What it says at last, when nothing but `error` comes, once a second."""
    said = [alarm.failed(error, start + second) for second in range(int(seconds))]
    return next((one for one in said if one is not None), None)


def test_more_than_half_of_the_first_requests_being_wrong_stops_a_run() -> None:
    alarm = Alarm()
    for _ in range(9):
        alarm.answered()
    said = [alarm.failed(WRONG, 0.0) for _ in range(11)]
    assert said[:-1] == [None] * 10
    assert said[-1] is not None
    assert said[-1].kind is ErrorKind.CONFIG
    assert said[-1].message == (
        "11 of the first 20 requests were refused as wrong, so the rest would be, too: "
        "correct the task or the file. The last one: too long."
    )


def test_half_of_them_does_not_and_neither_does_any_number_of_later_ones() -> None:
    alarm = Alarm()
    for _ in range(FIRST // 2):
        alarm.answered()
    assert [alarm.failed(WRONG, 0.0) for _ in range(500)] == [None] * 500


def test_other_failures_are_no_answers() -> None:
    alarm = Alarm()
    for kind in (ErrorKind.SERVER, ErrorKind.OVERLOADED, ErrorKind.CONNECTION, ErrorKind.TIMEOUT):
        assert dry(alarm, GatewayError(kind, "no")) is None
    assert sum(alarm.failed(WRONG, 0.0) is not None for _ in range(11)) == 1


@pytest.mark.parametrize("kind", [ErrorKind.RATE_LIMITED, ErrorKind.QUOTA])
def test_refusals_that_never_end_and_never_say_when_to_come_back_stop_a_run(kind: ErrorKind) -> None:
    said = dry(Alarm(), GatewayError(kind, "no.", 429))
    assert said is not None
    assert said.kind is ErrorKind.BUDGET
    assert "for 120 s all that came was refusals" in said.message
    assert "Is a spend or quota limit reached?" in said.message


def test_a_wait_of_a_day_is_no_wait_and_is_told() -> None:
    said = dry(Alarm(), refusal(retry_after=3 * 86_400.0))
    assert said is not None
    assert "it asks to stay away for 3 days" in said.message


@pytest.mark.parametrize(
    "error", [refusal(retry_after=1.0), refusal(retry_after=900.0), refusal(blame=Blame("requests", 50.0))]
)
def test_a_limit_that_is_named_or_says_when_to_come_back_is_waited_out(error: GatewayError) -> None:
    assert dry(Alarm(), error, 2000) is None


def test_any_answer_begins_the_count_anew() -> None:
    alarm = Alarm()
    for minute in range(20):
        assert dry(alarm, refusal(), 60, 60.0 * minute) is None
        alarm.answered()


def test_a_few_refusals_are_not_enough_and_a_pause_is_no_drought() -> None:
    alarm = Alarm()
    assert [alarm.failed(refusal(), 30.0 * number) for number in range(9)] == [None] * 9
    alarm = Alarm()
    for number in range(9):
        alarm.failed(refusal(), float(number))
    assert alarm.failed(refusal(), 10.0 + 2 * DRY_SECONDS) is None
