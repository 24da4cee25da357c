"""A run through the proxy to the simulator, with the simulator's ledger as the judge; or one in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx

from dagtui.core.errors import ErrorKind
from dagtui.core.events import AttemptEnded, Event, Noted, RequestEnded
from dagtui.core.model import Attempt, Failure, Outcome, ProviderChoice, Success
from dagtui.core.plugin import Context, Dimension, Plugin
from dagtui.core.result import RunResult
from dagtui.core.settings import GatewaySettings, RunSettings
from dagtui.io.portkey import Portkey
from dagtui.session import Session
from dagtui.simulator import Knobs, start
from dagtui.testing import records, run_in_virtual_time
from tests.faults.proxy import Proxy, Verb

RECORDS = 20
SPOILT = frozenset({1, 5, 9, 13, 17})
"""Requests to be spoilt: some, with others between them, so that nothing looks like an outage."""


class Asking(Plugin):
    """One question of the simulator; the prompt is the record's text."""

    dimensions = (Dimension("ask"),)

    def create_prompt(self, ctx: Context) -> str:
        return str(ctx.record["text"])

    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("anthropic", "claude-haiku-4-5", max_tokens=64)


@dataclass
class Played:
    """What became of a run."""

    result: RunResult | None = None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    attempts: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    paid: Counter[tuple[int, int]] = field(default_factory=Counter)

    def take(self, event: Event) -> None:
        match event:
            case RequestEnded():
                assert event.seq not in self.outcomes, "a request ended twice"
                self.outcomes[event.seq] = event.outcome
            case AttemptEnded():
                self.attempts[event.seq, event.attempt.number] = event.attempt
            case Noted():
                self.log.append(event.message)
            case _:
                pass

    @property
    def failures(self) -> dict[int, Failure]:
        return {seq: outcome for seq, outcome in self.outcomes.items() if isinstance(outcome, Failure)}

    @property
    def errors(self) -> Counter[tuple[ErrorKind, str]]:
        """How many attempts failed in which way, and whether that may have cost."""
        ended = (attempt.error for attempt in self.attempts.values())
        return Counter((error.kind, error.billed) for error in ended if error is not None)

    @property
    def duplicates(self) -> int:
        """Answers that were paid for beyond the first of their request."""
        by_request = Counter(seq for seq, _ in self.paid.elements())
        return sum(count - 1 for count in by_request.values())

    def tries(self, seq: int) -> int:
        return sum(1 for other, _ in self.attempts if other == seq)

    def judge(self, answers: dict[tuple[int, int], bytes], count: int = RECORDS) -> None:
        """What must hold whatever happened: one outcome a record, no charge that is not told, no false answer."""
        assert sorted(self.outcomes) == list(range(count))
        assert set(self.paid.values()) <= {1}, "an attempt was sent twice"
        for name, attempt in self.attempts.items():
            if attempt.error is None or attempt.error.billed == "yes":
                assert self.paid[name], f"{name} was not paid for, but is told as paid"
            elif attempt.error.billed == "no":
                assert not self.paid[name], f"{name} was paid for, but is told as free"
        assert set(self.paid) <= set(self.attempts), "somebody was paid for an attempt that is told nowhere"
        for seq, outcome in self.outcomes.items():
            if isinstance(outcome, Success):
                given = json.loads(answers[seq, outcome.attempts])
                assert outcome.text == given["content"][0]["text"]
                assert outcome.attempts == self.tries(seq)


async def _run(session: Session, played: Played, steer: Coroutine[Any, Any, None] | None = None) -> Played:
    steering = asyncio.ensure_future(steer) if steer is not None else None
    try:
        async for event in session.events():
            played.take(event)
        played.result = await session.wait()
        if steering is not None:
            await steering
    finally:
        await session.aclose()
    return played


async def play(
    choose: Callable[[int, int], Verb | None] = lambda seq, attempt: None,
    *,
    host: str | None = None,
    begin: Callable[[Proxy, Played], Coroutine[Any, Any, None]] | None = None,
    **settings: Any,
) -> Played:
    """Twenty records through a proxy that does with each attempt what `choose` says.

    `begin` makes the proxy listen, when it should not from the start; `host` is a name for its address.
    """
    played = Played()
    simulator = await start(Knobs(latency_median_s=0))
    proxy = Proxy(simulator.url, choose)
    if begin is None:
        await proxy.up()
    try:
        url = proxy.url if host is None else proxy.url.replace("127.0.0.1", host)
        session = Session(
            plugin=Asking(),
            records=records(f"text {number}" for number in range(RECORDS)),
            gateway=Portkey(GatewaySettings(base_url=url), run_id="run"),
            settings=RunSettings(**({"concurrency": 5} | settings)),
            run_id="run",
            seed=1,
        )
        await _run(session, played, begin(proxy, played) if begin is not None else None)
    finally:
        await proxy.down()
        await simulator.stop()
    for entry in simulator.ledger.entries:
        if entry.status == 200:
            _, seq, number = entry.trace_id.split("/")
            played.paid[int(seq), int(number)] += 1
    played.judge(proxy.answers)
    return played


@dataclass
class Sent:
    """Attempts that reached a provider in virtual time: when, and which."""

    at: list[tuple[float, int, int]] = field(default_factory=list)

    @property
    def times(self) -> list[float]:
        return [time for time, _, _ in self.at]


Reply = Callable[[int, int], Awaitable[httpx.Response]]


def play_virtually(reply: Reply, count: int = RECORDS, **settings: Any) -> tuple[Played, Sent]:
    """So many records in virtual time, each attempt answered by `reply`."""
    played, sent = Played(), Sent()

    async def handle(request: httpx.Request) -> httpx.Response:
        _, seq, number = request.headers["x-portkey-trace-id"].split("/")
        sent.at.append((asyncio.get_running_loop().time(), int(seq), int(number)))
        return await reply(int(seq), int(number))

    async def main() -> None:
        session = Session(
            plugin=Asking(),
            records=records(f"text {number}" for number in range(count)),
            gateway=Portkey(GatewaySettings(base_url="http://gateway"), httpx.MockTransport(handle), "run"),
            settings=RunSettings(**({"concurrency": 5} | settings)),
            run_id="run",
            seed=1,
        )
        await _run(session, played)

    run_in_virtual_time(main())
    return played, sent


def good() -> httpx.Response:
    """An answer as a model gives it."""
    usage = {"input_tokens": 10, "output_tokens": 5}
    return httpx.Response(
        200, json={"type": "message", "content": [{"type": "text", "text": "yes"}], "usage": usage}
    )


def refusal(
    status: int, message: str = "no", kind: str = "api_error", headers: dict[str, str] | None = None
) -> httpx.Response:
    """A refusal of the provider's, as the gateway passes it on."""
    error = {"message": f"anthropic error: {message}", "type": kind, "param": None, "code": None}
    return httpx.Response(status, json={"error": error, "provider": "anthropic"}, headers=headers or {})
