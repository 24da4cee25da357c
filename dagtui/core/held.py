"""What keeps a run from being faster, in one sentence: what binds now, and what would lift it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dagtui.core.figures import count


class Holder(StrEnum):
    """What binds."""

    YOU = "you"  # the concurrency that the user set
    AUTOMATIC = "automatic"  # the one that automatic mode chose
    CEILING = "ceiling"  # the most that automatic mode may choose
    REQUESTS = "requests"
    INPUT = "input"
    OUTPUT = "output"
    PROVIDER_CAP = "provider cap"  # requests in flight that the provider takes
    GATEWAY = "gateway"  # a limit that shows in latency alone
    FINDING = "finding"  # the start, while nothing is known
    ASKED = "asked"  # the provider asked everybody to wait, or refuses everybody
    OUTAGE = "outage"
    BUDGET = "retry budget"
    CAP = "cap"  # the user's requests a minute
    MONEY = "money"  # the budget
    WAITING = "waiting"  # all that is left waits to retry
    READING = "reading"
    LOWERED = "lowered"
    PAUSED = "paused"
    PILOT = "pilot"  # its end, until somebody says go on
    CPU = "cpu"
    NOTHING = "nothing"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Hold:
    """What binds at one moment. `number` is a rate a minute, a count or seconds, as `by` needs it; `others` is how
    much of a rate others of the same organisation use.
    """

    by: Holder
    number: float = 0.0
    known_from: str = ""
    others: float = 0.0


def sentence(hold: Hold) -> str:
    """The hold as what follows "held by" on a screen: short, with what would lift it."""
    number = hold.number
    match hold.by:
        case Holder.YOU:
            return f"set by you: more than {count(int(number))} at once would be faster"
        case Holder.AUTOMATIC:
            return f"automatic: {count(int(number))} is what latency and errors allow"
        case Holder.CEILING:
            return f"automatic: at its ceiling of {count(int(number))}"
        case Holder.REQUESTS:
            return f"requests a minute: {_per_minute(hold, 'a higher limit')}"
        case Holder.INPUT:
            return f"input tokens a minute: {_per_minute(hold, 'a shorter prompt')}"
        case Holder.OUTPUT:
            return f"output tokens a minute: {_per_minute(hold, 'a smaller max_tokens')}"
        case Holder.PROVIDER_CAP:
            return f"the provider takes {count(int(number))} at once"
        case Holder.GATEWAY:
            return f"latency: beyond {count(int(number))} at once requests queue up behind the gateway"
        case Holder.FINDING:
            return "starting gently, until the provider's limit is known"
        case Holder.ASKED:
            return f"the provider refuses: everybody waits, {number:.1f} s more"
        case Holder.OUTAGE:
            return f"nothing answers: next try in {number:.1f} s"
        case Holder.BUDGET:
            return "most attempts fail: retries are held to 10 a second"
        case Holder.CAP:
            return "your own cap of requests a minute"
        case Holder.MONEY:
            return "the budget: what is in flight may use up the rest of it"
        case Holder.WAITING:
            return f"below the limit: {count(int(number))} wait to retry"
        case Holder.READING:
            return "filling: records are still being read"
        case Holder.LOWERED:
            return f"lowered: {count(int(number))} more to come back"
        case Holder.PAUSED:
            return "paused by you"
        case Holder.PILOT:
            return "the pilot has ended: p goes on with all the rest, d ends here"
        case Holder.CPU:
            return "this machine: the program has used up its processor core"
        case Holder.ENDING:
            return "the run is ending"
        case Holder.NOTHING:
            return "below the limit: nothing else is ready"


def _per_minute(hold: Hold, remedy: str) -> str:
    known = {
        "told": "as you said",
        "remembered": "as in an earlier run",
        "message": "as a refusal said",
        "header": "as the provider says",
        "measured": "measured by refusals",
    }
    told = count(round(hold.number))
    if source := known.get(hold.known_from, ""):
        told += f", {source}"
    share = round(10.0 * hold.others / hold.number) if hold.number else 0  # in tenths: it never stands still
    return f"{told}; others use about {10 * share}% of it" if share else f"{told}; {remedy} would lift it"
