"""An edit tried on some records: a session of its own, without a journal, through the gateway of the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dagtui.core.events import Event, RequestEnded
from dagtui.core.model import Failure, Outcome, Record, Skipped, Success
from dagtui.core.plan import Plan
from dagtui.core.plugin import Plugin
from dagtui.core.preview import Answered
from dagtui.core.pricing import PriceTable
from dagtui.core.run_settings import RunSettings
from dagtui.gateways import open_gateway
from dagtui.session import Session, new_run_id


@dataclass(frozen=True, slots=True)
class Tried:
    """A preview at an end: what it cost, in dollars (None where no price is known), and why it stopped early."""

    spent: Decimal | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of which records: `kept` are their answers that stay, by record, `most` the dollars that it
    may cost at most.
    """

    plan: Plan
    plugin: Plugin
    records: Sequence[Record]
    kept: Sequence[Mapping[str, Outcome]]
    most: Decimal | None


async def ask(
    asking: Asking,
    asked: Sequence[int],
    prices: PriceTable,
    environ: Mapping[str, str],
    tell: Callable[[int, Answered], None],
) -> Tried:
    """Ask, and `tell` each answer with its place: of the questions at the positions `asked`, record by record.

    Raises:
        DagtuiError: the gateway cannot be opened.
    """
    plan, run_id = asking.plan, f"{new_run_id()}-preview"
    gateway, _, simulator = await open_gateway(plan, asking.plugin, asking.records[0], environ, run_id)
    session = Session(
        plugin=asking.plugin,
        records=list(asking.records),
        gateway=gateway,
        settings=_settings(plan.settings, len(asking.records), asking.most),
        prices=prices,
        sinks=[_Listening(len(asking.plugin.dimensions), asked, tell)],
        earlier=_Given(asking.kept),
        run_id=run_id,
        owned=[simulator.aclose] if simulator else [],
    )
    result = await session.run()
    ended_well = result.outcome in ("complete", "partial")
    return Tried(result.snapshot.money.spent, "" if ended_well else result.reason)


def _settings(run: RunSettings, records: int, most: Decimal | None) -> RunSettings:
    """As the run asks, but all at once, and within what was said that it costs at most."""
    return RunSettings(
        concurrency=min(records, run.concurrency),
        attempts=run.attempts,
        timeout=run.timeout,
        deadline=run.deadline,
        requests_per_minute=run.requests_per_minute,
        limits=run.limits,
        retries_by=run.retries_by,
        max_cost=most,
    )


class _Listening:
    """A sink that tells each answer with its place."""

    essential = False
    wants: Collection[type[Event]] | None = (RequestEnded,)

    def __init__(self, width: int, asked: Sequence[int], tell: Callable[[int, Answered], None]) -> None:
        self._width = width
        self._asked = asked
        self._tell = tell

    def write(self, event: Event) -> None:
        """Tell an answer to what was asked."""
        if isinstance(event, RequestEnded):
            record, position = divmod(event.seq, self._width)
            if position in self._asked:
                place = record * len(self._asked) + self._asked.index(position)
                self._tell(place, _told(event.outcome))

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Nothing is held."""


class _Given:
    """The answers that the run has already; fulfils `core.ports.Earlier`, for records that are new here."""

    tells = False
    again: tuple[int, ...] = ()
    left: tuple[int, ...] = ()

    def __init__(self, kept: Sequence[Mapping[str, Outcome]]) -> None:
        self._kept = kept

    def settled(self, index: int) -> bool:
        """Of each record something is asked."""
        return False

    def knows(self, index: int) -> bool:
        """None was read before."""
        return False

    def kept(self, index: int) -> Mapping[str, Outcome]:
        """What is not asked again of a record."""
        return self._kept[index]

    def left_as(self, seq: int) -> Outcome:
        """Nothing is left out."""
        return Skipped("")

    def same(self, seq: int, fingerprint: int) -> Success | None:
        """A preview asks in any case."""
        return None


def _told(outcome: Outcome) -> Answered:
    if isinstance(outcome, Success):
        return Answered(outcome.text, outcome.category, outcome.cost)
    if isinstance(outcome, Failure):
        return Answered(cost=outcome.cost, problem=outcome.error.message)
    return Answered(problem=outcome.reason)
