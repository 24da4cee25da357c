"""What the simulator's tests send, and how they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dagtui.simulator import RunningSimulator

Start = Callable[..., Awaitable[RunningSimulator]]

EMAIL_SYSTEM = (
    "You sort emails. Answer with JSON only. The answer's JSON schema:\n"
    '{"type":"object","properties":{"category":{"enum":["spam","work","personal","newsletter"]},'
    '"confidence":{"type":"number","minimum":0,"maximum":1},"summary":{"type":"string"}},'
    '"required":["category","confidence","summary"]}'
)
GATEWAY = {"x-portkey-provider": "anthropic", "x-portkey-trace-id": "trace-1"}
UPSTREAM = {"x-api-key": "sk-demo", "anthropic-version": "2023-06-01"}


def message(text: str = "The quarterly report meeting moved to Thursday.", **fields: object) -> dict[str, object]:
    """The body of a Messages request for the email task."""
    prompt = f"Analyze this email quickly and categorize it.\n\nEmail: {text}"
    body: dict[str, object] = {"model": "claude-test", "max_tokens": 150, "system": EMAIL_SYSTEM}
    return body | {"messages": [{"role": "user", "content": prompt}]} | fields


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that the other side of a socket is about to do."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  (the simulator offers no event to wait on)
            await asyncio.sleep(0.005)
