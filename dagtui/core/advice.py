"""What to change next time, derived from what was measured. Each sentence names the setting and the number."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log

from dagtui.core.errors import ErrorKind
from dagtui.core.figures import count, money, percent, rate, seconds
from dagtui.core.held import Holder
from dagtui.core.model import Headroom
from dagtui.core.run_settings import MAX_ATTEMPTS, MAX_CONCURRENCY, RunSettings
from dagtui.core.snapshot import Snapshot

_MANY_THROTTLED = 0.05
_MANY_FAILED = 0.02
_MUCH_WASTED = 0.05
_FAR_TAIL = 8.0  # times the median that the slowest hundredth takes
_HUNG = 10.0  # times what the slowest hundredth takes: what is waited for so long is not slow, it hangs
_ENOUGH = 100  # answers, before something is said of their tail
_SPARE = 1.2  # places more than were needed on average

_LIMITS = {
    Holder.REQUESTS: ("limit on requests a minute", "ask for a higher one"),
    Holder.INPUT: ("limit on input tokens", "shorten the prompt, or raise it"),
    Holder.OUTPUT: ("limit on output tokens", "lower max_tokens, or raise it"),
}
_OTHERS = {
    Holder.PROVIDER_CAP: "The provider takes no more at once: ask for a higher limit",
    Holder.GATEWAY: "Beyond this, requests queued up behind the gateway: raise the limit that it retries against",
    Holder.CAP: "Your own cap of requests a minute (--requests-per-minute) was what held it: raise it",
}


def hints(
    snapshot: Snapshot, settings: RunSettings | None = None, max_tokens: int | None = None
) -> tuple[str, ...]:
    """What the figures suggest, most useful first. Without `settings`, what needs them is left out."""
    found = [
        *_budget(snapshot, settings),
        *_throttling(snapshot, settings),
        *_timeouts(snapshot, settings),
        *_output(snapshot, max_tokens),
        *_attempts(snapshot, settings),
        *_failed(snapshot),
        *_waste(snapshot),
        *_tail(snapshot, settings),
    ]
    if snapshot.money.spent is None:
        found.append("The price of this model is unknown: set it under [prices] in dagtui.toml to see the cost.")
    if binding := _binding(snapshot):
        found.append(f"{binding}; no other setting would have made this run faster.")
    elif not found and not snapshot.errors and _was_held_back(snapshot):
        found.append(_faster(snapshot))
    return tuple(found)


def _budget(snapshot: Snapshot, settings: RunSettings | None) -> Iterator[str]:
    counts, spent = snapshot.counts, snapshot.money.spent
    cap = snapshot.money.cap or (settings.max_cost if settings is not None else None)
    if cap is None or spent is None or counts.total is None or not counts.ended or snapshot.phase != "ended":
        return
    left = counts.total - counts.succeeded
    needed = spent + spent / counts.ended * left
    if left and needed > cap:
        yield (
            f"--max-cost {ceil(needed * 100) / 100:.2f}: the budget of {money(cap)} was too small for all of it;"
            f" the {count(left)} that are left cost about {money(needed - spent)} more."
        )


def _throttling(snapshot: Snapshot, settings: RunSettings | None) -> Iterator[str]:
    attempts = max(1, snapshot.attempts)
    if snapshot.throttled / attempts <= _MANY_THROTTLED:
        return
    share = percent(snapshot.throttled, attempts)
    known = _told_limits(snapshot, settings)
    if known:
        flags = " ".join(f"--limit {name}={number}" for name, number in known)
        yield f"{flags}: {share} of the attempts met the rate limit; told, the next run need not find it."
    else:
        yield (
            f"{share} of the attempts met the rate limit: tell it with --limit, so that the next run need not"
            " find it."
        )
    latency, mean = snapshot.latency.mean, snapshot.throughput.mean
    enough = ceil(_SPARE * mean * latency) if latency else 0
    if enough and not snapshot.automatic and snapshot.target >= 2 * enough:
        yield (
            f"--concurrency {enough}, or auto: {rate(mean)} answers a second of {seconds(latency)} each need about"
            f" {enough} at once, and the {count(snapshot.target)} that were allowed only met the limit."
        )


def _told_limits(snapshot: Snapshot, settings: RunSettings | None) -> list[tuple[str, int]]:
    """The provider's limits as its headers told them, as far as they were not set already."""
    limits = snapshot.limits
    if limits is None:
        return []
    found = (("requests", limits.requests), ("input", limits.input_tokens), ("output", limits.output_tokens))
    already = settings.limits if settings is not None else dict[str, float]()
    return [(name, room.limit) for name, room in found if room is not None and room.limit and name not in already]


def _timeouts(snapshot: Snapshot, settings: RunSettings | None) -> Iterator[str]:
    """A shorter one where attempts hung, a longer one where answers take about as long as they may."""
    number, p99 = dict(snapshot.errors).get(ErrorKind.TIMEOUT, 0), snapshot.latency.p99
    many = number / max(1, snapshot.attempts) > _MANY_FAILED
    if settings is None:
        if many:
            yield "Attempts ran out of time: raise the timeout, or ask for shorter answers."
        return
    given = settings.timeout
    told = f"{count(number)} {_plural(number, 'attempt')} ran out of the {seconds(given)} that each may take"
    if number and p99 and _HUNG * p99 < given:
        sooner = max(2, ceil(_HUNG / 2 * p99))
        yield f"--timeout {sooner}: {told}, while 99% of the answers came within {seconds(p99)}; ask again sooner."
    elif many:
        yield f"--timeout {2 * given:g}: {told}; or ask for shorter answers."


