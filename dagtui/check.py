"""`dagtui check`: everything that a run needs, looked at before the run; each line says what to do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dagtui.core.errors import DagtuiError, ExitCode
from dagtui.core.model import Usage
from dagtui.core.pricing import PriceTable
from dagtui.core.text import named, visible
from dagtui.plan import Plan, chosen_models, look_at, probe_gateway, problems, task_fields

_SMALLEST_SCREEN = (60, 15)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, if it is well, and what it is or what to do; a run ends with `code`."""

    subject: str
    well: bool
    text: str
    code: ExitCode = ExitCode.CONFIGURATION


async def check_all(plan: Plan, say: Callable[[str], None]) -> ExitCode:
    """Look at everything that `plan` needs and say what was found; OK only if all is well."""
    worst = ExitCode.OK
    looks: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
        ("terminal", lambda: _terminal()),
        ("task", lambda: _task(plan)),
        ("model", lambda: _model(plan)),
        ("gateway", lambda: _gateway(plan)),
    ]
    if plan.path:
        looks.insert(1, ("file", lambda: _file(plan)))
    for subject, look in looks:
        try:
            finding = await look()
        except DagtuiError as error:
            finding = Finding(subject, False, str(error), error.exit_code)
        if not finding.well:
            worst = worst or finding.code
        say(f"{'ok ' if finding.well else '!! '} {finding.subject:<9} {visible(finding.text)}")
    return worst


async def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", True, "none; runs will be told in plain lines")
    size = shutil.get_terminal_size()
    colour = (
        "no colour (NO_COLOR is set)"
        if os.environ.get("NO_COLOR")
        else os.environ.get("COLORTERM") or "256 colours"
    )
    shown = f"{size.columns}x{size.lines}, {colour}"
    if size.columns < _SMALLEST_SCREEN[0] or size.lines < _SMALLEST_SCREEN[1]:
        return Finding("terminal", False, f"{shown}; the app needs 60x15 at least, 160x48 shows all of it")
    return Finding("terminal", True, shown)


async def _file(plan: Plan) -> Finding:
    view = await look_at(plan.path, plan.format)
    found = problems(plan, view)
    if problem := found.get("file"):
        return Finding("file", False, problem, ExitCode.BAD_INPUT)
    told = f"{view.name}: {view.format}, {view.records:,} records, {', '.join(map(named, view.columns))}"
    return Finding("file", True, f"{told}; {view.name}: {view.twice}" if view.twice else told)


async def _task(plan: Plan) -> Finding:
    fields = ", ".join(task_fields(plan)) or "whatever it likes"
    if plan.path and (problem := problems(plan, await look_at(plan.path, plan.format)).get("task")):
        return Finding("task", False, problem, ExitCode.BAD_INPUT)  # the task itself is well: it was asked above
    return Finding("task", True, f"{plan.task}, reads {fields}")


async def _model(plan: Plan) -> Finding:
    prices = PriceTable(plan.prices)
    million = Usage(1_000_000, 0), Usage(0, 1_000_000)
    told: list[str] = []
    priced = True
    for choice in chosen_models(plan):
        costs = [prices.cost(choice.provider, choice.model, usage) for usage in million]
        if costs[0] is None or costs[1] is None:
            priced = False
            told.append(f'{choice.model} has no known price; add [prices."{choice.model}"] to dagtui.toml')
        else:
            told.append(f"{choice.model}, ${costs[0]:.2f} in and ${costs[1]:.2f} out a million tokens")
    return Finding("model", priced, "; ".join(told) or "chosen by the plugin, record by record")


async def _gateway(plan: Plan) -> Finding:
    return Finding("gateway", True, await probe_gateway(plan))
