"""A sample that is spread evenly over a stream whose length nobody knows before its end, in bounded memory."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

_ALL = (1 << 64) - 1


class EvenSample(Generic[T]):
    """Keeps one of each block of neighbours, at a place in it that looks random but is the same each time.

    When there are more than `most`, or they weigh more than `most_weight`, blocks become twice as long, and of two
    neighbours in the sample one goes. Where in its block a member stands must not be regular: files are, too.
    """

    def __init__(self, most: int, most_weight: float) -> None:
        self._most = most
        self._most_weight = most_weight
        self._block = 1
        self._wanted = 0
        self._kept: list[tuple[T, float]] = []
        self._weight = 0.0

    @property
    def members(self) -> list[T]:
        """The sample so far, in the order of the stream."""
        return [member for member, _ in self._kept]

    def wants(self, index: int) -> bool:
        """Whether the one at `index` is to be added; every index is asked for once, in order."""
        return index == self._wanted

    def add(self, index: int, member: T, weight: float) -> None:
        """Take the one that was wanted."""
        self._kept.append((member, weight))
        self._weight += weight
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._weight > self._most_weight):
            self._halve()
        # The block that follows; the one of `index` has its member, even after blocks have grown.
        block = index // self._block + 1
        self._wanted = block * self._block + _chance(block, self._block) % self._block

    def _halve(self) -> None:
        self._block *= 2
        pairs = range(0, len(self._kept), 2)
        self._kept = [self._kept[min(i + _chance(i, self._block) % 2, len(self._kept) - 1)] for i in pairs]
        self._weight = sum(weight for _, weight in self._kept)


def _chance(place: int, block: int) -> int:
    """A number that depends on both in no simple way (the mixing of splitmix64)."""
    mixed = (place * 0x9E3779B97F4A7C15 + block * 0xD1B54A32D192ED03) & _ALL
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _ALL
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _ALL
    return mixed ^ mixed >> 31


def evenly(count: int, most: int) -> list[int]:
    """At most `most` places out of `count`, one of each of as many blocks, in order."""
    blocks = min(count, most)
    found: list[int] = []
    for block in range(blocks):
        first, end = block * count // blocks, (block + 1) * count // blocks
        found.append(first + _chance(block, end - first) % (end - first))
    return found
