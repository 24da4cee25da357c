"""The contract of a resume in words and as plain data, the same for the shell, the screen and `--json`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dagtui.core.contract import Choices, Contract, to_come
from dagtui.core.figures import UNKNOWN, count, money

Names = Callable[[Iterable[int]], Iterable[tuple[str, str]]]
"""From requests to the id of their record and their dimension."""

_MOST_EDITS = 3


def contract_rows(contract: Contract, choices: Choices) -> list[tuple[str, str, str]]:
    """A row each: what, how many, and what becomes of them."""
    rows = [("reused", count(contract.reused), "answered and paid for: kept")]
    if contract.failed:
        rows.append(("failed", count(len(contract.failed)), _FAILED[choices.failed]))
    if contract.stale:
        rows.append(("stale", count(len(contract.stale)), f"{_STALE[choices.stale]}: {edits(contract)}"))
    if contract.ambiguous:
        rows.append(("perhaps billed", count(contract.ambiguous), _perhaps(contract, choices)))
    if contract.unsent:
        rows.append(("not sent", count(len(contract.unsent)), "read, and never sent: asked now"))
    new = UNKNOWN if contract.new is None else count(contract.new)
    rows.append(("new", new, "never read: asked now"))
    rows.append(("spent so far", money(contract.spent), _more(contract, choices)))
    return rows


def _more(contract: Contract, choices: Choices) -> str:
    """What is left, in money: at what an answer cost up to now."""
    left = to_come(contract, choices)
    if left is None:
        return ""
    requests = f"{count(left)} request{'' if left == 1 else 's'} to come"
    return requests if contract.each is None else f"{requests}, about {money(contract.each * left)} more"


_FAILED = {"retry": "asked again", "keep": "left as they are"}
_STALE = {"redo": "asked again", "keep": "kept all the same"}


def edits(contract: Contract) -> str:
    """What was edited since, in a phrase."""
    told = list(contract.differences[:_MOST_EDITS]) or ["the prompts that the plugin makes have changed"]
    if (more := len(contract.differences) - _MOST_EDITS) > 0:
        told.append(f"and {more} more")
    return "; ".join(told)


def _perhaps(contract: Contract, choices: Choices) -> str:
    sent, may_be = len(contract.sent), len(contract.perhaps) + contract.unread
    parts = [f"{count(sent)} sent without an outcome"] if sent else []
    parts += [f"{count(may_be)} that may have left"] if may_be else []
    exposure = "" if contract.exposure is None else f", about {money(contract.exposure)}"
    fate = "asked again, and then perhaps paid twice" if choices.ambiguous == "retry" else "left out"
    return f"{' and '.join(parts)}{exposure}: {fate}"


def contract_plain(contract: Contract, names: Names) -> dict[str, Any]:
    """For machines: counts, and by name what is to be decided about."""

    def listed(seqs: Iterable[int]) -> list[dict[str, str]]:
        return [{"record": record, "dimension": dimension} for record, dimension in names(seqs)]

    return {
        "total": contract.total,
        "reused": contract.reused,
        "failed": listed(contract.failed),
        "stale": listed(contract.stale),
        "in_flight": listed(contract.sent),
        "perhaps_sent": listed(contract.perhaps),
        "perhaps_sent_unread": contract.unread,
        "not_sent": len(contract.unsent),
        "new": contract.new,
        "differences": list(contract.differences),
        "spent": None if contract.spent is None else str(contract.spent),
        "exposure": None if contract.exposure is None else f"{contract.exposure:.6f}",
    }
