from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.retry import Advice, Failures, GiveUp, RetryPolicy, TryAgain, decide

POLICY = RetryPolicy()


def failed(
    kind: ErrorKind,
    *,
    own: int = 1,
    patient: int = 0,
    elapsed: float = 0.0,
    uniform: float = 0.5,
    **extra: float,
):
    return decide(POLICY, GatewayError(kind, "no", **extra), Failures(own, patient, elapsed), uniform)


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if not kind.retryable])
def test_what_would_fail_again_is_never_retried(kind: ErrorKind) -> None:
    assert isinstance(failed(kind), GiveUp)


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind.retryable])
def test_what_may_pass_is_retried(kind: ErrorKind) -> None:
    assert isinstance(failed(kind), TryAgain)


def test_attempts_are_counted_for_the_requests_own_failures_only() -> None:
    assert isinstance(failed(ErrorKind.SERVER, own=5), GiveUp)
    assert isinstance(failed(ErrorKind.RATE_LIMITED, own=5, patient=50), TryAgain)


def test_a_gateway_that_is_gone_does_not_use_up_attempts_and_is_tried_every_few_seconds() -> None:
    gone = failed(ErrorKind.CONNECTION, own=5, patient=2000, uniform=1.0, billed="no")  # type: ignore[arg-type]
    assert gone == TryAgain(5.0, "backoff")
    assert isinstance(failed(ErrorKind.CONNECTION, own=5, billed="maybe"), GiveUp)  # type: ignore[arg-type]


def test_retry_after_is_honoured_and_never_undercut() -> None:
    assert failed(ErrorKind.RATE_LIMITED, retry_after=7.0, uniform=0.0) == TryAgain(7.0, "retry-after")
    again = failed(ErrorKind.RATE_LIMITED, retry_after=7.0, uniform=0.999)
    assert isinstance(again, TryAgain)
    assert 7.0 <= again.wait <= 7.7


@pytest.mark.parametrize("asked", [0.0, 0.001])
def test_a_retry_after_of_next_to_nothing_backs_off_like_none_at_all(asked: float) -> None:
    again = failed(ErrorKind.RATE_LIMITED, patient=5, retry_after=asked, uniform=0.5)
    assert again == TryAgain(8.0, "backoff")


def test_what_mostly_fails_alike_is_asked_once_more_only() -> None:
    assert isinstance(failed(ErrorKind.INVALID_OUTPUT, own=1, most_attempts=2), TryAgain)
    assert failed(ErrorKind.INVALID_OUTPUT, own=2, most_attempts=2) == GiveUp("2 attempts used up")
    assert isinstance(failed(ErrorKind.INVALID_OUTPUT, own=2), TryAgain)
    assert isinstance(failed(ErrorKind.SERVER, own=1, most_attempts=1), GiveUp)


@pytest.mark.parametrize("asked", [901.0, 86_400.0, 1e9, 1e99])
def test_an_absurd_retry_after_is_waited_for_like_none_at_all(asked: float) -> None:
    assert failed(ErrorKind.RATE_LIMITED, own=0, patient=5, retry_after=asked) == TryAgain(8.0, "backoff")
    assert failed(ErrorKind.RATE_LIMITED, retry_after=900.0, uniform=0.0) == TryAgain(900.0, "retry-after")


def test_an_answer_that_was_lost_and_may_be_paid_is_asked_for_twice_more_at_most() -> None:
    lost = {"billed": "maybe", "lost": True}
    assert isinstance(failed(ErrorKind.SERVER, own=2, **lost), TryAgain)  # type: ignore[arg-type]
    assert failed(ErrorKind.SERVER, own=3, **lost) == GiveUp("3 attempts used up")  # type: ignore[arg-type]
    assert isinstance(failed(ErrorKind.SERVER, own=4, billed="maybe"), TryAgain)  # type: ignore[arg-type]
    policy, error = RetryPolicy(attempts=1), GatewayError(ErrorKind.TIMEOUT, "no", lost=True)
    assert isinstance(decide(policy, error, Failures(1, 0, 0.0), 0.5), GiveUp)
    outage = Advice(outage=True)
    assert isinstance(decide(POLICY, error, Failures(2, 7, 0.0, lost=9), 0.5, outage), TryAgain)
    assert isinstance(decide(POLICY, error, Failures(2, 8, 0.0, lost=10), 0.5, outage), GiveUp)


