"""Kill -9 at random moments, resume, until every run is done: what was lost, what was paid twice, what was told.

    python benchmarks/crash.py --trials 200 --in-flight 100 --gateway portkey    # about six minutes

Each trial is one kill. The simulator's ledger says what was paid; the contract of each resume says what may have
been. The gateway is the real Portkey gateway, if it is installed (npm ci --prefix tests/e2e/gateway).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.e2e.conftest import PortkeyGateway, Simulator, ask
from tests.e2e.crashing import Campaign, Kill, Verdict, target_of

# Every other run meets refusals and errors too, so that some requests wait to be sent again when the kill comes.
FAULTS = ({}, {"rate_429": 0.05, "rate_500": 0.05, "retry_after_s": 1})
KILLS_PER_RUN = 5


@contextmanager
def simulator() -> Iterator[Simulator]:
    command = [sys.executable, "-m", "dagtui.simulator", "--port", "0", "--exit-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Simulator(json.loads(process.stdout.readline())["url"])


def trials(arguments: argparse.Namespace, provider: Simulator, gateway: str | None) -> list[Verdict]:
    draw, verdicts, done = random.Random(arguments.seed), list[Verdict](), 0
    while done < arguments.trials:
        ask(f"{provider.url}/sim/knobs", "PATCH", {"latency_median_s": 0.3, "rate_429": 0, "rate_500": 0})
        provider.turn(**FAULTS[len(verdicts) % len(FAULTS)])
        with tempfile.TemporaryDirectory() as folder:
            campaign = Campaign(
                Path(folder),
                provider,
                target_of(provider, gateway),
                draw,
                records=arguments.records,
                in_flight=arguments.in_flight,
            )
            verdict = campaign.run(min(KILLS_PER_RUN, arguments.trials - done), arguments.longest)
        verdicts.append(verdict)
        done += len(verdict.kills)
        print(f"\r{done} of {arguments.trials} kills, {len(verdicts)} runs ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return verdicts


def spread(numbers: list[int]) -> str:
    middle = statistics.median(numbers)
    return f"{middle:>8g} {statistics.mean(numbers):>8.1f} {max(numbers):>8}"


def table(verdicts: list[Verdict], seconds: float, at_most: int) -> bool:
    kills: list[Kill] = [kill for verdict in verdicts for kill in verdict.kills]
    told = [kill for kill in kills if kill.listed is not None]
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    beyond = sum(len(kill.paid) > at_most + kill.just_answered for kill in kills)
    print(f"{len(kills)} kills in {len(verdicts)} runs of {verdicts[0].records} records, {seconds:.0f} s")
    print(f"{'':<48} {'median':>8} {'mean':>8} {'max':>8}")
    print(f"{'in flight at the kill':<48} {spread([kill.in_flight for kill in kills])}")
    print(f"{'listed as perhaps billed':<48} {spread([len(kill.listed or ()) for kill in told])}")
    print(f"{'paid twice':<48} {spread([len(kill.paid) for kill in kills])}")
    print(f"{'milliseconds of answers that were not on disk':<48} {spread([round(1e3 * k.late) for k in kills])}")
    print(f"{'answers told more than 50 ms before':<48} {spread([kill.acknowledged for kill in kills])}")
    verdict = {
        "told more than 50 ms before, and lost": sum(len(kill.lost) for kill in kills),
        "paid twice and not listed": sum(len(kill.unlisted) for kill in told),
        "kills with more paid twice than in flight + 50 ms": beyond,
        "records lost, doubled or torn; answers asked again": len(problems),
    }
    for words, number in verdict.items():
        print(f"{words:<52} {number:>4}")
    for problem in problems[:10]:
        print(f"  {problem}")
    return not any(verdict.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--records", type=int, default=600)
    parser.add_argument("--longest", type=float, default=1.0, help="seconds from the first request to the kill")
    parser.add_argument("--gateway", choices=("portkey", "simulator"), default="portkey")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, simulator() as provider:
        gateway = PortkeyGateway(Path(folder) / "gateway.log") if arguments.gateway == "portkey" else None
        if gateway is not None:
            gateway.start()
        try:
            verdicts = trials(arguments, provider, gateway.url if gateway is not None else None)
        finally:
            if gateway is not None:
                gateway.kill()
    sys.exit(not table(verdicts, time.monotonic() - begun, arguments.in_flight))


if __name__ == "__main__":
    main()
