from __future__ import annotations

import pytest

from dagtui.core.dag import Dag, Frontier
from dagtui.core.errors import ConfigError
from dagtui.core.plugin import Dimension


def dag(*edges: tuple[str, tuple[str, ...]]) -> Dag:
    return Dag([Dimension(name, needs=needs) for name, needs in edges])


def test_a_need_that_is_not_declared_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        ConfigError, match=r'"reply" needs "triagge", which is not declared \(did you mean "triage"\?\)'
    ):
        dag(("triage", ()), ("reply", ("triagge",)))


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(ConfigError, match="circle: b -> c -> b"):
        dag(("a", ()), ("b", ("a", "c")), ("c", ("b",)))


def test_a_dimension_that_needs_itself_is_a_circle() -> None:
    with pytest.raises(ConfigError, match="circle: a -> a"):
        dag(("a", ("a",)))


def test_a_name_declared_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match='"a" is declared twice'):
        dag(("a", ()), ("a", ()))


def test_no_dimensions_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        Dag([])


def test_a_diamond_is_walked_in_order_and_its_end_waits_for_both_arms() -> None:
    diamond = dag(("top", ()), ("left", ("top",)), ("right", ("top",)), ("end", ("left", "right")))
    frontier = Frontier(diamond)
    assert frontier.start() == (0,)
    assert frontier.end(0, succeeded=True).ready == (1, 2)
    assert frontier.end(2, succeeded=True).ready == ()
    assert frontier.end(1, succeeded=True).ready == (3,)
    assert not frontier.finished
    frontier.end(3, succeeded=True)
    assert frontier.finished


def test_a_failure_skips_everything_below_it_once() -> None:
    diamond = dag(("top", ()), ("left", ("top",)), ("right", ("top",)), ("end", ("left", "right")))
    frontier = Frontier(diamond)
    step = frontier.end(0, succeeded=False)
    assert step.skipped == (1, 2, 3)
    assert frontier.finished


def test_one_arm_may_fail_while_the_other_goes_on() -> None:
    frontier = Frontier(dag(("left", ()), ("right", ()), ("end", ("left", "right"))))
    assert frontier.end(0, succeeded=False).skipped == (2,)
    assert frontier.end(1, succeeded=True).ready == ()
    assert frontier.finished
