"""The clients that overhead.py compares, from ours down to one in C. Nothing to be run by itself."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import httpx
from loopback import MODEL
from main_job import emails
from pydantic import SecretStr

from dagtui import GatewaySettings, Portkey, Prompt, ProviderChoice
from dagtui.core.model import Request
from dagtui.io.tasks import load_task
from dagtui.io.transport import PooledTransport, Whole

PATIENCE = 4.0  # seconds for what would never end
TEXT = emails(1)[0].fields["content"]
BODY = {
    "model": MODEL,
    "max_tokens": 150,
    "temperature": 0.1,
    "messages": [{"role": "user", "content": f"Read this email and decide quickly what kind it is.\n\n{TEXT}"}],
}
HEADERS = {
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-portkey-provider": "anthropic",
    "x-portkey-trace-id": "20261122-191500-4f2a/1/1",
    "x-api-key": "key",
}

Ask = Callable[[], Awaitable[object]]
Job = Callable[[str, int, int], Awaitable[int]]  # address, requests, in flight -> requests done


@asynccontextmanager
async def gateway(url: str) -> AsyncIterator[Ask]:
    client = Portkey(GatewaySettings(name="local", base_url=url, provider_key=SecretStr("key")), run_id="run")
    choice = ProviderChoice("anthropic", MODEL, max_tokens=150, temperature=0.1)
    request = Request(0, "record", "analyze_email", Prompt(TEXT, "You sort emails."), choice, "run/0")
    yield lambda: client.complete(request, 1)
    await client.aclose()


@asynccontextmanager
async def transport(url: str) -> AsyncIterator[Ask]:
    pool, content = PooledTransport(), json.dumps(BODY).encode()
    named = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    named += [(b"host", b"localhost"), (b"content-length", b"%d" % len(content))]
    request = httpx.Request("POST", f"{url}/v1/messages", headers=named, stream=Whole(content))
    yield lambda: pool.handle_async_request(request)
    await pool.aclose()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Ask]:
    pool, content = PooledTransport(), json.dumps(BODY).encode()
    named = {**HEADERS, "host": "localhost", "content-length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items()).encode()
    yield lambda: pool.exchange("POST", f"{url}/v1/messages", lines, content, None)
    await pool.aclose()


@asynccontextmanager
async def bare_aiohttp(url: str) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def ask() -> object:
            async with client.post(f"{url}/v1/messages", data=json.dumps(BODY), headers=HEADERS) as response:
                return json.loads(await response.read())

        yield ask


@asynccontextmanager
async def default_httpx(url: str) -> AsyncIterator[Ask]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=600, limits=limits) as client:

        async def ask() -> object:
            return (await client.post(f"{url}/v1/messages", json=BODY, headers=HEADERS)).json()

        yield ask


def asked(client: Callable[[str], AbstractAsyncContextManager[Ask]]) -> Job:
    """Workers that share `requests` among them, each asking again as soon as it has its answer."""

    async def job(url: str, requests: int, in_flight: int) -> int:
        left, done = requests, 0

        async def work(ask: Ask) -> None:
            nonlocal left, done
            while left > 0:
                left -= 1
                await ask()
                done += 1

        async with client(url) as ask:
            tasks = [asyncio.create_task(work(ask)) for _ in range(in_flight)]
            await _finish(tasks)
        return done

    return job


async def sdk(url: str, requests: int, in_flight: int) -> int:
    """The script that everybody writes: a task a record, a semaphore, the SDK, a parsed answer."""
    from anthropic import AsyncAnthropic

    task = load_task("email")
    model, slots, done = task.dimensions[0].output, asyncio.Semaphore(in_flight), 0
    assert model is not None

    async with AsyncAnthropic(api_key="key", base_url=url, max_retries=2) as client:

        async def one(text: str) -> None:
            nonlocal done
            async with slots:
                said = await client.messages.create(
                    model=MODEL, max_tokens=150, messages=[{"role": "user", "content": text}]
                )
            model.model_validate_json(said.content[0].text)  # type: ignore[union-attr]
            done += 1

        await _finish([asyncio.create_task(one(record.fields["content"])) for record in emails(requests)])
    return done


async def _finish(tasks: list[asyncio.Task[None]]) -> None:
    """Until they are done, or it has taken too long."""
    done, rest = await asyncio.wait(tasks, timeout=PATIENCE)
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest)
    for task in done:
        task.result()


def wrk(url: str, in_flight: int) -> float | None:
    """What the server gives to a client in C, a second."""
    program = shutil.which("wrk")
    if program is None:
        return None
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(json.dumps(BODY))}"]
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in HEADERS.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        command = [program, "-t1", f"-c{in_flight}", "-d2s", "-s", script.name, f"{url}/v1/messages"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return float(found.group(1)) if found else None


RIVALS: dict[str, Job] = {
    "gateway": asked(gateway),
    "transport": asked(transport),
    "wire": asked(wire),
    "aiohttp": asked(bare_aiohttp),
    "httpx": asked(default_httpx),
    "anthropic SDK": sdk,
}