def test_the_deadline_is_kept() -> None:
    assert isinstance(failed(ErrorKind.RATE_LIMITED, elapsed=1795.0, retry_after=10.0), GiveUp)


def test_throttling_starts_from_a_longer_backoff_than_other_errors() -> None:
    throttled = failed(ErrorKind.OVERLOADED, own=0, patient=1, uniform=1.0)
    other = failed(ErrorKind.SERVER, own=1, uniform=1.0)
    assert isinstance(throttled, TryAgain)
    assert isinstance(other, TryAgain)
    assert (throttled.wait, other.wait) == (1.0, 0.25)


def test_an_invalid_answer_is_asked_again_at_once() -> None:
    assert failed(ErrorKind.INVALID_OUTPUT) == TryAgain(0.0, "asked again")


@given(n=st.integers(1, 40), uniform=st.floats(0, 1, exclude_max=True))
def test_backoff_grows_is_capped_and_uses_the_full_jitter(n: int, uniform: float) -> None:
    again = failed(ErrorKind.OVERLOADED, own=0, patient=n, uniform=uniform)
    assert isinstance(again, TryAgain)
    assert again.wait == pytest.approx(uniform * min(60.0, 2.0 ** (n - 1)))


def advised(
    kind: ErrorKind, advice: Advice, *, own: int = 1, patient: int = 0, elapsed: float = 0.0, **extra: float
):
    return decide(POLICY, GatewayError(kind, "no", **extra), Failures(own, patient, elapsed), 0.5, advice)


def test_a_refused_request_returns_in_its_turn_where_the_pace_is_known() -> None:
    again = advised(ErrorKind.RATE_LIMITED, Advice(wait=0.02), patient=40, retry_after=1.0)
    assert again == TryAgain(0.02, "in its turn")


def test_without_a_known_pace_a_refused_request_waits_as_it_was_asked_to() -> None:
    again = advised(ErrorKind.RATE_LIMITED, Advice(), retry_after=3.0)
    assert isinstance(again, TryAgain)
    assert 3.0 <= again.wait <= 3.3


def test_the_turn_of_a_refused_request_must_come_before_its_deadline_all_the_same() -> None:
    assert isinstance(advised(ErrorKind.RATE_LIMITED, Advice(wait=30.0), elapsed=1790.0), GiveUp)


@pytest.mark.parametrize("kind", [ErrorKind.SERVER, ErrorKind.TIMEOUT, ErrorKind.INVALID_RESPONSE])
def test_what_an_outage_spoils_is_no_fault_of_the_request(kind: ErrorKind) -> None:
    assert advised(kind, Advice(outage=True), own=500) == TryAgain(0.0, "when the outage is over")
    assert isinstance(advised(kind, Advice(), own=500), GiveUp)


def test_even_in_an_outage_the_deadline_is_kept_and_what_cannot_help_is_not_tried() -> None:
    assert isinstance(advised(ErrorKind.SERVER, Advice(outage=True), elapsed=1801.0), GiveUp)
    assert isinstance(advised(ErrorKind.AUTH, Advice(outage=True)), GiveUp)
    once = advised(ErrorKind.SERVER, Advice(outage=True), own=1, most_attempts=1)
    assert once == GiveUp("asking again would not help")


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_where_somebody_else_retries_each_request_has_one_attempt(kind: ErrorKind) -> None:
    elsewhere = RetryPolicy(elsewhere=True)
    for advice in (Advice(), Advice(wait=0.1), Advice(outage=True)):
        assert isinstance(decide(elsewhere, GatewayError(kind, "no"), Failures(1, 0, 0.0), 0.5, advice), GiveUp)
