"""Which fault a request meets, if any."""

from __future__ import annotations

import math
from typing import Literal

from dagtui.simulator.draws import Draws
from dagtui.simulator.knobs import Knobs
from dagtui.simulator.limits import Refusal
from dagtui.simulator.wire import Problem

Fault = Literal["429", "500", "529", "hang", "reset"]


def fault_of(knobs: Knobs, draws: Draws) -> Fault | None:
    """Draw the fault of an attempt; the shares add up."""
    if not (knobs.rate_429 or knobs.rate_500 or knobs.rate_529 or knobs.rate_hang or knobs.rate_reset):
        return None
    rates: tuple[tuple[Fault, float], ...] = (
        ("429", knobs.rate_429),
        ("500", knobs.rate_500),
        ("529", knobs.rate_529),
        ("hang", knobs.rate_hang),
        ("reset", knobs.rate_reset),
    )
    left = draws.uniform("fault")
    for fault, rate in rates:
        left -= rate
        if left < 0:
            return fault
    return None


def injected_429(knobs: Knobs) -> Refusal:
    """A refusal that no bucket explains, as when usage grows too suddenly."""
    message = (
        "This request would exceed your organization's maximum usage increase rate for requests "
        "per minute. Please scale up your usage more gradually to stay within the acceleration limit."
    )
    seconds = knobs.retry_after_s
    wait = None if seconds is None else math.ceil(seconds)
    return Refusal(Problem(429, "rate_limit_error", message), wait)
