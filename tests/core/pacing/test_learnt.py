from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from dagtui.core.pacing.departure import Kind
from dagtui.core.pacing.learnt import Bucket, Learnt, from_plain, to_plain
from dagtui.core.pacing.pacer import Pacer

NAMES = [kind.name.lower() for kind in Kind]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BUCKETS = st.dictionaries(
    st.sampled_from([*NAMES, "other"]),
    JUNK | st.fixed_dictionaries({}, optional=dict.fromkeys(("rate", "capacity", "trusted", "measured"), JUNK)),
)
POSITIVE = st.floats(1e-6, 1e11)


@given(
    st.builds(
        Learnt,
        st.dictionaries(
            st.sampled_from(Kind),
            st.builds(Bucket, POSITIVE, st.none() | POSITIVE, st.booleans(), st.booleans()),
        ),
        st.none() | st.integers(1, 10_000),
        st.none() | st.integers(1, 10_000),
        st.none() | POSITIVE,
        st.none() | POSITIVE,
    )
)
def test_what_was_learnt_survives_a_file(learnt: Learnt) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(learnt)))) == learnt


@given(
    JUNK
    | st.fixed_dictionaries(
        {},
        optional={
            "buckets": BUCKETS | JUNK,
            "concurrency": JUNK,
            "unlimited_in_flight": JUNK,
            "tokens_per_character": JUNK,
            "output": JUNK,
        },
    )
)
def test_what_cannot_be_read_is_not_known_and_a_run_begins_all_the_same(plain: object) -> None:
    learnt = from_plain(plain)
    assert learnt is None or isinstance(learnt, Learnt)
    pacer = Pacer(100.0, learnt=learnt)
    assert pacer.delay((1.0, 100.0, 100.0, 50.0), 100.0) >= 0.0


def test_figures_that_mean_nothing_are_left_out() -> None:
    buckets = {"requests": {"rate": -1}, "input": {"rate": True}, "actual_output": {"rate": 5, "capacity": "many"}}
    learnt = from_plain({"buckets": buckets, "concurrency": 0.5, "output": float("inf"), "unknown": 3})
    assert learnt == Learnt({Kind.ACTUAL_OUTPUT: Bucket(5.0)}, concurrency=1)
