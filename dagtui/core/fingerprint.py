"""What an answer depends on, as one number: the same number, the same question asked the same way.

It counts the messages as they are sent, the model, every sampling and format parameter, the route to it, the
schema of the answer and the version of our own parser. It does not count concurrency, retries, timeouts or the
budget, which change how an answer is come by, but not what it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from dagtui.core.model import Prompt, ProviderChoice
from dagtui.core.plugin import Dimension

PARSER_VERSION = 1
"""To be raised when `core.output` begins to read another value out of the same text."""

_BYTES = 8  # 64 bits: two requests at the same place share a number once in 10^19


def recipe(dimension: Dimension, choice: ProviderChoice, route: Mapping[str, str]) -> dict[str, Any]:
    """Everything but the messages, readable: what is compared, and shown, when a run goes on."""
    schema = None if dimension.output is None else dimension.output.model_json_schema()
    return {
        "parser": PARSER_VERSION,
        "route": dict(route),
        "provider": choice.provider,
        "model": choice.model,
        "max_tokens": choice.max_tokens,
        "temperature": choice.temperature,
        "parameters": dict(choice.parameters),
        "schema": schema,
    }


class Fingerprints:
    """Numbers the requests of one run. `route` says which way they go, in words."""

    def __init__(self, route: Mapping[str, str]) -> None:
        self._route = route
        self._begun: dict[tuple[str, int, str | None], tuple[ProviderChoice, Any]] = {}

    def of(self, dimension: Dimension, choice: ProviderChoice, prompt: Prompt) -> int:
        """The fingerprint: a whole number that fits into 64 bits with its sign, never 0."""
        system = prompt.system
        key = dimension.name, id(choice), system
        begun = self._begun.get(key)
        if begun is None or begun[0] is not choice:
            begun = choice, self._begin(dimension, choice, system)
            if len(self._begun) > 64:  # a task has few system texts; one that has many shall not be kept in memory
                self._begun.clear()
            self._begun[key] = begun
        state = begun[1].copy()
        state.update(prompt.user.encode("utf-8", "surrogatepass"))
        return int.from_bytes(state.digest(), "big", signed=True) or 1

    def _begin(self, dimension: Dimension, choice: ProviderChoice, system: str | None) -> Any:
        """The hash of all but the user's message, which each request goes on with."""
        text = json.dumps(recipe(dimension, choice, self._route), sort_keys=True, default=str)
        state = blake2b(text.encode("utf-8", "replace"), digest_size=_BYTES)
        if system is not None:
            state.update(b"%d " % len(system))  # so that no text can move from one message into the other
            state.update(system.encode("utf-8", "surrogatepass"))
        state.update(b"|")
        return state
