"""What going on with a run means, before anything is sent: what is kept, what is asked again, and why.

A request is *perhaps sent* if it was claimed and nothing of it is known: between two commits of the journal it may
have left. That list errs on the long side; nothing that may have been billed is missing from it. What is in doubt
stays so through all sessions, until there is an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal

from dagtui.core.dag import Dag
from dagtui.core.past import Past
from dagtui.core.store import State

Stale = Literal["redo", "keep"]
Ambiguous = Literal["retry", "skip"]
Failed = Literal["retry", "keep"]

_UNSURE_S = 5.0
"""Seconds after the journal's last moment in which a retry may have left without a trace."""


class Action(IntEnum):
    """What becomes of a request that was read before."""

    ASK = 0
    KEEP = 1  # it has its answer
    LEAVE = 2  # it has none, and shall have none
    CHECK = 3  # its answer counts if it would be asked just so again


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user decides where there is something to decide."""

    stale: Stale = "redo"
    ambiguous: Ambiguous = "retry"
    failed: Failed = "retry"


@dataclass(frozen=True, slots=True)
class Contract:
    """Requests by what is to become of them, as their numbers (`seq`).

    `sent` were in flight when the last session ended, `perhaps` may have been, then or in an earlier session: both
    may have been billed, for about `exposure` dollars. `unread` requests are of records that were claimed but are
    not known to have been read: they may have been sent, too. `unsent` were read and certainly not sent, `new`
    were never read (None where the input's length is unknown). `differences` say what was edited since;
    `each` is what an answer cost.
    """

    total: int | None
    reused: int
    failed: tuple[int, ...]
    stale: tuple[int, ...]
    sent: tuple[int, ...]
    perhaps: tuple[int, ...]
    unread: int
    unsent: tuple[int, ...]
    new: int | None
    differences: tuple[str, ...]
    spent: Decimal | None
    exposure: Decimal | None
    each: Decimal | None = None

    @property
    def ambiguous(self) -> int:
        """Requests that may have been billed without an answer."""
        return len(self.sent) + len(self.perhaps) + self.unread


def contract_of(
    past: Past, dag: Dag, stale: Collection[int], records: int | None, differences: tuple[str, ...]
) -> Contract:
    """Sort the requests of `past`. `stale` are answered ones that would be asked otherwise now; `records` is the
    length of the input.
    """
    store, width = past.store, len(dag)
    reused = 0
    failed: list[int] = []
    old: list[int] = []
    sent: list[int] = []
    perhaps: list[int] = []
    unsent: list[int] = []
    for seq, state in enumerate(store.state):
        if state == State.SUCCEEDED and seq not in stale:
            reused += 1
        elif seq in past.sent or seq in past.abandoned:
            sent.append(seq)
        elif _may_have_left(past, dag, seq, state):
            perhaps.append(seq)
        elif state == State.SUCCEEDED:
            old.append(seq)
        elif state == State.FAILED:
            failed.append(seq)
        elif seq in past.doubt:
            perhaps.append(seq)
        else:
            unsent.append(seq)
    unread = _unread(past, dag, records)
    total = None if records is None else records * width
    ended = store.state.count(State.SUCCEEDED)
    figures, ambiguous = past.figures, len(sent) + len(perhaps) + unread
    each = None if figures.spent is None or not ended else figures.spent / ended
    return Contract(
        total=total,
        reused=reused,
        failed=tuple(failed),
        stale=tuple(old),
        sent=tuple(sent),
        perhaps=tuple(perhaps),
        unread=unread,
        unsent=tuple(unsent),
        new=None if total is None else max(0, total - len(store) - unread),
        differences=differences,
        spent=figures.spent,
        exposure=None if each is None else each * ambiguous,
        each=each,
    )


def to_come(contract: Contract, choices: Choices) -> int | None:
    """How many requests will be sent, those apart that turn out to be the same; None if the input is endless."""
    if contract.new is None:
        return None
    again = contract.new + len(contract.unsent)
    again += len(contract.failed) if choices.failed == "retry" else 0
    again += len(contract.stale) if choices.stale == "redo" else 0
    return again + (contract.ambiguous if choices.ambiguous == "retry" else 0)


def actions_of(past: Past, dag: Dag, contract: Contract, choices: Choices) -> bytearray:
    """The action for every request that was read, by seq."""
    width = len(dag)
    actions = bytearray([Action.KEEP]) * len(past.store)
    for seq in contract.unsent:
        actions[seq] = Action.ASK
    leave = Action.LEAVE if choices.ambiguous == "skip" else Action.ASK
    for seq in (*contract.sent, *contract.perhaps):
        actions[seq] = leave
    for seq in contract.failed:
        actions[seq] = Action.LEAVE if choices.failed == "keep" else Action.ASK
    if choices.stale == "redo":
        for seq in contract.stale:
            actions[seq] = Action.ASK
    if any(dag.needs(position) for position in range(width)):
        for start in range(0, len(actions), width):
            _follow_needs(actions, dag, start)
    return actions


def _follow_needs(actions: bytearray, dag: Dag, start: int) -> None:
    """What depends on something that is asked again is looked at again; on something that is left, it is left."""
    for position in in_order(dag):
        needs = [actions[start + need] for need in dag.needs(position)]
        if Action.LEAVE in needs:
            if actions[start + position] != Action.KEEP:
                actions[start + position] = Action.LEAVE
        elif actions[start + position] == Action.KEEP and any(
            need in (Action.ASK, Action.CHECK) for need in needs
        ):
            actions[start + position] = Action.CHECK


def in_order(dag: Dag) -> list[int]:
    """Positions, each after those that it needs."""
    order: list[int] = []
    while len(order) < len(dag):
        order += [p for p in range(len(dag)) if p not in order and dag.needs(p) <= set(order)]
    return order


def _unread(past: Past, dag: Dag, records: int | None) -> int:
    """Requests of records that are not known to have been read: those without needs may have been sent."""
    reach = 0 if past.graceful else past.claimed
    if past.doubt:
        reach = max(reach, max(past.doubt) // len(dag) + 1)
    if records is not None:
        reach = min(reach, records)
    return max(0, reach - past.records) * len(dag.roots)


def _may_have_left(past: Past, dag: Dag, seq: int, state: int) -> bool:
    """Whether the last session, killed, may have sent this one between two commits."""
    if past.graceful:
        return False
    claimed = seq // len(dag) < past.claimed and (state == State.QUEUED or seq in past.again)
    if not claimed and seq not in past.reopened:
        return False
    due = past.retry_at.get(seq)
    if due is not None:
        return due <= past.last + _UNSURE_S
    position, states = seq % len(dag), past.store.state
    start = seq - position
    # A need that was in flight may have been answered, and this one sent, since the last commit.
    return all(
        states[start + need] == State.SUCCEEDED or start + need in past.sent for need in dag.needs(position)
    )


def differences(before: Mapping[str, Any], now: Mapping[str, Any], inside: str = "") -> list[str]:
    """How two recipes differ, a phrase each: `temperature 0.1 -> 0.7`."""
    found: list[str] = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        label = f"{inside}{name}"
        if isinstance(old, Mapping) and isinstance(new, Mapping) and name not in ("schema",):
            found += differences(old, new, f"{label} ")  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > 60:
            found.append(f"{label} has changed ({len(old):,} to {len(new):,} characters)")
        elif isinstance(old, Mapping) or isinstance(new, Mapping):
            found.append(f"{label} has changed")
        else:
            found.append(f"{label} {_shown(old)} -> {_shown(new)}")
    return found


def _shown(value: object) -> str:
    return "none" if value is None else str(value)[:60]
