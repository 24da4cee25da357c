"""Every scenario against the least time that it can take, judged by the simulator's ledger.

    python benchmarks/scenarios.py                   # three seeds, about ten minutes
    python benchmarks/scenarios.py tight --seeds 1   # one scenario, one seed

Each run has a simulator of its own, in real time over real sockets. A cold run is told nothing; a warm one knows
what a cold one before it has learnt; a told one has the limit from the user. Printed are, over the seeds, the
worst ratio of the run's time to its bound, the worst share of records refused, what failed, what was paid for
twice, and the processor seconds of a thousand records. The bound is the ideal replay of `dagtui.simulator.bound`;
beside it stands the ratio to the limit alone and the longest answer, which no order of things can beat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from main_job import PRICES, emails

from dagtui import GatewaySettings, Portkey, RunSettings, Session, process
from dagtui.core.pacing.learnt import Learnt
from dagtui.io.simulator_process import start_simulator
from dagtui.io.tasks import load_task
from dagtui.simulator.scenarios import SCENARIOS, Scenario

AT_ONCE = 6  # runs beside each other; each takes a tenth of a core
TOLD: dict[str, dict[str, float]] = {
    "tight": {"requests": 3000},
    "small": {"requests": 50},
    "tokens": {"requests": 6000, "input": 420_000, "output": 240_000},
}
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def run(scenario: Scenario, seed: int, learnt: dict[str, Learnt] | None, **settings: Any) -> dict[str, Any]:
    """One run, by the ledger."""
    simulator = await start_simulator(seed=seed, scenario=scenario.name)
    retry = {"attempts": scenario.gateway_retries, "on_status_codes": [429, 500, 502, 503, 504]}
    config = json.dumps({"retry": retry}) if scenario.gateway_retries else None
    chosen: dict[str, Any] = {"concurrency": scenario.concurrency, **settings}
    if scenario.timeout is not None:
        chosen["timeout"] = scenario.timeout
    session = Session(
        plugin=load_task("email"),
        records=emails(scenario.records),
        gateway=Portkey(GatewaySettings(base_url=simulator.url, config=config)),
        settings=RunSettings(**chosen),
        prices=PRICES,
        learnt=learnt,
        seed=seed,
    )
    before = time.process_time()
    result = await session.run()
    used = time.process_time() - before
    bound = await simulator.bound(scenario.concurrency)
    entries = await asyncio.to_thread(_entries, simulator.url)
    await simulator.aclose()
    statuses = Counter(entry["status"] for entry in entries)
    paid = Counter(entry["trace_id"].rpartition("/")[0] for entry in entries if entry["status"] == 200)
    longest = max(entry["latency_s"] for entry in entries if entry["status"] == 200)
    return {
        **bound,
        "plain": bound["span"] / (bound["fluid"] + longest) if bound["fluid"] else None,
        "refused": statuses[429] / scenario.records,
        "refusals": statuses[429],
        "failed": result.snapshot.counts.failed,
        "twice": sum(count > 1 for count in paid.values()),
        "cpu": used / scenario.records * 1000,
        "learnt": session.learnt(),
    }


def _entries(url: str) -> list[dict[str, Any]]:
    with _direct.open(f"{url}/sim/ledger", timeout=60) as answer:
        return json.loads(answer.read())["entries"]


async def runs(name: str, seed: int) -> dict[str, dict[str, Any]]:
    """Cold, warm, and told or hedged where the scenario has such a run."""
    process.prepare()
    scenario = SCENARIOS[name]
    cold = await run(scenario, seed, None)
    found = {"cold": cold}
    if scenario.knobs.get("requests_per_minute") and name not in ("shared", "halving"):
        found["warm"] = await run(scenario, seed, cold["learnt"])
    if name in TOLD:
        found["told"] = await run(scenario, seed, None, limits=TOLD[name])
    if name == "flaky":
        found["--hedge"] = await run(scenario, seed, None, hedge=True)
    for one in found.values():
        del one["learnt"]
    return found


def in_a_process(name: str, seed: int) -> dict[str, dict[str, Any]]:
    """A run in a process of its own, so that many can go on beside each other."""
    command = [sys.executable, __file__, "--one", name, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    if done.returncode:
        raise SystemExit(f"{name}, seed {seed}: {done.stderr}")
    return json.loads(done.stdout)


def table(results: dict[tuple[str, int], dict[str, dict[str, Any]]], names: list[str]) -> None:
    """The worst of the seeds of each kind of run."""
    columns = (("seconds", 8), ("bound", 8), ("ratio", 8), ("to limit", 10))
    columns += (("429s", 8), ("failed", 8), ("twice", 7))
    print(f"{'scenario':<19}" + "".join(f"{name:>{width}}" for name, width in columns) + f"{'CPU s/1,000':>13}")
    for name in names:
        by_seed = [found for (other, _), found in results.items() if other == name]
        for kind in by_seed[0]:
            found = [one[kind] for one in by_seed]
            worst = max(found, key=lambda one: one["ratio"])
            plain = max((one["plain"] for one in found if one["plain"]), default=None)
            few = SCENARIOS[name].records < 100
            refused = max(one["refused"] for one in found)
            refusals = f"{max(one['refusals'] for one in found)}" if few else f"{refused:.2%}"
            print(
                f"{name + ' ' + kind:<19}{worst['span']:>8.2f}{worst['seconds']:>8.2f}{worst['ratio']:>8.3f}"
                f"{plain if plain is not None else float('nan'):>10.3f}{refusals:>8}"
                f"{sum(one['failed'] for one in found):>8}{sum(one['twice'] for one in found):>7}"
                f"{max(one['cpu'] for one in found):>13.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *SCENARIOS], metavar="SCENARIO")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("SCENARIO", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asyncio.run(runs(given.one[0], int(given.one[1])))))
        return
    names, begun = given.names or list(SCENARIOS), time.perf_counter()
    wanted = [(name, seed) for name in names for seed in range(given.seeds)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = dict(zip(wanted, pool.map(lambda one: in_a_process(*one), wanted), strict=True))
    table(results, names)
    print(f"({given.seeds} seeds, the worst of each; {time.perf_counter() - begun:.0f} s in all)")


if __name__ == "__main__":
    main()
