"""`python -m dagtui.simulator`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dagtui.simulator.knobs import KnobError, read_changes
from dagtui.simulator.process import Options, serve
from dagtui.simulator.scenarios import SCENARIOS, UnknownScenarioError
from dagtui.simulator.story import knobs_and_steps


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and serve until a signal ends it."""
    parser = argparse.ArgumentParser(
        prog="python -m dagtui.simulator",
        description="A simulated model provider. When ready it prints its URL as one JSON line.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one (default)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same faults and answers")
    parser.add_argument("--knobs", default="{}", metavar="JSON", help='such as {"requests_per_minute": 600}')
    scenarios = f"play one of: {', '.join(SCENARIOS)}; --knobs win"
    parser.add_argument("--scenario", metavar="NAME", help=scenarios)
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input does")
    given = parser.parse_args(arguments)
    try:
        knobs, steps = knobs_and_steps(given.scenario, read_changes(given.knobs))
    except (KnobError, UnknownScenarioError) as error:
        print(error, file=sys.stderr)
        return 2
    playing = given.scenario or ""
    serve(Options(given.host, given.port, given.seed, knobs, steps, playing, given.exit_with_stdin))
    return 0


if __name__ == "__main__":
    sys.exit(main())
