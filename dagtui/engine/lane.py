"""Whoever asks one model: their queue, and the pacer of that model's limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from dagtui.core.held import Hold, Holder
from dagtui.core.pacing.departure import Cost, Departure, Kind
from dagtui.core.pacing.pacer import Pacer

_HOLDERS = {
    Kind.REQUESTS: Holder.REQUESTS,
    Kind.INPUT: Holder.INPUT,
    Kind.RESERVED_OUTPUT: Holder.OUTPUT,
    Kind.ACTUAL_OUTPUT: Holder.OUTPUT,
}


class Lane:
    """What asks one model; `pacer` is None where somebody else retries."""

    __slots__ = ("name", "pacer", "queue")

    def __init__(self, name: str, pacer: Pacer | None) -> None:
        self.name = name
        self.pacer = pacer
        self.queue: list[tuple[float, int, Turn]] = []  # by due time, then in the order of asking


@dataclass(slots=True)
class Turn:
    """Somebody who wants to leave."""

    lane: Lane
    cost: Cost
    retry: bool
    ready: asyncio.Future[Permit]


@dataclass(slots=True)
class Permit:
    """The right to be in flight, until it is released."""

    lane: Lane
    left_at: float
    in_flight: int
    departure: Departure | None


def held_by_pacer(pacer: Pacer, cost: Cost, now: float) -> Hold:
    """Why `pacer` lets nobody of this cost leave."""
    if pacer.in_flight >= pacer.cap:
        return Hold(Holder.PROVIDER_CAP, pacer.cap)
    if pacer.window is not None and pacer.in_flight >= pacer.window:
        return Hold(Holder.GATEWAY, pacer.window)
    if (gate := pacer.gate(now)) > 0:
        return Hold(Holder.ASKED, gate)
    mirror = pacer.limits.binding(cost, now)
    if mirror is None:
        return Hold(Holder.FINDING)
    return Hold(_HOLDERS[mirror.kind], 60.0 * (mirror.rate or 0.0), mirror.source.value)
