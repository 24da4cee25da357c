"""Runs that sort into categories and keep journals, made in virtual time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.model import Request
from dagtui.core.plan import Plan
from dagtui.core.plugin import Dimension
from dagtui.core.result import RunResult
from dagtui.core.run_settings import RunSettings
from dagtui.io.plan_file import plan_to_plain
from dagtui.past.runs import runs_folder
from dagtui.session import Session
from dagtui.testing import FakeGateway, records
from tests.engine.harness import PRICES, Asking
from tests.journaled import _AtOnce, in_virtual_time


class Answer(BaseModel):
    category: str


def kept_run(
    name: str,
    answers: Sequence[str],
    *,
    title: str = "emails.csv · email · demo",
    ids: Sequence[str] | None = None,
    content: str = "the same",
    concurrency: int = 4,
    latency: float = 0.3,
    drained: bool = False,
) -> Path:
    """A run called `name` in the folder of runs; an empty answer is a failure. The journal's path."""
    path = runs_folder() / name / "journal.db"
    path.parent.mkdir(parents=True)
    in_virtual_time(_kept(path, name, answers, title, ids, content, concurrency, latency, drained))
    return path


async def _kept(
    path: Path,
    name: str,
    answers: Sequence[str],
    title: str,
    ids: Sequence[str] | None,
    content: str,
    concurrency: int,
    latency: float,
    drained: bool,
) -> RunResult:
    def answer(request: Request, attempt: int) -> str | GatewayError:
        told = answers[request.seq]
        return json.dumps({"category": told}) if told else GatewayError(ErrorKind.BAD_REQUEST, "no", status=400)

    file = title.split(" · ")[0]
    plugin = Asking(Dimension("analyze_email", output=Answer, category="category"))
    plan = Plan(path=f"/data/{file}", gateway="demo", settings=RunSettings(concurrency=concurrency))
    given = {"path": f"/data/{file}", "content": content, "size": 1, "records": len(answers), "format": "csv"}
    facts = {"id": name, "title": title, "dimensions": ["analyze_email"]}
    recipe = {"analyze_email": {"provider": "fake", "model": "fake-model", "max_tokens": 150, "temperature": 0.1}}
    journal = _AtOnce(path, facts, plan_to_plain(plan), recipe, given, None)
    names = ids or [f"email-{number:03}" for number in range(1, len(answers) + 1)]
    session = Session(
        plugin=plugin,
        records=records({"id": one, "text": one} for one in names),
        gateway=FakeGateway(answer, latency),
        settings=plan.settings,
        prices=PRICES,
        run_id=name,
        title=title,
        journal=journal,
    )
    if drained:
        session.start()
        session.drain("drained by you")
    return await session.run()
