"""What going on means: every request is in one class, and none that may have been billed is missing."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from dagtui.core.contract import Action, Choices, Contract, actions_of, contract_of
from dagtui.core.dag import Dag
from dagtui.core.past import Figures, Past
from dagtui.core.plugin import Dimension
from dagtui.core.store import RequestStore, State

ONE = Dag((Dimension("ask"),))
CHAIN = Dag((Dimension("second", needs=("first",)), Dimension("first"), Dimension("third", needs=("second",))))
Q, OK, BAD, SKIPPED, STOPPED = State.QUEUED, State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED


def past(states: list[State], dag: Dag = ONE, **parts: Any) -> Past:
    store = RequestStore(dag.names)
    for number in range(len(states) // len(dag)):
        store.add_record(f"r{number}")
    store.state[:] = bytes(states)
    nothing: frozenset[int] = frozenset()
    whole: dict[str, Any] = {
        "dimensions": dag.names,
        "session": 1,
        "store": store,
        "fingerprints": array("q"),
        "figures": Figures(),
        "claimed": 10_000,
        "graceful": False,
        "sent": nothing,
        "abandoned": nothing,
        "doubt": nothing,
        "again": nothing,
        "retry_at": {},
        "last": 100.0,
        "plan": {},
        "recipes": [{}],
        "inputs": [{}],
        "facts": {},
    }
    return Past(**{**whole, **parts})


def contract(
    gone: Past, dag: Dag = ONE, stale: frozenset[int] = frozenset(), records: int | None = None
) -> Contract:
    found = contract_of(gone, dag, stale, records or gone.records, ())
    sorts = (found.failed, found.stale, found.sent, found.perhaps, found.unsent)
    listed = [seq for sort in sorts for seq in sort]
    assert len(listed) == len(set(listed))
    assert len(listed) + found.reused == len(gone.store)
    return found


def test_after_a_crash_what_was_claimed_and_not_answered_may_have_left() -> None:
    found = contract(past([OK, BAD, Q, Q, Q, Q], claimed=5, sent=frozenset({2})))
    assert (found.reused, found.failed, found.sent, found.perhaps, found.unsent) == (1, (1,), (2,), (3, 4), (5,))


def test_after_an_orderly_end_nothing_has_left_unnoticed() -> None:
    found = contract(past([OK, Q, STOPPED, STOPPED], graceful=True, abandoned=frozenset({2})))
    assert (found.sent, found.perhaps, found.unsent) == ((2,), (), (1, 3))


@pytest.mark.parametrize(("due", "listed"), [(50.0, True), (104.0, True), (160.0, False)])
def test_what_waited_to_be_sent_again_may_have_left_if_it_was_due(due: float, listed: bool) -> None:
    found = contract(past([Q], retry_at={0: due}))
    assert (found.perhaps == (0,)) == listed
    assert (found.unsent == (0,)) != listed


def test_what_is_in_doubt_from_earlier_sessions_stays_so_until_it_is_answered() -> None:
    states = [OK, BAD, Q, SKIPPED, STOPPED, Q]
    found = contract(past(states, graceful=True, doubt=frozenset({0, 1, 2, 3, 4})))
    assert (found.reused, found.failed, found.perhaps, found.unsent) == (1, (1,), (2, 3, 4), (5,))


def test_records_that_were_claimed_and_not_read_count_and_so_do_those_in_doubt() -> None:
    assert contract(past([OK, Q], claimed=5), records=100).unread == 3
    assert contract(past([OK, Q], claimed=5), records=3).unread == 1
    gone = past([OK, OK], graceful=True, doubt=frozenset({2, 3}))
    found = contract(gone, records=100)
    assert (found.unread, found.ambiguous, found.new) == (2, 2, 96)


def test_what_was_opened_again_is_open_whatever_became_of_it_before() -> None:
    again = frozenset(range(5))
    found = contract(past([OK, OK, BAD, SKIPPED, STOPPED], again=again), stale=(1,))
    assert (found.reused, found.perhaps, found.stale, found.failed) == (1, (1, 2, 3, 4), (), ())


def test_of_what_builds_on_others_only_that_may_have_left_whose_needs_are_met_or_in_flight() -> None:
    # second, first, third of three records
    states = [Q, OK, Q, Q, Q, Q, OK, OK, Q]
    found = contract(past(states, CHAIN, sent=frozenset({4})), CHAIN)
    assert found.sent == (4,)
    assert found.perhaps == (0, 3, 8)
    assert found.unsent == (2, 5)


def test_what_is_left_out_takes_with_it_what_builds_on_it_and_answers_stay() -> None:
    gone = past([Q, Q, Q, OK, OK, OK], CHAIN, sent=frozenset({1}))
    actions = actions_of(gone, CHAIN, contract(gone, CHAIN), Choices(ambiguous="skip"))
    assert list(actions) == [Action.LEAVE] * 3 + [Action.KEEP] * 3


def test_what_builds_on_something_asked_again_is_looked_at_again() -> None:
    gone = past([OK, OK, OK], CHAIN, graceful=True)
    found = contract(gone, CHAIN, stale=(1,))
    assert list(actions_of(gone, CHAIN, found, Choices())) == [Action.CHECK, Action.ASK, Action.CHECK]
    assert list(actions_of(gone, CHAIN, found, Choices(stale="keep"))) == [Action.KEEP] * 3
