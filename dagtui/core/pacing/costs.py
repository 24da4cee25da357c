"""What a request will take from the provider's buckets, guessed before it is sent.

Input tokens by the length of the text, at a ratio that is learnt from what answers report; output by what answers
came to so far, and never beyond max_tokens, which is what some providers reserve.
"""

from __future__ import annotations

from dagtui.core.model import Request, Usage
from dagtui.core.pacing.departure import Cost

_CHARACTERS = 4.0  # of one token, before anything is known; English text has about so many
_FIRST_OUTPUT = 50.0  # tokens, before anything is known
_SLOWEST = 0.02  # share of a new figure that always counts


class Costs:
    """Guesses, and learns from answers."""

    __slots__ = ("_answers", "output", "tokens_per_character")

    def __init__(self, tokens_per_character: float | None = None, output: float | None = None) -> None:
        self._answers = 0 if tokens_per_character is None or output is None else int(1 / _SLOWEST)
        self.tokens_per_character = tokens_per_character or 1.0 / _CHARACTERS
        self.output = output or _FIRST_OUTPUT

    def of(self, request: Request) -> Cost:
        """What `request` takes from each bucket."""
        most = float(request.choice.max_tokens)
        inputs = max(1.0, characters(request) * self.tokens_per_character)
        return (1.0, inputs, most, min(most, self.output))

    def learn(self, request: Request, usage: Usage) -> None:
        """What the answer to `request` came to."""
        self._answers += 1
        share = max(_SLOWEST, 1.0 / self._answers)
        length = characters(request)
        if length:
            self.tokens_per_character += share * (counted_input(usage) / length - self.tokens_per_character)
        self.output += share * (usage.output - self.output)


def characters(request: Request) -> int:
    """The length of what the model reads."""
    system = request.prompt.system
    return len(request.prompt.user) + (len(system) if system else 0)


def counted_input(usage: Usage) -> int:
    """Input tokens that count against the limit: Anthropic leaves out those read from a cache."""
    return usage.input + usage.cache_write
