"""From a record to the request that asks one dimension of it, by the plugin's own code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dagtui.core.dag import Dag
from dagtui.core.errors import BadInput
from dagtui.core.fingerprint import Fingerprints
from dagtui.core.model import Outcome, Prompt, ProviderChoice, Record, Request, Success, Value
from dagtui.core.output import with_instruction
from dagtui.core.plugin import Context, Plugin

_NONE: Mapping[str, Value] = {}


class Builder:
    """Builds the requests of one run."""

    def __init__(self, plugin: Plugin, dag: Dag, run_id: str, fingerprints: Fingerprints | None = None) -> None:
        self.takes_time = False
        """Whether the plugin's methods have to be waited for."""
        self._plugin = plugin
        self._dag = dag
        self._run_id = run_id
        self._fingerprints = fingerprints
        self._choices: dict[int, ProviderChoice] = {}

    async def build(
        self, record: Record, position: int, outcomes: Mapping[str, Outcome], max_tokens: int | None = None
    ) -> Request:
        """The request, given the `outcomes` of the dimensions that it needs. With `max_tokens` its answer may
        have so many; its fingerprint stays what it was, since the answer counts as that of the request.

        Raises:
            BadInput: the record lacks what the prompt needs.
            Exception: whatever the plugin raises.
        """
        dimension = self._dag.dimensions[position]
        answers = _NONE
        if dimension.needs:
            found = ((name, outcomes[name]) for name in dimension.needs)
            answers = {name: outcome.value for name, outcome in found if isinstance(outcome, Success)}
        context = Context(dimension, record.fields, answers)
        prompt = self._plugin.create_prompt(context)
        if not isinstance(prompt, str | Prompt):
            self.takes_time = True
            prompt = await prompt
        choice = self._plugin.select_provider(context)
        if not isinstance(choice, ProviderChoice):
            self.takes_time = True
            choice = await choice
        choice = self._known(position, choice)
        whole = with_instruction(prompt, dimension)
        if not whole.user or whole.user.isspace():
            raise BadInput(f'the prompt of "{dimension.name}" is empty for this record')
        seq = self._dag.seq(record.index, position)
        mark = 0 if self._fingerprints is None else self._fingerprints.of(dimension, choice, whole)
        if max_tokens is not None and max_tokens != choice.max_tokens:
            choice = self._known(~position, replace(choice, max_tokens=max_tokens))
        return Request(seq, record.id, dimension.name, whole, choice, f"{self._run_id}/{seq}", mark)

    def _known(self, position: int, choice: ProviderChoice) -> ProviderChoice:
        """The object that stood for an equal choice before: a gateway prepares each only once."""
        known = self._choices.get(position)
        if known is not None and (known is choice or known == choice):
            return known
        self._choices[position] = choice
        return choice
