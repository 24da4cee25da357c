"""What dagtui adds to its transport, and what other clients make of the same work.

    python benchmarks/overhead.py            # about six minutes
    python benchmarks/overhead.py --million  # a million records of 1 KB for a minute: memory, and the loop's lag

Requests a second against a loopback server that answers 1 KB at once, at 1, 100, 500 and 2,000 in flight; then the
main case, 20,000 records against 20 ms of latency at 500 in flight, with the memory it takes. All rows take turns
within a round, each with connections of its own to open; printed is the median of the rounds with minimum and
maximum, and the processor time of a request in the client's process. Ratios are worth comparing between machines,
absolute figures are not. httpx and the SDK get a few seconds instead of all the work.

    pipeline       records in, results on disk: engine, events, statistics, export
    gateway        Portkey.complete alone: body, headers, answer taken apart
    transport      PooledTransport alone as an httpx transport, one prebuilt request
    wire           the same without httpx's Response: what all of ours stands on
    aiohttp        a bare session, for comparison
    httpx          httpx.AsyncClient as it comes
    anthropic SDK  the official client under a semaphore (pip install anthropic)
    wrk            a load generator in C: the server's own limit (install wrk)
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from loopback import LATENCY, serving
from main_job import PRICES, emails
from transport import RIVALS, Job, wrk

from dagtui import GatewaySettings, Portkey, RunSettings, Session, open_source, process
from dagtui.core.dag import Dag
from dagtui.core.events import Event, RecordEnded
from dagtui.core.ports import Sink
from dagtui.io.export import ResultsWriter
from dagtui.io.tasks import load_task

ROUNDS = 3
IN_FLIGHT = (1, 100, 500, 2000)
MAIN = 20_000


async def pipeline(url: str, requests: int, in_flight: int, *watching: Sink) -> int:
    """The whole of it, as `dagtui run` does it."""
    task = load_task("email")
    with tempfile.TemporaryDirectory() as folder:
        results = ResultsWriter(Path(folder) / "out.jsonl", "jsonl", Dag(task.dimensions), ["content"])
        session = Session(
            plugin=task,
            records=emails(requests),
            gateway=Portkey(GatewaySettings(base_url=url)),
            settings=RunSettings(concurrency=in_flight),
            prices=PRICES,
            sinks=[results, *watching],
        )
        return (await session.run()).snapshot.counts.succeeded


@dataclass
class Row:
    """What one job reached in each round."""

    rates: list[float] = field(default_factory=list[float])
    costs: list[float] = field(default_factory=list[float])  # microseconds of processor time a request

    async def measure(self, job: Job, url: str, requests: int, in_flight: int) -> None:
        gc.collect()
        begun, busy = time.perf_counter(), time.process_time()
        done = await job(url, requests, in_flight)
        self.rates.append(done / (time.perf_counter() - begun))
        self.costs.append((time.process_time() - busy) / max(1, done) * 1e6)

    def told(self) -> str:
        rate = statistics.median(self.rates)
        between = f"({min(self.rates):,.0f} to {max(self.rates):,.0f})"
        cost = f"{statistics.median(self.costs):>9,.0f} us" if self.costs else ""
        return f"{rate:>9,.0f}/s {between:<20} {cost}"


async def case(title: str, url: str, requests: int, in_flight: int, jobs: dict[str, Job]) -> None:
    """All rows in turns, then the table."""
    rows = {name: Row() for name in jobs}
    limit = Row()
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            await rows[name].measure(job, url, requests, in_flight)
        if (most := await asyncio.to_thread(wrk, url, in_flight)) is not None:
            limit.rates.append(most)
    if limit.rates:
        rows["wrk"] = limit
    print(f"\n{title}")
    ours = rows["pipeline"].rates
    for name, row in rows.items():
        ratio = statistics.median(a / b if b else float("inf") for a, b in zip(ours, row.rates, strict=True))
        print(
            f"  {name:<14} {row.told():<46}" + (f"  pipeline is {ratio:.2f} x this" if row.rates != ours else "")
        )
    sys.stdout.flush()


class Memory:
    """An observer that notes the resident memory after so many records."""

    essential = False
    wants = (RecordEnded,)

    def __init__(self, *at: int) -> None:
        self._at = at
        self._records = 0
        self.found: dict[int, float] = {}

    def write(self, event: Event) -> None:
        if isinstance(event, RecordEnded):
            self._records += 1
            if self._records in self._at:
                self.found[self._records] = resident_mb()

    def flush(self) -> None: ...

    def close(self) -> None: ...


MILLION = 1_000_000
MINUTE = 60.0
MILLION_IN_FLIGHT = 2_000
LAG_STEP = 0.005  # seconds between two looks at the loop's lag


def resident_mb() -> float:
    """The process's resident memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def lags(found: list[float]) -> None:
    """How much later than asked this task wakes, over and over, in milliseconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_STEP
        await asyncio.sleep(LAG_STEP)
        found.append((loop.time() - due) * 1e3)


def write_million(path: Path) -> None:
    """A record is 1 KB."""
    texts = [record.fields["content"] for record in emails(100)]
    with path.open("w") as file:
        for i in range(MILLION):
            content = (texts[i % 100] + " " + texts[(i + 37) % 100] * 8)[:950]
            file.write(json.dumps({"id": f"mail-{i:07d}", "content": content}) + "\n")


async def million(url: str) -> None:
    """From a file, at 2,000 in flight, for a minute."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "million.jsonl"
        await asyncio.to_thread(write_million, given)
        print(f"{MILLION:,} records in {given.stat().st_size / 1e9:.2f} GB, {MILLION_IN_FLIGHT:,} in flight")
        task = load_task("email")
        session = Session(
            plugin=task,
            records=open_source(given),
            gateway=Portkey(GatewaySettings(base_url=url)),
            settings=RunSettings(concurrency=MILLION_IN_FLIGHT),
            prices=PRICES,
            sinks=[ResultsWriter(Path(folder) / "out.jsonl", "jsonl", Dag(task.dimensions), ["id", "content"])],
            total=MILLION,
        )
        found: list[float] = []
        watch = asyncio.create_task(lags(found))
        session.start()
        for _ in range(int(MINUTE / 5)):
            begun = len(found)
            await asyncio.sleep(5)
            counts, lag = session.snapshot().counts, sorted(found[begun:])
            print(
                f"  {counts.succeeded:>9,} records  {resident_mb():>6.1f} MB resident  "
                f"lag p50 {lag[len(lag) // 2]:.1f}, p99 {lag[int(len(lag) * 0.99)]:.1f}, worst {lag[-1]:.1f} ms",
                flush=True,
            )
        watch.cancel()
        session.drain()
        result = await session.run()
    told = sorted(found)
    p50, p99 = (told[int(len(told) * share)] for share in (0.5, 0.99))
    print(f"  {result.snapshot.throughput.mean:,.0f}/s; lag p50 {p50:.1f}, p99 {p99:.1f}, worst {told[-1]:.1f} ms")


