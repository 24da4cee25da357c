"""The simulator's tokens."""

from __future__ import annotations

CHARACTERS_A_TOKEN = 4
"""What English text comes to with the tokenizers in use, roughly; the simulator's tokens are exactly this."""


def count_tokens(text: str) -> int:
    """Tokens in a text: four characters each, the last one possibly shorter."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def cut_to_tokens(text: str, tokens: int) -> str:
    """The first `tokens` tokens of a text."""
    return text[: tokens * CHARACTERS_A_TOKEN]
