"""Strips that go when nobody holds them.

Textual remembers in each strip what it was last divided into, and where that is the whole of it, the strip itself:
a cycle, which only the garbage collector takes apart. A screen that changes ten times a second leaves a thousand
of those a second, with twenty objects each. Collecting them stopped the loop for 11 ms every two seconds, and for
120 ms every other minute (8.2.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.strip import Strip

_divide = Strip.divide


def without_cycles() -> None:
    """Let strips not remember themselves, from now on."""
    Strip.divide = _divided


def _divided(self: Strip, cuts: Iterable[int]) -> Sequence[Strip]:
    whole = self.cell_length
    within = [cut for cut in cuts if cut <= whole]
    return [self] if within == [whole] else _divide(self, within)
