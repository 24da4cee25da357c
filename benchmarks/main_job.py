"""The main job against its physical bounds, judged by the simulator's ledger.

    python benchmarks/main_job.py            # about a minute

1. a hundred at once: 100 records, concurrency 100, 300 ms: first request to last answer, over 300 ms;
2. many at once: 5,000 records, concurrency 500, 200 ms: requests a second, over what the latency allows and
   over what the simulator can serve at all;
3. a fifth refused: 1,000 records, concurrency 100, 500 ms, 20% answered 429 with retry-after 1: time over that of
   a bare pool which frees its slot while a refused request waits.

Each case runs several times, its rivals in turn; the median is printed with minimum and maximum.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from dagtui import GatewayError, GatewaySettings, Portkey, Record, RunSettings, Session, open_source, process
from dagtui.core.dag import Dag
from dagtui.core.model import Request
from dagtui.core.output import with_instruction
from dagtui.core.plugin import Context
from dagtui.core.pricing import PriceTable
from dagtui.io.bundled import bundled
from dagtui.io.export import ResultsWriter
from dagtui.io.simulator_process import SimulatorProcess, start_simulator
from dagtui.io.tasks import load_task

RUNS = 5
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

PRICES = PriceTable()
PRICES.knows("anthropic", "claude-3-5-haiku-20241022")  # loaded before the clock runs, as the program does


def call(url: str, method: str = "GET", body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with _direct.open(urllib.request.Request(url, data, method=method), timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def emails(count: int) -> list[Record]:
    """The sample emails over and over, each one different, so that each draws its own faults."""
    samples = open_source(bundled("sample_data") / "emails.csv").preview(100)
    texts = [samples[i % len(samples)].fields["content"] for i in range(count)]
    return [Record(i, str(i), {"content": f"{text} ({i})"}) for i, text in enumerate(texts)]


async def engine(url: str, records: list[Record], concurrency: int) -> None:
    """The whole pipeline: engine, gateway, statistics, results on disk."""
    task = load_task("email")
    with tempfile.TemporaryDirectory() as folder:
        results = ResultsWriter(Path(folder) / "out.jsonl", "jsonl", Dag(task.dimensions), ["content"])
        gateway = Portkey(GatewaySettings(base_url=url))
        settings = RunSettings(concurrency=concurrency)
        result = await Session(
            plugin=task, records=records, gateway=gateway, settings=settings, prices=PRICES, sinks=[results]
        ).run()
    assert result.snapshot.counts.succeeded == len(records), result


async def bare_pool(url: str, records: list[Record], concurrency: int) -> None:
    """What one would write by hand: a slot an attempt, freed while a refused request waits its retry-after."""
    task, gateway = load_task("email"), Portkey(GatewaySettings(base_url=url))
    dimension = task.dimensions[0]
    slots = asyncio.Semaphore(concurrency)

    async def one(record: Record) -> None:
        context = Context(dimension, record.fields, {})
        prompt, choice = task.create_prompt(context), task.select_provider(context)
        whole = with_instruction(prompt, dimension)  # type: ignore[arg-type]
        request = Request(record.index, record.id, dimension.name, whole, choice, f"pool/{record.index}")  # type: ignore[arg-type]
        attempt = 0
        while True:
            attempt += 1
            try:
                async with slots:
                    await gateway.complete(request, attempt)
                return
            except GatewayError as error:
                await asyncio.sleep(error.retry_after or 1.0)

    await asyncio.gather(*(one(record) for record in records))
    await gateway.aclose()


Job = Callable[[str, list[Record], int], Awaitable[None]]


async def span(simulator: SimulatorProcess, job: Job, records: list[Record], concurrency: int) -> float:
    """Seconds from the first request's arrival to the last answer, by the ledger."""
    await asyncio.to_thread(call, f"{simulator.url}/sim/ledger", "DELETE")
    await job(simulator.url, records, concurrency)
    totals = await simulator.totals()
    assert totals["by_status"]["200"] == len(records), totals
    return totals["last_ended"] - totals["first_received"]


def told(values: list[float], unit: str = "s", digits: int = 3) -> str:
    middle = statistics.median(values)
    return f"{middle:,.{digits}f} {unit} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


