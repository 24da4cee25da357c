"""Why it is not faster: the lanes' time by what it goes into, in words that fit beside a bar."""

from __future__ import annotations

from dagtui.core.held import Holder
from dagtui.core.snapshot import Lanes

ANSWERS = "answers"
"""What lanes in flight wait for."""

_WORDS: dict[Holder, str] = {
    Holder.YOU: "between two",
    Holder.AUTOMATIC: "between two",
    Holder.CEILING: "between two",
    Holder.LOWERED: "between two",
    Holder.REQUESTS: "request gate",
    Holder.INPUT: "token gate",
    Holder.OUTPUT: "token gate",
    Holder.PROVIDER_CAP: "provider's cap",
    Holder.GATEWAY: "gateway queue",
    Holder.FINDING: "gentle start",
    Holder.ASKED: "cool-down",
    Holder.OUTAGE: "outage",
    Holder.BUDGET: "retry budget",
    Holder.CAP: "your own cap",
    Holder.MONEY: "budget",
    Holder.WAITING: "backoff",
    Holder.READING: "reading",
    Holder.PAUSED: "paused",
    Holder.PILOT: "pilot gate",
    Holder.CPU: "this machine",
    Holder.NOTHING: "nothing ready",
    Holder.ENDING: "ending",
}


def shares(lanes: Lanes) -> tuple[tuple[str, float], ...]:
    """Shares of the lanes' time, adding up to 1: what waits for answers first, then the idle, most first."""
    idle: dict[str, float] = {}
    for holder, spent in lanes.idle:
        word = _WORDS[holder]
        idle[word] = idle.get(word, 0.0) + spent
    whole = lanes.flown + sum(idle.values())
    if whole <= 0:
        return ()
    ranked = sorted(idle.items(), key=lambda item: (-item[1], item[0]))
    return ((ANSWERS, lanes.flown / whole), *((word, spent / whole) for word, spent in ranked))
