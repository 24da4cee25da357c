"""How large a record's requests are: its prompts are built as a run builds them, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput
from dagtui.core.estimate import Asked, Built
from dagtui.core.model import Outcome, Record, Request, Success, Usage
from dagtui.core.pacing.costs import characters
from dagtui.core.plausible import AMOUNTS, Amount, answer_tokens, stand_in
from dagtui.core.plugin import Plugin
from dagtui.core.span import Span
from dagtui.core.text import one_line
from dagtui.core.token_guess import Experience, answer_seconds, prompt_tokens
from dagtui.engine.builder import Builder

_UNKNOWN_MOST = 1024  # tokens of an answer, where the model that gives it is not known yet
_KEPT = 3  # problems, of which the first is told


class Sizer:
    """Sizes records one after the other. `experience` goes before guesses, by question.

    `pace` tells the seconds until an answer of so many tokens, where that is known.

    Attributes:
        problems: why some requests cannot be asked, the first few.
        unsized: questions that could never be built although all that they need was there, and why.
    """

    def __init__(
        self, plugin: Plugin, experience: Mapping[str, Experience], pace: Callable[[Span], Span] | None
    ) -> None:
        self._dag = Dag(plugin.dimensions)
        self._builder = Builder(plugin, self._dag, "estimate")
        self._experience = experience
        self._pace = pace or answer_seconds
        self._outputs: dict[tuple[int, int], Span] = {}
        self._stand_ins: dict[tuple[int, Amount], Outcome] = {}
        self._most: dict[int, int] = {}
        self.names = self._dag.names
        self._levels = _levels(self._dag)
        self._order = sorted(range(len(self._dag)), key=self._levels.__getitem__)
        self.problems: list[str] = []
        self.unsized: dict[str, str] = {}
        self._built: set[str] = set()

    @property
    def depth(self) -> int:
        """How many questions of a record wait for each other, in a row."""
        return max(self._levels) + 1

    @property
    def placeholders(self) -> bool:
        """Whether some questions read answers that had to be made up."""
        return any(dimension.needs for dimension in self._dag.dimensions)

    @property
    def experienced(self) -> int:
        """Questions that an earlier run tells about."""
        return sum(name in self._experience for name in self.names)

    async def sizes(self, index: int, fields: Mapping[str, Any]) -> Built:
        """The requests of one record, by question; None is one that would not be asked."""
        record = Record(index, str(index), fields)
        built: list[Asked | None] = [None] * len(self._dag)
        for position in self._order:
            if all(built[need] is not None for need in self._dag.needs(position)):
                built[position] = await self._asked(record, position)
        return built

    async def _asked(self, record: Record, position: int) -> Asked | None:
        """One request. With answers that are made up it is built with short, plausible and long ones."""
        dimension = self._dag.dimensions[position]
        try:
            if not dimension.needs:
                likely = await self._builder.build(record, position, {})
                least = most = likely
            else:
                made_up = [self._answers(position, amount) for amount in AMOUNTS]
                least, likely, most = [await self._builder.build(record, position, one) for one in made_up]
        except Exception as error:  # the plugin is the user's own code
            self._note(dimension.name, error, needs=bool(dimension.needs))
            return None
        self._built.add(dimension.name)
        self.unsized.pop(dimension.name, None)
        self._most[position] = likely.choice.max_tokens
        return self._sized(position, least, likely, most)

    def _sized(self, position: int, least: Request, likely: Request, most: Request) -> Asked:
        choice, dimension = likely.choice, self._dag.dimensions[position]
        known = self._experience.get(dimension.name)
        spans = [
            known.input(characters(one)) if known else prompt_tokens(one.prompt.user, one.prompt.system)
            for one in (least, likely, most)
        ]
        inputs = Span(spans[0].low, spans[1].likely, spans[2].high)
        if known:
            output = known.output().capped(choice.max_tokens)
            seconds = known.seconds()
        else:
            output = self._output(position, choice.max_tokens)
            seconds = self._pace(output)
        return Asked(dimension.name, choice.provider, choice.model, inputs, output, seconds)

    def _output(self, position: int, max_tokens: int) -> Span:
        key = (position, max_tokens)
        if key not in self._outputs:
            self._outputs[key] = answer_tokens(self._dag.dimensions[position], max_tokens)
        return self._outputs[key]

    def _answers(self, position: int, amount: Amount) -> dict[str, Outcome]:
        return {self.names[need]: self._stand_in(need, amount) for need in self._dag.needs(position)}

    def _stand_in(self, position: int, amount: Amount) -> Outcome:
        found = self._stand_ins.get((position, amount))
        if found is None:
            value = stand_in(self._dag.dimensions[position], amount, self._most.get(position, _UNKNOWN_MOST))
            found = self._stand_ins[(position, amount)] = Success(value, "", 1, 0.0, Usage(), None)
        return found

    def _note(self, name: str, error: Exception, *, needs: bool) -> None:
        told = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        told = one_line(told, 200)
        if len(self.problems) < _KEPT:
            self.problems.append(told)
        if needs and name not in self._built and not isinstance(error, BadInput):
            self.unsized.setdefault(name, told)


def _levels(dag: Dag) -> list[int]:
    """How many questions come before each, in a row."""
    levels = [0] * len(dag)
    for _ in range(len(dag)):  # a chain is at most as long as there are questions
        for position in range(len(dag)):
            levels[position] = max((levels[need] + 1 for need in dag.needs(position)), default=0)
    return levels