async def hundred(simulator: SimulatorProcess) -> None:
    call(f"{simulator.url}/sim/knobs", "PATCH", {"latency_median_s": 0.3, "latency_sigma": 0, "rate_429": 0})
    records = emails(100)
    spans = [await span(simulator, engine, records, 100) for _ in range(RUNS)]
    ratio = statistics.median(spans) / 0.3
    print(f"a hundred at once    span {told(spans)}   {ratio:.2f} x the bound of 0.300 s")


async def many(simulator: SimulatorProcess) -> None:
    call(f"{simulator.url}/sim/knobs", "PATCH", {"latency_median_s": 0.2, "latency_sigma": 0, "rate_429": 0})
    records = emails(5000)
    rates, ceilings = [], []
    for _ in range(RUNS):
        rates.append(5000 / await span(simulator, engine, records, 500))
        if (ceiling := await asyncio.to_thread(wrk, simulator.url)) is not None:
            ceilings.append(ceiling)
            while (await simulator.totals())["in_flight"]:  # noqa: ASYNC110 - wrk left them, in another process
                await asyncio.sleep(0.05)
    rate = statistics.median(rates)
    print(f"many at once         {told(rates, 'requests/s', 0)}   {rate / 2500:.0%} of the 2,500/s of the latency")
    if ceilings:
        ceiling = statistics.median(ceilings)
        print(f"  the simulator alone {told(ceilings, 'requests/s', 0)} under wrk   {rate / ceiling:.0%} of it")
    else:
        print("  (install wrk to see what the simulator alone can serve)")


def wrk(url: str) -> float | None:
    """What the simulator serves of these same requests to 500 connections of a load generator in C, a second."""
    program = shutil.which("wrk")
    if program is None:
        return None
    task = load_task("email")
    context = Context(task.dimensions[0], emails(1)[0].fields, {})
    prompt = with_instruction(task.create_prompt(context), task.dimensions[0])  # type: ignore[arg-type]
    choice = task.select_provider(context)
    body = {
        "model": choice.model,  # type: ignore[union-attr]
        "max_tokens": choice.max_tokens,  # type: ignore[union-attr]
        "temperature": choice.temperature,  # type: ignore[union-attr]
        "system": prompt.system,
        "messages": [{"role": "user", "content": f"{prompt.user} (NUMBER)"}],
    }
    metadata = json.dumps(
        {"run": "20261122-191500-4f2a", "record": "1", "dimension": "analyze_email", "attempt": "1"}
    )
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "anthropic-version": "2023-06-01",
        "x-portkey-provider": "anthropic",
        "x-portkey-trace-id": "20261122-191500-4f2a/1/1",
        "x-portkey-metadata": metadata,
        "idempotency-key": "20261122-191500-4f2a-1",
    }
    before, after = json.dumps(json.dumps(body)).split("NUMBER")
    lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    lines += ["local n = 0", "request = function()", "  n = n + 1"]
    lines += [f'  return wrk.format("POST", "/v1/messages", nil, {before}" .. n .. "{after})', "end"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        command = [program, "-t1", "-c500", "-d4s", "-s", script.name, url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return float(found.group(1)) if found else None


async def refused(simulator: SimulatorProcess) -> None:
    knobs = {"latency_median_s": 0.5, "latency_sigma": 0, "rate_429": 0.2, "retry_after_s": 1}
    call(f"{simulator.url}/sim/knobs", "PATCH", knobs)
    records = emails(1000)
    ours, pool = [], []
    for _ in range(RUNS):
        ours.append(await span(simulator, engine, records, 100))
        pool.append(await span(simulator, bare_pool, records, 100))
    ratios = [a / b for a, b in zip(ours, pool, strict=True)]
    ratio = statistics.median(ratios)
    print(f"a fifth refused      {told(ours)}, a bare pool {told(pool)}   {ratio:.2f} x the pool")


async def main() -> None:
    process.prepare()  # as the program does before it starts
    begun = time.perf_counter()
    simulator = await start_simulator()
    try:
        for case in (hundred, many, refused):
            await case(simulator)
    finally:
        await simulator.aclose()
    print(f"({RUNS} runs each, Python {sys.version.split()[0]}, {time.perf_counter() - begun:.0f} s in all)")


if __name__ == "__main__":
    asyncio.run(main())
