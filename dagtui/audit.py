"""A run compared with the books of the simulator that answered it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dagtui.core.figures import money, seconds
from dagtui.core.model import ProviderChoice, Usage
from dagtui.core.pricing import PriceTable
from dagtui.core.report import Audit
from dagtui.core.snapshot import Snapshot
from dagtui.io.simulator_process import SimulatorProcess

_BINDING = {
    "requests": "the requests a minute bind",
    "input_tokens": "the input tokens a minute bind",
    "output_tokens": "the output tokens a minute bind",
    "concurrency": "the concurrency binds",
    "down": "the outage binds",
    "latency": "the latency binds",
}


def auditor(
    simulator: SimulatorProcess,
    prices: PriceTable,
    choices: Sequence[ProviderChoice],
    concurrency: int | None,
    *,
    timed: bool = True,
) -> Callable[[Snapshot], Awaitable[Audit]]:
    """Compares figures, the cost too where one model answered, and the time with the least that was possible.

    `concurrency` is what the run may have had in flight, None where that was left open. A run that is not `timed`
    was slow on purpose.
    """
    models = {(choice.provider, choice.model) for choice in choices}

    async def compare(snapshot: Snapshot) -> Audit:
        try:
            totals = await simulator.totals()
            bound = await simulator.bound(concurrency) if timed else None
        except OSError as error:
            return Audit(f"The simulator's ledger cannot be read: {error}")
        return Audit(_books(snapshot, totals, models, prices), _bound(bound) if bound is not None else "")

    return compare


def _books(snapshot: Snapshot, totals: dict[str, Any], models: set[tuple[str, str]], prices: PriceTable) -> str:
    before = snapshot.before  # of earlier sessions, which another simulator answered
    ours = (
        snapshot.attempts - before.attempts,
        snapshot.usage.input_total - before.usage.input_total,
        snapshot.usage.output - before.usage.output,
    )
    theirs = (totals["requests"], totals["input_tokens"], totals["output_tokens"])
    told = f"{theirs[0]:,} requests, {theirs[1]:,} tokens in, {theirs[2]:,} out"
    spent, same = snapshot.money.spent, ours == theirs
    if len(models) == 1 and spent is not None:
        cost = prices.cost(*next(iter(models)), Usage(theirs[1], theirs[2]))
        told += f", {money(cost)}"
        same = same and cost == spent - (before.spent or 0)
    if same:
        return f"{told}: the simulator's ledger says the same"
    return f"{told} by the simulator's ledger, which counts abandoned requests and hidden retries too"


def _bound(bound: dict[str, Any]) -> str:
    """`39.6 s, at least 39.5 s were needed: 1.001 x (the requests a minute bind)`."""
    if not bound["seconds"]:
        return ""
    took, least, ratio = seconds(bound["span"]), seconds(bound["seconds"]), bound["ratio"]
    return f"{took}, of which {least} had to be: {ratio:.3f} x ({_BINDING.get(bound['binding'], '')})"