async def run(quick: str, slow: str) -> None:
    memory = Memory(1_000, 10_000, MAIN)
    await pipeline(slow, MAIN, 500, memory)
    jobs = {"pipeline": pipeline, **RIVALS}
    try:
        import anthropic  # noqa: F401 - it takes seconds, before the clock runs
    except ImportError:
        del jobs["anthropic SDK"]
        print("(pip install anthropic to see the row of the SDK)")
    if not shutil.which("wrk"):
        print("(install wrk to see the server's own limit)")
    for in_flight in IN_FLIGHT:
        requests = 1_000 if in_flight == 1 else max(4_000, 4 * in_flight)
        await case(f"{in_flight:,} in flight, no latency", quick, requests, in_flight, jobs)
    await case(f"the main case: {MAIN:,} records, {LATENCY * 1000:.0f} ms, 500 in flight", slow, MAIN, 500, jobs)
    told = ", ".join(f"{size:.1f} MB after {records:,}" for records, size in memory.found.items())
    print(f"\nresident memory of the main case: {told}")


def main() -> None:
    process.prepare()  # as the program does before it starts
    begun = time.perf_counter()
    with serving() as (quick, slow), asyncio.Runner(loop_factory=process.new_loop) as runner:
        runner.run(million(quick) if "--million" in sys.argv else run(quick, slow))
    print(f"\n({ROUNDS} rounds, Python {sys.version.split()[0]}, {time.perf_counter() - begun:.0f} s in all)")


if __name__ == "__main__":
    main()
