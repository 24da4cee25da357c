"""Revisions of a run: how often what it asks was changed on the way, and how many answers each has.

A session that asks otherwise than the one before begins a revision; one that only goes on does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dagtui.core.contract import differences


def revisions_of(recipes: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """The revision of each session, from 1; `recipes` are what the sessions' answers depend on, in order."""
    found: list[int] = []
    for number, recipe in enumerate(recipes):
        found.append(1 if not number else found[-1] + (recipe != recipes[number - 1]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of a run, of which the last is in force: answers `kept` from each of the earlier ones, and
    what was edited for each but the first, in a phrase.
    """

    kept: tuple[int, ...] = ()
    edits: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The one in force."""
        return len(self.edits) + 1

    def answers(self, succeeded: int) -> tuple[int, ...]:
        """Answers by revision, of so many in all."""
        return (*self.kept, max(0, succeeded - sum(self.kept)))


def edits_of(recipes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What was edited for each revision but the first."""
    return tuple(
        "; ".join(differences(before, after)) or "edited" for before, after in pairwise(recipes) if before != after
    )


def revisions(recipes: Sequence[Mapping[str, Any]], answers: Mapping[int, int]) -> Revisions:
    """Of a run with sessions of these `recipes`; `answers` counts those that are kept, by the number of the
    session that got them, from 1.
    """
    of_session = revisions_of(recipes)
    edits = edits_of(recipes)
    counts = [0] * (len(edits) + 1)
    for session, number in answers.items():
        if 1 <= session <= len(of_session):
            counts[of_session[session - 1] - 1] += number
    return Revisions(tuple(counts[:-1]), edits)
