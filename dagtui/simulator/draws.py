"""Random figures that depend on the request and on nothing else.

Two runs over the same records meet the same faults and latencies at any concurrency, because nothing is drawn
from a shared sequence: each figure is a hash of the seed, the request and the figure's name.
"""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist

_NORMAL = NormalDist()
_SEEN_AT_MOST = 2_000_000


class Draws:
    """The random figures of one attempt; asking twice for the same name gives the same figure."""

    __slots__ = ("key",)

    def __init__(self, key: bytes) -> None:
        self.key = key

    def uniform(self, name: str) -> float:
        """A figure strictly between 0 and 1."""
        return (self._bits(name) + 0.5) / 2**53

    def lognormal(self, name: str, median: float, sigma: float) -> float:
        """A figure with this median whose logarithm has the standard deviation `sigma`."""
        if sigma == 0 or median == 0:
            return median
        return median * math.exp(sigma * _NORMAL.inv_cdf(self.uniform(name)))

    def index(self, name: str, count: int) -> int:
        """A position in a list of `count` things."""
        return self._bits(name) % count

    def _bits(self, name: str) -> int:
        digest = hashlib.blake2b(name.encode(), digest_size=8, key=self.key).digest()
        return int.from_bytes(digest, "little") >> 11


class DrawSource:
    """Gives each attempt its draws: by the seed, the body, and how often that body has passed before."""

    def __init__(self, seed: int) -> None:
        self._seed = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()
        self._passed: dict[int, int] = {}

    def digest(self, body: bytes) -> int:
        """What stands for a body in the other calls."""
        return int.from_bytes(hashlib.blake2b(body, digest_size=8, key=self._seed).digest(), "little")

    def draws(self, digest: int) -> Draws:
        """The draws of the next attempt with this body; the same ones until `passed` is called."""
        count = self._passed.get(digest, 0)
        return Draws(digest.to_bytes(8, "little") + count.to_bytes(8, "little") + self._seed)

    def passed(self, digest: int) -> None:
        """The attempt was not refused by a limit: the next one with this body gets other draws.

        A refused attempt does not count, or else the faults would depend on how often a client knocks.
        """
        if len(self._passed) >= _SEEN_AT_MOST:
            self._passed.clear()
        self._passed[digest] = self._passed.get(digest, 0) + 1

    def forget(self) -> None:
        """Start over: the next run meets the same draws as the first."""
        self._passed.clear()


def stable_hash(text: str) -> int:
    """A hash that is the same in every process, unlike `hash`."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")
