from __future__ import annotations

from dagtui.core.held import Hold, Holder
from dagtui.engine.watch import Watch

LIMIT, TOKENS, YOU = Hold(Holder.REQUESTS, 3000, "header"), Hold(Holder.INPUT, 9000), Hold(Holder.YOU, 10)


def test_what_binds_is_told_once_when_it_has_lasted() -> None:
    watch = Watch()
    told = [watch.look(hold) for hold in (LIMIT, LIMIT, LIMIT, TOKENS, LIMIT, TOKENS, TOKENS)]
    assert [line is not None for line in told] == [False, True, False, False, False, False, True]
    assert "3,000" in (told[1] or "")


def test_what_anybody_expects_is_not_told() -> None:
    watch = Watch()
    assert [watch.look(YOU) for _ in range(5)] == [None] * 5


def test_a_program_that_uses_up_its_core_says_so_where_it_is_what_binds() -> None:
    used = 0.0
    watch = Watch(lambda: used)
    watch.measure(10.0)
    used = 0.5
    watch.measure(11.0)
    assert watch.seen(YOU) is YOU
    used = 1.48
    watch.measure(12.0)
    assert watch.seen(YOU).by is Holder.CPU
    assert watch.seen(LIMIT) is LIMIT