def _output(snapshot: Snapshot, max_tokens: int | None) -> Iterator[str]:
    number = dict(snapshot.errors).get(ErrorKind.INVALID_OUTPUT, 0)
    attempts = max(1, snapshot.attempts)
    if number / attempts <= _MANY_FAILED:
        return
    told = f"{percent(number, attempts)} of the answers did not fit the schema"
    answered = snapshot.counts.succeeded + number
    mean = snapshot.usage.output / answered if answered else 0
    if max_tokens is None:
        yield f"{told}: say it more plainly in the prompt, or raise max_tokens."
    elif mean > max_tokens / 2:
        yield (
            f"max_tokens = {2 * max_tokens}: {told}, and with {mean:,.0f} of {max_tokens} tokens on average some"
            " were cut short."
        )
    else:
        yield f"{told}: say it more plainly in the prompt ({mean:,.0f} of {max_tokens} max_tokens were used)."


def _attempts(snapshot: Snapshot, settings: RunSettings | None) -> Iterator[str]:
    """How many attempts would have left less than half a failure, at the rate at which attempts failed."""
    if settings is None or not snapshot.counts.failed or settings.retries_by == "gateway":
        return
    own = {kind: number for kind, number in snapshot.errors if not kind.throttled}
    failed, tried = own.get(ErrorKind.SERVER, 0), snapshot.attempts - snapshot.throttled
    if failed <= sum(own.values()) / 2 or failed >= tried:
        return  # of what may have been paid there are few attempts in any case; and nothing helps where all fail
    requests = snapshot.counts.succeeded + snapshot.counts.failed
    share = failed / tried
    needed = ceil(log(0.5 / requests) / log(share)) if requests > 1 else 1
    if settings.attempts < needed <= MAX_ATTEMPTS:
        yield (
            f"--attempts {needed}: the server failed in {percent(failed, tried)} of the attempts; with"
            f" {settings.attempts} tries each, some of {count(requests)} requests never got through."
        )


def _failed(snapshot: Snapshot) -> Iterator[str]:
    failed = snapshot.counts.failed
    if failed:
        yield (
            f"{count(failed)} {_plural(failed, 'request')} failed for good:"
            " the log says why; what failed can be run again once the cause is gone."
        )


def _waste(snapshot: Snapshot) -> Iterator[str]:
    spent, wasted = snapshot.money.spent, snapshot.money.wasted
    if not spent or float(wasted / spent) <= _MUCH_WASTED:
        return
    paid = [kind for kind, _ in snapshot.errors if kind in _PAID]
    why = f"; most often: {paid[0].replace('_', ' ')}" if paid else ""
    yield f"{percent(float(wasted), float(spent))} of the money went to attempts that failed{why}."


_PAID = frozenset(
    {ErrorKind.INVALID_OUTPUT, ErrorKind.INVALID_RESPONSE, ErrorKind.TIMEOUT, ErrorKind.SERVER}
    | {ErrorKind.CONNECTION, ErrorKind.SUPERSEDED, ErrorKind.GUARDRAIL}
)


def _tail(snapshot: Snapshot, settings: RunSettings | None) -> Iterator[str]:
    p50, p99 = snapshot.latency.p50, snapshot.latency.p99
    if settings is None or settings.hedge or not p50 or not p99 or snapshot.counts.succeeded < _ENOUGH:
        return
    if p99 > _FAR_TAIL * p50:
        yield (
            f"--hedge: the slowest hundredth took {seconds(p99)}, {p99 / p50:.0f} times the median; asked once"
            " more, most of them would have come sooner."
        )


def _binding(snapshot: Snapshot) -> str:
    holder = snapshot.mostly_held_by
    if holder is None:
        return ""
    if holder not in _LIMITS:
        return _OTHERS.get(holder, "")
    what, remedy = _LIMITS[holder]
    limits = snapshot.limits
    room: Headroom | None = None
    if limits is not None:
        rooms = {Holder.REQUESTS: limits.requests, Holder.INPUT: limits.input_tokens}
        room = rooms.get(holder, limits.output_tokens)
    number = f" ({count(room.limit)})" if room is not None and room.limit else ""
    return f"The provider's {what}{number} was what held it: {remedy}"


def _faster(snapshot: Snapshot) -> str:
    records = snapshot.records_read if snapshot.records_total is None else snapshot.records_total
    more = min(2 * snapshot.target, records, MAX_CONCURRENCY)
    if snapshot.automatic:
        return "Nothing was refused and nothing failed: a higher --ceiling may be faster."
    return (
        f"--concurrency {more}: nothing was refused and nothing failed, while records waited for the"
        f" {count(snapshot.target)} places; it may be up to {more / snapshot.target:.1f} times as fast."
    )


def _was_held_back(snapshot: Snapshot) -> bool:
    """Whether a run that did all it should had to let records wait for its concurrency."""
    counts = snapshot.counts
    whole = snapshot.phase == "ended" and counts.succeeded > 0 and counts.succeeded == counts.total
    records = snapshot.records_read if snapshot.records_total is None else snapshot.records_total
    return whole and records > snapshot.target


def _plural(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"
