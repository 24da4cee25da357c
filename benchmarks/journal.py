"""What the journal costs a run, and how long a run of a million records takes to go on.

    python benchmarks/journal.py           # the pipeline with nothing kept, a results file, a journal, in turns
    python benchmarks/journal.py --resume  # a journal of a million records: time and memory until it goes on

The pipeline is that of overhead.py's main case (20 ms of latency, 500 in flight, 20,000 records), as fast as it
can go, which is a hundred times what most rate limits allow: with nothing kept at all, with the results in a file
as an engine without a journal has to keep them, and with the journal alone. The lag is from the oldest event of a
commit to its end.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from loopback import serving
from main_job import PRICES, emails

from dagtui import GatewaySettings, Plan, Portkey, RunSettings, Session, process
from dagtui.core.contract import Choices
from dagtui.core.dag import Dag
from dagtui.core.events import AttemptEnded, AttemptStarted, PhaseChanged, RecordRead, RequestEnded
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.model import Attempt, Success, Usage
from dagtui.io.export import ResultsWriter
from dagtui.io.journal import Journal
from dagtui.io.tasks import load_task
from dagtui.plan import look_back, open_resumed, open_session

ROUNDS = 7
RECORDS, IN_FLIGHT = 20_000, 500
MILLION, LEFT = 1_000_000, 100


class Timed(Journal):
    """A journal that notes how long after an event it was on disk, in milliseconds."""

    def __init__(self, path: Path, lags: list[float]) -> None:
        super().__init__(path, {"id": "bench", "dimensions": ["analyze_email"]}, {}, {})
        self._lags = lags
        self._oldest: float | None = None

    def _gathered(self) -> Any:
        self._oldest = self.events[0].time if self.events else None
        return super()._gathered()

    def _done(self, count: int, reason: str) -> None:
        if self._oldest is not None:
            self._lags.append((time.time() - self._oldest) * 1e3)
        super()._done(count, reason)


async def pipeline(url: str, make: Callable[[Path], Journal] | None, results: bool = False) -> tuple[float, float]:
    """Requests a second, and microseconds of processor time a request, the journal's thread included."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        task = load_task("email")
        file = ResultsWriter(Path(folder) / "out.jsonl", "jsonl", Dag(task.dimensions), ["content"])
        session = Session(
            plugin=task,
            records=emails(RECORDS),
            sinks=[file] if results else [],
            gateway=Portkey(GatewaySettings(base_url=url)),
            settings=RunSettings(concurrency=IN_FLIGHT),
            prices=PRICES,
            journal=make(Path(folder) / "journal.db") if make else None,
            fingerprints=Fingerprints({}) if make else None,
        )
        begun, busy = time.perf_counter(), time.process_time()
        done = (await session.run()).snapshot.counts.succeeded
        return done / (time.perf_counter() - begun), (time.process_time() - busy) / done * 1e6


async def cost(url: str) -> None:
    lags: list[float] = []
    rows: dict[str, list[tuple[float, float]]] = {"nothing": [], "results": [], "journal": []}
    await pipeline(url, None)
    for _ in range(ROUNDS):
        rows["nothing"].append(await pipeline(url, None))
        rows["results"].append(await pipeline(url, None, results=True))
        rows["journal"].append(await pipeline(url, lambda path: Timed(path, lags)))
    for name, found in rows.items():
        rates, costs = [rate for rate, _ in found], [busy for _, busy in found]
        print(
            f"  {name:<11} {statistics.median(rates):>7,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"
            f"  {statistics.median(costs):>5,.0f} us"
        )
    for other in ("results", "nothing"):
        pairs = zip(rows[other], rows["journal"], strict=True)
        share = statistics.median(1 - with_it[0] / without[0] for without, with_it in pairs)
        print(f"  the journal's throughput is {share:.1%} below that with {other} kept")
    lags.sort()
    p50, p99 = (lags[int(len(lags) * part)] for part in (0.5, 0.99))
    print(f"  from an event to its commit: p50 {p50:.0f} ms, p99 {p99:.0f}, worst {lags[-1]:.0f}")


async def write_journal(plan: Plan) -> Path:
    """A journal of a million records, of which the last few have no answer."""
    session = await open_session(plan)
    journal = session._journal
    assert isinstance(journal, Journal)
    usage, price = Usage(160, 35), Decimal("0.000265")
    text = json.dumps({"category": "work", "confidence": 0.9, "summary": "x" * 200})
    for index in range(MILLION):
        journal.write(RecordRead(1.0, index, f"mail-{index:07d}"))
        journal.write(AttemptStarted(2.0, index, 1))
        if index < MILLION - LEFT:
            journal.write(AttemptEnded(3.0, index, Attempt(1, 2.0, 3.0, 200, usage=usage, cost=price)))
            answer = Success(text, text, 1, 1.0, usage, price, "work", f"{session.run_id}/{index}", index + 1)
            journal.write(RequestEnded(3.0, index, answer))
        if index % 500 == 0:
            journal.flush()
            await journal.synced()
    await journal.claim(MILLION)
    journal.write(PhaseChanged(4.0, "ended", "stopped"))
    journal.close()
    await session.aclose()
    return journal.path


async def resume(url: str) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        given = Path(folder) / "million.jsonl"
        text = next(iter(emails(1))).fields["content"]
        with given.open("w") as file:
            for index in range(MILLION):
                file.write(json.dumps({"id": f"mail-{index:07d}", "content": f"{text} {index}"[:950]}) + "\n")
        settings = RunSettings(concurrency=100)
        plan = Plan(path=str(given), gateway=url, settings=settings, journal=Path(folder) / "journal.db")
        environ = {"ANTHROPIC_API_KEY": "sk-ant-benchmark-0123456789"}
        path = await write_journal(plan)
        print(f"  {path.stat().st_size / 1e6:,.0f} MB of journal, {path.stat().st_size / MILLION:,.0f} bytes each")
        begun = time.perf_counter()
        going = await look_back(path, plan, environ)
        looked = time.perf_counter() - begun
        session = await open_resumed(going, plan, Choices(), environ)
        ready = time.perf_counter() - begun
        result = await session.run()
        done = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  reused {going.contract.reused:,}, perhaps billed {going.contract.ambiguous:,}")
        times = f"contract after {looked:.1f} s, ready after {ready:.1f} s, done after {done:.1f} s"
        print(f"  {times}; {peak:.0f} MB")
        print(f"  {result.outcome}: {result.snapshot.counts.succeeded:,} answers")


def main() -> None:
    process.prepare()
    with serving() as (quick, slow), asyncio.Runner(loop_factory=process.new_loop) as runner:
        runner.run(resume(quick) if "--resume" in sys.argv else cost(slow))


if __name__ == "__main__":
    main()
