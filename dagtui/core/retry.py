"""When to try again: one pure decision for every route.

Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015):
wait a uniform share of `min(cap, base * 2^(n-1))`, so that requests which failed together do not return
together. A `retry-after` is honoured exactly, plus a tenth of jitter; one that cannot be meant is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagtui.core.errors import ErrorKind, GatewayError

_MOST_DOUBLINGS = 20  # beyond any cap, and no float overflows


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a request is.

    `attempts` bounds tries that failed for its own sake, and `lost` those after which an answer may have been paid
    that never arrived; `lost_in_outage` holds even where the others are gone, too, lest a request that breaks the
    gateway is paid for without end. Throttling (429, 529) and a gateway that is gone use none of them up and are
    bounded by `deadline` alone, which counts attempts and the waits between them. With `elsewhere` somebody else
    retries, and each request has one attempt. Seconds.
    """

    attempts: int = 5
    lost: int = 3
    lost_in_outage: int = 10
    deadline: float = 1800.0
    base: float = 0.25
    throttled_base: float = 1.0
    cap: float = 60.0
    absent_cap: float = 5.0
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Wait so many seconds, for this reason."""

    wait: float
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failures:
    """What a request has been through: failed attempts of its own, patient ones, seconds spent; how many of all
    may have been answered in vain."""

    own: int
    patient: int
    elapsed: float
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Advice:
    """What the limiter knows of a failure: the seconds after which a refused request may queue again, where the
    provider's pace is known; whether the failure was an outage's, and no fault of the request."""

    wait: float | None = None
    outage: bool = False


_NO_ADVICE = Advice()


def is_spared(error: GatewayError, advice: Advice) -> bool:
    """Whether the failure uses up none of the request's attempts."""
    return error.patient or (advice.outage and error.most_attempts is None)


def decide(
    policy: RetryPolicy, error: GatewayError, failures: Failures, uniform: float, advice: Advice = _NO_ADVICE
) -> TryAgain | GiveUp:
    """Whether to try again after `error`, which `failures` already counts; `uniform` is a draw from [0, 1)."""
    kind = error.kind
    if not kind.retryable:
        return GiveUp(f"{kind.value} is not retried")
    if policy.elsewhere:
        return GiveUp("retrying is the gateway's affair in this run")
    attempts = min(policy.attempts, error.most_attempts or policy.attempts)
    if error.lost:
        attempts = min(attempts, policy.lost)
    if not is_spared(error, advice) and failures.own >= attempts:
        return GiveUp(f"{attempts} attempts used up" if attempts > 1 else "asking again would not help")
    if error.lost and failures.lost >= policy.lost_in_outage:
        return GiveUp(f"{failures.lost} answers may have been paid in vain")
    if advice.outage:
        again = TryAgain(0.0, "when the outage is over")
    elif advice.wait is not None:
        again = TryAgain(advice.wait, "in its turn")
    else:
        again = _wait(policy, error, failures, uniform)
    if failures.elapsed + again.wait > policy.deadline:
        return GiveUp(f"would pass the deadline of {policy.deadline:.0f} s")
    return again


def _wait(policy: RetryPolicy, error: GatewayError, failures: Failures, uniform: float) -> TryAgain:
    if (asked := error.wait) is not None:
        return TryAgain(asked + uniform * max(0.05, 0.1 * min(asked, 10.0)), "retry-after")
    if error.kind is ErrorKind.INVALID_OUTPUT:
        return TryAgain(0.0, "asked again")
    if error.kind.throttled:
        base, cap, count = policy.throttled_base, policy.cap, failures.patient
    elif error.patient:
        base, cap, count = policy.base, policy.absent_cap, failures.patient
    else:
        base, cap, count = policy.base, policy.cap, failures.own
    ceiling = min(cap, base * 2.0 ** min(max(1, count) - 1, _MOST_DOUBLINGS))
    return TryAgain(uniform * ceiling, "backoff")
